"""A call bound to the layer that it names: sources found, `like` as a size, refusals of the framework as errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shapelint.conventions import Illegal, bind
from shapelint.conventions.values import UNSTATED, Layer, kind_of
from shapelint.source.spec.call import layers_in
from shapelint.source.spec.compose import SpecError
from shapelint.source.spec.operators import ValueFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.conventions import Build, LayerType
    from shapelint.graph import Span
    from shapelint.source.spec.call import Call

LIKE: Final = ("output_size", "output_shape", "size")
"""The parameters that `like=` fills in, the first that a layer has."""


def binds(layer: LayerType, call: Call) -> bool:
    """Whether the layer takes the arguments of the call."""
    names, late = _names(layer)
    keywords = {name: value for name, value in call.keywords.items() if name not in late}
    if "like" in keywords and "like" not in names:
        return not names.isdisjoint(LIKE)
    positional = [value for value in call.positional if not layers_in(value)]
    if layer.takes_values:
        if layer.most_sources is not None and len(call.positional) > layer.most_sources:
            return False
        positional = []
    try:
        bind(layer, positional, keywords, {})
    except Illegal:
        return False
    return True


def find_sources(layer: LayerType | None, call: Call, previous: Layer | None) -> list[Layer]:
    """What the call reads: the sources it names, else its leading arguments that are layers, else `previous`."""
    if layer is not None and layer.takes_values:
        call.sources, call.positional = _operands(layer, call, previous), []
    if call.sources is None:
        leading: list[Layer] = []
        while call.positional and (given := layers_in(call.positional[0])):
            leading += given
            del call.positional[0]
            call.shift += 1
        call.sources = leading or None
    if call.sources is None and layer is not None and layer.most_sources == 0:
        call.sources = []
    if call.sources is None:
        if previous is None:
            remedy = "name the source: `Layer(...)(x)`"
            raise call.fault(f"`{call.name}` has no layer before it to read from", remedy)
        call.sources = [previous]
    return call.sources


def _operands(layer: LayerType, call: Call, previous: Layer | None) -> list[Any]:
    """Every positional argument of an operator is an input; where none is a layer, the item before goes first."""
    given: list[Any] = list(call.sources or [])
    for value in call.positional:
        given += (isinstance(value, tuple) and layers_in(value)) or [value]
    is_full = layer.most_sources is not None and len(given) >= layer.most_sources
    names_one = call.sources is not None or any(isinstance(each, Layer) for each in given)
    if previous is not None and not names_one and not is_full:
        given.insert(0, previous)
    return given


def applied(layer: LayerType, call: Call, build: Build) -> Layer:
    """The layer that a call gives; raises SpecError where the framework refuses it."""
    if layer.most_sources is not None and len(build.sources) > layer.most_sources and not layer.takes_values:
        message = f"`{call.name}` reads {layer.most_sources} and gets {len(build.sources)} sources"
        raise call.fault(message, "join them first: `Concat(a, b)`")
    names, late = _names(layer)
    if "like" in call.keywords and "like" not in names:
        _fill_like(layer, call)
    for word in [each for each in call.keywords if each in late]:
        call.call_time[word] = call.keywords.pop(word)
    spans: dict[str, Span] = {}
    try:
        values = bind(layer, call.positional, call.keywords, call.call_time)
        spans = _positional_spans(layer, call, values)
        build.place = call.place(build.place.stack, spans)
        if layer.rank is not None:
            build.rank = layer.rank
        result: Layer = layer.function(build, **values)
    except Illegal as error:
        span = call.spans.get(error.argument) or spans.get(error.argument) or call.span
        raise SpecError(error.message, span, error.remedy) from None
    except ValueFault as fault:
        raise call.fault(f"`{call.name}` {fault}", fault.remedy) from None
    except (TypeError, AttributeError, IndexError, KeyError):
        message = f"`{call.name}` is called with arguments of another kind than it takes"
        raise call.fault(message, "see its signature") from None
    return result


def _names(layer: LayerType) -> tuple[set[str], set[str]]:
    """The names of all parameters, and of those given at call time."""
    late = {each.name for each in layer.call_time}
    return late | {each.name for each in layer.parameters}, late


def _fill_like(layer: LayerType, call: Call) -> None:
    """`like=source` as the size that the layer asks for."""
    like = call.keywords.pop("like")
    if not isinstance(like, Layer):
        raise call.fault(f"`like` is {kind_of(like)}", "name a layer", "like")
    if like.shape is None or like.spatial is None:
        raise call.fault(f"the size of `{like.path}` is not known", "", "like")
    names, late = _names(layer)
    for name in LIKE:
        if name in names:
            dims = like.shape[like.spatial[0] : like.spatial[1]]
            size = tuple([UNSTATED if dim is None else dim for dim in dims])
            (call.call_time if name in late else call.keywords)[name] = size
            call.spans[name] = call.spans.get("like", call.span)
            return
    raise call.fault(f"`{call.name}` takes no `like`", "use it with layers that can be given a size", "like")


def _positional_spans(layer: LayerType, call: Call, values: Mapping[str, Any]) -> dict[str, Span]:
    """The span of each positional argument by the framework's name."""
    names = [parameter.name for parameter in layer.parameters]
    if layer.leading is not None and values.get(layer.leading) is None and layer.leading not in call.keywords:
        names.remove(layer.leading)
    given = enumerate(zip(names, call.positional, strict=False), call.shift)
    return {name: call.spans[f"#{place}"] for place, (name, _) in given}
