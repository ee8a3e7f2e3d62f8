"""Where the axes of a file's tensors stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shapelint.conventions.values import Layer


@dataclass(frozen=True, slots=True)
class Layout:
    """The order of axes: the batch perhaps, the channels before or after the spatial axes."""

    first: int
    """The first spatial axis."""
    channels_last: bool
    has_batch: bool
    """Whether shapes begin with the batch."""

    def layer(self, path: str, value: str, shape: tuple[Any, ...] | None, made_by: Any = None) -> Layer:
        """The layer that a value is, with its axes as the layout has them."""
        spatial: tuple[int, int] | None = None
        channel: int | None = None
        if shape is not None:
            stop = len(shape) - (1 if self.channels_last else 0)
            if stop > self.first:
                spatial = (self.first, stop)
            place = len(shape) - 1 if self.channels_last else self.first - 1
            channel = place if 0 <= place < len(shape) else None
        return Layer(path, value, shape, spatial, channel, made_by=made_by)
