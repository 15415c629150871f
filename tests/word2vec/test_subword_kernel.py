"""The training kernel with subwords against its float64 reference, and the kernels that hash and average n-grams."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerazoo.batching.sampling import NoiseDistribution
from kerazoo_ext import _subwords
from tests.batching.test_kernels import make_settings
from tests.helpers.native_kernel import train
from tests.references import subwords as reference_subwords
from tests.references import word2vec as reference
from tests.word2vec.test_kernel import SETS, aligned, check_table

pytestmark = pytest.mark.kernels


def random_parts(rng, n_words, n_rows):
    """One to five rows for each word, some of them twice."""
    return [rng.integers(0, n_rows, rng.integers(1, 6)).tolist() for _ in range(n_words)]


def run(s, n_words, n_rows, size, *, nce=False, cbow=False, mean=True, group=16, span=3, begin=0, end=None, scale=0.5):
    rng = np.random.default_rng(7)
    noise = NoiseDistribution("unigram", rng.integers(1, 50, n_words))
    W, C = rng.normal(size=(n_rows, size)) * scale, rng.normal(size=(n_words, size)) * scale
    b, parts = rng.normal(size=n_words), random_parts(rng, n_words, n_rows)
    log_expected = noise.log_probabilities + np.float32(np.log(5))
    end = len(s.ids) if end is None else end
    common = {
        "path_offsets": None, "paths": None, "cbow": cbow, "mean": mean, "group": group, "n_noise": 16,
        "noise_weight": 5 / 16, "remove_hits": not nce, "measured_every": 3, "alpha": 0.05, "min_alpha": 0.01,
        "words_before": 100, "words": 2 * len(s.ids) + 100, "span": span,
    }  # fmt: skip
    parts = [[*dict.fromkeys(own), *[row for i, row in enumerate(own) if row in own[:i]]] for own in parts]
    offsets = np.cumsum([0, *map(len, parts)])
    values = np.concatenate(parts).astype(np.int32)
    ends = offsets[:-1] + [len(set(own)) for own in parts]
    found = {}
    for instruction_set in SETS:
        inputs, outputs, biases = aligned(W), aligned(C), b.astype(np.float32)
        got = train(
            *s.arguments()[:-1], alias_table=noise.table, inputs=inputs, outputs=outputs, nodes=None, longest_path=0,
            biases=biases if nce else None, log_expected=log_expected if nce else None, size=size, reach=s.window,
            words_done=np.zeros(1, np.int64), instruction_set=instruction_set, begin=begin, end=end,
            part_offsets=offsets, parts=values, distinct_ends=ends, **common,
        )  # fmt: skip
        found[instruction_set] = got, inputs, outputs, biases
    expected_offset = log_expected.astype(np.float64) if nce else None
    for halves in {name == "avx512_bf16" for name in found}:
        own_W, own_C, own_b = W.copy(), C.copy(), b.copy() if nce else None
        job = reference.Job(
            s, noise.table, own_W, own_C, own_b, expected_offset, None, parts=parts, halves=halves, **common
        )
        expected = reference.train(job, begin, end)
        assert expected[2] == 0 or np.abs(own_W - W).max() > 1e-3
        for name, (got, inputs, outputs, biases) in found.items():
            if (name == "avx512_bf16") is not halves:
                continue
            assert got[1:] == expected[1:], name
            assert got[0] == pytest.approx(expected[0], rel=8e-3 if halves else 1e-5), name
            for table, values_of in ((inputs, own_W), (outputs, own_C)):
                check_table(table[:, :size], values_of, name, 3e-4)
                assert not table[:, size:].any(), name
            if nce:
                check_table(biases, own_b, name, 3e-4)


MODELS = {"negative_sampling": {}, "nce": {"nce": True}, "cbow": {"cbow": True}, "sum": {"cbow": True, "mean": False}}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("size", "n_rows"), [(1, 9), (17, 60), (100, 200)])
def test_models_and_sizes(size, n_rows, model):
    s = make_settings(3, (300, 0, 1, 2, 5, 190), 31, window=5)
    run(s, 31, n_rows, size, scale=min(0.3, size**-0.5), **MODELS[model])


@pytest.mark.parametrize(
    ("lengths", "n_words", "window", "changes"),
    [
        ((400,), 40, 1, {"span": 1}),
        ((300,), 40, 12, {"span": 2, "group": 1}),
        ((300, 40), 40, 4, {"span": 1000, "group": 7}),
        ((9, 3, 30, 0, 0, 1), 40, 50, {}),
        ((1, 1, 1), 5, 3, {}),
        ((300,), 1, 4, {"group": 2, "cbow": True}),
        ((600,), 20, 5, {"begin": 256, "end": 400, "cbow": True}),
    ],
)
def test_spans_windows_and_documents(lengths, n_words, window, changes):
    run(make_settings(5, lengths, n_words, window, keep_share=0.8), n_words, 30, 20, scale=0.2, **changes)


def test_words_that_are_their_own_rows_are_word2vec():
    """The vectors of words, composed of one row each, are copies of the rows: the same sums in the same order."""
    s = make_settings(8, (700,), 50, window=6)
    rng = np.random.default_rng(0)
    noise = NoiseDistribution("unigram", rng.integers(1, 50, 50))
    W = rng.normal(size=(50, 24)) / 24
    tables = []
    own = {"part_offsets": np.arange(51), "parts": np.arange(50, dtype=np.int32), "distinct_ends": np.arange(1, 51)}
    for parts in ({}, own | {"span": 4}):
        inputs, outputs = aligned(W), aligned(np.zeros((50, 24)))
        train(
            *s.arguments()[:-1], alias_table=noise.table, inputs=inputs, outputs=outputs, biases=None,
            log_expected=None, nodes=None, path_offsets=None, paths=None, longest_path=0, cbow=False, mean=True,
            size=24, reach=6, group=16, n_noise=16, noise_weight=5 / 16, remove_hits=True, measured_every=1, alpha=0.05,
            min_alpha=0.001, words_before=0, words=700, words_done=np.zeros(1, np.int64), instruction_set=SETS[-1],
            begin=0, end=700, **parts,
        )  # fmt: skip
        tables.append((inputs, outputs))
    for plain, composed in zip(*tables, strict=True):
        np.testing.assert_allclose(plain, composed, atol=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"part_offsets": np.arange(4)},
        {"part_offsets": np.array([1, 1, 2, 2, 4])},
        {"part_offsets": np.arange(5), "parts": np.zeros(3, np.int32)},
        {"span": 0},
        {"distinct_ends": np.arange(1, 4)},
    ],
)
def test_parts_are_checked(changes):
    s = make_settings(3, (9,), 4, window=2)
    given_parts = {"part_offsets": np.arange(5), "parts": np.zeros(4, np.int32), "distinct_ends": np.arange(1, 5)}
    given_parts |= changes
    with pytest.raises(ValueError, match="part"):
        train(
            *s.arguments()[:-1], alias_table=np.zeros(4, np.uint64), inputs=aligned(np.zeros((2, 8))),
            outputs=aligned(np.zeros((4, 8))), biases=None, log_expected=None, nodes=None, path_offsets=None,
            paths=None, longest_path=0, cbow=False, mean=True, size=8, reach=2, group=1, n_noise=16, noise_weight=1.0,
            remove_hits=False, measured_every=1, alpha=0.05, min_alpha=0.001, words_before=0, words=9,
            words_done=np.zeros(1, np.int64), instruction_set="plain", begin=0, end=9, **given_parts,
        )  # fmt: skip


def hashed(words, min_n, max_n, bucket):
    encoded = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)])
    text = np.frombuffer(b"".join(encoded), np.uint8)
    counts = np.full(len(words), -1, np.int64)
    _subwords.count(text, ends, min_n, max_n, counts)
    offsets = np.cumsum([0, *counts])
    guarded = np.full(int(offsets[-1]) + 2, -9, np.int32)
    _subwords.hash_ngrams(text, ends, min_n, max_n, bucket, offsets, guarded[1:-1])
    assert guarded[0] == guarded[-1] == -9
    return [guarded[1:-1][a:b].tolist() for a, b in itertools.pairwise(offsets)]


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=12), max_size=5),
    st.integers(0, 4),
    st.integers(0, 7),
    st.sampled_from([1, 7, 2_000_000, 2**31 - 1]),
)
def test_ngrams_equal_the_reference(words, min_n, max_n, bucket):
    assert hashed(words, min_n, max_n, bucket) == [
        [h % bucket for h in reference_subwords.ngram_hashes(word, min_n, max_n)] for word in words
    ]


@pytest.mark.parametrize(("n_words", "n_rows", "size"), [(0, 3, 4), (1, 1, 1), (5, 7, 3), (40, 90, 33)])
def test_means_equal_numpy(n_words, n_rows, size):
    rng = np.random.default_rng(n_words)
    own, ngrams = rng.normal(size=(n_words, size)), rng.normal(size=(n_rows, size))
    rows = [rng.integers(0, n_rows, rng.integers(0, 5)) for _ in range(n_words)]
    offsets = np.cumsum([0, *map(len, rows)])
    values = np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int32)
    out = np.zeros((n_words, size), np.float32)
    _subwords.means(own.astype(np.float32), ngrams.astype(np.float32), offsets, values, out)
    expected = [np.vstack([x[None], ngrams[r]]).mean(axis=0) for x, r in zip(own, rows, strict=True)]
    np.testing.assert_allclose(out, np.reshape(expected, (n_words, size)), atol=1e-6)


def test_arguments_of_the_subword_kernels_are_checked():
    text, ends = np.frombuffer(b"ab", np.uint8), np.array([0, 2])
    for changes in ({"ends": np.array([0, 1])}, {"ends": np.array([0, 2, 2])}, {"min_n": -1}):
        arguments = {"text": text, "ends": ends, "min_n": 1, "max_n": 2, "counts": np.zeros(1, np.int64)} | changes
        with pytest.raises(ValueError, match="must"):
            _subwords.count(**arguments)
    for bucket, offsets in ((0, [0, 3]), (2**31, [0, 3]), (5, [0, 2]), (5, [1, 3])):
        with pytest.raises(ValueError, match="must"):
            _subwords.hash_ngrams(text, ends, 1, 2, bucket, np.array(offsets), np.zeros(3, np.int32))
    own = np.zeros((1, 2), np.float32)
    with pytest.raises(ValueError, match="must"):
        _subwords.means(own, np.zeros((3, 1), np.float32), np.array([0, 0]), np.zeros(0, np.int32), own.copy())
    with pytest.raises(ValueError, match="must"):
        _subwords.means(own, np.zeros((0, 2), np.float32), np.array([0, 1]), np.zeros(1, np.int32), own.copy())
