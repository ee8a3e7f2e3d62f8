"""What `shapelint init` writes: a commented spec, and the schema that its first line points editors to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from shapelint.schemas import schema_text

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = ".shapelint/spec.schema.json"

TEMPLATE: Final = """\
# yaml-language-server: $schema={schema}
# A small U-Net. `shapelint sizes {name}` tells which sizes fit, `shapelint check {name}` proves what is stated here.
shapelint: 1
convention: pytorch          # or keras, tensorflow, onnx, jax, paddle, caffe, theano: whose signatures the layers have

inputs:
  image: [N, 3, H, W]        # a number, a name for any size, or an expression such as 8*h

sizes:                       # which sizes must fit; a name without a line here is only reported on
  H: multiple of 4           # or 64..512 step 16, or 224 | 256, or any
  W: multiple of 4

blocks:                      # layers with a name, to be used more than once
  double(c):
    - Conv2d(c, 3, padding=1)
    - ReLU()

layers:                      # each takes the one before it, unless it names others
  - e1: double(16)
  - MaxPool2d(2)
  - e2: double(32)
  - MaxPool2d(2)
  - double(64)
  - up2: ConvTranspose2d(32, 2, stride=2)
  - Concat(up2, e2)
  - double(32)
  - up1: ConvTranspose2d(16, 2, stride=2)
  - Concat(up1, e1)
  - mask: Conv2d(2, 1)

expect:                      # what else must hold, at every size stated
  - mask.size == image.size
"""


class Exists(Exception):
    """The file is there already; nothing was written."""


def write_spec(path: Path, *, force: bool = False) -> list[Path]:
    """Write the spec, and the schema beside it; the files written. Raises Exists, OSError."""
    if path.exists() and not force:
        raise Exists(f"`{path}` exists; name another file, or overwrite it with --force")
    schema = path.parent / SCHEMA
    schema.parent.mkdir(parents=True, exist_ok=True)
    schema.write_text(schema_text("spec"), encoding="utf-8")
    where = os.path.relpath(schema, path.parent).replace(os.sep, "/")
    path.write_text(TEMPLATE.format(schema=where, name=path.name), encoding="utf-8", errors="backslashreplace")
    return [path, schema]
