"""How long does `import kerazoo` take, and how much memory, beside gensim, Keras and darts?

    python -m benchmarks.questions.startup [--repeats 5]

A fresh interpreter makes each import; they alternate, after one round that fills the file cache. The seconds are those
of the import alone. Memory is the peak of the process; the row `time` is the baseline, a process that only imports that
module. Keras imports the backend of KERAS_BACKEND. A package that is not installed has a row that says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
from typing import Any

from benchmarks.harness.processes import run_fresh
from benchmarks.harness.results import print_table, write_result

QUESTION = "Seconds and peak memory of imports in a fresh interpreter: kerazoo beside gensim, Keras and darts."
REFERENCE = "kerazoo"
# name -> the import; the word after `import` or `from` is the package.
IMPORTS = {
    "time": "import time",
    REFERENCE: "import kerazoo",
    "kerazoo.Word2Vec": "from kerazoo import Word2Vec",
    "kerazoo.Forecaster": "from kerazoo import Forecaster",
    "gensim": "import gensim",
    "keras": "import keras",
    "darts": "import darts",
}


def measure(repeats: int) -> list[dict[str, Any]]:
    """One row per import."""
    installed = {name: code for name, code in IMPORTS.items() if importlib.util.find_spec(code.split()[1])}
    seconds: dict[str, list[float]] = {name: [] for name in installed}
    peaks: dict[str, list[int]] = {name: [] for name in installed}
    for number in range(-1, repeats):
        for name, code in installed.items():
            timed = f"import time\nstart = time.perf_counter()\n{code}\nprint(time.perf_counter() - start)"
            printed, peak = run_fresh(timed)
            if number >= 0:
                seconds[name].append(float(printed.split()[-1]))
                peaks[name].append(peak)
    return [
        {"name": name, **_figures(seconds[name], peaks[name], seconds[REFERENCE])}
        if name in installed
        else {"name": name, "note": "not installed"}
        for name in IMPORTS
    ]


def _figures(seconds: list[float], peaks: list[int], reference: list[float]) -> dict[str, Any]:
    return {
        "seconds": statistics.median(seconds),
        "min_seconds": min(seconds),
        "max_seconds": max(seconds),
        "repeats": len(seconds),
        f"ratio_to_{REFERENCE}": statistics.median(a / b for a, b in zip(seconds, reference, strict=True)),
        "peak_bytes": statistics.median(peaks),
    }


def main() -> None:
    """Measure, print the table and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    rows = measure(arguments.repeats)
    columns = ["name", "seconds", "min_seconds", "max_seconds", f"ratio_to_{REFERENCE}", "peak_bytes", "note"]
    print_table("Imports by a fresh interpreter", rows, columns)
    print(write_result("startup", QUESTION, {"repeats": arguments.repeats}, {"imports": rows}))


if __name__ == "__main__":
    main()
