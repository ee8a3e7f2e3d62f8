"""Patched files in onnxruntime: do they load, run at 50 sizes each, and give the same bits where the model fitted?

usage: python benchmarks/run_patched.py [--zoo DIR] [--sizes 50] [--markdown FILE] [MODEL ...]

Needs onnxruntime and numpy. Weights of convolutions and those outside the files are replaced by small random ones (of
zeros, equal bits would say nothing). Graph optimizations
are off and one thread runs, so that the same node computes the same bits in both files. At every size the shapes that
onnxruntime returns are compared with those that shapelint gives for the patched file.

- pad_input: any size from 1 on. Where the size did not fit, the result is also compared with the original model's at
  the size that `facts.plan` says, padded and cropped by numpy.
- output_size: sizes that the patched model is said to take, which are more than before.
- output_padding: the patch for the smallest size from 33 on at which the model fails, or does not return the size
  that it gets; any size that the patched model is said to take.

"Fitted" leaves out the sizes at which a model runs by stretching a one-pixel map, which `sizes` does not recommend;
where an output_size is for the sake of an output, a size fits at which the output is as large as the input.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from shapelint.analysis import Analysis
from shapelint.facts.plan import plan
from shapelint.fixing.onnx import candidates
from shapelint.fixing.onnx.output_padding import output_padding
from shapelint.fixing.onnx.study import Study
from shapelint.fixing.patch import GraphPatch
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
_WORDS: Final = ("model", "kind", "problems")


@dataclass
class Row:
    """What one patched file did."""

    model: str
    kind: str
    sizes: int = 0
    ran: int = 0
    foretold: int = 0
    """Runs whose shapes are those that shapelint gives."""
    fitted: int = 0
    equal: int = 0
    """Sizes that fitted before with the same bits."""
    planned: int = 0
    as_planned: int = 0
    dead: int = 0
    """Runs whose results are not all finite, or all one number: equal bits would say nothing."""
    problems: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether nothing went wrong."""
        return (self.sizes, self.ran, self.fitted, self.planned) == (
            self.ran,
            self.foretold,
            self.equal,
            self.as_planned,
        )


def with_weights(path: Path, out: Path) -> None:
    """The model with small random numbers for the weights that are not in the file, and for those of its windows."""
    model = onnx.load(path, load_external_data=False)
    generator = np.random.default_rng(SEEDS)
    for tensor in model.graph.initializer:
        is_window = tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 2
        if is_window or tensor.data_location == onnx.TensorProto.EXTERNAL:
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
    found: dict[str, Any] = {}
    for name, tensor in facts.inputs.tensors.items():
        shape = facts.shape_at(name, at)
        dtype = _NUMPY[tensor.dtype or 1]
        found[name] = np.asarray(generator.normal(0, 1, [dim or 1 for dim in shape or ()])).astype(dtype)
    return found


def trials(facts: Facts, patched: Facts, kind: str) -> Iterator[dict[str, int]]:
    """Sizes by label: 1 first, then odd and even ones, every other one of those that fit the original."""
    chooser = random.Random(SEEDS)
    batch = {axis.symbol for axis in facts.inputs.axes if axis.is_batch}
    largest = LARGEST if len(facts.inputs.symbols) - len(batch) < 3 else 40
    for turn in count():
        at: dict[str, int] = {}
        for symbol in facts.inputs.symbols:
            promised = patched.offered[next(each for each in patched.inputs.symbols if each.name == symbol.name)]
            liked = promised if kind == "output_padding" else facts.offered[symbol]
            fitting = [n for n in islice(liked or (), largest) if n <= 4 * largest][:largest]
            if symbol in batch or turn == 0:
                at[symbol.name] = 1
            elif fitting and (turn % 2 or kind == "output_padding"):
                at[symbol.name] = chooser.choice(fitting[: largest // 2])
            else:
                at[symbol.name] = chooser.randint(1, largest)
        yield at


def named(facts: Facts, at: dict[str, int]) -> dict[Symbol, int]:
    """Sizes by the symbols of these facts."""
    return {symbol: at[symbol.name] for symbol in facts.inputs.symbols}


def run(path: Path, kind: str, candidate: Candidate, folder: Path, wanted: int, facts: Facts) -> Row:
    """Write the patched file and run it."""
    row = Row(path.stem, kind)
    out = folder / f"{path.stem}.{kind}.onnx"
    assert isinstance(candidate.patch, GraphPatch)
    write(path, candidate.patch, out)
    onnx.checker.check_model(str(out))
    patched = Analysis(read_model(out)).facts
    sets = [{symbol.name: sizes for symbol, sizes in each.runs.items()} for each in (facts, patched)]
    equals = [[axis.equal for axis in each.outputs] for each in (facts, patched)]
    if kind == "output_size" and sets[0] == sets[1] and equals[0] == equals[1]:
        return row  # it mends nothing, and the menu does not offer it
    before, after = session(path), session(out)
    names = [output.name for output in after.get_outputs()]
    for at in trials(facts, patched, kind):
        if row.sizes == wanted:
            break
        if kind != "pad_input" and not patched.suits(named(patched, at)):
            continue
        row.sizes += 1
        inputs = feed(patched, named(patched, at))
        try:
            results = after.run(names, inputs)
        except Exception as error:
            row.problems.append(f"{at}: {str(error)[:160]}")
            continue
        row.ran += 1
        row.dead += any(not np.isfinite(each).all() or (each.size > 1 and np.ptp(each) == 0) for each in results)
        shapes = [patched.shape_at(name, named(patched, at)) for name in names]
        row.foretold += all(list(each.shape) == shape for each, shape in zip(results, shapes, strict=True))
        if kind == "output_padding":
            continue
        if _fitted(facts, named(facts, at), candidate):
            row.fitted += 1
            row.equal += _same(before.run(names, inputs), results)
        elif kind == "pad_input" and not facts.runs_at(named(facts, at)):
            found = _planned(facts, named(facts, at), before, names, inputs)
            if found is not None:
                row.planned += 1
                row.as_planned += _same(found, results)
    return row


def _fitted(facts: Facts, at: dict[Symbol, int], candidate: Candidate) -> bool:
    """Whether these sizes fit the original."""
    if not facts.suits(at) or any(n not in (facts.offered[symbol] or ()) for symbol, n in at.items()):
        return False
    if candidate.kind != "output_size" or candidate.safe:
        return True
    return all(each.equal is None or at[each.follows.symbol] in each.equal for each in facts.outputs)


def _same(left: list[Any], right: list[Any]) -> bool:
    return all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in zip(left, right, strict=True))


def _planned(facts: Facts, at: dict[Symbol, int], session: Any, names: list[str], inputs: Any) -> list[Any] | None:
    """What the original gives for inputs that numpy pads and outputs that numpy crops; None where nothing is planned.

    An axis that fits alone stays as it is: only sizes that `plan` does not reach on every axis are left out.
    """
    found = plan(facts, at)
    if found is None or any(crop is None for crop in found.crop.values()):
        return None
    padded = {}
    for name, value in inputs.items():
        widths = [found.pad.get(name, {}).get(axis, (0, 0)) for axis in range(value.ndim)]
        padded[name] = np.pad(value, widths)
    results = []
    for name, value in zip(names, session.run(names, padded), strict=True):
        crop = found.crop[name] or {}
        results.append(value[tuple([slice(*crop.get(axis, (None, None))) for axis in range(value.ndim)])])
    return results


def padding_for(path: Path, facts: Facts) -> Candidate | None:
    """The output_padding for the first size at which the model fails, or returns another size than it gets."""
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
                    f"{row.model:28s} {row.kind:14s} ran {row.ran}/{row.sizes}  shapes {row.foretold}/{row.ran}"
                    f"  same bits {row.equal}/{row.fitted}  as planned {row.as_planned}/{row.planned}  dead {row.dead}",
                    *row.problems[:2],
                    flush=True,
                )
    lines = [
        "| network | kind | ran | shapes as foretold | same bits where it fitted | as numpy pads and crops |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        bits = f"{row.equal} of {row.fitted}" if row.fitted else ""
        planned = f"{row.as_planned} of {row.planned}" if row.planned else ""
        ran = f"{row.ran} of {row.sizes} | {row.foretold} of {row.ran}"
        lines.append(f"| {row.model} | {row.kind} | {ran} | {bits} | {planned} |")
    lines.append("")
    for kind in KINDS:
        own = [row for row in rows if row.kind == kind]
        total = {name: sum(getattr(row, name) for row in own) for name in vars(Row("", "")) if name not in _WORDS}
        lines.append(
            f"- `{kind}`: {len(own)} networks; ran {total['ran']:,} of {total['sizes']:,}; shapes as foretold"
            f" {total['foretold']:,}; same bits {total['equal']:,} of {total['fitted']:,}; as numpy pads and crops"
            f" {total['as_planned']:,} of {total['planned']:,}; results not finite or all one number {total['dead']:,}"
        )
    lines.append(
        f"- {len({row.model for row in rows})} networks; onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}"
    )
    print("\n".join(lines[-4:]))
    if options.markdown is not None:
        options.markdown.write_text("\n".join(lines) + "\n")
    if not all(row.is_right for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
