"""The settings of one file, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.config import KEYS
from shapelint.engine import shown
from shapelint.report.terminal import columns

if TYPE_CHECKING:
    from shapelint.config import Config, ModelTable

_DEFAULTS = {"fail-on": "warning", "require-where": "false"}


def _rows(config: Config, file: str) -> list[tuple[str, str, str]]:
    """Key, value and place of every setting that holds for the file."""
    name = "the default" if config.path is None else shown(config.path)
    rows = []
    for key in KEYS:
        if key in config.values:
            rows.append((key, _text(config.values[key]), f"{name}:{config.lines.get(key, 1)}"))
        elif key in _DEFAULTS:
            rows.append((key, str(_DEFAULTS[key]), "the default"))
    found: dict[str, tuple[str, ModelTable]] = {}
    for table in config.tables(file):
        if table.where is not None:
            text = ", ".join(f"{each.name}: {each.text}" if each.name else each.text for each in table.where)
            found["where"] = (text, table)
        if table.inputs is not None:
            found["inputs"] = (str(dict(table.inputs)), table)
        if table.expect is not None:
            found["expect"] = ("; ".join(table.expect), table)
    rows += [(key, text, f'{name}:{table.line} (models."{table.pattern}")') for key, (text, table) in found.items()]
    return rows


def _text(value: Any) -> str:
    """The value about as TOML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def config_text(config: Config, file: str) -> str:
    """A line each."""
    return "\n".join(columns([list(row) for row in _rows(config, file)], indent=0)) + "\n"


def config_json(config: Config, file: str) -> dict[str, Any]:
    """As JSON, version 1."""
    return {
        "version": 1,
        "file": file,
        "config": None if config.path is None else shown(config.path),
        "settings": [{"key": key, "value": value, "from": place} for key, value, place in _rows(config, file)],
    }
