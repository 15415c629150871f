"""Runs every case on two devices and compares the arrays.

The two sides are processes that run at the same time, because Keras selects its fused layers by the devices that the
process sees: a process that sees a GPU would try cuDNN on the CPU as well. Products are in full float32, not in TF32.

Without a GPU the CPU is compared with itself in another form, which checks this code and the accuracy of float32: in
float64 on PyTorch; compiled without optimisation on JAX, where Keras has no float64.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT
from benchmarks.harness.machine import visible_devices
from benchmarks.harness.results import print_table, write_result
from tests.gpu.cell_cases import BATCH, cell_cases, cotangents, prepare_model
from tests.gpu.sides import Arrays, JaxSide, TorchSide, output_shapes
from tests.gpu.word2vec_cases import word2vec_cases, word2vec_names

__all__ = ["FORWARD", "GRADIENTS", "Comparison", "case_names", "compare", "compare_forms", "run_comparison"]

QUESTION = "Outputs and gradients on the device beside those on the CPU: relative errors of every cell and loss."
#: Limits of the errors of an array, relative to its norm.
FORWARD, GRADIENTS = 1e-4, 1e-3
REFERENCE = "expected.npz"
# Arrays with a norm far below that of the largest one consist of rounding errors: relative to this fraction of it.
FLOOR = 1e-3


@dataclass(frozen=True)
class Comparison:
    """The outcome.

    Attributes:
        rows: a dict per case, with its errors.
        settings: backend, devices, limits, seed and seconds.
    """

    rows: list[dict[str, Any]]
    settings: dict[str, Any]

    def print(self) -> None:
        """Print the table and a closing line."""
        columns = ["case", "forward", "gradients", "from_steps", "worst", "fused", "agrees", "error"]
        about = self.settings
        title = (
            f"{about['backend']}, {', '.join(about['devices'])} beside {', '.join(about['reference'])} in "
            f"{about['reference_precision']}"
        )
        print_table(title, self.rows, columns)
        agreeing = sum(row["agrees"] for row in self.rows)
        print(f"\n{agreeing} of {len(self.rows)} agree, seed {about['seed']}, {about['seconds']:.0f} s")

    def write(self) -> Path:
        """Write `gpu_correctness_BACKEND.json`, which the tables read; its path."""
        return write_result(
            f"gpu_correctness_{self.settings['backend']}", QUESTION, self.settings, {"cases": self.rows}
        )


def case_names(pattern: str) -> list[str]:
    """Names of the cases whose cell (or "word2vec") matches one of the shell patterns, separated by commas."""
    names = [name for name, *_ in cell_cases() if _is_selected(name, pattern)]
    return names + (word2vec_names() if _is_selected("word2vec", pattern) else [])


def _is_selected(name: str, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name.partition(",")[0], each) for each in pattern.split(","))


def run_comparison(backend: str, device: str, pattern: str, seed: int) -> Comparison:
    """Run both sides and compare them.

    Args:
        backend: "jax" or "torch".
        device: "gpu", or "cpu" for the CPU in two forms.
        pattern: as for :func:`case_names`.
        seed: of weights and inputs.

    Raises:
        RuntimeError: a side ended with an error.
    """
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in (REFERENCE, "got.npz")]
        second_form = device == "cpu"
        precision = "float64" if second_form and backend == "torch" else "float32"
        sides = [
            _start(backend, "cpu", precision, pattern, seed, paths[0], optimised=not second_form),
            _start(backend, device, "float32", pattern, seed, paths[1]),
        ]
        statuses = [side.wait() for side in sides]
        if any(statuses):
            raise RuntimeError(f"the two sides ended with status {statuses}; expected 0. See their output.")
        expected, reference_devices = _read(paths[0])
        got, devices = _read(paths[1])
    rows = _rows(expected, got)
    settings = {"backend": backend, "device": device, "devices": devices, "reference": reference_devices,
                "reference_precision": precision, "seed": seed, "forward_limit": FORWARD, "gradient_limit": GRADIENTS,
                "seconds": time.perf_counter() - begin}  # fmt: skip
    return Comparison(rows, settings)


def _start(
    backend: str, side: str, precision: str, pattern: str, seed: int, path: Path, optimised: bool = True
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "KERAS_BACKEND": backend, "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
                   "TF_CPP_MIN_LOG_LEVEL": "3"}  # fmt: skip
    if side == "cpu":
        environment |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    if not optimised:
        environment["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"
    command = [sys.executable, "-m", "tests.gpu.comparison", str(path), "--cells", pattern, "--seed", str(seed),
               "--precision", precision]  # fmt: skip
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def _read(path: Path) -> tuple[dict[str, Arrays], list[str]]:
    """Arrays by case, and the devices of the process that wrote them."""
    cases: dict[str, Arrays] = {}
    with np.load(path) as file:
        devices = [str(device) for device in file["devices|"]]
        for key in file.files:
            name, _, array = key.partition("|")
            if name != "devices":
                cases.setdefault(name, {})[array] = file[key]
    return cases, devices


def _rows(expected: dict[str, Arrays], got: dict[str, Arrays]) -> list[dict[str, Any]]:
    """A row per case of either side."""
    rows: list[dict[str, Any]] = []
    forms = compare_forms(got)
    for name in expected | got:
        sides = (expected.get(name, {}), got.get(name, {}))
        errors = [str(arrays["error"]) for arrays in sides if "error" in arrays]
        if errors or not all(sides):
            rows.append({"case": name, "agrees": False, "error": errors[0] if errors else "on one side only"})
            continue
        row = {"case": name, **compare(*sides)}
        if name in forms:
            row["from_steps"] = forms[name]
            row["agrees"] &= forms[name] < FORWARD
        if "fused" in got[name]:
            row["fused"] = bool(got[name]["fused"])
        rows.append(row)
    return rows


def compare(expected: Arrays, got: Arrays) -> dict[str, Any]:
    """Errors of one case, relative to the norm of each array.

    Args:
        expected: arrays of the reference, named `forward/...` and `gradient/...`.
        got: arrays of the device.

    Returns:
        `forward` and `gradients`, the largest errors, or None without such arrays; `worst`, the name of the array with
        the largest error, of the gradients if there are any; `agrees`, whether both errors are within the limits.
    """
    row: dict[str, Any] = {"forward": None, "gradients": None, "worst": None}
    for kind, key in (("forward", "forward"), ("gradient", "gradients")):
        names = [name for name in expected if name.startswith(f"{kind}/")]
        if not names:
            continue
        largest = max(float(np.linalg.norm(expected[name].astype("float64"))) for name in names)
        errors = {}
        for name in names:
            a, b = expected[name].astype("float64"), got[name].astype("float64")
            norm = max(float(np.linalg.norm(a)), FLOOR * largest)
            # NaN on either side makes the error NaN, which is not within a limit.
            errors[name] = float(np.linalg.norm(b - a)) / norm if norm else float(np.linalg.norm(b))
        worst = max(errors, key=lambda name: np.inf if np.isnan(errors[name]) else errors[name])
        row[key] = errors[worst]
        row["worst"] = worst if kind == "gradient" or row["worst"] is None else row["worst"]
    within = (row["forward"] is None or row["forward"] < FORWARD) and (
        row["gradients"] is None or row["gradients"] < GRADIENTS
    )
    row["agrees"] = bool(within and any(key.startswith("forward/") for key in expected))
    return row


def compare_forms(cases: dict[str, Arrays]) -> dict[str, float]:
    """Relative errors of outputs and states: each form beside the loop over the steps, on the same device."""
    found = {}
    for name, got in cases.items():
        expected = cases.get(f"{name.partition(',')[0]}, step by step")
        if expected is None or name.endswith(("step by step", "both directions")) or "error" in got:
            continue
        forward = [key for key in got if key.startswith("forward/")]
        found[name] = max(
            float(np.linalg.norm(got[key] - expected[key]) / np.linalg.norm(expected[key])) for key in forward
        )
    return found


# One side: a process --------------------------------------------------------------------------------------------------


def compute_side(pattern: str, seed: int, precision: str, path: Path) -> None:
    """Compute the cases on the device of this process, and write all arrays to `path`."""
    import keras

    keras.config.set_floatx(precision)
    backend = keras.backend.backend()
    side: JaxSide | TorchSide = JaxSide(precision) if backend == "jax" else TorchSide(precision)
    runs: list[tuple[str, Callable[[], Arrays]]] = []
    found: dict[str, np.ndarray] = {}

    def note_error(name: str, error: Exception) -> None:
        found[f"{name}|error"] = np.asarray(f"{type(error).__name__}: {error}"[:300])

    for number, (name, make, features, steps) in enumerate(cell_cases()):
        if not _is_selected(name, pattern):
            continue
        # All forms of a cell get the same numbers.
        rng = np.random.default_rng([seed, *name.partition(",")[0].encode()])
        noise = np.random.default_rng(rng.integers(2**32))  # only the first side draws from it
        x = rng.normal(size=(BATCH, steps, features)).astype("float32")
        try:
            model = make()
            prepare_model(model, noise, path.parent / f"weights{number}.npz", path.name == REFERENCE)
            runs.append((name, side.model(model, x, cotangents(output_shapes(model, x), rng))))
        except Exception as error:  # one case that cannot be built must not hide the others
            note_error(name, error)
    if _is_selected("word2vec", pattern):
        try:
            runs.extend(word2vec_cases(side, seed))
        except Exception as error:
            note_error("word2vec", error)
    _run_all(runs, found, note_error)
    devices: Iterable[str] = visible_devices().get(backend, []) if precision == "float32" else [precision]
    np.savez(path, **found, **{"devices|": np.asarray(devices)})  # type: ignore[arg-type]


def _run_all(
    runs: Iterable[tuple[str, Callable[[], Arrays]]], found: Arrays, note_error: Callable[[str, Exception], None]
) -> None:
    for name, run in runs:
        try:
            found.update({f"{name}|{key}": value for key, value in run().items()})
        except Exception as error:
            note_error(name, error)


def main() -> None:
    """Compute one side; :func:`run_comparison` starts this program twice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="file for the arrays, .npz")
    parser.add_argument("--cells", required=True, help="shell patterns, separated by commas")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--precision", choices=("float32", "float64"), required=True)
    arguments = parser.parse_args()
    compute_side(arguments.cells, arguments.seed, arguments.precision, arguments.path)


if __name__ == "__main__":
    main()
