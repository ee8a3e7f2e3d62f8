"""`debug`: the stages of an analysis, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.model import analysis_of
from shapelint.cli.options import output_options, sizes_options
from shapelint.cli.outcome import OK, write

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "Print one stage of the analysis."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    parser.add_argument(
        "stage",
        choices=("graph", "shapes", "facts"),
        help="what is printed: the graph, every shape, or what checks see",
    )
    parser.add_argument("path", metavar="FILE", help="a model file")
    sizes_options(parser)
    output_options(parser, formats=("text",))


def run(options: argparse.Namespace) -> int:
    """Print the stage."""
    from shapelint.report.debug import debug_text

    analysis = analysis_of(options, must_fit=True)
    write(debug_text(analysis, options.stage))
    return OK
