"""Every function and method of the kernels from eight threads at a time: the results are those of one, to the bit.

The threads share inputs and have outputs and objects of their own. What threads share on purpose is in
test_shared_objects.py, and the tables of training in tests/kernels_c.
"""

from __future__ import annotations

import ast
import hashlib
import threading

import numpy as np
import pytest

from benchmarks.harness import ROOT, kernel_workloads
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
)  # fmt: skip

THREADS, ROUNDS = 8, 3

TEXT = kernel_workloads.encoded_text()
N_TOKENS, N_WORDS, SIZE = len(TEXT[0]), kernel_workloads.N_WORDS, kernel_workloads.SIZE
ALIASES, PATHS = kernel_workloads.alias_table(), kernel_workloads.tree_paths()
WORDS = [f"word{number}" for number in range(N_WORDS)]
SENTENCES = [[WORDS[id] for id in TEXT[0][first : first + 40]] for first in range(0, N_TOKENS, 40)]
BYTES = "\n".join(map(" ".join, SENTENCES)).encode()
PADDED = np.frombuffer(BYTES + b" " * _scan.PADDING, np.uint8)
CONNECTOR = (np.arange(N_WORDS) < 3).astype(np.uint8)
SERIES = np.exp(2 + np.sin(np.arange(6400.0) / 2))
SERIES_OFFSETS = np.arange(0, 6401, 100)
FLOATS = np.random.default_rng(1).normal(size=(3, 256, 112)).astype(np.float32)


def pairs():
    counts = np.zeros((2, -(-N_TOKENS // _pairs.CHUNK)), np.int64)
    _pairs.count(*TEXT, 0, *counts)
    made = np.zeros((2, int(counts[0].sum())), np.int32)
    _pairs.make(*TEXT, 0, 0, 0, *made)
    return counts, made


def blocks():
    counts = np.zeros((2, -(-N_TOKENS // _pairs.CHUNK)), np.int64)
    _pairs.count(*TEXT, 0, *counts)
    size = int(counts[1].sum())
    block, sides = np.zeros(size + 2 * kernel_workloads.WINDOW, np.int32), np.zeros((2, size), np.int32)
    made = _blocks.make(*TEXT, 0, 0, 0, 0, block, *sides)
    noise = np.zeros(size // 4, np.int32)
    _noise.draw(ALIASES, 5, 6, noise)
    values = np.zeros(N_WORDS, np.int32)
    places, noise_places = np.zeros_like(block), np.zeros_like(noise)
    n = _blocks.unique(block, noise, N_WORDS, values, places, noise_places)
    return made, block, sides, noise, n, values, places, noise_places


def order():
    numbers = np.zeros(5000, np.int64)
    _order.permute(3, 100_000, 7, numbers)
    return numbers, _order.permute_one(3, 100_000, 7)


def exchange():
    now, base, total = FLOATS.copy()
    sent, packed = np.zeros((2, 256, SIZE), np.uint16)
    _exchange.pack_change(now, base, sent)
    _exchange.add_packed(total, sent)
    _exchange.apply_packed(base, now, sent)
    _exchange.pack(now, packed)
    counts, projected = np.zeros(N_WORDS, np.int32), np.ones((256, SIZE), np.float32)
    _exchange.count(TEXT[0], counts)
    updates, workers = np.geomspace(1, 1000, 256).astype(np.float32), np.full(256, 2, np.float32)
    _exchange.scale(projected, np.full(SIZE, 0.01, np.float32), updates, workers, 0.05)
    return sent, total, base, now, packed, counts, projected


def panel_windows():
    series, ends = np.empty((2, 512), np.int64)
    inputs, targets = np.empty((512, 36, 3), np.float32), np.empty((512, 18, 3), np.float32)
    centres, scales = np.empty((2, 512))
    kinds = np.full(64, _panel_windows.VALUES, np.uint8)
    _panel_windows.draw(SERIES_OFFSETS, np.arange(64), 36, 18, 7, 0, series, ends)
    _panel_windows.fill(SERIES, SERIES_OFFSETS, kinds, 1e-9, series, ends, inputs, targets, centres, scales)
    return series, ends, inputs, targets, centres, scales


def phrases():
    ids, offsets = TEXT[:2]
    part = (ids, offsets, CONNECTOR, 0, len(ids))
    runs, table, chosen = _phrases.Runs(), _phrases.PairTable(), _phrases.PairTable()
    runs.collect(*part)
    numbers = runs.add(np.array([1, 2, 1], np.int32), np.array([0, 1, 3]))
    complete = table.count(runs, *part, 0, 1, len(ids))
    found = table.arrays()
    chosen.add(*(np.ascontiguousarray(each[::8]) for each in found))
    values = chosen.find(found[0], found[1])
    matches, ends = np.empty(len(ids), np.int32), np.empty(len(offsets) - 1, np.int64)
    chosen.match(runs, *part, matches)
    n = _phrases.join(*part, matches, ends)
    return (*runs.arrays(), numbers, complete, *found, values, n, matches[:n], ends)


def scan():
    scanner, other = _scan.Scanner((1, 2)), _scan.Scanner((1, 2))
    ids, ends = scanner.scan(PADDED, len(BYTES))
    n_words, n_lines = other.count(PADDED, len(BYTES))
    again, again_ends = np.empty(n_words, np.int32), np.empty(n_lines, np.int32)
    other.encode(PADDED, len(BYTES), again, again_ends)
    mapping = other.absorb(scanner)
    ranked = scanner.ranked(2)
    words, counts, chosen = scanner.rank(2, 50)
    kept, kept_ends = ids.copy(), ends.copy()
    n = _scan.compact(kept, np.where(np.arange(N_WORDS) % 3, np.arange(N_WORDS), -1).astype(np.int32), kept_ends)
    moved = ids.copy()
    _scan.move(moved, 100, 200, 0)
    outside = _scan.first_outside(ids, 5)
    text = [" ".join(words), " ".join(ranked.words()), str(_scan.instruction_sets()), scanner.seed, scanner.long_bytes]
    return (ids, ends, again, again_ends, mapping, ranked.counts, ranked.ids, counts, chosen, n, kept[:n], kept_ends,
            moved, outside, scanner.tally(), *scanner.export(4), str(text))  # fmt: skip


def sequences():
    series = SERIES.astype(np.float32).reshape(-1, 4)
    numbers, windows = np.arange(0, 1500, 2), np.zeros(750 * 32 * 16, np.uint8)
    addresses, lengths = np.array([series.ctypes.data], np.uint64), np.array([len(series)])
    _sequences.gather(addresses, lengths, np.array([0, len(series) - 31]), numbers, 1, 0, 32, 16, windows)
    return (windows,)


def smoothing():
    weights, states, out = (0.3, 0.1, 0.1, 0.95), np.zeros((14, 1)), np.zeros((len(SERIES), 1))
    _smoothing.innovations(SERIES, *weights, states, out)
    derivatives, gradient = np.zeros((14, 5)), np.zeros(4)
    total = _smoothing.squares(SERIES, *weights, derivatives, gradient)
    return states, out, derivatives, gradient, total


def statistics():
    values, offsets, names = SERIES[:400], np.arange(0, 401, 100), len(_statistics.CANDIDATES)
    shapes = ((4, names, 6), (4, 1, names, 6), (4, 2, names), (4, names, _statistics.PARAMETERS), (0, 400))
    outputs = [np.full(shape, np.nan) for shape in shapes]
    _statistics.fit(values, offsets, 0, 4, np.array([12.0]), np.array([6]), 6, -np.inf, np.inf, 2, *outputs)
    return tuple(outputs)


def subwords():
    text = np.frombuffer(b"".join(b"%08d" % number for number in range(N_WORDS)), np.uint8)
    ends, counts = np.arange(0, len(text) + 1, 8), np.zeros(N_WORDS, np.int64)
    _subwords.count(text, ends, 3, 6, counts)
    offsets = np.append(0, np.cumsum(counts))
    buckets, out = np.zeros(int(offsets[-1]), np.int32), np.zeros((N_WORDS, 112), np.float32)
    _subwords.hash_ngrams(text, ends, 3, 6, 256, offsets, buckets)
    _subwords.means(np.ones((N_WORDS, 112), np.float32), FLOATS[0], offsets, buckets, out)
    return counts, buckets, out


def token_lists():
    ids, ends = _token_lists.encode(SENTENCES, {}, True)
    words = _token_lists.WordIds()
    lengths = [words.add(sentence) for sentence in SENTENCES]
    mapping, rest, rest_ends = np.arange(N_WORDS, dtype=np.int32), ids.copy(), ends.copy()
    mapping[::3] = -1
    n = _token_lists.remap(rest, mapping, rest_ends)
    return ids, ends, lengths, words.take(), _token_lists.fingerprint(SENTENCES), n, rest[:n], rest_ends


def training(hs=False, nce=False, cbow=False, **more):
    rng = np.random.default_rng(2)
    tables = [kernel_workloads.aligned(rng, n) for n in (N_WORDS, N_WORDS - hs)]
    biases, expected, done = np.zeros(N_WORDS, np.float32), np.zeros(N_WORDS, np.float32), np.zeros(1, np.int64)
    trainer = _word2vec.Trainer(
        *TEXT, inputs=tables[0], alias_table=ALIASES, outputs=None if hs else tables[1],
        nodes=tables[1] if hs else None, biases=biases if nce else None, log_expected=expected if nce else None,
        paths=PATHS if hs else None,
        path_offsets=np.arange(0, len(PATHS) + 1, kernel_workloads.DEPTH) if hs else None,
        longest_path=kernel_workloads.DEPTH if hs else 0, cbow=cbow, mean=True, size=SIZE, reach=5, group=16,
        noise_weight=0.3, remove_hits=not nce, measured_every=64, alpha=0.025, min_alpha=1e-4, words_before=0,
        words=N_TOKENS, words_done=done, instruction_set=_word2vec.widest(), n_noise=0 if hs else 16, **more,
    )  # fmt: skip
    figures = trainer.train(0, 2048)
    trainer.close()
    return str(figures), *tables, biases, done


CASES = {
    "pairs": pairs, "blocks": blocks, "order": order, "exchange": exchange, "panel_windows": panel_windows,
    "phrases": phrases, "scan": scan, "sequences": sequences, "smoothing": smoothing, "statistics": statistics,
    "subwords": subwords, "token_lists": token_lists, "nce": lambda: training(nce=True), "sgns": training,
    "hs": lambda: training(hs=True), "cbow": lambda: training(cbow=True),
    "parts": lambda: training(**kernel_workloads.parts_of_words()),
}  # fmt: skip


def digest(results):
    found = hashlib.sha256()
    for each in results:
        found.update(each.encode() if isinstance(each, str) else np.ascontiguousarray(each).tobytes())
    return found.hexdigest()


def public_names(path):
    """Functions (with the module) and methods that a stub declares, without errors and properties."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            yield f"{path.stem}.{node.name}"
        elif isinstance(node, ast.ClassDef) and not node.name.endswith("Error"):
            yield from (
                each.name
                for each in node.body
                if isinstance(each, ast.FunctionDef) and not each.name.startswith("__") and not each.decorator_list
            )


def test_all_functions_of_the_kernels_are_called_here():
    source = ast.parse((ROOT / "tests/reliability/test_kernels_in_threads.py").read_text())
    called = {node.func for node in ast.walk(source) if isinstance(node, ast.Call)}
    names = {ast.unparse(each) for each in called} | {each.attr for each in called if isinstance(each, ast.Attribute)}
    stubs = sorted((ROOT / "kerazoo_ext").glob("*.pyi"))
    assert len(stubs) >= 14
    assert [name for stub in stubs for name in public_names(stub) if name not in names] == []


@pytest.mark.kernels
def test_eight_threads_compute_what_one_does():
    expected = {name: digest(case()) for name, case in CASES.items()}
    assert len({*expected.values()}) == len(CASES)
    start, wrong = threading.Barrier(THREADS), []

    def work(number):
        names = [*CASES][number % len(CASES) :] + [*CASES][: number % len(CASES)]
        for turn in range(ROUNDS):
            # First each at another kernel, then all at the same one.
            for name in names if turn < ROUNDS - 1 else CASES:
                if turn == ROUNDS - 1:
                    start.wait(300)
                try:
                    if digest(CASES[name]()) != expected[name]:
                        wrong.append(name)
                except Exception as error:
                    wrong.append(f"{name}: {error!r}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
