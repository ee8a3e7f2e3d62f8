"""The line of the user's source that a node came from, out of the stack trace that torch.onnx records with it."""

from __future__ import annotations

import re

from shapelint.graph import Origin

STACK_TRACE = "pkg.torch.onnx.stack_trace"

_MARK = 'File "'
_FRAME = re.compile(r'([^"\n]+)", line (\d{1,9}), in ([^\n]*)(?:\n([^\n]*))?')
_TORCH = re.compile(r"(^|[/\\](site|dist)-packages[/\\])torch[/\\]|[/\\]torch[/\\](nn|_[a-z]+|fx|onnx|export)[/\\]")


def parse_origin(trace: str) -> Origin | None:
    """The last frame of `trace` outside the torch package."""
    end = len(trace)
    while (start := trace.rfind(_MARK, 0, end)) >= 0:
        frame = _FRAME.match(trace, start + len(_MARK))
        end = start
        if frame and not _TORCH.search(frame[1]):
            return Origin(frame[1], int(frame[2]), frame[3].strip(), (frame[4] or "").strip())
    return None
