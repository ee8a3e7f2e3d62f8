"""The check of what other runtimes make of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.disagreement import disagreements
from shapelint.finding import Fault, Row, check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapelint.facts import Facts
    from shapelint.facts.disagreement import Place


@check("runtimes-disagree")
def runtimes_disagree(
    facts: Facts,
    onnxruntime: bool = True,
    openvino: bool = True,
    keras: bool = True,
    shape_inference: bool = False,
) -> Iterator[Fault]:
    """The runtimes asked for return what is propagated, at a stated size or, of what is free, at any that runs."""
    asked = {
        "onnxruntime": onnxruntime,
        "openvino": openvino,
        "keras": keras,
        "shape_inference": shape_inference,
    }
    for found in disagreements(facts, {word for word, is_asked in asked.items() if is_asked}):
        first = found.first
        shapes = {each.name: facts.shape_at(each.name, first[0].at) for each in facts.graph.inputs}
        yield Fault(
            grade="",
            subject=found,
            node=first[0].node.path,
            at={name: tuple(dims) for name, dims in shapes.items() if dims is not None},
            axes=_axes(first),
            sizes=_sizes(first),
            also=tuple([Row(path, _axes(places), *_sizes(places)) for path, places in found.also.items()]),
        )


def _axes(places: Sequence[Place]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(symbol.name for place in places for symbol in place.sizes))


def _sizes(places: Sequence[Place]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the text returns, and what else is returned; nothing where that is a refusal."""
    return (places[0].text,), tuple(places[0].others[:1])
