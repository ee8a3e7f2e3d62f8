"""Which input sizes a network takes, what breaks the others, what mends it: a static analyzer for model files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint._version import __version__

if TYPE_CHECKING:
    from shapelint.api import DoesNotFit, NoSizeFits, Padding, Report, Sizes, check, shapes, sizes, spec
    from shapelint.size import Expr, SizeSet, Undecided
    from shapelint.source import Unreadable

__all__ = [
    "DoesNotFit",
    "Expr",
    "NoSizeFits",
    "Padding",
    "Report",
    "SizeSet",
    "Sizes",
    "Undecided",
    "Unreadable",
    "__version__",
    "check",
    "shapes",
    "sizes",
    "spec",
]

_HOMES = {
    "Expr": "shapelint.size",
    "SizeSet": "shapelint.size",
    "Undecided": "shapelint.size",
    "Unreadable": "shapelint.source",
}


def __getattr__(name: str) -> Any:
    # Names are loaded when they are first used, so that `shapelint --help` and a hook start at once.
    if name not in __all__:
        raise AttributeError(f"module 'shapelint' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES.get(name, "shapelint.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
