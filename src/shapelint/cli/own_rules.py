"""The rules of the repository that a command is run in."""

from __future__ import annotations

from shapelint.cli.outcome import UsageError

OWN_RULES = ".shapelint/rules"


def use_own_rules(*, isolated: bool = False) -> None:
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
