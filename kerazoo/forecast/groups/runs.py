"""Runs over many series: which tasks they have, in which order."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.data.validation import MISSING
from kerazoo.forecast.groups.folder import RunFolder
from kerazoo.forecast.groups.reading import some_of
from kerazoo.forecast.groups.results import GroupResults, write_errors
from kerazoo.forecast.groups.running import Run, runner
from kerazoo.forecast.groups.sharing import read_shared
from kerazoo.forecast.groups.sources import KEYS, Source, check_outside, open_parquet, read_source
from kerazoo.forecast.groups.tasks import spec_from, write_partition
from kerazoo.forecast.model_file import params_to_json
from kerazoo.forecast.options import USUAL_LEVELS, is_auto, read_levels

__all__ = ["params_of", "run_fit", "run_predict", "run_score"]

MOST_BUCKETS = 10_000
#: Parameters that do not change a result.
WITHOUT_EFFECT = ("seed", "verbose", "checkpoint_minutes")
#: How progress bars call the tasks.
TITLES = {
    "source": "files sorted", "future": "files sorted", "share": "shared", "fit": "buckets fitted",
    "predict": "buckets forecast", "score": "buckets scored",
}  # fmt: skip


def run_fit(
    params: Mapping[str, Any],
    source: Any,
    out: Any,
    *,
    buckets: Any,
    sample: Any,
    val: Any,
    processes: Any,
    cluster: Any,
) -> Path:
    """See :meth:`kerazoo.Forecaster.fit_groups`; `params` are those of the constructor.

    Returns:
        The folder of the run.
    """
    found, folder = _opened(params, "fit", source, out, buckets, sample, val)
    with folder, runner(processes, cluster, folder.path) as run:
        _run(run, found, folder, 1, "fit", params["verbose"])
    return folder.path


def run_predict(
    fitted: Path, horizon: Any, X_future: Any, level: Any, out: Any, *, processes: Any, cluster: Any
) -> Path:
    """See :meth:`kerazoo.Forecaster.predict_groups`; `fitted` is the folder of the fit.

    Returns:
        The folder of the run.
    """
    fit, buckets = RunFolder.read(fitted), GroupResults(fitted).buckets
    levels = list(read_levels(level))
    horizon = None if horizon is None else check_int("horizon", horizon, hint="It is the number of steps to forecast.")
    _check_levels(fit, levels)
    covariates = [each for each in fit.identity["source"]["columns"] if each not in KEYS]
    future = None
    if X_future is not None:
        if not covariates:
            raise InvalidArgumentError("X_future is given, but fit had no covariates; expected None.")
        check_outside(out, X_future, "X_future")
        future = read_source(X_future, "X_future", ("unique_id", "ds", *covariates))
    elif covariates:
        raise InvalidArgumentError(
            f"X_future=None; expected the covariates of fit ({', '.join(covariates)}) for the dates to forecast."
        )
    identity = {
        "task": "predict", "fit": fit.details["id"], "buckets": buckets, "horizon": horizon,
        "levels": levels, "future": None if future is None else future.note,
    }  # fmt: skip
    folder = RunFolder.open(out, identity, {"groups": str(fit.path), "seed": fit.details["seed"]})
    with folder, runner(processes, cluster, folder.path) as run:
        _run(run, future, folder, 0, "predict", fit.details["verbose"])
    return folder.path


def run_score(
    params: Mapping[str, Any],
    source: Any,
    out: Any,
    *,
    horizon: Any,
    n_windows: Any,
    step: Any,
    refit: Any,
    level: Any,
    buckets: Any,
    sample: Any,
    processes: Any,
    cluster: Any,
) -> Path:
    """See :meth:`kerazoo.Forecaster.cross_validation_groups`; `params` are those of the constructor.

    Returns:
        The folder of the run.
    """
    if refit not in ("fresh", False):
        raise InvalidArgumentError(f"refit={refit!r}; expected 'fresh' or False.")
    auto = is_auto(level)
    windows = {
        "horizon": None if horizon is None else check_int("horizon", horizon),
        "count": check_int("n_windows", n_windows),
        "step": None if step is None else check_int("step", step),
        "refit": refit,
        "levels": list(USUAL_LEVELS if auto else read_levels(level)),
        "only_possible": auto,
    }
    found, folder = _opened(params, "score", source, out, buckets, sample, None, {"windows": windows})
    with folder, runner(processes, cluster, folder.path) as run:
        _run(run, found, folder, n_windows if refit else 1, "score", params["verbose"])
    return folder.path


def params_of(out: str | os.PathLike[str]) -> tuple[Path, dict[str, Any]]:
    """The folder of a complete fit, and the parameters of its forecaster.

    Raises:
        StorageError: there is no complete fit in the folder.
    """
    folder = RunFolder.read(out)
    if folder.identity["task"] != "fit" or folder.complete() is None:
        raise StorageError(f"{folder.path}: has no complete fit_groups. Call fit_groups again: it goes on.")
    params = {**folder.identity["params"], **{name: folder.details[name] for name in WITHOUT_EFFECT}}
    return folder.path, {**params, "model": spec_from(params["model"])}


def _opened(
    params: Mapping[str, Any],
    task: str,
    source: Any,
    out: Any,
    buckets: Any,
    sample: Any,
    val: Any,
    more: Mapping[str, Any] | None = None,
) -> tuple[Source, RunFolder]:
    """The source and the folder of a run; arguments are checked."""
    if params["callbacks"] not in ((), [], None):
        raise InvalidArgumentError("callbacks with fit_groups; expected none: networks may be trained elsewhere.")
    if params["checkpoint_dir"] is not None:
        raise InvalidArgumentError("checkpoint_dir with fit_groups; expected None: checkpoints are in out.")
    # What the sample would show later, when files are written already.
    check_choice("missing", params["missing"], MISSING)
    for name, check in (("horizon", check_int), ("floor", check_real)):
        if params[name] is not None:
            check(name, params[name])
    plain = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in params_to_json(params).items()
    }
    if plain["transforms"] != "auto":
        raise InvalidArgumentError("transforms with fit_groups; expected 'auto': given transforms are for fit.")
    identity = {
        "task": task,
        "params": {name: value for name, value in plain.items() if name not in WITHOUT_EFFECT},
        "buckets": check_int("buckets", buckets, 1, MOST_BUCKETS),
        "sample": check_int("sample", sample, hint="It is the number of series that networks are fitted to."),
        "val": None if val is None else check_int("val", val, 0),
        **(more or {}),
    }
    check_outside(out, source, "source")
    found = read_source(source)
    details = {name: plain[name] for name in WITHOUT_EFFECT}
    return found, RunFolder.open(out, {**identity, "source": found.note}, details)


def _check_levels(fit: RunFolder, levels: Sequence[float]) -> None:
    """Raise as `predict` does for levels that are not possible, before any task."""
    if not levels:
        return
    fitted = read_shared(fit.shared()).fitted
    if set(fitted.possible_levels(levels)) != set(levels):
        panel = some_of(fitted.panel, [0])
        fitted.forecast(panel, [panel.series[0].covariates[:1]], 1, levels)  # which raises


def _run(run: Run, source: Source | None, folder: RunFolder, n_shared: int, task: str, verbose: int) -> None:
    """All tasks of a run that are not done."""
    kind = "future" if task == "predict" else "source"
    if source is not None:
        if source.data is None:
            _stage(run, folder, kind, range(source.n_shards), verbose)
        elif folder.done(kind, 0) is None:  # which only this process has
            write_partition(folder, source, kind, 0)
    buckets = range(int(folder.identity["buckets"]))
    _stage(run, folder, "share", range(n_shared), verbose)
    _stage(run, folder, task, buckets, verbose)
    totals = {"n_series": 0, "n_failed": 0}
    for bucket in buckets:
        note = folder.done(task, bucket) or {}
        for name in totals:
            totals[name] += note.get(name, 0)
    errors = write_errors(folder, task)
    folder.complete(totals)
    if not totals["n_series"]:
        with open_parquet(errors) as file:
            first = file.read().slice(0, 1).to_pylist()
        reason = f"; the first: {first[0]['error']}: {first[0]['message']}" if first else ""
        warnings.warn(f"none of {totals['n_failed']} series has a result: see {errors}{reason}", stacklevel=4)


def _stage(run: Run, folder: RunFolder, task: str, numbers: Sequence[int], verbose: int) -> None:
    left = [number for number in numbers if folder.done(task, number) is None]
    items = [{"out": str(folder.path), "task": task, "number": number} for number in left]
    for _ in tqdm(run(items), desc=TITLES[task], total=len(items), disable=not verbose or not items, leave=False):
        pass
