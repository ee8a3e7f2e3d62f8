"""Patched files in onnxruntime: do they load, run at 50 sizes each, and give the same bits where the model fitted?

usage: python benchmarks/run_patched.py [--zoo DIR] [--sizes 50] [--markdown FILE] [MODEL ...]

Needs onnxruntime and numpy. Weights that lie outside the files are replaced by small random ones. Graph optimizations
are off and one thread runs, so that the same node computes the same bits in both files. At every size the shapes that
onnxruntime returns are compared with those that shapelint gives for the patched file. "Fitted" leaves out the sizes
at which a model runs by stretching a one-pixel map, which `sizes` does not recommend.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

import shapelint
from shapelint.analysis import Analysis
from shapelint.fixing.onnx import candidates
from shapelint.fixing.onnx.output_padding import output_padding
from shapelint.fixing.onnx.study import Study
from shapelint.settings import Stated
from shapelint.source.onnx import read_model
from shapelint.source.onnx.splice import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts
    from shapelint.fixing.candidate import Candidate
    from shapelint.size import Symbol

ZOO: Final = Path(__file__).resolve().parents[2] / "shared" / "zoo"
KINDS: Final = ("pad_input", "output_size", "output_padding")
LARGEST: Final = 160
SEEDS: Final = 7


@dataclass
class Row:
    """What one patched file did."""

    model: str
    kind: str
    ran: int = 0
    sizes: int = 0
    compared: int = 0
    equal: int = 0
    shapes_right: int = 0
    problems: list[str] = field(default_factory=list)


def with_weights(path: Path, out: Path) -> None:
    """The model with small random numbers for the weights that are not in the file."""
    model = onnx.load(path, load_external_data=False)
    generator = np.random.default_rng(SEEDS)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            values = generator.normal(0, 0.1, tuple(tensor.dims))
            if "var" in tensor.name.lower():
                values = np.abs(values) + 0.5
            tensor.CopyFrom(numpy_helper.from_array(values.astype(dtype), tensor.name))
    onnx.save(model, out)


def session(path: Path) -> Any:
    """The file in onnxruntime, without optimizations, in one thread."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


_NUMPY: Final = {1: np.float32, 7: np.int64, 6: np.int32, 9: np.bool_, 11: np.float64, 10: np.float16}


def feed(facts: Facts, at: dict[Symbol, int]) -> dict[str, Any]:
    """Random inputs of these sizes."""
    generator = np.random.default_rng(SEEDS)
    found = {}
    for name, tensor in facts.inputs.tensors.items():
        shape = facts.shape_at(name, at)
        dtype = _NUMPY[tensor.dtype or 1]
        found[name] = np.asarray(generator.normal(0, 1, [dim or 1 for dim in shape or ()])).astype(dtype)
    return found


def sizes_to_try(facts: Facts, wanted: int) -> Iterator[dict[Symbol, int]]:
    """Sizes by symbol: 1, odd ones and even ones, of which about half fit on every axis where some do."""
    chooser = random.Random(SEEDS)
    spatial = [axis.symbol for axis in facts.inputs.axes if not axis.is_batch]
    batch = [axis.symbol for axis in facts.inputs.axes if axis.is_batch]
    for turn in range(wanted):
        at = dict.fromkeys(batch, 1)
        largest = LARGEST if len(dict.fromkeys(spatial)) < 3 else 40
        for symbol in spatial:
            sizes = facts.offered[symbol]
            fitting = [n for n in islice(sizes or (), largest) if n <= largest]
            if turn == 0:
                at[symbol] = 1
            elif turn % 2 and fitting:
                at[symbol] = chooser.choice(fitting)
            else:
                at[symbol] = chooser.randint(1, largest)
        yield at


def fitting_sizes(facts: Facts, wanted: int) -> Iterator[dict[Symbol, int]]:
    """Sizes that are promised to fit."""
    chooser = random.Random(SEEDS)
    columns = {
        symbol: [n for n in islice(sizes, LARGEST) if n <= 4 * LARGEST]
        for symbol, sizes in facts.offered.items()
        if sizes is not None
    }
    batch = {axis.symbol for axis in facts.inputs.axes if axis.is_batch}
    for _ in range(wanted):
        yield {symbol: 1 if symbol in batch else chooser.choice(column[:40]) for symbol, column in columns.items()}


def run(path: Path, kind: str, candidate: Candidate, folder: Path, wanted: int, facts: Facts) -> Row:
    """Write the patched file and run it."""
    row = Row(path.stem, kind)
    out = folder / f"{path.stem}.{kind}.onnx"
    write(path, candidate.patch, out)  # type: ignore[arg-type]
    onnx.checker.check_model(str(out))
    before, after = session(path), session(out)
    patched = Analysis(read_model(out)).facts
    same = {symbol.name: symbol for symbol in facts.inputs.symbols}
    trials = fitting_sizes(patched, wanted) if kind == "output_padding" else sizes_to_try(facts, wanted)
    for at in trials:
        by_name = {symbol.name: n for symbol, n in at.items()}
        own = {symbol: by_name[symbol.name] for symbol in patched.inputs.symbols}
        old = {same[name]: n for name, n in by_name.items()}
        if not patched.suits(own):
            if kind != "output_padding" and patched.runs_at(own):
                continue
            if patched.runs_at(own) is False and kind == "output_size":
                continue  # sizes that the patched model is not said to take
        row.sizes += 1
        inputs = feed(patched, own)
        names = [output.name for output in after.get_outputs()]
        try:
            results = after.run(names, inputs)
        except Exception as error:
            row.problems.append(f"{by_name}: {str(error)[:160]}")
            continue
        row.ran += 1
        shapes = [patched.shape_at(name, own) for name in names]
        row.shapes_right += all(
            shape is None or list(result.shape) == shape for result, shape in zip(results, shapes, strict=True)
        )
        if (
            kind != "output_padding"
            and facts.suits(old)
            and all(n in (facts.offered[symbol] or ()) for symbol, n in old.items())
        ):
            row.compared += 1
            wholes = before.run(names, inputs)
            row.equal += all(
                a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in zip(wholes, results, strict=True)
            )
    return row


def padding_for(path: Path, facts: Facts) -> Candidate | None:
    """The output_padding for the first odd sizes at which the model fails, or returns another size than it gets."""
    model = read_model(path)
    for n in range(33, 96):
        dims: dict[str | None, tuple[int | str | None, ...]] = {}
        for declared in model.graph.inputs:
            free = {axis.axis for axis in facts.inputs.axes if axis.input == declared.name and not axis.is_batch}
            dims[declared.name] = tuple([n if place in free else None for place in range(len(declared.dims or ()))])
        analysis = Analysis(model, Stated(inputs=dims), str(path))
        found = next(output_padding(Study(analysis, next(iter(analysis.failures), None))), None)
        if found is not None:
            return found
    return None


def rows_of(path: Path, folder: Path, wanted: int) -> Iterator[Row]:
    """One row for every kind that the model has."""
    weighted = folder / path.name
    with_weights(path, weighted)
    analysis = Analysis(read_model(weighted))
    facts = analysis.facts
    made = {candidate.kind: candidate for candidate in candidates(analysis, None) if candidate.patch is not None}
    padding = padding_for(weighted, facts)
    if padding is not None:
        made["output_padding"] = padding
    for kind in KINDS:
        if kind in made:
            row = run(weighted, kind, made[kind], folder, wanted, facts)
            if row.sizes:
                yield row


def main() -> None:
    """Print a table; exit 1 where something did not run or differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--sizes", type=int, default=50)
    parser.add_argument("--markdown", type=Path, default=None)
    parser.add_argument("models", nargs="*", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in options.models or sorted(options.zoo.glob("*.onnx")):
            for row in rows_of(path, Path(folder), options.sizes):
                rows.append(row)
                print(
                    f"{row.model:28s} {row.kind:14s} ran {row.ran}/{row.sizes}  shapes {row.shapes_right}/{row.ran}"
                    f"  same bits {row.equal}/{row.compared}",
                    *row.problems[:2],
                    flush=True,
                )
    lines = [
        "| network | kind | ran | shapes as foretold | same bits where it fitted |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        bits = f"{row.equal} of {row.compared}" if row.kind != "output_padding" else ""
        lines.append(
            f"| {row.model} | {row.kind} | {row.ran} of {row.sizes} | {row.shapes_right} of {row.ran} | {bits} |"
        )
    for kind in KINDS:
        own = [row for row in rows if row.kind == kind]
        sums = [
            sum(getattr(row, name) for row in own) for name in ("ran", "sizes", "shapes_right", "equal", "compared")
        ]
        print(f"{kind}: {len(own)} networks, ran {sums[0]}/{sums[1]}, shapes {sums[2]}, same bits {sums[3]}/{sums[4]}")
    print(
        f"{len({row.model for row in rows})} networks; onnxruntime {onnxruntime.__version__}, shapelint {shapelint.__version__}"
    )
    if options.markdown is not None:
        options.markdown.write_text("\n".join(lines) + "\n")
    if any(row.ran < row.sizes or row.shapes_right < row.ran or row.equal < row.compared for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
