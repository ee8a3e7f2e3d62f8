"""The answer of `sizes` as text: the answer first, then what breaks the others, then the outputs and questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.plan import input_shapes
from shapelint.facts.subjects import counted, listed
from shapelint.report.terminal import Paint, clean, columns
from shapelint.size.text import write, write_condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.analysis import Analysis
    from shapelint.facts import Breaker, Facts
    from shapelint.facts.plan import Plan
    from shapelint.questions import Answer
    from shapelint.size import SizeSet, Symbol

_VERDICTS = {
    "fits": ("green", "every size fits"),
    "restricted": ("yellow", "some sizes fit"),
    "never": ("red", "no size fits"),
    "unknown": ("yellow", "not proved"),
}
_MOST_BREAKERS = 12
_LONGEST = 240
"""A condition of more characters is written out in JSON only."""
_WIDEST = 100
"""How long a line about a pair may be before it is broken."""


def sizes_text(analysis: Analysis, answers: list[Answer], paint: Paint) -> str:
    """The whole answer about one model."""
    facts = analysis.facts
    colour, words = _VERDICTS[facts.verdict]
    if not facts.inputs.axes:
        words = {"fits": "its fixed sizes fit", "never": "its fixed sizes do not fit"}.get(facts.verdict, words)
    elif facts.verdict == "fits" and facts.domains:
        words = "every stated size fits"
    elif facts.verdict == "fits" and facts.declared:
        words = "every declared size fits"
    lines = [f"{paint(clean(analysis.file), 'bold')}: {paint(words, 'bold', colour)}"]
    lines += _axes(facts, paint) if facts.inputs.axes else _inputs(facts)
    lines += _failures(analysis, paint)
    lines += _coupled(facts, paint)
    lines += _breakers(facts, paint)
    lines += _outputs(facts, paint)
    lines += _unknown(facts, paint)
    free = free_counterpart(analysis)
    lines += ["", f"{paint('exported with free axes it would take', 'dim')} {free}"] if free else []
    for answer in answers:
        lines += ["", *_answer(facts, answer, paint)]
    return "\n".join(lines) + "\n"


def _axes(facts: Facts, paint: Paint) -> list[str]:
    """A row for each set of sizes, with the axes that have it."""
    alike: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for axis in facts.inputs.axes:
        place = f"{axis.input}[{axis.axis}]"
        if axis.size is not axis.symbol.expr:
            place += f" = {write(axis.size)}"
        alike.setdefault(_answer_of(facts, axis.symbol, paint), []).append((axis.label, place))
    rows = []
    for words, axes in alike.items():
        labels = list(dict.fromkeys(label for label, _ in axes))
        places = [place for _, place in axes]
        where = "" if labels == places else ", ".join(map(clean, places))
        rows.append([paint(clean(", ".join(labels)), "cyan"), paint(where, "dim"), "   ".join(words)])
    return columns(rows if any(row[1] for row in rows) else [[row[0], row[2]] for row in rows])


def _answer_of(facts: Facts, symbol: Symbol, paint: Paint) -> tuple[str, ...]:
    runs, avoid = facts.runs[symbol], facts.avoid.get(symbol)
    if runs is None:
        necessary = facts.necessary[symbol]
        most = "" if necessary.is_every else f" (at most {necessary.text})"
        words = [paint("unknown", "yellow") + most]
    else:
        words = [paint("any size", "green") if runs.is_every else paint(runs.text, "bold")]
        multiple = runs.pad_to
        told = multiple is not None and runs.text == f"multiples of {multiple}"
        if multiple is not None and multiple > 1 and not told and not _overlap(runs, avoid):
            words.append(paint(f"(pad to {multiple})", "dim"))
    where = next((frozen.where for frozen in facts.frozen if symbol in frozen.right), "")
    if where:
        words.append(paint(f"(right only at {where})", "yellow"))
    elif avoid is not None and not avoid.is_empty:
        words.append(paint(f"(avoid {avoid.text})", "yellow"))
    return tuple(words)


def _overlap(runs: SizeSet, avoid: SizeSet | None) -> bool:
    """Whether the multiples are among the sizes to avoid."""
    return avoid is not None and bool(avoid.residues) and not runs.is_empty


def _inputs(facts: Facts) -> list[str]:
    rows = []
    for name, tensor in facts.inputs.tensors.items():
        rows.append([clean(name), "unknown" if tensor.shape is None else facts.shape_text(tensor.shape)])
    return columns(rows)


def _failures(analysis: Analysis, paint: Paint) -> list[str]:
    if analysis.inputs.axes and not analysis.facts.never:
        return []
    lines = [f"  {paint('fails', 'red')}  {clean(conflict.text)}" for conflict in analysis.inputs.conflicts]
    for failure in analysis.failures:
        lines.append(f"  {paint('fails', 'red')}  {clean(failure.first.requirement.path)} {clean(failure.text)}")
        blame = failure.blame
        links = () if blame is None else (*blame.left, *blame.right)
        lines += columns([[clean(link.axis), link.text, paint(clean(link.node), "dim")] for link in links], indent=9)
    return lines


def _coupled(facts: Facts, paint: Paint) -> list[str]:
    rows = []
    for condition in facts.solution.coupled:
        labels = [symbol.name for symbol in facts.shapes.table.symbols_in(condition.mask)]
        path = facts.path_of(condition)
        text = write_condition(condition)
        if len(text) > _LONGEST:
            text = f"a condition of {len(text):,} characters, which --format json writes out"
        rows.append([paint(listed(labels), "cyan"), text, paint(clean(path), "dim")])
    return ["", "which sizes go together", *columns(rows)] if rows else []


def _breakers(facts: Facts, paint: Paint) -> list[str]:
    """Node by node what it needs, and for a merge the pair that does not cancel."""
    places: dict[str, list[Breaker]] = {}
    for breaker in facts.telling:
        places.setdefault(breaker.requirement.path, []).append(breaker)
    lines = []
    for path, breakers in list(places.items())[:_MOST_BREAKERS]:
        op = breakers[0].node.op if breakers[0].node is not None else ""
        lines.append(f"  {clean(path)}" + (f" {paint(op, 'dim')}" if op not in path else ""))
        alike: dict[str, list[Breaker]] = {}
        for breaker in breakers:
            alike.setdefault(breaker.sizes.text, []).append(breaker)
        rows = []
        for text, same in alike.items():
            labels = ", ".join(dict.fromkeys(breaker.symbol.name for breaker in same))
            rows.append([paint(clean(labels), "cyan"), text, paint(facts.needs(same[0].requirement), "dim")])
        lines += columns(rows, indent=4)
        for down, up in dict.fromkeys(facts.pair_of(breaker) for breaker in breakers):
            if down and up:
                texts = [f"rounded by {', '.join(map(clean, down))}", f"not undone by {', '.join(map(clean, up))}"]
            elif down:
                texts = [f"rounded differently by {listed(list(map(clean, down)))}"]
            else:
                continue
            joined = ", ".join(texts)
            texts = [joined] if len(joined) <= _WIDEST else texts
            lines += [paint(f"    {text}", "dim") for text in texts]
    if not lines:
        return []
    more = len(places) - _MOST_BREAKERS
    title = "what breaks the others" if facts.verdict in ("restricted", "unknown") else "what is needed"
    return ["", title, *lines, *([f"  ... and {counted(more, 'more node')}"] if more > 0 else [])]


def _outputs(facts: Facts, paint: Paint) -> list[str]:
    rows = []
    for declared in facts.graph.outputs:
        tensor = facts.shapes.tensors.get(declared.name)
        shape = "unknown" if tensor is None or tensor.shape is None else facts.shape_text(tensor.shape)
        alike: dict[str, list[str]] = {}
        for axis in facts.outputs:
            equal = axis.equal if axis.output == declared.name and not axis.follows.is_batch else None
            if equal is not None and equal != facts.necessary[axis.follows.symbol]:
                text = "never as large as the input" if equal.is_empty else f"as large as the input at {equal.text}"
                alike.setdefault(text, []).append(axis.follows.label)
        note = "; ".join(f"{listed(labels)} {text}" for text, labels in alike.items())
        rows.append([clean(declared.name), shape, paint(clean(note), "dim")])
    return ["", "outputs" if len(rows) > 1 else "output", *columns(rows)] if rows else []


def _unknown(facts: Facts, paint: Paint) -> list[str]:
    if not facts.unknowns:
        return []
    rows = [[clean(each.path), each.op, paint(clean(each.why), "dim")] for each in facts.unknowns[:_MOST_BREAKERS]]
    more = len(facts.unknowns) - len(rows)
    return ["", "unknown", *columns(rows), *([f"  ... and {counted(more, 'more node')}"] if more > 0 else [])]


def free_counterpart(analysis: Analysis) -> str:
    """What a static export could take if its spatial axes were free; empty where that says nothing."""
    if analysis.inputs.axes or analysis.stated.inputs or analysis.facts.verdict == "unknown":
        return ""
    facts, at = analysis.explained
    if not at or facts.unknowns or facts.never:
        return ""
    alike: dict[str, list[str]] = {}
    for axis in facts.inputs.axes:
        runs = facts.runs[axis.symbol]
        if runs is not None and axis.symbol in at:
            labels = alike.setdefault("any size" if runs.is_every else runs.text, [])
            if axis.label not in labels:
                labels.append(axis.label)
    return "; ".join(f"{listed(labels)}: {text}" for text, labels in alike.items())


# -- questions -------------------------------------------------------------------------------------------------------


def _answer(facts: Facts, answer: Answer, paint: Paint) -> list[str]:
    asked = f"at {_asked(facts, answer.at)}"
    if answer.fits is None:
        return [f"{asked}: {paint('unknown', 'yellow')}"]
    if not answer.fits:
        lines = [f"{asked}: {paint('does not fit', 'bold', 'red')}"]
    else:
        outputs = ", ".join(f"{clean(name)} {_dims(dims)}" for name, dims in (answer.outputs or {}).items())
        why = _why_to_avoid(facts, answer.at)
        if not why:
            return [f"{asked}: {paint('fits', 'bold', 'green')}, giving {outputs}"]
        lines = [f"{asked}: {paint('runs, but ' + why, 'bold', 'yellow')}, giving {outputs}"]
    near = [("below", answer.below), ("above", answer.above)]
    rows = [[word, _asked(facts, at)] for word, at in near if at is not None]
    if answer.plan is not None and answer.plan.to != answer.at:
        rows.append(["pad", _pad(facts, answer.plan)])
        crops = [_crop(facts, name, spans) for name, spans in answer.plan.crop.items()]
        rows += [["crop", text] for text in crops if text]
    return [*lines, *columns(rows)]


def _why_to_avoid(facts: Facts, at: Mapping[Symbol, int]) -> str:
    if not all(frozen.is_right(at) for frozen in facts.frozen):
        return "moves size into the batch"
    stretched = (symbol for symbol, sizes in facts.stretched.items() if sizes.is_complete and at[symbol] in sizes)
    return "stretches a one-pixel map" if any(stretched) else ""


def _pad(facts: Facts, plan: Plan) -> str:
    """`image to 1x3x232x232: 7 more at the end of H and W`."""
    texts = []
    shapes = input_shapes(facts, plan.to)
    labels = {(axis.input, axis.axis): axis.label for axis in facts.inputs.axes}
    for name, spans in plan.pad.items():
        alike: dict[int, list[str]] = {}
        for axis, (_, after) in spans.items():
            if after:
                alike.setdefault(after, []).append(labels[name, axis])
        ends = ", ".join(f"{after} more at the end of {listed(axes)}" for after, axes in alike.items())
        if ends:
            texts.append(f"{clean(name)} to {_dims(shapes[name])}: {clean(ends)}")
    return "; ".join(texts)


def _crop(facts: Facts, name: str, spans: Mapping[int, tuple[int, int]] | None) -> str:
    """`mask[:, :, :225, :225]`; empty where nothing is cut."""
    tensor = facts.shapes.tensors[name]
    if spans is None or tensor.shape is None:
        return f"{clean(name)}: not known from where to where"
    batch = {(axis.output, axis.axis) for axis in facts.outputs if axis.follows.is_batch}
    cut = {axis: stop for axis, (_, stop) in spans.items() if (name, axis) not in batch}
    words = [f":{cut[axis]}" if axis in cut else ":" for axis in range(len(tensor.shape))]
    return f"{clean(name)}[{', '.join(words)}]" if cut else ""


def _asked(facts: Facts, at: Mapping[Symbol, int]) -> str:
    shapes = ", ".join(f"{clean(name)} {_dims(dims)}" for name, dims in input_shapes(facts, at).items())
    if all(axis.size is axis.symbol.expr for axis in facts.inputs.axes):
        return shapes
    return f"{', '.join(f'{symbol.name} = {size}' for symbol, size in at.items())} ({shapes})"


def _dims(dims: list[int | None]) -> str:
    return "x".join("?" if dim is None else str(dim) for dim in dims)
