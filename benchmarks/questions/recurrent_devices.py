"""What do recurrent models reach on a device: a GPU, or the CPU beside it?

layers: LSTM and GRU of the zoo against the framework's layer: `torch.nn` on PyTorch, `keras.layers` elsewhere.
linear: each linear recurrence in parallel form and step by step, against the fused LSTM of the same width.
table: every cell by batch size and length. What the time limit leaves out is in the table as not measured.
generate: 200 steps of `zoo.generate`.

    KERAS_BACKEND=jax python -m benchmarks.questions.recurrent_devices layers linear --device cpu,gpu --seconds 120

Each device has its own process, because Keras selects its fused layers by the devices that the process sees. The timed
function is a step of the framework, without the overhead of `fit`: the forward pass, or forward pass, gradients and an
update by plain SGD, on data that is already on the device and the same for all sides. On torch "captured" is what
`training.compiled` and `training.fit` do for models of the zoo: the same step and Keras's metrics in a CUDA graph (on a
CPU without a graph); on TensorFlow "XLA" is how `training.fit` compiles. Timings wait for the device and leave out the
first calls; the time to compile is in a separate column, on JAX with several functions at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import ROOT
from benchmarks.harness.device_timing import Comparison, Limits, describe_rates, run_comparisons, short_error
from benchmarks.harness.device_workers import BY_XLA, CAPTURED, NOT_UNROLLED, make_worker
from benchmarks.harness.machine import describe_gpus, visible_devices
from benchmarks.harness.processes import peak_memory
from benchmarks.harness.recurrent_models import from_zoo, plain_keras, plain_torch
from benchmarks.harness.results import print_table, write_result

# `compare` recognises results of this benchmark under other names by the question.
QUESTION = "Steps a second of recurrent models by device: zoo against plain layers, parallel forms, every cell."
PARTS = {"layers": 0.35, "linear": 0.35, "table": 0.25, "generate": 0.05}  # shares of the time
MODES = ("inference", "training")

# Models of the zoo that are only compared with each other run as in `training.fit`.
HOW = {"jax": "", "tensorflow": f", {BY_XLA}", "torch": f", {CAPTURED}"}


@dataclass(frozen=True)
class Scale:
    """Sizes of a run.

    Attributes:
        layers: (batch, steps, width) of the part `layers`.
        linear: (batch, steps, width) of the part `linear`.
        table_first: (batch, steps) that every cell is measured at first.
        table_rest: (batch, steps) that follow.
        table_width: units of the cells in the table.
        generate: (model, batch) of the part `generate`.
        steps: that are generated.
        repeats: rounds of each comparison.
        turn: seconds of one side in one round.
    """

    layers: tuple[tuple[int, int, int], ...]
    linear: tuple[tuple[int, int, int], ...]
    table_first: tuple[int, int]
    table_rest: tuple[tuple[int, int], ...]
    table_width: int
    generate: tuple[tuple[str, int], ...]
    steps: int
    repeats: int
    turn: float


SCALES = {
    "quick": Scale(
        layers=((8, 12, 16),),
        linear=((8, 32, 16),),
        table_first=(4, 12),
        table_rest=(),
        table_width=8,
        generate=(("lstm_1x16", 1),),
        steps=20,
        repeats=2,
        turn=0.01,
    ),
    "default": Scale(
        layers=tuple((256, steps, width) for steps in (512, 64) for width in (128, 512)),
        linear=((32, 512, 128), (32, 16, 128), (256, 512, 128)),
        table_first=(32, 64),
        table_rest=tuple((batch, steps) for steps in (12, 512, 64) for batch in (1, 256, 32)),
        table_width=64,
        generate=(("lstm_1x100_relu", 1), ("gru_2x64", 1), ("gru_2x64", 256)),
        steps=200,
        repeats=5,
        turn=0.05,
    ),
}
SCALES["full"] = Scale(
    **{
        **vars(SCALES["default"]),
        "linear": tuple((b, t, u) for u in (128, 512) for b in (32, 256) for t in (512, 64, 16)),
        "repeats": 7,
        "turn": 0.2,
    }
)
# These cells come first in the rest of the grid: a loop, the fused ones, and parallel forms of each kind.
LEADING = ("lstm", "gru", "rnn", "mingru", "lru", "mlstm")


# What is compared ---


def layers_part(scale: Scale, backend: str) -> Iterator[Comparison]:
    """Layers of the zoo against plain layers."""
    for batch, steps, width in scale.layers:
        for cell in ("lstm", "gru"):
            sides: dict[str, Callable[[], Any]] = {
                "zoo": partial(from_zoo, cell, width, width),
                "keras": partial(plain_keras, cell, width, width),
            }
            if backend == "torch":
                sides[f"zoo, {CAPTURED}"] = sides["zoo"]
                sides["torch.nn"] = partial(plain_torch, cell, width, width)
                sides[f"torch.nn, {CAPTURED}"] = sides["torch.nn"]
            elif backend == "tensorflow":
                sides[f"zoo, {BY_XLA}"] = sides["zoo"]
            elif cell == "lstm":
                sides["keras, scan"] = partial(plain_keras, "lstm", width, width, use_cudnn=False)
            else:
                # On JAX only the LSTM has cuDNN; what does the loop of the GRU gain by unrolling?
                sides[f"zoo, {NOT_UNROLLED}"] = sides["zoo"]
            for mode in MODES:
                row = {"cell": cell, "batch": batch, "steps": steps, "width": width, "mode": mode}
                yield Comparison(row, sides, "torch.nn" if backend == "torch" else "keras", mode, batch, steps, width)


def linear_part(scale: Scale, backend: str) -> Iterator[Comparison]:
    """Linear recurrences against the fused LSTM."""
    from kerazoo.cells import list_cells

    for batch, steps, width in scale.linear:
        make: Callable[..., Any] = plain_torch if backend == "torch" else from_zoo
        sides: dict[str, Callable[[], Any]] = {"lstm, fused": partial(make, "lstm", width, width)}
        for cell in list_cells(linear=True):
            for form, parallel in (("parallel", True), ("step by step", False)):
                # A loop over 512 steps of 256 sequences shows nothing that 32 sequences do not.
                if parallel or batch <= 32 or steps <= 64:
                    sides[f"{cell}, {form}{HOW[backend]}"] = partial(from_zoo, cell, width, width, parallel=parallel)
        for mode in MODES:
            row = {"batch": batch, "steps": steps, "width": width, "mode": mode}
            yield Comparison(row, sides, "lstm, fused", mode, batch, steps, width)


def table_part(scale: Scale, backend: str) -> Iterator[Comparison]:
    """Every cell by batch size and length."""
    from kerazoo.cells import cell_info, list_cells

    def rows(cells: Sequence[str], batch: int, steps: int) -> Iterator[Comparison]:
        for cell in cells:
            # A convolution has `width` outputs at each feature.
            width = 4 if cell_info(cell).layer == "convolution" else scale.table_width
            for mode in MODES:
                row = {"cell": cell, "batch": batch, "steps": steps, "width": width, "mode": mode}
                sides: dict[str, Callable[[], Any]] = {
                    f"zoo{HOW[backend]}": partial(from_zoo, cell, width, scale.table_width)
                }
                yield Comparison(row, sides, None, mode, batch, steps, scale.table_width)

    cells = list_cells()
    others = [cell for cell in cells if cell not in LEADING]
    yield from rows(cells, *scale.table_first)
    for group in (LEADING, others):
        for batch, steps in scale.table_rest:
            if (batch, steps) != scale.table_first:
                yield from rows(group, batch, steps)


# Running ---


def generate_part(scale: Scale, deadline: float, emit: Callable[[Any], None]) -> None:
    """Steps per second of `zoo.generate`, which waits for the device, as it returns a NumPy array."""
    from kerazoo import zoo

    for name, batch in scale.generate:
        row: dict[str, Any] = {"model": name, "batch": batch, "steps": scale.steps}
        if time.perf_counter() > deadline:
            emit({**row, "measured": False})
            continue
        model = zoo.build(name, seed=1)
        seed = np.tile(np.sin(np.arange(30) / 4).astype("float32")[None, :, None], (batch, 1, 1))

        def run(model: Any = model, seed: Any = seed) -> float:
            start = time.perf_counter()
            zoo.generate(model, seed, scale.steps)
            return time.perf_counter() - start

        try:
            first = run()
            rates = [scale.steps / run() for _ in range(scale.repeats)]
        except Exception as error:
            emit({**row, "error": short_error(error)})
            continue
        emit({**row, "side": "zoo.generate", "unit": "steps/s", **describe_rates(rates),
              "compile_seconds": first - scale.steps / max(rates)})  # fmt: skip


def measure(parts: Sequence[str], scale: Scale, seconds: float) -> None:
    """Measure in this process; each row is a line of JSON on standard output."""
    begin = time.perf_counter()  # the limit includes the import of Keras
    worker = make_worker()
    import keras

    backend = keras.backend.backend()

    def say(**what: Any) -> None:
        print(json.dumps(what), flush=True)

    worker.put(np.zeros(1, "float32"))
    say(devices=visible_devices().get(backend))
    made = {"layers": layers_part, "linear": linear_part, "table": table_part}
    left = sum(PARTS[part] for part in parts)
    for part in parts:
        # Time that a part does not use goes to those after it.
        remaining = begin + seconds - time.perf_counter()
        deadline = time.perf_counter() + remaining * PARTS[part] / left
        left -= PARTS[part]
        start = time.perf_counter()

        def emit(row: Any, part: str = part) -> None:
            say(part=part, row=row)

        if part == "generate":
            generate_part(scale, deadline, emit)
        else:
            run_comparisons(list(made[part](scale, backend)), worker, Limits(scale.repeats, scale.turn, deadline), emit)
        say(part=part, seconds=time.perf_counter() - start, peak_memory=peak_memory())


def run_device(device: str, arguments: argparse.Namespace) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Run :func:`measure` in a process on a device and collect its rows; a process that hangs is killed."""
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if device == "cpu":
        environment |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "benchmarks.questions.recurrent_devices", *arguments.parts, f"--{arguments.scale}",
               "--seconds", str(arguments.seconds), "--child"]  # fmt: skip
    if arguments.repeats:
        command += ["--repeats", str(arguments.repeats)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    watch = threading.Timer(1.3 * arguments.seconds + 30, process.kill)
    watch.start()
    about: dict[str, Any] = {"seconds": {}}
    tables: dict[str, list[Any]] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("{"):
            print(line, end="")
            continue
        found = json.loads(line)
        if "devices" in found:
            about["devices"] = found["devices"]
        elif "seconds" in found:
            about["seconds"][found["part"]] = found["seconds"]
            about["peak_memory"] = found["peak_memory"]  # of all parts up to this one
        else:
            tables.setdefault(found["part"], []).append({"device": device, **found["row"]})
    about["status"] = process.wait()
    watch.cancel()
    return about, tables


COLUMNS = {
    "layers": ["device", "cell", "batch", "steps", "width", "mode", "side", "rate", "ratio", "fused"],
    "linear": ["device", "batch", "steps", "width", "mode", "side", "rate", "ratio"],
    "table": ["device", "cell", "batch", "steps", "mode", "rate"],
    "generate": ["device", "model", "batch", "rate"],
}


def main() -> int:
    """Run the parts on each device, write the results, print the tables; 1 if a process failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--device", default="gpu" if describe_gpus() else "cpu", help="cpu, gpu or cpu,gpu")
    parser.add_argument("--quick", dest="scale", action="store_const", const="quick", default="default")
    parser.add_argument("--default", dest="scale", action="store_const", const="default", help=argparse.SUPPRESS)
    parser.add_argument("--full", dest="scale", action="store_const", const="full")
    parser.add_argument("--seconds", type=float, default=180, help="for each device")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected some of {', '.join(PARTS)}")
    scale = SCALES[arguments.scale]
    if arguments.repeats:
        scale = Scale(**{**vars(scale), "repeats": arguments.repeats})
    if arguments.child:
        measure(arguments.parts, scale, arguments.seconds)
        return 0
    backend = os.environ.get("KERAS_BACKEND", "")
    if backend not in HOW:
        parser.error(f"KERAS_BACKEND={backend}; expected {', '.join(HOW)}")
    settings: dict[str, Any] = {
        "backend": backend,
        "scale": arguments.scale,
        "sizes": vars(scale),
        "seconds_for_each_device": arguments.seconds,
        "precision": "the framework's defaults: products may be in TF32 on a GPU, on every side",
        "devices": {},
    }
    tables: dict[str, list[Any]] = {}
    failed = False
    path = None
    for device in arguments.device.split(","):
        about, found = run_device(device, arguments)
        failed |= about["status"] != 0
        settings["devices"][device] = about
        for part, rows in found.items():
            tables.setdefault(part, []).extend(rows)
        path = write_result(f"recurrent_devices_{backend}", QUESTION, settings, tables)
    for part, rows in tables.items():
        shown = [row for row in rows if "rate" in row]
        if shown:
            print_table(f"{part}, {backend}: steps/s", shown, COLUMNS[part])
        for row in rows:
            if "error" in row:
                print("failed:", json.dumps(row))
        missing = sum(not row.get("measured", True) for row in rows)
        if missing:
            print(f"{missing} not measured for lack of time")
    print(f"\nwritten: {path}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
