"""Real exported networks against what onnxruntime did with them at every size (../shared/zoo)."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import shapelint
from shapelint.analysis import Analysis
from shapelint.settings import Settings, Stated, Where
from shapelint.size.parse import parse_domain
from shapelint.source import load

from .shared import SHARED, needs_shared, zoo_names

if TYPE_CHECKING:
    from shapelint.graph import Model

pytestmark = needs_shared
NAMES = zoo_names()
Truth = dict[str, Any]


@cache
def truth_of(name: str) -> Truth:
    return json.loads((SHARED / "zoo" / f"{name}.truth.json").read_text())


@cache
def model_of(name: str) -> Model:
    return load(SHARED / "zoo" / f"{name}.onnx")


def members(pairs: list[list[int]]) -> set[int]:
    return {n for low, high in pairs for n in range(low, high + 1)}


def pinned(truth: Truth, **dims: int | str) -> list[int | str]:
    """The base shape with other dims at some axes."""
    return [dims.get(f"axis{place}", dim) for place, dim in enumerate(truth["base"])]


def axes_of(truth: Truth) -> list[int]:
    return sorted(int(axis) for axis in truth["axes"])


def test_every_network_is_there() -> None:
    assert len(NAMES) >= 28


@pytest.mark.parametrize("name", NAMES)
def test_each_axis_takes_exactly_the_sizes_that_ran(name: str) -> None:
    truth = truth_of(name)
    for axis in axes_of(truth):
        seen = truth["axes"][str(axis)]
        dims = pinned(truth, **{f"axis{axis}": "S"})
        sizes = shapelint.sizes(model_of(name), inputs={truth["input"]: dims})[truth["input"]][axis]
        assert sizes is not None
        assert sizes.is_complete
        judged = set(range(1, seen["upto"] + 1)) - members(seen["quirk"])
        assert {n for n in judged if n in sizes} == members(seen["fits"]) & judged


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_shape_comes_out(name: str) -> None:
    truth = truth_of(name)
    compared = 0
    for axis in axes_of(truth):
        seen = truth["axes"][str(axis)]
        recorded = sorted(members(seen["fits"]) - members(seen["quirk"]))
        for n in recorded:
            dims = pinned(truth, **{f"axis{axis}": n})
            shapes = shapelint.shapes(model_of(name), inputs={truth["input"]: dims})
            for output, by_size in seen["outputs"].items():
                assert list(shapes[output] or ()) == by_size[str(n)], (axis, n)
                compared += 1
    assert compared


@pytest.mark.parametrize("name", NAMES)
def test_a_size_that_did_not_run_is_refused_where_numbers_are_given(name: str) -> None:
    truth = truth_of(name)
    for axis in axes_of(truth):
        seen = truth["axes"][str(axis)]
        refused = sorted(set(range(1, seen["upto"] + 1)) - members(seen["fits"]) - members(seen["quirk"]))
        for n in refused[:: max(1, len(refused) // 12)]:
            dims = pinned(truth, **{f"axis{axis}": n})
            with pytest.raises(shapelint.DoesNotFit):
                shapelint.shapes(model_of(name), inputs={truth["input"]: dims})


@pytest.mark.parametrize("name", NAMES)
def test_all_axes_free_at_once_agree_with_numbers(name: str) -> None:
    """The answer for free axes, taken at random sizes, is what propagation with those numbers says."""
    truth = truth_of(name)
    axes = axes_of(truth)
    draw = random.Random(name)
    free = shapelint.sizes(model_of(name))
    assert free.verdict in ("fits", "restricted")
    assert not free.unknown
    for _ in range(6):
        dims = list(truth["base"])
        for axis in axes:
            sizes = free[truth["input"]][axis]
            assert sizes is not None
            n = draw.randint(1, 400)
            below, above = sizes.nearest(n)
            dims[axis] = n if draw.random() < 0.4 else (above or below)
        fits = free.fits({truth["input"]: dims})
        uncoupled = not free.coupled
        if uncoupled:
            assert fits is all(dims[axis] in (free[truth["input"]][axis] or ()) for axis in axes)
        analysis = Analysis(model_of(name), Stated(inputs={truth["input"]: tuple(dims)}))
        assert analysis.runs is fits


@pytest.mark.parametrize("name", NAMES)
def test_large_sizes_agree_with_numbers(name: str) -> None:
    """Members and others between 1,000 and 100,000: proved once for all integers, propagated here one by one."""
    truth = truth_of(name)
    draw = random.Random(name)
    for axis in axes_of(truth):
        dims = pinned(truth, **{f"axis{axis}": "S"})
        sizes = shapelint.sizes(model_of(name), inputs={truth["input"]: dims})[truth["input"]][axis]
        assert sizes is not None
        for _ in range(4):
            n = draw.randint(1_000, 100_000)
            for asked in {n, sizes.nearest(n)[1] or n}:
                stated = Stated(inputs={truth["input"]: tuple(pinned(truth, **{f"axis{axis}": asked}))})
                assert Analysis(model_of(name), stated).runs is (asked in sizes), (axis, asked)


def failing(names: list[str], where: str | None) -> dict[str, list[str]]:
    """The networks that a check fails, with the nodes it names."""
    found = {}
    for name in names:
        report = shapelint.check(model_of(name), where=where)
        if report.exit_code:
            assert report.exit_code == 1
            found[name] = [finding.node or "" for finding in report.findings if finding.severity.value != "info"]
    return found


def test_by_default_only_the_two_that_are_traps_fail() -> None:
    assert set(failing(NAMES, None)) == {"timm_vit_fixed", "diff_oobleck"}


def test_with_multiples_of_32_stated_those_that_need_more_fail_and_name_the_node() -> None:
    """Truth: a size of 32, 64, 96 or 128 that did not run on an axis, the others at the base."""
    found = failing(NAMES, "multiple of 32")
    for name in NAMES:
        truth = truth_of(name)
        refused = [
            (axis, n)
            for axis in axes_of(truth)
            for n in range(32, truth["axes"][str(axis)]["upto"] + 1, 32)
            if n not in members(truth["axes"][str(axis)]["fits"])
        ]
        if refused:
            assert name in found
            assert all(found[name])
        elif name != "timm_vit_fixed":
            assert name not in found


def test_what_is_stated_of_a_healthy_network_is_proved_in_silence() -> None:
    domain = parse_domain("multiple of 32")
    stated = Stated(where=(Where(None, domain, "multiple of 32"),))
    from shapelint.engine import check_source

    report = check_source(model_of("monai_basic"), "monai_basic.onnx", Settings(stated))
    assert report.findings == []
