"""The exact sizes that an ONNX file promises in its metadata, beside dims that can say one class only.

`fix --kind declare` writes them under `KEY`, by input and axis, as `set` stands in reports; a later run reads them back
as what the file declares of those axes, in place of what their dims say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from shapelint.axes import linear
from shapelint.size import SizeSet
from shapelint.size.parse import is_name
from shapelint.size.sequence import LIMIT, Irregular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.graph import DeclaredDim, Model

KEY: Final = "shapelint.sizes"
"""The metadata entry."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The promised sizes by input and axis; none of them where the entry is no promise about this model."""

    sizes: Mapping[tuple[str, int], SizeSet] = field(default_factory=dict)
    flaw: str = ""
    """What is wrong with the entry, in a sentence."""


class _Flawed(Exception):
    """What is wrong with the entry, in a clause."""


def promise_text(sizes: Mapping[tuple[str, int], SizeSet]) -> str:
    """The entry that promises these sizes."""
    table: dict[str, dict[str, Any]] = {}
    for (name, axis), of in sizes.items():
        table.setdefault(name, {})[str(axis)] = of.to_json()
    return json.dumps(table, separators=(",", ":"))


def promise_of(model: Model) -> Promise:
    """What the file promises."""
    text = model.metadata.get(KEY)
    if text is None:
        return Promise()
    try:
        return Promise(_read(text, {declared.name: declared.dims for declared in model.graph.inputs}))
    except _Flawed as flaw:
        return Promise(flaw=f"the metadata entry `{KEY}` is not read: {flaw}")


def _read(text: str, inputs: Mapping[str, tuple[DeclaredDim, ...] | None]) -> dict[tuple[str, int], SizeSet]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        raise _Flawed("it is no JSON") from None
    if not isinstance(table, dict) or not all(isinstance(axes, dict) for axes in table.values()):
        raise _Flawed("it is no table of inputs and their axes")
    found: dict[tuple[str, int], SizeSet] = {}
    for name, axes in table.items():
        dims = inputs.get(name)
        if name not in inputs:
            raise _Flawed(f"the model has no input `{name}`")
        for word, value in axes.items():
            place = f"axis {word} of `{name}`"
            if not word.isdecimal() or (dims is not None and int(word[:9]) >= len(dims)):
                raise _Flawed(f"`{name}` has no axis {word}")
            sizes = _set(value)
            if sizes is None:
                raise _Flawed(f"what it says of {place} is no set of sizes")
            if dims is not None:
                _compare(place, dims[int(word)], sizes)
            found[name, int(word)] = sizes
    return found


def _compare(place: str, dim: DeclaredDim, sizes: SizeSet) -> None:
    """Raise _Flawed where the dim allows sizes that are not promised: one of the two was changed since."""
    if isinstance(dim, int) and dim > 0 and dim not in sizes:
        raise _Flawed(f"{place} is declared as {dim}, which is none of the promised sizes ({sizes.text})")
    parts = linear(dim) if isinstance(dim, str) and not is_name(dim) else None
    if parts is not None:
        _, factor, offset = parts
        if not (allowed := SizeSet.of_range(factor + offset, None, factor)) <= sizes:
            left_out = next(iter(allowed - sizes))
            raise _Flawed(
                f"{place} is declared as `{dim}`, and {left_out} is none of the promised sizes ({sizes.text})"
            )


def _set(value: object) -> SizeSet | None:
    """The set that a JSON value writes; None where it writes none."""
    if not isinstance(value, dict):
        return None
    extra, residues = value.get("extra"), value.get("residues")
    start, period = value.get("start"), value.get("period")
    if not (_is_size(start, 0) and _is_size(period, 1) and isinstance(extra, list) and isinstance(residues, list)):
        return None
    end = 0
    for pair in extra:
        if not (isinstance(pair, list) and len(pair) == 2 and all(_is_size(each, 1) for each in pair)):
            return None
        if not end < pair[0] <= pair[1]:
            return None
        end = pair[1]
    if not all(_is_size(each, 0) and each < period for each in residues) or sorted(set(residues)) != residues:
        return None
    written = SizeSet(tuple([(low, high) for low, high in extra]), start if residues else 0, period, tuple(residues))
    try:
        sizes = SizeSet.of_members(written.members())
    except Irregular:
        return None
    return None if sizes.is_empty or (residues and end >= start) else sizes


def _is_size(value: object, least: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= 2 * LIMIT
