"""Values written as YAML: numbers, texts and lists, in `vars` and in long forms."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from shapelint.source.spec.compose import Mapping, Sequence, SpecError
from shapelint.source.spec.evaluate import evaluate
from shapelint.source.spec.expression import parse

if TYPE_CHECKING:
    from shapelint.conventions.values import Value
    from shapelint.source.spec.compose import Node
    from shapelint.source.spec.evaluate import Scope


def literal(node: Node, scope: Scope) -> Value:
    """What the node says; a word that means nothing here is a text."""
    if isinstance(node, Sequence):
        return tuple(literal(each, scope) for each in node.items)
    if isinstance(node, Mapping):
        raise SpecError("a mapping stands where a value is meant", node.span, "write a number, a text or a list")
    if not node.plain:
        return node.text
    if node.text in ("", "null", "~", "None"):
        return None
    if node.text.lower() in ("true", "false"):
        return node.text.lower() == "true"
    try:
        expression = parse(node)
    except SpecError:
        return node.text
    if isinstance(expression.tree, ast.Name) and expression.text not in scope.names() and expression.text != "_":
        return node.text
    return evaluate(expression, expression.tree, scope)
