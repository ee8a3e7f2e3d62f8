"""Repairs: candidates are solved for, applied to a copy, propagated again, and offered only where that proves them."""
