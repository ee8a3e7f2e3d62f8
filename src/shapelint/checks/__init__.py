"""The predicates: facts in, faults out. One short function a check; words and severities stand in `rules/`."""

from shapelint.checks import merges, promises, proofs, runtimes, shapes

__all__ = ["merges", "promises", "proofs", "runtimes", "shapes"]
