"""`show`: every layer with its shape, scale and pair, as text and as JSON version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint._version import __version__
from shapelint.facts.flow import Link
from shapelint.report.sizes_json import dim_json
from shapelint.report.terminal import Paint, clean, columns
from shapelint.size import Expr, evaluate
from shapelint.size.text import write

if TYPE_CHECKING:
    from shapelint.analysis import Analysis
    from shapelint.facts import Facts
    from shapelint.graph import Node
    from shapelint.ops.call import Shape
    from shapelint.size import Symbol


def show_json(analysis: Analysis) -> dict[str, Any]:
    """Every node of the main graph."""
    facts = analysis.facts
    explained, at = analysis.explained
    return {
        "version": 1,
        "tool": f"shapelint {__version__}",
        "file": analysis.file,
        "inputs": {
            name: None if tensor.shape is None else [dim_json(dim) for dim in tensor.shape]
            for name, tensor in facts.inputs.tensors.items()
        },
        "nodes": [
            {
                "name": node.path,
                "op": f"{node.domain}::{node.op}" if node.domain else node.op,
                "outputs": {name: _shape_json(facts, name) for name in node.outputs if name},
                "scale": _scales(explained, node),
                "undoes": _undoes(explained, node),
                "note": _note(explained, at, node),
            }
            for node in analysis.model.graph.nodes
        ],
        "outputs": {declared.name: _shape_json(facts, declared.name) for declared in analysis.model.graph.outputs},
        "failed": failed(analysis),
    }


def failed(analysis: Analysis) -> dict[str, Any] | None:
    """The first node that cannot run at the sizes given, or at any size."""
    for conflict in analysis.inputs.conflicts:
        message = (
            f"axis {conflict.axis} of input `{conflict.input}` is {conflict.stated} "
            f"and the file declares {conflict.declared}"
        )
        return {"node": conflict.input, "op": "input", "message": message}
    if analysis.inputs.axes and not analysis.facts.never:
        return None
    for failure in analysis.failures:
        first = failure.first
        if failure.kind in ("merge", "join"):
            sizes = ["x".join(map(str, side)) for side in (first.left, first.right)]
            message = f"joins `{first.left_name}` at {sizes[0]} with `{first.right_name}` at {sizes[1]}"
        else:
            message = failure.why
        return {
            "node": first.requirement.path,
            "op": first.node.op if first.node is not None else None,
            "message": message,
        }
    return None


def _shape_json(facts: Facts, name: str) -> list[int | str | None] | None:
    tensor = facts.shapes.tensors.get(name)
    if tensor is None or tensor.shape is None:
        return None
    return [dim_json(facts.plain(dim) if isinstance(dim, Expr) else dim) for dim in tensor.shape]


def _scales(facts: Facts, node: Node) -> dict[str, str]:
    found = {}
    for symbol in facts.inputs.symbols:
        for name in node.outputs[:1]:
            track = facts.flow.tracks.get((name, symbol))
            if track is not None:
                found[symbol.name] = str(track.scale)
    return found


def _undoes(facts: Facts, node: Node) -> list[str]:
    found: dict[str, None] = {}
    for symbol in facts.inputs.symbols:
        found.update(dict.fromkeys(facts.flow.undoes.get((node.path, symbol), ())))
    return list(found)


def _note(facts: Facts, at: dict[Symbol, int], node: Node) -> str:
    notes = []
    for symbol in facts.inputs.symbols:
        for name in node.outputs[:1]:
            track = facts.flow.tracks.get((name, symbol))
            if track is None or track.step is None or track.step.node is not node:
                continue
            step = track.step
            if symbol in at:
                try:
                    link = Link(node.path, symbol.name, evaluate(step.before, at), evaluate(step.after, at), step.factor)
                except (KeyError, ZeroDivisionError, ValueError, OverflowError):
                    continue
                if link.rounded:
                    notes.append(f"{symbol.name} {link.text}")
    return "; ".join(notes)


def show_text(analysis: Analysis, paint: Paint) -> str:
    """A table of the nodes that make a shape, in order; constants and shape arithmetic are left out."""
    facts = analysis.facts
    explained, at = analysis.explained
    rows = [[paint(word, "dim") for word in ("node", "op", "shape", "scale", "pair")]]
    for name, tensor in facts.inputs.tensors.items():
        rows.append([paint(clean(name), "bold"), "input", _text(facts, tensor.shape), "", ""])
    for node in analysis.model.graph.nodes:
        tensor_of = facts.shapes.tensors.get(node.outputs[0]) if node.outputs else None
        if tensor_of is not None and (tensor_of.value is not None or tensor_of.shape is None and not node.inputs):
            continue
        if node.op in ("Constant", "Shape"):
            continue
        scales = list(dict.fromkeys(_scales(explained, node).values()))
        undoes = _undoes(explained, node)
        notes = [f"undoes {', '.join(map(clean, undoes))}"] if undoes else []
        note = _note(explained, at, node)
        notes += [paint(note, "yellow")] if note else []
        shown = [scale for scale in scales if scale != "1"] and "x".join(scales)
        shape = _text(facts, tensor_of.shape if tensor_of is not None else None)
        rows.append([clean(node.path), node.op, shape, shown or "", "; ".join(notes)])
    lines = columns(rows, indent=0)
    failure = failed(analysis)
    if failure is not None:
        lines += ["", f"{paint('fails', 'bold', 'red')}: {clean(str(failure['node']))} {clean(failure['message'])}"]
    return "\n".join(lines) + "\n"


def _text(facts: Facts, shape: Shape | None) -> str:
    if shape is None:
        return "unknown"
    words = ["?" if d is None else write(facts.plain(d)) if isinstance(d, Expr) else str(d) for d in shape]
    return "[" + ", ".join(words) + "]"


__all__ = ["failed", "show_json", "show_text"]
