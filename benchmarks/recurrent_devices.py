"""What do recurrent models reach on a device: a GPU, or the CPU beside it?

layers: a zoo LSTM and GRU against the plain layer of the framework: `torch.nn` on PyTorch, `keras.layers` elsewhere.
linear: each linear recurrence in parallel form and step by step, against the fused LSTM of the same width.
table: every cell by batch and length. What is left when the time is up is in the table as not measured.
generate: 200 steps of `zoo.generate`.

    KERAS_BACKEND=jax python -m benchmarks.recurrent_devices layers linear --device cpu,gpu --seconds 120

Each device has a process of its own, as Keras chooses its fused layers by what the process can see. The steps that are
timed are the framework's own: the forward pass, or that with the gradients and one update of plain SGD, on data that
lies on the device, the same for all sides; what `fit` adds is not in them. On torch "captured" is what models of the
zoo do by `training.compiled` and `training.fit`: the same, and Keras's metrics, as a CUDA graph (on a CPU, the same
without a graph); on TensorFlow "XLA" is what `training.fit` compiles by. Timings wait for the device, and leave out the
first calls; compiling is in its own column, several functions at once on JAX.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from benchmarks.cudnn_calls import CudnnCalls
from benchmarks.harness import ROOT, describe_gpus, peak_memory, print_table, visible_devices, write_result

QUESTION = "Steps a second of recurrent models by device: zoo against plain layers, parallel forms, every cell."
PARTS = {"layers": 0.35, "linear": 0.35, "table": 0.25, "generate": 0.05}  # shares of the time
MODES = ("inference", "training")
GRACE = 10.0  # seconds over time that functions may take which are compiled already
ONE_STEP = "one step a turn"
BY_XLA = "XLA"  # as `training.fit` compiles on TensorFlow
CAPTURED = "captured"  # as one CUDA graph: see `kerazoo.training`

# How models of the zoo run that are compared with nothing but each other: as `training.fit` runs them.
HOW = {"jax": "", "tensorflow": f", {BY_XLA}", "torch": f", {CAPTURED}"}


@dataclass(frozen=True)
class Scale:
    """Sizes of a run: `layers` are (batch, T, width), `linear` (batch, T, width), `table` (batch, T)."""

    layers: tuple[tuple[int, int, int], ...]
    linear: tuple[tuple[int, int, int], ...]
    table_first: tuple[int, int]
    table_rest: tuple[tuple[int, int], ...]
    table_width: int
    generate: tuple[tuple[str, int], ...]
    steps: int
    repeats: int
    turn: float  # seconds of one side in one turn


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
# Beyond the first point of the grid, these come first: a loop, the fused ones, and parallel forms of each kind.
LEADING = ("lstm", "gru", "rnn", "mingru", "lru", "mlstm")


@dataclass
class Side:
    """One function that is timed: `run` queues it once, `wait` waits until all that is queued is done."""

    name: str
    compile: Callable[[], None]
    run: Callable[[], Any]
    wait: Callable[[], Any]
    notes: dict[str, Any] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)


@dataclass
class Comparison:
    """Sides that take turns, made only when their turn has come; ratios are to `reference`."""

    row: dict[str, Any]
    sides: dict[str, Callable[[], Any]]  # name -> what makes the model
    reference: str | None
    mode: str
    batch: int
    steps: int
    features: int

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.batch, self.steps, self.features)).astype("float32")
        return x, np.zeros((self.batch, self.steps, 1), "float32")


@contextlib.contextmanager
def one_step_a_turn() -> Iterator[None]:
    """Let the loops that are traced meanwhile take one step a turn, as Keras's do."""
    from kerazoo.cells import loop

    kept, loop.UNROLL_FACTOR = loop.UNROLL_FACTOR, {False: 1, True: 1}
    try:
        yield
    finally:
        loop.UNROLL_FACTOR = kept


class JaxWorker:
    """Compiles and runs on JAX."""

    threads = max(1, min(8, (os.cpu_count() or 2) - 1))

    def put(self, x: np.ndarray) -> Any:
        import jax

        return jax.device_put(x)

    def side(self, name: str, model: Any, x: Any, y: Any, mode: str) -> Side:
        import jax
        import jax.numpy as jnp

        weights = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]

        def inference(weights: Any, others: Any, x: Any) -> Any:
            return model.stateless_call(weights, others, x, training=False)[0]

        def loss(weights: Any, others: Any, x: Any, y: Any) -> Any:
            return jnp.mean((model.stateless_call(weights, others, x, training=True)[0] - y) ** 2)

        def training(weights: Any, others: Any, x: Any, y: Any) -> Any:
            value, gradients = jax.value_and_grad(loss)(weights, others, x, y)
            return [w - 1e-3 * g for w, g in zip(weights, gradients, strict=True)], value

        start = time.perf_counter()
        with one_step_a_turn() if name.endswith(ONE_STEP) else contextlib.nullcontext():
            if mode == "inference":
                lowered = jax.jit(inference).lower(weights, others, x)
            else:
                lowered = jax.jit(training).lower(weights, others, x, y)
        traced = time.perf_counter() - start
        side = Side(name, lambda: None, lambda: None, lambda: None)
        # Keras falls back to a loop without a word where cuDNN cannot be had.
        side.notes["fused"] = "dnn_rnn" in lowered.as_text()
        last: list[Any] = []

        def compile_it() -> None:
            start = time.perf_counter()
            compiled = lowered.compile()
            side.notes["compile_seconds"] = traced + time.perf_counter() - start

            def run() -> None:
                if mode == "inference":
                    last[:] = [compiled(weights, others, x)]
                else:
                    weights[:], value = compiled(weights, others, x, y)
                    last[:] = [value]

            side.run = run

        side.compile = compile_it
        side.wait = lambda: jax.block_until_ready((last, weights))
        return side


class TorchWorker:
    """Runs on PyTorch, operation by operation; the first call stands in for compiling."""

    threads = 1

    def __init__(self) -> None:
        import torch  # type: ignore[import-not-found,unused-ignore]

        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.fused_calls = CudnnCalls()

    def put(self, x: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(x).to(self.device)

    def side(self, name: str, model: Any, x: Any, y: Any, mode: str) -> Side:
        if name.endswith(CAPTURED):
            run, captured = self._captured(model, x, y, mode)
        else:
            run, captured = self._plain(model, x, y, mode), None
        wait = self.torch.cuda.synchronize if self.device == "cuda" else lambda: None
        side = Side(name, lambda: None, run, wait)

        def first_calls() -> None:
            before, start = self.fused_calls.count, time.perf_counter()
            for _ in range(1 if captured is None else 5):  # three before the capture, the capture, a replay
                run()
            wait()
            side.notes["compile_seconds"] = time.perf_counter() - start
            side.notes["fused"] = self.fused_calls.count > before or not hasattr(model, "trainable_variables")
            if captured is not None:
                side.notes["why_not_captured"] = captured()

        side.compile = first_calls
        return side

    def _plain(self, model: Any, x: Any, y: Any, mode: str) -> Callable[[], Any]:
        torch = self.torch
        if hasattr(model, "trainable_variables"):
            weights = [variable.value for variable in model.trainable_variables]
            call = model
        else:
            weights = list(model.parameters())

            def call(x: Any, training: bool) -> Any:
                return model(x)

        optimizer = torch.optim.SGD(weights, lr=1e-3)

        def inference() -> Any:
            with torch.no_grad():
                return call(x, training=False)

        def training() -> Any:
            optimizer.zero_grad()
            loss = ((call(x, training=True) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return inference if mode == "inference" else training

    def _captured(self, model: Any, x: Any, y: Any, mode: str) -> tuple[Callable[[], Any], Callable[[], str]]:
        """As `training.compiled` and `training.fit` run a model of Keras; a plain module by the same graph."""
        from kerazoo.training._torch import CapturedCall, CapturedPrediction, CapturedTrainFunction

        if not hasattr(model, "trainable_variables"):
            plain = self._plain(model, x, y, mode)
            call = CapturedCall(lambda x, y: plain())
            return lambda: call(x, y), lambda: call.why_not
        if mode == "inference":
            predict = CapturedPrediction(model, {"training": False})
            return lambda: predict(x), lambda: next((each.why_not for each in predict._calls.values()), "no GPU")
        import keras

        model.compile(keras.optimizers.SGD(1e-3), "mse")
        function = CapturedTrainFunction(model, len(x))
        return lambda: function([(x, y)]), lambda: function.why_not


class TensorFlowWorker:
    """Runs functions as TensorFlow traces them or, where the name of a side says so, compiled by XLA."""

    threads = 1

    def put(self, x: np.ndarray) -> Any:
        import tensorflow as tf

        return tf.constant(x)

    def side(self, name: str, model: Any, x: Any, y: Any, mode: str) -> Side:
        import tensorflow as tf

        weights = [variable.value for variable in model.trainable_variables]

        def inference() -> Any:
            return model(x, training=False)

        def training() -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
            for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
                weight.assign_sub(1e-3 * gradient)
            return loss

        function = inference if mode == "inference" else training
        traced = tf.function(function, jit_compile=name.endswith(BY_XLA), autograph=False)
        last: list[Any] = []

        def run() -> None:
            last[:] = [traced()]

        def wait() -> None:
            for each in last:
                each.numpy()  # there is no other way to wait for a device

        side = Side(name, lambda: None, run, wait)

        def first_call() -> None:
            start = time.perf_counter()
            graph = traced.get_concrete_function().graph.as_graph_def()
            run()
            wait()
            side.notes["compile_seconds"] = time.perf_counter() - start
            # Keras puts both ways into the graph, and TensorFlow chooses by the device.
            nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
            fused = any(node.op.startswith("CudnnRNN") for node in nodes)
            side.notes["fused"] = fused and bool(tf.config.list_physical_devices("GPU"))

        side.compile = first_call
        return side


def make_worker() -> Any:
    import keras

    workers = {"jax": JaxWorker, "tensorflow": TensorFlowWorker, "torch": TorchWorker}
    return workers[keras.backend.backend()]()


# What is compared ----------------------------------------------------------------------------------------------------


def plain_keras(cell: str, width: int, features: int, **options: Any) -> Any:
    """The layer of Keras with a dense head; weights drawn by NumPy, which saves JAX some compiling."""
    import keras

    from kerazoo.zoo.initial import drawn_by_numpy

    make = keras.layers.LSTM if cell == "lstm" else keras.layers.GRU
    layers = [make(width, return_sequences=True, **options), keras.layers.Dense(1)]
    with drawn_by_numpy(layers):
        return keras.Sequential([keras.Input((None, features)), *layers])


def plain_torch(cell: str, width: int, features: int) -> Any:
    """The layer of PyTorch with a linear head."""
    import torch

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            make = torch.nn.LSTM if cell == "lstm" else torch.nn.GRU
            self.recurrent = make(features, width, batch_first=True)
            self.head = torch.nn.Linear(width, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.recurrent(x)[0])

    return Plain().to("cuda" if torch.cuda.is_available() else "cpu")


def from_zoo(cell: str, width: int, features: int, **options: Any) -> Any:
    """The model of the zoo with a dense head, an output for every step."""
    from kerazoo import zoo
    from kerazoo.cells import cell_info

    extra = {"time": "step"} if cell_info(cell).needs_timestamps else {}
    layer = zoo.LayerSpec(cell, width, options=extra)
    return zoo.build(zoo.RNNSpec(layers=(layer,), features=features), seed=1, **options)


def layers_part(scale: Scale, backend: str) -> Iterator[Comparison]:
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
                # JAX has cuDNN's LSTM alone; what does the loop gain by several steps a turn?
                sides[f"zoo, {ONE_STEP}"] = sides["zoo"]
            for mode in MODES:
                row = {"cell": cell, "batch": batch, "steps": steps, "width": width, "mode": mode}
                yield Comparison(row, sides, "torch.nn" if backend == "torch" else "keras", mode, batch, steps, width)


def linear_part(scale: Scale, backend: str) -> Iterator[Comparison]:
    from kerazoo.cells import list_cells

    for batch, steps, width in scale.linear:
        make: Callable[..., Any] = plain_torch if backend == "torch" else from_zoo
        sides: dict[str, Callable[[], Any]] = {"lstm, fused": partial(make, "lstm", width, width)}
        for cell in list_cells(linear=True):
            for form, parallel in (("parallel", True), ("step by step", False)):
                # A loop over 512 steps of 256 sequences tells nothing that 32 do not.
                if parallel or batch <= 32 or steps <= 64:
                    sides[f"{cell}, {form}{HOW[backend]}"] = partial(from_zoo, cell, width, width, parallel=parallel)
        for mode in MODES:
            row = {"batch": batch, "steps": steps, "width": width, "mode": mode}
            yield Comparison(row, sides, "lstm, fused", mode, batch, steps, width)


def table_part(scale: Scale, backend: str) -> Iterator[Comparison]:
    from kerazoo.cells import cell_info, list_cells

    def rows(cells: Sequence[str], batch: int, steps: int) -> Iterator[Comparison]:
        for cell in cells:
            # A convolution slides over the features, and has `width` outputs at each of them.
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


# Running -------------------------------------------------------------------------------------------------------------


def measure(sides: Sequence[Side], repeats: int, turn: float, deadline: float) -> None:
    """Let the sides take turns of about `turn` seconds."""
    counts = []
    for side in sides:
        side.run()
        side.wait()
        start = time.perf_counter()
        side.run()
        side.wait()
        counts.append(max(1, min(200, int(turn / max(time.perf_counter() - start, 1e-6)))))
    for repeat in range(repeats):
        if repeat > 1 and time.perf_counter() > deadline:  # what is compiled is worth two turns
            break
        for side, count in zip(sides, counts, strict=True):
            start = time.perf_counter()
            for _ in range(count):
                side.run()
            side.wait()
            side.rates.append(count / (time.perf_counter() - start))


def run_part(
    comparisons: Sequence[Comparison], worker: Any, scale: Scale, deadline: float, emit: Callable[[Any], None]
) -> None:
    """Measure until `deadline`; the functions of a group are compiled at once, then timed one after the other."""
    waiting = list(comparisons)
    with ThreadPoolExecutor(worker.threads) as pool:
        while waiting:
            group: list[tuple[Comparison, list[Side]]] = []
            while waiting and sum(len(sides) for _, sides in group) < 2 * worker.threads:
                comparison = waiting.pop(0)
                if time.perf_counter() > deadline:
                    emit({**comparison.row, "measured": False})
                    continue
                group.append((comparison, _prepared(comparison, worker, emit)))
            pending = [(comparison, side, pool.submit(side.compile)) for comparison, sides in group for side in sides]
            for comparison, side, future in pending:
                try:
                    future.result()
                except Exception as error:  # one function that does not compile must not end the others
                    emit({**comparison.row, "side": side.name, "error": _short(error)})
                    side.notes["failed"] = True
            for comparison, prepared in group:
                _time(comparison, [side for side in prepared if "failed" not in side.notes], scale, deadline, emit)
            del group, pending
            gc.collect()


def _prepared(comparison: Comparison, worker: Any, emit: Callable[[Any], None]) -> list[Side]:
    x, y = (worker.put(values) for values in comparison.data())
    sides = []
    for name, make in comparison.sides.items():
        try:
            sides.append(worker.side(name, make(), x, y, comparison.mode))
        except Exception as error:
            emit({**comparison.row, "side": name, "error": _short(error)})
    return sides


def _time(
    comparison: Comparison, sides: list[Side], scale: Scale, deadline: float, emit: Callable[[Any], None]
) -> None:
    if time.perf_counter() > deadline + GRACE:
        emit({**comparison.row, "measured": False})
        return
    try:
        measure(sides, scale.repeats, scale.turn, deadline)
    except Exception as error:
        emit({**comparison.row, "error": _short(error)})
        return
    base = next((side for side in sides if side.name == comparison.reference), None)
    for side in sides:
        row = {**comparison.row, "side": side.name, "unit": "steps/s", **_rates(side.rates)}
        if base is not None:
            row["ratio"] = statistics.median(a / b for a, b in zip(side.rates, base.rates, strict=True))
        emit({**row, **side.notes})


def _rates(rates: Sequence[float]) -> dict[str, Any]:
    median = statistics.median(rates)
    return {"rate": median, "min_rate": min(rates), "max_rate": max(rates), "repeats": len(rates)}


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def generate_part(scale: Scale, deadline: float, emit: Callable[[Any], None]) -> None:
    """Steps of `zoo.generate` a second; its result is a NumPy array, so it waits by itself."""
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
            emit({**row, "error": _short(error)})
            continue
        emit({**row, "side": "zoo.generate", "unit": "steps/s", **_rates(rates),
              "compile_seconds": first - scale.steps / max(rates)})  # fmt: skip


def child(parts: Sequence[str], scale: Scale, seconds: float) -> None:
    """Measure in this process; each row is a line of JSON on standard output."""
    begin = time.perf_counter()  # importing Keras is part of what the time has to pay for
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
        # What a part leaves over goes to those after it.
        remaining = begin + seconds - time.perf_counter()
        deadline = time.perf_counter() + remaining * PARTS[part] / left
        left -= PARTS[part]
        start = time.perf_counter()

        def emit(row: Any, part: str = part) -> None:
            say(part=part, row=row)

        if part == "generate":
            generate_part(scale, deadline, emit)
        else:
            run_part(list(made[part](scale, backend)), worker, scale, deadline, emit)
        say(part=part, seconds=time.perf_counter() - start, peak_memory=peak_memory())


def run_device(device: str, arguments: argparse.Namespace) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Run `child` on a device, and gather its rows; one that hangs is ended, and its rows are kept."""
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if device == "cpu":
        environment |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "benchmarks.recurrent_devices", *arguments.parts, f"--{arguments.scale}",
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--device", default="gpu" if describe_gpus() else "cpu", help="cpu, gpu or both, by a comma")
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
        child(arguments.parts, scale, arguments.seconds)
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
            print(f"{missing} not measured for want of time")
    print(f"\nwritten: {path}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
