"""Writes what commands print into the pages of docs/ that show it; a test holds the pages current.

usage: python tools/docs_output.py [PAGE ...]

A page is run in a folder of its own, which holds `fixtures`. A block with a title is a file in it:

    ```yaml title="net.shape.yaml"

and in a block marked `console` every line that begins with `$ ` is run, and what is printed stands below it. There are
`shapelint ...`, `python ...`, `cat FILE`, `echo $?` for the last exit code, and `> FILE` at the end.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = CHECKOUT / "docs"
BLOCK: Final = re.compile(r"^( *)```(\w+)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
TITLE: Final = re.compile(r'title="([^"]+)"')
_SECONDS: Final = re.compile(r"in \d+\.\d+s")


def surroundings() -> dict[str, str]:
    """The environment of the commands: without what makes pytest write more (CI) or colour."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS")}
    return kept | {"PYTHONPATH": str(CHECKOUT / "src"), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}


def pages() -> list[Path]:
    """The pages that show output."""
    return [
        path
        for path in (CHECKOUT / "README.md", *sorted(DOCS.rglob("*.md")))
        if "```console" in path.read_text(encoding="utf-8")
    ]


def rendered(text: str) -> str:
    """The text of a page with what its commands print today."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        shutil.copytree(CHECKOUT / "fixtures", folder / "fixtures", ignore=shutil.ignore_patterns("__pycache__"))
        run = _Run(folder)
        return BLOCK.sub(run.block, text)


class _Run:
    """One page: a folder, and the exit code of the command before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = 0

    def block(self, match: re.Match[str]) -> str:
        margin, language, rest, body = match.groups()
        title = TITLE.search(rest)
        plain = "".join(line.removeprefix(margin) for line in body.splitlines(keepends=True))
        if title is not None:
            path = self.folder / title[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(plain, encoding="utf-8")
        if language != "console":
            return match[0]
        commands = [line for line in plain.splitlines() if line.startswith("$ ")]
        shown = "".join(f"{command}\n{self.output(command[2:])}" for command in commands)
        lines = "".join(margin + line if line.strip() else line for line in shown.splitlines(keepends=True))
        return f"{margin}```{language}{rest}\n{lines}{margin}```"

    def output(self, command: str) -> str:
        """What a command prints."""
        if command == "echo $?":
            return f"{self.code}\n"
        command, redirected, target = command.partition(" > ")
        if redirected:
            (self.folder / target).write_text(self.output(command), encoding="utf-8")
            return ""
        program, *arguments = shlex.split(command)
        if program == "shapelint":
            return self.shapelint(arguments)
        if program == "cat":
            return (self.folder / arguments[0]).read_text(encoding="utf-8")
        if program == "python":
            done = subprocess.run(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=surroundings(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            self.code = done.returncode
            return _SECONDS.sub("in 0.1s", done.stdout)
        raise ValueError(f"{program} is no command of a page")

    def shapelint(self, arguments: list[str]) -> str:
        from shapelint.cli import main

        printed = io.StringIO()
        width = os.environ.get("COLUMNS")
        os.environ["COLUMNS"] = "100"
        try:
            with chdir(self.folder), redirect_stdout(printed), redirect_stderr(printed):
                self.code = main(arguments)
        except SystemExit as stop:  # --help and --version
            self.code = int(stop.code or 0)
        finally:
            if width is None:
                del os.environ["COLUMNS"]
            else:
                os.environ["COLUMNS"] = width
        return printed.getvalue()


def main() -> None:
    for path in [Path(name).resolve() for name in sys.argv[1:]] or pages():
        text = path.read_text(encoding="utf-8")
        new = rendered(text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(f"{path.relative_to(CHECKOUT)}: written")


if __name__ == "__main__":
    main()
