"""The tasks of a run over many series: each reads files of its folder and writes others, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kerazoo._runtime.checkpoints import CheckpointFile
from kerazoo._runtime.devices import limited_to, prefer_fast_kernels
from kerazoo._runtime.files import remove_leftovers, replacing
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast import model_file
from kerazoo.forecast.backtest import scored
from kerazoo.forecast.data.future import read_future
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.write import write_forecast
from kerazoo.forecast.fit_checkpoint import checkpoint_file
from kerazoo.forecast.fit_settings import FitSettings
from kerazoo.forecast.fitted_panel import FittedPanel
from kerazoo.forecast.global_nets.passes import equal_passes
from kerazoo.forecast.groups.folder import RunFolder
from kerazoo.forecast.groups.partition import partition_shard, read_bucket, read_sample
from kerazoo.forecast.groups.reading import (
    ERROR_COLUMNS,
    Failure,
    Rules,
    panels_of,
    sample_panel,
    some_of,
    without_failing,
)
from kerazoo.forecast.groups.sharing import Shared, fit_series, fit_shared, joined, read_shared, write_shared
from kerazoo.forecast.groups.sources import Source
from kerazoo.forecast.options import fit_settings, steps_to_hold_out

__all__ = ["MOST_VALUES", "cutoffs_of", "run_task", "settings_of", "spec_from", "write_partition"]

#: Values of the sample: of longer series fewer are taken.
MOST_VALUES = 1 << 24
#: Values of a series before its first origin in a cross-validation.
LEAST_VALUES = 3


def run_task(item: Mapping[str, Any]) -> dict[str, Any]:
    """Run one task.

    Args:
        item: `out`, the folder; `task`, a name of :data:`TASKS`; `number`, of the bucket, shard or window; `cores`, the
            numbers of those that the process may use, or None: all.

    Returns:
        The note of the task, with what it counted.
    """
    prefer_fast_kernels()
    folder = RunFolder.read(item["out"])
    with limited_to(item.get("cores")), threadpool_limits(1, user_api="blas"), equal_passes():
        return TASKS[item["task"]](folder, item["number"])


# Rows into buckets


def write_partition(folder: RunFolder, source: Source, kind: str, number: int) -> dict[str, Any]:
    """Sort the rows of a shard into buckets: see :func:`kerazoo.forecast.groups.partition.partition_shard`.

    Args:
        folder: of the run.
        source: the source, or covariates of the future.
        kind: `"source"` or `"future"`.
        number: of the shard.
    """
    path = folder.file(kind, number)
    counts = partition_shard(source, number, _buckets(folder), path, folder.identity.get("sample") or 1)
    return folder.mark(kind, number, counts, [path])


def _partition(kind: str) -> Callable[[RunFolder, int], dict[str, Any]]:
    return lambda folder, number: write_partition(folder, Source(folder.identity[kind]), kind, number)


def _buckets(folder: RunFolder) -> int:
    return int(folder.identity["buckets"])


def _shards(folder: RunFolder, kind: str) -> list[Path]:
    return [folder.file(kind, number) for number in range(Source(folder.identity[kind]).n_shards)]


# What all series share


def _params(folder: RunFolder) -> dict[str, Any]:
    """The parameters of the forecaster."""
    params = {**folder.identity["params"], "seed": folder.details["seed"], "callbacks": (), "checkpoint_dir": None}
    params |= {"verbose": folder.details["verbose"], "checkpoint_minutes": folder.details["checkpoint_minutes"]}
    return {**params, "model": spec_from(params["model"])}


def spec_from(model: Any) -> Any:
    """The parameter `model` in `run.json` as that of the constructor."""
    if not isinstance(model, dict):
        return model
    from kerazoo.zoo.spec import RNNSpec

    return RNNSpec.from_dict(model)


def settings_of(params: Mapping[str, Any], panel: Panel) -> FitSettings:
    """The settings of several series, even if there is one.

    Args:
        params: those of the constructor of the forecaster.
        panel: the sample.

    Raises:
        InvalidArgumentError: a parameter is out of range, or belongs to the method for one series.
    """
    settings = fit_settings(params, panel)
    if not settings.by_series and params["transforms"] == "auto":
        # One series: the preset of the default, which has the method for several.
        settings = fit_settings({**params, "model": "preset:forecast_small"}, panel)
    if not settings.by_series:
        raise InvalidArgumentError(
            f"transforms={params['transforms']!r} with fit_groups; expected 'auto': given transforms are for fit."
        )
    return settings


def cutoffs_of(identity: Mapping[str, Any], settings_horizon: int) -> list[int]:
    """Steps from each origin of a cross-validation to the end of a series; [0] for a fit."""
    windows = identity.get("windows")
    if windows is None:
        return [0]
    horizon = windows["horizon"] or settings_horizon
    step = windows["step"] or horizon
    return [horizon + (windows["count"] - 1 - window) * step for window in range(windows["count"])]


def _share(folder: RunFolder, window: int) -> dict[str, Any]:
    identity, params = folder.identity, _params(folder)
    frame = read_sample(_shards(folder, "source"), identity["sample"], MOST_VALUES)
    panel = sample_panel(frame, Rules(params["missing"], params["floor"], params["loss"]))
    cutoff = cutoffs_of(identity, settings_of(params, panel).horizon)[window]
    panel = _cut(panel, cutoff)
    if not panel.series:
        raise InvalidArgumentError(
            f"no series of the sample has {LEAST_VALUES} values before the last {cutoff}, which the windows take; "
            "expected longer series, fewer windows, or a smaller step."
        )
    shared = _fit_shared(folder, window, params, panel)
    path = folder.shared(window)
    write_shared(shared, params, path)
    return folder.mark("share", window, {"n_sample": len(panel.series)}, [path])


def _fit_shared(folder: RunFolder, window: int, params: Mapping[str, Any], panel: Panel) -> Shared:
    settings, val = settings_of(params, panel), folder.identity.get("val")
    steps_to_hold_out(panel, settings, val)  # which refuses too many
    checkpoints: CheckpointFile | None = None
    if settings.epochs and not settings.preset_alone:
        checkpoints = checkpoint_file(
            panel, settings, val, folder.path / f"checkpoint-{window:05d}", params["checkpoint_minutes"], with_seed=True
        )
    return fit_shared(panel, settings, val, checkpoints)


def _cut(panel: Panel, cutoff: int) -> Panel:
    """Without the last steps, and without the series that are too short for that."""
    if not cutoff:
        return panel
    long = [n for n, each in enumerate(panel.series) if len(each.values) >= cutoff + LEAST_VALUES]
    part = some_of(panel, long)
    return _first(part, cutoff)


def _first(panel: Panel, cutoff: int) -> Panel:
    return replace(panel, series=tuple(each.first(len(each.values) - cutoff) for each in panel.series))


@lru_cache(maxsize=4)
def _read_shared(path: str, changed: int) -> Shared:
    return read_shared(path)


def _shared(folder: RunFolder, window: int = 0) -> Shared:
    path = folder.shared(window)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror}). Call again: it is made anew.") from error
    return _read_shared(str(path), changed)


def _rules(shared: Shared) -> Rules:
    base, params = shared.fitted, shared.params
    longest = max((each.index for each in base.panel.series), key=len)
    return Rules(params["missing"], base.floor, params["loss"], longest, base.panel.covariate_names)


# Buckets


def _panels(folder: RunFolder, bucket: int, shared: Shared) -> Iterator[tuple[list[Panel], list[Failure]]]:
    frame = read_bucket(_shards(folder, "source"), bucket)
    if frame is not None:
        yield from panels_of(frame, _rules(shared))


def _fit(folder: RunFolder, bucket: int) -> dict[str, Any]:
    shared = _shared(folder)
    fitted: list[FittedPanel] = []
    failures: list[Failure] = []
    for panels, failing in _panels(folder, bucket, shared):
        failures += failing
        for panel in panels:
            found, more = without_failing(panel, lambda part: fit_series(shared, part))
            fitted += [each for _, each in found]
            failures += more
    path = folder.file("models", bucket, "kerazoo")
    n_series = 0
    if fitted:
        whole = joined(fitted)
        n_series = len(whole.panel.series)
        remove_leftovers(path)
        model_file.save(whole, _params(folder), path)
    return _finished(folder, "fit", bucket, n_series, failures, [path])


def _predict(folder: RunFolder, bucket: int) -> dict[str, Any]:
    identity = folder.identity
    groups = RunFolder.read(folder.details["groups"])
    done = groups.done("fit", bucket)
    model = groups.file("models", bucket, "kerazoo")
    if done is None:
        raise StorageError(f"{model}: is not what fit_groups wrote. Call fit_groups again: it is made anew.")
    failures = _read_errors(groups, bucket)
    tables: list[pd.DataFrame] = []
    if done["n_series"]:
        fitted = model_file.load(model)[0]
        assert isinstance(fitted, FittedPanel)
        known = read_bucket(_shards(folder, "future"), bucket) if identity["future"] else None
        horizon = identity["horizon"] or fitted.horizon

        def forecast(panel: Panel) -> pd.DataFrame:
            if identity["future"] and known is None:  # as `read_future` says where the bucket has rows of others
                n = len(panel.series)
                raise InvalidArgumentError(
                    f"X_future lacks {n} of the {n} series: {panel.ids[0]!r}; expected rows of each."
                )
            futures = read_future(panel, known, horizon)
            return write_forecast(panel, fitted.forecast(panel, futures, horizon, identity["levels"]))

        found, failing = without_failing(fitted.panel, forecast)
        tables += [each for _, each in found]
        failures += failing
    path = folder.file("forecasts", bucket)
    n_series = _write_table(tables, path)
    return _finished(folder, "predict", bucket, n_series, failures, [path])


def _score(folder: RunFolder, bucket: int) -> dict[str, Any]:
    windows = folder.identity["windows"]
    shared = [_shared(folder, 0 if windows["refit"] is False else window) for window in range(windows["count"])]
    base = shared[0].fitted
    cutoffs = cutoffs_of(folder.identity, base.horizon)
    horizon = windows["horizon"] or base.horizon
    levels = base.possible_levels(windows["levels"]) if windows["only_possible"] else tuple(windows["levels"])

    def score(panel: Panel) -> tuple[pd.DataFrame, pd.DataFrame]:
        rows: list[dict[str, Any]] = []
        tables = []
        for window, cutoff in enumerate(cutoffs):
            known = _first(panel, cutoff)
            starts = [len(each.values) for each in known.series]
            futures = [
                each.covariates[start : start + horizon] for each, start in zip(panel.series, starts, strict=True)
            ]
            columns = fit_series(shared[window], known).forecast(known, futures, horizon, levels)
            for number, (before, whole) in enumerate(zip(known.series, panel.series, strict=True)):
                future = slice(starts[number], starts[number] + horizon)
                forecasts = {label: arrays[number] for label, arrays in columns.items()}
                first = {"unique_id": before.id, "fold": window, "origin": before.index[-1]}
                truth = whole.values[future]
                rows += scored(first, truth, forecasts, before, base.period, levels)
                steps = {"unique_id": before.id, "fold": window, "ds": whole.index[future], "y": truth}
                tables.append(pd.DataFrame({**steps, **forecasts}))
        return pd.DataFrame(rows), pd.concat(tables, ignore_index=True)

    failures: list[Failure] = []
    scores, forecasts = [], []
    for panels, failing in _panels(folder, bucket, shared[0]):
        failures += failing
        for panel in panels:
            long, short = _by_length(panel, cutoffs[0])
            failures += short
            if not long.series:
                continue
            found, more = without_failing(long, score)
            failures += more
            for _, (of_scores, of_forecasts) in found:
                scores.append(of_scores)
                forecasts.append(of_forecasts)
    paths = [folder.file(kind, bucket) for kind in ("scores", "forecasts")]
    _write_table(scores, paths[0])
    n_series = _write_table(forecasts, paths[1])
    return _finished(folder, "score", bucket, n_series, failures, paths)


def _by_length(panel: Panel, cutoff: int) -> tuple[Panel, list[Failure]]:
    long = [n for n, each in enumerate(panel.series) if len(each.values) >= cutoff + LEAST_VALUES]
    short = [each for each in panel.series if len(each.values) < cutoff + LEAST_VALUES]
    failures = [
        Failure.of(
            each.id,
            InvalidArgumentError(
                f"{len(each.values)} values; expected at least {cutoff + LEAST_VALUES}: {LEAST_VALUES} before the "
                f"last {cutoff}, which the windows take."
            ),
        )
        for each in short
    ]
    return some_of(panel, long), failures


# Tables


def _write_table(parts: Sequence[pd.DataFrame], path: Path) -> int:
    """Write tables of different series as one, in the order of the texts of their names; their number of series."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not parts:
        return 0
    table = pd.concat(parts, ignore_index=True)
    order = table["unique_id"].astype(str).to_numpy(object).argsort(kind="stable")
    table = table.iloc[order]
    remove_leftovers(path)
    with replacing(path) as part:
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), part)
    return int(table["unique_id"].nunique())


def _finished(
    folder: RunFolder, task: str, bucket: int, n_series: int, failures: Sequence[Failure], files: Sequence[Path]
) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    written = [file for file in files if n_series]
    if failures:
        path = folder.file("errors", bucket)
        ordered = sorted(failures, key=lambda each: each.unique_id)
        columns = {name: [getattr(each, name) for each in ordered] for name in ERROR_COLUMNS}
        remove_leftovers(path)
        with replacing(path) as part:
            pq.write_table(pa.table(columns, schema=pa.schema([(name, pa.string()) for name in ERROR_COLUMNS])), part)
        written.append(path)
    return folder.mark(task, bucket, {"n_series": n_series, "n_failed": len(failures)}, written)


def _read_errors(folder: RunFolder, bucket: int) -> list[Failure]:
    from kerazoo.forecast.groups.sources import open_parquet

    note = folder.done("fit", bucket)
    if not note or not note["n_failed"]:
        return []
    with open_parquet(folder.file("errors", bucket)) as file:
        return [Failure(**row) for row in file.read().to_pylist()]


TASKS: dict[str, Callable[[RunFolder, int], dict[str, Any]]] = {
    "source": _partition("source"),
    "future": _partition("future"),
    "share": _share,
    "fit": _fit,
    "predict": _predict,
    "score": _score,
}
