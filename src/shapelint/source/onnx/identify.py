"""What a file is that is not an ONNX model, judged by its content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.source.errors import Flaw

if TYPE_CHECKING:
    from shapelint.source.errors import Rule

HEAD = 65_536
"""Bytes of a file's start, and of its end, that are looked at."""

_EXPORT = "export the model with `torch.onnx.export` and name the .onnx file"
_TF = "convert it with tf2onnx and name the .onnx file"
_AGAIN = "fetch or export the file again"
_BINARY = "save it with `onnx.save(model, path)` in the binary form"


def identify(head: bytes, tail: bytes, size: int) -> tuple[Rule, Flaw] | None:
    """What the file is by its first and last bytes; None where nothing is recognised."""
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return "git-lfs-pointer", Flaw(
            "the file is a Git LFS pointer, not the model that it points to", "run `git lfs pull`"
        )
    flaw = _foreign(head, tail, size)
    return ("unreadable-file", flaw) if flaw else None


def _foreign(head: bytes, tail: bytes, size: int) -> Flaw | None:
    if size == 0:
        return Flaw("the file is empty", _AGAIN)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if b"data.pkl" in head or b"data.pkl" in tail:
            return Flaw("the file is a PyTorch checkpoint, not an ONNX model", _EXPORT)
        if b"model.weights.h5" in tail:
            return Flaw("the file is a Keras model, not an ONNX model", _TF)
        return Flaw("the file is a zip archive, not an ONNX model", "unpack it and name the .onnx file in it")
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return Flaw("the file is a Python pickle, as old PyTorch checkpoints are, not an ONNX model", _EXPORT)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Flaw("the file is HDF5, as Keras writes it, not an ONNX model", _TF)
    if head[4:8] == b"TFL3":
        return Flaw("the file is a TensorFlow Lite model, not an ONNX model", "convert it with tf2onnx (--tflite)")
    if head[4:8] == b"ORTM":
        return Flaw("the file is in ONNX Runtime's own format, not an ONNX model", "name the .onnx file it came from")
    if len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8:
        return Flaw("the file is safetensors: weights without a graph", _EXPORT)
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return Flaw("the file is compressed", "unpack it and name the .onnx file in it")
    if head.startswith(b"\x93NUMPY"):
        return Flaw("the file is a NumPy array, not an ONNX model", "name the .onnx file")
    if head.startswith(b"\x08\x01\x12") and (b"serve" in head or b"saved_model" in head or b"tensorflow" in head):
        return Flaw("the file is a TensorFlow SavedModel, not an ONNX model", _TF)
    if head.startswith(b"\x0a") and (b"Placeholder" in head or b"\x12\x05Const" in head):
        return Flaw("the file is a TensorFlow graph, not an ONNX model", _TF)
    return _text(head)


def _text(head: bytes) -> Flaw | None:
    """What the file is if it is text."""
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head[:2048]):
        return None
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("{"):
        if '"irVersion"' in text or '"opsetImport"' in text or '"graph"' in text:
            return Flaw("the file is an ONNX model in JSON; only the binary form is read", _BINARY)
        return Flaw("the file is JSON, not an ONNX model", "name the .onnx file")
    if text[:15].lower().startswith(("<!doctype html", "<html")):
        return Flaw("the file is a web page, perhaps a download that failed", _AGAIN)
    if "ir_version" in text[:2000]:
        return Flaw("the file is an ONNX model as text; only the binary form is read", _BINARY)
    remedy = "name the .onnx file, or add the line `shapelint: 1` if it is meant as a spec"
    return Flaw("the file is text, neither an ONNX model nor a spec", remedy)
