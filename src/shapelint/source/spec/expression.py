"""Expressions of a spec: parsed with `ast`, checked against an allow-list, evaluated by hand; nothing is executed."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Protocol

from shapelint.size import Expr
from shapelint.source.spec.compose import Scalar, SpecError
from shapelint.source.spec.values import (
    LONGEST,
    SOUGHT,
    UNSTATED,
    Layer,
    Value,
    ValueFault,
    binary,
    chosen,
    compared,
    extreme,
    is_unstated,
    kind_of,
    negative,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.graph import Span

LONGEST_TEXT: Final = 4096
DEEPEST: Final = 60

_BINARY: Final = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPARE: Final = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
FUNCTIONS: Final = ("value", "half", "prod", "min", "max", "len", "range", "reversed", "zip", "enumerate")


class Scope(Protocol):
    """What names mean at one place of a spec."""

    def find(self, name: str) -> Value:
        """The value of a name; raises KeyError."""
        ...

    def names(self) -> Sequence[str]:
        """Every name that means something here, for did-you-mean."""
        ...


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
        raise SpecError(f"`{_short(text)}` ends with a comma", scalar.part(end - 1, end), "remove the comma")
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
        message = f"`{_short(text)}` has an opening bracket without a closing one"
        remedy = (
            "a comma inside [...] or {...}, or a `#`, cuts a call: write each layer on a line of its own after `- `"
        )
        raise SpecError(message, scalar.part(lead, lead + len(text)), remedy)
    if depth < 0:
        message = f"`{_short(text)}` has a closing bracket without an opening one"
        raise SpecError(message, scalar.part(lead, lead + len(text)), "remove it, or write the call on one line")


def _syntax(text: str, scalar: Scalar, lead: int, error: SyntaxError) -> SpecError:
    whole = scalar.part(lead, lead + len(text))
    assignment = re.match(r"([^\W\d]\w*)\s*=\s*(?!=)", text)
    if assignment:
        return SpecError(f"`{_short(text)}` is an assignment", whole, f"write `{assignment[1]}: ...`")
    place = max((error.offset or 1) - 1, 0)
    at = scalar.part(lead + min(place, len(text) - 1), lead + min(place + 1, len(text)))
    return SpecError(f"`{_short(text)}` is no expression: {error.msg.lower()}", at, "write it as in Python")


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def evaluate(expression: Expression, node: ast.expr, scope: Scope) -> Value:
    """The value of a part of an expression; raises SpecError at the part that has none."""
    try:
        return _value(expression, node, scope)
    except ValueFault as fault:
        raise expression.fault(f"`{_short(ast.unparse(node))}` {fault}", node, fault.remedy) from None
    except RecursionError:
        raise expression.fault("an expression nests too deeply", node, "name parts of it in `vars`") from None


def _value(expression: Expression, node: ast.expr, scope: Scope) -> Value:
    if isinstance(node, ast.Constant):
        return _constant(expression, node)
    if isinstance(node, ast.Name):
        return _name(expression, node, scope)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(evaluate(expression, each, scope) for each in node.elts)
    if isinstance(node, ast.UnaryOp):
        return _unary(expression, node, scope)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = evaluate(expression, node.left, scope), evaluate(expression, node.right, scope)
        return binary(_BINARY[type(node.op)], left, right)
    if isinstance(node, ast.Compare):
        return _compare(expression, node, scope)
    if isinstance(node, ast.BoolOp):
        return _bool(expression, node, scope)
    if isinstance(node, ast.IfExp):
        condition = evaluate(expression, node.test, scope)
        if isinstance(condition, bool | int | str | tuple):
            return evaluate(expression, node.body if truth(condition) else node.orelse, scope)
        then, other = evaluate(expression, node.body, scope), evaluate(expression, node.orelse, scope)
        return chosen(condition, then, other)
    if isinstance(node, ast.Attribute):
        return _attribute(expression, node, scope)
    if isinstance(node, ast.Subscript):
        return _subscript(expression, node, scope)
    if isinstance(node, ast.Call):
        return _function(expression, node, scope)
    raise expression.fault(f"`{ast.unparse(node)[:60]}` is not allowed here", node, "use numbers, names and + - * // %")


def _constant(expression: Expression, node: ast.Constant) -> Value:
    value = node.value
    if value is Ellipsis:
        return SOUGHT
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float):
        if abs(value) >= 2**63:
            raise ValueFault("is 2**63 or more")
        return value
    raise expression.fault(f"`{ast.unparse(node)}` is not allowed here", node)


def _name(expression: Expression, node: ast.Name, scope: Scope) -> Value:
    if node.id == "_":
        return UNSTATED
    try:
        return scope.find(node.id)
    except KeyError:
        names = list(scope.names())
        close = get_close_matches(node.id, names, 1)
        remedy = f"did you mean `{close[0]}`?" if close else "define it before it is used"
        raise expression.fault(f"`{node.id}` means nothing here", node, remedy) from None


def _unary(expression: Expression, node: ast.UnaryOp, scope: Scope) -> Value:
    value = evaluate(expression, node.operand, scope)
    if isinstance(node.op, ast.USub):
        return negative(value)
    if isinstance(node.op, ast.UAdd):
        return value
    if isinstance(node.op, ast.Not):
        if is_unstated(value):
            return value
        if isinstance(value, bool | int):
            return not truth(value)
        from shapelint.size import Condition, negate

        if isinstance(value, Condition):
            return negate(value)
    raise ValueFault("is not allowed here")


def _compare(expression: Expression, node: ast.Compare, scope: Scope) -> Value:
    from shapelint.size import all_of

    values = [evaluate(expression, each, scope) for each in (node.left, *node.comparators)]
    parts = []
    for place, sign in enumerate(node.ops):
        if isinstance(sign, ast.In | ast.NotIn):
            inside = values[place + 1]
            if not isinstance(inside, tuple) or isinstance(values[place], Expr):
                raise ValueFault("looks for something in what is no list")
            parts.append((values[place] in inside) is isinstance(sign, ast.In))
        elif type(sign) in _COMPARE:
            parts.append(compared(_COMPARE[type(sign)], values[place], values[place + 1]))
        elif isinstance(sign, ast.Is | ast.IsNot):
            parts.append((values[place] is values[place + 1]) is isinstance(sign, ast.Is))
    if any(is_unstated(part) for part in parts):
        return UNSTATED
    return parts[0] if len(parts) == 1 else all_of(parts)


def _bool(expression: Expression, node: ast.BoolOp, scope: Scope) -> Value:
    from shapelint.size import Condition, all_of, any_of

    parts = []
    for each in node.values:
        value = evaluate(expression, each, scope)
        if isinstance(value, bool | int) and truth(value) is isinstance(node.op, ast.Or):
            return bool(value)
        parts.append(value if isinstance(value, Condition) or is_unstated(value) else truth(value))
    if any(is_unstated(part) for part in parts):
        return UNSTATED
    return (all_of if isinstance(node.op, ast.And) else any_of)(parts)


def _attribute(expression: Expression, node: ast.Attribute, scope: Scope) -> Value:
    owner = evaluate(expression, node.value, scope)
    if not isinstance(owner, Layer):
        raise expression.fault(f"{kind_of(owner)} has no `{node.attr}`", node)
    if node.attr in owner.inside:
        return owner.inside[node.attr]
    if node.attr in ("shape", "size", "channels"):
        return _sizes(owner, node.attr)
    known = [*owner.inside, "shape", "size", "channels"]
    close = get_close_matches(node.attr, known, 1)
    remedy = f"did you mean `{close[0]}`?" if close else f"it has {', '.join(f'`{each}`' for each in known)}"
    raise expression.fault(f"`{owner.path}` has no `{node.attr}`", node, remedy)


def _sizes(layer: Layer, what: str) -> Value:
    if layer.shape is None:
        return UNSTATED
    dims = tuple(UNSTATED if dim is None else dim for dim in layer.shape)
    if what == "shape":
        return dims
    if what == "channels":
        if layer.channel is None:
            raise ValueFault("asks for channels of a tensor that has none")
        return dims[layer.channel]
    if layer.spatial is None:
        raise ValueFault("asks for the spatial size of a tensor that has none")
    return dims[layer.spatial[0] : layer.spatial[1]]


def _subscript(expression: Expression, node: ast.Subscript, scope: Scope) -> Value:
    if isinstance(node.value, ast.Name):
        indexed = _indexed(expression, node, scope)
        if indexed is not None:
            return indexed
    owner = evaluate(expression, node.value, scope)
    if is_unstated(owner):
        return UNSTATED
    if isinstance(node.slice, ast.Slice):
        if not isinstance(owner, tuple | str):
            raise ValueFault(f"cuts {kind_of(owner)}")
        bounds = [None if part is None else evaluate(expression, part, scope) for part in _slice_parts(node.slice)]
        if any(bound is not None and not isinstance(bound, int) for bound in bounds):
            raise ValueFault("cuts at a place that is no number")
        if bounds[2] == 0:
            raise ValueFault("cuts with a step of 0")
        return owner[slice(*bounds)]
    index = evaluate(expression, node.slice, scope)
    if not isinstance(owner, tuple | str):
        raise ValueFault(f"indexes {kind_of(owner)}")
    if isinstance(index, bool) or not isinstance(index, int):
        raise ValueFault(f"indexes with {kind_of(index)}")
    if not -len(owner) <= index < len(owner):
        raise ValueFault(f"asks for item {index} of {len(owner)}")
    return owner[index]


def _slice_parts(node: ast.Slice) -> tuple[ast.expr | None, ast.expr | None, ast.expr | None]:
    return node.lower, node.upper, node.step


def _indexed(expression: Expression, node: ast.Subscript, scope: Scope) -> Value | None:
    """A layer that is called `name[i]`, or None where `name` is a value that can be indexed."""
    assert isinstance(node.value, ast.Name)
    try:
        found = scope.find(node.value.id)
    except KeyError:
        found = None
    if isinstance(found, tuple | str) or isinstance(node.slice, ast.Slice):
        return None
    name = indexed_name(expression, node, scope)
    try:
        return scope.find(name)
    except KeyError:
        close = get_close_matches(name, list(scope.names()), 1)
        remedy = f"did you mean `{close[0]}`?" if close else "define it before it is used"
        raise expression.fault(f"`{name}` means nothing here", node, remedy) from None


def indexed_name(expression: Expression, node: ast.expr, scope: Scope) -> str:
    """`d[3]` for `d[i]`: the name of a layer with its indices evaluated."""
    if isinstance(node, ast.Name):
        return node.id
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)):
        raise expression.fault(f"`{ast.unparse(node)}` is no name", node, "write `name` or `name[i]`")
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    values = [evaluate(expression, part, scope) for part in parts]
    for value, part in zip(values, parts, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise expression.fault(f"the index `{ast.unparse(part)}` is {kind_of(value)}", part, "use a number")
    return f"{node.value.id}[{', '.join(map(str, values))}]"


def _function(expression: Expression, node: ast.Call, scope: Scope) -> Value:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        name = ast.unparse(node.func)
        close = get_close_matches(name, FUNCTIONS, 1)
        remedy = f"did you mean `{close[0]}`?" if close else f"the functions are {', '.join(FUNCTIONS)}"
        raise expression.fault(f"`{name}` is no function here", node.func, remedy)
    if node.keywords:
        raise expression.fault(f"`{node.func.id}` takes no keywords", node.keywords[0])
    if node.func.id == "value":
        return _named_value(expression, node, scope)
    values = tuple(evaluate(expression, each, scope) for each in node.args)
    return _applied(node.func.id, values)


def _named_value(expression: Expression, node: ast.Call, scope: Scope) -> Value:
    """value("input.60"): the tensor of a name that is no identifier."""
    if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant) or not isinstance(node.args[0].value, str):
        raise expression.fault("`value` takes the name of a tensor as text", node, 'write value("input.60")')
    try:
        return scope.find(node.args[0].value)
    except KeyError:
        close = get_close_matches(node.args[0].value, list(scope.names()), 1)
        remedy = f"did you mean `{close[0]}`?" if close else "`shapelint show` lists the tensors"
        raise expression.fault(f"there is no tensor `{node.args[0].value}`", node.args[0], remedy) from None


def _applied(name: str, values: tuple[Value, ...]) -> Value:
    if name in ("min", "max"):
        return extreme(values, largest=name == "max")
    if name == "zip":
        if not all(isinstance(value, tuple) for value in values):
            raise ValueFault("zips what is no list")
        return tuple(zip(*values, strict=False))
    if name == "range":
        return _range(values)
    if len(values) != 1:
        raise ValueFault(f"takes one argument, not {len(values)}")
    value = values[0]
    if name == "half":
        return tuple(binary("//", each, 2) for each in value) if isinstance(value, tuple) else binary("//", value, 2)
    if name == "prod":
        total: Value = 1
        for each in value if isinstance(value, tuple) else (value,):
            total = binary("*", total, each)
        return total
    if not isinstance(value, tuple | str):
        raise ValueFault(f"takes a list, not {kind_of(value)}")
    if name == "len":
        return len(value)
    if name == "reversed":
        return tuple(reversed(value))
    return tuple(enumerate(value))


def _range(values: tuple[Value, ...]) -> Value:
    if not 1 <= len(values) <= 3:
        raise ValueFault(f"takes one to three arguments, not {len(values)}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueFault(f"counts with {kind_of(value)}")
    if len(values) == 3 and values[2] == 0:
        raise ValueFault("counts with a step of 0")
    numbers = range(*values)
    if len(numbers) > LONGEST:
        raise ValueFault(f"counts {len(numbers):,} numbers; at most {LONGEST:,} are allowed")
    return tuple(numbers)
