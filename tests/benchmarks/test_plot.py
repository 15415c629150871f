"""Plots of the results: drawn where there are results, otherwise named as missing."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks.harness import ROOT
from benchmarks.report import plot

RESULTS = ROOT / "benchmarks" / "results"
SETTINGS = {"vector_size": 100, "window": 5, "negative": 5, "epochs": 1, "threads": 2}
QUALITY = {"wordsim353": 0.6, "simlex999": 0.3, "analogies": 0.2}


def document(name, settings=None, **results):
    return {"benchmark": name, "question": "?", "machine": {}, "settings": settings or {}, "results": results}


def layer(cell, mode, rate, **changes):
    return {"device": "gpu", "cell": cell, "batch": 2, "steps": 8, "width": 4, "mode": mode, "side": "zoo",
            "rate": rate, "min_rate": rate / 2, "max_rate": rate * 2, **changes}  # fmt: skip


def variant(seed, size, rate, **changes):
    return {"loss_name": "nce", "seed": seed, "block_size": size, "kernels": True, "warps": 4, "epoch_rate": rate,
            **QUALITY, **changes}  # fmt: skip


@pytest.fixture
def documents():
    pair_rows = [{"name": name, "median_rate": rate, "min_rate": 0.9 * rate, "max_rate": rate}
                 for name, rate in (("pairs", 5e8), ("pairs_2_threads", 8e8), ("pairs_batch_1024", 1e8))]  # fmt: skip
    word_rows = [
        {"name": name, "rate": rate, **QUALITY} for name, rate in (("native_nce", 4e6), ("native_one_thread", 2e6))
    ]
    trained = [{"name": name, "whole_seconds": seconds, "whole_seconds_range": [seconds - 1, seconds + 2]}
               for name, seconds in (("keras on jax", 7.0), ("kerazoo on jax", 2.0))]  # fmt: skip
    return {
        "batching": document("batching", pairs=pair_rows, blocks=[], windows=[]),
        "word2vec": document("word2vec", SETTINGS, rows=[*word_rows, {"name": "gensim", "error": "killed"}], runs={}),
        "word2vec_device_jax_rates": document(
            "word2vec_device_jax_rates",
            {**SETTINGS, "epochs": 2},
            device="A card",
            variants=[variant(1, 4096, 1e8), variant(2, 4096, 3e8), variant(3, 4096, 1.5e8), variant(1, 8192, 2e8),
                      variant(1, 16384, 4e8), variant(1, 8192, 9e9, warps=8), {"loss_name": "nce", "error": "none"}],
            fits=[{"name": "device, file", "rate": 5e7}, {"name": "native, file", "error": "gone"}],
        ),
        "recurrent_devices_jax": document(
            "recurrent_devices_jax",
            table=[layer("lstm", "inference", 500.0), layer("lstm", "training", 200.0), layer("gru", "training", 90.0),
                   {**layer("lru", "training", 1.0), "rate": None}],
            layers=[layer("lstm", "inference", 5.0), layer("lstm", "inference", 7.0, side="keras", batch=4)],
        ),
        "recurrent": document("recurrent", sine=trained, note="no rows"),
    }  # fmt: skip


def texts(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_word_rates_have_a_panel_per_file(documents):
    (figure,) = plot.word_rates(documents).values()
    first, second = figure.axes
    assert (texts(first), texts(second)) == (["native_nce", "native_one_thread"], ["device, file"])
    assert first.get_title(loc="left") == "word2vec: skip-gram, D=100, window 5, K=5, 1 epoch, 2 threads"
    assert [line.get_xdata()[0] for line in first.lines] == [4e6, 2e6]
    assert (first.get_xscale(), "words per second" in second.get_xlabel()) == ("log", True)


def test_scaling_is_by_threads_blocks_and_batches(documents):
    (figure,) = plot.scaling(documents).values()
    threads, blocks, batches = figure.axes
    gains = {line.get_label(): list(line.get_ydata()) for line in threads.lines}
    assert gains["batching: pairs_2_threads"] == [1, pytest.approx(1.6)]
    assert gains["word2vec: native_nce"] == [1, pytest.approx(2.0)]
    (line,) = (container[0] for container in blocks.containers)
    assert (list(line.get_xdata()), list(line.get_ydata())) == (
        [4096, 8192, 16384],
        [1.5e8, 2e8, 4e8],
    )  # the median of three seeds
    (line,) = (container[0] for container in batches.containers)
    assert list(line.get_xdata()) == [1024, 8192]
    assert (blocks.get_xlabel(), blocks.get_ylabel()) == ("tokens per block", "raw words/s of an epoch")
    # A panel without data is left out.
    (figure,) = plot.scaling({"batching": documents["batching"]}).values()
    assert [ax.get_title() for ax in figure.axes] == ["Threads", "Batches on one core"]


def test_quality_is_drawn_for_one_set_of_training_settings(documents):
    (figure,) = plot.quality(documents).values()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [f"word2vec_device_jax_rates: nce, kernels, {size}" for size in (4096, 8192, 16384)]
    assert len(figure.axes) == 3
    del documents["word2vec_device_jax_rates"]
    (figure,) = plot.quality(documents).values()
    assert "1 epoch" in figure.get_suptitle()


def test_rates_of_cells_have_a_panel_per_shape(documents):
    figures = plot.recurrent_rates(documents)
    assert list(figures) == ["recurrent_devices_jax_table", "recurrent_devices_jax_layers"]
    (panel,) = figures["recurrent_devices_jax_table"].axes
    assert texts(panel) == ["lstm", "gru"]
    inference, training = (container[0] for container in panel.containers)
    assert (list(inference.get_xdata()), list(inference.get_ydata())) == ([500.0], [0])
    assert (list(training.get_xdata()), list(training.get_ydata())) == ([200.0, 90.0], [0, 1])
    titles = [ax.get_title() for ax in figures["recurrent_devices_jax_layers"].axes]
    assert titles == ["gpu: batch 2, T=8, width 4", "gpu: batch 4, T=8, width 4"]


def test_seconds_of_training_are_bars(documents):
    (figure,) = plot.recurrent(documents).values()
    (panel,) = figure.axes
    assert (panel.get_title(), texts(panel)) == ("sine", ["keras on jax", "kerazoo on jax"])
    assert [bar.get_width() for bar in panel.patches] == [7.0, 2.0]


def draw(monkeypatch, results, out):
    monkeypatch.setattr(sys, "argv", ["plot", str(results), "--out", str(out)])
    plot.main()


def test_plots_are_written_and_missing_ones_named(documents, tmp_path, monkeypatch, capsys):
    results = tmp_path / "results"
    results.mkdir()
    for name in ("word2vec", "recurrent"):
        (results / f"{name}.json").write_text(json.dumps(documents[name]))
    (results / "gpu.json").write_text('{"merged": {}}')
    draw(monkeypatch, results, tmp_path / "plots")
    shown, errors = capsys.readouterr()
    drawn = {path.name for path in (tmp_path / "plots").iterdir()}
    assert drawn == {"word2vec_rates.png", "scaling.png", "word2vec_quality.png", "recurrent.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "plots").iterdir())
    assert "not drawn: steps per second by cell, which needs recurrent_devices_*.json with rates" in shown
    assert "gpu.json is not a result" in errors


@pytest.mark.parametrize(
    "results", [{}, {"word2vec": document("word2vec", SETTINGS, rows=[{"name": "a", "error": "b"}])}]
)
def test_nothing_is_drawn_without_results(results):
    assert [draw(results) for draw, _ in plot.PLOTS.values()] == [{}] * len(plot.PLOTS)


@pytest.mark.skipif(not RESULTS.is_dir(), reason="benchmarks/results is missing")
def test_the_committed_results_can_be_drawn():
    documents = plot.load(RESULTS)
    assert all(draw(documents) for draw, _ in plot.PLOTS.values())
