"""Completion for bash, zsh and fish: a script each, written from the command line's own parser."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The subcommands by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        for name in action.option_strings:
            if name.startswith("--"):
                yield name, action


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """What may stand after the command, apart from files."""
    closed = [str(word) for action in parser._actions if not action.option_strings for word in action.choices or ()]
    return [*closed, *[name for name, _ in _options(parser)]]


def _values(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """The values of each option that takes one of a few."""
    return {name: [str(word) for word in action.choices] for name, action in _options(parser) if action.choices}


def _help_of(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The help of each subcommand."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {choice.dest: choice.help or "" for choice in action._choices_actions}
    return {}


def bash(parser: argparse.ArgumentParser) -> str:
    """The script for bash: source it, or `eval "$(shapelint completion bash)"`."""
    commands = commands_of(parser)
    lines = [
        "# bash completion for shapelint",
        "_shapelint() {",
        '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""',
        '    if [ "$COMP_CWORD" -eq 1 ]; then',
        f'        words="{" ".join([*commands, "--help", "--version"])}"',
        "    else",
        '        case "${COMP_WORDS[1]} $before" in',
    ]
    for name, command in commands.items():
        for option, values in _values(command).items():
            lines.append(f'            "{name} {option}") words="{" ".join(values)}" ;;')
    lines += ["            *)", '                case "${COMP_WORDS[1]}" in']
    lines += [f'                    {name}) words="{" ".join(_words(each))}" ;;' for name, each in commands.items()]
    lines += [
        "                esac",
        "                ;;",
        "        esac",
        "    fi",
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")',
        "}",
        "complete -o bashdefault -o default -F _shapelint shapelint",
    ]
    return "\n".join(lines) + "\n"


def zsh(parser: argparse.ArgumentParser) -> str:
    """The script for zsh: put it into a folder of `fpath` as `_shapelint`."""
    helps = _help_of(parser)
    lines = [
        "#compdef shapelint",
        "_shapelint() {",
        "    local -a words",
        "    if (( CURRENT == 2 )); then",
        "        words=(",
    ]
    lines += ["            " + _quoted(f"{name}:{text}") for name, text in helps.items()]
    lines += ["        )", "        _describe command words", "        return", "    fi", '    case "$words[2]" in']
    for name, command in commands_of(parser).items():
        lines += [f"        {name})", "            _arguments -S \\"]
        for option, action in _options(command):
            text = (action.help or "").replace("[", "(").replace("]", ")").replace(":", " -").replace("%%", "%")
            star = "*" if isinstance(action, argparse._AppendAction) else ""
            among = f"({' '.join(map(str, action.choices))})" if action.choices else "_files"
            value = "" if action.nargs == 0 else f":{action.dest}:{among}"
            lines.append("                " + _quoted(f"{star}{option}[{text}]{value}") + " \\")
        closed = [
            str(word) for action in command._actions if not action.option_strings for word in action.choices or ()
        ]
        rest = f"*:word:({' '.join(closed)})" if closed else "*:file:_files"
        lines += ["                " + _quoted(rest), "            ;;"]
    lines += ["    esac", "}"]
    lines += ['if [ "$funcstack[1]" = "_shapelint" ]; then _shapelint "$@"; else compdef _shapelint shapelint; fi']
    return "\n".join(lines) + "\n"


def fish(parser: argparse.ArgumentParser) -> str:
    """The script for fish: `shapelint completion fish > ~/.config/fish/completions/shapelint.fish`."""
    helps = _help_of(parser)
    lines = ["# fish completion for shapelint"]
    for name, command in commands_of(parser).items():
        lines.append(f"complete -c shapelint -n __fish_use_subcommand -f -a {name} -d {_quoted(helps.get(name, ''))}")
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        for option, action in _options(command):
            values = f" -x -a {_quoted(' '.join(_values(command)[option]))}" if action.choices else ""
            needs = " -r" if not values and action.nargs != 0 else ""
            text = _quoted((action.help or "").replace("%%", "%"))
            lines.append(f"complete -c shapelint {seen} -l {option.removeprefix('--')}{values}{needs} -d {text}")
        for action in command._actions:
            if not action.option_strings and action.choices:
                lines.append(f"complete -c shapelint {seen} -f -a {_quoted(' '.join(map(str, action.choices)))}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: Final[Mapping[str, Callable[[argparse.ArgumentParser], str]]] = {"bash": bash, "zsh": zsh, "fish": fish}
