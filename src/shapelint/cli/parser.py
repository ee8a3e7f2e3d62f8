"""argparse with one-sentence errors, did-you-mean, and options that are written out."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from shapelint.cli.outcome import UsageError
from shapelint.meant import meant


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError where argparse would print its usage and leave."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        otherwise = f"`{self.prog} --help` lists what there is"
        unknown = re.fullmatch(r"unrecognized arguments: (\S+).*", message, re.DOTALL)
        choice = re.fullmatch(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", message, re.DOTALL)
        if unknown and not unknown[1].startswith("-"):
            raise UsageError(f"`{unknown[1]}` is one argument too many; {otherwise}")
        if unknown:
            word = unknown[1].partition("=")[0]
            remedy = meant(word, self._option_string_actions, otherwise)
            raise UsageError(f"`{word}` is no option of `{self.prog}`; {remedy}")
        if choice:
            remedy = meant(choice[2], choice[3].replace("'", "").split(", "))
            raise UsageError(f"`{choice[2]}` is no {choice[1].lstrip('-').lower()}; {remedy}")
        raise UsageError(f"{message}; {otherwise}")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but what is left over is an error at once, of the command that it was given to."""
        options, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return options, rest
