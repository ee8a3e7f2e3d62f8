"""What a layer function works with, and how it refuses a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapelint.conventions.values import Value, is_unstated, kind_of
from shapelint.graph import Node, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from shapelint.conventions.layout import Layout
    from shapelint.conventions.values import Layer


class Illegal(Exception):
    """A call that the framework refuses when it is written, at no matter which size."""

    def __init__(self, message: str, argument: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument
        """The parameter to point at; empty: the whole call."""
        self.remedy = remedy


@dataclass(slots=True)
class Build:
    """One call of a layer: what it reads, the file's layout, and the nodes that it becomes."""

    type: str
    """The layer's name as it was written, without a prefix."""
    path: str
    """What its nodes are called."""
    sources: list[Layer]
    """The layers that it reads."""
    rank: int
    """The number of spatial axes: that of the name (`Conv2d`), else that of the first source."""
    layout: Layout
    rule: str
    """The arithmetic of the convention."""
    opset: int | None
    """What the file says."""
    outputs: int
    """How many names the item gives."""
    place: Place
    """Where the call stands."""
    make: Callable[[Node, Any, int], Layer]
    """Propagates a node, which is `made_by` something; the layer of its first output, of which the item names some."""
    made: int = 0
    """How many nodes there are that do not only help."""

    @property
    def x(self) -> Layer:
        """The only source."""
        if not self.sources:
            raise Illegal(f"`{self.type}` has no source")
        return self.sources[0]

    @property
    def first(self) -> int:
        """The first spatial axis of the file's layout."""
        return self.layout.first

    @property
    def channels_last(self) -> bool:
        """Whether the channels stand behind the spatial axes."""
        return self.layout.channels_last

    @property
    def has_batch(self) -> bool:
        """Whether shapes begin with the batch."""
        return self.layout.has_batch

    def node(
        self,
        op: str,
        inputs: Sequence[Any],
        attributes: Mapping[str, Any] | None = None,
        *,
        rule: str | None = None,
        outputs: int = 1,
        made_by: Any = None,
        part: str = "",
        domain: str = "",
        version: int = 99,
    ) -> Layer:
        """Make a node, by default with the arithmetic of the convention; the layer that it gives.

        `made_by`: what a layer that undoes this one needs to know of it. `part`: the name of a node that only helps,
        such as a weight. `domain` and `version` are those of an ONNX operator.
        """
        if part:
            path = f"{self.path}/{part}"
        else:
            path = self.path if not self.made else f"{self.path}/{op}" + (f"#{self.made}" if self.made > 1 else "")
            self.made += 1
        node = Node(
            path=path,
            op=op,
            domain=domain,
            inputs=tuple([layer.value if layer is not None else "" for layer in inputs]),
            outputs=(path, *[f"{path}:{number}" for number in range(1, outputs)]),
            attributes={"layer": self.type, **(attributes or {})},
            version=version,
            rule=rule or self.rule,
            place=self.place,
        )
        return self.make(node, made_by, self.outputs)

    def same(self, x: Layer | None = None, *, keep_channels: bool = True) -> Layer:
        """A node that keeps the shape, or all of it but the number of channels."""
        x = self.x if x is None else x
        sizes = x.shape
        if not keep_channels and sizes is not None and x.channel is not None:
            sizes = (*sizes[: x.channel], None, *sizes[x.channel + 1 :])
        return self.node("Identity", [x], {"sizes": sizes}, made_by=x.made_by)

    def shaped(
        self,
        inputs: Sequence[Any],
        sizes: Sequence[Any] | None,
        requirements: Iterable[Any] = (),
        *,
        op: str = "Shaped",
        part: str = "",
        scales: tuple[Any, ...] | None = None,
    ) -> Layer:
        """A node whose result has these sizes; requirements are made by `require`. `op`: one of `layer.SHAPED`.

        `scales`, one a spatial axis: those of a resize whose export keeps them in place of its sizes.
        """
        found = None if sizes is None else tuple([None if is_unstated(size) else size for size in sizes])
        attributes: dict[str, Any] = {"sizes": found, "holds": tuple(requirements)}
        if scales is not None:
            attributes["scales"] = scales
        return self.node(op, inputs, attributes, part=part)

    def unknown(self, why: str) -> Layer:
        """A node of which nothing is known."""
        return self.node("Opaque", self.sources, {"why": why})

    def per_axis(self, value: Value, name: str, *, least: int | None = None) -> tuple[Any, ...]:
        """`value` as one number a spatial axis; None where nobody states it. `least`: smaller ones are illegal."""
        values = value if isinstance(value, tuple) else (value,) * self.rank
        if len(values) == 1 and self.rank > 1:
            values = values * self.rank
        if len(values) != self.rank:
            axes = "axis" if self.rank == 1 else "axes"
            message = f"`{name}` has {len(values)} numbers and `{self.type}` {self.rank} spatial {axes}"
            raise Illegal(message, name)
        found: list[Any] = []
        for each in values:
            if is_unstated(each):
                found.append(None)
            elif isinstance(each, bool) or not isinstance(each, int):
                raise Illegal(f"`{name}` is {kind_of(each)} where a number is needed", name)
            elif least is not None and each < least:
                raise Illegal(f"`{name}` is {each}; it is at least {least}", name)
            else:
                found.append(each)
        return tuple(found)
