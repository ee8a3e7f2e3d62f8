"""The stages of an analysis, printed: for people who look for the reason of an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shapelint.facts.subjects import listed
from shapelint.report.terminal import clean
from shapelint.size import Expr, equal, set_of
from shapelint.size.text import write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.analysis import Analysis
    from shapelint.facts import Facts
    from shapelint.ops.call import Tensor
    from shapelint.size import Held, Symbol


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
    facts, (explained, at) = analysis.facts, analysis.explained
    lines = [f"verdict {facts.verdict}", "axes"]
    if at:
        lines.append(f"  {', '.join(f'{each.name} = {n}' for each, n in at.items())}; freed for what follows")
    lines += _alike([("", _said(explained, each), each) for each in explained.inputs.symbols])
    pairs, alone = _pairs(explained)
    lines += ["needs", *_needs(explained), "pairs", *pairs]
    return [*lines, *(["what nothing undoes", *alone] if alone else [])]


def _alike(rows: Iterable[tuple[str, str, Symbol | None]]) -> list[str]:
    """A line for each head and text; axes of which the same is said, but for their names, share that of the first."""
    found: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for head, text, symbol in rows:
        name = symbol.name if symbol is not None else ""
        key = re.sub(rf"\b{re.escape(name)}(?!\w)", "\0", text) if name else text
        found.setdefault((head, key), (text, []))[1].append(name)
    lines = []
    for (head, _), (text, names) in found.items():
        lines.append(clean(f"  {head}{listed(names) if names[0] else ''}: {text}"))
    return lines


def _said(facts: Facts, symbol: Symbol) -> str:
    runs, necessary, avoid = facts.runs[symbol], facts.necessary[symbol], facts.avoid.get(symbol)
    text = f"not known, at most {necessary.text}" if runs is None else runs.text
    if symbol in facts.domains:
        text += f"; stated {facts.domains[symbol].text}"
    if symbol in facts.inputs.promised:
        text += f"; promised {facts.inputs.promised[symbol].text}"
    return text + (f"; {avoid.text} is avoided" if avoid is not None and not avoid.is_empty else "")


def _needs(facts: Facts) -> list[str]:
    """What each node demands, and the sizes at which it holds; what was demanded before is left out."""
    rows: dict[object, tuple[str, str, Symbol | None]] = {}
    for requirement in facts.demands:
        held = requirement.held
        if isinstance(held, bool) or held in rows:
            continue
        symbols, sizes = facts.shapes.table.symbols_in(held.mask), set_of(held)
        along = f"{requirement.path} ({requirement.kind}) along " if len(symbols) == 1 else requirement.path
        text = f"{facts.needs(requirement)}: {'couples axes' if sizes is None else sizes.text}"
        rows[held] = (along, text, symbols[0] if len(symbols) == 1 else None)
    return _alike(rows.values())


def _pairs(facts: Facts) -> tuple[list[str], list[str]]:
    """What undoes what, and at which sizes the size before comes back; and the steps that are left over."""
    flow = facts.flow
    steps = {(track.step.node.path, symbol): track.step for (_, symbol), track in flow.tracks.items() if track.step}
    undone = {(down, symbol) for (_, symbol), downs in flow.undoes.items() for down in downs}
    pairs: list[tuple[str, str, Symbol | None]] = []
    alone: list[tuple[str, str, Symbol | None]] = []
    for (path, symbol), step in steps.items():
        downs = [steps[down, symbol] for down in flow.undoes.get((path, symbol), ()) if (down, symbol) in steps]
        before, after = downs[0].before if downs else step.before, step.after
        sides = [str(facts.plain(size)) if isinstance(size, Expr) else str(size) for size in (before, after)]
        if downs:
            names = listed([f"{down.node.path} (x{down.factor})" for down in downs])
            came = f"{sides[0]} comes back as {sides[1]}: {_where(equal(before, after))}"
            pairs.append((f"{path} (x{step.factor}) undoes {names} along ", came, symbol))
        elif step.factor != 1 and (path, symbol) not in undone:
            alone.append((f"{path} (x{step.factor}) along ", f"{sides[0]} becomes {sides[1]}", symbol))
    return _alike(pairs), _alike(alone)


def _where(held: Held) -> str:
    """At which sizes two sizes are the same."""
    if isinstance(held, bool):
        return "the same at every size" if held else "another at every size"
    sizes = set_of(held)
    return f"the same where {held}" if sizes is None else f"the same at {sizes.text}"
