"""The command line: which command is meant, and what happens to its errors.

Each command is a module of `shapelint.cli.commands` with a `DESCRIPTION`, `arguments(parser)` and `run(options)`,
which returns the exit code. It is imported when it is asked for.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

from shapelint._version import __version__
from shapelint.cli.outcome import COULD_NOT_RUN, CannotRun, NoOutput, UsageError, complain, could_not
from shapelint.cli.parser import Parser
from shapelint.meant import meant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COMMANDS: Final = {
    "check": "findings in files and folders",
    "sizes": "which input sizes run and fit",
    "show": "every layer with its shape, scale and pair",
    "fix": "the numbered menu of proved repairs",
    "schema": "JSON Schemas for editors",
    "baseline": "accept the findings that are there",
    "config": "the settings of a file, and where each comes from",
    "explain": "a rule's page",
    "rules": "the list of rules",
    "init": "write a commented spec to begin with",
    "completion": "completion for a shell",
    "debug": "the stages of an analysis, printed",
}
"""What each command answers."""


def build_parser(names: Iterable[str] = COMMANDS) -> Parser:
    """The command line, with the arguments of the commands of these names."""
    parser = Parser(
        prog="shapelint",
        description="Which input sizes does a network take, what breaks the others, what mends it.",
        epilog="exit codes: 0 nothing to report, 1 something was found or does not fit, 2 could not run",
    )
    parser.add_argument("--version", action="version", version=f"shapelint {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, answers in COMMANDS.items():
        command = commands.add_parser(name, help=answers)
        if name in names:
            module = _module(name)
            command.description = module.DESCRIPTION
            module.arguments(command)
    return parser


def _module(name: str) -> Any:
    return import_module(f"shapelint.cli.commands.{name}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # A stream that is closed takes what is said in silence.
    sys.stdout, sys.stderr = sys.stdout or open(os.devnull, "w"), sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        return _bounded(arguments)
    except NoOutput as reason:
        _silence()
        with suppress(NoOutput, BrokenPipeError):
            complain(None, f"what is found cannot be written: {reason}")
        return COULD_NOT_RUN
    except BrokenPipeError:
        _silence()
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        return 130


def _bounded(arguments: list[str]) -> int:
    """As `_run`, with a sentence for whatever goes wrong."""
    try:
        return _run(arguments)
    except CannotRun as reason:
        return could_not(reason.errors, _format_of(arguments))
    except (NoOutput, BrokenPipeError):
        raise
    except Exception as error:  # an internal error is one sentence too
        if "--verbose" in arguments:
            raise
        from shapelint.engine import internal

        return could_not([(None, internal(error))], _format_of(arguments))


def _run(arguments: list[str]) -> int:
    if arguments and not arguments[0].startswith("-"):
        _demand_command(arguments[0])
    parser = build_parser([word for word in arguments if word in COMMANDS][:1])
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return COULD_NOT_RUN
    code: int = _module(options.command).run(options)
    return code


def _demand_command(word: str) -> None:
    """Raise UsageError where the word is no command."""
    if word in COMMANDS:
        return
    if os.path.exists(word):
        raise UsageError(f"`{word}` is no command; did you mean `shapelint check {word}`?")
    raise UsageError(f"`{word}` is no command; {meant(word, COMMANDS)}")


def _silence() -> None:
    """Nothing more can be said to a reader that went away, not even when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _format_of(arguments: list[str]) -> str:
    text = " ".join(arguments)
    return "json" if "--format json" in text or "--format=json" in text else "text"


def run() -> NoReturn:
    """The console script."""
    sys.exit(main())
