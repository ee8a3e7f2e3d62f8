"""Paths -> reports: which files, in which order, what each one says."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapelint.analysis import Analysis, StatedWrong
from shapelint.config import Config, ConfigError
from shapelint.config import find as find_config
from shapelint.config import read as read_config
from shapelint.discovery import likely, walk
from shapelint.facts.levels import levels
from shapelint.facts.subjects import Mismatch
from shapelint.finding import Finding, Severity
from shapelint.registry import run_checks, unreadable_findings
from shapelint.source import Unreadable, load, spec_text
from shapelint.suppress import Suppressions, read_baseline, stale_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shapelint.graph import Model
    from shapelint.settings import Settings, Stated
    from shapelint.suppress import Baseline


@dataclass(frozen=True, slots=True)
class RunError:
    """Something that keeps the run from doing what was asked; exit code 2."""

    file: str
    message: str
    cause: Exception | None = None
    """Set for an error of shapelint itself."""


@dataclass(slots=True)
class FileReport:
    """One file: what was found, and the analysis where the file could be read."""

    file: str
    kind: str
    analysis: Analysis | None
    findings: list[Finding]
    text: str | None = None
    """Of a spec: its text, for excerpts."""
    suppressed: list[tuple[Finding, str]] = field(default_factory=list)
    """Findings that a person left out, with the reason."""
    baselined: list[Finding] = field(default_factory=list)
    """Findings that the baseline accepts."""
    shown: Any = None
    """What reports say of the file, where the analysis stayed in another process."""


@dataclass(slots=True)
class RunReport:
    """A whole run, in the order of the paths."""

    files: list[FileReport] = field(default_factory=list)
    errors: list[RunError] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """All findings in order."""
        return [finding for report in self.files for finding in report.findings]

    @property
    def models(self) -> list[FileReport]:
        """The files that hold models: not the configurations that have findings of their own."""
        return [report for report in self.files if report.kind in ("onnx", "spec")]

    def count(self, severity: Severity) -> int:
        """How many findings have this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def exit_code(self, fail_on: str) -> int:
        """2 where the run could not do what was asked, 1 where a finding is at or above `fail_on`, else 0."""
        if self.errors:
            return 2
        if fail_on == "never":
            return 0
        limit = Severity(fail_on).rank
        return int(any(finding.severity.rank <= limit for finding in self.findings))


def shown(path: str | os.PathLike[str]) -> str:
    """The path relative to the working directory where it lies below it, with `/`; bytes that are no UTF-8 escaped."""
    text = os.path.abspath(path)
    here = os.getcwd()
    if text.startswith(here + os.sep):
        text = text[len(here) + 1 :]
    elif not os.path.isabs(path):
        text = os.path.normpath(path)
    return os.fsencode(text.replace(os.sep, "/")).decode("utf-8", "backslashreplace")


def discover(paths: Iterable[str], configs: Configs | None = None) -> tuple[list[str], list[RunError]]:
    """The files that `paths` name or hold, sorted, each once; and the paths that are of no use.

    A configuration file stands for the models that its tables name.
    """
    files: dict[str, str] = {}
    errors: list[RunError] = []
    for path in paths:
        if os.path.isfile(path) and os.path.basename(path) in ("shapelint.toml", "pyproject.toml"):
            config = read_config(Path(path))
            for each in walk(str(config.folder)):
                if config.tables(each):
                    files.setdefault(shown(each), each)
            continue
        if os.path.isdir(path):
            troubles: list[OSError] = []
            found = list(walk(path, troubles.append))
            errors += [RunError(shown(why.filename), f"cannot be read: {why.strerror}") for why in troubles]
            for each in found:
                if configs is None or not configs.leaves_out(each):
                    files.setdefault(shown(each), each)
            if not found and not troubles:
                message = "the folder holds no model: neither *.onnx files nor specs lie in it"
                errors.append(RunError(shown(path), message))
        elif os.path.lexists(path):
            files.setdefault(shown(path), path)
        else:
            close = likely(path) if path else None
            errors.append(
                RunError(
                    shown(path) if path else "''",
                    f"does not exist{f'; did you mean `{shown(close)}`?' if close else ''}",
                )
            )
    return [files[key] for key in sorted(files)], errors


def check_one_by_one(work: list[tuple[str, Settings]]) -> Iterable[tuple[FileReport | None, RunError | None]]:
    """The report of each file, in the order given."""
    return (check_file(path, settings) for path, settings in work)


def check_paths(
    paths: Iterable[str],
    settings: Settings,
    configs: Configs | None = None,
    check_files: Callable[
        [list[tuple[str, Settings]]], Iterable[tuple[FileReport | None, RunError | None]]
    ] = check_one_by_one,
) -> RunReport:
    """Lint every file that `paths` name or hold; one file's trouble never keeps the others from being reported.

    A configuration that cannot be used keeps its own files from being checked, and no others.
    """
    configs = configs or Configs(isolated=True)
    files, errors = discover(paths, configs)
    report = RunReport(errors=errors)
    work = []
    for path in files:
        try:
            work.append((path, configs.of(path).settings(path, settings)))
        except ConfigError as wrong:
            place, _, message = str(wrong).partition(": ")
            if RunError(place, message) not in errors:
                errors.append(RunError(place, message))
    for (path, of_file), (one, error) in zip(work, check_files(work), strict=True):
        if error is not None:
            errors.append(error)
        if one is not None:
            configs.leave_out(one, path, of_file)
            report.files.append(one)
    for config, suppressions in configs.used():
        if any(_covers(path, config) for path in paths):
            unmatched = [each for each in suppressions.unmatched(files, settings) if not configs.accepts(each)]
            if unmatched:
                report.files.append(_of_file(shown(config.path or ""), "config", unmatched))
    if configs.baseline is not None:
        looked_at = {shown(path) for path in files}
        stale = [key for key in configs.baseline.stale if key[1] in looked_at]
        found = [each for key in stale for each in stale_entry(configs.baseline, *key, settings)]
        if found:
            report.files.append(_of_file(shown(configs.baseline.path), "baseline", found))
    report.files.sort(key=lambda one: one.file)
    report.errors.sort(key=lambda error: (error.file, error.message))
    return report


def check_stdin(data: bytes, name: str, settings: Settings, configs: Configs) -> RunReport:
    """Lint a model that is no file; `name` is what it is called, and what patterns are compared with."""
    of_file = configs.of(name).settings(name, settings)
    report = RunReport()
    try:
        one = check_source(data, name, of_file)
    except StatedWrong as error:
        report.errors.append(RunError(name, str(error)))
        return report
    configs.leave_out(one, name, of_file)
    report.files.append(one)
    return report


def _of_file(file: str, kind: str, findings: list[Finding]) -> FileReport:
    """The report of a file that is no model."""
    return FileReport(file, kind, None, [replace(finding, file=file) for finding in findings])


def _covers(path: str, config: Config) -> bool:
    """Whether a run over `path` looks at everything that a configuration speaks of."""
    given = Path(path).absolute()
    return config.path is not None and (
        given in (config.path.absolute(), config.folder.absolute()) or (given in config.folder.absolute().parents)
    )


def _order(finding: Finding) -> tuple[int, int, str, str, str]:
    return finding.line or 0, finding.column or 0, finding.rule, finding.node or "", finding.message


class Configs:
    """The configuration of each file: the one that is named, none, or the closest to the file."""

    def __init__(self, *, named: str | None = None, isolated: bool = False, baseline: str | None = None) -> None:
        self._named = read_config(Path(named)) if named is not None else (Config() if isolated else None)
        self._by_folder: dict[Path, Config] = {}
        self._by_path: dict[Path, Config] = {}
        self._suppressions: dict[Path | None, tuple[Config, Suppressions]] = {}
        self.baseline: Baseline | None = read_baseline(Path(baseline)) if baseline is not None else None

    def of(self, file: str | os.PathLike[str]) -> Config:
        """The configuration of a file; raises ConfigError."""
        if self._named is not None:
            return self._named
        folder = Path(file).absolute().parent
        if folder not in self._by_folder:
            found = find_config(folder)
            if found is None:
                self._by_folder[folder] = Config()
            else:
                if found not in self._by_path:
                    self._by_path[found] = read_config(found)
                self._by_folder[folder] = self._by_path[found]
        return self._by_folder[folder]

    @property
    def here(self) -> Config:
        """The configuration of the working directory, which decides what holds for the whole run."""
        return self.of(Path.cwd() / "here")

    def leaves_out(self, file: str) -> bool:
        """Whether a file that a folder holds is excluded; not where its configuration cannot be used."""
        try:
            return self.of(file).excludes(file)
        except ConfigError:
            return False

    def suppressions(self, config: Config) -> Suppressions:
        """What a configuration leaves out."""
        if config.path not in self._suppressions:
            self._suppressions[config.path] = config, Suppressions(config, self.baseline)
        return self._suppressions[config.path][1]

    def leave_out(self, report: FileReport, path: str, settings: Settings) -> None:
        """Take what a person left out from the findings of a file, and add the suppressions that suppress nothing."""
        split = self.suppressions(self.of(path)).split
        kept, report.suppressed, report.baselined = split(report.findings, report.file, report.text, settings)
        report.findings = sorted(kept, key=_order)

    def accepts(self, finding: Finding) -> bool:
        """Whether the baseline takes the finding."""
        return self.baseline is not None and self.baseline.takes(finding)

    def used(self) -> list[tuple[Config, Suppressions]]:
        """The configurations that were of use in this run."""
        for config in self._by_path.values():
            self.suppressions(config)
        if self._named is not None and self._named.path is not None:
            self.suppressions(self._named)
        return [pair for pair in self._suppressions.values() if pair[0].path is not None]


def check_file(path: str, settings: Settings) -> tuple[FileReport | None, RunError | None]:
    """What one file says."""
    file = shown(path)
    try:
        return check_source(path, file, settings), None
    except StatedWrong as error:
        return None, RunError(file, str(error))
    except OSError as error:
        return None, RunError(file, f"cannot be read: {error.strerror or error}")
    except Exception as error:  # one file's trouble never keeps the others from being reported
        return None, RunError(file, internal(error), error)


def internal(error: Exception) -> str:
    """The sentence for an error of shapelint itself."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"internal error ({text}); run again with --verbose and report it"


def check_source(source: object, file: str, settings: Settings) -> FileReport:
    """What one source says; raises StatedWrong where what is stated does not suit it."""
    try:
        model = load(source, name=file)
        analysis = Analysis(model, settings.stated, file)
        asked = [Analysis(model, stated, file) for stated in _each_size(settings.stated, model)] or [analysis]
    except Unreadable as error:
        kind = "spec" if error.rule == "invalid-spec" else "onnx"
        text = spec_text(source) if kind == "spec" else None
        return FileReport(file, kind, None, list(unreadable_findings(error, file, settings)), text)
    is_file = isinstance(source, str | os.PathLike)
    found: dict[str, Finding] = {}
    for each in asked:
        for finding in _findings(each, settings, is_file=is_file):
            if finding.severity is Severity.INFO and settings.stated.at and not each.stated.at:
                continue  # of axes of which the sizes of --at speak
            found.setdefault(finding.fingerprint if len(asked) > 1 else str(len(found)), finding)
    text = model.program.text if model.program is not None else None
    return FileReport(file, model.kind, analysis, sorted(found.values(), key=_order), text)


def _each_size(stated: Stated, model: Model) -> list[Stated]:
    """What is stated, once without the sizes of --at where a domain is stated too, and once for each of them.

    So each size is asked for as a whole: two of them never mix their numbers.
    """
    has_domain = bool(stated.where) or (model.program is not None and bool(model.program.sizes))
    parts: list[tuple[str, ...]] = [()] if stated.at and has_domain else []
    return [replace(stated, at=at) for at in [*parts, *[(size,) for size in stated.at]]]


def _findings(analysis: Analysis, settings: Settings, *, is_file: bool) -> list[Finding]:
    """What the checks find, drawn, with the repairs that are asked for."""
    findings = [_drawn(each, analysis) for each in sorted(run_checks(analysis, settings), key=_order)]
    if settings.menus != "none" and any(each.severity is not Severity.INFO for each in findings):
        from shapelint.fixing.attach import with_menus

        findings = with_menus(findings, analysis, every=settings.menus == "every", is_file=is_file)
    return findings


def _drawn(finding: Finding, analysis: Analysis) -> Finding:
    """The finding with its levels, where it is about sizes that a network brings down and up again."""
    fault = finding.fault
    if fault is None or not isinstance(fault.subject, Mismatch):
        return finding
    facts = analysis.facts if analysis.inputs.axes else analysis.explained[0]
    return replace(finding, fault=replace(fault, levels=levels(facts, fault.subject)))
