"""Every operator case that onnx ships: what propagation says of its outputs is what ONNX's own evaluator recorded.

Each case is run with its declared output shapes removed: with concrete sizes, its small inputs as they are or as
constants; and with every input axis above 1 free, where the sizes that come out are evaluated at the real ones and
every requirement must hold at them.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from shapelint.ops import shape_function
from shapelint.ops.call import Tensor
from shapelint.propagate import Shapes, propagate
from shapelint.size import Expr, Symbol, Table, evaluate, holds
from shapelint.source.onnx import read_model

if TYPE_CHECKING:
    from onnx.backend.test.case.test_case import TestCase

    from shapelint.graph import Model

MOST_ELEMENTS = 64
"""Inputs of rank 0 or 1 with no more elements are made constants."""

SKIPPED_DOMAINS = {
    "ai.onnx.preview.training": "training",
    "ai.onnx.preview": "preview",
}


@dataclass
class Outcome:
    """What one way of running the cases gave."""

    checked: Counter[str] = field(default_factory=Counter)
    """Dims compared, by operator."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Outputs with something unknown, by operator."""
    wrong: list[str] = field(default_factory=list)
    undecided: Counter[str] = field(default_factory=Counter)
    """Requirements on sizes that data decides, by operator."""
    whole: int = 0
    """Cases in which everything is known."""
    cases: int = 0


@cache
def cases() -> list[TestCase]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [case for case in collect_testcases(None) if case.model is not None and case.data_sets]


def operator_of(case: TestCase) -> str:
    """The operators of a case; what is a function's body counts as one."""
    if "_expanded" in case.name:
        return "(expanded functions)"
    return "+".join(sorted({node.op_type for node in case.model.graph.node}))


def skipped(case: TestCase) -> bool:
    return any(node.domain in SKIPPED_DOMAINS for node in case.model.graph.node) or any(
        item.domain in SKIPPED_DOMAINS for item in case.model.opset_import
    )


def array_of(value: Any) -> Any:
    """A recorded value as a numpy array, a list of such, or None."""
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, onnx.SequenceProto):
        return numpy_helper.to_list(value)
    if isinstance(value, onnx.OptionalProto):
        return numpy_helper.to_optional(value)
    return np.asarray(value) if isinstance(value, np.generic) else value


@cache
def stripped(number: int, place: int, *, constants: bool) -> Model:
    """A case's model without declared output shapes; with `constants`, small inputs become initializers."""
    case = cases()[number]
    inputs = [array_of(value) for value in case.data_sets[place][0]]
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    for item in model.graph.output:
        if item.type.HasField("tensor_type"):
            item.type.tensor_type.ClearField("shape")
    for item in model.graph.input:
        for dim in item.type.tensor_type.shape.dim if item.type.HasField("tensor_type") else ():
            # Empty inputs are fed, but no file may declare them.
            if dim.HasField("dim_value") and dim.dim_value == 0:
                dim.ClearField("dim_value")
    del model.graph.value_info[:]
    if constants:
        for declared, value in zip(model.graph.input, inputs, strict=False):
            small = isinstance(value, np.ndarray) and value.ndim <= 1 and value.size <= MOST_ELEMENTS
            if small and declared.type.HasField("tensor_type"):
                tensor = numpy_helper.from_array(value, declared.name)
                tensor.data_type = declared.type.tensor_type.elem_type
                model.graph.initializer.append(tensor)
    return read_model(model.SerializeToString())


class Free:
    """Makes a symbol of every axis above 1, and remembers its real size."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.real: dict[Symbol, int] = {}

    def shape(self, name: str, shape: tuple[int, ...]) -> tuple[int | Expr, ...]:
        return tuple(self._dim(f"{name}{axis}", size) for axis, size in enumerate(shape))

    def _dim(self, name: str, size: int) -> int | Expr:
        if size <= 1:
            return size
        made = self.table.symbol(name)
        self.real[made.symbols[0]] = size
        return made


def entering(value: Any, name: str, dtype: int | None, free: Free | None) -> Tensor:
    if isinstance(value, list):
        return Tensor(
            dtype, items=tuple(entering(item, f"{name}.{place}", dtype, free) for place, item in enumerate(value))
        )
    if not hasattr(value, "shape"):
        return Tensor(dtype)
    return Tensor(dtype, value.shape if free is None else free.shape(name, value.shape))


def compare(outcome: Outcome, operator: str, label: str, tensor: Tensor, value: Any, free: Free | None) -> bool:
    """Whether all of `tensor` is known; what is known is compared with `value`."""
    if isinstance(value, list):
        if tensor.items is None:
            return False
        if len(tensor.items) != len(value):
            outcome.wrong.append(f"{label}: {len(tensor.items)} items, recorded {len(value)}")
            return True
        known = [compare(outcome, operator, label, a, b, free) for a, b in zip(tensor.items, value, strict=True)]
        return all(known)
    if not hasattr(value, "shape"):
        return True
    if tensor.shape is None:
        return False
    if len(tensor.shape) != len(value.shape):
        outcome.wrong.append(f"{label}: {tensor.shape}, recorded {value.shape}")
        return True
    whole = True
    for dim, real in zip(tensor.shape, value.shape, strict=True):
        found = dim
        if isinstance(dim, Expr):
            try:
                found = evaluate(dim, free.real if free is not None else {})
            except KeyError:
                found = None
        if found is None:
            whole = False
        elif found != real:
            outcome.wrong.append(f"{label}: {tensor.shape}, recorded {value.shape}")
        else:
            outcome.checked[operator] += 1
    if tensor.value is not None and free is None and value.dtype.kind in "iub":
        for have, real in zip(tensor.value, value.reshape(-1).tolist(), strict=True):
            if isinstance(have, bool | int) and have != real:
                outcome.wrong.append(f"{label}: value {tensor.value}, recorded {value.tolist()}")
                break
    return whole


def check_requirements(outcome: Outcome, operator: str, label: str, shapes: Shapes, free: Free | None) -> None:
    for requirement in shapes.requirements:
        try:
            held = holds(requirement.held, free.real if free is not None else {})
        except KeyError:
            outcome.undecided[operator] += 1
            continue
        if not held:
            outcome.wrong.append(f"{label}: requires {requirement} ({requirement.detail})")


def run(*, constants: bool, symbolic: bool) -> Outcome:
    outcome = Outcome()
    for number, case in enumerate(cases()):
        if skipped(case):
            continue
        operator = operator_of(case)
        types = [item.type for item in case.model.graph.output]
        for place, (given, recorded) in enumerate(case.data_sets):
            outcome.cases += 1
            inputs = [array_of(value) for value in given]
            model = stripped(number, place, constants=constants)
            table = Table()
            free = Free(table) if symbolic else None
            by_name = dict(zip([item.name for item in case.model.graph.input], inputs, strict=False))
            feeds = {
                item.name: entering(by_name.get(item.name), item.name, item.dtype, free) for item in model.graph.inputs
            }
            shapes = propagate(model.graph, feeds, table, concrete=not symbolic)
            check_requirements(outcome, operator, case.name, shapes, free)
            whole = True
            for item, kind, value in zip(model.graph.outputs, types, recorded, strict=False):
                tensor = shapes.tensors.get(item.name, Tensor())
                label = f"{case.name}: {item.name}"
                whole &= compare(outcome, operator, label, tensor, array_of(value), free)
                declared = kind.tensor_type.elem_type if kind.HasField("tensor_type") else 0
                if tensor.dtype is not None and declared and tensor.dtype != declared:
                    outcome.wrong.append(f"{label}: type {tensor.dtype}, recorded {declared}")
            if whole:
                outcome.whole += 1
            else:
                outcome.unknown[operator] += 1
    return outcome


def without_function() -> list[str]:
    """The operators of ai.onnx that have no shape function."""
    from shapelint.schema import names

    return sorted(name for name in names("") if shape_function("", name) is None)


WAYS = {
    "as it is": ({"constants": False, "symbolic": False}, 307),
    "constants": ({"constants": True, "symbolic": False}, 39),
    "free axes": ({"constants": False, "symbolic": True}, 334),
    "free axes, constants": ({"constants": True, "symbolic": True}, 71),
}
"""How the cases are run, and the most cases that may leave something unknown."""


@pytest.mark.parametrize("way", WAYS)
def test_no_case_contradicts_propagation(way: str) -> None:
    """No size, type, value or requirement differs from what is recorded; few are unknown."""
    settings, most = WAYS[way]
    outcome = run(**settings)
    lines = [
        f"{way}: {outcome.cases} cases, {outcome.whole} known, {sum(outcome.checked.values())} dims compared",
        *[f"unknown {number:4} {operator}" for operator, number in sorted(outcome.unknown.items())],
        f"requirements on what data decides: {dict(outcome.undecided)}",
        *outcome.wrong,
    ]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert not outcome.wrong
    assert sum(outcome.unknown.values()) <= most


def test_operators_without_a_shape_function() -> None:
    """Every operator of ai.onnx has a shape function, but for those that are listed."""
    assert without_function() == []
