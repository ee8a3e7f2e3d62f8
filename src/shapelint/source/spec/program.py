"""A spec's structure: what stands where, checked for form; nothing is evaluated yet."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeAlias

from shapelint.size.parse import NotASize, parse_domain
from shapelint.source.spec.compose import Mapping, Node, Scalar, Sequence, SpecError
from shapelint.source.spec.expression import Expression, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.graph import Span
    from shapelint.size import SizeSet

KEYS: Final = (
    "shapelint",
    "convention",
    "opset",
    "layout",
    "vars",
    "inputs",
    "sizes",
    "blocks",
    "types",
    "layers",
    "outputs",
    "expect",
)
CONVENTIONS: Final = ("pytorch", "keras", "tensorflow", "onnx", "jax", "paddle", "caffe", "theano")
LAYOUTS: Final = ("channels_first", "channels_last")
RESERVED: Final = frozenset(["for", "do", "if", "else", "name", "type", "args", "from", "input"])


@dataclass(frozen=True, slots=True)
class CallItem:
    """`call`, `name: call`, `name[i]: call` or `a, b: call`."""

    names: tuple[Expression, ...]
    call: Expression


@dataclass(frozen=True, slots=True)
class ForItem:
    """`for: v, w in range` with `do: [...]`."""

    variables: tuple[str, ...]
    values: Expression | tuple[Expression, Expression]
    """A list, or the two ends of `A..B`."""
    body: tuple[Item, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class IfItem:
    """`if: cond` with `do: [...]` and perhaps `else: [...]`."""

    condition: Expression
    then: tuple[Item, ...]
    other: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class LongItem:
    """{name:, type:, args: {...}, from: ...}, as generators write it."""

    name: Expression | None
    type: Scalar
    args: tuple[tuple[Scalar, Node], ...]
    sources: tuple[Expression, ...] | None
    span: Span


Item: TypeAlias = "CallItem | ForItem | IfItem | LongItem"


@dataclass(frozen=True, slots=True)
class Block:
    """`name(p, q=1): [item, ...]`."""

    name: str
    parameters: tuple[tuple[str, Expression | None], ...]
    items: tuple[Item, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DomainOf:
    """What `sizes` says of a symbol."""

    symbol: str
    sizes: SizeSet
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Expected:
    """One condition of `expect`."""

    condition: Expression
    level: str
    """`error` or `warn`."""
    why: str


@dataclass(frozen=True, slots=True)
class Program:
    """A whole spec."""

    convention: str
    layout: str | None
    opset: int | None
    vars: tuple[tuple[Scalar, Node], ...]
    inputs: tuple[tuple[Scalar, tuple[Scalar, ...]], ...]
    sizes: tuple[DomainOf, ...]
    blocks: dict[str, Block]
    types: dict[str, Node]
    items: tuple[Item, ...]
    outputs: tuple[Expression, ...] | None
    expect: tuple[Expected, ...]
    text: str = ""
    place: dict[str, Span] = field(default_factory=dict)


def read(root: Node, text: str) -> Program:
    """The program that the root node states; raises SpecError."""
    if not isinstance(root, Mapping):
        raise SpecError("the file is no mapping", root.span, "begin with `shapelint: 1`")
    keys = {key.text: value for key, value in root.items}
    if "shapelint" not in keys:
        close = get_close_matches("shapelint", keys, 1)
        remedy = f"write `shapelint: 1` for `{close[0]}`" if close else "begin with `shapelint: 1`"
        raise SpecError("the key `shapelint` is missing", root.items[0][0].span if root.items else root.span, remedy)
    for key, _ in root.items:
        if key.text not in KEYS:
            raise _unknown("key", key, KEYS)
    version = _scalar(keys["shapelint"], "shapelint")
    if version.text != "1":
        raise SpecError(
            f"`shapelint: {version.text}` is a version that is not known", version.span, "write `shapelint: 1`"
        )
    for required in ("inputs", "layers"):
        if required not in keys:
            raise SpecError(f"the key `{required}` is missing", root.items[0][0].span, f"add `{required}:`")
    blocks = _blocks(keys.get("blocks"))
    _refuse_recursion(blocks)
    return Program(
        convention=_word(keys.get("convention"), "convention", CONVENTIONS) or "pytorch",
        layout=_word(keys.get("layout"), "layout", LAYOUTS),
        opset=_opset(keys.get("opset")),
        vars=_mapping(keys.get("vars"), "vars"),
        inputs=_inputs(keys["inputs"]),
        sizes=_sizes(keys.get("sizes")),
        blocks=blocks,
        types={key.text: value for key, value in _mapping(keys.get("types"), "types")},
        items=_items(keys["layers"], "layers"),
        outputs=None if "outputs" not in keys else tuple(_sources(keys["outputs"])),
        expect=tuple(_expected(keys.get("expect"))),
        text=text,
    )


def _unknown(what: str, key: Scalar, known: Iterable[str]) -> SpecError:
    names = list(known)
    close = get_close_matches(key.text, names, 1)
    remedy = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(names)}"
    return SpecError(f"the {what} `{key.text}` is not known", key.span, remedy)


def _scalar(node: Node, what: str) -> Scalar:
    if not isinstance(node, Scalar):
        raise SpecError(f"`{what}` is a list or a mapping", node.span, "write one value")
    return node


def _word(node: Node | None, what: str, known: Iterable[str]) -> str | None:
    if node is None:
        return None
    word = _scalar(node, what)
    if word.text not in known:
        raise _unknown(what, word, known)
    return word.text


def _opset(node: Node | None) -> int | None:
    if node is None:
        return None
    word = _scalar(node, "opset")
    if not word.text.isdigit() or not 0 < int(word.text[:6]) < 1000:
        raise SpecError(f"the opset `{word.text}` is no number", word.span, "write for example `opset: 21`")
    return int(word.text)


def _mapping(node: Node | None, what: str) -> tuple[tuple[Scalar, Node], ...]:
    if node is None or (isinstance(node, Scalar) and not node.text):
        return ()
    if not isinstance(node, Mapping):
        raise SpecError(f"`{what}` is no mapping", node.span, f"write `{what}:` with `name: value` lines below")
    return node.items


def _inputs(node: Node) -> tuple[tuple[Scalar, tuple[Scalar, ...]], ...]:
    found = []
    for name, dims in _mapping(node, "inputs"):
        if not name.text.isidentifier():
            raise SpecError(f"the input name `{name.text}` is no identifier", name.span, "use letters, digits and _")
        if not isinstance(dims, Sequence) or not all(isinstance(each, Scalar) for each in dims.items):
            raise SpecError(f"input `{name.text}` has no list of dims", dims.span, "write for example `[N, 3, H, W]`")
        found.append((name, tuple(each for each in dims.items if isinstance(each, Scalar))))
    if not found:
        raise SpecError("`inputs` is empty", node.span, "write for example `image: [N, 3, H, W]`")
    return tuple(found)


def _sizes(node: Node | None) -> tuple[DomainOf, ...]:
    found = []
    for key, value in _mapping(node, "sizes"):
        if isinstance(value, Sequence):
            remedy = "write the sizes with bars: `28 | 30 | 32`"
            raise SpecError(f"the domain of `{key.text}` is a list", value.span, remedy)
        text = _scalar(value, key.text)
        try:
            found.append(DomainOf(key.text, parse_domain(text.text), text.text, text.span))
        except NotASize as error:
            raise SpecError(f"the domain of `{key.text}`: {error}", text.span, 'for example "multiple of 32"') from None
    return tuple(found)


_BLOCK: Final = re.compile(r"([^\W\d]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)


def _blocks(node: Node | None) -> dict[str, Block]:
    found = {}
    for key, value in _mapping(node, "blocks"):
        match = _BLOCK.fullmatch(key.text)
        if match is None:
            raise SpecError(f"`{key.text}` is no block", key.span, 'write for example "up(skip, c, k=2)"')
        found[match[1]] = Block(match[1], _parameters(key, match), _items(value, match[1]), key.span)
    return found


def _parameters(key: Scalar, match: re.Match[str]) -> tuple[tuple[str, Expression | None], ...]:
    if not (match[2] or "").strip():
        return ()
    try:
        arguments = ast.parse(f"def f({match[2]}): pass").body[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"the parameters of `{key.text}` cannot be read", key.span, "write `name(p, q=1)`") from None
    assert isinstance(arguments, ast.FunctionDef)
    inner = arguments.args
    if inner.vararg or inner.kwarg or inner.kwonlyargs or inner.posonlyargs:
        raise SpecError(f"`{key.text}` has parameters with stars", key.span, "name each parameter")
    names = [argument.arg for argument in inner.args]
    defaults: list[Expression | None] = [None] * (len(names) - len(inner.defaults))
    for default in inner.defaults:
        defaults.append(parse(Scalar(ast.unparse(default), key.span)))
    for name in names:
        if name in RESERVED:
            raise SpecError(f"a parameter cannot be called `{name}`", key.span, "choose another name")
    return tuple(zip(names, defaults, strict=True))


def _refuse_recursion(blocks: dict[str, Block]) -> None:
    """Refuse blocks that use each other in a circle."""
    uses = {name: [use for use in _uses(block.items) if use in blocks] for name, block in blocks.items()}
    state: dict[str, int] = {}
    for root in blocks:
        stack = [(root, iter(uses[root]))]
        state.setdefault(root, 1)
        while stack and state[root] != 2:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[name] = 2
                stack.pop()
            elif state.get(following) == 1:
                circle = " -> ".join([*[each for each, _ in stack], following])
                message = f"block `{following}` uses itself: {circle}"
                raise SpecError(message, blocks[following].span, "write the repetition as a loop or `call * N`")
            elif following not in state:
                state[following] = 1
                stack.append((following, iter(uses[following])))


def _uses(items: Iterable[Item]) -> Iterable[str]:
    for item in items:
        if isinstance(item, CallItem):
            yield from (node.id for node in ast.walk(item.call.tree) if isinstance(node, ast.Name))
        elif isinstance(item, ForItem):
            yield from _uses(item.body)
        elif isinstance(item, IfItem):
            yield from _uses(item.then)
            yield from _uses(item.other)
        else:
            yield item.type.text


# -- items -----------------------------------------------------------------------------------------------------------


def _items(node: Node, what: str) -> tuple[Item, ...]:
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


def _only(node: Mapping, known: tuple[str, ...]) -> None:
    for key, _ in node.items:
        if key.text not in known:
            raise _unknown("key", key, known)


_FOR: Final = re.compile(r"\s*([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)\s+in\s+(.+?)\s*", re.DOTALL)


def _for(node: Mapping, keys: dict[str, Node]) -> ForItem:
    _only(node, ("for", "do"))
    head = _scalar(keys["for"], "for")
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
    return ForItem(variables, values, _items(keys["do"], "do"), head.span)


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
    _only(node, ("if", "do", "else"))
    condition = _scalar(keys["if"], "if")
    if "do" not in keys:
        raise SpecError("`if` has no `do`", condition.span, "add `do:` with the layers below")
    other = _items(keys["else"], "else") if "else" in keys else ()
    return IfItem(parse(condition), _items(keys["do"], "do"), other)


def _long(node: Mapping, keys: dict[str, Node]) -> LongItem:
    _only(node, ("name", "type", "args", "from"))
    kind = _scalar(keys["type"], "type")
    name = None
    if "name" in keys:
        name = next(iter(_names(_scalar(keys["name"], "name"))))
    sources = tuple(_sources(keys["from"])) if "from" in keys else None
    return LongItem(name, kind, _mapping(keys.get("args"), "args"), sources, kind.span)


def _sources(node: Node) -> Iterable[Expression]:
    if isinstance(node, Scalar):
        yield parse(node)
        return
    if isinstance(node, Mapping):
        raise SpecError("a mapping stands where sources are meant", node.span, "write `[a, b]`")
    for each in node.items:
        yield parse(_scalar(each, "from"))


def _expected(node: Node | None) -> Iterable[Expected]:
    if node is None or (isinstance(node, Scalar) and not node.text):
        return
    if not isinstance(node, Sequence):
        raise SpecError("`expect` is no list", node.span, "write each condition on a line of its own after `- `")
    for each in node.items:
        if isinstance(each, Scalar):
            yield Expected(parse(each), "error", "")
            continue
        if isinstance(each, Sequence):
            raise SpecError("a list stands where a condition is meant", each.span, "write `- y.size == x.size`")
        _only(each, ("warn", "error", "why"))
        keys = {key.text: value for key, value in each.items}
        level = "warn" if "warn" in keys else "error"
        if level not in keys or {"warn", "error"} <= keys.keys():
            raise SpecError("a condition is either `warn` or `error`", each.span, "write `- warn: y.size == x.size`")
        why = _scalar(keys["why"], "why").text if "why" in keys else ""
        yield Expected(parse(_scalar(keys[level], level)), level, why)
