"""Questions about one size: does it fit, what comes out, which sizes are near, what to pad and crop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shapelint.analysis import Analysis, StatedWrong
from shapelint.facts.plan import Plan, nearest, plan
from shapelint.facts.subjects import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """The symbols that `225x225` or `H=225,W=300` means; raises StatedWrong.

    Plain numbers are the last free axes of every input; axes left out, the batch as a rule, take a running size.
    """
    axes = analysis.inputs.axes
    if not axes:
        raise StatedWrong(
            "every axis of the model is fixed; free the spatial ones with --free, or name them in --input"
        )
    at: dict[Symbol, int] = {}
    if "=" in text:
        for part in text.split(","):
            name, _, number = part.partition("=")
            symbol = analysis.inputs.find(name.strip())
            if symbol is None:
                labels = ", ".join(f"`{each}`" for each in dict.fromkeys(axis.label for axis in axes))
                raise StatedWrong(f"no free axis is called `{name.strip()}`; the free axes are {labels}")
            at[symbol] = _number(number.strip(), text)
    else:
        numbers = [_number(part, text) for part in re.split(r"[x,]", text.replace(" ", ""))]
        for name in dict.fromkeys(axis.input for axis in axes):
            own = list(dict.fromkeys(axis.symbol for axis in axes if axis.input == name))
            if len(numbers) > len(own):
                given, free = counted(len(numbers), "size"), f"{len(own)} free ax{'i' if len(own) == 1 else 'e'}s"
                raise StatedWrong(f"`{text}` gives {given} and input `{name}` has {free}")
            at.update(zip(own[len(own) - len(numbers) :], numbers, strict=True))
    for symbol in analysis.inputs.symbols:
        if symbol not in at:
            sizes = analysis.facts.necessary[symbol]
            at[symbol] = sizes.nearest(1)[1] or 1
    return at


def _number(text: str, whole: str) -> int:
    if not text:
        raise StatedWrong(f"a size is missing in `{whole}`; write for example 225x225 or H=225,W=300")
    if not text.isdigit() or not 0 < int(text[:12]) < 2**31:
        raise StatedWrong(
            f"`{text}` in `{whole}` is no size from 1 to 2**31 - 1; write for example 225x225 or H=225,W=300"
        )
    return int(text)


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
