"""A program with sizes for its inputs becomes a graph: items are expanded, calls are bound, each node is propagated.

Sizes of layers may stand in later arguments, so nodes are handed to `run` one by one, which propagates them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from shapelint.conventions import NAMES, Convention, Illegal, LayerType, bind, convention, in_every_one, prefixed
from shapelint.graph import Declared, Graph, Node, Place, Span
from shapelint.size import Condition
from shapelint.source.spec.compose import Mapping as YamlMapping
from shapelint.source.spec.compose import Scalar, SpecError
from shapelint.source.spec.compose import Sequence as YamlSequence
from shapelint.source.spec.expression import FUNCTIONS, Expression, evaluate, indexed_name, parse
from shapelint.source.spec.program import (
    Block,
    CallItem,
    Expected,
    ForItem,
    IfItem,
    Item,
    LongItem,
    Program,
)
from shapelint.source.spec.values import LONGEST, UNSTATED, Layer, Value, ValueFault, is_unstated, kind_of, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from shapelint.source.spec.compose import Node as YamlNode
    from shapelint.source.spec.expression import Scope

MOST_LAYERS: Final = 100_000
LIKE: Final = ("output_size", "output_shape", "size")
"""The parameters that `like=` fills in, the first that a layer has."""
TRANSPARENT: Final = frozenset({"weight_norm", "spectral_norm", "parametrizations.weight_norm"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """A condition of `expect` over sizes."""

    text: str
    held: Any
    """True, False, a condition, or a value that nobody states."""
    level: str
    why: str
    span: Span | None
    """None for one that stands outside the file."""
    output: str | None
    """The output whose size or shape it compares with an input's; None for any other condition."""
    left: Any = None
    right: Any = None


@dataclass(frozen=True, slots=True)
class Lowered:
    """What a program becomes."""

    graph: Graph
    expectations: list[Expectation]


@dataclass(slots=True)
class Frame:
    """The names of one level: a file's, or those of an instance of a block."""

    outer: dict[str, Value]
    """Vars, symbols and loop variables that are visible."""
    layers: dict[str, Layer] = field(default_factory=dict)
    prefix: str = ""
    input: Layer | None = None
    stack: tuple[str, ...] = ()
    made: dict[str, int] = field(default_factory=dict)
    """How often each path was taken."""
    loops: dict[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value:
        """What a name means here."""
        if name in self.loops:
            return self.loops[name]
        if name in self.layers:
            return self.layers[name]
        if name == "input" and self.input is not None:
            return self.input
        return self.outer[name]

    def names(self) -> list[str]:
        """Every name that means something here."""
        return [*self.loops, *self.layers, *self.outer, *FUNCTIONS]


def lower(
    program: Program,
    inputs: Mapping[str, tuple[Any, ...] | None],
    symbols: Mapping[str, Value],
    run: Callable[[Node], list[tuple[Any, ...] | None]],
) -> Lowered:
    """The graph of `program` where the inputs have these shapes and the symbols these sizes.

    `run` propagates a node and gives the shapes of its outputs. Raises SpecError.
    """
    return _Lowering(program, inputs, symbols, run).whole()


class _Lowering:
    def __init__(
        self,
        program: Program,
        inputs: Mapping[str, tuple[Any, ...] | None],
        symbols: Mapping[str, Value],
        run: Callable[[Node], list[tuple[Any, ...] | None]],
    ) -> None:
        self.program = program
        self.convention: Convention = convention(program.convention)
        last = self.convention.channels_last if program.layout is None else program.layout == "channels_last"
        self.channels_last = last
        self.has_batch = self.convention.has_batch
        self.first = (1 if self.has_batch else 0) + (0 if last else 1)
        self.run = run
        self.nodes: list[Node] = []
        self.read: set[str] = set()
        self.produced: list[Layer] = []
        self.known: dict[str, Layer] = {}
        self.inputs = inputs
        self.symbols = dict(symbols)

    # -- the whole -----------------------------------------------------------------------------------------------

    def whole(self) -> Lowered:
        program = self.program
        outer: dict[str, Value] = dict(self.symbols)
        frame = Frame(outer)
        for key, node in program.vars:
            if not key.text.isidentifier():
                raise SpecError(f"the name `{key.text}` is no identifier", key.span, "use letters, digits and _")
            outer[key.text] = self.literal(node, frame)
        previous: Layer | None = None
        for name, _ in program.inputs:
            layer = self.layer(name.text, name.text, self.inputs[name.text])
            frame.layers[name.text] = layer
            frame.made[name.text] = 1
            previous = layer
        if len(program.inputs) > 1:
            previous = None
        self.items(program.items, frame, previous)
        outputs = self.outputs(frame)
        names = {layer.value for layer in outputs}
        expectations = [expectation(expected, frame, names, self.inputs.keys()) for expected in program.expect]
        graph = Graph(
            name="",
            nodes=tuple(self.nodes),
            inputs=tuple(Declared(name.text) for name, _ in program.inputs),
            outputs=tuple(Declared(layer.value) for layer in outputs),
        )
        return Lowered(graph, expectations)

    def outputs(self, frame: Frame) -> list[Layer]:
        if self.program.outputs is not None:
            found = []
            for expression in self.program.outputs:
                value = evaluate(expression, expression.tree, frame)
                if not isinstance(value, Layer):
                    raise expression.fault(f"an output is {kind_of(value)}", None, "name a layer")
                found.append(value)
            return found
        return [layer for layer in self.produced if layer.value not in self.read]

    def literal(self, node: YamlNode, frame: Frame) -> Value:
        """A number, a string or a list in `vars` and in long forms."""
        if isinstance(node, YamlSequence):
            return tuple(self.literal(each, frame) for each in node.items)
        if isinstance(node, YamlMapping):
            raise SpecError("a mapping stands where a value is meant", node.span, "write a number, a text or a list")
        if not node.plain:
            return node.text
        if node.text in ("", "null", "~", "None"):
            return None
        if node.text.lower() in ("true", "false"):
            return node.text.lower() == "true"
        try:
            expression = parse(node)
        except SpecError:
            return node.text
        if isinstance(expression.tree, ast.Name) and expression.text not in frame.names() and expression.text != "_":
            return node.text
        return evaluate(expression, expression.tree, frame)

    # -- items ---------------------------------------------------------------------------------------------------

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
        values = self.loop_values(item, frame)
        kept = dict(frame.loops)
        stack = frame.stack
        for value in values:
            if len(item.variables) == 1:
                frame.loops[item.variables[0]] = value
            else:
                if not isinstance(value, tuple) or len(value) != len(item.variables):
                    message = f"{len(item.variables)} variables stand against {kind_of(value)}"
                    raise SpecError(message, item.span, "give each turn as many values as there are variables")
                frame.loops.update(zip(item.variables, value, strict=True))
            words = ", ".join(f"{name}={frame.loops[name]}" for name in item.variables)
            frame.stack = (f"{words}@{item.span.line}:{item.span.column}", *stack)
            previous = self.items(item.body, frame, previous)
        frame.loops = kept
        frame.stack = stack
        return previous

    def loop_values(self, item: ForItem, frame: Frame) -> tuple[Value, ...]:
        if isinstance(item.values, tuple):
            ends = []
            for expression in item.values:
                value = evaluate(expression, expression.tree, frame)
                if isinstance(value, bool) or not isinstance(value, int):
                    raise expression.fault(f"a loop counts with {kind_of(value)}", None, "use a number")
                ends.append(value)
            first, last = ends
            if abs(last - first) >= LONGEST:
                raise SpecError(
                    f"the loop has {abs(last - first) + 1:,} turns", item.span, f"at most {LONGEST:,} are allowed"
                )
            step = 1 if last >= first else -1
            return tuple(range(first, last + step, step))
        value = evaluate(item.values, item.values.tree, frame)
        if not isinstance(value, tuple):
            raise item.values.fault(f"a loop runs over {kind_of(value)}", None, "use `A..B`, a list or range()")
        return value

    def call_item(self, item: CallItem, frame: Frame, previous: Layer | None) -> Layer | None:
        expression, tree, times = item.call, item.call.tree, 1
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult) and isinstance(tree.left, ast.Call):
            count = evaluate(expression, tree.right, frame)
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise expression.fault(
                    f"a layer is repeated {kind_of(count)} times", tree.right, "use a number above 0"
                )
            if count > MOST_LAYERS:
                raise expression.fault(f"a layer is repeated {count:,} times", tree.right, f"at most {MOST_LAYERS:,}")
            times, tree = count, tree.left
        names = [indexed_name(name, name.tree, frame) for name in item.names]
        result = previous
        for turn in range(times):
            name = names[0] if len(names) == 1 else ""
            result = self.call(expression, tree, frame, result, name, turn > 0, len(names))
            if len(names) == 1 and result is not None:
                frame.layers[names[0]] = result
        if len(names) > 1 and result is not None:
            given = (result, *result.extras)
            if len(given) < len(names):
                message = f"{len(names)} names stand for {len(given)} output{'' if len(given) == 1 else 's'}"
                raise item.names[0].fault(message)
            for name, layer in zip(names, given, strict=False):
                frame.layers[name] = layer
                if name == "_":
                    self.read.add(layer.value)
        return result

    def long_item(self, item: LongItem, frame: Frame, previous: Layer | None) -> Layer | None:
        name = indexed_name(item.name, item.name.tree, frame) if item.name is not None else ""
        keywords = {key.text: self.literal(value, frame) for key, value in item.args}
        spans = {key.text: value.span for key, value in item.args}
        sources = None
        if item.sources is not None:
            sources = [self.source(each, each.tree, frame) for each in item.sources]
        head = parse(item.type)
        call = _Call(item.type.text, [], keywords, sources, {}, spans, item.span, _end(item.span), head, head.tree)
        result = self.apply(call, frame, previous, name)
        if name:
            frame.layers[name] = result
        return result

    def source(self, expression: Expression, node: ast.expr, frame: Frame) -> Layer:
        value = evaluate(expression, node, frame)
        if not isinstance(value, Layer):
            raise expression.fault(f"a source is {kind_of(value)}", node, "name a layer")
        return value

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(
        self,
        expression: Expression,
        tree: ast.expr,
        frame: Frame,
        previous: Layer | None,
        name: str,
        again: bool,
        outputs: int = 1,
    ) -> Layer:
        call = self.read_call(expression, tree, frame, previous)
        if again:
            call.sources = None
        return self.apply(call, frame, previous, name, outputs)

    def read_call(self, expression: Expression, tree: ast.expr, frame: Frame, previous: Layer | None) -> _Call:
        if not isinstance(tree, ast.Call):
            text = ast.unparse(tree)
            if isinstance(tree, ast.Name | ast.Attribute):
                raise expression.fault(f"`{text}` is not called", tree, f"write `{text}()`, or `Identity()({text})`")
            raise expression.fault(f"`{text[:60]}` is no layer", tree, "write `Layer(...)`")
        outer: ast.Call | None = None
        if isinstance(tree.func, ast.Call):
            outer, tree = tree, tree.func
        name = _dotted(tree.func)
        if name is None:
            raise expression.fault(f"`{ast.unparse(tree.func)[:60]}` is no type of a layer", tree.func)
        if name in TRANSPARENT and len(tree.args) >= 1 and isinstance(tree.args[0], ast.Call):
            inner = tree.args[0]
            if outer is not None:
                inner = ast.copy_location(ast.Call(inner, outer.args, outer.keywords), outer)
            return self.read_call(expression, inner, frame, previous)
        positional, spans = [], {}
        for place, argument in enumerate(tree.args):
            if isinstance(argument, ast.Starred):
                raise expression.fault("`*` is not allowed in a call", argument, "write the arguments out")
            positional.append(evaluate(expression, argument, frame))
            spans[f"#{place}"] = expression.span(argument)
        keywords = self.keywords(expression, tree, frame, spans)
        sources: list[Layer] | None = None
        call_time: dict[str, Value] = {}
        if outer is not None:
            sources = []
            for argument in outer.args:
                value = evaluate(expression, argument, frame)
                if isinstance(value, tuple) and all(isinstance(each, Layer) for each in value):
                    sources += value
                elif isinstance(value, Layer) or self.takes_values(name):
                    sources.append(value)
                else:
                    raise expression.fault(f"a source is {kind_of(value)}", argument, "name a layer")
            call_time = self.keywords(expression, outer, frame, spans)
            sources = sources or None
        return _Call(
            name,
            positional,
            keywords,
            sources,
            call_time,
            spans,
            expression.span(tree),
            expression.closing(tree),
            expression,
            tree,
        )

    def keywords(
        self, expression: Expression, tree: ast.Call, frame: Frame, spans: dict[str, Span]
    ) -> dict[str, Value]:
        found = {}
        for keyword in tree.keywords:
            if keyword.arg is None:
                raise expression.fault("`**` is not allowed in a call", keyword, "write the arguments out")
            if keyword.arg in found:
                raise expression.fault(f"`{keyword.arg}` is given twice", keyword)
            found[keyword.arg] = evaluate(expression, keyword.value, frame)
            spans[keyword.arg] = expression.span(keyword)
        return found

    def takes_values(self, name: str) -> bool:
        """Whether a type is an operator, which reads numbers as small constants."""
        if name in self.program.blocks or name in self.program.types:
            return False
        found = prefixed(name, self.convention.name)
        own, bare = (convention(found[0]), found[1]) if found is not None else (self.convention, name)
        layer = own.find(bare, self.program.opset)
        return layer is not None and layer.takes_values

    def apply(self, call: _Call, frame: Frame, previous: Layer | None, name: str, outputs: int = 1) -> Layer:
        undoes = call.keywords.pop("undoes", None)
        block = self.program.blocks.get(call.name)
        if block is not None:
            return self.instance(block, call, frame, previous, name)
        if call.name in self.program.types:
            return self.declared_type(call, frame, previous, name)
        own, layer = self.find(call)
        if layer is not None and layer.takes_values:
            _operands(layer, call, previous)
        leading = 0
        if call.sources is None:
            while leading < len(call.positional) and _is_source(call.positional[leading]):
                leading += 1
        if leading:
            given: list[Layer] = []
            for value in call.positional[:leading]:
                given += [value] if isinstance(value, Layer) else list(value)
            call.sources = given
            call.positional = call.positional[leading:]
            call.shift = leading
        if call.sources is None:
            if previous is None and (layer is None or layer.most_sources != 0):
                remedy = "name the source: `Layer(...)(x)`"
                raise SpecError(f"`{call.name}` has no layer before it to read from", call.span, remedy)
            call.sources = [previous] if previous is not None and (layer is None or layer.most_sources != 0) else []
        path = self.path(frame, name or call.name.rpartition(".")[2])
        build = _Build(self, own, call, path, frame, outputs)
        if layer is None:
            return self.unknown_type(build, call, own)
        if layer.most_sources is not None and len(call.sources) > layer.most_sources and not layer.takes_values:
            message = f"`{call.name}` reads {layer.most_sources} and gets {len(call.sources)} sources"
            raise SpecError(message, call.span, "join them first: `Concat(a, b)`")
        self.take_like(layer, call)
        late = {each.name for each in layer.call_time}
        for word in [each for each in call.keywords if each in late]:
            call.call_time[word] = call.keywords.pop(word)
        try:
            bound = bind(layer, call.positional, call.keywords, call.call_time)
            build.arguments = _argument_spans(layer, call, bound.values)
            if layer.rank is not None:
                build.rank = layer.rank
            result: Layer = layer.function(build, **bound.values, **bound.call_time)
        except Illegal as error:
            span = call.spans.get(error.argument) or build.arguments.get(error.argument) or call.span
            raise SpecError(f"{error.message}", span, error.remedy) from None
        except ValueFault as fault:
            raise SpecError(f"`{call.name}` {fault}", call.span, fault.remedy) from None
        except (TypeError, AttributeError, IndexError, KeyError):
            raise SpecError(
                f"`{call.name}` is called with arguments of another kind than it takes", call.span, "see its signature"
            ) from None
        if undoes is not None:
            self.undoes(result, undoes, call)
        return result

    def undoes(self, result: Layer, value: Value, call: _Call) -> None:
        """Note on the node of a layer which layer it undoes, as its author says."""
        if not isinstance(value, Layer):
            raise SpecError(f"`undoes` is {kind_of(value)}", call.spans.get("undoes", call.span), "name a layer")
        for place in range(len(self.nodes) - 1, -1, -1):
            node = self.nodes[place]
            if result.value in node.outputs:
                self.nodes[place] = replace(node, attributes={**node.attributes, "undoes": value.value})
                return

    def take_like(self, layer: LayerType, call: _Call) -> None:
        """`like=source` as the size that the layer asks for."""
        names = {each.name for each in (*layer.parameters, *layer.call_time)}
        if "like" not in call.keywords or "like" in names:
            return
        like = call.keywords.pop("like")
        span = call.spans.get("like", call.span)
        if not isinstance(like, Layer):
            raise SpecError(f"`like` is {kind_of(like)}", span, "name a layer")
        if like.shape is None or like.spatial is None:
            raise SpecError(f"the size of `{like.path}` is not known", span)
        dims = like.shape[like.spatial[0] : like.spatial[1]]
        size = tuple([UNSTATED if dim is None else dim for dim in dims])
        late = {each.name for each in layer.call_time}
        for name in LIKE:
            if name in names:
                (call.call_time if name in late else call.keywords)[name] = size
                call.spans[name] = span
                return
        raise SpecError(f"`{call.name}` takes no `like`", span, "use it with layers that can be given a size")

    def find(self, call: _Call) -> tuple[Convention, LayerType | None]:
        """The convention and the layer that a type's name means."""
        name = call.name
        own = self.convention
        found = prefixed(name, own.name)
        if found is not None and "." in name:
            own = convention(found[0])
            call.name = name = found[1]
            layer = own.find(name, self.program.opset)
            return own, layer if layer is not None else in_every_one().find(name)
        layer = own.find(name, self.program.opset)
        other = in_every_one().find(name)
        if layer is not None and other is not None and not self.binds(layer, call):
            return own, other
        return own, layer if layer is not None else other

    def binds(self, layer: LayerType, call: _Call) -> bool:
        positional = [value for value in call.positional if not _is_source(value)]
        late = {each.name for each in layer.call_time}
        keywords = {name: value for name, value in call.keywords.items() if name not in late}
        names = {each.name for each in (*layer.parameters, *layer.call_time)}
        if "like" in keywords and "like" not in names:
            return not names.isdisjoint(LIKE)
        if layer.takes_values:
            if layer.most_sources is not None and len(call.positional) > layer.most_sources:
                return False
            positional = []
        try:
            bind(layer, positional, keywords, {})
        except Illegal:
            return False
        return True

    def unknown_type(self, build: _Build, call: _Call, own: Convention) -> Layer:
        name = call.name
        if name in own.keeps:
            return build.same()
        for each in NAMES:
            other = None if each == own.name else convention(each).find(name)
            if other is not None and other.takes_values and not (call.keywords and self.binds(other, call)):
                continue  # operators have everyday names: `Attention`, `Mean`
            if other is not None and name not in convention(each).keeps:
                message = f"`{name}` is a layer of {each}, and the file's convention is {self.convention.name}"
                raise SpecError(message, call.span, f"write `{each}.{name}(...)`")
        known = [*own.types, *in_every_one().types, *self.program.blocks, *self.program.types, *own.keeps]
        close = get_close_matches(name, known, 1, 0.8) or [
            each for each in known if each.lower() == name.lower().replace("_", "")
        ]
        if close:
            message = f"`{name}` is no layer of {own.name}"
            raise SpecError(
                message,
                Span(call.span.line, call.span.column, call.span.line, call.span.column + len(name)),
                f"did you mean `{close[0]}`?",
            )
        return build.unknown(f"no layer of {own.name}; say in `types:` what it does")

    def declared_type(self, call: _Call, frame: Frame, previous: Layer | None, name: str) -> Layer:
        """A call of a type that `types:` describes: a call it behaves like, a factor, or `same`."""
        node = self.program.types[call.name]
        sources = call.sources
        if sources is None:
            sources = []
            for value in [*call.positional, *call.keywords.values()]:
                if _is_source(value):
                    sources += [value] if isinstance(value, Layer) else list(value)
            sources = sources or ([previous] if previous is not None else [])
        if not sources:
            raise SpecError(f"`{call.name}` has no layer before it to read from", call.span)
        path = self.path(frame, name or call.name)
        if isinstance(node, Scalar) and node.text == "same":
            build = _Build(self, self.convention, call, path, frame)
            return build.same(sources[0], keep_channels=False)
        if isinstance(node, YamlMapping):
            scale = node.get("scale")
            if scale is None or len(node.items) != 1:
                raise SpecError(f"the type `{call.name}` is no factor", node.span, "write `{scale: 2}`")
            factor = self.literal(scale, frame)
            build = _Build(self, self.convention, call, path, frame)
            return build.scaled(sources[0], factor, scale.span)
        if not isinstance(node, Scalar):
            raise SpecError(f"the type `{call.name}` is a list", node.span, "write a layer, a factor or `same`")
        expression = parse(node)
        inner = self.read_call(expression, expression.tree, Frame(frame.outer), previous)
        inner.sources = sources
        inner.span = call.span
        return self.apply(inner, frame, previous, name or call.name)

    def instance(self, block: Block, call: _Call, frame: Frame, previous: Layer | None, name: str) -> Layer:
        source = previous
        if call.sources is not None:
            if len(call.sources) != 1:
                message = f"block `{block.name}` reads one source and gets {len(call.sources)}"
                raise SpecError(message, call.span, "pass further layers as parameters")
            source = call.sources[0]
        values: dict[str, Value] = {}
        names = [parameter for parameter, _ in block.parameters]
        if len(call.positional) > len(names):
            message = f"block `{block.name}` has {len(names)} parameters and gets {len(call.positional)} arguments"
            raise SpecError(message, call.span)
        values.update(zip(names, call.positional, strict=False))
        for word, value in call.keywords.items():
            if word not in names:
                close = get_close_matches(word, names, 1)
                remedy = f"did you mean `{close[0]}`?" if close else f"it has {', '.join(names) or 'none'}"
                raise SpecError(
                    f"block `{block.name}` has no parameter `{word}`", call.spans.get(word, call.span), remedy
                )
            if word in values:
                raise SpecError(f"`{word}` is given twice", call.spans.get(word, call.span))
            values[word] = value
        inner = Frame({**self.globals(frame)}, stack=frame.stack)
        for parameter, default in block.parameters:
            if parameter not in values:
                if default is None:
                    raise SpecError(f"block `{block.name}` needs `{parameter}`", call.span)
                values[parameter] = evaluate(default, default.tree, inner)
        inner.outer.update(values)
        path = self.path(frame, name or block.name)
        inner.prefix = f"{path}/"
        inner.input = source
        inner.stack = (f"{block.name}@{call.span.line}:{call.span.column}", *frame.stack)
        result = self.items(block.items, inner, source)
        if result is None:
            raise SpecError(f"block `{block.name}` has no layer before it to read from", call.span)
        made = Layer(
            path,
            result.value,
            result.shape,
            result.spatial,
            result.channel,
            dict(inner.layers),
            result.extras,
            result.made_by,
        )
        self.known[path] = made
        return made

    def globals(self, frame: Frame) -> dict[str, Value]:
        """What a block sees: vars and symbols."""
        names = {key.text for key, _ in self.program.vars} | self.symbols.keys()
        return {name: value for name, value in frame.outer.items() if name in names}

    # -- nodes ---------------------------------------------------------------------------------------------------

    def path(self, frame: Frame, name: str) -> str:
        """A path that nothing else has: `name`, from the second on `name#2`."""
        count = frame.made[name] = frame.made.get(name, 0) + 1
        return frame.prefix + (name if count == 1 else f"{name}#{count}")

    def layer(self, path: str, value: str, shape: tuple[Any, ...] | None, made_by: Any = None) -> Layer:
        """The layer that a value is, with its axes as the layout has them."""
        spatial: tuple[int, int] | None = None
        channel: int | None = None
        if shape is not None:
            stop = len(shape) - (1 if self.channels_last else 0)
            if stop > self.first:
                spatial = (self.first, stop)
            place = len(shape) - 1 if self.channels_last else self.first - 1
            channel = place if 0 <= place < len(shape) else None
        return Layer(path, value, shape, spatial, channel, made_by=made_by)

    def make(self, node: Node, made_by: Any = None, named: int = 1) -> Layer:
        """Propagate a node; the layer of its first output. `named`: how many outputs the file names."""
        if len(self.nodes) >= MOST_LAYERS:
            span = node.place.span if node.place is not None else None
            raise SpecError(f"the file expands to more than {MOST_LAYERS:,} layers", span, "split the model")
        self.nodes.append(node)
        self.read.update(name for name in node.inputs if name)
        shapes = self.run(node)
        layers = [
            self.layer(node.path if not place else f"{node.path}:{place}", name, shape, made_by)
            for place, (name, shape) in enumerate(zip(node.outputs, shapes, strict=True))
        ]
        self.produced += layers[: max(named, 1)]
        first = layers[0]
        return Layer(
            first.path, first.value, first.shape, first.spatial, first.channel, {}, tuple(layers[1:]), first.made_by
        )


def expectation(expected: Expected, scope: Scope, outputs: Collection[str], inputs: Collection[str]) -> Expectation:
    """The condition with the sizes that its names have; `outputs` and `inputs` are names of values."""
    expression = expected.condition
    tree = expression.tree
    held = evaluate(expression, tree, scope)
    if not isinstance(held, bool | Condition) and not is_unstated(held):
        try:
            held = truth(held)
        except ValueFault as fault:
            raise expression.fault(f"a condition {fault}") from None
    left = right = None
    output = None
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        left = evaluate(expression, tree.left, scope)
        right = evaluate(expression, tree.comparators[0], scope)
        sides = [_owner(side, expression, scope) for side in (tree.left, tree.comparators[0])]
        for one, other in ((sides[0], sides[1]), (sides[1], sides[0])):
            if one is not None and other is not None and one.value in outputs and other.value in inputs:
                output = one.path
    return Expectation(expression.text, held, expected.level, expected.why, expression.span(), output, left, right)


def _owner(node: ast.expr, expression: Expression, scope: Scope) -> Layer | None:
    """The layer whose size or shape a side of a comparison is."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and part.attr in ("size", "shape"):
            value = evaluate(expression, part.value, scope)
            if isinstance(value, Layer):
                return value
    return None


@dataclass(frozen=True, slots=True)
class Tensors:
    """The scope of a condition that stands outside a spec: every tensor by its name."""

    layers: Mapping[str, Layer]

    def find(self, name: str) -> Value:
        """The tensor, or a list of tensors, called `name`."""
        return self.layers[name]

    def names(self) -> list[str]:
        """Every name."""
        return [*self.layers, *FUNCTIONS]


def outside(
    texts: Sequence[str], shapes: Mapping[str, tuple[Any, ...] | None], inputs: Sequence[str], outputs: Sequence[str]
) -> list[Expectation]:
    """Conditions that a configuration states of a model whose tensors have these shapes; raises SpecError."""
    layers: dict[str, Any] = {}
    for name, shape in shapes.items():
        spatial = (2, len(shape)) if shape is not None and len(shape) > 2 else None
        layers[name] = Layer(name, name, shape, spatial, 1 if shape is not None and len(shape) > 1 else None)
    layers["inputs"] = tuple([layers[name] for name in inputs if name in layers])
    layers["outputs"] = tuple([layers[name] for name in outputs if name in layers])
    for word, names in (("input", inputs), ("output", outputs)):
        if len(names) == 1 and names[0] in layers:
            layers.setdefault(word, layers[names[0]])
    found = []
    for text in texts:
        condition = parse(Scalar(text, Span(1, 1, 1, len(text) + 1)))
        expected = Expected(condition, "error", "")
        found.append(replace(expectation(expected, Tensors(layers), outputs, inputs), span=None))
    return found


@dataclass(slots=True)
class _Call:
    """A call as it was written, with its arguments evaluated."""

    name: str
    positional: list[Value]
    keywords: dict[str, Value]
    sources: list[Layer] | None
    """None where none are named."""
    call_time: dict[str, Value]
    spans: dict[str, Span]
    span: Span
    closing: Span
    expression: Expression
    tree: ast.AST
    shift: int = 0
    """How many leading positional arguments were sources."""


class _Build:
    """What a layer function works with: see `shapelint.conventions.Build`."""

    def __init__(
        self, lowering: _Lowering, own: Convention, call: _Call, path: str, frame: Frame, outputs: int = 1
    ) -> None:
        self.lowering = lowering
        self.own = own
        self.type = call.name
        self.call = call
        self.path = path
        self.sources: list[Layer] = call.sources or []
        self.first = lowering.first
        self.channels_last = lowering.channels_last
        self.has_batch = lowering.has_batch
        self.arguments: dict[str, Span] = {}
        self.stack = frame.stack
        self.outputs = outputs
        self.opset = lowering.program.opset
        self.made = 0
        first = self.sources[0] if self.sources else None
        spatial = first.spatial if isinstance(first, Layer) else None
        self.rank = 0 if spatial is None else spatial[1] - spatial[0]

    @property
    def x(self) -> Layer:
        if not self.sources:
            raise Illegal(f"`{self.type}` has no source")
        return self.sources[0]

    def node(
        self,
        op: str,
        inputs: Sequence[Layer],
        attributes: Mapping[str, Any] | None = None,
        *,
        rule: str | None = None,
        outputs: int = 1,
        made_by: Any = None,
        part: str = "",
        domain: str = "",
        version: int = 99,
    ) -> Layer:
        if part:
            path = f"{self.path}/{part}"
        else:
            path = self.path if not self.made else f"{self.path}/{op}" + (f"#{self.made}" if self.made > 1 else "")
            self.made += 1
        place = Place(self.call.span, {**self.call.spans, **self.arguments, "()": self.call.closing}, self.stack)
        node = Node(
            path=path,
            op=op,
            domain=domain,
            inputs=tuple([layer.value if layer is not None else "" for layer in inputs]),
            outputs=(path, *[f"{path}:{number}" for number in range(1, outputs)]),
            attributes={"layer": self.type, **(attributes or {})},
            version=version,
            rule=rule or self.own.rule,
            place=place,
        )
        return self.lowering.make(node, made_by, self.outputs)

    def same(self, x: Layer | None = None, *, keep_channels: bool = True) -> Layer:
        x = self.x if x is None else x
        sizes = x.shape
        if not keep_channels and sizes is not None and x.channel is not None:
            sizes = (*sizes[: x.channel], None, *sizes[x.channel + 1 :])
        return self.node("Identity", [x], {"sizes": sizes}, made_by=x.made_by)

    def scaled(self, x: Layer, factor: Value, span: Span) -> Layer:
        """A layer that multiplies the spatial size; a factor below 1 is known only where it divides."""
        from fractions import Fraction

        if isinstance(factor, bool) or not isinstance(factor, int | float) or factor <= 0:
            raise SpecError(f"a factor is {kind_of(factor)}", span, "write for example `{scale: 2}`")
        if x.shape is None or x.spatial is None:
            return self.unknown("the size that enters it is not known")
        exact = Fraction(factor).limit_denominator(1 << 20)
        sizes: list[Any] = list(x.shape)
        for axis in range(*x.spatial):
            size = sizes[axis]
            if size is None:
                continue
            above = size * exact.numerator
            if isinstance(above, int):
                sizes[axis] = above // exact.denominator if above % exact.denominator == 0 else None
            else:
                factors = (above.const, *[each for _, each in above.terms])
                divides = all(each % exact.denominator == 0 for each in factors)
                sizes[axis] = above // exact.denominator if divides else None
        if x.channel is not None:
            sizes[x.channel] = None
        return self.node("Shaped", [x], {"sizes": tuple(sizes)})

    def shaped(
        self,
        inputs: Sequence[Layer],
        sizes: Sequence[Any] | None,
        requirements: Iterable[Any] = (),
        *,
        op: str = "Shaped",
        made_by: Any = None,
        part: str = "",
    ) -> Layer:
        found = None if sizes is None else tuple([None if is_unstated(size) else size for size in sizes])
        return self.node(op, inputs, {"sizes": found, "holds": tuple(requirements)}, made_by=made_by, part=part)

    def unknown(self, why: str) -> Layer:
        return self.node("Opaque", self.sources, {"why": why})

    def per_axis(self, value: Value, name: str, *, least: int | None = None) -> tuple[Any, ...]:
        values = value if isinstance(value, tuple) else (value,) * self.rank
        if len(values) == 1 and self.rank > 1:
            values = values * self.rank
        if len(values) != self.rank:
            axes = "axis" if self.rank == 1 else "axes"
            message = f"`{name}` has {len(values)} numbers and `{self.type}` {self.rank} spatial {axes}"
            raise Illegal(message, name)
        found: list[Any] = []
        for each in values:
            if is_unstated(each):
                found.append(None)
            elif isinstance(each, bool) or not isinstance(each, int):
                raise Illegal(f"`{name}` is {kind_of(each)} where a number is needed", name)
            elif least is not None and each < least:
                raise Illegal(f"`{name}` is {each}; it is at least {least}", name)
            else:
                found.append(each)
        return tuple(found)


def _operands(layer: LayerType, call: _Call, previous: Layer | None) -> None:
    """Every positional argument of an operator is an input; where none is a layer, the item before goes first."""
    given: list[Any] = list(call.sources or [])
    for value in call.positional:
        given += value if isinstance(value, tuple) and _is_source(value) else [value]
    is_full = layer.most_sources is not None and len(given) >= layer.most_sources
    names_one = call.sources is not None or any(isinstance(each, Layer) for each in given)
    if previous is not None and not names_one and not is_full:
        given.insert(0, previous)
    call.sources, call.positional = given, []


def _is_source(value: Value) -> bool:
    return isinstance(value, Layer) or (
        isinstance(value, tuple) and bool(value) and all(isinstance(each, Layer) for each in value)
    )


def _dotted(node: ast.expr) -> str | None:
    """`torch.nn.Conv2d` as text; None for anything but names and dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return None if owner is None else f"{owner}.{node.attr}"
    return None


def _argument_spans(layer: LayerType, call: _Call, values: Mapping[str, Value]) -> dict[str, Span]:
    """The span of each bound argument by the framework's name."""
    spans = {name: call.spans[name] for name in values if name in call.spans}
    names = [parameter.name for parameter in layer.parameters]
    if layer.leading is not None and values.get(layer.leading) is None and layer.leading not in call.keywords:
        names = [name for name in names if name != layer.leading]
    for place, name in enumerate(names):
        span = call.spans.get(f"#{place + call.shift}")
        if span is not None and place < len(call.positional):
            spans.setdefault(name, span)
    return spans


def _end(span: Span) -> Span:
    return Span(span.end_line, span.end_column, span.end_line, span.end_column)
