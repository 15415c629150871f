"""The tables of forecast accuracy: the page has those of the committed results, and means are computed as stated."""

from __future__ import annotations

import json

import pytest

from benchmarks.harness import ROOT
from benchmarks.report import forecast_markdown

PAGE = ROOT / "docs" / "forecast.md"


def test_the_page_has_the_tables_of_the_results():
    text = PAGE.read_text(encoding="utf-8")
    assert forecast_markdown.fill(text, ROOT / "benchmarks" / "results") == text, (
        "run python -m benchmarks.report.forecast_markdown docs/forecast.md"
    )


def test_a_page_without_marks_for_tables_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no <!-- accuracy -->"):
        forecast_markdown.fill("# A page", tmp_path)


def row(name, mase, **coverage):
    return {"name": name, "mase": mase, "coverage_80": None, "coverage_95": None, **coverage}


def test_further_series_are_shown_by_geometric_means():
    ours = {"coverage_80": 0.8, "coverage_95": 0.9}
    results = {
        "lynx": [row("seasonal_naive", 1.0), row("forecaster", 0.5, **ours)],  # years
        "beer_australia": [row("seasonal_naive", 2.0), row("forecaster", 4.0, **ours)],  # quarters
        "drugs_a10": [row("seasonal_naive", 1.0), row("forecaster", 0.25, **ours)],  # months
    }
    text = forecast_markdown._further({"results": {**results, "mean_rank": {}}, "settings": {"seeds": [1]}})
    assert "| **Forecaster** | 0.630 | 0.250 | 2.000 | 0.500 |  | 2 | 1.33 |" in text
    assert "| seasonal naive | 1.000 | 1.000 | 1.000 | 1.000 |  |  | 1.67 |" in text
    assert "all (3) | months (1) | quarters (1) | years (1) | days, weeks (0)" in text
    assert "The\nforecaster's 80 % intervals cover 80 %, its 95 % intervals 90 %" in text


def test_the_default_comes_from_its_own_file_and_the_preset_is_ranked(tmp_path):
    ours = {"coverage_80": 0.8, "coverage_95": 0.9, "rmse_last": 1.0, "rmse_mean": 1.0}
    documents = {
        "forecast_accuracy_long": {
            "nile": [row("seasonal_naive", 1.0), row("forecaster", 0.9, **ours)],
            "gdp": [row("seasonal_naive", 1.0)],
        },
        "forecast_accuracy_default": {
            "nile": [row("forecaster", 0.5, **ours)],
            "gdp": [row("forecaster", 2.0, **ours)],
            "mean_rank": [],
        },
        "forecast_presets": {
            "series": [{"series": "nile", "forecast_small": 0.75}, {"series": "gdp", "forecast_small": 3.0}]
        },
    }
    for name, results in documents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"results": results}))
    lines = forecast_markdown.accuracy(tmp_path).splitlines()
    cells = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:3] for line in lines if line.startswith("| ")}
    assert cells["nile"] == ["**0.500**", "0.750"]
    assert cells["gdp"] == ["2.000", "3.000"]
    assert cells["mean rank"] == ["1.5", "2.5"]


def test_mixtures_are_shown_by_their_weight():
    found = {"weight": "0.5", "ratio": 0.974, "standard_error": 0.0066, "lower_on": 49, "mase": 1.1}
    text = forecast_markdown._mixture({"settings": {"series": ["lynx", "nile"]}, "results": {"mixtures": [found]}})
    assert "| 0.5 | 0.974 | 0.007 | 49 |" in text
    assert "on the 2 series" in text
