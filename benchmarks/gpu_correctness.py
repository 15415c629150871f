"""Does a GPU compute what the CPU computes?

Every cell of the registry, in each form that it has (the layer that the zoo makes of it, the loop over the steps, the
parallel form, both directions for those that Keras fuses), and the losses of word2vec, pair by pair and by blocks, with
a step of `SkipGram` on a block. Outputs and final states, and the gradients by all weights and by the input, are
computed on both devices from the same weights and the same random input; every array must agree, relative to its norm,
within 1e-4 forward and 1e-3 for gradients. Products are in full float32 here, not in TF32. The exit status says whether
all agree.

    KERAS_BACKEND=jax python -m benchmarks.gpu_correctness
    KERAS_BACKEND=torch python -m benchmarks.gpu_correctness --device cpu

Without a GPU (`--device cpu`), the CPU is compared with itself in another form, which checks the script and how far
float32 reaches: on PyTorch in float64; on JAX, where Keras has no float64, compiled without optimisation. The two sides
are processes that run at the same time, as Keras chooses its fused layers by what the process can see: one that sees a
GPU would try cuDNN on the CPU as well.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.cudnn_calls import CudnnCalls
from benchmarks.harness import ROOT, describe_gpus, print_table, visible_devices, write_result

QUESTION = "Outputs and gradients on the device beside those on the CPU: relative errors of every cell and loss."
FORWARD, GRADIENTS = 1e-4, 1e-3
BATCH, STEPS, FEATURES, UNITS = 4, 24, 5, 16
CHUNKED_STEPS = 70  # more than one chunk of mLSTM's parallel form
FUSED = ("lstm", "gru")
QUICK = ("lstm", "gru", "mgu", "lru", "mlstm", "word2vec")
REFERENCE = "expected.npz"
# Arrays whose norm is far below that of the largest one consist of rounding; they are measured against this share.
FLOOR = 1e-3

Arrays = dict[str, np.ndarray]


# Cells ---------------------------------------------------------------------------------------------------------------


def cell_cases() -> Iterator[tuple[str, Callable[[], Any], int, int]]:
    """(name, what makes the model, features, steps) of every cell in every form."""
    from kerazoo import zoo
    from kerazoo.cells import cell_info, list_cells

    def model(cell: str, parallel: bool | str = False, **options: Any) -> Any:
        extra: dict[str, Any] = {}
        if cell_info(cell).needs_timestamps:
            extra = {"time": "step", "ratio_on": 0.5, "max_period": 20.0}  # so that most units open within the steps
        layer = zoo.LayerSpec(cell, UNITS, options=extra, **options)
        spec = zoo.RNNSpec(layers=(layer,), features=FEATURES, head="none", return_states=True)
        return zoo.build(spec, seed=1, parallel=parallel)

    for cell in list_cells():
        steps = CHUNKED_STEPS if getattr(cell_info(cell).make, "chunked", False) else STEPS
        yield f"{cell}, step by step", partial(model, cell, **_loop(cell)), FEATURES, steps
        if cell_info(cell).linear:
            yield f"{cell}, parallel", partial(model, cell, parallel=True), FEATURES, steps
        if cell in FUSED:
            yield f"{cell}, Keras's layer", partial(model, cell), FEATURES, STEPS
            yield f"{cell}, both directions", partial(model, cell, bidirectional=True), FEATURES, STEPS


def _loop(cell: str) -> dict[str, Any]:
    return {"fused": False} if cell in (*FUSED, "rnn") else {}


def prepare_model(model: Any, rng: np.random.Generator, path: Path, first: bool) -> None:
    """Give both sides the same weights, in float32, and those that are zero or equal at first some noise.

    Some initializers draw what the device draws, so the first side leaves its weights at `path` for the other one.
    """
    if first:
        trainable = {id(variable) for variable in model.trainable_variables}
        values = {}
        for number, variable in enumerate(model.weights):
            value = _host(variable.value)
            if value.dtype.kind == "f":
                noise = rng.normal(0, 0.05, value.shape) if id(variable) in trainable else 0.0
                value = (value + noise).astype("float32")
            values[str(number)] = value
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **values)  # type: ignore[arg-type]
        partial.replace(path)
    give_up = time.monotonic() + 120
    while not path.exists():
        if time.monotonic() > give_up:
            raise TimeoutError("the weights of the other side did not come")
        time.sleep(0.01)
    with np.load(path) as file:
        model.set_weights([file[str(number)] for number in range(len(file.files))])


def _host(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor)


def cotangents(shapes: list[tuple[int, ...]], rng: np.random.Generator) -> list[np.ndarray]:
    """What the outputs are multiplied by to get the number that is differentiated."""
    return [(rng.normal(size=shape) / np.sqrt(np.prod(shape))).astype("float32") for shape in shapes]


def output_shapes(model: Any, x: np.ndarray) -> list[tuple[int, ...]]:
    """Shapes of all outputs, without computing anything."""
    import keras

    found = model.compute_output_spec(keras.KerasTensor(x.shape, dtype="float32"))
    return [tuple(int(n) for n in tensor.shape) for tensor in keras.tree.flatten(found)]


# Backends ------------------------------------------------------------------------------------------------------------
# A function takes a list of arrays to differentiate by and a list of others, and gives (outputs, number, gradients).


class JaxSide:
    """Compiles all functions at once, in threads; they are small."""

    def __init__(self, precision: str) -> None:
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
        self.dtype = precision
        self.pool = ThreadPoolExecutor(max(1, min(8, (os.cpu_count() or 2) // 2)))

    def model(self, model: Any, x: np.ndarray, weights: list[np.ndarray]) -> Callable[[], Arrays]:
        import jax
        import jax.numpy as jnp
        import keras

        values = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]
        names = [variable.path for variable in model.trainable_variables]

        def outputs(values: Any, x: Any, training: bool) -> list[Any]:
            return list(keras.tree.flatten(model.stateless_call(values, others, x, training=training)[0]))

        def loss(values: Any, x: Any) -> Any:
            return sum(jnp.sum(y * c) for y, c in zip(outputs(values, x, True), weights, strict=True))

        def both(values: Any, x: Any) -> Any:
            return outputs(values, x, False), jax.grad(loss, argnums=(0, 1))(values, x)

        return self._later(both, (values, jnp.asarray(x.astype(self.dtype))), names)

    def function(self, function: Any, by: Arrays, others: Arrays) -> Callable[[], Arrays]:
        import jax
        import jax.numpy as jnp

        def both(by: Any) -> Any:
            found = function(by, {name: jnp.asarray(value) for name, value in others.items()})
            gradients = jax.grad(lambda by: function(by, others)[0].sum())(by)
            return found, ([gradients[name] for name in by], None)

        values = {name: jnp.asarray(value.astype(self.dtype)) for name, value in by.items()}
        return self._later(both, (values,), list(by))

    def _later(self, function: Any, arguments: Any, names: list[str]) -> Callable[[], Arrays]:
        import jax

        lowered = jax.jit(function).lower(*arguments)
        fused = "dnn_rnn" in lowered.as_text()
        compiled = self.pool.submit(lowered.compile)

        def run() -> Arrays:
            found, (gradients, by_input) = compiled.result()(*arguments)
            return {**_named(found, dict(zip(names, gradients, strict=True)), by_input), "fused": np.asarray(fused)}

        return run


class TorchSide:
    """Runs operation by operation, so nothing is prepared."""

    def __init__(self, precision: str) -> None:
        import torch  # type: ignore[import-not-found,unused-ignore]

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self.dtype = precision
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.fused_calls = CudnnCalls()

    def _put(self, value: np.ndarray) -> Any:
        import torch

        value = value.astype(self.dtype) if value.dtype.kind == "f" else value
        return torch.from_numpy(np.ascontiguousarray(value)).to(self.device)

    def model(self, model: Any, x: np.ndarray, weights: list[np.ndarray]) -> Callable[[], Arrays]:
        import keras
        import torch

        from kerazoo.training import compiled

        def run() -> Arrays:
            before = self.fused_calls.count
            inputs = self._put(x)
            predict = compiled(model)
            for _ in range(5):  # on a GPU the last one is the replay of a CUDA graph
                found = list(keras.tree.flatten(predict(inputs)))
            inputs.requires_grad_(True)
            again = list(keras.tree.flatten(model(inputs, training=True)))
            total = sum((y * self._put(c)).sum() for y, c in zip(again, weights, strict=True))
            variables = model.trainable_variables
            wanted = [variable.value for variable in variables] + [inputs]
            # A weight that nothing depends on has no gradient at all, rather than zeros.
            gradients = torch.autograd.grad(total, wanted, allow_unused=True)
            filled = [torch.zeros_like(v) if g is None else g for v, g in zip(wanted, gradients, strict=True)]
            named = {v.path: g for v, g in zip(variables, filled[:-1], strict=True)}
            del again, total  # a graph of gradients that lives on disturbs a capture
            fused = np.asarray(self.fused_calls.count > before)
            return {**_named(found, named, filled[-1]), **self._trained(model, x), "fused": fused}

        return run

    def _trained(self, model: Any, x: np.ndarray) -> Arrays:
        """What six steps of training change in all weights; on a GPU, three of them are replays of a CUDA graph."""
        import keras

        from kerazoo.training._torch import CapturedTrainFunction

        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse")
        function = CapturedTrainFunction(model, len(x))
        target = [self._put(np.zeros(shape, x.dtype)) for shape in output_shapes(model, x)]
        before = model.get_weights()
        for _ in range(6):
            function([(self._put(x), target if len(target) > 1 else target[0])])
        if self.device == "cuda" and function.why_not:
            raise RuntimeError(function.why_not)
        changes = [(new - old).ravel() for new, old in zip(model.get_weights(), before, strict=True)]
        return {"gradient/changes by six steps": np.concatenate(changes)}

    def function(self, function: Any, by: Arrays, others: Arrays) -> Callable[[], Arrays]:
        import torch

        def run() -> Arrays:
            values = {name: self._put(value).requires_grad_(True) for name, value in by.items()}
            found = function(values, {name: self._put(value) for name, value in others.items()})
            gradients = torch.autograd.grad(found[0].sum(), list(values.values()), allow_unused=True)
            filled = [torch.zeros_like(v) if g is None else g for v, g in zip(values.values(), gradients, strict=True)]
            return _named(found, dict(zip(values, filled, strict=True)), None)

        return run


def _named(outputs: Any, gradients: dict[str, Any], by_input: Any) -> Arrays:
    named = {f"forward/{i}": _host(value) for i, value in enumerate(outputs)}
    named |= {f"gradient/{name}": _host(value) for name, value in gradients.items()}
    return named if by_input is None else {**named, "gradient/input": _host(by_input)}


# Word2vec ------------------------------------------------------------------------------------------------------------


def make_block(seed: int) -> tuple[Arrays, int]:
    """A block of text over 50 words, and its number of words."""
    from kerazoo.batching import TokenBlocks

    rng = np.random.default_rng(seed)
    words, tokens = 50, 600
    ids = rng.integers(0, words, tokens).astype("int32")
    corpus = SimpleNamespace(ids=ids, offsets=np.arange(0, tokens + 1, 60))
    counts = np.bincount(ids, minlength=words)
    blocks = TokenBlocks(
        corpus, counts=counts, block_size=256, window=3, sample=0, noise_group=32, noise_per_group=16, seed=seed
    )
    (block,) = blocks[0]
    return {name: np.asarray(value) for name, value in block.items()}, words


def word2vec_cases(side: Any, seed: int) -> Iterator[tuple[str, Callable[[], Arrays]]]:
    """The losses pair by pair by automatic derivatives, the closed form of blocks, and a step on a block."""
    from kerazoo.word2vec import LOSSES, candidate_logits
    from kerazoo.word2vec.keras.block_gradients import block_gradients

    block, words = make_block(seed)
    rng = np.random.default_rng(seed + 1)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype("float32")

    n_inputs, n_outputs = len(block["unique"]), len(block["out_unique"])
    rows = {"inputs": draw(n_inputs, 12), "outputs": draw(n_outputs, 12), "offsets": draw(n_outputs)}
    for name, kind in LOSSES.items():

        def pairs(by: Any, others: Any, kind: Any = kind) -> list[Any]:
            logits = candidate_logits(
                by["inputs"],
                by["outputs"],
                by["noise"],
                by.get("output_offset"),
                by.get("noise_offset"),
                others["hits"],
            )
            return [kind.function(logits)]

        def blocks(by: Any, others: Any, name: str = name, kind: Any = kind) -> list[Any]:
            offsets = by["offsets"] if kind.biased else None
            return list(
                block_gradients(
                    others,
                    by["inputs"],
                    by["outputs"],
                    offsets,
                    5,
                    softmax=name == "sampled_softmax",
                    remove_accidental_hits=kind.remove_accidental_hits,
                )
            )

        by = {"inputs": draw(32, 12), "outputs": draw(32, 12), "noise": draw(10, 12)}
        if kind.biased:
            by |= {"output_offset": draw(32), "noise_offset": draw(10)}
        yield f"word2vec {name}, pairs", side.function(pairs, by, {"hits": rng.random((32, 10)) < 0.1})
        taken = rows if kind.biased else {name: rows[name] for name in ("inputs", "outputs")}
        yield f"word2vec {name}, blocks", side.function(blocks, taken, block)
        yield f"word2vec {name}, a step", _step(name, block, words, rng)


def _step(name: str, block: Arrays, words: int, rng: np.random.Generator) -> Callable[[], Arrays]:
    """`SkipGram` after a step on the block: the tables are outputs, and there is nothing more to differentiate."""
    from kerazoo.word2vec import RowClippedSGD, SkipGram

    model = SkipGram(words, 12, loss=name, seed=1, dtype="float32")  # its rate and clipping are float32 ever
    model.compile(RowClippedSGD(0.05))
    values = [rng.normal(0, 0.5, variable.shape).astype("float32") for variable in model.trainable_variables]

    def run() -> Arrays:
        for variable, value in zip(model.trainable_variables, values, strict=True):
            variable.assign(value)
        loss = model.train_on_batch(block)
        tables = [variable.value for variable in model.trainable_variables]
        return _named([np.asarray(loss, "float64"), *tables], {}, None)

    return run


# Both sides ----------------------------------------------------------------------------------------------------------


def child(pattern: str, seed: int, precision: str, path: Path) -> None:
    """Compute every case on the device of this process, and write all arrays to `path`."""
    import keras

    keras.config.set_floatx(precision)
    backend = keras.backend.backend()
    side: Any = JaxSide(precision) if backend == "jax" else TorchSide(precision)
    runs: list[tuple[str, Callable[[], Arrays]]] = []
    found: dict[str, np.ndarray] = {}

    def failed(name: str, error: Exception) -> None:
        found[f"{name}|error"] = np.asarray(f"{type(error).__name__}: {error}"[:300])

    for number, (name, make, features, steps) in enumerate(cell_cases()):
        if not _chosen(name, pattern):
            continue
        # All forms of a cell get the same numbers.
        rng = np.random.default_rng([seed, *name.partition(",")[0].encode()])
        noise = np.random.default_rng(rng.integers(2**32))  # drawn from by the first side only
        x = rng.normal(size=(BATCH, steps, features)).astype("float32")
        try:
            model = make()
            prepare_model(model, noise, path.parent / f"weights{number}.npz", path.name == REFERENCE)
            runs.append((name, side.model(model, x, cotangents(output_shapes(model, x), rng))))
        except Exception as error:  # one case that cannot be built must not hide the others
            failed(name, error)
    if _chosen("word2vec", pattern):
        try:
            runs.extend(word2vec_cases(side, seed))
        except Exception as error:
            failed("word2vec", error)
    for name, run in runs:
        try:
            found.update({f"{name}|{key}": value for key, value in run().items()})
        except Exception as error:
            failed(name, error)
    devices = visible_devices().get(backend, []) if precision == "float32" else [precision]
    np.savez(path, **found, **{"devices|": np.asarray(devices)})  # type: ignore[arg-type]


def _chosen(name: str, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name.partition(",")[0], each) for each in pattern.split(","))


def compare(expected: Arrays, got: Arrays) -> dict[str, Any]:
    """Relative errors of one case: forward, of the gradients, and which array is the worst."""
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
            # A NaN on either side stays one, and fails.
            errors[name] = float(np.linalg.norm(b - a)) / norm if norm else float(np.linalg.norm(b))
        worst = max(errors, key=lambda name: np.inf if np.isnan(errors[name]) else errors[name])
        row[key] = errors[worst]
        row["worst"] = worst if kind == "gradient" or row["worst"] is None else row["worst"]
    within = (row["forward"] is None or row["forward"] < FORWARD) and (
        row["gradients"] is None or row["gradients"] < GRADIENTS
    )
    row["agrees"] = bool(within and any(key.startswith("forward/") for key in expected))
    return row


def load(path: Path) -> tuple[dict[str, Arrays], list[str]]:
    cases: dict[str, Arrays] = {}
    with np.load(path) as file:
        devices = [str(device) for device in file["devices|"]]
        for key in file.files:
            name, _, array = key.partition("|")
            if name != "devices":
                cases.setdefault(name, {})[array] = file[key]
    return cases, devices


def compare_forms(cases: dict[str, Arrays]) -> dict[str, float]:
    """Relative errors of the outputs and states of each form beside those step by step, on the same side."""
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


def start(
    side: str, precision: str, arguments: argparse.Namespace, seed: int, path: Path, optimised: bool = True
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if side == "cpu":
        environment |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    if not optimised:
        environment["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"
    command = [sys.executable, "-m", "benchmarks.gpu_correctness", "--cells", arguments.cells, "--seed", str(seed),
               "--child", str(path), "--precision", precision]  # fmt: skip
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu" if describe_gpus() else "cpu")
    parser.add_argument("--cells", default="*", help="shell patterns of cells, and word2vec, by commas; default: all")
    parser.add_argument("--quick", dest="cells", action="store_const", const=",".join(QUICK), help="only some cells")
    parser.add_argument("--seed", type=int, help="of the inputs; default: a new one each time")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    if arguments.child:
        child(arguments.cells, seed, arguments.precision, arguments.child)
        return 0
    backend = os.environ.get("KERAS_BACKEND", "")
    if backend not in ("jax", "torch"):
        parser.error(f"KERAS_BACKEND={backend}; expected jax or torch")
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in (REFERENCE, "got.npz")]
        another_form = arguments.device == "cpu"
        precision = "float64" if another_form and backend == "torch" else "float32"
        sides = [
            start("cpu", precision, arguments, seed, paths[0], optimised=not another_form),
            start(arguments.device, "float32", arguments, seed, paths[1]),
        ]
        states = [side.wait() for side in sides]
        if any(states):
            print("a side ended with an error")
            return 1
        expected, reference_devices = load(paths[0])
        got, devices = load(paths[1])
    rows = []
    forms = compare_forms(got)
    for name in expected | got:
        sides_of_case = (expected.get(name, {}), got.get(name, {}))
        errors = [str(arrays["error"]) for arrays in sides_of_case if "error" in arrays]
        if errors or not all(sides_of_case):
            rows.append({"case": name, "agrees": False, "error": errors[0] if errors else "on one side only"})
            continue
        row = {"case": name, **compare(*sides_of_case)}
        if name in forms:
            row["from_steps"] = forms[name]
            row["agrees"] &= forms[name] < FORWARD
        if "fused" in got[name]:
            row["fused"] = bool(got[name]["fused"])
        rows.append(row)
    wrong = [row for row in rows if not row["agrees"]]
    seconds = time.perf_counter() - begin
    settings = {"backend": backend, "device": arguments.device, "devices": devices, "reference": reference_devices,
                "reference_precision": precision, "seed": seed, "forward_limit": FORWARD, "gradient_limit": GRADIENTS,
                "seconds": seconds}  # fmt: skip
    path = write_result(f"gpu_correctness_{backend}", QUESTION, settings, {"cases": rows})
    print_table(
        f"{backend}, {', '.join(devices)} beside {', '.join(reference_devices)} in {precision}",
        rows,
        ["case", "forward", "gradients", "from_steps", "worst", "fused", "agrees", "error"],
    )
    print(f"\n{len(rows) - len(wrong)} of {len(rows)} agree, seed {seed}, {seconds:.0f} s; written: {path}")
    return int(bool(wrong) or not rows)


if __name__ == "__main__":
    raise SystemExit(main())
