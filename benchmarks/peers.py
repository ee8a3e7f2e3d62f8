"""What neighbouring tools say of one U-Net that takes multiples of 8, left free and at 225x225.

usage: python benchmarks/peers.py    (needs onnx, and onnxruntime with sympy)
"""

from __future__ import annotations

from pathlib import Path

import onnx

import shapelint

MODEL = Path(__file__).resolve().parents[1] / "fixtures" / "models" / "unet.onnx"


def dims(value: onnx.ValueInfoProto) -> list[int | str]:
    """A declared shape: numbers, names, and ? for nothing."""
    shape = value.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in shape]


def at(size: int) -> onnx.ModelProto:
    """The model with both spatial axes fixed, and nothing declared inside or of the outputs."""
    model = onnx.load(MODEL)
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size
        model.graph.output[0].type.tensor_type.shape.dim[axis].Clear()
    del model.graph.value_info[:]
    return model


def inferred(model: onnx.ModelProto, *, strict: bool) -> str:
    """What onnx.shape_inference says."""
    try:
        found = onnx.shape_inference.infer_shapes(model, strict_mode=strict, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        return "refuses: " + str(error).splitlines()[0][:160]
    return f"accepts, mask {dims(found.graph.output[0])}"


def symbolic(model: onnx.ModelProto, *, merge: bool) -> str:
    """What onnxruntime's SymbolicShapeInference says."""
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

    try:
        found = SymbolicShapeInference.infer_shapes(model, auto_merge=merge)
    except Exception as error:
        return f"refuses: {error}"
    return f"accepts, mask {dims(found.graph.output[0])}"


def main() -> None:
    print(f"onnx {onnx.__version__}")
    for name, model in (("free", onnx.load(MODEL)), ("224", at(224)), ("225", at(225))):
        for strict in (False, True):
            print(f"  onnx.shape_inference strict_mode={strict}, {name}: {inferred(model, strict=strict)}")
        for merge in (False, True):
            print(f"  SymbolicShapeInference auto_merge={merge}, {name}: {symbolic(model, merge=merge)}")
    sizes = shapelint.sizes(str(MODEL))
    print(f"shapelint: H {sizes['image'][2]}, W {sizes['image'][3]}; 225x225: {sizes.fits((1, 3, 225, 225))}")


if __name__ == "__main__":
    main()
