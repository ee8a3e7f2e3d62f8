"""Matrix products and their like: MatMul, Gemm, Einsum, Det, and the quantized and fused products.

Leading axes broadcast as NumPy's `matmul` does; the axes that are summed over are equal, a 1 is not stretched.
"""

from __future__ import annotations

from shapelint.ops.broadcast import broadcast, merged
from shapelint.ops.call import FLOAT, INT32, Call, CannotTell, Dim, Shape, Tensor
from shapelint.ops.legality import illegal, match, onto
from shapelint.ops.registry import operator


def multiplied(call: Call, a: Shape | None, b: Shape | None, operands: tuple[int, int] = (0, 1)) -> Shape | None:
    """The shape of `a @ b`; states that the inner sizes are equal and the outer ones broadcast."""
    if a is None or b is None:
        return None
    ahead, behind = len(a), len(b)
    if ahead < 2 or behind < 2:
        return _multiplied_vector(call, a, b, operands)
    inner, other = a[-1], b[-2]
    if inner is not other and inner != other:
        match(call, inner, other, operands=operands, detail="the inner sizes")
    if behind == 2:
        return (*a[:-1], b[-1])
    outer = a[:-2]
    if outer != b[:-2]:
        common = broadcast(call, (outer, b[:-2]), operands)
        assert common is not None
        outer = common
    return (*outer, a[-2], b[-1])


def _multiplied_vector(call: Call, a: Shape, b: Shape, operands: tuple[int, int]) -> Shape:
    """A 1-D operand loses its axis in the product."""
    if not a or not b:
        illegal(call, "a matrix product of a scalar")
    match(call, a[-1], b[-2] if len(b) > 1 else b[0], operands=operands, detail="the inner sizes")
    if len(b) == 1:
        return a[:-1]
    return (*b[:-2], b[-1])


@operator("MatMul")
def matmul(call: Call) -> Tensor:
    """ONNX MatMul-1/9/13."""
    a, b = call.operand(0), call.operand(1)
    return Tensor(a.dtype or b.dtype, multiplied(call, a.shape, b.shape))


@operator("MatMulInteger")
def matmul_integer(call: Call) -> Tensor:
    """ONNX MatMulInteger-10: int32 results."""
    return Tensor(INT32, multiplied(call, call.operand(0).shape, call.operand(1).shape))


@operator("QLinearMatMul")
def qlinear_matmul(call: Call) -> Tensor:
    """ONNX QLinearMatMul-10/21: the type of y_zero_point."""
    return Tensor(call.operand(7).dtype, multiplied(call, call.operand(0).shape, call.operand(3).shape, (0, 3)))


@operator("DynamicQuantizeMatMul", "MatMulIntegerToFloat", domain="com.microsoft")
def matmul_to_float(call: Call) -> Tensor:
    """onnxruntime's products of quantized matrices with float results."""
    return Tensor(FLOAT, multiplied(call, call.operand(0).shape, call.operand(1).shape))


@operator("FusedMatMul", "FusedMatMulActivation", "TransposeMatMul", domain="com.microsoft")
def fused_matmul(call: Call) -> Tensor:
    """onnxruntime FusedMatMul: MatMul of operands whose last two axes may be swapped."""
    a, b = call.operand(0), call.operand(1)
    if call.number("transBatchA", 0) or call.number("transBatchB", 0):
        raise CannotTell("its batch axes are transposed")
    left = _swapped(a.shape) if call.number("transA", 0) else a.shape
    right = _swapped(b.shape) if call.number("transB", 0) else b.shape
    return Tensor(a.dtype, multiplied(call, left, right))


def _swapped(shape: Shape | None) -> Shape | None:
    if shape is None or len(shape) < 2:
        return shape
    return (*shape[:-2], shape[-1], shape[-2])


@operator("MatMulNBits", domain="com.microsoft")
def matmul_n_bits(call: Call) -> Tensor:
    """onnxruntime MatMulNBits: [..., K] by a packed K x N matrix."""
    a = call.operand(0)
    entering, leaving = call.number("K", 0), call.number("N", 0)
    if not entering or not leaving:
        raise CannotTell("`K` and `N` are not stated")
    if not a.shape:
        return Tensor(a.dtype)
    match(call, a.shape[-1], entering, operands=(0, -1), detail="`K`")
    return Tensor(a.dtype, (*a.shape[:-1], leaving))


@operator("Gemm")
@operator("FusedGemm", domain="com.microsoft")
def gemm(call: Call) -> Tensor:
    """ONNX Gemm-1/6/7/9/11/13: a 2-D product plus C, which is broadcast onto it."""
    a, b, c = call.operand(0), call.operand(1), call.input(2)
    for what, tensor in (("A", a), ("B", b)):
        if tensor.shape is not None and len(tensor.shape) != 2:
            illegal(call, f"{what} has {len(tensor.shape)} axes where 2 are needed")
    rows: Dim = None
    columns: Dim = None
    inner: Dim = None
    other: Dim = None
    if a.shape is not None:
        rows, inner = a.shape
        if call.number("transA", 0):
            rows, inner = inner, rows
    if b.shape is not None:
        other, columns = b.shape
        if call.number("transB", 0):
            other, columns = columns, other
    if inner is not other and inner != other:
        match(call, inner, other, detail="the inner sizes")
    if c is not None and c.shape is not None and c.shape != (columns,):
        onto(call, c.shape, (rows, columns), 2, "match", "C")
    return Tensor(a.dtype or b.dtype, (rows, columns))


@operator("Det")
def determinant(call: Call) -> Tensor:
    """ONNX Det-11/22: one number for each square matrix."""
    x = call.operand(0)
    if x.shape is None:
        return Tensor(x.dtype)
    if len(x.shape) < 2:
        illegal(call, f"the input has {len(x.shape)} axes where at least 2 are needed")
    match(call, x.shape[-1], x.shape[-2], operands=(0, 0), detail="the sides of a square matrix")
    return Tensor(x.dtype, x.shape[:-2])


@operator("Einsum")
def einsum(call: Call) -> Tensor:
    """ONNX Einsum-12: subscripts with an ellipsis, repeated and implicit labels; a 1 is stretched, as NumPy does."""
    equation = call.text("equation", "").replace(" ", "")
    entering, arrow, leaving = equation.partition("->")
    terms = entering.split(",")
    if len(terms) != len(call.inputs):
        illegal(call, f"`{equation}` names {len(terms)} operands and {len(call.inputs)} are given")
    sizes: dict[str, Dim] = {}
    owner: dict[str, int] = {}
    wide: Shape | None = ()
    """What the ellipsis stands for."""
    for place, term in enumerate(terms):
        shape = call.operand(place).shape
        before, dots, after = term.partition("...")
        labels = before + after
        if not all(label.isalpha() for label in labels) or term.count(".") not in (0, 3):
            illegal(call, f"`{term}` of `{equation}` is no list of labels")
        if shape is None:
            sizes.update((label, sizes.get(label)) for label in labels)
            wide = None if dots else wide
            continue
        extra = len(shape) - len(labels)
        if extra < 0 or (extra and not dots):
            illegal(call, f"`{term}` of `{equation}` has {len(labels)} labels for {len(shape)} axes")
        if dots and wide is not None:
            middle = shape[len(before) : len(before) + extra]
            wide = middle if place == 0 else broadcast(call, (wide, middle), (0, place))
        labelled = (*shape[: len(before)], *shape[len(before) + extra :])
        seen: dict[str, Dim] = {}
        for label, size in zip(labels, labelled, strict=True):
            if label in seen:
                seen[label] = match(
                    call, seen[label], size, operands=(place, place), detail=f"label {label} of one operand"
                )
            else:
                seen[label] = size
        for label, size in seen.items():
            sizes[label] = _labelled(call, sizes[label], size, (owner[label], place)) if label in owner else size
            owner.setdefault(label, place)
    dtype = call.operand(0).dtype
    if not arrow:
        used = entering.replace("...", "").replace(",", "")
        leaving = "..." + "".join(sorted(label for label in sizes if used.count(label) == 1))
    before, dots, after = leaving.partition("...")
    if any(label not in sizes for label in before + after):
        illegal(call, f"`{leaving}` of `{equation}` has a label that no operand has")
    if dots and wide is None:
        return Tensor(dtype)
    middle = wide if dots and wide is not None else ()
    return Tensor(dtype, (*[sizes[label] for label in before], *middle, *[sizes[label] for label in after]))


def _labelled(call: Call, a: Dim, b: Dim, operands: tuple[int, int]) -> Dim:
    if a is b or a == b or b == 1:
        return a
    if a == 1:
        return b
    if a is None or b is None:
        return a if isinstance(a, int) else b if isinstance(b, int) else None
    return merged(call, a, b, None, operands)


@operator("QGemm", domain="com.microsoft")
def qgemm(call: Call) -> Tensor:
    """onnxruntime QGemm: quantized Gemm; A, B, C stand at 0, 3 and 6, y_zero_point at 8."""
    a, b = call.operand(0).shape, call.operand(3).shape
    if a is None or b is None or len(a) != 2 or len(b) != 2:
        return Tensor()
    rows, inner = (a[1], a[0]) if call.number("transA", 0) else a
    other, columns = (b[1], b[0]) if call.number("transB", 0) else b
    match(call, inner, other, operands=(0, 3), detail="the inner sizes")
    zero = call.input(8)
    return Tensor(FLOAT if zero is None else zero.dtype, (rows, columns))
