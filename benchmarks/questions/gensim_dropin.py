"""How much faster is a gensim program when its import becomes `from kerazoo.gensim import Word2Vec`?

    python -m benchmarks.questions.gensim_dropin --corpus FILE [--threads 2] [--seeds 1,2,3] [--epochs 5]
                                  [--sources lists,iterable,corpus_file] [--models skipgram,cbow] [--lines N]
                                  [--no-quality]

What is timed is the call of the constructor alone, with gensim's defaults but for `sg`, `workers`, `seed` and `epochs`:
it counts the words, makes the vocabulary and trains. The text is given as lists in memory (made before), as an object
that reads and splits the lines of a file anew in each pass, or as `corpus_file`. Every run is a process that is
restricted to as many cores as there are threads. The sides alternate, one round per seed, and the ratio is the median
of the ratios of the rounds. Quality is measured on the sets that ship with gensim.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT
from benchmarks.harness.results import print_table, write_result
from benchmarks.questions.corpus_scan import plain

QUESTION = "How much faster is a gensim program when its import becomes `from kerazoo.gensim import Word2Vec`?"
SIDES = {"gensim": "gensim.models", "kerazoo": "kerazoo.gensim"}
MODELS = {"skipgram": {"sg": 1}, "cbow": {}}
SOURCES = ("lists", "iterable", "corpus_file")
QUALITY = ("wordsim353", "simlex999", "analogies")

RUN = """
import importlib, json, os, sys, time
spec = json.loads(sys.argv[1])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: spec["settings"]["workers"]])
Word2Vec = importlib.import_module(spec["module"]).Word2Vec
class Lines:
    def __iter__(self):
        with open(spec["corpus"], encoding="utf-8") as text:
            for line in text:
                yield line.split()
if spec["source"] == "corpus_file":
    source = {"corpus_file": spec["corpus"]}
else:
    source = {"sentences": list(Lines()) if spec["source"] == "lists" else Lines()}
start = time.perf_counter()
model = Word2Vec(**source, **spec["settings"])
seconds = time.perf_counter() - start
found = {"seconds": seconds, "words": model.corpus_total_words, "vocabulary": len(model.wv)}
if spec["quality"]:
    from gensim.test.utils import datapath
    vectors = model.wv
    found |= {
        "wordsim353": float(vectors.evaluate_word_pairs(datapath("wordsim353.tsv"))[1][0]),
        "simlex999": float(vectors.evaluate_word_pairs(datapath("simlex999.txt"))[1][0]),
        "analogies": float(vectors.evaluate_word_analogies(datapath("questions-words.txt"), restrict_vocab=30000)[0]),
    }
print(json.dumps(found))
"""


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Train in a fresh process; its figures."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(spec)], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    if done.returncode:
        raise SystemExit(f"{spec['module']} failed: {done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def row_of(name: str, runs: dict[str, list[dict[str, Any]]], epochs: int) -> dict[str, Any]:
    """Medians of both sides and their ratio, and the means of the quality."""
    row: dict[str, Any] = {"name": name}
    for side, results in runs.items():
        row[f"{side}_seconds"] = statistics.median(result["seconds"] for result in results)
        row[f"{side}_rate"] = statistics.median(epochs * result["words"] / result["seconds"] for result in results)
    pairs = zip(runs["gensim"], runs["kerazoo"], strict=True)
    row["ratio"] = statistics.median(theirs["seconds"] / ours["seconds"] for theirs, ours in pairs)
    for key, side in itertools.product(QUALITY, runs):
        if any(key not in result for result in runs[side]):
            continue
        row[f"{side}_{key}"] = statistics.mean(result[key] for result in runs[side])
    return row


def main() -> None:
    """Train all cases on both sides, print the table and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a text file, plain or .gz, one document per line")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--sources", default=",".join(SOURCES))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--lines", type=int, help="use the first lines only")
    parser.add_argument("--no-quality", action="store_true", help="leave out the quality, which takes as long again")
    parser.add_argument("--name", default="gensim_dropin", help="name of the JSON file")
    arguments = parser.parse_args()
    cases = list(itertools.product(arguments.models.split(","), arguments.sources.split(",")))
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {
        f"{model}, {source}": {side: [] for side in SIDES} for model, source in cases
    }
    with tempfile.TemporaryDirectory() as folder:
        text = plain(arguments.corpus.resolve(), Path(folder))
        if arguments.lines:
            with open(text, "rb") as lines:
                text = Path(folder) / "part.txt"
                text.write_bytes(b"".join(itertools.islice(lines, arguments.lines)))
        for seed, (model, source), side in itertools.product(map(int, arguments.seeds.split(",")), cases, SIDES):
            settings = {**MODELS[model], "workers": arguments.threads, "seed": seed, "epochs": arguments.epochs}
            result = run({"module": SIDES[side], "source": source, "corpus": str(text), "settings": settings,
                          "quality": not arguments.no_quality})  # fmt: skip
            runs[f"{model}, {source}"][side].append(result)
            print(model, source, side, json.dumps(result), flush=True)
    rows = [row_of(name, results, arguments.epochs) for name, results in runs.items()]
    columns = ["name", "gensim_seconds", "kerazoo_seconds", "ratio"]
    print_table("The whole call of the constructor (seconds, medians)", rows, columns)
    if not arguments.no_quality:
        print_table("Quality (means)", rows, ["name", *(f"{side}_{key}" for key in QUALITY for side in SIDES)])
    settings = {
        "corpus": arguments.corpus.name, "threads": arguments.threads, "epochs": arguments.epochs,
        "seeds": arguments.seeds, "lines": arguments.lines,
    }  # fmt: skip
    print(write_result(arguments.name, QUESTION, settings, {"rows": rows, "runs": runs}))


if __name__ == "__main__":
    main()
