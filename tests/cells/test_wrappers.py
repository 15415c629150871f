"""Wrappers against their equations in NumPy; the properties of the cell that they keep; validation."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.cells import (
    AttentionCell,
    CellInfo,
    DropoutCell,
    EmbeddingCell,
    HighwayCell,
    InputProjectionCell,
    OutputProjectionCell,
    Recurrent,
    RecurrentCell,
    ResidualCell,
    StackedCells,
    TimeStampedCell,
    cell_info,
    list_cells,
    make_cell,
    register_cell,
    unregister_cell,
)
from kerazoo.errors import InvalidArgumentError
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks
from tests.references.cells import sigmoid

pytestmark = pytest.mark.backend

B, T, U = 3, 6, 4
WRAPPERS = {
    "residual": ResidualCell,
    "highway": HighwayCell,
    "input projection": lambda cell: InputProjectionCell(cell, 5, activation="tanh"),
    "output projection": lambda cell: OutputProjectionCell(cell, 7, activation="relu"),
    "dropout": lambda cell: DropoutCell(cell, 0.2, 0.3, seed=1),
    "attention": lambda cell: AttentionCell(cell, 3),
    "time": TimeStampedCell,
}


def series(features=U, steps=T, seed=1):
    return np.random.default_rng(seed).normal(size=(B, steps, features)).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def randomised(layer, seed=2):
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(0, 0.4, weight.shape))
    return layer


def run_layer(cell, x, **kwargs):
    layer = Recurrent(cell, return_sequences=True, return_state=True, **kwargs)
    layer(x)
    randomised(layer)
    outputs, *states = layer(x)
    return numpy(outputs), [numpy(state) for state in states], layer


def inner_outputs(cell, x):
    """Outputs of the cell inside for inputs x, run by a layer of its own."""
    return numpy(Recurrent(cell, return_sequences=True)(x))


def weight(cell, name):
    return next(numpy(w) for w in cell.weights if w.name == name)


def test_residual_adds_the_input():
    cell = ResidualCell(make_cell("gru", U))
    outputs, _, _ = run_layer(cell, series())
    np.testing.assert_allclose(outputs, series() + inner_outputs(cell.cell, series()), rtol=1e-5, atol=1e-6)


@slow_on_jax
def test_highway_carries_a_part_of_the_input():
    cell = HighwayCell(make_cell("gru", U))
    outputs, _, _ = run_layer(cell, series())
    carry = sigmoid(series() @ weight(cell, "carry_kernel") + weight(cell, "carry_bias"))
    expected = carry * series() + (1 - carry) * inner_outputs(cell.cell, series())
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    fresh = HighwayCell(make_cell("gru", U), carry_bias=2.0)
    fresh.build((None, U))
    np.testing.assert_array_equal(weight(fresh, "carry_bias"), np.full(U, 2.0))


def test_projections_are_dense_layers_before_and_after():
    cell = InputProjectionCell(make_cell("gru", U), 5, activation="tanh")
    outputs, _, _ = run_layer(cell, series(2))
    inside = np.tanh(series(2) @ weight(cell, "input_projection") + weight(cell, "input_projection_bias"))
    np.testing.assert_allclose(outputs, inner_outputs(cell.cell, inside), rtol=1e-5, atol=1e-6)
    cell = OutputProjectionCell(make_cell("lstm", U), 7, activation="relu")
    outputs, states, _ = run_layer(cell, series(2))
    expected = inner_outputs(cell.cell, series(2)) @ weight(cell, "output_projection")
    expected = np.maximum(expected + weight(cell, "output_projection_bias"), 0)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    assert [state.shape for state in states] == [(B, U), (B, U)]


@slow_on_jax
def test_attention_follows_its_equations():
    cell = AttentionCell(make_cell("rnn", U), 3)
    x = series(2)
    outputs, states, _ = run_layer(cell, x)
    w = {each.name: numpy(each).astype("float64") for each in cell.weights}
    inner = {each.name: numpy(each).astype("float64") for each in cell.cell.weights}
    h, a, window = np.zeros((B, U)), np.zeros((B, U)), np.zeros((B, 3, U))
    for t in range(T):
        u = np.concatenate([x[:, t], a], axis=1) @ w["input_kernel"] + w["input_bias"]
        h = np.tanh(u @ inner["kernel"] + h @ inner["recurrent_kernel"] + inner["bias"])
        scores = np.empty((B, 3))
        for j in range(3):
            scores[:, j] = (np.tanh(window[:, j] @ w["window_kernel"] + h @ w["query_kernel"]) @ w["score_kernel"])[
                :, 0
            ]
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        a = np.einsum("bj,bju->bu", shares, window)
        y = np.concatenate([h, a], axis=1) @ w["output_kernel"] + w["output_bias"]
        window = np.concatenate([window[:, 1:], y[:, None]], axis=1)
        np.testing.assert_allclose(outputs[:, t], y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(states[-1], window.reshape(B, -1), rtol=1e-4, atol=1e-5)


@slow_on_jax
def test_embedding_reads_ids():
    cell = EmbeddingCell(make_cell("gru", U), 300, 3)
    ids = np.array([[[0], [299], [7]]], "int32")
    outputs, _, _ = run_layer(cell, ids)
    vectors = weight(cell, "embeddings")[ids[..., 0]]
    np.testing.assert_allclose(outputs, inner_outputs(cell.cell, vectors), rtol=1e-5, atol=1e-6)
    with pytest.raises(InvalidArgumentError, match=r"one id per step.*ids\[\.\.\., None\]"):
        Recurrent(EmbeddingCell(make_cell("gru", U), 300, 3))(np.zeros((1, 3, 2), "int32"))


@slow_on_jax
def test_time_stamps_are_hidden_from_the_cell_and_passed_on():
    cell = TimeStampedCell(make_cell("gru", U))
    x = series(3)
    outputs, _, _ = run_layer(cell, x)
    np.testing.assert_allclose(outputs[..., :-1], inner_outputs(cell.cell, x[..., :-1]), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(outputs[..., -1], x[..., -1])
    with pytest.raises(InvalidArgumentError, match="time stamps missing"):
        Recurrent(TimeStampedCell(make_cell("gru", U)))(series(1))


@slow_on_jax
def test_stacked_cells_are_one_layer_on_top_of_the_other():
    cells = [make_cell("lstm", U), make_cell("mingru", 3)]
    stack = StackedCells(cells)
    outputs, states, _ = run_layer(stack, series(2))
    expected = inner_outputs(cells[1], inner_outputs(cells[0], series(2)))
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    assert [state.shape for state in states] == [(B, U), (B, U), (B, 3)]
    assert not stack.linear
    assert "LSTMCell" in stack.why_not_linear
    linear = StackedCells([make_cell("mingru", U), make_cell("minlstm", U)])
    one, _one_states, _layer = run_layer(linear, series(2), parallel=True)
    again = Recurrent(linear, return_sequences=True, parallel=False)
    np.testing.assert_allclose(one, numpy(again(series(2))), rtol=1e-5, atol=1e-5)
    assert isinstance(Recurrent(cells).cell, StackedCells)
    with pytest.raises(InvalidArgumentError, match="at least one cell"):
        StackedCells([])


@slow_on_jax
@pytest.mark.parametrize("name", sorted(WRAPPERS))
def test_wrappers_keep_parallel_form_masks_states_and_configuration(name):
    x, mask = series(), np.array([[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1]], bool)
    for inside in ("mingru", "lstm"):
        cell = WRAPPERS[name](make_cell(inside, U if name != "input projection" else 5))
        outputs, states, layer = run_layer(cell, x, parallel=False)
        assert outputs.shape[-1] == cell.output_size
        assert [state.shape[1] for state in states] == cell.state_size
        masked, *masked_states = (numpy(y) for y in layer(x, mask=mask))
        # Row 0 has the steps 0, 1, 3: the expected result is that of a sequence of these steps.
        short, *short_states = (numpy(y) for y in layer(x[:, [0, 1, 3]]))
        np.testing.assert_allclose(masked[0, [0, 1, 3]], short[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(masked[0, 5], short[0, -1], rtol=1e-5, atol=1e-5)
        for one, other in zip(masked_states, short_states, strict=True):
            np.testing.assert_allclose(one[0], other[0], rtol=1e-5, atol=1e-5)
        config = keras.saving.serialize_keras_object(layer)
        again = keras.saving.deserialize_keras_object(config)
        again(x)
        again.set_weights(layer.get_weights())
        np.testing.assert_array_equal(numpy(again(x)[0]), outputs)
        assert cell.linear == (inside == "mingru" and name != "attention")
        if cell.linear:
            parallel = Recurrent(cell, return_sequences=True, return_state=True, parallel=True)
            found, *found_states = (numpy(y) for y in parallel(x, mask=mask))
            np.testing.assert_allclose(found, masked, rtol=1e-5, atol=1e-5)
            for one, other in zip(found_states, masked_states, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
        else:
            with pytest.raises(InvalidArgumentError, match="parallel=True"):
                Recurrent(cell, parallel=True)


@slow_on_jax
@pytest.mark.parametrize("parallel", [False, True])
def test_dropout_is_drawn_anew_for_each_step_and_is_off_outside_training(parallel):
    ones = np.ones((2, 200, 5), "float32")
    inside = OutputProjectionCell(make_cell("mingru", 5), 5)  # its output does not matter here
    cell = DropoutCell(inside, output_dropout=0.25, seed=3)
    layer = Recurrent(cell, return_sequences=True, parallel=parallel)
    quiet = numpy(layer(ones))
    np.testing.assert_array_equal(quiet, numpy(layer(ones, training=False)))
    assert (quiet != 0).all()
    trained = numpy(layer(ones, training=True))
    dropped = trained == 0
    assert 0.2 < dropped.mean() < 0.3
    assert (dropped[:, 1:] != dropped[:, :-1]).mean() > 0.3  # not one mask for all steps
    np.testing.assert_allclose(trained[~dropped], quiet[~dropped] / 0.75, rtol=1e-5)
    variational = Recurrent(DropoutCell(inside, output_dropout=0.5, variational=True, seed=3), return_sequences=True)
    dropped = numpy(variational(ones, training=True)) == 0
    np.testing.assert_array_equal(dropped[:, 1:], dropped[:, :-1])
    assert 0 < dropped[:, 0].mean() < 1


def test_state_dropout_uses_one_mask_and_spares_the_memory_beside_h():
    seen = []

    class Spy(RecurrentCell):
        @property
        def state_size(self):
            return [self.units, self.units]

        def call(self, inputs, states, training=False):
            seen.append([numpy(state) for state in states])
            return ops.ones_like(states[0]), [ops.ones_like(state) for state in states]

    layer = Recurrent(DropoutCell(Spy(50), state_dropout=0.5, seed=1), unroll=True, return_sequences=True)
    layer(np.ones((1, 4, 2), "float32"), training=True)
    hidden = np.stack([states[0] for states in seen[-3:]])
    assert set(np.unique(hidden)) == {0.0, 2.0}
    np.testing.assert_array_equal(hidden[0], hidden[1])
    np.testing.assert_array_equal(hidden[0], hidden[2])
    assert all((states[1] == 1).all() for states in seen[-3:])


def test_dropout_trains_in_a_compiled_model_on_every_backend():
    model = keras.Sequential(
        [
            keras.Input((T, U)),
            Recurrent(ResidualCell(DropoutCell(make_cell("lstm", U), 0.2, 0.2, 0.2, seed=1)), return_sequences=True),
            Recurrent(DropoutCell(make_cell("minlstm", U), 0.2, seed=1), parallel=True),
            keras.layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    history = model.fit(series(), np.zeros((B, 1), "float32"), epochs=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_what_wrappers_refuse():
    with pytest.raises(InvalidArgumentError, match=r"inputs of width 3, outputs of width 4.*InputProjectionCell.*4"):
        Recurrent(ResidualCell(make_cell("gru", 4)))(series(3))
    with pytest.raises(InvalidArgumentError, match="highway connection"):
        Recurrent(HighwayCell(make_cell("gru", 4)))(series(3))
    with pytest.raises(InvalidArgumentError, match="expected a cell"):
        ResidualCell(3)
    with pytest.raises(InvalidArgumentError, match="Put DropoutCell around it"):
        ResidualCell(keras.layers.LSTMCell(3, recurrent_dropout=0.1))
    with pytest.raises(InvalidArgumentError, match="output_dropout=1"):
        DropoutCell(make_cell("gru", 4), output_dropout=1.0)
    with pytest.raises(InvalidArgumentError, match=r"state_dropout=0.1.*linear memory"):
        DropoutCell(make_cell("mingru", 4), state_dropout=0.1)
    plain = keras.layers.RNN(DropoutCell(make_cell("gru", 4), 0.1))
    with pytest.raises(InvalidArgumentError, match=r"kerazoo.cells.Recurrent"):
        plain(series(4), training=True)


def test_what_the_layer_refuses():
    with pytest.raises(InvalidArgumentError, match=r"shape \(3, 6\).*\(batch, steps, features\)"):
        Recurrent(make_cell("gru", 4))(np.zeros((3, 6), "float32"))
    with pytest.raises(InvalidArgumentError, match="has no steps"):
        Recurrent(make_cell("gru", 4))(np.zeros((3, 0, 2), "float32"))
    with pytest.raises(InvalidArgumentError, match="stateful=True"):
        Recurrent(make_cell("gru", 4), stateful=True)
    with pytest.raises(InvalidArgumentError, match="GRUCell is not linear"):
        Recurrent(make_cell("gru", 4), parallel=True)
    with pytest.raises(InvalidArgumentError, match="parallel='yes'"):
        Recurrent(make_cell("gru", 4), parallel="yes")
    with pytest.raises(InvalidArgumentError, match=r"initial_state has 1 tensors; .* expects 2, of widths 4, 4"):
        Recurrent(make_cell("lstm", 4))(series(), initial_state=[np.zeros((B, 4), "float32")])


@keras.saving.register_keras_serializable(package="tests")
class CountingCell(RecurrentCell):
    supports_step_mask = False

    def call(self, inputs, states, training=False):
        return states[0] + 1, [states[0] + 1]


def test_a_cell_of_your_own_joins_the_registry_and_may_refuse_masks():
    info = CellInfo(name="counting", make=CountingCell, title="Counts.", paper="none", aliases=("counter",))
    register_cell(info)
    try:
        assert "counting" in list_cells()
        assert cell_info("counter") is info
        assert not info.linear
        cell = make_cell("counting", 3)
        np.testing.assert_array_equal(numpy(Recurrent(cell)(series())), np.full((B, 3), T))
        with pytest.raises(InvalidArgumentError, match="CountingCell cannot mask steps"):
            Recurrent(cell)(series(), mask=np.ones((B, T), bool))
        with pytest.raises(InvalidArgumentError, match="'counter'; expected a name that is not taken"):
            register_cell(CellInfo(name="another", make=CountingCell, title="", paper="", aliases=("counter",)))
    finally:
        unregister_cell("counting")
    assert "counting" not in list_cells()


def test_what_the_registry_refuses():
    with pytest.raises(InvalidArgumentError, match=r"cell='lsmt'.*Did you mean 'lstm'"):
        cell_info("lsmt")
    with pytest.raises(InvalidArgumentError, match="units=0; expected an integer >= 1"):
        make_cell("lstm", 0)
    with pytest.raises(InvalidArgumentError, match=r"option of mingru='activaton'.*Did you mean 'activation'"):
        make_cell("mingru", 4, activaton="relu")
    with pytest.raises(InvalidArgumentError, match="lower-case letters and digits"):
        CellInfo(name="My_Cell", make=CountingCell, title="", paper="")


def test_the_parallel_form_is_taken_where_it_pays(monkeypatch):
    from kerazoo.cells import recurrent

    monkeypatch.setattr(recurrent, "SCAN_FROM", {False: 8, True: 8})
    taken = []

    def spy(cell):
        original = cell.parallel_call
        cell.parallel_call = lambda *args, **kwargs: taken.append(type(cell).__name__) or original(*args, **kwargs)
        return cell

    for steps, expected in ((7, []), (8, ["MinGRUCell"])):
        taken.clear()
        Recurrent(spy(make_cell("mingru", U)))(series(steps=steps))
        assert taken == expected
    assert recurrent.parallel_pays(4, chunked=True)
    assert not recurrent.parallel_pays(3, chunked=True)
    assert ResidualCell(make_cell("mlstm", U)).chunked
    assert not StackedCells([make_cell("mlstm", U), make_cell("mingru", U)]).chunked
    taken.clear()
    Recurrent(spy(make_cell("mingru", U)), parallel=False)(series(steps=8))
    assert taken == []


@pytest.mark.parametrize("parallel", ["auto", pytest.param(True, marks=slow_on_jax_marks)])
def test_masks_and_dropout_work_compiled_with_unknown_lengths(parallel):
    keras.utils.set_random_seed(1)
    cells = [ResidualCell(DropoutCell(make_cell("mingru", U), 0.1, 0.1, seed=1)), HighwayCell(make_cell("lru", U))]
    if parallel == "auto":
        cells.append(DropoutCell(make_cell("gru", U), 0.1, state_dropout=0.2, seed=1))
    model = keras.Sequential(
        [
            keras.Input((None, U)),
            keras.layers.Masking(0.0),
            *(Recurrent(cell, return_sequences=True, parallel=parallel) for cell in cells),
            keras.layers.Dense(1),
        ]
    )
    x = series()
    x[0, 2] = x[1, 4:] = 0.0
    model.compile("sgd", "mse")
    eager = numpy(model(x))
    np.testing.assert_allclose(model.predict(x, verbose=0), eager, rtol=1e-5, atol=1e-6)
    lengths = [model.predict(x[:, :steps], verbose=0) for steps in (3, 5)]  # so that the length becomes unknown
    np.testing.assert_allclose(lengths[1], eager[:, :5], rtol=1e-5, atol=1e-5)
    assert np.isfinite(model.fit(x, x[..., :1], epochs=2, verbose=0).history["loss"]).all()
