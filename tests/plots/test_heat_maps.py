"""Heat maps of attention weights and of states: orientation, colours, labels."""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.plots import plot_attention, plot_states

matplotlib.use("agg")

from matplotlib import pyplot


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def shown(labels):
    return [label.get_text() for label in labels]


def test_attention_has_a_row_per_query_and_starts_at_zero():
    weights = np.random.default_rng(1).dirichlet(np.ones(5), size=3)
    ax = plot_attention(weights, keys=["v", "w", "x", "y", "z"], queries=["a", "b", "c"])
    image = ax.images[0]
    np.testing.assert_array_equal(image.get_array(), weights)
    assert image.get_clim() == (0, weights.max())
    assert image.origin == "upper"
    assert shown(ax.get_xticklabels()) == ["v", "w", "x", "y", "z"]
    assert shown(ax.get_yticklabels()) == ["a", "b", "c"]
    assert len(ax.figure.axes) == 2  # with the colour bar
    ax.figure.canvas.draw()
    # The first query is at the top.
    assert ax.get_yticklabels()[0].get_window_extent().y0 > ax.get_yticklabels()[2].get_window_extent().y1


def test_one_query_is_one_row_without_a_colour_bar():
    ax = plot_attention(np.array([0.2, 0.8]), colorbar=False)
    assert ax.images[0].get_array().shape == (1, 2)
    assert len(ax.figure.axes) == 1
    plot_attention(np.zeros((2, 2))).figure.canvas.draw()  # no weight at all


def test_states_have_a_row_per_unit_and_colours_symmetric_about_zero():
    states = np.random.default_rng(1).normal(size=(7, 3))
    ax = plot_states(states)
    np.testing.assert_array_equal(ax.images[0].get_array(), states.T)
    low, high = ax.images[0].get_clim()
    assert -low == high == np.abs(states).max()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "unit")
    red, green, blue, _ = ax.images[0].cmap(0.5)
    assert min(red, green, blue) > 0.95  # zero is white
    plot_states(np.zeros((3, 2))).figure.canvas.draw()


def test_similar_units_come_side_by_side():
    time = np.arange(40)
    up, down = np.sin(time / 3), -np.sin(time / 3)
    units = [up, down, 1.1 * up, 0.9 * down, up + 0.01, 1.2 * down]
    ax = plot_states(np.array(units).T, order="similarity")
    order = [int(label) for label in shown(ax.get_yticklabels())]
    assert sorted(order) == list(range(6))
    assert sorted(map(sorted, (order[:3], order[3:]))) == [[0, 2, 4], [1, 3, 5]]
    np.testing.assert_array_equal(ax.images[0].get_array(), np.array(units)[order])


@pytest.mark.parametrize(("count", "width"), [(8, 9), (60, 9), (300, 4)])
def test_labels_of_many_steps_are_thinned_until_none_overlap(count, width):
    _, ax = pyplot.subplots(figsize=(width, 3), layout="constrained")
    plot_states(np.ones((count, 2)), labels=[f"word{i}" for i in range(count)], ax=ax)
    ax.figure.canvas.draw()
    labels = ax.get_xticklabels()
    boxes = [label.get_window_extent() for label in labels]
    assert all(left.x1 <= right.x0 + 1 for left, right in itertools.pairwise(boxes))
    assert shown(labels)[0] == "word0"
    assert shown(labels) == [f"word{int(place)}" for place in ax.get_xticks()]
    assert (len(labels) == count) == (count == 8)


def test_tensors_of_a_backend_are_taken():
    from keras import ops

    weights = ops.softmax(ops.ones((2, 4)))
    np.testing.assert_allclose(plot_attention(weights).images[0].get_array(), 0.25)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: plot_attention(np.ones((2, 3, 4))), r"weights has shape \(2, 3, 4\).*pass weights\[head\]"),
        (lambda: plot_attention(np.ones((0, 3))), "not empty"),
        (lambda: plot_attention([[0.5, -0.5]]), "weights has the value -0.5; expected numbers >= 0"),
        (lambda: plot_attention([[0.5, np.nan]]), r"weights\[0, 1\] is nan"),
        (lambda: plot_attention("ab"), "expected"),
        (lambda: plot_attention(np.ones((2, 3)), keys=["a"]), "keys has 1 labels; expected 3"),
        (lambda: plot_attention(np.ones((2, 3)), queries=["a"]), "queries has 1 labels; expected 2"),
        (lambda: plot_attention(np.ones((2, 3)), cmap="none"), "cmap='none'; expected a colormap"),
        (lambda: plot_attention(np.ones((2, 3)), colorbar=2), "colorbar=2; expected True or False"),
        (lambda: plot_states(np.ones((1, 5, 2))), r"pass one: states\[0\]"),
        (lambda: plot_states(np.ones(5)), r"states has shape \(5,\); expected \(steps, units\)"),
        (lambda: plot_states(np.ones((5, 2)), labels=list("abc")), "labels has 3 labels; expected 5"),
        (lambda: plot_states(np.ones((5, 2)), order="peak"), "order='peak'; expected one of 'unit', 'similarity'"),
        (lambda: plot_states(np.ones((5, 2)), ax=0), "ax is a int"),
    ],
)
def test_bad_input_is_refused(call, match):
    with pytest.raises(InvalidArgumentError, match=match):
        call()
    assert pyplot.get_fignums() == []
