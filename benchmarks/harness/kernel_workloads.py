"""Small fixed work for each compiled kernel, which `benchmarks.questions.instructions` counts under valgrind.

Imports only NumPy and the kernels, because Python is fifty times slower under valgrind. Each kernel has a warm-up call
and a counted call. The counted call is between two calls of `mark`, at which valgrind dumps its counts since the last
one. Prints a line of JSON with the instruction set of the CPU that valgrind emulates, then one line per counted call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerazoo_ext import (
    _blocks,
    _exchange,
    _noise,
    _order,
    _pairs,
    _panel_windows,
    _phrases,
    _scan,
    _sequences,
    _smoothing,
    _statistics,
    _subwords,
    _token_lists,
    _word2vec,
)

__all__ = ["Workload", "mark", "workloads"]

N_TOKENS, N_WORDS, DEPTH = 8192, 1024, 10  # 2^DEPTH words, so that their tree is complete
WINDOW, SIZE, NOISE = 5, 100, 16
GOLDEN = np.uint64(0x9E3779B97F4A7C15)

# Name, unit, and the work, which returns its number of units.
Workload = tuple[str, str, Callable[[], float]]


def mark() -> str:
    """The best instruction set of this CPU: a cheap call that no workload makes, so that it can mark their ends."""
    return _word2vec.widest()


def workloads(widest: str) -> Iterator[Workload]:
    """All workloads in the order of the counts; training with each instruction set up to `widest`."""
    yield from scanning()
    yield from token_lists()
    yield from phrases()
    yield from batching()
    yield from exchanging()
    yield from smoothing()
    yield from statistics()
    yield from panel_windows()
    yield from subwords()
    for instruction_set in _word2vec.INSTRUCTION_SETS[: _word2vec.INSTRUCTION_SETS.index(widest) + 1]:
        yield from training(instruction_set)


def scanning() -> Iterator[Workload]:
    """Scanner of text, and its vocabulary."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(2, 12, 3000)
    for alphabet, kind in (("etaoinshrdlu", "ASCII"), ("ετaοινshρdλu", "Greek")):
        words = ["".join(rng.choice(list(alphabet), length)) for length in lengths]
        chosen = zipf(rng, 20_000, len(words)).tolist()
        lines = [" ".join(words[i] for i in chosen[first : first + 20]) for first in range(0, len(chosen), 20)]
        text = "\n".join(lines).encode()
        padded = np.frombuffer(text + b" " * _scan.PADDING, np.uint8)
        known = _scan.Scanner()

        def scan(scanner: Any, padded: Any = padded, size: int = len(text)) -> float:
            return float(len(scanner.scan(padded, size)[0]))

        yield f"scan, new words, {kind}", "word", lambda scan=scan: scan(_scan.Scanner())  # type: ignore[misc]
        yield f"scan, known words, {kind}", "word", lambda scan=scan, known=known: scan(known)  # type: ignore[misc]

    counted = _scan.Scanner()
    counted.scan(padded, len(text))
    n_ranked = len(counted.rank(2)[0])

    def rank() -> float:
        counted.rank(2, 0)  # without strings of the sorted words, which are work of Python
        return float(n_ranked)

    yield "rank the vocabulary", "word", rank

    ids = zipf(rng, 20_000, 3000)
    mapping = np.where(np.arange(3000) < 2000, np.arange(3000), -1).astype(np.int32)
    ends = np.arange(20, 20_001, 20, dtype=np.int32)

    def encode() -> float:
        _scan.compact(ids.copy(), mapping, ends.copy())
        return float(len(ids))

    yield "ids of the vocabulary", "token", encode


def token_lists() -> Iterator[Workload]:
    """Lists of tokens to ids, and ids of another vocabulary in their place."""
    words = [f"word{number}" for number in range(3000)]
    tokens = [words[number] for number in zipf(np.random.default_rng(3), 20_000, len(words)).tolist()]
    sentences = [tokens[first : first + 20] for first in range(0, len(tokens), 20)]
    mapping = np.where(np.arange(len(words)) % 7, np.arange(len(words)), -1).astype(np.int32)
    ids, ends = _token_lists.encode(sentences, {}, True)

    def encode() -> float:
        return float(len(_token_lists.encode(sentences, {}, True)[0]))

    def remap() -> float:
        _token_lists.remap(ids.copy(), mapping, ends.copy())
        return float(len(ids))

    yield "ids of lists of tokens", "token", encode
    yield "ids of another vocabulary", "token", remap


def phrases() -> Iterator[Workload]:
    """Pairs of neighbouring words: counted, and joined."""
    rng = np.random.default_rng(2)
    ids, offsets = zipf(rng, 20_000, 3000), np.arange(0, 20_001, 20)
    connector = (np.arange(3000) < 3).astype(np.uint8)
    runs, counted = _phrases.Runs(), _phrases.PairTable()
    runs.collect(ids, offsets, connector, 0, len(ids))

    def count(table: Any) -> float:
        table.count(runs, ids, offsets, connector, 0, len(ids), 0, 1, len(ids))
        return float(len(ids))

    yield "count pairs, new table", "word", lambda: count(_phrases.PairTable())
    count(counted)
    pairs, numbers, counts, values = (array[::8].copy() for array in counted.arrays())
    chosen, matches, ends = _phrases.PairTable(), np.empty(len(ids), np.int32), np.empty(len(offsets) - 1, np.int64)
    chosen.add(pairs, numbers, counts, values)

    def join() -> float:
        chosen.match(runs, ids, offsets, connector, 0, len(ids), matches)
        _phrases.join(ids, offsets, connector, 0, len(ids), matches, ends)
        return float(len(ids))

    yield "join pairs", "word", join


def exchanging() -> Iterator[Workload]:
    """What workers do with their changes."""
    now, base, total = np.random.default_rng(1).normal(size=(3, 256, 112)).astype(np.float32)
    sent = np.zeros((256, SIZE), np.uint16)
    updates, workers = np.geomspace(1, 1000, 256).astype(np.float32), np.full(256, 2, np.float32)
    values, projected = np.full(SIZE, 0.01, np.float32), np.ones((256, SIZE), np.float32)

    def changes() -> float:
        _exchange.pack_change(now, base, sent)
        _exchange.add_packed(total, sent)
        _exchange.apply_packed(base, now, sent)
        return float(sent.size)

    yield "changes packed, added, applied", "value", changes

    def scale() -> float:
        _exchange.scale(projected, values, updates, workers, 0.05)
        return float(projected.size)

    yield "changes scaled", "value", scale


def batching() -> Iterator[Workload]:
    """Pairs, blocks, noise, order and windows."""
    text = encoded_text()
    n_chunks = -(-N_TOKENS // _pairs.CHUNK)
    counts = np.zeros((2, n_chunks), np.int64)

    def count() -> float:
        _pairs.count(*text, 0, *counts)
        return float(N_TOKENS)

    yield "pairs, plan", "token", count
    count()
    total = int(counts[0].sum())
    context, centre = np.zeros((2, total), np.int32)
    yield "pairs", "pair", lambda: float(_pairs.make(*text, 0, 0, 0, context, centre))

    size = int(counts[1].sum())
    block, left, right = np.zeros(size + 2 * WINDOW, np.int32), np.zeros(size, np.int32), np.zeros(size, np.int32)

    def make_block() -> float:
        return float(_blocks.make(*text, 0, 0, 0, 0, block, left, right)[0])

    yield "blocks", "token", make_block
    make_block()
    noise = np.zeros(size // 4, np.int32)
    values = np.zeros(min(N_WORDS, len(block) + len(noise)), np.int32)
    positions, noise_positions = np.zeros_like(block), np.zeros_like(noise)

    def unique() -> float:
        _blocks.unique(block, noise, N_WORDS, values, positions, noise_positions)
        return float(len(block) + len(noise))

    yield "blocks, distinct words", "word", unique

    table, drawn = alias_table(), np.zeros(20_000, np.int32)

    def draw() -> float:
        _noise.draw(table, 5, 6, drawn)
        return float(len(drawn))

    yield "noise", "word", draw

    order = np.zeros(20_000, np.int64)

    def permute() -> float:
        _order.permute(0, 100_000, 7, order)
        return float(len(order))

    yield "order", "number", permute

    series = np.zeros((5000, 4), np.float32)
    addresses, lengths = np.array([series.ctypes.data], np.uint64), np.array([len(series)], np.int64)
    numbers = np.arange(0, 4096, 2, dtype=np.int64)
    firsts = np.array([0, len(series) - 31], np.int64)
    windows = np.zeros((len(numbers), 32, 4), np.float32)
    flat = windows.reshape(-1).view(np.uint8)

    def gather(kept: np.ndarray = series) -> float:  # the kernel is given its address only
        _sequences.gather(addresses, lengths, firsts, numbers, 1, 0, 32, 16, flat)
        return float(len(numbers))

    yield "windows of 32 x 4", "window", gather


def smoothing() -> Iterator[Workload]:
    """Exponential smoothing of a seasonal series."""
    y, season = np.sin(np.arange(20_000.0)), 12
    weights = (0.3, 0.1, 0.1, 0.95)
    states, out = np.zeros((2 + season, 1)), np.zeros((len(y), 1))

    def innovations() -> float:
        _smoothing.innovations(y, *weights, states, out)
        return float(len(y))

    yield "smoothing, innovations", "step", innovations

    by_weight, gradient = np.zeros((2 + season, 5)), np.zeros(4)

    def squares() -> float:
        _smoothing.squares(y, *weights, by_weight, gradient)
        return float(len(y))

    yield "smoothing, squares", "step", squares


def statistics() -> Iterator[Workload]:
    """All candidates on four series of months, at one origin and at the end; counts values."""
    steps, horizon, names = np.arange(72.0), 12, len(_statistics.CANDIDATES)
    noise = np.sin(steps**2)  # without a generator of random numbers, which may change
    values = np.concatenate(
        [np.exp(3 + 0.01 * k * steps + 0.2 * np.sin(steps / 1.91) + 0.05 * noise) for k in range(4)]
    )
    offsets = np.arange(0, 5 * 72, 72, dtype=np.int64)
    shapes = ((4, names, horizon), (4, 1, names, horizon), (4, 2, names), (4, names, _statistics.PARAMETERS), (0, 288))
    outputs = [np.full(shape, np.nan) for shape in shapes]

    def fit() -> float:
        _statistics.fit(
            values, offsets, 0, 4, np.array([12.0]), np.array([12]), horizon, -np.inf, np.inf, 2, *outputs
        )  # fmt: skip
        return float(len(values))

    yield "statistics, months", "value", fit


def panel_windows() -> Iterator[Workload]:
    """Draws and scaled windows of 36 steps, and targets of 18, of 64 series of 100 values; counts windows."""
    values = np.exp(np.sin(np.arange(6400.0)))
    offsets, eligible = np.arange(0, 6401, 100, dtype=np.int64), np.arange(64, dtype=np.int64)
    kinds = np.full(64, _panel_windows.VALUES, np.uint8)
    series, ends = (np.empty(512, np.int64) for _ in range(2))
    inputs, targets = np.empty((512, 36, 3), np.float32), np.empty((512, 18, 3), np.float32)
    centres, scales = (np.empty(512) for _ in range(2))

    def windows() -> float:
        _panel_windows.draw(offsets, eligible, 36, 18, 7, 0, series, ends)
        _panel_windows.fill(values, offsets, kinds, 1e-9, series, ends, inputs, targets, centres, scales)
        return float(len(ends))

    yield "scaled windows of 36 + 18", "window", windows


def subwords() -> Iterator[Workload]:
    """Hashes of n-grams, and the means of their rows."""
    rng = np.random.default_rng(5)
    text = rng.integers(ord("a"), ord("z"), 8 * N_WORDS, np.uint8)
    ends, counts = np.arange(0, len(text) + 1, 8), np.zeros(N_WORDS, np.int64)
    _subwords.count(text, ends, 3, 6, counts)
    offsets = np.append(0, np.cumsum(counts))
    buckets = np.zeros(int(offsets[-1]), np.int32)

    def hash_them() -> float:
        _subwords.hash_ngrams(text, ends, 3, 6, 10_000, offsets, buckets)
        return float(len(buckets))

    yield "n-grams, hashes", "n-gram", hash_them
    own, rows = rng.random((N_WORDS, SIZE), np.float32), rng.random((10_000, SIZE), np.float32)
    out = np.zeros_like(own)

    def average() -> float:
        _subwords.means(own, rows, offsets, buckets, out)
        return float(len(buckets))

    yield "n-grams, means", "n-gram", average


def parts_of_words() -> dict[str, Any]:
    """Nine rows for each word: its own, which no other word has, and eight that it shares."""
    rng = np.random.default_rng(6)
    rows = rng.integers(0, N_WORDS, (N_WORDS, 9), np.int32)
    rows[:, 0] = np.arange(N_WORDS)
    offsets = np.arange(0, 9 * N_WORDS + 1, 9)
    return {"part_offsets": offsets, "parts": rows.reshape(-1), "distinct_ends": offsets[1:], "span": 8}


def training(instruction_set: str) -> Iterator[Workload]:
    """Training of word vectors of 100 dimensions, with 16 noise words for the pairs of 16 centres; counts pairs."""
    models: dict[str, dict[str, Any]] = {
        "nce": {"nce": True},
        "negative sampling": {},
        "hierarchical softmax": {"hs": True},
        "CBOW": {"cbow": True},
        "subwords": {"parts": parts_of_words()},
        "sampled softmax": {"nce": True, "more": {"softmax": True, "n_noise": 64}},
        "frequent rows in copies": {"nce": True, "more": {"held": 64}},
    }
    text, table = encoded_text(), alias_table()
    path_offsets, paths = np.arange(0, (N_WORDS + 1) * DEPTH, DEPTH, dtype=np.int64), tree_paths()
    for name, model in models.items():
        nce, hs, cbow = (model.get(key, False) for key in ("nce", "hs", "cbow"))
        more = {"n_noise": 0 if hs else NOISE, **model.get("parts", {}), **model.get("more", {})}
        rng = np.random.default_rng(2)
        inputs = aligned(rng, N_WORDS)
        outputs = None if hs else aligned(rng, N_WORDS)
        nodes = aligned(rng, N_WORDS - 1) if hs else None
        biases, expected = (np.zeros(N_WORDS, np.float32) for _ in range(2)) if nce else (None, None)

        def train(
            cbow: bool = cbow, nce: bool = nce, hs: bool = hs, inputs: Any = inputs, outputs: Any = outputs,
            nodes: Any = nodes, biases: Any = biases, expected: Any = expected, more: Any = more,
        ) -> float:  # fmt: skip
            trainer = _word2vec.Trainer(
                *text, inputs=inputs, alias_table=table, outputs=outputs, biases=biases, log_expected=expected,
                nodes=nodes, path_offsets=path_offsets if hs else None, paths=paths if hs else None,
                longest_path=DEPTH if hs else 0, cbow=cbow, mean=True, size=SIZE, reach=WINDOW,
                group=16, noise_weight=5 / max(NOISE * (not hs), 1),
                remove_hits=not nce, measured_every=64, alpha=0.025, min_alpha=0.0001, words_before=0, words=N_TOKENS,
                words_done=np.zeros(1, np.int64), instruction_set=instruction_set, **more,
            )  # fmt: skip
            n_pairs = trainer.train(0, 2048)[2]
            trainer.close()
            return float(n_pairs)

        yield f"training, {name}, {instruction_set}", "pair", train


# Inputs ----------------------------------------------------------------------------------------------------


def zipf(rng: np.random.Generator, n: int, n_words: int) -> np.ndarray:
    """Ids int32 (n,) with approximately the frequencies of words: low ids are frequent."""
    return np.minimum(n_words ** rng.random(n), n_words - 1).astype(np.int32)


def encoded_text() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, bool]:
    """Documents of 200 words, of which subsampling keeps two thirds: the first arguments of the kernels."""
    rng = np.random.default_rng(3)
    offsets = np.append(np.arange(0, N_TOKENS, 200), N_TOKENS).astype(np.int64)
    keep = (np.linspace(0.3, 1.0, N_WORDS) * (2**32 - 1)).astype(np.uint32)
    keys = np.arange(1, 5, dtype=np.uint64) * GOLDEN
    return zipf(rng, N_TOKENS, N_WORDS), offsets, keep, keys, WINDOW, True


def alias_table() -> np.ndarray:
    """An arbitrary alias table of noise, uint64 (V,): `threshold << 32 | alias` per word."""
    rng = np.random.default_rng(4)
    return rng.integers(0, 2**32, N_WORDS, np.uint64) << np.uint64(32) | zipf(rng, N_WORDS, N_WORDS).astype(np.uint64)


def tree_paths() -> np.ndarray:
    """Paths from the root to each of 2^DEPTH words, int32: `node << 1 | code`, nodes numbered level by level."""
    words, levels = np.arange(N_WORDS)[:, None], np.arange(DEPTH)
    nodes = (1 << levels) - 1 + (words >> (DEPTH - levels))
    return (nodes << 1 | words >> (DEPTH - 1 - levels) & 1).astype(np.int32).reshape(-1)


def aligned(rng: np.random.Generator, n_words: int) -> np.ndarray:
    """Vectors in rows of a multiple of 16 floats, aligned to 64 bytes, as training requires."""
    stride = -(-SIZE // 16) * 16
    memory = np.zeros(n_words * stride + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    table = memory[start : start + n_words * stride].reshape(n_words, stride)
    table[:, :SIZE] = (rng.random((n_words, SIZE), np.float32) - 0.5) / SIZE
    return table


def main() -> None:
    """Run all workloads."""
    widest = mark()
    print(json.dumps({"instruction_set": widest}))
    for name, unit, run in workloads(widest):
        run()
        mark()
        units = run()
        mark()
        print(json.dumps({"name": name, "unit": unit, "units": units}))


if __name__ == "__main__":
    main()
