"""Places in a spec's text: offsets of spans, calls as they stand there, whole lines; and the edits between two texts.

Offsets count code points of the text without its byte-order mark.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from shapelint.fixing.patch import TextEdit, TextPatch

if TYPE_CHECKING:
    from shapelint.graph import Node, Place, Span

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What YAML counts as the end of a line."""
_ITEM: Final = re.compile(r"(?P<indent>[ ]*)- (?P<name>[^'\"()#]*: )?")


@dataclass(frozen=True, slots=True)
class Written:
    """A call as it stands in the text."""

    start: int
    close: int
    """The offset of its closing bracket."""
    tree: ast.Call
    outer: ast.Call | None
    """The brackets behind it, with the sources and what is given at call time."""
    outer_start: int

    def operands(self) -> list[tuple[int, int]] | None:
        """The places of the sources, in order; None where they are not written one by one."""
        call, base = (self.tree, self.start) if self.outer is None else (self.outer, self.outer_start)
        found: list[ast.expr] = []
        for argument in call.args:
            found += argument.elts if isinstance(argument, ast.Tuple | ast.List) else [argument]
        return [(base + each.col_offset, base + (each.end_col_offset or 0)) for each in found]


class SpecText:
    """The text of a spec, asked for places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *[match.end() for match in _BREAK.finditer(text)]]

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and a column, both from 1."""
        return self._starts[line - 1] + column - 1

    def range(self, span: Span) -> tuple[int, int]:
        """The offsets where a span begins and ends."""
        return self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)

    def of(self, span: Span) -> str:
        """The text of a span."""
        start, end = self.range(span)
        return self.text[start:end]

    def line_start(self, offset: int) -> int:
        """Where the line of an offset begins."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Where the line after that of an offset begins; the end of the text for the last."""
        place = bisect_right(self._starts, offset)
        return self._starts[place] if place < len(self._starts) else len(self.text)

    @property
    def newline(self) -> str:
        """The line break of the file."""
        match = _BREAK.search(self.text)
        return match[0] if match else "\n"

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(self, place: Place) -> Written | None:
        """The call at a place; None for a long form, and where the text is not what the place says."""
        start, end = self.range(place.span)
        tree = _call(self.text[start:end])
        if tree is None or self.text[end - 1 : end] != ")":
            return None
        if self.text[end : end + 1] != "(":
            return Written(start, end - 1, tree, None, end)
        stop = _closing(self.text, end)
        outer = None if stop is None else _call("_" + self.text[end : stop + 1])
        return None if outer is None else Written(start, end - 1, tree, outer, end - 1)

    def call_at(self, start: int) -> Written | None:
        """The call that begins at an offset, without the brackets behind it; None where none does."""
        word = re.compile(r"[^\W\d][\w.]*\(").match(self.text, start)
        stop = None if word is None else _closing(self.text, word.end() - 1)
        tree = None if stop is None else _call(self.text[start : stop + 1])
        return None if tree is None or stop is None else Written(start, stop, tree, None, stop)

    def argument(self, node: Node, name: str) -> tuple[int, int, bool] | None:
        """Where an argument of a node's call stands, and whether its name is written; None where it is not given."""
        if node.place is None or name not in node.place.arguments:
            return None
        start, end = self.range(node.place.arguments[name])
        return start, end, re.match(rf"{name}\s*=(?!=)", self.text[start:end]) is not None

    def value(self, node: Node, name: str) -> str | None:
        """The text of an argument's value."""
        found = self.argument(node, name)
        if found is None:
            return None
        start, end, named = found
        text = self.text[start:end]
        return text.partition("=")[2].strip() if named else text

    def set(self, node: Node, name: str, value: str) -> TextEdit | None:
        """Give an argument of a node's call another value, or add it before the closing bracket."""
        found = self.argument(node, name)
        if found is not None:
            start, end, named = found
            return TextEdit(start, end, f"{name}={value}" if named else value)
        return self.add(node, f"{name}={value}")

    def add(self, node: Node, argument: str) -> TextEdit | None:
        """A further argument before the closing bracket of a node's call."""
        call = None if node.place is None else self.call(node.place)
        if call is None:
            return None
        empty = not call.tree.args and not call.tree.keywords
        return TextEdit(call.close, call.close, argument if empty else f", {argument}")

    # -- lines ---------------------------------------------------------------------------------------------------

    def item(self, offset: int) -> tuple[str, str] | None:
        """The indent and the written name of the item in whose line, behind the dash, a call begins at an offset."""
        line = self.line_start(offset)
        match = _ITEM.match(self.text, line)
        if match is None or match.end() not in (offset, offset - 1):
            return None
        return match["indent"], (match["name"] or "").removesuffix(": ").strip()

    def before(self, offset: int, item: str) -> TextEdit | None:
        """A new item above the one whose call begins at an offset."""
        own = self.item(offset)
        line = self.line_start(offset)
        return None if own is None else TextEdit(line, line, f"{own[0]}- {item}{self.newline}")

    def after(self, offset: int, item: str) -> TextEdit | None:
        """A new item below the one whose call begins at an offset."""
        own = self.item(offset)
        if own is None:
            return None
        line = self.line_end(offset)
        lead = "" if line != self.line_start(offset) and self._ends_a_line(line) else self.newline
        return TextEdit(line, line, f"{lead}{own[0]}- {item}{self.newline}")

    def _ends_a_line(self, offset: int) -> bool:
        return offset == 0 or _BREAK.fullmatch(self.text[offset - 1 : offset]) is not None

    def free_name(self, wanted: str) -> str:
        """`wanted`, with a number where the word stands in the text already."""
        name, number = wanted, 1
        while re.search(rf"\b{name}\b", self.text):
            number += 1
            name = f"{wanted}{number}"
        return name


def _call(text: str) -> ast.Call | None:
    """The call that a text is; its offsets count code points."""
    try:
        tree = ast.parse(re.sub(r"[^\x00-\x7f]", "x", text), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if isinstance(tree, ast.Call) and tree.end_col_offset == len(text) else None


def _closing(text: str, start: int) -> int | None:
    """The bracket that closes the one at `start`, on its line."""
    depth, quote = 0, ""
    for place in range(start, len(text)):
        letter = text[place]
        if _BREAK.match(letter):
            return None
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        else:
            depth += (letter in "([{") - (letter in ")]}")
            if depth == 0:
                return place
    return None


def patch_between(old: str, new: str) -> TextPatch:
    """The edits that make `new` of `old`, each as short as it can be within the lines that change."""
    olds, news = old.splitlines(keepends=True), new.splitlines(keepends=True)
    edits: list[TextEdit] = []
    begins = [0]
    for line in olds:
        begins.append(begins[-1] + len(line))
    for tag, i, j, k, m in SequenceMatcher(None, olds, news, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        pairs = [(begins[i], begins[j], "".join(news[k:m]))]
        if tag == "replace" and j - i == m - k:
            pairs = [(begins[i + n], begins[i + n + 1], news[k + n]) for n in range(j - i)]
        elif tag == "replace":
            pairs = list(_aligned(olds[i:j], news[k:m], begins[i]))
        edits += [_trimmed(old, *pair) for pair in pairs]
    joined: list[TextEdit] = []
    for edit in edits:
        if edit.start == edit.end and not edit.text:
            continue
        if joined and joined[-1].end == edit.start:
            last = joined.pop()
            edit = TextEdit(last.start, edit.end, last.text + edit.text)
        joined.append(edit)
    return TextPatch(tuple(joined))


def _aligned(olds: list[str], news: list[str], begin: int) -> list[tuple[int, int, str]]:
    """Changed lines among inserted ones: each old line against the new one that is most like it, in order."""
    found = []
    place = 0
    for number, line in enumerate(olds):
        room = len(news) - (len(olds) - number - 1)
        best = max(range(place, max(room, place)), key=lambda n: _likeness(line, news[n]), default=None)
        if best is None:
            found.append((begin, begin + len(line), ""))
        else:
            found.append((begin, begin, "".join(news[place:best])))
            found.append((begin, begin + len(line), news[best]))
            place = best + 1
        begin += len(line)
    found.append((begin, begin, "".join(news[place:])))
    return found


def _likeness(line: str, other: str) -> float:
    return SequenceMatcher(None, line, other, autojunk=False).ratio()


def _trimmed(old: str, start: int, end: int, text: str) -> TextEdit:
    """The edit without what stays at both ends; words stay whole."""
    low, high = start, end
    while start < end and text and old[start] == text[0]:
        start, text = start + 1, text[1:]
    while start < end and text and old[end - 1] == text[-1]:
        end, text = end - 1, text[:-1]
    while start > low and _is_word(old[start - 1]) and _is_word(old[start:end][:1], text[:1]):
        start, text = start - 1, old[start - 1] + text
    while end < high and _is_word(old[end]) and _is_word(old[start:end][-1:], text[-1:]):
        end, text = end + 1, text + old[end]
    return TextEdit(start, end, text)


def _is_word(*letters: str) -> bool:
    """Whether one of the letters stands in words."""
    return any(letter.isalnum() or letter == "_" for letter in letters)
