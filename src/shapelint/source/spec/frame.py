"""What names mean at one level of a spec: in the file, or in an instance of a block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shapelint.source.spec.evaluate import FUNCTIONS

if TYPE_CHECKING:
    from shapelint.conventions.values import Layer, Value


@dataclass(slots=True)
class Frame:
    """The names of one level."""

    outer: dict[str, Value]
    """Vars, symbols and parameters that are visible."""
    layers: dict[str, Layer] = field(default_factory=dict)
    prefix: str = ""
    input: Layer | None = None
    stack: tuple[str, ...] = ()
    made: dict[str, int] = field(default_factory=dict)
    """How often each path was taken."""
    loops: dict[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value:
        """What a name means here."""
        if name in self.loops:
            return self.loops[name]
        if name in self.layers:
            return self.layers[name]
        if name == "input" and self.input is not None:
            return self.input
        return self.outer[name]

    def names(self) -> list[str]:
        """Every name that means something here."""
        return [*self.loops, *self.layers, *self.outer, *FUNCTIONS]

    def path(self, name: str) -> str:
        """A path that nothing else has: `name`, from the second on `name#2`."""
        count = self.made[name] = self.made.get(name, 0) + 1
        return self.prefix + (name if count == 1 else f"{name}#{count}")
