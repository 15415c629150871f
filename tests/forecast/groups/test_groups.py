"""Many series: the same forecasts for any buckets, processes and sources, and errors as rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError, NotFittedError, StorageError
from kerazoo.forecast import GroupResults
from tests.forecast.groups.helpers import assert_equal, both, forecaster, series, write_files

pytest.importorskip("pyarrow")

FRAME = series(60)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A fit of 60 series in one bucket, its forecasts, and a longer forecast."""
    folder = tmp_path_factory.mktemp("groups")
    fitted = forecaster().fit_groups(FRAME, out=folder / "fit", buckets=1)
    return fitted, both(fitted, folder / "forecasts"), both(fitted, folder / "longer", None, horizon=9)


@pytest.mark.parametrize(("buckets", "processes"), [(16, 1), (7, 2)])
def test_forecasts_do_not_depend_on_buckets_and_processes(usual, tmp_path, buckets, processes):
    _, expected, longer = usual
    found = forecaster().fit_groups(FRAME, out=tmp_path / "fit", buckets=buckets, processes=processes)
    assert_equal(both(found, tmp_path / "forecasts", processes=processes), expected)
    assert_equal(both(found, tmp_path / "longer", None, horizon=9), longer)
    assert found.groups_.buckets == buckets
    assert (found.groups_.n_series, found.groups_.n_failed) == (60, 0)


def test_forecasts_are_those_of_fit(usual):
    expected = forecaster().fit(FRAME).predict(level=80).sort_values("unique_id", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(usual[1][0], expected, rtol=1e-10)


def test_files_and_rows_in_any_order_are_the_same_source(usual, tmp_path):
    mixed = FRAME.sample(frac=1.0, random_state=1)
    write_files(mixed, tmp_path / "source", 3)
    found = forecaster().fit_groups(tmp_path / "source", out=tmp_path / "fit", buckets=4)
    assert_equal(both(found, tmp_path / "forecasts"), usual[1])


def test_a_preset_forecasts_each_series_by_itself(tmp_path):
    some = FRAME[FRAME["unique_id"].isin([f"shop {number}" for number in range(20)])]
    results = []
    for buckets in (1, 4):
        model = forecaster(model="preset:forecast_small", epochs=40)
        fitted = model.fit_groups(some, out=tmp_path / f"fit{buckets}", buckets=buckets)
        results.append(both(fitted, tmp_path / f"forecasts{buckets}"))
    assert_equal(*results)
    assert results[0][0]["forecast"].notna().all()


@pytest.mark.slow
@pytest.mark.backend
def test_networks_are_trained_once_for_all_buckets(tmp_path):
    results = []
    for buckets, processes in ((1, 1), (5, 2)):
        model = forecaster(epochs=1, n_members=1, steps_per_epoch=5)
        out = tmp_path / f"fit{buckets}"
        fitted = model.fit_groups(FRAME, out=out, buckets=buckets, processes=processes)
        results.append(both(fitted, tmp_path / f"forecasts{buckets}", processes=processes))
        assert Forecaster.load(out / "shared-00000.kerazoo").correction_weight_.any()
    assert_equal(*results)


def test_a_sample_of_the_series_says_what_all_share(tmp_path):
    results = []
    for buckets in (1, 9):
        fitted = forecaster().fit_groups(FRAME, out=tmp_path / f"fit{buckets}", buckets=buckets, sample=20)
        shared = Forecaster.load(tmp_path / f"fit{buckets}" / "shared-00000.kerazoo")
        results.append((shared.statistics_, *both(fitted, tmp_path / f"forecasts{buckets}")))
    assert len(results[0][0]) == 20
    assert results[0][1]["unique_id"].nunique() == 60
    assert_equal(*results)


def bad_series():
    """Good ones, and one of each kind of bad ones."""
    one = FRAME[FRAME["unique_id"] == "shop 1"]
    days = pd.date_range("2020-01-01", periods=30)
    bad = [
        pd.DataFrame({"unique_id": "daily", "ds": days, "y": 1.0 + np.arange(30)}),
        pd.concat([one, one[:1]]).assign(unique_id="twice"),
        one.assign(unique_id="unknown", y=one["y"].where(np.arange(len(one)) != 5)),
        one.assign(unique_id="infinite", y=one["y"].where(np.arange(len(one)) != 5, np.inf)),
        one.drop(one.index[7]).assign(unique_id="hole"),
        one.assign(unique_id="negative", y=-one["y"]),
    ]
    short = [one[:2].assign(unique_id="two"), one[:1].assign(unique_id="one"), one.assign(unique_id="same", y=4.0)]
    return pd.concat([FRAME[FRAME["unique_id"].isin(["shop 1", "shop 2", "shop 3"])], *bad, *short])


def test_a_series_that_fails_is_a_row_of_errors_and_stops_no_other(tmp_path):
    results = []
    for buckets in (1, 5):
        fitted = forecaster(floor=0).fit_groups(bad_series(), out=tmp_path / f"fit{buckets}", buckets=buckets)
        results.append(both(fitted, tmp_path / f"forecasts{buckets}"))
        assert_equal([fitted.groups_.errors], [results[-1][1]])
    assert_equal(*results)
    forecasts, errors = results[0]
    messages = dict(zip(errors["unique_id"], errors["message"], strict=True))
    assert sorted(messages) == ["daily", "hole", "infinite", "negative", "twice", "unknown"]
    assert set(errors["error"]) == {"InvalidArgumentError"}
    assert "frequency 'D'" in messages["daily"]
    assert "2015" in messages["hole"] or "2016" in messages["hole"]
    assert "1 of" in messages["infinite"]
    assert messages["negative"].startswith("floor=0")
    assert forecasts["unique_id"].unique().tolist() == ["one", "same", "shop 1", "shop 2", "shop 3", "two"]
    assert (forecasts.loc[forecasts["unique_id"] == "same", "forecast"] == 4.0).all()
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "fit5" / "errors.parquet").sort_values("unique_id", ignore_index=True), errors
    )


def test_no_series_at_all_can_be_read(tmp_path):
    frame = FRAME[:30].assign(y=np.nan)
    with pytest.raises(InvalidArgumentError, match="no series of the sample"):
        forecaster().fit_groups(frame, out=tmp_path / "fit")


def test_covariates_of_the_future_come_from_a_source(tmp_path):
    frame = series(6)
    rng = np.random.default_rng(5)
    frame["price"] = rng.normal(size=len(frame)).round(2)
    frame["y"] += 4 * frame["price"]
    dates = pd.date_range(frame["ds"].max(), periods=7, freq="MS")[1:]
    future = pd.concat(
        [
            pd.DataFrame({"unique_id": label, "ds": dates, "price": np.arange(6.0)})
            for label in frame["unique_id"].unique()
        ]
    )
    fitted = forecaster().fit_groups(frame, out=tmp_path / "fit", buckets=3)
    few = future[future["unique_id"] != "shop 3"]
    forecasts, errors = both(fitted, tmp_path / "forecasts", X_future=few)
    assert errors["unique_id"].tolist() == ["shop 3"]
    assert "shop 3" in errors["message"][0]
    expected = forecaster().fit(frame).predict(X_future=future)
    expected = expected[expected["unique_id"] != "shop 3"].sort_values("unique_id", kind="stable", ignore_index=True)
    # Coefficients of one series know nothing of the others, as those of a panel do.
    assert np.corrcoef(forecasts["forecast"], expected["forecast"])[0, 1] > 0.95
    with pytest.raises(InvalidArgumentError, match="X_future=None; expected the covariates of fit"):
        fitted.predict_groups(out=tmp_path / "others")


@pytest.mark.parametrize("kind", ["integers", "categories", "periods", "steps", "zone"])
def test_ids_and_dates_of_any_type_keep_it(tmp_path, kind):
    frame = series(5)
    change = {
        "integers": lambda: frame.assign(unique_id=frame["unique_id"].str[5:].astype(int)),
        "categories": lambda: frame.assign(unique_id=frame["unique_id"].astype("category")),
        "periods": lambda: frame.assign(ds=frame["ds"].dt.to_period("M")),
        "steps": lambda: frame.assign(ds=frame.groupby("unique_id").cumcount() + 3),
        "zone": lambda: frame.assign(ds=frame["ds"].dt.tz_localize("Europe/Berlin")),
    }
    given = change[kind]()
    fitted = forecaster(period=12).fit_groups(given, out=tmp_path / "fit", buckets=2)
    found = fitted.predict_groups(out=tmp_path / "forecasts").to_frame()
    assert len(found) == 30
    assert found["ds"].dtype == given["ds"].dtype or kind == "zone"
    assert getattr(found["ds"].dtype, "tz", None) is not None or kind != "zone"
    assert kind != "integers" or found["unique_id"].dtype == np.int64


def test_cross_validation_is_that_of_the_panel(tmp_path):
    frame = pd.concat([series(12), series(1, length=9).assign(unique_id="short")])
    results = []
    for buckets, processes in ((1, 1), (4, 1)):
        found = forecaster().cross_validation_groups(
            frame, n_windows=2, refit="fresh", out=tmp_path / f"{buckets}", buckets=buckets, processes=processes
        )
        assert found.errors["unique_id"].tolist() == ["short"]
        results.append((found.to_frame(), found.to_frame("forecasts")))
    assert_equal(*results)
    expected = forecaster().cross_validation(frame[frame["unique_id"] != "short"], n_windows=2)
    order = ["series", "fold", "model"]
    expected = expected.sort_values(order, ignore_index=True)
    scores = results[0][0].rename(columns={"unique_id": "series"}).sort_values(order, ignore_index=True)
    for column in ("rmse", "mase", "smape"):
        np.testing.assert_allclose(scores[column], expected[column], rtol=1e-8)


def test_cross_validation_may_keep_what_all_share(tmp_path):
    found = forecaster().cross_validation_groups(series(6), n_windows=3, step=2, out=tmp_path / "scores", buckets=2)
    assert found.to_frame()["fold"].nunique() == 3
    assert not (tmp_path / "scores" / "shared-00001.kerazoo").exists()
    assert {"coverage_80"} <= set(found.to_frame().columns)


def test_results_are_read_by_bucket_and_by_series(usual):
    fitted, (forecasts, _), _ = usual
    found = GroupResults(fitted.groups_.path.parent / "forecasts")
    assert sum(len(frame) for frame in found) == len(forecasts)
    some = found.read(["shop 7", "no such shop"])
    pd.testing.assert_frame_equal(some, forecasts[forecasts["unique_id"] == "shop 7"].reset_index(drop=True))
    assert repr(found).endswith("60 series, 0 failed")
    with pytest.raises(InvalidArgumentError, match="expected one of forecasts"):
        found.to_frame("scores")
    again = Forecaster.load_groups(fitted.groups_.path)
    assert again.get_params()["horizon"] == 6
    assert again.groups_.n_series == 60
    bucket = Forecaster.load(fitted.groups_.path / "models" / "bucket-00000.kerazoo")
    assert len(bucket.predict()) == 360


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"buckets": 3}, r"buckets=1, and now it is 3"),
        ({"sample": 10}, "sample=2000"),
        ({"source": FRAME[:100]}, r"source\."),
    ],
)
def test_another_run_in_the_same_folder_is_refused(usual, changes, message):
    arguments = {"source": FRAME, "out": usual[0].groups_.path, "buckets": 1} | changes
    with pytest.raises(InvalidArgumentError, match=message):
        forecaster().fit_groups(**arguments)
    with pytest.raises(InvalidArgumentError, match=r"params\.floor=None, and now it is 0"):
        forecaster(floor=0).fit_groups(FRAME, out=usual[0].groups_.path, buckets=1)
    with pytest.raises(InvalidArgumentError, match="seed=1, and now it is 2"):
        forecaster(seed=2).fit_groups(FRAME, out=usual[0].groups_.path, buckets=1)


def test_arguments_are_checked_before_the_work(usual, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    with pytest.raises(InvalidArgumentError, match=r"has other files \(note.txt\)"):
        forecaster().fit_groups(FRAME, out=tmp_path / "full")
    with pytest.raises(InvalidArgumentError, match="buckets=0"):
        forecaster().fit_groups(FRAME, out=tmp_path / "a", buckets=0)
    with pytest.raises(InvalidArgumentError, match="but not 'y'"):
        forecaster().fit_groups(FRAME.drop(columns="y"), out=tmp_path / "b")
    for name, value in {"horizon": 0, "floor": "zero", "missing": "maybe"}.items():
        with pytest.raises(InvalidArgumentError, match=f"{name}={value!r}"):
            forecaster(**{name: value}).fit_groups(FRAME, out=tmp_path / "g")
    assert not (tmp_path / "g").exists()
    with pytest.raises(InvalidArgumentError, match="transforms with fit_groups"):
        forecaster(transforms=["log"]).fit_groups(FRAME, out=tmp_path / "c")
    with pytest.raises(InvalidArgumentError, match="val=100 with a horizon of 6"):
        forecaster().fit_groups(FRAME, out=tmp_path / "v", val=100)
    with pytest.raises(InvalidArgumentError, match="processes=2 with cluster"):
        forecaster().fit_groups(FRAME, out=tmp_path / "d", processes=2, cluster="auto")
    with pytest.raises(InvalidArgumentError, match=r"interval of 99.9"):
        usual[0].predict_groups(level=99.9, out=tmp_path / "e")
    with pytest.raises(NotFittedError, match="no groups are fitted"):
        forecaster().predict_groups(out=tmp_path / "f")
    with pytest.raises(StorageError, match=r"has no run.json"):
        Forecaster.load_groups(tmp_path / "nothing")
    assert not (tmp_path / "e").exists()
