"""Repairs made: in a spec's bytes, or in a copy of an ONNX file; what was there stays until the new file is complete.

Bytes outside the edits are never touched: a byte-order mark and the line breaks stay as they are.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from typing import TYPE_CHECKING, Final

from shapelint.analysis import Analysis, StatedWrong
from shapelint.facts.subjects import Mismatch, Restriction
from shapelint.finding import Applicability, Fix, Severity
from shapelint.fixing.draft import Cause
from shapelint.fixing.menu import is_allowed, offers
from shapelint.fixing.patch import GraphPatch
from shapelint.fixing.proof import Linted, key
from shapelint.registry import is_selected
from shapelint.source import Unreadable
from shapelint.source.spec import read_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shapelint.finding import Edit, Finding
    from shapelint.fixing.menu import Offer
    from shapelint.settings import Settings

_MOST: Final = 32
"""How many repairs are made in one file."""


class CannotWrite(Exception):
    """Nothing was written; one sentence. What stood at the target stands there still."""


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with every edit made."""
    for edit in sorted(edits, key=lambda each: (each.start, each.end), reverse=True):
        data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    return data


def write_whole(path: str, data: bytes) -> None:
    """Put `data` at `path` in one step, through a temporary file beside it; raises CannotWrite."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    temporary = ""
    try:
        if os.path.isdir(target):
            raise CannotWrite(f"`{path}` is a folder; name a file")
        if os.path.exists(target) and not os.access(target, os.W_OK):
            raise CannotWrite(f"`{path}` cannot be written: permission denied")
        handle, temporary = tempfile.mkstemp(prefix=".shapelint-", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        else:
            os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        raise CannotWrite(f"`{path}` cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            if temporary:
                os.unlink(temporary)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_target(source: str, out: str) -> None:
    """Raise CannotWrite where `out` is the source itself."""
    with suppress(OSError):
        if os.path.samefile(source, out):
            raise CannotWrite(f"`{out}` is the file that is read; name another one with -o")
    if os.path.realpath(source) == os.path.realpath(out):
        raise CannotWrite(f"`{out}` is the file that is read; name another one with -o")


def patched_bytes(analysis: Analysis, offer: Offer, data: bytes) -> bytes:
    """The spec's bytes with an entry applied, linted again; raises CannotWrite where that says something new."""
    new = edited(data, offer.fix.edits)
    try:
        again = Analysis(read_spec(new, analysis.file), analysis.stated, analysis.file)
    except (Unreadable, StatedWrong):
        raise CannotWrite("the file changed while it was mended; run the command again") from None
    proved = offer.proved.analysis
    expected = set() if proved is None else Linted(proved).keys
    if not Linted(again).keys <= expected:
        raise CannotWrite("the file changed while it was mended; run the command again")
    return new


def write_onnx(source: str, offer: Offer, out: str) -> str | None:
    """Write the patched copy of an ONNX file; a note for the user, where there is one. Raises CannotWrite."""
    from shapelint.source.onnx.splice import SpliceError, write

    assert isinstance(offer.patch, GraphPatch)
    try:
        return write(source, offer.patch, out)
    except SpliceError as error:
        raise CannotWrite(str(error)) from None


def diff(old: bytes, new: bytes, file: str) -> str:
    """A unified diff of a spec before and after."""
    before, after = (data.decode("utf-8-sig").splitlines(keepends=True) for data in (old, new))
    lines = []
    for line in unified_diff(before, after, f"a/{file}", f"b/{file}"):
        lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(lines)


# -- whole files -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Mended:
    """A spec before and after, with what was done."""

    file: str
    old: bytes
    new: bytes
    applied: list[Fix] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Why a repair that was to be made was not."""


def cause_of(finding: Finding) -> Cause | None:
    """What a repair of the finding is about; None where repairs know nothing of it."""
    subject = finding.fault.subject if finding.fault is not None else None
    is_known = isinstance(subject, Mismatch) or (isinstance(subject, Restriction) and finding.name == "restricted-size")
    return Cause(subject) if is_known and isinstance(subject, Mismatch | Restriction) else None


def with_menus(findings: list[Finding], analysis: Analysis) -> list[Finding]:
    """The findings at or above a warning with their repairs; of an ONNX file the command that lists them."""
    return [_with_menu(finding, analysis) if finding.severity.rank <= 1 else finding for finding in findings]


def _with_menu(finding: Finding, analysis: Analysis) -> Finding:
    cause = cause_of(finding)
    if cause is None or analysis.model.program is None:
        return finding
    lead = byte_order_mark(analysis.file)
    return replace(finding, fixes=tuple([offer.fix for offer in offers(analysis, cause, lead=lead)]))


def byte_order_mark(file: str) -> int:
    """How many bytes of a spec stand before its text."""
    try:
        with open(file, "rb") as stream:
            return 3 if stream.read(3) == b"\xef\xbb\xbf" else 0
    except (OSError, ValueError):
        return 0


def mended(
    data: bytes,
    file: str,
    settings: Settings,
    *,
    unsafe: bool,
    keep: Callable[[list[Finding], str], list[Finding]] = lambda findings, _: findings,
) -> Mended:
    """A spec with the first entry of each menu applied that the level allows, one finding after another.

    After each the file is linted again, so a second repair at the same place is made from what the first one left.
    `keep` leaves out the findings that a person suppressed.
    """
    result = Mended(file, data, data)
    seen = {data}
    for _ in range(_MOST):
        offer, analysis = _first_allowed(result.new, file, settings, unsafe, keep)
        if offer is None or analysis is None:
            break
        try:
            new = patched_bytes(analysis, offer, result.new)
        except CannotWrite as error:
            result.left.append(f"{offer.fix.title}: {error}")
            break
        if new in seen:
            break
        seen.add(new)
        result.new = new
        result.applied.append(offer.fix)
    _without_unused(result, settings, keep)
    return result


def _without_unused(result: Mended, settings: Settings, keep: Callable[[list[Finding], str], list[Finding]]) -> None:
    """Remove the suppressions that suppress nothing, with the line where they stand alone."""
    if not is_selected("unused-suppression", settings):
        return
    try:
        analysis = Analysis(read_spec(result.new, result.file), settings.stated, result.file)
    except (Unreadable, StatedWrong):
        return
    found = [each for each in Linted(analysis).findings if is_selected(each.name, settings)]
    unused = [each for each in keep(found, analysis.model.program.text) if each.name == "unused-suppression"]
    mark = b"\xef\xbb\xbf" if result.new.startswith(b"\xef\xbb\xbf") else b""
    lines = result.new.removeprefix(mark).decode("utf-8").splitlines(keepends=True)
    for finding in sorted(unused, key=lambda each: each.line or 0, reverse=True):
        assert finding.line is not None
        assert finding.column is not None
        line = lines[finding.line - 1]
        body = line[: finding.column - 1].rstrip()
        ending = line[len(line.rstrip("\r\n")) :]
        lines[finding.line - 1] = body + ending if body else ""
        title = f"remove the suppression on line {finding.line}"
        result.applied.append(Fix(0, "suppression", title, Applicability.SAFE, "it suppresses nothing"))
    result.new = mark + "".join(lines).encode("utf-8")


def _first_allowed(
    data: bytes, file: str, settings: Settings, unsafe: bool, keep: Callable[[list[Finding], str], list[Finding]]
) -> tuple[Offer | None, Analysis | None]:
    try:
        analysis = Analysis(read_spec(data, file), settings.stated, file)
    except (Unreadable, StatedWrong):
        return None, None
    chosen = [each for each in Linted(analysis).findings if is_selected(each.name, settings)]
    # What is only told (infos) needs no mending: a healthy file is never rewritten.
    findings = [each for each in keep(chosen, analysis.model.program.text) if each.severity is not Severity.INFO]
    lead = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    for finding in sorted(findings, key=lambda each: (each.severity.rank, each.line or 0, key(each))):
        cause = cause_of(finding)
        for offer in offers(analysis, cause, lead=lead) if cause is not None else ():
            if is_allowed(offer.fix, unsafe=unsafe):
                return offer, analysis
    return None, None
