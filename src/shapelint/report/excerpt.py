"""Lines of a text file with carets and labels under them, as a finding points at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.report.terminal import Paint, clean

if TYPE_CHECKING:
    from shapelint.finding import Label

_MOST_LINES = 8


def excerpt(text: str, labels: tuple[Label, ...], paint: Paint) -> list[str]:
    """The labelled lines of `text`, in order; the first label is the place of the finding and gets carets."""
    lines = text.removeprefix("\ufeff").split("\n")
    by_line: dict[int, list[tuple[Label, bool]]] = {}
    for place, label in enumerate(labels):
        if label.span.line <= len(lines):
            by_line.setdefault(label.span.line, []).append((label, place == 0))
    numbers = sorted(by_line)
    if len(numbers) > _MOST_LINES:
        first = labels[0].span.line
        numbers = sorted({first, *[number for number in numbers if number != first][: _MOST_LINES - 1]})
    if not numbers:
        return []
    width = len(str(numbers[-1]))
    bar = paint("|", "blue")
    blank = f" {' ' * width} {bar}"
    found = [blank]
    before = numbers[0]
    for number in numbers:
        if number > before + 1:
            found.append(f" {paint('.' * min(3, width + 1), 'blue')}")
        before = number
        source = clean(lines[number - 1].rstrip("\r").expandtabs(1))
        found.append(f" {paint(str(number).rjust(width), 'blue')} {bar} {source}")
        for label, is_first in sorted(by_line[number], key=lambda pair: -pair[0].span.column):
            start = label.span.column - 1
            stop = label.span.end_column - 1 if label.span.end_line == label.span.line else len(source)
            sign = "^" if is_first else "-"
            mark = sign * max(1, stop - start)
            found.append(
                f"{blank} {' ' * start}{paint(mark, 'red' if is_first else 'blue')} {clean(label.text)}".rstrip()
            )
    return found
