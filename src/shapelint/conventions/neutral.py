"""Layers that mean the same in every convention: Concat, Add, Sub, Mul, Resize, Pad, Crop, Identity, Flatten, ..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.conventions import Convention, Illegal, require
from shapelint.conventions.values import is_unstated
from shapelint.size import Expr, at_least, product
from shapelint.size.floats import times

if TYPE_CHECKING:
    from shapelint.conventions import Build

CONVENTION = Convention("neutral", "torch", channels_last=False, has_batch=True)


@CONVENTION.layer("Concat", sources=None)
def concat(b: Build, axis: Any = None) -> Any:
    """The sources joined along an axis, that of the channels by default."""
    sources = several(b)
    rank = max((len(each.shape) for each in sources if each.shape is not None), default=None)
    if rank is None:
        return b.unknown("the sizes that enter it are not known")
    channel = next((each.channel for each in sources if each.channel is not None), None)
    place = channel if axis in (None, "channels") else axis
    if place is None or isinstance(place, bool) or not isinstance(place, int) or not -rank <= place < rank:
        raise Illegal(f"`axis` is {place} and the sources have {rank} axes", "axis")
    return b.node("Concat", sources, {"axis": place % rank})


@CONVENTION.layer("Add Sub Mul", sources=None)
def element_wise(b: Build) -> Any:
    """The sources added, subtracted or multiplied element by element; a size of 1 is broadcast."""
    op = {"Add": "Sum", "Sub": "Sub", "Mul": "Mul"}[b.type]
    sources = several(b)
    result = sources[0]
    if b.type == "Add":
        return b.node(op, sources)
    for each in sources[1:]:
        result = b.node(op, [result, each])
    return result


def several(b: Build) -> list[Any]:
    """The sources, of which there are at least two."""
    if len(b.sources) < 2:
        raise Illegal(f"`{b.type}` joins at least two sources", "", f"write `{b.type}(a, b)`")
    return b.sources


@CONVENTION.layer("Identity", sources=1)
def identity(b: Build) -> Any:
    """The source as it is."""
    return b.same()


@CONVENTION.layer("Resize")
def resize(b: Build, size: Any = None, scale: Any = None) -> Any:
    """Another spatial size: the one given, or floor(n * scale)."""
    if (size is None) == (scale is None):
        raise Illegal("`Resize` takes either `size` or `scale`", "size")
    return resized(b, size, scale)


def resized(
    b: Build,
    size: Any,
    scale: Any,
    names: tuple[str, str] = ("size", "scale"),
    least: int = 1,
    *,
    keeps_scale: bool = False,
) -> Any:
    """The source with another spatial size; the result is at least `least`. `keeps_scale`: in an export."""
    x = b.x
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    first, stop = x.spatial
    sizes = list(x.shape)
    demands = []
    wanted = sizes_of(b, size, stop - first, names[0]) if size is not None else None
    factors = scales_of(scale, stop - first, names[1]) if size is None else None
    for place in range(stop - first):
        axis = first + place
        n = x.shape[axis]
        if wanted is not None:
            result = wanted[place]
        else:
            assert factors is not None
            factor = factors[place]
            result = None if n is None or factor is None else times(n, float(factor), "d")
        sizes[axis] = result
        if result is not None:
            demands.append(
                require(
                    "empty", at_least(result, least), result, n, axis=axis, detail=f"a resize of {n}", argument=names[0]
                )
            )
    return b.shaped([x], sizes, demands, op="Resize", scales=factors if keeps_scale else None)


def sizes_of(b: Build, value: Any, rank: int, name: str) -> tuple[Any, ...]:
    """`value` as one size an axis; sizes of other layers are allowed."""
    values = value if isinstance(value, tuple) else (value,) * rank
    if len(values) != rank:
        raise Illegal(f"`{name}` has {len(values)} numbers and the tensor {rank} spatial axes", name)
    found: list[Any] = []
    for each in values:
        if is_unstated(each):
            found.append(None)
        elif isinstance(each, bool) or not isinstance(each, int | Expr):
            raise Illegal(f"`{name}` holds what is no size", name)
        else:
            found.append(each)
    return tuple(found)


def scales_of(value: Any, rank: int, name: str) -> tuple[Any, ...]:
    """`value` as one factor an axis."""
    values = value if isinstance(value, tuple) else (value,) * rank
    if len(values) != rank:
        raise Illegal(f"`{name}` has {len(values)} numbers and the tensor {rank} spatial axes", name)
    found: list[Any] = []
    for each in values:
        if is_unstated(each):
            found.append(None)
        elif isinstance(each, bool) or not isinstance(each, int | float) or each <= 0:
            raise Illegal(f"`{name}` is {each}; a factor is a number above 0", name)
        else:
            found.append(each)
    return tuple(found)


@CONVENTION.layer("Pad Crop")
def pad(b: Build, before: Any = None, after: Any = None, like: Any = None, side: Any = "center") -> Any:
    """Elements added or cut at the ends of the spatial axes: numbers, or as many as make it as large as `like`."""
    x = b.x
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    first, stop = x.spatial
    sign = 1 if b.type == "Pad" else -1
    if like is not None:
        begins, ends = _as_large(x.shape[first:stop], like, side, sign)
    else:
        if before is None:
            raise Illegal(f"`{b.type}` takes `before` and `after`, or `like`", "before")
        begins = sizes_of(b, before, stop - first, "before")
        ends = begins if after is None else sizes_of(b, after, stop - first, "after")
    sizes = list(x.shape)
    demands = []
    for axis, begin, end in zip(range(first, stop), begins, ends, strict=True):
        n = x.shape[axis]
        for amount, argument in ((begin, "before"), (end, "after")):
            if amount is not None:
                held, detail = at_least(amount, 0), f"`{argument}`"
                demands.append(require("limit", held, amount, 0, axis=axis, detail=detail, argument=argument))
        if n is None or begin is None or end is None:
            sizes[axis] = None
            continue
        sizes[axis] = result = n + (begin + end) * sign
        if sign < 0:
            demands.append(require("empty", at_least(result, 1), result, n, axis=axis, detail="the crop"))
    return b.shaped([x], sizes, demands, op="Pad" if sign > 0 else "Slice")


def _as_large(own: tuple[Any, ...], like: Any, side: Any, sign: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """How much is added (`sign` 1) or cut (-1) at the begins and the ends of axes to make them as large as `like`."""
    if side not in ("center", "end"):
        raise Illegal(f"`side` is {side!r}", "side", 'write "center" or "end"')
    if not hasattr(like, "spatial") or like.shape is None or like.spatial is None:
        raise Illegal("`like` names no layer whose size is known", "like")
    other = like.shape[like.spatial[0] : like.spatial[1]]
    if len(other) != len(own):
        raise Illegal(f"`like` has {len(other)} spatial axes and the source {len(own)}", "like")
    begins: list[Any] = []
    ends: list[Any] = []
    for n, wanted in zip(own, other, strict=True):
        begin = end = None
        if n is not None and wanted is not None:
            difference = (wanted - n) * sign
            begin = 0 if side == "end" else difference // 2
            end = difference - begin
        begins.append(begin)
        ends.append(end)
    return tuple(begins), tuple(ends)


@CONVENTION.layer("Flatten")
def flatten(b: Build) -> Any:
    """All axes but the batch as one."""
    x = b.x
    if x.shape is None or any(dim is None for dim in x.shape):
        return b.unknown("the size that enters it is not known")
    lead = 1 if b.has_batch else 0
    return b.shaped([x], (*x.shape[:lead], product(x.shape[lead:])), op="Flatten")


@CONVENTION.layer("Constant", sources=0)
def constant(b: Build, shape: Any, value: Any = None) -> Any:
    """A tensor of this shape."""
    dims = shape if isinstance(shape, tuple) else (shape,)
    if not all(isinstance(dim, int | Expr) and not isinstance(dim, bool) for dim in dims):
        raise Illegal("`shape` holds what is no size", "shape")
    return b.shaped([], dims, op="Constant")
