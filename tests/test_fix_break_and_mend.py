"""Random encoder-decoders, broken and mended. Which sizes fit is counted by hand (spec_by_hand), never by us."""

from __future__ import annotations

import sys
from collections import Counter
from random import Random
from typing import Any

import pytest

from shapelint.analysis import Analysis
from shapelint.finding import Applicability, Severity
from shapelint.fixing.menu import Offer, offers
from shapelint.fixing.patch import TextPatch
from shapelint.registry import run_checks
from shapelint.settings import Settings
from shapelint.source import load

from .broken_specs import BREAKS, Net, broken, healthy
from .spec_by_hand import Hand, read, window

ROUNDS = 200
MOST_WINDOWS = 3
"""How many entries of the kind `window` a menu has, and of the kind `rounding`."""
NAMES = {1: ["T"], 2: ["H", "W"], 3: ["D", "H", "W"]}


def errors(text: str) -> tuple[Analysis, bool]:
    analysis = Analysis(load(text.encode()))
    return analysis, any(each.severity is Severity.ERROR for each in run_checks(analysis, Settings()))


def stated(net: Net) -> list[int] | None:
    """Four multiples of the factor that fit, as counted by hand; None where there are none."""
    hand = read(net.text("any"))
    for first in range(net.factor, 60 * net.factor, net.factor):
        sizes = [first + turn * net.factor for turn in range(4)]
        if all(hand.fits((n,) * net.rank) for n in sizes):
            return sizes
    return None


def assert_the_claimed_sets_are_right(text: str, offer: Offer, around: int, upto: int) -> None:
    """Along each axis, the others at a size that fits, up to `upto`."""
    hand, fits = read(text), offer.fix.fits
    names = NAMES[hand.rank]
    assert set(fits) == set(names)
    base = [fits[name].nearest(around)[1] or fits[name].nearest(around)[0] or 0 for name in names]
    for axis, name in enumerate(names):
        for n in range(1, upto + 1):
            sizes = tuple(n if place == axis else size for place, size in enumerate(base))
            assert hand.fits(sizes) is (n in fits[name]), (offer.fix.title, name, n, fits[name].text, text)


def assert_nothing_changes_where_it_fitted(before: Hand, after: Hand, upto: int) -> None:
    for n in range(1, upto):
        sizes = (n,) * before.rank
        if before.fits(sizes) and not before.stretches(sizes):
            assert after.fits(sizes)
            assert before.out(sizes)["y"] == after.out(sizes)["y"]


def layers(hand: Hand) -> list[Any]:
    """What the layers are, with the defaults filled in."""
    found: list[Any] = []
    for line in hand.lines:
        is_window = "Conv" in line.type or "Pool" in line.type
        numbers: Any = line.keywords
        if line.type.startswith("onnx."):
            # No size tells one SAME from the other.
            numbers = {
                **numbers,
                "auto_pad": str(numbers.get("auto_pad")).removesuffix("_UPPER").removesuffix("_LOWER"),
            }
        elif is_window:
            numbers = [(k, s, p, d, extra or 0) for k, s, p, d, extra in window(line, hand.rank)]
        found.append((line.name, line.type, numbers, bool(line.keywords.get("ceil_mode"))))
    return found


def test_what_is_broken_is_mended_and_what_is_healthy_is_left_alone() -> None:
    """Counted by kind of break; the figures are printed, and those that must be all or none are asserted."""
    found: dict[str, Counter[str]] = {kind: Counter() for kind in BREAKS}
    missing: list[str] = []
    healthy_ones = 0
    for number in range(ROUNDS):
        random = Random(number)
        net = healthy(random)
        sizes = stated(net)
        if sizes is None:
            continue
        domain = f"{sizes[0]}..{sizes[-1]} step {net.factor}"
        text = net.text(domain)
        assert not errors(text)[1], text
        healthy_ones += 1
        kind = BREAKS[number % len(BREAKS)]
        changed, counts = broken(random, net, kind), found[kind]
        if changed is None:
            continue
        counts["changed"] += 1
        wrong = changed.text(domain)
        still_fits = all(read(wrong).fits((n,) * net.rank) for n in sizes)
        analysis, accused = errors(wrong)
        assert accused is not still_fits, wrong
        if still_fits:
            continue
        counts["broken"] += 1
        menu = offers(analysis)
        counts["menus"] += any(offer.patch is not None for offer in menu)
        kinds = Counter(offer.fix.kind for offer in menu)
        assert max(kinds["window"], kinds["rounding"]) <= MOST_WINDOWS
        inverse = False
        for offer in menu:
            if not isinstance(offer.patch, TextPatch):
                assert offer.fix.applicability is Applicability.DISPLAY
                continue
            mended = offer.patch.apply(wrong)
            assert_the_claimed_sets_are_right(mended, offer, 2 * sizes[0], min(4 * net.factor + 20, 90))
            counts["claimed"] += 1
            if offer.fix.kind != "declare" and offer.proved.is_whole:
                assert all(read(mended).fits((n,) * net.rank) for n in sizes), (offer.fix.title, wrong)
                counts["applied"] += 1
            if offer.fix.applicability is Applicability.SAFE:
                assert_nothing_changes_where_it_fitted(read(wrong), read(mended), 60)
                counts["safe"] += 1
            inverse = inverse or layers(read(mended)) == layers(read(text))
        counts["inverse"] += inverse
        if not inverse:
            missing.append(f"{number} {kind}: {[offer.fix.kind for offer in menu]}")
    columns = ("changed", "broken", "menus", "inverse", "claimed", "applied", "safe")
    rows = [f"{kind}: " + ", ".join(f"{name} {counts[name]}" for name in columns) for kind, counts in found.items()]
    sys.stdout.write("\n" + "\n".join([f"healthy and not accused: {healthy_ones}", *rows, *missing]) + "\n")
    total = sum(found.values(), Counter())
    assert healthy_ones > 150
    assert all(counts["broken"] for counts in found.values())
    assert total["menus"] == total["broken"] > 80
    assert total["inverse"] == total["broken"], missing
    assert total["claimed"] > 300


@pytest.mark.parametrize("number", range(6))
def test_a_mended_file_is_clean_and_mending_it_again_changes_nothing(number: int) -> None:
    from shapelint.fixing.apply import mended

    random = Random(1000 + number)
    net = healthy(random)
    sizes = stated(net)
    changed = None if sizes is None else broken(random, net, "output_padding")
    if sizes is None or changed is None:
        return
    data = changed.text(f"{sizes[0]}..{sizes[-1]} step {net.factor}").encode()
    once = mended(data, "net.shape.yaml", Settings(), unsafe=True)
    assert not errors(once.new.decode())[1]
    twice = mended(once.new, "net.shape.yaml", Settings(), unsafe=True)
    assert twice.new == once.new
    assert not twice.applied
