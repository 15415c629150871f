"""How many instructions does each compiled kernel take per word, pair or step?

    python -m benchmarks.questions.instructions       # count, and write the result
    python -m benchmarks.questions.instructions --check benchmarks/results/instructions.json    # fail if it takes more

`benchmarks.harness.kernel_workloads` runs once under valgrind's callgrind, on one thread, in about half a minute. Only
instructions within the kernels count, so neither Python nor the load of the machine affects the counts: they repeat to
0.1 %. They say nothing about caches, branches or the speed of an instruction.

The code that a kernel runs depends on the CPU, and valgrind emulates a CPU with AVX2, if the machine has it, without
AVX-512. So the counts are of the AVX2 code, and for training also of the plain code. Counts of another compiler or
another instruction set are not compared with the baseline.
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

QUESTION = "Instructions of each compiled kernel per unit of work, counted by callgrind."
# Names of Cython's functions: callgrind counts within all kernels, and dumps its counts at each call of `mark`.
KERNELS = "__pyx_pw_11kerazoo_ext_*"
MARK = "__pyx_pw_11kerazoo_ext_9_word2vec_1widest"


def measure() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One row per kernel, and the settings that the counts depend on."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/counts",
                   f"--toggle-collect={KERNELS}", f"--dump-before={MARK}",
                   sys.executable, "-m", "benchmarks.harness.kernel_workloads"]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"valgrind ended with status {done.returncode}:\n{done.stderr[-2000:]}")
        about, *works = (json.loads(line) for line in done.stdout.splitlines())
        counts = counts_in(Path(folder))
    # One part per mark (the first one, and two per workload) and one after the last mark.
    if len(counts) != 2 * len(works) + 2:
        expected = 2 * len(works) + 2
        raise SystemExit(
            f"{len(counts)} counts of {len(works)} kernels; expected {expected}. Are the symbols stripped?"
        )
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
    """The compiler of the kernels, from a string that it leaves in the object file."""
    spec = importlib.util.find_spec("kerazoo_ext._word2vec")
    assert spec is not None
    assert spec.origin is not None
    found = re.search(rb"GCC: \([^\0]*|[^\0]*clang version [^\0]*", Path(spec.origin).read_bytes())
    return found[0].decode() if found else "unknown"


def valgrind_version() -> str:
    """The version that valgrind prints."""
    return subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def check(path: Path, tolerance: float) -> int:
    """Count, and compare with the counts in a file; 1 if a kernel takes more instructions.

    Args:
        path: of the baseline.
        tolerance: relative increase that is allowed.

    Raises:
        ValueError: the file is not a result of this benchmark.
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
    """Count and write the result, or compare; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=Path, metavar="FILE", help="compare with this result, and write nothing")
    parser.add_argument(
        "--tolerance", type=float, default=0.05, help="relative increase that is allowed (default 0.05: 5 %%)"
    )
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
