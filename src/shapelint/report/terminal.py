"""Colour on a terminal, honouring NO_COLOR and FORCE_COLOR."""

from __future__ import annotations

import os
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from shapelint.finding import Severity

_CODES: Final = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36}
_SEVERITIES: Final = {"error": "red", "warning": "yellow", "info": "blue"}

WIDTH: Final = 100
"""Columns of a report that goes to no terminal."""
_NARROWEST: Final = 60


@dataclass(frozen=True, slots=True)
class Paint:
    """Wraps text in colour where that is wanted."""

    on: bool = False
    width: int = WIDTH
    """Columns for what can be made narrower."""

    def __call__(self, text: str, *styles: str) -> str:
        """`text` in these styles."""
        if not self.on or not styles or not text:
            return text
        return "".join(f"\x1b[{_CODES[style]}m" for style in styles) + text + "\x1b[0m"

    def severity(self, severity: Severity, text: str) -> str:
        """`text` in the colour of the severity."""
        return self(text, "bold", _SEVERITIES[severity.value])


def paint_for(stream: TextIO, choice: str = "auto") -> Paint:
    """Colour for `stream`: `always`, `never`, or `auto`; and its width."""
    width = max(get_terminal_size((WIDTH, 0)).columns, _NARROWEST) if stream.isatty() else WIDTH
    return Paint(_is_coloured(stream, choice), width)


def _is_coloured(stream: TextIO, choice: str) -> bool:
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


WIDEST = 56
"""The widest that a first column is made; a longer cell, a long name, stands on a line of its own."""


def columns(rows: list[list[str]], indent: int = 2) -> list[str]:
    """The rows with their cells aligned; a row's last cell is not padded. Colour does not count."""
    widths: list[int] = []
    for row in rows:
        for place, cell in enumerate(row[:-1]):
            if place == len(widths):
                widths.append(0)
            width = _width(cell)
            if place or width <= WIDEST:
                widths[place] = max(widths[place], width)
    lines = []
    margin = " " * indent
    for row in rows:
        cells = list(row)
        if len(cells) > 1 and _width(cells[0]) > widths[0]:
            lines.append(margin + cells[0])
            cells[0] = ""
        padded = [cell + " " * (widths[place] - _width(cell)) for place, cell in enumerate(cells[:-1])]
        lines.append((margin + "  ".join([*padded, cells[-1]])).rstrip())
    return lines


def cut(text: str, width: int) -> str:
    """A path with its middle left out where it is longer than `width`, at slashes if there are; the end tells most."""
    if len(text) <= width:
        return text
    head = text[: (width - 3) // 3]
    head = head[: head.rfind("/") + 1] or head
    tail = text[len(text) - (width - 3 - len(head)) :]
    slash = tail.find("/")
    return f"{head}...{tail[slash:] if 0 <= slash <= len(tail) // 2 else tail}"


def _width(text: str) -> int:
    from re import sub
    from unicodedata import east_asian_width

    plain = sub(r"\x1b\[\d+m", "", text)
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in plain)


def clean(text: str) -> str:
    """Names from a file without control characters, so that a file cannot write to the terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
