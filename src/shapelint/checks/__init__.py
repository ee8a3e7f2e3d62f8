"""The predicates: facts in, faults out. One short function a check; words and severities stand in `rules/`."""

from shapelint.checks import merges, proofs, shapes

__all__ = ["merges", "proofs", "shapes"]
