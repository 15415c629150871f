"""How many words per second do word vectors train at on an accelerator, what limits them, and how good are they?

    KERAS_BACKEND=jax python -m benchmarks.questions.word2vec_device --corpus FILE [--epochs 3] [--seeds 1]
        [--native-workers 16] [--variants 4096:kernels,8192:plain,...] [--no-quality] [--no-breakdown] [--no-fit]
        [--name NAME] [--quick]

A variant is ``block:kind[:precision[:warps[:noise]]]``: tokens per block, ``kernels`` (Pallas or Triton, on an NVIDIA
GPU) or ``plain`` (the operations of the backend), ``tf32``, ``bfloat16`` or ``float32``, warps per program, and noise
words per 16 centres. Every variant trains `--epochs` epochs of the encoded corpus in memory. The epoch rate is the
median over the epochs, in raw words per second; compile time is the time of the first call minus that of a later one.
Every call ends with its losses on the host, so the clock stops when the device has finished. Fits are whole calls of
`Word2Vec.fit` with default settings: on the encoded corpus, which may compile, once more, and on the file, which
includes the scan of the text. `native` is the C engine on the CPU of the same machine. Quality is measured on the sets
that ship with gensim, if gensim is installed. The breakdown compares the parts of a step with the rate at which the
device copies memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.harness.results import print_table, write_result
from kerazoo import EncodedCorpus, Word2Vec
from kerazoo.word2vec.gpu.plan import DevicePlan
from kerazoo.word2vec.gpu.training import trainer_of
from kerazoo.word2vec.keras.model import SkipGram
from kerazoo.word2vec.keras.optimizer import RowClippedSGD

SETTINGS: dict[str, Any] = {
    "vector_size": 100,
    "window": 5,
    "negative": 5,
    "min_count": 5,
    "sample": 1e-3,
    "alpha": 0.025,
}
VARIANTS = "8192:kernels,4096:kernels,16384:kernels,8192:kernels:tf32:8,16384:plain"
QUICK_VARIANTS = "512:plain"


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to train; see the docstring of the module."""

    block_size: int
    kernels: bool
    precision: str | None = None
    warps: int = 4
    n_noise: int = 16

    @classmethod
    def of(cls, text: str) -> Variant:
        """Parse a variant."""
        size, kind, *rest = text.split(":")
        if kind not in ("kernels", "plain"):
            raise SystemExit(f"variant {text!r}: {kind!r}; expected kernels or plain.")
        precision, warps, noise = [*rest, "", "", ""][:3]
        return cls(int(size), kind == "kernels", precision or None, int(warps or 4), int(noise or 16))

    def options(self) -> dict[str, Any]:
        """Arguments of `trainer_of`."""
        torch = {} if self.kernels or keras.backend.backend() == "jax" else {"graph": False}
        return {"kernels": self.kernels, "precision": self.precision, "warps": self.warps, **torch}


def synchronise(result: Any = None) -> None:
    """Wait for the device."""
    if keras.backend.backend() == "jax":
        import jax

        jax.block_until_ready(result)
    elif keras.backend.backend() == "torch":
        import torch  # type: ignore[import-not-found,unused-ignore]

        if torch.cuda.is_available():
            torch.cuda.synchronize()


def seconds_of(function: Callable[[], Any], repeats: int) -> float:
    """Mean seconds per call of `repeats` calls that are queued one after the other, after two warm-up calls."""
    for _ in range(2):
        synchronise(function())
    start = time.perf_counter()
    for _ in range(repeats):
        result = function()
    synchronise(result)
    return (time.perf_counter() - start) / repeats


def device_name() -> str:
    """Name of the first accelerator, or of the CPU."""
    if keras.backend.backend() == "jax":
        import jax

        return str(jax.local_devices()[0].device_kind)
    import torch  # type: ignore[import-not-found,unused-ignore]

    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else "cpu"


def quality(vectors: Any) -> dict[str, Any]:
    """Rank correlations and accuracy of analogies, or why there are none."""
    try:
        from gensim.test.utils import datapath
    except ImportError as error:
        return {"quality_error": str(error)}
    return {
        "wordsim353": float(vectors.evaluate_word_pairs(datapath("wordsim353.tsv"))[1][0]),
        "simlex999": float(vectors.evaluate_word_pairs(datapath("simlex999.txt"))[1][0]),
        "analogies": float(vectors.evaluate_word_analogies(datapath("questions-words.txt"), restrict_vocab=30000)[0]),
    }


def keyed_vectors(estimator: Word2Vec, corpus: EncodedCorpus, table: Any) -> Any:
    """A table as KeyedVectors of gensim."""
    estimator.vocabulary_, estimator.vectors_, estimator._wv = corpus.vocabulary, table, None
    return estimator.wv


def train(corpus: EncodedCorpus, variant: Variant, training: dict[str, Any], loss: str, epochs: int, seed: int,
          with_quality: bool) -> dict[str, Any]:  # fmt: skip
    """Train a variant and time its epochs."""
    estimator = Word2Vec(loss=loss, epochs=epochs, seed=seed, engine_options={"block_size": variant.block_size},
                         verbose=0, **training)  # fmt: skip
    settings = estimator._checked_settings()
    start = time.perf_counter()
    plan = DevicePlan(corpus, settings, 16, variant.n_noise)
    model = SkipGram(
        len(corpus.vocabulary.words), settings.vector_size, loss,
        noise_probabilities=plan.noise_distribution.probabilities, negative=settings.negative, seed=settings.seeds[0],
    )  # fmt: skip
    rate = keras.optimizers.schedules.PolynomialDecay(settings.alpha, epochs * plan.n_steps, settings.min_alpha)
    model.compile(optimizer=RowClippedSGD(rate))
    begin = [keras.ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables]
    trainer = trainer_of(model, plan, **variant.options())
    prepared = time.perf_counter() - start
    times = []
    for action in (lambda: trainer.start_epoch(0), lambda: trainer.start_epoch(0), lambda: trainer.run(0),
                   lambda: trainer.run(0), lambda: trainer.run(0)):  # fmt: skip
        start = time.perf_counter()
        action()
        synchronise()
        times.append(time.perf_counter() - start)
    for variable, value in zip(model.trainable_variables, begin, strict=True):
        variable.assign(value)
    seconds, losses, kept = [], [], 0
    for epoch in range(epochs):
        start = time.perf_counter()
        kept = trainer.start_epoch(epoch)
        sums = [trainer.run(call) for call in range(len(plan))]
        seconds.append(time.perf_counter() - start)
        losses.append(sum(float(a.sum()) for a, _ in sums) / sum(float(b.sum()) for _, b in sums))
    result = {
        "epoch_rate": corpus.n_raw_words / statistics.median(seconds),
        "kept_rate": kept / statistics.median(seconds),
        "step_us": times[-1] / plan.steps * 1e6,
        "layout_ms": times[1] * 1e3,
        "compile_s": times[0] - times[1] + times[2] - times[-1],
        "prepare_s": prepared,
        "calls": len(plan),
        "loss": losses,
    }
    if with_quality:
        table = keras.ops.convert_to_numpy(model.input_vectors)
        try:
            result |= quality(keyed_vectors(estimator, corpus, np.ascontiguousarray(table)))
        except ImportError as error:
            result["quality_error"] = str(error)
    return result


def breakdown(n_words: int, dimension: int, n_tokens: int) -> list[dict[str, Any]]:
    """Times of the parts of a step by operations of the backend, on `n_tokens` tokens."""
    ops, rng = keras.ops, np.random.default_rng(1)
    compiled: Callable[[Any], Any] = lambda function: function  # noqa: E731
    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit
    # Words follow Zipf's law, as in text: concurrent additions to frequent words wait for each other.
    ids = np.minimum((n_words ** rng.random(n_tokens)).astype(np.int32), n_words - 1)
    ids = ops.convert_to_tensor(ids)
    table = ops.convert_to_tensor(rng.normal(size=(n_words, dimension)).astype("float32"))
    rows = ops.convert_to_tensor(rng.normal(size=(n_tokens, dimension)).astype("float32"))
    groups = n_tokens // 16
    left = ops.convert_to_tensor(rng.normal(size=(groups, 32, dimension)).astype("float32"))
    right = ops.convert_to_tensor(rng.normal(size=(groups, 32, dimension)).astype("float32"))
    big = ops.convert_to_tensor(np.ones(max(1 << 20, n_tokens * dimension), "float32"))
    row_bytes, table_bytes = n_tokens * dimension * 4, n_words * dimension * 4
    repeats = 20
    parts: dict[str, tuple[Callable[..., Any], tuple[Any, ...], float]] = {
        "copy": (lambda x: x + 1.0, (big,), 2.0 * 4 * big.shape[0]),
        "gather of rows": (lambda t, i: ops.take(t, i, axis=0) * 2.0, (table, ids), 2.0 * row_bytes),
        "scatter-add of rows": (lambda r, i: ops.segment_sum(r, i, n_words), (rows, ids),
                                2.0 * row_bytes + table_bytes),
        "dense update": (lambda t, g: t - 0.1 * g, (table, table + 1.0), 3.0 * table_bytes),
        "product of groups (32 x 32)": (lambda a, b: ops.einsum("gsd,gcd->gsc", a, b), (left, right),
                                        4.0 * row_bytes + groups * 4096.0),
        "random bits (two a noise word)": (lambda: ops.stack([keras.random.randint((n_tokens,), 0, n_words, seed=s)
                                                              for s in (1, 2)]), (), 8.0 * n_tokens),
    }  # fmt: skip
    found: list[dict[str, Any]] = []
    for name, (function, arguments, n_bytes) in parts.items():
        made = compiled(function)
        try:
            seconds = seconds_of(lambda made=made, arguments=arguments: made(*arguments), repeats)  # type: ignore[misc]
        except Exception as error:
            found.append({"part": name, "error": str(error)[:200]})
            continue
        found.append({"part": name, "us": seconds * 1e6, "ns_a_token": seconds * 1e9 / n_tokens,
                      "gb_s": n_bytes / seconds / 1e9})  # fmt: skip
    copy = next(row["gb_s"] for row in found if row["part"] == "copy")
    return [{**row, "share_of_copy": row["gb_s"] / copy} if "gb_s" in row else row for row in found]


def kernel_breakdown(n_words: int, dimension: int, variant: Variant, window: int) -> list[dict[str, Any]]:
    """On JAX: microseconds of the gradient kernel alone, and of the whole step."""
    import jax
    import jax.numpy as jnp

    from kerazoo.word2vec.gpu.kernels import _jax as kernel

    rng, steps, size = np.random.default_rng(1), 64, variant.block_size
    shape = kernel.Shape(size, window, 16, variant.n_noise, 5, True, False, 1.0, variant.precision or "tf32",
                         variant.warps, jax.default_backend() == "cpu")  # fmt: skip
    ids = np.minimum((n_words ** rng.random(steps * size + 2 * window)).astype(np.int32), n_words - 1)
    side = jnp.asarray(rng.integers(1, window + 1, steps * size).astype(np.int32))
    text = (jnp.asarray(ids), side, side)
    noise = jnp.asarray(rng.integers(0, n_words, steps * shape.n_groups * variant.n_noise).astype(np.int32))
    table = jnp.asarray(rng.normal(0, 0.1, (n_words, dimension)).astype(np.float32))
    bias, first = jnp.zeros(n_words), jnp.zeros(1, jnp.int32)

    @jax.jit
    def gradients_only() -> Any:
        buffers = (jnp.zeros_like(table), jnp.zeros_like(table), bias, jnp.zeros(n_words, jnp.int32),
                   jnp.zeros(n_words, jnp.int32), *(jnp.zeros(steps * shape.n_groups) for _ in range(2)))  # fmt: skip

        def step(number: Any, buffers: Any) -> Any:
            return tuple(kernel.gradients(shape, table, table, bias, bias, text, noise, first,
                                          jnp.reshape(number, 1), buffers))  # fmt: skip

        return jax.lax.fori_loop(0, steps, step, buffers)

    @jax.jit
    def whole() -> Any:
        return kernel.train(shape, (table, table, bias), bias, text, noise, first[0], jnp.full(steps, 1e-3))

    found = []
    for name, function in (("gradients", gradients_only), ("whole step", whole)):
        seconds = seconds_of(function, 5)
        found.append({"part": f"kernels, {name}, {size} tokens, {variant.warps} warps", "us": seconds / steps * 1e6,
                      "ns_a_token": seconds * 1e9 / steps / size})  # fmt: skip
    return found


def fits(path: Path, corpus: EncodedCorpus, training: dict[str, Any], loss: str, epochs: int, workers: int,
         with_quality: bool, engines: tuple[str, ...]) -> list[dict[str, Any]]:  # fmt: skip
    """Whole calls of `Word2Vec.fit`: raw words times epochs per second."""
    rows: list[dict[str, Any]] = []
    cases: list[tuple[str, dict[str, Any], Any]] = []
    if "keras" in engines:
        on_device = {"engine": "keras", "engine_options": {"on_device": True}}
        cases = [
            ("device, encoded corpus, compiling", on_device, corpus),
            ("device, encoded corpus", on_device, corpus),
            ("device, file", on_device, path),
        ]
    if "native" in engines:
        cases += [(f"native, {workers} threads, encoded corpus", {"engine": "native"}, corpus),
                  (f"native, {workers} threads, file", {"engine": "native"}, path)]  # fmt: skip
    for name, options, source in cases:
        start = time.perf_counter()
        try:
            model = Word2Vec(loss=loss, epochs=epochs, seed=1, verbose=0, workers=workers, **options, **training)
            model.fit(source)
        except Exception as error:
            rows.append({"name": name, "error": f"{type(error).__name__}: {error}"[:300]})
            print(json.dumps(rows[-1]), flush=True)
            continue
        seconds = time.perf_counter() - start
        row = {"name": name, "rate": epochs * corpus.n_raw_words / seconds, "seconds": seconds,
               "epoch_rate": max(model.history_["words_per_second"]), "loss": model.history_["loss"]}  # fmt: skip
        if with_quality and source is corpus and not name.endswith("compiling"):
            try:
                row |= quality(model.wv)
            except ImportError as error:
                row["quality_error"] = str(error)
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def quick_corpus(folder: str) -> Path:
    """A file of synthetic text with 300 words."""
    rng = np.random.default_rng(1)
    path = Path(folder) / "quick.txt"
    lines = [" ".join(f"w{word}" for word in (300 ** rng.random(40)).astype(int)) for _ in range(1500)]
    path.write_text("\n".join(lines) + "\n")
    return path


def main() -> None:
    """Measure variants, fits and parts of a step, writing the result after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="a text file, plain or .gz, one document per line")
    parser.add_argument("--variants")
    parser.add_argument("--losses", default="nce")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--native-workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--engines", default="keras,native", help="engines whose whole `fit` is timed")
    parser.add_argument("--vector-size", type=int, default=SETTINGS["vector_size"])
    for name in ("quality", "breakdown", "fit"):
        parser.add_argument(f"--no-{name}", action="store_true")
    parser.add_argument("--quick", action="store_true", help="synthetic text, seconds: does everything run?")
    parser.add_argument("--name", help="name of the JSON file")
    arguments = parser.parse_args()
    if arguments.corpus is None and not arguments.quick:
        parser.error("--corpus is missing (or --quick)")
    backend = keras.backend.backend()
    if backend not in ("jax", "torch"):
        parser.error(f"KERAS_BACKEND is {backend}; expected jax or torch")
    training = {**SETTINGS, "vector_size": 16 if arguments.quick else arguments.vector_size}
    variants = [Variant.of(text) for text in
                (arguments.variants or (QUICK_VARIANTS if arguments.quick else VARIANTS)).split(",")]  # fmt: skip
    with_quality = not (arguments.no_quality or arguments.quick)
    device = device_name()
    print(f"{backend} on {device}", flush=True)
    tables: dict[str, Any] = {"device": device}
    settings = {
        **training,
        "epochs": arguments.epochs,
        "backend": backend,
        "losses": arguments.losses,
        "corpus": None if arguments.corpus is None else arguments.corpus.name,
    }

    def write() -> None:  # after each stage, as the time on a device may end before the benchmark does
        # A quick run must not overwrite the committed results.
        if not arguments.quick or os.environ.get("OUT"):
            # `compare` recognises results of this benchmark under other names by the question.
            question = "How many words a second does a device train that holds text and tables, and how good are they?"
            print(write_result(arguments.name or f"word2vec_device_{backend}", question, settings, tables), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        path = quick_corpus(folder) if arguments.quick else arguments.corpus
        start = time.perf_counter()
        corpus = EncodedCorpus.from_source(path, min_count=training["min_count"], workers=arguments.native_workers)
        tables["encode_s"] = time.perf_counter() - start
        print(f"{corpus.n_raw_words:,} words encoded in {tables['encode_s']:.2f} s", flush=True)
        runs = []
        for seed in map(int, arguments.seeds.split(",")):
            for loss in arguments.losses.split(","):
                for variant in variants:
                    described = {"loss_name": loss, "seed": seed, **dataclasses.asdict(variant)}
                    try:
                        result = train(corpus, variant, training, loss, arguments.epochs, seed, with_quality)
                    except Exception as error:  # an error of one variant must not end the others
                        result = {"error": f"{type(error).__name__}: {error}"[:500]}
                    runs.append({**described, **result})
                    print(json.dumps(runs[-1]), flush=True)
        tables["variants"] = runs
        write()
        if not arguments.no_fit:
            tables["fits"] = fits(
                path, corpus, training, arguments.losses.split(",")[0], arguments.epochs, arguments.native_workers,
                with_quality, tuple(arguments.engines.split(",")),
            )  # fmt: skip
            write()
    if not arguments.no_breakdown:
        n_words = len(corpus.vocabulary.words)
        n_tokens = 4096 if arguments.quick else 1 << 18
        parts = breakdown(n_words, training["vector_size"], n_tokens)
        for variant in variants if backend == "jax" and not arguments.quick else ():
            if variant.kernels:
                try:
                    parts += kernel_breakdown(n_words, training["vector_size"], variant, training["window"])
                except Exception as error:
                    parts.append({"part": f"kernels, {variant.block_size}", "error": str(error)[:300]})
        tables["breakdown"] = parts
        write()
        print_table("Parts of a step", parts, ["part", "us", "ns_a_token", "gb_s", "share_of_copy", "error"])
    columns = ["block_size", "kernels", "precision", "warps", "n_noise", "epoch_rate", "step_us", "layout_ms",
               "compile_s", "wordsim353", "simlex999", "analogies", "error"]  # fmt: skip
    print_table("Variants (raw words/s of an epoch)", runs, columns)
    if "fits" in tables:
        columns = ["name", "rate", "epoch_rate", "seconds", "wordsim353", "simlex999", "analogies", "error"]
        print_table("Whole fits (raw words/s)", tables["fits"], columns)


if __name__ == "__main__":
    main()
