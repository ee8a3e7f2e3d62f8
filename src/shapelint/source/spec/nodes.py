"""The nodes of a spec's graph, each propagated when it is made.

Invariant: a node reads only values of nodes before it, so the sizes of layers may stand in later arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from shapelint.source.spec.compose import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapelint.conventions.layout import Layout
    from shapelint.conventions.values import Layer
    from shapelint.graph import Node

MOST_LAYERS: Final = 100_000


@dataclass(slots=True)
class Nodes:
    """The nodes so far, and what is read of them."""

    layout: Layout
    run: Callable[[Node], list[tuple[Any, ...] | None]]
    """Propagates a node and gives the shapes of its outputs."""
    made: list[Node] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """The values that a node reads, or that the file names `_`."""
    produced: list[Layer] = field(default_factory=list)
    """The outputs that the file can name."""

    def make(self, node: Node, made_by: Any, named: int) -> Layer:
        """Propagate a node; the layer of its first output. `named`: how many outputs the file names."""
        if len(self.made) >= MOST_LAYERS:
            span = node.place.span if node.place is not None else None
            raise SpecError(f"the file expands to more than {MOST_LAYERS:,} layers", span, "split the model")
        self.made.append(node)
        self.read.update(name for name in node.inputs if name)
        shapes = self.run(node)
        first, *others = [
            self.layout.layer(node.path if not place else f"{node.path}:{place}", name, shape, made_by)
            for place, (name, shape) in enumerate(zip(node.outputs, shapes, strict=True))
        ]
        self.produced += [first, *others][: max(named, 1)]
        return replace(first, extras=tuple(others))

    def undo(self, result: Layer, undone: Layer) -> None:
        """Note on the node of a layer which layer it undoes, as its author says."""
        for place in range(len(self.made) - 1, -1, -1):
            node = self.made[place]
            if result.value in node.outputs:
                self.made[place] = replace(node, attributes={**node.attributes, "undoes": undone.value})
                return

    def unread(self) -> list[Layer]:
        """The outputs that nothing reads."""
        return [layer for layer in self.produced if layer.value not in self.read]
