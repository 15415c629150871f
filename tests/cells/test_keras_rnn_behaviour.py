"""What Keras's tests of RNN, Bidirectional, StackedRNNCells, LSTM and GRU demand, for cells of every family."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from keras.layers import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells

from kerazoo.cells import Bidirectional, DropoutCell, Recurrent, ResidualCell, StackedCells, list_cells, make_cell
from kerazoo.cells.base import state_sizes_of
from kerazoo.errors import InvalidArgumentError
from tests.helpers.speed import slow_on_jax_marks

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]

B, T, F, UNITS = 3, 5, 2, 4  # differ on every axis
# One cell of each kind: linear, with a memory, with a normaliser, with a matrix, with time stamps, stacked.
DEFAULT = ["mingru", "slstm", "stack"]  # run by default; the others are marked `slow`
CELLS = [
    *DEFAULT,
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("lmu", "mlstm", "indrnn", "phased", "nas")),
]


def made(name):
    keras.utils.set_random_seed(1)
    if name == "stack":
        return StackedCells([make_cell("gru", 3), make_cell("mingru", UNITS)])
    return make_cell(name, UNITS)


def series(batch=B, steps=T):
    values = np.random.default_rng(2).normal(size=(batch, steps, F)).astype("float32")
    values[..., -1] = np.cumsum(np.abs(values[..., -1]), axis=1)  # time, for the cells that read it there
    return values


def numpy_of(values):
    return [ops.convert_to_numpy(value) for value in keras.tree.flatten(values)]


def assert_close(actual, wanted):
    for one, other in zip(numpy_of(actual), numpy_of(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_shapes_are_those_that_compute_output_shape_states(name):
    cell, x = made(name), series()
    states = [(B, size) for size in state_sizes_of(cell)]
    for sequences in (False, True):
        for with_state in (False, True):
            layer = Recurrent(cell, return_sequences=sequences, return_state=with_state)
            result = layer(x)
            wanted = [(B, T, UNITS) if sequences else (B, UNITS), *(states if with_state else [])]
            assert [value.shape for value in numpy_of(result)] == wanted
            stated = layer.compute_output_shape((B, T, F))
            assert [tuple(s) for s in (stated if with_state else [stated])] == wanted


@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_read_backwards_is_the_reversed_sequence(name):
    cell, x = made(name), series()
    forwards = Recurrent(cell, return_sequences=True, return_state=True)
    backwards = Recurrent(cell, return_sequences=True, return_state=True, go_backwards=True)
    assert_close(backwards(x), forwards(x[:, ::-1].copy()))


@pytest.mark.parametrize("name", CELLS)
def test_the_unrolled_loop_equals_the_loop(name):
    cell, x = made(name), series()
    loop = Recurrent(cell, return_sequences=True, return_state=True, parallel=False)
    unrolled = Recurrent(cell, return_sequences=True, return_state=True, parallel=False, unroll=True)
    assert_close(unrolled(x), loop(x))


@pytest.mark.parametrize("name", CELLS)
def test_states_that_are_passed_on_continue_a_sequence(name):
    cell, x = made(name), series()
    layer = Recurrent(cell, return_sequences=True, return_state=True)
    whole, *last = layer(x)
    first, *states = layer(x[:, :2])
    second, *after = layer(x[:, 2:], initial_state=states)
    assert_close(ops.concatenate([first, second], axis=1), whole)
    assert_close(after, last)


def test_a_single_state_needs_no_list_and_a_wrong_number_is_refused():
    layer, x, state = Recurrent(made("indrnn")), series(), np.ones((B, UNITS), "float32")
    assert_close(layer(x, initial_state=state), layer(x, initial_state=[state]))
    assert not np.allclose(numpy_of(layer(x, initial_state=state))[0], numpy_of(layer(x))[0])
    with pytest.raises(InvalidArgumentError, match="has 2 tensors"):
        layer(x, initial_state=[state, state])


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("parallel", ["auto", False])
def test_padding_does_not_count_at_the_end_nor_at_the_start(name, parallel):
    cell, x = made(name), series()
    layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)
    short, *states = layer(x[:, :3])
    at_end = np.arange(T)[None] < np.full((B, 1), 3)
    outputs, *after = layer(x, mask=at_end)
    assert_close(outputs[:, :3], short)
    assert_close(after, states)
    assert_close(outputs[:, 4], short[:, 2])  # repeated

    late, *states = layer(x[:, 2:])
    outputs, *after = layer(x, mask=np.arange(T)[None] >= np.full((B, 1), 2))
    assert_close(outputs[:, 2:], late)
    assert_close(after, states)
    assert not np.any(numpy_of(outputs[:, :2])[0])


@pytest.mark.parametrize("name", CELLS)
def test_masked_outputs_are_zeros_if_asked_for(name):
    cell, x = made(name), series()
    mask = np.array([[True, False, True, True, False]] * B)
    held = numpy_of(Recurrent(cell, return_sequences=True)(x, mask=mask))[0]
    zeroed = Recurrent(cell, return_sequences=True, zero_output_for_mask=True)
    outputs = numpy_of(zeroed(x, mask=mask))[0]
    assert_close(outputs[:, [0, 2, 3]], held[:, [0, 2, 3]])
    assert not outputs[:, [1, 4]].any()
    assert np.abs(held[:, 4]).max() > 0


@pytest.mark.parametrize("name", CELLS)
def test_one_step_is_a_call_of_the_cell_and_the_batch_size_can_change(name):
    cell, x = made(name), series()
    layer = Recurrent(cell, return_state=True)
    output, *states = layer(x[:, :1])
    assert_close([output, *states], keras.tree.flatten(cell(x[:, 0], cell.get_initial_state(batch_size=B))))
    rows = [layer(x[i : i + 1])[0] for i in range(B)]
    assert_close(ops.concatenate(rows, axis=0), layer(x)[0])


def test_stateful_is_refused_with_the_way_to_pass_states():
    with pytest.raises(InvalidArgumentError, match=r"return_state=True.*initial_state"):
        Recurrent(made("mingru"), stateful=True)


@pytest.mark.parametrize("name", ["mingru", "slstm", "nas"])
def test_keras_layer_keeps_states_between_calls_until_they_are_reset(name):
    cell, x = made(name), series()
    whole = Recurrent(cell)(x)
    layer = keras.layers.RNN(cell, stateful=True)
    first = numpy_of(layer(x[:, :2]))[0]
    assert_close(layer(x[:, 2:]), whole)
    layer.reset_state()
    assert_close(layer(x[:, :2]), first)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("merge_mode", ["concat", "sum", None])
def test_two_directions_are_a_layer_and_its_reverse(name, merge_mode):
    x = series()
    layer = Bidirectional(Recurrent(made(name), return_sequences=True), merge_mode=merge_mode)
    result = layer(x)
    one, two = layer.forward_layer(x), ops.flip(layer.backward_layer(x), axis=1)
    wanted = {
        "concat": lambda: ops.concatenate([one, two], axis=-1),
        "sum": lambda: one + two,
        None: lambda: [one, two],
    }
    assert_close(result, wanted[merge_mode]())


@pytest.mark.parametrize(
    "cells",
    [(LSTMCell, LSTMCell), (GRUCell, LSTMCell), (SimpleRNNCell, GRUCell)],
    ids=lambda cells: "-".join(cell.__name__ for cell in cells),
)
def test_a_stack_of_keras_with_nested_states_runs_as_ours(cells):
    made_cells, x = [make(units) for make, units in zip(cells, (3, UNITS), strict=True)], series()
    mask = np.array([[True, True, True, True, False]] * B)
    keras_stack = Recurrent(StackedRNNCells(made_cells), return_state=True)
    our_stack = Recurrent(StackedCells(made_cells), return_state=True)
    result = keras_stack(x)
    assert_close(result, our_stack(x))
    assert_close(result, keras.layers.RNN(StackedRNNCells(made_cells), return_state=True)(x))
    assert_close(keras_stack(x, mask=mask), our_stack(x, mask=mask))
    assert_close(keras_stack(x, initial_state=result[1:]), our_stack(x, initial_state=result[1:]))
    assert [tuple(s) for s in keras_stack.compute_output_shape((B, T, F))] == [v.shape for v in numpy_of(result)]
    again = Recurrent.from_config(keras_stack.get_config())
    again.build((B, T, F))
    again.set_weights(keras_stack.get_weights())
    assert_close(again(x), result)


WITH_DROPOUT = {
    "cell": lambda: LSTMCell(8, dropout=0.5),
    "recurrent": lambda: GRUCell(8, recurrent_dropout=0.5),
    "list": lambda: [LSTMCell(8, dropout=0.5, recurrent_dropout=0.25)],
    "list, the second": lambda: [GRUCell(7), SimpleRNNCell(8, dropout=0.5)],
    "stack": lambda: StackedCells([StackedCells([GRUCell(7), LSTMCell(8, dropout=0.5)])]),
    "Keras's stack": lambda: StackedRNNCells([GRUCell(7, dropout=0.5), LSTMCell(8)]),
    "wrapper around a stack": lambda: ResidualCell(StackedCells([GRUCell(7), GRUCell(F, dropout=0.5)])),
    "ours": lambda: DropoutCell(GRUCell(8), input_dropout=0.5),
}


@pytest.mark.parametrize("kind", WITH_DROPOUT)
def test_each_call_in_training_draws_new_masks(kind):
    keras.utils.set_random_seed(3)
    layer, x = Recurrent(WITH_DROPOUT[kind](), return_sequences=True), series()
    one, two = (numpy_of(layer(x, training=True))[0] for _ in range(2))
    assert not np.allclose(one, two)
    assert numpy_of(layer(x[:2], training=True))[0].shape[0] == 2  # another batch size
    assert_close(layer(x), layer(x))  # none when not training


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind == "list" else [pytest.mark.slow]) for kind in WITH_DROPOUT]
)
def test_masks_of_a_compiled_training_stay_in_it(kind):
    layer, x = Recurrent(WITH_DROPOUT[kind](), return_sequences=True), series()
    model = keras.Sequential([keras.Input((T, F)), layer])
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((B, T, layer.compute_output_shape(x.shape)[-1])), batch_size=2, verbose=0)  # 2 and 1 rows
    outside, again = (numpy_of(layer(x, training=True))[0] for _ in range(2))
    assert not np.allclose(outside, again)


def test_a_failed_call_leaves_no_mask_behind():
    cell, x = LSTMCell(8, dropout=0.5), series()
    layer = Recurrent([cell])
    layer(x, training=True)
    with pytest.raises(Exception, match=r"."):
        layer(x, initial_state=[np.zeros((B, 1), "float32")] * 2, training=True)
    assert cell._dropout_mask is None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "mlstm" else [pytest.mark.slow])
        for name in [*list_cells(linear=True), "gru", "slstm"]
    ],
)
@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
def test_a_layer_and_its_cells_can_have_different_dtypes(name, dtype):
    x, mask = series(), np.array([[True, True, False, True, True]] * B)
    policy = keras.dtype_policies.get(dtype)
    linear = name in list_cells(linear=True)

    def made_of(*dtypes):
        return [make_cell(name, UNITS) if each is None else make_cell(name, UNITS, dtype=each) for each in dtypes]

    for cell in (*made_of(None), *made_of(dtype), made_of(None, dtype), made_of(dtype, None)):
        cell = StackedCells(cell) if isinstance(cell, list) else cell  # so that both layers share the weights
        results = []
        for parallel in (True, False) if linear else (False,):
            layer = Recurrent(cell, dtype=policy, parallel=parallel, return_sequences=True)
            result = layer(x, mask=mask, training=True)
            # JAX has no float64 unless it is switched on.
            wanted = "float32" if dtype == "float64" and keras.backend.backend() == "jax" else policy.compute_dtype
            assert keras.backend.standardize_dtype(result.dtype) == wanted
            results.append(numpy_of(ops.cast(result, "float32"))[0])
        np.testing.assert_allclose(results[0], results[-1], rtol=2e-2, atol=5e-3)


@pytest.mark.parametrize("name", list_cells(linear=True)[:2] + [pytest.param(n, marks=pytest.mark.slow)
                                                                for n in list_cells(linear=True)[2:]])  # fmt: skip
def test_a_wrapped_cell_of_another_dtype_runs_in_parallel(name):
    cell = DropoutCell(make_cell(name, UNITS, dtype="float64"), 0.5)
    outputs = Recurrent(cell, parallel=True, return_sequences=True)(series())
    assert numpy_of(outputs)[0].shape == (B, T, UNITS)
