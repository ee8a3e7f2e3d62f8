"""Repairs made: in a spec's bytes, or in a copy of an ONNX file; what was there stays until the new file is complete.

Bytes outside the edits are never touched: a byte-order mark and the line breaks stay as they are.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import TYPE_CHECKING, Final

from shapelint.analysis import Analysis, StatedWrong
from shapelint.facts.frozen import Frozen
from shapelint.facts.subjects import Mismatch, Preserving, Restriction
from shapelint.finding import Applicability, Fix, Severity
from shapelint.fixing.draft import Cause
from shapelint.fixing.menu import is_allowed, offers
from shapelint.fixing.patch import GraphPatch
from shapelint.fixing.proof import Linted, key
from shapelint.registry import is_selected
from shapelint.source import Unreadable
from shapelint.source.spec import read_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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
    """Put `data` at `path` in one step, through a temporary file beside it; raises CannotWrite.

    What is there and is no plain file, as `/dev/stdout`, is written into.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    temporary = ""
    try:
        if os.path.isdir(target):
            raise CannotWrite(f"`{path}` is a folder; name a file")
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb", buffering=0) as device:
                device.write(data)
            return
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
    if isinstance(subject, Restriction):
        return Cause(subject) if finding.name == "restricted-size" else None
    return Cause(subject) if isinstance(subject, Mismatch | Frozen | Preserving) else None


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
    seen, given_up = {data}, set[tuple[str, str]]()
    for _ in range(_MOST):
        chosen = _first_allowed(result.new, file, settings, unsafe, keep, given_up)
        if chosen is None:
            break
        offer, analysis, about = chosen
        try:
            new = patched_bytes(analysis, offer, result.new)
        except CannotWrite as error:
            result.left.append(f"{offer.fix.title}: {error}")
            given_up.add(about)
            continue
        if new in seen:
            result.left.append(f"{offer.fix.title}: it undoes what was mended before")
            given_up.add(about)
            continue
        seen.add(new)
        result.new = new
        result.applied.append(offer.fix)
    if result.applied:
        result.left += _collided(result, settings, unsafe, keep, given_up)
    _without_unused(result, settings, keep)
    return result


def _collided(
    result: Mended,
    settings: Settings,
    unsafe: bool,
    keep: Callable[[list[Finding], str], list[Finding]],
    told: set[tuple[str, str]],
) -> Iterator[str]:
    """What could have been mended at first and cannot be any more beside what was."""
    after = _to_mend(result.new, result.file, settings, keep)
    before = _to_mend(result.old, result.file, settings, keep)
    if after is None or before is None:
        return
    left = {key(finding) for finding in after[1]} - told
    for finding in before[1]:
        cause = cause_of(finding)
        for offer in offers(before[0], cause) if cause is not None and key(finding) in left else ():
            if is_allowed(offer.fix, unsafe=unsafe):
                yield f"{offer.fix.title}: it collides with what was mended before"
                break


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


def _to_mend(
    data: bytes, file: str, settings: Settings, keep: Callable[[list[Finding], str], list[Finding]]
) -> tuple[Analysis, list[Finding]] | None:
    """The analysis of a spec and the findings to be mended, the gravest first; None where it cannot be read."""
    try:
        analysis = Analysis(read_spec(data, file), settings.stated, file)
    except (Unreadable, StatedWrong):
        return None
    chosen = [each for each in Linted(analysis).findings if is_selected(each.name, settings)]
    # What is only told (infos) needs no mending: a healthy file is never rewritten.
    findings = [each for each in keep(chosen, analysis.model.program.text) if each.severity is not Severity.INFO]
    return analysis, sorted(findings, key=lambda each: (each.severity.rank, each.line or 0, key(each)))


def _first_allowed(
    data: bytes,
    file: str,
    settings: Settings,
    unsafe: bool,
    keep: Callable[[list[Finding], str], list[Finding]],
    given_up: set[tuple[str, str]],
) -> tuple[Offer, Analysis, tuple[str, str]] | None:
    """The first entry that the level allows, of the first finding that has one."""
    found = _to_mend(data, file, settings, keep)
    lead = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    if found is None:
        return None
    analysis, findings = found
    for finding in findings:
        cause = cause_of(finding) if key(finding) not in given_up else None
        for offer in offers(analysis, cause, lead=lead) if cause is not None else ():
            if is_allowed(offer.fix, unsafe=unsafe):
                return offer, analysis, key(finding)
    return None
