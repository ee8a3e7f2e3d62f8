"""What a file declares of its values stays true: sizes that a patch changes are declared no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shapelint.analysis import Analysis, StatedWrong
from shapelint.fixing.patch import GraphPatch
from shapelint.size import Expr
from shapelint.size.parse import is_name

if TYPE_CHECKING:
    from shapelint.fixing.candidate import Candidate
    from shapelint.fixing.onnx.study import Study
    from shapelint.graph import Declared, DeclaredDim
    from shapelint.ops.call import Dim, Shape


def truthful(study: Study, candidate: Candidate) -> Candidate:
    """The candidate with a patch that declares no size of an output or of an inner value that it changes."""
    patch = candidate.patch
    if not isinstance(patch, GraphPatch) or not (patch.replaced or patch.before):
        return candidate
    graph = study.model.graph
    if not graph.declared and all(each.dims is None for each in graph.outputs):
        return candidate
    try:
        before, after = (Analysis(model) for model in (study.model, patch.apply(study.model)))
    except StatedWrong:
        return candidate

    def revised(item: Declared) -> Declared:
        old, new = (each.shapes.tensors.get(item.name) for each in (before, after))
        return _revised(item, old.shape if old is not None else None, new.shape if new is not None else None)

    outputs = {each.name: other for each in graph.outputs if (other := revised(each)) is not each}
    inner = frozenset(name for name, each in graph.declared.items() if revised(each) is not each)
    return replace(candidate, patch=replace(patch, outputs=outputs, undeclared=inner))


def _revised(item: Declared, old: Shape | None, new: Shape | None) -> Declared:
    """The declaration, with other dims only where the patch makes them untrue."""
    if item.dims is None or new is None or len(new) != len(item.dims):
        return item
    before: Shape = old if old is not None and len(old) == len(new) else (None,) * len(new)
    dims = [_dim(*each) for each in zip(item.dims, before, new, strict=True)]
    return item if tuple(dims) == item.dims else replace(item, dims=tuple(dims))


def _dim(declared: DeclaredDim, old: Dim, new: Dim) -> DeclaredDim:
    if declared is None or (isinstance(declared, str) and is_name(declared)) or str(old) == str(new):
        return declared
    if isinstance(declared, int) and declared == new:
        return declared
    return None if isinstance(new, Expr) or new is None else new
