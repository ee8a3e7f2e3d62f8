"""Attention over heads, rotary embeddings, and the caches they read."""

from __future__ import annotations

from shapelint.ops.call import Call, CannotTell, Dim, Shape, Tensor
from shapelint.ops.legality import illegal, match, of_rank
from shapelint.ops.registry import operator
from shapelint.size import any_of, at_least, divides, equal


def _heads(call: Call, tensor: Tensor, heads: int, what: str) -> tuple[Dim, Dim, Dim, Dim] | None:
    """Batch, heads, sequence and head size of a 4-D operand, or of a 3-D one whose last axis packs the heads."""
    shape = tensor.shape
    if shape is None:
        return None
    if len(shape) == 4:
        return shape[0], shape[1], shape[2], shape[3]
    if len(shape) != 3:
        illegal(call, f"{what} has {len(shape)} axes where 3 or 4 are needed")
    if heads < 1:
        illegal(call, f"{what} has 3 axes and the number of heads is not stated")
    return shape[0], heads, shape[1], _unpacked(call, shape[2], heads, what)


def _unpacked(call: Call, size: Dim, heads: int, what: str) -> Dim:
    if size is None:
        return None
    call.require("divides", divides(heads, size), size, heads, detail=f"the heads of {what}")
    return size // heads


@operator("Attention")
def attention(call: Call) -> list[Tensor]:
    """ONNX Attention-23/24/25: Y, the key and value caches with what is new, and the product of Q and K."""
    q, k, v = call.operand(0), call.operand(1), call.operand(2)
    q_heads, kv_heads = call.number("q_num_heads", 0), call.number("kv_num_heads", 0)
    query, key, value = (
        _heads(call, q, q_heads, "the query"),
        _heads(call, k, kv_heads, "the key"),
        _heads(call, v, kv_heads, "the value"),
    )
    if query is None or key is None or value is None:
        return [Tensor(q.dtype), Tensor(k.dtype), Tensor(v.dtype), Tensor(q.dtype)]
    batch = match(call, query[0], key[0], operands=(0, 1), detail="the batch")
    batch = match(call, batch, value[0], operands=(0, 2), detail="the batch")
    match(call, query[3], key[3], operands=(0, 1), detail="the size of a head")
    match(call, key[1], value[1], operands=(1, 2), detail="the heads")
    length = match(call, key[2], value[2], operands=(1, 2), detail="the sequence")
    if query[1] is not None and isinstance(key[1], int) and key[1] > 0:
        held = divides(key[1], query[1])
        call.require("divides", held, query[1], key[1], operands=(0, 1), detail="the heads of the query")
    total = length
    past = of_rank(call, call.input(4), 4, "the past key")
    if call.input(4) is not None:
        match(call, batch, None if past is None else past[0], operands=(0, 4), detail="the batch of the past key")
        total = None if past is None or past[2] is None or length is None else length + past[2]
        if past is not None:
            match(call, key[1], past[1], operands=(1, 4), detail="the heads of the past key")
            match(call, key[3], past[3], operands=(1, 4), detail="the head size of the past key")
    past_value = of_rank(call, call.input(5), 4, "the past value")
    if past_value is not None:
        match(call, batch, past_value[0], operands=(0, 5), detail="the batch of the past value")
        match(call, value[1], past_value[1], operands=(2, 5), detail="the heads of the past value")
        match(call, value[3], past_value[3], operands=(2, 5), detail="the head size of the past value")
        if past is not None:
            match(call, past[2], past_value[2], operands=(4, 5), detail="the past sequence")
    scores: Shape = (batch, query[1], query[2], total)
    _masked(call, call.input(3), scores)
    result: Shape = (batch, query[1], query[2], value[3])
    if q.shape is not None and len(q.shape) == 3:
        result = (batch, query[2], None if value[3] is None else value[3] * q_heads)
    return [
        Tensor(q.dtype, result),
        Tensor(k.dtype, (batch, key[1], total, key[3])),
        Tensor(v.dtype, (batch, value[1], total, value[3])),
        Tensor(q.dtype, scores),
    ]


def _masked(call: Call, mask: Tensor | None, scores: Shape) -> None:
    """State that the mask broadcasts to the scores; from opset 24 on its last axis may be shorter."""
    if mask is None or mask.shape is None:
        return
    ahead = 4 - len(mask.shape)
    if ahead < 0:
        illegal(call, f"the mask has {len(mask.shape)} axes where at most 4 are needed")
    for axis, size in enumerate(mask.shape, ahead):
        wanted = scores[axis]
        if size is None or wanted is None or size is wanted:
            continue
        same = equal(size, wanted)
        held = any_of((same, equal(size, 1)))
        if axis == 3 and call.version >= 24:
            held = any_of((held, at_least(wanted, size)))
        call.require("merge", held, wanted, size, axis=axis, operands=(-1, 3), detail="the mask")


@operator("RotaryEmbedding")
def rotary_embedding(call: Call) -> Tensor:
    """ONNX RotaryEmbedding-23: the shape stays; the cache has half of what is rotated of a head."""
    x, cos, sin, positions = call.operand(0), call.operand(1), call.operand(2), call.input(3)
    heads = call.number("num_heads", 0)
    found = _heads(call, x, heads, "the input")
    if found is None:
        return Tensor(x.dtype)
    batch, _, length, size = found
    rotated: Dim = call.number("rotary_embedding_dim", 0) or size
    for place, cache in ((1, cos), (2, sin)):
        if cache.shape is None:
            continue
        what = "the cosines" if place == 1 else "the sines"
        if positions is None:
            have = of_rank(call, cache, 3, what) or ()
            match(call, batch, have[0], operands=(0, place), detail=f"the batch of {what}")
            match(call, length, have[1], operands=(0, place), detail=f"the sequence of {what}")
        else:
            have = of_rank(call, cache, 2, what) or ()
        if rotated is not None and have[-1] is not None:
            match(call, rotated, have[-1] * 2, operands=(0, place), detail=f"twice {what}")
    if positions is not None and positions.shape is not None:
        place_of = of_rank(call, positions, 2, "the positions") or ()
        match(call, batch, place_of[0], operands=(0, 3), detail="the batch of the positions")
        match(call, length, place_of[1], operands=(0, 3), detail="the sequence of the positions")
    return Tensor(x.dtype, x.shape)


@operator("TensorScatter")
def tensor_scatter(call: Call) -> Tensor:
    """ONNX TensorScatter-24: the cache's shape; the update differs from it along `axis` only, and is no longer."""
    past, update = call.operand(0), call.operand(1)
    if past.shape is None or update.shape is None:
        return past.typed(past.dtype)
    rank = len(past.shape)
    if len(update.shape) != rank:
        illegal(call, f"the update has {len(update.shape)} axes and the cache {rank}")
    along = call.axis(call.number("axis", -2), rank)
    for axis, (most, size) in enumerate(zip(past.shape, update.shape, strict=True)):
        if most is None or size is None:
            continue
        if axis == along:
            call.require("limit", at_least(most, size), size, most, axis=axis, operands=(1, 0), detail="the cache")
        else:
            match(call, most, size, axis=axis, detail="the update")
    return Tensor(past.dtype, past.shape)


@operator("LinearAttention")
def linear_attention(call: Call) -> list[Tensor]:
    """ONNX LinearAttention-27: packed heads [B, T, H*d]; the state is [B, H_kv, d_k, d_v]."""
    q_heads, kv_heads = call.number("q_num_heads", 0), call.number("kv_num_heads", 0)
    if q_heads < 1 or kv_heads < 1:
        illegal(call, "`q_num_heads` and `kv_num_heads` are at least 1")
    if q_heads % kv_heads:
        illegal(call, f"`q_num_heads` is {q_heads}, no multiple of `kv_num_heads`, {kv_heads}")
    q, k, v, state = call.operand(0), call.operand(1), call.operand(2), call.input(3)
    for tensor, what in ((q, "the query"), (k, "the key"), (v, "the value")):
        of_rank(call, tensor, 3, what)
    query, key, value = (
        _heads(call, q, q_heads, "the query") or (None, q_heads, None, None),
        _heads(call, k, kv_heads, "the key") or (None, kv_heads, None, None),
        _heads(call, v, kv_heads, "the value") or (None, kv_heads, None, None),
    )
    batch = match(call, query[0], key[0], operands=(0, 1), detail="the batch")
    batch = match(call, batch, value[0], operands=(0, 2), detail="the batch")
    length = match(call, query[2], key[2], operands=(0, 1), detail="the sequence")
    length = match(call, length, value[2], operands=(0, 2), detail="the sequence")
    depth = match(call, query[3], key[3], operands=(0, 1), detail="the size of a head")
    wanted: Shape = (batch, kv_heads, depth, value[3])
    past = of_rank(call, state, 4, "the state")
    if past is not None:
        wanted = tuple([
            match(call, a, b, operands=(0, 3), detail="the state") for a, b in zip(wanted, past, strict=True)
        ])  # fmt: skip
    width = value[3]
    kept = None if state is None else state.dtype
    return [
        Tensor(q.dtype, (batch, length, None if width is None else width * q_heads)),
        Tensor(kept if state is not None else q.dtype, wanted),
    ]


@operator("MultiHeadAttention", domain="com.microsoft")
def multi_head_attention(call: Call) -> list[Tensor]:
    """onnxruntime MultiHeadAttention, where query, key and value are apart and there is no cache."""
    q, k, v, heads = call.operand(0), call.input(1), call.input(2), call.number("num_heads", 0)
    cached = any(call.input(place) is not None for place in range(6, len(call.inputs)))
    if k is None or v is None or cached or call.outputs > 1 or heads < 1:
        raise CannotTell("packed operands and caches are not followed")
    if q.shape is None or v.shape is None:
        return [Tensor(q.dtype)]
    if len(q.shape) != 3 or len(v.shape) != 3:
        raise CannotTell("packed operands are not followed")
    batch = match(call, q.shape[0], v.shape[0], operands=(0, 2), detail="the batch")
    if k.shape is not None and len(k.shape) == 3:
        match(call, k.shape[1], v.shape[1], operands=(1, 2), detail="the sequence")
        match(call, q.shape[2], k.shape[2], operands=(0, 1), detail="the hidden size")
    _unpacked(call, q.shape[2], heads, "the query")
    return [Tensor(q.dtype, (batch, q.shape[1], v.shape[2]))]
