"""`schema`: JSON Schemas for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.options import verbose_option
from shapelint.cli.outcome import OK, write_json

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "The JSON Schema of a kind of file, for editors."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    kinds = ("spec", "config", "rule", "report")
    parser.add_argument("kind", metavar="KIND", choices=kinds, help="what the schema describes: " + ", ".join(kinds))
    verbose_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    from shapelint.schemas import schema_of

    write_json(schema_of(options.kind))
    return OK
