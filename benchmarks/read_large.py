"""How long a file of 1 GB with inline weights takes to read, next to onnx.load, and how much memory.

python benchmarks/read_large.py [--gigabytes 1] [--folder DIR]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS_A_GIGABYTE = 107
ALONE = """
import sys
import shapelint.source.onnx

def peak():
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith("VmHWM"))

before = peak()
model = shapelint.source.onnx.read_model(sys.argv[1])
print(before, peak())
"""
"""A process that only reads (Linux); getrusage would tell the peak of the process that it was forked from."""
WRITE = """
import pathlib, runpy, sys
runpy.run_path(sys.argv[1])["write_model"](pathlib.Path(sys.argv[2]), float(sys.argv[3]))
"""


def write_model(path: Path, gigabytes: float) -> None:
    """A chain of convolutions, each with 9 MiB of weights in the file."""
    from onnx import TensorProto, helper

    layers = max(1, round(LAYERS_A_GIGABYTE * gigabytes))
    channels, kernel = 512, 3
    weights = bytes(channels * channels * kernel * kernel * 4)
    nodes, tensors = [], []
    for index in range(layers):
        tensor = TensorProto(name=f"w{index}", data_type=TensorProto.FLOAT, dims=[channels, channels, kernel, kernel])
        tensor.raw_data = weights
        tensors.append(tensor)
        names = [f"v{index}", f"w{index}"]
        nodes.append(helper.make_node("Conv", names, [f"v{index + 1}"], f"conv{index}", pads=[1] * 4))
    shape: list[int | str | None] = ["N", channels, "H", "W"]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("v0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(f"v{layers}", TensorProto.FLOAT, shape)],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())


def measure(call: Callable[[], Any]) -> float:
    """Median seconds of three calls."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
        del result
    return median(times)


def main() -> None:
    """Print the ratio and the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--folder", default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "large.onnx"
        subprocess.run([sys.executable, "-c", WRITE, __file__, str(path), str(options.gigabytes)], check=True)
        size = path.stat().st_size

        import onnx

        from shapelint.source.onnx import read_model

        read_model(path)
        ours = measure(lambda: read_model(path))
        theirs = measure(lambda: onnx.load(path))
        alone = subprocess.run([sys.executable, "-c", ALONE, str(path)], capture_output=True, text=True, check=True)
        before, after = (int(part) / 1024 for part in alone.stdout.split())
    lines = [
        f"file            {size / 1e9:.2f} GB",
        f"onnx.load       {theirs * 1e3:.0f} ms",
        f"read_model      {ours * 1e3:.2f} ms",
        f"ratio           {theirs / ours:.0f}",
        f"peak memory     {after:.1f} MB ({before:.1f} MB after imports)",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
