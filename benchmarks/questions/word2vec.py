"""How fast and how good are word vectors, beside gensim on the same text and with the same threads?

    python -m benchmarks.questions.word2vec --corpus FILE [--threads 2] [--engines keras,native,gensim]
                                  [--backends tensorflow,jax] [--seeds 1,2,3] [--epochs 3] [--one-thread]
                                  [--vector-size 100] [--window 5] [--negative 5] [--cbow] [--hs] [--default-alpha]
                                  [--every N]

Every training run is a process (a process has one Keras backend), restricted to the same number of cores. The sides
alternate, one round per seed. The rate is raw words times epochs over the seconds of `fit`, including the scan of the
text and compiling; gensim's includes building its vocabulary. The epoch rate is that of an epoch without compiling.
Memory is the peak of the process minus its memory after the imports, in MB. Quality is measured on the sets that ship
with gensim. `--one-thread` adds the native engine on one thread. `--every 2` trains on every other document, a second
corpus of the same kind.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT
from benchmarks.harness.results import print_table, write_result

SETTINGS = {"vector_size": 100, "window": 5, "negative": 5, "min_count": 5, "sample": 1e-3, "alpha": 0.025}
REFERENCE = "gensim"
QUALITY = ("wordsim353", "simlex999", "analogies")

TRAIN = """
import json, os, sys, time
spec = json.loads(sys.argv[1])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: spec["threads"]])
common = dict(spec["settings"], epochs=spec["epochs"], seed=spec["seed"], workers=spec["threads"])
def memory(field):
    with open("/proc/self/status") as status:
        return int(status.read().split(field + ":")[1].split()[0]) / 1000
if spec["engine"] == "gensim":
    from gensim.models import Word2Vec
    held = memory("VmRSS")
    start = time.perf_counter()
    model = Word2Vec(corpus_file=spec["corpus"], **common)
    seconds = time.perf_counter() - start
    words = model.corpus_total_words
    extra = {"epoch_rate": words * spec["epochs"] / model.total_train_time}
else:
    from kerazoo import Word2Vec
    held = memory("VmRSS")
    start = time.perf_counter()
    model = Word2Vec(engine=spec["engine"], loss=spec["loss"], verbose=0, **common).fit(spec["corpus"])
    seconds = time.perf_counter() - start
    words = model.vocabulary_.total
    extra = {"epoch_rate": max(model.history_["words_per_second"]), "loss": model.history_["loss"]}
extra["memory_mb"] = memory("VmHWM") - held
from gensim.test.utils import datapath
vectors = model.wv
print(json.dumps({
    "seconds": seconds, "words": words,
    "wordsim353": float(vectors.evaluate_word_pairs(datapath("wordsim353.tsv"))[1][0]),
    "simlex999": float(vectors.evaluate_word_pairs(datapath("simlex999.txt"))[1][0]),
    "analogies": float(vectors.evaluate_word_analogies(datapath("questions-words.txt"), restrict_vocab=30000)[0]),
    **extra,
}))
"""


def train(spec: dict[str, Any], backend: str | None) -> dict[str, Any]:
    """Train in a fresh process; its figures, or the last line of its error."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if backend is not None:
        environment["KERAS_BACKEND"] = backend
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, json.dumps(spec)], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Train all sides with all seeds, print the table and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a text file, plain or .gz, one document per line")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th document")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engines", default="keras,native,gensim")
    parser.add_argument("--backends", default="tensorflow,jax")
    parser.add_argument("--losses", default="nce")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--one-thread", action="store_true", help="also the native engine on one thread")
    for name in ("vector_size", "window", "negative"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=SETTINGS[name])
    parser.add_argument("--cbow", action="store_true")
    parser.add_argument("--default-alpha", action="store_true", help="the default of each system instead of 0.025")
    parser.add_argument(
        "--hs", action="store_true", help="hierarchical softmax; --negative 0 disables negative sampling"
    )
    parser.add_argument("--name", default="word2vec", help="name of the JSON file")
    arguments = parser.parse_args()
    training = {**SETTINGS, "sg": int(not arguments.cbow), "hs": int(arguments.hs)}
    training |= {name: getattr(arguments, name) for name in ("vector_size", "window", "negative")}
    if arguments.default_alpha:
        del training["alpha"]
    sides: list[tuple[str, str, str, str | None, int]] = []  # name, engine, loss, backend, threads
    for engine in arguments.engines.split(","):
        if engine == "gensim":
            sides.append(("gensim", engine, "", None, arguments.threads))
            continue
        backends = [None] if engine == "native" else arguments.backends.split(",")
        sides += [
            ("_".join(filter(None, (engine, backend, loss))), engine, loss, backend, arguments.threads)
            for backend in backends
            for loss in arguments.losses.split(",")
        ]
        if engine == "native" and arguments.one_thread:
            sides.append(("native_one_thread", engine, arguments.losses.split(",")[0], None, 1))
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name, *_ in sides}
    with tempfile.TemporaryDirectory() as folder:
        text = arguments.corpus.resolve()
        if text.suffix == ".gz":  # gensim's corpus_file must be plain text
            text = Path(folder) / arguments.corpus.stem
            with gzip.open(arguments.corpus) as source, open(text, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
        if arguments.every > 1:
            whole, text = text, Path(folder) / "part.txt"
            with open(whole, "rb") as documents, open(text, "wb") as part:
                part.writelines(itertools.islice(documents, arguments.every - 1, None, arguments.every))
        for seed in map(int, arguments.seeds.split(",")):
            for name, engine, loss, backend, threads in sides:
                spec = {"engine": engine, "loss": loss, "corpus": str(text), "threads": threads,
                        "epochs": arguments.epochs, "seed": seed, "settings": training}  # fmt: skip
                result = {"seed": seed, **train(spec, backend)}
                runs[name].append(result)
                print(name, json.dumps(result), flush=True)
    rows = [row_of(name, results, runs.get(REFERENCE, []), arguments.epochs) for name, results in runs.items()]
    columns = ["name", "rate", "ratio", "epoch_rate", "memory_mb", "wordsim353", "simlex999", "analogies", "error"]
    print_table("Word vectors (raw words/s, median; quality, mean over the seeds)", rows, columns)
    settings = {**training, "corpus": arguments.corpus.name, "threads": arguments.threads, "epochs": arguments.epochs}
    if arguments.every > 1:
        settings["every"] = arguments.every
    # `compare` recognises results of this benchmark under other names by the question.
    question = "How fast and how good are word vectors, against gensim on the same text and threads?"
    print(write_result(arguments.name, question, settings, {"rows": rows, "runs": runs}))


def row_of(
    name: str,
    results: list[dict[str, Any]],
    reference: list[dict[str, Any]],
    epochs: int,
    quality: Sequence[str] = QUALITY,
) -> dict[str, Any]:
    """Medians of a side over the seeds, means of its quality, and its median ratio to the reference."""
    good = [result for result in results if "error" not in result]
    if not good:
        return {"name": name, "error": results[-1]["error"] if results else "not run"}
    seconds = {result["seed"]: result["seconds"] for result in reference if "error" not in result}
    ratios = [seconds[result["seed"]] / result["seconds"] for result in good if result["seed"] in seconds]
    return {
        "name": name,
        "rate": statistics.median(epochs * result["words"] / result["seconds"] for result in good),
        "ratio": statistics.median(ratios) if ratios else None,
        "epoch_rate": statistics.median(result["epoch_rate"] for result in good),
        "memory_mb": statistics.median(result["memory_mb"] for result in good),
        **{key: statistics.mean(result[key] for result in good) for key in quality},
    }


if __name__ == "__main__":
    main()
