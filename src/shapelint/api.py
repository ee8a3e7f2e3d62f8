"""The Python interface: the same answers as the command line, as values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from shapelint.analysis import Analysis, StatedWrong
from shapelint.engine import Configs, FileReport, RunError, RunReport, check_source, discover, shown
from shapelint.facts.plan import plan
from shapelint.registry import validate_selection
from shapelint.settings import Settings, Stated, StatedDims, Where
from shapelint.size import Expr, SizeSet
from shapelint.size.parse import parse_domain
from shapelint.size.text import write_condition
from shapelint.source import Spec, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapelint.finding import Finding
    from shapelint.propagate import Unknown
    from shapelint.size import Symbol

Source: TypeAlias = "str | os.PathLike[str] | bytes | Any"
"""A path, the bytes of a file, an `onnx.ModelProto`, or `shapelint.spec(text)`."""
Dims: TypeAlias = "Sequence[int | str | None]"
Inputs: TypeAlias = "Mapping[str, Dims] | Dims | None"
"""Dims by input; bare dims where there is one input. Numbers pin an axis, names leave it free, None as declared."""


class DoesNotFit(ValueError):
    """A model cannot run at the sizes given; `finding` says where and why."""

    def __init__(self, found: Finding) -> None:
        super().__init__(found.message)
        self.finding = found


class NoSizeFits(ValueError):
    """No size at or above the one given fits, so there is nothing to pad to."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found."""

    run: RunReport
    fail_on: str

    @property
    def findings(self) -> list[Finding]:
        """The findings, in order."""
        return self.run.findings

    @property
    def exit_code(self) -> int:
        """What the command line would exit with."""
        return self.run.exit_code(self.fail_on)

    def to_json(self) -> dict[str, Any]:
        """The report as `check --format json` prints it."""
        from shapelint.report.check_json import check_json

        return check_json(self.run)


@dataclass(frozen=True, slots=True)
class Padding:
    """What to pad every input by, and what to keep of every output.

    `pad["x"]` has a (before, after) for every axis, for `numpy.pad`; `crop["y"]` a slice for every axis, to index
    with, or None where the origin of the output is not known.
    """

    pad: Mapping[str, tuple[tuple[int, int], ...]]
    crop: Mapping[str, tuple[slice, ...] | None]


class Sizes(Mapping[str, Mapping[int, "SizeSet | None"]]):
    """By input and axis the sizes that fit; None where an unknown operator leaves it open."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        found: dict[str, dict[int, SizeSet | None]] = {name: {} for name in analysis.inputs.tensors}
        for axis in analysis.inputs.axes:
            found[axis.input][axis.axis] = analysis.facts.runs[axis.symbol]
        self._sets = found

    def __getitem__(self, name: str) -> Mapping[int, SizeSet | None]:
        return self._sets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    def __len__(self) -> int:
        return len(self._sets)

    def __repr__(self) -> str:
        return f"Sizes({self._analysis.file!r}, {self.verdict!r})"

    @property
    def verdict(self) -> str:
        """`fits`, `restricted`, `never` or `unknown`."""
        return self._analysis.facts.verdict

    @property
    def coupled(self) -> list[str]:
        """The conditions that couple axes, as expressions in their symbols."""
        return [write_condition(condition, ceil=False) for condition in self._analysis.facts.solution.coupled]

    @property
    def unknown(self) -> list[Unknown]:
        """The nodes of which it is not known which sizes they refuse."""
        return self._analysis.facts.unknowns

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The axes of outputs that follow an axis of an input, as `sizes --format json` prints them."""
        found: list[dict[str, Any]] = self.to_json()["outputs"]
        return found

    def fits(self, inputs: Mapping[str, Sequence[int]] | Sequence[int]) -> bool | None:
        """Whether the model fits at these shapes, all axes together; None where something is unknown.

        Shapes are whole ones, in the order of the file. Raises ValueError for an input that does not exist.
        """
        symbols = self._symbols(inputs)
        if self._contradicts(inputs):
            return False
        if self._parts_axes(inputs, symbols):
            stated = Stated(self._by_name(inputs))
            return Analysis(self._analysis.model, stated, self._analysis.file).runs
        return self._analysis.at(symbols).runs

    def plan(self, inputs: Mapping[str, Sequence[int]] | Sequence[int]) -> Padding:
        """What to pad and crop so that these shapes fit; raises NoSizeFits where padding does not help."""
        facts = self._analysis.facts
        found = plan(facts, self._symbols(inputs))
        if found is None or self._contradicts(inputs):
            raise NoSizeFits("no larger size is known to fit")
        pads = {
            name: tuple([found.pad.get(name, {}).get(axis, (0, 0)) for axis in range(len(tensor.shape))])
            for name, tensor in facts.inputs.tensors.items()
            if tensor.shape is not None
        }
        crops: dict[str, tuple[slice, ...] | None] = {}
        for name, spans in found.crop.items():
            tensor = facts.shapes.tensors[name]
            if spans is None or tensor.shape is None:
                crops[name] = None
                continue
            crops[name] = tuple(
                [slice(*spans[axis]) if axis in spans else slice(None) for axis in range(len(tensor.shape))]
            )
        return Padding(pads, crops)

    def to_json(self) -> dict[str, Any]:
        """The answer as `sizes --format json` prints it."""
        from shapelint.report.sizes_json import sizes_json

        return sizes_json(self._analysis, [])

    def _by_name(self, inputs: Mapping[str, Sequence[int]] | Sequence[int]) -> dict[str | None, StatedDims]:
        given = _by_input(inputs)
        return {next(iter(self._sets)): given[None]} if None in given and len(self._sets) == 1 else given

    def _contradicts(self, inputs: Mapping[str, Sequence[int]] | Sequence[int]) -> bool:
        """Whether a size given is another than a fixed one."""
        for name, dims in self._by_name(inputs).items():
            shape = self._analysis.inputs.tensors[name or ""].shape or ()
            if any(isinstance(fixed, int) and fixed != dim for fixed, dim in zip(shape, dims, strict=False)):
                return True
        return False

    def _parts_axes(self, inputs: Mapping[str, Sequence[int]] | Sequence[int], at: Mapping[Symbol, int]) -> bool:
        """Whether two axes that the file gives one name are given different sizes."""
        given = self._by_name(inputs)
        axes = [axis for axis in self._analysis.inputs.axes if axis.size is axis.symbol.expr]
        return any(given[axis.input][axis.axis] != at[axis.symbol] for axis in axes if axis.input in given)

    def _symbols(self, inputs: Mapping[str, Sequence[int]] | Sequence[int]) -> dict[Symbol, int]:
        given = self._by_name(inputs)
        at: dict[Symbol, int] = {}
        for name, dims in given.items():
            if name is None or name not in self._sets:
                raise ValueError(f"the model has no input `{name}`; its inputs are {', '.join(self._sets)}")
            tensor = self._analysis.inputs.tensors[name]
            if tensor.shape is not None and len(dims) != len(tensor.shape):
                raise ValueError(f"input `{name}` has {len(tensor.shape)} axes and {len(dims)} are given")
            for axis in self._analysis.inputs.axes:
                dim = dims[axis.axis] if axis.input == name else None
                if isinstance(dim, int):
                    at[axis.symbol] = _solved(axis.size, axis.symbol, dim)
        missing = [symbol.name for symbol in self._analysis.inputs.symbols if symbol not in at]
        if missing:
            raise ValueError(f"no size is given for {', '.join(missing)}")
        return at


def _solved(size: int | Expr, symbol: Symbol, wanted: int) -> int:
    """The value of the symbol at which `size` is `wanted`; for an axis tied by an expression the smallest."""
    if size is symbol.expr:
        return wanted
    from shapelint.size import equal, set_of

    sizes = set_of(equal(size, wanted))
    found = None if sizes is None else next(iter(sizes), None)
    if found is None:
        raise ValueError(f"no {symbol.name} makes {size} equal to {wanted}")
    return found


def _by_input(inputs: Inputs) -> dict[str | None, StatedDims]:
    if inputs is None:
        return {}
    if isinstance(inputs, Mapping):
        return {name: tuple(dims) for name, dims in inputs.items()}
    return {None: tuple(inputs)}


def _where(where: Mapping[str, str] | str | None) -> tuple[Where, ...]:
    if where is None:
        return ()
    items = where.items() if isinstance(where, Mapping) else ((None, where),)
    return tuple([Where(name, parse_domain(text), text) for name, text in items])


def _name(source: Source) -> str:
    if isinstance(source, Spec):
        return "<spec>"
    return shown(source) if isinstance(source, str | os.PathLike) else "<model>"


def _analysis(source: Source, inputs: Inputs, where: Mapping[str, str] | str | None = None) -> Analysis:
    file = _name(source)
    return Analysis(load(source, name=file), Stated(_by_input(inputs), _where(where)), file)


def spec(text: str) -> Spec:
    """The text of a spec as a source, for `check`, `sizes` and `shapes`."""
    return Spec(text)


def check(
    source: Source,
    *,
    inputs: Inputs = None,
    where: Mapping[str, str] | str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    fail_on: str = "warning",
) -> Report:
    """Lint one model; `inputs` and `where` state which sizes must fit, as on the command line.

    What the command line answers with exit code 2 is in the errors of the report; raises ValueError for a domain or
    a rule that there is not.
    """
    validate_selection((*select, *ignore))
    stated = Stated(_by_input(inputs), _where(where))
    settings = Settings(stated, fail_on, tuple(select), tuple(ignore), menus="every")
    file = _name(source)
    run = RunReport()
    if isinstance(source, str | os.PathLike) and not os.path.lexists(source):
        run.errors += discover([os.fspath(source)])[1]
        return Report(run, fail_on)
    try:
        one: FileReport = check_source(source, file, settings)
        Configs(isolated=True).leave_out(one, file, settings)
        run.files.append(one)
    except StatedWrong as error:
        run.errors.append(RunError(file, str(error)))
    return Report(run, fail_on)


def sizes(source: Source, *, inputs: Inputs = None, where: Mapping[str, str] | str | None = None) -> Sizes:
    """Which sizes of each free axis fit; raises Unreadable where the source is no model."""
    return Sizes(_analysis(source, inputs, where))


def shapes(source: Source, *, inputs: Inputs = None) -> dict[str, tuple[int | Expr | None, ...] | None]:
    """Every tensor of the main graph by name: integers, expressions where sizes are free, None where unknown.

    Raises DoesNotFit where a size given cannot run, and Unreadable where the source is no model.
    """
    analysis = _analysis(source, inputs)
    facts = analysis.facts
    if not analysis.inputs.axes and analysis.runs is False:
        from shapelint.registry import run_checks

        for found in run_checks(analysis, Settings(fail_on="error")):
            if found.severity.value == "error":
                raise DoesNotFit(found)
    found_shapes: dict[str, tuple[int | Expr | None, ...] | None] = {}
    for name, tensor in facts.shapes.tensors.items():
        if tensor.shape is None:
            found_shapes[name] = None
        else:
            found_shapes[name] = tuple([_plain(analysis, dim) for dim in tensor.shape])
    return found_shapes


def _plain(analysis: Analysis, dim: int | Expr | None) -> int | Expr | None:
    return analysis.facts.plain(dim) if isinstance(dim, Expr) else dim


__all__ = ["DoesNotFit", "NoSizeFits", "Padding", "Report", "Sizes", "check", "shapes", "sizes"]
