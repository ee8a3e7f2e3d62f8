"""Conditions over sizes: those of a spec's `expect`, and those that a configuration states of any model."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shapelint.conventions.layout import Layout
from shapelint.conventions.values import Layer, is_unstated
from shapelint.graph import Span
from shapelint.size import Condition
from shapelint.source.spec.compose import Scalar, SpecError
from shapelint.source.spec.evaluate import FUNCTIONS, evaluate
from shapelint.source.spec.expression import Expression, parse
from shapelint.source.spec.operators import ValueFault, truth
from shapelint.source.spec.program import Expected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from shapelint.conventions.values import Value
    from shapelint.source.spec.evaluate import Scope


@dataclass(frozen=True, slots=True)
class Expectation:
    """A condition of `expect` over sizes."""

    text: str
    held: Any
    """True, False, a condition, or a value that nobody states."""
    level: str
    why: str
    span: Span | None
    """None for one that stands outside the file."""
    output: str | None
    """The output whose size or shape it compares with an input's; None for any other condition."""
    left: Any
    right: Any
    reads: tuple[str, ...]
    """The values whose sizes it reads."""
    compared: tuple[str, str] | None
    """Where it demands that two sizes are equal, the values that have them; empty for a side that is no value's."""


def expectation(expected: Expected, scope: Scope, outputs: Collection[str], inputs: Collection[str]) -> Expectation:
    """The condition with the sizes that its names have; `outputs` and `inputs` are names of values."""
    expression = expected.condition
    tree = expression.tree
    held = evaluate(expression, tree, scope)
    if not isinstance(held, bool | Condition) and not is_unstated(held):
        try:
            held = truth(held)
        except ValueFault as fault:
            raise expression.fault(f"a condition {fault}") from None
    left = right = output = compared = None
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        left = evaluate(expression, tree.left, scope)
        right = evaluate(expression, tree.comparators[0], scope)
        sides = [next(_owners(side, expression, scope), None) for side in (tree.left, tree.comparators[0])]
        for one, other in (sides, sides[::-1]):
            if one is not None and other is not None and one.value in outputs and other.value in inputs:
                output = one.path
        if isinstance(tree.ops[0], ast.Eq):
            first, second = [side.value if side is not None else "" for side in sides]
            compared = (first, second)
    reads = tuple(dict.fromkeys(layer.value for layer in _owners(tree, expression, scope)))
    span = expression.span()
    return Expectation(expression.text, held, expected.level, expected.why, span, output, left, right, reads, compared)


def _owners(node: ast.AST, expression: Expression, scope: Scope) -> Iterator[Layer]:
    """The layers whose sizes or shapes a part of a condition reads."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and part.attr in ("size", "shape"):
            try:
                value = evaluate(expression, part.value, scope)
            except SpecError:
                continue  # in a part that is not evaluated, such as the other branch of an `if`
            if isinstance(value, Layer):
                yield value


@dataclass(frozen=True, slots=True)
class _Tensors:
    """The scope of a condition that stands outside a spec: every tensor by its name."""

    layers: Mapping[str, Layer]

    def find(self, name: str) -> Value:
        """The tensor, or a list of tensors, called `name`."""
        return self.layers[name]

    def names(self) -> list[str]:
        """Every name."""
        return [*self.layers, *FUNCTIONS]


def stated(
    texts: Sequence[str],
    shapes: Mapping[str, tuple[Any, ...] | None],
    layouts: Mapping[str, tuple[int, bool]],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> list[Expectation]:
    """Conditions that a configuration states of a model whose tensors have these shapes; raises SpecError.

    `layouts`: the first spatial axis of a tensor, and whether the channels stand last; else they stand second.
    """
    layers: dict[str, Any] = {}
    for name, shape in shapes.items():
        first, last = layouts.get(name, (2, False))
        layers[name] = Layout(first, last, has_batch=first + last == 2).layer(name, name, shape)
    layers["inputs"] = tuple([layers[name] for name in inputs if name in layers])
    layers["outputs"] = tuple([layers[name] for name in outputs if name in layers])
    for word, names in (("input", inputs), ("output", outputs)):
        if len(names) == 1 and names[0] in layers:
            layers.setdefault(word, layers[names[0]])
    found = []
    for text in texts:
        condition = parse(Scalar(text, Span(1, 1, 1, len(text) + 1)))
        expected = Expected(condition, "error", "")
        found.append(replace(expectation(expected, _Tensors(layers), outputs, inputs), span=None))
    return found
