"""What other runtimes make of a node: the register of disagreements, as exact arithmetic.

Sizes are propagated by one arithmetic: the text of ONNX, or what a spec's framework does. Here stands who departs from
it, one module a runtime. Nothing here knows a file; `facts` asks at which sizes a departure happens.
"""

from shapelint.runtimes import keras, onnxruntime, openvino, shape_inference
from shapelint.runtimes.register import REGISTER, Answer, Cause, Departure, Runtime, Step, departures, runtimes_of
from shapelint.runtimes.steps import steps_of

__all__ = [
    "REGISTER",
    "Answer",
    "Cause",
    "Departure",
    "Runtime",
    "Step",
    "departures",
    "keras",
    "onnxruntime",
    "openvino",
    "runtimes_of",
    "shape_inference",
    "steps_of",
]
