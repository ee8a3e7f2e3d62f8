"""The stages of an analysis, printed: for people who look for the reason of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.report.terminal import clean
from shapelint.size import Expr, set_of
from shapelint.size.text import write

if TYPE_CHECKING:
    from shapelint.analysis import Analysis
    from shapelint.ops.call import Tensor


def debug_text(analysis: Analysis, stage: str) -> str:
    """One stage: `graph`, `shapes` or `facts`."""
    return "\n".join({"graph": _graph, "shapes": _shapes, "facts": _facts}[stage](analysis)) + "\n"


def _graph(analysis: Analysis) -> list[str]:
    model, graph = analysis.model, analysis.graph
    lines = [f"{model.kind} ir {model.ir_version} opsets {dict(model.opsets)} producer {clean(model.producer)}"]
    lines += [f"input {clean(each.name)} {each.dtype} {each.dims}" for each in graph.inputs]
    lines += [f"constant {clean(name)} {each.dtype} {each.dims}" for name, each in graph.constants.items()]
    for node in graph.nodes:
        reads, makes = ", ".join(node.inputs), ", ".join(node.outputs)
        lines.append(clean(f"{node.path}: {node.op}({reads}) -> {makes} {_attributes(node.attributes)}"))
    lines += [f"output {clean(each.name)} {each.dtype} {each.dims}" for each in graph.outputs]
    dag = graph.dag
    lines.append(f"dag: {dag.number_of_nodes()} nodes, {dag.number_of_edges()} edges")
    return lines


def _attributes(attributes: object) -> str:
    assert isinstance(attributes, dict)
    short = {name: value for name, value in attributes.items() if len(repr(value)) <= 80}
    left = sorted(attributes.keys() - short.keys())
    return f"{short}{f' and {left}' if left else ''}" if attributes else ""


def _tensor(tensor: Tensor) -> str:
    if tensor.shape is None:
        return "unknown"
    text = "[" + ", ".join("?" if dim is None else write(dim) for dim in tensor.shape) + "]"
    if tensor.value is not None and len(tensor.value) <= 16:
        parts = [write(each) if isinstance(each, Expr) else str(each) for each in tensor.value]
        text += f" = ({', '.join(parts)})"
    return text


def _shapes(analysis: Analysis) -> list[str]:
    lines = [f"{clean(name)}: {_tensor(tensor)}" for name, tensor in analysis.inputs.tensors.items()]
    for node in analysis.graph.nodes:
        for name in node.outputs:
            if name in analysis.shapes.tensors:
                lines.append(f"{clean(node.path)} -> {clean(name)}: {_tensor(analysis.shapes.tensors[name])}")
    lines.append("requirements")
    lines += [f"  {clean(each.path)} {each.kind}: {each.held} {each.detail}" for each in analysis.shapes.requirements]
    lines += [f"unknown {clean(each.path)} {each.op}: {each.why}" for each in analysis.shapes.unknowns]
    return lines


def _facts(analysis: Analysis) -> list[str]:
    facts = analysis.facts
    lines = [f"verdict {facts.verdict}"]
    for symbol in facts.inputs.symbols:
        runs = facts.runs[symbol]
        lines.append(
            f"{symbol.name}: {'unknown' if runs is None else runs.text}; necessary {facts.necessary[symbol].text}"
        )
    seen = set()
    for requirement in facts.shapes.requirements:
        if isinstance(requirement.held, bool) or requirement.held in seen:
            continue
        seen.add(requirement.held)
        sizes = set_of(requirement.held)
        text = "not in one symbol" if sizes is None else sizes.text
        lines.append(f"  {clean(requirement.path)} {requirement.kind} {requirement.held}: {text}")
    lines.append("pairs")
    for (path, symbol), downs in facts.flow.undoes.items():
        lines.append(f"  {symbol.name}: {clean(path)} undoes {', '.join(map(clean, downs))}")
    return lines
