"""Candidates for ONNX files: what they promise holds in recorded runs, in onnx's reference evaluator and by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from shapelint.analysis import Analysis
from shapelint.cli import main
from shapelint.facts.plan import plan
from shapelint.fixing.menu import offers
from shapelint.fixing.onnx import candidates
from shapelint.fixing.patch import GraphPatch
from shapelint.settings import Stated
from shapelint.source.onnx import read_model
from shapelint.source.onnx.splice import write

from .nets import Net
from .shared import CHECKOUT, SHARED, needs_shared, zoo_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shapelint.fixing.candidate import Candidate
    from shapelint.graph import Model
    from shapelint.size import SizeSet

FIXING = ("pad_input", "output_size", "crop_merge", "pad_merge", "output_padding", "declare")


def found_in(model: Model, stated: Stated | None = None) -> dict[str, Candidate]:
    """The first candidate of each kind."""
    analysis = Analysis(model, stated)
    failure = next(iter(analysis.failures), None)
    made: dict[str, Candidate] = {}
    for candidate in candidates(analysis, failure):
        made.setdefault(candidate.kind, candidate)
    return made


def patched(model: Model, candidate: Candidate) -> Model:
    assert isinstance(candidate.patch, GraphPatch)
    return candidate.patch.apply(model)


def sets_of(model: Model) -> dict[str, SizeSet | None]:
    facts = Analysis(model).facts
    return {symbol.name: facts.runs[symbol] for symbol in facts.inputs.symbols}


def shape_at(model: Model, dims: list[Any], name: str, output: str) -> list[Any]:
    """The shape of an output at one size; [] where the model does not run there."""
    analysis = Analysis(model, Stated({name: tuple(dims)}))
    shape = analysis.shapes.tensors[output].shape
    return list(shape or ()) if analysis.runs else []


def read(net: onnx.ModelProto) -> Model:
    return read_model(net.SerializeToString())


# -- the zoo: recorded runs of the unpatched files ---------------------------------------------------------------------


@cache
def zoo_model(name: str) -> Model:
    return read_model(SHARED / "zoo" / f"{name}.onnx")


@cache
def truth_of(name: str) -> dict[str, Any]:
    return json.loads((SHARED / "zoo" / f"{name}.truth.json").read_text())


@cache
def zoo_candidates(name: str) -> dict[str, Candidate]:
    return found_in(zoo_model(name))


def recorded(name: str) -> Iterator[tuple[int, int, set[int], dict[str, dict[str, list[int]]]]]:
    """By axis: how far it was run, the sizes that ran, and the shapes of the outputs."""
    for axis, seen in truth_of(name)["axes"].items():
        quirks = {n for low, high in seen["quirk"] for n in range(low, high + 1)}
        fits = {n for low, high in seen["fits"] for n in range(low, high + 1)} - quirks
        yield int(axis), seen["upto"], fits, seen["outputs"]


def base(name: str, axis: int, n: int) -> list[int]:
    return [n if place == axis else dim for place, dim in enumerate(truth_of(name)["base"])]


@needs_shared
@pytest.mark.parametrize("name", zoo_names())
def test_at_sizes_that_ran_before_nothing_changes(name: str) -> None:
    """pad_input and output_size give the recorded shapes; a one-pixel map is no longer stretched by output_size."""
    model, input_name = zoo_model(name), truth_of(name)["input"]
    facts = Analysis(model).facts
    avoided = {n for sizes in facts.avoid.values() for n in sizes if n < 64}
    for kind in ("pad_input", "output_size"):
        candidate = zoo_candidates(name).get(kind)
        if candidate is None or candidate.patch is None or not (candidate.safe or kind == "pad_input"):
            continue
        after = patched(model, candidate)
        for axis, _, fits, outputs in recorded(name):
            for n in sorted(fits)[:12] + sorted(fits)[-4:]:
                if kind == "output_size" and n in avoided:
                    continue
                for output, by_size in outputs.items():
                    assert shape_at(after, base(name, axis, n), input_name, output) == by_size[str(n)], (kind, axis, n)


@needs_shared
@pytest.mark.parametrize("name", zoo_names())
def test_pad_input_serves_every_size(name: str) -> None:
    """Also 1 and odd ones; the result is the recorded one of the padded size, less floor(scale * p), or 1."""
    candidate = zoo_candidates(name).get("pad_input")
    if candidate is None or candidate.patch is None:
        pytest.skip("there is nothing to pad, or no class of sizes to pad to")
    after = patched(zoo_model(name), candidate)
    assert all(sizes is not None and sizes.is_every for sizes in sets_of(after).values())
    compared = 0
    for axis, upto, fits, outputs in recorded(name):
        multiple = next(m for m in range(1, upto) if all(n in fits for n in range(upto // 2, upto + 1) if n % m == 0))
        for n in sorted({*range(1, 12), 33, 47, 63, 65} - fits):
            to = next((m for m in sorted(fits) if m > n and m % multiple == 0), None)
            if to is None:
                continue
            for output, by_size in outputs.items():
                got = shape_at(after, base(name, axis, n), truth_of(name)["input"], output)
                step = multiple if multiple > 1 else 24
                far = max((m for m in fits if m > to and (m - to) % step == 0), default=0)
                if not far:
                    continue
                wanted = list(by_size[str(to)])
                for place, (here, there) in enumerate(zip(by_size[str(to)], by_size[str(far)], strict=True)):
                    wanted[place] = max(1, here - ((there - here) * (to - n)) // (far - to))
                assert got == wanted, (axis, n)
                compared += 1
    assert compared


@needs_shared
@pytest.mark.parametrize("name", zoo_names())
def test_sets_of_patched_models_agree_with_their_runs_one_by_one(name: str) -> None:
    """What is proved of all sizes is what propagation with numbers finds at each, along one axis at a time."""
    model, input_name = zoo_model(name), truth_of(name)["input"]
    for kind, candidate in zoo_candidates(name).items():
        if candidate.patch is None or kind in ("declare", "pad_input"):
            continue
        after = patched(model, candidate)
        for axis, *_ in recorded(name):
            dims: list[Any] = [*base(name, axis, 0)]
            dims[axis] = "S"
            facts = Analysis(after, Stated({input_name: tuple(dims)})).facts
            (sizes,) = facts.runs.values()
            assert sizes is not None
            for n in range(1, 41):
                dims[axis] = n
                runs = Analysis(after, Stated({input_name: tuple(dims)})).runs
                assert runs is (n in sizes), (kind, axis, n)
            break


def stand_in(source: Path, folder: Path) -> Path:
    """A link to the file beside weights of the right length, all zeros and not stored."""
    model = onnx.load(source, load_external_data=False)
    lengths: dict[str, int] = {}
    for tensor in model.graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if "location" in entries:
            end = int(entries.get("offset", 0)) + int(entries.get("length", 0))
            lengths[entries["location"]] = max(end, lengths.get(entries["location"], 0))
    for location, length in lengths.items():
        with open(folder / location, "wb") as file:
            file.truncate(length)
    path = folder / source.name
    path.symlink_to(source)
    return path


@needs_shared
@pytest.mark.parametrize("name", zoo_names())
def test_every_patch_is_written_and_checked(name: str, tmp_path: Path) -> None:
    """onnx.checker accepts the file, the reader reads what was promised, and all else is as it was."""
    source = stand_in(SHARED / "zoo" / f"{name}.onnx", tmp_path)
    before = onnx.load(source, load_external_data=False)
    for kind, candidate in zoo_candidates(name).items():
        if candidate.patch is None:
            continue
        assert isinstance(candidate.patch, GraphPatch)
        out = tmp_path / f"{kind}.onnx"
        write(source, candidate.patch, out)
        onnx.checker.check_model(str(out))
        got, promised = read_model(out), candidate.patch.apply(zoo_model(name))
        assert [(n.path, n.op, n.inputs, n.outputs) for n in got.graph.nodes] == [
            (n.path, n.op, n.inputs, n.outputs) for n in promised.graph.nodes
        ]
        assert got.graph.constants == promised.graph.constants
        assert (got.graph.inputs, got.metadata) == (promised.graph.inputs, promised.metadata)
        after = onnx.load(out, load_external_data=False)
        old = {node.name: node for node in before.graph.node}
        touched = set(candidate.patch.replaced)
        kept = [node for node in after.graph.node if node.name in old and node.name not in touched]
        assert all(node == old[node.name] for node in kept)
        assert len(kept) == len(before.graph.node) - len(touched)
        assert list(after.graph.initializer)[: len(before.graph.initializer)] == list(before.graph.initializer)


@needs_shared
def test_kinds_in_the_zoo() -> None:
    """How many of the networks have a patch of each kind."""
    made = [kind for name in zoo_names() for kind, each in zoo_candidates(name).items() if each.patch is not None]
    counts = {kind: made.count(kind) for kind in FIXING}
    assert counts["pad_input"] >= 22
    assert counts["output_size"] >= 13
    assert counts["crop_merge"] >= 14
    assert counts["pad_merge"] >= 14


# -- break and mend ----------------------------------------------------------------------------------------------------

UNDONE = ("monai_unet2d", "monai_unet2d__dynamo", "monai_unet2d_k5", "monai_unet3d", "monai_basic", "monai_dynunet")


@needs_shared
@pytest.mark.parametrize("name", UNDONE)
def test_another_output_padding_is_found_and_set_back(name: str) -> None:
    """Along every axis of every ConvTranspose, every other legal value; the multiples ran with the original one."""
    model = zoo_model(name)
    tried = 0
    for node in model.graph.nodes:
        if node.op != "ConvTranspose":
            continue
        strides = node.attributes["strides"]
        assert isinstance(strides, tuple)
        own = tuple(node.attributes.get("output_padding", (0,) * len(strides)))  # type: ignore[arg-type]
        for value in {v for s in strides for v in range(int(s))}:  # type: ignore[arg-type]
            other = tuple(min(value, int(s) - 1) for s in strides)  # type: ignore[arg-type]
            if other == own:
                continue
            wrong = replace(node, attributes={**node.attributes, "output_padding": other})
            broken = GraphPatch({node.path: wrong}).apply(model)
            if sets_of(broken) == sets_of(model):
                continue  # the last step up: no merge, and the output is no longer as large as the input
            candidate = found_in(broken)["output_padding"]
            assert isinstance(candidate.patch, GraphPatch)
            assert {path: each.attributes["output_padding"] for path, each in candidate.patch.replaced.items()} == {
                node.path: own
            }
            assert sets_of(patched(broken, candidate)) == sets_of(model)
            tried += 1
    assert tried


def test_an_autoencoder_gets_the_output_padding_of_its_size() -> None:
    """25 -> 13 -> 7 -> 4 -> 2 by k3 s2 p1, and back 2 -> 4 -> 7 -> 13 -> 25: full - 2p + op with op 1, 0, 0, 0."""
    net = Net()
    x = net.input("x", 1, 1, 25, 25)
    for level in range(4):
        x = net.conv(x, f"down{level}", s=2)
    for level in range(4):
        x = net.deconv(x, f"up{level}", k=3, pads=[1] * 4)
    model = read(net.model(x))
    assert shape_at(model, [1, 1, 25, 25], "x", x) == [1, 1, 17, 17]
    candidate = found_in(model)["output_padding"]
    assert isinstance(candidate.patch, GraphPatch)
    settings = {path: node.attributes["output_padding"] for path, node in candidate.patch.replaced.items()}
    assert settings == {"up0": (1, 1)}
    assert shape_at(patched(model, candidate), [1, 1, 25, 25], "x", x) == [1, 1, 25, 25]


def test_a_size_beyond_the_stride_has_no_output_padding() -> None:
    """k2 s2 after k3 s2 p1 pools: 2*ceil(n/2) is larger than odd n, so that -1 were needed."""
    net = Net()
    x = net.input("x", 1, 1, 33, 33)
    up = net.deconv(net.conv(x, "down", s=2), "up")
    net.node("Add", [x, up], "y")
    made = found_in(read(net.model("y")))
    assert "output_padding" not in made
    assert made["crop_merge"].patch is not None


# -- nets made here, run by onnx's reference evaluator -----------------------------------------------------------------


def with_random_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    generator = np.random.default_rng(3)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = generator.normal(0, 1, tuple(tensor.dims)).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model


def run(model: onnx.ModelProto, feeds: dict[str, Any]) -> dict[str, Any]:
    session = ReferenceEvaluator(model)
    return dict(zip(session.output_names, session.run(None, feeds), strict=True))


def written(model: onnx.ModelProto, candidate: Candidate, folder: Path) -> onnx.ModelProto:
    """The patched file, checked."""
    source, out = folder / "in.onnx", folder / "out.onnx"
    source.write_bytes(model.SerializeToString())
    assert isinstance(candidate.patch, GraphPatch)
    write(source, candidate.patch, out)
    onnx.checker.check_model(str(out), full_check=True)
    return onnx.load(out)


def many_sided() -> onnx.ModelProto:
    """Two inputs of one size, and outputs at the scales 1, 4, 1/2, a table of boxes, and a vector."""
    net = Net()
    x, guide = net.input("x", 1, 1, "H", "W"), net.input("guide", 1, 1, "H", "W")
    y = net.unet(net.node("Add", [x, guide], "both"), 2)
    big = net.deconv(y, "big", k=4, s=4)
    half = net.pool(y, "half")
    rows = net.node("Reshape", [y, net.const("rows.shape", [1, -1, 4])], "rows")
    net.node("ReduceMean", [y], "vector", axes=[2, 3], keepdims=0)
    net.output(y, 1, 1, None, None)
    net.output(big, 1, 1, None, None)
    net.output(half, 1, 1, None, None)
    net.output(rows, 1, None, 4)
    net.output("vector", 1, 1)
    return with_random_weights(net.model())


def test_pad_input_of_several_inputs_and_outputs(tmp_path: Path) -> None:
    """At every size the result is that of numpy's padding and cropping: x4 by 4p, 1/2 by floor(p/2), boxes by none."""
    model = many_sided()
    candidate = found_in(read(model))["pad_input"]
    assert "`rows` and `vector`" in candidate.reason
    assert not candidate.safe
    after = written(model, candidate, tmp_path)
    generator = np.random.default_rng(5)
    for h, w in [(4, 8), (1, 1), (1, 4), (3, 5), (7, 12), (9, 2), (6, 11), (8, 8)]:
        feeds = {name: generator.normal(0, 1, (1, 1, h, w)).astype(np.float32) for name in ("x", "guide")}
        p, q = -h % 4, -w % 4
        wide = {name: np.pad(value, [(0, 0), (0, 0), (0, p), (0, q)]) for name, value in feeds.items()}
        wanted, got = run(model, wide), run(after, feeds)
        crops = {"dec1": (p, q), "big": (4 * p, 4 * q), "half": (p // 2, q // 2)}
        for name, (bottom, right) in crops.items():
            whole = wanted[name]
            wanted[name] = whole[:, :, : whole.shape[2] - bottom, : whole.shape[3] - right]
        for name, value in wanted.items():
            assert np.array_equal(got[name], value), (name, h, w)


def sets_by_hand() -> list[tuple[str, onnx.ModelProto, Any]]:
    """Networks with their sets: classes beside the multiples, a start, and a residue without multiples."""
    odd = Net()
    x = odd.input("x", 1, 1, "L")
    up = odd.deconv(odd.conv(x, "down", s=4, k=4, p=0, nd=1), "up", k=4, s=4, nd=1)
    odd.node("Add", [x, up], "y")
    odd.output("y", 1, 1, None)
    low = Net()
    x = low.input("x", 1, 1, "L")
    low.conv(x, "y", k=9, p=0, nd=1)
    low.output("y", 1, 1, None)
    rest = Net()
    x = rest.input("x", 1, 1, "L")
    up = rest.deconv(rest.conv(x, "down", s=2, k=3, p=0, nd=1), "up", k=3, s=2, nd=1)
    rest.node("Concat", [x, up], "y", axis=1)
    rest.output("y", 1, 2, None)
    return [
        ("multiples of 4", odd.model(), lambda n: n + -n % 4),
        ("from 9", low.model(), lambda n: max(n, 9)),
        ("odd sizes from 3", rest.model(), lambda n: max(3, n + 1 - n % 2)),
    ]


@pytest.mark.parametrize("index", range(3))
def test_the_amount_is_that_of_the_next_size(index: int, tmp_path: Path) -> None:
    """The padded input has the size that hand arithmetic says, at every size."""
    _, model, padded_to = sets_by_hand()[index]
    candidate = found_in(read(model))["pad_input"]
    after = written(with_random_weights(model), candidate, tmp_path)
    after.graph.output.append(helper.make_tensor_value_info("shapelint/x/padded", TensorProto.FLOAT, [1, 1, None]))
    for n in range(1, 24):
        got = run(after, {"x": np.ones((1, 1, n), np.float32)})
        assert got["shapelint/x/padded"].shape[2] == padded_to(n), n


def test_output_size_is_the_right_output_padding_at_every_size(tmp_path: Path) -> None:
    """A U-Net of pools and k2 s2 ConvTranspose: at n the decoder with output_padding = the bits of n gives the same."""
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    y = net.unet(x, 2)
    net.output(y, 1, 1, None, None)
    model = with_random_weights(net.model())
    candidate = found_in(read(model))["output_size"]
    assert candidate.safe
    after = written(model, candidate, tmp_path)
    assert {str(sizes) for sizes in sets_of(read(after)).values()} == {"from 4"}
    generator = np.random.default_rng(5)
    for n in range(4, 13):
        value = generator.normal(0, 1, (1, 1, n, 8)).astype(np.float32)
        right = onnx.ModelProto()
        right.CopyFrom(model)
        for node in right.graph.node:
            if node.op_type == "ConvTranspose":
                level = int(node.name[-1])
                node.attribute.append(helper.make_attribute("output_padding", [n >> (level - 1) & 1, 0]))
        assert np.array_equal(run(after, {"x": value})[y], run(right, {"x": value})[y]), n


def test_resize_takes_its_sizes_from_the_skip() -> None:
    """Also where the skip's own value is made only after the Resize: an earlier one of its size is asked."""
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    scales = net.const("scales", [1, 1, 2, 2], np.float32)
    up = net.node("Resize", [net.pool(x, "pool"), "", scales], "up", mode="nearest")
    lateral = net.conv(x, "lateral", k=1, p=0)
    net.node("Concat", [up, lateral], "y", axis=1)
    model = read(net.model("y"))
    candidate = found_in(model)["output_size"]
    assert candidate.safe
    after = patched(model, candidate)
    resize = next(node for node in after.graph.nodes if node.path == "up")
    assert resize.inputs[:3] == ("pool", "", "")
    for n in range(2, 12):
        assert shape_at(after, [1, 1, n, 2 * n + 1], "x", "y") == [1, 2, n, 2 * n + 1]


def test_a_scale_that_is_no_whole_number_drifts() -> None:
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    scales = net.const("scales", [1, 1, 1.5, 1.5], np.float32)
    small = net.pool(x, "pool", k=3, s=3)
    twice = net.node("Resize", [small, "", net.const("two", [1, 1, 2, 2], np.float32)], "twice", mode="nearest")
    up = net.node("Resize", [twice, "", scales], "up", mode="nearest")
    net.node("Add", [up, x], "y")
    candidate = found_in(read(net.model("y")))["output_size"]
    assert not candidate.safe
    assert "grid" in candidate.reason


def unpadded() -> onnx.ModelProto:
    """A level of an unpadded U-Net: skip n-4, up 2*((n-4)//2 - 4), so n-12 at even n: 8 less, 4 before and 4 after."""
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    skip = net.conv(net.conv(x, "a", p=0), "b", p=0)
    deep = net.conv(net.conv(net.pool(skip, "pool"), "c", p=0), "d", p=0)
    net.node("Concat", [skip, net.deconv(deep, "up")], "y", axis=1)
    net.output("y", 1, 2, None, None)
    return with_random_weights(net.model())


def test_crop_merge_splits_what_unpadded_layers_cost(tmp_path: Path) -> None:
    model = unpadded()
    candidate = found_in(read(model))["crop_merge"]
    assert candidate.reason.endswith("4 before, the rest at the end")
    after = written(model, candidate, tmp_path)
    after.graph.output.append(helper.make_tensor_value_info("b", TensorProto.FLOAT, [1, 1, None, None]))
    for n in range(14, 22):
        got = run(after, {"x": np.random.default_rng(1).normal(0, 1, (1, 1, n, n)).astype(np.float32)})
        size = 2 * ((n - 4) // 2 - 4)
        assert got["y"].shape == (1, 2, size, size)
        assert np.array_equal(got["y"][:, :1], got["b"][:, :, 4 : 4 + size, 4 : 4 + size])


def test_pad_merge_splits_in_the_same_way(tmp_path: Path) -> None:
    model = unpadded()
    candidate = found_in(read(model))["pad_merge"]
    after = written(model, candidate, tmp_path)
    after.graph.output.append(helper.make_tensor_value_info("up", TensorProto.FLOAT, [1, 1, None, None]))
    for n in range(14, 22):
        got = run(after, {"x": np.random.default_rng(1).normal(0, 1, (1, 1, n, n)).astype(np.float32)})
        rest = n - 4 - got["up"].shape[2] - 4
        wanted = np.pad(got["up"], [(0, 0), (0, 0), (4, rest), (4, rest)])
        assert np.array_equal(got["y"][:, 1:], wanted)


def test_what_rounds_is_cropped_at_the_end() -> None:
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    net.unet(x, 1)
    made = found_in(read(net.model("dec1")))
    assert made["crop_merge"].reason == "what is cropped is lost; all of it at the end"
    assert made["pad_merge"].reason == "zeros are made up at the border; all of it at the end"


# -- fixed sizes -------------------------------------------------------------------------------------------------------


def test_a_fixed_size_that_fails_is_mended_where_it_stands() -> None:
    """A U-Net exported at 225x225: every patch makes just that size run, with an output of 225x225."""
    net = Net()
    x = net.input("x", 1, 1, 225, 225)
    net.unet(x, 3)
    model = read(net.model("dec1"))
    made = found_in(model)
    for kind in ("pad_input", "output_size", "output_padding", "pad_merge"):
        assert shape_at(patched(model, made[kind]), [1, 1, 225, 225], "x", "dec1") == [1, 1, 225, 225], kind
    assert shape_at(patched(model, made["crop_merge"]), [1, 1, 225, 225], "x", "dec1") == [1, 1, 224, 224]
    assert made["output_padding"].code == "up1: output_padding = [1, 1]"  # 225 -> 112 -> 56 -> 28, only the first odd
    assert made["output_padding"].safe
    assert made["input_size"].title == "feed 224 or 232 in place of 225 for H and W"
    assert "declare" not in made


def test_a_stated_size_has_its_own_output_padding() -> None:
    """Beside the setting for the multiples, which needs none here: 226 = 2 (mod 4) -> 113 -> 56, the second is odd."""
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    net.unet(x, 2)
    model = read(net.model("dec1"))
    analysis = Analysis(model, Stated({"x": (1, 1, 226, 224)}))
    made = [each for each in candidates(analysis, analysis.failures[0]) if each.kind == "output_padding"]
    assert [each.code for each in made] == ["up2: output_padding = [1, 0]"]


# -- declare, input_size, export ---------------------------------------------------------------------------------------


def test_declare_writes_the_class_and_keeps_the_set(tmp_path: Path) -> None:
    net = Net()
    x = net.input("x", "N", 1, "H", "s53")
    net.unet(x, 3)
    net.output("dec1", None, 1, None, None)
    model = net.model()
    candidate = found_in(read(model))["declare"]
    after = written(model, candidate, tmp_path)
    dims = after.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["N", 1, "8*h", "8*w"]
    (entry,) = after.metadata_props
    assert entry.key == "shapelint.sizes"
    every = {"extra": [], "start": 8, "period": 8, "residues": [0]}
    assert json.loads(entry.value) == {"x": {"2": every, "3": every}}
    assert candidate.safe
    assert not candidate.widens
    assert Analysis(read(after)).facts.verdict == "fits"


@needs_shared
def test_declare_of_other_classes_says_what_it_leaves_out() -> None:
    candidate = zoo_candidates("monai_unet2d")["declare"]
    assert candidate.title == "declare H as `8*h` and W as `8*w` in `x`"
    assert candidate.reason
    assert isinstance(candidate.patch, GraphPatch)
    promise = json.loads(candidate.patch.metadata["shapelint.sizes"])
    assert promise["x"]["2"]["residues"] == [0, 7]


def test_declare_of_sizes_from_a_start() -> None:
    net = Net()
    net.conv(net.input("x", 1, 1, "H", "W"), "y", k=9, p=0)
    candidate = found_in(read(net.model("y")))["declare"]
    assert candidate.title == "declare H as `h + 8` and W as `w + 8` in `x`"


@needs_shared
def test_a_baked_constant_is_named() -> None:
    made = zoo_candidates("timm_vit_fixed")
    assert made["export"].patch is None
    assert "`/m/Add`" in made["export"].title
    assert "`m.pos_embed`" in made["export"].title
    assert not {"pad_input", "input_size", "declare"} & made.keys()  # H and W fit only together


def test_a_finite_set_has_no_class_to_pad_to() -> None:
    """A table of 4 added to the result: only 4 runs, and that is said."""
    net = Net()
    x = net.input("x", 1, 1, "L")
    scale = net.const("table", np.zeros((1, 1, 4)), np.float32)
    net.node("Concat", [x, scale], "y", axis=1)
    made = found_in(read(net.model("y")))
    assert made["pad_input"].patch is None
    assert {label: str(sizes) for label, sizes in made["pad_input"].fits.items()} == {"L": "1 to 4"}
    assert "declare" not in made
    assert "`table`" in made["export"].title


def test_a_reshape_that_takes_up_size_names_its_constant() -> None:
    """The menu of a frozen-size finding: the node, and the constant baked into it."""
    analysis = Analysis(read_model(CHECKOUT / "fixtures" / "err" / "frozen_reshape.onnx"), None, "frozen.onnx")
    entry = offers(analysis)[0].fix
    assert len(offers(analysis)) == 1
    assert entry.kind == "export"
    assert "`flatten`" in entry.title
    assert "`shape` asks for [-1, 4096]" in entry.title


def test_fix_ends_with_1_only_where_something_is_broken_and_nothing_mends_it(tmp_path: Path) -> None:
    """A product of 1x5 and 4x3 has no repair; that a U-Net takes multiples only is no breakage."""
    net = Net()
    net.node("MatMul", [net.input("x", 1, 5), net.const("w", np.zeros((4, 3)), np.float32)], "y")
    (tmp_path / "broken.onnx").write_bytes(net.model("y").SerializeToString())
    assert main(["fix", str(tmp_path / "broken.onnx")]) == 1
    net = Net()
    net.unet(net.input("x", 1, 1, "H", "W"), 1)
    (tmp_path / "sound.onnx").write_bytes(net.model("dec1").SerializeToString())
    assert main(["fix", str(tmp_path / "sound.onnx")]) == 0


# -- window, rounding --------------------------------------------------------------------------------------------------


def attributes_of(made: list[Candidate]) -> list[dict[str, dict[str, Any]]]:
    """What each changes, by node."""
    found = []
    for each in made:
        assert isinstance(each.patch, GraphPatch)
        found.append({path: dict(node.attributes) for path, node in each.patch.replaced.items()})
    return found


def mending(model: Model, kind: str) -> list[Candidate]:
    return [each for each in candidates(Analysis(model)) if each.kind == kind]


def test_a_step_down_gets_pads_with_which_it_divides() -> None:
    """k3 s2 p0 gives (n-1)//2, and 2*((n-1)//2) is n at no n; with P in [1, 2] it is n/2 at even n."""
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    net.node("Add", [x, net.deconv(net.conv(x, "down", s=2, p=0), "up")], "y")
    model = read(net.model("y"))
    pads = [each["down"]["pads"] for each in attributes_of(mending(model, "window")) if "down" in each]
    assert (1, 1, 1, 1) in pads
    for each in mending(model, "window"):
        sets = sets_of(patched(model, each))
        assert all(sizes is not None and sizes.pad_to == 2 for sizes in sets.values()), each.title


def test_a_step_up_gets_the_stride_that_undoes_the_step_down() -> None:
    """k4 s2 p1 between n/2 and n: the stride of 3 was wrong, and the pads were right."""
    net = Net()
    x = net.input("x", 1, 1, "L")
    net.node(
        "Concat", [x, net.deconv(net.conv(x, "down", k=4, s=2, nd=1), "up", k=4, s=3, nd=1, pads=[1, 1])], "y", axis=1
    )
    (first, *_) = [each for each in attributes_of(mending(read(net.model("y")), "window")) if set(each) == {"up"}]
    assert first["up"]["strides"] == (2,)
    assert first["up"]["pads"] == (1, 1)


def test_a_pool_rounds_like_the_branch_that_it_meets() -> None:
    """ResNet-D's shortcut: a k2 s2 pool gives n//2, a k3 s2 p1 convolution ceil(n/2), as the pool does in ceil mode."""
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    net.node("Add", [net.pool(x, "pool"), net.conv(x, "conv", s=2)], "y")
    model = read(net.model("y"))
    (candidate,) = mending(model, "rounding")
    assert attributes_of([candidate])[0]["pool"]["ceil_mode"] == 1
    assert all(sizes is not None and sizes.is_every for sizes in sets_of(patched(model, candidate)).values())


@needs_shared
@pytest.mark.parametrize("name", ["monai_attn", "monai_segres", "smp_fpn_resnet18", "monai_unet2d", "smp_unet_vgg11"])
def test_the_patch_pads_as_the_plan_says(name: str) -> None:
    """At every size, also where a one-pixel map is stretched: the padded input is as large as `facts.plan` has it."""
    model = zoo_model(name)
    facts = Analysis(model).facts
    after, input_name = patched(model, zoo_candidates(name)["pad_input"]), truth_of(name)["input"]
    for n in range(1, 41):
        found = plan(facts, dict.fromkeys(facts.inputs.symbols, n))
        assert found is not None
        padded = shape_of(after, [*truth_of(name)["base"][:2], n, n], input_name, f"shapelint/{input_name}/padded")
        assert padded[2:] == list(found.to.values()), n


def shape_of(model: Model, dims: list[Any], name: str, value: str) -> list[Any]:
    return list(Analysis(model, Stated({name: tuple(dims)})).shapes.tensors[value].shape or ())


# -- where nothing can be drawn ----------------------------------------------------------------------------------------


def test_before_opset_11_the_advice_stays() -> None:
    net = Net(opset=10)
    net.unet(net.input("x", 1, 1, "H", "W"), 1)
    made = found_in(read(net.model("dec1")))
    assert made["pad_input"].patch is None
    assert set(made["pad_input"].fits) == {"H", "W"}
    assert not {"output_size", "crop_merge", "pad_merge"} & made.keys()


def test_an_input_that_a_function_or_a_subgraph_reads_is_left_alone() -> None:
    """Nodes inside functions cannot be patched, and what a branch captures keeps its name."""
    body = [helper.make_node("Relu", ["a"], ["b"], "inner")]
    net = Net(local=1)
    x = net.input("x", 1, 1, "H", "W")
    net.functions = [helper.make_function("local", "F", ["a"], ["b"], body, [helper.make_opsetid("", 17)])]
    net.unet(net.node("F", [x], "call", domain="local"), 1)
    assert found_in(read(net.model("dec1")))["pad_input"].patch is None
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    branch = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"])], "b", [], [helper.make_tensor_value_info("r", 1, None)]
    )
    net.input("c", dtype=TensorProto.BOOL)
    net.unet(net.node("If", ["c"], "if", then_branch=branch, else_branch=branch), 1)
    assert found_in(read(net.model("dec1")))["pad_input"].patch is None


def test_a_patched_file_can_be_patched_again(tmp_path: Path) -> None:
    """New names never clash, and what is mended offers nothing more of its kind."""
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    net.unet(x, 2)
    net.output("dec1", 1, 1, None, None)
    model = net.model()
    once = written(model, found_in(read(model))["crop_merge"], tmp_path)
    made = found_in(read(once))
    assert "crop_merge" not in made
    twice = written(once, made["pad_input"], tmp_path)
    assert "pad_input" not in found_in(read(twice))
