"""What checks and reports may know of a model: its size sets, what breaks them, its outputs, its pairs.

Facts are computed when first asked for, from the graph, its inputs and what propagation stated; nothing here reads a
file or chooses a severity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, product
from typing import TYPE_CHECKING, Final, Literal

from shapelint.facts.flow import Flow, blame, follow, slope
from shapelint.facts.frozen import Frozen, frozen
from shapelint.facts.subjects import Mismatch, Restriction, Stretch, Tie, Warned, listed
from shapelint.graph import Graph, reads, subgraphs
from shapelint.ops.call import Requirement
from shapelint.propagate import Unknown
from shapelint.size import (
    EVERY_SIZE,
    NO_SIZE,
    Condition,
    Expr,
    SizeSet,
    Solution,
    Symbol,
    Undecided,
    all_of,
    any_of,
    difference,
    equal,
    evaluate,
    holds,
    set_of,
    solve,
    unequal,
)
from shapelint.size.condition import Kind
from shapelint.size.expr import Floor, Select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from shapelint.axes import Axis, Inputs
    from shapelint.graph import Node
    from shapelint.ops.call import Dim, RequirementKind
    from shapelint.propagate import Shapes
    from shapelint.size import Held, Size
    from shapelint.source.spec import Expectation

_MOST_TRIED: Final = 4096
"""How many combinations of stated sizes are tried where axes are coupled."""

_MOST_REFUSED: Final = 64
"""How many refused sizes are looked at for one that shows what rounds."""

Verdict = Literal["fits", "restricted", "never", "unknown"]


@dataclass(frozen=True, slots=True)
class Domain:
    """What is stated of one axis: the sizes, and the words in which they were stated."""

    sizes: SizeSet
    text: str


@dataclass(frozen=True, slots=True)
class OutputAxis:
    """An axis of an output that follows an axis of an input."""

    output: str
    axis: int
    size: Expr
    follows: Axis
    scale: Fraction | None
    """Output pixels per input pixel in the long run."""
    equal: SizeSet | None
    """The running sizes at which it is as large as the input axis; scale 1 only."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """A node that refuses some sizes of one symbol."""

    requirement: Requirement
    node: Node | None
    symbol: Symbol
    sizes: SizeSet
    """The sizes at which it does not refuse."""


class Facts:
    """The facts of one model with its inputs bound."""

    def __init__(
        self,
        graph: Graph,
        inputs: Inputs,
        shapes: Shapes,
        domains: Mapping[Symbol, Domain],
        *,
        expectations: Sequence[Expectation] = (),
        file: str = "",
        is_stated: bool = False,
        layout: tuple[int, bool] = (2, False),
        find_failures: Callable[[], list[Mismatch]] = list,
        of_one: Callable[[], Facts | None] = lambda: None,
    ) -> None:
        self.graph = graph
        self.inputs = inputs
        self.shapes = shapes
        self.domains = domains
        """What a person states, by symbol."""
        self.layout = layout
        """The first spatial axis, and whether the channels stand last."""
        self.expectations = expectations
        """What a spec expects of its sizes."""
        self.file = file
        self.is_stated = is_stated
        """Whether a person states something of the sizes, pinned ones included."""
        self._find_failures = find_failures
        self.of_one = of_one
        """The facts of the same model with a batch of one."""

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
            if bound is not None and not _is_within(domain.sizes, self.necessary[symbol]):
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

    # -- which sizes run -----------------------------------------------------------------------------------------

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
            for part in (each.held,) if each.held is False else _parts(each.held):
                path = each.output or each.text
                found.append(Requirement(path, kind, part, None, None, None, (-1, -1), each.text))
        return found

    def expectation_of(self, requirement: Requirement) -> Expectation | None:
        """The condition of `expect` that a requirement states."""
        if requirement.kind not in ("output", "expect"):
            return None
        return next((each for each in self.expectations if each.text == requirement.detail), None)

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
            for part in _parts(each.held):
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
                for part in _parts(requirement.held):
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
            if not _is_within(stated, of):
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

    def suits(self, at: Mapping[Symbol, int]) -> bool:
        """Whether these sizes, all axes together, can be recommended: they run, and no size ends up in the batch."""
        return self.runs_at(at) is True and all(each.is_right(at) for each in self.frozen)

    # -- sizes to avoid ------------------------------------------------------------------------------------------

    @cached_property
    def stretched(self) -> dict[Symbol, SizeSet]:
        """By symbol the running sizes at which a one-pixel map is broadcast over a larger one."""
        found: dict[Symbol, SizeSet] = {}
        for requirement in self.shapes.requirements:
            sizes = self.stretch_of(requirement)
            if sizes is not None and not sizes[1].is_empty:
                symbol = sizes[0]
                found[symbol] = found.get(symbol, NO_SIZE) | sizes[1]
        return found

    def stretch_of(self, requirement: Requirement) -> tuple[Symbol, SizeSet] | None:
        """The symbol and the running sizes at which this merge broadcasts a one-pixel map."""
        left, right = requirement.left, requirement.right
        if requirement.kind != "merge" or left is None or right is None or isinstance(requirement.held, bool):
            return None
        held = all_of((unequal(left, right), any_of((equal(left, 1), equal(right, 1)))))
        if isinstance(held, bool):
            return None
        symbols = self.shapes.table.symbols_in(held.mask)
        sizes = set_of(held)
        if sizes is None or len(symbols) != 1 or symbols[0] not in self.necessary:
            return None
        return symbols[0], self.necessary[symbols[0]] & sizes

    @cached_property
    def stretches(self) -> list[Stretch]:
        """The merges that stretch a one-pixel map at a stated size, or of an axis for which nothing is stated."""
        found: dict[tuple[str, SizeSet, int, int], Stretch] = {}
        seen: set[tuple[Symbol, SizeSet]] = set()
        for requirement in self.shapes.requirements:
            stretch = self.stretch_of(requirement)
            left, right = requirement.left, requirement.right
            if stretch is None or stretch in seen or left is None or right is None:
                continue
            seen.add(stretch)
            symbol, sizes = stretch
            domain = self.domains.get(symbol)
            if domain is not None:
                sizes = sizes & domain.sizes
            example = next(iter(sizes), None)
            if example is None:
                continue
            sides = evaluate(left, {symbol: example}), evaluate(right, {symbol: example})
            key = (requirement.path, sizes, *sides)
            names = self.operand_names(requirement) or ("", "")
            axes = (*found[key].axes, symbol.name) if key in found else (symbol.name,)
            called = [self.called(name) for name in names]
            found[key] = Stretch(requirement.path, axes, *sides, called[0], called[1], sizes, domain is not None)
        return list(found.values())

    @cached_property
    def frozen(self) -> list[Frozen]:
        """The Reshapes whose -1 takes up spatial size as batch."""
        return list(frozen(self))

    @cached_property
    def avoid(self) -> dict[Symbol, SizeSet]:
        """By symbol the sizes that run only by stretching a one-pixel map or by moving size into the batch."""
        found = dict(self.stretched)
        for each in self.frozen:
            for symbol, right in each.right.items():
                runs = self.necessary[symbol]
                if runs.is_complete and right.is_complete:
                    found[symbol] = found.get(symbol, NO_SIZE) | (runs - right)
        return found

    @cached_property
    def offered(self) -> dict[Symbol, SizeSet | None]:
        """By symbol the sizes to recommend: those that run, less those to avoid."""
        offered: dict[Symbol, SizeSet | None] = {}
        for symbol, sizes in self.runs.items():
            avoid = self.avoid.get(symbol)
            plain = sizes is None or avoid is None or not avoid.is_complete
            offered[symbol] = sizes if plain or sizes is None or avoid is None else sizes - avoid
        return offered

    # -- what breaks the others ----------------------------------------------------------------------------------

    @cached_property
    def breakers(self) -> list[Breaker]:
        """The nodes that refuse some sizes of a free axis, in order: every merge, of other nodes the first alike."""
        found: list[Breaker] = []
        seen: set[tuple[Condition, str]] = set()
        for requirement in self.demands:
            held = requirement.held
            key = requirement.path if requirement.kind in ("merge", "join") else requirement.kind
            if isinstance(held, bool) or (held, key) in seen:
                continue
            seen.add((held, key))
            sizes = set_of(held)
            symbols = self.shapes.table.symbols_in(held.mask)
            if sizes is None or sizes.is_every or len(symbols) != 1:
                continue
            found.append(Breaker(requirement, self.nodes.get(requirement.path), symbols[0], sizes))
        return found

    @cached_property
    def telling(self) -> list[Breaker]:
        """The breakers worth a line: every merge that needs something new, and other nodes that no merges imply."""
        merged: dict[Symbol, SizeSet] = {}
        for breaker in self.breakers:
            if breaker.requirement.kind in ("merge", "join"):
                merged[breaker.symbol] = merged.get(breaker.symbol, EVERY_SIZE) & breaker.sizes
        told: list[Breaker] = []
        seen: set[Condition] = set()
        for breaker in self.breakers:
            held = breaker.requirement.held
            assert isinstance(held, Condition)
            if held in seen:
                continue
            seen.add(held)
            if breaker.requirement.kind in ("merge", "join"):
                told.append(breaker)
                continue
            same = [each for each in self.breakers if each.symbol is breaker.symbol]
            first = next(each for each in same if each.sizes == breaker.sizes)
            implied = _is_within(merged.get(breaker.symbol, EVERY_SIZE), breaker.sizes)
            if first is breaker and not implied and not any(_implies(each.sizes, breaker.sizes) for each in same):
                told.append(breaker)
        return told

    @cached_property
    def restrictions(self) -> list[Restriction]:
        """The free axes for which nothing is stated and that do not take every size; those alike in one entry.

        Where something is unknown only what is certain all the same: that no whole class of multiples runs.
        """
        frozen_at = {symbol for each in self.frozen for symbol in each.right}
        groups: dict[tuple[str, SizeSet, str], list[Axis]] = {}
        needs: dict[tuple[SizeSet, str], str] = {}
        seen: set[Symbol] = set()
        for axis in self.inputs.axes:
            symbol, sizes = axis.symbol, self.necessary[axis.symbol]
            declared = self.declared.get(symbol, EVERY_SIZE)
            if symbol in seen or symbol in self.domains or symbol in frozen_at or _is_within(declared, sizes):
                continue
            seen.add(symbol)
            path, need = self._reason(symbol)
            needs.setdefault((sizes, path), need)
            groups.setdefault((axis.input, sizes, path), []).append(axis)
        found = [
            Restriction(
                tuple(axes),
                sizes,
                self.file,
                path,
                needs[sizes, path],
                self.offered.get(axes[0].symbol),
                tuple(dict.fromkeys(each.input for each in self.inputs.axes if each.symbol is axes[0].symbol)),
            )
            for (_, sizes, path), axes in groups.items()
        ]
        return [each for each in found if not (self.unknowns and each.has_class)]

    def _reason(self, symbol: Symbol) -> tuple[str, str]:
        """The node to name for what restricts the symbol, and what it needs."""
        own = [each for each in self.breakers if each.symbol is symbol]
        alone = EVERY_SIZE
        for breaker in own:
            alone = alone & breaker.sizes
        if alone != self.necessary[symbol]:
            for condition in self.solution.coupled:
                if condition.mask & symbol.bit:
                    return self.path_of(condition), str(condition)
        # A merge that no other node implies, before other nodes; the first of those alike.
        merges = [each for each in own if each.requirement.kind in ("merge", "join")]
        for breaker in (*merges, *own):
            if not any(_implies(other.sizes, breaker.sizes) for other in own):
                return breaker.requirement.path, self.needs(breaker.requirement)
        return "", ""

    @cached_property
    def ties(self) -> list[Tie]:
        """What couples axes, where no axis is restricted for the same reason and not all of them are stated."""
        told = {path for each in self.restrictions if (path := each.breaker)}
        told.update(each.node.path for each in self.frozen)
        found: dict[str, Tie] = {}
        for condition in self.solution.coupled:
            path = self.path_of(condition)
            symbols = self.shapes.table.symbols_in(condition.mask)
            if path in told or all(symbol in self.domains for symbol in symbols) or self.unknowns:
                continue
            axes = [axis for axis in self.inputs.axes if axis.symbol in symbols]
            known = found.get(path)
            found[path] = Tie(
                path,
                tuple(dict.fromkeys([*(known.inputs if known else ()), *[axis.input for axis in axes]])),
                tuple(dict.fromkeys([*(known.axes if known else ()), *[axis.label for axis in axes]])),
                (*(known.conditions if known else ()), str(condition)),
            )
        return list(found.values())

    def path_of(self, condition: Condition) -> str:
        """The path of the node that states the condition; empty where it follows from several."""
        for requirement in self.shapes.requirements:
            if requirement.held is condition or condition in _parts(requirement.held):
                return requirement.path
        return ""

    def needs(self, requirement: Requirement) -> str:
        """What a requirement demands, as a comparison of the sizes that meet."""
        left, right = requirement.left, requirement.right
        sign = {"merge": "==", "join": "==", "match": "==", "channels": "==", "window": ">="}.get(requirement.kind)
        if sign is None or left is None or right is None or (sign == "==" and requirement.held is True):
            return str(requirement.held)
        sides = [str(self.plain(side)) if isinstance(side, Expr) else str(side) for side in (left, right)]
        return f"{sides[0]} {sign} {sides[1]}"

    def pair_of(self, breaker: Breaker) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The step down and the step up that do not cancel at a size that this node refuses and others do not."""
        names = self.operand_names(breaker.requirement)
        refused = self._refused_alone(breaker)
        if refused is None or names is None or breaker.requirement.kind not in ("merge", "join"):
            return (), ()
        found = blame(self.flow, *names, breaker.symbol, {breaker.symbol: refused})
        return found.down or found.branches, found.up

    def _refused_alone(self, breaker: Breaker) -> int | None:
        """A size that this node refuses, if possible one that the nodes before it take."""
        if not breaker.sizes.is_complete:
            return None
        refused = ~breaker.sizes
        for sizes in dict.fromkeys(each.sizes for each in self.breakers if each.symbol is breaker.symbol):
            if sizes == breaker.sizes:
                break
            # The few sizes beside the classes are those at which a one-pixel map is stretched.
            fewer = refused & replace(sizes, extra=()) if sizes.is_complete and sizes.residues else refused
            refused = refused if fewer.is_empty else fewer
        found = islice(refused, _MOST_REFUSED)
        # The size that most halvings divide: there fewer other steps round.
        return max(found, key=lambda n: n & -n, default=None)

    def plain(self, size: Expr) -> Size:
        """`size` without the cases of stretched one-pixel maps, where it is the same at every running size."""
        reduced = _unstretched(size)
        if reduced is size:
            return size
        differs = unequal(reduced, size)
        if isinstance(differs, bool):
            return size if differs else reduced
        sizes = set_of(differs)
        symbols = size.symbols
        if sizes is None or len(symbols) != 1 or symbols[0] not in self.necessary:
            return size
        runs = self.necessary[symbols[0]]
        avoid = self.avoid.get(symbols[0])
        if not (runs.is_complete and sizes.is_complete):
            return size
        shown = runs if avoid is None or not avoid.is_complete else runs - avoid
        return reduced if (shown & sizes).is_empty else size

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The nodes by path, those of subgraphs included."""
        return {node.path: node for node, _ in _all_nodes(self.graph)}

    @cached_property
    def _owners(self) -> dict[str, str]:
        """The path of the node of the main graph that holds each node."""
        return {node.path: owner.path for node, owner in _all_nodes(self.graph)}

    @cached_property
    def flow(self) -> Flow:
        """Where sizes come from, and the pairs."""
        return follow(self.graph, self.inputs.tensors, self.shapes, self.inputs.symbols)

    def operand_names(self, requirement: Requirement) -> tuple[str, str] | None:
        """The values that meet at a merge, left and right."""
        node = self.nodes.get(requirement.path)
        if node is None:
            return None
        names = [node.inputs[place] if 0 <= place < len(node.inputs) else "" for place in requirement.operands]
        return names[0], names[1]

    def called(self, value: str) -> str:
        """What messages call a value: the path of the node that makes it, or its own name for an input."""
        node = self.graph.producers.get(value)
        while node is not None and node.op == "Identity" and node.inputs[0] in self.graph.producers:
            node = self.graph.producers[node.inputs[0]]
        return value if node is None else node.path

    def reaches(self, sources: set[str]) -> set[str]:
        """The paths of the nodes that depend on one of the nodes `sources`, those included."""
        reached = sources | {self._owners.get(path, path) for path in sources}
        tainted: set[str] = set()
        for node in self.graph.nodes:
            if node.path in reached or any(name in tainted for name in reads(node)):
                reached.add(node.path)
                tainted.update(node.outputs)
        return reached

    # -- outputs -------------------------------------------------------------------------------------------------

    @cached_property
    def outputs(self) -> list[OutputAxis]:
        """The axes of outputs that follow an axis of an input."""
        first: dict[Symbol, Axis] = {}
        for axis in self.inputs.axes:
            first.setdefault(axis.symbol, axis)
        found: list[OutputAxis] = []
        for declared in self.graph.outputs:
            tensor = self.shapes.tensors.get(declared.name)
            for place, dim in enumerate((tensor.shape if tensor is not None else None) or ()):
                if not isinstance(dim, Expr):
                    continue
                symbols = dim.symbols
                if len(symbols) != 1 or symbols[0] not in first:
                    continue
                follows = first[symbols[0]]
                above, below = slope(dim, symbols[0]), slope(follows.size, symbols[0])
                scale = above / below if above is not None and below else None
                found.append(OutputAxis(declared.name, place, dim, follows, scale, self._equal(dim, follows, scale)))
        return found

    def _equal(self, dim: Expr, follows: Axis, scale: Fraction | None) -> SizeSet | None:
        if scale != 1:
            return None
        same = set_of(equal(dim, follows.size))
        return same & self.necessary[follows.symbol] if same is not None else None

    def shape_text(self, shape: Iterable[Dim]) -> str:
        """A shape as reports write it: `[1, 64, H//2, ?]`."""
        words = ["?" if d is None else str(self.plain(d)) if isinstance(d, Expr) else str(d) for d in shape]
        return "[" + ", ".join(words) + "]"

    def shape_at(self, name: str, at: Mapping[Symbol, int]) -> list[int | None] | None:
        """The shape of a value at given sizes, as far as it is known."""
        tensor = self.shapes.tensors.get(name)
        if tensor is None or tensor.shape is None:
            return None
        return [_dim_at(dim, at) for dim in tensor.shape]


def _all_nodes(graph: Graph, owner: Node | None = None) -> Iterator[tuple[Node, Node]]:
    """The nodes of the graph and of the graphs in it, with the node of the main graph that holds each."""
    for node in graph.nodes:
        holder = owner or node
        for _, inner in subgraphs(node):
            yield from _all_nodes(inner, holder)
        yield node, holder


def _is_within(sizes: SizeSet, other: SizeSet) -> bool:
    """Whether it is certain that `sizes` is a part of `other`."""
    try:
        return sizes <= other
    except Undecided:
        return False


def _implies(sizes: SizeSet, other: SizeSet) -> bool:
    """Whether `sizes` is a proper part of `other`."""
    return sizes.is_complete and other.is_complete and sizes != other and sizes <= other


def _unstretched(expr: Expr) -> Size:
    """The expression with every selection replaced by its ordinary case."""
    total: Size = expr.const
    for atom, factor in expr.terms:
        part: Size = atom.expr
        if isinstance(atom, Select):
            part = _unstretched(atom.other)
        elif isinstance(atom, Floor):
            part = _unstretched(atom.of) // atom.by
        total = total + factor * part
    return total


def _dim_at(dim: Dim, at: Mapping[Symbol, int]) -> int | None:
    try:
        return None if dim is None else evaluate(dim, at)
    except (KeyError, ZeroDivisionError, ValueError, OverflowError):
        return None


def _parts(held: Held) -> tuple[Condition, ...]:
    if isinstance(held, bool):
        return ()
    return held.parts if held.kind is Kind.ALL else (held,)


def _undecided(condition: Condition) -> str:
    symbols = condition.table.symbols_in(condition.mask)
    if any(symbol.opaque for symbol in symbols):
        return "it depends on a size that only the data decides"
    names = " and ".join(symbol.name for symbol in symbols)
    return f"it couples {names} by `{condition}`; pin one of them with --input to get the answer for the other"


__all__ = ["Breaker", "Domain", "Facts", "OutputAxis", "Verdict"]
