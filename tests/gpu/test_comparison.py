"""How two devices are compared: on arrays, without a device."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.harness import results
from tests.gpu.comparison import Comparison, case_names, compare, compare_forms


def arrays(forward=(3.0, 4.0), gradient=(0.0, 2.0), **more):
    return {"forward/0": np.array(forward), "gradient/w": np.array(gradient),
            **{f"gradient/{name}": np.array(value) for name, value in more.items()}}  # fmt: skip


def test_errors_are_relative_to_the_norm_of_an_array():
    row = compare(arrays(), arrays(forward=(3.0, 4.0 + 5e-5), gradient=(0.0, 2.001)))
    assert (row["forward"], row["gradients"], row["worst"]) == (
        pytest.approx(1e-5), pytest.approx(5e-4), "gradient/w"
    )  # fmt: skip
    assert row["agrees"]
    assert not compare(arrays(), arrays(forward=(3.0, 4.001)))["agrees"]
    assert not compare(arrays(), arrays(gradient=(0.0, 2.01)))["agrees"]


def test_a_small_array_is_measured_beside_the_largest():
    expected, got = arrays(bias=(1e-7, 0.0)), arrays(bias=(2e-7, 0.0))
    assert compare(expected, got)["gradients"] == pytest.approx(1e-7 / 2e-3)
    assert compare(arrays(gradient=(0.0, 0.0)), arrays(gradient=(0.0, 0.0)))["agrees"]


def test_nan_does_not_agree():
    for side in ("forward", "gradient"):
        broken = arrays(**{side: (np.nan, 1.0)})
        assert not compare(arrays(), broken)["agrees"]
        assert not compare(broken, arrays())["agrees"]
    assert compare(arrays(), arrays(gradient=(np.nan, 1.0)))["worst"] == "gradient/w"


def test_a_case_without_outputs_does_not_agree():
    gradients = {"gradient/w": np.ones(2)}
    assert not compare(gradients, gradients)["agrees"]


def test_forms_are_compared_with_the_loop():
    cases = {"lru, step by step": arrays(), "lru, parallel": arrays(forward=(3.0, 4.5)), "gru, parallel": arrays(),
             "lstm, step by step": arrays(), "lstm, both directions": arrays(),
             "lstm, parallel": {"error": "no"}}  # fmt: skip
    assert compare_forms(cases) == {"lru, parallel": pytest.approx(0.1)}


def test_cases_are_selected_by_the_names_of_cells():
    assert case_names("lru") == ["lru, step by step", "lru, parallel"]
    assert case_names("lst?,no_such_cell")[-1] == "lstm, both directions"
    assert {name.split()[0] for name in case_names("word2vec")} == {"word2vec"}
    assert len(case_names("*")) > 40


def test_the_result_is_what_the_tables_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    settings = {"backend": "jax", "devices": ["gpu:0"], "reference": ["cpu:0"], "reference_precision": "float32",
                "seed": 3, "seconds": 1.0}  # fmt: skip
    rows = [{"case": "lru, parallel", **compare(arrays(), arrays())}, {"case": "gru", "agrees": False, "error": "no"}]
    found = Comparison(rows, settings)
    path = found.write()
    found.print()
    assert path == tmp_path / "gpu_correctness_jax.json"
    assert json.loads(path.read_text())["results"] == {"cases": rows}
    assert "1 of 2 agree, seed 3" in capsys.readouterr().out
