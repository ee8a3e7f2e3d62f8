"""`init`: write a commented spec to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.options import verbose_option
from shapelint.cli.outcome import OK, UsageError, write

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "Write a commented spec, and its schema, by which editors complete it."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    parser.add_argument("path", nargs="?", default="net.shape.yaml", metavar="FILE", help="default: net.shape.yaml")
    parser.add_argument("--force", action="store_true", help="overwrite the file")
    verbose_option(parser)


def run(options: argparse.Namespace) -> int:
    """Write the spec and its schema."""
    from pathlib import Path

    from shapelint.init_spec import Exists, write_spec

    try:
        written = write_spec(Path(options.path), force=options.force)
    except Exists as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"`{error.filename}` cannot be written: {error.strerror}") from None
    write("".join(f"{path.as_posix()}: written\n" for path in written))
    return OK
