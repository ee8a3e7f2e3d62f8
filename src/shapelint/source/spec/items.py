"""The items of `layers`, of a block and of a loop: calls, loops, conditions and long forms."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from shapelint.source.spec.compose import Mapping, Node, Scalar, Sequence, SpecError
from shapelint.source.spec.expression import Expression, parse
from shapelint.source.spec.form import RESERVED, allow, pairs_of, scalar_of
from shapelint.source.spec.program import CallItem, ForItem, IfItem, LongItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.source.spec.program import Item


def read_items(node: Node, what: str) -> tuple[Item, ...]:
    """The items of a list."""
    if isinstance(node, Scalar) and not node.text:
        return ()
    if not isinstance(node, Sequence):
        raise SpecError(f"`{what}` is no list", node.span, "write each layer on a line of its own after `- `")
    if node.flow:
        for each in node.items:
            if isinstance(each, Scalar):
                parse(each)
    return tuple(_item(each) for each in node.items)


def _item(node: Node) -> Item:
    if isinstance(node, Scalar):
        return CallItem((), parse(node))
    if isinstance(node, Sequence):
        raise SpecError("a list stands where a layer is meant", node.span, "write `- Layer(...)`")
    keys = {key.text: value for key, value in node.items}
    if "for" in keys:
        return _for(node, keys)
    if "if" in keys:
        return _if(node, keys)
    if "type" in keys:
        return _long(node, keys)
    if len(node.items) != 1:
        extra = node.items[1][0]
        raise SpecError(f"a layer has a second key `{extra.text}`", extra.span, "begin each layer with `- `")
    key, value = node.items[0]
    if key.text.count("(") != key.text.count(")"):
        remedy = "write `name=value` with `=`, or quote the whole line"
        raise SpecError(f"`{key.text}` holds a colon inside a call", key.span, remedy)
    if not isinstance(value, Scalar):
        raise SpecError(
            f"`{key.text}` is followed by a list or a mapping", value.span, f"write `{key.text}: Layer(...)`"
        )
    return CallItem(tuple(_names(key)), parse(value))


def _names(key: Scalar) -> Iterable[Expression]:
    if key.text in RESERVED:
        raise SpecError(f"a layer cannot be called `{key.text}`", key.span, "choose another name")
    expression = parse(key)
    tree = expression.tree
    parts = tree.elts if isinstance(tree, ast.Tuple) else [tree]
    for part in parts:
        name = part.value if isinstance(part, ast.Subscript) else part
        if not isinstance(name, ast.Name):
            raise expression.fault(f"`{ast.unparse(part)}` is no name", part, "write `name` or `name[i]`")
        if name.id in RESERVED:
            raise expression.fault(f"a layer cannot be called `{name.id}`", part, "choose another name")
        yield Expression(key, part, expression.text, expression.lead)


_FOR: Final = re.compile(r"\s*([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)\s+in\s+(.+?)\s*", re.DOTALL)


def _for(node: Mapping, keys: dict[str, Node]) -> ForItem:
    allow(node, ("for", "do"))
    head = scalar_of(keys["for"], "for")
    match = _FOR.fullmatch(head.text)
    if match is None:
        raise SpecError(f"`for: {head.text}` cannot be read", head.span, "write for example `for: i in 0..3`")
    if "do" not in keys:
        raise SpecError("`for` has no `do`", head.span, "add `do:` with the layers below")
    variables = tuple(word.strip() for word in match[1].split(","))
    for word in variables:
        if word in RESERVED:
            raise SpecError(f"a variable cannot be called `{word}`", head.span, "choose another name")
    start = match.start(2)
    ends = _ends(match[2])
    values: Expression | tuple[Expression, Expression]
    if ends is None:
        values = parse(_cut(head, start, start + len(match[2])))
    else:
        first, second = ends
        values = (
            parse(_cut(head, start, start + first)),
            parse(_cut(head, start + second, start + len(match[2]))),
        )
    return ForItem(variables, values, read_items(keys["do"], "do"), head.span)


def _ends(text: str) -> tuple[int, int] | None:
    """Where the `..` of `A..B` begins and ends, outside brackets."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0 and text.startswith("..", place) and not text.startswith("...", place):
            return place, place + 2
    return None


def _cut(scalar: Scalar, start: int, end: int) -> Scalar:
    """A part of a scalar as a scalar of its own."""
    return Scalar(scalar.text[start:end], scalar.part(start, end), scalar.plain)


def _if(node: Mapping, keys: dict[str, Node]) -> IfItem:
    allow(node, ("if", "do", "else"))
    condition = scalar_of(keys["if"], "if")
    if "do" not in keys:
        raise SpecError("`if` has no `do`", condition.span, "add `do:` with the layers below")
    other = read_items(keys["else"], "else") if "else" in keys else ()
    return IfItem(parse(condition), read_items(keys["do"], "do"), other)


def _long(node: Mapping, keys: dict[str, Node]) -> LongItem:
    allow(node, ("name", "type", "args", "from"))
    kind = scalar_of(keys["type"], "type")
    if not all(word.isidentifier() for word in kind.text.split(".")):
        raise SpecError(f"`{kind.text}` is no name of a type", kind.span, "write the arguments under `args:`")
    name = None
    if "name" in keys:
        name = next(iter(_names(scalar_of(keys["name"], "name"))))
    sources = tuple(read_sources(keys["from"])) if "from" in keys else None
    return LongItem(name, kind, pairs_of(keys.get("args"), "args"), sources, kind.span)


def read_sources(node: Node) -> Iterable[Expression]:
    """The layers that a node names, one or a list of them."""
    if isinstance(node, Scalar):
        yield parse(node)
        return
    if isinstance(node, Mapping):
        raise SpecError("a mapping stands where sources are meant", node.span, "write `[a, b]`")
    for each in node.items:
        yield parse(scalar_of(each, "from"))
