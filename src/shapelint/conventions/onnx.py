"""ONNX: every operator of `shapelint.schema` with its attributes, meaning what it means in the file's `opset`.

Positional arguments are inputs: a layer, `None` for one that is left out, numbers as a small constant tensor. Weights
may be left out: `channels=` (Conv, ConvTranspose) and `features=` (Gemm, MatMul) say what a weight would, and those of
normalisations follow from the input; nodes without values stand for them, so that ONNX's own shape functions run.
In a file of another layout, windowed operators see their input as [N, C, *spatial].
"""

from __future__ import annotations

import inspect
from array import array
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from shapelint import schema
from shapelint.conventions import Convention, Illegal, LayerType
from shapelint.conventions.values import is_unstated
from shapelint.graph import Constant
from shapelint.size import Expr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapelint.conventions import Build
    from shapelint.schema import OpSchema

FLOAT, INT64, STRING, BOOL = 1, 7, 8, 9
DTYPES: Final = {
    "float32": 1, "float": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "string": 8,
    "bool": 9, "float16": 10, "float64": 11, "double": 11, "uint32": 12, "uint64": 13, "bfloat16": 16,
}  # fmt: skip
"""What `Constant(dtype=)` takes; a number is that of `TensorProto.DataType`."""
EXTRA: Final = {"Conv": "channels", "ConvTranspose": "channels", "Gemm": "features", "MatMul": "features"}
"""The keyword that stands for a weight."""
FLOATS: Final = frozenset({("Resize", 1), ("Resize", 2), ("Upsample", 1)})
"""Inputs whose numbers are floats, however they are written: regions and scales."""
WINDOWED: Final = frozenset(
    """
    Conv ConvTranspose MaxPool AveragePool LpPool MaxUnpool GlobalAveragePool GlobalMaxPool GlobalLpPool
    BatchNormalization InstanceNormalization GroupNormalization LRN DepthToSpace SpaceToDepth
    """.split()
)
"""Operators that see their input as [N, C, *spatial] whatever the file's layout."""


@dataclass(slots=True)
class Operators(Convention):
    """ONNX, whose layers are the operators of an opset."""

    def find(self, name: str, opset: int | None = None) -> LayerType | None:
        """The operator in `opset`, the newest by default; one that it lacks is refused when it is applied."""
        found = self.types.get(name)
        return found if found is None or not found.takes_values else operator_type(name, opset)


CONVENTION = Operators("onnx", "plain", channels_last=False, has_batch=True)


def domain_of(name: str) -> str:
    """The domain that has the operator."""
    return next(domain for domain in schema.domains() if name in schema.names(domain))


def version_of(domain: str, opset: int | None) -> int:
    """The version in force: the file's opset is that of ai.onnx."""
    return opset if opset is not None and not domain else schema.newest(domain)


@cache
def operator_type(name: str, opset: int | None) -> LayerType:
    """An operator as a layer: its attributes are the parameters, those required first."""
    domain = domain_of(name)
    version = version_of(domain, opset)
    found = schema.lookup(domain, name, version)
    parameters = [inspect.Parameter("b", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    if found is not None:
        said = {key: each for key, each in found.attributes.items() if each.type not in ("GRAPH", "GRAPHS")}
        for key, each in sorted(said.items(), key=lambda item: not item[1].required):
            default = inspect.Parameter.empty if each.required else each.default
            parameters.append(inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default))
    if name in EXTRA:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(inspect.Parameter(EXTRA[name], kind, default=None))
    most = None if found is None or found.max_inputs == schema.UNBOUNDED else found.max_inputs
    function = partial(applied, name, domain, version)
    return LayerType(name, function, None, None, most, inspect.Signature(parameters), takes_values=True)


def applied(name: str, domain: str, version: int, b: Build, **given: Any) -> Any:
    """The operator applied to the sources of `b`; what it makes of an attribute that nobody states is unknown."""
    of = schema.lookup(domain, name, version)
    if of is None:
        first = next(each for each in range(1, 1000) if schema.lookup(domain, name, each) is not None)
        raise Illegal(
            f"`{name}` is no operator of opset {version}", "", f"it came with opset {first}: write `opset: {first}`"
        )
    if of.deprecated:
        raise Illegal(f"`{name}` is deprecated in opset {version}", "", "write an older `opset`, or another operator")
    if any(each.type in ("GRAPH", "GRAPHS") for each in of.attributes.values()):
        raise Illegal(f"`{name}` holds graphs, which a spec cannot say", "", "describe it by a type in `types:`")
    inputs = list(b.sources)
    b.sources[:] = [each for each in inputs if hasattr(each, "shape")]
    if any(is_unstated(value) for value in given.values()):
        return b.unknown("an attribute is not stated")
    size = given.pop(EXTRA[name], None) if name in EXTRA else None
    if size is not None and (isinstance(size, bool) or not isinstance(size, int | Expr)):
        raise Illegal(f"`{EXTRA[name]}` is no number", EXTRA[name])
    attributes = {
        key: attribute(name, key, of.attributes[key].type, value)
        for key, value in given.items()
        if value is not None and value != of.attributes[key].default
    }
    operands: list[Any] = [operand(b, name, each, place) for place, each in enumerate(inputs)]
    is_arranged = name in WINDOWED and (b.channels_last or not b.has_batch)
    if is_arranged:
        for place in range(2 if name == "MaxUnpool" else 1):
            if place < len(operands) and operands[place] is not None:
                operands[place] = arranged(b, operands[place])
    weights = weighted(b, name, operands, attributes, size, version)
    operands += [weight(b, dims, letter) for letter, dims in zip("WBMV", weights, strict=False)]
    counted(of, operands)
    if b.outputs > of.max_outputs:
        raise Illegal(f"`{name}` has {of.max_outputs} outputs and {b.outputs} names stand before it")
    outputs = max(b.outputs, of.min_outputs)
    result = b.node(name, operands, attributes, rule="onnx", outputs=outputs, domain=domain, version=version)
    return restored(b, result) if is_arranged else result


def counted(of: OpSchema, operands: Sequence[Any]) -> None:
    """Refuse a number of inputs that the operator does not take, and one left out that it needs."""
    least, most = of.min_inputs, of.max_inputs
    if not least <= len(operands) <= most:
        takes = (
            f"{least}" if least == most else f"at least {least}" if most == schema.UNBOUNDED else f"{least} to {most}"
        )
        remedy = f"or write `{EXTRA[of.name]}=`" if of.name in EXTRA and len(operands) < least else ""
        raise Illegal(f"`{of.name}` takes {takes} inputs and gets {len(operands)}", "", remedy)
    for place, each in enumerate(operands[:least]):
        if each is None and place not in of.optional_inputs:
            raise Illegal(f"`{of.name}` cannot do without input {place}", f"#{place}")


# -- constants -------------------------------------------------------------------------------------------------------


def operand(b: Build, name: str, value: Any, place: int) -> Any:
    """An input: a layer as it is, None, or numbers as a constant."""
    if value is None or hasattr(value, "shape"):
        return value
    if is_unstated(value):
        return b.node("Opaque", [], {"why": "it is not stated"}, part=f"input{place}")
    held = tensor(value, FLOAT if (name, place) in FLOATS else None, f"#{place}")
    return b.node("Constant", [], {"value": held}, rule="onnx", part=f"input{place}", version=schema.newest(""))


def tensor(value: Any, dtype: int | None = None, argument: str = "value") -> Constant:
    """Numbers, perhaps in nested lists, as a tensor; integers are int64, fractions float32."""
    dims: list[int] = []
    flat: tuple[Any, ...] = (value,)
    while any(isinstance(each, tuple) for each in flat):
        lengths = {len(each) if isinstance(each, tuple) else -1 for each in flat}
        if len(lengths) != 1:
            raise Illegal("a tensor has rows of different lengths", argument)
        dims.append(lengths.pop())
        flat = tuple([inner for each in flat for inner in each])
    kind = dtype
    for kinds, found in ((bool, BOOL), (int | Expr, INT64), (int | float | Expr, FLOAT), (str, STRING)):
        if kind is None and all(is_unstated(each) or isinstance(each, kinds) for each in flat):
            kind = found
    if kind is None:
        raise Illegal("a tensor holds what is neither a number nor text", argument, "write for example `[1, 2]`")
    return Constant(kind, tuple(dims), tuple([element(each, kind) for each in flat]))


def element(value: Any, dtype: int) -> Any:
    """An element as a runtime stores it; None where it is not known."""
    if is_unstated(value):
        return None
    if dtype in (FLOAT, 10, 11, 16):
        if not isinstance(value, int | float):
            return None
        return array("f", (value,))[0] if dtype == FLOAT else float(value)
    return bool(value) if dtype == BOOL and isinstance(value, int) else value


@CONVENTION.layer("Constant", sources=0)
def constant(
    b: Build,
    value: Any = None,
    dtype: Any = None,
    shape: Any = None,
    value_int: Any = None,
    value_ints: Any = None,
    value_float: Any = None,
    value_floats: Any = None,
    value_string: Any = None,
    value_strings: Any = None,
) -> Any:
    """ONNX Constant: `Constant([1, 2])` is a small tensor; `Constant(shape=[64, 3])` has dims and no values."""
    kind = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if dtype is not None and (isinstance(kind, bool) or not isinstance(kind, int)):
        raise Illegal(f"`dtype` is {dtype!r}", "dtype", f"{', '.join(DTYPES)} are known")
    typed = ((value, kind), (value_int, INT64), (value_ints, INT64), (value_float, FLOAT), (value_floats, FLOAT))
    given = [each for each in (*typed, (value_string, STRING), (value_strings, STRING)) if each[0] is not None]
    if len(given) > 1:
        raise Illegal("`Constant` takes one value")
    if not given:
        if shape is None:
            raise Illegal("`Constant` needs `value` or `shape`", "", "write for example `Constant([1, 2])`")
        dims = shape if isinstance(shape, tuple) else (shape,)
        if any(is_unstated(dim) for dim in dims):
            return b.shaped([], dims, op="Constant")
        if not _are_sizes(dims) or any(isinstance(dim, int) and dim < 0 for dim in dims):
            raise Illegal("`shape` holds what is no size", "shape")
        if not all(isinstance(dim, int) for dim in dims):
            return b.shaped([], dims, op="Constant")
        held = Constant(kind or FLOAT, dims)
        return b.node("Constant", [], {"value": held}, rule="onnx", version=version_of("", b.opset))
    held = tensor(*given[0])
    if shape is not None:
        held = filled(held, shape if isinstance(shape, tuple) else (shape,))
    return b.node("Constant", [], {"value": held}, rule="onnx", version=version_of("", b.opset))


def filled(held: Constant, dims: tuple[Any, ...]) -> Constant:
    """The values in another shape; one value fills it."""
    if any(isinstance(dim, bool) or not isinstance(dim, int) or dim < 0 for dim in dims):
        raise Illegal("`shape` holds what is no size", "shape")
    count = 1
    for dim in dims:
        count *= dim
    values = held.values or ()
    if len(values) == 1:
        return Constant(held.dtype, dims, values * count if count <= 4096 else None)
    if len(values) != count:
        raise Illegal(f"`shape` has {count} elements and `value` {len(values)}", "shape")
    return Constant(held.dtype, dims, values)


# -- attributes ------------------------------------------------------------------------------------------------------


def attribute(op: str, name: str, kind: str, value: Any) -> Any:
    """An attribute as a file holds it; raises Illegal for one of another kind."""
    values = value if isinstance(value, tuple) else (value,)
    is_whole = all(isinstance(each, int) for each in values)
    is_number = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
    is_text = all(isinstance(each, str) for each in values)
    is_list = isinstance(value, tuple)
    if kind == "TENSOR":
        return tensor(value, None, name)
    if kind == "INT" and is_whole and not is_list:
        return int(value)
    if kind == "FLOAT" and is_number and not is_list:
        return float(value)
    if kind == "STRING" and is_text and not is_list:
        return value
    if kind == "INTS" and is_list and (is_whole or (name == "output_shape" and _are_sizes(values))):
        return value
    if kind == "FLOATS" and is_list and is_number:
        return tuple([array("f", (each,))[0] for each in values])
    if kind == "STRINGS" and is_list and is_text:
        return value
    wanted = {"INT": "an integer", "FLOAT": "a number", "STRING": "a text", "INTS": "a list of integers"}
    wanted |= {"FLOATS": "a list of numbers", "STRINGS": "a list of texts"}
    remedy = f"write `{name}=[{value}, {value}]`, one a spatial axis" if kind == "INTS" and not is_list else ""
    raise Illegal(f"`{name}` of `{op}` is not {wanted.get(kind, 'of a kind that a spec can say')}", name, remedy)


def _are_sizes(values: tuple[Any, ...]) -> bool:
    return all(isinstance(each, int | Expr) for each in values)


# -- weights ---------------------------------------------------------------------------------------------------------


def weight(b: Build, dims: tuple[Any, ...], letter: str) -> Any:
    """A tensor of these dims without values."""
    return b.shaped([], dims, op="Constant", part=letter)


def weighted(
    b: Build, name: str, operands: Sequence[Any], attributes: Mapping[str, Any], size: Any, version: int
) -> list[tuple[Any, ...]]:
    """The dims of the weights that are left out; none where they are given."""
    if len(operands) != 1 or operands[0] is None:
        if size is not None:
            raise Illegal(f"`{EXTRA[name]}` stands beside a weight", EXTRA[name], "give either")
        return []
    shape = operands[0].shape
    entering = None if shape is None or len(shape) < 2 else shape[1]
    if name in ("Conv", "ConvTranspose"):
        return [_of_window(name, entering, attributes, size)]
    if name in ("Gemm", "MatMul") and size is not None:
        inner = None if not shape else shape[0 if attributes.get("transA") else -1]
        return [(size, inner) if attributes.get("transB") else (inner, size)]
    if name == "BatchNormalization":
        return [(entering,)] * 4
    if name == "InstanceNormalization":
        return [(entering,)] * 2
    if name == "GroupNormalization":
        return [(entering if version >= 21 else attributes.get("num_groups"),)] * 2
    if name in ("LayerNormalization", "RMSNormalization") and shape:
        return [tuple(shape[attributes.get("axis", -1) % len(shape) :])]
    return [()] if name == "PRelu" else []


def _of_window(name: str, entering: Any, attributes: Mapping[str, Any], channels: Any) -> tuple[Any, ...]:
    kernel = attributes.get("kernel_shape")
    if kernel is None:
        raise Illegal(
            f"`{name}` needs `kernel_shape`, or its weight as second input", "", "write `kernel_shape=[3, 3]`"
        )
    group = attributes.get("group", 1)
    if group < 1:
        raise Illegal(f"`group` is {group}; it is at least 1", "group")
    if name == "Conv":
        return (channels, None if entering is None else entering // group, *kernel)
    if isinstance(channels, int) and channels % group:
        raise Illegal(f"{group} groups do not divide {channels} channels", "channels")
    return (entering, None if channels is None else channels // group, *kernel)


# -- layout ----------------------------------------------------------------------------------------------------------


def arranged(b: Build, x: Any) -> Any:
    """A layer of another layout as [N, C, *spatial]."""
    if x.shape is None or x.spatial is None or x.channel is None:
        return x
    batch = x.shape[0] if b.has_batch else 1
    sizes = (batch, x.shape[x.channel], *x.shape[x.spatial[0] : x.spatial[1]])
    return b.shaped([x], sizes, op="Transpose", part="in")


def restored(b: Build, y: Any) -> Any:
    """[N, C, *spatial] in the file's layout again."""
    if y.shape is None or len(y.shape) < 3:
        return b.unknown("the size that enters it is not known")
    batch, channels, *spatial = y.shape
    sizes = (*spatial, channels) if b.channels_last else (channels, *spatial)
    return b.shaped([y], (batch, *sizes) if b.has_batch else sizes, op="Transpose", part="out")


CONVENTION.types.update(
    {
        name: operator_type(name, None)
        for domain in schema.domains()
        for name in sorted(schema.names(domain))
        if name not in CONVENTION.types
    }
)
