"""Which files of a folder are models: by name or content, without what git ignores."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shapelint.meant import closest
from shapelint.source import SNIFFED, is_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUFFIXES: Final = (".onnx", ".shape.yaml", ".shape.yml")
"""Files of these names are models, whatever they hold."""
SKIPPED_FOLDERS: Final = frozenset(
    ".git .hg .svn .venv venv node_modules __pycache__ .mypy_cache .ruff_cache .pytest_cache .tox .nox".split()
)


def walk(folder: str, trouble: Callable[[OSError], object] | None = None) -> Iterator[str]:
    """The models below a folder, in the order of their names; what `.gitignore` files leave out is left out.

    `trouble` is told of the folders that cannot be read.
    """
    ignores = _ignores_above(Path(folder).absolute())
    for root, folders, names in os.walk(folder, onerror=trouble):
        here = Path(root).absolute()
        if ".gitignore" in names:
            ignores[here] = _patterns(here)
        folders[:] = sorted(
            name for name in folders if name not in SKIPPED_FOLDERS and not _ignored(ignores, here / name, folder=True)
        )
        for name in sorted(names):
            path = os.path.join(root, name)
            if _is_model(path, name.lower()) and not _ignored(ignores, here / name, folder=False):
                yield path


MOST_NAMES: Final = 5000
"""How many names of a folder are compared with one that does not exist."""


def likely(path: str) -> str | None:
    """The existing path that one which does not exist is likely to stand for."""
    found = Path(path).anchor
    parts = Path(path).parts[1 if found else 0 :]
    for place, part in enumerate(parts):
        is_last = place == len(parts) - 1
        if os.path.exists(os.path.join(found, part)) and (is_last or os.path.isdir(os.path.join(found, part))):
            found = os.path.join(found, part)
            continue
        try:
            with os.scandir(found or ".") as entries:
                names = [each.name for each in islice(entries, MOST_NAMES) if is_last or each.is_dir()]
        except (OSError, ValueError):
            return None
        close = closest(part, sorted(names))
        if close is None:
            return None
        found = os.path.join(found, close)
    return found or None


def _is_model(path: str, name: str) -> bool:
    if not name.endswith((".onnx", ".yaml", ".yml")):
        return False
    if not os.path.isfile(path):  # a pipe, a socket; but a link to nothing is a model that is missing
        return os.path.islink(path) and not os.path.exists(path) and name.endswith(SUFFIXES)
    if name.endswith(SUFFIXES):
        return True
    try:
        with open(path, "rb") as file:
            return is_spec(file.read(SNIFFED))
    except OSError:
        return False


def _ignores_above(folder: Path) -> dict[Path, Any]:
    """The patterns of the folders between the root of the repository and `folder`; none outside a repository."""
    above = [folder, *folder.parents]
    root = next((each for each in above if (each / ".git").exists()), None)
    if root is None:
        return {}
    between = above[1 : above.index(root) + 1]
    return {each: _patterns(each) for each in reversed(between) if (each / ".gitignore").is_file()}


def _patterns(folder: Path) -> Any:
    from pathspec import GitIgnoreSpec

    try:
        lines = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return GitIgnoreSpec.from_lines(lines)


def _ignored(ignores: dict[Path, Any], path: Path, *, folder: bool) -> bool:
    """Whether the patterns leave a path out; those of an inner folder decide over those of an outer one."""
    decided = False
    for above, patterns in ignores.items():
        if above in path.parents:
            relative = path.relative_to(above).as_posix() + ("/" if folder else "")
            result = patterns.check_file(relative).include
            decided = decided if result is None else result
    return decided
