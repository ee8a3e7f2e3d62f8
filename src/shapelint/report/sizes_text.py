"""The answer of `sizes` as text: the answer first, then what breaks the others, then the outputs and questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.report.terminal import Paint, clean, columns
from shapelint.size import Expr
from shapelint.size.text import write, write_condition

if TYPE_CHECKING:
    from shapelint.analysis import Analysis
    from shapelint.facts import Breaker, Facts
    from shapelint.questions import Answer
    from shapelint.questions import Shapes as AskedShapes

_VERDICTS = {
    "fits": ("green", "every size fits"),
    "restricted": ("yellow", "some sizes fit"),
    "never": ("red", "no size fits"),
    "unknown": ("yellow", "not proved"),
}
_MOST_BREAKERS = 12


def sizes_text(analysis: Analysis, answers: list[Answer], paint: Paint) -> str:
    """The whole answer about one model."""
    facts = analysis.facts
    colour, words = _VERDICTS[facts.verdict]
    if not facts.inputs.axes:
        words = {"fits": "its fixed sizes fit", "never": "its fixed sizes do not fit"}.get(facts.verdict, words)
    lines = [f"{paint(clean(analysis.file), 'bold')}: {paint(words, 'bold', colour)}"]
    lines += _axes(facts, paint)
    if not facts.inputs.axes:
        lines += _inputs(facts)
    lines += _failures(analysis, paint)
    lines += _coupled(facts)
    lines += _breakers(facts, paint)
    lines += _outputs(facts, paint)
    lines += _unknown(facts, paint)
    lines += _free_counterpart(analysis, paint)
    for answer in answers:
        lines += _answer(facts, answer, paint)
    return "\n".join(lines) + "\n"


def _axes(facts: Facts, paint: Paint) -> list[str]:
    rows = []
    for axis in facts.inputs.axes:
        runs = facts.runs[axis.symbol]
        place = f"{clean(axis.input)}[{axis.axis}]"
        if axis.size is not axis.symbol.expr:
            place += f" = {write(axis.size)}"
        if runs is None:
            necessary = facts.necessary[axis.symbol]
            text = paint("unknown", "yellow")
            if not necessary.is_every:
                text += f" (at most {necessary.text})"
        else:
            text = paint(runs.text if not runs.is_every else "any size", "green" if runs.is_every else "bold")
        row = [paint(axis.label, "cyan"), paint(place, "dim"), text]
        multiple = None if runs is None else runs.pad_to
        if runs is not None and not runs.is_every and multiple is not None and multiple > 1:
            row[-1] += paint(f"   (pad to {multiple})", "dim")
        avoid = facts.avoid.get(axis.symbol)
        if avoid is not None and not avoid.is_empty:
            row[-1] += paint(f"   (avoid {avoid.text})", "dim")
        rows.append(row)
    return columns(rows)


def _inputs(facts: Facts) -> list[str]:
    rows = []
    for name, tensor in facts.inputs.tensors.items():
        shape = "unknown" if tensor.shape is None else _shape(facts, tensor.shape)
        rows.append([clean(name), shape])
    return columns(rows)


def _shape(facts: Facts, shape: tuple[object, ...]) -> str:
    words = []
    for dim in shape:
        if isinstance(dim, Expr):
            words.append(write(facts.plain(dim)))
        else:
            words.append("?" if dim is None else str(dim))
    return "[" + ", ".join(words) + "]"


def _failures(analysis: Analysis, paint: Paint) -> list[str]:
    if analysis.inputs.axes and not analysis.facts.never:
        return []
    lines = []
    for failure in analysis.failures:
        first = failure.first
        path = clean(first.requirement.path)
        if failure.kind in ("merge", "join"):
            sizes = "x".join(map(str, first.left)), "x".join(map(str, first.right))
            text = f"joins {clean(first.left_name)} at {sizes[0]} with {clean(first.right_name)} at {sizes[1]}"
        else:
            text = failure.why
        lines.append(f"  {paint('fails', 'red')}  {path} {text}")
        if failure.blame is not None:
            lines += [
                f"         {link.axis} {link.text}  {clean(link.node)}"
                for link in (*failure.blame.left, *failure.blame.right)
            ]
    for conflict in analysis.inputs.conflicts:
        lines.append(
            f"  {paint('fails', 'red')}  axis {conflict.axis} of input `{clean(conflict.input)}` is {conflict.stated} "
            f"and the file declares {conflict.declared}"
        )
    return lines


def _coupled(facts: Facts) -> list[str]:
    if not facts.solution.coupled:
        return []
    return ["", "coupled", *[f"  {write_condition(condition)}" for condition in facts.solution.coupled]]


def _breakers(facts: Facts, paint: Paint) -> list[str]:
    """Node by node what it needs, and for a merge the pair that does not cancel."""
    places: dict[str, list[Breaker]] = {}
    for breaker in facts.telling:
        places.setdefault(breaker.requirement.path, []).append(breaker)
    lines = []
    for path, breakers in list(places.items())[:_MOST_BREAKERS]:
        op = breakers[0].node.op if breakers[0].node is not None else ""
        lines.append(f"  {clean(path)} {paint(op, 'dim')}")
        rows = [
            [paint(breaker.symbol.name, "cyan"), breaker.sizes.text, paint(facts.needs(breaker.requirement), "dim")]
            for breaker in breakers
        ]
        lines += columns(rows, indent=4)
        pairs = dict.fromkeys(facts.pair_of(breaker) for breaker in breakers)
        for down, up in pairs:
            if down and up:
                lines.append(
                    paint(f"    rounded by {', '.join(map(clean, down))}, not undone by {', '.join(map(clean, up))}", "dim")
                )
            elif down:
                lines.append(paint(f"    rounded differently by {' and '.join(map(clean, down))}", "dim"))
    if not lines:
        return []
    more = len(places) - _MOST_BREAKERS
    return ["", "what breaks the others", *lines, *([f"  ... and {more} more nodes"] if more > 0 else [])]


def _outputs(facts: Facts, paint: Paint) -> list[str]:
    rows = []
    for declared in facts.graph.outputs:
        tensor = facts.shapes.tensors.get(declared.name)
        shape = "unknown" if tensor is None or tensor.shape is None else _shape(facts, tensor.shape)
        equal = [
            f"{axis.follows.label}: {axis.equal.text}"
            for axis in facts.outputs
            if axis.output == declared.name and axis.equal is not None
            and axis.equal != facts.necessary[axis.follows.symbol] and not axis.follows.is_batch
        ]
        note = f"as large as the input at {'; '.join(equal)}" if equal else ""
        rows.append([clean(declared.name), shape, paint(note, "dim")])
    return ["", "outputs", *columns(rows)] if rows else []


def _unknown(facts: Facts, paint: Paint) -> list[str]:
    if not facts.unknowns:
        return []
    rows = [[clean(each.path), each.op, paint(each.why, "dim")] for each in facts.unknowns[:_MOST_BREAKERS]]
    more = len(facts.unknowns) - len(rows)
    return ["", "unknown", *columns(rows), *([f"  ... and {more} more"] if more > 0 else [])]


def _free_counterpart(analysis: Analysis, paint: Paint) -> list[str]:
    """What a static export could take if its spatial axes were free."""
    if analysis.inputs.axes or analysis.stated.inputs or analysis.facts.verdict != "fits":
        return []
    facts, at = analysis.explained
    if not at or facts.unknowns or not facts.inputs.axes:
        return []
    found = []
    for axis in facts.inputs.axes:
        runs = facts.runs[axis.symbol]
        if runs is not None and axis.symbol in at:
            found.append(f"{axis.label}: {'any size' if runs.is_every else runs.text}")
    line = "; ".join(dict.fromkeys(found))
    return ["", f"{paint('exported with free axes it would take', 'dim')} {line}"] if found else []


def _answer(facts: Facts, answer: Answer, paint: Paint) -> list[str]:
    asked = _asked(answer.inputs)
    if answer.fits is None:
        return ["", f"at {asked}: {paint('unknown', 'yellow')}"]
    if answer.fits:
        outputs = ", ".join(f"{clean(name)} {_dims(dims)}" for name, dims in (answer.outputs or {}).items())
        return ["", f"at {asked}: {paint('fits', 'bold', 'green')}, giving {outputs}"]
    lines = ["", f"at {asked}: {paint('does not fit', 'bold', 'red')}"]
    near = [("below", answer.below), ("above", answer.above)]
    lines += [f"  {word}  {_asked(shapes)}" for word, shapes in near if shapes is not None]
    if answer.plan is not None:
        pads = [
            f"{clean(name)} by {', '.join(f'{after} at the end of axis {axis}' for axis, (_, after) in spans.items() if after)}"
            for name, spans in answer.plan.pad.items()
            if any(after for _, after in spans.values())
        ]
        crops = [
            f"{clean(name)} to {', '.join(f'{start}:{stop} on axis {axis}' for axis, (start, stop) in spans.items())}"
            for name, spans in answer.plan.crop.items()
            if spans
        ]
        lines.append(f"  pad    {'; '.join(pads)}")
        if crops:
            lines.append(f"  crop   {'; '.join(crops)}")
    return lines


def _asked(shapes: AskedShapes) -> str:
    return ", ".join(f"{clean(name)} {_dims(dims)}" for name, dims in shapes.items())


def _dims(dims: list[int | None]) -> str:
    return "x".join("?" if dim is None else str(dim) for dim in dims)
