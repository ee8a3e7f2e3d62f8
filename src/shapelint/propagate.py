"""Graph -> shapes and requirements: one pass over the nodes in order, into the subgraphs of If, Loop and Scan.

Sizes that are numbers give concrete shapes; free axes give expressions; the same functions serve both. After a
contradiction propagation goes on with the simpler side where sizes are free; where they are numbers, what depends on
a node that cannot run is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shapelint.graph import subgraphs
from shapelint.ops import indices, ranges, shape_function
from shapelint.ops.call import UNKNOWN, Call, CannotTell, Requirement, Split, Tensor, of_constant
from shapelint.size import Expr, TooDeep
from shapelint.size.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapelint.graph import Graph, Node
    from shapelint.ops.call import Shape
    from shapelint.ops.ends import Ranges
    from shapelint.size import Table

_DEEPEST: Final = 64
_SENSELESS: Final = (
    TooDeep, RecursionError, ZeroDivisionError, ValueError, TypeError, IndexError, AttributeError, OverflowError,
    KeyError,
)  # fmt: skip
"""What a shape function raises of a file in which attributes or constants make no sense."""
_MOST_SPLITS: Final = 4
"""How many Ifs that leave one of two numbers of axes are decided by what follows."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A node of which it is not known what it does to sizes, and whether it refuses some."""

    path: str
    op: str
    """With its domain where that is not ai.onnx: `com.acme::Foo`."""
    why: str


@dataclass(frozen=True, slots=True)
class Shapes:
    """What propagation found."""

    table: Table
    tensors: dict[str, Tensor]
    """Every value of the main graph."""
    requirements: list[Requirement]
    """What must hold, in the order of the nodes; what holds by its form is left out."""
    unknowns: list[Unknown]
    inner: dict[str, Tensor]
    """The values of subgraphs, by name; the last call's where a subgraph is run more than once."""


def propagate(graph: Graph, inputs: Mapping[str, Tensor], table: Table, *, concrete: bool = False) -> Shapes:
    """The shapes of every value of `graph` for these inputs.

    `concrete`: the sizes are numbers, so what a node that cannot run would produce is unknown.
    """
    run = _Run(table, concrete)
    tensors = run.scope(graph, inputs, {})
    for _ in range(_MOST_SPLITS):
        if run.split is None:
            break
        followed = [_Run(table, concrete, taken={**run.taken, run.split: taken}) for taken in (True, False)]
        made = [(each.scope(graph, inputs, {}), each) for each in followed]
        left = [one for one in made if not any(item.held is False for item in one[1].requirements)]
        if len(left) != 1:
            break
        ((tensors, run),) = left
    return Shapes(table, tensors, run.requirements, run.unknowns, run.inner)


class Stepwise:
    """Propagation node by node, for sources whose nodes depend on the sizes before them."""

    def __init__(self, inputs: Mapping[str, Tensor], table: Table, *, concrete: bool = False) -> None:
        self._run = _Run(table, concrete, keeps_rank=True)
        self._tensors = dict(inputs)

    def step(self, node: Node) -> list[Shape | None]:
        """Propagate through the node; the shapes of its outputs."""
        self._run.node(node, self._tensors)
        return [self._tensors[name].shape for name in node.outputs]

    @property
    def shapes(self) -> Shapes:
        """What was found so far."""
        run = self._run
        return Shapes(run.table, self._tensors, run.requirements, run.unknowns, run.inner)


class _Run:
    """One propagation: what its scopes share."""

    def __init__(
        self, table: Table, concrete: bool, *, keeps_rank: bool = False, taken: Mapping[str, bool] | None = None
    ) -> None:
        self.table = table
        self.concrete = concrete
        self.keeps_rank = keeps_rank
        """Whether the rank of what a node that cannot run would give stays known: a spec's layers are read by it."""
        self.taken = taken or {}
        """The branches that are followed, by the path of their If."""
        self.split: str | None = None
        """The first If of the main graph whose branches leave different numbers of axes."""
        self.requirements: list[Requirement] = []
        self.unknowns: list[Unknown] = []
        self.inner: dict[str, Tensor] = {}
        self.plain = Plain()
        self.depth = 0
        self.turns = 0
        """How many times a subgraph has been run."""
        self.named: set[str] = set()
        """The paths of the unknown nodes of subgraphs, which may be run more than once."""
        self.ranges: dict[str, Ranges] = {}
        """Of tensors that sizes decide and that are not followed element by element: between which ends they lie."""

    def scope(self, graph: Graph, inputs: Mapping[str, Tensor], outer: Mapping[str, Tensor]) -> dict[str, Tensor]:
        tensors = dict(outer)
        for name, constant in graph.constants.items():
            tensors[name] = of_constant(constant)
            unread = ranges.of_constant(constant)
            if unread is not None:
                self.ranges[name] = unread
        tensors.update(inputs)
        for node in graph.nodes:
            self.node(node, tensors)
        return tensors

    def node(self, node: Node, tensors: dict[str, Tensor]) -> None:
        """Propagate through one node: its results enter `tensors`, what it demands the requirements."""
        requirements = self.requirements
        function = shape_function(node.domain, node.op, node.rule)
        names = node.outputs
        if function is None:
            self._unknown(node, tensors, _no_function(node))
            return
        stated = len(requirements)

        def run(inner: Graph, given: Sequence[Tensor | None]) -> list[Tensor]:
            return self._subgraph(inner, given, tensors)

        get = tensors.get
        call = Call(
            node.path,
            node.op,
            node.version,
            node.attributes,
            [get(name) if name else None for name in node.inputs],
            len(names),
            self.table,
            requirements,
            run,
            rule=node.rule,
            turn=self.turns,
            taken=self.taken.get(node.path) if self.taken and not self.depth else None,
        )
        try:
            result = function(call)
            if node.op in indices.INDEXED:
                why = indices.state(call, [self.ranges.get(name) for name in node.inputs])
                if why is not None:
                    self._name(node, why)
        except CannotTell as reason:
            if isinstance(reason, Split) and not self.depth and self.split is None:
                self.split = node.path
            if not any(requirement.held is False for requirement in requirements[stated:]):
                self._unknown(node, tensors, str(reason))
            else:
                tensors.update(dict.fromkeys(filter(None, names), UNKNOWN))
            return
        except (TooDeep, RecursionError):
            self._unknown(node, tensors, "its sizes nest too deeply to be followed")
            return
        except _SENSELESS:
            # A file may hold any attribute and any constant; what a shape function cannot make sense of is
            # no reason to stop, and never a reason to conclude.
            self._unknown(node, tensors, "its attributes or constants make no sense to the shape function")
            return
        if self.concrete and len(requirements) > stated and any(r.held is False for r in requirements[stated:]):
            results: Sequence[Tensor] = [UNKNOWN] * len(names)
            if self.keeps_rank:
                results = [Tensor(None, _open(each.shape)) for each in _listed(result)]
        else:
            results = _listed(result)
            if node.op in ranges.SOURCES or not self.ranges.keys().isdisjoint(node.inputs):
                self._follow(node, call, results)
        for place, name in enumerate(names):
            if name:
                tensors[name] = self._plain(results[place]) if place < len(results) else UNKNOWN

    def _follow(self, node: Node, call: Call, results: Sequence[Tensor]) -> None:
        """Keep between which ends the elements lie of what the node makes."""
        known = self.ranges
        try:
            made = ranges.ranges_of(call, results, [known.get(name) for name in node.inputs])
        except _SENSELESS:
            made = dict.fromkeys(range(len(node.outputs)), ())
        for place, name in enumerate(node.outputs):
            if place in made:
                known[name] = made[place]
            else:
                known.pop(name, None)

    def _plain(self, tensor: Tensor) -> Tensor:
        """The tensor with every size in the form that the network already has for it."""
        if tensor.shape is None or self.concrete:
            return tensor
        shape = tuple([self.plain.of(dim) if isinstance(dim, Expr) else dim for dim in tensor.shape])
        return tensor if shape == tensor.shape else Tensor(tensor.dtype, shape, tensor.value, tensor.items)

    def _unknown(self, node: Node, tensors: dict[str, Tensor], why: str) -> None:
        self._name(node, why)
        tensors.update(dict.fromkeys(filter(None, node.outputs), UNKNOWN))

    def _name(self, node: Node, why: str) -> None:
        """Name a node of which it is not known whether it refuses some sizes."""
        name = f"{node.domain}::{node.op}" if node.domain else str(node.attributes.get("layer", node.op))
        if not self.depth or node.path not in self.named:
            self.unknowns.append(Unknown(node.path, name, why))
        if self.depth:
            self.named.add(node.path)

    def _subgraph(self, graph: Graph, given: Sequence[Tensor | None], outer: Mapping[str, Tensor]) -> list[Tensor]:
        self.depth += 1
        self.turns += 1
        if self.depth > _DEEPEST:
            raise CannotTell("its subgraphs nest too deeply")
        try:
            inputs = {
                declared.name: UNKNOWN if tensor is None else tensor
                for declared, tensor in zip(graph.inputs, given, strict=False)
            }
            tensors = self.scope(graph, inputs, outer)
        finally:
            self.depth -= 1
        self.inner.update((name, tensors[name]) for node in graph.nodes for name in node.outputs if name in tensors)
        return [tensors.get(item.name, UNKNOWN) for item in graph.outputs]


def _no_function(node: Node) -> str:
    if any(True for _ in subgraphs(node)):
        return "no shape function, and it has subgraphs"
    return "no shape function"


def _listed(result: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return [result] if isinstance(result, Tensor) else result


def _open(shape: Shape | None) -> Shape | None:
    """A shape of the same rank of which no size is known."""
    return None if shape is None else (None,) * len(shape)
