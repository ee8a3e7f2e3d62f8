"""What mkdocs is told beside the pages in docs/: the page of every rule, and where links into the checkout lead.

The pages of the rules are made from rules/*.yaml and written to no file.

usage: python tools/docs_site.py [RULE]    (prints the page of a rule, or the list)
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The rules and their examples are those of the checkout, whatever is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from shapelint.cli import build_parser
from shapelint.completion import commands_of
from shapelint.finding import Applicability
from shapelint.harness import fix_of, unmarked
from shapelint.report.rules import actions
from shapelint.rulefile import rule_files

if TYPE_CHECKING:
    from shapelint.rulefile import Example, RuleFile

FAMILIES = {
    "0": "Input",
    "1": "Shapes",
    "2": "Pairs and merges",
    "3": "Alignment",
    "4": "Windows",
    "5": "Export hygiene",
    "9": "shapelint's own",
}
CHECKOUT = Path(__file__).resolve().parents[1]


def pages() -> dict[str, str]:
    """The pages by their path in docs/."""
    rules = rule_files(CHECKOUT / "rules", "rules")
    found = {f"rules/{rule.path.stem}.md": _page(rule) for rule in rules}
    return {"rules/index.md": _index(rules), **found}


def _index(rules: list[RuleFile]) -> str:
    lines = [
        "# Rules",
        "",
        "`shapelint rules` prints this list, `shapelint explain RULE` a rule's page. Each page is made from the rule's",
        "file, whose examples are run by the tests. Every rule is on; [the configuration](../configuration.md) turns",
        "rules off, for some files or all, and changes their severity.",
    ]
    for digit, family in FAMILIES.items():
        own = [rule for rule in rules if rule.contract.id[3] == digit]
        if own:
            lines += ["", f"## {family}", "", "| rule | severity | what |", "| --- | --- | --- |"]
            for rule in own:
                words = rule.contract
                levels = ", ".join(dict.fromkeys(level.value for level in words.severity.values()))
                lines.append(f"| [{words.id} {words.name}]({rule.path.stem}.md) | {levels} | {words.summary} |")
    return "\n".join(lines) + "\n"


GRADES = {
    "stated": "at a size that is stated or fixed",
    "free": "where nothing is stated",
    "never": "where no size fits at all",
    "no-class": "where no whole class of multiples runs",
    "warn": "for a `warn:` condition",
}


def _page(rule: RuleFile) -> str:
    words = rule.contract
    lines = [f"# {words.id} {words.name}", "", f"*{words.summary[0].upper()}{words.summary[1:]}.*", ""]
    grades = words.severity
    if len(set(grades.values())) == 1:
        lines.append(f"**Severity:** {next(iter(grades.values())).value}.")
    else:
        where: dict[str, list[str]] = {}
        for grade, level in grades.items():
            where.setdefault(level.value, []).append(GRADES.get(grade, grade))
        told = "; ".join(f"{level} {' and '.join(words)}" for level, words in where.items())
        lines.append(f"**Severity:** {told}.")
    lines += [f"**Since:** {words.since}. **Mended by `--fix`:** {_fix(rule)}", "", "## Why", "", words.why.strip()]
    if actions(words):
        lines += ["", "## What to do", "", *[f"- {each}" for each in actions(words)]]
    bad = [each for each in rule.examples if not each.good]
    for title, examples in (("Reported", bad), ("Not reported", [each for each in rule.examples if each.good])):
        if examples:
            lines += ["", f"## {title}"]
            for example in examples:
                lines += ["", *_example(example)]
    lines += ["", "## See also", "", *[f"- <{link}>" for link in words.references], ""]
    return "\n".join(lines)


def _fix(rule: RuleFile) -> str:
    levels = fix_of(rule)
    if not levels:
        return "never."
    safe, unsafe = levels.get(Applicability.SAFE, 0), levels.get(Applicability.UNSAFE, 0)
    if not safe:
        return "only with `--unsafe-fixes`; `shapelint fix` lists what there is."
    return "where a safe fix is proved" + ("; others with `--unsafe-fixes`." if unsafe else ".")


def _example(example: Example) -> list[str]:
    lines = [f"{example.title[0].upper()}{example.title[1:]}:", ""] if example.title else []
    if example.text is not None:
        lines += ['```yaml title="example.shape.yaml"', unmarked(example.text).rstrip("\n"), "```"]
    elif example.file is not None:
        path = example.file.resolve()
        name = path.relative_to(CHECKOUT).as_posix() if path.is_relative_to(CHECKOUT) else path.name
        lines += [f"The file `{name}`."]
    if example.config is not None:
        lines += ["", '```toml title="shapelint.toml"', unmarked(example.config).rstrip("\n"), "```"]
    if example.says is not None:
        lines += ["", "```text", example.says.rstrip("\n"), "```"]
    if example.fixed is not None:
        lines += ["", "After the fix:", "", '```yaml title="example.shape.yaml"', example.fixed.rstrip("\n"), "```"]
    return lines


def on_files(files: Any, config: Any) -> Any:
    """Add the pages to those of mkdocs."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


OUTSIDE = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+)([^)#]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links that leave docs/: to a rule's file become links to its page, others stay words."""
    depth = page.file.src_uri.count("/")

    def link(match: re.Match[str]) -> str:
        words, up, target, _ = match.groups()
        if len(up) // 3 <= depth:
            return match[0]
        rule = re.fullmatch(r"rules/(SHP\d+-[a-z-]+)\.yaml", target)
        return f"[{words}]({'../' * depth}rules/{rule[1]}.md)" if rule else words

    return OPTIONS.sub(lambda match: options_of(match[1]), OUTSIDE.sub(link, markdown))


OPTIONS = re.compile(r"<!-- options: ([a-z]+) -->")


def options_of(command: str) -> str:
    """The options of a command as a table, as its parser knows them."""
    parser = commands_of(build_parser())[command]
    rows = []
    for action in parser._actions:
        if action.dest == "help":
            continue
        name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        value = str(action.metavar) if action.metavar else ", ".join(map(str, action.choices or ()))
        shown = f"{name} {value}" if action.option_strings and action.nargs != 0 and value else name
        rows.append(f"| `{escaped(shown)}` | {escaped((action.help or '').replace('%%', '%'))} |")
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split()[:2])
    return "\n".join([f"Usage: `{usage} ...`", "", "| option | meaning |", "| --- | --- |", *rows])


def escaped(text: str) -> str:
    """The text as it may stand in a cell."""
    return text.replace("|", "\\|")


def main() -> None:
    found = pages()
    wanted = sys.argv[1] if len(sys.argv) > 1 else "index"
    for path, text in found.items():
        if wanted in path:
            print(text)
            return
    raise SystemExit(f"there is no rule {wanted}")


if __name__ == "__main__":
    main()
