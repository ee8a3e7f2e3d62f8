"""`shapelint.toml` or `[tool.shapelint]` of the closest `pyproject.toml` -> the settings of each file.

The closest file counts; nothing is merged with those above it. What stands in it is an obligation: a key that is not
known, a pattern that cannot be read or a domain without sizes is refused with its place.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shapelint.meant import meant
from shapelint.settings import Settings, Stated, StatedDims, Where, stated_dims
from shapelint.size.parse import NotASize, parse_domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LEVELS: Final = ("error", "warning", "info", "never")
SEVERITIES: Final = ("error", "warning", "info", "off")
KEYS: Final = (
    "fail-on",
    "require-where",
    "select",
    "extend-select",
    "ignore",
    "per-file-ignores",
    "severity",
    "preview",
    "include",
    "exclude",
    "models",
)
MODEL_KEYS: Final = ("where", "inputs", "expect")
IGNORE_KEYS: Final = ("file", "node", "rule", "reason")


class ConfigError(Exception):
    """A configuration that cannot be used; one sentence with the place."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """One `[[ignore]]` table: findings of a rule, in files and at nodes of these patterns, are left out."""

    file: str
    node: str
    rule: str
    reason: str
    line: int


@dataclass(frozen=True, slots=True)
class ModelTable:
    """What is stated for the models whose path matches a pattern."""

    pattern: str
    where: tuple[Where, ...] | None
    inputs: Mapping[str | None, StatedDims] | None
    expect: tuple[str, ...] | None
    line: int


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration, with the file that it stands in."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[ModelTable, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)
    """The line of each top-level key."""

    @property
    def folder(self) -> Path:
        """What patterns are relative to."""
        return self.path.parent if self.path is not None else Path.cwd()

    def relative(self, file: str | Path) -> str:
        """The path that patterns are compared with."""
        path = Path(file).absolute()
        try:
            return path.relative_to(self.folder.absolute()).as_posix()
        except ValueError:
            return path.as_posix()

    def tables(self, file: str | Path) -> list[ModelTable]:
        """The tables whose pattern matches the file, in order; later ones win, key by key."""
        name = self.relative(file)
        return [table for table in self.models if matches(name, table.pattern)]

    def settings(self, file: str | Path, base: Settings) -> Settings:
        """The settings of one file: the command line's, completed by what is configured for it."""
        where: tuple[Where, ...] = ()
        inputs: Mapping[str | None, StatedDims] = {}
        expect: tuple[str, ...] = ()
        for table in self.tables(file):
            where = where if table.where is None else table.where
            inputs = inputs if table.inputs is None else table.inputs
            expect = expect if table.expect is None else table.expect
        given = base.stated
        stated = Stated(given.inputs or inputs, given.where or where, given.at, given.free, expect)
        name = self.relative(file)
        per_file = self.values.get("per-file-ignores", {})
        ignored = [rule for pattern, rules in per_file.items() if matches(name, pattern) for rule in rules]
        return replace(base, stated=stated, ignore=(*base.ignore, *ignored))

    def excludes(self, file: str | Path) -> bool:
        """Whether `include` and `exclude` leave a file out that a folder holds."""
        name = self.relative(file)
        include, exclude = self.values.get("include"), self.values.get("exclude", ())
        if any(matches(name, pattern) for pattern in exclude):
            return True
        return include is not None and not any(matches(name, pattern) for pattern in include)


def matches(name: str, pattern: str) -> bool:
    """Whether a path matches a pattern: `*` within a folder, `**` across folders; a folder's name means all in it."""
    pattern = pattern.removeprefix("./").rstrip("/")
    regex = _translated(pattern)
    return re.fullmatch(regex, name) is not None or re.fullmatch(regex + r"/.*", name) is not None


def _translated(pattern: str) -> str:
    parts = []
    place = 0
    while place < len(pattern):
        if pattern.startswith("**/", place):
            parts.append("(?:.*/)?")
            place += 3
        elif pattern.startswith("**", place):
            parts.append(".*")
            place += 2
        elif pattern[place] == "*":
            parts.append("[^/]*")
            place += 1
        elif pattern[place] == "?":
            parts.append("[^/]")
            place += 1
        else:
            parts.append(re.escape(pattern[place]))
            place += 1
    return "".join(parts)


def node_matches(node: str, pattern: str) -> bool:
    """Whether a node's path matches a pattern, in which `*` stands for anything and brackets for themselves."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), node, re.DOTALL) is not None


# -- finding and reading ---------------------------------------------------------------------------------------------


def find(start: Path) -> Path | None:
    """The closest configuration file at or above a folder."""
    folder = start.absolute()
    for each in (folder, *folder.parents):
        own = each / "shapelint.toml"
        if os.path.lexists(own):
            return own
        project = each / "pyproject.toml"
        if project.is_file() and b"tool.shapelint" in project.read_bytes():
            return project
    return None


def read(path: Path) -> Config:
    """The configuration in a file; raises ConfigError."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{_shown(path)}: is no file; name a shapelint.toml or a pyproject.toml")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{_shown(path)}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{_shown(path)}: is not UTF-8 text") from None
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """The configuration in a text that stands, or could stand, in the file; raises ConfigError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at line ")
        line, column = place.rstrip(")").split(", column ") if ", column " in place else ("1", "1")
        message = f"is not TOML: {message[:1].lower()}{message[1:]}; correct the line"
        raise ConfigError(f"{_shown(path)}:{line}:{column}: {message}") from None
    except RecursionError:
        raise ConfigError(f"{_shown(path)}: nests too deeply; no key takes more than a table of lists") from None
    if path.name != "pyproject.toml":
        return _Reader(path, text, "").config(data)
    reader = _Reader(path, text, "tool.shapelint")
    tool = reader.table("tool", data.get("tool", {}))
    return reader.config(reader.table("shapelint", tool.get("shapelint", {})))


def _shown(path: Path) -> str:
    """The path relative to the working directory where it lies below it, with `/`."""
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


class _Reader:
    def __init__(self, path: Path, text: str, prefix: str) -> None:
        self.path = path
        self.text = text.splitlines()
        self.prefix = prefix

    def line_of(self, word: str) -> int:
        """The first line on which a key or a table of this name stands."""
        bare = re.escape(word)
        pattern = re.compile(rf"""^\s*(?:\[+.*)?["']?{bare}["']?\s*(?:=|\.|\]|$)""")
        for number, line in enumerate(self.text, 1):
            if pattern.search(line) or (line.lstrip().startswith("[") and word in line):
                return number
        return next((number for number, line in enumerate(self.text, 1) if word in line), 1)

    def fault(self, word: str, message: str) -> ConfigError:
        return ConfigError(f"{_shown(self.path)}:{self.line_of(word)}: {message}")

    def config(self, data: Mapping[str, Any]) -> Config:
        ignored: tuple[Ignored, ...] = ()
        models: tuple[ModelTable, ...] = ()
        values: dict[str, Any] = {}
        for key, value in data.items():
            if key == "ignore" and isinstance(value, list) and any(isinstance(each, dict) for each in value):
                ignored = tuple([self.ignored(place, each) for place, each in enumerate(value)])
                continue
            if key not in KEYS:
                raise self.fault(key, f"the key `{key}` is not known; {meant(key, KEYS)}")
            if key == "models":
                models = tuple([self.model(pattern, table) for pattern, table in self.table(key, value).items()])
                continue
            values[key] = self.checked(key, value)
        return Config(self.path, values, models, ignored, {key: self.line_of(key) for key in data})

    def table(self, key: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fault(key, f"`{key}` is no table")
        return value

    def words(self, key: str, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.fault(key, f"`{key}` is no list of texts")
        return tuple(value)

    def checked(self, key: str, value: Any) -> Any:
        if key == "fail-on":
            return self.one_of(key, value, LEVELS)
        if key in ("require-where", "preview"):
            if not isinstance(value, bool):
                raise self.fault(key, f"`{key}` is {value!r}; it is true or false")
            return value
        if key in ("select", "extend-select", "ignore", "include", "exclude"):
            found = self.words(key, value)
            if key in ("select", "extend-select", "ignore"):
                self.rules(key, found)
            return found
        if key == "per-file-ignores":
            table = {pattern: self.words(pattern, rules) for pattern, rules in self.table(key, value).items()}
            for pattern, rules in table.items():
                self.rules(pattern, rules)
            return table
        levels = self.table(key, value)
        self.rules(key, levels)
        return {rule: self.one_of(rule, level, SEVERITIES) for rule, level in levels.items()}

    def one_of(self, key: str, value: Any, known: Iterable[str]) -> str:
        words = list(known)
        if not isinstance(value, str) or value not in words:
            raise self.fault(key, f"`{key}` is {value!r}; {meant(str(value), words)}")
        return value

    def rules(self, key: str, words: Iterable[str]) -> None:
        from shapelint.registry import NoSuchRule, validate_selection

        try:
            validate_selection(words)
        except NoSuchRule as error:
            raise self.fault(key, str(error)) from None

    def ignored(self, place: int, table: Any) -> Ignored:
        if not isinstance(table, dict):
            raise self.fault("ignore", "`ignore` is a list of rules, or of tables [[ignore]]; write one of the two")
        for key, value in table.items():
            if key not in IGNORE_KEYS:
                raise self.fault(key, f"the key `{key}` of [[ignore]] is not known; {meant(key, IGNORE_KEYS)}")
            if not isinstance(value, str):
                raise self.fault(key, f"`{key}` of [[ignore]] is no text")
        if "rule" not in table:
            raise self.fault("ignore", "an [[ignore]] table names no `rule`")
        self.rules("rule", (table["rule"],))
        heads = [number for number, line in enumerate(self.text, 1) if line.strip().endswith("ignore]]")]
        line = heads[place] if place < len(heads) else 1
        return Ignored(table.get("file", "**"), table.get("node", "*"), table["rule"], table.get("reason", ""), line)

    def model(self, pattern: str, value: Any) -> ModelTable:
        table = self.table(pattern, value)
        for key in table:
            if key not in MODEL_KEYS:
                raise self.fault(key, f"the key `{key}` of models.{pattern!r} is not known; {meant(key, MODEL_KEYS)}")
        where = None if "where" not in table else self.where(table["where"])
        inputs: dict[str | None, StatedDims] | None = None
        if "inputs" in table:
            inputs = {name: self.dims(name, dims) for name, dims in self.table("inputs", table["inputs"]).items()}
        expect = None if "expect" not in table else self.words("expect", table["expect"])
        for text in expect or ():
            self.condition(text)
        return ModelTable(pattern, where, inputs, expect, self.line_of(pattern))

    def condition(self, text: str) -> None:
        from shapelint.source import check_condition

        try:
            check_condition(text)
        except ValueError as error:
            raise self.fault("expect", f'`expect`: {error}; write for example "mask.size == x.size"') from None

    def where(self, value: Any) -> tuple[Where, ...]:
        if isinstance(value, str):
            return (self.domain(None, value),)
        table = self.table("where", value)
        if set(table) == {"report"}:
            return self.report(table["report"])
        return tuple([self.domain(name, domain) for name, domain in table.items()])

    def domain(self, name: str | None, text: Any) -> Where:
        text = str(text)
        try:
            return Where(name, parse_domain(text), text)
        except NotASize as error:
            raise self.fault("where", f"`where`: {error}") from None

    def report(self, name: Any) -> tuple[Where, ...]:
        """What a saved `sizes` report says: each axis must take at least those sizes."""
        import json

        path = self.path.parent / str(name)
        try:
            axes = json.loads(path.read_text(encoding="utf-8"))["axes"]
            domains = [(str(axis["symbol"]), axis["domain"]) for axis in axes]
        except (OSError, ValueError, KeyError, TypeError):
            message = f"`{name}` is no saved answer of `shapelint sizes --format json`"
            raise self.fault("report", message) from None
        for symbol, domain in domains:
            if domain is None:
                message = f"`{name}` names no domain for `{symbol}` (its sizes are unknown, none or irregular)"
                raise self.fault("report", f"{message}; write the sizes that must fit in place of the report")
        return tuple([self.domain(symbol, domain) for symbol, domain in domains])

    def dims(self, name: str, value: Any) -> StatedDims:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")]
        if not isinstance(value, list) or not value:
            raise self.fault(name, f'`inputs.{name}` has no dims; write for example "1,3,H,W"')
        try:
            return stated_dims([str(dim) for dim in value])
        except ValueError as error:
            raise self.fault(name, f"`inputs.{name}`: {error}") from None


def base_settings(config: Config, given: Mapping[str, Any]) -> Settings:
    """The settings of a whole run: options that are given, else the configuration, else the defaults."""
    values = config.values

    def chosen(key: str, default: Any) -> Any:
        option = given.get(key)
        return values.get(key, default) if option is None or option == () else option

    select = chosen("select", ())
    return Settings(
        fail_on=chosen("fail-on", "warning"),
        select=(*select, *chosen("extend-select", ())) if select else (),
        ignore=(*values.get("ignore", ()), *given.get("ignore", ())),
        require_where=bool(chosen("require-where", False)),
        severity=values.get("severity", {}),
        preview=bool(chosen("preview", False)),
    )
