"""Writes docs/runtimes.md: who departs from the text of an operator, and how, as the register has it.

usage: python tools/list_runtimes.py
"""

from __future__ import annotations

import re
from pathlib import Path

from shapelint.runtimes import REGISTER

PAGE = Path(__file__).resolve().parents[1] / "docs" / "runtimes.md"

HEAD = """\
# Who returns what

Written by `python tools/list_runtimes.py`, not by hand; a test holds it current.

shapelint propagates sizes by one arithmetic: the text of ONNX for a file, the framework for a spec (Keras: on
TensorFlow). Runtimes depart from it here and there. What they do instead is known as exact arithmetic, so the sizes at
which they depart are solved for, not tried. `runtimes-disagree` ([SHP402](../rules/SHP402-runtimes-disagree.yaml))
reports a departure only if it can happen at a size that the model takes and that is stated, if any is; the smallest
such size is named, with what each returns there. Nodes about which they disagree for one reason are one finding.

- **What executes** a model is reported: onnxruntime, OpenVINO, the backends of Keras, and, for a PyTorch spec, what
  onnxruntime makes of its export.
- **What infers sizes** is told beside it in a note. By itself it is no finding: nothing runs another size because of
  it. A declared size that the graph contradicts is [SHP103](../rules/SHP103-declared-size-contradicted.yaml).

A team that deploys on one runtime writes [a rule of its own](own-rules.md) with the check `runtimes-disagree`: its
options `onnxruntime`, `openvino`, `keras` (on by default) and `shape_inference` (off by default) choose whom to ask,
its `severity` how much it matters.

```yaml
check: runtimes-disagree
options: {onnxruntime: false, keras: false}
severity: error
```

In the tables `n` is the size that enters, `k` the kernel, `s` the stride, `d` the dilation, `ke = d*(k-1) + 1` and
`full = (n-1)*s + ke`. *Only where the text refuses*: such a departure never happens at a size that fits, so the rule
never reports it; it stands here because recorded answers are compared with it.
"""

TAIL = """\
## What is not in the register

- **ONNX's reference evaluator** checks values. Its sizes differ from the text in ways that nothing relies on.
- **OpenVINO's Resize** multiplies with a tolerance that is not known exactly; its convolutions are not recorded.
- **MXNet, Core ML, ncnn, OpenVINO's own operators, TensorRT, TensorFlow Lite**: shapelint reads no file that they run
  as it stands, or their answers are documented but not recorded.
- **Paddle, JAX, TensorFlow, Theano, Caffe**: a spec in their words is checked by their own arithmetic. That Paddle's
  transposed `SAME` gives 2n - 1 for odd n, where others give 2n, is no disagreement about a Paddle model.
- **Where values are read** (the side of an odd padding, the origin of a resize) is no matter of size.
- Nodes inside `If`, `Loop` and `Scan`, and models with unknown operators: nothing is proved, nothing is said.

The arithmetic is compared with recorded answers of the runtimes, row by row, those that agree with the text included.
"""


_OPERAND = r"(?:(?:min|max|floor)?\([^()]*\)|\w+)"
FORMULA = re.compile(rf"(?<![\w`]){_OPERAND}(?:(?:\*| [-+*] ){_OPERAND})+|\b(?:min|max|floor)\([^()]*\)")


def formulas(text: str) -> str:
    """The text with its formulas as code, so that no `*` is read as emphasis."""
    return FORMULA.sub(lambda match: f"`{match[0]}`", text)


def page() -> str:
    """The text of the page."""
    parts = [HEAD]
    for runtime in dict.fromkeys(entry.runtime for entry in REGISTER):
        parts.append(f"## {runtime.name.replace('its export', 'An export from PyTorch')}\n")
        lines = ["| operators | it |", "| --- | --- |"]
        for entry in REGISTER:
            if entry.runtime == runtime:
                operators = ", ".join(f"`{operator}`" for operator in entry.operators)
                only = " (only where the text refuses)" if entry.only_refused else ""
                says = entry.says[0].lower() + entry.says[1:]
                lines.append(f"| {operators} | [{formulas(says)}]({entry.reference}){only} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join([*parts, TAIL])


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
