"""The JSON Schema of spec files, for editors: the form of the file, and a snippet for every layer that is known.

The form is data (`_schema/spec.schema.json`); the snippets are written from the signatures of the conventions, so that
a layer is described in one place.
"""

from __future__ import annotations

import json
from importlib import resources
from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final

from shapelint.conventions import NAMES, convention, in_every_one

if TYPE_CHECKING:
    from shapelint.conventions import LayerType

SHOWN: Final = frozenset(
    "stride strides padding kernel_size pool_size size scale_factor output_padding like axis subsample border_mode"
    " stride_size kernel_shape pads auto_pad scale pad".split()
)
"""The parameters with a default that a snippet offers."""
SAMPLES: Final = {"kernel_shape": "[3, 3]", "strides": "[2, 2]", "pads": "[1, 1, 1, 1]", "output_padding": "[1, 1]"}
"""What stands for a list that has no default."""


def spec_schema() -> dict[str, Any]:
    """The schema as `shapelint schema spec` prints it."""
    text = resources.files("shapelint").joinpath("_schema", "spec.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    for name in NAMES:
        schema["$defs"][f"layers_{name}"] = {"defaultSnippets": _snippets(name)}
    schema["allOf"] = [_under(name) for name in NAMES]
    return schema


def _under(name: str) -> dict[str, Any]:
    """The layers of the convention `name` where a file has it; pytorch's where it names none."""
    chosen: dict[str, Any] = {"properties": {"convention": {"const": name}}}
    if name != "pytorch":
        chosen["required"] = ["convention"]
    layers = {"items": {"$ref": f"#/$defs/layers_{name}"}}
    return {"if": chosen, "then": {"properties": {"layers": layers, "blocks": {"additionalProperties": layers}}}}


def _snippets(name: str) -> list[dict[str, str]]:
    own = convention(name)
    found = [_snippet(layer, name) for layer in own.types.values()]
    others = [layer for layer in in_every_one().types.values() if layer.name not in own.types]
    found += [_snippet(layer, "every convention") for layer in others]
    found += [
        {"label": kept, "description": f"{name}: keeps the size", "body": f"{kept}()"}
        for kept in sorted(own.keeps - own.types.keys())
    ]
    return found


def _snippet(layer: LayerType, owner: str) -> dict[str, str]:
    words: list[str] = []
    for parameter in layer.parameters:
        required = parameter.default is Parameter.empty
        if parameter.name == layer.leading or not (required or parameter.name in SHOWN):
            continue
        place = f"${{{len(words) + 1}:{parameter.name if required else _default(parameter)}}}"
        words.append(place if required else f"{parameter.name}={place}")
    summary = (layer.function.__doc__ or "").partition("\n")[0]
    return {"label": layer.name, "description": f"{owner}: {summary}", "body": f"{layer.name}({', '.join(words)})"}


def _default(parameter: Parameter) -> str:
    value = parameter.default
    if value is None and parameter.name in SAMPLES:
        return SAMPLES[parameter.name]
    return f'"{value}"' if isinstance(value, str) else str(value)
