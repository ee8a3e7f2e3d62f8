"""What a fault can be about: small facts, each of which lends its fields to the sentences of a contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.axes import Axis, Conflict
    from shapelint.facts import OutputAxis
    from shapelint.facts.flow import Blame
    from shapelint.graph import Declared, Node
    from shapelint.ops.call import Requirement
    from shapelint.propagate import Unknown
    from shapelint.size import SizeSet


def by(sizes: tuple[int, ...]) -> str:
    """`225x225`."""
    return "x".join(map(str, sizes)) if sizes else "1"


def shapes_text(at: Mapping[str, tuple[int | None, ...]]) -> str:
    """`image 1x3x225x225`."""
    return ", ".join(f"{name} {'x'.join('?' if dim is None else str(dim) for dim in dims)}" for name, dims in at.items())


def neighbours(sizes: SizeSet, at: int) -> str:
    """`224 and 232`: the nearest members around a size that is none."""
    below, above = sizes.nearest(at)
    return " and ".join(str(size) for size in (below, above) if size is not None)


@dataclass(frozen=True, slots=True)
class Meeting:
    """One requirement that fails at given sizes, with what meets there."""

    requirement: Requirement
    node: Node | None
    axes: tuple[str, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    left_name: str
    right_name: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What fails at one size for one cause: the first node that cannot run, and all that fail with it."""

    grade: str
    first: Meeting
    also: tuple[Meeting, ...]
    blame: Blame | None
    axis: str
    at: Mapping[str, tuple[int | None, ...]]
    sizes: Mapping[str, int]
    """The failing size of each free axis by label."""
    fits: Mapping[str, SizeSet]
    nearest: str
    why: str

    @property
    def kind(self) -> str:
        """The kind of the requirement that fails first."""
        return self.first.requirement.kind

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        first = self.first
        words = {
            "node": first.requirement.path,
            "op": first.node.op if first.node is not None else "",
            "left": first.left_name,
            "right": first.right_name,
            "left_size": by(first.left),
            "right_size": by(first.right),
            "why": self.why,
            "at": shapes_text(self.at),
        }
        if self.fits:
            words["fits"] = by_sets(self.fits)
        if self.nearest:
            words["nearest"] = self.nearest
        if self.blame is not None:
            links = self.blame.left + self.blame.right
            if self.blame.down and self.blame.up:
                down = next(link for link in links if link.node == self.blame.down[0])
                words["down"], words["up"] = self.blame.down[0], self.blame.up[0]
                words["down_text"] = f"{down.axis} {down.text}"
            if self.blame.branches:
                words["branch"], words["other_branch"] = self.blame.branches
        return {key: value for key, value in words.items() if value}


@dataclass(frozen=True, slots=True)
class Restriction:
    """Free axes of one input that do not take every size, for the same reason."""

    axes: tuple[Axis, ...]
    sizes: SizeSet
    file: str
    breaker: str = ""
    needs: str = ""

    @property
    def has_class(self) -> bool:
        """Whether every multiple of some number runs, or every size from some size on."""
        return self.sizes.pad_to is not None or not self.sizes.is_complete

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        words = {
            "input": self.axes[0].input,
            "axes": listed([axis.label for axis in self.axes]),
            "axis": self.axes[0].label,
            "sizes": self.sizes.text,
            "file": self.file,
            "node": self.breaker,
            "needs": self.needs,
            "domain": self._domain(),
        }
        return {key: value for key, value in words.items() if value}

    def _domain(self) -> str:
        """The class of sizes to state, in the syntax of --where; empty where there is none."""
        multiple, start = self.sizes.pad_to, self.sizes.start
        if multiple is None:
            return ""
        if multiple == 1:
            return f"{start}.."
        least = -(-start // multiple) * multiple
        return f"multiple of {multiple}" if least == multiple else f"{multiple}*k in {least}.."


def listed(words: list[str]) -> str:
    """`H and W`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def by_sets(fits: Mapping[str, SizeSet]) -> str:
    """`H and W: multiples of 8`: the sets in words, axes with the same set together."""
    together: dict[SizeSet, list[str]] = {}
    for label, sizes in fits.items():
        together.setdefault(sizes, []).append(label)
    return "; ".join(f"{listed(labels)}: {sizes.text}" for sizes, labels in together.items())


@dataclass(frozen=True, slots=True)
class Preserving:
    """An output that is as large as its input at some sizes, but at no whole class of multiples."""

    output: OutputAxis
    sizes: SizeSet

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {
            "output": self.output.output,
            "axis": self.output.follows.label,
            "size": str(self.output.size),
            "sizes": self.sizes.text,
            "input": self.output.follows.input,
        }


@dataclass(frozen=True, slots=True)
class Frozen:
    """A Reshape whose -1 takes up spatial size as batch."""

    node: Node
    axis: str
    size: str
    sizes: SizeSet
    example: int
    batch: int

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {
            "node": self.node.path,
            "axis": self.axis,
            "size": self.size,
            "sizes": self.sizes.text,
            "example": str(self.example),
            "batch": str(self.batch),
        }


@dataclass(frozen=True, slots=True)
class Stretch:
    """A merge that stretches a one-pixel map, along the axes for which it does so at the same sizes."""

    node: str
    axes: tuple[str, ...]
    left: int
    right: int
    left_name: str
    right_name: str
    sizes: SizeSet
    is_stated: bool

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {
            "node": self.node,
            "axes": listed(list(self.axes)),
            "left": self.left_name,
            "right": self.right_name,
            "left_size": str(self.left),
            "right_size": str(self.right),
            "sizes": self.sizes.text,
            "example": str(next(iter(self.sizes))),
        }


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A declared output dim that differs from the inferred one at a size that runs."""

    output: Declared
    axis: int
    declared: str
    inferred: str
    example: str

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        words = {
            "output": self.output.name,
            "place": str(self.axis),
            "declared": self.declared,
            "inferred": self.inferred,
            "example": self.example,
        }
        return {key: value for key, value in words.items() if value}


@dataclass(frozen=True, slots=True)
class Refused:
    """A stated number that contradicts the file's own constant."""

    conflict: Conflict

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        conflict = self.conflict
        why = f"axis {conflict.axis} of input `{conflict.input}` is {conflict.stated} and the file declares "
        return {"node": conflict.input, "why": why + conflict.declared}


@dataclass(frozen=True, slots=True)
class Empty:
    """An output without elements."""

    output: str
    axis: str
    size: str
    sizes: SizeSet
    example: int

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {
            "output": self.output,
            "axis": self.axis,
            "size": self.size,
            "sizes": self.sizes.text,
            "example": str(self.example),
        }


@dataclass(frozen=True, slots=True)
class Unproved:
    """A node of which it is not known which sizes it refuses."""

    unknown: Unknown
    more: int
    necessary: str
    stated: str = ""

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        words = {
            "node": self.unknown.path,
            "op": self.unknown.op,
            "why": self.unknown.why,
            "necessary": self.necessary,
            "stated": self.stated,
        }
        if self.more:
            words["more"] = f"{self.more} more node{'s' if self.more > 1 else ''}"
        return {key: value for key, value in words.items() if value}
