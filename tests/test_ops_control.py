"""If, Loop, Scan and sequences: what is certain is said, what depends on a condition is required under it."""

from __future__ import annotations

from typing import Any

import pytest

from shapelint.graph import Constant, Declared, Graph, Node
from shapelint.ops.call import BOOL, FLOAT, INT64, Tensor
from shapelint.propagate import Shapes, propagate
from shapelint.size import Expr, Size, Table, evaluate, holds

VERSION = 21


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> Node:
    """One node; inputs and outputs are names between spaces, `_` one left out."""
    names = tuple("" if name == "_" else name for name in inputs.split())
    return Node(f"{op}:{outputs}", op, "", names, tuple(outputs.split()), attributes, version=VERSION)


def graph(*nodes: Node, inputs: str = "", outputs: str = "y", **constants: Constant) -> Graph:
    def named(names: str) -> tuple[Declared, ...]:
        return tuple(Declared(name) for name in names.split())

    return Graph("g", nodes, named(inputs), named(outputs), constants)


def ints(*values: int) -> Constant:
    return Constant(INT64, (len(values),), values)


def scalar(value: int) -> Constant:
    return Constant(INT64, (), (value,))


def boolean(value: bool) -> Constant:
    return Constant(BOOL, (), (value,))


def shape_at(shapes: Shapes, name: str, **sizes: int) -> tuple[int, ...] | None:
    """The shape of a value at these sizes; None where the model does not run."""
    symbols = {symbol: sizes[symbol.name] for symbol in shapes.table.symbols if symbol.name in sizes}
    if not all(holds(requirement.held, symbols) for requirement in shapes.requirements):
        return None
    shape = shapes.tensors[name].shape
    assert shape is not None
    return tuple(evaluate(dim, symbols) for dim in shape if dim is not None)


def is_opaque(size: Size | None) -> bool:
    return isinstance(size, Expr) and any(symbol.opaque for symbol in size.symbols)


POOL = graph(node("MaxPool", "x", "p", kernel_shape=(4,), strides=(2,)), outputs="p")
KEEP = graph(node("Relu", "x", "k"), outputs="k")


# -- If --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [True, False])
def test_a_constant_condition_takes_one_branch(taken: bool) -> None:
    g = graph(node("If", "c", "y", then_branch=POOL, else_branch=KEEP), inputs="x", c=boolean(taken))
    shapes = propagate(g, {"x": Tensor(FLOAT, (1, 3, 2))}, Table())
    assert shape_at(shapes, "y") == (None if taken else (1, 3, 2))


def on_a_size(then: Graph, other: Graph) -> Shapes:
    """`then` where the width is above 7."""
    table = Table()
    g = graph(
        node("Shape", "x", "s"),
        node("Gather", "s two", "w"),
        node("Greater", "w seven", "c"),
        node("If", "c", "y", then_branch=then, else_branch=other),
        inputs="x",
        two=scalar(2),
        seven=scalar(7),
    )
    return propagate(g, {"x": Tensor(FLOAT, (1, 3, table.symbol("n")))}, table)


def test_a_condition_on_a_size_selects_sizes_and_requirements() -> None:
    """A pool that is run above 7 only neither changes nor refuses what is below."""
    shapes = on_a_size(POOL, KEEP)
    assert not shapes.unknowns
    for n in range(1, 30):
        assert shape_at(shapes, "y", n=n) == (1, 3, n if n <= 7 else (n - 4) // 2 + 1)
    below = on_a_size(KEEP, POOL)
    for n in range(1, 30):
        expected = (1, 3, n) if n > 7 else None if n < 4 else (1, 3, (n - 4) // 2 + 1)
        assert shape_at(below, "y", n=n) == expected


def test_branches_of_different_ranks_are_unknown_and_named() -> None:
    flat = graph(node("Squeeze", "x a", "f"), outputs="f", a=ints(0))
    shapes = on_a_size(flat, KEEP)
    assert [unknown.op for unknown in shapes.unknowns] == ["If"]
    assert shapes.tensors["y"].shape is None


def test_a_condition_that_data_decides_leaves_requirements_undecided() -> None:
    table = Table()
    g = graph(node("If", "c", "y z", then_branch=both(POOL, "p"), else_branch=both(KEEP, "k")), inputs="x c")
    feeds = {"x": Tensor(FLOAT, (1, 3, table.symbol("n"))), "c": Tensor(BOOL, ())}
    shapes = propagate(g, feeds, table)
    assert not shapes.unknowns
    shape = shapes.tensors["y"].shape
    assert shape is not None
    assert shape[:2] == (1, 3)
    assert is_opaque(shape[2])
    assert shapes.tensors["z"].shape == (3, 5)
    assert [not isinstance(item.held, bool) and is_opaque(item.held.parts[0].expr) for item in shapes.requirements]
    concrete = propagate(g, {**feeds, "x": Tensor(FLOAT, (1, 3, 2))}, table, concrete=True)
    assert all(item.held is not False for item in concrete.requirements)
    assert len(concrete.requirements) == 1


def both(inner: Graph, name: str) -> Graph:
    """The graph with a second output, of one shape in every branch."""
    extra = node("Identity", "q", "r")
    constants = {**inner.constants, "q": Constant(FLOAT, (3, 5))}
    return Graph("b", (*inner.nodes, extra), (), (Declared(name), Declared("r")), constants)


def test_a_refusal_inside_a_branch_that_is_not_taken_is_none() -> None:
    illegal = graph(node("Conv", "x w", "p", strides=(0,)), outputs="p", w=Constant(FLOAT, (3, 3, 3)))
    g = graph(node("If", "c", "y", then_branch=illegal, else_branch=KEEP), inputs="x c")
    shapes = propagate(g, {"x": Tensor(FLOAT, (1, 3, 9)), "c": Tensor(BOOL, ())}, Table(), concrete=True)
    assert all(item.held is not False for item in shapes.requirements)
    assert shapes.tensors["y"].shape == (1, 3, 9)


# -- Loop ------------------------------------------------------------------------------------------------------------


def looped(
    *body: Node, turns: Constant | None, carried: str, x: Any, outputs: str = "y", **constants: Constant
) -> Shapes:
    table = Table()
    inner = graph(*body, inputs="i go v", outputs=carried, **constants)
    given = {"m": turns} if turns is not None else {}
    g = graph(
        node("Loop", "m _ x", outputs, body=inner),
        inputs="x" if turns is not None else "x m",
        outputs=outputs.split()[0],
        **given,
    )
    dims = tuple(table.symbol(dim) if isinstance(dim, str) else dim for dim in x)
    feeds = {"x": Tensor(FLOAT, dims)}
    if turns is None:
        feeds["m"] = Tensor(INT64, ())
    return propagate(g, feeds, table)


HALVE = node("MaxPool", "v", "w", kernel_shape=(2,), strides=(2,))


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_known_turns_are_followed(turns: int) -> None:
    shapes = looped(HALVE, turns=scalar(turns), carried="go w", x=(1, 3, "n"))
    assert not shapes.unknowns
    for n in range(1, 40):
        expected = (1, 3, n >> turns) if n >> turns else None
        assert shape_at(shapes, "y", n=n) == expected


def test_an_unknown_number_of_turns_leaves_what_no_turn_changes() -> None:
    shapes = looped(HALVE, turns=None, carried="go w", x=(1, 3, "n"))
    shape = shapes.tensors["y"].shape
    assert shape is not None
    assert shape[:2] == (1, 3)
    assert is_opaque(shape[2])
    assert shapes.requirements
    still = looped(node("Relu", "v", "w"), turns=None, carried="go w", x=(1, 3, "n"))
    assert shape_at(still, "y", n=9) == (1, 3, 9)
    assert not still.requirements


def test_what_a_body_requires_is_undecided_where_it_may_not_run() -> None:
    stem = node("MaxPool", "x", "w", kernel_shape=(4,))
    shapes = looped(stem, node("Identity", "v", "u"), turns=None, carried="go u", x=(1, 3, "n"))
    assert len(shapes.requirements) == 1
    held = shapes.requirements[0].held
    assert not isinstance(held, bool)
    assert len(held.parts) == 2
    certain = looped(stem, node("Identity", "v", "u"), turns=scalar(5), carried="go u", x=(1, 3, "n"))
    assert [n for n in range(1, 9) if shape_at(certain, "y", n=n) is None] == [1, 2, 3]


def test_scan_outputs_have_one_slice_a_turn() -> None:
    body = node("Relu", "v", "w")
    known = looped(body, turns=scalar(4), carried="go w w", x=(3, "n"), outputs="y s")
    assert shape_at(known, "s", n=6) == (4, 3, 6)
    many = looped(body, turns=scalar(10**6), carried="go w w", x=(3, "n"), outputs="y s")
    assert shape_at(many, "s", n=6) == (10**6, 3, 6)
    unknown = looped(body, turns=None, carried="go w w", x=(3, 5), outputs="y s").tensors["s"].shape
    assert unknown is not None
    assert is_opaque(unknown[0])
    assert unknown[1:] == (3, 5)


def test_a_size_may_be_the_number_of_turns() -> None:
    table = Table()
    n = table.symbol("n")
    body = graph(node("Relu", "v", "w"), inputs="i go v", outputs="go w w")
    g = graph(
        node("Shape", "x", "s"),
        node("Gather", "s zero", "m"),
        node("Loop", "m _ x", "y slices", body=body),
        inputs="x",
        zero=scalar(0),
    )
    shapes = propagate(g, {"x": Tensor(FLOAT, (n, 4))}, table)
    assert shapes.tensors["slices"].shape == (n, n, 4)


def test_a_condition_of_the_body_ends_the_loop() -> None:
    body = graph(
        HALVE,
        node("Add", "i one", "next"),
        node("Less", "next three", "on"),
        inputs="i go v",
        outputs="on w",
        one=scalar(1),
        three=scalar(3),
    )
    g = graph(node("Loop", "_ go x", "y", body=body), inputs="x", go=boolean(True))
    shapes = propagate(g, {"x": Tensor(FLOAT, (1, 1, 80))}, Table(), concrete=True)
    assert shapes.tensors["y"].shape == (1, 1, 10)


def test_data_in_a_loop_decides_each_turn_anew() -> None:
    """The non-zero elements of two turns are two sizes: their sum is not twice one of them."""
    body = graph(
        node("NonZero", "x", "z"),
        node("Concat", "v z", "w", axis=1),
        inputs="i go v",
        outputs="go w",
    )
    g = graph(node("Loop", "m _ v", "y", body=body), inputs="x v", m=scalar(2))
    feeds = {"x": Tensor(FLOAT, (4,)), "v": Tensor(INT64, (1, 0))}
    shape = propagate(g, feeds, Table()).tensors["y"].shape
    assert shape is not None
    size = shape[1]
    assert isinstance(size, Expr)
    assert len(size.symbols) == 2


def test_a_growing_sequence_is_followed_turn_by_turn() -> None:
    body = graph(node("SequenceInsert", "v x", "w"), inputs="i go v", outputs="go w")
    g = graph(
        node("SequenceEmpty", "", "e"),
        node("Loop", "m _ e", "seq", body=body),
        node("ConcatFromSequence", "seq", "y", axis=0),
        node("SequenceLength", "seq", "length"),
        inputs="x",
        m=scalar(3),
    )
    shapes = propagate(g, {"x": Tensor(FLOAT, (2, 5))}, Table())
    assert shapes.tensors["y"].shape == (6, 5)
    assert shapes.tensors["length"].value == (3,)


def test_a_sequence_that_grows_an_unknown_number_of_times_is_named() -> None:
    body = graph(node("SequenceInsert", "v x", "w"), inputs="i go v", outputs="go w")
    g = graph(
        node("SequenceEmpty", "", "e"),
        node("Loop", "m _ e", "seq", body=body),
        inputs="x m",
        outputs="seq",
    )
    shapes = propagate(g, {"x": Tensor(FLOAT, (2, 5)), "m": Tensor(INT64, ())}, Table())
    assert [unknown.op for unknown in shapes.unknowns] == ["Loop"]


def test_an_unknown_operator_in_a_body_is_named_once() -> None:
    body = graph(node("Mystery", "v", "w"), inputs="i go v", outputs="go w")
    g = graph(node("Loop", "m _ x", "y", body=body), inputs="x", m=scalar(5))
    shapes = propagate(g, {"x": Tensor(FLOAT, (2, 5))}, Table())
    assert [unknown.op for unknown in shapes.unknowns] == ["Mystery"]


# -- Scan ------------------------------------------------------------------------------------------------------------


def test_scan_reads_and_writes_slices() -> None:
    table = Table()
    n = table.symbol("n")
    body = graph(
        node("Add", "state slice", "after"), node("Concat", "slice slice", "out", axis=0),
        inputs="state slice", outputs="after out",
    )  # fmt: skip
    g = graph(
        node("Scan", "s x", "y z", body=body, num_scan_inputs=1, scan_input_axes=(1,), scan_output_axes=(1,)),
        inputs="s x",
    )
    shapes = propagate(g, {"s": Tensor(FLOAT, (4,)), "x": Tensor(FLOAT, (4, n))}, table)
    assert shapes.tensors["y"].shape == (4,)
    assert shapes.tensors["z"].shape == (8, n)
    assert not shapes.requirements
    wrong = propagate(g, {"s": Tensor(FLOAT, (1,)), "x": Tensor(FLOAT, (4, n))}, table)
    assert any(item.held is False for item in wrong.requirements)


# -- sequences -------------------------------------------------------------------------------------------------------


def run_sequence(*nodes: Node, x: tuple[Any, ...] = (7, 4), **constants: Constant) -> Shapes:
    g = graph(*nodes, inputs="x", **constants)
    return propagate(g, {"x": Tensor(FLOAT, x)}, Table())


def items(shapes: Shapes, name: str) -> list[Any]:
    found = shapes.tensors[name].items
    assert found is not None
    return [item.shape for item in found]


def test_pieces_of_a_split() -> None:
    whole = run_sequence(node("SplitToSequence", "x", "y"))
    assert items(whole, "y") == [(1, 4)] * 7
    dropped = run_sequence(node("SplitToSequence", "x", "y", keepdims=0))
    assert items(dropped, "y") == [(4,)] * 7
    threes = run_sequence(node("SplitToSequence", "x k", "y", axis=0), k=scalar(3))
    assert items(threes, "y") == [(3, 4), (3, 4), (1, 4)]
    stated = run_sequence(node("SplitToSequence", "x k", "y"), k=ints(5, 2))
    assert items(stated, "y") == [(5, 4), (2, 4)]
    wrong = run_sequence(node("SplitToSequence", "x k", "y"), k=ints(5, 3))
    assert wrong.requirements[0].held is False


def test_items_are_put_in_taken_out_and_read() -> None:
    shapes = run_sequence(
        node("SequenceConstruct", "x a", "s"),
        node("SequenceInsert", "s b first", "t"),
        node("SequenceErase", "t last", "u"),
        node("SequenceAt", "t last", "at"),
        node("ConcatFromSequence", "t", "y", axis=0),
        a=Constant(FLOAT, (2, 4)),
        b=Constant(FLOAT, (9, 4)),
        first=scalar(0),
        last=scalar(-1),
    )
    assert items(shapes, "t") == [(9, 4), (7, 4), (2, 4)]
    assert items(shapes, "u") == [(9, 4), (7, 4)]
    assert shapes.tensors["at"].shape == (2, 4)
    assert shapes.tensors["y"].shape == (18, 4)


def test_a_new_axis_needs_equal_items() -> None:
    same = run_sequence(
        node("SequenceConstruct", "x x", "s"), node("ConcatFromSequence", "s", "y", axis=-1, new_axis=1)
    )
    assert same.tensors["y"].shape == (7, 4, 2)
    other = run_sequence(
        node("SequenceConstruct", "x a", "s"), node("ConcatFromSequence", "s", "y", axis=0, new_axis=1),
        a=Constant(FLOAT, (2, 4)),
    )  # fmt: skip
    assert [item.kind for item in other.requirements if item.held is False] == ["join"]


def test_a_position_outside_is_refused() -> None:
    shapes = run_sequence(node("SequenceConstruct", "x", "s"), node("SequenceAt", "s p", "y"), p=scalar(1))
    assert shapes.requirements[0].held is False


def test_a_map_runs_its_body_for_each_item() -> None:
    body = graph(node("MaxPool", "item", "small", kernel_shape=(2,)), inputs="item", outputs="small")
    shapes = run_sequence(
        node("SequenceConstruct", "x a", "s"),
        node("SequenceMap", "s", "y", body=body),
        x=(1, 1, 8),
        a=Constant(FLOAT, (1, 2, 5)),
    )
    assert items(shapes, "y") == [(1, 1, 7), (1, 2, 4)]
