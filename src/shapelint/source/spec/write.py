"""An ONNX graph as a native spec in the `onnx` convention: its structure without its weights.

Invariants: what is written lints to the same sets as the graph; a node that the grammar cannot say is refused by name,
never left out. Weights become keywords (`channels=`, `features=`) where the sizes that enter are numbers and agree with
them, else tensors of their shape; small integers are written with their values, for they may be sizes.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from shapelint.conventions import convention
from shapelint.graph import Constant
from shapelint.schema import lookup
from shapelint.size.text import write, write_condition
from shapelint.source.spec.form import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shapelint.graph import Graph, Node
    from shapelint.size import Condition, Size, Symbol

INT64, FLOAT, BOOL = 7, 1, 9
DTYPES: Final = {
    2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 8: "string", 10: "float16", 11: "float64",
    12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip
"""Types that literals do not have, by the names that `Constant(dtype=)` takes."""
MOST_WHOLE: Final = 512
"""So many integers are written with their values, and so many fractions:"""
MOST_FRACTIONS: Final = 16
LEAST: Final = -(2**63)


class CannotSay(Exception):
    """A node that the grammar cannot say, and why, in a clause."""

    def __init__(self, path: str, op: str, why: str) -> None:
        super().__init__(f"`{path}` ({op}) cannot be written as a spec: {why}")


@dataclass(frozen=True, slots=True)
class Source:
    """A graph with what was found of it."""

    graph: Graph
    opset: int
    inputs: Mapping[str, Sequence[Size | None] | None]
    """The dims of each input as they are bound."""
    shapes: Mapping[str, tuple[Any, ...] | None]
    sizes: Mapping[str, str]
    """The stated or declared domain of each symbol, in the syntax of `sizes:`."""
    demands: Sequence[Condition]
    """What the inputs' own dims demand: `8*h` is a size that 8 divides."""
    title: str


def write_spec(source: Source) -> str:
    """The graph as a spec; raises CannotSay."""
    return _Writer(source).text()


@dataclass(slots=True)
class _Writer:
    source: Source
    names: dict[str, str] = field(default_factory=dict)
    """What the spec calls each value."""
    taken: set[str] = field(default_factory=set)
    constants: dict[str, Constant] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        graph, source = self.source.graph, self.source
        if not graph.inputs:
            raise CannotSay(graph.name, "graph", "it has no inputs")
        self.constants.update(graph.constants)
        symbols = {symbol.name for dims in source.inputs.values() for dim in dims or () for symbol in _symbols(dim)}
        self.taken |= {_identifier(name) for name in symbols}
        found = [f"# {_clean(source.title)}: its structure without its weights"]
        found += ["shapelint: 1", "convention: onnx", f"opset: {source.opset}", "inputs:"]
        found += [f"  {self.named(each.name, is_input=True)}: {self.dims(each.name)}" for each in graph.inputs]
        if source.sizes:
            found += ["sizes:", *[f"  {_identifier(name)}: {text}" for name, text in source.sizes.items()]]
        for node in graph.nodes:
            self.node(node)
        outputs = [self.value(each.name) for each in graph.outputs]
        found += ["layers:", *self.lines, f"outputs: [{', '.join(outputs)}]"]
        if source.demands:
            texts = [
                _respelt(write_condition(each, ceil=False), each.table.symbols_in(each.mask)) for each in source.demands
            ]
            found += ["expect:", *[f"  - {text}" for text in texts]]
        return "\n".join(found) + "\n"

    def dims(self, name: str) -> str:
        dims = self.source.inputs[name]
        if dims is None:
            raise CannotSay(name, "input", "its rank is not declared; state its shape with --input")
        if 0 in dims:
            raise CannotSay(name, "input", "it is empty")
        words = []
        for dim in dims:
            words.append("_" if dim is None else _respelt(write(dim, ceil=False), _symbols(dim)))
        return f"[{', '.join(words)}]"

    def named(self, value: str, *, is_input: bool = False) -> str:
        """A new name for a value: its own where that is an identifier."""
        word = _identifier(value)
        if word in RESERVED and not (is_input and word == "input"):
            word += "_"
        unique, count = word, 1
        while unique in self.taken:
            count += 1
            unique = f"{word}_{count}"
        self.taken.add(unique)
        if value:
            self.names[value] = unique
        return unique

    # -- nodes ---------------------------------------------------------------------------------------------------

    def node(self, node: Node) -> None:
        held = self.constant_of(node)
        if held is not None:
            self.constants[node.outputs[0]] = held
            return
        self.check(node)
        inputs, words = self.weightless(node)
        words = [*self.operands(node, inputs), *words, *self.attributes(node)]
        outputs = list(node.outputs)
        while outputs and not outputs[-1]:
            outputs.pop()
        alone = "()" if node.inputs and not any(node.inputs) else ""
        self.line(outputs, f"{node.op}({', '.join(words)}){alone}")

    def constant_of(self, node: Node) -> Constant | None:
        """The tensor that a node is no more than: a Constant, or another name of one."""
        if node.op == "Identity" and not node.domain and node.inputs[0] in self.constants:
            return self.constants[node.inputs[0]]
        value = node.attributes.get("value")
        if node.op == "Constant" and not node.domain and isinstance(value, Constant):
            return value
        return None

    def check(self, node: Node) -> None:
        """Refuse what the grammar cannot say."""
        name = f"{node.domain}::{node.op}" if node.domain else node.op
        known = convention("onnx").types.get(node.op)
        schema = lookup(node.domain, node.op, node.version)
        if known is None or schema is None:
            raise CannotSay(node.path, name, "no operator of ONNX")
        if any("GRAPH" in each.type for each in schema.attributes.values()):
            raise CannotSay(node.path, name, "it holds graphs")
        if node.op == "BitCast":
            raise CannotSay(node.path, name, "a spec does not say the types of tensors")
        for word, value in node.attributes.items():
            values = value if isinstance(value, tuple) else (value,)
            if not all(isinstance(each, int | float | str | Constant) for each in values):
                raise CannotSay(node.path, name, f"its attribute `{word}` is no number, text or list of them")
        own = self.source.opset if not node.domain else node.version
        if lookup(node.domain, node.op, own) is not schema:
            raise CannotSay(node.path, name, f"its version is {node.version} in a file of opset {self.source.opset}")

    def line(self, outputs: Iterable[str], call: str) -> None:
        values = list(outputs)
        words = [self.named(value) if value else self.named("unused") for value in values]
        respelt = [value for value, word in zip(values, words, strict=True) if value and value != word]
        key = words[0] if len(words) == 1 else f'"{", ".join(words)}"'
        comment = f"  # {_clean(', '.join(respelt))}" if respelt else ""
        self.lines.append(f"  - {key}: {_scalar(call)}{comment}")

    def value(self, name: str) -> str:
        """The name of a value; a constant gets a line of its own."""
        if name not in self.names:
            self.line([name], _held(self.constants[name]))
        return self.names[name]

    def operands(self, node: Node, count: int) -> list[str]:
        """The first `count` inputs as arguments; one at least is a name, or the layer before would be read."""
        words = []
        if node.inputs and all(name in self.constants for name in node.inputs if name):
            for name in [name for name in node.inputs if name][:1]:
                self.value(name)
        for name in node.inputs[:count]:
            held = self.constants.get(name)
            inline = None if held is None or name in self.names else _inline(held)
            words.append("None" if not name else inline or self.value(name))
        return words

    def attributes(self, node: Node) -> list[str]:
        schema = lookup(node.domain, node.op, node.version)
        assert schema is not None
        words = []
        for name, value in node.attributes.items():
            said = schema.attributes.get(name)
            if said is None or value == said.default or (name in _PLAIN and _is_plain(name, value)):
                continue
            if isinstance(value, Constant):
                values = _values(value)
                if values is None or len(value.dims) > 1:
                    raise CannotSay(node.path, node.op, f"its attribute `{name}` is a tensor without values")
                value = values if value.dims else values[0]
            words.append(f"{name}={_literal(value)}")
        return words

    # -- weights -------------------------------------------------------------------------------------------------

    def weightless(self, node: Node) -> tuple[int, list[str]]:
        """How many inputs are written, and the keyword that stands for the rest."""
        every = len(node.inputs)
        weights = [self.constants.get(name) for name in node.inputs[1:]]
        shape = self.source.shapes.get(node.inputs[0]) if node.inputs else None
        if not weights or weights[0] is None or node.inputs[0] in self.constants or not shape or len(shape) < 2:
            return every, []
        dims = weights[0].dims
        entering, last = shape[1], shape[-1]
        rest = weights[1:]
        group = node.attributes.get("group", 1)
        assert isinstance(group, int)
        if node.op in ("Conv", "ConvTranspose") and len(dims) == len(shape):
            leaving = dims[0] if node.op == "Conv" else dims[1] * group
            takes = dims[1] * group if node.op == "Conv" else dims[0]
            if takes == entering and all(each is not None and each.dims == (leaving,) for each in rest):
                kernel = [] if "kernel_shape" in node.attributes else [f"kernel_shape={list(dims[2:])}"]
                return 1, [f"channels={leaving}", *kernel]
        if node.op == "MatMul" and len(dims) == 2 and dims[0] == last:
            return 1, [f"features={dims[1]}"]
        if node.op == "Gemm" and len(dims) == 2 and not node.attributes.get("transA"):
            inner, leaving = reversed(dims) if node.attributes.get("transB") else dims
            if inner == last and all(each is not None and each.dims == (leaving,) for each in rest):
                return 1, [f"features={leaving}"]
        if node.op in ("BatchNormalization", "InstanceNormalization") and len(node.outputs) == 1:
            needs = 4 if node.op == "BatchNormalization" else 2
            if len(weights) == needs and all(each is not None and each.dims == (entering,) for each in weights):
                return 1, []
        return every, []


_PLAIN: Final = {"dilations": 1, "strides": 1, "pads": 0, "output_padding": 0}


def _is_plain(name: str, value: Any) -> bool:
    return isinstance(value, tuple) and all(each == _PLAIN[name] for each in value)


def _symbols(dim: Size | None) -> Sequence[Symbol]:
    return () if dim is None or isinstance(dim, int) else dim.symbols


def _respelt(text: str, symbols: Iterable[Symbol]) -> str:
    """An expression with identifiers for the names of its symbols."""
    for symbol in symbols:
        text = text.replace(symbol.name, _identifier(symbol.name))
    return text


def _identifier(name: str) -> str:
    """The name where it is an identifier, else respelt: `n155` for 155."""
    word = re.sub(r"\W+", "_", name).strip("_") if not name.isidentifier() else name
    if not word.isidentifier():
        word = f"n{word}"
    return f"{word}_" if keyword.iskeyword(word) or word == "_" else word


def _clean(text: str) -> str:
    """A text for a comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _scalar(call: str) -> str:
    """A call as a YAML scalar, quoted where it has to be."""
    return "'" + call.replace("'", "''") + "'" if ": " in call or " #" in call else call


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_literal(each) for each in value)}]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(max(value, LEAST + 1) if isinstance(value, int) and not isinstance(value, bool) else value)


def _values(held: Constant) -> tuple[Any, ...] | None:
    """The values where they are written: those of few elements; a fraction is seldom a size."""
    values = held.values
    if values is None or held.dtype not in (INT64, FLOAT, BOOL, *DTYPES):
        return None
    most = MOST_FRACTIONS if any(isinstance(each, float) for each in values) else MOST_WHOLE
    is_plain = all(isinstance(each, int | str) or (isinstance(each, float) and isfinite(each)) for each in values)
    return values if len(values) <= most and is_plain else None


def _inline(held: Constant) -> str | None:
    """A number or a vector whose literal has its type."""
    values = _values(held)
    if values is None or held.dtype not in (INT64, FLOAT, BOOL) or len(held.dims) > 1 or not values or len(values) > 16:
        return None
    return _literal(values if held.dims else values[0])


def _held(held: Constant) -> str:
    """A constant as a layer."""
    shape = f"shape={list(held.dims)}"
    values = _values(held)
    if values is None:
        return f"Constant({shape})"
    dtype = DTYPES.get(held.dtype, "int64" if held.dtype == INT64 else "")
    words = [f'dtype="{dtype}"'] if dtype in DTYPES.values() or (dtype and not values) else []
    if len(held.dims) == 0:
        words.insert(0, _literal(values[0]))
    elif len(set(values)) == 1:
        words = [_literal(values[0]), *words, shape]
    else:
        words = [_literal(values), *words, *([shape] if len(held.dims) != 1 else [])]
    return f"Constant({', '.join(words)})"
