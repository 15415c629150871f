"""The training kernel against its float64 reference: models, losses, sizes, instruction sets, texts of all kinds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from kerazoo.batching.sampling import NoiseDistribution
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo_ext import _word2vec
from tests.batching.test_kernels import make_settings
from tests.helpers.native_kernel import train
from tests.references import word2vec as reference

pytestmark = [pytest.mark.backend, pytest.mark.kernels]

SETS = _word2vec.INSTRUCTION_SETS[: _word2vec.INSTRUCTION_SETS.index(_word2vec.widest()) + 1]


def aligned(values):
    """A copy of (V, D) in rows of a multiple of 16 floats, the first one at a multiple of 64 bytes."""
    n, size = values.shape
    stride = -(-size // 16) * 16
    memory = np.zeros(n * stride + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    table = memory[start : start + n * stride].reshape(n, stride)
    table[:, :size] = values
    return table


# Model and losses: what is trained, by the name of the case.
MODELS = {
    "nce": {"nce": True},
    "negative_sampling": {},
    "fixed_biases": {"hits": False, "logit_offset": -0.8},
    "cbow_fixed_biases": {"cbow": True, "logit_offset": 1.3},
    "cbow_nce": {"cbow": True, "nce": True},
    "cbow_sum": {"cbow": True, "mean": False},
    "sampled_softmax": {"softmax": True, "nce": True, "n_noise": 64},
    "cbow_sampled_softmax": {"cbow": True, "softmax": True, "nce": True, "n_noise": 16},
    "hs": {"hs": True, "n_noise": 0},
    "cbow_hs": {"cbow": True, "hs": True, "n_noise": 0},
    "cbow_sum_hs": {"cbow": True, "mean": False, "hs": True, "n_noise": 0},
    "hs_and_noise": {"hs": True},
    "cbow_hs_and_noise": {"cbow": True, "hs": True},
}


def check_table(table, values, name, tolerance):
    """In bfloat16, the same number may be rounded up in one and down in the other, and be clipped in one only."""
    if name != "avx512_bf16":
        np.testing.assert_allclose(table, values, atol=tolerance, err_msg=name)
        return
    differences = np.abs(table - values)
    if differences.size:
        assert differences.mean() < 12 * tolerance, name
        assert differences.max() < 200 * tolerance, name


def run(
    s, n_words, size, *, nce=False, cbow=False, mean=True, hs=False, n_noise=16, begin=0, end=None,
    reach=None, seed=7, hits=None, group=16, scale=0.5, softmax=False, held=(0, 0, 0, 0), logit_offset=0.0,
):  # fmt: skip
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 50, n_words)
    noise = NoiseDistribution("unigram", counts)
    W, C, N = rng.normal(size=(3, n_words, size)) * scale
    N = N[1:]
    b = rng.normal(size=n_words)
    log_expected = noise.log_probabilities + np.float32(np.log(5))
    offsets, paths = HuffmanTree.from_counts(counts).paths() if hs else (None, None)
    end = len(s.ids) if end is None else end
    common = {
        "path_offsets": offsets,
        "paths": paths,
        "cbow": cbow,
        "mean": mean,
        "group": group,
        "n_noise": n_noise,
        "noise_weight": 5 / max(n_noise, 1),
        "remove_hits": not nce if hits is None else hits,
        "softmax": softmax,
        "logit_offset": logit_offset,
    }
    common |= {"alpha": 0.05, "min_alpha": 0.01, "words_before": 100, "words": 2 * len(s.ids) + 100}
    common["measured_every"] = 3
    found = {}
    for instruction_set, n_held in zip(SETS, held[: len(SETS)], strict=True):
        inputs, outputs, biases, nodes = aligned(W), aligned(C), b.astype(np.float32), aligned(N)
        done = np.zeros(1, np.int64)
        got = train(
            *s.arguments()[:-1], alias_table=noise.table, inputs=inputs, outputs=outputs if n_noise else None,
            biases=biases if nce else None, log_expected=log_expected if nce else None, nodes=nodes if hs else None,
            longest_path=int(np.diff(offsets).max()) if hs else 0,
            size=size, reach=s.window if reach is None else reach, words_done=done, instruction_set=instruction_set,
            begin=begin, end=end, held=n_held, **common,
        )  # fmt: skip
        assert done[0] == end - begin
        found[instruction_set] = got, inputs, outputs, biases, nodes
    # The reference takes most of the time. It is the same for all sets but the one that multiplies in bfloat16.
    expected_offset = log_expected.astype(np.float64) if nce else None
    tables = W, C, b if nce else None, expected_offset, N if hs else None
    for halves in {name == "avx512_bf16" for name in found}:
        own = [None if each is None else each.copy() for each in tables]
        job = reference.Job(s, noise.table, *own, **common, halves=halves)
        expected = reference.train(job, begin, end)
        for name, (got, inputs, outputs, biases, nodes) in found.items():
            if (name == "avx512_bf16") is not halves:
                continue
            assert got[1:] == expected[1:], name
            # Exponentials of logits near 30 turn rounding errors of logits into relative ones.
            relative = 8e-3 if halves else 5e-5 if softmax else 1e-5
            assert got[0] == pytest.approx(expected[0], rel=relative), name
            for table, values in ((inputs, own[0]), (outputs, own[1]), (nodes, own[4] if hs else N)):
                check_table(table[:, :size], values, name, 4e-4 * max(scale, 0.5))
                assert not table[:, size:].any(), name
            if nce:
                check_table(biases, own[2], name, 2e-4)
    return expected


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", [1, 15, 16, 17, 100, 300])
def test_models_sizes_and_instruction_sets(size, model):
    s = make_settings(3, (300, 0, 1, 2, 5, 290), 31, window=5)
    run(s, 31, size, scale=min(0.5, size**-0.5), **MODELS[model])


@pytest.mark.parametrize("model", MODELS)
def test_copies_of_frequent_rows_change_no_result_of_a_single_thread(model):
    s = make_settings(3, (900,), 200, window=5)
    run(s, 200, 20, scale=0.2, held=(64, 7, 1000, 40), **MODELS[model])


def test_what_two_trainers_have_changed_in_their_copies_is_added():
    """After each of 16 groups a trainer exchanges one row, from the first on: here the first 20 are not used."""
    s = make_settings(3, (512,), 30, window=3, keep_share=None)
    s.ids += 20
    noise = NoiseDistribution("unigram", np.repeat([1, 10**8], [20, 30]))
    W, C = np.random.default_rng(2).normal(size=(2, 50, 20)) * 0.3
    settings = {
        "alias_table": noise.table, "log_expected": noise.log_probabilities, "nodes": None, "path_offsets": None,
        "paths": None, "longest_path": 0, "cbow": False, "mean": True, "size": 20, "reach": 3, "group": 16,
        "n_noise": 16, "noise_weight": 5 / 16, "remove_hits": False, "measured_every": 1, "alpha": 0.025,
        "min_alpha": 0.025,
        "words_before": 0, "words": 512, "instruction_set": SETS[-1],
    }  # fmt: skip

    def tables():
        return {"inputs": aligned(W), "outputs": aligned(C), "biases": np.zeros(50, np.float32)}

    def trainer(of, held):
        done = np.zeros(1, np.int64)
        return _word2vec.Trainer(*s.arguments()[:-1], words_done=done, held=held, **of, **settings)

    start, together, apart = tables(), tables(), []
    for begin in (0, 256):
        apart.append(tables())
        alone = trainer(apart[-1], 0)
        alone.train(begin, begin + 256)
        alone.close()
    pair = [trainer(together, 50), trainer(together, 50)]
    for begin, one in zip((0, 256), pair, strict=True):
        one.train(begin, begin + 256)
    for name, table in together.items():
        assert (table == start[name]).all(), name
    for one in pair:
        one.close()
    for name, table in together.items():
        np.testing.assert_allclose(table, apart[0][name] + apart[1][name] - start[name], atol=1e-5, err_msg=name)
        assert np.abs(table - start[name]).max() > 0.05
    with pytest.raises(RuntimeError, match="closed"):
        pair[0].train(0, 256)


@pytest.mark.parametrize("model", MODELS)
def test_long_updates_are_clipped_and_logits_beyond_the_bound_give_none(model):
    s = make_settings(3, (300,), 4, window=5)
    run(s, 4, 20, scale=2.0, group=1, **MODELS[model])


@pytest.mark.parametrize(
    ("lengths", "n_words", "window", "changes"),
    [
        ((300,), 40, 1, {}),
        ((90,), 40, 12, {"n_noise": 32}),
        ((150,), 40, 5, {"group": 1}),
        ((90,), 40, 5, {"group": 7, "n_noise": 48}),
        ((9, 3, 30, 0, 0, 1), 40, 50, {"reach": 30}),
        ((1, 1, 2, 1), 5, 3, {}),
        ((1, 1, 1), 5, 3, {}),
        ((120,), 1, 4, {"group": 2}),
        ((120,), 2, 4, {"group": 2, "hits": True}),
        ((12, 9), 3, 200, {"reach": 12, "hits": False}),
    ],
)
def test_windows_documents_and_vocabularies(lengths, n_words, window, changes):
    for keep_share, shrink in ((0.6, True), (None, False)):
        s = make_settings(5, lengths, n_words, window, shrink=shrink, keep_share=keep_share)
        for model in ({}, {"cbow": True}, {"hs": True}, {"softmax": True, "nce": True}):
            run(s, n_words, 20, scale=0.3, **model, **changes)


def test_slices_join_without_a_gap():
    """The pairs of the slices are those of the whole, although groups are divided at their borders."""
    s = make_settings(8, (700, 20, 300), 50, window=6)
    bounds = [0, 256, 768, 1020]
    whole = run(s, 50, 8, nce=True)
    parts = [run(s, 50, 8, nce=True, begin=a, end=b) for a, b in itertools.pairwise(bounds)]
    assert sum(part[2] for part in parts) == whole[2] > 0


@pytest.mark.parametrize("cbow", [False, True])
def test_a_long_document_in_the_plain_and_the_widest_set_ends_alike(cbow):
    """100,000 tokens are too many for the reference, so the instruction sets are compared with each other."""
    s = make_settings(9, (100_000,), 500, window=5)
    noise = NoiseDistribution("unigram", np.arange(500, 0, -1))
    tables = []
    for instruction_set in {SETS[0], SETS[-1]}:
        inputs, outputs = aligned(np.random.default_rng(1).normal(size=(500, 24)) / 24), aligned(np.zeros((500, 24)))
        loss, measured, pairs = train(
            *s.arguments()[:-1], alias_table=noise.table, inputs=inputs, outputs=outputs, biases=None,
            log_expected=None, nodes=None, path_offsets=None, paths=None, longest_path=0, cbow=cbow, mean=True,
            size=24, reach=5, group=16, n_noise=16, noise_weight=5 / 16, remove_hits=True,
            measured_every=64, alpha=0.025, min_alpha=0.001, words_before=0, words=100_000,
            words_done=np.zeros(1, np.int64), instruction_set=instruction_set, begin=0, end=100_000,
        )  # fmt: skip
        tables.append((inputs, outputs))
        assert 0 < loss / measured < 6 * np.log(2)
        assert pairs / 64 / 2 < measured < pairs / 64 * 2
    # bfloat16 has 8 bits, and chance evens out what it rounds.
    np.testing.assert_allclose(tables[0], tables[-1], atol=2e-2 if SETS[-1] == "avx512_bf16" else 1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_noise": 8}, {"n_noise": -16}, {"outputs": None}, {"group": 0}, {"group": 33}, {"begin": 100},
        {"end": 10**6}, {"reach": 6}, {"size": 9}, {"instruction_set": "mmx"},
    ],
)  # fmt: skip
def test_arguments_that_would_read_beyond_the_arrays_are_refused(changes):
    s = make_settings(3, (300,), 10, window=5)
    noise = NoiseDistribution("unigram", np.ones(10, np.int64))
    settings = {
        "alias_table": noise.table, "inputs": aligned(np.zeros((10, 20))), "outputs": aligned(np.zeros((10, 20))),
        "biases": None, "log_expected": None, "nodes": None, "path_offsets": None, "paths": None, "longest_path": 0,
        "cbow": False, "mean": True, "size": 20, "reach": 5, "group": 16, "n_noise": 16, "noise_weight": 0.3,
        "remove_hits": False, "measured_every": 1, "alpha": 0.1, "min_alpha": 0.0, "words_before": 0, "words": 300,
        "words_done": np.zeros(1, np.int64), "instruction_set": SETS[-1], "begin": 0, "end": 300,
    }  # fmt: skip
    train(*s.arguments()[:-1], **settings)
    with pytest.raises(ValueError, match=r"must|no |not in tuple|index"):
        train(*s.arguments()[:-1], **{**settings, **changes})
    with pytest.raises(ValueError, match="aligned"):
        train(*s.arguments()[:-1], **{**settings, "inputs": np.zeros(330, np.float32)[1:321].reshape(10, 32)})
