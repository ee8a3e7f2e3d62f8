"""`show`: every layer with its shape, scale and pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.model import analysis_of, does_not_fit
from shapelint.cli.options import free_option, model_argument, output_options, sizes_options
from shapelint.cli.outcome import FOUND, OK, CannotRun, paint_of, write, write_json

if TYPE_CHECKING:
    import argparse

    from shapelint.analysis import Analysis

DESCRIPTION: Final = "Every layer with its shape, scale and pair."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    model_argument(parser)
    sizes_options(parser)
    free_option(parser)
    output_options(parser, formats=("text", "json", "spec"))


def run(options: argparse.Namespace) -> int:
    """1 where the sizes given do not fit."""
    analysis = analysis_of(options)
    if options.format == "spec":
        _write_spec(analysis)
        return OK
    shown = _at_each(analysis, options.at)
    if options.format == "json":
        from shapelint.report.show import show_json

        first, *others = map(show_json, shown)
        write_json({**first, "others": others} if others else first)
    else:
        from shapelint.report.show import show_text

        write("\n".join(show_text(each, paint_of(options)) for each in shown))
    return FOUND if any(map(does_not_fit, shown)) else OK


def _at_each(analysis: Analysis, sizes: list[str]) -> list[Analysis]:
    """The model at each of these sizes, or as it is; raises CannotRun."""
    from shapelint.axes import StatedWrong, sizes_at

    try:
        return [analysis.at(sizes_at(analysis.inputs, text)) for text in sizes] or [analysis]
    except StatedWrong as error:
        raise CannotRun((analysis.file, str(error))) from None


def _write_spec(analysis: Analysis) -> None:
    """Print an ONNX graph as a spec; raises CannotRun."""
    from shapelint.report.show import spec_text
    from shapelint.source.spec.write import CannotSay

    if analysis.model.program is not None:
        raise CannotRun((analysis.file, "is a spec already; `show --format spec` writes ONNX graphs"))
    try:
        write(spec_text(analysis))
    except CannotSay as error:
        raise CannotRun((analysis.file, str(error))) from None
