"""How a command ends: what it prints, what it complains of, and its exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from shapelint.report.terminal import Paint

OK, FOUND, COULD_NOT_RUN = 0, 1, 2

_LONGEST: Final = 400
"""How much of a message is printed: it may quote what was given."""


class CannotRun(Exception):
    """What keeps the run from doing what was asked: a sentence each, of a file or of the whole run."""

    def __init__(self, *errors: tuple[str | None, str]) -> None:
        super().__init__(*errors)
        self.errors = errors


class NoOutput(Exception):
    """A stream that takes nothing, and why."""


class UsageError(CannotRun):
    """An argument is of no use; one sentence."""

    def __init__(self, message: str) -> None:
        super().__init__((None, message))


def write(text: str, stream: TextIO | None = None) -> None:
    """Print a text in letters that the stream takes."""
    out = sys.stdout if stream is None else stream
    encoding = out.encoding or "utf-8"
    try:
        out.write(text.encode(encoding, "backslashreplace").decode(encoding))
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise NoOutput(error.strerror or str(error)) from None


def write_json(data: dict[str, Any]) -> None:
    """Print one JSON object."""
    import json

    write(json.dumps(data, indent=1, ensure_ascii=not is_unicode()) + "\n")


def is_unicode() -> bool:
    """Whether stdout takes every letter."""
    return (sys.stdout.encoding or "utf-8").lower().startswith("utf")


def paint_of(options: argparse.Namespace) -> Paint:
    """Colour as `--color` and the terminal want it."""
    from shapelint.report.terminal import paint_for

    return paint_for(sys.stdout, options.color)


def complain(file: str | None, message: str) -> None:
    """Say something about a file, or about the run, on stderr."""
    from shapelint.report.terminal import clean

    text = message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
    write(f"shapelint: {clean(text if file is None else f'{file}: {text}')}\n", sys.stderr)


def could_not(errors: Sequence[tuple[str | None, str]], form: str) -> int:
    """Say what kept the run from doing what was asked; the exit code."""
    for file, message in errors:
        complain(file, message)
    if form == "json":
        listed = [{"file": file, "message": message} for file, message in errors]
        write_json({"version": 1, "errors": listed})
    return COULD_NOT_RUN
