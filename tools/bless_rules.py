"""Writes what is said of the examples of the built-in rules into their files; read the difference.

usage: python tools/bless_rules.py
"""

from __future__ import annotations

from shapelint.harness import blessed
from shapelint.registry import rules_folder
from shapelint.rulefile import rule_files


def main() -> None:
    for rule in rule_files(rules_folder(), "rules"):
        text = blessed(rule)
        if rule.path.read_text(encoding="utf-8") != text:
            rule.path.write_text(text, encoding="utf-8")
            print(f"{rule.shown}: written")


if __name__ == "__main__":
    main()
