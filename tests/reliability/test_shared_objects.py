"""Objects of the kernels that several threads use at the same time: all but one are refused, memory stays whole."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from kerazoo import Word2Vec
from kerazoo.batching.sampling import epoch_keys
from kerazoo.text import EncodedCorpus
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.engines.native_kernel import NativeKernel
from kerazoo.word2vec.options import checked_settings
from kerazoo_ext._phrases import PairTable, Runs
from kerazoo_ext._scan import PADDING, Scanner
from kerazoo_ext._token_lists import WordIds

THREADS = 8
ROUNDS = 4


def together(work):
    """Calls `work` in several threads, some times; how often it returned and how often it was refused."""
    start, results = threading.Barrier(THREADS), []

    def take():
        for _ in range(ROUNDS):
            start.wait(60)
            try:
                work()
            except RuntimeError as error:
                results.append(str(error))
            else:
                results.append("")

    threads = [threading.Thread(target=take) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(results) == THREADS * ROUNDS
    refused = [each for each in results if each]
    assert all("one for each thread" in each for each in refused), refused
    return len(results) - len(refused), len(refused)


@pytest.mark.kernels
def test_one_scanner_in_several_threads():
    words = b" ".join(b"word%d" % (i % 50_000) for i in range(400_000))
    text, scanner = words + bytes(PADDING), Scanner((1, 2))
    done, refused = together(lambda: scanner.scan(text, len(words)))
    assert done >= ROUNDS
    assert refused
    assert len(scanner) == 50_000
    assert scanner.tally().tolist() == [8 * done] * 50_000


@pytest.mark.kernels
def test_one_table_of_pairs_in_several_threads():
    ids = np.random.default_rng(1).integers(0, 300, 400_000, np.int32)
    offsets, connector = np.array([0, len(ids)]), np.zeros(300, np.uint8)
    runs, table = Runs(), PairTable()
    done, refused = together(
        lambda: table.count(runs, ids, offsets, connector, 0, len(ids), shard=0, n_shards=1, limit=1 << 20)
    )
    assert refused
    assert table.arrays()[2].sum() == done * (len(ids) - 1)
    # Reading is for all threads at once.
    matches = np.empty((THREADS, len(ids)), np.int32)
    rows = iter(range(THREADS * ROUNDS))
    read = lambda: table.match(runs, ids, offsets, connector, 0, len(ids), matches[next(rows) % THREADS])  # noqa: E731
    assert together(read) == (THREADS * ROUNDS, 0)
    assert (matches == matches[0]).all()


@pytest.mark.kernels
def test_word_ids_in_several_threads():
    """With the GIL one call after the other; without it some are refused. None are torn."""
    tokens, ids = [f"word{i % 5000}" for i in range(100_000)], WordIds()
    done, _ = together(lambda: ids.add(tokens))
    assert done
    assert len(ids.table) == 5000
    assert ids.take().reshape(done, -1).tolist() == [[i % 5000 for i in range(len(tokens))]] * done


@pytest.mark.kernels
def test_word_ids_are_not_changed_by_the_hash_of_a_token():
    """Room was made for the tokens of one document: those of another within it were written beyond it."""
    ids = WordIds()

    class Word(str):
        __slots__ = ()
        __eq__ = str.__eq__

        def __hash__(self):
            ids.take()
            return ids.add(["x"] * 5000)

    with pytest.raises(RuntimeError, match="one for each thread"):
        ids.add(["a", Word("b")])
    assert (ids.add(["c", "a"]), ids.take().tolist()[-2:]) == (2, [1, 0])


@pytest.mark.kernels
def test_a_refused_use_leaves_the_object_usable():
    runs = Runs()
    with pytest.raises(ValueError, match="offsets"):
        runs.add(np.zeros(3, np.int32), np.array([0, 9]))
    assert runs.add(np.arange(3, dtype=np.int32), np.array([0, 2, 3])).tolist() == [1, 2]
    scanner = Scanner((1, 2))
    with pytest.raises(ValueError, match="not UTF-8"):
        scanner.scan(b"\xff" + bytes(PADDING), 1)
    assert scanner.scan(b"a b a" + bytes(PADDING), 5)[0].tolist() == [0, 1, 0]


def test_one_trainer_in_several_threads():
    corpus = EncodedCorpus.from_source([[f"word{i % 997}" for i in range(200_000)]], min_count=1)
    settings = checked_settings(Word2Vec(20, seed=1, sample=0).get_params(deep=False))
    kernel = NativeKernel(Tokens.of(corpus), settings, None, lambda: corpus.vocabulary.words)
    trainer = kernel._kernel(epoch_keys(1, 0), 0, corpus.n_tokens)()
    done, refused = together(lambda: trainer.train(0, corpus.n_tokens))
    assert done >= ROUNDS
    assert refused
    together(trainer.close)
    with pytest.raises(RuntimeError, match="this trainer is closed"):
        trainer.train(0, 256)
    assert np.isfinite(kernel.tables.inputs).all()
