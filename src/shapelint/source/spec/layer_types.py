"""Which layer the name of a type means: in the file's convention, in that of its prefix, or in every one."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from shapelint.conventions import NAMES, convention, in_every_one, prefixed
from shapelint.graph import Span
from shapelint.source.spec.binding import binds
from shapelint.source.spec.compose import SpecError

if TYPE_CHECKING:
    from shapelint.conventions import Convention, LayerType
    from shapelint.source.spec.call import Call
    from shapelint.source.spec.program import Program


@dataclass(frozen=True, slots=True)
class LayerTypes:
    """The types that a file may name."""

    program: Program
    convention: Convention

    def find(self, call: Call) -> tuple[Convention, LayerType | None]:
        """The convention and the layer that a call's name means; the name loses its prefix."""
        found = prefixed(call.name, self.convention.name)
        if found is not None:
            own, call.name = convention(found[0]), found[1]
            return own, own.find(call.name, self.program.opset) or in_every_one().find(call.name)
        layer = self.convention.find(call.name, self.program.opset)
        other = in_every_one().find(call.name)
        if layer is None or (other is not None and not binds(layer, call)):
            layer = other
        return self.convention, layer

    def takes_values(self, name: str) -> bool:
        """Whether a type is an operator, which reads numbers as small constants."""
        if name in self.program.blocks or name in self.program.types:
            return False
        found = prefixed(name, self.convention.name)
        own, bare = (convention(found[0]), found[1]) if found is not None else (self.convention, name)
        layer = own.find(bare, self.program.opset)
        return layer is not None and layer.takes_values

    def refuse(self, call: Call, own: Convention) -> None:
        """Raise SpecError for a name that is another convention's, or is likely to be misspelt."""
        name = call.name
        for each in NAMES:
            other = None if each == own.name else convention(each).find(name)
            if other is not None and other.takes_values and not (call.keywords and binds(other, call)):
                continue  # operators have everyday names: `Attention`, `Mean`
            if other is not None and name not in convention(each).keeps:
                message = f"`{name}` is a layer of {each}, and the file's convention is {self.convention.name}"
                raise call.fault(message, f"write `{each}.{name}(...)`")
        known = [*own.types, *in_every_one().types, *self.program.blocks, *self.program.types, *own.keeps]
        close = get_close_matches(name, known, 1, 0.8) or [
            each for each in known if each.lower() == name.lower().replace("_", "")
        ]
        if close:
            line, column = call.span.line, call.span.column
            span = Span(line, column, line, column + len(name))
            raise SpecError(f"`{name}` is no layer of {own.name}", span, f"did you mean `{close[0]}`?")
