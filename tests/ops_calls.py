"""Calls shape functions of ONNX operators without a graph, and evaluates what they say at given sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapelint.ops import shape_function
from shapelint.ops.call import Call, CannotTell, Requirement, Tensor
from shapelint.size import Condition, Expr, Table, evaluate, holds
from shapelint.size.floats import FloatTerm

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from shapelint.size import Symbol

NEWEST = 25


@dataclass
class Answer:
    """What one call gave: its tensors, or the reason why there are none, and what it requires."""

    tensors: list[Tensor]
    requirements: list[Requirement]
    reason: str = ""

    def runs(self, sizes: Mapping[Symbol, int]) -> bool:
        """Whether every requirement holds at these sizes."""
        return all(holds(requirement.held, sizes) for requirement in self.requirements)

    def shape(self, sizes: Mapping[Symbol, int], place: int = 0) -> tuple[int | None, ...] | None:
        """The shape of one output at these sizes; None where the node does not run."""
        if not self.runs(sizes):
            return None
        shape = self.tensors[place].shape
        assert shape is not None
        return tuple([None if dim is None else evaluate(dim, sizes) for dim in shape])

    def value(self, sizes: Mapping[Symbol, int]) -> list[Any]:
        """The elements of the first output at these sizes."""
        assert self.tensors[0].value is not None
        return [at(element, sizes) for element in self.tensors[0].value]


def at(element: Any, sizes: Mapping[Symbol, int]) -> Any:
    """One element at these sizes."""
    if isinstance(element, Expr):
        return evaluate(element, sizes)
    if isinstance(element, FloatTerm):
        return element.at(sizes)
    return holds(element, sizes) if isinstance(element, Condition) else element


def call(
    op: str,
    *inputs: Tensor | None,
    version: int = NEWEST,
    outputs: int = 1,
    table: Table | None = None,
    domain: str = "",
    **attributes: Any,
) -> Answer:
    """One call of `op` at this version of ai.onnx, or of another domain."""
    requirements: list[Requirement] = []
    function = shape_function(domain, op)
    assert function is not None
    made = Call("node", op, version, attributes, list(inputs), outputs, table or Table(), requirements, lambda *_: [])
    try:
        result = function(made)
    except CannotTell as reason:
        return Answer([], requirements, str(reason))
    return Answer([result] if isinstance(result, Tensor) else result, requirements)


def ints(*numbers: Any) -> Tensor:
    """A line of int64."""
    return Tensor(7, (len(numbers),), numbers)


def scalar(number: Any, dtype: int = 7) -> Tensor:
    return Tensor(dtype, (), (number,))


def floats(*numbers: Any) -> Tensor:
    """A line of float32."""
    return Tensor(1, (len(numbers),), numbers)


def shaped(*dims: Any, dtype: int = 1) -> Tensor:
    """A tensor of which only the shape is known."""
    return Tensor(dtype, dims)


def of_array(array: np.ndarray[Any, Any]) -> Tensor:
    """An int64 array by value."""
    return Tensor(7, array.shape, tuple(array.reshape(-1).tolist()))
