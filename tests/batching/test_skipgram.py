"""`SkipGramBatches`: the pairs of an epoch, full batches, subsampling, and errors."""

from types import SimpleNamespace

import numpy as np
import pytest

from kerazoo.batching import NoiseDistribution, SkipGramBatches, TokenBlocks
from kerazoo.batching.sampling import keep_thresholds
from kerazoo.errors import CorpusError, InvalidArgumentError
from tests.references import tokens as reference


def make_corpus(lengths, n_words=37, seed=0):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = np.minimum(rng.zipf(1.4, offsets[-1]) - 1, n_words - 1).astype(np.int32)
    counts = np.bincount(ids, minlength=n_words)
    return SimpleNamespace(ids=ids, offsets=offsets, vocabulary=SimpleNamespace(counts=counts))


MIXED = (300, 0, 1, 2, 5, 700, 0, 90, 1)
N_MIXED = sum(MIXED)


def reference_pairs(data, epoch):
    """The whole epoch from the reference: (context, centre)."""
    stream = data._stream
    keys = np.random.SeedSequence(data.seed, spawn_key=(epoch,)).generate_state(4, np.uint64)
    settings = reference.Settings(
        stream.tokens.ids, stream.tokens.offsets, stream.keep, stream.window, stream.shrink, stream.max_contexts, keys
    )
    return reference.pairs(settings)[:2]


def stacked(data, name):
    return np.concatenate([data[i][0][name] for i in range(len(data))])


@pytest.mark.parametrize("arguments", [{}, {"shrink_windows": False}, {"window": 2, "sample": 0}, {"window": 2000}])
@pytest.mark.parametrize("batch_size", [1, 103, 1_000_000])
def test_batches_are_the_pairs_of_the_reference(arguments, batch_size):
    lengths = MIXED if batch_size > 1 else (30, 0, 1, 2, 5)
    data = SkipGramBatches(make_corpus(lengths), batch_size, **{"sample": 0.05, "seed": 6, **arguments})
    n_batches = len(data)
    for epoch in range(4):
        data.epoch = epoch
        context, centre = reference_pairs(data, epoch)
        assert data.n_pairs == len(context) > 10
        assert len(data) == n_batches
        assert data.n_surplus_pairs == len(context) - n_batches * batch_size
        if epoch == 0:
            assert n_batches == -(-len(context) // batch_size)
        expected = np.resize(context, n_batches * batch_size), np.resize(centre, n_batches * batch_size)
        np.testing.assert_array_equal(stacked(data, "input"), expected[0])
        np.testing.assert_array_equal(stacked(data, "output"), expected[1])


def test_later_epochs_may_be_longer_or_shorter():
    """Both cases occur with these settings, so the test above covers both."""
    data = SkipGramBatches(make_corpus(MIXED), 103, sample=0.05, seed=6)
    surplus = []
    for epoch in range(4):
        data.epoch = epoch
        surplus.append(data.n_surplus_pairs)
    assert min(surplus) < 0 < max(surplus)


@pytest.mark.parametrize(("skip_window", "num_skips"), [(1, 1), (1, 2), (3, 2), (3, 5), (3, 6)])
def test_pairs_of_the_tutorial(skip_window, num_skips):
    data = SkipGramBatches(make_corpus(MIXED), 103, skip_window=skip_window, num_skips=num_skips, seed=8)
    assert data.sample == 0
    context, centre = reference_pairs(data, 0)
    n = len(context)
    np.testing.assert_array_equal(stacked(data, "input")[:n], centre)
    np.testing.assert_array_equal(stacked(data, "output")[:n], context)
    # Every word is a centre, with the maximum number of contexts.
    before = np.concatenate([np.arange(length) for length in MIXED])
    after = np.concatenate([np.arange(length)[::-1] for length in MIXED])
    available = np.minimum(before, skip_window) + np.minimum(after, skip_window)
    assert n == np.minimum(available, num_skips).sum()


def test_contexts_of_the_tutorial_are_distinct_and_uniform():
    """Ids equal positions, so context - centre is the offset: no offset twice, all equally often."""
    n = 4000
    corpus = SimpleNamespace(ids=np.arange(n, dtype=np.int32), offsets=np.array([0, n]))
    data = SkipGramBatches(corpus, 3 * n, skip_window=2, num_skips=3, counts=np.ones(n, int), seed=2)
    ((batch,),) = [data[0]]
    centre, context = batch["input"][: data.n_pairs], batch["output"][: data.n_pairs]
    pairs = set(zip(centre.tolist(), context.tolist(), strict=True))
    assert len(pairs) == data.n_pairs
    offsets = context - centre
    counts = np.array([(offsets == o).sum() for o in (-2, -1, 1, 2)])
    assert counts.sum() == len(offsets)
    assert (abs(counts - 3 * n / 4) < 5 * np.sqrt(3 * n / 16)).all()


def test_radii_are_uniform():
    n, window = 20_000, 5
    corpus = SimpleNamespace(ids=np.arange(n, dtype=np.int32), offsets=np.array([0, n]))
    data = SkipGramBatches(corpus, n * 10, window=window, sample=0, counts=np.ones(n, int), seed=2)
    (batch,) = data[0]
    distance = np.abs(batch["input"][: data.n_pairs] - batch["output"][: data.n_pairs])
    # A context at distance d is in the window with probability (window - d + 1) / window, on two sides.
    for d in range(1, window + 1):
        expected = 2 * n * (window - d + 1) / window
        assert abs((distance == d).sum() - expected) < 5 * np.sqrt(4 * n * 0.25) + 2 * window
    assert distance.max() == window


def test_subsampling():
    """Thresholds equal those of gensim, and tokens are kept as often as they say."""
    gensim = pytest.importorskip("gensim.models")
    words = [["a"] * 700 + ["b"] * 200 + ["c"] * 90 + ["d"] * 10]
    model = gensim.Word2Vec(vector_size=2, min_count=1, sample=0.01)
    model.build_vocab(words)
    counts = np.array([model.wv.get_vecattr(word, "count") for word in "abcd"])
    expected = np.array([model.wv.get_vecattr(word, "sample_int") for word in "abcd"])
    thresholds = keep_thresholds(counts, 0.01)
    np.testing.assert_allclose(thresholds, expected, rtol=1e-7)

    rng = np.random.default_rng(1)
    n = 100_000
    ids = rng.choice(4, n, p=counts / counts.sum()).astype(np.int32)
    corpus = SimpleNamespace(ids=ids, offsets=np.array([0, n]))
    data = SkipGramBatches(corpus, n * 10, window=1, shrink_windows=False, sample=0.01, counts=counts, seed=3)
    kept = np.bincount(data[0][0]["output"][: data.n_pairs : 2], minlength=4)  # each token is a centre twice
    for word in range(4):
        p, occurs = (float(thresholds[word]) + 1) / 2**32, (ids == word).sum()
        assert abs(kept[word] - p * occurs) < 5 * np.sqrt(p * (1 - p) * occurs) + 2


@pytest.mark.parametrize("sample", [0, 0.0, 1])
def test_nothing_is_dropped(sample):
    data = SkipGramBatches(make_corpus(MIXED), 50, sample=sample, seed=1)
    assert data.n_kept_tokens == data.n_raw_tokens == sum(MIXED)


def test_word_that_never_occurs_is_allowed():
    corpus = make_corpus(MIXED, n_words=5)
    corpus.vocabulary.counts = np.append(corpus.vocabulary.counts, 0)
    data = SkipGramBatches(corpus, 50, noise="unigram", seed=1)
    assert all(data[i][0]["noise"].max() < 5 for i in range(len(data)))


@pytest.mark.parametrize("noise", ["unigram", "log_uniform", "uniform"])
def test_noise(noise):
    corpus = make_corpus(MIXED)
    data = SkipGramBatches(corpus, 2000, noise=noise, negative=7, sample=0, seed=5)
    plain = SkipGramBatches(corpus, 2000, sample=0, seed=5)
    (batch,), (other,) = data[1], plain[1]
    assert set(other) == {"input", "output"}
    np.testing.assert_array_equal(batch["input"], other["input"])
    assert (batch["noise"].shape, batch["noise"].dtype) == ((2000, 7), np.int32)
    frequency = np.bincount(batch["noise"].ravel(), minlength=37) / batch["noise"].size
    probabilities = data.noise_distribution.probabilities
    assert (abs(frequency - probabilities) < 5 * np.sqrt(probabilities / 14_000) + 1e-9).all()
    assert (data[0][0]["noise"] != batch["noise"]).any()


def test_shared_noise_and_a_given_distribution():
    corpus = make_corpus(MIXED)
    given = NoiseDistribution("uniform", np.ones(37))
    data = SkipGramBatches(corpus, 20, noise=given, negative=64, shared_noise=True, seed=5)
    assert data.noise_distribution is given
    assert data[0][0]["noise"].shape == (64,)


def test_memory_mapped_and_read_only_corpus(tmp_path):
    corpus = make_corpus(MIXED)
    np.save(tmp_path / "ids.npy", corpus.ids)
    mapped = SimpleNamespace(**{**vars(corpus), "ids": np.load(tmp_path / "ids.npy", mmap_mode="r")})
    data, other = (SkipGramBatches(c, 100, seed=1) for c in (corpus, mapped))
    np.testing.assert_array_equal(stacked(data, "input"), stacked(other, "input"))
    assert np.shares_memory(other._stream.tokens.ids, mapped.ids)


def test_other_integer_types_are_converted():
    corpus = make_corpus(MIXED)
    wide = SimpleNamespace(ids=corpus.ids.astype(np.int64), offsets=corpus.offsets.astype(np.int32))
    data = SkipGramBatches(corpus, 100, seed=1)
    other = SkipGramBatches(wide, 100, seed=1, counts=corpus.vocabulary.counts.astype(np.uint16))
    np.testing.assert_array_equal(stacked(data, "input"), stacked(other, "input"))


@pytest.mark.parametrize(("lengths", "n_words"), [((2,), 1), ((2,), 2), ((1, 1, 2, 0), 2), ((100_000, 0, 2), 2)])
def test_small_and_large(lengths, n_words):
    data = SkipGramBatches(make_corpus(lengths, n_words), 4096, sample=0, noise="unigram", window=7, seed=0)
    batches = [data[i][0] for i in range(len(data))]
    assert all(batch["input"].shape == batch["output"].shape == (4096,) for batch in batches)
    assert max(batch[name].max() for batch in batches for name in batch) < n_words


@pytest.mark.parametrize("made", [SkipGramBatches, TokenBlocks])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, r"window=0; expected an integer from 1 to 1000000\. The usual value is 5\."),
        ({"window": -3}, "window=-3; expected"),
        ({"window": 2.5}, r"window=2\.5; expected"),
        ({"window": True}, "window=True; expected"),
        ({"sample": -0.1}, r"sample=-0\.1; expected a finite number >= 0 and <= 1\. The usual value is 1e-3"),
        ({"sample": 2}, "sample=2; expected"),
        ({"sample": float("nan")}, "sample=nan; expected"),
        ({"noise": "unigrams"}, "noise='unigrams'; expected one of 'unigram', 'log_uniform', 'uniform'. Did you mean"),
        ({"noise": 3}, "noise=3; expected one of 'unigram', 'log_uniform', 'uniform'"),
        ({"noise": "unigram", "ns_exponent": float("inf")}, "ns_exponent=inf; expected a finite number"),
        (
            {"noise": NoiseDistribution("uniform", [1, 1])},
            "noise is a distribution over 2 words; expected 37, the size of the vocab",
        ),
    ],
)
def test_bad_arguments(made, arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        made(make_corpus(MIXED), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, r"batch_size=0; expected an integer from 1 to 2147483647\. The usual value is 8192\."),
        ({"batch_size": -1}, "batch_size=-1; expected"),
        ({"negative": 0}, r"negative=0; expected an integer >= 1\. The usual value is 5\."),
        ({"negative": -5}, "negative=-5; expected"),
        ({"skip_window": 1}, "skip_window=1, num_skips=None; expected both or neither"),
        ({"skip_window": 0, "num_skips": 1}, "skip_window=0; expected"),
        ({"skip_window": 1, "num_skips": 0}, "num_skips=0; expected"),
        ({"skip_window": 2, "num_skips": 5}, "num_skips=5; expected at most 2 \\* skip_window = 4"),
    ],
)
def test_bad_arguments_of_pairs(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        SkipGramBatches(make_corpus(MIXED), **arguments)


def changed(**arrays):
    corpus = make_corpus(MIXED)
    return SimpleNamespace(**{**vars(corpus), **arrays})


@pytest.mark.parametrize("made", [SkipGramBatches, TokenBlocks])
@pytest.mark.parametrize(
    ("corpus", "error", "message"),
    [
        (["no", "corpus"], InvalidArgumentError, "corpus of type list: .*expected an EncodedCorpus, or an object"),
        (changed(ids=np.zeros(0, np.int32)), CorpusError, "the corpus is empty: it has no token"),
        (changed(ids=np.zeros(N_MIXED)), InvalidArgumentError, "ids has shape .* type float64; expected a one-dim"),
        (
            changed(ids=np.full(N_MIXED, 37)),
            CorpusError,
            "id 37 at position 0 is out of range; expected 0 to 36, as the",
        ),
        (changed(ids=-(np.arange(N_MIXED) > 500).astype(int)), CorpusError, "id -1 at position 501 is out of range"),
        (changed(offsets=np.array([0, 5])), CorpusError, "offsets do not fit the ids: expected them to rise from 0 to"),
        (changed(offsets=np.array([0, 9, 5, N_MIXED])), CorpusError, "offsets do not fit"),
        (changed(offsets=np.array([1, N_MIXED])), CorpusError, "offsets do not fit"),
        (changed(offsets=np.arange(N_MIXED + 1)), CorpusError, "no document has two words .1,099 documents"),
    ],
)
def test_bad_corpora(made, corpus, error, message):
    with pytest.raises(error, match=message):
        made(corpus)


@pytest.mark.parametrize("made", [SkipGramBatches, TokenBlocks])
def test_subsampling_that_leaves_no_pair(made):
    data = made(make_corpus((50, 3, 1), n_words=3), sample=1e-12, seed=0)
    with pytest.raises(CorpusError, match=r"epoch 0 has no pair: subsampling left \d of 54 words.*sample=1e-12 is too"):
        len(data)


def test_sample_so_small_that_nearly_all_is_dropped():
    corpus = make_corpus((100_000, 1, 50_000), n_words=5)
    data = SkipGramBatches(corpus, 64, sample=1e-8, seed=0)
    context, centre = reference_pairs(data, 0)
    assert 10 < len(context) < 2000
    assert data.n_kept_tokens < 500
    np.testing.assert_array_equal(stacked(data, "input")[: len(context)], context)
    np.testing.assert_array_equal(stacked(data, "output")[: len(context)], centre)
