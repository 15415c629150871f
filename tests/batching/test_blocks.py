"""`TokenBlocks`: the same pairs as `SkipGramBatches`, every token once, and the distinct words of a block."""

from collections import Counter

import numpy as np
import pytest

from kerazoo.batching import SkipGramBatches, TokenBlocks
from kerazoo.errors import InvalidArgumentError
from tests.batching.test_skipgram import MIXED, make_corpus


def pairs_of(block, size, window):
    """The (context, centre) pairs of a block."""
    return [
        (int(block["ids"][window + t + o]), int(block["ids"][window + t]))
        for t in range(size)
        for o in range(-block["left"][t], block["right"][t] + 1)
        if o
    ]


@pytest.mark.parametrize(
    "arguments", [{}, {"window": 1}, {"window": 90, "sample": 0}, {"shrink_windows": False, "sample": 1e-3}]
)
@pytest.mark.parametrize("size", [1, 64, 96, 5000])
def test_blocks_are_the_pairs_of_skipgrambatches(arguments, size):
    arguments = {"sample": 0.05, "seed": 4, **arguments}
    corpus = make_corpus(MIXED)
    data = TokenBlocks(corpus, size, noise=None, **arguments)
    pairs = SkipGramBatches(corpus, 1000, **arguments)
    for epoch in (0, 3):
        data.epoch = pairs.epoch = epoch
        n_blocks = -(-data.n_kept_tokens // size)
        found: list = []
        n_words = n_tokens = 0
        data._n_batches = n_blocks  # the whole epoch, whatever epoch 0 had
        for i in range(n_blocks):
            (block,) = data[i]
            found += pairs_of(block, size, data.window)
            n_words += int(block["n_words"][0])
            n_tokens += int(block["n_tokens"][0])
        batches = [pairs[i][0] for i in range(-(-pairs.n_pairs // 1000))] if epoch == 0 else None
        assert len(found) == pairs.n_pairs == data.n_pairs
        assert (n_words, n_tokens) == (sum(MIXED), data.n_kept_tokens)
        if batches:
            contexts, centres = (np.concatenate([b[name] for b in batches]) for name in ("input", "output"))
            expected = zip(contexts[: len(found)].tolist(), centres[: len(found)].tolist(), strict=True)
            assert Counter(found) == Counter(expected)


def test_all_epochs_have_the_same_number_of_blocks():
    data = TokenBlocks(make_corpus(MIXED), 16, sample=0.05, noise=None, seed=6)
    n, surplus, short = len(data), [], []
    for epoch in range(6):
        data.epoch = epoch
        assert len(data) == n
        surplus.append(data.n_surplus_tokens)
        own = -(-data.n_kept_tokens // 16)
        if own < n:  # repeats its first blocks
            short.append(epoch)
            np.testing.assert_array_equal(data[own][0]["ids"], data[0][0]["ids"])
        assert all(data[i][0]["n_tokens"][0] > 0 for i in range(n))
    assert max(surplus) > 0
    assert short


def test_shapes():
    data = TokenBlocks(
        make_corpus(MIXED), 60, window=7, sample=0, noise="uniform", noise_group=20, noise_per_group=3, seed=1
    )
    (block,) = data[2]
    assert {name: array.shape for name, array in block.items()} == {
        "ids": (74,),
        "left": (60,),
        "right": (60,),
        "n_tokens": (1,),
        "n_words": (1,),
        "noise": (3, 3),
        "unique": (37,),
        "n_unique": (1,),
        "places": (74,),
        "out_unique": (37,),
        "n_out_unique": (1,),
        "out_places": (60,),
        "noise_places": (3, 3),
    }
    assert {array.dtype for array in block.values()} == {np.dtype(np.int32)}
    (plain,) = TokenBlocks(make_corpus(MIXED), 60, noise=None, unique=False, seed=1)[0]
    assert set(plain) == {"ids", "left", "right", "n_tokens", "n_words"}


@pytest.mark.parametrize("n_words", [37, 1000])
@pytest.mark.parametrize("noise", [None, "log_uniform"])
def test_distinct_words(n_words, noise):
    data = TokenBlocks(
        make_corpus(MIXED, n_words), 64, window=3, noise=noise, noise_group=16, noise_per_group=5, seed=1
    )
    for i in range(len(data)):
        (block,) = data[i]
        n = int(block["n_unique"][0])
        np.testing.assert_array_equal(block["unique"][:n], np.unique(block["ids"]))
        np.testing.assert_array_equal(block["unique"][block["places"]], block["ids"])
        assert len(block["unique"]) == min(n_words, 70)
        centres = block["ids"][3:67]
        everything = centres if noise is None else np.append(centres, block["noise"])
        n = int(block["n_out_unique"][0])
        np.testing.assert_array_equal(block["out_unique"][:n], np.unique(everything))
        np.testing.assert_array_equal(block["out_unique"][block["out_places"]], centres)
        if noise is not None:
            np.testing.assert_array_equal(block["out_unique"][block["noise_places"]], block["noise"])
        for name, places in (("unique", "places"), ("out_unique", "out_places")):
            # The padding repeats a word; no index refers to it.
            n = int(block["n_" + name][0])
            assert (block[name][n:] == block[name][n - 1]).all()
            assert block[places].max() < n


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"block_size": 0}, "block_size=0; expected an integer from 1"),
        ({"noise_group": 0}, r"noise_group=0; expected an integer >= 1\. The usual value is 64\."),
        ({"noise_per_group": -1}, "noise_per_group=-1; expected"),
        ({"block_size": 100}, "block_size=100 is not a multiple of noise_group=64"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        TokenBlocks(make_corpus(MIXED), **arguments)
