"""`sizes`: which input sizes run and fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.model import analysis_of, does_not_fit
from shapelint.cli.options import free_option, model_argument, output_options, sizes_options
from shapelint.cli.outcome import FOUND, OK, CannotRun, paint_of, write, write_json

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "Which input sizes run, and what breaks the others."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    model_argument(parser)
    sizes_options(parser)
    free_option(parser)
    output_options(parser)


def run(options: argparse.Namespace) -> int:
    """1 where a size given does not fit."""
    from shapelint.analysis import StatedWrong
    from shapelint.questions import ask, parse_at

    analysis = analysis_of(options)
    try:
        answers = [ask(analysis, parse_at(analysis, text)) for text in options.at]
    except StatedWrong as error:
        raise CannotRun((analysis.file, str(error))) from None
    if options.format == "json":
        from shapelint.report.sizes_json import sizes_json

        write_json(sizes_json(analysis, answers))
    else:
        from shapelint.report.sizes_text import sizes_text

        write(sizes_text(analysis, answers, paint_of(options)))
    fits = not does_not_fit(analysis) and all(answer.fits is not False for answer in answers)
    return OK if fits else FOUND
