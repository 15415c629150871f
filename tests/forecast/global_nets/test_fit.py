"""Training and forecasts of global networks, on any backend."""

import json
import signal
from dataclasses import replace

import keras
import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError, StorageError, TrainingError
from kerazoo.forecast.global_nets import GlobalNet, fit_global_net, forecast, forecast_quantiles
from kerazoo.forecast.global_nets.adjustment import adjust
from kerazoo.forecast.global_nets.inputs import Inputs
from kerazoo.forecast.global_nets.windows import windows_at

pytestmark = pytest.mark.backend


def make_series(n=12, seed=0, growth=0.02):
    """Exponential growth of different speeds, with noise, on very different scales."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(30, 50, n)
    speed = growth * rng.uniform(0.5, 1.5, n)
    return [
        10.0 ** rng.integers(-2, 6) * np.exp(rate * np.arange(length) + 0.002 * rng.normal(size=length))
        for rate, length in zip(speed, lengths, strict=True)
    ]


def quick(series, horizon=4, **options):
    options = {"model": "gru_1x8", "n_nets": 1, "steps": 4, "batch_size": 16, "seed": 1, **options}
    return fit_global_net(series, horizon, **options)


@pytest.fixture(scope="module")
def net():
    """Trained long enough to know what growth is."""
    return fit_global_net(make_series(), 4, model="gru_1x16", n_nets=2, steps=150, batch_size=64, seed=1, lookback=8)


def test_it_learns_growth_and_forecasts_series_that_were_not_fitted(net):
    series = make_series(seed=5)
    history, future = [y[:-4] for y in series], np.array([y[-4:] for y in series])
    found = forecast(net, history)
    naive = np.array([np.repeat(y[-1:], 4) for y in history])
    errors = [np.abs(np.log(each / future)).mean() for each in (found, naive)]
    assert errors[0] < 0.4 * errors[1]


def test_forecasts_do_not_depend_on_the_unit_or_on_the_other_series(net):
    series = make_series(seed=6)
    found = forecast(net, series)
    np.testing.assert_allclose(forecast(net, [1000 * y for y in series]), 1000 * found, rtol=1e-4)
    np.testing.assert_allclose(forecast(net, series[3:4]), found[3:4], rtol=1e-5)
    np.testing.assert_allclose(forecast(net, series * 60)[-12:], found, rtol=1e-5)  # more than one call of the network


def test_a_longer_horizon_continues_from_the_forecasts(net):
    series = make_series(seed=7, n=3)
    found = forecast(net, series, horizon=10)
    assert found.shape == (3, 10)
    np.testing.assert_allclose(found[:, :4], forecast(net, series))
    again = forecast(net, [np.concatenate([y, row[:4]]) for y, row in zip(series, found, strict=True)])
    np.testing.assert_allclose(found[:, 4:8], again, rtol=1e-4)
    np.testing.assert_allclose(forecast(net, series, horizon=2), found[:, :2])


def test_short_constant_and_odd_series_have_finite_forecasts(net):
    odd = [
        [3.0],
        [3.0, 4.0],
        [5.0] * 20,
        [0.0] * 20,
        [1e-300, 1e300 ** 0.4, 5.0, 1e-200],
        [-1e140, 1e140] * 5,
        [2.0, np.nan, np.nan, 3.0, np.nan],
        [7.0, *[np.nan] * 30],
        [0.0, 0.0, 0.0, 9.0, 0.0],
        np.exp(np.arange(30.0)),
        np.arange(5),
    ]  # fmt: skip
    found = forecast(net, odd, horizon=30)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], 3, rtol=0.01)
    np.testing.assert_allclose(found[2], 5, rtol=0.01)
    np.testing.assert_allclose(found[7], 7, rtol=0.01)
    np.testing.assert_allclose(found[3], 0, atol=0.01)


def test_no_forecast_runs_away(net):
    """Networks with weights that are far too large stay within three ranges of each window."""
    wild = replace(net, weights=tuple(tuple(1e3 * each for each in weights) for weights in net.weights))
    series = make_series(seed=8)
    found = np.log(forecast(wild, series))
    panel = adjust(series)
    windows = windows_at(panel, np.arange(len(series)), panel.lengths, net.lookback, 0)
    reach = 3 * np.ptp(windows.inputs[:, :, 0], axis=1) * windows.scales
    last = np.log([y[-1] for y in series])
    assert (found <= (last + reach)[:, None] + 1e-6).all()
    assert (found - last[:, None] <= windows.scales[:, None] * net.limits[:, 1] + 1e-6).all()
    assert (found - last[:, None] >= windows.scales[:, None] * net.limits[:, 0] - 1e-6).all()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_networks_and_another_does_not():
    series = make_series()
    first, again = (quick(series, n_nets=2) for _ in range(2))
    other = quick(series, seed=9)
    for a, b in zip(first.weights, again.weights, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
    assert not np.allclose(first.weights[0][0], first.weights[1][0])
    assert not np.allclose(first.weights[0][0], other.weights[0][0])
    # The second network is the same as if it were trained alone: no state of the optimizer is left from the first.
    assert first.losses[1] == pytest.approx(quick(series, n_nets=2).losses[1])


def test_the_optimizer_starts_anew_for_each_network(monkeypatch):
    """Two networks with the same weights and batches end the same."""
    from kerazoo.forecast.global_nets import training

    restart, places, first = training._restart, training.PanelWindows.places, []

    def with_weights_of_the_first(network, weights):
        first.append(weights)
        restart(network, first[0])

    monkeypatch.setattr(training, "_restart", with_weights_of_the_first)
    monkeypatch.setattr(training.PanelWindows, "places", lambda self, key, position, n: places(self, 5, position, n))
    found = quick(make_series(), n_nets=2)
    assert not np.array_equal(first[0][0], first[1][0])
    for x, y in zip(*found.weights, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("loss", "levels"),
    [
        pytest.param("quantiles", (0.1, 0.9), marks=pytest.mark.slow),
        pytest.param("normal", (), marks=pytest.mark.slow),
        pytest.param("student_t", (), marks=pytest.mark.slow),
        pytest.param("negative_binomial", (), marks=pytest.mark.slow),
    ],
)
def test_quantiles_rise_and_hold_the_point(loss, levels):
    rng = np.random.default_rng(3)
    series = [rng.poisson(mean, 40).astype(float) for mean in (0.3, 3, 40, 400)]
    if loss != "negative_binomial":
        series = [y + 5 for y in series]
    net = quick(series, loss=loss, levels=levels, steps=20)
    asked = [0.9, 0.1, 0.5]
    found = forecast_quantiles(net, series, asked, horizon=9)
    assert found.shape == (4, 9, 3)
    assert np.isfinite(found).all()
    high, low, middle = np.moveaxis(found, -1, 0)
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (low[-1] < high[-1]).all()
    if loss == "negative_binomial":
        assert (found >= 0).all()
    else:
        np.testing.assert_allclose(forecast(net, series, horizon=9), middle, rtol=1e-4)
        width = np.log(high / low)
        assert (width[:, 4:] > width[:, :1] * 0.99).all()  # later steps are less certain


@pytest.mark.slow
def test_intervals_hold_on_noise_of_a_known_distribution():
    rng = np.random.default_rng(4)
    series = [100 + scale * rng.normal(size=84) for scale in rng.uniform(0.5, 5, 200)]
    history, future = [y[:-4] for y in series], np.array([y[-4:] for y in series])
    for loss, levels in (("quantiles", (0.1, 0.9)), ("normal", ()), ("student_t", ())):
        net = fit_global_net(history, 4, model="gru_1x16", loss=loss, levels=levels, n_nets=1, steps=400, seed=1)
        low, high = np.moveaxis(forecast_quantiles(net, history, [0.1, 0.9]), -1, 0)
        assert 0.72 < ((low <= future) & (future <= high)).mean() < 0.88, loss


def test_plain_values_bring_the_networks_back(net):
    arrays, notes = net.to_plain()
    again = GlobalNet.from_plain(arrays, json.loads(json.dumps(notes)))
    series = make_series(seed=9)
    np.testing.assert_array_equal(forecast(again, series), forecast(net, series))
    assert (again.steps, again.losses, again.spec) == (net.steps, net.losses, net.spec)
    old = {name: value for name, value in notes.items() if name != "vocabularies"} | {"version": 1}
    again = GlobalNet.from_plain({name: x for name, x in arrays.items() if not name.startswith("inputs")}, old)
    np.testing.assert_array_equal(forecast(again, series), forecast(net, series))
    with pytest.raises(StorageError, match="'vocabularies' is missing"):
        GlobalNet.from_plain(arrays, {**old, "version": 2})
    with pytest.raises(StorageError, match="version 7; expected one of"):
        GlobalNet.from_plain(arrays, {**notes, "version": 7})
    with pytest.raises(StorageError, match="'limits' is missing"):
        GlobalNet.from_plain({name: value for name, value in arrays.items() if name != "limits"}, notes)


class AtStep(keras.callbacks.Callback):
    def __init__(self, step, action):
        super().__init__()
        self.step, self.action, self.seen = step, action, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.step:
            self.action(self)


def test_ctrl_c_keeps_the_finished_networks_and_progress_shows_them(capfd):
    interrupt = AtStep(6, lambda callback: signal.raise_signal(signal.SIGINT))
    found = quick(make_series(), n_nets=3, steps=5, callbacks=interrupt, verbose=1)
    shown = capfd.readouterr().err
    assert "network 1 of 3: 100%" in shown
    assert "network 2 of 3:  20%" in shown
    assert "network 3" not in shown
    assert found.interrupted
    assert found.steps == (5,)
    assert np.isfinite(forecast(found, make_series())).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_ctrl_c_in_the_first_network_keeps_it_as_far_as_it_got():
    interrupt = AtStep(3, lambda callback: signal.raise_signal(signal.SIGINT))
    found = quick(make_series(), n_nets=3, steps=5, callbacks=interrupt)
    assert (found.interrupted, found.steps, len(found.weights)) == (True, (3,), 1)
    assert np.isfinite(forecast(found, make_series())).all()


@pytest.mark.slow
def test_a_network_that_diverges_is_said_and_left_out():
    class Broken(keras.callbacks.Callback):
        """Makes the weights of the first networks NaN before their first step."""

        def __init__(self, n):
            super().__init__()
            self.n, self.seen = n, 0

        def on_train_begin(self, logs=None):
            self.seen += 1
            if self.seen <= self.n:
                weight = self.model.trainable_variables[0]
                weight.assign(np.full(weight.shape, np.nan, np.float32))

    with pytest.warns(
        RuntimeWarning, match="a network is left out: .*not finite|a network is left out: the loss is nan"
    ):
        found = quick(make_series(), n_nets=2, callbacks=Broken(1))
    assert len(found.weights) == 1
    assert np.isfinite(forecast(found, make_series())).all()
    with pytest.raises(TrainingError, match=r"nan|finite"):
        quick(make_series(), n_nets=2, callbacks=Broken(2))


@pytest.mark.slow
def test_global_dtypes_of_keras_do_not_matter(net):
    series = make_series()
    expected, trained = forecast(net, series), quick(series)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        np.testing.assert_array_equal(forecast(net, series), expected)
        np.testing.assert_array_equal(quick(series).weights[0][0], trained.weights[0][0])
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mingru_1x8", "lstm_2x8_residual", "slstm_1x8", "s5_1x8"])
def test_any_layers_of_the_zoo(model):
    assert np.isfinite(forecast(quick(make_series(), model=model), make_series())).all()


def test_wrong_arguments_are_refused(net):
    series = make_series()
    for options, message in (
        ({"horizon": 0}, "horizon=0"),
        ({"steps": 0}, "steps=0"),
        ({"n_nets": 0}, "n_nets=0"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"lookback": 1}, "lookback=1"),
        ({"model": "gru_1x8_v100"}, "vocabulary"),
        ({"model": "gru_1x8_masked"}, "masked"),
        ({"model": 3}, "model=3; expected a name"),
        ({"lookback": 400}, "Use a smaller lookback"),
        ({"loss": "negative_binomial"}, "expected whole numbers"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            quick(series, **options)
    with pytest.raises(InvalidArgumentError, match="expected a loss with a distribution"):
        forecast_quantiles(net, series, [0.5])
    with pytest.raises(InvalidArgumentError, match="levels"):
        forecast_quantiles(net, series, [1.5])
    with pytest.raises(InvalidArgumentError, match="at least one number"):
        forecast_quantiles(net, series, [])


def test_a_training_starts_from_other_networks(tmp_path):
    """From zero steps of a tiny rate, the forecasts are those of the networks that it starts from."""
    rng = np.random.default_rng(1)
    series = [np.exp(0.02 * np.arange(60) + 0.1 * rng.normal(size=60)) for _ in range(4)]
    first = replace(
        fit_global_net(series, 3, model="mingru_1x8_residual", loss="quantiles", levels=[0.1, 0.9], lookback=8,
                       n_nets=2, steps=20, seed=1),
        recency=0.75, any_scale=True,
    )  # fmt: skip
    same = fit_global_net(series, 99, model="gru_1x4", n_nets=2, steps=1, learning_rate=1e-9, seed=5, initial=first)
    assert (same.spec, same.levels, same.recency, same.any_scale) == (first.spec, first.levels, 0.75, True)
    np.testing.assert_allclose(forecast(same, series), forecast(first, series), rtol=1e-5)
    trained = fit_global_net(series, 3, n_nets=2, steps=100, seed=5, initial=first)
    assert np.mean(trained.losses) < np.mean(first.losses)
    assert (trained.limits[:, 0] <= first.limits[:, 0]).all()
    assert (trained.limits[:, 1] >= first.limits[:, 1]).all()
    with pytest.raises(InvalidArgumentError, match="inputs with initial networks"):
        fit_global_net(series, 3, initial=first, inputs=Inputs(static=np.ones((4, 1))), steps=1)
