"""`check`: findings in files and folders."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Final, TypeVar

from shapelint.cli.mending import mend
from shapelint.cli.options import (
    config_option,
    isolated_option,
    output_options,
    paths_argument,
    sizes_options,
    stated_of,
    words_of,
)
from shapelint.cli.outcome import COULD_NOT_RUN, UsageError, complain, is_unicode, paint_of, write
from shapelint.cli.own_rules import use_own_rules

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from shapelint.config import Config
    from shapelint.engine import RunReport
    from shapelint.report.formats import Look
    from shapelint.settings import Settings

_T = TypeVar("_T")

DESCRIPTION: Final = "Lint model files."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    from shapelint.report.formats import FORMATS

    paths_argument(parser)
    sizes_options(parser)
    parser.add_argument(
        "--select", action="append", default=[], metavar="RULES", help="report these rules only (ids, prefixes, names)"
    )
    parser.add_argument("--ignore", action="append", default=[], metavar="RULES", help="leave these rules out")
    parser.add_argument("--extend-select", action="append", default=[], metavar="RULES", help="report these rules too")
    config_option(parser)
    parser.add_argument(
        "--jobs",
        type=_jobs,
        default=0,
        metavar="N",
        help="processes to check files with (default: as many as are of use)",
    )
    parser.add_argument(
        "--stdin-filename",
        metavar="NAME",
        help="what the model on standard input (PATH -) is called and matched as",
    )
    isolated_option(parser)
    parser.add_argument("--baseline", metavar="FILE", help="leave out what this file of `shapelint baseline` accepts")
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "info", "never"),
        help="the level from which a finding makes the exit code 1 (default: warning)",
    )
    parser.add_argument("--require-where", action="store_true", help="warn of free axes for which nothing is stated")
    parser.add_argument("--preview", action="store_true", help="report rules that are still tried out too")
    parser.add_argument(
        "--statistics", action="store_true", help="count the findings of each rule instead of telling them"
    )
    parser.add_argument("--quiet", action="store_true", help="errors and warnings only, no summary")
    parser.add_argument("--fix", action="store_true", help="mend specs with the first safe repair of each menu")
    parser.add_argument(
        "--unsafe-fixes", action="store_true", help="with --fix or --diff: repairs that need a look too"
    )
    parser.add_argument("--diff", action="store_true", help="print what --fix would change; write nothing")
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FORMAT:PATH",
        help="write the report into a file too, in any format; repeatable",
    )
    output_options(parser, formats=tuple(FORMATS))


def run(options: argparse.Namespace) -> int:
    """1 where a finding is at or above --fail-on, 2 where something could not be looked at or written."""
    from shapelint.config import ConfigError
    from shapelint.engine import Configs, check_paths, check_stdin
    from shapelint.finding import STDIN
    from shapelint.jobs import check_files
    from shapelint.registry import NoSuchRule, validate_selection
    from shapelint.report.formats import FORMATS, Look, NoSuchOutput, menus_for, parse_outputs

    use_own_rules(isolated=options.isolated)
    select, extend = words_of(options.select), words_of(options.extend_select)
    ignore = words_of(options.ignore)
    try:
        validate_selection((*select, *extend, *ignore))
        outputs = parse_outputs(options.output)
    except (NoSuchRule, NoSuchOutput) as error:
        raise UsageError(str(error)) from None
    try:
        configs = Configs(named=options.config, isolated=options.isolated, baseline=options.baseline)
        settings = _settings(options, configs.here, select, extend, ignore)
        formats = {options.format, *[name for name, _ in outputs]}
        settings = dataclasses.replace(settings, menus=menus_for(formats))
        if options.fix or options.diff:
            changed = mend(options, settings, Configs(named=options.config, isolated=options.isolated))
            if options.diff:
                return changed
        if options.paths == ["-"]:
            if sys.stdin is None:
                raise UsageError("standard input is closed; name a file in place of -")
            report = check_stdin(sys.stdin.buffer.read(), options.stdin_filename or STDIN, settings, configs)
        else:
            report = check_paths(
                options.paths or ["."],
                settings,
                configs,
                lambda work: _progress(check_files(work, options.jobs), len(work)),
            )
    except ConfigError as error:
        raise UsageError(str(error)) from None
    for each in report.errors:
        complain(each.file, each.message)
        if options.verbose and each.cause is not None:
            raise each.cause
    look = Look(quiet=options.quiet, fail_on=settings.fail_on)
    written = [_write_output(name, path, report, look) for name, path in outputs]
    if options.statistics:
        from shapelint.report.statistics import statistics_text

        write(statistics_text(report))
    else:
        look = dataclasses.replace(look, paint=paint_of(options), only_ascii=not is_unicode())
        write(FORMATS[options.format](report, look))
    return report.exit_code(settings.fail_on) if all(written) else COULD_NOT_RUN


def _settings(
    options: argparse.Namespace,
    config: Config,
    select: tuple[str, ...],
    extend: tuple[str, ...],
    ignore: tuple[str, ...],
) -> Settings:
    """What holds for the whole run: the options that are given, else the configuration, else the defaults."""
    from shapelint.config import base_settings

    given = {
        "fail-on": options.fail_on,
        "select": select,
        "extend-select": extend,
        "ignore": ignore,
        "require-where": options.require_where or None,
        "preview": options.preview or None,
    }
    return dataclasses.replace(base_settings(config, given), stated=stated_of(options))


def _progress(reports: Iterable[_T], total: int) -> Iterator[_T]:
    """The reports as they come; on a terminal, how many there are once that takes more than a second."""
    from time import monotonic

    start, told = monotonic(), False
    for number, report in enumerate(reports, 1):
        yield report
        if sys.stderr.isatty() and monotonic() - start > 1:
            sys.stderr.write(f"\rshapelint: {number} of {total} files")
            told = True
    if told:
        sys.stderr.write("\r\x1b[K")


def _write_output(name: str, path: str, report: RunReport, look: Look) -> bool:
    """Write one of the files that --output names; whether that succeeded."""
    from shapelint.engine import shown
    from shapelint.report.formats import FORMATS, write_output

    if any(shown(path) == each.file for each in report.files):
        complain(shown(path), "is one of the files that were checked; give --output another path")
        return False
    try:
        write_output(path, FORMATS[name](report, look))
    except OSError as error:
        complain(shown(path), f"cannot be written: {error.strerror or error}")
        return False
    return True


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:6]) <= 256:
        raise UsageError(f"`{text}` in --jobs is no number of processes; write one from 1 to 256")
    return int(text)
