"""Which sizes run and fit: the conditions of a model, solved, against what is stated."""

from __future__ import annotations

from functools import cached_property
from itertools import islice, product
from typing import TYPE_CHECKING, Final, Literal

from shapelint.facts.places import Places
from shapelint.facts.subjects import Mismatch, Warned, listed
from shapelint.ops.call import Requirement
from shapelint.propagate import Unknown
from shapelint.size import (
    EVERY_SIZE,
    NO_SIZE,
    Condition,
    SizeSet,
    Solution,
    Symbol,
    Undecided,
    difference,
    holds,
    set_of,
    solve,
)
from shapelint.size.condition import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.ops.call import RequirementKind
    from shapelint.size import Held
    from shapelint.source.spec import Expectation

_MOST_TRIED: Final = 4096
"""How many combinations of stated sizes are tried where axes are coupled."""
_LONGEST: Final = 240
"""A condition of more characters is left out of the sentence about it."""


Verdict = Literal["fits", "restricted", "never", "unknown"]


class Sets(Places):
    """The sets of sizes, what is unknown, and what is stated."""

    @cached_property
    def failures(self) -> list[Mismatch]:
        """What fails at the sizes that are stated or fixed, one entry a cause."""
        return self._find_failures()

    @property
    def stated_text(self) -> str:
        """What is stated, in words: `H and W: multiple of 32`."""
        together: dict[str, list[str]] = {}
        for symbol, domain in self.domains.items():
            together.setdefault(domain.text, []).append(symbol.name)
        return "; ".join(f"{listed(labels)}: {text}" for text, labels in together.items())

    @cached_property
    def unproved_domains(self) -> list[str]:
        """Why stated domains that nothing disproves are not proved either."""
        searched: dict[int, list[str]] = {}
        for symbol, domain in self.domains.items():
            bound = self.necessary[symbol].checked_to
            if bound is not None and not is_within(domain.sizes, self.necessary[symbol]):
                searched.setdefault(bound, []).append(symbol.name)
        found = [
            f"the sizes of {listed(labels)} were searched up to {bound:,}, and more are stated"
            for bound, labels in searched.items()
        ]
        if self._coupled_search == (None, False) and self._coupled_together:
            texts = ", ".join(f"`{condition}`" for condition in self.solution.coupled)
            found.append(f"sizes are coupled by {texts}; state one axis and pin the others with --input")
        return found

    @property
    def coupled_counterexample(self) -> dict[Symbol, int] | None:
        """Stated sizes that no sizes of the other axes go with, or that do not go with each other."""
        return self._coupled_search[0]

    @cached_property
    def _coupled_search(self) -> tuple[dict[Symbol, int] | None, bool]:
        """A counterexample among the stated sizes to what couples them, and whether all of them were tried."""
        for symbol, domain in self.domains.items():
            wrong = domain.sizes - self.necessary[symbol] if self.necessary[symbol].is_complete else NO_SIZE
            if not wrong.is_empty:
                return {symbol: next(iter(wrong))}, True
        exhaustive = len(self._coupled_together) == len(self.solution.coupled)
        for condition in self._coupled_together:
            symbols = self.shapes.table.symbols_in(condition.mask)
            if not all(symbol in self.domains for symbol in symbols):
                exhaustive = False
                continue
            most = int(_MOST_TRIED ** (1 / len(symbols)))
            columns = [list(islice(self.domains[symbol].sizes, most + 1)) for symbol in symbols]
            exhaustive = exhaustive and all(len(column) <= most for column in columns)
            for row in product(*[column[:most] for column in columns]):
                at = dict(zip(symbols, row, strict=True))
                if not holds(condition, at):
                    return at, True
        return None, exhaustive

    @property
    def _coupled_together(self) -> list[Condition]:
        """The conditions that couple axes of which more than one is stated."""
        return [
            condition
            for condition in self.solution.coupled
            if sum(symbol in self.domains for symbol in self.shapes.table.symbols_in(condition.mask)) > 1
        ]

    @cached_property
    def run_conditions(self) -> list[Held]:
        """Everything that must hold for the model to run."""
        held: list[Held] = [requirement.held for requirement in self.shapes.requirements]
        held += [condition for condition, _ in self.inputs.conditions]
        held += [False for _ in self.inputs.conflicts]
        return held

    @cached_property
    def expected(self) -> list[Requirement]:
        """The error-level conditions of `expect`, as requirements of what runs; one a part."""
        found = []
        for each in self.expectations:
            if each.level != "error" or not isinstance(each.held, bool | Condition) or each.held is True:
                continue
            kind: RequirementKind = "expect" if each.output is None else "output"
            for part in (each.held,) if each.held is False else parts_of(each.held):
                path = each.output or each.text
                found.append(Requirement(path, kind, part, None, None, None, (-1, -1), each.text))
        return found

    def expectation_of(self, requirement: Requirement) -> Expectation | None:
        """The condition of `expect` that a requirement states."""
        if requirement.kind not in ("output", "expect"):
            return None
        return next((each for each in self.expectations if each.text == requirement.detail), None)

    def compared_names(self, requirement: Requirement) -> tuple[str, str] | None:
        """The values whose sizes a requirement compares, left and right; empty for a side that is no value's."""
        if requirement.kind in ("merge", "join", "match") and min(requirement.operands) >= 0:
            return self.operand_names(requirement)
        expectation = self.expectation_of(requirement)
        return None if expectation is None else expectation.compared

    def stands_at(self, requirement: Requirement) -> tuple[str, ...]:
        """The paths of the nodes at which a requirement is stated; of a condition those whose sizes it reads last."""
        expectation = self.expectation_of(requirement)
        if expectation is None:
            return (requirement.path,)
        producers = self.graph.producers
        read = {producers[name].path for name in expectation.reads if name in producers}
        return tuple([path for path in sorted(read) if self.reaches({path}).isdisjoint(read - {path})])

    @cached_property
    def warned(self) -> list[Warned]:
        """The `warn:` conditions that fail, at a stated size or, where nothing is stated, at every size."""
        found = []
        for each in self.expectations:
            if each.level != "warn" or not isinstance(each.held, bool | Condition) or each.held is True:
                continue
            if each.held is False:
                found.append(Warned(each, ""))
                continue
            places = []
            for part in parts_of(each.held):
                sizes = set_of(part)
                symbols = self.shapes.table.symbols_in(part.mask)
                if sizes is None or len(symbols) != 1:
                    continue
                domain = self.domains.get(symbols[0])
                wrong = difference(EVERY_SIZE if domain is None else domain.sizes, sizes)
                if not wrong.is_empty and (domain is not None or sizes.is_empty):
                    places.append(f"at {symbols[0].name} = {wrong.text}")
            if places:
                found.append(Warned(each, ", ".join(places)))
        return found

    @cached_property
    def demands(self) -> list[Requirement]:
        """What the nodes demand, and what is expected."""
        return [*self.shapes.requirements, *self.expected]

    @cached_property
    def conditions(self) -> list[Held]:
        """Everything that must hold for the model to run and to fit."""
        return self.run_conditions + [requirement.held for requirement in self.expected]

    @cached_property
    def solution(self) -> Solution:
        """What the conditions leave of each symbol."""
        return solve(self.shapes.table, self.conditions)

    @cached_property
    def ran(self) -> dict[Symbol, SizeSet | None]:
        """By symbol the sizes that run, whatever is expected; None where something is unknown."""
        if not self.expected:
            return self.runs
        sets = solve(self.shapes.table, self.run_conditions).sets
        return {symbol: None if self.unknowns else sets.get(symbol, EVERY_SIZE) for symbol in self.inputs.symbols}

    @cached_property
    def unknowns(self) -> list[Unknown]:
        """What keeps the answer from being proved, in the order of the nodes."""
        found = list(self.shapes.unknowns)
        found += [
            Unknown(name, "input", "its rank is not declared; state its shape with --input")
            for name in self.inputs.undeclared
        ]
        undecided = set(self.solution.undecided)
        if undecided:
            seen: set[Condition] = set()
            for requirement in self.shapes.requirements:
                for part in parts_of(requirement.held):
                    if part in undecided and part not in seen:
                        seen.add(part)
                        node = self.nodes.get(requirement.path)
                        found.append(Unknown(requirement.path, node.op if node else "?", _undecided(part)))
        return found

    @cached_property
    def necessary(self) -> dict[Symbol, SizeSet]:
        """By symbol the sizes that the decided conditions leave; whatever an unknown node adds, no others run."""
        return {symbol: self.solution.sets.get(symbol, EVERY_SIZE) for symbol in self.inputs.symbols}

    @cached_property
    def runs(self) -> dict[Symbol, SizeSet | None]:
        """By symbol the sizes that run; None where something is unknown. An empty set is certain either way."""
        unknown = bool(self.unknowns)
        return {
            symbol: None if unknown and not (of.is_empty and of.is_complete) else of
            for symbol, of in self.necessary.items()
        }

    @cached_property
    def declared(self) -> dict[Symbol, SizeSet]:
        """By symbol the sizes that the inputs' own dims leave, where they leave not every one: `8*h`."""
        found: dict[Symbol, SizeSet] = {}
        for held, _ in self.inputs.conditions:
            sizes = set_of(held)
            if sizes is not None and not isinstance(held, bool):
                symbol = self.shapes.table.symbols_in(held.mask)[0]
                found[symbol] = found.get(symbol, EVERY_SIZE) & sizes
        return found

    @cached_property
    def never(self) -> bool:
        """No size at all runs."""
        return not self.solution.possible

    @cached_property
    def verdict(self) -> Verdict:
        """The answer in one word."""
        if self.never:
            return "never"
        if self.unknowns:
            return "unknown"
        if self.solution.coupled and self._coupled_search != (None, True):
            return "restricted"
        for symbol, of in self.necessary.items():
            domain = self.domains.get(symbol)
            stated = self.declared.get(symbol, EVERY_SIZE) if domain is None else domain.sizes
            if not is_within(stated, of):
                return "restricted"
        return "fits"

    def runs_at(self, at: Mapping[Symbol, int]) -> bool | None:
        """Whether the conditions hold at these sizes, all axes together; None where something is unknown."""
        result: bool | None = not self.unknowns or None
        for held in self.conditions:
            try:
                if not holds(held, at):
                    return False
            except KeyError:
                result = None
            except (ZeroDivisionError, ValueError, OverflowError):
                return False
        return result


def parts_of(held: Held) -> tuple[Condition, ...]:
    if isinstance(held, bool):
        return ()
    return held.parts if held.kind is Kind.ALL else (held,)


def _undecided(condition: Condition) -> str:
    symbols = condition.table.symbols_in(condition.mask)
    if any(symbol.opaque for symbol in symbols):
        return "it depends on a size that only the data decides"
    names, text = " and ".join(symbol.name for symbol in symbols), str(condition)
    by = f" by `{text}`" if len(text) <= _LONGEST else ""
    return f"it couples {names}{by}; pin one of them with --input to get the answer for the other"


def is_within(sizes: SizeSet, other: SizeSet) -> bool:
    """Whether it is certain that `sizes` is a part of `other`."""
    try:
        return sizes <= other
    except Undecided:
        return False
