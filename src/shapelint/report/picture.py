"""A failure in one picture: the encoder left, the decoder right, its levels in rows, and what rounded between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import by, listed
from shapelint.report.terminal import clean, cut

if TYPE_CHECKING:
    from shapelint.facts.levels import Level, Levels, Side
    from shapelint.finding import ChainLink
    from shapelint.report.terminal import Paint

MOST: Final = 12
"""Rows; beyond them levels that agree are folded. What fails always has its row."""
_NARROWEST: Final = 16
_GAP: Final = "   "


def picture(levels: Levels, paint: Paint, room: int) -> list[str]:
    """The lines of a picture that is `room` columns wide, or wider where the sizes alone are."""
    rows = _folded(levels.rows)
    shown = [row for row in rows if row is not None]
    scale = max(len(row.scale) for row in shown)
    size = [max([len(_size(side)) for side in sides] or [0]) for sides in zip(*map(_sides, shown), strict=True)]
    name = [max([len(_name(side)) for side in sides] or [0]) for sides in zip(*map(_sides, shown), strict=True)]
    bare = 2 + scale + 2 + size[0] + 2 + len(_GAP) + 2 + len(_GAP) + size[1] + 2
    places = {id(row): _place(row) for row in shown if row.agrees is False}
    is_beside = bare + sum(name) + 2 + max(map(len, places.values()), default=0) <= room
    if not is_beside:
        name = _shared(name, max(room - bare, 2 * _NARROWEST))
    lead = " " * (2 + scale + 2)
    right = lead + " " * (size[0] + 2 + name[0] + len(_GAP) + 2 + len(_GAP))
    lines = [f"{lead}{paint('encoder'.ljust(len(right) - len(lead)), 'dim')}{paint('decoder', 'dim')}"]
    for row in rows:
        if row is None:
            lines.append(f"{lead}{paint('...', 'dim')}")
            continue
        sides = [
            f"{_size(side):>{size[place]}}  {cut(_name(side), name[place]):<{name[place]}}"
            for place, side in enumerate(_sides(row))
        ]
        mark = {None: "  ", True: " =", False: "!="}[row.agrees]
        style = ("red", "bold") if row.agrees is False else ()
        line = f"  {paint(row.scale.rjust(scale), 'cyan')}  {sides[0]}{_GAP}{paint(mark, *style)}{_GAP}{sides[1]}"
        if row.agrees is False and is_beside:
            line += f"  {places[id(row)]}"
        lines.append(line.rstrip())
        if row.agrees is False and not is_beside:
            indent = right if len(right) + len(places[id(row)]) <= room else lead
            lines.append(f"{indent}{places[id(row)]}")
        lines += [
            f"{lead}  {paint(text, 'yellow')}  {cut(node, max(room - len(lead) - len(text) - 4, _NARROWEST))}"
            for text, node in _steps(row.steps)
        ]
    return lines


def _sides(row: Level) -> tuple[Side | None, Side | None]:
    return row.encoder, row.decoder


def _size(side: Side | None) -> str:
    return by(side.size) if side is not None and side.size else ""


def _name(side: Side | None) -> str:
    return "" if side is None else clean(side.name)


def _place(row: Level) -> str:
    """Where a row fails, and along which axes."""
    return clean(f"`{row.where}`" + (f" ({listed(list(row.axes))})" if row.axes else ""))


def _folded(rows: tuple[Level, ...]) -> list[Level | None]:
    """At most `MOST` rows, and all that fail; None stands for rows that are left out because they agree."""
    left = len(rows) - MOST
    found: list[Level | None] = []
    for place, row in reversed(list(enumerate(rows))):
        is_telling = row.agrees is False or bool(row.steps) or place in (0, len(rows) - 1)
        if left > -1 and not is_telling and len(rows) > MOST:
            left -= 1
            if found[0] is not None:
                found.insert(0, None)
        else:
            found.insert(0, row)
    return found


def _shared(widths: list[int], room: int) -> list[int]:
    """The widths of two columns that have `room` together: the narrower one gets all it needs, up to half."""
    half = room // 2
    if sum(widths) <= room:
        return widths
    if min(widths) <= half:
        return [each if each <= half else room - min(widths) for each in widths]
    return [half, room - half]


def _steps(steps: tuple[ChainLink, ...]) -> list[tuple[str, str]]:
    """`H 75 -> 37, W 99 -> 49 (rounded down)` with the node, in order."""
    told: dict[str, dict[str, dict[str, list[str]]]] = {}
    for link in steps:
        sizes = f"{link.before} -> {link.after}"
        notes = told.setdefault(link.node, {})
        notes.setdefault(link.text.removeprefix(sizes), {}).setdefault(sizes, []).append(link.axis)
    return [
        (clean(", ".join(f"{_each(axes)}{note}" for note, axes in notes.items())), clean(node))
        for node, notes in told.items()
    ]


def _each(axes: dict[str, list[str]]) -> str:
    return ", ".join(f"{listed(labels)} {sizes}" for sizes, labels in axes.items())
