"""The pictures of the README show what the library and the results say now."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.harness import ROOT
from benchmarks.report import pictures

FOLDER = ROOT / "docs" / "pictures"
RATES = json.loads(pictures.RATES.read_text())


@pytest.mark.parametrize(
    ("name", "draw"), [("forecast", pictures.draw_forecast), ("words-per-second", lambda: pictures.draw_rates(RATES))]
)
def test_the_committed_pictures_are_current(name, draw):
    path = FOLDER / f"{name}.png"
    assert path.stat().st_size < 100 << 10
    with Image.open(path) as image:
        width, height = image.size
        committed = json.loads(image.info["Comment"])
    assert width > height > 400
    current = json.loads(pictures.drawn(draw()))
    assert current["bars"] == committed["bars"]
    assert [len(line) for line in current["lines"]] == [len(line) for line in committed["lines"]]
    for now, then in zip(current["lines"], committed["lines"], strict=True):
        np.testing.assert_allclose(now, then, rtol=2e-3, err_msg="`make pictures` draws them again")


def test_rates_and_quality_are_those_of_the_results():
    rows = {row["name"]: row for row in RATES["results"]["rows"]}
    figure = pictures.draw_rates(RATES)
    (ax,) = figure.axes
    texts = [text.get_text() for text in ax.texts]
    assert any(f"gensim: {rows['gensim']['rate'] / 1e6:.2f} million" in text for text in texts)
    assert sum("times gensim" in text for text in texts) == len(pictures.LABELS) - 1
    for name in pictures.LABELS:
        assert ", ".join(f"{title} {rows[name][key]:.2f}" for key, title in pictures.QUALITY.items()) in texts


def test_the_forecast_has_its_truth_and_two_intervals():
    figure = pictures.draw_forecast()
    (ax,) = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert len(lines["forecast"]) == len(lines["truth"]) == pictures.HORIZON + 1
    assert 0 < np.abs(lines["forecast"] - lines["truth"]).mean() < 25  # pounds, of about 850
    assert len(ax.collections) == 2
