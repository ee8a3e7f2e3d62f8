"""Normalizations: the shape stays, parameters have the size of what they scale."""

from __future__ import annotations

import pytest

from shapelint.size import Table

from .ops_calls import call, shaped

X = shaped(2, 6, 5, 4)


@pytest.mark.parametrize("version", [1, 6, 7, 9, 14, 15])
def test_batch_normalization_keeps_the_shape(version: int) -> None:
    parameters = [shaped(6)] * 4
    assert call("BatchNormalization", X, *parameters, version=version).shape({}) == (2, 6, 5, 4)
    wrong = call("BatchNormalization", X, shaped(6), shaped(6), shaped(5), shaped(6), version=version)
    assert wrong.shape({}) is None
    assert wrong.requirements[0].kind == "channels"
    outputs = call("BatchNormalization", X, *parameters, version=version, outputs=3).tensors
    assert [tensor.shape for tensor in outputs] == [(2, 6, 5, 4), (6,), (6,)]


def test_batch_normalization_of_one_axis_has_one_channel() -> None:
    assert call("BatchNormalization", shaped(7), *[shaped(1)] * 4).shape({}) == (7,)


def test_batch_normalization_of_pixels_before_opset_9() -> None:
    parameters = [shaped(6, 5, 4)] * 4
    assert call("BatchNormalization", X, *parameters, version=7, spatial=0).shape({}) == (2, 6, 5, 4)


def test_group_normalization_parameters_are_per_group_then_per_channel() -> None:
    def runs(channels: int, groups: int, parameter: int, version: int) -> bool:
        x, scale = shaped(2, channels, 4), shaped(parameter)
        return call("GroupNormalization", x, scale, scale, num_groups=groups, version=version).runs({})

    assert runs(6, 3, 3, 18)
    assert not runs(6, 3, 6, 18)
    assert runs(6, 3, 6, 21)
    assert not runs(6, 4, 6, 21)


def test_group_normalization_of_free_channels() -> None:
    table = Table()
    c = table.symbol("c")
    answer = call("GroupNormalization", shaped(1, c, 4), shaped(8), shaped(8), num_groups=4, table=table)
    assert [size for size in range(1, 33) if answer.runs({c.symbols[0]: size})] == [8]


@pytest.mark.parametrize(
    ("axis", "moments"), [(-1, (2, 6, 5, 1)), (2, (2, 6, 1, 1)), (0, (1, 1, 1, 1)), (-4, (1,) * 4)]
)
def test_layer_normalization_moments(axis: int, moments: tuple[int, ...]) -> None:
    assert X.shape is not None
    scale = shaped(*X.shape[axis:])
    answer = call("LayerNormalization", X, scale, scale, axis=axis, outputs=3)
    assert [tensor.shape for tensor in answer.tensors] == [X.shape, moments, moments]
    assert answer.runs({})


@pytest.mark.parametrize("op", ["LayerNormalization", "RMSNormalization"])
def test_layer_normalization_parameters_broadcast_onto_the_input(op: str) -> None:
    assert call(op, X, shaped(1)).runs({})
    assert call(op, X, shaped(5, 1)).runs({})
    assert not call(op, X, shaped(5)).runs({})
    assert not call(op, X, shaped(1, 1, 1, 1, 4)).runs({})
    assert not call(op, shaped(2, 1), shaped(4)).runs({})


def test_instance_normalization_asks_for_the_channels() -> None:
    assert call("InstanceNormalization", X, shaped(6), shaped(6)).shape({}) == X.shape
    assert call("InstanceNormalization", X, shaped(4), shaped(6)).shape({}) is None


@pytest.mark.parametrize("op", ["LRN", "LpNormalization", "MeanVarianceNormalization"])
def test_the_others_keep_the_shape(op: str) -> None:
    assert call(op, X).shape({}) == X.shape
