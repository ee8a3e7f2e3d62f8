"""Output paddings of a spec's transposed convolutions, solved for: target minus base, layer by layer, at one size.

FORMULAS.md section 7: a constant output padding is right for one residue class of sizes, so each solution belongs to
the size that it was solved at, and the set is what the patched model says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import listed
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.spec_instances import Setting, settle_layers, written_value
from shapelint.size import Expr, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.fixing.draft import At, Cause, Draft, Trouble
    from shapelint.graph import Node
    from shapelint.size import Symbol

_TAKE: Final = ("torch", "keras", "paddle", "onnx", "jax")
"""The frameworks whose transposed convolutions take an output padding, or one number more of padding at the end."""
_LATE: Final = 10
"""Behind a change of one step."""
_FEW: Final = 4
"""How many stated sizes get an entry of their own."""


def output_padding(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """The setting for the multiples, where sizes are free, and one for each stated size."""
    facts, _ = draft.free
    seen: set[str] = set()
    before = facts.never or any(sizes.is_empty for sizes in facts.necessary.values())
    for order, at in enumerate(_sizes(draft, cause)):
        found = _solved(draft, None, at) or _solved(draft, cause, at)
        if found is None or found.text in seen:
            continue
        seen.add(found.text)
        settings = _settings(draft, found)
        if not settings:
            continue
        yield Candidate(
            "output_padding",
            f"give {settings}",
            found.patch_from(draft),
            reason="" if before else "right for one class of sizes only",
            safe=before,
            order=order,
        )


def kernels(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """Kernels that need no output padding, solved in the same way: one more of kernel is one more of size."""
    seen: set[str] = set()
    for order, at in enumerate(_sizes(draft, cause)):
        found = _solved(draft, None, at, _longer) or _solved(draft, cause, at, _longer)
        if found is None or found.text in seen:
            continue
        if draft.trouble_at(_multiples(draft)) is None and found.trouble_at(_multiples(draft)) is not None:
            continue  # right for other sizes than the multiples, and trained again
        seen.add(found.text)
        yield Candidate(
            "window",
            f"give {found.changed_nodes(draft)} another kernel",
            found.patch_from(draft),
            reason="the weights change their shape, so the model is trained again",
            order=_LATE + order,
        )


def _longer(node: Node, missing: list[int]) -> Setting | None:
    """A kernel that is longer by so much, at most by its stride; None where it cannot be."""
    kernel = node.attributes.get("kernel")
    if node.rule not in ("torch", "paddle") or set(_numbers(node, "dilations", len(missing))) != {1}:
        return None
    if not isinstance(kernel, tuple) or len(kernel) != len(missing):
        return None
    values = [each + more for each, more in zip(kernel, missing, strict=True) if isinstance(each, int)]
    strides = _numbers(node, "strides", len(missing))
    if len(values) != len(missing) or min(values) < 1 or any(abs(m) > s for m, s in zip(missing, strides, strict=True)):
        return None
    return Setting(node, "kernel_size", _written(values, node))


def _multiples(draft: Draft) -> dict[str, int]:
    """A large multiple of every stride for every axis."""
    product = 1
    for node in draft.analysis.graph.nodes:
        strides = node.attributes.get("strides")
        if isinstance(strides, tuple):
            product *= max((each for each in strides if isinstance(each, int)), default=1)
        if product > 1 << 12:
            break
    inputs = draft.free[0].inputs
    batches = {axis.label for axis in inputs.axes if axis.is_batch}
    many = product * max(1, -(-256 // product))
    return {symbol.name: 1 if symbol.name in batches else many for symbol in inputs.symbols}


def _sizes(draft: Draft, cause: Cause) -> Iterator[Mapping[str, int]]:
    """The sizes to solve at: a large multiple of every stride, then those that fail as stated."""
    facts, pinned = draft.free
    multiples = _multiples(draft)
    if {axis.symbol for axis in facts.inputs.axes if not axis.is_batch} - pinned.keys():
        yield multiples
    if cause.mismatch is not None:
        base = {**multiples, **cause.mismatch.sizes}
        base |= {symbol.name: size for symbol, size in pinned.items()}
        yield base
        for symbol, domain in draft.analysis.facts.domains.items():
            if domain.sizes.is_finite and len(list(domain.sizes)) <= _FEW:
                for n in domain.sizes:
                    yield {**base, symbol.name: n}


def _solved(
    draft: Draft,
    cause: Cause | None,
    at: Mapping[str, int],
    more: Callable[[Node, list[int]], Setting | None] | None = None,
) -> Draft | None:
    """The draft with output paddings for which nothing fails at these sizes, of one cause or at all.

    `more` makes a layer return so much more; by default by its output padding.
    """
    paths = (cause.paths or None) if cause is not None else None
    return settle_layers(
        draft, lambda now: now.trouble_at(at, paths), lambda now, trouble: _step(now, trouble, more or _more)
    )


def _step(draft: Draft, trouble: Trouble, more: Callable[[Node, list[int]], Setting | None]) -> list[Setting | None]:
    """The setting of the first transposed convolution that does not return the size that it should."""
    rank = len(trouble.have)
    if not trouble.differing:
        return []
    side = trouble.grown if trouble.is_merge else 0
    ups: dict[str, Node] = {}
    for axis in range(rank):
        for step in trouble.steps(side, axis):
            if step.node.op == "ConvTranspose" and step.node.rule in _TAKE:
                ups[step.node.path] = step.node
    ordered = [node for node in draft.free[0].graph.nodes if node.path in ups]
    for node in ordered[:-1]:
        missing = lacking(trouble.facts, node, trouble.at, rank)
        if any(missing):
            return [more(node, missing)]
    if not ordered:
        return []
    sign = 1 if side == 0 else -1
    missing = [sign * (want - have) for have, want in zip(trouble.have, trouble.want, strict=True)]
    return [more(ordered[-1], missing)]


def lacking(facts: Facts, node: Node, at: At, rank: int) -> list[int]:
    """By spatial axis what a step up lacks of the size before the steps that it undoes."""
    missing = [0] * rank
    for axis in range(rank):
        symbol = _symbol(facts, node, axis)
        downs = facts.flow.undoes.get((node.path, symbol), ()) if symbol is not None else ()
        if symbol is None or not downs:
            continue
        track = facts.flow.tracks.get((facts.nodes[downs[0]].outputs[0], symbol))
        own = facts.flow.tracks.get((node.outputs[0], symbol))
        if track is None or own is None or track.step is None:
            continue
        missing[axis] = evaluate(track.step.before, at) - evaluate(own.size, at)
    return missing


def undone(facts: Facts, node: Node, rank: int) -> set[str]:
    """The first of the steps down that a step up undoes, by axis."""
    symbols = [_symbol(facts, node, axis) for axis in range(rank)]
    found = [facts.flow.undoes.get((node.path, each), ()) for each in symbols if each is not None]
    return {downs[0] for downs in found if downs}


def _symbol(facts: Facts, node: Node, axis: int) -> Symbol | None:
    tensor = facts.shapes.tensors.get(node.outputs[0])
    dim = None if tensor is None or tensor.shape is None else tensor.shape[facts.layout[0] + axis]
    return dim.symbols[0] if isinstance(dim, Expr) and len(dim.symbols) == 1 else None


def _more(node: Node, missing: list[int]) -> Setting | None:
    """So much more output padding along each axis; None where that is no legal one.

    An output padding that a framework infers is first written out as 0, because a given one counts from another base.
    """
    if node.rule == "jax":
        return _more_at_the_end(node, missing)
    given = node.attributes.get("output_padding")
    rank = len(missing)
    if given is None and node.rule == "keras":
        values = [0] * rank
    else:
        old = given if isinstance(given, tuple) else (0,) * rank
        if len(old) != rank or any(not isinstance(each, int) for each in old):
            return None
        values = [each + more for each, more in zip(old, missing, strict=True) if isinstance(each, int)]
    strides, dilations = (_numbers(node, name, rank) for name in ("strides", "dilations"))
    most = [max(s, d) if node.rule == "torch" else s for s, d in zip(strides, dilations, strict=True)]
    if any(not 0 <= value < limit for value, limit in zip(values, most, strict=True)):
        return None
    return Setting(node, "output_padding", _written(values, node))


def _more_at_the_end(node: Node, missing: list[int]) -> Setting | None:
    """JAX pads the dilated input: so much more at the end of each axis, in the place of an output padding."""
    pads, rank = node.attributes.get("pads"), len(missing)
    arguments = node.place.arguments if node.place is not None else {}
    if "use_consistent_padding" in arguments:
        return None
    kernel, strides, dilations = (_numbers(node, name, rank) for name in ("kernel", "strides", "dilations"))
    if isinstance(pads, tuple):
        given = [each for each in pads if isinstance(each, int)]
        both = list(zip(given[:rank], given[rank:], strict=False)) if len(given) == 2 * rank else []
    else:
        both = []
        for k, s, d in zip(kernel, strides, dilations, strict=True):
            ke = d * (k - 1) + 1
            total = ke + s - 2 + (max(ke - s, 0) if node.attributes.get("mode") == "valid" else 0)
            begin = ke - 1 if s > ke - 1 or node.attributes.get("mode") == "valid" else -(-total // 2)
            both.append((begin, total - begin))
    if len(both) != rank or any(abs(more) >= s for more, s in zip(missing, strides, strict=True)):
        return None
    wanted = [(begin, end + more) for (begin, end), more in zip(both, missing, strict=True)]
    return Setting(node, "padding", f"({', '.join(map(str, wanted))}{',' if rank == 1 else ''})")


def _numbers(node: Node, name: str, rank: int) -> list[int]:
    found = node.attributes.get(name)
    return [each if isinstance(each, int) else 1 for each in found] if isinstance(found, tuple) else [1] * rank


def _written(values: list[int], node: Node) -> str:
    if node.rule == "onnx":
        return str(values)
    if len(set(values)) == 1:
        return str(values[0])
    return f"({', '.join(map(str, values))})"


def _settings(draft: Draft, found: Draft) -> str:
    """`` `up1` and `up2` output_padding=1, and `up3` output_padding=0``."""
    before = {node.path: node for node in draft.analysis.graph.nodes if node.op == "ConvTranspose"}
    together: dict[str, list[str]] = {}
    for node in found.analysis.graph.nodes:
        old = before.get(node.path)
        name = "padding" if node.rule == "jax" else "output_padding"
        if old is None or written_value(node, name) == written_value(old, name):
            continue
        together.setdefault(f"{name}={written_value(node, name)}", []).append(f"`{node.path}`")
    words = [f"{listed(paths)} {setting}" for setting, paths in together.items()]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f", and {words[-1]}" if words else ""
