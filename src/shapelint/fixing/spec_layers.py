"""What a layer of a spec is: its windows, how it pads, what its framework calls its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.fixing.window_arithmetic import Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.graph import Node

POOLS: Final = ("MaxPool", "AveragePool", "LpPool")
NAMES: Final = {
    "torch": ("kernel_size", "stride", "padding", "dilation"),
    "paddle": ("kernel_size", "stride", "padding", "dilation"),
    "keras": ("kernel_size", "strides", "padding", "dilation_rate"),
    "onnx": ("kernel_shape", "strides", "pads", "dilations"),
}
"""What the frameworks call kernel, stride, padding and dilation."""


def rule_of(node: Node) -> str:
    """`same` or `valid` where a word says how it pads."""
    word = node.attributes.get("mode") or node.attributes.get("auto_pad") or ""
    word = str(word).lower()
    return "same" if word.startswith("same") else word if word == "valid" else ""


def _numbers(node: Node, *names: str) -> tuple[int, ...]:
    for name in names:
        values = node.attributes.get(name)
        if isinstance(values, tuple) and all(isinstance(each, int) for each in values):
            return tuple([each for each in values if isinstance(each, int)])
    return ()


def windows_of(node: Node) -> tuple[Window, ...]:
    """The windows along the spatial axes; empty where they are not known."""
    kernel = _numbers(node, "kernel", "kernel_shape")
    if node.op not in ("Conv", "ConvTranspose", *POOLS) or not kernel or node.rule not in NAMES:
        return ()
    if node.attributes.get("output_size") is not None:
        return ()
    rank = len(kernel)
    pads = _numbers(node, "pads") or (0,) * 2 * rank
    columns = [
        kernel,
        _numbers(node, "strides") or (1,) * rank,
        _numbers(node, "dilations") or (1,) * rank,
        pads[:rank],
        pads[rank:],
        _numbers(node, "output_padding") or (0,) * rank,
    ]
    if any(len(column) != rank for column in columns):
        return ()
    ceil = bool(node.attributes.get("ceil_mode"))
    return tuple([Window(*row, ceil) for row in zip(*columns, strict=True)])  # type: ignore[call-arg]


def comes_out(node: Node, windows: Iterable[Window]) -> bool:
    """Whether a layer divides, or multiplies, exactly with these windows."""
    if rule_of(node) == "same":
        return True
    return all(each.multiplies() if node.op == "ConvTranspose" else each.divides() for each in windows)


def divides(node: Node) -> bool:
    """Whether a layer gives n / stride wherever that is a whole number."""
    windows = windows_of(node)
    return bool(windows) and node.op != "ConvTranspose" and comes_out(node, windows)


def written(values: Iterable[int], node: Node) -> str:
    """Numbers by axis as the layer takes them."""
    numbers = list(values)
    if node.rule == "onnx":
        return str(numbers)
    return str(numbers[0]) if len(set(numbers)) == 1 else f"({', '.join(map(str, numbers))})"
