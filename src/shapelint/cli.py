"""Arguments -> settings -> engine -> report -> exit code."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar

from shapelint._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from shapelint.analysis import Analysis
    from shapelint.config import Config
    from shapelint.engine import Configs, RunReport
    from shapelint.finding import Finding
    from shapelint.report.formats import Look
    from shapelint.report.terminal import Paint
    from shapelint.settings import Settings, Stated, StatedDims

OK, FOUND, COULD_NOT_RUN = 0, 1, 2

_T = TypeVar("_T")
OWN_RULES = ".shapelint/rules"


class UsageError(Exception):
    """An argument is of no use; one sentence."""


class _Parser(argparse.ArgumentParser):
    """argparse with one-sentence errors, did-you-mean, and options that are written out."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        unknown = re.fullmatch(r"unrecognized arguments: (\S+).*", message)
        choice = re.fullmatch(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", message)
        if unknown:
            word = unknown[1].partition("=")[0]
            close = get_close_matches(word, self._option_string_actions, 1)
            meant = f"did you mean `{close[0]}`?" if close else f"`{self.prog} --help` lists what there is"
            raise UsageError(f"`{word}` is no option of `{self.prog}`; {meant}")
        if choice:
            words = choice[3].replace("'", "").split(", ")
            close = get_close_matches(choice[2], words, 1)
            meant = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(words)}"
            raise UsageError(f"`{choice[2]}` is no {choice[1].lstrip('-')}; {meant}")
        raise UsageError(f"{message}; `{self.prog} --help` lists what there is")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but what is left over is an error at once, of the command that it was given to."""
        options, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return options, rest


_DIMS_HELP = (
    "dims of an input, separated by commas (or x): a number pins the axis, a name leaves it free under that name, "
    "an expression ties it (sample=2,4,H//8,W//8); repeatable"
)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    from shapelint.report.formats import FORMATS

    parser = _Parser(
        prog="shapelint",
        description="Which input sizes does a network take, what breaks the others, what mends it.",
        epilog="exit codes: 0 nothing to report, 1 something was found or does not fit, 2 could not run",
    )
    parser.add_argument("--version", action="version", version=f"shapelint {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    check = commands.add_parser("check", help="findings in files and folders", description="Lint model files.")
    check.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; the current folder by default")
    _sizes_options(check)
    check.add_argument(
        "--select", action="append", default=[], metavar="RULES", help="report these rules only (ids, prefixes, names)"
    )
    check.add_argument("--ignore", action="append", default=[], metavar="RULES", help="leave these rules out")
    check.add_argument("--extend-select", action="append", default=[], metavar="RULES", help="report these rules too")
    check.add_argument("--config", metavar="FILE", help="use this configuration instead of the closest one")
    check.add_argument(
        "--jobs",
        type=_jobs,
        default=0,
        metavar="N",
        help="processes to check files with (default: as many as are of use)",
    )
    check.add_argument(
        "--stdin-filename",
        metavar="NAME",
        help="what the model on standard input (PATH -) is called and matched as",
    )
    check.add_argument("--isolated", action="store_true", help="use no configuration")
    check.add_argument("--baseline", metavar="FILE", help="leave out what this file of `shapelint baseline` accepts")
    check.add_argument(
        "--fail-on",
        choices=("error", "warning", "info", "never"),
        help="the level from which a finding makes the exit code 1 (default: warning)",
    )
    check.add_argument("--require-where", action="store_true", help="warn of free axes for which nothing is stated")
    check.add_argument("--preview", action="store_true", help="report rules that are still tried out too")
    check.add_argument(
        "--statistics", action="store_true", help="count the findings of each rule instead of telling them"
    )
    check.add_argument("--quiet", action="store_true", help="errors and warnings only, no summary")
    check.add_argument("--fix", action="store_true", help="mend specs with the first safe repair of each menu")
    check.add_argument("--unsafe-fixes", action="store_true", help="with --fix or --diff: repairs that need a look too")
    check.add_argument("--diff", action="store_true", help="print what --fix would change; write nothing")
    check.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FORMAT:PATH",
        help="write the report into a file too, in any format; repeatable",
    )
    _output_options(check, formats=tuple(FORMATS))

    sizes = commands.add_parser(
        "sizes", help="which input sizes run and fit", description="Which input sizes run, and what breaks the others."
    )
    sizes.add_argument("path", metavar="PATH", help="a model file")
    _sizes_options(sizes)
    sizes.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="SIZE",
        help="ask about one size: 225x225, or H=225,W=300; repeatable",
    )
    sizes.add_argument("--free", action="store_true", help="treat the spatial axes of a static export as free")
    _output_options(sizes)

    show = commands.add_parser(
        "show",
        help="every layer with its shape, scale and pair",
        description="Every layer with its shape, scale and pair.",
    )
    show.add_argument("path", metavar="PATH", help="a model file")
    _sizes_options(show)
    show.add_argument("--free", action="store_true", help="treat the spatial axes of a static export as free")
    _output_options(show, formats=("text", "json", "spec"))

    fix = commands.add_parser(
        "fix",
        help="the numbered menu of proved repairs",
        description="The repairs of a model's first trouble, each proved on the patched model; and to make one.",
    )
    fix.add_argument("path", metavar="PATH", help="a model file")
    _sizes_options(fix)
    fix.add_argument(
        "--at", action="append", default=[], metavar="SIZE", help="a size that must fit: 225x225, or H=225,W=300"
    )
    choice = fix.add_mutually_exclusive_group()
    choice.add_argument("--pick", type=int, metavar="N", help="the entry with this number")
    choice.add_argument("--kind", metavar="KIND", help="the first entry of this kind")
    where = fix.add_mutually_exclusive_group()
    where.add_argument("-o", "--out", metavar="OUT", help="write the patched file here")
    where.add_argument("--write", action="store_true", help="change the spec in place")
    _output_options(fix)

    schema = commands.add_parser(
        "schema", help="JSON Schemas for editors", description="The JSON Schema of a kind of file, for editors."
    )
    schema.add_argument("file", choices=("spec", "config", "rule", "report"), help="what the schema describes")
    schema.add_argument("--verbose", action="store_true", help="show the traceback of an internal error")

    baseline = commands.add_parser(
        "baseline",
        help="accept the findings that are there",
        description="Write what `check` finds now to a file; `check --baseline FILE` then reports only what is new.",
    )
    baseline.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; the current folder by default")
    baseline.add_argument("--output", default="shapelint-baseline.json", metavar="FILE", help="where to write it")
    baseline.add_argument("--config", metavar="FILE", help="use this configuration instead of the closest one")
    baseline.add_argument("--isolated", action="store_true", help="use no configuration")

    config = commands.add_parser(
        "config", help="the settings of a file, and where each comes from", description="The settings of a file."
    )
    config.add_argument("path", metavar="FILE", help="a model file")
    config.add_argument("--config", metavar="FILE", help="use this configuration instead of the closest one")
    for each in (baseline, config):
        _output_options(each)

    explain = commands.add_parser(
        "explain", help="a rule's page", description="What a rule means, why, and what to do."
    )
    explain.add_argument("rule", metavar="RULE", help="an id or a name")
    rules = commands.add_parser(
        "rules",
        help="the list of rules",
        description="The list of rules; `rules test` holds the rules in a folder against their examples.",
    )
    rules.add_argument("action", nargs="?", choices=("list", "test"), default="list")
    rules.add_argument("folder", nargs="?", default=OWN_RULES, metavar="DIR", help=f"of `test` (default: {OWN_RULES})")
    rules.add_argument("--bless", action="store_true", help="of `test`: write what is said into the examples")
    for each in (explain, rules):
        _output_options(each)

    init = commands.add_parser(
        "init",
        help="write a commented spec to begin with",
        description="Write a commented spec, and its schema, by which editors complete it.",
    )
    init.add_argument("path", nargs="?", default="net.shape.yaml", metavar="FILE", help="default: net.shape.yaml")
    init.add_argument("--force", action="store_true", help="overwrite the file")
    completion = commands.add_parser(
        "completion", help="completion for a shell", description='For example: eval "$(shapelint completion bash)"'
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    for each in (init, completion):
        each.add_argument("--verbose", action="store_true", help="show the traceback of an internal error")

    debug = commands.add_parser(
        "debug", help="the stages of an analysis, printed", description="Print one stage of the analysis."
    )
    debug.add_argument("stage", choices=("graph", "shapes", "facts"))
    debug.add_argument("path", metavar="FILE")
    _sizes_options(debug)
    _output_options(debug, formats=("text",))
    return parser


def _sizes_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", action="append", default=[], metavar="[NAME=]DIMS", help=_DIMS_HELP)
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="[NAME=]DOMAIN",
        help='sizes that must fit: "multiple of 32", H=64..512; without NAME every free axis but the batch; repeatable',
    )


def _output_options(parser: argparse.ArgumentParser, formats: tuple[str, ...] = ("text", "json")) -> None:
    parser.add_argument("--format", choices=formats, default="text", help="the format of the report (default: text)")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour in text reports")
    parser.add_argument("--verbose", action="store_true", help="show the traceback of an internal error")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = build_parser().parse_args(_with_command(arguments))
        if options.command is None:
            build_parser().print_help()
            return COULD_NOT_RUN
        return _COMMANDS[options.command](options)
    except UsageError as error:
        return _could_not([(None, str(error))], _format_of(arguments))
    except BrokenPipeError:
        # The reader of our output went away; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # an internal error is one sentence too
        if "--verbose" in arguments:
            raise
        from shapelint.engine import internal

        return _could_not([(None, internal(error))], _format_of(arguments))


def _with_command(arguments: list[str]) -> list[str]:
    """The arguments, with did-you-mean for a command that does not exist."""
    if arguments and not arguments[0].startswith("-") and arguments[0] not in _COMMANDS:
        close = get_close_matches(arguments[0], _COMMANDS, 1)
        if os.path.exists(arguments[0]):
            raise UsageError(f"`{arguments[0]}` is no command; did you mean `shapelint check {arguments[0]}`?")
        meant = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(_COMMANDS)}"
        raise UsageError(f"`{arguments[0]}` is no command; {meant}")
    return arguments


def _format_of(arguments: list[str]) -> str:
    text = " ".join(arguments)
    return "json" if "--format json" in text or "--format=json" in text else "text"


def _could_not(errors: Sequence[tuple[str | None, str]], form: str) -> int:
    """Say what kept the run from doing what was asked, by file."""
    for file, message in errors:
        _complain(file, message)
    if form == "json":
        listed = [{"file": file, "message": message} for file, message in errors]
        _write_json({"version": 1, "errors": listed})
    return COULD_NOT_RUN


_LONGEST = 400
"""How much of a message is printed: it may quote what was given."""


def _complain(file: str | None, message: str) -> None:
    from shapelint.report.terminal import clean

    text = message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
    _write(f"shapelint: {clean(text if file is None else f'{file}: {text}')}\n", sys.stderr)


def _write(text: str, stream: TextIO | None = None) -> None:
    out = sys.stdout if stream is None else stream
    encoding = out.encoding or "utf-8"
    out.write(text.encode(encoding, "backslashreplace").decode(encoding))
    out.flush()


def _is_unicode() -> bool:
    """Whether stdout takes every letter."""
    return (sys.stdout.encoding or "utf-8").lower().startswith("utf")


def _write_json(data: dict[str, Any]) -> None:
    import json

    _write(json.dumps(data, indent=1, ensure_ascii=not _is_unicode()) + "\n")


def _paint(options: argparse.Namespace) -> Paint:
    from shapelint.report.terminal import paint_for

    return paint_for(sys.stdout, options.color)


# -- what is stated --------------------------------------------------------------------------------------------------


def parse_input(text: str) -> tuple[str | None, StatedDims]:
    """`[NAME=]DIMS` as a name and dims; raises UsageError."""
    name: str | None
    name, sign, dims = text.rpartition("=")
    if not sign:
        name, dims = None, text
    separator = "," if "," in dims else "x"
    parts = [part.strip() for part in dims.strip("[]() ").split(separator)]
    if not any(parts):
        raise UsageError(f"--input `{text}` holds no dims; write for example --input x=1,3,224,224")
    found: list[int | str | None] = []
    for part in parts:
        if not part:
            raise UsageError(f"--input `{text}` has an empty dim; write a number, a name, or _ to leave it as declared")
        if part in ("_", "?"):
            found.append(None)
        elif part.lstrip("-").isdigit():
            number = int(part[:12])
            if not 0 < number < 2**31:
                raise UsageError(f"`{part}` in --input `{text}` is no size; a size is from 1 to 2**31 - 1")
            found.append(number)
        else:
            found.append(part)
    return name, tuple(found)


def stated_of(options: argparse.Namespace) -> Stated:
    """What the options state of sizes; raises UsageError."""
    from shapelint.settings import Stated, Where
    from shapelint.size.parse import NotASize, parse_domain

    inputs: dict[str | None, StatedDims] = {}
    for text in options.input:
        name, dims = parse_input(text)
        inputs[name] = dims
    where = []
    for text in options.where:
        name, sign, domain = text.rpartition("=")
        try:
            where.append(Where(name.strip() if sign else None, parse_domain(domain), domain.strip()))
        except NotASize as error:
            raise UsageError(f"--where `{text}`: {error}") from None
    return Stated(inputs, tuple(where), tuple(getattr(options, "at", ())), getattr(options, "free", False))


def _analysis(options: argparse.Namespace) -> Analysis | int:
    """The analysis of the one file that a command is about, or the exit code where there is none."""
    from shapelint.analysis import Analysis, StatedWrong
    from shapelint.engine import discover, shown
    from shapelint.source import Unreadable, load

    stated = stated_of(options)
    file = shown(options.path)
    if os.path.isdir(options.path):
        messages = [f"is a folder; `shapelint {options.command}` takes one model file"]
    else:
        messages = [each.message for each in discover([options.path])[1]]
    if not messages:
        try:
            return Analysis(load(options.path, name=file), stated, file)
        except Unreadable as unreadable:
            messages = [f"{flaw.message}{f'; {flaw.help}' if flaw.help else ''}" for flaw in unreadable.faults]
        except StatedWrong as wrong:
            messages = [str(wrong)]
        except OSError as trouble:
            messages = [f"cannot be read: {trouble.strerror or trouble}"]
    return _could_not([(file, message) for message in messages], options.format)


# -- commands --------------------------------------------------------------------------------------------------------


def _jobs(text: str) -> int:
    if not text.isdigit() or not 0 < int(text[:6]) <= 256:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of processes from 1 to 256")
    return int(text)


def _words(values: list[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in value.replace(",", " ").split())


def _use_own_rules(*, isolated: bool = False) -> None:
    """Add the rules in the closest `.shapelint/rules` at or above the working directory; raises UsageError."""
    from pathlib import Path

    from shapelint.registry import use_own

    here = Path.cwd()
    found = next((each for each in (here, *here.parents) if (each / OWN_RULES).is_dir()), None)
    if isolated or found is None:
        use_own([])
        return
    from shapelint.engine import shown
    from shapelint.rulefile import RuleError, rule_files

    folder = found / OWN_RULES
    try:
        use_own(rule_files(folder, shown(folder)))
    except RuleError as error:
        raise UsageError(str(error)) from None


def _check(options: argparse.Namespace) -> int:
    from shapelint.config import ConfigError
    from shapelint.engine import Configs, check_paths, check_stdin
    from shapelint.jobs import check_files
    from shapelint.registry import NoSuchRule, validate_selection
    from shapelint.report.formats import FORMATS, Look, NoSuchOutput, parse_outputs

    _use_own_rules(isolated=options.isolated)
    select, ignore = _words(options.select), _words(options.ignore)
    try:
        validate_selection((*select, *ignore))
        outputs = parse_outputs(options.output)
    except (NoSuchRule, NoSuchOutput) as error:
        raise UsageError(str(error)) from None
    try:
        configs = Configs(named=options.config, isolated=options.isolated, baseline=options.baseline)
        settings = _settings(options, configs.here, select, ignore)
        formats = {options.format, *[name for name, _ in outputs]}
        settings = dataclasses.replace(settings, menus=bool(formats & {"json", "sarif"}))
        if options.fix or options.diff:
            changed = _mend(options, settings, Configs(named=options.config, isolated=options.isolated))
            if options.diff:
                return changed
        if options.paths == ["-"]:
            report = check_stdin(sys.stdin.buffer.read(), options.stdin_filename or "<stdin>", settings, configs)
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
        _complain(each.file, each.message)
        if options.verbose and each.cause is not None:
            raise each.cause
    look = Look(quiet=options.quiet, fail_on=settings.fail_on)
    written = [_write_output(name, path, report, look) for name, path in outputs]
    if options.statistics:
        from shapelint.report.statistics import statistics_text

        _write(statistics_text(report))
    else:
        look = dataclasses.replace(look, paint=_paint(options), only_ascii=not _is_unicode())
        _write(FORMATS[options.format](report, look))
    return report.exit_code(settings.fail_on) if all(written) else COULD_NOT_RUN


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


def _mend(options: argparse.Namespace, settings: Settings, configs: Configs) -> int:
    """Mend the specs that the paths name or hold, or print the difference; the exit code of the latter."""
    from shapelint.engine import discover, shown
    from shapelint.fixing.apply import CannotWrite, diff, mended, write_whole
    from shapelint.source import SNIFFED, is_spec

    files, errors = discover(options.paths or ["."], configs)
    code = OK
    for error in errors if options.diff else ():
        _complain(error.file, error.message)
        code = COULD_NOT_RUN
    for path in files:
        file = shown(path)
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except OSError:
            continue
        if not is_spec(data[:SNIFFED]):
            if not options.diff:
                _suggest(path, configs.of(path).settings(path, settings), unsafe=options.unsafe_fixes)
            continue
        of_file = configs.of(path).settings(path, settings)
        keep = _kept(configs, path)
        result = mended(data, file, of_file, unsafe=options.unsafe_fixes, keep=keep)
        for message in result.left:
            _complain(file, f"not mended: {message}")
        if result.new == data:
            continue
        if options.diff:
            _write(diff(data, result.new, file))
            code = code or FOUND
            continue
        try:
            write_whole(path, result.new)
        except CannotWrite as trouble:
            _complain(file, str(trouble))
            continue
        for fix in result.applied:
            _complain(file, f"mended ({fix.kind}): {fix.title}")
    return code


def _kept(configs: Configs, path: str) -> Callable[[list[Finding], str], list[Finding]]:
    """What leaves out the findings of a file that a person suppressed."""
    from shapelint.engine import shown

    suppressions = configs.suppressions(configs.of(path))
    return lambda findings, text: suppressions.split(findings, shown(path), text)[0]


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
        _complain(file, f"a mended copy is written by `{found[0].command}`: {found[0].title}")


def _fix(options: argparse.Namespace) -> int:
    from shapelint.facts.subjects import counted
    from shapelint.fixing import apply
    from shapelint.fixing.draft import main_cause
    from shapelint.fixing.menu import KINDS, offers
    from shapelint.fixing.proof import Linted, cause_finding
    from shapelint.report.fix_json import fix_json
    from shapelint.report.fix_text import fix_text

    analysis = _analysis_at(options)
    if isinstance(analysis, int):
        return analysis
    is_spec = analysis.model.program is not None
    cause = main_cause(analysis)
    found = offers(analysis, cause, lead=apply.byte_order_mark(options.path)) if cause is not None else []
    finding = cause_finding(Linted(analysis), cause) if cause is not None else None
    fixes = [offer.fix for offer in found]
    if options.pick is None and options.kind is None:
        if options.out or options.write:
            raise UsageError("which entry is to be written? name it with --pick N or --kind KIND")
        if options.format == "json":
            _write_json(fix_json(analysis.file, finding, fixes))
        else:
            _write(fix_text(analysis.file, finding, fixes, _paint(options), is_spec=is_spec))
        return FOUND if cause is not None and cause.mismatch is not None and not fixes else OK
    there = ", ".join(f"{fix.id} ({fix.kind})" for fix in fixes)
    others = f"there {'is' if len(fixes) == 1 else 'are'} {there}" if fixes else "nothing is to be mended"
    if options.kind is not None:
        if options.kind not in KINDS:
            close = get_close_matches(options.kind, KINDS, 1)
            meant = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(KINDS)}"
            raise UsageError(f"`{options.kind}` is no kind of repair; {meant}")
        offer = next((each for each in found if each.fix.kind == options.kind), None)
        if offer is None:
            raise UsageError(f"no repair of {analysis.file} is of the kind `{options.kind}`; {others}")
    else:
        offer = next((each for each in found if each.fix.id == options.pick), None)
        if offer is None:
            count = counted(len(fixes), "repair")
            raise UsageError(f"{analysis.file} has {count}, none is number {options.pick}; {others}")
    fix, note, written = offer.fix, None, options.path if options.write else options.out
    if offer.patch is None and written is not None:
        raise UsageError(f"entry {fix.id} ({fix.kind}) is something to do outside the file: {fix.title}")
    try:
        if options.out:
            apply.check_target(options.path, options.out)
        if is_spec and offer.patch is not None:
            with open(options.path, "rb") as stream:
                data = stream.read()
            new = apply.patched_bytes(analysis, offer, data)
            if written is not None:
                apply.write_whole(written, new)
            elif options.format == "text":
                _write(apply.diff(data, new, analysis.file))
        elif offer.patch is not None:
            if options.write:
                message = "is an ONNX file, which is never changed in place; name a copy with -o"
                raise apply.CannotWrite(f"`{analysis.file}` {message}")
            note = apply.write_onnx(options.path, offer, options.out) if options.out else fix.command
    except (apply.CannotWrite, OSError) as error:
        raise UsageError(str(error)) from None
    if options.format == "json":
        _write_json(fix_json(analysis.file, finding, fixes, picked=fix, written=written, note=note))
    elif written is not None:
        _write(f"{written}: {fix.title}\n")
        if note:
            _complain(written, note)
    elif offer.patch is None or not is_spec:
        from shapelint.report.fix_text import entry_lines

        _write("\n".join([*entry_lines(fix, _paint(options)), *([f"     {note}"] if note else [])]) + "\n")
    return OK


def _analysis_at(options: argparse.Namespace) -> Analysis | int:
    """The analysis of a file, of which the sizes of --at must fit."""
    from shapelint.analysis import Analysis, StatedWrong
    from shapelint.questions import parse_at
    from shapelint.settings import Where
    from shapelint.size import NO_SIZE, SizeSet

    analysis = _analysis(options)
    if isinstance(analysis, int) or not options.at:
        return analysis
    try:
        asked: dict[str, SizeSet] = {}
        for text in options.at:
            for symbol, size in parse_at(analysis, text).items():
                asked[symbol.name] = asked.get(symbol.name, NO_SIZE) | SizeSet.of_sizes([size])
        batches = {axis.label for axis in analysis.inputs.axes if axis.is_batch}
        where = tuple([Where(name, sizes, sizes.domain or "") for name, sizes in asked.items() if name not in batches])
        stated = dataclasses.replace(analysis.stated, where=(*analysis.stated.where, *where), at=())
        return Analysis(analysis.model, stated, analysis.file)
    except StatedWrong as error:
        return _could_not([(analysis.file, str(error))], options.format)


def _write_output(name: str, path: str, report: RunReport, look: Look) -> bool:
    """Write one of the files that --output names; whether that succeeded."""
    from shapelint.engine import shown
    from shapelint.report.formats import FORMATS, write_output

    if any(shown(path) == each.file for each in report.files):
        _complain(shown(path), "is one of the files that were checked; give --output another path")
        return False
    try:
        write_output(path, FORMATS[name](report, look))
    except OSError as error:
        _complain(shown(path), f"cannot be written: {error.strerror or error}")
        return False
    return True


def _settings(
    options: argparse.Namespace, config: Config, select: tuple[str, ...], ignore: tuple[str, ...]
) -> Settings:
    """What holds for the whole run: the options that are given, else the configuration, else the defaults."""
    from shapelint.config import base_settings

    given = {
        "fail-on": options.fail_on,
        "select": select,
        "extend-select": _words(options.extend_select),
        "ignore": ignore,
        "require-where": options.require_where or None,
        "preview": options.preview or None,
    }
    return dataclasses.replace(base_settings(config, given), stated=stated_of(options))


def _baseline(options: argparse.Namespace) -> int:
    from pathlib import Path

    from shapelint.config import ConfigError
    from shapelint.engine import Configs, check_paths
    from shapelint.settings import Settings
    from shapelint.suppress import write_baseline

    _use_own_rules(isolated=options.isolated)
    try:
        configs = Configs(named=options.config, isolated=options.isolated)
        report = check_paths(options.paths or ["."], Settings(), configs)
        count = write_baseline(Path(options.output), report.findings)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"`{options.output}` cannot be written: {error.strerror}") from None
    for each in report.errors:
        _complain(each.file, each.message)
    _write(f"{options.output}: {count} finding{'' if count == 1 else 's'} accepted; use --baseline {options.output}\n")
    return COULD_NOT_RUN if report.errors else OK


def _config(options: argparse.Namespace) -> int:
    from shapelint.config import ConfigError
    from shapelint.engine import Configs
    from shapelint.report.config import config_json, config_text

    try:
        config = Configs(named=options.config).of(options.path)
    except ConfigError as error:
        raise UsageError(str(error)) from None
    if options.format == "json":
        _write_json(config_json(config, options.path))
    else:
        _write(config_text(config, options.path))
    return OK


def _sizes(options: argparse.Namespace) -> int:
    from shapelint.analysis import StatedWrong
    from shapelint.questions import ask, parse_at

    analysis = _analysis(options)
    if isinstance(analysis, int):
        return analysis
    try:
        answers = [ask(analysis, parse_at(analysis, text)) for text in options.at]
    except StatedWrong as error:
        return _could_not([(analysis.file, str(error))], options.format)
    if options.format == "json":
        from shapelint.report.sizes_json import sizes_json

        _write_json(sizes_json(analysis, answers))
    else:
        from shapelint.report.sizes_text import sizes_text

        _write(sizes_text(analysis, answers, _paint(options)))
    fits = not _does_not_fit(analysis) and all(answer.fits is not False for answer in answers)
    return OK if fits else FOUND


def _does_not_fit(analysis: Analysis) -> bool:
    """Whether a size given by --input does not fit."""
    return bool(analysis.stated.inputs) and (analysis.facts.never or analysis.runs_pinned is False)


def _show(options: argparse.Namespace) -> int:
    analysis = _analysis(options)
    if isinstance(analysis, int):
        return analysis
    if options.format == "json":
        from shapelint.report.show import show_json

        _write_json(show_json(analysis))
    elif options.format == "spec":
        return _show_spec(analysis)
    else:
        from shapelint.report.show import show_text

        _write(show_text(analysis, _paint(options)))
    return FOUND if _does_not_fit(analysis) else OK


def _show_spec(analysis: Analysis) -> int:
    from shapelint.report.show import spec_text
    from shapelint.source.spec.write import CannotSay

    if analysis.model.program is not None:
        return _could_not([(analysis.file, "is a spec already; `show --format spec` writes ONNX graphs")], "spec")
    try:
        _write(spec_text(analysis))
    except CannotSay as error:
        return _could_not([(analysis.file, str(error))], "spec")
    return OK


def _schema(options: argparse.Namespace) -> int:
    from shapelint.schemas import schema_of

    _write_json(schema_of(options.file))
    return OK


def _init(options: argparse.Namespace) -> int:
    from pathlib import Path

    from shapelint.init_spec import Exists, write_spec

    try:
        written = write_spec(Path(options.path), force=options.force)
    except Exists as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"`{error.filename}` cannot be written: {error.strerror}") from None
    _write("".join(f"{path.as_posix()}: written\n" for path in written))
    return OK


def _completion(options: argparse.Namespace) -> int:
    from shapelint.completion import SHELLS

    _write(SHELLS[options.shell](build_parser()))
    return OK


def _debug(options: argparse.Namespace) -> int:
    from shapelint.report.debug import debug_text

    analysis = _analysis(options)
    if isinstance(analysis, int):
        return analysis
    _write(debug_text(analysis, options.stage))
    return OK


def _explain(options: argparse.Namespace) -> int:
    from shapelint.registry import NoSuchRule, contract, resolve
    from shapelint.report.rules import rule_json, rule_text

    _use_own_rules()
    try:
        rule = contract(resolve(options.rule))
    except NoSuchRule as error:
        raise UsageError(str(error)) from None
    if options.format == "json":
        _write_json(rule_json(rule))
    else:
        _write(rule_text(rule, _paint(options)))
    return OK


def _test_rules(options: argparse.Namespace) -> int:
    from pathlib import Path

    from shapelint.engine import shown
    from shapelint.harness import blessed, counted, flaws_of
    from shapelint.rulefile import RuleError, rule_files

    folder = Path(options.folder)
    if not folder.is_dir():
        raise UsageError(f"`{options.folder}` is no folder; name the one that holds the rules")
    try:
        rules = rule_files(folder, shown(folder))
        for rule in rules if options.bless else ():
            rule.path.write_text(blessed(rule), encoding="utf-8")
        rules = rule_files(folder, shown(folder)) if options.bless else rules
    except RuleError as error:
        raise UsageError(str(error)) from None
    if not rules:
        raise UsageError(f"`{options.folder}` holds no rule; `shapelint schema rule` describes one")
    flaws = [flaw for rule in rules for flaw in flaws_of(rule)]
    number, bad, good = counted(rules)
    if options.format == "json":
        listed = [{"place": flaw.place, "message": flaw.message} for flaw in flaws]
        _write_json({"version": 1, "rules": number, "bad": bad, "good": good, "flaws": listed})
    else:
        _write("".join(f"{flaw.place}: {flaw.message.rstrip()}\n" for flaw in flaws))
        found = f"{len(flaws)} wrong" if flaws else "all as they should be"
        _write(f"{number} rules, {bad} bad and {good} good examples: {found}\n")
    return FOUND if flaws else OK


def _rules(options: argparse.Namespace) -> int:
    if options.action == "test":
        return _test_rules(options)
    from shapelint.registry import contract, rule_names

    _use_own_rules()
    from shapelint.report.rules import list_text, rule_json

    rules = [contract(name) for name in rule_names()]
    if options.format == "json":
        _write_json({"version": 1, "rules": [rule_json(rule) for rule in rules]})
    else:
        _write(list_text(rules, _paint(options)))
    return OK


_COMMANDS = {
    "baseline": _baseline,
    "config": _config,
    "check": _check,
    "sizes": _sizes,
    "show": _show,
    "fix": _fix,
    "explain": _explain,
    "rules": _rules,
    "debug": _debug,
    "schema": _schema,
    "init": _init,
    "completion": _completion,
}


def run() -> NoReturn:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    run()
