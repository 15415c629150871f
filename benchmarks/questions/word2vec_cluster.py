"""How good and how fast are word vectors of several workers, and what do they send?

    python -m benchmarks.questions.word2vec_cluster --corpus FILE [--parts quality,rate,wire,shaped,model]
                                  [--workers 2,4,8,32,100] [--seeds 1,2,3] [--epochs 5] [--repeats 3]
                                  [--merge curvature] [--loss nce] [--name word2vec_cluster]

quality: vectors of N logical workers beside those of one thread, on the sets that ship with gensim. A test shows that
as many processes on Ray give the same vectors to the bit. rate: epochs of two processes of one thread on a local Ray
cluster, beside one process of two threads; the sides alternate. wire: two Ray nodes on this machine, with object stores
of their own: bytes on the loopback interface during a training, beside those that the training counts. shaped: the
same on a loopback interface that `tc` limits, in a network namespace of its own; needs Linux and root. model: the
efficiency that follows for N nodes from the rate of one, r, and the bytes per word of N, b: 1 / (1 + r b / bandwidth).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT
from benchmarks.harness.results import print_table, write_result
from kerazoo.word2vec.cluster.schedule import Schedule
from kerazoo.word2vec.cluster.wire import ITEM_BYTES

PARTS = ("quality", "rate", "wire", "shaped", "model")
QUALITY = ("wordsim353", "simlex999", "analogies")
BANDWIDTHS = {"1 GbE": 1.25e8, "10 GbE": 1.25e9, "25 GbE": 3.125e9}

TRAIN = """
import json, os, sys, time
if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: spec["cores"]])
    from kerazoo import EncodedCorpus, Word2Vec
    from kerazoo.distributed import ClusterOptions
    corpus = EncodedCorpus.load(spec["corpus"])
    cluster = None if spec["cluster"] is None else ClusterOptions(**spec["cluster"])
    sent = [0]
    if spec["nodes"]:
        import ray
        from ray.cluster_utils import Cluster
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        for _ in range(spec["nodes"] - 1):
            nodes.add_node(num_cpus=1)
        ray.init(address=nodes.address, logging_level="error", log_to_driver=False)
    from kerazoo.word2vec.cluster import logical, processes
    def counting(cls):
        collect = cls.collect
        def counted(self, *arguments):
            collect(self, *arguments)
            sent[0] = self.bytes_on_wire
        cls.collect = counted
    counting(logical.LogicalTeam), counting(processes.ProcessTeam)
    def loopback():
        with open("/proc/net/dev") as file:
            return int(next(line for line in file if line.strip().startswith("lo:")).split()[1])
    begin, start = loopback(), time.perf_counter()
    model = Word2Vec(
        spec["vector_size"], epochs=spec["epochs"], seed=spec["seed"], workers=spec["threads"], verbose=0,
        loss=spec["loss"],
    ).fit(corpus, cluster=cluster)
    seconds, end = time.perf_counter() - start, loopback()
    row = {
        "seconds": seconds, "rates": model.history_["words_per_second"], "loss": model.history_["loss"],
        "bytes_per_word": sent[0] / (spec["epochs"] * corpus.n_tokens),
        "loopback_per_word": (end - begin) / (spec["epochs"] * corpus.n_tokens),
        "words": len(corpus.vocabulary), "tokens": corpus.n_tokens,
    }
    if spec["quality"]:
        from gensim.test.utils import datapath
        vectors = model.wv
        row["wordsim353"] = float(vectors.evaluate_word_pairs(datapath("wordsim353.tsv"))[1][0])
        row["simlex999"] = float(vectors.evaluate_word_pairs(datapath("simlex999.txt"))[1][0])
        questions = datapath("questions-words.txt")
        row["analogies"] = float(vectors.evaluate_word_analogies(questions, restrict_vocab=30000)[0])
    print(json.dumps(row))
"""


def train(
    options: argparse.Namespace,
    corpus: str,
    seed: int,
    cluster: dict[str, Any] | None,
    shape: str | None = None,
    **more: Any,
) -> Any:
    """Train in a fresh process; its figures.

    Args:
        options: of the benchmark.
        corpus: path of the encoded corpus.
        seed: of the training.
        cluster: options of the cluster, or None.
        shape: rate of the loopback interface in a network namespace of its own, in the words of ``tc``; "" unlimited.
        **more: further entries of the specification.
    """
    spec = {
        "corpus": corpus, "seed": seed, "cluster": cluster, "cores": 2, "threads": 1, "nodes": 0, "quality": False,
        "epochs": options.epochs, "vector_size": options.vector_size, "loss": options.loss, **more,
    }  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:  # Ray's workers import the main module
        file.write(TRAIN)
        file.flush()
        command = [sys.executable, file.name, json.dumps(spec)]
        if shape is not None:
            prepare = "ip link set lo up"
            if shape:
                prepare += f" && tc qdisc add dev lo root tbf rate {shape} burst 256k latency 50ms"
            command = ["unshare", "--net", "sh", "-c", f'{prepare} && exec "$@"', "sh", *command]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def quality(options: argparse.Namespace, corpus: str) -> list[dict[str, Any]]:
    """Scores of N workers less those of one, median over seeds."""
    found: dict[int, list[dict[str, Any]]] = {}
    for seed in options.seeds:
        for n in (1, *options.workers):
            cluster = None if n == 1 else {"simulate": n, "merge": options.merge}
            row = train(options, corpus, seed, cluster, cores=1, quality=True)
            found.setdefault(n, []).append(row)
            print(
                f"seed {seed}, {n:>3} workers: " + "  ".join(f"{name} {row[name]:.4f}" for name in QUALITY), flush=True
            )
    rows = []
    for n, runs in found.items():
        rows.append({"workers": n, "loss": statistics.median(run["loss"][-1] for run in runs)})
        for name in QUALITY:
            rows[-1][name] = statistics.mean(run[name] for run in runs)
            rows[-1][f"{name}_less_one"] = rows[-1][name] - statistics.mean(run[name] for run in found[1])
        rows[-1]["bytes_per_word"] = runs[0]["bytes_per_word"]
        rows[-1]["seconds"] = statistics.median(run["seconds"] for run in runs)
        rows[-1]["runs"] = [{name: run[name] for name in QUALITY} for run in runs]
    return rows


def rate(options: argparse.Namespace, corpus: str) -> list[dict[str, Any]]:
    """Words per second of epochs: one process of two threads, and two of one on Ray."""
    sides = {
        "1 process x 2 threads": (None, 2),
        "2 processes x 1 thread": ({"address": "local", "workers": 2, "threads": 1}, 1),
    }
    found: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(options.repeats):
        for name, (cluster, threads) in sides.items():
            row = train(options, corpus, repeat + 1, cluster, threads=threads)
            found[name].append(statistics.median(row["rates"]))
            print(f"{name}: {found[name][-1] / 1e6:.2f} M words/s", flush=True)
    whole = statistics.median(found["1 process x 2 threads"])
    return [
        {"side": name, "words_per_second": statistics.median(rates), "ratio": statistics.median(rates) / whole,
         "rates": rates}
        for name, rates in found.items()
    ]  # fmt: skip


def wire(options: argparse.Namespace, corpus: str) -> list[dict[str, Any]]:
    """Bytes per word of two nodes: counted, and on the loopback interface."""
    row = train(options, corpus, 1, {"workers": 2, "threads": 1}, nodes=2)
    return [{
        "nodes": 2, "counted_per_word": row["bytes_per_word"], "measured_per_word": row["loopback_per_word"],
        "words_per_second": statistics.median(row["rates"]), "vocabulary": row["words"], "tokens": row["tokens"],
    }]  # fmt: skip


def shaped(options: argparse.Namespace, corpus: str) -> list[dict[str, Any]]:
    """Two nodes on a network that is limited by ``tc``, beside the model. Linux, root, iproute2.

    All that both nodes send goes through one interface, so its rate is twice that of a node.
    """
    rows: list[dict[str, Any]] = []
    for _ in range(options.repeats):
        for network, rate in (("not limited", ""), ("1 GbE", "2gbit"), ("250 Mbit/s", "500mbit")):
            row = train(options, corpus, 1, {"workers": 2, "threads": 1}, shape=rate, nodes=2)
            rows.append({"network": network, "rate": statistics.median(row["rates"]), "sent": row["bytes_per_word"]})
            print(f"{network}: {rows[-1]['rate'] / 1e6:.2f} M words/s", flush=True)
    found = []
    for network in dict.fromkeys(row["network"] for row in rows):
        rates = [row["rate"] for row in rows if row["network"] == network]
        found.append({"network": network, "words_per_second": statistics.median(rates), "rates": rates})
        free = found[0]["words_per_second"]
        bandwidth = {"not limited": float("inf"), "1 GbE": 1.25e8, "250 Mbit/s": 1.25e8 / 4}[network]
        found[-1]["ratio"] = found[-1]["words_per_second"] / free
        found[-1]["modelled"] = 1 / (1 + free / 2 * rows[0]["sent"] / bandwidth)
    return found


def bytes_per_word(
    n_tokens: int, n_words: int, vector_size: int, n_workers: int, tables: int = 2, wire: str = "bfloat16"
) -> float:
    """Bytes that a worker sends per word that it trains, at the defaults, with biases."""
    row = (tables * vector_size + 1) * ITEM_BYTES[wire]
    schedule = Schedule(n_tokens, n_words, n_workers, row_bytes=2 * row + 8)
    sent = sum(step.n_rows * (2 * row + 8) for step in schedule.steps(0))
    return (n_workers - 1) * sent / n_tokens


def model(rate_of_one: float) -> list[dict[str, Any]]:
    """Efficiency at 2 to 100 nodes: of the corpus of this benchmark, and of a large one."""
    cases = {
        "100 GB of text, 1 M words, D=300": (18_000_000_000, 1_000_000, 300, 14.5e6),
        "1 GB of text, 200 k words, D=100": (180_000_000, 200_000, 100, rate_of_one),
    }
    rows = []
    for name, (n_tokens, n_words, size, each) in cases.items():
        for n in (2, 8, 32, 100):
            sent = bytes_per_word(n_tokens, n_words, size, n)
            row: dict[str, Any] = {"case": name, "nodes": n, "rate_of_a_node": each, "bytes_per_word": sent}
            row.update({network: 1 / (1 + each * sent / bandwidth) for network, bandwidth in BANDWIDTHS.items()})
            rows.append(row)
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--workers", default="2,4,8,32,100", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--seeds", default="1,2,3", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--epochs", default=5, type=int)
    parser.add_argument("--repeats", default=3, type=int)
    parser.add_argument("--vector-size", default=100, type=int)
    parser.add_argument("--loss", default="nce")
    parser.add_argument("--merge", default="curvature")
    parser.add_argument("--name", default="word2vec_cluster")
    options = parser.parse_args(arguments)
    parts = options.parts.split(",")
    from kerazoo import EncodedCorpus

    tables: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "corpus.kerazoo")
        encoded = EncodedCorpus.from_source(options.corpus, path=path)
        print(encoded, flush=True)
        for part in parts:
            if part == "model":
                rates = [row["words_per_second"] for row in tables.get("rate", [])]
                tables[part] = model(float(np.median(rates)) if rates else 7e6)
            else:
                tables[part] = {"quality": quality, "rate": rate, "wire": wire, "shaped": shaped}[part](options, path)
            settings = {**vars(options), "corpus": Path(options.corpus).name, "tokens": encoded.n_tokens}
            write_result(options.name, "How good and how fast are vectors of several workers?", settings, tables)
            columns = [name for name in tables[part][0] if name not in ("runs", "rates")]
            print_table(part, tables[part], columns)


if __name__ == "__main__":
    main()
