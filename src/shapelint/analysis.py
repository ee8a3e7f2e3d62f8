"""One model -> graph, shapes, facts: what engine, reports and the API all call."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shapelint.axes import Inputs, StatedWrong, bind, channels_last, label, pinned, sizes_at, spatial_axes
from shapelint.facts import Domain, Facts
from shapelint.facts.mismatch import failing, mismatches, stated_failures
from shapelint.facts.promise import promise_of
from shapelint.propagate import Stepwise, propagate
from shapelint.settings import Stated
from shapelint.size import NO_SIZE, Expr, SizeSet, Table
from shapelint.source import expectations_of, layout_of, lower_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.facts.mismatch import Mismatch
    from shapelint.graph import Graph, Model
    from shapelint.propagate import Shapes
    from shapelint.settings import StatedDims
    from shapelint.size import Size, Symbol
    from shapelint.source.spec import Expectation


class Analysis:
    """A model with its inputs bound as stated, and everything that follows."""

    def __init__(self, model: Model, stated: Stated | None = None, file: str = "") -> None:
        """Raises StatedWrong where what is stated does not suit the model."""
        self.model = model
        self.file = file
        self.stated = stated or Stated()
        self.others: dict[str, Analysis | None] = {}
        """Analyses of other texts under what is stated here, by text, which share it; repairs are proved by them."""
        self.table = Table()
        is_spec = model.program is not None
        freed = self.stated.freed
        if self.stated.free:
            freed |= spatial_axes(model.graph) if not is_spec else _spatial_of_spec(model)
        self.promise = promise_of(model)
        self.inputs: Inputs = bind(
            model.graph,
            self.table,
            self.stated.inputs,
            freed=freed,
            has_batch=model.has_batch,
            own_names=is_spec,
            promised=self.promise.sizes,
        )
        self.graph: Graph = model.graph
        """The nodes; those of a spec are made as its sizes are propagated."""
        self.expectations: list[Expectation] = []
        self.shapes: Shapes = self._propagated()
        self._expect()
        label(self.inputs, self.graph, self.shapes, layout_of(model.program) if is_spec else (2, False))
        self.domains = self._domains()

    def _expect(self) -> None:
        """Add what is stated outside the file to what a spec expects."""
        if not self.stated.expect:
            return
        shapes = {name: tensor.shape for name, tensor in self.shapes.tensors.items()}
        if self.model.program is not None:
            layouts = dict.fromkeys(shapes, layout_of(self.model.program))
        else:
            layouts = dict.fromkeys(channels_last(self.graph), (1, True))
        names = [[each.name for each in group] for group in (self.graph.inputs, self.graph.outputs)]
        try:
            self.expectations += expectations_of(self.stated.expect, shapes, layouts, *names)
        except ValueError as error:
            raise StatedWrong(f"`expect`: {error}") from None

    def _propagated(self) -> Shapes:
        concrete = not self.inputs.axes
        program = self.model.program
        if program is None:
            return propagate(self.graph, self.inputs.tensors, self.table, concrete=concrete)
        steps = Stepwise(self.inputs.tensors, self.table, concrete=concrete)
        inputs = {name: tensor.shape for name, tensor in self.inputs.tensors.items()}
        lowered = lower_spec(program, inputs, self.inputs.names, steps.step, self.file)
        self.graph, self.expectations = lowered.graph, lowered.expectations
        return steps.shapes

    def _domains(self) -> dict[Symbol, Domain]:
        domains: dict[Symbol, Domain] = {}
        for of in self.model.program.sizes if self.model.program is not None else ():
            symbol = self.inputs.find(of.symbol)
            if symbol is not None:
                domains[symbol] = Domain(of.sizes, of.text)
        for where in self.stated.where:
            if where.name is None:
                symbols = [axis.symbol for axis in self.inputs.axes if not axis.is_batch]
            else:
                symbol = self.inputs.find(where.name)
                if symbol is None:
                    raise StatedWrong(f"no free axis is called `{where.name}`{self._axes_text()}")
                symbols = [symbol]
            for symbol in dict.fromkeys(symbols):
                known = domains.get(symbol)
                sizes = where.domain if known is None or where.name is not None else known.sizes & where.domain
                domains[symbol] = Domain(sizes, where.text)
        asked: dict[Symbol, SizeSet] = {}
        for text in self.stated.at:
            for symbol, size in sizes_at(self.inputs, text).items():
                asked[symbol] = asked.get(symbol, NO_SIZE) | SizeSet.of_sizes([size])
        return domains | {symbol: Domain(sizes, sizes.domain or "") for symbol, sizes in asked.items()}

    def _axes_text(self) -> str:
        labels = list(dict.fromkeys(axis.label for axis in self.inputs.axes))
        if not labels:
            return "; every axis is fixed"
        return "; the free axes are " + ", ".join(f"`{each}`" for each in labels)

    @cached_property
    def facts(self) -> Facts:
        """The facts."""
        return Facts(
            self.graph,
            self.inputs,
            self.shapes,
            self.domains,
            expectations=self.expectations,
            layout=layout_of(self.model.program) if self.model.program is not None else (2, False),
            file=self.file,
            is_stated=self.is_stated,
            flaw=self.promise.flaw,
            find_failures=lambda: self.failures,
            of_one=self._of_one,
        )

    def _of_one(self) -> Facts | None:
        """The facts of this model where every free batch is 1."""
        batches = {axis.input for axis in self.inputs.axes if axis.is_batch}
        if not batches:
            return None
        stated = _by_input(self.stated.inputs, self.model)
        dims: dict[str | None, StatedDims] = {}
        for declared in self.model.graph.inputs:
            given = stated.get(declared.name) or (None,) * len(declared.dims or ())
            dims[declared.name] = (1, *given[1:]) if declared.name in batches else given
        return Analysis(self.model, Stated(dims, free=self.stated.free, expect=self.stated.expect), self.file).facts

    @property
    def is_stated(self) -> bool:
        """Whether a person states something of the sizes."""
        return bool(self.domains) or bool(self.stated.inputs) or bool(self.expectations)

    # -- at given sizes ------------------------------------------------------------------------------------------

    def at(self, symbols: Mapping[Symbol, int]) -> Analysis:
        """The same model at these sizes, propagated with numbers; the other axes are as stated."""
        free = frozenset((axis.input, axis.axis) for axis in self.inputs.axes)
        stated = _by_input(self.stated.inputs, self.model)
        inputs: dict[str | None, StatedDims] = {}
        for name, dims in pinned(self.inputs, self.model.graph, symbols).items():
            given = stated.get(name) or (None,) * len(dims)
            inputs[name] = tuple([own if dim is None else dim for dim, own in zip(dims, given, strict=True)])
        return Analysis(self.model, Stated(inputs=inputs, freed=free, expect=self.stated.expect), self.file)

    @cached_property
    def runs(self) -> bool | None:
        """Whether a model without free axes runs; None where something is unknown."""
        return self.facts.runs_at({})

    @property
    def runs_pinned(self) -> bool | None:
        """Whether the stated dims can run at all; None where something is unknown."""
        return self.runs if not self.inputs.axes else (False if self.facts.never else None)

    @cached_property
    def explained(self) -> tuple[Facts, dict[Symbol, int]]:
        """Facts with every spatial axis free, and the numbers that this analysis has for those that it pins.

        A chain of sizes is read off expressions, so what is pinned is explained by its free counterpart.
        """
        if not self._pins_sizes:
            return self.facts, {}
        names = {
            name: tuple([dim if isinstance(dim, str) else None for dim in dims])
            for name, dims in self.stated.inputs.items()
        }
        stated = Stated(names, free=True, expect=self.stated.expect, freed=self.stated.freed)
        free = Analysis(self.model, stated, self.file)
        at: dict[Symbol, int] = {}
        for axis in free.inputs.axes:
            shape = self.inputs.tensors[axis.input].shape
            dim = shape[axis.axis] if shape is not None else None
            value = _solved(axis.size, dim) if isinstance(dim, int) else None
            if value is None:
                continue
            if at.setdefault(axis.symbol, value) != value:  # one name of the file, stated as two numbers
                return self.facts, {}
        return free.facts, at

    @property
    def _pins_sizes(self) -> bool:
        first, channels_last = self.facts.layout
        shapes = [tensor.shape for tensor in self.inputs.tensors.values() if tensor.shape is not None]
        return any(isinstance(dim, int) for shape in shapes for dim in shape[first : len(shape) - channels_last])

    @cached_property
    def failures(self) -> list[Mismatch]:
        """What fails at the sizes that are stated or fixed, one entry a cause."""
        if self.inputs.axes:
            return stated_failures(self.facts, self._mismatches)
        return [] if self.runs is not False or self.inputs.conflicts else self._mismatches({}, "stated")

    def _mismatches(self, at: Mapping[Symbol, int], grade: str) -> list[Mismatch]:
        """What fails at these sizes, told with the chains of the facts in which every spatial axis is free."""
        own = mismatches(self.facts, at, grade)
        facts, pinned = self.explained
        if facts is self.facts or not own:
            return own
        sizes = {**self._translated(facts, at), **pinned}
        if not set(facts.inputs.symbols) <= sizes.keys():
            return own
        paths = {requirement.path for requirement in failing(facts, sizes)}
        return mismatches(facts, sizes, grade) if own[0].first.requirement.path in paths else own

    def _translated(self, facts: Facts, at: Mapping[Symbol, int]) -> dict[Symbol, int]:
        """The same sizes by the symbols of other facts of the model."""
        own = {(axis.input, axis.axis): axis.size for axis in self.inputs.axes}
        found: dict[Symbol, int] = {}
        for axis in facts.inputs.axes:
            size = own.get((axis.input, axis.axis))
            if isinstance(size, Expr) and isinstance(axis.size, Expr):
                pairs = zip(size.symbols, axis.size.symbols, strict=False)
                found.update({other: at[symbol] for symbol, other in pairs if symbol in at})
        return found


def _solved(size: Size, n: int) -> int | None:
    """The value of the only symbol at which an axis is `n`; None where there is none."""
    if not isinstance(size, Expr) or len(size.symbols) != 1:
        return None
    symbol = size.symbols[0]
    if size is symbol.expr:
        return n
    if len(size.terms) == 1 and size.terms[0][0] is symbol:
        value, rest = divmod(n - size.const, size.terms[0][1])
        return value if rest == 0 and value > 0 else None
    return None


def _spatial_of_spec(model: Model) -> frozenset[tuple[str, int]]:
    """The fixed axes of a spec's inputs that are spatial in its layout."""
    first, channels_last = layout_of(model.program)
    return frozenset(
        (declared.name, axis)
        for declared in model.graph.inputs
        for axis in range(first, len(declared.dims or ()) - channels_last)
        if isinstance((declared.dims or ())[axis], int)
    )


def _by_input(stated: Mapping[str | None, StatedDims], model: Model) -> Mapping[str | None, StatedDims]:
    """What is stated, with the name of the only input in place of None."""
    return {model.graph.inputs[0].name if name is None else name: dims for name, dims in stated.items()}


__all__ = ["Analysis", "StatedWrong"]
