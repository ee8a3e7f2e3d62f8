"""The recorded sizes of single layers (../shared/truth), and what is found beside them, row by row."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from shapelint.size import evaluate, holds

from .shared import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shapelint.propagate import Shapes
    from shapelint.size import Symbol

Row = dict[str, Any]

ONNX_ROWS: Final = {
    "onnx.AveragePool": 108,
    "onnx.AveragePool2D": 33,
    "onnx.Col2Im": 46,
    "onnx.Conv": 84,
    "onnx.ConvTranspose": 112,
    "onnx.DeformConv": 10,
    "onnx.DepthToSpace": 8,
    "onnx.GridSample": 6,
    "onnx.LpPool": 84,
    "onnx.MaxPool": 112,
    "onnx.MaxPool2D": 36,
    "onnx.MaxUnpool": 14,
    "onnx.Pad": 28,
    "onnx.Resize(policy)": 57,
    "onnx.Resize(scales)": 28,
    "onnx.RoiAlign": 6,
    "onnx.Slice": 84,
    "onnx.SpaceToDepth": 8,
    "onnx.Upsample": 56,
}
"""How many rows of each family of ONNX are normative."""

UNKNOWN_WHERE_FREE: Final = {"onnx.Resize(policy)": 57}
"""Rows whose size is known only where it is a number: one scale for all axes is a quotient of two sizes."""

WINDOWS: Final = frozenset(
    f"onnx.{op}" for op in ("Conv", "ConvTranspose", "MaxPool", "MaxPool2D", "AveragePool", "AveragePool2D", "LpPool")
)


def recorded(*prefixes: str) -> list[Row]:
    """The rows of the families with these prefixes."""
    lines = (SHARED / "truth" / "sizes.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["op"].startswith(prefixes)]


def family_of(row: Row) -> str:
    """The layer that a row tells of, without the runtime."""
    return str(row["op"]).partition("[")[0]


def onnx_answer(row: Row) -> Any:
    """What is normative for an operator of ONNX: a size, sizes, or "err"; None where a row is information only.

    The `spec` column where a row has one, else what onnxruntime did; of Resize with scales, what onnxruntime did. A
    window that gives no pixel is refused.
    """
    ran = row.get("out", "err") if row["op"].endswith("[ort]") else None
    answer = ran if family_of(row) == "onnx.Resize(scales)" else row.get("spec", ran)
    return "err" if answer == 0 and family_of(row) in WINDOWS else answer


def sizes_at(shapes: Shapes, value: str, at: Mapping[Symbol, int], axes: Iterable[int] | None = None) -> Any:
    """The sizes of a value along `axes` (None: along those that are known) at one input, "err", or what is unknown."""
    if not all(holds(requirement.held, at) for requirement in shapes.requirements):
        return "err"
    if shapes.unknowns:
        return f"unknown: {shapes.unknowns[0].why}"
    shape = shapes.tensors[value].shape
    if shape is None:
        return "unknown: the rank"
    dims = [dim for dim in shape if dim is not None] if axes is None else [shape[axis] for axis in axes]
    try:
        return [evaluate(dim, at) if dim is not None else None for dim in dims]
    except KeyError:
        return f"unknown: {shape}"


def compare(
    rows: Iterable[tuple[Row, Any]],
    find: Callable[[Row], Any],
    agree: Callable[[Row, Any, Any], bool],
    *,
    free: bool,
) -> Counter[str]:
    """How many rows each family has; fails where what is found is not the answer beside a row."""
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for row, answer in rows:
        family = family_of(row)
        counts[family] += 1
        found = find(row)
        if free and family in UNKNOWN_WHERE_FREE and isinstance(found, str) and found != "err":
            unknown[family] += 1
        elif not agree(row, found, answer):
            wrong.append(f"{row['op']} {row['p']} n={row['n']}: {found}, recorded {answer}")
    sys.stdout.write("\n" + "\n".join([f"rows: {dict(sorted(counts.items()))}", *wrong]) + "\n")
    assert not wrong
    assert unknown == {family: count for family, count in UNKNOWN_WHERE_FREE.items() if free and family in counts}
    return counts
