"""A repair that somebody thought of: what it would change, before anything is proved about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.fixing.patch import GraphPatch, TextPatch
    from shapelint.size import SizeSet


@dataclass(frozen=True, slots=True)
class Candidate:
    """One repair, to be proved on the patched model by `menu`, or to be shown only."""

    kind: str
    """One of INTERFACE.md's: `output_padding`, `output_size`, `pad_input`, ..."""
    title: str
    """What to do, in the words of the file's framework."""
    patch: TextPatch | GraphPatch | None
    """None: display only; then `fits` says which sets the advice leads to, and nothing else is offered to do it."""
    code: str | None = None
    """The line to write, in the file's own language."""
    reason: str = ""
    """Why it is not safe, or what it costs; a clause."""
    safe: bool = False
    """What the candidate claims: no parameter changes shape, nothing is cut off or invented at a border, and the output
    is unchanged at every size that fitted before; the proof may only lower it."""
    fits: Mapping[str, SizeSet] = field(default_factory=dict)
    """Of a display entry, by axis label: sets that its maker proved. Else empty: the proof finds them."""
    order: int = 0
    """Among candidates of one kind, the smaller first."""
    widens: bool = True
    """False: the model itself stays, and what is demanded of it changes (`declare`)."""
