"""The files outside the model that its tensors name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.source.onnx.sift import MESSAGES, TENSOR
from shapelint.source.onnx.wire import read_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.source.onnx.sift import Inside


def locations(data: bytes) -> list[str]:
    """The locations of external data in a well-formed ModelProto, each once."""
    return list(dict.fromkeys(_locations(data, 0, len(data), MESSAGES)))


def _locations(data: bytes, start: int, stop: int, inside: Inside) -> Iterator[str]:
    if inside is TENSOR:
        for tag, begin, end in _fields(data, start, stop):
            if tag == 0x6A:
                entry = {number: data[low:high] for number, low, high in _fields(data, begin, end)}
                if entry.get(0x0A) == b"location":
                    yield entry.get(0x12, b"").decode("utf-8", "backslashreplace")
        return
    for tag, begin, end in _fields(data, start, stop):
        inner = inside.get(tag >> 3)
        if tag & 7 == 2 and isinstance(inner, dict):
            yield from _locations(data, begin, end, inner)


def _fields(data: bytes, pos: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The tag and the bounds of every field."""
    while pos < end:
        tag, pos = read_varint(data, pos)
        stop = pos
        if tag & 7 == 2:
            length, pos = read_varint(data, pos)
            stop = pos + length
        elif tag & 7 == 0:
            _, stop = read_varint(data, pos)
        else:
            stop += 8 if tag & 7 == 1 else 4
        yield tag, pos, stop
        pos = stop
