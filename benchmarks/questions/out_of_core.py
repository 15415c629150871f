"""What does a corpus of ten times the memory cost? Encoding in parts and training from the map, beside both in memory.

    python -m benchmarks.questions.out_of_core --corpus FILE [--gigabytes 3] [--share 10] [--threads 2] [--epochs 1]
                                               [--vector-size 100] [--folder DIR] [--quick]

The text is a folder of shards, each with all documents of FILE in another order, until it has so many gigabytes;
`min_count` is 5 per shard, so that the vocabulary is that of FILE. The sides, each a process of its own:

- `memory`: the text is encoded in memory, and word vectors are trained from that;
- `disk`: the text is encoded with `path=`;
- `limited`: it is encoded with `path=` and trained from the memory map, by a process whose private memory is limited to
  the size of the text divided by `share`. The limit is RLIMIT_DATA of Linux: it counts what the process allocates,
  touched or not, with the interpreter and the stacks of threads, and does not count files that are only read through
  memory maps, whose pages the system takes back at need;
- `resumed`: as `limited`, but killed when half of the text was encoded; the seconds are those of the second run, which
  encodes the rest.

Rates are raw words per second of the wall clock; `cpu` are seconds of all threads. `peak_private` is the largest
anonymous resident memory in samples of 20 ms, `peak_data` what the limit counts; `peak_rss` includes the pages of
mapped files. The corpora of all sides
must be equal to the bit. Quality is measured on the sets that ship with gensim, as in `word2vec`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT
from benchmarks.harness.results import print_table, write_result
from kerazoo.text.shards import work_folder_of

QUESTION = "What does a corpus of ten times the memory cost, in time and in quality of word vectors?"
MIN_COUNT = 5  # per shard
QUICK_BYTES = 40e6
QUICK_SHARD = 4e6

PROCESS = """
import hashlib, json, os, resource, sys, threading, time
from pathlib import Path
spec = json.loads(sys.argv[1])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: spec["threads"]])
from kerazoo import Word2Vec
from kerazoo.text import EncodedCorpus
from kerazoo.text.shards import plan
plan.UNIT_BYTES = spec["unit_bytes"]
if spec["limit"]:
    resource.setrlimit(resource.RLIMIT_DATA, (spec["limit"], spec["limit"]))
peaks = {"VmData": 0, "RssAnon": 0}
def watch():
    while True:
        with open("/proc/self/status") as status:
            text = status.read()
        for field in peaks:
            peaks[field] = max(peaks[field], int(text.split(field + ":")[1].split()[0]) * 1024)
        time.sleep(0.02)
threading.Thread(target=watch, daemon=True).start()
def timed(function):
    wall, cpu = time.perf_counter(), time.process_time()
    value = function()
    return value, time.perf_counter() - wall, time.process_time() - cpu
def digest(encoded):
    found = hashlib.blake2b()
    for array in (encoded.ids, encoded.offsets, encoded.raw_offsets, encoded.vocabulary.counts):
        found.update(array)
    found.update("\\n".join(encoded.vocabulary.words).encode())
    return found.hexdigest()
encode = lambda: EncodedCorpus.from_source(
    spec["text"], min_count=spec["min_count"], workers=spec["threads"], path=spec["path"], progress=False
)
encoded, seconds, cpu = timed(encode)
words = encoded.n_raw_words
result = {"words": words, "tokens": encoded.n_tokens, "vocabulary": len(encoded.vocabulary), "encode_seconds": seconds,
          "encode_rate": words / seconds, "encode_cpu": cpu, "encode_peak_private": peaks["RssAnon"],
          "encode_peak_data": peaks["VmData"], "digest": digest(encoded)}
if spec["vectors"]:
    peaks.update(VmData=0, RssAnon=0)
    model = Word2Vec(engine="native", min_count=1, seed=1, verbose=0, workers=spec["threads"], **spec["settings"])
    _, seconds, cpu = timed(lambda: model.fit(encoded))
    result |= {"fit_seconds": seconds, "fit_rate": words * spec["settings"]["epochs"] / seconds, "fit_cpu": cpu,
               "fit_peak_private": peaks["RssAnon"], "fit_peak_data": peaks["VmData"],
               "loss": model.history_["loss"]}
    model.save(spec["vectors"])
with open("/proc/self/status") as status:
    result["peak_rss"] = int(status.read().split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps(result))
"""

SCORE = """
import json, sys
from gensim.test.utils import datapath
from kerazoo import Word2Vec
vectors = Word2Vec.load(sys.argv[1]).wv
print(json.dumps({
    "wordsim353": float(vectors.evaluate_word_pairs(datapath("wordsim353.tsv"))[1][0]),
    "simlex999": float(vectors.evaluate_word_pairs(datapath("simlex999.txt"))[1][0]),
    "analogies": float(vectors.evaluate_word_analogies(datapath("questions-words.txt"), restrict_vocab=30000)[0]),
}))
"""


def make_text(corpus: Path, folder: Path, size: float, shard: float) -> tuple[int, int]:
    """Write shards of at most about `shard` bytes until they have `size` bytes; their number and bytes."""
    with gzip.open(corpus) if corpus.suffix == ".gz" else open(corpus, "rb") as source:
        documents = source.read().splitlines(keepends=True)
    if documents and not documents[-1].endswith(b"\n"):
        documents[-1] += b"\n"
    ends = np.cumsum([len(document) for document in documents])
    documents = documents[: int(np.searchsorted(ends, shard)) + 1]
    number = written = 0
    while written < size:
        order = np.random.default_rng(number).permutation(len(documents)).tolist()
        with open(folder / f"shard-{number:04d}.txt", "wb") as file:
            file.writelines(documents[i] for i in order)
            written += file.tell()
        number += 1
    return number, written


def run(code: str, *arguments: str) -> dict[str, Any]:
    """The JSON line that a fresh interpreter prints."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
        check=True,
    )
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def kill_half_way(spec: dict[str, Any], n_units: int) -> int:
    """Start an encoding and kill it when half of its units are finished; how many were."""
    process = subprocess.Popen([sys.executable, "-c", PROCESS, json.dumps(spec)], cwd=ROOT, stdout=subprocess.DEVNULL)
    folder = work_folder_of(spec["path"])
    finished = 0
    while process.poll() is None:
        finished = len([file for file in folder.glob("*.json") if file.name != "manifest.json"])
        if finished >= n_units // 2:
            process.send_signal(signal.SIGKILL)
            process.wait()
            break
        time.sleep(0.005)
    if process.returncode != -signal.SIGKILL:
        raise SystemExit(f"the encoding ended with {process.returncode} before it could be killed")
    return finished


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    """Run all sides, print the table and write the result."""
    text = folder / "text"
    text.mkdir()
    size = QUICK_BYTES if arguments.quick else arguments.gigabytes * 1e9
    n_shards, n_bytes = make_text(arguments.corpus, text, size, QUICK_SHARD if arguments.quick else size)
    limit = max(n_bytes // arguments.share, arguments.least_limit << 20)
    training = {"vector_size": arguments.vector_size, "epochs": arguments.epochs, "alpha": 0.025}
    spec = {
        "text": str(text), "min_count": MIN_COUNT * n_shards, "threads": arguments.threads, "settings": training,
        "unit_bytes": (2 if arguments.quick else 64) << 20,
    }  # fmt: skip
    rows = []
    for name in ("memory", "disk", "limited", "resumed"):
        side: dict[str, Any] = {
            **spec,
            "path": None if name == "memory" else str(folder / f"{name}.corpus"),
            "limit": limit if name in ("limited", "resumed") else 0,
            "vectors": str(folder / f"{name}.vectors") if name in ("memory", "limited") else "",
        }
        row: dict[str, Any] = {"name": name}
        if name == "resumed":
            row["units_finished_before"] = kill_half_way(side, max(1, n_bytes // spec["unit_bytes"]))
        row |= run(PROCESS, json.dumps(side))
        if side["vectors"] and not arguments.quick:
            row |= run(SCORE, side["vectors"])
        if row["digest"] != (rows or [row])[0]["digest"]:
            raise SystemExit(f"the corpus of {name!r} differs from that in memory")
        rows.append(row)
        print(json.dumps(row), flush=True)
        if side["path"]:
            Path(side["path"]).unlink()
    for row in rows:
        for key in ("encode_rate", "fit_rate"):
            if key in row:
                row[f"{key}_ratio"] = row[key] / rows[0][key]
    columns = ["name", "encode_rate", "encode_rate_ratio", "encode_cpu", "encode_peak_data", "fit_rate",
               "fit_rate_ratio", "fit_peak_data", "peak_rss", "wordsim353", "simlex999", "analogies"]  # fmt: skip
    print(f"{n_bytes:,} bytes of text in {n_shards} shards; limit {limit:,} bytes of private memory")
    print_table("Text -> corpus -> word vectors (raw words/s, bytes)", rows, columns)
    settings = {
        **training, "corpus": arguments.corpus.name, "threads": arguments.threads, "text_bytes": n_bytes,
        "shards": n_shards, "limit_bytes": limit, "min_count": spec["min_count"], "quick": arguments.quick,
    }  # fmt: skip
    print(write_result("out_of_core", QUESTION, settings, {"rows": rows}))


def main() -> None:
    """Measure on a corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a text file, plain or .gz, one document per line")
    parser.add_argument("--gigabytes", type=float, default=3.0, help="size of the text")
    parser.add_argument("--share", type=int, default=10, help="the limit is the size of the text divided by this")
    parser.add_argument("--least-limit", type=int, default=200, help="MiB, for small texts: interpreter and vectors")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where text and corpora are written, three times the text")
    parser.add_argument("--quick", action="store_true", help="40 MB of text and no scores: whether it runs")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        raise SystemExit("the limit of private memory, RLIMIT_DATA, is one of Linux")
    folder = Path(tempfile.mkdtemp(prefix="out-of-core-", dir=arguments.folder))
    try:
        measure(arguments, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
