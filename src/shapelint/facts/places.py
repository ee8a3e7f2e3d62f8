"""Where things are in a model: its nodes by path, what messages call a value, where sizes come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shapelint.facts.flow import Flow, follow
from shapelint.graph import Graph, reads, subgraphs
from shapelint.size import (
    Symbol,
    evaluate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shapelint.axes import Inputs
    from shapelint.facts import Facts
    from shapelint.facts.subjects import Mismatch
    from shapelint.graph import Node
    from shapelint.ops.call import Dim, Requirement
    from shapelint.propagate import Shapes
    from shapelint.size import SizeSet
    from shapelint.source.spec import Expectation


@dataclass(frozen=True, slots=True)
class Domain:
    """What is stated of one axis: the sizes, and the words in which they were stated."""

    sizes: SizeSet
    text: str


class Places:
    """The parts of a model, and the ways between them."""

    def __init__(
        self,
        graph: Graph,
        inputs: Inputs,
        shapes: Shapes,
        domains: Mapping[Symbol, Domain],
        *,
        expectations: Sequence[Expectation] = (),
        file: str = "",
        is_stated: bool = False,
        flaw: str = "",
        layout: tuple[int, bool] = (2, False),
        find_failures: Callable[[], list[Mismatch]] = list,
        of_one: Callable[[], Facts | None] = lambda: None,
    ) -> None:
        self.graph = graph
        self.inputs = inputs
        self.shapes = shapes
        self.domains = domains
        """What a person states, by symbol."""
        self.layout = layout
        """The first spatial axis, and whether the channels stand last."""
        self.expectations = expectations
        """What a spec expects of its sizes."""
        self.file = file
        self.is_stated = is_stated
        """Whether a person states something of the sizes, pinned ones included."""
        self.flaw = flaw
        """What is wrong with the sizes that the file promises, in a sentence."""
        self._find_failures = find_failures
        self.of_one = of_one
        """The facts of the same model with a batch of one."""

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The nodes by path, those of subgraphs included."""
        return {node.path: node for node, _ in _all_nodes(self.graph)}

    @cached_property
    def _owners(self) -> dict[str, str]:
        """The path of the node of the main graph that holds each node."""
        return {node.path: owner.path for node, owner in _all_nodes(self.graph)}

    @cached_property
    def flow(self) -> Flow:
        """Where sizes come from, and the pairs."""
        return follow(self.graph, self.inputs.tensors, self.shapes, self.inputs.symbols)

    def operand_names(self, requirement: Requirement) -> tuple[str, str] | None:
        """The values that meet at a merge, left and right."""
        node = self.nodes.get(requirement.path)
        if node is None:
            return None
        names = [node.inputs[place] if 0 <= place < len(node.inputs) else "" for place in requirement.operands]
        return names[0], names[1]

    def called(self, value: str) -> str:
        """What messages call a value: the path of the node that makes it, or its own name for an input."""
        node = self.graph.producers.get(value)
        while node is not None and node.op == "Identity" and node.inputs[0] in self.graph.producers:
            node = self.graph.producers[node.inputs[0]]
        return value if node is None else node.path

    def reaches(self, sources: set[str]) -> set[str]:
        """The paths of the nodes that depend on one of the nodes `sources`, those included."""
        reached = sources | {self._owners.get(path, path) for path in sources}
        tainted: set[str] = set()
        for node in self.graph.nodes:
            if node.path in reached or any(name in tainted for name in reads(node)):
                reached.add(node.path)
                tainted.update(node.outputs)
        return reached

    def shape_at(self, name: str, at: Mapping[Symbol, int]) -> list[int | None] | None:
        """The shape of a value at given sizes, as far as it is known."""
        tensor = self.shapes.tensors.get(name)
        if tensor is None or tensor.shape is None:
            return None
        return [_dim_at(dim, at) for dim in tensor.shape]


def _all_nodes(graph: Graph, owner: Node | None = None) -> Iterator[tuple[Node, Node]]:
    """The nodes of the graph and of the graphs in it, with the node of the main graph that holds each."""
    for node in graph.nodes:
        holder = owner or node
        for _, inner in subgraphs(node):
            yield from _all_nodes(inner, holder)
        yield node, holder


def _dim_at(dim: Dim, at: Mapping[Symbol, int]) -> int | None:
    try:
        return None if dim is None else evaluate(dim, at)
    except (KeyError, ZeroDivisionError, ValueError, OverflowError):
        return None
