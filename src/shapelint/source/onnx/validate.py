"""What makes a lowered model no graph: names, arities, attributes and versions that cannot be.

An operator that nobody knows, an attribute that a schema does not list, and a domain without schemas are all fine.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from shapelint import schema
from shapelint.graph import Attribute, Constant, Declared, Graph, Model, Node, subgraphs
from shapelint.source.errors import MAX_FLAWS, Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

_SINGLE = {int: "INT", float: "FLOAT", str: "STRING", Constant: "TENSOR", Graph: "GRAPH", Declared: "TYPE_PROTO"}
_MAX_CANDIDATES = 2000
_ACTION = "export the model again; `onnx.checker.check_model` tells whether it is sound"


def find_flaws(model: Model) -> Iterator[Flaw]:
    """The flaws of `model`, in the order of the file."""
    graph = model.graph
    if not graph.nodes:  # that its outputs are produced by nothing follows
        yield Flaw("the graph has no nodes")
        return
    if not graph.outputs:
        yield Flaw("the graph has no outputs")
    versions: dict[tuple[str, int], None] = {}
    nested: dict[Node, list[Graph]] = {}
    _collect(graph, versions, nested)
    misfits = [flaw for domain, version in versions if (flaw := _check_version(domain, version, model))]
    yield from misfits
    yield from _check_graph(graph, (), nested, with_schema=not misfits, hints=[3])


def _collect(graph: Graph, versions: dict[tuple[str, int], None], nested: dict[Node, list[Graph]]) -> None:
    """The versions of operator sets that nodes use, those of functions included, and the nodes with subgraphs."""
    for node in graph.nodes:
        versions[node.domain, node.version] = None
        inside = [inner for _, inner in subgraphs(node)]
        if inside:
            nested[node] = inside
            for inner in inside:
                _collect(inner, versions, nested)


def _check_version(domain: str, version: int, model: Model) -> Flaw | None:
    """A version of a known domain that is too new, or none at all."""
    newest = schema.newest(domain)
    label = domain or "ai.onnx"
    if version > newest > 0:
        return Flaw(
            f"the file uses version {version} of the {label} operators; the newest known is {newest}",
            f"export it with opset {newest} or older, or upgrade shapelint",
        )
    if version > 0 or not newest:
        return None
    if domain in model.opsets:
        return Flaw(f"the file uses version {version} of the {label} operators; versions are 1 to {newest}")
    return None if domain else Flaw(f"the file does not say which version of the {label} operators it uses")


def _check_graph(
    graph: Graph,
    outer: tuple[Set[str], ...],
    nested: Mapping[Node, list[Graph]],
    *,
    with_schema: bool,
    hints: list[int],
) -> Iterator[Flaw]:
    """Flaws of one scope and of those within it; `outer` are the names of the scopes around it."""
    names: dict[str, str] = {}
    for item in graph.inputs:
        if item.name in names:
            yield Flaw(f"there are two inputs `{item.name}`")
        names[item.name] = f"input `{item.name}`"
    for name in graph.constants:
        names[name] = f"initializer `{name}`"
    for node in graph.nodes:
        for name in node.outputs:
            if not name:
                continue
            if name in names:
                yield Flaw(f"`{name}` is produced twice, by {names[name]} and by `{node.path}`", node=node.path)
            else:
                names[name] = f"`{node.path}`"
    known: Set[str] = names.keys()
    for node in graph.nodes:
        for name in node.inputs:
            if name and name not in known and not any(name in scope for scope in outer):
                yield Flaw(
                    f"`{node.path}` reads `{name}`, which nothing produces", _hint(name, known, hints), node.path
                )
        if with_schema:
            yield from _check_node(node)
        for inner in nested.get(node, ()):
            yield from _check_graph(inner, (*outer, known), nested, with_schema=with_schema, hints=hints)
    for item in graph.outputs:
        if item.name not in known and not any(item.name in scope for scope in outer):
            yield Flaw(f"nothing produces the output `{item.name}`", _hint(item.name, known, hints))


def _hint(name: str, known: Set[str], hints: list[int]) -> str:
    """A name that was perhaps meant; looked for a few times only, as looking is slow."""
    if not hints[0] or len(known) > _MAX_CANDIDATES or len(name) > 200:
        return ""
    hints[0] -= 1
    close = get_close_matches(name, [item for item in known if len(item) < 200], 1, 0.8)
    return f"did you mean `{close[0]}`?" if close else ""


def _check_node(node: Node) -> Iterator[Flaw]:
    """`node` against the schema of its operator, where it has one."""
    op = schema.lookup(node.domain, node.op, node.version)
    if op is None or op.deprecated:
        return
    label = f"{op.name}-{op.since}"
    count = len(node.inputs)
    if not op.min_inputs <= count <= op.max_inputs:
        yield Flaw(
            f"`{node.path}` has {_plural(count, 'input')}; {label} takes {_range(op.min_inputs, op.max_inputs)}",
            node=node.path,
        )
    elif "" in node.inputs[: op.min_inputs]:
        for index in range(op.min_inputs):
            if not node.inputs[index] and index not in op.optional_inputs:
                yield Flaw(f"`{node.path}` leaves out its input {index}; {label} requires it", node=node.path)
    count = len(node.outputs)
    if not op.min_outputs <= count <= op.max_outputs:
        yield Flaw(
            f"`{node.path}` has {_plural(count, 'output')}; {label} gives {_range(op.min_outputs, op.max_outputs)}",
            node=node.path,
        )
    attributes = op.attributes
    for name, value in node.attributes.items():
        known = attributes.get(name)
        if known is not None and not _fits(value, known.type):
            yield Flaw(
                f"attribute `{name}` of `{node.path}` is {_kind(value)}; {label} takes {known.type}", node=node.path
            )
    for name in op.required:
        if name not in node.attributes:
            yield Flaw(f"attribute `{name}` of `{node.path}` is missing; {label} requires it", node=node.path)


def _fits(value: Attribute, kind: str) -> bool:
    single = _SINGLE.get(type(value))
    if single is not None:
        return single == kind or (single == "TENSOR" and kind == "SPARSE_TENSOR")
    if isinstance(value, tuple) and kind.endswith("S"):
        return not value or _fits(value[0], kind[:-1])
    return False


def _kind(value: Attribute) -> str:
    if isinstance(value, tuple):
        return f"{_SINGLE.get(type(value[0]), 'unknown')}S" if value else "an empty list"
    return _SINGLE.get(type(value), "unknown")


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _range(low: int, high: int) -> str:
    if low == high:
        return str(low)
    return f"{low} or more" if high >= schema.UNBOUNDED else f"{low} to {high}"


def first_flaws(flaws: Iterator[Flaw], before: list[Flaw]) -> tuple[Flaw, ...]:
    """At most `MAX_FLAWS` of them, `before` first, each with an action."""
    found = before[:MAX_FLAWS]
    for flaw in flaws:
        if len(found) >= MAX_FLAWS:
            break
        found.append(flaw)
    return tuple(flaw if flaw.help else replace(flaw, help=_ACTION) for flaw in found)
