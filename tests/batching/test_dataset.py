"""Behaviour that the three datasets share: epochs, order, state, threads."""

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from kerazoo.batching import SequenceWindows, SkipGramBatches, TokenBlocks
from kerazoo.errors import InvalidArgumentError, StorageError


def make_corpus(lengths=(300, 0, 1, 2, 5, 700, 90), n_words=37, seed=0):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = np.minimum(rng.zipf(1.4, offsets[-1]) - 1, n_words - 1).astype(np.int32)
    counts = np.bincount(ids, minlength=n_words)
    return SimpleNamespace(ids=ids, offsets=offsets, vocabulary=SimpleNamespace(counts=counts))


def skipgrams(**arguments):
    return SkipGramBatches(make_corpus(), **{"batch_size": 101, "sample": 0.05, "noise": "unigram", **arguments})


def blocks(**arguments):
    arguments = {"block_size": 64, "sample": 0.05, "noise_group": 16, "noise_per_group": 3, **arguments}
    return TokenBlocks(make_corpus(), **arguments)


def windows(**arguments):
    series = [np.arange(n * 2.0).reshape(-1, 2) for n in (40, 3, 61)]
    return SequenceWindows(series, **{"lookback": 5, "batch_size": 7, "shuffle": True, **arguments})


MAKERS = [skipgrams, blocks, windows]
pytestmark = pytest.mark.parametrize("make", MAKERS)


def flat(batch):
    """Arrays of a batch by name."""
    return {"x": batch[0], "y": batch[1]} if len(batch) == 2 else batch[0]


def assert_same(a, b):
    a, b = flat(a), flat(b)
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def differs(a, b):
    a, b = flat(a), flat(b)
    return any(a[name].shape != b[name].shape or (a[name] != b[name]).any() for name in a)


def test_same_seed_same_batches(make):
    first, second = make(seed=5), make(seed=5)
    assert len(first) == len(second) > 3
    for epoch in (0, 1, 7):
        first.epoch = second.epoch = epoch
        for i in range(len(first)):
            assert_same(first[i], second[i])


def test_at_returns_any_batch_of_any_epoch_and_changes_nothing(make):
    data, other = make(seed=5), make(seed=5)
    data.epoch = 2
    other.epoch = 4
    for i in (0, len(data) - 1):
        assert_same(data.at(4, i), other[i])
    assert (data.epoch, data.position) == (2, 0)
    for wrong in (-1, len(data)):
        with pytest.raises(IndexError):
            data.at(0, wrong)
    with pytest.raises(InvalidArgumentError, match="epoch=-1; expected an integer >= 0"):
        data.at(-1, 0)


def test_other_seeds_and_epochs_give_other_batches(make):
    first, second = make(seed=5), make(seed=6)
    assert differs(first[0], second[0])
    second = make(seed=5)
    second.epoch = 1
    assert differs(first[0], second[0])


def test_a_drawn_seed_is_stored(make):
    first, second = make(), make()
    assert first.seed != second.seed
    assert_same(first[1], make(seed=first.seed)[1])


def test_batches_can_be_requested_in_any_order_and_from_many_threads(make):
    data = make(seed=1)
    expected = [data[i] for i in range(len(data))]
    again = make(seed=1)
    order = np.random.default_rng(0).permutation(len(data)).tolist() * 5
    with ThreadPoolExecutor(8) as pool:
        for i, batch in zip(order, pool.map(again.__getitem__, order), strict=True):
            assert_same(batch, expected[i])
    assert_same(again[-1], expected[-1])


def test_index_out_of_range(make):
    data = make(seed=1)
    with pytest.raises(IndexError, match=f"batch {len(data)} of a dataset of {len(data)} batches"):
        data[len(data)]


def test_each_loop_is_the_next_epoch(make):
    data, other = make(seed=3), make(seed=3)
    for epoch in range(3):
        other.epoch = epoch
        assert data.epoch == epoch
        batches = list(data)
        assert len(batches) == len(other)
        for i, batch in enumerate(batches):
            assert_same(batch, other[i])


def test_a_loop_after_a_break_starts_again(make):
    data = make(seed=3)
    first = next(iter(data))
    assert data.position == 1
    assert_same(next(iter(data)), first)
    assert data.epoch == 0


def test_advance_false_repeats_the_epoch(make):
    data = make(seed=3, advance=False)
    first, second = list(data), list(data)
    for a, b in zip(first, second, strict=True):
        assert_same(a, b)
    assert data.epoch == 0


@pytest.mark.parametrize("shuffle", [False, True])
def test_resumes_in_the_middle_of_an_epoch(make, shuffle):
    data = make(seed=9, shuffle=shuffle)
    data.epoch = 2
    iterator = iter(data)
    for _ in range(3):
        next(iterator)
    state = json.loads(json.dumps(data.state_dict()))
    rest = list(iterator)
    later = list(data)
    resumed = make(shuffle=shuffle)  # without a seed: it takes that of the state
    resumed.load_state_dict(state)
    assert (resumed.epoch, resumed.position, resumed.remaining) == (2, 3, len(data) - 3)
    again = list(resumed)
    assert len(again) == len(rest) == len(data) - 3
    for a, b in zip(again, rest, strict=True):
        assert_same(a, b)
    for a, b in zip(resumed, later, strict=True):
        assert_same(a, b)


def test_resumes_at_the_position_that_the_trainer_passes(make):
    data = make(seed=9)
    expected = list(data)
    data = make(seed=9)
    for i in range(4):
        data[i]
    assert data.state_dict()["position"] == 4
    resumed = make(seed=9)
    resumed.load_state_dict(data.state_dict(position=2))
    assert_same(next(iter(resumed)), expected[2])
    assert resumed.state_dict()["position"] == 3


def test_resumes_at_the_end_of_an_epoch(make):
    data = make(seed=9)
    resumed = make(seed=9)
    resumed.load_state_dict(data.state_dict(position=len(data)))
    assert (resumed.epoch, resumed.position, resumed.remaining) == (1, 0, len(data))


def test_states_of_other_datasets_are_refused(make):
    data = make(seed=9)
    state = data.state_dict()
    with pytest.raises(StorageError, match="not a state of a dataset"):
        data.load_state_dict({"epoch": 1})
    with pytest.raises(StorageError, match="version 99; expected 1"):
        data.load_state_dict({**state, "version": 99})
    with pytest.raises(StorageError, match="state of a Other"):
        data.load_state_dict({**state, "kind": "Other"})
    with pytest.raises(InvalidArgumentError, match="state of seed=9, but the dataset has seed=8"):
        make(seed=8).load_state_dict(state)
    with pytest.raises(InvalidArgumentError, match="state of other settings: shuffle was"):
        make(seed=9, shuffle=not data.shuffle).load_state_dict(state)
    other_data = {**state["data"], next(iter(state["data"])): 1}
    with pytest.raises(InvalidArgumentError, match="state of other data"):
        data.load_state_dict({**state, "data": other_data})
    with pytest.raises(InvalidArgumentError, match="position=-1; expected an integer from 0"):
        data.load_state_dict({**state, "position": -1})
    with pytest.raises(InvalidArgumentError, match="position=1000"):
        data.state_dict(position=1000)


def test_shuffle_permutes_the_batches(make):
    plain, shuffled = make(seed=4, shuffle=False), make(seed=4, shuffle=True)
    name = "y" if make is windows else "output" if make is skipgrams else "ids"
    before = np.concatenate([flat(plain[i])[name] for i in range(len(plain))])
    after = np.concatenate([flat(shuffled[i])[name] for i in range(len(plain))])
    assert (before != after).any()
    np.testing.assert_array_equal(np.sort(before, axis=None), np.sort(after, axis=None))


def test_copies_and_pickles(make):
    data = make(seed=4)
    expected = data[2]
    for other in (copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        assert_same(other[2], expected)


@pytest.mark.parametrize("name", ["workers", "max_queue_size"])
def test_workers_are_checked(make, name):
    assert getattr(make(seed=1, **{name: 3}), name) == 3
    with pytest.raises(InvalidArgumentError, match=f"{name}=0; expected an integer (>= 1|from 1 to 4096)"):
        make(**{name: 0})


@pytest.mark.parametrize("seed", [-1, 0.5, "x"])
def test_seed_is_checked(make, seed):
    with pytest.raises(InvalidArgumentError, match=r"seed=.*expected an integer >= 0\. None draws"):
        make(seed=seed)


def test_epoch_is_checked(make):
    with pytest.raises(InvalidArgumentError, match="epoch=-1; expected an integer >= 0"):
        make(seed=1).epoch = -1
