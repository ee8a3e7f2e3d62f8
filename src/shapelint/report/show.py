"""`show`: every layer with its shape, scale and pair, as text and as JSON version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint._version import __version__
from shapelint.facts.flow import Link
from shapelint.facts.subjects import listed
from shapelint.report.sizes_json import dim_json
from shapelint.report.terminal import Paint, clean, columns
from shapelint.size import Condition, Expr, evaluate

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
            for node in analysis.graph.nodes
        ],
        "outputs": {declared.name: _shape_json(facts, declared.name) for declared in analysis.graph.outputs},
        "failed": failed(analysis),
    }


def failed(analysis: Analysis) -> dict[str, Any] | None:
    """The first node that cannot run at the sizes given, or at any size."""
    for conflict in analysis.inputs.conflicts:
        return {"node": conflict.input, "op": "input", "message": conflict.text}
    if analysis.inputs.axes and not analysis.facts.never:
        return None
    for failure in analysis.failures:
        node = failure.first.node
        op = None if node is None else node.op
        return {"node": failure.first.requirement.path, "op": op, "message": failure.text}
    return None


def _shape_json(facts: Facts, name: str) -> list[int | str | None] | None:
    tensor = facts.shapes.tensors.get(name)
    if tensor is None or tensor.shape is None:
        return None
    return [dim_json(facts.plain(dim) if isinstance(dim, Expr) else dim) for dim in tensor.shape]


def _scales(facts: Facts, node: Node) -> dict[str, str]:
    """The scale of the node's output along each spatial axis of the inputs."""
    free = [axis for axis in facts.inputs.axes if not axis.is_batch]
    spatial = [axis for axis in free if axis.spatial is not None] or free
    found = {}
    for symbol in dict.fromkeys(axis.symbol for axis in spatial):
        track = facts.flow.tracks.get((node.outputs[0], symbol)) if node.outputs else None
        if track is not None:
            found[symbol.name] = str(track.scale)
    return found


def _undoes(facts: Facts, node: Node) -> list[str]:
    found: dict[str, None] = {}
    for symbol in facts.inputs.symbols:
        found.update(dict.fromkeys(facts.flow.undoes.get((node.path, symbol), ())))
    return list(found)


def _note(facts: Facts, at: dict[Symbol, int], node: Node) -> str:
    """Where the node rounds at these sizes: `H and W 225 -> 112 (rounded down)`."""
    rounded: dict[str, list[str]] = {}
    for symbol in at:
        track = facts.flow.tracks.get((node.outputs[0], symbol)) if node.outputs else None
        if track is None or track.step is None or track.step.node is not node:
            continue
        step = track.step
        try:
            link = Link(node.path, symbol.name, evaluate(step.before, at), evaluate(step.after, at), step.factor)
        except (KeyError, ZeroDivisionError, ValueError, OverflowError):
            continue
        if link.rounded:
            rounded.setdefault(link.text, []).append(symbol.name)
    return "; ".join(f"{listed(labels)} {text}" for text, labels in rounded.items())


def show_text(analysis: Analysis, paint: Paint) -> str:
    """A table of the nodes that make a shape, in order; constants and shape arithmetic are left out."""
    facts = analysis.facts
    explained, at = analysis.explained
    failure = failed(analysis)
    rows = [[paint(word, "dim") for word in ("node", "op", "shape", "scale", "pair")]]
    for name, tensor in facts.inputs.tensors.items():
        rows.append([paint(clean(name), "bold"), "input", _text(facts, tensor.shape), "", ""])
    for node in analysis.graph.nodes:
        tensor_of = facts.shapes.tensors.get(node.outputs[0]) if node.outputs else None
        if tensor_of is not None and (tensor_of.value is not None or (tensor_of.shape is None and not node.inputs)):
            continue
        if node.op in ("Constant", "Shape"):
            continue
        scales = list(_scales(explained, node).values())
        scale = "x".join(dict.fromkeys(scales) if len(set(scales)) == 1 else scales)
        undoes = _undoes(explained, node)
        notes = [f"undoes {', '.join(map(clean, undoes))}"] if undoes else []
        note = _note(explained, at, node)
        notes += [paint(note, "yellow")] if note else []
        shape = _text(facts, tensor_of.shape if tensor_of is not None else None)
        path = clean(node.path)
        if failure is not None and failure["node"] == node.path:
            path, notes = paint(path, "bold", "red"), [paint("fails here", "bold", "red")]
        rows.append([path, node.op, shape, "" if set(scales) <= {"1"} else scale, "; ".join(notes)])
    lines = columns(rows, indent=0)
    if failure is not None:
        text = clean(str(failure["message"]))
        if failure["op"] != "input":
            text = f"`{clean(str(failure['node']))}` {text}"
        lines += ["", f"{paint('fails', 'bold', 'red')}: {text}"]
    return "\n".join(lines) + "\n"


def _text(facts: Facts, shape: Shape | None) -> str:
    return "unknown" if shape is None else facts.shape_text(shape)


__all__ = ["failed", "show_json", "show_text"]


def spec_text(analysis: Analysis) -> str:
    """The graph as a native spec; raises CannotSay."""
    from shapelint.size.text import domain
    from shapelint.source.spec.write import Source, write_spec

    inputs = {name: tensor.shape for name, tensor in analysis.inputs.tensors.items()}
    shapes = {name: tensor.shape for name, tensor in analysis.shapes.tensors.items()}
    sets = {**analysis.facts.declared, **{symbol: of.sizes for symbol, of in analysis.domains.items()}}
    domains = {symbol.name: domain(of) for symbol, of in sets.items()}
    sizes = {name: text for name, text in domains.items() if text is not None}
    demands = [held for held, _ in analysis.inputs.conditions if isinstance(held, Condition)]
    opset = analysis.model.opsets.get("", 1)
    return write_spec(Source(analysis.graph, opset, inputs, shapes, sizes, demands, analysis.file))
