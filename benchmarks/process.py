"""Start-up: a whole `shapelint sizes` process on models of about 350 nodes, against importing what it depends on.

usage: python benchmarks/process.py [MODEL ...]

Prints, for each model, the median of ten processes and its ratio to `python -c "import networkx, yaml, onnx"`; the two
are run in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

SHARED = Path(__file__).resolve().parents[2] / "shared" / "zoo"
MODELS = [str(SHARED / "timm_hrnet.onnx"), str(SHARED / "monai_segres.onnx")]
TIMES = 10


def seconds(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def main() -> None:
    imports = "-c", "import networkx, yaml, onnx"
    for model in sys.argv[1:] or MODELS:
        rows = {
            "imports": imports,
            "sizes": ("-m", "shapelint", "sizes", model),
            "check": ("-m", "shapelint", "check", model),
        }
        times: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(TIMES):
            for name, arguments in rows.items():
                times[name].append(seconds(*arguments))
        base = median(times["imports"])
        for name in ("sizes", "check"):
            spent = median(times[name])
            print(f"{Path(model).name:26s} {name:6s} {spent * 1000:6.0f} ms  {spent / base:4.2f} times the imports")


if __name__ == "__main__":
    main()
