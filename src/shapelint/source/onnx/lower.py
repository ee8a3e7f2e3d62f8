"""Records to `graph.Model`: constants decoded, functions written out, nodes named and put in order.

Invariants: a file that breaks a rule is lowered all the same, and the flaw is noted; names change only inside
functions, where each call gets its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shapelint import schema
from shapelint.graph import Attribute, Constant, Declared, DeclaredDim, Graph, Model, Node, Origin, captures
from shapelint.source.errors import Flaw
from shapelint.source.onnx import wire
from shapelint.source.onnx.functions import Key, collect_names, graph_names, index_functions, normal_domain
from shapelint.source.onnx.order import sort_nodes
from shapelint.source.onnx.origin import STACK_TRACE, parse_origin
from shapelint.source.onnx.tensors import read_constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PLAIN = frozenset((wire.FLOAT, wire.INT, wire.STRING, wire.FLOATS, wire.INTS, wire.STRINGS))
_KINDS = {"tensor": "tensor", "sparse_tensor": "sparse_tensor", "sequence": "sequence", "optional": "optional"}
_KINDS["map"] = "map"


def lower(record: wire.Model) -> tuple[Model, list[Flaw]]:
    """The model that `record` describes, and the flaws that the graph itself no longer shows.

    `check_calls` must have found that the functions of `record` come to an end.
    """
    lowering, graph = _begin(record)
    lowered = lowering.graph(graph, _Scope(lowering.opsets), is_main=True)
    model = Model(
        lowered,
        "onnx",
        lowering.opsets,
        record.ir_version,
        f"{record.producer} {record.producer_version}".strip(),
        record.metadata,
        inlined=frozenset(lowering.inlined),
    )
    return model, lowering.flaws


def name_nodes(record: wire.Model) -> list[str]:
    """The paths of the nodes of the main graph in the order of the file; that of a call is the call's own."""
    lowering, graph = _begin(record)
    body = _Body()
    lowering.nodes(graph.nodes, _Scope(lowering.opsets), body)
    return body.own


def _begin(record: wire.Model) -> tuple[_Lowering, wire.Graph]:
    opsets = {normal_domain(domain): version for domain, version in record.opsets}
    if record.ir_version < 3:
        opsets.setdefault("", 1)
    lowering = _Lowering(index_functions(record.functions), opsets)
    graph = record.graph or wire.Graph()
    if record.functions:
        lowering.taken = dict.fromkeys((*collect_names(graph.nodes), *graph_names(graph)), 1)
    return lowering, graph


def _unique(name: str, taken: dict[str, int]) -> str:
    """`name`, or with a number if it is in `taken`, which counts how often each was asked for."""
    if name not in taken:
        taken[name] = 1
        return name
    number = taken[name]
    unique = name
    while unique in taken:
        number += 1
        unique = f"{name}#{number}"
    taken[name] = number
    taken[unique] = 1
    return unique


@dataclass(slots=True)
class _Scope:
    """What the names in a list of nodes mean."""

    opsets: Mapping[str, int]
    prefix: str = ""
    """Of the paths of nodes that a call brings in."""
    names: dict[str, str] | None = None
    """Inside a function, what its values are called where it is written out; None where names stay."""
    bindings: Mapping[str, Attribute] | None = None
    """Inside a function, the attributes that its nodes may refer to."""


@dataclass(slots=True)
class _Body:
    """The nodes of one graph as they come, and what each reads."""

    nodes: list[Node] = field(default_factory=list)
    reads: list[tuple[str, ...]] = field(default_factory=list)
    paths: dict[str, int] = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    """The paths of the records that stand in the file's own list."""

    def name(self, record: wire.Node, prefix: str) -> str:
        """A path for `record` that no other node of the graph has."""
        path = record.name or next(filter(None, record.outputs), "") or f"{record.op}_{len(self.nodes)}"
        return _unique(prefix + path, self.paths)


class _Lowering:
    def __init__(self, functions: Mapping[Key, wire.Function], opsets: Mapping[str, int]) -> None:
        self.functions = functions
        self.opsets = opsets
        self.flaws: list[Flaw] = []
        self.taken: dict[str, int] = {}
        """Names that a value of a function must not be given."""
        self.origins: dict[str, Origin | None] = {}
        self.inlined: set[str] = set()
        """The paths of nodes that calls brought in."""

    def graph(self, record: wire.Graph, scope: _Scope, *, is_main: bool = False) -> Graph:
        """`record` with its nodes in order."""
        if scope.names is not None:
            scope = _Scope(scope.opsets, scope.prefix, self._local_names(record, scope), scope.bindings)
        constants: dict[str, Constant] = {}
        for tensor in record.initializers:
            self._add_constant(constants, self._rename(tensor.name, scope), self._constant(tensor, "initializer"))
        for sparse in record.sparse_initializers:
            if sparse.values is not None:
                constant = Constant(sparse.values.dtype, sparse.dims)
                self._add_constant(constants, self._rename(sparse.values.name, scope), constant)
        inputs = tuple(self._declare(item, scope) for item in record.inputs)
        inputs = tuple(item for item in inputs if item.name not in constants)
        outputs = tuple(_without_absurd(self._declare(item, scope)) for item in record.outputs)
        declared = [_without_absurd(self._declare(item, scope)) for item in record.value_info]
        body = _Body()
        self.nodes(record.nodes, scope, body)
        nodes, cycle = sort_nodes(body.nodes, body.reads)
        if cycle:
            chain = " -> ".join(f"`{node.path}`" for node in [*cycle[:8], cycle[0]])
            self.flaws.append(Flaw(f"nodes read each other in a cycle: {chain}", node=cycle[0].path))
        return Graph(
            record.name,
            tuple(nodes),
            self._check(inputs) if is_main else tuple(map(_without_absurd, inputs)),
            outputs,
            constants,
            {item.name: item for item in declared},
        )

    def nodes(self, records: Iterable[wire.Node], scope: _Scope, body: _Body) -> None:
        """Append `records` to `body`, calls of functions written out."""
        functions, names, opsets, prefix = self.functions, scope.names, scope.opsets, scope.prefix
        for record in records:
            domain = record.domain
            if domain == "ai.onnx":
                domain = ""
            path = body.name(record, prefix)
            if prefix:
                self.inlined.add(path)
            else:
                body.own.append(path)
            inputs, outputs = record.inputs, record.outputs
            if names is not None:
                inputs = tuple([self._rename(name, scope) for name in inputs])
                outputs = tuple([self._rename(name, scope) for name in outputs])
            captured: list[str] = []
            attributes: dict[str, Attribute] = {}
            for item in record.attributes:
                if item.type in _PLAIN and not item.ref:
                    attributes[item.name] = item.value  # type: ignore[assignment]
                else:
                    value = self._attribute(item, scope, path)
                    if value is not None:
                        attributes[item.name] = value
                        captured += _captures(value)
            if functions:
                function = functions.get((domain, record.op, record.overload))
                if function is not None:
                    self._call(function, path, inputs, outputs, attributes, body)
                    continue
            origin = None
            if record.metadata:
                trace = record.metadata.get(STACK_TRACE)
                if trace:
                    if trace not in self.origins:
                        self.origins[trace] = parse_origin(trace)
                    origin = self.origins[trace]
            body.nodes.append(Node(path, record.op, domain, inputs, outputs, attributes, origin, opsets.get(domain, 0)))
            body.reads.append((*inputs, *captured) if captured else inputs)

    def _call(
        self,
        function: wire.Function,
        path: str,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        attributes: dict[str, Attribute],
        body: _Body,
    ) -> None:
        """Append the nodes of `function` to `body`, fed with `inputs` and producing `outputs`."""
        if len(inputs) > len(function.inputs) or len(outputs) > len(function.outputs):
            many = f"{len(inputs)} inputs and {len(outputs)} outputs"
            takes = f"{len(function.inputs)} and {len(function.outputs)}"
            self.flaws.append(Flaw(f"`{path}` has {many}; its function `{function.name}` has {takes}", node=path))
        prefix = f"{path}/"
        own = {normal_domain(domain): version for domain, version in function.opsets}
        names = dict.fromkeys(function.inputs, "")
        names.update(zip(function.inputs, inputs, strict=False))
        copies: list[tuple[str, str]] = []
        for formal, actual in zip(function.outputs, outputs, strict=False):
            if actual and formal in names:
                copies.append((formal, actual))
            elif actual:
                names[formal] = actual
        bindings = dict(attributes)
        scope = _Scope({**self.opsets, **own}, prefix, names, bindings)
        for default in function.defaults:
            if default.name not in bindings:
                value = self._attribute(default, _Scope(scope.opsets, prefix), path)
                if value is not None:
                    bindings[default.name] = value
        for node in function.nodes:
            for name in node.outputs:
                self._rename(name, scope)
        self.nodes(function.nodes, scope, body)
        for formal, actual in copies:
            version = scope.opsets.get("") or schema.newest("")
            copy = wire.Node((), (formal,), "", "Identity", "", "", (), None)
            place = body.name(copy, prefix)
            self.inlined.add(place)
            body.nodes.append(Node(place, "Identity", "", (names[formal],), (actual,), {}, None, version))
            body.reads.append((names[formal],))

    def _rename(self, name: str, scope: _Scope) -> str:
        """What `name` is called where `scope` is written out."""
        names = scope.names
        if names is None or not name:
            return name
        if name not in names:
            names[name] = _unique(scope.prefix + name, self.taken)
        return names[name]

    def _local_names(self, record: wire.Graph, scope: _Scope) -> dict[str, str]:
        """The names in `scope` as a subgraph sees them: its own hide those around it."""
        assert scope.names is not None
        names = dict(scope.names)
        own = graph_names(record) - {item.name for item in record.outputs}
        own.update(name for node in record.nodes for name in node.outputs if name)
        for name in own:
            names.pop(name, None)
        local = _Scope(scope.opsets, scope.prefix, names)
        for name in sorted(own):
            self._rename(name, local)
        return names

    def _attribute(self, item: wire.Attribute, scope: _Scope, path: str) -> Attribute | None:
        """The value of an attribute; None where there is none to be had."""
        if item.ref:
            if scope.bindings is None:
                text = f"attribute `{item.name}` of `{path}` refers to `{item.ref}` of a function, and is in none"
                self.flaws.append(Flaw(text, node=path))
                return None
            return scope.bindings.get(item.ref)
        value = item.value
        if isinstance(value, tuple):
            return tuple(self._single(part, item.name, scope, path) for part in value)  # type: ignore[return-value]
        if value is None:
            what = f"has the unknown type {item.type}" if not 0 < item.type < 15 else "has no value"
            self.flaws.append(Flaw(f"attribute `{item.name}` of `{path}` {what}", node=path))
            return None
        return self._single(value, item.name, scope, path)

    def _single(self, value: object, name: str, scope: _Scope, path: str) -> Attribute:
        if isinstance(value, wire.Tensor):
            return self._constant(value, f"attribute `{name}` of `{path}`", path)
        if isinstance(value, wire.Graph):
            return self.graph(value, scope)
        if isinstance(value, wire.Sparse):
            return Constant(value.values.dtype if value.values else 0, value.dims)
        if isinstance(value, wire.Type):
            return _without_absurd(_declare("", value))
        return value  # type: ignore[return-value]

    def _constant(self, tensor: wire.Tensor, what: str, path: str | None = None) -> Constant:
        constant, problem = read_constant(tensor)
        if problem:
            self.flaws.append(Flaw(f"{what} {problem}" if path else f"{what} `{tensor.name}` {problem}", node=path))
        return constant

    def _add_constant(self, constants: dict[str, Constant], name: str, constant: Constant) -> None:
        if name in constants:
            self.flaws.append(Flaw(f"there are two initializers `{name}`"))
        constants[name] = constant

    def _declare(self, item: wire.Value, scope: _Scope) -> Declared:
        return _declare(self._rename(item.name, scope), item.type)

    def _check(self, inputs: tuple[Declared, ...]) -> tuple[Declared, ...]:
        """The inputs of the model: -1 is any size, [0] an empty list, and any other size below 1 a flaw."""
        for item in inputs:
            if item.dims == (0,):
                continue
            for axis, dim in enumerate(item.dims or ()):
                if isinstance(dim, int) and dim != -1 and not 1 <= dim < 1 << 31:
                    text = f"input `{item.name}` declares `{item.name}[{axis}]` as {dim}; a size is from 1 to 2**31 - 1"
                    self.flaws.append(Flaw(text, "declare a name for a free axis, or a size of at least 1"))
        return tuple(item if item.dims == (0,) else _without_absurd(item) for item in inputs)


def _captures(value: Attribute) -> list[str]:
    if isinstance(value, Graph):
        return list(captures(value))
    if isinstance(value, tuple):
        return [name for item in value if isinstance(item, Graph) for name in captures(item)]
    return []


def _declare(name: str, kind: wire.Type | None) -> Declared:
    """`name` with its type; of a sequence or an optional, the type of what it holds."""
    if kind is None or kind.kind not in _KINDS:
        return Declared(name)
    inner = kind
    while inner.element is not None and inner.kind != "map":
        inner = inner.element
    dims: tuple[DeclaredDim, ...] | None = inner.dims
    if inner.kind == "map":
        return Declared(name, kind=kind.kind)  # type: ignore[arg-type]
    return Declared(name, inner.dtype or None, dims, kind.kind)  # type: ignore[arg-type]


def _without_absurd(item: Declared) -> Declared:
    """`item` where sizes below 1 and empty names say nothing, as exporters mean them."""
    dims = item.dims
    if not dims:
        return item
    for dim in dims:
        if not dim or (isinstance(dim, int) and dim < 0):
            known = tuple(None if not dim or (isinstance(dim, int) and dim < 0) else dim for dim in dims)
            return Declared(item.name, item.dtype, known, item.kind)
    return item
