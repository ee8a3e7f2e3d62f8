"""Real bug reports (../shared/cases) as native specs: sizes, the place of the mismatch, its numbers, the repairs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import shapelint
from shapelint.analysis import Analysis
from shapelint.settings import Stated
from shapelint.source import Unreadable, load

from .cases_as_specs import CHANNELS, Fails, Layer, cases, run, spec_of
from .shared import SHARED, needs_shared

pytestmark = needs_shared

WITHOUT_LAYERS = {
    "037": "an output padding of 8000 that follows from a wrong sample rate; no kernel, no layers",
    "051": "a wrapper that lacked the argument output_padding; no layers",
    "141": "a U-Net by its name (its swapped padding is fixtures/architectures/unet_milesial_swapped)",
    "175": "the time branch of a network by its name, at other depths",
    "224": "a Reshape that an exporter froze; no layers",
    "228": "an output that is broadcast against its target in a loss; no layers",
    "229": "a request for a check of shapes; no layers",
}
"""The cases that cannot be expressed, with the reason."""


def names(chosen: Any) -> list[str]:
    return [name for name, case in cases().items() if chosen(case)] if SHARED.is_dir() else []


def along(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The recorded sets by axis; an axis that is not named is like the last one that is."""
    sets = case.get("derived_valid_sizes") or {}
    if not sets:
        return {}
    last = sets.get("each_axis")
    found = {}
    for axis in case["axes"]:
        last = sets.get(axis, last)
        found[axis] = last
    return found


def recorded(of: dict[str, Any], n: int) -> bool | None:
    """What the summary says of n; None where it says nothing."""
    if of.get("none"):
        return False
    if "only" in of:
        return n in of["only"]
    if "sample" in of:
        return n in of["sample"] if n <= max(of["sample"]) else None
    if n < of["smallest"]:
        return False
    below = of.get("irregular_below", 0)
    return n % of["modulus"] in of["residues"] if below is not None and n > below else None


def fits(layers: list[Layer], n: int, axis: int) -> bool:
    try:
        run(layers, n, axis)
    except Fails:
        return False
    return True


@pytest.mark.parametrize("name", names(lambda case: case["layers"] and case.get("derived_valid_sizes")))
def test_the_sizes_that_fit_are_those_counted(name: str) -> None:
    """Three answers agree: ours, the recorded one, and a count over the layers in plain Python."""
    case = cases()[name]
    text, _ = spec_of(case["layers"], case["axes"])
    sets = shapelint.sizes(text.encode())["input"]
    for place, axis in enumerate(case["axes"]):
        of = along(case)[axis]
        ours = sets[2 + place]
        assert ours is not None, shapelint.sizes(text.encode()).unknown
        assert ours.is_complete
        low, high = of["searched"]
        for n in range(low, high + 1):
            counted = fits(case["layers"], n, place)
            assert recorded(of, n) in (None, counted), (axis, n)
            assert (n in ours) is counted, (axis, n)


def test_there_are_72_complete_cases_with_a_set() -> None:
    complete = names(lambda case: case["complete"] and case.get("derived_valid_sizes"))
    assert len(complete) == 72
    assert all(cases()[name]["layers"] for name in complete)


def test_what_cannot_be_expressed_has_no_layers() -> None:
    assert set(names(lambda case: not case["layers"])) == set(WITHOUT_LAYERS)


def replays(*kinds: str, other: bool | None = None) -> list[Any]:
    found = []
    for name in names(lambda case: case["layers"]):
        for number, replay in enumerate(cases()[name].get("replay", [])):
            if replay["result"]["kind"] in kinds and other in (None, "layers" in replay):
                found.append(pytest.param(name, number, id=f"{name}-{number}"))
    return found


def analysis_of(name: str, number: int) -> tuple[Analysis, list[tuple[str, str]], bytes]:
    case = cases()[name]
    replay = case["replay"][number]
    text, order = spec_of(replay.get("layers", case["layers"]), case["axes"])
    stated = Stated(inputs={"input": (1, CHANNELS, *replay["input"])})
    return Analysis(load(text.encode()), stated), order, text.encode()


@pytest.mark.parametrize(("name", "number"), replays("fits"))
def test_what_fits_is_clean(name: str, number: int) -> None:
    analysis, _, data = analysis_of(name, number)
    assert analysis.runs is True, (analysis.facts.unknowns, analysis.failures)
    found = shapelint.check(data, inputs={"input": [1, CHANNELS, *cases()[name]["replay"][number]["input"]]})
    # What another runtime would return is told, and is no fault of the network.
    assert [each for each in found.findings if each.name != "runtimes-disagree"] == []
    assert found.exit_code == 0


def failing(analysis: Analysis, order: list[tuple[str, str]]) -> tuple[str, list[Any], list[Any]]:
    """The first of the case's ids that fails, with the sizes of the two sides."""
    found = []
    for failure in analysis.failures:
        for row in (failure.first, *failure.also):
            path = row.requirement.path
            places = [
                place for place, (_, ours) in enumerate(order) if ours == path or path.startswith(f"{ours}.size ")
            ]
            # Of an unpool: what is expected of the size that enters it is what it demands itself.
            entering = row.node.inputs[:1] if row.node is not None else ()
            places = places or [place for place, (_, ours) in enumerate(order) if ours in entering]
            if places:
                found.append((places[0], list(row.left), list(row.right)))
    place, left, right = min(found, key=lambda row: row[0])
    return order[place][0], left, right


@pytest.mark.parametrize(("name", "number"), replays("size_mismatch", "skip_mismatch"))
def test_the_mismatch_is_found_where_it_was_reported(name: str, number: int) -> None:
    analysis, order, data = analysis_of(name, number)
    result = cases()[name]["replay"][number]["result"]
    assert analysis.runs is False
    at, left, right = failing(analysis, order)
    assert result.get("at", at) == at
    if "right" in result:
        assert sorted([left, right]) == sorted([result["left"], result["right"]])
    elif "left" in result:
        assert result["left"] in (left, right)
    report = shapelint.check(data, inputs={"input": [1, CHANNELS, *cases()[name]["replay"][number]["input"]]})
    assert report.exit_code == 1
    assert any(finding.severity.value == "error" for finding in report.findings)


@pytest.mark.parametrize(("name", "number"), replays("invalid_parameter", "non_positive_size", "fixed_shape_violation"))
def test_what_was_refused_is_refused(name: str, number: int) -> None:
    try:
        analysis, _, data = analysis_of(name, number)
    except Unreadable as refused:
        refusal = refused.rule
    else:
        refusal = None
    if refusal is not None:
        assert refusal == "invalid-spec"
        return
    assert analysis.runs is False
    report = shapelint.check(data, inputs={"input": [1, CHANNELS, *cases()[name]["replay"][number]["input"]]})
    assert report.exit_code == 1


def test_the_counts() -> None:
    """How much was compared: nothing is left out but the cases without layers."""
    kinds = Counter(
        replay["result"]["kind"] for case in cases().values() if case["layers"] for replay in case.get("replay", [])
    )
    assert kinds == {
        "fits": 132,
        "skip_mismatch": 56,
        "size_mismatch": 46,
        "invalid_parameter": 5,
        "fixed_shape_violation": 3,
        "non_positive_size": 2,
    }
    assert len(names(lambda case: case["layers"])) == 113
    assert len(names(lambda case: case.get("derived_valid_sizes"))) == 86
