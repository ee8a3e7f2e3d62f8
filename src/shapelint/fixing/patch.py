"""A change to a model that can be undone: slices of a spec's text, or nodes of a graph replaced and inserted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.graph import Constant, Declared, Graph, Model, Node


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace text[start:end], counted in code points, by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class TextPatch:
    """Edits of a spec that do not overlap."""

    edits: tuple[TextEdit, ...]

    def apply(self, text: str) -> str:
        """The text with every edit made; what lies outside the edits is untouched."""
        for edit in sorted(self.edits, key=lambda each: (each.start, each.end), reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text


@dataclass(frozen=True, slots=True)
class GraphPatch:
    """Changes to the main graph of an ONNX file; nodes are named by their paths."""

    replaced: Mapping[str, Node] = field(default_factory=dict)
    """Nodes with other attributes, inputs or outputs."""
    before: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    """New nodes that stand before the node of this path; "" for those at the end."""
    constants: Mapping[str, Constant] = field(default_factory=dict)
    """New initializers, with their values."""
    inputs: Mapping[str, Declared] = field(default_factory=dict)
    """Inputs declared otherwise."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Entries added to the model's metadata."""
    outputs: Mapping[str, Declared] = field(default_factory=dict)
    """Outputs declared otherwise."""
    undeclared: frozenset[str] = frozenset()
    """Inner values of which the file declares nothing any more."""

    def apply(self, model: Model) -> Model:
        """The model with the changes made, in memory."""
        graph = model.graph
        nodes: list[Node] = []
        for node in graph.nodes:
            nodes += self.before.get(node.path, ())
            nodes.append(self.replaced.get(node.path, node))
        nodes += self.before.get("", ())
        patched: Graph = replace(
            graph,
            nodes=tuple(nodes),
            constants={**graph.constants, **self.constants},
            inputs=tuple([self.inputs.get(each.name, each) for each in graph.inputs]),
            outputs=tuple([self.outputs.get(each.name, each) for each in graph.outputs]),
            declared={name: each for name, each in graph.declared.items() if name not in self.undeclared},
        )
        return replace(model, graph=patched, metadata={**model.metadata, **self.metadata})
