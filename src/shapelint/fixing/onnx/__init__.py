"""Candidates for an ONNX model: each a patch of its graph, or advice; nothing here is proved.

study       the model with its sizes free, and where it fails
sketch      a patch while it is drawn up
pad_input, merges, output_padding, advice    the makers, one kind or a few each
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.fixing.onnx.advice import declare, export, input_size
from shapelint.fixing.onnx.merges import crop_merge, output_size, pad_merge
from shapelint.fixing.onnx.output_padding import output_padding
from shapelint.fixing.onnx.pad_input import pad_input
from shapelint.fixing.onnx.study import Study
from shapelint.fixing.onnx.truthful import truthful

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.analysis import Analysis
    from shapelint.facts.subjects import Mismatch
    from shapelint.fixing.candidate import Candidate

_MAKERS = (pad_input, output_size, crop_merge, pad_merge, output_padding, input_size, declare, export)


def candidates(analysis: Analysis, failure: Mismatch | None = None) -> Iterator[Candidate]:
    """What could mend the model, or lets it say which sizes fit; `failure` gives the sizes at which it is wanted."""
    study = Study(analysis, failure)
    for make in _MAKERS:
        for candidate in make(study):
            yield truthful(study, candidate)


__all__ = ["candidates"]
