"""Where runtimes disagree about a model: which nodes, at which of the sizes that run, and who returns what there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import by_sets, listed
from shapelint.runtimes import departures, runtimes_of, steps_of
from shapelint.size import (
    EVERY_SIZE,
    NO_SIZE,
    TooDeep,
    all_of,
    any_of,
    at_least,
    evaluate,
    holds,
    negate,
    set_of,
    unequal,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.graph import Node
    from shapelint.runtimes import Answer, Cause, Departure, Runtime, Step
    from shapelint.size import Held, SizeSet, Symbol

TEXTS: Final = {"onnx": "ONNX's text", "keras": "Keras", "torch": "PyTorch"}
"""Whose sizes are propagated, by the arithmetic of a node."""


@dataclass(frozen=True, slots=True)
class Place:
    """A step about which runtimes disagree, at the smallest size at which they do."""

    cause: Cause
    node: Node
    step: Step
    sizes: Mapping[Symbol, SizeSet]
    """By the symbols of the step the sizes at which they disagree."""
    always: bool
    """Whether these are all that run."""
    at: Mapping[Symbol, int]
    """The smallest of them."""
    text: int
    answers: Mapping[Runtime, int | None]
    """What the runtimes return there that are known; None where they refuse."""

    @property
    def is_executed(self) -> bool:
        """Whether one of those that execute the model departs from the text."""
        return any(runtime.executes and size != self.text for runtime, size in self.answers.items())

    @property
    def others(self) -> list[int]:
        """What is returned in place of the text's size."""
        return [size for size in dict.fromkeys(self.answers.values()) if size is not None and size != self.text]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The nodes about which runtimes disagree for one cause, the first in front."""

    cause: Cause
    places: tuple[Place, ...]

    @property
    def first(self) -> list[Place]:
        """The places of the first node."""
        return [place for place in self.places if place.node is self.places[0].node]

    @property
    def also(self) -> dict[str, list[Place]]:
        """The places of each other node, by its path."""
        found: dict[str, list[Place]] = {}
        for place in self.places:
            if place.node is not self.places[0].node:
                found.setdefault(place.node.path, []).append(place)
        return found

    @property
    def differ(self) -> dict[str, SizeSet]:
        """By axis the sizes at which the first node is disagreed about."""
        found: dict[str, SizeSet] = {}
        for place in self.first:
            for symbol, sizes in place.sizes.items():
                found[symbol.name] = found.get(symbol.name, NO_SIZE) | sizes
        return found

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        place = self.places[0]
        words = {
            "node": place.node.path,
            "answers": self._answers(place),
            "example": "every size" if place.always and not place.sizes else _example(place),
            "cause": self.cause.text,
            "remedy": self.cause.remedy,
            "sizes": "at every size that runs" if place.always else f"for {by_sets(self.differ)}",
            "inferred": ", ".join(
                f"{runtime.name} says {size}"
                for runtime, size in place.answers.items()
                if not runtime.executes and size != place.text and place.is_executed
            ),
        }
        return {key: value for key, value in words.items() if value}

    def _answers(self, place: Place) -> str:
        """`5 by ONNX's text, 6 by OpenVINO 2026.4`; what refuses stands last."""
        said: dict[int | None, list[str]] = {place.text: [_text_of(place.step)]}
        for runtime, size in place.answers.items():
            if runtime.executes or not place.is_executed:
                said.setdefault(size, []).append(runtime.name)
        refused = said.pop(None, [])
        sizes = ", ".join(f"{size} by {listed(names)}" for size, names in said.items())
        return f"{sizes} and is refused by {listed(refused)}" if refused else sizes


def _text_of(step: Step) -> str:
    """Whose size is propagated; that of a `ceil_mode` is the text of opset 22, whatever the file's opset is."""
    is_later = step.window is not None and step.window.ceil and step.call.rule == "onnx" and step.call.version < 22
    return "ONNX's text of opset 22" if is_later else TEXTS[step.call.rule]


def _example(place: Place) -> str:
    return ", ".join(f"{symbol.name} = {size}" for symbol, size in place.at.items())


def disagreements(facts: Facts, runtimes: Collection[str]) -> list[Disagreement]:
    """What these runtimes make of the model other than its text does, at a stated size or, of what is free, at any.

    Only what is proved: nothing of a model that has unknown operators or never runs, nor of sizes that couple axes.
    """
    if facts.never or facts.unknowns:
        return []
    found: dict[Cause, list[Place]] = {}
    for node in facts.graph.nodes:
        for step in steps_of(node, facts.shapes.tensors, facts.shapes.table):
            try:
                for place in _places(facts, node, step, runtimes):
                    found.setdefault(place.cause, []).append(place)
            except (TooDeep, RecursionError, ArithmeticError, ValueError):
                # What another runtime makes of the size nests too deeply, or is no number: nothing is proved of it.
                continue
    return [Disagreement(cause, tuple(places)) for cause, places in found.items()]


def _places(facts: Facts, node: Node, step: Step, runtimes: Collection[str]) -> Iterator[Place]:
    """The step, once for each cause for which one of the runtimes departs from the text."""
    said = [(entry, answer) for entry, answer in departures(step) if not entry.only_refused]
    for cause in dict.fromkeys(entry.cause for entry, _ in said if entry.runtime.word in runtimes):
        place = _place(facts, node, step, said, cause, runtimes)
        if place is not None:
            yield place


def _place(
    facts: Facts,
    node: Node,
    step: Step,
    said: list[tuple[Departure, Answer]],
    cause: Cause,
    runtimes: Collection[str],
) -> Place | None:
    """The sizes at which one of the runtimes departs from the text for this cause; None where there are none."""
    departing = []
    for entry, answer in said:
        if entry.cause == cause and entry.runtime.word in runtimes:
            others = [each.runs for other, each in said if other.runtime == entry.runtime and each is not answer]
            departing.append(_departs(step, answer, others))
    held = all_of((any_of(departing), at_least(step.text, 1)))
    sizes = _running(facts, step, held)
    if sizes is None:
        return None
    at = {symbol: next(iter(of)) for symbol, of in sizes.items()}
    if facts.runs_at(at) is False:
        return None
    return Place(cause, node, step, sizes, held is True, at, evaluate(step.text, at), dict(_answered(step, said, at)))


def _departs(step: Step, answer: Answer, others: list[Held]) -> Held:
    """Where this answer is not the text's; a size counts where the runtime has no other reason to refuse."""
    refuses = negate(answer.runs)
    if answer.size is None:
        return refuses
    return all_of((*others, negate(answer.open), any_of((refuses, unequal(answer.size, step.text)))))


def _running(facts: Facts, step: Step, held: Held) -> dict[Symbol, SizeSet] | None:
    """The running sizes, within those that are stated, at which a condition holds; None where there are none."""
    if held is False:
        return None
    if held is True:
        symbols: Iterable[Symbol] = () if isinstance(step.text, int) else step.text.symbols
        condition: SizeSet | None = EVERY_SIZE
    else:
        symbols, condition = facts.shapes.table.symbols_in(held.mask), set_of(held)
    if condition is None or not all(symbol in facts.necessary for symbol in symbols):
        return None
    found = {symbol: _stated(facts, symbol, condition) for symbol in symbols}
    return None if any(sizes.is_empty for sizes in found.values()) else found


def _stated(facts: Facts, symbol: Symbol, sizes: SizeSet) -> SizeSet:
    """Those of the sizes that run, are stated and are not to be avoided."""
    sizes = sizes & facts.necessary[symbol]
    domain, avoid = facts.domains.get(symbol), facts.avoid.get(symbol)
    if domain is not None:
        sizes = sizes & domain.sizes
    return sizes if avoid is None or not avoid.is_complete else sizes & ~avoid


def _answered(
    step: Step, said: list[tuple[Departure, Answer]], at: Mapping[Symbol, int]
) -> Iterator[tuple[Runtime, int | None]]:
    """What each runtime that departs somewhere returns at these sizes; None where it refuses.

    Of ONNX those without an entry that applies too: they do what the text says.
    """
    text = evaluate(step.text, at)
    for runtime in runtimes_of(step):
        answers = [answer for entry, answer in said if entry.runtime == runtime]
        if any(holds(answer.open, at) for answer in answers):
            continue
        sizes = [answer.size for answer in answers if answer.size is not None]
        runs = all(holds(answer.runs, at) for answer in answers)
        if answers or (step.call.rule == "onnx" and runtime.executes):
            yield runtime, (evaluate(sizes[0], at) if sizes else text) if runs else None
