"""A program with sizes for its inputs becomes a graph: loops and blocks are expanded, and calls become nodes.

Sizes of layers may stand in later arguments, so nodes are handed to `run` one by one, which propagates them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shapelint.conventions import Build, convention
from shapelint.conventions.values import Layer, Value, kind_of
from shapelint.graph import Declared, Graph, Node, Span
from shapelint.meant import meant
from shapelint.source.spec.binding import applied, find_sources
from shapelint.source.spec.call import Call, layers_in, read_call
from shapelint.source.spec.compose import Mapping as YamlMapping
from shapelint.source.spec.compose import Scalar, SpecError
from shapelint.source.spec.evaluate import evaluate, indexed_name
from shapelint.source.spec.expectation import Expectation, expectation
from shapelint.source.spec.expression import Expression, parse
from shapelint.source.spec.frame import Frame
from shapelint.source.spec.layer_types import LayerTypes
from shapelint.source.spec.literal import literal
from shapelint.source.spec.nodes import MOST_LAYERS, Nodes
from shapelint.source.spec.operators import LONGEST, ValueFault, truth
from shapelint.source.spec.program import Block, CallItem, ForItem, IfItem, Item, LongItem, Program
from shapelint.source.spec.scale import scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shapelint.conventions import Convention
    from shapelint.source.spec.compose import Node as YamlNode


@dataclass(frozen=True, slots=True)
class Lowered:
    """What a program becomes."""

    graph: Graph
    expectations: list[Expectation]


def lower(
    program: Program,
    inputs: Mapping[str, tuple[Any, ...] | None],
    symbols: Mapping[str, Value],
    run: Callable[[Node], list[tuple[Any, ...] | None]],
) -> Lowered:
    """The graph of `program` where the inputs have these shapes and the symbols these sizes.

    `run` propagates a node and gives the shapes of its outputs. Raises SpecError.
    """
    own = convention(program.convention)
    nodes = Nodes(own.layout(program.layout), run)
    frame = Frame(dict(symbols))
    for key, node in program.vars:
        if not key.text.isidentifier():
            raise SpecError(f"the name `{key.text}` is no identifier", key.span, "use letters, digits and _")
        frame.outer[key.text] = literal(node, frame)
    for key, _ in program.inputs:
        frame.layers[key.text] = nodes.layout.layer(key.text, key.text, inputs[key.text])
        frame.made[key.text] = 1
    previous = next(iter(frame.layers.values())) if len(frame.layers) == 1 else None
    _Expansion(program, LayerTypes(program, own), nodes, frozenset(frame.outer)).items(program.items, frame, previous)
    outputs = nodes.unread() if program.outputs is None else _named(program.outputs, frame)
    names = {layer.value for layer in outputs}
    expectations = [expectation(expected, frame, names, inputs.keys()) for expected in program.expect]
    graph = Graph(
        name="",
        nodes=tuple(nodes.made),
        inputs=tuple([Declared(name.text, spans=tuple([dim.span for dim in dims])) for name, dims in program.inputs]),
        outputs=tuple(Declared(layer.value) for layer in outputs),
    )
    return Lowered(graph, expectations)


def _named(expressions: Sequence[Expression], frame: Frame) -> list[Layer]:
    """The layers that `outputs` names."""
    found = []
    for expression in expressions:
        value = evaluate(expression, expression.tree, frame)
        if not isinstance(value, Layer):
            raise expression.fault(f"an output is {kind_of(value)}", None, "name a layer")
        found.append(value)
    return found


@dataclass(frozen=True, slots=True)
class _Expansion:
    """The items of a file, expanded in order; each of its methods gives the layer that the next item reads."""

    program: Program
    types: LayerTypes
    nodes: Nodes
    everywhere: frozenset[str]
    """The names that blocks see too: vars and symbols."""

    def items(self, items: Sequence[Item], frame: Frame, previous: Layer | None) -> Layer | None:
        for item in items:
            if isinstance(item, CallItem):
                previous = self.call_item(item, frame, previous)
            elif isinstance(item, ForItem):
                previous = self.loop(item, frame, previous)
            elif isinstance(item, IfItem):
                condition = evaluate(item.condition, item.condition.tree, frame)
                try:
                    taken = truth(condition)
                except ValueFault as fault:
                    raise item.condition.fault(f"`if` {fault}", None, "write `a if c else b` in an argument") from None
                previous = self.items(item.then if taken else item.other, frame, previous)
            else:
                previous = self.long_item(item, frame, previous)
        return previous

    def loop(self, item: ForItem, frame: Frame, previous: Layer | None) -> Layer | None:
        values = _turns(item, frame)
        kept, stack = dict(frame.loops), frame.stack
        for value in values:
            if len(item.variables) == 1:
                frame.loops[item.variables[0]] = value
            else:
                if not isinstance(value, tuple) or len(value) != len(item.variables):
                    message = f"{len(item.variables)} variables stand against {kind_of(value)}"
                    raise SpecError(message, item.span, "give each turn as many values as there are variables")
                frame.loops.update(zip(item.variables, value, strict=True))
            words = ", ".join(f"{name}={frame.loops[name]}" for name in item.variables)
            frame.stack = (_entered(words, item.span), *stack)
            previous = self.items(item.body, frame, previous)
        frame.loops, frame.stack = kept, stack
        return previous

    def call_item(self, item: CallItem, frame: Frame, previous: Layer | None) -> Layer | None:
        expression, tree, times = item.call, item.call.tree, 1
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult) and isinstance(tree.left, ast.Call):
            times, tree = _repetitions(expression, tree.right, frame), tree.left
        names = [indexed_name(name, name.tree, frame) for name in item.names]
        result = previous
        for turn in range(times):
            call = read_call(expression, tree, frame, self.types.takes_values)
            if turn:
                call.sources = None
            result = self.apply(call, frame, result, names[0] if len(names) == 1 else "", len(names))
            if len(names) == 1:
                frame.layers[names[0]] = result
        if len(names) > 1 and result is not None:
            given = (result, *result.extras)
            if len(given) < len(names):
                message = f"{len(names)} names stand for {len(given)} output{'' if len(given) == 1 else 's'}"
                raise item.names[0].fault(message)
            for name, layer in zip(names, given, strict=False):
                frame.layers[name] = layer
                if name == "_":
                    self.nodes.read.add(layer.value)
        return result

    def long_item(self, item: LongItem, frame: Frame, previous: Layer | None) -> Layer | None:
        name = indexed_name(item.name, item.name.tree, frame) if item.name is not None else ""
        keywords = {key.text: literal(value, frame) for key, value in item.args}
        spans = {key.text: value.span for key, value in item.args}
        sources = None if item.sources is None else [_source(each, frame) for each in item.sources]
        parse(item.type)  # refuses what is no expression
        end = Span(item.span.end_line, item.span.end_column, item.span.end_line, item.span.end_column)
        call = Call(item.type.text, [], keywords, sources, spans, item.span, end)
        result = self.apply(call, frame, previous, name, 1)
        if name:
            frame.layers[name] = result
        return result

    def apply(self, call: Call, frame: Frame, previous: Layer | None, name: str, outputs: int) -> Layer:
        """The layer that a call gives; `outputs`: how many names the item gives."""
        undone = call.keywords.pop("undoes", None)
        result = self._applied(call, frame, previous, name, outputs)
        if undone is not None:
            if not isinstance(undone, Layer):
                raise call.fault(f"`undoes` is {kind_of(undone)}", "name a layer", "undoes")
            self.nodes.undo(result, undone)
        return result

    def _applied(self, call: Call, frame: Frame, previous: Layer | None, name: str, outputs: int) -> Layer:
        block = self.program.blocks.get(call.name)
        if block is not None:
            return self.instance(block, call, frame, previous, name)
        if call.name in self.program.types:
            return self.declared(self.program.types[call.name], call, frame, previous, name)
        own, layer = self.types.find(call)
        sources = find_sources(layer, call, previous)
        path = frame.path(name or call.name.rpartition(".")[2])
        build = self.build(own, call, sources, path, frame, outputs)
        if layer is None:
            if call.name in own.keeps:
                return build.same()
            self.types.refuse(call, own)
            return build.unknown(f"no layer of {own.name}; say in `types:` what it does")
        return applied(layer, call, build)

    def build(
        self, own: Convention, call: Call, sources: list[Layer], path: str, frame: Frame, outputs: int = 1
    ) -> Build:
        spatial = sources[0].spatial if sources and isinstance(sources[0], Layer) else None
        return Build(
            call.name,
            path,
            sources,
            rank=0 if spatial is None else spatial[1] - spatial[0],
            layout=self.nodes.layout,
            rule=own.rule,
            opset=self.program.opset,
            outputs=outputs,
            place=call.place(frame.stack, {}),
            make=self.nodes.make,
        )

    def declared(self, node: YamlNode, call: Call, frame: Frame, previous: Layer | None, name: str) -> Layer:
        """A call of a type that `types:` describes: a call it behaves like, a factor, or `same`."""
        sources = call.sources
        if sources is None:
            sources = [layer for value in [*call.positional, *call.keywords.values()] for layer in layers_in(value)]
            sources = sources or ([previous] if previous is not None else [])
        if not sources:
            raise call.fault(f"`{call.name}` has no layer before it to read from")
        name = name or call.name
        if isinstance(node, Scalar) and node.text == "same":
            build = self.build(self.types.convention, call, call.sources or [], frame.path(name), frame)
            return build.same(sources[0], keep_channels=False)
        if isinstance(node, YamlMapping):
            scale = node.get("scale")
            if scale is None or len(node.items) != 1:
                raise SpecError(f"the type `{call.name}` is no factor", node.span, "write `{scale: 2}`")
            build = self.build(self.types.convention, call, call.sources or [], frame.path(name), frame)
            return scaled(build, sources[0], literal(scale, frame), scale.span)
        if not isinstance(node, Scalar):
            raise SpecError(f"the type `{call.name}` is a list", node.span, "write a layer, a factor or `same`")
        expression = parse(node)
        inner = read_call(expression, expression.tree, Frame(frame.outer), self.types.takes_values)
        inner.sources, inner.span = sources, call.span
        return self.apply(inner, frame, previous, name, 1)

    def instance(self, block: Block, call: Call, frame: Frame, previous: Layer | None, name: str) -> Layer:
        """An instance of a block."""
        source = previous
        if call.sources is not None:
            if len(call.sources) != 1:
                message = f"block `{block.name}` reads one source and gets {len(call.sources)}"
                raise call.fault(message, "pass further layers as parameters")
            source = call.sources[0]
        values = _parameters(block, call)
        inner = Frame({name: value for name, value in frame.outer.items() if name in self.everywhere})
        for parameter, default in block.parameters:
            if parameter not in values:
                if default is None:
                    raise call.fault(f"block `{block.name}` needs `{parameter}`")
                values[parameter] = evaluate(default, default.tree, inner)
        inner.outer.update(values)
        path = frame.path(name or block.name)
        inner.prefix = f"{path}/"
        inner.input = source
        inner.stack = (_entered(block.name, call.span), *frame.stack)
        result = self.items(block.items, inner, source)
        if result is None:
            raise call.fault(f"block `{block.name}` has no layer before it to read from")
        return replace(result, path=path, inside=inner.layers)


def _entered(words: str, span: Span) -> str:
    """A loop's turn or a block's instance as an element of a place's stack."""
    return f"{words}@{span.line}:{span.column}"


def _turns(item: ForItem, frame: Frame) -> tuple[Value, ...]:
    """What a loop's variables are at each turn."""
    if isinstance(item.values, tuple):
        ends = []
        for expression in item.values:
            value = evaluate(expression, expression.tree, frame)
            if isinstance(value, bool) or not isinstance(value, int):
                raise expression.fault(f"a loop counts with {kind_of(value)}", None, "use a number")
            ends.append(value)
        first, last = ends
        turns = abs(last - first) + 1
        if turns > LONGEST:
            raise SpecError(f"the loop has {turns:,} turns", item.span, f"at most {LONGEST:,} are allowed")
        step = 1 if last >= first else -1
        return tuple(range(first, last + step, step))
    value = evaluate(item.values, item.values.tree, frame)
    if not isinstance(value, tuple):
        raise item.values.fault(f"a loop runs over {kind_of(value)}", None, "use `A..B`, a list or range()")
    return value


def _repetitions(expression: Expression, tree: ast.expr, frame: Frame) -> int:
    """The N of `call * N`."""
    count = evaluate(expression, tree, frame)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise expression.fault(f"a layer is repeated `{ast.unparse(tree)}` times", tree, "use a number above 0")
    if count > MOST_LAYERS:
        raise expression.fault(f"a layer is repeated {count:,} times", tree, f"at most {MOST_LAYERS:,}")
    return count


def _source(expression: Expression, frame: Frame) -> Layer:
    value = evaluate(expression, expression.tree, frame)
    if not isinstance(value, Layer):
        raise expression.fault(f"a source is {kind_of(value)}", expression.tree, "name a layer")
    return value


def _parameters(block: Block, call: Call) -> dict[str, Value]:
    """The parameters of a block that a call gives."""
    names = [parameter for parameter, _ in block.parameters]
    if len(call.positional) > len(names):
        message = f"block `{block.name}` has {len(names)} parameters and gets {len(call.positional)} arguments"
        raise call.fault(message)
    values = dict(zip(names, call.positional, strict=False))
    for word, value in call.keywords.items():
        if word not in names:
            remedy = meant(word, names, f"it has {', '.join(names) or 'none'}", cased=True)
            raise call.fault(f"block `{block.name}` has no parameter `{word}`", remedy, word)
        if word in values:
            raise call.fault(f"`{word}` is given twice", "", word)
        values[word] = value
    return values
