"""What form a node has: each function gives the node as what is meant, or raises SpecError that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.meant import meant
from shapelint.source.spec.compose import Mapping, Node, Scalar, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable

RESERVED: Final = frozenset(["for", "do", "if", "else", "name", "type", "args", "from", "input"])


def not_known(what: str, key: Scalar, known: Iterable[str]) -> SpecError:
    """The error for a word that stands where one of `known` is meant."""
    return SpecError(f"the {what} `{key.text}` is not known", key.span, meant(key.text, known, cased=True))


def scalar_of(node: Node, what: str) -> Scalar:
    """The node, which is one value."""
    if not isinstance(node, Scalar):
        raise SpecError(f"`{what}` is a list or a mapping", node.span, "write one value")
    return node


def word_of(node: Node | None, what: str, known: Iterable[str]) -> str | None:
    """The node's text, which is one of `known`; None where there is no node."""
    if node is None:
        return None
    word = scalar_of(node, what)
    if word.text not in known:
        raise not_known(what, word, known)
    return word.text


def pairs_of(node: Node | None, what: str) -> tuple[tuple[Scalar, Node], ...]:
    """The keys and values of the node; none where it is empty or absent."""
    if node is None or (isinstance(node, Scalar) and not node.text):
        return ()
    if not isinstance(node, Mapping):
        raise SpecError(f"`{what}` is no mapping", node.span, f"write `{what}:` with `name: value` lines below")
    return node.items


def allow(node: Mapping, known: tuple[str, ...]) -> None:
    """Refuse keys that are none of `known`."""
    for key, _ in node.items:
        if key.text not in known:
            raise not_known("key", key, known)
