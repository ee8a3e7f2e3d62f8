"""Random encoder-decoders that fit every multiple of their strides, and the same with one thing broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True)
class Step:
    """A level: how it goes down and how it comes back."""

    down: str
    """`conv`, `max` or `avg`."""
    up: str
    """`conv` or `resize`."""
    kernel: int
    stride: int
    padding: int
    dilation: int
    ceil: bool
    up_kernel: int
    up_stride: int
    up_padding: int
    up_dilation: int
    extra: int
    join: str
    """`Concat`, `Add`, or nothing."""
    rule: str = ""
    """Of a pool down: ONNX's rule for its pads, or nothing."""


@dataclass(frozen=True)
class Net:
    """A network as numbers, which a text is written of."""

    rank: int
    steps: tuple[Step, ...]
    expects: bool
    body: int | None = None
    """The padding of the 3-wide convolution in the block that all levels share; None: they share none."""

    @property
    def factor(self) -> int:
        """The product of the strides down."""
        product = 1
        for step in self.steps:
            product *= step.stride
        return product

    def text(self, domain: str) -> str:
        """The spec, with `domain` for every axis."""
        names = {1: ["T"], 2: ["H", "W"], 3: ["D", "H", "W"]}[self.rank]
        lines = ["shapelint: 1", "inputs:", f"  x: [N, 4, {', '.join(names)}]  # a comment", "sizes:"]
        lines += [f"  {name}: {domain}" for name in names]
        body = f"Conv{self.rank}d(4, 3, padding=1)"
        if self.body is not None:
            body = "body(4)"
            own = f"Conv{self.rank}d(c, 3, padding={self.body})"
            lines += ["blocks:", '  "body(c)":', f"    - a: {own}  # shared", "    - b: ReLU()"]
        lines += ["layers:", f"  - e0: {body}"]
        for level, step in enumerate(self.steps, 1):
            window = f"{step.kernel}, stride={step.stride}, padding={step.padding}"
            if step.rule:
                ranked = f"kernel_shape={[step.kernel] * self.rank}, strides={[step.stride] * self.rank}"
                lines.append(f'  - d{level}: onnx.MaxPool({ranked}, auto_pad="{step.rule}")')
            elif step.down == "conv":
                dilation = f", dilation={step.dilation}" if step.dilation > 1 else ""
                lines.append(f"  - d{level}: Conv{self.rank}d(4, {window}{dilation})")
            else:
                name = {"max": "MaxPool", "avg": "AvgPool"}[step.down]
                ceil = ", ceil_mode=True" if step.ceil else ""
                lines.append(f"  - d{level}: {name}{self.rank}d({window}{ceil})")
            lines.append(f"  - e{level}: {body}  # level {level}")
        for level in range(len(self.steps), 0, -1):
            step = self.steps[level - 1]
            if step.up == "resize":
                lines.append(f"  - u{level}: Upsample(scale_factor={step.up_stride})")
            else:
                window = f"{step.up_kernel}, stride={step.up_stride}, padding={step.up_padding}"
                extra = f", output_padding={step.extra}" if step.extra else ""
                dilation = f", dilation={step.up_dilation}" if step.up_dilation > 1 else ""
                lines.append(f"  - u{level}: ConvTranspose{self.rank}d(4, {window}{extra}{dilation})")
            if step.join:
                lines.append(f"  - m{level}: {step.join}(u{level}, e{level - 1})")
            lines.append(f"  - c{level}: {body}")
        lines.append("  - y: ReLU()")
        if self.expects:
            lines += ["expect:", "  - y.size == x.size"]
        return "\n".join(lines) + "\n"


def healthy(random: Random) -> Net:
    """A network that fits every multiple of its factor from some size on."""
    rank = random.choice([1, 1, 2, 2, 3])
    steps = []
    skips = random.random() < 0.7
    for _ in range(random.randint(1, 3)):
        stride = random.choice([2, 2, 2, 3, 4, 5])
        down = random.choice(["conv", "conv", "max", "avg"])
        kernel = random.randint(max(1, stride - 1), 7)
        dilation = random.choice([1, 1, 1, 2]) if down == "conv" else 1
        extent = dilation * (kernel - 1) + 1
        # 2p from ke - s to ke - 1, so that multiples of s are divided exactly
        choices = list(range(max(0, -(-(extent - stride) // 2)), (extent - 1) // 2 + 1))
        if down != "conv":
            choices = [p for p in choices if 2 * p <= kernel]
        if not choices:
            kernel, extent, dilation, choices = stride, stride, 1, [0]
        padding = random.choice(choices)
        up = random.choice(["conv", "conv", "resize"])
        extra = (2 * padding - extent) % stride
        join = random.choice(["Concat", "Concat", "Add"]) if skips else ""
        steps.append(
            Step(
                down,
                up,
                kernel,
                stride,
                padding,
                dilation,
                down != "conv" and random.random() < 0.3,
                kernel,
                stride,
                padding,
                dilation,
                extra,
                join,
                random.choice(["SAME_UPPER", "SAME_LOWER"]) if down == "max" and random.random() < 0.4 else "",
            )
        )
    expects = not skips or random.random() < 0.5
    return Net(rank, tuple(steps), expects, random.choice([1, None, None]))


BREAKS = (
    "output_padding",
    "up_padding",
    "up_kernel",
    "up_stride",
    "down_padding",
    "down_kernel",
    "down_stride",
    "ceil",
    "auto_pad",
    "scale",
    "block",
)


def broken(random: Random, net: Net, kind: str) -> Net | None:
    """The network with one parameter of one level changed; None where it has none of this kind."""
    if kind == "block":
        return replace(net, body=0) if net.body is not None else None
    level = random.randrange(len(net.steps))
    step = net.steps[level]
    change: Step | None = None
    if kind == "output_padding" and step.up == "conv":
        other = [each for each in range(step.up_stride) if each != step.extra]
        change = replace(step, extra=random.choice(other))
    elif kind == "up_padding" and step.up == "conv":
        change = replace(step, up_padding=step.up_padding + random.choice([1, 1, -1] if step.up_padding else [1]))
    elif kind == "up_kernel" and step.up == "conv":
        change = replace(step, up_kernel=step.up_kernel + random.choice([1, 2]))
    elif kind == "up_stride" and step.up == "conv":
        change = replace(step, up_stride=step.up_stride + 1)
    elif kind == "down_padding" and step.down == "conv":
        change = replace(step, padding=step.padding + random.choice([1, 1, -1] if step.padding else [1]))
    elif kind == "down_kernel" and not step.rule:
        change = replace(step, kernel=step.kernel + random.choice([1, 2]))
    elif kind == "down_stride":
        change = replace(step, stride=step.stride + 1)
    elif kind == "auto_pad" and step.rule:
        change = replace(step, rule="VALID")
    elif kind == "ceil" and step.down != "conv" and not step.rule:
        change = replace(step, ceil=not step.ceil)
    elif kind == "scale" and step.up == "resize":
        change = replace(step, up_stride=step.up_stride + 1)
    if change is None:
        return None
    return replace(net, steps=(*net.steps[:level], change, *net.steps[level + 1 :]))
