"""One model -> graph, shapes, facts: what engine, reports and the API all call."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shapelint.axes import Inputs, StatedWrong, bind, label, pinned, spatial_axes
from shapelint.facts import Domain, Facts
from shapelint.facts.mismatch import mismatches, stated_failures
from shapelint.propagate import Stepwise, propagate
from shapelint.settings import Stated
from shapelint.size import Table
from shapelint.source import expectations_of, layout_of, lower_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.facts.mismatch import Mismatch
    from shapelint.graph import Graph, Model
    from shapelint.propagate import Shapes
    from shapelint.settings import StatedDims
    from shapelint.size import Symbol
    from shapelint.source.spec import Expectation


class Analysis:
    """A model with its inputs bound as stated, and everything that follows."""

    def __init__(self, model: Model, stated: Stated | None = None, file: str = "") -> None:
        """Raises StatedWrong where what is stated does not suit the model."""
        self.model = model
        self.file = file
        self.stated = stated or Stated()
        self.table = Table()
        is_spec = model.program is not None
        freed = self.stated.freed
        if self.stated.free:
            freed |= spatial_axes(model.graph) if not is_spec else _spatial_of_spec(model)
        self.inputs: Inputs = bind(
            model.graph, self.table, self.stated.inputs, freed=freed, has_batch=model.has_batch, own_names=is_spec
        )
        self.graph: Graph = model.graph
        """The nodes; those of a spec are made as its sizes are propagated."""
        self.expectations: list[Expectation] = []
        self.shapes: Shapes = self._propagated()
        self._expect()
        label(self.inputs, self.graph, self.shapes)
        self.domains = self._domains()

    def _expect(self) -> None:
        """Add what is stated outside the file to what a spec expects."""
        if not self.stated.expect:
            return
        shapes = {name: tensor.shape for name, tensor in self.shapes.tensors.items()}
        names = [[each.name for each in group] for group in (self.graph.inputs, self.graph.outputs)]
        try:
            self.expectations += expectations_of(self.stated.expect, shapes, *names)
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
        return domains

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
        """The same model at these sizes, propagated with numbers."""
        free = frozenset((axis.input, axis.axis) for axis in self.inputs.axes)
        inputs = pinned(self.inputs, self.model.graph, symbols)
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
        """Facts with the spatial axes free, and the sizes at which they are those of this analysis.

        A chain of sizes is read off expressions, so a model of numbers is explained by its free counterpart.
        """
        if self.inputs.axes:
            return self.facts, {}
        free = Analysis(self.model, Stated(free=True, expect=self.stated.expect), self.file)
        at: dict[Symbol, int] = {}
        for axis in free.inputs.axes:
            tensor = self.inputs.tensors[axis.input]
            dim = tensor.shape[axis.axis] if tensor.shape is not None else None
            if isinstance(dim, int) and axis.size is axis.symbol.expr:
                at[axis.symbol] = dim
        return free.facts, at

    @cached_property
    def failures(self) -> list[Mismatch]:
        """What fails at the sizes that are stated or fixed, one entry a cause."""
        if self.inputs.axes:
            return stated_failures(self.facts)
        if self.runs is not False or self.inputs.conflicts:
            return []
        facts, at = self.explained
        found = mismatches(facts, at, "stated") if set(facts.inputs.symbols) <= at.keys() else []
        own = mismatches(self.facts, {}, "stated")
        paths = {mismatch.first.requirement.path for mismatch in found}
        if own and own[0].first.requirement.path in paths:
            return found
        return own


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
