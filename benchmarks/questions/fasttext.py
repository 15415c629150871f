"""How fast and how good are vectors with subwords, beside gensim's FastText on the same text and with the same threads?

    python -m benchmarks.questions.fasttext --corpus FILE [--words 3000000] [--threads 2] [--seeds 1,2,3] [--epochs 3]
                                  [--vector-size 100] [--window 5] [--negative 5] [--cbow] [--sides kerazoo,gensim]

Every training run is a process, restricted to the same number of cores; the sides alternate, one round per seed. The
rate is raw words times epochs over the seconds of `fit`, including the scan of the text and the n-grams; gensim's
includes building its vocabulary. Memory is the peak of the process until then minus that after the imports, in MB.

A quarter of the words of WordSim-353 and SimLex-999 is removed from the text. Quality is measured on the pairs without
these words, on analogies, and, as `unseen`, on the pairs with such words, whose vectors come from n-grams alone.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT
from benchmarks.harness.results import print_table, write_result
from benchmarks.questions.word2vec import row_of

SETTINGS = {"vector_size": 100, "window": 5, "negative": 5, "min_count": 5, "sample": 1e-3, "alpha": 0.025,
            "min_n": 3, "max_n": 6, "bucket": 2_000_000}  # fmt: skip
SETS = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
QUALITY = ("wordsim353", "simlex999", "analogies", "wordsim353_unseen", "simlex999_unseen")
REFERENCE = "gensim"


def pairs_of(name: str) -> list[tuple[str, str, float]]:
    """The pairs of a set that ships with gensim, in lower case, with their similarity."""
    from gensim.test.utils import datapath

    found = []
    for line in Path(datapath(SETS[name])).read_text().splitlines():
        first, second, score, *_ = [*line.split("\t"), "", ""]
        if not line.startswith("#") and score.replace(".", "", 1).isdigit():
            found.append((first.lower(), second.lower(), float(score)))
    return found


def unseen_words() -> set[str]:
    """A quarter of the words of the sets."""
    words = {word for name in SETS for pair in pairs_of(name) for word in pair[:2]}
    return {word for word in words if zlib.crc32(word.encode()) % 4 == 0}


def text_without(corpus: Path, n_words: int, removed: set[str]) -> Iterator[str]:
    """The lines of a text up to `n_words` words (0: all), without the words that are removed."""
    done = 0
    with gzip.open(corpus, "rt") if corpus.suffix == ".gz" else open(corpus) as file:
        for line in file:
            words = line.split()
            yield " ".join(word for word in words if word not in removed) + "\n"
            done += len(words)
            if n_words and done >= n_words:
                return


def correlation(pairs: Iterable[tuple[str, str, float]], vector_of: Callable[[str], Any]) -> float:
    """Spearman's correlation of the cosines with the given similarities; cosine 0 for a vector of zeros."""
    from scipy.stats import spearmanr

    cosines, scores = [], []
    for first, second, score in pairs:
        x, y = vector_of(first), vector_of(second)
        length = float(np.linalg.norm(x) * np.linalg.norm(y))
        cosines.append(float(x @ y) / length if length else 0.0)
        scores.append(score)
    return float(spearmanr(cosines, scores)[0])


def quality(words: Any, vector_of: Callable[[str], Any], vectors: Any) -> dict[str, float]:
    """The measures of `QUALITY`; `words` contains the words of the vocabulary, `vectors` are KeyedVectors."""
    from gensim.test.utils import datapath

    removed, found = unseen_words(), {}
    for name in SETS:
        pairs = pairs_of(name)
        found[name] = correlation([p for p in pairs if p[0] in words and p[1] in words], vector_of)
        unseen = [p for p in pairs if p[0] in removed or p[1] in removed]
        found[f"{name}_unseen"] = correlation(unseen, vector_of)
    found["analogies"] = float(
        vectors.evaluate_word_analogies(datapath("questions-words.txt"), restrict_vocab=30000)[0]
    )
    return found


def memory(field: str) -> float:
    """A value of /proc/self/status in MB."""
    return int(Path("/proc/self/status").read_text().split(field + ":")[1].split()[0]) / 1000


def child(spec: dict[str, Any]) -> dict[str, Any]:
    """Train one side in this process; its figures."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: spec["threads"]])
    common = dict(spec["settings"], epochs=spec["epochs"], seed=spec["seed"], workers=spec["threads"])
    model: Any
    if spec["side"] == REFERENCE:
        from gensim.models import FastText

        held, start = memory("VmRSS"), time.perf_counter()
        model = FastText(corpus_file=spec["corpus"], **common)
        seconds, peak, words = time.perf_counter() - start, memory("VmHWM"), model.corpus_total_words
        rate = words * spec["epochs"] / model.total_train_time
        measured = quality(model.wv.key_to_index, model.wv.get_vector, model.wv)
    else:
        from kerazoo import FastText as Ours
        from kerazoo.word2vec.io.keyed_vectors import keyed_vectors

        held, start = memory("VmRSS"), time.perf_counter()
        model = Ours(loss=spec["loss"], verbose=0, **common).fit(spec["corpus"])
        seconds, peak, words = time.perf_counter() - start, memory("VmHWM"), model.vocabulary_.total
        rate = max(model.history_["words_per_second"])
        vectors = keyed_vectors(model.vocabulary_, model.vectors_)
        measured = quality(vectors.key_to_index, model.get_vector, vectors)
    return {"seconds": seconds, "words": words, "epoch_rate": rate, "memory_mb": peak - held, **measured}


def train(spec: dict[str, Any]) -> dict[str, Any]:
    """Train in a fresh process; its figures, or the last line of its error."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.questions.fasttext", "--child", json.dumps(spec)],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def arguments_of() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help="a text file, plain or .gz, one document per line")
    parser.add_argument("--words", type=int, default=3_000_000, help="of the text that are used; 0 for all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sides", default="kerazoo,gensim")
    parser.add_argument("--losses", default="negative_sampling")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=3)
    for name in ("vector_size", "window", "negative"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=SETTINGS[name])
    parser.add_argument("--cbow", action="store_true")
    parser.add_argument("--name", default="fasttext", help="name of the JSON file")
    arguments = parser.parse_args()
    if arguments.child is None and arguments.corpus is None:
        parser.error("--corpus is required")
    return arguments


def main() -> None:
    """Train all sides with all seeds, print the table and write the result."""
    arguments = arguments_of()
    if arguments.child is not None:
        print(json.dumps(child(arguments.child)))
        return
    training = {**SETTINGS, "sg": int(not arguments.cbow)}
    training |= {name: getattr(arguments, name) for name in ("vector_size", "window", "negative")}
    sides = []
    for side in arguments.sides.split(","):
        losses = [""] if side == REFERENCE else arguments.losses.split(",")
        sides += [("_".join(filter(None, (side, loss))), side, loss) for loss in losses]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name, *_ in sides}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text"
        with open(text, "w") as file:
            file.writelines(text_without(arguments.corpus, arguments.words, unseen_words()))
        for seed in map(int, arguments.seeds.split(",")):
            for name, side, loss in sides:
                spec = {"side": side, "loss": loss, "corpus": str(text), "threads": arguments.threads,
                        "epochs": arguments.epochs, "seed": seed, "settings": training}  # fmt: skip
                result = {"seed": seed, **train(spec)}
                runs[name].append(result)
                print(name, json.dumps(result), flush=True)
    reference = runs.get(REFERENCE, [])
    rows = [row_of(name, results, reference, arguments.epochs, QUALITY) for name, results in runs.items()]
    columns = ["name", "rate", "ratio", "epoch_rate", "memory_mb", *QUALITY, "error"]
    print_table("Vectors with subwords (raw words/s, median; quality, mean over the seeds)", rows, columns)
    settings = {**training, "corpus": arguments.corpus.name, "words": arguments.words, "threads": arguments.threads,
                "epochs": arguments.epochs, "load_at_start": load}  # fmt: skip
    question = "How fast and how good are vectors with subwords, against gensim on the same text and threads?"
    print(write_result(arguments.name, question, settings, {"rows": rows, "runs": runs}))


if __name__ == "__main__":
    main()
