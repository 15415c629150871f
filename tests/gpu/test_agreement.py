"""Does a GPU compute what the CPU computes?

Cases: every cell of the registry in each of its forms (the layer that the zoo makes of it, the loop over the steps, the
parallel form, both directions of those that Keras fuses), and the losses of word2vec, pair by pair, in blocks, and a
training step of `SkipGram`. Both devices compute outputs, final states, and the gradients by all weights and by the
input, from the same weights and the same random input. Every array must agree, relative to its norm, within 1e-4 for
outputs and states and 1e-3 for gradients.

    KERAS_BACKEND=jax python -m pytest tests/gpu
    KERAS_BACKEND=torch KERAZOO_GPU_TESTS=cpu KERAZOO_GPU_CELLS=lstm,lru python -m pytest tests/gpu

Environment:
    KERAS_BACKEND: jax or torch.
    KERAZOO_GPU_TESTS: "gpu"; or "cpu", which compares the CPU with itself in another form and so checks the tests.
        By default "gpu" where there is one, otherwise the tests are skipped.
    KERAZOO_GPU_CELLS: shell patterns of cells, and "word2vec", separated by commas; "quick" for a few of each kind.
        Default: all.
    KERAZOO_GPU_SEED: of the inputs. Default: a random one, which the output names.
    OUT: folder for `gpu_correctness_BACKEND.json`. Without it nothing is written.
"""

from __future__ import annotations

import os
import secrets

import pytest

from benchmarks.harness.machine import describe_gpus
from tests.gpu.comparison import FORWARD, GRADIENTS, Comparison, case_names, run_comparison

BACKEND = os.environ.get("KERAS_BACKEND", "")
DEVICE = os.environ.get("KERAZOO_GPU_TESTS") or ("gpu" if describe_gpus() else "")
if DEVICE not in ("gpu", "cpu", ""):
    raise ValueError(f"KERAZOO_GPU_TESTS={DEVICE}; expected gpu or cpu")
QUICK = "lstm,gru,mgu,lru,mlstm,word2vec"
CELLS = {"": "*", "quick": QUICK}.get(chosen := os.environ.get("KERAZOO_GPU_CELLS", ""), chosen)
NAMES = case_names(CELLS)
if not NAMES:
    raise ValueError(f"KERAZOO_GPU_CELLS={chosen}; expected shell patterns of cells, or word2vec, or quick")

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not DEVICE, reason="no GPU is visible; KERAZOO_GPU_TESTS=cpu compares the CPU with itself"),
    pytest.mark.skipif(BACKEND not in ("jax", "torch"), reason="GPUs are compared on JAX and torch (KERAS_BACKEND)"),
]


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    seed = int(os.environ.get("KERAZOO_GPU_SEED") or secrets.randbelow(2**31))
    found = run_comparison(BACKEND, DEVICE, CELLS, seed)
    found.print()
    if os.environ.get("OUT"):
        print(f"written: {found.write()}")
    return found


def test_the_device_is_what_was_asked_for(comparison):
    names = " ".join(comparison.settings["devices"]).lower()
    assert ("gpu" in names or "cuda" in names) == (DEVICE == "gpu"), names


@pytest.mark.parametrize("case", NAMES)
def test_outputs_and_gradients_agree(comparison, case):
    rows = {row["case"]: row for row in comparison.rows}
    # A loss that cannot be built fails all cases of word2vec under one name.
    row = rows[case] if case in rows else rows[case.partition(" ")[0]]
    assert "error" not in row, row["error"]
    assert row["forward"] < FORWARD
    assert row["gradients"] is None or row["gradients"] < GRADIENTS, row["worst"]
    assert row.get("from_steps", 0.0) < FORWARD, "the form differs from the loop over the steps on the same device"
    assert row["agrees"]


def test_no_case_is_left_out(comparison):
    assert {row["case"] for row in comparison.rows} == set(NAMES)
