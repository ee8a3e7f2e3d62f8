"""Real bug reports (../shared/cases): the cure that the thread took is on the menu, where we have its kind."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from shapelint.analysis import Analysis
from shapelint.fixing.menu import offers
from shapelint.fixing.patch import TextPatch
from shapelint.settings import Stated
from shapelint.source import Unreadable, load

from .cases_as_specs import CHANNELS, cases, spec_of
from .shared import SHARED, needs_shared

pytestmark = needs_shared

KINDS = {
    "input_multiple": {"input_size", "pad_input"},
    "pad_and_crop_back": {"pad_input"},
    "output_size_arg": {"output_size"},
    "interpolate_to_skip": {"output_size"},
    "output_padding": {"output_padding"},
    "crop_or_pad_at_join": {"crop_merge", "pad_merge"},
    "change_kernel_stride_padding": {"window", "rounding"},
    "reexport": {"export"},
}
"""TRUTH.md: the fix classes in our kinds; the rest have none."""


NOT_OFFERED = {
    "035 output_padding": "stride 1 and output_padding=1, which torch refuses",
    "047 change_kernel_stride_padding": "the network's own size is the constant 250",
    "050 change_kernel_stride_padding": "four layers whose sizes come from a constant of 1x1",
    "161 output_padding": "part of the entry that changes the strides, 256 where 300 is asked, which is a `window`",
}
"""What no menu holds, with the reason."""


def wanted(case: dict[str, Any]) -> list[str]:
    """The fix classes of a case of which we have a kind."""
    classes = case.get("fix_class") or []
    return [each for each in ([classes] if isinstance(classes, str) else classes) if each in KINDS]


def broken_runs() -> list[tuple[str, int]]:
    """The first failing replay of each case with layers and a cure of a kind that we have."""
    found = []
    for name, case in cases().items():
        if not case["layers"] or not wanted(case):
            continue
        for number, replay in enumerate(case.get("replay", [])):
            if replay["result"]["kind"] in ("size_mismatch", "skip_mismatch") and "layers" not in replay:
                found.append((name, number))
                break
    return found


def analysis_of(name: str, number: int) -> Analysis | None:
    case = cases()[name]
    text, _ = spec_of(case["layers"], case["axes"])
    try:
        return Analysis(load(text.encode()), Stated(inputs={"input": (1, CHANNELS, *case["replay"][number]["input"])}))
    except Unreadable:
        return None


@pytest.mark.parametrize(("name", "number"), broken_runs() if SHARED.is_dir() else [])
def test_what_is_offered_mends(name: str, number: int) -> None:
    """Every repair, applied, takes away what failed first at the size that was reported; where that is all, it runs."""
    analysis = analysis_of(name, number)
    assert analysis is not None
    for offer in offers(analysis):
        if isinstance(offer.patch, TextPatch):
            text = offer.patch.apply(analysis.model.program.text)
            mended = Analysis(load(text.encode()), analysis.stated)
            failed, fails = ({each.first.requirement.path for each in of.failures} for of in (analysis, mended))
            assert analysis.failures[0].first.requirement.path not in fails
            assert fails < failed
            assert mended.runs is (not fails)


def test_the_cure_is_on_the_menu() -> None:
    counts: Counter[str] = Counter()
    missing: dict[str, Any] = {}
    for name, number in broken_runs():
        analysis = analysis_of(name, number)
        kinds = {offer.fix.kind for offer in offers(analysis)} if analysis is not None else set()
        for cure in wanted(cases()[name]):
            counts["cures"] += 1
            if KINDS[cure] & kinds:
                counts["on the menu"] += 1
            else:
                missing[f"{name} {cure}"] = sorted(kinds)
    assert missing.keys() == NOT_OFFERED.keys()
    assert counts == {"cures": 55, "on the menu": 55 - len(NOT_OFFERED)}


def test_behind_pooling_output_padding_is_not_first() -> None:
    """Where a skip meets a decoder behind a pool, the input, the size of the skip, and crop or pad come before it."""
    seen = 0
    for name, number in broken_runs():
        analysis = analysis_of(name, number)
        assert analysis is not None
        node = analysis.facts.nodes.get(analysis.failures[0].first.requirement.path)
        pools = [layer for layer in cases()[name]["layers"] if layer["type"] in ("maxpool", "avgpool")]
        if node is None or node.op not in ("Concat", "Add") or not pools:
            continue
        kinds = [offer.fix.kind for offer in offers(analysis)]
        seen += 1
        assert kinds[0] != "output_padding"
        if "output_padding" in kinds:
            assert kinds.index("output_padding") > max(kinds.index(each) for each in kinds if each in BEFORE)
    assert seen >= 10


BEFORE = {"pad_input", "input_size", "output_size", "crop_merge", "pad_merge"}
