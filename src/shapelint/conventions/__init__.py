"""Conventions: each framework's layers with their exact signatures, and the graph nodes that a call of one becomes.

A layer is a function whose parameters are the framework's, in its order and with its defaults; keyword-only parameters
are those given at call time. It gets a `Build` to read its sources and to make nodes with, and returns the layer.
Adding a layer is one function; adding a framework is one module here and one in `shapelint.ops.arithmetic`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shapelint.conventions.build import Build, Illegal
from shapelint.conventions.layout import Layout
from shapelint.meant import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shapelint.size import Size

__all__ = [
    "NAMES",
    "PREFIXES",
    "Build",
    "Convention",
    "Illegal",
    "LayerFunction",
    "LayerType",
    "bind",
    "convention",
    "in_every_one",
    "prefixed",
    "require",
]

NAMES: Final = ("pytorch", "keras", "tensorflow", "onnx", "jax", "paddle", "caffe", "theano")

PREFIXES: Final = {
    **{f"{name}.": name for name in NAMES},
    "torch.nn.functional.": "pytorch",
    "torch.nn.": "pytorch",
    "nn.functional.": "pytorch",
    "nn.": "pytorch",
    "F.": "pytorch",
    "torch.": "pytorch",
    "tf.keras.layers.": "keras",
    "tf.keras.": "keras",
    "keras.layers.": "keras",
    "layers.": "keras",
    "tf.nn.": "tensorflow",
    "tf.image.": "tensorflow",
    "tf.": "tensorflow",
    "flax.linen.": "jax",
    "linen.": "jax",
    "lax.": "jax",
    "jax.lax.": "jax",
    "jax.image.": "jax",
    "jax.nn.": "jax",
    "jax.numpy.": "jax",
    "jnp.": "jax",
    "theano.tensor.nnet.": "theano",
    "L.": "caffe",
    "paddle.nn.functional.": "paddle",
    "paddle.nn.": "paddle",
}
"""The convention that each prefix of a layer's name means. The file's own convention is asked first: `nn.` of a jax
file is flax.linen, `nn.` of a paddle file paddle.nn."""
OWN_PREFIXES: Final = {
    "jax": ("nn.",),
    "paddle": ("nn.", "F."),
    "tensorflow": ("layers.", "tf.keras.layers.", "tf.keras.", "keras.layers."),
}


LayerFunction: TypeAlias = "Callable[..., Any]"


@dataclass(frozen=True, slots=True)
class LayerType:
    """One layer of a convention."""

    name: str
    function: LayerFunction
    rank: int | None
    """The number of spatial axes that the name fixes."""
    leading: str | None
    """The leading parameter that may be left out (`in_channels`)."""
    most_sources: int | None
    """How many sources it reads; None: any number."""
    signature: inspect.Signature
    takes_values: bool = False
    """Whether its positional arguments are inputs: layers, None, and numbers as small constants (ONNX)."""

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """The parameters that a user writes in the first brackets."""
        return [
            parameter
            for parameter in list(self.signature.parameters.values())[1:]
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
        ]

    @property
    def call_time(self) -> list[inspect.Parameter]:
        """The parameters given at call time."""
        return [each for each in self.signature.parameters.values() if each.kind is inspect.Parameter.KEYWORD_ONLY]


@dataclass(slots=True)
class Convention:
    """A framework: its layers, its layout, the prefixes under which its layers are written."""

    name: str
    rule: str
    """The arithmetic in `shapelint.ops.arithmetic`."""
    channels_last: bool
    has_batch: bool
    keeps: frozenset[str] = frozenset()
    """Layers that keep the shape: activations, normalisations, regularisers."""
    types: dict[str, LayerType] = field(default_factory=dict)

    def layer(
        self, names: str, *, leading: str | None = None, sources: int | None = 1
    ) -> Callable[[LayerFunction], LayerFunction]:
        """Register a function for these layers; a digit before a final d (`Conv2d`, `Conv2D`) fixes the rank."""

        def register(function: LayerFunction) -> LayerFunction:
            signature = inspect.signature(function)
            for name in names.split():
                if name in self.types:
                    raise ValueError(f"{self.name} has two layers called {name}")
                self.types[name] = LayerType(name, function, rank_of(name), leading, sources, signature)
            return function

        return register

    def layout(self, named: str | None) -> Layout:
        """The layout of a file that names this one (`channels_last`), or none."""
        last = self.channels_last if named is None else named == "channels_last"
        return Layout((1 if self.has_batch else 0) + (0 if last else 1), last, self.has_batch)

    def find(self, name: str, opset: int | None = None) -> LayerType | None:
        """The layer called `name`, or None; `opset`: what the file says, which matters to ONNX."""
        return self.types.get(name)


def rank_of(name: str) -> int | None:
    """The number of spatial axes in a layer's name: 2 for `Conv2d` and `Conv2DTranspose`."""
    for digit in "123":
        for letter in "dD":
            if f"{digit}{letter}" in name:
                return int(digit)
    return None


@cache
def convention(name: str) -> Convention:
    """The convention called `name`."""
    module = import_module(f"{__name__}.{name}")
    found: Convention = module.CONVENTION
    return found


@cache
def in_every_one() -> Convention:
    """The layers that mean the same in every convention; not called as its module is, which would hide it."""
    module = import_module(f"{__name__}.neutral")
    found: Convention = module.CONVENTION
    return found


def prefixed(name: str, own: str) -> tuple[str, str] | None:
    """The convention and the bare name of `keras.Conv2D`, `nn.Conv2d`; None where no prefix is known."""
    for prefix in OWN_PREFIXES.get(own, ()):
        if name.startswith(prefix):
            return own, name[len(prefix) :]
    for prefix in sorted(PREFIXES, key=len, reverse=True):
        if name.startswith(prefix):
            return PREFIXES[prefix], name[len(prefix) :]
    return None


def bind(
    layer: LayerType, positional: Sequence[Any], keywords: Mapping[str, Any], call_time: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments by parameter; raises Illegal with the framework's names.

    The leading parameter that may be left out is missing iff the arguments bind without it and do not bind with it.
    """
    parameters = layer.parameters
    if layer.leading is not None:
        try:
            values = _bound(layer, parameters, positional, keywords)
        except Illegal as error:
            rest = [parameter for parameter in parameters if parameter.name != layer.leading]
            try:
                values = {layer.leading: None, **_bound(layer, rest, positional, keywords)}
            except Illegal:
                raise error from None
    else:
        values = _bound(layer, parameters, positional, keywords)
    known = [parameter.name for parameter in layer.call_time]
    for name in call_time:
        if name not in known:
            raise Illegal(f"`{layer.name}` takes no `{name}` when it is called", name, _meant(name, known))
    return {**values, **call_time}


def _bound(
    layer: LayerType, parameters: Sequence[inspect.Parameter], positional: Sequence[Any], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    names = [each.name for each in parameters]
    if len(positional) > len(names):
        takes = f"at most {len(names)} argument{'' if len(names) == 1 else 's'}"
        raise Illegal(f"`{layer.name}` takes {takes} and gets {len(positional)}", "", _signature(layer))
    values.update(zip(names, positional, strict=False))
    for name, value in keywords.items():
        if name in values:
            raise Illegal(f"`{layer.name}` gets `{name}` twice", name)
        if name not in names:
            raise Illegal(f"`{layer.name}` has no argument `{name}`", name, _meant(name, names))
        values[name] = value
    for parameter in parameters:
        if parameter.name not in values:
            if parameter.default is inspect.Parameter.empty:
                raise Illegal(f"`{layer.name}` needs `{parameter.name}`", "", _signature(layer))
            values[parameter.name] = parameter.default
    return values


def _meant(name: str, names: Sequence[str]) -> str:
    return meant(name, names, f"it takes {', '.join(names) or 'none'}", cased=True)


def _signature(layer: LayerType) -> str:
    words = []
    for parameter in layer.parameters:
        if parameter.default is inspect.Parameter.empty:
            words.append(parameter.name)
        else:
            words.append(f"{parameter.name}={parameter.default!r}")
    return f"it is `{layer.name}({', '.join(words)})`"


def require(
    kind: str,
    held: Any,
    left: Size | None = None,
    right: Size | None = None,
    *,
    axis: int | None = None,
    detail: str = "",
    argument: str = "",
    operands: tuple[int, int] = (0, -1),
) -> tuple[Any, ...]:
    """A requirement for `Build.shaped`; `operands` are the sources whose sizes are compared."""
    return (kind, held, left, right, axis, detail, argument, operands)
