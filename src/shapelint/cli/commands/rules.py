"""`rules`: the list of rules, and their examples held against what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.cli.options import output_options
from shapelint.cli.outcome import FOUND, OK, UsageError, paint_of, write, write_json
from shapelint.cli.own_rules import OWN_RULES, use_own_rules

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = "The list of rules; `rules test` holds the rules in a folder against their examples."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand after the command."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "test"),
        default="list",
        help="list the rules (default) or test those of DIR",
    )
    parser.add_argument("folder", nargs="?", default=OWN_RULES, metavar="DIR", help=f"of `test` (default: {OWN_RULES})")
    parser.add_argument("--bless", action="store_true", help="of `test`: write what is said into the examples")
    output_options(parser)


def run(options: argparse.Namespace) -> int:
    """1 where `rules test` finds something wrong."""
    if options.action == "test":
        return _test(options)
    if options.bless:
        raise UsageError("--bless is of use to `shapelint rules test` only; write `shapelint rules test DIR --bless`")
    from shapelint.registry import contract, rule_names

    use_own_rules()
    from shapelint.report.rules import list_text, rule_json

    rules = [contract(name) for name in rule_names()]
    if options.format == "json":
        write_json({"version": 1, "rules": [rule_json(rule) for rule in rules]})
    else:
        write(list_text(rules, paint_of(options)))
    return OK


def _test(options: argparse.Namespace) -> int:
    from pathlib import Path

    from shapelint.engine import shown
    from shapelint.facts.subjects import counted
    from shapelint.harness import blessed, flaws_of, totals
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
    number, bad, good = totals(rules)
    if options.format == "json":
        listed = [{"place": flaw.place, "message": flaw.message} for flaw in flaws]
        write_json({"version": 1, "rules": number, "bad": bad, "good": good, "flaws": listed})
    else:
        write("".join(f"{flaw.place}: {flaw.message.rstrip()}\n" for flaw in flaws))
        found = f"{len(flaws)} wrong" if flaws else "all as they should be"
        examples = f"{bad} bad and {counted(good, 'good example')}"
        write(f"{counted(number, 'rule')}, {examples}: {found}\n")
    return FOUND if flaws else OK
