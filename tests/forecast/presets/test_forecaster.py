"""The presets of the package: forecasts of any series without a training, and without Keras."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from kerazoo._presets import KIND, read_preset, write_preset
from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.global_nets import GlobalNet, forecast, forecast_quantiles
from kerazoo.forecast.global_nets.adjustment import adjust
from kerazoo.forecast.presets import PresetForecaster, list_presets, load_forecaster
from kerazoo.forecast.presets.network import NumpyNet
from kerazoo.metrics import mase
from kerazoo.zoo import RNNSpec
from kerazoo.zoo.presets import load_preset

MONTHS = np.arange(96)
SALES = np.exp(0.01 * MONTHS + 0.3 * np.sin(MONTHS * np.pi / 6) + 0.05 * np.random.default_rng(1).normal(size=96))


@pytest.fixture(scope="module")
def small():
    """The forecaster of the package."""
    return load_forecaster("forecast_small")


def test_cards_say_how_the_presets_were_trained():
    card = list_presets()["forecast_small"]
    for name in ("description", "command", "steps", "seed", "seconds", "backend", "machine"):
        assert card[name]
    with pytest.raises(InvalidArgumentError, match=r"preset='forecast_smal'.*'forecast_small'"):
        load_forecaster("forecast_smal")


def test_a_season_with_a_trend_is_continued(small):
    found = small.forecast([SALES[:-12]], 12, period=12)[0]
    assert np.abs(found / SALES[-12:] - 1).mean() < 0.08
    naive = np.abs(SALES[-24:-12] / SALES[-12:] - 1).mean()
    assert np.abs(found / SALES[-12:] - 1).mean() < 0.8 * naive


@pytest.mark.parametrize("factor", [1e-6, 1e9])
def test_units_do_not_matter(small, factor):
    np.testing.assert_allclose(
        small.forecast([factor * SALES], 30, 12), factor * small.forecast([SALES], 30, 12), rtol=1e-3
    )


@pytest.mark.parametrize("level", [1e6, -1e6, 1e9])
def test_changes_of_any_size_have_forecasts_of_that_size(small, level):
    noise = np.random.default_rng(2).normal(size=60)
    usual = np.copysign(1e4, level)  # a negative series has other views than a positive one
    expected = small.forecast_quantiles([usual + noise], [0.1, 0.9], 30) - usual
    found = small.forecast_quantiles([level + noise], [0.1, 0.9], 30) - level
    np.testing.assert_allclose(found, expected, atol=0.4)
    assert np.abs(small.forecast([np.r_[np.full(40, level), level + 1]], 3) - level).max() < 3


@pytest.mark.parametrize("length", [1, 2, 3, 5, 30, 500])
@pytest.mark.parametrize("horizon", [1, 24, 48])
def test_any_length_and_horizon(small, length, horizon):
    y = np.resize(SALES, length)
    found = small.forecast_quantiles([y], [0.025, 0.5, 0.975], horizon, period=12)
    assert found.shape == (1, horizon, 3)
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()
    first = min(horizon, 24)
    np.testing.assert_array_equal(small.forecast([y], horizon, 12)[:, :first], small.forecast([y], 48, 12)[:, :first])


def test_missing_values_are_skipped(small):
    y = SALES.copy()
    y[[3, 20, 21, 22, 50, 90]] = np.nan
    change = np.abs(np.log(small.forecast([y], 12, 12) / small.forecast([SALES], 12, 12)))
    assert change.max() < 0.15


def test_series_are_forecast_each_by_itself(small):
    series = [SALES, np.arange(20.0), -np.ones(7)]
    together = small.forecast(series, 10, 12)
    for place, y in enumerate(series):
        np.testing.assert_allclose(small.forecast([y], 10, 12)[0], together[place], rtol=1e-5)


@pytest.mark.parametrize("level", [7.3, -7.3, 0.0, 1e-310])
def test_equal_values_in_the_window_stay_what_they_are(small, level):
    before = level + 0.01 * abs(level) * np.random.default_rng(1).normal(size=40)
    window = np.full(64, level)
    window[[0, 9]] = np.nan
    other = np.r_[SALES, np.full(63, 0.3)]
    masked = np.ma.masked_array(np.r_[before, window, 5.0], [False] * 104 + [True])
    found = small.forecast_quantiles([other, np.r_[before, window], [2.0], masked], [0.1, 0.9], 30, 12)
    np.testing.assert_array_equal(found[1], level)
    np.testing.assert_array_equal(found[3], level)
    assert (found[0, :, 0] < found[0, :, 1]).all()
    assert (small.forecast([other[:-20]], 3, 1) != 0.3).any()


@pytest.mark.parametrize("factor", [1e-300, 1e-307, 1e-310])
def test_the_smallest_numbers_have_forecasts_of_their_size(small, factor):
    found = small.forecast_quantiles([factor * SALES], [0.025, 0.975], 30, 12)
    expected = factor * small.forecast_quantiles([SALES], [0.025, 0.975], 30, 12)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_levels_out_of_range_are_refused(small):
    with pytest.raises(InvalidArgumentError, match=r"levels=\[0.99\]; expected numbers from 0.025 to 0.975"):
        small.forecast_quantiles([SALES], [0.99])
    with pytest.raises(InvalidArgumentError, match="levels=\\[\\]"):
        small.forecast_quantiles([SALES], [])
    for levels in (0.5, None, "0.5"):
        with pytest.raises(InvalidArgumentError, match=r"levels=.*; expected a list of numbers"):
            small.forecast_quantiles([SALES], levels)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (5, "series is a int; expected a list"),
        ("abc", "series is a str"),
        (pd.DataFrame({"a": [1.0, 2.0]}), r"series is a DataFrame.*\[y\]"),
        ({"a": [1.0, 2.0]}, "series is a dict"),
        ([1.0, 2.0], r"series 0 has the shape \(\).*given as \[y\]"),
        ([["1", "2"]], "series 0: the dtype is <U1; expected numbers"),
        ([pd.date_range("2020", periods=3)], "series 0: the dtype is datetime64"),
        ([np.ones(3) * 1j], "series 0: the dtype is complex128"),
        ([[10**400, 1]], "series 0: int too large"),
    ],
)
def test_what_is_no_list_of_series_of_numbers_is_refused(small, series, message):
    with pytest.raises(InvalidArgumentError, match=message):
        small.forecast(series)


def test_masked_values_are_missing(small):
    masked = np.ma.masked_array(SALES, np.arange(96) == 95)
    assert small.forecast([masked], 3)[0, 0] == small.forecast([np.r_[SALES[:-1], np.nan]], 3)[0, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": {}}, {"settings": {}}, {"weights": []}, {"levels": None}, {"levels": [0.1, 0.9]}, {"limits": [[0, 1]]},
        {"recency": -1.0},
    ],
)  # fmt: skip
def test_files_that_are_no_presets_of_forecasters_are_refused(tmp_path, changes):
    preset = read_preset("forecast_small")
    parts = {name: value for name, value in changes.items() if name in preset._fields}
    settings = parts.pop("settings", {**preset.settings, **changes} if not parts else preset.settings)
    write_preset(tmp_path / "own.safetensors", **{**preset._asdict(), "settings": settings, **parts})
    with pytest.raises(InvalidArgumentError, match="expected"):
        load_forecaster(tmp_path / "own.safetensors")


@pytest.mark.parametrize("notes", [{}, {"spec": {}, "settings": {}, "card": {}}, []])
def test_damaged_files_are_refused(tmp_path, notes):
    path = tmp_path / "own.safetensors"
    write_tensors(path, {"other": np.zeros(2)}, notes, kind=KIND)
    with pytest.raises(StorageError, match=r"own\.safetensors"):
        load_forecaster(path)


def test_missing_files_and_names_say_what_there_is(tmp_path):
    with pytest.raises(
        StorageError, match=r"no\.safetensors: no such file; .*write_preset.*'forecast_small'\.$"
    ) as found:
        load_forecaster(tmp_path / "no.safetensors")
    assert "save()" not in str(found.value)
    with pytest.raises(InvalidArgumentError, match=r"preset='nosuch'; expected one of 'forecast_small'.*write_preset"):
        load_forecaster("nosuch")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(StorageError, match=r"folder\.safetensors: "):
        load_forecaster(tmp_path / "folder.safetensors")


def test_a_file_is_read_once_and_again_when_it_has_changed(tmp_path, monkeypatch):
    preset, reads = read_preset("forecast_small"), []

    def counted(path, **options):
        reads.append(path)
        return read_tensors(path, **options)

    monkeypatch.setattr("kerazoo._presets.read_tensors", counted)
    path = tmp_path / "own.safetensors"
    write_preset(path, *preset)
    first = read_preset(path)
    assert len(reads) == 1
    # What a caller does to the preset does not change that of the next.
    first.spec["lookback"] = first.settings["levels"][0] = None
    first.weights.clear()
    again = read_preset(path)
    assert len(reads) == 1
    assert again.spec == preset.spec
    assert again.settings == preset.settings
    with pytest.raises(ValueError, match="read-only"):
        again.weights[0][...] = 0.0
    write_preset(path, **{**preset._asdict(), "card": {"steps": 7}})
    assert read_preset(path).card == {"steps": 7}
    assert len(reads) == 2


def test_only_weights_that_can_be_read_are_written(tmp_path):
    path = tmp_path / "own.safetensors"
    preset = read_preset("forecast_small")
    write_preset(path, *preset)
    np.testing.assert_array_equal(load_forecaster(path).forecast([SALES]), load_forecaster().forecast([SALES]))
    for factor in (np.nan, 1e9):
        with pytest.raises(InvalidArgumentError, match="not finite in half precision"):
            write_preset(path, *preset._replace(weights=[each * factor for each in preset.weights]))
    with pytest.raises(InvalidArgumentError, match=r"ends with '\.safetensors'"):
        write_preset(tmp_path / "own.bin", *preset)
    arrays = {f"weight{place}": each * np.nan for place, each in enumerate(preset.weights)}
    write_tensors(path, arrays, preset._replace(weights=[])._asdict(), kind=KIND)
    with pytest.raises(StorageError, match="not finite"):
        load_forecaster(path)


@pytest.mark.parametrize("name", [None, 5, b"forecast_small"])
def test_names_are_texts_or_paths(name):
    with pytest.raises(InvalidArgumentError, match="expected a name, or the path"):
        load_forecaster(name)


def odd_series(n, seed):
    """Series that go wrong: constants, jumps, zeros, huge and tiny values, explosions, gaps, a single value."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        length = int(rng.integers(1, 90))
        kind = rng.integers(0, 8)
        y = rng.normal(size=length)
        y = [
            y, np.full(length, y[0]), np.cumsum(y), np.exp(rng.uniform(0, 20) * y), np.where(y > 1, y, 0.0),
            np.exp(rng.uniform(0, 3) * np.arange(length)), np.where(np.arange(length) > length / 2, 1e6, 1.0) + y,
            rng.poisson(0.3, length).astype(float),
        ][kind]  # fmt: skip
        y = np.clip(y, -1e100, 1e100) * 10.0 ** rng.integers(-20, 20)
        if length > 4 and rng.random() < 0.2:
            y[rng.integers(0, length, length // 4)] = np.nan
            y[0] = 1.0
        found.append(y)
    return found


def check_bounds(small, n, seed):
    """Forecasts are finite and within three ranges of each series beyond its values, or the same of its logarithms."""
    series = odd_series(n, seed)
    found = small.forecast_quantiles(series, [0.025, 0.5, 0.975], 36, period=4)
    assert np.isfinite(found).all()
    low, high = (np.array([each(y) for y in series]) for each in (np.nanmin, np.nanmax))
    constant = low == high
    np.testing.assert_array_equal(found[constant], np.broadcast_to(low[constant, None, None], found[constant].shape))
    positive = low > 0
    with np.errstate(over="ignore"):
        assert (found[positive] > 0).all()
        span = np.maximum(high - low, 1e-3 * np.maximum(np.abs(high), np.abs(low)))
        reach = found[~positive] - high[~positive, None, None]
    # A block of 24 steps reaches three ranges of its window; the next one those of a window that has grown.
    assert (reach <= 24 * span[~positive, None, None]).all()


def test_odd_series_stay_within_bounds(small):
    check_bounds(small, 2000, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_a_hundred_thousand_odd_series_stay_within_bounds(small, seed):
    check_bounds(small, 10_000, seed)


@pytest.mark.backend
def test_the_keras_model_forecasts_the_same(small):
    preset = read_preset("forecast_small")
    model = load_preset("forecast_small")
    net = GlobalNet(
        RNNSpec.from_dict(preset.spec), 12, "quantiles", small.levels, tuple(map(tuple, preset.members())),
        np.array(preset.settings["limits"]), (preset.card["steps"],), (preset.card["loss"],),
        recency=preset.settings["recency"], patch=preset.settings.get("patch", 1),
    )  # fmt: skip
    rows = np.random.default_rng(1).normal(size=(3, *model.input_shape[1:])).astype(np.float32)
    each = [NumpyNet(preset.spec, weights)(rows) for weights in preset.members()]
    np.testing.assert_allclose(
        np.reshape(model.predict(rows, verbose=0), each[0].shape), np.mean(each, axis=0), rtol=1e-3, atol=1e-3
    )
    series = [SALES, np.arange(30.0)]
    one_view = PresetForecaster(preset._replace(settings=preset.settings | {"views": 1}))
    np.testing.assert_allclose(forecast(net, series, 30), one_view.forecast(series, 30, 12), rtol=1e-3)
    np.testing.assert_allclose(
        forecast_quantiles(net, series, [0.1, 0.9], 30),
        one_view.forecast_quantiles(series, [0.1, 0.9], 30, 12),
        rtol=2e-3,
    )


def test_a_positive_series_is_looked_at_in_two_ways(small):
    """The mean of the forecasts of logarithms and of values."""
    preset = read_preset("forecast_small")
    first = PresetForecaster(preset._replace(settings=preset.settings | {"views": 1}))
    values = 2 * small.forecast([SALES], 12, 12) - first.forecast([SALES], 12, 12)
    panel = adjust([SALES], 12, recency=preset.settings["recency"], logarithms=False)
    expected = first._extrapolated(panel, 12, ())[..., 0]
    np.testing.assert_allclose(values, np.maximum(expected, 0.0), rtol=1e-6)
    falling = np.linspace(100.0, 1.0, 40)  # its values would be negative soon
    assert (small.forecast_quantiles([falling], [0.025, 0.5], 24) > 0).all()


def test_signs_do_not_matter(small):
    y = list(np.random.default_rng(1).normal(size=(40, 60)))
    found = small.forecast_quantiles(y, [0.1, 0.5, 0.8], 30, 7)
    mirrored = small.forecast_quantiles([-each for each in y], [0.9, 0.5, 0.2], 30, 7)
    np.testing.assert_allclose(found, -mirrored, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found[..., 1], small.forecast(y, 30, 7))


@pytest.mark.parametrize("level", [3e2, 3e3, 1e4, 1e8])
def test_bounds_hold_as_much_whatever_the_level(small, level):
    walks = np.random.default_rng(1).normal(size=(200, 72)).cumsum(axis=1)
    found = small.forecast_quantiles(list(level + walks[:, :60]), [0.1, 0.9], 12) - level
    assert 0.75 < ((found[..., 0] < walks[:, 60:]) & (walks[:, 60:] < found[..., 1])).mean() < 0.9


def test_forecasts_need_no_keras():
    code = (
        "import sys; from kerazoo.forecast.presets import load_forecaster; "
        "print(load_forecaster().forecast([[1.0, 2.0, 3.0, 4.0]], 2).shape, "
        "sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=280)
    assert found.stdout.strip() == "(1, 2) []"


def test_it_is_better_than_naive_forecasts_of_generated_series(small):
    from kerazoo.forecast.generators import generate

    y = generate(256, 84, period=12, seed=987)
    found = small.forecast(list(y[:, :-12]), 12, period=12)
    rows = np.flatnonzero((y[:, 12:-12] != y[:, :-24]).any(axis=1))
    scores, naive = (
        [mase(y[row, -12:], forecasts[row], y[row, :-12], 12) for row in rows] for forecasts in (found, y[:, -24:-12])
    )
    assert np.median(scores) < 0.8 * np.median(naive)
