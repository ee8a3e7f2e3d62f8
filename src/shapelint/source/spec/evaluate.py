"""What an expression of a spec gives: its parts checked against an allow-list and evaluated by hand."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, Protocol

from shapelint.conventions.values import SOUGHT, UNSTATED, Layer, Value, is_unstated, kind_of
from shapelint.meant import meant
from shapelint.size import Condition, Expr, all_of, any_of, negate
from shapelint.source.spec.expression import shortened
from shapelint.source.spec.operators import LONGEST, ValueFault, binary, chosen, compared, extreme, negative, truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.source.spec.expression import Expression

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


def evaluate(expression: Expression, node: ast.expr, scope: Scope) -> Value:
    """The value of a part of an expression; raises SpecError at the part that has none."""
    try:
        return _value(expression, node, scope)
    except ValueFault as fault:
        raise expression.fault(f"`{shortened(ast.unparse(node))}` {fault}", node, fault.remedy) from None
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
    return _found(expression, node, node.id, scope)


def _found(expression: Expression, node: ast.expr, name: str, scope: Scope) -> Value:
    try:
        return scope.find(name)
    except KeyError:
        remedy = meant(name, scope.names(), "define it before it is used", cased=True)
        raise expression.fault(f"`{name}` means nothing here", node, remedy) from None


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
        if isinstance(value, Condition):
            return negate(value)
    raise ValueFault("is not allowed here")


def _compare(expression: Expression, node: ast.Compare, scope: Scope) -> Value:
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
    remedy = meant(node.attr, known, f"it has {', '.join(f'`{each}`' for each in known)}", cased=True)
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
        parts = (node.slice.lower, node.slice.upper, node.slice.step)
        bounds = [None if part is None else evaluate(expression, part, scope) for part in parts]
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


def _indexed(expression: Expression, node: ast.Subscript, scope: Scope) -> Value | None:
    """A layer that is called `name[i]`, or None where `name` is a value that can be indexed."""
    assert isinstance(node.value, ast.Name)
    try:
        found = scope.find(node.value.id)
    except KeyError:
        found = None
    if isinstance(found, tuple | str) or isinstance(node.slice, ast.Slice):
        return None
    return _found(expression, node, indexed_name(expression, node, scope), scope)


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
        remedy = meant(name, FUNCTIONS, f"the functions are {', '.join(FUNCTIONS)}", cased=True)
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
    name = node.args[0].value
    try:
        return scope.find(name)
    except KeyError:
        remedy = meant(name, scope.names(), "`shapelint show` lists the tensors", cased=True)
        raise expression.fault(f"there is no tensor `{name}`", node.args[0], remedy) from None


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
