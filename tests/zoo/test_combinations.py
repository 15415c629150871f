"""Every cell in every combination: built in both styles, run, trained one step, saved, loaded and compared.

All combinations take long, so they are marked slow. `make test` runs a sample with every cell, form and wrapper.
"""

from __future__ import annotations

import itertools
import zlib

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo.cells import cell_info, list_cells
from kerazoo.zoo import LayerSpec, RNNSpec
from tests.helpers.speed import slow_on_jax

pytestmark = pytest.mark.backend

B, T, UNITS, VOCABULARY = 2, 3, 4, 7
STACKS = ("one", "three", "mixed")
WRAPPERS = {
    "none": {},
    "input dropout": {"input_dropout": 0.25},
    "output dropout": {"output_dropout": 0.25},
    "state dropout": {"state_dropout": 0.25},
    "variational dropout": {"input_dropout": 0.25, "output_dropout": 0.25, "variational": True},
    "residual": {"residual": "project"},
    "highway": {"highway": "project"},
    "attention": {"attention": 2},
    "output projection": {"projection": 6},
    "input projection": {"input_projection": 6},
    "embedding": {},
    "all": {
        "residual": "project", "attention": 2, "projection": 6, "input_projection": 6, "input_dropout": 0.25,
        "output_dropout": 0.25,
    },
}  # fmt: skip


def possible(cell, wrapper):
    """State dropout is refused around linear memories, and a convolutional layer takes no wrapper but dropout."""
    info = cell_info(cell)
    if wrapper == "state dropout" and info.linear:
        return False
    return info.layer == "cell" or wrapper in ("none", "input dropout", "output dropout", "embedding")


def combinations():
    return [
        each
        for each in itertools.product(list_cells(), STACKS, (False, True), ("sequence", "last"), WRAPPERS)
        if possible(each[0], each[4])
    ]


def sample():
    """One combination per cell and one per wrapper, selected by a checksum of the name; three layers only of some."""
    everything = combinations()
    wanted = [(0, name) for name in list_cells()] + [(4, name) for name in WRAPPERS]
    chosen = set()
    for axis, name in wanted:
        those = [c for c in everything if c[axis] == name and (axis == 4 or c[1] != "three")]
        chosen.add(min(those, key=lambda c: zlib.crc32(repr(c).encode())))
    return [each for each in everything if each in chosen]


def spec_of(cell, stack, bidirectional, returns, wrapper):
    info = cell_info(cell)
    options = {"time": "step"} if info.needs_timestamps else {}
    layer = LayerSpec(cell, UNITS, bidirectional=bidirectional, options=options, **WRAPPERS[wrapper])
    mixed = LayerSpec("gru" if cell != "gru" else "lstm", 5, bidirectional=bidirectional)
    layers = {"one": (layer,), "three": (layer,) * 3, "mixed": (layer, mixed)}[stack]
    if wrapper == "embedding":
        return RNNSpec(layers, vocabulary=VOCABULARY, embedding=4, head="softmax", returns=returns, lookback=T)
    return RNNSpec(layers, features=2, returns=returns, lookback=T)


def check(cell, stack, bidirectional, returns, wrapper, folder):
    spec = spec_of(cell, stack, bidirectional, returns, wrapper)
    assert RNNSpec.from_name(spec.name) == spec
    assert RNNSpec.from_json(spec.to_json()) == spec
    rng = np.random.default_rng(0)
    if spec.vocabulary:
        x = rng.integers(0, VOCABULARY, (B, T)).astype("int32")
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        y = rng.integers(0, VOCABULARY, (B, T) if returns == "sequence" else (B,)).astype("int32")
    else:
        x, loss = rng.normal(size=(B, T, 2)).astype("float32"), "mse"
        y = rng.normal(size=(B, T, 1) if returns == "sequence" else (B, 1, 1)).astype("float32")
    # Unrolled, three steps compile faster on JAX; TensorFlow runs them eagerly.
    functional = zoo.build(spec, seed=1, unroll=True)
    sequential = zoo.build(spec, "sequential", seed=2, unroll=True)
    sequential.set_weights(functional.get_weights())
    before = functional(x)
    np.testing.assert_allclose(ops.convert_to_numpy(before), ops.convert_to_numpy(sequential(x)), rtol=1e-6, atol=1e-6)
    functional.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=keras.backend.backend() != "jax")
    assert np.isfinite(functional.train_on_batch(x, y))
    after = ops.convert_to_numpy(functional(x))
    assert np.isfinite(after).all()
    assert np.abs(after - ops.convert_to_numpy(before)).max() > 0  # the step changed something
    sequential.set_weights(functional.get_weights())
    for model in (functional, sequential):
        path = folder / "model.keras"
        model.save(path)
        again = keras.saving.load_model(path)
        np.testing.assert_allclose(ops.convert_to_numpy(again(x)), after, rtol=1e-6, atol=1e-6)


def name_of(combination):
    cell, stack, bidirectional, returns, wrapper = combination
    return f"{cell}-{stack}-{'both' if bidirectional else 'forward'}-{returns}-{wrapper.replace(' ', '_')}"


@slow_on_jax
@pytest.mark.parametrize("combination", sample(), ids=name_of)
def test_a_sample_of_combinations(combination, tmp_path):
    check(*combination, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("cell", list_cells())  # one case of each would be thousands, which every run collects
def test_all_combinations(cell, stack, tmp_path):
    failed = {}
    for combination in combinations():
        if combination[:2] != (cell, stack):
            continue
        try:
            check(*combination, tmp_path)
        except Exception as error:  # the others are of interest, too
            failed[name_of(combination)] = error
    if failed:
        raise AssertionError(f"{len(failed)} combinations failed: {', '.join(failed)}") from next(iter(failed.values()))


def test_the_sample_has_every_cell_and_wrapper():
    assert {each[0] for each in sample()} == set(list_cells())
    assert {each[4] for each in sample()} == set(WRAPPERS)
    assert {each[1] for each in sample()} == set(STACKS)
    assert {each[2:4] for each in sample()} == set(itertools.product((False, True), ("sequence", "last")))
    assert {each[1:4] for each in combinations()} == set(itertools.product(STACKS, (False, True), ("sequence", "last")))
