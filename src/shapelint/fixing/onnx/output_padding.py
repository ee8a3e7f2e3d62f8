"""`output_padding`: for each ConvTranspose the size wanted less the size without, where its stride allows that.

One size is solved for at a time, from the first merge that fails to the last, then the outputs that should be as
large as their input. Where sizes are free that size is one that every step divides: its class holds the multiples.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import listed
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.onnx.back import forms
from shapelint.fixing.onnx.merges import window_of
from shapelint.fixing.onnx.sketch import NotDrawn
from shapelint.fixing.onnx.study import MERGES, made_by
from shapelint.fixing.patch import GraphPatch
from shapelint.size import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapelint.fixing.onnx.study import Study
    from shapelint.graph import Node
    from shapelint.ops.call import Requirement
    from shapelint.propagate import Shapes
    from shapelint.size import Symbol

_ROUNDS: Final = 128


def output_padding(study: Study) -> Iterator[Candidate]:
    """The setting for the multiples where sizes are free, and the one for the size that fails."""
    wanted: list[Mapping[Symbol, int]] = [] if study.is_fixed else [study.multiples]
    if study.failing is not None:
        wanted.append(study.failing)
    seen: list[dict[str, tuple[int, ...]]] = []
    for order, at in enumerate(wanted):
        found = solve(study, at)
        if not found or found in seen:
            continue
        seen.append(found)
        patch = GraphPatch({path: with_padding(study.facts.nodes[path], each) for path, each in found.items()})
        groups: dict[tuple[int, ...], list[str]] = {}
        for path, each in found.items():
            groups.setdefault(each, []).append(path)
        parts = [f"{list(each)} on {_named(paths)}" for each, paths in groups.items()]
        yield Candidate(
            "output_padding",
            f"set `output_padding` to {'; '.join(parts)}",
            patch,
            code="\n".join(f"{path}: output_padding = {list(each)}" for path, each in found.items()),
            reason="right for one residue class of sizes only",
            safe=study.fitted_nowhere,
            order=order,
        )


def _named(paths: list[str]) -> str:
    shown = [f"`{path}`" for path in paths]
    return listed(shown if len(shown) <= 3 else [*shown[:2], f"{len(shown) - 2} more"])


def with_padding(node: Node, padding: tuple[int, ...]) -> Node:
    """The node with another output_padding."""
    return replace(node, attributes={**node.attributes, "output_padding": padding})


def solve(study: Study, at: Mapping[Symbol, int]) -> dict[str, tuple[int, ...]] | None:
    """The output_padding of each node that needs another one at these sizes; None where none is legal."""
    solver = _Solver(study, at)
    try:
        solver.run()
    except NotDrawn:
        return None
    return solver.changed


class _Solver:
    def __init__(self, study: Study, at: Mapping[Symbol, int]) -> None:
        self.study = study
        self.at = at
        self.model = study.model
        self.changed: dict[str, tuple[int, ...]] = {}
        self.settled: set[tuple[str, int]] = set()

    def run(self) -> None:
        """Mend merge after merge, then the outputs; raises NotDrawn where one cannot be mended so."""
        for _ in range(_ROUNDS):
            shapes = self.study.concrete(self.model, self.at)
            failed = next((each for each in shapes.requirements if each.held is False), None)
            if failed is None:
                if not self.study.asks_for_output or not self._mend_output(shapes):
                    return
            else:
                self._mend_merge(shapes, failed)
        raise NotDrawn

    def _mend_merge(self, shapes: Shapes, failed: Requirement) -> None:
        node = next((each for each in self.model.graph.nodes if each.path == failed.path), None)
        left, right, axis = failed.left, failed.right, failed.axis
        if failed.kind not in MERGES or node is None or axis is None:
            raise NotDrawn
        if not isinstance(left, int) or not isinstance(right, int):
            raise NotDrawn
        order = {each.path: place for place, each in enumerate(self.model.graph.nodes)}
        sides = []
        for place, have, want in ((failed.operands[0], left, right), (failed.operands[1], right, left)):
            value = node.inputs[place] if 0 <= place < len(node.inputs) else ""
            up = made_by(self.model.graph, forms(shapes), value, axis, ("ConvTranspose",))
            if up is not None:
                sides.append((order[up[0].path], *up, want - have))
        for _, node, along, difference in sorted(sides, key=lambda each: -each[0]):
            if self._add(node, along, difference):
                return
        raise NotDrawn

    def _mend_output(self, shapes: Shapes) -> bool:
        """Mend the innermost step up to an output that is not as large as its input; whether there is one."""
        facts = self.study.facts
        for each in facts.outputs:
            if each.scale != 1 or each.follows.is_batch:
                continue
            shape = shapes.tensors[each.output].shape
            if shape is None or shape[each.axis] == evaluate(each.follows.size, self.at):
                continue
            for step in facts.flow.steps(each.output, each.follows.symbol):
                downs = facts.flow.undoes.get((step.node.path, each.follows.symbol), ())
                if step.node.op != "ConvTranspose" or not downs:
                    continue
                down = facts.nodes[downs[0]]
                pair = shapes.tensors[down.inputs[0]].shape, shapes.tensors[step.node.outputs[0]].shape
                if pair[0] is None or pair[1] is None or len(pair[0]) != len(pair[1]):
                    continue
                want, have = pair[0][each.axis], pair[1][each.axis]
                if isinstance(want, int) and isinstance(have, int) and want != have:
                    if self._add(step.node, each.axis, want - have):
                        return True
                    raise NotDrawn
        return False

    def _add(self, up: Node, axis: int, difference: int) -> bool:
        """Change the output_padding of a node along one axis, once and within its stride."""
        strides, paddings = window_of(self.study.facts.nodes[up.path], self.study.facts)
        now = list(self.changed.get(up.path, paddings))
        value = now[axis - 2] + difference
        if axis < 2 or up.path in self.model.inlined or (up.path, axis) in self.settled:
            return False
        if not 0 <= value < strides[axis - 2]:
            return False
        self.settled.add((up.path, axis))
        now[axis - 2] = value
        self.changed[up.path] = tuple(now)
        own = self.study.facts.nodes[up.path]
        self.model = GraphPatch({up.path: with_padding(own, tuple(now))}).apply(self.model)
        return True


__all__ = ["output_padding", "solve", "with_padding"]
