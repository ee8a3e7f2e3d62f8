"""Read, propagate, all size sets of all axes: each timed apart, next to two peers in the same run.

usage: python benchmarks/engine.py [--symbolic] FILE_OR_FOLDER ...

Prints one line a model and the geometric means of the ratios. Peers: `onnx.shape_inference.infer_shapes` with
strict_mode and data_prop (C++), and with --symbolic onnxruntime's `SymbolicShapeInference` (Python and sympy; at most
120 seconds a model; needs onnxruntime and sympy).
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from shapelint.analysis import Analysis
from shapelint.source import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapelint.graph import Model

RUNS = 7
SYMBOLIC_SECONDS = 120


def best(function: Callable[..., object], *arguments: object) -> float:
    """The shortest time of several runs, in seconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def all_sets(model: Model) -> object:
    """Propagate, then the sets of all axes."""
    return Analysis(model).facts.runs


def infer(model: onnx.ModelProto) -> None:
    """What the C++ peer does; a model that it refuses is refused after the same work."""
    try:
        onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError:
        return


def symbolic_seconds(path: Path) -> float | None:
    """How long onnxruntime's symbolic shape inference takes; None where it fails or takes too long."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    worker = context.Process(target=_symbolic, args=(str(path.absolute()), queue))
    worker.start()
    worker.join(SYMBOLIC_SECONDS)
    if worker.is_alive():
        worker.kill()
        worker.join()
        return None
    return queue.get() if not queue.empty() else None


def _symbolic(path: str, queue: multiprocessing.Queue[float]) -> None:
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

    model = onnx.load(path, load_external_data=False)
    os.chdir(tempfile.mkdtemp())  # it leaves files behind where it fails
    start = time.perf_counter()
    SymbolicShapeInference.infer_shapes(model, auto_merge=True)
    queue.put(time.perf_counter() - start)


def mean(ratios: list[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--symbolic", action="store_true")
    options = parser.parse_args()
    files = [file for path in options.paths for file in (sorted(path.rglob("*.onnx")) if path.is_dir() else [path])]
    against: list[float] = []
    against_symbolic: list[float] = []
    print(f"{'model':32} {'nodes':>6} {'read':>8} {'shapes':>8} {'sets':>8} {'infer':>8} {'ratio':>6}  ms")
    for file in files:
        proto = onnx.load(file, load_external_data=False)
        read = best(load, file)
        model = load(file)
        shapes = best(Analysis, model)
        both = best(all_sets, model)
        peer = best(infer, proto)
        ratio = both / peer
        against.append(ratio)
        line = (
            f"{file.stem:32} {len(model.graph.nodes):6} {read * 1e3:8.2f} {shapes * 1e3:8.2f} "
            f"{max(both - shapes, 0) * 1e3:8.2f} {peer * 1e3:8.2f} {ratio:6.1f}"
        )
        if options.symbolic:
            seconds = symbolic_seconds(file)
            if seconds is not None:
                against_symbolic.append(seconds / both)
                line += f"  symbolic {seconds * 1e3:.0f} ms, {seconds / both:.0f} times"
            else:
                line += "  symbolic: failed or timed out"
        print(line, flush=True)
    print(f"shapes and sets against infer_shapes: mean {mean(against):.1f}, most {max(against):.1f}")
    if against_symbolic:
        print(f"SymbolicShapeInference against shapes and sets: {mean(against_symbolic):.0f} times")


if __name__ == "__main__":
    main()
