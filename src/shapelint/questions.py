"""Questions about one size: does it fit, what comes out, which sizes are near, what to pad and crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shapelint.axes import sizes_at
from shapelint.facts.plan import Plan, nearest, plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.analysis import Analysis
    from shapelint.size import Symbol

Shapes = dict[str, list[int | None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What happens at one size."""

    at: Mapping[Symbol, int]
    fits: bool | None
    outputs: Shapes | None
    below: Mapping[Symbol, int] | None
    above: Mapping[Symbol, int] | None
    plan: Plan | None


def parse_at(analysis: Analysis, text: str) -> dict[Symbol, int]:
    """A size for every free symbol: what `225x225` or `H=225,W=300` says; raises StatedWrong.

    Axes left out, the batch as a rule, take a running size.
    """
    at = sizes_at(analysis.inputs, text)
    for symbol in analysis.inputs.symbols:
        if symbol not in at:
            sizes = analysis.facts.necessary[symbol]
            at[symbol] = sizes.nearest(1)[1] or 1
    return at


def ask(analysis: Analysis, at: Mapping[Symbol, int]) -> Answer:
    """The answer at these sizes: the model is propagated with the numbers themselves."""
    concrete = analysis.at(at)
    fits = concrete.runs
    outputs: Shapes | None = None
    if fits:
        outputs = {}
        for declared in analysis.graph.outputs:
            shape = concrete.facts.shape_at(declared.name, {})
            outputs[declared.name] = shape if shape is not None else []
    facts = analysis.facts
    return Answer(
        at=at,
        fits=fits,
        outputs=outputs,
        below=nearest(facts, at, above=False),
        above=nearest(facts, at, above=True),
        plan=plan(facts, at),
    )
