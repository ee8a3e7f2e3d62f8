"""The recorded cases (../shared/cases) as native specs, and the same layers counted by hand.

`spec_of` writes a case's layers in the grammar, all axes at once; `run` carries numbers through them along one axis,
in plain Python and without a line of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from .shared import SHARED

Layer = dict[str, Any]
CHANNELS = 4


@cache
def cases() -> dict[str, dict[str, Any]]:
    """The recorded cases by the number in their file's name."""
    return {path.name[:3]: yaml.safe_load(path.read_text()) for path in sorted((SHARED / "cases").glob("*.yaml"))}


# -- as specs --------------------------------------------------------------------------------------------------------


@dataclass
class _Writer:
    axes: list[str]
    lines: list[str] = field(default_factory=list)
    expect: list[str] = field(default_factory=list)
    saved: dict[str, str] = field(default_factory=lambda: {"input": "input"})
    pools: list[tuple[tuple[str, str, str], str]] = field(default_factory=list)
    """The window of each pool that was not undone yet, and its name."""
    order: list[tuple[str, str]] = field(default_factory=list)
    """What can fail, in order: the case's id, and what a finding calls it."""
    now: str = "input"

    @property
    def rank(self) -> int:
        return len(self.axes)

    def add(self, call: str, name: str = "") -> str:
        """A line; its name becomes the current layer."""
        taken = {line.partition(":")[0] for line in self.lines}
        name = name or f"n{len(self.lines)}"
        while name in taken:
            name += "_"
        self.lines.append(f"{name}: {call}")
        self.now = name
        return name

    def on(self, call: str) -> str:
        """`call` of the current layer."""
        return f"{call}({self.now})"


def _text(value: Any) -> str:
    return "(" + ", ".join(map(str, value)) + ",)" if isinstance(value, list) else str(value)


def spec_of(layers: list[Layer], axes: list[str]) -> tuple[str, list[tuple[str, str]]]:
    """The layers as a spec, and what can fail in it: pairs of the case's id and the path or condition of ours."""
    writer = _Writer(axes)
    for layer in layers:
        _write(writer, layer)
    text = ["shapelint: 1", "inputs:", f"  input: [1, {CHANNELS}, {', '.join(axes)}]", "layers:"]
    text += [f"  - {line}" for line in writer.lines or ["Identity()"]]
    if writer.expect:
        text += ["expect:", *[f"  - {condition}" for condition in writer.expect]]
    return "\n".join(text) + "\n", writer.order


def _write(w: _Writer, layer: Layer) -> None:
    kind, rank = layer["type"], w.rank
    k, s, p, d = (_text(layer.get(key, default)) for key, default in (("k", 0), ("s", 1), ("p", 0), ("d", 1)))
    same = layer.get("padding")
    extra = layer.get("output_padding")
    if kind == "conv":
        if same in ("same", "valid"):
            w.add(w.on(f'keras.Conv{rank}D({CHANNELS}, {k}, strides={s}, padding="{same}")'))
            return
        if "p_before" in layer:
            w.add(w.on(f"Pad({_text(layer['p_before'])}, {_text(layer['p_after'])})"))
        w.add(w.on(f"Conv{rank}d({CHANNELS}, {k}, stride={s}, padding={p}, dilation={d})"))
    elif kind in ("maxpool", "avgpool"):
        w.pools.append(((k, s, p), _pool(w, layer, k, s, p)))
    elif kind == "convtranspose":
        _write_transposed(w, layer, k, s, p, d, extra)
    elif kind == "maxunpool":
        own = [place for place, (window, _) in enumerate(w.pools) if window == (k, s, p)]
        pool = f", {w.pools.pop(own[-1])[1]}" if own else ""
        size = layer.get("output_size")
        asked = "" if size is None else f", output_size={_size_of(w, size)}"
        w.add(f"MaxUnpool{rank}d({k}, {s}, {p})({w.now}{pool}{asked})")
    elif kind == "upsample":
        w.add(w.on(f"Upsample(scale_factor={layer['scale']})"))
    elif kind == "interpolate":
        w.add(w.on(f"Upsample(size={_size_of(w, layer['to'])})"))
    elif kind in ("pad", "crop"):
        w.add(w.on(f"{kind.title()}({_text(layer['before'])}, {_text(layer['after'])})"))
    elif kind in ("pixel_shuffle", "pixel_unshuffle"):
        name = "PixelShuffle" if kind == "pixel_shuffle" else "PixelUnshuffle"
        if name == "PixelShuffle":
            w.add(w.on(f"Conv{rank}d({CHANNELS * layer['r'] ** rank}, 1)"))
        w.add(w.on(f"{name}({layer['r']})"))
    elif kind == "crop_to":
        w.add(w.on(f"F.pad([{_differences(w, w.saved[layer['to']])}])"))
    elif kind == "floor_halve":
        w.add(w.on(f"Resize(size={w.now}.size // 2)"))
    elif kind == "fixed_shape":
        sizes = layer["size"] if isinstance(layer["size"], list) else [layer["size"]] * rank
        before = w.now
        baked = w.add(f"Constant([{', '.join(map(str, [1, CHANNELS, *sizes]))}])")
        name = w.add(f"Concat({before}, {baked})", layer["id"])
        w.order.append((layer["id"], name))
    elif kind == "save":
        w.saved[layer["id"]] = w.now
    elif kind == "load":
        w.now = w.saved[layer["id"]]
    elif kind in ("concat", "add"):
        _write_merge(w, layer)
    elif kind == "expect":
        name = w.add(w.on("Identity()"), layer["id"])
        wanted = f"{w.saved[layer['size_of']]}.size" if "size_of" in layer else _text(layer["size"])
        w.expect.append(f"{name}.size == {wanted}")
        w.order.append((layer["id"], name))
    else:
        raise AssertionError(f"no way to write {kind}")


def _differences(w: _Writer, to: str) -> str:
    """What is missing to the size of `to` along each axis, the last first; half of it goes before."""
    found = []
    for axis in reversed(range(w.rank)):
        missing = f"{to}.size[{axis}] - {w.now}.size[{axis}]"
        found += [f"half({missing})", f"{missing} - half({missing})"]
    return ", ".join(found)


def _size_of(w: _Writer, size: Any) -> str:
    return f"{w.saved[size]}.size" if isinstance(size, str) else _text([size] * w.rank)


def _pool(w: _Writer, layer: Layer, k: str, s: str, p: str) -> str:
    kind = {"maxpool": "Max", "avgpool": "Avg"}[layer["type"]]
    ceil = layer.get("ceil_mode", False)
    if layer.get("padding") == "same":
        long = {"Max": "MaxPooling", "Avg": "AveragePooling"}[kind]
        return w.add(w.on(f'keras.{long}{w.rank}D({k}, strides={s}, padding="same")'))
    if ceil == "onnx_naive":  # the ceil mode of Paddle, whose last window may begin behind the input
        return w.add(w.on(f"paddle.{kind}Pool{w.rank}D({k}, stride={s}, padding={p}, ceil_mode=True)"))
    return w.add(w.on(f"{kind}Pool{w.rank}d({k}, stride={s}, padding={p}, ceil_mode={ceil == 'torch'})"))


def _write_transposed(w: _Writer, layer: Layer, k: str, s: str, p: str, d: str, extra: Any) -> None:
    rank, rule = w.rank, layer.get("rule")
    given = "" if extra is None else f", output_padding={_text(extra)}"
    if rule == "jax_explicit":
        pads = "[" + ", ".join([f"({layer['p_lo']}, {layer['p_hi']})"] * rank) + "]"
        kernel, strides = _text([layer["k"]] * rank), _text([layer["s"]] * rank)
        w.add(w.on(f"jax.ConvTranspose({CHANNELS}, {kernel}, strides={strides}, padding={pads})"))
    elif rule == "onnx_same":
        attributes = f"kernel_shape={[layer['k']] * rank}, strides={[layer['s']] * rank}"
        w.add(w.on(f'onnx.ConvTranspose({attributes}, auto_pad="SAME_UPPER")'))
    elif rule == "keras" or "padding" in layer:
        same = layer["padding"]
        w.add(w.on(f'keras.Conv{rank}DTranspose({CHANNELS}, {k}, strides={s}, padding="{same}"{given})'))
    elif "p_before" in layer:
        pads = [layer["p_before"]] * rank + [layer["p_after"]] * rank
        attributes = f"kernel_shape={[layer['k']] * rank}, strides={[layer['s']] * rank}, pads={pads}"
        more = f", output_padding={[extra] * rank}"
        w.add(w.on(f"onnx.ConvTranspose({attributes}{more})"))
    else:
        w.add(w.on(f"ConvTranspose{rank}d({CHANNELS}, {k}, stride={s}, padding={p}, dilation={d}{given})"))


def _write_merge(w: _Writer, layer: Layer) -> None:
    skip, here = w.saved[layer["with"]], w.now
    crop = layer.get("crop_skip")
    if crop == "exact":
        skip = w.add(f"Crop(like={here})({skip})")
    elif crop == "floor_both":
        skip = w.add(f"Crop(half({skip}.size - {here}.size))({skip})")
    elif crop == "floor_negative_both":
        parts = [f"half({here}.size[{axis}] - {skip}.size[{axis}])" for axis in reversed(range(w.rank))]
        skip = w.add(f"F.pad([{', '.join(part for part in parts for _ in range(2))}])({skip})")
    call = {"concat": "Concat", "add": "Add"}[layer["type"]]
    name = w.add(f"{call}({here}, {skip})", layer.get("id", ""))
    if layer.get("id"):
        w.saved.setdefault(layer["id"], name)
    w.order.append((layer.get("id", ""), name))
    if layer["type"] == "concat":
        w.add(w.on(f"Conv{w.rank}d({CHANNELS}, 1)"))


# -- by hand ---------------------------------------------------------------------------------------------------------


class Fails(Exception):
    """A layer that does not fit: its id, and the two sizes."""

    def __init__(self, at: str, left: int | None = None, right: int | None = None) -> None:
        super().__init__(at)
        self.at, self.left, self.right = at, left, right


def run(layers: list[Layer], n: int, axis: int) -> int:
    """The size that leaves along one axis for `n`; raises Fails."""
    saved = {"input": n}
    pools: list[tuple[tuple[int, ...], int]] = []
    for place, layer in enumerate(layers):

        def of(key: str, default: int = 0, layer: Layer = layer) -> int:
            value = layer.get(key, default)
            return int(value[axis] if isinstance(value, list) else value)

        kind = layer["type"]
        if kind == "save":
            saved[layer["id"]] = n
        elif kind == "load":
            n = saved[layer["id"]]
        elif kind in ("maxpool", "avgpool"):
            n = _window(layer, n, of)
            pools.append(((of("k"), of("s"), of("p")), n))
        elif kind == "conv":
            n = _window(layer, n, of)
        elif kind == "convtranspose":
            n = _transposed(layer, n, of)
        elif kind == "maxunpool":
            k, s, p = of("k"), of("s"), of("p")
            own = [place for place, (window, _) in enumerate(pools) if window == (k, s, p)]
            if own and pools.pop(own[-1])[1] != n:
                raise Fails("indices")
            natural = (n - 1) * s + k - 2 * p
            asked = layer.get("output_size")
            n = natural if asked is None else (saved[asked] if isinstance(asked, str) else asked)
            if not natural - s < n < natural + s and asked is not None:
                raise Fails("output_size")
        elif kind == "upsample":
            n = int(n * layer["scale"])
        elif kind == "interpolate":
            n = saved[layer["to"]] if isinstance(layer["to"], str) else layer["to"]
        elif kind in ("pad", "crop"):
            n += (of("before") + of("after")) * (1 if kind == "pad" else -1)
        elif kind == "pixel_shuffle":
            n *= layer["r"]
        elif kind == "floor_halve":
            n //= 2
        elif kind == "fixed_shape":
            if n != of("size"):
                raise Fails(layer["id"])
        elif kind == "crop_to":
            n = saved[layer["to"]]
        elif kind in ("concat", "add"):
            n = _merged(layer, n, saved[layer["with"]])
            if "id" in layer:
                saved.setdefault(layer["id"], n)
        elif kind == "expect":
            wanted = saved[layer["size_of"]] if "size_of" in layer else of("size")
            if n != wanted:
                raise Fails(layer["id"], n, wanted)
        else:
            raise AssertionError(kind)
        if n < 1:
            raise Fails(f"layer {place} is empty")
    return n


def _window(layer: Layer, n: int, of: Any) -> int:
    k, s, d = of("k"), of("s", 1), of("d", 1)
    if layer.get("padding") == "same":
        return -(-n // s)
    half = k // 2 if layer.get("padding") == "half" else of("p")
    begin, end = of("p_before", half), of("p_after", half)
    room = n + begin + end - (d * (k - 1) + 1)
    ceil = layer.get("ceil_mode", False)
    if ceil:
        size = -(-room // s) + 1
        if ceil == "torch" and (size - 1) * s >= n + begin:
            size -= 1
        return size
    if room < 0:
        raise Fails("a window is too large")
    return int(room // s) + 1


def _transposed(layer: Layer, n: int, of: Any) -> int:
    k, s, d, rule = of("k"), of("s", 1), of("d", 1), layer.get("rule")
    full = (n - 1) * s + d * (k - 1) + 1
    if rule == "jax_explicit":
        return (n - 1) * s + 1 + layer["p_lo"] + layer["p_hi"] - k + 1
    if rule == "onnx_same":
        return n * s
    extra = of("output_padding") if layer.get("output_padding") is not None else None
    if rule == "keras" or "padding" in layer:
        if extra is None:
            return n * s + (max(k - s, 0) if layer["padding"] == "valid" else 0)
        if extra >= s:
            raise Fails("output_padding")
        return (n - 1) * s + k - 2 * (k // 2) + extra
    if extra and extra >= s and extra >= d:
        raise Fails("output_padding")
    return int(full - of("p_before", of("p")) - of("p_after", of("p")) + (extra or 0))


def _merged(layer: Layer, n: int, skip: int) -> int:
    crop = layer.get("crop_skip")
    if crop == "exact":
        if skip < n:
            raise Fails("crop")
        skip = n
    elif crop == "floor_both":
        if skip < n:
            raise Fails("crop")
        skip -= 2 * ((skip - n) // 2)
    elif crop == "floor_negative_both":
        skip += 2 * ((n - skip) // 2)
    if n != skip and (layer["type"] == "concat" or 1 not in (n, skip)):
        raise Fails(layer.get("id", ""), n, skip)
    return max(n, skip)
