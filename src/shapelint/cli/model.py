"""The analysis of the one model that a command is about."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from shapelint.cli.options import stated_of
from shapelint.cli.outcome import CannotRun

if TYPE_CHECKING:
    import argparse

    from shapelint.analysis import Analysis


def analysis_of(options: argparse.Namespace, *, must_fit: bool = False) -> Analysis:
    """The analysis of the one file that a command is about; raises CannotRun.

    The sizes of --at are stated where they `must_fit`; else they are questions about it.
    """
    from shapelint.analysis import Analysis, StatedWrong
    from shapelint.engine import discover, shown
    from shapelint.source import Unreadable, load

    stated = stated_of(options)
    if not must_fit:
        stated = dataclasses.replace(stated, at=())
    file = shown(options.path)
    if os.path.isdir(options.path):
        messages = [f"is a folder; `shapelint {options.command}` takes one model file"]
    else:
        messages = [each.message for each in discover([options.path])[1]]
    if not messages:
        try:
            return Analysis(load(options.path, name=file), stated, file)
        except Unreadable as unreadable:
            messages = [f"{flaw.message}{f'; {flaw.help}' if flaw.help else ''}" for flaw in unreadable.faults]
        except StatedWrong as wrong:
            messages = [str(wrong)]
        except OSError as trouble:
            messages = [f"cannot be read: {trouble.strerror or trouble}"]
    raise CannotRun(*[(file, message) for message in messages])


def does_not_fit(analysis: Analysis) -> bool:
    """Whether a size given by --input does not fit."""
    return bool(analysis.stated.inputs) and (analysis.facts.never or analysis.runs_pinned is False)
