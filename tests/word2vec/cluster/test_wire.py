"""Changes on the wire, and the kernels behind them, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from kerazoo.word2vec.cluster import wire
from kerazoo_ext import _exchange

WIRES = ("float32", "bfloat16")


def random_table(seed, n_rows, width, padding=3):
    return np.random.default_rng(seed).normal(size=(n_rows, width + padding)).astype(np.float32)


def packed(values, kind):
    """As the wire has them, in NumPy."""
    if kind == "float32":
        return values
    bits = np.ascontiguousarray(values).view(np.uint32).astype(np.uint64) + 0x8000
    return (bits >> np.uint64(16)).astype(np.uint16)


@pytest.mark.parametrize("kind", WIRES)
def test_values(kind):
    values = np.array([[0, -0.0, 1e-38, 3e38, -7e-40], [1.5, -2.25, 1e-3, 7e7, -1 / 3]], np.float32)
    sent = np.empty((2, 4), wire.TYPES[kind])
    wire.pack(values, sent)
    assert sent.nbytes == 8 * wire.ITEM_BYTES[kind]
    assert_array_equal(sent, packed(values[:, :4], kind))
    assert_allclose(wire.unpack(sent), values[:, :4], rtol=0 if kind == "float32" else 2**-8)


@pytest.mark.parametrize("kind", WIRES)
def test_what_is_not_finite_stays_so(kind):
    odd = np.array([np.nan, np.inf, -np.inf], np.float32)
    sent = np.empty(3, wire.TYPES[kind])
    wire.pack(odd, sent)
    assert not np.isfinite(wire.unpack(sent)).any()


@pytest.mark.kernels
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9), st.integers(0, 6), st.integers(1, 40), st.sampled_from(WIRES), st.booleans())
def test_changes_are_packed_added_and_applied(seed, n_rows, width, kind, flat):
    now, base, total = (random_table(seed + i, n_rows, width) for i in range(3))
    if flat:
        now, base, total, width = now.reshape(-1), base.reshape(-1), total.reshape(-1), now.size
    first = (slice(None),) * (now.ndim - 1) + (slice(width),)
    sent = np.empty(now[first].shape, wire.TYPES[kind])
    wire.pack_change(now, base, sent)
    assert_array_equal(sent, packed((now - base)[first], kind))
    expected = total.copy()
    expected[first] += wire.unpack(sent)
    wire.add(total, sent)
    assert_array_equal(total, expected)
    new = base.copy()
    new[first] += wire.unpack(sent)
    untouched = now.copy()
    wire.apply(base, now, sent)
    assert_array_equal(base, new)
    assert_array_equal(now[first], new[first])
    if not flat:
        assert_array_equal(now[:, width:], untouched[:, width:])


@pytest.mark.kernels
def test_wrong_shapes_are_refused():
    table, sent = random_table(0, 4, 5), np.zeros((4, 9), np.uint16)
    for call in (
        lambda: _exchange.pack(table, sent),
        lambda: _exchange.pack_change(table, table, sent),
        lambda: _exchange.add_packed(table, sent),
        lambda: _exchange.apply_packed(table, table, sent),
        lambda: _exchange.apply_packed(table[:3], table, sent[:, :5].copy()),
    ):
        with pytest.raises(ValueError, match="has the shape"):
            call()
    with pytest.raises(ValueError, match="not contiguous"):
        _exchange.pack(np.asfortranarray(table), sent[:, :5].copy())
    with pytest.raises(ValueError, match="expected 5, 4 and 4"):
        _exchange.scale(np.zeros((4, 5), np.float32), *(np.zeros(n, np.float32) for n in (5, 3, 4)), 0.1)


@pytest.mark.kernels
@pytest.mark.parametrize("flat", [0.0, 0.05])
def test_scales(flat):
    """g(c) / (M g(c / M)) - 1 over twelve orders of magnitude."""
    rng = np.random.default_rng(3)
    values = np.concatenate([[0], np.geomspace(1e-6, 10, 23)]).astype(np.float32)
    updates = np.concatenate([[0], np.geomspace(1e-3, 1e6, 200)]).astype(np.float32)
    workers = np.concatenate([[1], rng.uniform(1, 300, 200)]).astype(np.float32)
    projected = rng.normal(size=(len(updates), len(values))).astype(np.float32)
    way = np.multiply.outer(updates, values).astype(np.float64)
    m = workers[:, None].astype(np.float64)
    with np.errstate(invalid="ignore"):
        ratio = np.expm1(-way) / (m * np.expm1(-way / m)) - 1
    expected = np.where(way.astype(np.float32) > flat, ratio, 0) * projected
    found = projected.copy()
    _exchange.scale(found, values, updates, workers, flat)
    at_the_limit = np.abs(way - flat) < 1e-6 * flat
    assert_allclose(found[~at_the_limit], expected[~at_the_limit], rtol=0, atol=1e-5 * np.abs(projected).max())


@pytest.mark.kernels
@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=50))
def test_words_are_counted(ids):
    counts = np.arange(7, dtype=np.int32)
    _exchange.count(np.array(ids, np.int32), counts)
    assert_array_equal(counts, np.arange(7) + np.bincount(np.array(ids, int), minlength=7))
