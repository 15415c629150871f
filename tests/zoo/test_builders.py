"""Models from specs and names: shapes, equal styles, validation."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo.cells import Recurrent, cell_info
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo import LayerSpec, RNNSpec
from tests.helpers.speed import slow_on_jax_marks

pytestmark = pytest.mark.backend

B, T = 2, 5


def numpy(x):
    return ops.convert_to_numpy(x)


def inputs_of(spec, seed=0, batch=B, steps=T):
    rng = np.random.default_rng(seed)
    if spec.vocabulary is not None:
        return rng.integers(0, spec.vocabulary, (batch, steps)).astype("int32")
    x = rng.normal(size=(batch, steps, spec.features + spec.timestamps)).astype("float32")
    if spec.timestamps:
        x[..., -1] = np.cumsum(np.abs(x[..., -1]), axis=1)
    return x


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param("lstm_2x4", (B, T, 1), marks=slow_on_jax_marks),
        pytest.param("lstm_2x4_seq2one", (B, 1), marks=slow_on_jax_marks),
        ("lstm_2x4_seq2one_h3_o2", (B, 3, 2)),
        pytest.param("gru_1x4_h3_o2", (B, T, 3, 2), marks=slow_on_jax_marks),
        pytest.param("gru_1x4_f3_t5", (B, T, 1), marks=slow_on_jax_marks),
        ("bigru_1x4_nohead", (B, T, 8)),
        pytest.param("gru_1x4_seq2one_nohead", (B, 4), marks=slow_on_jax_marks),
        pytest.param("gru_1x4_v9_e3_softmax", (B, T, 9), marks=slow_on_jax_marks),
        ("gru_1x4_v9_e3_softmax_seq2one", (B, 9)),
        ("gru_1x4_v9_e3_nce", (B, T, 9)),
        pytest.param("gru_1x4_v9_e3", (B, T, 1), marks=slow_on_jax_marks),
        ("biconvlstm_2x3_f4", (B, T, 1)),
        pytest.param("convlstm_1x3_f4_seq2one", (B, 1), marks=slow_on_jax_marks),
        ("minlstm_2x4_timestamps", (B, T, 1)),
        ("lstm_1x4_attention3_proj5_dropin10_dropout10_dropstate10", (B, T, 1)),
    ],
)
def test_shapes_and_both_styles_are_the_same_model(name, shape):
    spec = RNNSpec.from_name(name)
    functional = zoo.build(name, seed=1)
    sequential = zoo.build(spec, "sequential", seed=2)
    assert isinstance(sequential, keras.Sequential)
    assert not isinstance(functional, keras.Sequential)
    x = inputs_of(spec)
    y = numpy(functional(x))
    assert y.shape == shape
    assert functional.output_shape[-1] == shape[-1]
    assert [w.shape for w in functional.weights] == [w.shape for w in sequential.weights]
    sequential.set_weights(functional.get_weights())
    np.testing.assert_allclose(numpy(sequential(x)), y, rtol=1e-6, atol=1e-6)


def test_states_follow_the_output_and_can_be_those_of_any_cell():
    model = zoo.build("lstm_1x4-bigru3-mlstm_1x4_states", seed=1)
    y, *states = model(inputs_of(RNNSpec.from_name("lstm_1x4")))
    assert y.shape == (B, T, 1)
    sizes = [4, 4, 3, 3, *cell_info("mlstm").state_sizes(4)]
    assert [tuple(state.shape) for state in states] == [(B, size) for size in sizes]


def test_keras_layers_are_used_where_possible():
    def kinds(name):
        return [type(layer).__name__ for layer in zoo.build(name).layers if isinstance(layer, keras.layers.RNN)]

    assert kinds("lstm_1x4-gru4-rnn4") == ["LSTM", "GRU", "SimpleRNN"]
    assert kinds("lstm_1x4_dropin10_dropout10") == ["LSTM"]
    assert kinds("lstm_1x4_relu") == ["LSTM"]
    assert kinds("lstm_1x4_loop-gru4_residual-mgu4") == ["Recurrent"] * 3
    assert kinds("lstm_1x4_timestamps") == ["Recurrent"]


def test_the_same_seed_gives_the_same_weights():
    one, other, third = (zoo.build("slstm_1x4-gru4", seed=seed).get_weights() for seed in (3, 3, 4))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one, third, strict=True))


def test_a_residual_connection_is_projected_where_widths_differ():
    model = zoo.build("gru_2x6_residual_f3", seed=1)
    first, second = (layer.cell for layer in model.layers if isinstance(layer, Recurrent))
    assert type(first).__name__ == "InputProjectionCell"
    assert type(second).__name__ == "ResidualCell"
    with pytest.raises(
        InvalidArgumentError, match=r"residual.*inputs of width 3.*width 6.*input_projection=6.*projection=3"
    ):
        zoo.build("gru_1x6_strictresidual_f3")
    assert zoo.build("gru_1x6_strictresidual_f6")(np.zeros((1, 2, 6), "float32")).shape == (1, 2, 1)
    mended = RNNSpec((LayerSpec("gru", 6, residual=True, projection=3),), features=3)
    assert zoo.build(mended)(np.zeros((1, 2, 3), "float32")).shape == (1, 2, 1)


def test_every_model_counts_its_own_dropout_seeds():
    model = zoo.build("lstm_2x8_dropout50_seq2one_nohead", seed=1)
    x = inputs_of(RNNSpec.from_name("lstm_1x8"))
    assert (numpy(model(x, training=True)) == 0).any()
    np.testing.assert_array_equal(numpy(model(x)), numpy(model(x, training=False)))


@pytest.mark.parametrize("style", ["functional", "sequential"])
@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("gru_1x4_f2", (2, 5), r"\(2, 5\)" if keras.backend.backend() != "torch" else "Invalid input shape"),
        ("gru_1x4", (2, 0, 1), "no steps"),
        ("gru_1x4_f2", (2, 5, 3), r"3 features|found shape=\(2, 5, 3\)"),
        ("phased_1x4_timestamps", (2, 5, 1), "time stamps missing"),
        ("bilstm_1x4", (2, 0, 1), "no steps"),
    ],
)
def test_a_wrong_input_is_an_error_that_says_so(name, shape, message, style):
    model = zoo.build(name, style)
    x = np.zeros(shape, "float32")
    for run in (model, lambda x: model.predict(x, verbose=0)):
        with pytest.raises(Exception, match=message) as caught:
            run(x)
        assert isinstance(caught.value, ValueError)


def test_builders_validate_their_arguments():
    with pytest.raises(InvalidArgumentError, match=r"style='functionl'.*Did you mean 'functional'"):
        zoo.build("lstm_1x4", "functionl")
    with pytest.raises(InvalidArgumentError, match="return_states=True; expected 'functional'"):
        zoo.build("lstm_1x4_states", "sequential")
    with pytest.raises(InvalidArgumentError, match="expected an RNNSpec or a name"):
        zoo.build(3)
    with pytest.raises(InvalidArgumentError, match="unroll=True without lookback"):
        zoo.build("lstm_1x4", unroll=True)


def test_unrolled_models_give_the_same_numbers():
    name = "lstm_1x4-mgu4_residual_seq2one_t5"
    rolled, unrolled = zoo.build(name, seed=1), zoo.build(name, unroll=True, seed=1)
    x = inputs_of(RNNSpec.from_name(name))
    np.testing.assert_allclose(numpy(rolled(x)), numpy(unrolled(x)), rtol=1e-5, atol=1e-6)


def test_the_manual_network_of_two_steps():
    rng = np.random.default_rng(0)
    x0, x1 = np.array([[0, 1], [2, 3], [4, 5]]), np.array([[100, 101], [102, 103], [104, 105]])
    Wx, Wy, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)
    (y0, y1), (state,) = zoo.unroll(3, [x0, x1], [Wx, Wy, b])
    np.testing.assert_allclose(numpy(y0), np.tanh(x0 @ Wx + b), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(numpy(y1), np.tanh(np.tanh(x0 @ Wx + b) @ Wy + x1 @ Wx + b), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(numpy(y1), numpy(state))
    layer = keras.layers.SimpleRNN(3, return_sequences=True)
    layer.build((None, 2, 2))
    layer.set_weights([Wx, Wy, b])
    both = numpy(layer(np.stack([x0, x1], axis=1).astype("float32")))
    np.testing.assert_allclose(np.stack([numpy(y0), numpy(y1)], axis=1), both, rtol=1e-6, atol=1e-6)
    named, _ = zoo.unroll(3, [x0, x1], {"kernel": Wx, "recurrent_kernel": Wy, "bias": b})
    np.testing.assert_array_equal(numpy(named[1]), numpy(y1))
    (again,), _ = zoo.unroll(keras.layers.SimpleRNNCell(3), [x1], [Wx, Wy, b], initial_state=[numpy(y0)])
    np.testing.assert_allclose(numpy(again), numpy(y1), rtol=1e-6, atol=1e-6)
    with pytest.raises(InvalidArgumentError, match="no steps"):
        zoo.unroll(3, [])
    with pytest.raises(InvalidArgumentError, match=r"inputs_by_time\[1\] has shape \(3, 3\)"):
        zoo.unroll(3, [x0, np.zeros((3, 3))])
    with pytest.raises(InvalidArgumentError, match=r"2 weights; expected 3: kernel \(2, 3\)"):
        zoo.unroll(3, [x0, x1], [Wx, Wy])
    with pytest.raises(InvalidArgumentError, match=r"weights\['kernel'\] has shape \(3, 3\); expected \(2, 3\)"):
        zoo.unroll(3, [x0, x1], {"kernel": Wy})


def test_an_lstm_of_half_precision_does_not_use_cudnn_on_jax(monkeypatch):
    """On JAX, Keras calls cuDNN for an LSTM of any dtype, and a model of half precision does not compile on a GPU."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        assert zoo.build("lstm_1x4").layers[-2].use_cudnn is False
        assert zoo.build("gru_1x4").layers[-2].use_cudnn == "auto"
        keras.config.set_dtype_policy("float32")
        assert zoo.build("lstm_1x4").layers[-2].use_cudnn == "auto"
    finally:
        keras.config.set_dtype_policy(before)
