"""Operators on regions, text and images, and those whose results data decides."""

from __future__ import annotations

from shapelint.ops.broadcast import broadcast
from shapelint.ops.call import FLOAT, INT64, STRING, UINT8, Call, Dim, Tensor
from shapelint.ops.legality import illegal, match, of_rank
from shapelint.ops.registry import operator


@operator("NonMaxSuppression")
def non_max_suppression(call: Call) -> Tensor:
    """ONNX NonMaxSuppression-10/11: [selected, 3]; boxes are [batches, boxes, 4], scores [batches, classes, boxes]."""
    boxes = of_rank(call, call.operand(0), 3, "the boxes")
    scores = of_rank(call, call.operand(1), 3, "the scores")
    if boxes is not None:
        match(call, boxes[2], 4, operands=(0, -1), detail="the corners of a box")
        if scores is not None:
            match(call, boxes[0], scores[0], detail="the batch")
            match(call, boxes[1], scores[2], detail="the boxes and their scores")
    return Tensor(INT64, (call.opaque("selected boxes"), 3))


@operator("RoiAlign")
def roi_align(call: Call) -> Tensor:
    """ONNX RoiAlign-10/16/22: [regions, channels, output_height, output_width]."""
    x = call.operand(0)
    features = of_rank(call, x, 4, "the input")
    regions = of_rank(call, call.operand(1), 2, "the regions")
    batches = of_rank(call, call.operand(2), 1, "the regions' batches")
    count: Dim = None
    if regions is not None:
        count = match(call, regions[0], None if batches is None else batches[0], operands=(1, 2), detail="the regions")
        match(call, regions[1], 4, operands=(1, -1), detail="the corners of a region")
    elif batches is not None:
        count = batches[0]
    channels = None if features is None else features[1]
    return Tensor(x.dtype, (count, channels, call.number("output_height", 1), call.number("output_width", 1)))


@operator("MaxRoiPool")
def max_roi_pool(call: Call) -> Tensor:
    """ONNX MaxRoiPool-1/22: [regions, channels, *pooled_shape]."""
    x = call.operand(0)
    features = of_rank(call, x, 4, "the input")
    regions = of_rank(call, call.operand(1), 2, "the regions")
    pooled = call.numbers("pooled_shape")
    if pooled is None or len(pooled) != 2:
        illegal(call, f"`pooled_shape` has {len(pooled or ())} numbers where 2 are needed")
    if regions is not None:
        match(call, regions[1], 5, operands=(1, -1), detail="the batch and corners of a region")
    count = None if regions is None else regions[0]
    return Tensor(x.dtype, (count, None if features is None else features[1], *pooled))


@operator("TfIdfVectorizer")
def tf_idf_vectorizer(call: Call) -> Tensor:
    """ONNX TfIdfVectorizer-9: [C] or [N, C] -> [.., max(ngram_indexes) + 1]."""
    x, indexes = call.operand(0), call.numbers("ngram_indexes")
    if not indexes:
        illegal(call, "`ngram_indexes` is missing")
    if x.shape is None:
        return Tensor(FLOAT)
    if len(x.shape) not in (1, 2):
        illegal(call, f"the input has {len(x.shape)} axes where 1 or 2 are needed")
    return Tensor(FLOAT, (*x.shape[:-1], max(indexes) + 1))


@operator("StringNormalizer")
def string_normalizer(call: Call) -> Tensor:
    """ONNX StringNormalizer-10: [C] or [1, C]; data decides how many words are left where stop words are named."""
    shape = call.operand(0).shape
    if shape is None:
        return Tensor(STRING)
    if len(shape) not in (1, 2):
        illegal(call, f"the input has {len(shape)} axes where 1 or 2 are needed")
    if len(shape) == 2:
        match(call, shape[0], 1, operands=(0, -1), detail="the first axis")
    if call.numbers("stopwords"):
        return Tensor(STRING, (*shape[:-1], call.opaque("words left")))
    return Tensor(STRING, shape)


@operator("StringConcat")
def string_concat(call: Call) -> Tensor:
    """ONNX StringConcat-20."""
    return Tensor(STRING, broadcast(call, (call.operand(0).shape, call.operand(1).shape)))


@operator("StringSplit")
def string_split(call: Call) -> list[Tensor]:
    """ONNX StringSplit-20: a new last axis as long as the most pieces, and how many each string has."""
    shape = call.operand(0).shape
    if shape is None:
        return [Tensor(STRING), Tensor(INT64)]
    return [Tensor(STRING, (*shape, call.opaque("pieces"))), Tensor(INT64, shape)]


@operator("ImageDecoder")
def image_decoder(call: Call) -> Tensor:
    """ONNX ImageDecoder-20: [height, width, channels] with 3 channels, or 1 of a grey image."""
    channels = 1 if call.text("pixel_format", "RGB") == "Grayscale" else 3
    return Tensor(UINT8, (call.opaque("height"), call.opaque("width"), channels))
