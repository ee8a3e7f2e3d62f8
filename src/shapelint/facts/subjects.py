"""What a fault can be about: small facts, each of which lends its fields to the sentences of a contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shapelint.finding import STDIN
from shapelint.size import difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.axes import Axis, Conflict
    from shapelint.facts.flow import Blame
    from shapelint.graph import Node
    from shapelint.ops.call import Requirement
    from shapelint.size import SizeSet
    from shapelint.source.spec import Expectation


def by(sizes: tuple[int, ...]) -> str:
    """`225x225`."""
    return "x".join(map(str, sizes)) if sizes else "1"


def shapes_text(at: Mapping[str, tuple[int | None, ...]]) -> str:
    """`image 1x3x225x225`."""
    return ", ".join(
        f"{name} {'x'.join('?' if dim is None else str(dim) for dim in dims)}" for name, dims in at.items()
    )


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
    when: str
    """At which sizes, in words."""
    needs: str = ""
    """What couples axes, where that is what fails."""
    expectation: Expectation | None = None
    """The condition of `expect` that fails, where it is one."""

    @property
    def kind(self) -> str:
        """The kind of the requirement that fails first."""
        return self.first.requirement.kind

    @property
    def text(self) -> str:
        """What the node does that it cannot do, in a clause after its name."""
        first = self.first
        if self.kind == "output":
            return f"comes out as {by(first.left)} where {self.why} needs {by(first.right)}"
        if self.expectation is not None:
            return f"does not hold: {by(first.left)} against {by(first.right)}"
        if self.kind not in ("merge", "join"):
            return f"cannot run: {self.why}"
        return f"joins `{first.left_name}` at {by(first.left)} with `{first.right_name}` at {by(first.right)}"

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
            "what": f"`{first.requirement.path}`",
            "why": self.why,
            "when": self.when,
        }
        if self.expectation is not None:
            words["condition"], words["because"] = self.expectation.text, self.expectation.why
            words["output"] = self.expectation.output or ""
        value, bound = first.requirement.left, first.requirement.right
        if first.requirement.argument == "output_padding" and isinstance(value, int) and isinstance(bound, int):
            words["legal"] = f"below {bound}" if value >= bound else f"of at least {bound}, leave it out"
        if self.fits:
            words["fits"] = by_sets(self.fits)
        if self.nearest:
            words["nearest"] = self.nearest
        if self.needs:
            words["needs"] = self.needs
        if self.blame is not None:
            links = self.blame.left + self.blame.right
            if self.blame.down and self.blame.up:
                down = next(link for link in links if link.node == self.blame.down[0])
                words["down"], words["up"] = self.blame.down[0], self.blame.up[0]
                words["rounds"] = "undo the rounding of" if down.rounded else "return to the size before"
            if self.blame.open:
                words["open"] = _some(self.blame.open)
            elif self.blame.borders:
                words["borders"] = _some(self.blame.borders)
            if self.blame.branches:
                words["branch"], words["other_branch"] = self.blame.branches
                uneven = {link.node for link in links if link.rounded}
                rounded = uneven.issuperset(self.blame.branches)
                words["part"] = "round differently" if rounded else "make different sizes"
        return {key: value for key, value in words.items() if value}


@dataclass(frozen=True, slots=True)
class Restriction:
    """Free axes of one input that do not take every size, for the same reason."""

    axes: tuple[Axis, ...]
    sizes: SizeSet
    file: str
    breaker: str = ""
    needs: str = ""
    offered: SizeSet | None = None
    """The sizes to recommend."""
    inputs: tuple[str, ...] = ()
    """Those that share the axes, where more than one do."""
    is_all: bool = False
    """Whether these are all the free axes, so that a domain needs no name."""
    promised: SizeSet | None = None
    """What the file promises of them, where it does."""

    @property
    def has_class(self) -> bool:
        """Whether every multiple of some number runs, or every size from some size on."""
        return self.sizes.pad_to is not None or not self.sizes.is_complete

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        words = {
            "input": self.axes[0].input,
            "inputs": quoted(list(self.inputs) or [self.axes[0].input]),
            "take": "take" if len(self.inputs) > 1 else "takes",
            "axes": listed([axis.label for axis in self.axes]),
            "axis": self.axes[0].label,
            "sizes": self.sizes.text,
            "file": self.file if self.file != STDIN else "" if self.promised is not None else "-",
            "node": self.breaker,
            "needs": self.needs,
        }
        if self.promised is not None:
            words["promised"] = self.promised.text
            words["promise"] = "promise" if len(self.inputs) > 1 else "promises"
            words["example"] = str(next(iter(difference(self.promised, self.sizes))))
            words["runs"] = "" if self.sizes.is_empty else self.sizes.text
        domain = domain_text(self.offered if self.offered is not None else self.sizes)
        if domain:
            words["domain"] = domain
            named = [domain] if self.is_all else [f"{axis.label}={domain}" for axis in self.axes]
            words["where"] = " ".join(f'--where "{each}"' for each in named)
        return {key: value for key, value in words.items() if value}


@dataclass(frozen=True, slots=True)
class Tie:
    """Free axes of which a node takes only some sizes together."""

    node: str
    inputs: tuple[str, ...]
    axes: tuple[str, ...]
    conditions: tuple[str, ...]

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {
            "inputs": quoted(list(self.inputs)),
            "take": "takes" if len(self.inputs) == 1 else "take",
            "axes": listed(list(self.axes)) + " together",
            "sizes": "those where " + quoted(list(self.conditions)),
        }


def domain_text(sizes: SizeSet) -> str:
    """The class of sizes to state, in the syntax of --where; empty where there is none."""
    multiple, start = sizes.pad_to, sizes.start
    if multiple is None:
        return ""
    if multiple == 1:
        return f"{start}.."
    least = -(-start // multiple) * multiple
    while least > multiple and least - multiple in sizes:
        least -= multiple
    return f"multiple of {multiple}" if least == multiple else f"{multiple}*k in {least}.."


def quoted(words: list[str]) -> str:
    """`` `x` and `y` ``."""
    return listed([f"`{word}`" for word in words])


def counted(number: int | None, word: str) -> str:
    """`1 channel`, `3 channels`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def listed(words: list[str]) -> str:
    """`H and W`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _some(names: tuple[str, ...]) -> str:
    """The first few names, and how many more there are."""
    shown = [f"`{name}`" for name in names]
    return listed(shown if len(shown) < 5 else [*shown[:3], f"{len(shown) - 3} more"])


def by_sets(fits: Mapping[str, SizeSet]) -> str:
    """`H and W: multiples of 8`: the sets in words, axes with the same set together."""
    together: dict[SizeSet, list[str]] = {}
    for label, sizes in fits.items():
        together.setdefault(sizes, []).append(label)
    return "; ".join(f"{listed(labels)}: {sizes.text}" for sizes, labels in together.items())


@dataclass(frozen=True, slots=True)
class Preserving:
    """An output that is as large as its input at some sizes, but at no whole class of multiples."""

    output: str
    input: str
    axes: tuple[str, ...]
    size: str
    sizes: SizeSet

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {
            "output": self.output,
            "input": self.input,
            "axes": listed(list(self.axes)),
            "size": self.size,
            "sizes": self.sizes.text,
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
        example = next(iter(self.sizes))
        words = {
            "node": self.node,
            "axes": listed(list(self.axes)),
            "left": self.left_name,
            "right": self.right_name,
            "left_size": str(self.left),
            "right_size": str(self.right),
            "example": str(example),
            "sizes": "" if self.sizes.text == str(example) else self.sizes.text,
        }
        return {key: value for key, value in words.items() if value}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An output whose declared dims differ from the inferred ones at a size that runs."""

    output: str
    declared: str
    inferred: str
    example: str
    """Sizes at which they differ; empty where they always do."""

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        words = {
            "output": self.output,
            "declared": self.declared,
            "inferred": self.inferred,
            "example": self.example,
        }
        return {key: value for key, value in words.items() if value}


@dataclass(frozen=True, slots=True)
class Refused:
    """An input for which numbers are stated other than the file's own constants."""

    conflict: Conflict

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {"what": "the model", "why": self.conflict.text, "name": self.conflict.input}


@dataclass(frozen=True, slots=True)
class Empty:
    """An output without elements at some sizes, along the axes that are empty at the same sizes."""

    output: str
    axes: tuple[str, ...]
    size: str
    sizes: SizeSet

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {
            "output": self.output,
            "axes": listed(list(self.axes)),
            "size": self.size,
            "sizes": self.sizes.text,
        }


@dataclass(frozen=True, slots=True)
class Warned:
    """A `warn:` condition that fails at a stated size."""

    expectation: Expectation
    sizes: str

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        words = {"condition": self.expectation.text, "because": self.expectation.why, "when": self.sizes}
        return {key: value for key, value in words.items() if value}


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with something in the file, in a sentence."""

    text: str

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {"flaw": self.text}


@dataclass(frozen=True, slots=True)
class Unproved:
    """What is not known, and what is known all the same."""

    why: str
    """A clause, with the node where there is one."""
    necessary: str
    stated: str = ""
    more: int = 0
    """How many more nodes are unknown."""

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        words = {
            "why": self.why,
            "necessary": self.necessary,
            "stated": self.stated,
            "more": counted(self.more, "more node") if self.more else "",
        }
        return {key: value for key, value in words.items() if value}
