"""Arguments of single layers, written where their calls stand: a call in a loop or a block stands for several layers.

Where all of them need one value it is written as it is; in a loop a list indexed by the loop variable; in a block a
parameter whose default is the old value, with arguments where another one is needed. What cannot be written so is
not offered.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from shapelint.fixing.draft import ROUNDS, Draft, Trouble
from shapelint.fixing.patch import TextEdit
from shapelint.source.spec.program import CallItem, ForItem, IfItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shapelint.graph import Node
    from shapelint.source.spec.program import Item, Program

_LONGEST: Final = 16
"""How long a list may get."""
_LITERAL: Final = re.compile(r"[-\d\s,()\[\]]+|None|True|False|\"\w+\"")
_ATTRIBUTES: Final = {
    "output_padding": "output_padding",
    "kernel_size": "kernel",
    "pool_size": "kernel",
    "stride": "strides",
    "dilation": "dilations",
    "dilation_rate": "dilations",
    "scale_factor": "scales",
    "scale": "scales",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """An argument of one layer, given another value."""

    node: Node
    argument: str
    value: str


@dataclass(frozen=True, slots=True)
class _Instance:
    """One of the layers that a call stands for: how it was expanded, and the value before and after."""

    stack: tuple[str, ...]
    """Innermost first."""
    old: str | None
    new: str


def settle_layers(
    draft: Draft, failing: Callable[[Draft], Trouble | None], mend: Callable[[Draft, Trouble], Iterable[Setting | None]]
) -> Draft | None:
    """The draft after `mend` gave layers other arguments wherever it fails, round by round.

    First a call that stands for several layers is changed for all of them; where that settles nothing, for each.
    """
    return _settled(draft, failing, mend, alone=False) or _settled(draft, failing, mend, alone=True)


def _settled(
    start: Draft,
    failing: Callable[[Draft], Trouble | None],
    mend: Callable[[Draft, Trouble], Iterable[Setting | None]],
    *,
    alone: bool,
) -> Draft | None:
    draft, seen = start, {start.text}
    given: dict[tuple[str, str], str] = {}
    for _ in range(ROUNDS):
        found = failing(draft)
        if found is None:
            return None if draft is start else draft
        settings = list(mend(draft, found))
        for setting in settings:
            if setting is None:
                return None
            for node in [setting.node] if alone else siblings(draft, setting.node):
                given[node.path, setting.argument] = setting.value
        following = assigned(start, given) if settings else None
        if following is None or following.text in seen:
            return None
        seen.add(following.text)
        draft = following
    return None


def siblings(draft: Draft, node: Node) -> list[Node]:
    """The layers that the call of a node stands for."""
    place = node.place
    nodes = draft.free[0].graph.nodes
    return [each for each in nodes if each.place and place and each.place.span == place.span and each.op == node.op]


def assigned(draft: Draft, given: dict[tuple[str, str], str]) -> Draft | None:
    """The draft with arguments of layers, by path and name, set to values; None where it cannot be written."""
    nodes = {node.path: node for node in draft.free[0].graph.nodes}
    edits: list[TextEdit] = []
    done: set[tuple[object, str]] = set()
    for path, argument in given:
        node = nodes.get(path)
        if node is None or node.place is None:
            return None
        if (node.place.span, argument) in done:
            continue
        done.add((node.place.span, argument))
        instances = []
        for each in siblings(draft, node):
            old, stack = written_value(each, argument), each.place.stack if each.place else ()
            new = given.get((each.path, argument), old)
            if new is None:
                return None
            instances.append(_Instance(stack, old, new))
        text = _Writer(draft, argument).text(instances, draft.spec.value(node, argument))
        if text is None:
            return None
        own = draft.spec.set(node, argument, text[0])
        if own is None:
            return None
        if own.text != draft.text[own.start : own.end]:
            edits.append(own)
        edits += [edit for edit in text[1] if edit not in edits]
    return draft.edited(_joined(edits))


def written_value(node: Node, argument: str) -> str | None:
    """The value that an argument of a layer has, as it is written; None where it has no short form."""
    found = node.attributes.get(_ATTRIBUTES.get(argument, argument))
    if argument == "padding":
        if node.rule == "keras":
            mode = node.attributes.get("mode")
            return f'"{mode}"' if isinstance(mode, str) else None
        found = node.attributes.get("pads")
        if node.rule == "jax":
            return _pairs(node)
        if not isinstance(found, tuple) or found[: len(found) // 2] != found[len(found) // 2 :]:
            return None
        found = found[: len(found) // 2]
    if argument == "ceil_mode":
        return str(bool(found))
    if argument == "auto_pad":
        return f'"{found or "NOTSET"}"'
    if found is None:
        kernel = node.attributes.get("kernel_shape")
        nothing = str([0] * len(kernel)) if node.rule == "onnx" and isinstance(kernel, tuple) else "0"
        return {"output_padding": "None" if node.rule == "keras" else nothing}.get(argument)
    if not isinstance(found, tuple) or not all(isinstance(each, int) for each in found):
        return None
    numbers = [each for each in found if isinstance(each, int)]
    if node.rule == "onnx":
        return str(numbers)
    return str(numbers[0]) if len(set(numbers)) == 1 else f"({', '.join(map(str, numbers))})"


def _pairs(node: Node) -> str | None:
    """JAX's padding: a word, or a pair an axis."""
    pads, mode = node.attributes.get("pads"), node.attributes.get("mode")
    if isinstance(mode, str):
        return f'"{mode.upper()}"'
    if not isinstance(pads, tuple) or not all(isinstance(each, int) for each in pads):
        return None
    rank = len(pads) // 2
    pairs = ", ".join(f"({pads[axis]}, {pads[rank + axis]})" for axis in range(rank))
    return f"({pairs}{',' if rank == 1 else ''})"


def _joined(edits: list[TextEdit]) -> list[TextEdit]:
    """The edits, with those that insert at one place as one."""
    places: dict[int, TextEdit] = {}
    rest = []
    for edit in edits:
        if edit.start != edit.end:
            rest.append(edit)
        elif edit.start in places:
            places[edit.start] = TextEdit(edit.start, edit.end, places[edit.start].text + edit.text)
        else:
            places[edit.start] = edit
    return [*rest, *places.values()]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Finds the text for an argument that differs between the layers that a call stands for."""

    draft: Draft
    argument: str

    def text(self, instances: list[_Instance], now: str | None) -> tuple[str, list[TextEdit]] | None:
        """What stands in the call, and the edits elsewhere that it needs; `now` is what stands there."""
        values = {each.new for each in instances}
        if len(values) == 1:
            return self.given(instances, now) or (values.pop(), [])
        if not all(_LITERAL.fullmatch(value) for value in values):
            return None
        loops = _loops(instances[0].stack)
        indexed = _indexed(instances, loops)
        if indexed is not None:
            return indexed, []
        if not all(each.stack[loops:] for each in instances):
            return None
        inner = [_Instance(each.stack[loops:], each.old, each.new) for each in instances]
        if _is_function(inner):
            return self.parameter(list(dict.fromkeys(inner)), now)
        for variable, column in _columns(instances, loops):
            lists, index = _lists(instances, column, loops), _index(variable, set(column))
            if lists is not None and index is not None:
                found = self.parameter(lists, None)
                return None if found is None else (f"{found[0]}[{index}]", found[1])
        return None

    def given(self, instances: list[_Instance], now: str | None) -> tuple[str, list[TextEdit]] | None:
        """The parameter that stands in the call, where its uses gave it several values; None where there is none."""
        stack = instances[0].stack
        block = self.draft.analysis.model.program.blocks.get(stack[0].partition("@")[0]) if stack else None
        if len({each.old for each in instances}) == 1 or block is None:
            return None
        return self.parameter(instances, now) if now in [name for name, _ in block.parameters] else None

    def parameter(self, instances: list[_Instance], now: str | None) -> tuple[str, list[TextEdit]] | None:
        """A parameter of the block in which the call stands: one that is there for it, or a new one."""
        program: Program = self.draft.analysis.model.program
        block = program.blocks[instances[0].stack[0].partition("@")[0]]
        words = _words(block.items)
        names = [name for name, _ in block.parameters]
        edits: list[TextEdit] = []
        if now in names and words.count(now) == 1:
            name, default = now, None
        else:
            taken = {*words, *names, *(key.text for key, _ in program.vars), *program.blocks, *_symbols(program)}
            name = next(
                word for word in (self.argument, *(f"{self.argument}{n}" for n in range(2, 99))) if word not in taken
            )
            olds = {each.old for each in instances}
            news = [each.new for each in instances]
            old = olds.pop() if len(olds) == 1 else None
            default = old or max(sorted(set(news)), key=news.count)
            edit = self.declared(block.span, name, default, bool(names))
            if edit is None:
                return None
            edits.append(edit)
        for site in dict.fromkeys(each.stack[0] for each in instances):
            own = [each for each in instances if each.stack[0] == site]
            if all(each.new == (each.old if default is None else default) for each in own):
                continue
            found = self.passed([_Instance(each.stack[1:], each.old, each.new) for each in own], site, names, name)
            if found is None:
                return None
            edits += found
        return name, edits

    def declared(self, span: object, name: str, default: str, others: bool) -> TextEdit | None:
        """The edit that adds a parameter to the key of a block."""
        start, end = self.draft.spec.range(span)  # type: ignore[arg-type]
        key = self.draft.text[start:end]
        bracket = key.rfind(")")
        if bracket < 0:
            word = re.match(r"[\"']?\w+", key)
            return None if word is None else TextEdit(start + word.end(), start + word.end(), f"({name}={default})")
        lead = ", " if others else ""
        return TextEdit(start + bracket, start + bracket, f"{lead}{name}={default}")

    def passed(self, own: list[_Instance], site: str, names: list[str], name: str) -> list[TextEdit] | None:
        """The edits that give a block the parameter where it is used."""
        place = re.fullmatch(r"\w+@(\d+):(\d+)", site)
        call = None if place is None else self.draft.spec.call_at(self.draft.spec.offset(int(place[1]), int(place[2])))
        if call is None or any(isinstance(each, ast.Starred) for each in call.tree.args):
            return None
        spec_text = self.draft.text
        given: tuple[int, int] | None = None
        for keyword in call.tree.keywords:
            if keyword.arg == name:
                given = call.start + keyword.value.col_offset, call.start + (keyword.value.end_col_offset or 0)
        if given is None and name in names and names.index(name) < len(call.tree.args):
            argument = call.tree.args[names.index(name)]
            given = call.start + argument.col_offset, call.start + (argument.end_col_offset or 0)
        found = self.text(own, None if given is None else spec_text[slice(*given)])
        if found is None:
            return None
        if given is not None:
            return [TextEdit(*given, found[0]), *found[1]]
        lead = ", " if call.tree.args or call.tree.keywords else ""
        return [TextEdit(call.close, call.close, f"{lead}{name}={found[0]}"), *found[1]]


def _loops(stack: tuple[str, ...]) -> int:
    """How many loops stand around the place, up to the block in which it stands."""
    return next((number for number, frame in enumerate(stack) if "=" not in frame), len(stack))


def _is_function(instances: list[_Instance]) -> bool:
    """Whether how a layer was expanded says which value it needs."""
    values: dict[tuple[str, ...], str] = {}
    return all(values.setdefault(each.stack, each.new) == each.new for each in instances)


def _columns(instances: list[_Instance], loops: int) -> list[tuple[str, list[int]]]:
    """The variables of the loops around the call that count, the innermost first, with their values."""
    seen: set[str] = set()
    found = []
    for depth in range(loops):
        frames = [_variables(each.stack[depth]) for each in instances]
        for variable in frames[0]:
            column = [frame.get(variable, "") for frame in frames]
            if variable not in seen and all(re.fullmatch(r"\d+", each) for each in column):
                found.append((variable, [int(each) for each in column]))
            seen.add(variable)
    return found


def _indexed(instances: list[_Instance], loops: int) -> str | None:
    """A list indexed by variables of loops around the call; None where they do not say which value it is."""
    columns = _columns(instances, loops)
    for variable, column in columns:
        values: dict[int, str] = {}
        if all(values.setdefault(n, each.new) == each.new for n, each in zip(column, instances, strict=True)):
            index = _index(variable, set(column))
            if index is not None:
                return f"[{', '.join(values[n] for n in sorted(values))}][{index}]"
            return _choice(variable, values)
    for (inner, column), (outer, other) in combinations(columns, 2):
        grid: dict[tuple[int, int], str] = {}
        keys = list(zip(other, column, strict=True))
        indices = _index(outer, set(other)), _index(inner, set(column))
        alike = all(grid.setdefault(key, each.new) == each.new for key, each in zip(keys, instances, strict=True))
        if alike and None not in indices and len(grid) == len(set(other)) * len(set(column)):
            rows = [f"[{', '.join(grid[n, m] for m in sorted(set(column)))}]" for n in sorted(set(other))]
            return f"[{', '.join(rows)}][{indices[0]}][{indices[1]}]"
    return None


def _lists(instances: list[_Instance], column: list[int], loops: int) -> list[_Instance] | None:
    """For each use of the block the values by a variable of a loop in it; None where that does not say which it is."""
    uses: dict[tuple[str, ...], dict[int, tuple[str | None, str]]] = {}
    for n, each in zip(column, instances, strict=True):
        values = uses.setdefault(each.stack[loops:], {})
        if values.setdefault(n, (each.old, each.new)) != (each.old, each.new):
            return None
    found = []
    for stack, values in uses.items():
        if values.keys() != set(column) or any(old is None for old, _ in values.values()):
            return None
        olds, news = (", ".join(str(values[n][which]) for n in sorted(values)) for which in (0, 1))
        found.append(_Instance(stack, f"[{olds}]", f"[{news}]"))
    return found


def _index(variable: str, keys: set[int]) -> str | None:
    """What counts from 0 by 1 while the variable takes its values; None where they are not evenly spaced."""
    first, last, count = min(keys), max(keys), len(keys)
    step = (last - first) // (count - 1) if count > 1 else 1
    if count > _LONGEST or sorted(keys) != list(range(first, last + 1, step)):
        return None
    index = variable if not first else f"{variable} - {first}"
    return index if step == 1 else f"{index} // {step}" if not first else f"({index}) // {step}"


def _choice(variable: str, values: dict[int, str]) -> str | None:
    """`1 if k == 5 else 0`, where one value of the variable needs another one than the rest."""
    for n, value in values.items():
        others = {each for other, each in values.items() if other != n}
        if len(others) == 1 and value not in others:
            return f"{value} if {variable} == {n} else {others.pop()}"
    return None


def _variables(frame: str) -> dict[str, str]:
    """The variables of a loop's turn: `i=4, k=3@27:10`."""
    words = re.split(r", (?=[^\W\d]\w*=)", frame.rpartition("@")[0])
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _words(items: Iterable[Item]) -> list[str]:
    """Every name that stands in the items of a block."""
    return [word for item in items for word in _words_of(item)]


def _words_of(item: Item) -> Iterator[str]:
    trees: list[ast.expr] = []
    if isinstance(item, CallItem):
        trees = [item.call.tree, *(name.tree for name in item.names)]
    elif isinstance(item, ForItem):
        values = item.values if isinstance(item.values, tuple) else (item.values,)
        trees = [each.tree for each in values]
        yield from item.variables
        yield from _words(item.body)
    elif isinstance(item, IfItem):
        trees = [item.condition.tree]
        yield from _words((*item.then, *item.other))
    for tree in trees:
        yield from (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _symbols(program: Program) -> Iterator[str]:
    """The names that the dims of the inputs declare."""
    for name, dims in program.inputs:
        yield name.text
        for dim in dims:
            yield from re.findall(r"[^\W\d]\w*", dim.text)
