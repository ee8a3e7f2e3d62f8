"""The specs of the grammar page are read, and fit as the page says."""

from __future__ import annotations

import re

import pytest

from shapelint.engine import check_source
from shapelint.settings import Settings

from .shared import CHECKOUT

PAGE = (CHECKOUT / "docs" / "grammar.md").read_text(encoding="utf-8")
SPECS = re.findall(r"```yaml\n(shapelint: 1\n.*?)```", PAGE, re.DOTALL)


def test_the_page_has_examples() -> None:
    assert len(SPECS) == 5


@pytest.mark.parametrize("number", range(len(SPECS)))
def test_an_example_fits(number: int) -> None:
    report = check_source(SPECS[number].encode(), "example.shape.yaml", Settings())
    assert [(finding.rule, finding.message) for finding in report.findings if finding.severity.value != "info"] == []
