"""Which files of a folder are models: by name or content, without what git ignores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shapelint.source import SNIFFED, is_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

SKIPPED_FOLDERS: Final = frozenset(
    ".git .hg .svn .venv venv node_modules __pycache__ .mypy_cache .ruff_cache .pytest_cache .tox .nox".split()
)


def walk(folder: str) -> Iterator[str]:
    """The models below a folder, in the order of their names; what `.gitignore` files leave out is left out."""
    ignores = _ignores_above(Path(folder).absolute())
    for root, folders, names in os.walk(folder):
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


def _is_model(path: str, name: str) -> bool:
    if name.endswith((".onnx", ".shape.yaml", ".shape.yml")):
        return True
    if not name.endswith((".yaml", ".yml")):
        return False
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
