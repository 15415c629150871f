"""Cases of load of text and word vectors; see `benchmarks.questions.load`."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.harness.load_phases import Phases

__all__ = ["CASES"]

SETTINGS: dict[str, Any] = {"min_count": 1, "epochs": 1, "seed": 1, "verbose": 0}
PIECE = 1 << 20  # words that are written at once
# Wide windows diverge with the usual steps: a word is in as many pairs as the window is wide.
SMALL_STEPS: dict[str, Any] = {"alpha": 5e-6, "min_alpha": 0.0}


def words_file(path: Path, n: int) -> None:
    """Write a file of n different words, one after the other, lines of 100, each also as the next word's neighbour."""
    with path.open("w") as file:
        for first in range(0, n, PIECE):
            numbers = range(first, min(first + PIECE, n))
            lines = (numbers[k : k + 100] for k in range(0, len(numbers), 100))
            file.writelines(" ".join(f"w{number:x}" for number in line) + "\n" for line in lines)


def tokens_file(path: Path, n: int, n_words: int = 5000, line: int = 20) -> None:
    """Write a file of n words of Zipf's distribution, `line` words a line."""
    rng = np.random.default_rng(n)
    shares = 1 / np.arange(1, n_words + 1)
    names = np.array([f"word{number}" for number in range(n_words)])
    with path.open("w") as file:
        for first in range(0, n, PIECE):
            ids = rng.choice(n_words, min(PIECE, n - first), p=shares / shares.sum())
            words = names[ids].tolist()
            file.writelines(" ".join(words[k : k + line]) + "\n" for k in range(0, len(words), line))


def vocabulary(phases: Phases, n: int, folder: Path) -> None:
    """Train, save, load and query n different words, vectors of 16 numbers."""
    from kerazoo import EncodedCorpus, Word2Vec
    from kerazoo.word2vec import load_vectors, save_vectors

    words_file(folder / "text", n)
    with phases.phase("count and encode"):
        corpus = EncodedCorpus.from_source(folder / "text", min_count=1)
    assert len(corpus.vocabulary) == corpus.n_tokens == n
    model = Word2Vec(16, window=2, negative=1, sample=0, **SETTINGS)
    with phases.phase("fit, one epoch"):
        model.fit(corpus)
    del corpus
    with phases.phase("save"):
        model.save(folder / "model")
    with phases.phase("vectors as text"):
        save_vectors(model, folder / "vectors.txt")
    del model
    with phases.phase("load, most_similar"):
        loaded = Word2Vec.load(folder / "model")
        assert len(loaded.most_similar("w1")) == 10
    assert loaded.vectors_.shape == (n, 16)
    del loaded
    with phases.phase("vectors from text"):
        assert len(load_vectors(folder / "vectors.txt").words) == n


def tokens(phases: Phases, n: int, folder: Path) -> None:
    """Encode and train n words of text, in memory and by way of the disk."""
    from kerazoo import EncodedCorpus, Word2Vec

    tokens_file(folder / "text", n)
    with phases.phase("encode in memory"):
        corpus = EncodedCorpus.from_source(folder / "text", min_count=1)
    assert corpus.n_tokens == n
    with phases.phase("encode to disk"):
        on_disk = EncodedCorpus.from_source(folder / "text", min_count=1, path=folder / "corpus")
    assert on_disk.n_tokens == n
    del corpus
    with phases.phase("fit, from disk"):
        Word2Vec(16, window=2, negative=1, sample=1e-4, **SETTINGS).fit(on_disk)


def empty_documents(phases: Phases, n: int, folder: Path) -> None:
    """Train on n empty documents around one of 1,000 words."""
    from kerazoo import EncodedCorpus, Word2Vec

    middle = " ".join(f"word{number % 100}" for number in range(1000))
    (folder / "text").write_text("\n" * (n // 2) + middle + "\n" * (n - n // 2))
    with phases.phase("encode a file"):
        corpus = EncodedCorpus.from_source(folder / "text", min_count=1)
    assert corpus.n_tokens == 1000
    with phases.phase("fit"):
        Word2Vec(16, **SETTINGS).fit(corpus)
    with phases.phase("encode a generator"):
        made = EncodedCorpus.from_source((middle.split() if k == n // 2 else [] for k in range(n)), min_count=1)
    assert made.n_tokens == 1000
    model = Word2Vec(16, **SETTINGS).fit(corpus)
    with phases.phase("transform"):
        assert model.transform([[]] * n).shape == (n, 16)


def vector_size(phases: Phases, n: int, folder: Path) -> None:
    """Train vectors of n numbers on 100,000 words of text."""
    from kerazoo import Word2Vec

    tokens_file(folder / "text", 100_000)
    with phases.phase("fit, one number"):
        Word2Vec(1, **SETTINGS).fit(folder / "text")
    for sg, hs in ((1, 0), (0, 0), (1, 1)):
        with phases.phase(f"fit, sg={sg}, hs={hs}"):
            Word2Vec(n, sg=sg, hs=hs, **SETTINGS).fit(folder / "text")


def window(phases: Phases, n: int, folder: Path) -> None:
    """Train with a window of n words on one document of 20,000 words, and make pairs of it."""
    _window(phases, n, folder, 20_000)


def wide_window(phases: Phases, n: int, folder: Path) -> None:
    """Train with a window of n words on one document of 200,000 words, and make pairs of it."""
    _window(phases, n, folder, 200_000)


def _window(phases: Phases, n: int, folder: Path, length: int) -> None:
    from kerazoo import EncodedCorpus, Word2Vec
    from kerazoo.batching import SkipGramBatches

    tokens_file(folder / "text", length, line=length)
    corpus = EncodedCorpus.from_source(folder / "text", min_count=1)
    for sg, name in ((1, "skip-gram"), (0, "CBOW")):
        with phases.phase(f"fit, {name}"):
            Word2Vec(16, sg=sg, window=n, **SMALL_STEPS, **SETTINGS).fit(corpus)
    with phases.phase("pairs, 100 batches"):
        batches = SkipGramBatches(corpus, batch_size=8192, window=n, seed=1)
        for number in range(min(100, len(batches))):
            batches[number]


def window_document(phases: Phases, n: int, folder: Path) -> None:
    """Train with a window as long as the document, of n words: n^2 pairs."""
    from kerazoo import Word2Vec

    tokens_file(folder / "text", n, line=n)
    for sg, name in ((1, "skip-gram"), (0, "CBOW")):
        with phases.phase(f"fit, {name}"):
            Word2Vec(16, sg=sg, window=n, **SMALL_STEPS, sample=0, shrink_windows=False, **SETTINGS).fit(
                folder / "text"
            )


def negative(phases: Phases, n: int, folder: Path) -> None:
    """Train with n noise words for each pair, with the Keras engine on pairs, and on blocks."""
    from kerazoo import Word2Vec

    tokens_file(folder / "text", 2000)
    Word2Vec(8, engine="keras", negative=5, **SETTINGS).fit(folder / "text")  # imports and first use of the backend
    for options, name in (({"batch_size": 1024}, "fit, Keras, pairs"), ({}, "fit, Keras, blocks")):
        with phases.phase(name):
            Word2Vec(8, window=2, engine="keras", engine_options=options, negative=n, **SETTINGS).fit(folder / "text")


def native_negative(phases: Phases, n: int, folder: Path) -> None:
    """Ask the native engine for n noise words for each pair."""
    from kerazoo import Word2Vec

    tokens_file(folder / "text", 100_000)
    with phases.phase("fit, native"):
        Word2Vec(16, negative=n, **SETTINGS).fit(folder / "text")


def batch_size(phases: Phases, n: int, folder: Path) -> None:
    """Make a batch of n pairs, n batches of one pair, and a block of n words."""
    from kerazoo.batching import SkipGramBatches, TokenBlocks

    rng = np.random.default_rng(1)
    count = 4 * 10**6
    ids = rng.integers(0, 1000, count).astype(np.int32)
    corpus = SimpleNamespace(ids=ids, offsets=np.arange(0, count + 1, 100, dtype=np.int64))
    counts = np.bincount(ids, minlength=1000)
    with phases.phase("one batch of n pairs"):
        made = SkipGramBatches(corpus, counts=counts, batch_size=n, window=5, sample=0, seed=1)[0][0]
        assert len(made["input"]) == n
    with phases.phase("n / 1000 batches of one pair"):
        batches = SkipGramBatches(corpus, counts=counts, batch_size=1, window=5, sample=0, seed=1)
        for number in range(n // 1000):
            batches[number]
    with phases.phase("one block of n words"):
        TokenBlocks(corpus, counts=counts, block_size=max(64, n - n % 64), sample=0, seed=1)[0]


def long_word(phases: Phases, n: int, folder: Path) -> None:
    """Train, save, load and write a vocabulary with a word of n bytes."""
    from kerazoo import FastText, Word2Vec
    from kerazoo.word2vec import load_vectors, save_vectors

    word = "x" * n
    (folder / "text").write_text(f"a b c {word} d e\n" * 2)
    model = Word2Vec(16, sample=0, **SETTINGS)
    with phases.phase("encode, fit"):
        model.fit(folder / "text")
    assert word in model.vocabulary_
    with phases.phase("save, load"):
        model.save(folder / "model")
        assert word in Word2Vec.load(folder / "model").vocabulary_
    for binary in (False, True):
        path = folder / ("vectors.bin" if binary else "vectors.txt")
        with phases.phase(f"vectors, {'binary' if binary else 'text'}"):
            save_vectors(model, path)
            assert word in load_vectors(path).words
    with phases.phase("FastText"):
        FastText(16, sample=0, **SETTINGS).fit(folder / "text")


def long_line(phases: Phases, n: int, folder: Path) -> None:
    """Encode a file of n bytes that is one line, and train on it."""
    from kerazoo import EncodedCorpus, Word2Vec

    unit = " ".join(f"w{number % 977:03d}" for number in range(20_000)) + " "
    with (folder / "text").open("w") as file:
        for _ in range(n // len(unit)):
            file.write(unit)
    with phases.phase("encode in memory"):
        corpus = EncodedCorpus.from_source(folder / "text", min_count=1)
    assert len(corpus) == 1
    assert corpus.n_tokens == n // len(unit) * 20_000
    with phases.phase("encode to disk"):
        EncodedCorpus.from_source(folder / "text", min_count=1, path=folder / "corpus")
    with phases.phase("fit"):
        Word2Vec(16, window=2, negative=1, sample=1e-4, **SETTINGS).fit(corpus)


def min_count(phases: Phases, n: int, folder: Path) -> None:
    """Ask for words that occur n times."""
    from kerazoo import Word2Vec

    tokens_file(folder / "text", 100_000)
    with phases.phase("fit"):
        Word2Vec(16, **SETTINGS | {"min_count": n}).fit(folder / "text")


def _with_folder(function: Any) -> Any:
    def run(phases: Phases, n: int) -> None:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(phases, n, Path(folder))

    run.__doc__ = function.__doc__
    return run


#: name -> (function of phases and n, largest n)
CASES = {
    function.__name__: (_with_folder(function), largest)
    for function, largest in (
        (vocabulary, 10**7), (tokens, 10**8), (empty_documents, 10**7), (vector_size, 4096), (window, 10**6),
        (wide_window, 10**6), (window_document, 10**4), (negative, 1000), (native_negative, 1000),
        (batch_size, 10**7), (long_word, 10**7), (long_line, 10**9), (min_count, 10**9),
    )
}  # fmt: skip
