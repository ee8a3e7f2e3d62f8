"""For test suites: `assert_fits(model, "H=8*k")` proves what a model's users rely on, and fails with the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.analysis import StatedWrong
from shapelint.api import _by_input, _name
from shapelint.engine import Configs, check_source
from shapelint.report.check_text import finding_lines
from shapelint.report.terminal import Paint
from shapelint.settings import Settings, Stated, Where
from shapelint.size.parse import NotASize, parse_domain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.api import Inputs, Source

__all__ = ["assert_fits"]


def assert_fits(
    model: Source,
    *where: str,
    inputs: Inputs = None,
    expect: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> None:
    """Prove that a model fits at every size stated, or raise AssertionError with what breaks it.

    `model` is a path, the bytes of a file, an `onnx.ModelProto` or a spec. Each of `where` states a domain, as
    `--where` does: `"multiple of 32"` for every free axis but the batch, `"H=8*k"` for one. `inputs` pins or names
    axes, `expect` holds conditions such as `"mask.size == image.size"`. What cannot be proved fails too. Without
    `where` the model must fit at every size that it declares, and no finding may be left. Raises ValueError where what
    is stated has no meaning.
    """
    __tracebackhide__ = True
    file = _name(model)
    stated = Stated(_by_input(inputs), tuple([_where(text) for text in where]), expect=tuple(expect))
    try:
        settings = Settings(stated, ignore=tuple(ignore), menus="first")
        report = check_source(model, file, settings)
        Configs(isolated=True).leave_out(report, file, settings)
    except StatedWrong as error:
        raise ValueError(f"{file}: {error}") from None
    levels = ("error", "warning") if where else ("error", "warning", "info")
    wrong = [finding for finding in report.findings if finding.severity.value in levels]
    if not wrong:
        return
    said = ", ".join(where) or "every declared size"
    blocks = ["\n".join(finding_lines(finding, Paint(False), report.text)) for finding in wrong]
    raise AssertionError("\n\n".join([f"{file} does not fit for {said}", *blocks]))


def _where(text: str) -> Where:
    name, sign, domain = text.rpartition("=")
    try:
        return Where(name.strip() if sign else None, parse_domain(domain), domain.strip())
    except NotASize as error:
        raise ValueError(f"`{text}`: {error}") from None
