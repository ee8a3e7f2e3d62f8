"""`completion`: completion for a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli import build_parser
from shapelint.cli.options import verbose_option
from shapelint.cli.outcome import OK, write

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = 'For example: eval "$(shapelint completion bash)"'


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell that reads the script")
    verbose_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    from shapelint.completion import SHELLS

    write(SHELLS[options.shell](build_parser()))
    return OK
