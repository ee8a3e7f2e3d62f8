"""Exported networks, broken and mended: every claim is judged by a count of our own (onnx_by_hand) at every size.

The evaluator itself is held against what onnxruntime did (../shared/zoo). What is counted stands in
docs/fixes-measured.md.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product
from math import floor
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from shapelint.analysis import Analysis
from shapelint.finding import Applicability, Severity
from shapelint.fixing.apply import write_onnx
from shapelint.fixing.menu import Offer, offers
from shapelint.fixing.patch import GraphPatch
from shapelint.registry import run_checks
from shapelint.settings import Settings, Stated, Where
from shapelint.size.parse import parse_domain
from shapelint.source.onnx import read_model

from .broken_onnx import CURES, KINDS, Break, baked, broken
from .onnx_by_hand import IllFormed, Machine, NotKnown, sweep
from .shared import CHECKOUT, SHARED, needs_shared, zoo_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPTO = 160
LARGE = ("diff_aekl", "diff_oobleck", "tr_dac", "timm_vit_fixed", "smp_segformer_mitb0__dynamo", "tv_swin_t")
"""Networks of hundreds of nodes: not broken here, to save time; of the last the evaluator does not know an operator."""
PAGE = CHECKOUT / "docs" / "fixes-measured.md"
STARTS = [f"| {kind} | " for kind in CURES]
COLUMNS = ("changed", "broken", "menus", "inverse", "claimed", "applied")
MOST = 2
"""Breaks of one kind in one network."""


@dataclass
class Net:
    """A network of the zoo as the evaluator sees it."""

    name: str
    model: onnx.ModelProto
    input: str
    base: list[int]
    axes: list[int]
    step: int
    """All multiples of this from `first` to UPTO run along every axis."""
    first: int
    same: bool
    """Whether the first output is as large as the input at those."""

    @property
    def domain(self) -> str:
        """The sizes that are stated: four or five multiples."""
        return f"{self.first}..{self.first + 4 * self.step} step {self.step}"

    @property
    def stated(self) -> Stated:
        where = Where(None, parse_domain(self.domain), self.domain)
        output = self.model.graph.output[0].name
        return Stated(where=(where,), expect=("outputs[0].size == inputs[0].size",) if self.same and output else ())

    def runs(self, model: onnx.ModelProto, axis: int, base: list[int]) -> Any:
        """Whether it fits, for every size of an axis from 1 to UPTO, the others at `base`."""
        row = sweep(model, {self.input: base}, [(self.input, axis)], range(1, UPTO + 1))
        fits = row.fits
        if self.same:
            for place in self.axes:
                own = np.arange(1, UPTO + 1) if place == axis else base[place]
                fits = fits & (row.tensors[model.graph.output[0].name].shape[place] == own)
        return fits

    def fits_all_stated(self, model: onnx.ModelProto) -> bool:
        """Whether every combination of the stated sizes fits."""
        sizes = range(self.first, self.first + 4 * self.step + 1, self.step)
        columns = np.array(list(product(sizes, repeat=len(self.axes)))).T
        dims: list[Any] = list(self.base)
        for axis, column in zip(self.axes, columns, strict=True):
            dims[axis] = column
        try:
            machine = Machine(model, {self.input: dims}, columns.shape[1])
        except IllFormed:
            return False
        fits = machine.fits
        if self.same:
            for axis in self.axes:
                fits = fits & (machine.tensors[model.graph.output[0].name].shape[axis] == dims[axis])
        return bool(fits.all())


@cache
def truth_of(name: str) -> dict[str, Any]:
    return json.loads((SHARED / "zoo" / f"{name}.truth.json").read_text())


@cache
def model_of(name: str) -> onnx.ModelProto:
    return onnx.load(SHARED / "zoo" / f"{name}.onnx", load_external_data=False)


def net_of(name: str) -> Net | None:
    """The network with sizes to state; None where no class of multiples below 49 runs."""
    truth, model = truth_of(name), model_of(name)
    axes = [int(axis) for axis in truth["axes"]]
    net = Net(name, model, truth["input"], truth["base"], axes, 1, 1, same=False)
    row = sweep(model, {net.input: net.base}, [], range(1))
    net.same = row.shape(model.graph.output[0].name, 0)[2:] == net.base[2:]
    columns = [net.runs(model, axis, net.base) for axis in axes]
    for step in range(1, 49):
        multiples = list(range(step, UPTO + 1, step))
        wrong = max((n for n in multiples for column in columns if not column[n - 1]), default=0)
        if UPTO - wrong > 6 * step:
            net.step, net.first = (step, wrong + step) if step > 3 else (4, 4 * (wrong // 4 + 1))
            return net
    return None


# -- the evaluator -----------------------------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize("name", zoo_names())
def test_the_evaluator_says_what_onnxruntime_did(name: str) -> None:
    """Along every axis, at every size that was run: whether it ran, and the shapes of the outputs."""
    truth = truth_of(name)
    for axis, seen in truth["axes"].items():
        try:
            place = truth["input"], int(axis)
            row = sweep(model_of(name), {truth["input"]: truth["base"]}, [place], range(1, seen["upto"] + 1))
        except NotKnown as unknown:
            if name not in LARGE:
                raise
            pytest.skip(f"an operator that the evaluator does not know: {unknown}")
        quirks = {n for low, high in seen["quirk"] for n in range(low, high + 1)}
        ran = {n for low, high in seen["fits"] for n in range(low, high + 1)}
        for n in set(range(1, seen["upto"] + 1)) - quirks:
            assert bool(row.fits[n - 1]) is (n in ran), (axis, n)
            if n in ran:
                for output, shapes in seen["outputs"].items():
                    assert row.shape(output, n - 1) == shapes[str(n)], (axis, n)


# -- break and mend ----------------------------------------------------------------------------------------------------


def breaks_of(net: Net, random: Random) -> Iterator[Break]:
    for kind in KINDS:
        yield from broken(random, net.model, kind, MOST)
    row = sweep(net.model, {net.input: net.base}, [], range(1))
    sizes = {
        name: [int(value) for value in tensor.values]
        for name, tensor in row.tensors.items()
        if tensor.values and all(isinstance(value, int) for value in tensor.values)
    }
    yield from list(baked(net.model, sizes))[:MOST]


def is_accused(analysis: Analysis) -> bool:
    return any(each.severity is Severity.ERROR for each in run_checks(analysis, Settings(analysis.stated)))


def is_inverse(of: Break, offer: Offer, net: Net) -> bool:
    """Whether an entry takes the break back: the node as it was and nothing else; of a constant, its name."""
    if of.constant:
        title = offer.fix.title
        is_named = f"`{of.node}`" in title or " more compute" in title
        return offer.fix.kind == "export" and is_named and f"`{of.constant}`" in title
    patch = offer.patch
    if not isinstance(patch, GraphPatch) or patch.before or set(patch.replaced) != {of.node}:
        return False
    own = next(node for node in read_model(net.model.SerializeToString()).graph.nodes if node.path == of.node)
    mended = patch.replaced[of.node]
    rank = len(mended.attributes.get("kernel_shape", (0, 0)))  # type: ignore[arg-type]
    usual: dict[str, Any] = {"ceil_mode": 0, "output_padding": (0,) * rank, "pads": (0,) * 2 * rank}
    names = own.attributes.keys() | mended.attributes.keys()
    both = [{name: node.attributes.get(name, usual.get(name)) for name in names} for node in (own, mended)]
    return both[0] == both[1]


def judge_sets(net: Net, model: onnx.ModelProto, offer: Offer, labels: dict[int, str]) -> None:
    """The claimed sets are those at which the evaluator fits, each axis at every size, the others at one that fits."""
    fits = offer.fix.fits
    base = list(net.base)
    for axis in net.axes:
        below, above = fits[labels[axis]].nearest(net.first + 2 * net.step)
        here = net.first + 2 * net.step
        base[axis] = here if here in fits[labels[axis]] else above or below or 0
    for axis in net.axes:
        row = net.runs(model, axis, base)
        claimed = [n in fits[labels[axis]] for n in range(1, UPTO + 1)]
        wrong = [n for n in range(1, UPTO + 1) if claimed[n - 1] != bool(row[n - 1])]
        assert not wrong, (net.name, offer.fix.title, labels[axis], str(fits[labels[axis]]), wrong[:5])


def judge_sizes_to_feed(net: Net, model: onnx.ModelProto, offer: Offer, labels: dict[int, str]) -> None:
    """Every size named runs, the others at one that is named too; left out are stretched one-pixel maps."""
    fits = {axis: offer.fix.fits.get(labels[axis]) for axis in net.axes}
    base = [next(iter(of)) if (of := fits.get(axis)) is not None else dim for axis, dim in enumerate(net.base)]
    for axis, of in fits.items():
        if of is not None:
            row = net.runs(model, axis, base)
            assert all(row[n - 1] for n in range(1, UPTO + 1) if n in of), (net.name, offer.fix.title)


def judge_pad_input(net: Net, before: onnx.ModelProto, after: onnx.ModelProto) -> int:
    """Outputs are what the unpatched model gives at the next multiple that runs, less floor(scale * p), or 1."""
    output, judged = before.graph.output[0].name, 0
    for axis in net.axes:
        runs = [
            sweep(model, {net.input: net.base}, [(net.input, axis)], range(1, UPTO + 1)) for model in (before, after)
        ]
        own = [n for n in range(1, UPTO + 1) if runs[0].fits[n - 1]]
        step = next((m for m in range(1, 80) if all(n in own for n in range(m * (80 // m), UPTO + 1, m))), None)
        if step is None:
            continue
        for n in range(1, UPTO - 2 * step):
            got = runs[1].shape(output, n - 1)
            if n in own:
                assert got == runs[0].shape(output, n - 1), (net.name, axis, n)
                judged += 1
                continue
            to = next(m for m in own if m > n and m % step == 0 and all(k in own for k in range(m, UPTO + 1, step)))
            wanted = runs[0].shape(output, to - 1)
            for place, dim in enumerate(runs[0].tensors[output].shape):
                if not isinstance(dim, int):
                    far = UPTO - UPTO % step
                    scale = Fraction(int(dim[far - 1]) - int(dim[far - 1 - 72 // step * step]), 72 // step * step)
                    wanted[place] = max(1, wanted[place] - floor(scale * (to - n)))
            assert got == wanted, (net.name, axis, n)
            judged += 1
    return judged


@needs_shared
def test_what_is_broken_is_mended_and_what_is_healthy_is_left_alone(tmp_path: Path) -> None:
    """Counts by kind; all claimed sets right, all written files fit where promised, nobody accused wrongly."""
    found: Counter[tuple[str, str]] = Counter()
    missing: list[str] = []
    for number, name in enumerate(zoo_names()):
        net = None if name in LARGE else net_of(name)
        if net is None:
            continue
        analysis = Analysis(read_model(net.model.SerializeToString()), net.stated)
        assert net.fits_all_stated(net.model)
        assert not is_accused(analysis), name
        found["healthy", "networks"] += 1
        labels = {axis.axis: axis.label for axis in analysis.inputs.axes}
        for of in breaks_of(net, Random(number)):
            still = net.fits_all_stated(of.model)
            source = tmp_path / "broken.onnx"
            source.write_bytes(of.model.SerializeToString())
            analysis = Analysis(read_model(source), net.stated, "broken.onnx")
            assert is_accused(analysis) is not still, (name, of.kind, of.node)
            found[of.kind, "changed"] += 1
            if still:
                continue
            found[of.kind, "broken"] += 1
            menu = offers(analysis)
            found[of.kind, "menus"] += bool(menu)
            has_inverse = any(is_inverse(of, offer, net) for offer in menu)
            found[of.kind, "inverse"] += has_inverse
            if not has_inverse and CURES[of.kind] is not None:
                missing.append(f"{name} {of.kind} {of.node} {of.constant}: {[each.fix.kind for each in menu]}")
            for offer in menu:
                if offer.patch is None:
                    assert offer.fix.applicability is Applicability.DISPLAY
                    if offer.fix.kind == "input_size":
                        judge_sizes_to_feed(net, of.model, offer, labels)
                    continue
                out = tmp_path / "mended.onnx"
                write_onnx(str(source), offer, str(out))
                mended = onnx.load(out, load_external_data=False)
                judge_sets(net, mended, offer, labels)
                found[of.kind, "claimed"] += 1
                if not offer.proved.is_whole:
                    continue
                assert offer.fix.kind == "declare" or net.fits_all_stated(mended), (name, offer.fix.title)
                found[of.kind, "applied"] += 1
                if offer.fix.kind == "pad_input" and not net.same:
                    judge_pad_input(net, of.model, mended)
                    found[of.kind, "padded"] += 1
    rows = [f"| {kind} | " + " | ".join(str(found[kind, column]) for column in COLUMNS) + " |" for kind in CURES]
    sys.stdout.write("\n" + "\n".join([*rows, *missing]) + "\n")
    assert found["healthy", "networks"] == 20
    shown = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(tuple(STARTS))]
    assert shown == rows
    for kind, cure in CURES.items():
        assert found[kind, "menus"] == found[kind, "broken"] > 0
        if cure is not None:
            assert found[kind, "inverse"] >= 0.9 * found[kind, "broken"]


@needs_shared
@pytest.mark.parametrize("name", ["monai_ae", "monai_ae__dynamo", "diff_oobleck"])
def test_outputs_of_another_size_than_the_input_are_mended(name: str, tmp_path: Path) -> None:
    """Nothing is stated: an autoencoder without output_padding, and a codec that is broken as it was published."""
    model = onnx.ModelProto()
    model.CopyFrom(model_of(name))
    for node in model.graph.node:
        for each in node.attribute if name != "diff_oobleck" else ():
            if each.name == "output_padding":
                each.ints[:] = [0] * len(each.ints)
    truth = truth_of(name)
    net = Net(name, model, truth["input"], truth["base"], [int(axis) for axis in truth["axes"]], 24, 24, same=True)
    source, out = tmp_path / "broken.onnx", tmp_path / "mended.onnx"
    source.write_bytes(model.SerializeToString())
    analysis = Analysis(read_model(source))
    menu = [offer for offer in offers(analysis) if offer.patch is not None and offer.fix.kind != "pad_input"]
    assert menu[0].fix.kind == "output_padding"
    for offer in menu:
        assert all(fits.pad_to in (2, 8, 24) for fits in offer.fix.fits.values())
        write_onnx(str(source), offer, str(out))
        judge_sets(
            net, onnx.load(out, load_external_data=False), offer, {a.axis: a.label for a in analysis.inputs.axes}
        )
