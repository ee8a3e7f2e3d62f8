"""Every form that an operator had, at every opset where it had it: ONNX's own shape inference is the oracle.

Not asked where FORMULAS finds the oracle wrong: sizes that do not divide, negative pads, results of nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, defs, helper, numpy_helper

from shapelint.ops.call import Tensor
from shapelint.propagate import propagate
from shapelint.size import Table
from shapelint.source.onnx import read_model

F, L, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
NEWEST = defs.onnx_opset_version()


def i(*numbers: int) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.int64)


def f(*numbers: float) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.float32)


X = (F, (2, 3, 4, 5))
"""An input: its type and shape. Arrays are constants, None is an input left out."""

FORMS: list[tuple[str, int, int, list[Any], int, dict[str, Any]]] = [
    ("Reshape", 5, NEWEST, [X, i(0, -1, 10)], 1, {}),
    ("Reshape", 14, NEWEST, [X, i(6, 2, -1)], 1, {"allowzero": 1}),
    ("Flatten", 1, NEWEST, [X], 1, {"axis": 2}),
    ("Flatten", 11, NEWEST, [X], 1, {"axis": -1}),
    ("Squeeze", 1, 12, [(F, (1, 3, 1, 5))], 1, {"axes": [0, 2]}),
    ("Squeeze", 1, 12, [(F, (1, 3, 1, 5))], 1, {}),
    ("Squeeze", 13, NEWEST, [(F, (1, 3, 1, 5)), i(-2, 0)], 1, {}),
    ("Unsqueeze", 1, 12, [X], 1, {"axes": [0, 3]}),
    ("Unsqueeze", 13, NEWEST, [X, i(-1, 2)], 1, {}),
    ("Transpose", 1, NEWEST, [X], 1, {"perm": [1, 3, 0, 2]}),
    ("Transpose", 1, NEWEST, [X], 1, {}),
    ("Expand", 8, NEWEST, [(F, (3, 1)), i(2, 1, 6)], 1, {}),
    ("Tile", 6, NEWEST, [X, i(1, 2, 3, 1)], 1, {}),
    ("DepthToSpace", 1, NEWEST, [(F, (1, 8, 2, 3))], 1, {"blocksize": 2}),
    ("SpaceToDepth", 1, NEWEST, [(F, (1, 8, 4, 6))], 1, {"blocksize": 2}),
    ("Slice", 1, 9, [X], 1, {"starts": [1, -3], "ends": [100, -1], "axes": [1, 3]}),
    ("Slice", 1, 9, [X], 1, {"starts": [0, 1], "ends": [1, 2]}),
    ("Slice", 10, NEWEST, [X, i(1, -1), i(100, -9), i(1, 3), i(1, -2)], 1, {}),
    ("Slice", 10, NEWEST, [X, i(1), i(2)], 1, {}),
    ("Split", 2, 12, [X], 2, {"axis": 2}),
    ("Split", 2, 12, [X], 2, {"axis": 3, "split": [1, 4]}),
    ("Split", 13, NEWEST, [X, i(1, 4)], 2, {"axis": -1}),
    ("Split", 13, 17, [X], 2, {"axis": 2}),
    ("Split", 18, NEWEST, [X], 3, {"axis": 3, "num_outputs": 3}),
    ("Concat", 1, NEWEST, [X, (F, (2, 1, 4, 5))], 1, {"axis": 1}),
    ("Concat", 11, NEWEST, [X, X, X], 1, {"axis": -1}),
    ("Gather", 1, NEWEST, [X, (L, (7, 2))], 1, {"axis": 2}),
    ("Gather", 11, NEWEST, [X, (L, ())], 1, {"axis": -1}),
    ("GatherElements", 11, NEWEST, [X, (L, (2, 3, 9, 5))], 1, {"axis": 2}),
    ("GatherND", 11, NEWEST, [X, (L, (7, 2))], 1, {}),
    ("GatherND", 12, NEWEST, [X, (L, (2, 7, 1))], 1, {"batch_dims": 1}),
    ("Scatter", 9, 10, [X, (L, (2, 3, 1, 5)), (F, (2, 3, 1, 5))], 1, {"axis": 2}),
    ("ScatterElements", 11, NEWEST, [X, (L, (2, 3, 1, 5)), (F, (2, 3, 1, 5))], 1, {"axis": 2}),
    ("ScatterND", 11, NEWEST, [X, (L, (7, 2)), (F, (7, 4, 5))], 1, {}),
    ("TopK", 1, 9, [X], 2, {"axis": 2, "k": 3}),
    ("TopK", 10, NEWEST, [X, i(3)], 2, {"axis": -1}),
    ("OneHot", 9, NEWEST, [(L, (2, 3)), np.array(7), f(0, 1)], 1, {"axis": 1}),
    ("ReverseSequence", 10, NEWEST, [X, (L, (3,))], 1, {}),
    ("Pad", 2, 10, [X], 1, {"pads": [0, 0, 1, 2, 0, 0, 3, 4]}),
    ("Pad", 11, NEWEST, [X, i(0, 0, 1, 2, 0, 0, 3, 4)], 1, {"mode": "edge"}),
    ("Pad", 18, NEWEST, [X, i(1, 2, 3, 4), None, i(3, -2)], 1, {}),
    ("CenterCropPad", 18, NEWEST, [X, i(2, 9)], 1, {"axes": [-1, 1]}),
    ("Resize", 10, 10, [X, f(1, 1, 2, 1.5)], 1, {}),
    ("Resize", 11, NEWEST, [X, f(), f(1, 1, 2, 1.5)], 1, {}),
    ("Resize", 11, 12, [X, f(), f(), i(2, 3, 8, 9)], 1, {}),
    ("Resize", 13, NEWEST, [X, None, None, i(2, 3, 8, 9)], 1, {}),
    ("Resize", 18, NEWEST, [X, None, None, i(8, 20)], 1, {"axes": [2, 3], "keep_aspect_ratio_policy": "not_larger"}),
    ("Upsample", 7, 8, [X], 1, {"scales": [1.0, 1.0, 2.0, 1.5]}),
    ("Upsample", 9, 9, [X, f(1, 1, 2, 1.5)], 1, {}),
    ("GridSample", 16, NEWEST, [X, (F, (2, 7, 8, 2))], 1, {}),
    ("AffineGrid", 20, NEWEST, [(F, (2, 2, 3)), i(2, 3, 4, 5)], 1, {}),
    ("ConstantOfShape", 9, NEWEST, [i(2, 3)], 1, {}),
    ("Shape", 1, NEWEST, [X], 1, {}),
    ("Shape", 15, NEWEST, [X], 1, {"start": 1, "end": -1}),
    ("Size", 1, NEWEST, [X], 1, {}),
    ("Range", 11, NEWEST, [np.array(1), np.array(10), np.array(4)], 1, {}),
    ("EyeLike", 9, NEWEST, [(F, (3, 4))], 1, {"dtype": L}),
    ("RandomNormal", 1, NEWEST, [], 1, {"shape": [2, 3]}),
    ("RandomUniformLike", 1, NEWEST, [X], 1, {"dtype": TensorProto.DOUBLE}),
    ("Multinomial", 7, NEWEST, [(F, (3, 4))], 1, {"sample_size": 5}),
    ("Bernoulli", 15, NEWEST, [X], 1, {"dtype": B}),
    ("Trilu", 14, NEWEST, [X], 1, {}),
    ("Compress", 9, NEWEST, [X, (B, (3,))], 1, {"axis": 1}),
    ("NonZero", 9, NEWEST, [X], 1, {}),
    ("Unique", 11, NEWEST, [X], 4, {"axis": 1}),
    ("Cast", 6, NEWEST, [X], 1, {"to": L}),
    ("CastLike", 15, NEWEST, [X, (L, (1,))], 1, {}),
    ("Dropout", 7, NEWEST, [X], 2, {}),
    ("Clip", 6, 10, [X], 1, {"min": 0.0, "max": 6.0}),
    ("Clip", 11, NEWEST, [X, np.array(0, np.float32), None], 1, {}),
    ("CumSum", 11, NEWEST, [X, np.array(1)], 1, {}),
    ("PRelu", 7, NEWEST, [X, (F, (3, 1, 1))], 1, {}),
    ("Where", 9, NEWEST, [(B, (4, 1)), X, (F, (5,))], 1, {}),
    ("IsNaN", 9, NEWEST, [X], 1, {}),
    *[(op, 7, NEWEST, [X, (F, (3, 1, 1))], 1, {}) for op in ("Add", "Sub", "Mul", "Div", "Pow", "Less", "Greater")],
    *[(op, 8, NEWEST, [X, (F, (1, 5)), (F, ())], 1, {}) for op in ("Max", "Min", "Sum", "Mean")],
    *[(op, 7, NEWEST, [(B, (2, 3)), (B, (3,))], 1, {}) for op in ("And", "Or", "Xor")],
    *[(op, 6, NEWEST, [X], 1, {}) for op in ("Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Floor", "Elu", "Selu")],
    *[(op, 1, NEWEST, [X], 1, {"axis": 1}) for op in ("Softmax", "LogSoftmax", "Hardmax")],
]


def model_of(op: str, opset: int, inputs: list[Any], outputs: int, attributes: dict[str, Any]) -> onnx.ModelProto:
    names, declared, constants = [], [], []
    for place, given in enumerate(inputs):
        name = "" if given is None else f"x{place}"
        names.append(name)
        if isinstance(given, tuple):
            declared.append(helper.make_tensor_value_info(name, *given))
        elif given is not None:
            constants.append(numpy_helper.from_array(given, name))
    results = [f"y{place}" for place in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    graph = helper.make_graph(
        [node], "g", declared, [helper.make_empty_tensor_value_info(name) for name in results], constants
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form[0]}-{form[1]}")
def test_every_version_agrees_with_shape_inference(form: tuple[str, int, int, list[Any], int, dict[str, Any]]) -> None:
    op, since, until, inputs, outputs, attributes = form
    for opset in range(since, until + 1):
        proto = model_of(op, opset, inputs, outputs, attributes)
        inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
        model = read_model(proto)
        feeds = {
            item.name: Tensor(item.dtype, tuple([dim for dim in item.dims or () if isinstance(dim, int)]))
            for item in model.graph.inputs
        }
        shapes = propagate(model.graph, feeds, Table(), concrete=True)
        assert not shapes.unknowns
        assert not shapes.requirements
        for value in inferred.graph.output:
            found, expected = shapes.tensors[value.name], value.type.tensor_type
            assert expected.elem_type in (found.dtype, 0), (opset, value.name)
            assert found.shape is not None
            if not expected.HasField("shape"):
                continue
            dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in expected.shape.dim]
            assert len(dims) == len(found.shape)
            for have, wanted in zip(found.shape, dims, strict=True):
                assert wanted is None or have == wanted, (opset, found.shape, dims)
