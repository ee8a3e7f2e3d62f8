"""A call as a spec writes it: its name, its arguments and its sources evaluated, each with its place."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shapelint.conventions.values import Layer, kind_of
from shapelint.graph import Place, Span
from shapelint.source.spec.compose import SpecError
from shapelint.source.spec.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shapelint.conventions.values import Value
    from shapelint.source.spec.evaluate import Scope
    from shapelint.source.spec.expression import Expression

TRANSPARENT: Final = frozenset({"weight_norm", "spectral_norm", "parametrizations.weight_norm"})


@dataclass(slots=True)
class Call:
    """A call with its arguments evaluated; binding it to a layer changes it."""

    name: str
    positional: list[Value]
    keywords: dict[str, Value]
    sources: list[Layer] | None
    """None where none are named."""
    spans: dict[str, Span]
    """Of each argument by its name, or by its place as `#0`."""
    span: Span
    closing: Span
    """The empty place before the closing bracket."""
    call_time: dict[str, Value] = field(default_factory=dict)
    shift: int = 0
    """How many leading positional arguments were sources."""

    def fault(self, message: str, remedy: str = "", argument: str = "") -> SpecError:
        """An error at an argument, or at the whole call."""
        return SpecError(message, self.spans.get(argument, self.span) if argument else self.span, remedy)

    def place(self, stack: tuple[str, ...], arguments: Mapping[str, Span]) -> Place:
        """Where the call stands, with the spans of `arguments` by the framework's names."""
        return Place(self.span, {**self.spans, **arguments, "()": self.closing}, stack)


def read_call(expression: Expression, tree: ast.expr, scope: Scope, takes_values: Callable[[str], bool]) -> Call:
    """The call at a part of an expression; `takes_values`: whether a type reads numbers as sources."""
    if not isinstance(tree, ast.Call):
        text = ast.unparse(tree)
        if isinstance(tree, ast.Name | ast.Attribute):
            raise expression.fault(f"`{text}` is not called", tree, f"write `{text}()`, or `Identity()({text})`")
        raise expression.fault(f"`{text[:60]}` is no layer", tree, "write `Layer(...)`")
    outer: ast.Call | None = None
    if isinstance(tree.func, ast.Call):
        outer, tree = tree, tree.func
    name = _dotted(tree.func)
    if name is None:
        raise expression.fault(f"`{ast.unparse(tree.func)[:60]}` is no type of a layer", tree.func)
    if name in TRANSPARENT and tree.args and isinstance(tree.args[0], ast.Call):
        inner = tree.args[0]
        if outer is not None:
            inner = ast.copy_location(ast.Call(inner, outer.args, outer.keywords), outer)
        return read_call(expression, inner, scope, takes_values)
    positional: list[Value] = []
    spans: dict[str, Span] = {}
    for place, argument in enumerate(tree.args):
        if isinstance(argument, ast.Starred):
            raise expression.fault("`*` is not allowed in a call", argument, "write the arguments out")
        positional.append(evaluate(expression, argument, scope))
        spans[f"#{place}"] = expression.span(argument)
    keywords = _keywords(expression, tree, scope, spans)
    call = Call(name, positional, keywords, None, spans, expression.span(tree), expression.closing(tree))
    if outer is not None:
        call.sources = _sources(expression, outer, scope, takes_values(name)) or None
        call.call_time = _keywords(expression, outer, scope, spans)
    return call


def _sources(expression: Expression, tree: ast.Call, scope: Scope, takes_values: bool) -> list[Layer]:
    sources: list[Layer] = []
    for argument in tree.args:
        value = evaluate(expression, argument, scope)
        if isinstance(value, tuple) and all(isinstance(each, Layer) for each in value):
            sources += value
        elif isinstance(value, Layer) or takes_values:
            sources.append(value)
        else:
            raise expression.fault(f"a source is {kind_of(value)}", argument, "name a layer")
    return sources


def _keywords(expression: Expression, tree: ast.Call, scope: Scope, spans: dict[str, Span]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for keyword in tree.keywords:
        if keyword.arg is None:
            raise expression.fault("`**` is not allowed in a call", keyword, "write the arguments out")
        if keyword.arg in found:
            raise expression.fault(f"`{keyword.arg}` is given twice", keyword)
        is_axis = keyword.arg == "axis" and isinstance(keyword.value, ast.Name) and keyword.value.id == "channels"
        found[keyword.arg] = "channels" if is_axis else evaluate(expression, keyword.value, scope)
        spans[keyword.arg] = expression.span(keyword)
    return found


def _dotted(node: ast.expr) -> str | None:
    """`torch.nn.Conv2d` as text; None for anything but names and dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return None if owner is None else f"{owner}.{node.attr}"
    return None


def layers_in(value: Value) -> list[Layer]:
    """The layers that a value is, one or a list of them; empty for any other value."""
    values = value if isinstance(value, tuple) else (value,)
    return list(values) if all(isinstance(each, Layer) for each in values) else []
