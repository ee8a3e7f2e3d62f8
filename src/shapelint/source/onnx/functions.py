"""Model-local functions: which a node calls, and that calling them all comes to an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from shapelint.source.errors import Flaw
from shapelint.source.onnx import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_NODES = 1_000_000
"""Nodes that a graph may grow to when its functions are written out."""
MAX_NESTING = 64
"""Calls and subgraphs within one another."""

Key: TypeAlias = tuple[str, str, str]
"""Domain, name and overload."""


def normal_domain(domain: str) -> str:
    """`domain` with one name for the default operator set."""
    return "" if domain == "ai.onnx" else domain


def index_functions(functions: Iterable[wire.Function]) -> dict[Key, wire.Function]:
    """Functions by what a node calls them."""
    return {(normal_domain(item.domain), item.name, item.overload): item for item in functions}


def check_calls(nodes: list[wire.Node], functions: Mapping[Key, wire.Function]) -> Flaw | None:
    """What makes writing out the functions that `nodes` call impossible, or nothing."""
    sizes: dict[Key, tuple[int, int]] = {}
    open_calls: list[Key] = []

    def measure(nodes: list[wire.Node], level: int) -> tuple[int, int]:
        """Nodes and levels of nesting that `nodes` come to."""
        if level > MAX_NESTING:
            raise _Endless(f"functions and subgraphs nest deeper than {MAX_NESTING}")
        count, depth = 0, 0
        for node in nodes:
            key = (normal_domain(node.domain), node.op, node.overload)
            count += 1
            if key in functions:
                if key in open_calls:
                    chain = " -> ".join(f"`{name}`" for _, name, _ in [*open_calls[open_calls.index(key) :], key])
                    raise _Endless(f"the function {chain} calls itself")
                if key not in sizes:
                    open_calls.append(key)
                    sizes[key] = measure(functions[key].nodes, level + 1)
                    open_calls.pop()
                count += sizes[key][0]
                depth = max(depth, 1 + sizes[key][1])
            for graph in _graphs(node):
                inner, levels = measure(graph.nodes, level + 1)
                count += inner
                depth = max(depth, 1 + levels)
            if count > MAX_NODES:
                raise _Endless(f"functions written out make more than {MAX_NODES} nodes")
            if level + depth > MAX_NESTING:
                raise _Endless(f"functions and subgraphs nest deeper than {MAX_NESTING}")
        return count, depth

    try:
        measure(nodes, 0)
    except _Endless as endless:
        return Flaw(str(endless), "export the model again without functions that nest so")
    return None


def collect_names(nodes: list[wire.Node]) -> Iterator[str]:
    """Every name of a value in `nodes` and in their subgraphs."""
    for node in nodes:
        yield from node.inputs
        yield from node.outputs
        for graph in _graphs(node):
            yield from graph_names(graph)
            yield from collect_names(graph.nodes)


def graph_names(graph: wire.Graph) -> set[str]:
    """The names that `graph` declares beside those of its nodes."""
    names = {item.name for item in graph.inputs} | {item.name for item in graph.outputs}
    names.update(item.name for item in graph.initializers)
    names.update(item.values.name for item in graph.sparse_initializers if item.values is not None)
    return names


def _graphs(node: wire.Node) -> Iterator[wire.Graph]:
    for attribute in node.attributes:
        if isinstance(attribute.value, wire.Graph):
            yield attribute.value
        elif attribute.type == wire.GRAPHS and isinstance(attribute.value, tuple):
            yield from (item for item in attribute.value if isinstance(item, wire.Graph))


class _Endless(Exception):
    """Writing out the calls would not end, or not in time."""
