"""Operators with subgraphs: If, Loop, Scan.

A branch that need not be taken, and a body that need not be executed, state what they require under that condition.
A condition that only the data knows is an opaque symbol: what is required under it is not decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.graph import Graph
from shapelint.ops.call import BOOL, INT64, UNKNOWN, Call, CannotTell, Dim, Element, Requirement, Shape, Split, Tensor
from shapelint.ops.legality import illegal, match
from shapelint.ops.registry import operator
from shapelint.size import (
    Condition,
    Expr,
    all_of,
    any_of,
    at_least,
    equal,
    is_always,
    is_never,
    larger,
    low,
    negate,
    select,
    separated,
    unequal,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.size import Held, Size

_MOST_NODES: Final = 2048
"""A loop that executes no more nodes than this is followed turn by turn."""

_MOST_PASSES: Final = 8
"""Shapes carried around a loop settle at the second pass, or never."""


def run_under(call: Call, held: Held, graph: Graph, inputs: Sequence[Tensor | None]) -> tuple[list[Tensor], bool]:
    """The outputs of `graph`, which is executed only where `held` holds, and whether it can be executed at all."""
    stated = len(call.requirements)
    outputs = call.run(graph, inputs)
    possible = all(item.held is not False for item in call.requirements[stated:])
    _weaken(call, stated, held)
    return outputs, possible


def _weaken(call: Call, stated: int, held: Held) -> None:
    """Make what has been stated from `stated` on hold only where `held` does."""
    if held is True or len(call.requirements) == stated:
        return
    inner = call.requirements[stated:]
    del call.requirements[stated:]
    spared = negate(held)
    for item in inner:
        weaker = separated(any_of((spared, item.held)))
        if weaker is not True:
            call.requirements.append(_with(item, weaker))


def _with(item: Requirement, held: Held) -> Requirement:
    return Requirement(item.path, item.kind, held, item.left, item.right, item.axis, item.operands, item.detail)


def truth_of(call: Call, tensor: Tensor | None, default: Held) -> Held:
    """The condition that a boolean scalar is; an opaque one where only the data knows."""
    if tensor is None:
        return default
    element: Element = tensor.value[0] if tensor.value is not None and len(tensor.value) == 1 else None
    if isinstance(element, bool | int):
        return bool(element)
    if isinstance(element, Expr):
        element = unequal(element, 0)
    if isinstance(element, bool):
        return element
    if isinstance(element, Condition):
        return True if is_always(element) else False if is_never(element) else element
    return equal(call.opaque("condition"), 1)


def _subgraph(call: Call, name: str) -> Graph:
    graph = call.attributes.get(name)
    if not isinstance(graph, Graph):
        illegal(call, f"`{name}` is missing")
    return graph


# -- If --------------------------------------------------------------------------------------------------------------


@operator("If")
def branch(call: Call) -> list[Tensor]:
    """ONNX If-1/11/13/16/19/21/23/24/25: the branch that is certain, else each size of the branch that is taken."""
    then, other = _subgraph(call, "then_branch"), _subgraph(call, "else_branch")
    held = truth_of(call, call.operand(0), True)
    if isinstance(held, bool):
        return call.run(then if held else other, ())
    if call.taken is not None:
        held = held if call.taken else negate(held)
        outputs, _ = run_under(call, held, then if call.taken else other, ())
        call.require("argument", held, detail="what follows takes the number of axes that one branch leaves")
        return outputs
    first, one = run_under(call, held, then, ())
    second, two = run_under(call, negate(held), other, ())
    if one is not two:
        # Where the node runs, it takes the branch that can be run.
        return first if one else second
    return [_either(held, a, b) for a, b in zip(first, second, strict=False)]


def _either(held: Held, a: Tensor, b: Tensor) -> Tensor:
    dtype = a.dtype if a.dtype == b.dtype else None
    if a.items is not None and b.items is not None:
        if len(a.items) != len(b.items):
            raise CannotTell("its branches leave sequences of different lengths")
        return Tensor(dtype, items=tuple([_either(held, one, two) for one, two in zip(a.items, b.items, strict=True)]))
    if a.shape is None or b.shape is None:
        return Tensor(dtype)
    if len(a.shape) != len(b.shape):
        raise Split("its branches leave different numbers of axes")
    shape = tuple([_chosen(held, one, two) for one, two in zip(a.shape, b.shape, strict=True)])
    if a.value is None or b.value is None or len(a.value) != len(b.value) or a.shape != b.shape:
        return Tensor(dtype, shape)
    return Tensor(dtype, shape, tuple([_element(held, one, two) for one, two in zip(a.value, b.value, strict=True)]))


def _chosen(held: Held, a: Dim, b: Dim) -> Dim:
    if a is b or a == b:
        return a
    return None if a is None or b is None else select(held, a, b)


def _element(held: Held, a: Element, b: Element) -> Element:
    if a is b or (type(a) is type(b) and a == b):
        return a
    if isinstance(a, bool | Condition) and isinstance(b, bool | Condition):
        return any_of((all_of((held, a)), all_of((negate(held), b))))
    if isinstance(a, int | Expr) and isinstance(b, int | Expr):
        return select(held, a, b)
    return None


# -- Loop ------------------------------------------------------------------------------------------------------------


@operator("Loop")
def loop(call: Call) -> list[Tensor]:
    """ONNX Loop-1/11/13/16/19/21/23/24/25: turn by turn where the turns are known and few, else what stays the same.

    A size that changes from turn to turn is opaque. Scan outputs have one slice a turn.
    """
    body = _subgraph(call, "body")
    count = call.input(0)
    most: Dim = None
    if count is not None:
        values = count.ints
        most = values[0] if values is not None and len(values) == 1 else call.opaque("turns")
    entered = truth_of(call, call.input(1), True)
    carried = [UNKNOWN if tensor is None else tensor for tensor in call.inputs[2:]]
    if isinstance(entered, bool) and not isinstance(most, Expr):
        stated = len(call.requirements)
        outputs = _turn_by_turn(call, body, most, entered, carried)
        if outputs is not None:
            return outputs
        del call.requirements[stated:]
    return _settled(call, body, most, entered, carried)


def _turn_by_turn(
    call: Call, body: Graph, most: int | None, entered: bool, carried: list[Tensor]
) -> list[Tensor] | None:
    """The outputs of a loop whose every turn is known; None where some turn is not, or there are too many."""
    length = max(len(body.nodes), 1)
    if entered and most is not None and most * length > _MOST_NODES:
        return None
    stated = len(call.requirements)
    scanned: list[list[Tensor]] = []
    turn = 0
    while entered and (most is None or turn < most):
        if turn * length > _MOST_NODES:
            return None
        number, going = Tensor(INT64, (), (turn,)), Tensor(BOOL, (), (True,))
        outputs = call.run(body, [number, going, *carried])
        turn += 1
        on = outputs[0].value
        if on is None or len(on) != 1 or not isinstance(on[0], bool):
            if most != turn:
                return None
            entered = False
        else:
            entered = on[0]
        carried = outputs[1 : 1 + len(carried)]
        scanned.append(outputs[1 + len(carried) :])
    _distinct(call, stated)
    if not scanned:
        return carried + _never_scanned(body, carried)
    return carried + [_stacked(call, list(column)) for column in zip(*scanned, strict=True)]


def _never_scanned(body: Graph, carried: list[Tensor]) -> list[Tensor]:
    """Scan outputs of a loop that is not entered: no slices."""
    if len(body.outputs) <= 1 + len(carried):
        return []
    found: list[Tensor] = []
    for item in body.outputs[1 + len(carried) :]:
        if item.dims is None:
            found.append(Tensor(item.dtype))
        else:
            found.append(Tensor(item.dtype, (0, *[dim if isinstance(dim, int) else None for dim in item.dims])))
    return found


def _distinct(call: Call, stated: int) -> None:
    """Drop what a later turn states again."""
    seen: set[tuple[object, ...]] = set()
    kept: list[Requirement] = []
    for item in call.requirements[stated:]:
        key = (item.path, item.kind, item.held, item.axis, item.operands)
        if key not in seen:
            seen.add(key)
            kept.append(item)
    call.requirements[stated:] = kept


def _stacked(call: Call, slices: list[Tensor]) -> Tensor:
    """The slices of every turn, which have one shape, along a new first axis."""
    shape = slices[0].shape
    if shape is None:
        return slices[0].typed(slices[0].dtype)
    for item in slices[1:]:
        if item.shape is None or len(item.shape) != len(shape):
            return Tensor(slices[0].dtype)
        if item.shape != shape:
            shape = tuple([
                match(call, a, b, axis=axis, operands=(-1, -1), detail="the slices of two turns")
                for axis, (a, b) in enumerate(zip(shape, item.shape, strict=True), 1)
            ])  # fmt: skip
    elements: list[Element] | None = []
    for item in slices:
        if item.value is None:
            elements = None
            break
        elements.extend(item.value)  # type: ignore[union-attr]
    return Tensor(slices[0].dtype, (len(slices), *shape), None if elements is None else tuple(elements))


def _settled(call: Call, body: Graph, most: Dim, entered: Held, carried: list[Tensor]) -> list[Tensor]:
    """The outputs of a loop with any number of turns: what no turn changes, the rest opaque."""
    stated = len(call.requirements)
    number, going = Tensor(INT64, (), (None,)), Tensor(BOOL, (), (True,))
    state = carried
    for _ in range(_MOST_PASSES):
        del call.requirements[stated:]
        outputs = call.run(body, [number, going, *state])
        wider = [_wider(call, place, a, b) for place, (a, b) in enumerate(zip(state, outputs[1:], strict=False))]
        if all(_same(a, b) for a, b in zip(state, wider, strict=True)):
            break
        state = wider
    else:
        raise CannotTell("the shapes that it carries do not settle")
    runs = entered if most is None else all_of((entered, at_least(most, 1)))
    _weaken(call, stated, runs)
    on = outputs[0].value
    turns: Size
    if most is not None and entered is True and on is not None and on[0] is True:
        least = low(most)
        turns = most if least is not None and least >= 0 else larger(most, 0)
    else:
        turns = call.opaque("turns made")
    results = [_final(call, place, a, b) for place, (a, b) in enumerate(zip(carried, state, strict=True))]
    for item in outputs[1 + len(carried) :]:
        results.append(Tensor(item.dtype, None if item.shape is None else (turns, *item.shape)))
    return results


def _wider(call: Call, place: int, a: Tensor, b: Tensor) -> Tensor:
    """What holds of a carried value before and after a turn."""
    if a.items is not None or b.items is not None:
        if a.items is None or b.items is None or len(a.items) != len(b.items):
            raise CannotTell("it carries a sequence whose length changes")
        return Tensor(a.dtype, items=tuple([_wider(call, place, x, y) for x, y in zip(a.items, b.items, strict=True)]))
    dtype = a.dtype if a.dtype is not None else b.dtype
    if a.shape is None or b.shape is None:
        return Tensor(dtype)
    if len(a.shape) != len(b.shape):
        raise CannotTell("it carries a value whose number of axes changes")
    shape: Shape = tuple([
        x if x is y or x == y else call.opaque(f"axis {axis} of carried value {place + 1}")
        for axis, (x, y) in enumerate(zip(a.shape, b.shape, strict=True))
    ])  # fmt: skip
    if a.value is None or b.value is None or a.shape != b.shape or len(a.value) != len(b.value):
        return Tensor(dtype, shape)
    same = [x if x is y or (type(x) is type(y) and x == y) else None for x, y in zip(a.value, b.value, strict=True)]
    return Tensor(dtype, shape, tuple(same))


def _same(a: Tensor, b: Tensor) -> bool:
    if a.items is not None and b.items is not None:
        return len(a.items) == len(b.items) and all(_same(x, y) for x, y in zip(a.items, b.items, strict=True))
    return a.shape == b.shape and a.value == b.value and a.items is b.items


def _final(call: Call, place: int, first: Tensor, settled: Tensor) -> Tensor:
    """What a carried value is after the last turn: a size that some turn changes is another one then."""
    if settled.items is not None:
        return settled
    if first.shape is None or settled.shape is None:
        return settled.typed(settled.dtype)
    shape: Shape = tuple([
        b if a is b or a == b else call.opaque(f"axis {axis} of output {place + 1}")
        for axis, (a, b) in enumerate(zip(first.shape, settled.shape, strict=True))
    ])  # fmt: skip
    return Tensor(settled.dtype, shape, settled.value if shape == first.shape else None)


# -- Scan ------------------------------------------------------------------------------------------------------------


@operator("Scan")
def scan(call: Call) -> list[Tensor]:
    """ONNX Scan-8 (with a batch in front) and -9/11/16/19/21/23/24/25: one turn for each slice of its scan inputs."""
    body = _subgraph(call, "body")
    batched = call.version == 8
    inputs = list(call.inputs[1:] if batched else call.inputs)
    scans = call.number("num_scan_inputs", 0)
    states = [UNKNOWN if tensor is None else tensor for tensor in inputs[: len(inputs) - scans]]
    sources = [UNKNOWN if tensor is None else tensor for tensor in inputs[len(inputs) - scans :]]
    first = 1 if batched else 0
    """How many axes the batch takes."""
    axes = (call.numbers("scan_input_axes") if not batched else None) or (0,) * scans
    batch: Dim = None
    turns: Dim = None
    given: list[Tensor] = []
    place = 1 if batched else 0
    for position, state in enumerate(states):
        if batched and state.shape:
            batch = match(call, batch, state.shape[0], operands=(place, place + position), detail="the batch")
        given.append(Tensor(state.dtype, None if state.shape is None else state.shape[first:]))
    for position, (source, along) in enumerate(zip(sources, axes, strict=True)):
        if source.shape is None:
            given.append(Tensor(source.dtype))
            continue
        here = place + len(states) + position
        axis = call.axis(along, len(source.shape) - first) + first
        if batched:
            batch = match(call, batch, source.shape[0], operands=(place, here), detail="the batch")
        turns = match(
            call, turns, source.shape[axis], operands=(place + len(states), here), detail="the scanned lengths"
        )
        given.append(Tensor(source.dtype, (*source.shape[first:axis], *source.shape[axis + 1 :])))
    runs = equal(call.opaque("entered"), 1) if turns is None else at_least(turns, 1)
    if runs is False:
        runs = True
    outputs, _ = run_under(call, runs, body, given)
    lead = (batch,) if batched else ()
    results: list[Tensor] = []
    for position, (state, after) in enumerate(zip(given[: len(states)], outputs, strict=False)):
        if state.shape is not None and after.shape is not None:
            if len(state.shape) != len(after.shape):
                raise CannotTell("its body changes the number of axes of a state")
            for axis, (a, b) in enumerate(zip(state.shape, after.shape, strict=True), first):
                match(call, a, b, axis=axis, operands=(place + position, -1), detail="a state after a turn")
        shape = state.shape if state.shape is not None else after.shape
        results.append(Tensor(after.dtype or state.dtype, None if shape is None else (*lead, *shape)))
    placed = (call.numbers("scan_output_axes") if not batched else None) or ()
    for position, item in enumerate(outputs[len(states) :]):
        if item.shape is None:
            results.append(Tensor(item.dtype))
            continue
        axis = call.axis(placed[position] if position < len(placed) else 0, len(item.shape) + 1)
        results.append(Tensor(item.dtype, (*lead, *item.shape[:axis], turns, *item.shape[axis:])))
    return results
