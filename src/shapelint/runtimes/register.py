"""The register: which runtime departs from an operator's text, where, and what it returns there.

A departure is one small function of one axis of one node. What it answers is in the algebra of sizes, so the sizes at
which a runtime departs are solved for, never sampled. Adding one is a decorated function in the module of its runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shapelint.ops.arithmetic import AxisWindow
    from shapelint.ops.call import Call
    from shapelint.size import Held, Size


@dataclass(frozen=True, slots=True)
class Runtime:
    """What reads a model: a runtime that executes it, or a tool that infers its sizes."""

    word: str
    """As users select it."""
    name: str
    """As messages call it, with the version whose answers are recorded."""
    executes: bool = True


@dataclass(frozen=True, slots=True)
class Cause:
    """Why runtimes disagree: one finding a cause."""

    text: str
    """A clause about the node, after `because it`."""
    remedy: str
    """One action after which they agree."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a node does along one axis, as its operator's text or its framework has it."""

    call: Call
    axis: int
    """The place of the axis in the tensor."""
    n: Size
    """The size that enters."""
    text: Size
    """The size that leaves wherever the text lets the node run."""
    window: AxisWindow | None = None
    requested: Size | None = None
    """The output size that is asked for."""
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a runtime makes of a step."""

    size: Size | None = None
    """None: that of the text."""
    runs: Held = True
    """Where it runs at all."""
    open: Held = False
    """Where it leaves the size open, which contradicts nothing."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One entry of the register."""

    runtime: Runtime
    cause: Cause
    operators: tuple[str, ...]
    rule: str
    """The arithmetic of the nodes it is about: `onnx`, or a framework's."""
    only_refused: bool
    """It answers otherwise only where the text refuses or nothing is left, never at a size that fits."""
    says: str
    """What the runtime does, in one sentence."""
    reference: str
    answer: Callable[[Step], Answer | None]
    """None where the entry does not apply."""


REGISTER: Final[list[Departure]] = []
"""Every departure, runtime by runtime. Of the answers of one runtime the first with a size decides, and it runs where
each of them does."""


def departs(
    runtime: Runtime, cause: Cause, *operators: str, reference: str, rule: str = "onnx", only_refused: bool = False
) -> Callable[[Callable[[Step], Answer | None]], Callable[[Step], Answer | None]]:
    """Enter a function of a step under its runtime and cause; its docstring's first line is what the runtime does."""

    def enter(function: Callable[[Step], Answer | None]) -> Callable[[Step], Answer | None]:
        says = (function.__doc__ or "").strip().splitlines()[0].rstrip(".")
        REGISTER.append(Departure(runtime, cause, operators, rule, only_refused, says, reference, function))
        return function

    return enter


def departures(step: Step) -> Iterator[tuple[Departure, Answer]]:
    """The entries that apply to a step, with what they answer."""
    for entry in REGISTER:
        if step.call.op in entry.operators and step.call.rule == entry.rule:
            answer = entry.answer(step)
            if answer is not None:
                yield entry, answer


def runtimes_of(step: Step) -> list[Runtime]:
    """The runtimes of which it is known what they make of the operator."""
    entries = [entry for entry in REGISTER if step.call.op in entry.operators and step.call.rule == entry.rule]
    return list(dict.fromkeys(entry.runtime for entry in entries))
