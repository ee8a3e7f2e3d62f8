"""The formats of `check` by name; each is a module of its own, imported when it is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from shapelint.meant import meant
from shapelint.report.terminal import Paint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shapelint.engine import RunReport


class NoSuchOutput(Exception):
    """An output that cannot be meant; one sentence."""


@dataclass(frozen=True, slots=True)
class Look:
    """What depends on where a report goes, not on what it says."""

    paint: Paint = field(default_factory=Paint)
    quiet: bool = False
    """Leave infos out of text, lines and annotations, and the summary."""
    only_ascii: bool = False
    """The stream takes no other letters."""
    fail_on: str = "warning"


def _text(report: RunReport, look: Look) -> str:
    from shapelint.report.check_text import check_text

    return check_text(report, look.paint, quiet=look.quiet)


def _concise(report: RunReport, look: Look) -> str:
    from shapelint.report.concise import concise_report

    return concise_report(report, quiet=look.quiet)


def _json(report: RunReport, look: Look) -> str:
    import json

    from shapelint.report.check_json import check_json

    return json.dumps(check_json(report), indent=1, ensure_ascii=look.only_ascii) + "\n"


def _sarif(report: RunReport, look: Look) -> str:
    from shapelint.report.sarif import sarif_report

    return sarif_report(report, only_ascii=look.only_ascii)


def _github(report: RunReport, look: Look) -> str:
    from shapelint.report.github import github_report

    return github_report(report, quiet=look.quiet)


def _gitlab(report: RunReport, look: Look) -> str:
    from shapelint.report.gitlab import gitlab_report

    return gitlab_report(report, only_ascii=look.only_ascii)


def _junit(report: RunReport, look: Look) -> str:
    from shapelint.report.junit import junit_report

    return junit_report(report, fail_on=look.fail_on)


def _markdown(report: RunReport, look: Look) -> str:
    from shapelint.report.markdown import markdown_report

    return markdown_report(report)


FORMATS: Final[Mapping[str, Callable[[RunReport, Look], str]]] = {
    "text": _text,
    "concise": _concise,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
    "markdown": _markdown,
}


def menus_for(formats: Iterable[str]) -> Literal["none", "first", "every"]:
    """Which findings need their repairs: every one where all are written, the first one where it is named."""
    names = set(formats)
    if names & {"json", "sarif"}:
        return "every"
    return "first" if names - {"concise", "gitlab"} else "none"


_STREAMS: Final = {"/dev/stdout": 1, "/dev/stderr": 2}


def parse_outputs(texts: list[str]) -> list[tuple[str, str]]:
    """Each `FORMAT:PATH` as a format and a path; raises NoSuchOutput."""
    found: list[tuple[str, str]] = []
    for text in texts:
        name, sign, path = text.partition(":")
        if name not in FORMATS:
            raise NoSuchOutput(f"`{name}` in --output `{text}` is no format; {meant(name, FORMATS)}")
        if not sign or path in ("", "-"):
            raise NoSuchOutput(f"--output `{text}` names no file; write for example --output {name}:report.{name}")
        if any(os.path.realpath(path) == os.path.realpath(other) for _, other in found):
            raise NoSuchOutput(f"--output `{text}` names a file that another --output names too")
        found.append((name, path))
    return found


def write_output(path: str, text: str) -> None:
    """Write the file whole or not at all, as UTF-8; a pipe or a device is written to as it is. Raises OSError."""
    data = text.encode("utf-8", "backslashreplace")
    if path in _STREAMS:  # opened anew, a file behind it would be written from its beginning
        with os.fdopen(os.dup(_STREAMS[path]), "wb") as stream:
            stream.write(data)
        return
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target) and not os.path.isdir(target):
        with open(path, "wb") as device:
            device.write(data)
        return
    temporary = f"{target}.{os.getpid()}.new"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, target)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
