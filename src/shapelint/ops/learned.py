"""Classical models of ai.onnx.ml, those whose shapes are plain."""

from __future__ import annotations

from typing import Final

from shapelint.ops.call import FLOAT, INT64, STRING, Call, CannotTell, Dim, Tensor
from shapelint.ops.legality import illegal
from shapelint.ops.registry import operator

_ML: Final = "ai.onnx.ml"


@operator("Binarizer", "Imputer", domain=_ML)
def elementwise(call: Call) -> Tensor:
    """ai.onnx.ml Binarizer-1, Imputer-1: the input's type and shape."""
    x = call.operand(0)
    return x.typed(x.dtype)


@operator("Scaler", "Normalizer", domain=_ML)
def scaler(call: Call) -> Tensor:
    """ai.onnx.ml Scaler-1, Normalizer-1: float32 of the input's shape."""
    return call.operand(0).typed(FLOAT)


@operator("LabelEncoder", domain=_ML)
def label_encoder(call: Call) -> Tensor:
    """ai.onnx.ml LabelEncoder-1/2/4: the input's shape; the type is that of the values it maps to."""
    x, attributes = call.operand(0), call.attributes
    for name, dtype in (("values_strings", STRING), ("values_int64s", INT64), ("values_floats", FLOAT)):
        if name in attributes:
            return x.typed(dtype)
    if "classes_strings" in attributes:
        return x.typed(INT64 if x.dtype == STRING else STRING)
    return x.typed(None)


@operator("ArrayFeatureExtractor", domain=_ML)
def array_feature_extractor(call: Call) -> Tensor:
    """ai.onnx.ml ArrayFeatureExtractor-1: the last axis becomes the chosen features; 1-D counts as one row."""
    x, chosen = call.operand(0), call.operand(1).shape
    if x.shape is None or chosen is None:
        return Tensor(x.dtype)
    if not x.shape:
        illegal(call, "the input is a scalar")
    size: Dim = 1
    for dim in chosen:
        size = None if size is None or dim is None else size * dim
    ahead = x.shape[:-1] if len(x.shape) > 1 else (1,)
    return Tensor(x.dtype, (*ahead, size))


@operator("OneHotEncoder", domain=_ML)
def one_hot_encoder(call: Call) -> Tensor:
    """ai.onnx.ml OneHotEncoder-1: a new last axis, one element a category."""
    categories = call.attributes.get("cats_int64s") or call.attributes.get("cats_strings")
    shape = call.operand(0).shape
    if not isinstance(categories, tuple):
        illegal(call, "no categories are named")
    return Tensor(FLOAT, None if shape is None else (*shape, len(categories)))


@operator("LinearRegressor", domain=_ML)
def linear_regressor(call: Call) -> Tensor:
    """ai.onnx.ml LinearRegressor-1: [N, targets]."""
    shape = call.operand(0).shape
    if shape is None:
        return Tensor(FLOAT)
    if len(shape) > 2:
        raise CannotTell("its input has more than two axes")
    return Tensor(FLOAT, (shape[0] if len(shape) == 2 else 1, call.number("targets", 1)))


@operator("TreeEnsembleRegressor", domain=_ML)
def tree_ensemble_regressor(call: Call) -> Tensor:
    """ai.onnx.ml TreeEnsembleRegressor-1/3/5: [N, n_targets]."""
    shape, targets = call.operand(0).shape, call.number("n_targets", 0)
    if shape is None:
        return Tensor(FLOAT)
    if len(shape) != 2 or not targets:
        raise CannotTell("its input has not two axes, or `n_targets` is not stated")
    return Tensor(FLOAT, (shape[0], targets))


@operator("TreeEnsemble", domain=_ML)
def tree_ensemble(call: Call) -> Tensor:
    """ai.onnx.ml TreeEnsemble-5: [N, n_targets] of the input's type."""
    x, targets = call.operand(0), call.number("n_targets", 1)
    if x.shape is None or len(x.shape) != 2:
        return Tensor(x.dtype)
    return Tensor(x.dtype, (x.shape[0], targets))


@operator("FeatureVectorizer", domain=_ML)
def feature_vectorizer(call: Call) -> Tensor:
    """ai.onnx.ml FeatureVectorizer-1: [N, the sum of inputdimensions]."""
    dimensions = call.numbers("inputdimensions")
    shape = call.operand(0).shape
    if not dimensions or shape is None or len(shape) != 2:
        raise CannotTell("`inputdimensions` is not stated")
    return Tensor(FLOAT, (shape[0], sum(dimensions)))
