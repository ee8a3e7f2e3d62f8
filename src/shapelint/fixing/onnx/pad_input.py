"""`pad_input`: every input is padded in the graph to the next size that fits, every output is cropped back.

The amount is computed from the Shape: p(n) = 0 where n runs, else m - n with m the next size on the residue of the
multiples, as `facts.plan` says it for numpy. An output axis that follows the input at the scale a/b loses floor(p*a/b)
at its end.
"""

from __future__ import annotations

from itertools import pairwise
from math import floor
from typing import TYPE_CHECKING, Final

from shapelint.facts.plan import padded_size, reached
from shapelint.facts.subjects import listed, quoted
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.onnx.back import is_map
from shapelint.fixing.onnx.sketch import NotDrawn, Sketch
from shapelint.size import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts, OutputAxis
    from shapelint.fixing.onnx.study import Study
    from shapelint.size import SizeSet, Symbol

_MOST_CLASSES: Final = 4
"""Residues that are padded to where no multiples run."""
_MOST_RANGES: Final = 12
"""Ranges of sizes that are told apart by nodes."""
_TRIED: Final = 256
_REASON: Final = "at sizes that did not fit, values near the far border see what is padded"


def pad_input(study: Study) -> Iterator[Candidate]:
    """The candidate that pads and crops in the graph; where it cannot be drawn, the advice to do so outside."""
    wanted = {axis.symbol: study.offered(axis.symbol) for axis in study.spatial}
    restricted = {symbol: sizes for symbol, sizes in wanted.items() if sizes is not None and not sizes.is_every}
    if not restricted or any(sizes.is_empty for sizes in restricted.values()):
        return
    inputs = list(dict.fromkeys(axis.input for axis in study.spatial if axis.symbol in restricted))
    try:
        if any(sizes is None for sizes in wanted.values()):
            raise NotDrawn
        sketch = Sketch(study.model)
        cropped, left, short = _draw(sketch, study, restricted)
    except NotDrawn:
        if any(sizes.nearest(n)[1] is None for symbol, sizes in restricted.items() if (n := _failing(study, symbol))):
            return
        title = f"before the model, pad {quoted(inputs)} {_targets(restricted)}, and crop the result back"
        fits = {symbol.name: reached(sizes) for symbol, sizes in restricted.items()}
        yield Candidate("pad_input", title, None, reason=_REASON, fits=fits)
        return
    title = f"pad {quoted(inputs)} {_targets(restricted)}"
    if cropped:
        title += f" and crop {quoted(cropped)} back"
    reason = _REASON
    if left:
        said = ("has", "stays as it is") if len(left) == 1 else ("have", "stay as they are")
        reason += f"; {quoted(left)} {said[0]} no axis that follows an input, and {said[1]}"
    if short:
        reason += f"; {quoted(short)} {'keeps' if len(short) == 1 else 'keep'} one row where the crop would leave none"
    yield Candidate("pad_input", title, sketch.patch, reason=reason)


def _failing(study: Study, symbol: Symbol) -> int | None:
    """The size that fails along an axis, where one is stated and does not fit."""
    n, sizes = (study.failing or {}).get(symbol), study.offered(symbol)
    return n if n is not None and sizes is not None and n not in sizes else None


def _targets(restricted: dict[Symbol, SizeSet]) -> str:
    """The sizes that are padded to, in words: `to the next multiple of 8 along H and W`."""
    words: dict[str, list[str]] = {}
    for symbol, sizes in restricted.items():
        multiple = sizes.pad_to
        if multiple == 1:
            word = f"to at least {sizes.start}"
        else:
            word = f"to the next multiple of {multiple}" if multiple is not None else "to the next size that fits"
        words.setdefault(word, []).append(symbol.name)
    return listed([f"{word} along {listed(labels)}" for word, labels in words.items()])


def _draw(sketch: Sketch, study: Study, restricted: dict[Symbol, SizeSet]) -> tuple[list[str], list[str], list[str]]:
    """Draw the padding and the cropping; the outputs that are cropped, left alone, and kept from being empty."""
    facts, graph = study.facts, study.model.graph
    amounts: dict[Symbol, str] = {}
    first = sketch.first()
    for declared in graph.inputs:
        axes = {axis.axis: axis for axis in study.spatial if axis.input == declared.name and axis.symbol in restricted}
        if not axes:
            continue
        if any(axis.size is not axis.symbol.expr for axis in axes.values()) or declared.dims is None:
            raise NotDrawn
        ends = []
        for place in range(len(declared.dims)):
            axis = axes.get(place)
            if axis is None:
                ends.append(sketch.numbers(0))
                continue
            fits = study.kept(axis.symbol)
            if fits is None:
                raise NotDrawn
            n = sketch.size(first, declared.name, place)
            amount = _amount(sketch, first, n, fits, restricted[axis.symbol], f"{declared.name}/{axis.label}")
            amounts.setdefault(axis.symbol, amount)
            ends.append(amount)
        begins = sketch.numbers(*[0] * len(declared.dims))
        pads = sketch.joined(first, [begins, *ends], f"{declared.name}/pads")
        padded = sketch.add(first, "Pad", [declared.name, pads], f"{declared.name}/padded")
        sketch.redirect(declared.name, padded)
    cropped, left, short = [], [], []
    for declared in graph.outputs:
        followed = [each for each in facts.outputs if each.output == declared.name and each.follows.symbol in amounts]
        axes_of = [each for each in followed if each.scale and is_map(facts, declared.name, each.axis)]
        if not axes_of or len(axes_of) < len(followed):
            if _depends(facts, declared.name, amounts):
                left.append(declared.name)
            continue
        if not _crop(sketch, declared.name, axes_of, amounts, restricted):
            short.append(declared.name)
        cropped.append(declared.name)
    return cropped, left, short


def _depends(facts: Facts, output: str, amounts: dict[Symbol, str]) -> bool:
    """Whether the output comes from a padded input."""
    reached = {axis.input for axis in facts.inputs.axes if axis.symbol in amounts}
    for node in facts.graph.nodes:
        if any(name in reached for name in node.inputs):
            reached.update(node.outputs)
    return output in reached


# -- the amount --------------------------------------------------------------------------------------------------------


def _amount(sketch: Sketch, at: str, n: str, fits: SizeSet, offered: SizeSet, name: str) -> str:
    """The name of p(n)."""
    multiple = offered.pad_to
    period, residues = (multiple, (0,)) if multiple is not None else (offered.period, offered.residues)
    if not 0 < len(residues) <= _MOST_CLASSES:
        raise NotDrawn
    target = ""
    for residue in residues:
        here = f"{name}/to_{residue}"
        following = n
        if period > 1:
            missing = sketch.add(at, "Sub", [sketch.numbers(residue), n], f"{here}/missing")
            steps = sketch.add(at, "Mod", [missing, sketch.numbers(period)], f"{here}/steps")
            following = sketch.add(at, "Add", [n, steps], f"{here}/next")
        first = offered.start + (residue - offered.start) % period
        if first > (residue or period):
            following = _larger(sketch, at, following, first, here)
        target = _smaller(sketch, at, target, following, here) if target else following
    amount = sketch.add(at, "Sub", [target, n], f"{name}/missing")
    running = _running(sketch, at, n, fits, period, residues, name)
    return sketch.add(at, "Where", [running, sketch.numbers(0), amount], f"{name}/amount") if running else amount


def _larger(sketch: Sketch, at: str, value: str, least: int, name: str) -> str:
    """max(value, least), by Where: Max takes integers only since opset 12."""
    return sketch.add(at, "Where", [_above(sketch, at, value, least - 1, name), value, sketch.numbers(least)], name)


def _smaller(sketch: Sketch, at: str, one: str, other: str, name: str) -> str:
    less = sketch.add(at, "Less", [one, other], f"{name}/is_less")
    return sketch.add(at, "Where", [less, one, other], f"{name}/least")


def _above(sketch: Sketch, at: str, value: str, bound: int, name: str) -> str:
    return sketch.add(at, "Less", [sketch.numbers(bound), value], f"{name}/above_{bound}")


def _between(sketch: Sketch, at: str, value: str, low: int, high: int, name: str) -> str:
    if low == high:
        return sketch.add(at, "Equal", [value, sketch.numbers(low)], f"{name}/is_{low}")
    below = sketch.add(at, "Less", [value, sketch.numbers(high + 1)], f"{name}/below_{high + 1}")
    return sketch.add(at, "And", [_above(sketch, at, value, low - 1, name), below], f"{name}/within_{low}")


def _running(
    sketch: Sketch, at: str, n: str, fits: SizeSet, period: int, residues: tuple[int, ...], name: str
) -> str | None:
    """Whether n fits though it is none of the sizes that are padded to; None where there are no such sizes."""
    other = [each for each in fits.residues if each % period not in residues]
    classes = _ranges(other)
    singles = list(fits.extra)
    if len(classes) + len(singles) > _MOST_RANGES:
        raise NotDrawn
    found = [_between(sketch, at, n, low, high, f"{name}/n") for low, high in singles]
    if classes:
        rest = sketch.add(at, "Mod", [n, sketch.numbers(fits.period)], f"{name}/rest")
        held = [_between(sketch, at, rest, low, high, f"{name}/rest") for low, high in classes]
        within = _any(sketch, at, held, f"{name}/in_class")
        if fits.start > 1:
            within = sketch.add(
                at, "And", [_above(sketch, at, n, fits.start - 1, f"{name}/n"), within], f"{name}/in_set"
            )
        found.append(within)
    return _any(sketch, at, found, f"{name}/fits") if found else None


def _any(sketch: Sketch, at: str, held: list[str], name: str) -> str:
    total = held[0]
    for each in held[1:]:
        total = sketch.add(at, "Or", [total, each], name)
    return total


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    if not numbers:
        return []
    breaks = [place for place, (a, b) in enumerate(pairwise(numbers), 1) if b != a + 1]
    return [
        (numbers[start], numbers[stop - 1]) for start, stop in zip([0, *breaks], [*breaks, len(numbers)], strict=True)
    ]


# -- the crop ----------------------------------------------------------------------------------------------------------


def _crop(
    sketch: Sketch,
    output: str,
    axes: list[OutputAxis],
    amounts: dict[Symbol, str],
    restricted: dict[Symbol, SizeSet],
) -> bool:
    """Let the output be what was called so, less floor(scale * p) at the end of each axis; whether that leaves some.

    Where it would leave nothing one row stays.
    """
    is_whole = True
    whole = sketch.fresh(f"{output}/whole")
    sketch.redirect(output, whole)
    sketch.rename_output(output, whole)
    ends = []
    for each in axes:
        assert each.scale is not None
        amount, scale = amounts[each.follows.symbol], each.scale
        if scale.numerator > 1:
            amount = sketch.add("", "Mul", [amount, sketch.numbers(scale.numerator)], f"{output}/times")
        if scale.denominator > 1:
            amount = sketch.add("", "Div", [amount, sketch.numbers(scale.denominator)], f"{output}/scaled")
        end = sketch.add("", "Sub", [sketch.size("", whole, each.axis), amount], f"{output}/end")
        if not _is_left(each, restricted[each.follows.symbol]):
            end = _larger(sketch, "", end, 1, f"{output}/end")
            is_whole = False
        ends.append(end)
    stops = sketch.joined("", ends, f"{output}/ends")
    starts, places = sketch.numbers(*[0] * len(axes)), sketch.numbers(*[each.axis for each in axes])
    sketch.name_result("", "Slice", [whole, starts, stops, places], f"{output}/cropped", output)
    return is_whole


def _is_left(axis: OutputAxis, sizes: SizeSet) -> bool:
    """Whether something is left of the output at every small size."""
    assert axis.scale is not None
    for n in range(1, _TRIED):
        to = padded_size(sizes, n)
        if to is not None and evaluate(axis.size, {axis.follows.symbol: to}) - floor((to - n) * axis.scale) < 1:
            return False
    return True
