"""What a repair is called in the framework of a spec: the expression to write in the model's own code.

Only what the framework itself has; an empty text where it has no such call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.fixing.draft import Draft
    from shapelint.graph import Node


def asked(draft: Draft, up: Node, target: str) -> str:
    """The layer `up` called with the size of `target`."""
    name = up.path if up.path.isidentifier() else "up"
    if up.op == "ConvTranspose" and up.rule in ("torch", "paddle"):
        return f"{name}(x, output_size={target}.shape[2:])"
    if up.op == "MaxUnpool" and up.rule == "torch":
        return f"{name}(x, indices, output_size={target}.shape[2:])"
    convention, channels = draft.analysis.model.program.convention, up.attributes.get("out_channels")
    if up.op == "ConvTranspose" and convention == "tensorflow" and isinstance(channels, int):
        shape = f"tf.concat([tf.shape({target})[:-1], [{channels}]], 0)"
        return f"tf.nn.conv{_rank(draft)}d_transpose(..., output_shape={shape})"
    if up.op == "ConvTranspose" and convention == "theano":
        axes = ", ".join(f"{target}.shape[{axis}]" for axis in range(2, 2 + _rank(draft)))
        return f"conv{_rank(draft)}d_transpose(..., output_shape=(None, None, {axes}))"
    return resized(draft, "x", target) if up.op == "Resize" else ""


def resized(draft: Draft, source: str, target: str) -> str:
    """`source` resized to the size of `target`."""
    convention, rank = draft.analysis.model.program.convention, _rank(draft)
    axes = "[2:4]" if draft.analysis.model.program.layout == "channels_first" else "[1:3]"
    if convention in ("pytorch", "paddle"):
        return f"F.interpolate({source}, size={target}.shape[2:])"
    if convention == "keras" and rank == 2:
        return f"keras.ops.image.resize({source}, keras.ops.shape({target}){axes})"
    if convention == "tensorflow" and rank == 2 and axes == "[1:3]":
        return f"tf.image.resize({source}, tf.shape({target}){axes})"
    if convention == "jax":
        return f'jax.image.resize({source}, (*{target}.shape[:-1], {source}.shape[-1]), "bilinear")'
    return ""


def cropped(draft: Draft, source: str, splits: Sequence[tuple[int, int]]) -> str:
    """`source` with so much cut off before and after along each axis."""
    convention = draft.analysis.model.program.convention
    if convention in ("keras", "tensorflow"):
        return f"layers.Cropping{len(splits)}D({_pairs(splits)})({source})"
    slices = ", ".join(f"{before or ''}:{f'-{after}' if after else ''}" for before, after in splits)
    if convention in ("pytorch", "paddle"):
        return f"{source}[:, :, {slices}]"
    return f"{source}[:, {slices}]" if convention == "jax" else ""


def padded(draft: Draft, source: str, splits: Sequence[tuple[int, int]]) -> str:
    """`source` with so much added before and after along each axis."""
    convention = draft.analysis.model.program.convention
    if convention in ("keras", "tensorflow"):
        return f"layers.ZeroPadding{len(splits)}D({_pairs(splits)})({source})"
    if convention in ("pytorch", "paddle"):
        numbers = [each for pair in reversed(splits) for each in pair]
        return f"F.pad({source}, {numbers})"
    return f"jnp.pad({source}, {((0, 0), *splits, (0, 0))})" if convention == "jax" else ""


def _pairs(splits: Sequence[tuple[int, int]]) -> str:
    return str(splits[0]) if len(splits) == 1 else f"({', '.join(map(str, splits))})"


def _rank(draft: Draft) -> int:
    """How many spatial axes the inputs have."""
    first, channels_last = draft.analysis.facts.layout
    shapes = [tensor.shape or () for tensor in draft.analysis.inputs.tensors.values()]
    return max((len(shape) for shape in shapes), default=0) - first - channels_last
