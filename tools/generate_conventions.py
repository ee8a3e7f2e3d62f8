"""Write docs/conventions.md: the layers of each convention with their signatures.

Run it after a layer was added:  python tools/generate_conventions.py
"""

from __future__ import annotations

import inspect
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from shapelint import schema
from shapelint.conventions import NAMES, PREFIXES, convention, in_every_one
from shapelint.conventions.onnx import domain_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.conventions import Convention, LayerType

HEADER = """# Conventions

The layers that a spec may name, by the framework in whose words it is written; written by
`tools/generate_conventions.py`, not by hand. Brackets hold the framework's own parameters and defaults; what stands in
the second brackets is given at call time. `[in_channels]` may be left out. What the layer is follows.
"""


def page() -> str:
    """The text of docs/conventions.md."""
    parts = [HEADER, "## In every convention\n", *rows(in_every_one())]
    for name in NAMES:
        own = convention(name)
        parts += [f"\n## {name}\n", *introduction(own), *rows(own)]
        if own.keeps:
            parts.append("\nThese keep the shape, whatever their arguments: " + ", ".join(sorted(own.keeps)) + ".")
    return "\n".join(parts) + "\n"


def introduction(own: Convention) -> Iterator[str]:
    """What holds of the whole convention."""
    yield f"{escaped(inspect.getdoc(import_module(f'shapelint.conventions.{own.name}')) or '')}\n"
    layout = ["N"] * own.has_batch + (["*spatial", "C"] if own.channels_last else ["C", "*spatial"])
    prefixes = ", ".join(f"`{prefix}`" for prefix, name in PREFIXES.items() if name == own.name)
    yield f"Shapes are `[{', '.join(layout)}]` unless `layout:` says otherwise."
    yield f"In specs of another convention, with a prefix: {prefixes}.\n"


def rows(own: Convention) -> Iterator[str]:
    """One line for the layers that share a function, or an operator."""
    layers = [layer for layer in own.types.values() if not is_gone(layer)]
    for _, group in groupby(layers, key=lambda layer: layer.name if layer.takes_values else layer.function):
        alike = list(group)
        names = ", ".join(f"`{layer.name}`" for layer in alike)
        if alike[0].takes_values:
            yield f"- `{alike[0].name}{written(alike[0])}`"
        elif len(alike) == 1:
            yield f"- `{alike[0].name}{written(alike[0])}`: {summary(alike[0])}"
        else:
            yield f"- {names} `{written(alike[0])}`: {summary(alike[0])}"


def is_gone(layer: LayerType) -> bool:
    """Whether the newest opset no longer has the operator."""
    if not layer.takes_values:
        return False
    domain = domain_of(layer.name)
    found = schema.lookup(domain, layer.name, schema.newest(domain))
    return found is None or found.deprecated


def summary(layer: LayerType) -> str:
    """The first line of the layer's documentation."""
    return escaped((inspect.getdoc(layer.function) or "").partition("\n")[0])


def escaped(text: str) -> str:
    """The text with every `*` outside of code as it stands, not as emphasis."""
    return "`".join(part if place % 2 else part.replace("*", "\\*") for place, part in enumerate(text.split("`")))


def written(layer: LayerType) -> str:
    """The parameters as a user writes them."""
    words = []
    for parameter in layer.parameters:
        name = f"[{parameter.name}]" if parameter.name == layer.leading else parameter.name
        is_needed = parameter.default is inspect.Parameter.empty
        words.append(name if is_needed else f"{name}={parameter.default!r}")
    late = [each.name for each in layer.call_time]
    called = f"(x, {', '.join(f'{name}=' for name in late)})" if late else ""
    return f"({', '.join(words)}){called}"


if __name__ == "__main__":
    target = Path(__file__).resolve().parent.parent / "docs" / "conventions.md"
    target.write_text(page(), encoding="utf-8")
