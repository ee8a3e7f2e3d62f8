"""The graph that every source is lowered to: ONNX operator names, plain values, and the networkx DAG over them.

Invariants: nothing here changes after the source has built it; nothing here knows a file format; sizes stand as the
source declares them (an integer, a string, or nothing) and are given a meaning only by `propagate`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import networkx as nx

DeclaredDim: TypeAlias = int | str | None
"""A dim as a file declares it: a constant, a name or expression, or nothing."""

UNSTATED: Final = "\0"
"""A declared dim that nobody states, as a spec says: no free axis, and what depends on it is not checked."""

Scalar: TypeAlias = int | float | bool | str | complex
Attribute: TypeAlias = (
    "int | float | str | Constant | Graph | Declared | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]"
    " | tuple[Constant, ...] | tuple[Graph, ...] | tuple[Declared, ...]"
)


@dataclass(frozen=True, slots=True)
class Declared:
    """A value's name with the type that the file declares for it."""

    name: str
    dtype: int | None = None
    """ONNX `TensorProto.DataType`; None where undeclared."""
    dims: tuple[DeclaredDim, ...] | None = None
    """None where the rank is undeclared."""
    kind: Literal["tensor", "sparse_tensor", "sequence", "optional", "map"] = "tensor"
    spans: tuple[Span, ...] = field(default=(), compare=False)
    """Of a text file: where each dim stands."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant tensor: its type and dims always, its values only where it is small and they stand in the file."""

    dtype: int
    dims: tuple[int, ...]
    values: tuple[Scalar, ...] | None = None
    """Flat, row-major; None for large tensors and for those stored outside the file."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The place in the user's source that a node came from, as the exporter recorded it."""

    file: str
    line: int
    function: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a text file: lines and columns from 1, columns in code points, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands in a text file: the whole call, each argument, and the expansion that led there."""

    span: Span
    arguments: Mapping[str, Span] = field(default_factory=dict)
    """By the framework's own name of the argument; `()` is the place before the closing bracket."""
    stack: tuple[str, ...] = ()
    """Innermost first: `up@29:15`, `i=4@27:10`."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator of a graph."""

    path: str
    """Unique in the graph; what messages and reports call the node."""
    op: str
    domain: str
    """Empty for ai.onnx."""
    inputs: tuple[str, ...]
    """Names of values; an empty string is an input left out."""
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    origin: Origin | None = None
    version: int = 0
    """The version of the node's operator set."""
    rule: str = "onnx"
    """The framework whose arithmetic and legality hold: `onnx`, `torch`, `keras`, `tf`, `jax`, `paddle`, ..."""
    place: Place | None = None


@dataclass(frozen=True, eq=False)
class Graph:
    """The nodes of one scope in an order in which every value is produced before it is read."""

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[Declared, ...]
    """What a caller feeds: initializers that older files list as inputs too are not among them."""
    outputs: tuple[Declared, ...]
    constants: Mapping[str, Constant] = field(default_factory=dict)
    declared: Mapping[str, Declared] = field(default_factory=dict)
    """What the file declares about inner values (value_info)."""

    @cached_property
    def dag(self) -> nx.DiGraph[Node]:
        """The nodes as a networkx DAG; an edge's `values` are the names that pass along it. Built at first use."""
        import networkx as nx

        dag: nx.DiGraph[Node] = nx.DiGraph()
        dag.add_nodes_from(self.nodes)
        producers = self.producers
        for node in self.nodes:
            for name in reads(node):
                producer = producers.get(name)
                if producer is not None:
                    if dag.has_edge(producer, node):
                        dag.edges[producer, node]["values"].append(name)
                    else:
                        dag.add_edge(producer, node, values=[name])
        return dag

    @cached_property
    def producers(self) -> Mapping[str, Node]:
        """The node that produces each value of this scope."""
        return {name: node for node in self.nodes for name in node.outputs if name}


@dataclass(frozen=True, eq=False)
class Model:
    """A graph with what its file says about the whole."""

    graph: Graph
    kind: Literal["onnx", "spec"]
    opsets: Mapping[str, int] = field(default_factory=dict)
    ir_version: int | None = None
    producer: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    program: Any = None
    """Of a spec: what is expanded to the nodes once the inputs have sizes; `graph` then holds the inputs alone."""
    has_batch: bool = True
    """Whether axis 0 of the inputs is the batch."""
    inlined: frozenset[str] = frozenset()
    """The paths of the nodes that calls of functions brought in: no list of the file's own graph holds them."""


def subgraphs(node: Node) -> Iterator[tuple[str, Graph]]:
    """The graphs among the attributes of `node`, with the attribute's name."""
    for name, value in node.attributes.items():
        if isinstance(value, Graph):
            yield name, value
        elif isinstance(value, tuple):
            yield from ((name, item) for item in value if isinstance(item, Graph))


def reads(node: Node) -> Iterator[str]:
    """The names that `node` reads, those that its subgraphs capture included."""
    yield from (name for name in node.inputs if name)
    for _, graph in subgraphs(node):
        yield from captures(graph)


def captures(graph: Graph) -> Iterator[str]:
    """The names that `graph` reads from the scope around it, in order of first use."""
    own = {item.name for item in graph.inputs} | graph.constants.keys()
    own.update(name for node in graph.nodes for name in node.outputs)
    seen: set[str] = set()
    names = [name for node in graph.nodes for name in reads(node)]
    names += [item.name for item in graph.outputs]
    for name in names:
        if name not in own and name not in seen:
            seen.add(name)
            yield name
