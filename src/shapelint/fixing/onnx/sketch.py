"""A patch of an ONNX graph while it is sketched: nodes and constants with names that nothing else has.

Invariant: every number that a sketched node computes stands in an int64 tensor with one axis; all operators used are
those of opset 11 on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shapelint.fixing.patch import GraphPatch
from shapelint.graph import Constant, Node, captures, subgraphs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapelint.graph import Attribute, Graph, Model

LEAST_OPSET: Final = 11
"""Since this version of ai.onnx Slice, Pad and Resize take what the graph computes."""
_INT64: Final = 7
_PREFIX: Final = "shapelint"


class NotDrawn(Exception):
    """The change cannot be made in this graph."""


class Sketch:
    """Changes to the main graph of a model."""

    def __init__(self, model: Model) -> None:
        """Raises NotDrawn where the operator set is too old."""
        self.original = model
        self.version = model.opsets.get("", 0)
        if self.version < LEAST_OPSET:
            raise NotDrawn
        self._taken = set(_names(model.graph)) | {node.path for node in model.graph.nodes}
        self._replaced: dict[str, Node] = {}
        self._before: dict[str, list[Node]] = {}
        self._constants: dict[str, Constant] = {}
        self._known: dict[tuple[str, tuple[str, ...], tuple[object, ...]], str] = {}
        self._own = {node.path: node for node in model.graph.nodes}

    @property
    def patch(self) -> GraphPatch:
        """The changes so far."""
        before = {path: tuple(nodes) for path, nodes in self._before.items()}
        return GraphPatch(dict(self._replaced), before, dict(self._constants))

    @property
    def patched(self) -> Model:
        """The model with the changes so far."""
        return self.patch.apply(self.original)

    # -- nodes of the file -------------------------------------------------------------------------------------------

    def node(self, path: str) -> Node:
        """The node as it is now; raises NotDrawn for one that stands in no list of the file's graph."""
        if not self.is_own(path):
            raise NotDrawn
        return self._replaced.get(path, self._own[path])

    def change(
        self, path: str, *, inputs: Sequence[str] | None = None, attributes: dict[str, Attribute | None] | None = None
    ) -> None:
        """Give a node other inputs or attributes; None takes an attribute away."""
        node = self.node(path)
        if inputs is not None:
            node = replace(node, inputs=tuple(inputs))
        if attributes is not None:
            merged = {**node.attributes, **attributes}
            node = replace(node, attributes={name: value for name, value in merged.items() if value is not None})
        self._replaced[path] = node

    def redirect(self, value: str, to: str) -> None:
        """Let every node of the file that reads `value` read `to`."""
        for path, node in self._own.items():
            if any(value in captures(graph) for _, graph in subgraphs(node)):
                raise NotDrawn
            inputs = self._replaced.get(path, node).inputs
            if value in inputs:
                self.node(path)
                self.change(path, inputs=[to if name == value else name for name in inputs])

    def rename_output(self, value: str, to: str) -> None:
        """Let the node that makes `value` call it `to`."""
        producer = self.original.graph.producers.get(value)
        if producer is None:
            raise NotDrawn
        node = self.node(producer.path)
        self._replaced[node.path] = replace(
            node, outputs=tuple([to if name == value else name for name in node.outputs])
        )

    def is_own(self, path: str) -> bool:
        """Whether the node stands in the file's list, so that it can be changed."""
        return path in self._own and path not in self.original.inlined

    def is_read(self, value: str) -> bool:
        """Whether a new node reads the value."""
        return any(value in node.inputs for nodes in self._before.values() for node in nodes)

    def following(self, path: str) -> str:
        """The path of the node after this one, empty where it is the last; what reads its result comes no earlier."""
        paths = list(self._own)
        place = paths.index(path) + 1
        return paths[place] if place < len(paths) else ""

    def first(self) -> str:
        """The path of the first node."""
        for node in self.original.graph.nodes:
            self.node(node.path)
            return node.path
        raise NotDrawn

    # -- new nodes ---------------------------------------------------------------------------------------------------

    def fresh(self, name: str) -> str:
        """A name that begins with `shapelint/` and that nothing else has."""
        wanted = unique = f"{_PREFIX}/{name}"
        number = 1
        while unique in self._taken:
            number += 1
            unique = f"{wanted}#{number}"
        self._taken.add(unique)
        return unique

    def add(self, at: str, op: str, inputs: Sequence[str], name: str, **attributes: Attribute) -> str:
        """A new node before the node `at` of the file (the end where it is empty); the name of its result."""
        if at:
            self.node(at)
        key = (at + "\0" + op, tuple(inputs), tuple(sorted(attributes.items())))
        if key not in self._known:
            result = self.fresh(name)
            node = Node(result, op, "", tuple(inputs), (result,), attributes, version=self.version)
            self._before.setdefault(at, []).append(node)
            self._known[key] = result
        return self._known[key]

    def name_result(self, at: str, op: str, inputs: Sequence[str], name: str, result: str) -> None:
        """A new node whose result has a name that is given."""
        self._before.setdefault(at, []).append(
            Node(self.fresh(name), op, "", tuple(inputs), (result,), version=self.version)
        )

    def numbers(self, *values: int) -> str:
        """A constant with these integers."""
        return self.constant(Constant(_INT64, (len(values),), values), "ints/" + "_".join(map(str, values[:4])))

    def constant(self, constant: Constant, name: str) -> str:
        """A new initializer."""
        for known, own in self._constants.items():
            if own == constant:
                return known
        unique = self.fresh(name)
        self._constants[unique] = constant
        return unique

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def size(self, at: str, value: str, *axes: int) -> str:
        """The sizes of `value` along these axes."""
        shape = self.add(at, "Shape", [value], f"{value}/shape")
        return self.add(at, "Gather", [shape, self.numbers(*axes)], f"{value}/size", axis=0)

    def joined(self, at: str, parts: Sequence[str], name: str) -> str:
        """Vectors one after the other."""
        return parts[0] if len(parts) == 1 else self.add(at, "Concat", parts, name, axis=0)

    def cut(self, at: str, value: str, axes: Sequence[int], starts: str, ends: str, name: str) -> str:
        """`value` from `starts` to `ends` along these axes."""
        return self.add(at, "Slice", [value, starts, ends, self.numbers(*axes)], name)


def _names(graph: Graph) -> Iterator[str]:
    """Every name in a graph and in those inside it."""
    yield from (item.name for item in (*graph.inputs, *graph.outputs))
    yield from graph.constants
    for node in graph.nodes:
        yield from node.inputs
        yield from node.outputs
        for _, inner in subgraphs(node):
            yield from _names(inner)
