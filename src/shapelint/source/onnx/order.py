"""Nodes in an order in which every value is produced before it is read."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.graph import Node


def sort_nodes(nodes: list[Node], reads: Sequence[Sequence[str]]) -> tuple[list[Node], list[Node]]:
    """`nodes` sorted stably, and the nodes of one cycle if there is one; `reads` are the names each node needs.

    Names that no node of `nodes` produces stand ready from the start.
    """
    producers: dict[str, int] = {}
    in_order = True
    for index in range(len(nodes) - 1, -1, -1):
        for name in nodes[index].outputs:
            if name:
                producers[name] = index
    for index, names in enumerate(reads):
        for name in names:
            if producers.get(name, -1) >= index:
                in_order = False
                break
    if in_order:
        return nodes, []
    needs = [{producers[name] for name in names if name in producers} for names in reads]
    readers: list[list[int]] = [[] for _ in nodes]
    for index, producing in enumerate(needs):
        for producer in producing:
            readers[producer].append(index)
    missing = [len(producing) for producing in needs]
    ready = [index for index, count in enumerate(missing) if count == 0]
    heapify(ready)
    order: list[int] = []
    while ready:
        index = heappop(ready)
        order.append(index)
        for reader in readers[index]:
            missing[reader] -= 1
            if missing[reader] == 0:
                heappush(ready, reader)
    if len(order) == len(nodes):
        return [nodes[index] for index in order], []
    return nodes, [nodes[index] for index in _find_cycle(needs, missing)]


def _find_cycle(needs: list[set[int]], missing: list[int]) -> list[int]:
    """The nodes of one cycle, each before one that reads it, from the earliest on.

    `missing` is positive where a node waits for ever.
    """
    index = next(index for index, count in enumerate(missing) if count)
    seen: dict[int, int] = {}
    walk: list[int] = []
    while index not in seen:
        seen[index] = len(walk)
        walk.append(index)
        index = min(producer for producer in needs[index] if missing[producer])
    cycle = walk[seen[index] :][::-1]
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]
