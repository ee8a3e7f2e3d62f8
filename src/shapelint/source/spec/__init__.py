"""Architecture specs: YAML text as a program, which becomes a graph once its inputs have sizes.

text --compose--> nodes with spans --read--> Program --lower--> Graph, one node at a time as sizes are propagated
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.conventions import convention
from shapelint.graph import UNSTATED, Declared, DeclaredDim, Graph, Model
from shapelint.meant import meant
from shapelint.size.expr import Table
from shapelint.size.parse import NotASize, parse_dim
from shapelint.source.errors import Flaw, Unreadable
from shapelint.source.spec.compose import Scalar, SpecError, compose, text_of
from shapelint.source.spec.expectation import Expectation
from shapelint.source.spec.lower import Lowered, lower
from shapelint.source.spec.program import Program
from shapelint.source.spec.read import read

if TYPE_CHECKING:
    from shapelint.source.spec.compose import Node

__all__ = ["Expectation", "Lowered", "Program", "invalid", "lower", "read_spec"]


def read_spec(data: bytes, file: str) -> Model:
    """The model that a spec's bytes state; raises Unreadable."""
    text = text_of(data, file)
    try:
        program = read(compose(text), text)
        graph = Graph("", (), tuple(_declared(program, name, dims) for name, dims in program.inputs), ())
        _check_domains(program, graph)
    except SpecError as error:
        raise invalid(error, file) from None
    return Model(graph, "spec", program=program, has_batch=convention(program.convention).has_batch)


def invalid(error: SpecError, file: str) -> Unreadable:
    """The error as what a source says of a file."""
    return Unreadable("invalid-spec", (Flaw(error.message, error.help, span=error.span),), file)


def _check_domains(program: Program, graph: Graph) -> None:
    """Refuse a domain of a symbol that no input has."""
    table = Table()
    for declared in graph.inputs:
        for dim in declared.dims or ():
            if isinstance(dim, str) and dim != UNSTATED:
                parse_dim(dim, table.symbol)
    names = [symbol.name for symbol in table.symbols]
    for of in program.sizes:
        if of.symbol not in names:
            listed = ", ".join(f"`{name}`" for name in names) or "none"
            remedy = meant(of.symbol, names, f"the symbols of the inputs are {listed}", cased=True)
            raise SpecError(f"no input has a dim `{of.symbol}`", of.span, remedy)


def _declared(program: Program, name: Scalar, dims: tuple[Scalar, ...]) -> Declared:
    constants = {key.text: value for key, value in program.vars}
    spans = tuple([dim.span for dim in dims])
    return Declared(name.text, 1, tuple([_dim(dim, constants) for dim in dims]), spans=spans)


def _dim(dim: Scalar, constants: dict[str, Node]) -> DeclaredDim:
    text = dim.text.strip()
    if text == "_":
        return UNSTATED
    known = constants.get(text)
    if isinstance(known, Scalar) and known.text.isdecimal():
        text = known.text
    try:
        size = parse_dim(text, Table().symbol)
    except NotASize as error:
        raise SpecError(
            f"the dim `{text}` cannot be read: {error}", dim.span, "write a number, a name or `8*h`"
        ) from None
    if isinstance(size, int):
        if not 0 < size < 2**31:
            raise SpecError(f"the dim {size} is no size", dim.span, "a size is at least 1")
        return size
    return text
