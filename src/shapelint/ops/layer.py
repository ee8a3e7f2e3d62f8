"""Layers of specs: windows by the arithmetic of their framework, in either layout, without weight tensors.

Attributes: `kernel`, `strides`, `dilations` and `pads` (begins, then ends) with one number a spatial axis;
`mode` where the framework computes the padding; `ceil_mode`; `output_padding` and `output_size` where given;
`first`, the first spatial axis, and `channel`, the axis of channels, as the layout has them; `out_channels`,
`in_channels`, `groups`; `scales` of a resize whose export keeps them; `holds`, what the framework demands besides.
A parameter that nobody states is None, and what depends on it is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.ops.arithmetic import AxisWindow, arithmetic_of
from shapelint.ops.call import Call, CannotTell, Dim, Shape, Tensor
from shapelint.ops.legality import illegal
from shapelint.ops.registry import LAYER, operator
from shapelint.size import divides, equal

if TYPE_CHECKING:
    from shapelint.size import Size

SHAPED = tuple(
    "Shaped Identity Resize Pad Slice Reshape Flatten Transpose DepthToSpace "
    "SpaceToDepth GlobalPool AdaptivePool Linear Unfold Fold Constant Reduce".split()
)
"""Layers whose sizes the convention works out itself."""


def _numbers(call: Call, name: str, rank: int, default: int | None) -> tuple[int | None, ...]:
    found: Any = call.attributes.get(name)
    return (default,) * rank if found is None else found


def windows_of(call: Call, rank: int) -> list[AxisWindow | None]:
    """The window along each axis; None where nobody states one of its parameters."""
    kernel = _numbers(call, "kernel", rank, None)
    strides, dilations = _numbers(call, "strides", rank, 1), _numbers(call, "dilations", rank, 1)
    pads = _numbers(call, "pads", 2 * rank, 0)
    extra: Any = call.attributes.get("output_padding")
    windows: list[AxisWindow | None] = []
    for axis in range(rank):
        k, s, d, begin, end = kernel[axis], strides[axis], dilations[axis], pads[axis], pads[rank + axis]
        more = None if extra is None else extra[axis]
        if k is None or s is None or d is None or begin is None or end is None or (extra is not None and more is None):
            windows.append(None)
            continue
        windows.append(
            AxisWindow(k, s, d, begin, end, call.text("mode", "explicit"), bool(call.number("ceil_mode", 0)), more)
        )
    return windows


def _hold(call: Call) -> None:
    """State what the convention demands of this call."""
    holds: Any = call.attributes.get("holds") or ()
    for kind, held, left, right, axis, detail, argument, operands in holds:
        call.require(kind, held, left, right, axis=axis, operands=operands, detail=detail, argument=argument)


def _slide(call: Call, method: str) -> Shape | None:
    _hold(call)
    x = call.operand(0)
    if x.shape is None:
        return None
    first = call.number("first", 2)
    rank = call.number("rank", 0)
    if len(x.shape) != first + rank + (1 if call.number("channel", 1) < 0 else 0):
        illegal(call, f"the input has {len(x.shape)} axes where {rank} spatial ones are meant")
    apply = getattr(arithmetic_of(call.rule), method)
    requested: Any = call.attributes.get("output_size")
    sizes: list[Dim] = []
    for place, window in enumerate(windows_of(call, rank)):
        n = x.shape[first + place]
        if n is None or window is None or (requested is not None and requested[place] is None):
            sizes.append(None)
        elif method in ("transpose", "unpool"):
            wanted: Size | None = None if requested is None else requested[place]
            sizes.append(apply(call, n, window, first + place, wanted))
        else:
            sizes.append(apply(call, n, window, first + place))
    return (*x.shape[:first], *sizes, *x.shape[first + rank :])


def _with_channels(call: Call, shape: Shape) -> Shape:
    """The shape with the channels that leave; states that the layer takes those that enter."""
    axis = call.number("channel", 1) % len(shape)
    have = shape[axis]
    wanted: Any = call.attributes.get("in_channels")
    leaving: Any = call.attributes.get("out_channels")
    groups = call.number("groups", 1)
    if wanted is not None and have is not None:
        call.require(
            "channels", equal(have, wanted), have, wanted, axis=axis, detail="the layer", argument="in_channels"
        )
    if groups != 1:
        for size in (have, leaving):
            if size is not None:
                detail = f"{groups} groups do not divide {size} channels"
                call.require("argument", divides(groups, size), size, groups, detail=detail, argument="groups")
    return (*shape[:axis], leaving, *shape[axis + 1 :])


@operator("Conv", domain=LAYER)
def conv(call: Call) -> Tensor:
    """A convolution."""
    shape = _slide(call, "conv")
    return Tensor(call.operand(0).dtype, None if shape is None else _with_channels(call, shape))


@operator("ConvTranspose", domain=LAYER)
def conv_transpose(call: Call) -> Tensor:
    """A transposed convolution."""
    shape = _slide(call, "transpose")
    return Tensor(call.operand(0).dtype, None if shape is None else _with_channels(call, shape))


@operator("MaxPool", "AveragePool", "LpPool", domain=LAYER)
def pool(call: Call) -> Tensor:
    """A pool."""
    return Tensor(call.operand(0).dtype, _slide(call, "pool"))


@operator("MaxUnpool", domain=LAYER)
def unpool(call: Call) -> Tensor:
    """The inverse of a max pool; the second input, where it is named, is the pool whose indices it takes."""
    taken = call.inputs[1] if len(call.inputs) > 1 else None
    have = call.operand(0).shape
    if taken is not None and taken.shape is not None and have is not None and len(taken.shape) == len(have):
        for axis, (left, right) in enumerate(zip(have, taken.shape, strict=True)):
            if left is not None and right is not None and axis != call.number("channel", 1) % len(have):
                call.require(
                    "match",
                    equal(left, right),
                    left,
                    right,
                    axis=axis,
                    operands=(0, 1),
                    detail="the indices of the pool",
                )
    return Tensor(call.operand(0).dtype, _slide(call, "unpool"))


@operator("Opaque", domain=LAYER)
def opaque(call: Call) -> Tensor:
    """A layer that nobody describes: what leaves it is unknown, and because of it where all that enters is known."""
    why = call.text("why", "")
    if why and call.inputs and all(tensor is not None and tensor.sizes is not None for tensor in call.inputs):
        raise CannotTell(why)
    return Tensor(call.operand(0).dtype)


@operator(*SHAPED, domain=LAYER)
def shaped(call: Call) -> Tensor:
    """A tensor of the sizes in `sizes`, where the requirements in `holds` hold."""
    sizes: Any = call.attributes.get("sizes")
    _hold(call)
    return Tensor(call.operand(0).dtype if call.inputs else 1, None if sizes is None else tuple(sizes))
