"""`fix`: the numbered menu of proved repairs, and making one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.model import analysis_of
from shapelint.cli.options import model_argument, output_options, sizes_options
from shapelint.cli.outcome import FOUND, OK, UsageError, complain, paint_of, write, write_json
from shapelint.finding import Severity
from shapelint.meant import meant

if TYPE_CHECKING:
    import argparse

    from shapelint.analysis import Analysis
    from shapelint.fixing.menu import Offer

DESCRIPTION: Final = "The repairs of a model's first trouble, each proved on the patched model; and to make one."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    model_argument(parser)
    sizes_options(parser)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--pick", type=_number, metavar="N", help="the entry with this number")
    choice.add_argument("--kind", metavar="KIND", help="the first entry of this kind")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-o", "--out", metavar="OUT", help="write the patched file here")
    where.add_argument("--write", action="store_true", help="change the spec in place")
    output_options(parser)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"`{text}` in --pick is no number of an entry; `shapelint fix PATH` lists them")
    return int(text[:9])


def run(options: argparse.Namespace) -> int:
    """1 where something is broken and nothing mends it."""
    from shapelint.fixing import apply
    from shapelint.fixing.draft import main_cause
    from shapelint.fixing.menu import command, offers
    from shapelint.fixing.proof import Linted, cause_finding
    from shapelint.report.fix_json import fix_json
    from shapelint.report.fix_text import entry_lines, fix_text

    analysis = analysis_of(options, must_fit=True)
    is_spec = analysis.model.program is not None
    cause = main_cause(analysis)
    found = offers(analysis, cause, lead=apply.byte_order_mark(options.path)) if cause is not None else []
    finding = cause_finding(Linted(analysis), cause) if cause is not None else None
    fixes = [offer.fix for offer in found]
    if options.pick is None and options.kind is None:
        if options.out or options.write:
            raise UsageError("which entry is to be written? name it with --pick N or --kind KIND")
        if options.format == "json":
            write_json(fix_json(analysis.file, finding, fixes))
        else:
            again = command(analysis)
            write(fix_text(analysis.file, finding, fixes, paint_of(options), again=again, is_spec=is_spec))
        is_broken = finding is not None and finding.severity is not Severity.INFO
        return FOUND if is_broken and not fixes else OK
    offer = _picked(options, found, analysis.file, is_sound=finding is None)
    fix, written = offer.fix, options.path if options.write else options.out
    if offer.patch is None and written is not None:
        raise UsageError(f"entry {fix.id} ({fix.kind}) is something to do outside the file: {fix.title}")
    try:
        made, note = _make(options, analysis, offer)
    except (apply.CannotWrite, OSError) as error:
        raise UsageError(str(error)) from None
    if options.format == "json":
        write_json(fix_json(analysis.file, finding, fixes, picked=fix, written=written, note=note))
    elif written is not None:
        write(f"{written}: {fix.title}\n")
        if note:
            complain(written, note)
    elif made:
        write(made)
    else:
        write("\n".join([*entry_lines(fix, paint_of(options)), *([f"     {note}"] if note else [])]) + "\n")
    return OK


def _picked(options: argparse.Namespace, found: list[Offer], file: str, *, is_sound: bool) -> Offer:
    """The entry of the menu that --pick or --kind names; raises UsageError."""
    from shapelint.facts.subjects import counted
    from shapelint.fixing.menu import KINDS

    there = ", ".join(f"{offer.fix.id} ({offer.fix.kind})" for offer in found)
    nothing = "nothing is to be mended" if is_sound else "nothing that shapelint knows mends it"
    others = f"there {'is' if len(found) == 1 else 'are'} {there}" if found else nothing
    if options.kind is not None:
        if options.kind not in KINDS:
            raise UsageError(f"`{options.kind}` is no kind of repair; {meant(options.kind, KINDS)}")
        missing = f"no repair of {file} is of the kind `{options.kind}`; {others}"
        offer = next((each for each in found if each.fix.kind == options.kind), None)
    else:
        missing = f"{file} has {counted(len(found), 'repair')}, none is number {options.pick}; {others}"
        offer = next((each for each in found if each.fix.id == options.pick), None)
    if offer is None:
        raise UsageError(missing)
    return offer


def _make(options: argparse.Namespace, analysis: Analysis, offer: Offer) -> tuple[str, str | None]:
    """Write the entry where that is asked for; else its difference, and what is to be known of it.

    Raises CannotWrite, OSError.
    """
    from shapelint.fixing import apply

    if options.out:
        apply.check_target(options.path, options.out)
    if offer.patch is None:
        return "", None
    if analysis.model.program is None:
        if options.write:
            message = "is an ONNX file, which is never changed in place; name a copy with -o"
            raise apply.CannotWrite(f"`{analysis.file}` {message}")
        return "", apply.write_onnx(options.path, offer, options.out) if options.out else offer.fix.command
    with open(options.path, "rb") as stream:
        data = stream.read()
    new = apply.patched_bytes(analysis, offer, data)
    if options.write or options.out:
        apply.write_whole(options.path if options.write else options.out, new)
    return apply.diff(data, new, analysis.file), None
