"""The answer of `sizes` as JSON, version 1: fields may be added, what stands here keeps its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint._version import __version__
from shapelint.facts.plan import input_shapes
from shapelint.size import Expr
from shapelint.size.text import write, write_condition

if TYPE_CHECKING:
    from shapelint.analysis import Analysis
    from shapelint.axes import Axis
    from shapelint.facts import Facts
    from shapelint.facts.plan import Plan
    from shapelint.questions import Answer
    from shapelint.size import Condition, Size, SizeSet


def dim_json(dim: Size | None) -> int | str | None:
    """A dim as an integer, an expression, or null."""
    return write(dim) if isinstance(dim, Expr) else dim


def sizes_json(analysis: Analysis, answers: list[Answer]) -> dict[str, Any]:
    """The whole answer about one model."""
    facts = analysis.facts
    return {
        "version": 1,
        "tool": f"shapelint {__version__}",
        "file": analysis.file,
        "verdict": facts.verdict,
        "inputs": {
            name: None if tensor.shape is None else [dim_json(dim) for dim in tensor.shape]
            for name, tensor in facts.inputs.tensors.items()
        },
        "axes": [axis_json(facts, axis) for axis in facts.inputs.axes],
        "outputs": [
            {
                "output": output.output,
                "axis": output.axis,
                "size": write(facts.plain(output.size)),
                "follows": {"input": output.follows.input, "axis": output.follows.axis},
                "scale": None if output.scale is None else f"{output.scale.numerator}/{output.scale.denominator}",
                "equal": None if output.equal is None else output.equal.to_json(),
            }
            for output in facts.outputs
        ],
        "coupled": [_coupled(facts, condition) for condition in facts.solution.coupled],
        "at": [answer_json(facts, answer) for answer in answers],
        "broken_by": [
            {
                "node": breaker.requirement.path,
                "op": None if breaker.node is None else breaker.node.op,
                "symbol": breaker.symbol.name,
                "left": dim_json(breaker.requirement.left),
                "right": dim_json(breaker.requirement.right),
                "set": breaker.sizes.to_json(),
                "down": list(pair[0]),
                "up": list(pair[1]),
            }
            for breaker in facts.breakers
            for pair in [facts.pair_of(breaker)]
        ],
        "unknown": [{"node": each.path, "op": each.op, "why": each.why} for each in facts.unknowns],
    }


def axis_json(facts: Facts, axis: Axis) -> dict[str, Any]:
    """One free axis of one input."""
    runs = facts.ran[axis.symbol]
    fits = facts.runs[axis.symbol]
    domain = facts.domains.get(axis.symbol)
    entry: dict[str, Any] = {
        "input": axis.input,
        "axis": axis.axis,
        "symbol": axis.label,
        "name_in_file": axis.name_in_file,
        "size": write(axis.size),
        "declared": axis.declared if domain is None else domain.text,
        "set": None if runs is None else runs.to_json(),
        "fits": fits.to_json() if facts.expected and fits is not None else None,
        "pad_to": None if runs is None else runs.pad_to,
        "complete": runs is not None and runs.is_complete,
        "checked_to": None if runs is None else runs.checked_to,
        "text": "unknown" if runs is None else runs.text,
        "domain": None if runs is None else runs.domain,
    }
    if runs is None:
        necessary = facts.necessary[axis.symbol]
        entry["necessary"] = {
            **necessary.to_json(),
            "text": necessary.text,
            "complete": necessary.is_complete,
            "checked_to": necessary.checked_to,
        }
    avoid = facts.avoid.get(axis.symbol)
    if avoid is not None and not avoid.is_empty:
        entry["avoid"] = avoid.to_json()
    return entry


def _coupled(facts: Facts, condition: Condition) -> dict[str, Any]:
    return {
        "symbols": [symbol.name for symbol in facts.shapes.table.symbols_in(condition.mask)],
        "text": write_condition(condition).replace(" == ", " = "),
        "holds": write_condition(condition, ceil=False),
        "node": facts.path_of(condition) or None,
    }


def answer_json(facts: Facts, answer: Answer) -> dict[str, Any]:
    """The answer to one question about a size."""
    return {
        "inputs": input_shapes(facts, answer.at),
        "fits": answer.fits,
        "outputs": answer.outputs,
        "below": None if answer.below is None else input_shapes(facts, answer.below),
        "above": None if answer.above is None else input_shapes(facts, answer.above),
        **plan_json(answer.plan),
    }


def plan_json(plan: Plan | None) -> dict[str, Any]:
    """`pad` and `crop`, null where there is no plan."""
    if plan is None:
        return {"pad": None, "crop": None}
    return {
        "pad": {name: {str(axis): list(span) for axis, span in spans.items()} for name, spans in plan.pad.items()},
        "crop": {
            name: None if spans is None else {str(axis): list(span) for axis, span in spans.items()}
            for name, spans in plan.crop.items()
        },
    }


def members_json(sizes: SizeSet) -> dict[str, Any]:
    """A set with its words."""
    return {"text": sizes.text, "set": sizes.to_json()}


__all__ = ["axis_json", "dim_json", "members_json", "sizes_json"]
