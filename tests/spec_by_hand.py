"""Small specs evaluated with plain numbers, from their text and without a line of ours: which sizes fit.

Reads the lines that the tests and the repairs write: `- name: Type(args)(sources)` under `layers:` and
`- a.size == b.size` under `expect:`; PyTorch's and Keras' windows, by FORMULAS.md sections 1 to 5.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

Sizes = tuple[int, ...]


class Refuses(Exception):
    """A layer that does not run."""


@dataclass
class Line:
    """One layer: its name, its type, its arguments, its sources."""

    name: str
    type: str
    positional: list[Any]
    keywords: dict[str, Any]
    sources: list[str]


@dataclass
class Hand:
    """A spec read by hand."""

    input: str
    rank: int
    lines: list[Line]
    expect: list[tuple[str, str]] = field(default_factory=list)

    def out(self, sizes: Sizes) -> dict[str, Sizes]:
        """The sizes of every layer; raises Refuses."""
        known = {self.input: sizes}
        last = self.input
        for line in self.lines:
            sources = [known[name] for name in line.sources or [last]]
            result = run(line, sources, known)
            if min(result) < 1:
                raise Refuses(line.name)
            known[line.name] = result
            last = line.name
        return known

    def fits(self, sizes: Sizes) -> bool:
        """Whether these sizes run and satisfy what is expected."""
        try:
            known = self.out(sizes)
        except Refuses:
            return False
        return all(known[left] == known[right] for left, right in self.expect)

    def stretches(self, sizes: Sizes) -> bool:
        """Whether a one-pixel map is stretched over a larger one at these sizes, which run."""
        known = self.out(sizes)
        return any(line.type == "Add" and len({known[name] for name in line.sources}) > 1 for line in self.lines)


def read(text: str) -> Hand:
    """The spec of a text."""
    section, found = "", Hand("", 0, [])
    blocks: dict[str, tuple[str, list[str]]] = {}
    for raw in text.splitlines():
        line = raw.partition(" #")[0].rstrip()
        if not line.strip():
            continue
        if not line.startswith(" "):
            section = line.partition(":")[0]
        elif section == "inputs":
            name, _, dims = line.strip().partition(":")
            found.input, found.rank = name, len(dims.split(",")) - 2
        elif section == "blocks" and not line.strip().startswith("- "):
            name, _, parameter = line.strip().strip('":').rstrip(")").partition("(")
            blocks[name] = parameter, []
        elif section == "blocks":
            list(blocks.values())[-1][1].append(line.strip().removeprefix("- "))
        elif section == "layers":
            found.lines += _expanded(line.strip().removeprefix("- "), blocks, len(found.lines))
        elif section == "expect":
            left, _, right = line.strip().removeprefix("- ").partition(" == ")
            found.expect.append((left.removesuffix(".size"), right.removesuffix(".size")))
    return found


def _expanded(text: str, blocks: dict[str, tuple[str, list[str]]], number: int) -> list[Line]:
    """The layers of an item: those of a block, the last of which has the item's name, or itself."""
    name, _, call = text.partition(": ")
    word, _, arguments = call.rstrip(")").partition("(")
    if word not in blocks:
        return [_layer(text, number)]
    parameters, items = blocks[word]
    values: dict[str, str] = {}
    names = []
    for parameter in parameters.split(", "):
        own, _, default = parameter.partition("=")
        names.append(own)
        values[own] = default
    for own, argument in zip(names, arguments.split(", "), strict=False):
        keyword, sign, value = argument.partition("=")
        values[keyword if sign else own] = value if sign else argument
    for own, value in values.items():
        items = [re.sub(rf"\b{own}\b(?!=)", value, item) for item in items]
    lines = [_layer(item, number) for item in items]
    for line in lines:
        line.name = f"{name}/{line.name}"
    lines[-1].name = name
    return lines


def _layer(text: str, number: int) -> Line:
    name, sign, call = text.partition(": ")
    if not sign:
        name, call = f"#{number}", text
    tree = ast.parse(call, mode="eval").body
    assert isinstance(tree, ast.Call)
    sources: list[str] = []
    if isinstance(tree.func, ast.Call):
        sources = [ast.unparse(each) for each in tree.args]
        tree = tree.func
    positional = []
    for each in tree.args:
        if isinstance(each, ast.Name):
            sources.append(each.id)
        else:
            positional.append(ast.literal_eval(each))
    keywords: dict[str, Any] = {}
    for keyword in tree.keywords:
        value = keyword.value
        keywords[keyword.arg or ""] = value.id if isinstance(value, ast.Name) else ast.literal_eval(value)
    return Line(name, ast.unparse(tree.func), positional, keywords, sources)


def _per_axis(value: Any, rank: int) -> list[Any]:
    return list(value) if isinstance(value, tuple | list) else [value] * rank


def window(line: Line, rank: int) -> list[tuple[int, int, Any, int, Any]]:
    """By axis kernel, stride, padding, dilation and output padding."""
    keywords = line.keywords
    pool = "Pool" in line.type
    kernel = keywords.get("kernel_size", line.positional[0 if pool else 1] if line.positional else None)
    stride = keywords.get("stride", keywords.get("strides", kernel if pool else 1))
    values = [
        _per_axis(each, rank)
        for each in (
            kernel,
            stride,
            keywords.get("padding", 0),
            keywords.get("dilation", 1),
            keywords.get("output_padding"),
        )
    ]
    return list(zip(*values, strict=True))


def _pooled(line: Line, x: Sizes) -> Sizes:
    """ONNX's MaxPool by its rule for the pads: SAME_* divides and rounds up, VALID pads nothing."""
    get = line.keywords.get
    rule, pads = get("auto_pad", "NOTSET"), get("pads", [0] * 2 * len(x))
    result = []
    for n, k, s, before, after in zip(
        x, get("kernel_shape"), get("strides"), pads[: len(x)], pads[len(x) :], strict=True
    ):
        room = n - k + (before + after if rule == "NOTSET" else 0)
        ceil = bool(get("ceil_mode"))
        size = -(-n // s) if rule.startswith("SAME") else (-(-room // s) if ceil else room // s) + 1
        if ceil and not rule.startswith("SAME") and (size - 1) * s >= n + (before if rule == "NOTSET" else 0):
            size -= 1
        if room < 0 and not ceil and not rule.startswith("SAME"):
            raise Refuses(line.name)
        result.append(size)
    return tuple(result)


def run(line: Line, sources: list[Sizes], known: dict[str, Sizes]) -> Sizes:
    """The sizes that leave a layer; raises Refuses."""
    x, kind = sources[0], line.type
    if kind == "onnx.MaxPool":
        return _pooled(line, x)
    like = known.get(line.keywords.get("like", ""))
    if kind == "Concat":
        if len(set(sources)) != 1:
            raise Refuses(line.name)
        return x
    if kind == "Add":
        result = []
        for axis in zip(*sources, strict=True):
            if len({n for n in axis if n != 1}) > 1:
                raise Refuses(line.name)
            result.append(max(axis))
        return tuple(result)
    if kind in ("Crop", "Pad"):
        assert like is not None
        if any((wanted > n) if kind == "Crop" else (wanted < n) for wanted, n in zip(like, x, strict=True)):
            raise Refuses(line.name)
        return like
    if kind in ("Resize", "Upsample"):
        return like if like is not None else tuple(n * line.keywords["scale_factor"] for n in x)
    if kind in ("ReLU", "Identity"):
        return x
    windows = window(line, len(x))
    ceil = bool(line.keywords.get("ceil_mode", False))
    result = []
    for axis, (n, (k, s, p, d, more)) in enumerate(zip(x, windows, strict=True)):
        ke = d * (k - 1) + 1
        if "Transpose" in kind:
            natural = (n - 1) * s + ke - 2 * p
            if like is not None:
                if not natural <= like[axis] < natural + s:
                    raise Refuses(line.name)
                result.append(like[axis])
            else:
                if not (more or 0) < max(s, d):
                    raise Refuses(line.name)
                result.append(natural + (more or 0))
            continue
        room = n + 2 * p - ke
        if "Pool" in kind and (2 * p > k or (kind == "AvgPool3d" and n < k)):
            raise Refuses(line.name)
        if "Pool" in kind and ceil:
            size = -(-room // s) + 1
            if (size - 1) * s >= n + p:
                size -= 1
            result.append(size)
        else:
            if room < 0:
                raise Refuses(line.name)
            result.append(room // s + 1)
    return tuple(result)
