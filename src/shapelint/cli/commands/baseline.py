"""`baseline`: accept the findings that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.options import config_option, isolated_option, output_options, paths_argument
from shapelint.cli.outcome import COULD_NOT_RUN, OK, UsageError, complain, write
from shapelint.cli.own_rules import use_own_rules

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "Write what `check` finds now to a file; `check --baseline FILE` then reports only what is new."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    paths_argument(parser)
    parser.add_argument("--output", default="shapelint-baseline.json", metavar="FILE", help="where to write it")
    config_option(parser)
    isolated_option(parser)
    output_options(parser)


def run(options: argparse.Namespace) -> int:
    """2 where a file could not be read: it is not in the baseline."""
    from pathlib import Path

    from shapelint.config import ConfigError
    from shapelint.engine import Configs, check_paths
    from shapelint.fixing.apply import CannotWrite
    from shapelint.settings import Settings
    from shapelint.suppress import write_baseline

    use_own_rules(isolated=options.isolated)
    try:
        configs = Configs(named=options.config, isolated=options.isolated)
        report = check_paths(options.paths or ["."], Settings(), configs)
        count = write_baseline(Path(options.output), report.findings)
    except (ConfigError, CannotWrite) as error:
        raise UsageError(str(error)) from None
    for each in report.errors:
        complain(each.file, each.message)
    write(f"{options.output}: {count} finding{'' if count == 1 else 's'} accepted; use --baseline {options.output}\n")
    return COULD_NOT_RUN if report.errors else OK
