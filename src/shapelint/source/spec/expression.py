"""Expressions of a spec: text parsed with `ast`, each part with its place; nothing is executed."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shapelint.source.spec.compose import Scalar, SpecError

if TYPE_CHECKING:
    from shapelint.graph import Span

LONGEST_TEXT: Final = 4096
DEEPEST: Final = 60


@dataclass(frozen=True, slots=True)
class Expression:
    """One parsed expression with the scalar that it stands in."""

    scalar: Scalar
    tree: ast.expr
    text: str
    lead: int
    """How many letters of the scalar stand before `text`."""

    def span(self, node: ast.AST | None = None) -> Span:
        """The place of a part of the expression; of all of it if `node` is None."""
        if node is None:
            return self.scalar.part(self.lead, self.lead + len(self.text))
        assert isinstance(node, ast.expr | ast.keyword)
        start, end = self._place(node.col_offset), self._place(node.end_col_offset or 0)
        return self.scalar.part(self.lead + start, self.lead + end)

    def _place(self, offset: int) -> int:
        """The column in code points of an offset in UTF-8 bytes."""
        if self.text.isascii():
            return offset
        return len(self.text.encode()[:offset].decode(errors="ignore"))

    def closing(self, call: ast.Call) -> Span:
        """The empty place before the closing bracket of a call."""
        end = self.lead + self._place(call.end_col_offset or 0) - 1
        return self.scalar.part(end, end)

    def fault(self, message: str, node: ast.AST | None = None, remedy: str = "") -> SpecError:
        """An error at a part of the expression."""
        return SpecError(message, self.span(node), remedy)


def parse(scalar: Scalar) -> Expression:
    """The expression in a scalar; raises SpecError."""
    if not scalar.on_one_line:
        message = "an expression stands over more than one line"
        raise SpecError(message, scalar.span, "write it on one line; name long parts in `vars`")
    text = scalar.text.strip()
    lead = len(scalar.text) - len(scalar.text.lstrip())
    if not text:
        raise SpecError("an expression is empty", scalar.span, "write a layer, for example `Conv2d(64, 3)`")
    if len(text) > LONGEST_TEXT:
        raise SpecError(f"an expression has {len(text):,} letters", scalar.span, "name parts of it in `vars`")
    _check_brackets(text, scalar, lead)
    if text.endswith(","):
        end = lead + len(text)
        raise SpecError(f"`{shortened(text)}` ends with a comma", scalar.part(end - 1, end), "remove the comma")
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise _syntax(text, scalar, lead, error) from None
    except (ValueError, MemoryError, RecursionError):
        raise SpecError("an expression cannot be parsed", scalar.span, "write it as a Python expression") from None
    return Expression(scalar, tree, text, lead)


def _check_brackets(text: str, scalar: Scalar, lead: int) -> None:
    depth = deepest = 0
    for letter in re.sub(r"'[^']*'|\"[^\"]*\"", "", text):
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise SpecError("an expression nests too deeply", scalar.span, f"nest at most {DEEPEST} brackets")
    if depth > 0:
        message = f"`{shortened(text)}` has an opening bracket without a closing one"
        remedy = (
            "a comma inside [...] or {...}, or a `#`, cuts a call: write each layer on a line of its own after `- `"
        )
        raise SpecError(message, scalar.part(lead, lead + len(text)), remedy)
    if depth < 0:
        message = f"`{shortened(text)}` has a closing bracket without an opening one"
        raise SpecError(message, scalar.part(lead, lead + len(text)), "remove it, or write the call on one line")


def _syntax(text: str, scalar: Scalar, lead: int, error: SyntaxError) -> SpecError:
    whole = scalar.part(lead, lead + len(text))
    assignment = re.match(r"([^\W\d]\w*)\s*=\s*(?!=)", text)
    if assignment:
        return SpecError(f"`{shortened(text)}` is an assignment", whole, f"write `{assignment[1]}: ...`")
    place = max((error.offset or 1) - 1, 0)
    at = scalar.part(lead + min(place, len(text) - 1), lead + min(place + 1, len(text)))
    return SpecError(f"`{shortened(text)}` is no expression: {error.msg.lower()}", at, "write it as in Python")


def shortened(text: str) -> str:
    """The text as a message quotes it."""
    return text if len(text) <= 60 else text[:57] + "..."
