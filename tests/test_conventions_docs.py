"""docs/conventions.md is what tools/generate_conventions.py writes."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

from .shared import CHECKOUT


def test_the_list_of_layers_is_current() -> None:
    spec = spec_from_file_location("generate_conventions", CHECKOUT / "tools" / "generate_conventions.py")
    assert spec is not None
    assert spec.loader is not None
    tool = module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert (CHECKOUT / "docs" / "conventions.md").read_text(encoding="utf-8") == tool.page()
