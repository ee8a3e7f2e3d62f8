"""Shapes of ONNX graphs at numbers, for a whole row of sizes at once, by the operators' text and FORMULAS.md 1 to 6.

Nothing here comes from the package under test: nodes are read with `onnx`, a dim is an integer or one integer for
each of the sizes tried, and `fits` says at which of them every node so far could run. Where a node refuses a size, what
follows is computed all the same and means nothing there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Dim = Any
"""An int, or an array of one int for each size."""
SMALL = 64
"""Tensors of more elements have no values here."""


class NotKnown(Exception):
    """An operator, or a use of one, that is not described here."""


class IllFormed(Exception):
    """A node that no size makes run: what it is given is of the wrong rank or length."""


@dataclass
class Tensor:
    """A shape, and the elements in row-major order where they are few and follow from sizes and constants."""

    shape: list[Dim]
    values: list[Any] | None = None


@dataclass
class Row:
    """What one network does at a row of sizes."""

    fits: np.ndarray[Any, Any]
    tensors: dict[str, Tensor]

    def shape(self, name: str, place: int) -> list[int]:
        """The shape of a value at one of the sizes."""
        return [int(dim if isinstance(dim, int) else dim[place]) for dim in self.tensors[name].shape]


def low(a: Dim, b: Dim) -> Dim:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else np.minimum(a, b)


def high(a: Dim, b: Dim) -> Dim:
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else np.maximum(a, b)


def pick(held: Any, a: Any, b: Any) -> Any:
    return (a if held else b) if isinstance(held, bool | np.bool_) else np.where(held, a, b)


def up(a: Dim, b: int) -> Dim:
    """a / b, rounded up."""
    return -(-a // b)


def truncated(a: Any, b: Any) -> Any:
    """Div of integers, towards zero; by nothing where the divisor is 0, which no size that runs asks for."""
    b = pick(b == 0, 1, b)
    return pick((a < 0) == (b < 0), abs(a) // abs(b), -(abs(a) // abs(b)))


class Machine:
    """One run over the nodes."""

    def __init__(self, model: onnx.ModelProto, inputs: dict[str, list[Dim]], count: int) -> None:
        self.fits = np.ones(count, dtype=bool)
        self.tensors = {name: Tensor(list(dims)) for name, dims in inputs.items()}
        self.opset = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
        for each in model.graph.initializer:
            self.tensors[each.name] = constant(each)
        for node in model.graph.node:
            self.step(node)

    def need(self, held: Any) -> None:
        """The sizes at which this does not hold do not run."""
        self.fits &= held

    def step(self, node: onnx.NodeProto) -> None:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        inputs = [self.tensors[name] if name else None for name in node.input]
        if node.domain not in ("", "ai.onnx"):
            raise NotKnown(f"{node.domain}::{node.op_type}")
        run = OPERATORS.get(node.op_type)
        if run is None:
            raise NotKnown(node.op_type)
        results = run(self, node, inputs, attributes)
        for name, result in zip(node.output, results if isinstance(results, list) else [results], strict=False):
            self.tensors[name] = result


def constant(tensor: onnx.TensorProto) -> Tensor:
    """A constant, with its values where they are small and stand in the file."""
    dims = list(tensor.dims)
    if prod(dims) > SMALL or tensor.data_location == onnx.TensorProto.EXTERNAL:
        return Tensor(dims)
    return Tensor(dims, [each.item() for each in numpy_helper.to_array(tensor).reshape(-1)])


def sweep(model: onnx.ModelProto, base: dict[str, list[int]], axes: Sequence[tuple[str, int]], sizes: range) -> Row:
    """The network where these axes take the sizes together, and the others stand at `base`."""
    inputs: dict[str, list[Dim]] = {name: list(dims) for name, dims in base.items()}
    for name, axis in axes:
        inputs[name][axis] = np.array(sizes, dtype=np.int64)
    machine = Machine(model, inputs, len(sizes))
    return Row(machine.fits, machine.tensors)


# -- operators ---------------------------------------------------------------------------------------------------------


def _ints(tensor: Tensor | None) -> list[Any]:
    if tensor is None or tensor.values is None:
        raise NotKnown("a size that follows from data")
    return tensor.values


def _const(tensor: Tensor | None) -> list[int]:
    values = _ints(tensor)
    if not all(isinstance(each, int) for each in values):
        raise NotKnown("a structure that follows from sizes")
    return values


def broadcast(machine: Machine, shapes: Sequence[list[Dim]]) -> list[Dim]:
    rank = max(map(len, shapes))
    result: list[Dim] = []
    for place in range(rank):
        total: Dim = 1
        for shape in shapes:
            at = place - rank + len(shape)
            if at < 0:
                continue
            dim = shape[at]
            machine.need((dim == total) | (dim == 1) | (total == 1))
            total = pick(total == 1, dim, total)
        result.append(total)
    return result


def elementwise(compute: Callable[..., Any] | None = None) -> Callable[..., Tensor]:
    def run(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
        shape = broadcast(machine, [each.shape for each in inputs])
        if compute is None or any(each.values is None for each in inputs) or not all(isinstance(d, int) for d in shape):
            return Tensor(shape)
        count = prod(shape)
        if any(len(each.values) not in (1, count) for each in inputs):
            return Tensor(shape)
        columns = [each.values * (count if len(each.values) == 1 else 1) for each in inputs]
        return Tensor(shape, [compute(*row) for row in zip(*columns, strict=True)])

    return run


def divided(a: Any, b: Any) -> Any:
    is_float = any(isinstance(each, float) or getattr(each, "dtype", None) == np.float64 for each in (a, b))
    return a / b if is_float else truncated(a, b)


def first(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    return Tensor(list(inputs[0].shape))


def same(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    return inputs[0]


def of_channels(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    """Normalizations whose scales are as many as the channels."""
    for each in inputs[1:]:
        machine.need(each.shape[0] == inputs[0].shape[1])
    return Tensor(list(inputs[0].shape))


def layer_norm(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    begin = attributes.get("axis", -1) % len(inputs[0].shape)
    for each in inputs[1:]:
        for own, dim in zip(reversed(each.shape), reversed(inputs[0].shape[begin:]), strict=False):
            machine.need((own == dim) | (own == 1))
    return Tensor(list(inputs[0].shape))


def prelu(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    for own, dim in zip(reversed(inputs[1].shape), reversed(inputs[0].shape), strict=False):
        machine.need((own == dim) | (own == 1))
    return Tensor(list(inputs[0].shape))


def cast(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, to = inputs[0], attributes["to"]
    if x.values is None:
        return Tensor(list(x.shape))
    integral = to in (onnx.TensorProto.INT64, onnx.TensorProto.INT32)

    def one(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.astype(np.int64 if integral else np.float64)
        return int(value) if integral else float(value)

    return Tensor(list(x.shape), [one(each) for each in x.values])


def shape_of(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    dims = inputs[0].shape[attributes.get("start", 0) : attributes.get("end")]
    return Tensor([len(dims)], list(dims))


def made(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    if "value" in attributes:
        return constant(attributes["value"])
    (value,) = attributes.values()
    values = list(value) if isinstance(value, list | tuple) else [value]
    return Tensor([len(values)] if isinstance(value, list | tuple) else [], values)


def filled(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    shape = list(_ints(inputs[0]))
    if all(isinstance(each, int) for each in shape) and prod(shape) <= SMALL:
        value = numpy_helper.to_array(attributes["value"]).item() if "value" in attributes else 0.0
        return Tensor(shape, [value] * prod(shape))
    return Tensor(shape)


def gather(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, indices = inputs[0], inputs[1]
    axis = attributes.get("axis", 0) % len(x.shape)
    shape = [*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]]
    if x.values is not None and len(x.shape) == 1 and indices.values is not None:
        return Tensor(shape, [x.values[each] for each in _const(indices)])
    return Tensor(shape)


def concat(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    shape = list(inputs[0].shape)
    axis = attributes["axis"] % len(shape)
    for other in inputs[1:]:
        if len(other.shape) != len(shape):
            raise IllFormed(node.name)
        for place, dim in enumerate(other.shape):
            if place == axis:
                shape[place] = shape[place] + dim
            else:
                machine.need(dim == shape[place])
    if len(shape) == 1 and all(each.values is not None for each in inputs):
        return Tensor(shape, [value for each in inputs for value in each.values])
    return Tensor(shape)


def cut(n: Dim, start: Any, end: Any, step: int) -> Dim:
    """How many elements a slice keeps."""
    start = pick(start < 0, start + n, start)
    end = pick(end < 0, end + n, end)
    if step > 0:
        return high(up(high(low(end, n), 0) - high(low(start, n), 0), step), 0)
    return high(up(high(low(start, n - 1), 0) - high(low(end, n - 1), -1), -step), 0)


def slice_(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x = inputs[0]
    if len(inputs) == 1:
        starts, ends = attributes["starts"], attributes["ends"]
        axes, steps = attributes.get("axes", range(len(starts))), [1] * len(starts)
    else:
        starts, ends = _ints(inputs[1]), _ints(inputs[2])
        axes = _const(inputs[3]) if len(inputs) > 3 and inputs[3] else range(len(starts))
        steps = _const(inputs[4]) if len(inputs) > 4 and inputs[4] else [1] * len(starts)
    shape, values = list(x.shape), x.values
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        far = -(2**62)
        end = far if step < 0 and isinstance(end, int) and end < -(2**31) + 2 else end
        shape[axis] = cut(x.shape[axis], start, end, step) if end is not far else cut(x.shape[axis], start, far, step)
        if values is not None and len(x.shape) == 1 and isinstance(start, int) and isinstance(end, int):
            values = values[start : None if end == far else end : step]
        elif values is not None and len(shape) == 2 and all(isinstance(dim, int) for dim in x.shape) and len(axes) == 1:
            table = [values[at : at + x.shape[1]] for at in range(0, len(values), x.shape[1])]
            end = None if end == far else end
            table = table[start:end:step] if axis in (0, -2) else [row[start:end:step] for row in table]
            values = [value for row in table for value in row]
        else:
            values = None
    return Tensor(shape, values)


def squeeze(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    shape = inputs[0].shape
    axes = attributes.get("axes") or (_const(inputs[1]) if len(inputs) > 1 else None)
    if axes is None:
        if not all(isinstance(dim, int) for dim in shape):
            raise NotKnown("Squeeze of every axis that is 1")
        axes = [place for place, dim in enumerate(shape) if dim == 1]
    axes = [axis % len(shape) for axis in axes]
    for axis in axes:
        machine.need(shape[axis] == 1)
    return Tensor([dim for place, dim in enumerate(shape) if place not in axes], inputs[0].values)


def unsqueeze(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    axes = attributes.get("axes") or _const(inputs[1])
    rank = len(inputs[0].shape) + len(axes)
    places = {axis % rank for axis in axes}
    rest = iter(inputs[0].shape)
    return Tensor([1 if place in places else next(rest) for place in range(rank)], inputs[0].values)


def transpose(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x = inputs[0]
    order = attributes.get("perm") or range(len(x.shape))[::-1]
    shape = [x.shape[place] for place in order]
    if x.values is None or len(x.shape) != 2 or not all(isinstance(dim, int) for dim in shape):
        return Tensor(shape, x.values if len(shape) < 2 else None)
    rows, columns = x.shape
    if list(order) == [1, 0]:
        return Tensor(shape, [x.values[row * columns + column] for column in range(columns) for row in range(rows)])
    return Tensor(shape, x.values)


def reshape(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, wanted = inputs[0], list(_ints(inputs[1]))
    if not attributes.get("allowzero"):
        wanted = [x.shape[i] if isinstance(d, int) and d == 0 else d for i, d in enumerate(wanted)]
    total = prod(x.shape)
    open_ = [place for place, dim in enumerate(wanted) if isinstance(dim, int) and dim == -1]
    known = prod([dim for place, dim in enumerate(wanted) if place not in open_])
    if open_:
        machine.need(total % pick(known < 1, 1, known) == 0)
        wanted[open_[0]] = total // pick(known < 1, 1, known)
    else:
        machine.need(total == known)
    return Tensor(wanted, x.values)


def flatten(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    shape, axis = inputs[0].shape, attributes.get("axis", 1)
    return Tensor([prod(shape[:axis]), prod(shape[axis:])])


def expand(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    return Tensor(broadcast(machine, [inputs[0].shape, list(_ints(inputs[1]))]))


def window(attributes: dict[str, Any], kernel: Sequence[int], rank: int) -> list[tuple[int, int, int, int, int]]:
    """By axis kernel, stride, dilation and the pads before and after."""
    strides = attributes.get("strides") or [1] * rank
    dilations = attributes.get("dilations") or [1] * rank
    pads = attributes.get("pads") or [0] * 2 * rank
    return list(zip(kernel, strides, dilations, pads[:rank], pads[rank:], strict=True))


def mode(attributes: dict[str, Any]) -> str:
    given = attributes.get("auto_pad", b"NOTSET")
    return given.decode() if isinstance(given, bytes) else str(given)


def conv(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, weight = inputs[0].shape, inputs[1].shape
    machine.need(x[1] == weight[1] * attributes.get("group", 1))
    sizes = []
    for n, (k, s, d, before, after) in zip(x[2:], window(attributes, weight[2:], len(x) - 2), strict=True):
        reach = d * (k - 1) + 1
        if mode(attributes).startswith("SAME"):
            sizes.append(up(n, s))
            continue
        before, after = (0, 0) if mode(attributes) == "VALID" else (before, after)
        machine.need(n + before + after >= reach)
        sizes.append((n + before + after - reach) // s + 1)
    return Tensor([x[0], weight[0], *sizes])


def transposed(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, weight = inputs[0].shape, inputs[1].shape
    if mode(attributes) != "NOTSET" or "output_shape" in attributes:
        raise NotKnown("ConvTranspose with a rule for its pads")
    machine.need(x[1] == weight[0])
    extra = attributes.get("output_padding") or [0] * (len(x) - 2)
    sizes = []
    for n, more, (k, s, d, before, after) in zip(x[2:], extra, window(attributes, weight[2:], len(x) - 2), strict=True):
        size = (n - 1) * s + d * (k - 1) + 1 - before - after + more
        machine.need((size >= 1) & (0 <= more < max(s, d)))
        sizes.append(size)
    return Tensor([x[0], weight[1] * attributes.get("group", 1), *sizes])


def pool(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, sizes = inputs[0].shape, []
    for n, (k, s, d, before, after) in zip(
        x[2:], window(attributes, attributes["kernel_shape"], len(x) - 2), strict=True
    ):
        reach = d * (k - 1) + 1
        if mode(attributes).startswith("SAME"):
            sizes.append(up(n, s))
            continue
        before, after = (0, 0) if mode(attributes) == "VALID" else (before, after)
        machine.need(before < k and after < k)
        room = n + before + after - reach
        if attributes.get("ceil_mode"):
            size = up(room, s) + 1
            size = size - pick((size - 1) * s >= n + before, 1, 0)
            machine.need(size >= 1)
        else:
            machine.need(room >= 0)
            size = room // s + 1
        sizes.append(size)
    return Tensor([*x[:2], *sizes])


def global_pool(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    shape = inputs[0].shape
    return Tensor([*shape[:2], *[1] * (len(shape) - 2)])


def resize(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x = inputs[0].shape
    if attributes.get("axes") or attributes.get("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        raise NotKnown("Resize of some axes")
    if len(inputs) > 3 and inputs[3] is not None:
        sizes = list(_ints(inputs[3]))
        if len(sizes) != len(x):
            raise IllFormed(node.name)
        for size in sizes:
            machine.need(size >= 1)
        return Tensor(sizes)
    sizes = []
    for n, scale in zip(x, _ints(inputs[2]), strict=True):
        size = np.floor(np.asarray(n).astype(np.float32) * np.float32(scale)).astype(np.int64)
        size = int(size) if size.ndim == 0 else size
        machine.need(size >= 1)
        sizes.append(size)
    return Tensor(sizes)


def pad(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x, pads = inputs[0].shape, _ints(inputs[1])
    kind = attributes.get("mode", b"constant")
    if len(inputs) > 3 and inputs[3] is not None:
        raise NotKnown("Pad of some axes")
    if len(pads) != 2 * len(x):
        raise IllFormed(node.name)
    sizes = []
    for place, n in enumerate(x):
        before, after = pads[place], pads[place + len(x)]
        if kind == b"reflect":
            machine.need((before < n) & (after < n))
        sizes.append(n + before + after)
        machine.need(sizes[-1] >= 0)
    return Tensor(sizes)


def split(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> list[Tensor]:
    x = inputs[0].shape
    axis = attributes.get("axis", 0) % len(x)
    parts = attributes.get("split") or (_const(inputs[1]) if len(inputs) > 1 else None)
    if parts is None:
        raise NotKnown("Split into equal parts")
    machine.need(sum(parts) == x[axis])
    return [Tensor([*x[:axis], part, *x[axis + 1 :]]) for part in parts]


def reduce_(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    x = inputs[0].shape
    axes = attributes.get("axes") or (_const(inputs[1]) if len(inputs) > 1 and inputs[1] else range(len(x)))
    places = {axis % len(x) for axis in axes}
    if attributes.get("keepdims", 1):
        return Tensor([1 if place in places else dim for place, dim in enumerate(x)])
    return Tensor([dim for place, dim in enumerate(x) if place not in places])


def arg_max(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    return reduce_(machine, node, inputs[:1], {**attributes, "axes": [attributes.get("axis", 0)]})


def gemm(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    a, b = (list(each.shape) for each in inputs[:2])
    a, b = (a[::-1] if attributes.get("transA") else a), (b[::-1] if attributes.get("transB") else b)
    machine.need(a[1] == b[0])
    return Tensor([a[0], b[1]])


def matmul(machine: Machine, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Tensor:
    a, b = inputs[0].shape, inputs[1].shape
    if len(a) < 2 or len(b) < 2:
        raise NotKnown("MatMul of a vector")
    machine.need(a[-1] == b[-2])
    return Tensor([*broadcast(machine, [a[:-2], b[:-2]]), a[-2], b[-1]] if len(a) + len(b) > 4 else [a[-2], b[-1]])


OPERATORS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(
        "Relu LeakyRelu Sigmoid Tanh Softmax Erf Gelu Sin Cos Exp Log Reciprocal Sqrt Abs Clip Softplus Selu".split(),
        first,
    ),
    "Identity": same,
    "Dropout": same,
    "InstanceNormalization": of_channels,
    "BatchNormalization": of_channels,
    "LayerNormalization": layer_norm,
    "PRelu": prelu,
    "Add": elementwise(lambda a, b: a + b),
    "Sub": elementwise(lambda a, b: a - b),
    "Mul": elementwise(lambda a, b: a * b),
    "Div": elementwise(divided),
    "Mod": elementwise(lambda a, b: a % b),
    "Neg": elementwise(lambda a: -a),
    "Not": elementwise(np.logical_not),
    "Floor": elementwise(np.floor),
    "Ceil": elementwise(np.ceil),
    "Less": elementwise(lambda a, b: a < b),
    "Greater": elementwise(lambda a, b: a > b),
    "Equal": elementwise(lambda a, b: a == b),
    "And": elementwise(lambda a, b: a & b),
    "Or": elementwise(lambda a, b: a | b),
    "Where": elementwise(pick),
    "Min": elementwise(low),
    "Max": elementwise(high),
    "Pow": elementwise(),
    "Cast": cast,
    "Shape": shape_of,
    "Constant": made,
    "ConstantOfShape": filled,
    "Gather": gather,
    "Concat": concat,
    "Slice": slice_,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Expand": expand,
    "Conv": conv,
    "ConvTranspose": transposed,
    "MaxPool": pool,
    "AveragePool": pool,
    "GlobalAveragePool": global_pool,
    "Resize": resize,
    "Pad": pad,
    "Split": split,
    **dict.fromkeys("ReduceSum ReduceMean ReduceMax ReduceL2".split(), reduce_),
    "ArgMax": arg_max,
    "Gemm": gemm,
    "MatMul": matmul,
}
