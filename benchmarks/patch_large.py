"""How long a file of 1 GB with inline weights takes to patch, next to copying it, and how much memory.

python benchmarks/patch_large.py [--gigabytes 1] [--folder DIR]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ALONE = """
import sys
from dataclasses import replace

from shapelint.fixing.patch import GraphPatch
from shapelint.graph import Constant, Node
from shapelint.source.onnx import read_model
from shapelint.source.onnx.splice import write

def peak():
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith("VmHWM"))

before = peak()
model = read_model(sys.argv[1])
middle = model.graph.nodes[len(model.graph.nodes) // 2]
shape = Node("shape", "Shape", "", ("v0",), ("shape",), version=17)
patch = GraphPatch(
    {middle.path: replace(middle, attributes={**middle.attributes, "pads": (2, 2, 0, 0)})},
    {middle.path: (shape,)},
    {"k": Constant(7, (1,), (8,))},
)
write(sys.argv[1], patch, sys.argv[2])
print(before, peak())
"""
"""A process that only reads and patches (Linux); getrusage would tell the peak of the process it was forked from."""
WRITE = """
import pathlib, runpy, sys
runpy.run_path(sys.argv[1])["write_model"](pathlib.Path(sys.argv[2]), float(sys.argv[3]))
"""


def main() -> None:
    """Print the times and the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--folder", default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path, out = Path(folder) / "large.onnx", Path(folder) / "patched.onnx"
        maker = str(Path(__file__).with_name("read_large.py"))
        subprocess.run([sys.executable, "-c", WRITE, maker, str(path), str(options.gigabytes)], check=True)
        size = path.stat().st_size
        start = time.perf_counter()
        shutil.copyfile(path, Path(folder) / "copy.onnx")
        copied = time.perf_counter() - start
        start = time.perf_counter()
        command = [sys.executable, "-c", ALONE, str(path), str(out)]
        alone = subprocess.run(command, capture_output=True, text=True, check=True)
        patched = time.perf_counter() - start
        before, after = (int(part) / 1024 for part in alone.stdout.split())
        grown = out.stat().st_size - size
    print(f"file            {size / 1e9:.2f} GB, {grown:+d} bytes when patched")
    print(f"copied          {copied:.2f} s (shutil.copyfile, not synced)")
    print(f"patched         {patched:.2f} s (a whole process, synced to the disk)")
    print(f"peak memory     {after:.1f} MB ({before:.1f} MB after imports)")


if __name__ == "__main__":
    main()
