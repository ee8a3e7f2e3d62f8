"""A spec's nodes become its structure: what stands where is checked for form, and nothing is evaluated."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from shapelint.conventions import NAMES
from shapelint.meant import closest
from shapelint.size.parse import NotASize, parse_domain
from shapelint.source.spec.compose import Mapping, Node, Scalar, Sequence, SpecError
from shapelint.source.spec.expression import Expression, parse
from shapelint.source.spec.form import RESERVED, allow, not_known, pairs_of, scalar_of, word_of
from shapelint.source.spec.items import read_items, read_sources
from shapelint.source.spec.program import Block, CallItem, DomainOf, Expected, ForItem, IfItem, Program

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.source.spec.program import Item

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
LAYOUTS: Final = ("channels_first", "channels_last")


def read(root: Node, text: str) -> Program:
    """The program that the root node states; raises SpecError."""
    if not isinstance(root, Mapping):
        raise SpecError("the file is no mapping", root.span, "begin with `shapelint: 1`")
    keys = {key.text: value for key, value in root.items}
    if "shapelint" not in keys:
        close = closest("shapelint", keys, cased=True)
        remedy = f"write `shapelint: 1` for `{close}`" if close else "begin with `shapelint: 1`"
        raise SpecError("the key `shapelint` is missing", root.items[0][0].span if root.items else root.span, remedy)
    for key, _ in root.items:
        if key.text not in KEYS:
            raise not_known("key", key, KEYS)
    version = scalar_of(keys["shapelint"], "shapelint")
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
        convention=word_of(keys.get("convention"), "convention", NAMES) or "pytorch",
        layout=word_of(keys.get("layout"), "layout", LAYOUTS),
        opset=_opset(keys.get("opset")),
        vars=pairs_of(keys.get("vars"), "vars"),
        inputs=_inputs(keys["inputs"]),
        sizes=_sizes(keys.get("sizes")),
        blocks=blocks,
        types={key.text: value for key, value in pairs_of(keys.get("types"), "types")},
        items=read_items(keys["layers"], "layers"),
        outputs=None if "outputs" not in keys else tuple(read_sources(keys["outputs"])),
        expect=tuple(_expected(keys.get("expect"))),
        text=text,
    )


def _opset(node: Node | None) -> int | None:
    if node is None:
        return None
    word = scalar_of(node, "opset")
    if not word.text.isdecimal() or not 0 < int(word.text[:6]) < 1000:
        raise SpecError(f"the opset `{word.text}` is no number", word.span, "write for example `opset: 21`")
    return int(word.text)


def _inputs(node: Node) -> tuple[tuple[Scalar, tuple[Scalar, ...]], ...]:
    found = []
    for name, dims in pairs_of(node, "inputs"):
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
    for key, value in pairs_of(node, "sizes"):
        if isinstance(value, Sequence):
            remedy = "write the sizes with bars: `28 | 30 | 32`"
            raise SpecError(f"the domain of `{key.text}` is a list", value.span, remedy)
        text = scalar_of(value, key.text)
        try:
            found.append(DomainOf(key.text, parse_domain(text.text), text.text, text.span))
        except NotASize as error:
            raise SpecError(f"the domain of `{key.text}`: {error}", text.span, 'for example "multiple of 32"') from None
    return tuple(found)


_BLOCK: Final = re.compile(r"([^\W\d]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)


def _blocks(node: Node | None) -> dict[str, Block]:
    found = {}
    for key, value in pairs_of(node, "blocks"):
        match = _BLOCK.fullmatch(key.text)
        if match is None:
            raise SpecError(f"`{key.text}` is no block", key.span, 'write for example "up(skip, c, k=2)"')
        found[match[1]] = Block(match[1], _parameters(key, match), read_items(value, match[1]), key.span)
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
        allow(each, ("warn", "error", "why"))
        keys = {key.text: value for key, value in each.items}
        level = "warn" if "warn" in keys else "error"
        if level not in keys or {"warn", "error"} <= keys.keys():
            raise SpecError("a condition is either `warn` or `error`", each.span, "write `- warn: y.size == x.size`")
        why = scalar_of(keys["why"], "why").text if "why" in keys else ""
        yield Expected(parse(scalar_of(keys[level], level)), level, why)
