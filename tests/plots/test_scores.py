"""Bars of scores and their spread, and errors against costs."""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.plots import plot_scores, plot_tradeoff

matplotlib.use("agg")

from matplotlib import pyplot
from matplotlib.text import Text


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def bars(ax):
    """Name -> end of its bar."""
    return {name: patch.get_width() for name, patch in zip(names(ax), ax.patches, strict=True)}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def whiskers(ax):
    """Row -> the ends of its whisker."""
    segments = ax.containers[1].lines[2][0].get_segments()
    return {int(segment[0, 1]): tuple(segment[:, 0]) for segment in segments}


RUNS = {"rnn": [0.5, 0.9], "gru": [0.2, 0.4, 0.6], "lstm": 0.3, "esn": [np.nan, np.nan], "cifg": [0.8, np.nan]}


def test_bars_are_means_in_order_with_the_deviation_of_runs():
    ax = plot_scores(RUNS)
    assert names(ax) == ["lstm", "gru", "rnn", "cifg", "esn"]
    found = bars(ax)
    assert [found[name] for name in ("lstm", "gru", "rnn", "cifg")] == pytest.approx([0.3, 0.4, 0.7, 0.8])
    assert np.isnan(found["esn"])
    assert whiskers(ax) == {1: pytest.approx((0.2, 0.6)), 2: pytest.approx((0.7 - 0.08**0.5, 0.7 + 0.08**0.5))}
    dots = next(each for each in ax.collections if each.get_label() == "a run").get_offsets()
    assert sorted(map(tuple, np.asarray(dots))) == [(0.2, 1), (0.4, 1), (0.5, 2), (0.6, 1), (0.9, 2)]
    assert sorted(legend(ax)) == ["a run", "standard deviation"]
    assert [(text.get_text(), text.xy[1]) for text in ax.texts] == [("no score", 4)]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the best at the top
    ax.figure.canvas.draw()


def test_the_spread_may_be_the_range_and_the_order_kept():
    ax = plot_scores(RUNS, spread="range", sort=False)
    assert names(ax) == list(RUNS)
    assert whiskers(ax) == {0: pytest.approx((0.5, 0.9)), 1: pytest.approx((0.2, 0.6))}
    assert "smallest to largest" in legend(ax)


def test_single_scores_have_neither_whiskers_nor_a_legend():
    ax = plot_scores({"a": 2, "b": 1.0})
    assert ax.get_legend() is None
    assert not ax.collections
    assert ax.get_xlabel() == "score"


@pytest.mark.parametrize("form", ["name", "model", "index", "given", "category"])
def test_rows_of_one_name_are_runs(form):
    table = pd.DataFrame({"name": ["a", "b", "a", "b"], "loss": [1.0, 4.0, 3.0, 6.0], "time": [1, 2, 3, 4]})
    options = {}
    if form == "model":
        table = table.rename(columns={"name": "model"})
    elif form == "index":
        table = table.set_index("name")
    elif form == "given":
        table, options = table.rename(columns={"name": "who"}), {"name": "who"}
    elif form == "category":
        table = table.astype({"name": "category"})
    ax = plot_scores(table, "loss", **options)
    assert bars(ax) == {"a": 2.0, "b": 5.0}
    assert ax.get_xlabel() == "loss"
    assert whiskers(ax)[0] == pytest.approx((2 - 2**0.5, 2 + 2**0.5))


def test_the_table_of_a_comparison_is_taken_as_it_is():
    """Its columns are those of kerazoo.zoo.Comparison.table."""
    table = pd.DataFrame(
        {
            "name": ["gru_1x8", "rnn_1x8", "lstm_1x8"], "parameters": [300, 100, 400], "seconds": [2.0, 1.0, 3.0],
            "validation_loss": [0.1, 0.3, np.nan], "validation_loss_std": [0.02, 0.05, np.nan],
            "status": ["finished", "finished", "diverged"],
        }
    )  # fmt: skip
    ax = plot_scores(table, "validation_loss", log="auto")
    assert ax.get_xscale() == "log"
    assert whiskers(ax) == {0: pytest.approx((0.08, 0.12)), 1: pytest.approx((0.25, 0.35))}
    ax = plot_tradeoff(table, x="parameters")
    assert sorted(text.get_text() for text in ax.texts) == ["gru_1x8", "rnn_1x8"]
    assert np.asarray(ax.collections[0].get_offsets()).tolist() == [[300, 0.1], [100, 0.3]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("parameters", "validation_loss")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


@pytest.mark.parametrize("count", [1, 12, 60])
def test_the_names_of_all_models_have_room(count):
    ax = plot_scores({f"model_{i}": i + 1.0 for i in range(count)})
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert len(boxes) == count
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in itertools.pairwise(boxes))


def test_the_line_joins_the_models_that_no_other_betters():
    points = {"a": (1.0, 9.0), "b": (2.0, 4.0), "c": (2.0, 5.0), "d": (3.0, 4.0), "e": (4.0, 1.0), "f": (1.0, 9.5)}
    ax = plot_tradeoff(points, x="time", y="error", log=False)
    assert ax.get_lines()[0].get_xydata().tolist() == [[1, 9], [2, 4], [4, 1]]
    colors = [tuple(color) for color in ax.collections[0].get_facecolors()]
    assert [color == colors[0] for color in colors] == [True, True, False, False, True, False]
    assert legend(ax) == ["best for the cost", "6 models"]
    assert [text.get_text() for text in ax.texts][:3] == ["a", "b", "e"]  # labelled first


def test_rows_of_one_name_are_averaged():
    table = pd.DataFrame({"name": ["a", "b", "a"], "seconds": [1.0, 5, 3], "validation_loss": [2.0, 1, 4]})
    ax = plot_tradeoff(table)
    assert np.asarray(ax.collections[0].get_offsets()).tolist() == [[2, 3], [5, 1]]


def test_labels_of_many_models_do_not_overlap():
    rng = np.random.default_rng(1)
    ax = plot_tradeoff({f"model_{i}": tuple(rng.uniform(1, 2, 2)) for i in range(150)})
    ax.figure.canvas.draw()
    boxes = [Text.get_window_extent(text) for text in ax.texts if text.get_visible()]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert legend(ax)[-1] == f"150 models; {150 - len(boxes)} labels have no room"
    assert 30 < len(boxes) < 150


TABLE = pd.DataFrame({"name": ["a", "b"], "x": [1.0, 2.0], "y": [0.0, 1.0], "text": ["p", "q"]})


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: plot_scores([1, 2]), "scores is a list; expected a dict of numbers or a DataFrame"),
        (lambda: plot_scores({}), "0 models and no finite value"),
        (lambda: plot_scores({"a": np.nan}), "1 models and no finite value"),
        (lambda: plot_scores({"a": "x"}), "a is not numeric"),
        (lambda: plot_scores({"a": [[1.0]]}), r"a has shape \(1, 1\)"),
        (lambda: plot_scores(TABLE), "the numeric columns x, y; expected one, or score="),
        (lambda: plot_scores(TABLE, "z"), "score='z'; expected one of 'x', 'y'"),
        (lambda: plot_scores(TABLE, "text"), "score='text'; expected one of 'x', 'y'"),
        (lambda: plot_scores(TABLE, "x", name="who"), "name='who'; expected one of"),
        (lambda: plot_scores(TABLE, "y", log=True), "log=True and the smallest value 0; expected positive values"),
        (lambda: plot_scores(TABLE, "x", log="yes"), "log='yes'; expected one of 'auto'"),
        (lambda: plot_scores(TABLE, "x", spread="iqr"), "spread='iqr'; expected one of 'std', 'range'"),
        (lambda: plot_scores(TABLE, "x", sort=1), "sort=1; expected True or False"),
        (lambda: plot_scores(TABLE, "x", ax=1), "ax is a int"),
        (lambda: plot_tradeoff([1]), "scores is a list; expected a DataFrame, or a dict of pairs"),
        (lambda: plot_tradeoff({"a": (1, 2, 3)}), r"'a' has shape \(3,\); expected \(cost, error\)"),
        (lambda: plot_tradeoff({"a": (1, np.nan)}), "1 models, none with finite values"),
        (lambda: plot_tradeoff(TABLE, "z", "y"), "x='z'; expected one of"),
        (lambda: plot_tradeoff(TABLE, "x", "y", log=True), "log=True and the smallest value 0"),
    ],
)
def test_bad_input_is_refused(call, match):
    with pytest.raises(InvalidArgumentError, match=match):
        call()
    assert pyplot.get_fignums() == []
