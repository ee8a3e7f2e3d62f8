"""The recorded truth beside the checkout, and the skip where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED = CHECKOUT.parent / "shared"
FIXTURES = CHECKOUT / "fixtures"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded truth (../shared) is not here")


def zoo_names() -> list[str]:
    """The networks whose runs are recorded."""
    return sorted(path.name.removesuffix(".truth.json") for path in (SHARED / "zoo").glob("*.truth.json"))
