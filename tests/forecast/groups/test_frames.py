"""forecast_frame: pure, one schema whatever comes in, and what Dask, Spark and processes make of it."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast import forecast_frame, forecast_schema
from tests.forecast.groups.helpers import assert_equal, forecaster, series

pytest.importorskip("pyarrow")

FRAME = series(12)


@pytest.fixture(scope="module")
def like(tmp_path_factory):
    """What a fit of the series has taught."""
    out = tmp_path_factory.mktemp("like") / "fit"
    fitted = forecaster().fit_groups(FRAME, out=out, buckets=2)
    expected = fitted.predict_groups(level=80, out=out.parent / "forecasts").to_frame()
    return out / "shared-00000.kerazoo", expected


def test_forecasts_are_those_of_the_groups_however_the_frame_is_split(like):
    path, expected = like
    whole = forecast_frame(FRAME, 6, 80, like=path)
    pd.testing.assert_frame_equal(whole[expected.columns].astype(expected.dtypes), expected, check_exact=True)
    assert (whole["error"] == "").all()
    parts = [forecast_frame(part, 6, 80, like=path) for _, part in FRAME.groupby("unique_id")]
    joined = pd.concat(parts).sort_values(["unique_id", "ds"], ignore_index=True)
    assert_equal([joined], [whole.sort_values(["unique_id", "ds"], ignore_index=True)])


def test_series_by_themselves(like):
    some = FRAME[FRAME["unique_id"].isin(["shop 1", "shop 3"])]
    found = forecast_frame(some, 4, [80, 95], epochs=0)
    alone = forecast_frame(some[some["unique_id"] == "shop 3"], 4, [80, 95], epochs=0)
    assert_equal([found[found["unique_id"] == "shop 3"].reset_index(drop=True)], [alone])
    assert len(found) == 8
    with_preset = forecast_frame(some[some["unique_id"] == "shop 3"], 4)
    assert np.isfinite(with_preset["forecast"]).all()
    assert not np.allclose(with_preset["forecast"], alone["forecast"])


BAD = pd.DataFrame({"unique_id": ["a", "a", "b"], "ds": pd.to_datetime(["2020-01-01", "2020-01-01", None]), "y": 1.0})


@pytest.mark.parametrize("frame", [FRAME[:20], FRAME[:0], BAD, BAD.astype({"unique_id": "category"})])
@pytest.mark.parametrize("with_like", [True, False])
def test_columns_and_dtypes_do_not_depend_on_the_frame(like, frame, with_like):
    arguments = {"like": like[0]} if with_like else {"epochs": 0}
    found = forecast_frame(frame, 2, [80, 50], **arguments)
    schema = forecast_schema([80, 50])
    pd.testing.assert_series_equal(found.dtypes, schema.empty.dtypes)
    columns = "forecast double, lower_80 double, upper_80 double, lower_50 double, upper_50 double"
    assert schema.spark == f"unique_id string, ds timestamp, {columns}, error string"
    if frame is not BAD:
        return
    assert found["unique_id"].tolist() == ["a", "b"]
    assert found["error"].str.startswith("InvalidArgumentError: ").all()
    assert found[["ds", "forecast", "lower_50"]].isna().all(axis=None)


def test_dates_of_all_kinds():
    one = FRAME[FRAME["unique_id"] == "shop 1"]
    expected = forecast_frame(one, 3, epochs=0)
    periods = forecast_frame(one.assign(ds=one["ds"].dt.to_period("M")), 3, epochs=0)
    assert periods["ds"].tolist() == expected["ds"].tolist()
    zone = forecast_frame(one.assign(ds=one["ds"].dt.tz_localize("Asia/Tokyo")), 3, epochs=0)
    assert zone["ds"].dtype == expected["ds"].dtype
    steps = one.assign(ds=np.arange(len(one)))
    found = forecast_frame(steps, 3, epochs=0, period=12, dates="integer")
    assert found["ds"].tolist() == [len(one), len(one) + 1, len(one) + 2]
    assert forecast_schema(dates="integer").spark.startswith("unique_id string, ds bigint")
    with pytest.raises(InvalidArgumentError, match="expected dates='integer'"):
        forecast_frame(steps, 3, epochs=0, period=12)


def test_arguments_are_checked(like, tmp_path):
    with pytest.raises(InvalidArgumentError, match="frame is a list"):
        forecast_frame([1.0], 2)
    with pytest.raises(InvalidArgumentError, match="expected unique_id, ds and y, and no others"):
        forecast_frame(FRAME.assign(price=1.0), 2)
    with pytest.raises(InvalidArgumentError, match="horizon=0"):
        forecast_frame(FRAME, 0)
    with pytest.raises(InvalidArgumentError, match="floor with like"):
        forecast_frame(FRAME, 2, like=like[0], floor=0)
    with pytest.raises(StorageError, match=r"nothing.kerazoo"):
        forecast_frame(FRAME, 2, like=tmp_path / "nothing.kerazoo")
    with pytest.raises(TypeError, match="hoizon"):
        forecast_frame(FRAME, 2, hoizon=3)


def test_the_recipe_for_dask(like):
    dd = pytest.importorskip("dask.dataframe", reason="Dask is not installed: pip install 'dask[dataframe]'")
    path, _ = like
    # Whole series in each partition: the index is sorted, and partitions end between series.
    source = dd.from_pandas(FRAME.set_index("unique_id").sort_index(), npartitions=3)

    def work(part):
        return forecast_frame(part.reset_index(), 6, 80, like=path)

    lazy = source.map_partitions(work, meta=forecast_schema(80).empty)
    found = lazy.compute(scheduler="threads").sort_values(["unique_id", "ds"], ignore_index=True)
    expected = forecast_frame(FRAME, 6, 80, like=path).sort_values(["unique_id", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(found.astype(expected.dtypes), expected, check_exact=True)


def test_the_recipe_for_spark(like):
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed: it takes 456 MB, and Java")
    path, _ = like
    schema = forecast_schema(80)
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    for name in ("spark.driver.bindAddress", "spark.driver.host"):
        builder = builder.config(name, "127.0.0.1")
    with builder.getOrCreate() as spark:
        source = spark.createDataFrame(FRAME.assign(bucket=FRAME["unique_id"].str[-1]))

        def work(part):
            return forecast_frame(part[["unique_id", "ds", "y"]], 6, 80, like=path)

        found = source.groupBy("bucket").applyInPandas(work, schema.spark).toPandas()
    expected = forecast_frame(FRAME, 6, 80, like=path)
    found, expected = (each.sort_values(["unique_id", "ds"], ignore_index=True) for each in (found, expected))
    np.testing.assert_array_equal(found[["forecast", "lower_80"]], expected[["forecast", "lower_80"]])
    assert found["unique_id"].tolist() == expected["unique_id"].tolist()


def test_it_can_be_sent_to_other_processes(like):
    import pickle

    work = functools.partial(forecast_frame, horizon=6, level=80, like=like[0])
    again = pickle.loads(pickle.dumps(work))
    assert_equal([again(FRAME[:30])], [work(FRAME[:30])])
