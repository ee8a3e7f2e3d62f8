"""Did-you-mean, for every closed vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def closest(word: str, known: Iterable[str], *, cased: bool = False) -> str | None:
    """The one of `known` that `word` is likely to stand for; the case of letters counts only where it is `cased`."""
    from difflib import get_close_matches

    words = {each if cased else each.lower(): each for each in known}
    close = get_close_matches(word if cased else word.lower(), words, 1)
    return words[close[0]] if close else None


def meant(word: str, known: Iterable[str], otherwise: str = "", *, cased: bool = False) -> str:
    """The remedy for a word that is not known: the closest one, else `otherwise`, else all that there are."""
    words = list(known)
    close = closest(word, words, cased=cased)
    return f"did you mean `{close}`?" if close else otherwise or f"there are {', '.join(words)}"
