"""ONNX files as graphs: structure only, read from the protobuf wire format without loading a weight.

    path --sift--> bytes without large payloads --wire--> records --lower--> Model --validate--> the same, or Unreadable

Invariants: nothing here imports `onnx` or `google.protobuf`; external data is never opened.
"""

from shapelint.source.onnx.read import read_model

__all__ = ["read_model"]
