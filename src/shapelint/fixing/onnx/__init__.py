"""Candidates for an ONNX model: each a patch of its graph, or advice; nothing here is proved.

study       the model with its sizes free, and where it fails
sketch      a patch while it is drawn up
pad_input, merges, output_padding, window, advice, export    the makers, one kind or a few each
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.fixing.onnx.advice import declare, input_size
from shapelint.fixing.onnx.export import export
from shapelint.fixing.onnx.merges import crop_merge, output_size, pad_merge
from shapelint.fixing.onnx.output_padding import output_padding
from shapelint.fixing.onnx.pad_input import pad_input
from shapelint.fixing.onnx.study import Study
from shapelint.fixing.onnx.truthful import truthful
from shapelint.fixing.onnx.window import rounding, window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.analysis import Analysis
    from shapelint.facts.subjects import Mismatch
    from shapelint.fixing.candidate import Candidate

_MAKERS = {
    "pad_input": pad_input,
    "output_size": output_size,
    "crop_merge": crop_merge,
    "pad_merge": pad_merge,
    "output_padding": output_padding,
    "window": window,
    "rounding": rounding,
    "input_size": input_size,
    "declare": declare,
    "export": export,
}


def candidates(analysis: Analysis, failure: Mismatch | None = None) -> Iterator[Candidate]:
    """What could mend the model, or lets it say which sizes fit; `failure` gives the sizes at which it is wanted."""
    for group in by_kind(analysis, failure, tuple(_MAKERS)):
        yield from group


def by_kind(
    analysis: Analysis, failure: Mismatch | None, order: tuple[str, ...], *, for_output: bool = False
) -> Iterator[Iterator[Candidate]]:
    """The same, kind by kind, made as it is asked for; `for_output`: an output is to be as large as its input."""
    study = Study(analysis, failure, for_output)
    for kind in order:
        if kind in _MAKERS:
            yield (truthful(study, candidate) for candidate in _MAKERS[kind](study))


__all__ = ["by_kind", "candidates"]
