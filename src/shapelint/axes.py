"""What a model's inputs declare and a person states of them, given a meaning: sizes, free axes, and their labels.

A dim that a file declares as a name is one symbol wherever an input declares it; an expression in one name (`8*h`)
frees the axis itself and constrains it; a number is fixed unless a person frees it by a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shapelint.graph import UNSTATED
from shapelint.ops.call import Shape, Tensor
from shapelint.propagate import propagate
from shapelint.size import Expr, Size, Symbol, Table, all_of, any_of, at_least, divides, equal, evaluate
from shapelint.size.parse import NotASize, is_name, parse_dim

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapelint.graph import Declared, DeclaredDim, Graph
    from shapelint.propagate import Shapes
    from shapelint.size import Held, SizeSet

StatedDim = int | str | None

_MADE_UP: Final = re.compile(
    r"|\?|None|s\d+|u\d+|unk__\d+|.*_dim_\d+|.*\.DynamicDimension\.\d+|dynamic_axes_\d+|dim_\d+", re.IGNORECASE
)
"""Names that an exporter made up, so that no person would know them."""

WINDOWED: Final = frozenset(
    [
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "LpPool",
        "Resize",
        "Upsample",
        "ConvInteger",
        "QLinearConv",
        "DeformConv",
        "MaxUnpool",
    ]
)
"""The operators whose axes from the third on are spatial."""


class StatedWrong(ValueError):
    """What a person states does not suit the model; one sentence with the remedy."""


@dataclass(slots=True)
class Axis:
    """A free axis of an input."""

    input: str
    axis: int
    """Its place in the list as the file writes it."""
    size: Size
    """The axis as an expression of its symbol."""
    symbol: Symbol
    name_in_file: str | None
    named_by_person: bool = False
    is_batch: bool = False
    """The first axis where it is the batch; a domain without a name does not apply to it."""
    spatial: tuple[int, int] | None = None
    """Which spatial axis of how many it becomes; None where it becomes none."""

    @property
    def label(self) -> str:
        """What reports call the symbol."""
        return self.symbol.name

    @property
    def declared(self) -> str:
        """What the file says of it: `8*h`, or `any` for a name or nothing."""
        name = self.name_in_file
        return "any" if name is None or is_name(name) or made_up(name) else name


@dataclass(slots=True)
class Conflict:
    """Stated numbers that contradict what the file declares of an input; the runtime would refuse them."""

    input: str
    axes: list[int]
    declared: str
    stated: str

    @property
    def text(self) -> str:
        """A clause about both."""
        return f"`{self.input}` is stated as {self.stated}, and the file declares {self.declared}"


@dataclass(slots=True)
class Inputs:
    """The inputs of a graph with sizes in one table."""

    tensors: dict[str, Tensor]
    axes: list[Axis]
    """One entry for every free axis of every input, in the order of the file."""
    conditions: list[tuple[Held, str]] = field(default_factory=list)
    """What the declared dims imply, with the input's name."""
    conflicts: list[Conflict] = field(default_factory=list)
    names: dict[str, Size] = field(default_factory=dict)
    """The meaning of each name that an input declares."""
    undeclared: list[str] = field(default_factory=list)
    """Inputs whose rank nothing states."""
    promised: dict[Symbol, SizeSet] = field(default_factory=dict)
    """The sizes that the file promises of its free axes."""

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The free symbols, each once, in the order of the axes."""
        found: dict[Symbol, None] = {}
        for axis in self.axes:
            found[axis.symbol] = None
            if isinstance(axis.size, Expr):
                found.update(dict.fromkeys(axis.size.symbols))
        return tuple(found)

    def find(self, name: str) -> Symbol | None:
        """The symbol that a person calls `name`: its label, or the file's own name for the axis."""
        for axis in self.axes:
            if name in (axis.label, axis.name_in_file):
                return axis.symbol
        for symbol in self.symbols:
            if symbol.name == name:
                return symbol
        return None


def bind(
    graph: Graph,
    table: Table,
    stated: Mapping[str | None, Sequence[StatedDim]],
    *,
    freed: frozenset[tuple[str, int]],
    has_batch: bool = True,
    own_names: bool = False,
    promised: Mapping[tuple[str, int], SizeSet] | None = None,
) -> Inputs:
    """Sizes for the inputs of `graph`.

    `stated` has the dims that a person gives an input (None: the only input); `freed` are fixed axes to treat as free.
    `own_names`: an expression such as `8*h` is over the name itself, as in a spec, and frees no axis of its own.
    `promised` are the sizes that the file promises of an axis, which hold in place of what its dim says.
    Raises StatedWrong where a stated input does not exist or has another rank.
    """
    given = _by_name(graph, stated)
    binder = _Binder(table, given, freed, has_batch, own_names, promised or {})
    binder.learn_names(graph.inputs)
    for declared in graph.inputs:
        binder.bind(declared)
    return binder.result


def _by_name(graph: Graph, stated: Mapping[str | None, Sequence[StatedDim]]) -> dict[str, tuple[StatedDim, ...]]:
    names = [declared.name for declared in graph.inputs]
    given: dict[str, tuple[StatedDim, ...]] = {}
    for name, dims in stated.items():
        if name is None:
            if len(names) != 1:
                listed = ", ".join(f"`{each}`" for each in names) or "none"
                raise StatedWrong(f"the model has {len(names)} inputs ({listed}); name the one meant: `NAME=DIMS`")
            given[names[0]] = tuple(dims)
            continue
        if name not in names:
            raise StatedWrong(f"the model has no input `{name}`{_meant(name, names)}")
        given[name] = tuple(dims)
    for declared in graph.inputs:
        dims = given.get(declared.name, ())
        if declared.name in given and declared.dims is not None and len(dims) != len(declared.dims):
            raise StatedWrong(
                f"input `{declared.name}` has {len(declared.dims)} axes and {len(dims)} are given: "
                f"{declared_text(declared)} is declared"
            )
    return given


def _meant(name: str, names: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, 1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return "; its inputs are " + ", ".join(f"`{each}`" for each in names) if names else "; it has no inputs"


def declared_text(declared: Declared) -> str:
    """The declared shape as reports write it."""
    if declared.dims is None:
        return "no rank"
    return "[" + ", ".join("?" if dim is None else str(dim) for dim in declared.dims) + "]"


class _Binder:
    def __init__(
        self,
        table: Table,
        given: Mapping[str, Sequence[StatedDim]],
        freed: frozenset[tuple[str, int]],
        has_batch: bool,
        own_names: bool,
        promised: Mapping[tuple[str, int], SizeSet],
    ) -> None:
        self.table = table
        self.given = given
        self.freed = freed
        self.has_batch = has_batch
        self.own_names = own_names
        self.promised = promised
        self.as_promised: dict[str, Size] = {}
        """The sizes of the promised axes by what the file declares: inputs that share it share the axis."""
        self.result = Inputs({}, [])
        self.names = self.result.names
        self.wrong: list[int] = []
        """The axes of the input at hand that contradict their declared dims."""

    def learn_names(self, inputs: Sequence[Declared]) -> None:
        """Give each declared name its meaning: what a person states where it is declared, else a symbol."""
        for declared in inputs:
            stated = self.given.get(declared.name, ())
            for axis, dim in enumerate(declared.dims or ()):
                given = stated[axis] if axis < len(stated) else None
                if isinstance(dim, str) and is_name(dim) and given is not None and dim not in self.names:
                    self.names[dim] = self._stated(given)
        for declared in inputs:
            for dim in declared.dims or ():
                if isinstance(dim, str) and is_name(dim) and dim not in self.names:
                    self.names[dim] = self.table.symbol(dim)

    def _stated(self, dim: int | str) -> Size:
        if isinstance(dim, int):
            return dim
        try:
            return parse_dim(dim, self.table.symbol)
        except NotASize as error:
            raise StatedWrong(f"`{dim}` is no size: {error}") from None

    def bind(self, declared: Declared) -> None:
        name = declared.name
        stated = self.given.get(name)
        if declared.kind != "tensor":
            self.result.tensors[name] = Tensor(declared.dtype)
            return
        dims: Sequence[DeclaredDim]
        if declared.dims is None:
            if stated is None:
                self.result.tensors[name] = Tensor(declared.dtype)
                self.result.undeclared.append(name)
                return
            dims = (None,) * len(stated)
        else:
            dims = declared.dims
        self.wrong = []
        shape: Shape = tuple(
            [self._dim(name, axis, dim, stated[axis] if stated else None) for axis, dim in enumerate(dims)]
        )
        if self.wrong:
            written = "[" + ", ".join("?" if dim is None else str(dim) for dim in shape) + "]"
            promised = dict.fromkeys(str(of) for axis in self.wrong if (of := self.promised.get((name, axis))))
            text = declared_text(declared) + (f" and promises {' and '.join(promised)}" if promised else "")
            self.result.conflicts.append(Conflict(name, self.wrong, text, written))
        self.result.tensors[name] = Tensor(declared.dtype, shape)

    def _dim(self, name: str, axis: int, dim: DeclaredDim, stated: StatedDim) -> Size | None:
        size: Size
        if stated is not None:
            size = self._stated(stated)
            if (name, axis) in self.promised and not isinstance(dim, int):
                self._promise(name, axis, dim, size)
            else:
                self._compare(name, axis, dim, size)
        elif dim == UNSTATED:
            return None
        elif isinstance(dim, int) and (name, axis) not in self.freed:
            return dim
        elif (name, axis) in self.promised and not isinstance(dim, int):
            known = self.names if dim is not None and is_name(dim) else self.as_promised
            size = known[dim] if dim in known else self.table.symbol(f"{name}[{axis}]")
            self._promise(name, axis, dim, size)
        elif isinstance(dim, str):
            size = self._declared(name, axis, dim)
        else:
            size = self.table.symbol(f"{name}[{axis}]")
        if isinstance(size, Expr):
            low = size.bounds[0]
            if low is None or low < 1:
                self.result.conditions.append((at_least(size, 1), name))
            written = dim if isinstance(dim, str) else None
            named = written is not None and (self.own_names or is_name(written)) and not made_up(written)
            person = isinstance(stated, str) or named
            is_batch = axis == 0 and self.has_batch
            self.result.axes.append(Axis(name, axis, size, size.symbols[0], written, person, is_batch))
        return size

    def _promise(self, name: str, axis: int, dim: DeclaredDim, size: Size) -> None:
        """State that the size is one of those promised; the names in the dim mean what they say of such a size."""
        sizes = self.promised[name, axis]
        if isinstance(dim, str):
            same = equal((self.names if is_name(dim) else self.as_promised).setdefault(dim, size), size)
            if same is not True:
                self.result.conditions.append((same, name))
            parts = None if is_name(dim) else linear(dim)
            if parts is not None:
                self.names.setdefault(parts[0], (size - parts[2]) // parts[1])
        held = lies_in(size, sizes)
        if held is False:
            self.wrong.append(axis)
        elif held is not True:
            self.result.conditions.append((held, name))
        if isinstance(size, Expr) and size is size.symbols[0].expr:
            self.result.promised[size.symbols[0]] = sizes

    def _compare(self, name: str, axis: int, dim: DeclaredDim, size: Size) -> None:
        """State what the declared dim implies for what a person gives; a name that inputs share ties nothing then."""
        held: Held | None = None
        if isinstance(dim, int):
            held = size == dim if isinstance(size, int) and (name, axis) not in self.freed else None
        elif isinstance(dim, str) and not is_name(dim):
            held = self._constraint(dim, size)
        if held is False:
            self.wrong.append(axis)
        elif held is not None and held is not True:
            self.result.conditions.append((held, name))

    def _constraint(self, dim: str, size: Size) -> Held | None:
        """What the declared expression `dim` demands of `size`, and the meaning that it gives its name."""
        parts = linear(dim)
        if parts is None:
            return None
        name, factor, offset = parts
        if name in self.names:
            return equal(size, self.names[name] * factor + offset)
        self.names[name] = (size - offset) // factor
        return all_of((divides(factor, size - offset), at_least(size, factor + offset)))

    def _declared(self, name: str, axis: int, dim: str) -> Size:
        if is_name(dim):
            return self.names[dim]
        parts = linear(dim)
        if parts is not None and parts[0] not in self.names and not self.own_names:
            size = self.table.symbol(f"{name}[{axis}]")
            constraint = self._constraint(dim, size)
            if constraint is not None and constraint is not True:
                self.result.conditions.append((constraint, name))
            return size
        try:
            strange = _names(dim) - self.names.keys()
            if len(strange) < 2 or self.own_names:
                return parse_dim(dim, lambda each: self.names.setdefault(each, self.table.symbol(each)))
        except NotASize:
            pass
        # `batch-size`, `sequence length`: a label that happens to look like an expression, or none at all.
        return self.table.symbol(f"{name}[{axis}]")


def _names(dim: str) -> set[str]:
    """The names in a declared expression; raises NotASize."""
    table = Table()
    parse_dim(dim, table.symbol)
    return {symbol.name for symbol in table.symbols}


def linear(dim: str) -> tuple[str, int, int] | None:
    """A declared `factor*name + offset` with a positive factor."""
    table = Table()
    try:
        size = parse_dim(dim, table.symbol)
    except NotASize:
        return None
    if isinstance(size, int) or len(size.terms) != 1:
        return None
    atom, factor = size.terms[0]
    if not isinstance(atom, Symbol) or factor < 1:
        return None
    return atom.name, factor, size.const


def lies_in(size: Size, sizes: SizeSet) -> Held:
    """Whether `size` is a member; the residues of a set that are neighbours make one condition."""
    parts: list[Held] = [all_of((at_least(size, low), at_least(high, size))) for low, high in sizes.extra]
    runs: list[list[int]] = []
    for residue in sizes.residues:
        if runs and runs[-1][1] + 1 == residue:
            runs[-1][1] = residue
        else:
            runs.append([residue, residue])
    parts += [
        all_of((at_least(size, sizes.start), at_least(last - first, (size - first) % sizes.period)))
        for first, last in runs
    ]
    return any_of(parts)


def made_up(name: str) -> bool:
    """Whether an exporter made the name up."""
    return _MADE_UP.fullmatch(name) is not None


def label(inputs: Inputs, graph: Graph, shapes: Shapes, layout: tuple[int, bool] = (2, False)) -> None:
    """Give every symbol its label and every axis the spatial axis that it becomes.

    `layout`: the first spatial axis of the maps, and whether their channels are the last.
    """
    places = _spatial_places(graph, shapes, layout)
    for axis in inputs.axes:
        axis.spatial = places.get(axis.symbol)
    taken: dict[str, Symbol] = {}
    wanted: dict[Symbol, str] = {}
    for axis in inputs.axes:
        if axis.symbol in wanted:
            continue
        wanted[axis.symbol] = _wanted(axis, inputs)
    for symbol, word in wanted.items():
        first = taken.get(word)
        if first is None:
            taken[word] = symbol
            continue
        for each in (first, symbol):
            owner = next(axis for axis in inputs.axes if axis.symbol is each)
            wanted[each] = f"{owner.input}.{word}"
        taken[wanted[first]] = first
        taken[wanted[symbol]] = symbol
    for symbol, word in wanted.items():
        symbol.name = word


def _wanted(axis: Axis, inputs: Inputs) -> str:
    symbol = axis.symbol
    if any(each.named_by_person for each in inputs.axes if each.symbol is symbol):
        return symbol.name
    if axis.spatial is not None:
        place, number = axis.spatial
        if number == 2:
            return "HW"[place]
        if number == 1:
            return "L"
    return f"{axis.input}[{axis.axis}]"


def _spatial_places(
    graph: Graph, shapes: Shapes, layout: tuple[int, bool] = (2, False)
) -> dict[Symbol, tuple[int, int]]:
    """For each symbol the first spatial axis of a windowed operator whose size depends on it alone."""
    first, channels_last = layout
    by_mask: dict[int, tuple[int, int]] = {}
    for node in graph.nodes:
        if node.op in WINDOWED and node.inputs:
            tensor = shapes.tensors.get(node.inputs[0])
            if tensor is None or tensor.shape is None:
                continue
            sizes = tensor.shape[first : len(tensor.shape) - channels_last]
            number = len(sizes)
            for place, dim in enumerate(sizes):
                if isinstance(dim, Expr) and dim.mask not in by_mask:
                    by_mask[dim.mask] = (place, number)
    return {symbol: by_mask[symbol.bit] for symbol in shapes.table.symbols if symbol.bit in by_mask}


def spatial_axes(graph: Graph) -> frozenset[tuple[str, int]]:
    """The fixed axes of inputs that become spatial axes of a windowed operator."""
    fixed, inputs, _, places = _freed(graph)
    return frozenset((axis.input, axis.axis) for axis in inputs.axes if axis.symbol in places) & fixed


def channels_last(graph: Graph) -> frozenset[str]:
    """The tensors whose spatial axes stand right behind the first and are followed by another."""
    _, _, shapes, places = _freed(graph)
    spatial = 0
    for symbol in places:
        spatial |= symbol.bit
    found = []
    for name, tensor in shapes.tensors.items():
        at = [axis for axis, dim in enumerate(tensor.shape or ()) if isinstance(dim, Expr) and dim.mask & spatial]
        if at and tensor.shape is not None and at[0] == 1 and at[-1] < len(tensor.shape) - 1:
            found.append(name)
    return frozenset(found)


def _freed(graph: Graph) -> tuple[frozenset[tuple[str, int]], Inputs, Shapes, dict[Symbol, tuple[int, int]]]:
    """The graph with its fixed axes free: which those are, and where each symbol becomes a spatial axis."""
    fixed = frozenset(
        (declared.name, axis)
        for declared in graph.inputs
        for axis, dim in enumerate(declared.dims or ())
        if axis and isinstance(dim, int) and len(declared.dims or ()) > 2
    )
    table = Table()
    inputs = bind(graph, table, {}, freed=fixed)
    shapes = propagate(graph, inputs.tensors, table)
    return fixed, inputs, shapes, _spatial_places(graph, shapes)


def pinned(inputs: Inputs, graph: Graph, at: Mapping[Symbol, int]) -> dict[str | None, tuple[StatedDim, ...]]:
    """The dims of every input where the symbols are these sizes, to be stated; None where that leaves them open."""
    stated: dict[str | None, tuple[StatedDim, ...]] = {}
    for declared in graph.inputs:
        tensor = inputs.tensors.get(declared.name)
        if tensor is None or tensor.shape is None:
            continue
        stated[declared.name] = tuple([_value(dim, at) for dim in tensor.shape])
    return stated


def _value(dim: Size | None, at: Mapping[Symbol, int]) -> int | None:
    """The dim where these sizes decide it."""
    if dim is None or (isinstance(dim, Expr) and not set(dim.symbols) <= at.keys()):
        return None
    return evaluate(dim, at)


def sizes_at(inputs: Inputs, text: str) -> dict[Symbol, int]:
    """The symbols that `225x225` or `H=225,W=300` speaks of; raises StatedWrong.

    Plain numbers are the last free axes of every input.
    """
    axes = inputs.axes
    if not axes:
        raise StatedWrong("every axis of the model is fixed; name them in --input, or ask `shapelint sizes --free`")
    at: dict[Symbol, int] = {}
    if "=" in text:
        for part in text.split(","):
            name, _, number = part.partition("=")
            symbol = inputs.find(name.strip())
            if symbol is None:
                labels = ", ".join(f"`{each}`" for each in dict.fromkeys(axis.label for axis in axes))
                raise StatedWrong(f"no free axis is called `{name.strip()}`; the free axes are {labels}")
            at[symbol] = _asked(number.strip(), text)
        return at
    numbers = [_asked(part, text) for part in re.split(r"[x,]", text.replace(" ", ""))]
    for name in dict.fromkeys(axis.input for axis in axes):
        own = list(dict.fromkeys(axis.symbol for axis in axes if axis.input == name))
        if len(numbers) > len(own):
            given = f"{len(numbers)} size{'' if len(numbers) == 1 else 's'}"
            free = f"{len(own)} free ax{'i' if len(own) == 1 else 'e'}s"
            raise StatedWrong(f"`{text}` gives {given} and input `{name}` has {free}")
        at.update(zip(own[len(own) - len(numbers) :], numbers, strict=True))
    return at


def _asked(text: str, whole: str) -> int:
    if not text:
        raise StatedWrong(f"a size is missing in `{whole}`; write for example 225x225 or H=225,W=300")
    if not text.isdecimal() or not 0 < int(text[:12]) < 2**31:
        raise StatedWrong(
            f"`{text}` in `{whole}` is no size from 1 to 2**31 - 1; write for example 225x225 or H=225,W=300"
        )
    return int(text)
