"""Further inputs: what a window gets of them, what is refused, and that networks use them, on any backend."""

import json
from dataclasses import replace

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.global_nets import GlobalNet, Inputs, fit_global_net, forecast, forecast_quantiles
from kerazoo.forecast.global_nets.adjustment import adjust
from kerazoo.forecast.global_nets.batches import PanelWindows
from kerazoo.forecast.global_nets.inputs import InputCoder

pytestmark = pytest.mark.backend

H, L = 4, 8
LENGTHS = np.array([12, 9])


def example(ahead=H, seed=0):
    rng = np.random.default_rng(seed)
    return Inputs(
        past=[rng.normal(5, 2, (n, 1)) for n in LENGTHS],
        known=[rng.normal(-3, 4, (n + ahead, 2)) for n in LENGTHS],
        static=[[1.0], [3.0]],
        categories=[["north", 1], ["south", 2]],
    )


def example_series(seed=1):
    rng = np.random.default_rng(seed)
    return [10 + rng.random(n) for n in LENGTHS]


def changed(**parts):
    return Inputs(**{**vars(example()), **parts})


def test_a_window_gets_its_steps_and_the_known_covariates_ahead():
    given = example()
    given.past[0][4] = np.nan
    coder = InputCoder.learn(given, LENGTHS)
    coded = coder.code(given, LENGTHS, H)
    series, ends = np.array([1, 0, 1, 0]), np.array([9, 7, 3, 14])  # the last one ends two steps after its series
    windows = np.zeros((4, 5, 3), np.float32)
    steps, numbers, codes = coded.join(windows, series, ends, H)
    assert (coder.n_columns, coder.n_numbers(H), coder.categories) == (3, 1 + 2 * H, (2, 2))
    assert (steps.dtype, numbers.dtype, codes.dtype) == (np.float32, np.float32, np.int32)
    past = np.concatenate(given.past)
    known = np.concatenate([rows[:n] for rows, n in zip(given.known, LENGTHS, strict=True)])

    def scaled(rows, every, step):
        inside = 0 <= step < len(rows)
        z = (rows[step] - np.nanmean(every, 0)) / np.nanstd(every, 0) if inside else np.zeros(every.shape[1])
        return np.where(np.isnan(z), 0.0, z)

    for i, (s, end) in enumerate(zip(series, ends, strict=True)):
        for t in range(5):
            expected = [scaled(given.past[s], past, end - 5 + t), scaled(given.known[s], known, end - 5 + t)]
            np.testing.assert_allclose(steps[i, t, 3:], np.concatenate(expected), rtol=1e-5)
        ahead = [scaled(given.known[s], known, end + h) for h in range(H)]
        np.testing.assert_allclose(numbers[i], [(-1.0, 1.0)[s], *np.ravel(ahead)], rtol=1e-5)
    np.testing.assert_array_equal(codes, np.array([[1, 1], [2, 2]])[series])


def test_values_that_the_training_has_not_seen():
    coder = InputCoder.learn(changed(categories=[["north", 1], [None, np.nan]]), LENGTHS)
    assert coder.vocabularies == (("north",), ("1",))
    coder = InputCoder.learn(example(), LENGTHS)
    other = changed(static=[[2.0], [np.nan]], categories=[["east", 2.0], ["north", np.int32(3)]])
    coded = coder.code(other, LENGTHS, H)
    assert coded.categories.tolist() == [[0, 2], [1, 0]]
    assert coded.static.tolist() == [[0.0], [0.0]]
    assert coder.code(changed(static=[[1e150], [-1e150]]), LENGTHS).static.tolist() == [[100.0], [-100.0]]
    constant = InputCoder.learn(Inputs(static=[[0.1], [0.1]]), LENGTHS)
    assert constant.code(Inputs(static=[[0.1], [0.6]]), LENGTHS).static.tolist() == [[0.0], [0.5]]
    missing = InputCoder.learn(Inputs(static=[[np.nan], [np.nan]]), LENGTHS)
    assert missing.code(Inputs(static=[[np.nan], [2.0]]), LENGTHS).static.tolist() == [[0.0], [2.0]]


def test_batches_depend_on_the_epoch_and_the_number_of_a_window_only():
    coder = InputCoder.learn(example(), LENGTHS)
    panel = adjust(example_series())

    def data(given, **options):
        return PanelWindows(panel, L, H, extra=coder.code(given, LENGTHS), seed=4, **options)

    large = data(example(), steps=1, batch_size=1200)
    x, numbers, codes = large.at(1, 0)[0]
    assert (x.shape, numbers.shape, codes.shape) == ((1200, L, 6), (1200, 1 + 2 * H), (1200, 2))
    small = data(example(), steps=3, batch_size=400)
    for batches, whole in zip(
        zip(*(small.at(1, i)[0] for i in range(3)), strict=True), (x, numbers, codes), strict=True
    ):
        np.testing.assert_array_equal(np.concatenate(batches), whole)
    assert not np.array_equal(large.at(0, 0)[0][2], codes)
    hidden = codes == 0
    assert np.abs(hidden.mean(axis=0) - 0.1).max() < 0.03
    assert 0 < (hidden.all(axis=1)).mean() < 0.04  # each column on its own
    plain = PanelWindows(panel, L, H, seed=4, steps=1, batch_size=1200).at(1, 0)
    np.testing.assert_array_equal(plain[0], x[:, :, :3])
    with pytest.raises(InvalidArgumentError, match="state of other data"):
        data(example(seed=3)).load_state_dict(data(example()).state_dict())


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"past": [np.ones((12, 1))]}, r"past has 1 arrays for 2 series; expected one array \(steps, columns\)"),
        ({"past": [np.ones(12), np.ones(9)]}, r"past\[0\] has the shape \(12,\); expected \(12, columns\)"),
        ({"past": [np.ones((12, 1)), np.ones((9, 2))]}, r"past\[1\] has 2 columns; expected 1"),
        ({"past": [np.ones((12, 1)), np.ones((8, 1))]}, r"past\[1\] has 8 rows for a series of 9 steps; expected 9\."),
        ({"past": [np.ones((16, 1)), np.ones((13, 1))]}, r"expected 12. .*known in advance are Inputs\(known=...\)"),
        ({"known": [np.ones((16, 2)), np.ones((12, 2))]}, r"known\[1\] has 12 rows .* 4 ahead; expected 13 or more"),
        ({"known": [np.ones((16, 2)), np.full((13, 2), np.inf)]}, r"known\[1\] has infinite values; expected numbers"),
        ({"known": [[["a", "b"]] * 16] * 2}, r"known\[0\]: could not convert.*Text belongs in categories"),
        ({"static": [[1.0]]}, r"static has the shape \(1, 1\); expected \(2, columns\)"),
        ({"static": [1.0, 2.0]}, r"static has the shape \(2,\); expected \(2, columns\)"),
        ({"static": None}, r"static with 0 columns; expected 1, as in the training .* Give Inputs\(static="),
        ({"categories": [["a"], ["b"]]}, "categories with 1 columns; expected 2"),
        ({"categories": ["a", "b"]}, r"categories has the shape \(2,\); expected \(2, columns\)"),
        ({"categories": [["a", "b"], ["b"]]}, r"categories has the shape \(2,\); expected \(2, columns\)"),
    ],
)  # fmt: skip
def test_wrong_inputs_are_refused(parts, message):
    coder = InputCoder.learn(example(), LENGTHS)
    with pytest.raises(InvalidArgumentError, match=message):
        coder.code(changed(**parts), LENGTHS, H)


def test_inputs_that_the_training_did_not_have_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"known with 2 columns; expected 0, .* Leave known out"):
        InputCoder().code(Inputs(known=example().known), LENGTHS)
    with pytest.raises(InvalidArgumentError, match=r"inputs is a dict; expected .*Inputs"):
        InputCoder.learn({"known": example().known}, LENGTHS)


@pytest.mark.parametrize("horizon", [1, pytest.param(H, marks=pytest.mark.slow)])
def test_all_kinds_at_once_and_further_ahead_than_trained(horizon):
    series, ahead = example_series(), 2 * H + 1
    given = example(ahead)
    net = fit_global_net(series, horizon, model="gru_1x8", loss="normal", lookback=L, n_nets=1, steps=3, batch_size=16,
                         seed=1, inputs=given)  # fmt: skip
    found = forecast(net, series, ahead, inputs=given)
    assert found.shape == (2, ahead)
    assert np.isfinite(found).all()
    assert np.isfinite(forecast_quantiles(net, series, [0.1, 0.9], ahead, inputs=given)).all()
    np.testing.assert_allclose(forecast(net, series[1:], ahead, inputs=rows_of(given, [1])), found[1:], rtol=1e-5)

    def differences(**parts):
        return np.abs(forecast(net, series, ahead, inputs=Inputs(**{**vars(given), **parts})) - found).max(axis=0)

    # The known covariates of a step ahead change the forecasts from there, or of all steps that are made at once.
    later = [rows.copy() for rows in given.known]
    for rows, n in zip(later, LENGTHS, strict=True):
        rows[n + H] += 5
    change = differences(known=later)
    assert (change[:H] == 0).all()
    assert change[H] > 0
    assert (differences(past=[rows + 1 for rows in given.past]) > 0).any()
    assert (differences(static=[[2.0], [2.0]]) > 0).any()
    assert (differences(categories=[["south", 2], ["south", 2]])[:H] > 0).any()
    assert (differences(categories=[[None, "new"], ["south", 2]])[:H] > 0).any()

    # Covariates may announce more than the window has seen, so that the whole series bounds the forecasts.
    wild = replace(net, weights=tuple(tuple(1e3 * each for each in weights) for weights in net.weights))
    odd = [*series, [7.0, *[np.nan] * 30]]
    lengths = [*LENGTHS, 31]
    of_odd = Inputs([np.ones((n, 1)) for n in lengths], [np.ones((n + ahead, 2)) for n in lengths], [[1.0]] * 3,
                    [["north", "1"]] * 3)  # fmt: skip
    far = np.log(forecast(wild, odd, inputs=of_odd))
    for row, y in zip(far[:2], series, strict=True):
        low, high = np.log(y.min()), np.log(y.max())
        assert (row <= high + 3 * (high - low) + 1e-6).all()
        assert (row >= low - 3 * (high - low) - 1e-6).all()
    np.testing.assert_allclose(np.exp(far[2]), 7.0, rtol=0.01)

    arrays, notes = net.to_plain()
    again = GlobalNet.from_plain(arrays, json.loads(json.dumps(notes)))
    np.testing.assert_array_equal(forecast(again, series, ahead, inputs=given), found)
    with pytest.raises(StorageError, match=r"inputs.known has the shape \(2,\)"):
        GlobalNet.from_plain({**arrays, "inputs.known": np.ones(2)}, notes)
    with pytest.raises(InvalidArgumentError, match="past with 0 columns; expected 1"):
        forecast(net, series)
    with pytest.raises(InvalidArgumentError, match="expected 22 or more"):
        forecast(net, series, ahead + 1, inputs=given)


def rows_of(given, places):
    return Inputs(**{name: [value[place] for place in places] for name, value in vars(given).items()})
