"""How many skip-gram pairs, blocks and windows per second does one core make, beside the generators that people use?

    python -m benchmarks.questions.batching --corpus FILE [--repeats 5]

One core, unless the row says otherwise. A run makes all batches of an epoch (`for i in range(len(data)): data[i]`),
including the plan of the epoch. The peers make pairs of a slice of the same corpus, as they are slower:

`tutorial_generator`   the generator of TensorFlow's word2vec tutorial (a deque, `random.randint` until the context word
                       is a new one), rewritten from its description; it does not fail at the end of the corpus.
`keras_skipgrams`      `keras.preprocessing.sequence.skipgrams`, which Keras 3 no longer has, rewritten from its
                       documentation: sampling table, full windows, lists of pairs, shuffled; no negatives.
`numpy`                vectorised NumPy: subsampling, random radii, one shifted comparison per offset and side.

`numpy` and `keras_skipgrams` make the same kind of pairs as the row `pairs` (window 5, sample 1e-3), Keras's function
with its own subsampling and full windows; `tutorial_generator` makes those of `tutorial_pairs` (skip_window 1,
num_skips 2).
"""

from __future__ import annotations

import argparse
import collections
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.timing import Side, alternate, summarise
from kerazoo import EncodedCorpus
from kerazoo.batching import SequenceWindows, SkipGramBatches, TokenBlocks
from kerazoo.batching.sampling import keep_thresholds

WINDOW, SAMPLE, BATCH = 5, 1e-3, 8192
SLICE = 300_000  # words for the slow peers
REFERENCE = "pairs"


def tutorial_generator(data: list[int], n_pairs: int, num_skips: int = 2, skip_window: int = 1) -> int:
    """Make pairs in batches of 128; the number made."""
    span, batch_size, index, made = 2 * skip_window + 1, 128, 0, 0
    while made < n_pairs:
        batch = np.ndarray(shape=(batch_size,), dtype=np.int32)
        labels = np.ndarray(shape=(batch_size, 1), dtype=np.int32)
        buffer: collections.deque[int] = collections.deque(maxlen=span)
        for _ in range(span):
            buffer.append(data[index])
            index = (index + 1) % len(data)
        for i in range(batch_size // num_skips):
            target, avoid = skip_window, [skip_window]
            for j in range(num_skips):
                while target in avoid:
                    target = random.randint(0, span - 1)
                avoid.append(target)
                batch[i * num_skips + j] = buffer[skip_window]
                labels[i * num_skips + j, 0] = buffer[target]
            buffer.append(data[index])
            index = (index + 1) % len(data)
        index = (index + len(data) - span) % len(data)
        made += batch_size
    return made


def keras_skipgrams(sequence: list[int], table: list[float], window: int = WINDOW) -> int:
    """Make pairs as `skipgrams(sequence, ..., negative_samples=0, sampling_table=table)`; the number made."""
    couples, labels = [], []
    for i, word in enumerate(sequence):
        if table[word] < random.random():
            continue
        for j in range(max(0, i - window), min(len(sequence), i + window + 1)):
            if j != i:
                couples.append([word, sequence[j]])
                labels.append(1)
    seed = random.randint(0, 10**6)
    for part in (couples, labels):
        random.seed(seed)
        random.shuffle(part)
    return len(couples)


def numpy_pairs(
    ids: NDArray[np.int32], documents: NDArray[np.int32], keep: NDArray[np.uint32], rng: np.random.Generator
) -> int:
    """All pairs of a slice of the corpus as two arrays, offset by offset; number of pairs."""
    kept = rng.integers(0, 2**32, len(ids), dtype=np.uint32) <= keep[ids]
    ids, documents = ids[kept], documents[kept]
    radius = rng.integers(1, WINDOW + 1, len(ids), dtype=np.int32)
    inputs, outputs = [], []
    for distance in range(1, WINDOW + 1):
        same = documents[distance:] == documents[:-distance]
        right = np.flatnonzero(same & (radius[:-distance] >= distance))  # centre on the left
        left = np.flatnonzero(same & (radius[distance:] >= distance))
        inputs += [ids[right + distance], ids[left]]
        outputs += [ids[right], ids[left + distance]]
    return len(np.concatenate(inputs)) + 0 * len(np.concatenate(outputs))


def epoch(data: Any, units: Callable[[], float], threads: int = 1) -> Callable[[], float]:
    """A function that makes all batches of the next epoch and returns its units of work."""
    numbers: Iterator[int] = iter(range(1, 10**6))
    len(data)

    def run() -> float:
        data.epoch = next(numbers)
        if threads == 1:
            for i in range(len(data)):
                data[i]
        else:

            def part(first: int) -> None:
                for i in range(first, len(data), threads):
                    data[i]

            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(part, range(threads)))
        return units()

    return run


def measure(path: Path, repeats: int) -> None:
    """Time pairs, blocks and windows, print three tables and write the result."""
    corpus = EncodedCorpus.from_source(path, min_count=5)
    ids, offsets, counts = np.asarray(corpus.ids), np.asarray(corpus.offsets), np.asarray(corpus.vocabulary.counts)
    words = ids[:SLICE].tolist()
    documents = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    # Keras's make_sampling_table assumes Zipf's law; this is its formula with the true frequencies.
    frequency = counts / counts.sum()
    table = np.minimum(1.0, np.sqrt(frequency / 1e-5) * 1e-5 / frequency).tolist()
    keep = keep_thresholds(counts, SAMPLE)
    assert keep is not None
    rng = np.random.default_rng(1)

    def pairs(name: str, threads: int = 1, **arguments: Any) -> Side:
        data = SkipGramBatches(corpus, seed=1, **{"batch_size": BATCH, "window": WINDOW, **arguments})
        return Side(name, epoch(data, lambda: float(len(data) * data.batch_size), threads))

    part = slice(0, 2_000_000)
    sides = [
        pairs("pairs"),
        pairs("pairs_2_threads", threads=2),
        pairs("pairs_batch_1024", batch_size=1024),
        pairs("pairs_batch_65536", batch_size=65536),
        pairs("pairs_window_10", window=10),
        pairs("pairs_noise_5_each", noise="unigram", negative=5),
        pairs("pairs_noise_5_each_2_threads", noise="unigram", negative=5, threads=2),
        pairs("pairs_noise_64_shared", noise="unigram", negative=64, shared_noise=True),
        pairs("tutorial_pairs_batch_128", batch_size=128, skip_window=1, num_skips=2),
        pairs("tutorial_pairs", skip_window=1, num_skips=2),
        pairs("tutorial_pairs_2_of_4", skip_window=2, num_skips=2),
        Side("tutorial_generator", lambda: tutorial_generator(words, SLICE)),
        Side("keras_skipgrams", lambda: keras_skipgrams(words, table)),
        Side("numpy", lambda: numpy_pairs(ids[part], documents[part], keep, rng)),
    ]
    alternate(sides, repeats)
    pair_rows = summarise(sides, REFERENCE, "pairs")

    def blocks(name: str, **arguments: Any) -> Side:
        data = TokenBlocks(corpus, window=WINDOW, seed=1, **arguments)
        return Side(name, epoch(data, lambda: float(data.n_raw_tokens)), notes={"blocks": len(data)})

    block_sides = [
        blocks("blocks"),
        blocks("blocks_without_unique", unique=False),
        blocks("blocks_without_unique_and_noise", unique=False, noise=None),
    ]
    alternate(block_sides, repeats)
    block_rows = summarise(block_sides, "blocks", "raw words")
    for row in block_rows:
        row["blocks_per_second"] = row["blocks"] / row["median_seconds"]

    series = rng.random((1_000_000, 4), dtype=np.float32)

    def windows(name: str, given: Any, **arguments: Any) -> Side:
        data = SequenceWindows(given, batch_size=256, seed=1, **arguments)
        return Side(name, epoch(data, lambda: float(data.n_windows)))

    window_sides = [
        windows("series", series, lookback=32, horizon=8),
        windows("series_shuffled", series, lookback=32, horizon=8, shuffle=True),
        windows("language_model", corpus, lookback=64, stride=64, target="sequence"),
    ]
    alternate(window_sides, repeats)
    window_rows = summarise(window_sides, "series", "windows")

    columns = ["name", "unit", "median_rate", "min_rate", "max_rate"]
    print_table(f"Pairs ({path.name}, {len(ids):,} words)", pair_rows, [*columns, f"ratio_to_{REFERENCE}"])
    print_table("Blocks of 4096 tokens, 64 noise words for 64 tokens", block_rows, [*columns, "blocks_per_second"])
    print_table("Windows", window_rows, columns)
    settings = {
        "corpus": path.name,
        "words": len(ids),
        "vocabulary": len(counts),
        "documents": len(offsets) - 1,
        "batch_size": BATCH,
        "window": WINDOW,
        "sample": SAMPLE,
        "peers_slice_words": {"tutorial_generator": SLICE, "keras_skipgrams": SLICE, "numpy": 2_000_000},
        "series": list(series.shape),
        "repeats": repeats,
    }
    tables = {"pairs": pair_rows, "blocks": block_rows, "windows": window_rows}
    print(write_result("batching", (__doc__ or "").splitlines()[0], settings, tables))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    measure(given.corpus, given.repeats)
