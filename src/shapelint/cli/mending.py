"""`check --fix` and `check --diff`: specs are mended, or the difference is printed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shapelint.cli.outcome import COULD_NOT_RUN, FOUND, OK, complain, write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from shapelint.engine import Configs
    from shapelint.finding import Finding
    from shapelint.settings import Settings


def mend(options: argparse.Namespace, settings: Settings, configs: Configs) -> int:
    """Mend the specs that the paths name or hold, or print the difference; the exit code of the latter."""
    from shapelint.config import ConfigError
    from shapelint.engine import discover, shown
    from shapelint.fixing.apply import CannotWrite, diff, mended, write_whole
    from shapelint.source import SNIFFED, is_spec

    files, errors = discover(options.paths or ["."], configs)
    code = OK
    for error in errors if options.diff else ():
        complain(error.file, error.message)
        code = COULD_NOT_RUN
    for path in files:
        file = shown(path)
        if not os.path.isfile(path):
            continue
        try:
            of_file = configs.of(path).settings(path, settings)
        except ConfigError as error:
            if options.diff:  # what `--fix` leaves unread is told by the check that follows
                complain(None, str(error))
                code = COULD_NOT_RUN
            continue
        try:
            with open(path, "rb") as stream:
                data = stream.read(SNIFFED)
                ours = is_spec(data)
                data += stream.read() if ours else b""
        except OSError:
            continue
        if not ours:
            if not options.diff:
                _suggest(path, of_file, unsafe=options.unsafe_fixes)
            continue
        keep = _kept(configs, path, of_file)
        result = mended(data, file, of_file, unsafe=options.unsafe_fixes, keep=keep)
        for message in result.left:
            complain(file, f"not mended: {message}")
        if result.new == data:
            continue
        if options.diff:
            write(diff(data, result.new, file))
            code = code or FOUND
            continue
        try:
            write_whole(path, result.new)
        except CannotWrite as trouble:
            complain(file, str(trouble))
            continue
        for fix in result.applied:
            complain(file, f"mended ({fix.kind}): {fix.title}")
    return code


def _kept(configs: Configs, path: str, settings: Settings) -> Callable[[list[Finding], str], list[Finding]]:
    """What leaves out the findings of a file that a person suppressed."""
    from shapelint.engine import shown

    suppressions = configs.suppressions(configs.of(path))
    return lambda findings, text: suppressions.split(findings, shown(path), text, settings)[0]


def _suggest(path: str, settings: Settings, *, unsafe: bool) -> None:
    """Print the command that writes a mended copy of an ONNX file."""
    from shapelint.analysis import Analysis, StatedWrong
    from shapelint.engine import shown
    from shapelint.fixing.menu import is_allowed, offers
    from shapelint.source import Unreadable, load

    file = shown(path)
    try:
        analysis = Analysis(load(path, name=file), settings.stated, file)
    except (Unreadable, StatedWrong, OSError):
        return
    found = [offer.fix for offer in offers(analysis) if is_allowed(offer.fix, unsafe=unsafe) and offer.fix.command]
    if found:
        complain(file, f"a mended copy is written by `{found[0].command}`: {found[0].title}")
