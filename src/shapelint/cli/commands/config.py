"""`config`: the settings of a file, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.options import config_option, model_argument, output_options
from shapelint.cli.outcome import OK, UsageError, write, write_json

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "The settings of a file."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    model_argument(parser, "FILE")
    config_option(parser)
    output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the settings."""
    from shapelint.config import ConfigError
    from shapelint.engine import Configs
    from shapelint.report.config import config_json, config_text

    try:
        config = Configs(named=options.config).of(options.path)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    if options.format == "json":
        write_json(config_json(config, options.path))
    else:
        write(config_text(config, options.path))
    return OK
