"""`explain`: a rule's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.options import output_options
from shapelint.cli.outcome import OK, UsageError, paint_of, write, write_json
from shapelint.cli.own_rules import use_own_rules

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "What a rule means, why, and what to do."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    parser.add_argument("rule", metavar="RULE", help="an id or a name")
    output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the page."""
    from shapelint.registry import NoSuchRule, contract, resolve
    from shapelint.report.rules import rule_json, rule_text

    use_own_rules()
    try:
        rule = contract(resolve(options.rule))
    except NoSuchRule as error:
        raise UsageError(str(error)) from None
    if options.format == "json":
        write_json(rule_json(rule))
    else:
        write(rule_text(rule, paint_of(options)))
    return OK
