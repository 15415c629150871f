"""How many instructions does each compiled kernel take for a word, a pair, a step?

    python -m benchmarks.questions.instructions                                                  # count, and write them down
    python -m benchmarks.questions.instructions --check benchmarks/results/instructions.json     # fail where it takes more

The work of `benchmarks.harness.kernel_workloads` runs once under valgrind's callgrind, on one thread, half a minute in all.
What is counted lies within the kernels, so that neither Python nor the load of the machine has a part in it: from run
to run the counts agree to a tenth of a percent. They say nothing of caches, branches or how fast an instruction is.

The code that a kernel runs depends on the CPU that it finds, and valgrind shows it one of its own: with AVX2 where the
machine has it, and without AVX-512. So the counts are of the AVX2 code, and of training also the plain one. Those of
another compiler, or of an old CPU, are not compared with the baseline.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT
from benchmarks.harness.results import print_table, write_result
from benchmarks.report.compare import compare, read, show

QUESTION = "Instructions of each compiled kernel for a unit of work, counted by callgrind."
# Cython's functions for those of Python: all of the kernels are counted, and `mark` writes the counts down.
KERNELS = "__pyx_pw_11kerazoo_ext_*"
MARK = "__pyx_pw_11kerazoo_ext_9_word2vec_1widest"


def measure() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A row for each kernel, and what the counts depend on."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/counts",
                   f"--toggle-collect={KERNELS}", f"--dump-before={MARK}",
                   sys.executable, "-m", "benchmarks.harness.kernel_workloads"]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"valgrind ended with status {done.returncode}:\n{done.stderr[-2000:]}")
        about, *works = (json.loads(line) for line in done.stdout.splitlines())
        counts = counts_in(Path(folder))
    # The first mark, then one before and one after each work; the last part is what came after the last mark.
    if len(counts) != 2 * len(works) + 2:
        raise SystemExit(f"{len(counts)} counts of {len(works)} kernels: have they been stripped of their symbols?")
    rows = [
        {"name": work["name"], "unit": f"instructions/{work['unit']}", "instructions": count / work["units"],
         "units": work["units"]}
        for work, count in zip(works, counts[2::2], strict=False)
    ]  # fmt: skip
    return rows, {"instruction_set": about["instruction_set"], "compiler": compiler(), "valgrind": valgrind_version()}


def counts_in(folder: Path) -> list[int]:
    """The counts between the marks, in order."""
    parts = {}
    for path in folder.iterdir():
        text = path.read_text()
        number, count = (re.search(rf"^{field}: (\d+)", text, re.MULTILINE) for field in ("part", "summary"))
        if number and count:
            parts[int(number[1])] = int(count[1])
    return [parts[number] for number in sorted(parts)]


def compiler() -> str:
    """What compiled the kernels, which it has left in them."""
    spec = importlib.util.find_spec("kerazoo_ext._word2vec")
    assert spec is not None
    assert spec.origin is not None
    found = re.search(rb"GCC: \([^\0]*|[^\0]*clang version [^\0]*", Path(spec.origin).read_bytes())
    return found[0].decode() if found else "unknown"


def valgrind_version() -> str:
    return subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def check(path: Path, tolerance: float) -> int:
    """Count, and compare with what the file has; 1 where a kernel takes more.

    Raises:
        ValueError: the file has no counts of instructions.
    """
    baseline = read(path)
    if baseline["benchmark"] != "instructions":
        raise ValueError(f"{path} is the result of {baseline['benchmark']}; expected one of instructions")
    if shutil.which("valgrind") is None:
        print("not compared: valgrind is not installed")
        return 0
    if compiler() != baseline["settings"]["compiler"]:
        print(f"not compared: compiled by {compiler()}, the baseline by {baseline['settings']['compiler']}")
        return 0
    rows, about = measure()
    if about["instruction_set"] != baseline["settings"]["instruction_set"]:
        print(f"not compared: {about['instruction_set']} code, the baseline {baseline['settings']['instruction_set']}")
        return 0
    found = compare(baseline, {**baseline, "results": {"kernels": rows}}, tolerance)
    show("more instructions", found.worse)
    show("fewer instructions", found.better)
    for names, where in ((found.only_old, "only in the baseline"), (found.only_new, "not in the baseline")):
        for name in names:
            print(f"{where}: {name}")
    percent = f"{100 * tolerance:g} %"
    print(f"{len(found.worse)} of {len(rows)} kernels take over {percent} more instructions than in {path.name}")
    return int(bool(found.worse))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=Path, metavar="FILE", help="compare with this result, and write none")
    parser.add_argument("--tolerance", type=float, default=0.05, help="more that is allowed (default 0.05: 5 %%)")
    arguments = parser.parse_args()
    if arguments.check:
        try:
            return check(arguments.check, arguments.tolerance)
        except ValueError as error:
            parser.error(str(error))
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed")
    rows, settings = measure()
    print_table(f"{settings['instruction_set']}, {settings['compiler']}", rows, ["name", "unit", "instructions"])
    print(write_result("instructions", QUESTION, settings, {"kernels": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
