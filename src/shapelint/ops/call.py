"""What a shape function sees: one call of an operator, with tensors whose sizes may be expressions.

A shape function is pure: from the tensors that enter it makes the tensors that leave, and it states, by `require`,
what must hold for the node to run. It never branches on a size that is no number. It sees no graph.

Invariants: a `Tensor` never changes once made; `shape` is None where even the rank is unknown, and a dim is None where
the size is; `value` is there only if every dim is an integer, is flat and row-major, and its elements are integers,
expressions, floats, float terms, booleans, conditions or strings, or None where one element is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from shapelint.size import Condition, Expr, Held, Size, Table, separated
from shapelint.size.condition import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shapelint.graph import Attribute, Constant, Graph
    from shapelint.size.floats import FloatTerm

Dim: TypeAlias = Size | None
Shape: TypeAlias = tuple[Dim, ...]
Element: TypeAlias = "Size | float | FloatTerm | bool | Condition | str | complex | None"

MOST_ELEMENTS: Final = 4096
"""Tensors with more elements are propagated by shape only."""

# ONNX TensorProto.DataType
FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
UINT32, UINT64, COMPLEX64, COMPLEX128, BFLOAT16 = 12, 13, 14, 15, 16
INTEGERS: Final = frozenset({UINT8, INT8, UINT16, INT16, INT32, INT64, UINT32, UINT64, 21, 22})
FLOATS: Final = frozenset({FLOAT, FLOAT16, DOUBLE, BFLOAT16})


class Tensor:
    """A tensor's type, its shape and, where it is small and computed from sizes, its values."""

    __slots__ = ("dtype", "items", "shape", "value")

    def __init__(
        self,
        dtype: int | None = None,
        shape: Shape | None = None,
        value: tuple[Element, ...] | None = None,
        items: tuple[Tensor, ...] | None = None,
    ) -> None:
        self.dtype = dtype
        self.shape = shape
        self.value = value
        self.items = items
        """The tensors of a sequence of known length; () for an empty one. None for plain tensors."""

    def __repr__(self) -> str:
        return f"Tensor({self.dtype}, {self.shape}, {self.value})"

    @property
    def rank(self) -> int | None:
        """The number of axes, or None where it is unknown."""
        return None if self.shape is None else len(self.shape)

    @property
    def sizes(self) -> tuple[Size, ...] | None:
        """The shape if every dim of it is known."""
        if self.shape is None or None in self.shape:
            return None
        return self.shape  # type: ignore[return-value]

    @property
    def ints(self) -> tuple[Size, ...] | None:
        """The values if each is an integer or an expression."""
        value = self.value
        if value is None:
            return None
        for element in value:
            if not isinstance(element, int | Expr):
                return None
        return value  # type: ignore[return-value]

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """The values if each is a plain integer."""
        value = self.value
        if value is None:
            return None
        for element in value:
            if not isinstance(element, int):
                return None
        return value  # type: ignore[return-value]

    def typed(self, dtype: int | None) -> Tensor:
        """The same shape with another type and no values."""
        return Tensor(dtype, self.shape)


UNKNOWN: Final = Tensor()

RequirementKind: TypeAlias = Literal[
    "merge",  # element-wise operands: equal, or one of them 1
    "join",  # Concat and its like: equal along the other axes
    "match",  # any other pair of sizes that must be equal
    "channels",  # a tensor's channels against the weight's
    "window",  # the window fits into the padded input
    "empty",  # the result is at least 1
    "limit",  # a size within a bound: reflect padding, top-k, indices
    "divides",  # a size divides exactly
    "reshape",  # the number of elements stays
    "argument",  # a parameter is legal
    "output",  # an output is as large as a spec expects
    "expect",  # another condition that a spec expects
]


class Requirement:
    """What must hold of the sizes for one node to run: `held`, about `left` and `right` along `axis` of its output."""

    __slots__ = ("argument", "axis", "detail", "held", "kind", "left", "operands", "path", "right")

    def __init__(
        self,
        path: str,
        kind: RequirementKind,
        held: Held,
        left: Dim,
        right: Dim,
        axis: int | None,
        operands: tuple[int, int],
        detail: str,
        argument: str = "",
    ) -> None:
        self.path = path
        self.kind: RequirementKind = kind
        self.held = held
        self.left = left
        self.right = right
        self.axis = axis
        self.operands = operands
        """The positions of the inputs that `left` and `right` belong to; -1 where a side is no input's."""
        self.detail = detail
        """What the two sides are, for messages: `kernel 3 with dilation 2`."""
        self.argument = argument
        """The framework's name of the argument to blame, where one is."""

    def __repr__(self) -> str:
        return f"Requirement({self.path!r}, {self.kind!r}, {self.held}, {self.left} ~ {self.right})"


class CannotTell(Exception):
    """The shape function cannot say what the operator does here; the text is the reason."""


class Split(CannotTell):
    """A size decides how many axes a result has: what follows tells, if it runs for one of the numbers alone."""


class Call:
    """One call of an operator: its inputs (None where one is left out), attributes, and where to state requirements."""

    __slots__ = (
        "attributes",
        "inputs",
        "op",
        "outputs",
        "path",
        "requirements",
        "rule",
        "run",
        "table",
        "taken",
        "turn",
        "version",
    )

    def __init__(
        self,
        path: str,
        op: str,
        version: int,
        attributes: Mapping[str, Attribute],
        inputs: list[Tensor | None],
        outputs: int,
        table: Table,
        requirements: list[Requirement],
        run: Callable[[Graph, Sequence[Tensor | None]], list[Tensor]],
        rule: str = "onnx",
        turn: int = 0,
        taken: bool | None = None,
    ) -> None:
        self.path = path
        self.op = op
        self.version = version
        self.attributes = attributes
        self.inputs = inputs
        self.outputs = outputs
        """How many outputs the node names."""
        self.table = table
        self.requirements = requirements
        self.run = run
        """Propagates a subgraph with these inputs; its outputs."""
        self.rule = rule
        self.turn = turn
        """Tells the runs of a subgraph apart: what data decides is another size in each. 0 in the main graph."""
        self.taken = taken
        """The branch of an If that is followed because what comes after runs with no other; None where that is open."""

    # -- inputs and attributes -----------------------------------------------------------------------------------

    def input(self, place: int) -> Tensor | None:
        """The input at `place`; None where it is left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    def operand(self, place: int) -> Tensor:
        """The input at `place`, which the operator cannot do without."""
        tensor = self.inputs[place] if place < len(self.inputs) else None
        return UNKNOWN if tensor is None else tensor

    def number(self, name: str, default: int) -> int:
        """The integer attribute `name`."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, int) else default

    def text(self, name: str, default: str) -> str:
        """The string attribute `name`."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, str) else default

    def real(self, name: str, default: float) -> float:
        """The float attribute `name`."""
        value = self.attributes.get(name, default)
        return float(value) if isinstance(value, int | float) else default

    def numbers(self, name: str) -> tuple[int, ...] | None:
        """The integers of attribute `name`, or None where it is left out."""
        value: Any = self.attributes.get(name)
        return value if isinstance(value, tuple) else None

    def axis(self, axis: int, rank: int) -> int:
        """`axis` counted from the front; one outside the rank is stated as an illegal argument."""
        if not -rank <= axis < max(rank, 1):
            self.require("argument", False, axis, rank, detail=f"axis {axis} of a tensor with {rank} axes")
            raise CannotTell(f"axis {axis} of a tensor with {rank} axes")
        return axis % rank if rank else 0

    # -- statements ----------------------------------------------------------------------------------------------

    def require(
        self,
        kind: RequirementKind,
        held: Held,
        left: Dim = None,
        right: Dim = None,
        *,
        axis: int | None = None,
        operands: tuple[int, int] = (0, -1),
        detail: str = "",
        argument: str = "",
    ) -> None:
        """State that the node runs only where `held` holds; what is true by its form is dropped."""
        held = separated(held)
        parts = held.parts if isinstance(held, Condition) and held.kind is Kind.ALL else (held,)
        for part in parts:
            if part is not True:
                self.requirements.append(
                    Requirement(self.path, kind, part, left, right, axis, operands, detail, argument)
                )

    def opaque(self, what: str) -> Expr:
        """A size that only the data decides, such as the number of non-zero elements."""
        turn = f" #{self.turn}" if self.turn else ""
        return self.table.symbol(f"<{what} of {self.path}{turn}>", opaque=True)


def of_constant(constant: Constant) -> Tensor:
    """The tensor that a constant is."""
    return Tensor(constant.dtype, constant.dims, constant.values)


def count(shape: Sequence[int]) -> int:
    """The number of elements of a shape of integers."""
    total = 1
    for dim in shape:
        total *= dim
    return total


def known(shape: Shape | None) -> tuple[int, ...] | None:
    """The shape if every dim is an integer."""
    if shape is None:
        return None
    for dim in shape:
        if not isinstance(dim, int):
            return None
    return shape  # type: ignore[return-value]
