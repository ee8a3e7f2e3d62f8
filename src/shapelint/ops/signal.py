"""Fourier transforms, windows of samples, and filter banks."""

from __future__ import annotations

from shapelint.ops.call import FLOAT, Call, Dim, Shape, Tensor
from shapelint.ops.legality import illegal, match, of_rank
from shapelint.ops.registry import operator
from shapelint.size import above, any_of, at_least, equal


def _scalar(tensor: Tensor) -> Dim:
    """The only value of a tensor where it is known."""
    values = tensor.ints
    return values[0] if values is not None and len(values) == 1 else None


@operator("DFT")
def dft(call: Call) -> Tensor:
    """ONNX DFT-17/20: the transformed axis is `dft_length` long; half of it and 1 where only one side is kept.

    The inverse of a one-sided transform is real and 2*(n-1) long; the last axis is 1 for real numbers, 2 for complex.
    """
    x, length, axis_input = call.operand(0), call.input(1), call.input(2)
    if x.shape is None:
        return Tensor(x.dtype)
    rank = len(x.shape)
    if rank < 2:
        illegal(call, f"the input has {rank} axes where at least 2 are needed")
    if call.version >= 20:
        chosen: Dim = -2 if axis_input is None else _scalar(axis_input)
    else:
        chosen = call.number("axis", 1)
    one_sided, inverse = call.number("onesided", 0), call.number("inverse", 0)
    parts = 1 if one_sided and inverse else 2
    last = x.shape[-1]
    if last is not None:
        held = any_of((equal(last, 1), equal(last, 2)))
        call.require("argument", held, last, 2, axis=rank - 1, detail="real numbers or complex ones")
    if not isinstance(chosen, int):
        inner = [call.opaque(f"axis {axis}") for axis in range(rank - 1)]
        return Tensor(x.dtype, (*inner, parts))
    axis = call.axis(chosen, rank)
    size = x.shape[axis]
    if length is not None:
        samples: Dim = _scalar(length)
        if samples is None:
            samples = call.opaque("dft_length")
    elif size is None:
        samples = None
    else:
        samples = 2 * (size - 1) if one_sided and inverse else size
    if one_sided and not inverse and samples is not None:
        samples = samples // 2 + 1
    return Tensor(x.dtype, (*x.shape[:axis], samples, *x.shape[axis + 1 : -1], parts))


@operator("STFT")
def stft(call: Call) -> Tensor:
    """ONNX STFT-17: [batch, frames, bins, 2], frames = (length - frame_length) // frame_step + 1."""
    signal, step, window, length = call.operand(0), call.operand(1), call.input(2), call.input(3)
    if signal.shape is None:
        return Tensor(signal.dtype)
    if len(signal.shape) not in (2, 3):
        illegal(call, f"the signal has {len(signal.shape)} axes where 3 are needed")
    batch, samples = signal.shape[0], signal.shape[1]
    frame: Dim = None
    frame_shape = of_rank(call, window, 1, "the window")
    if length is not None:
        frame = _scalar(length)
        if frame_shape is not None:
            frame = match(call, frame, frame_shape[0], operands=(3, 2), detail="the window")
    elif window is not None:
        frame = None if frame_shape is None else frame_shape[0]
    else:
        frame = samples
    if frame is None:
        frame = call.opaque("frame_length")
    stride = _scalar(step)
    frames: Dim = None
    if samples is not None:
        call.require("window", at_least(samples, frame), samples, frame, axis=1, detail="the frame")
        frames = call.opaque("frames") if stride is None else (samples - frame) // stride + 1
    if stride is not None:
        call.require("argument", above(stride, 0), stride, 0, operands=(1, -1), detail="the step of the frames")
    bins = frame // 2 + 1 if call.number("onesided", 1) else frame
    return Tensor(signal.dtype, (batch, frames, bins, 2))


@operator("HannWindow", "HammingWindow", "BlackmanWindow")
def window_of_samples(call: Call) -> Tensor:
    """ONNX HannWindow-17 and its kind: as many numbers as its input says."""
    size = _scalar(call.operand(0))
    shape: Shape = (call.opaque("size") if size is None else size,)
    return Tensor(call.number("output_datatype", FLOAT), shape)


@operator("MelWeightMatrix")
def mel_weight_matrix(call: Call) -> Tensor:
    """ONNX MelWeightMatrix-17: [dft_length // 2 + 1, num_mel_bins]."""
    bins, length = _scalar(call.operand(0)), _scalar(call.operand(1))
    return Tensor(
        call.number("output_datatype", FLOAT),
        (
            call.opaque("bins") if length is None else length // 2 + 1,
            call.opaque("mel bins") if bins is None else bins,
        ),
    )
