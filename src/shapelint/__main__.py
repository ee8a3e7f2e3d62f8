"""`python -m shapelint`."""

from shapelint.cli import run

run()
