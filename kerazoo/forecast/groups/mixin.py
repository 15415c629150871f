"""Forecasts of more series than fit into memory: methods of the estimator."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

from kerazoo._runtime.estimator import Estimator
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError, NotFittedError, StorageError
from kerazoo.forecast.groups.folder import RunFolder
from kerazoo.forecast.groups.results import GroupResults, write_errors
from kerazoo.forecast.groups.running import Run, runner
from kerazoo.forecast.groups.sources import Source, read_source
from kerazoo.forecast.groups.tasks import write_partition
from kerazoo.forecast.model_file import params_to_json
from kerazoo.forecast.options import USUAL_LEVELS, is_auto, read_levels

__all__ = ["GroupMixin"]

#: Buckets by default, and at most.
BUCKETS, MOST_BUCKETS = 64, 10_000
#: Series that networks and weights of the panel are fitted to, by default.
SAMPLE = 2000
#: Parameters that do not change a result.
WITHOUT_EFFECT = ("seed", "verbose", "checkpoint_minutes")


class GroupMixin(Estimator):
    """Adds `fit_groups`, `predict_groups` and `cross_validation_groups` to an estimator with its parameters."""

    def fit_groups(
        self,
        source: Any,
        *,
        out: str | os.PathLike[str],
        buckets: int = BUCKETS,
        sample: int = SAMPLE,
        val: int | None = None,
        processes: int = 1,
        cluster: Any = None,
    ) -> Self:
        """Fit any number of series, of which memory holds a bucket at a time.

        What series share (networks, their weight for each step ahead, the weights of the panel) is fitted once, to a
        sample of them that hashes of their names determine: all, if there are no more. The statistics of each series,
        their weights and the size of its errors are its own. So a forecast does not depend on the other series of its
        bucket, nor on the number of buckets, processes or machines.

        The call goes on where an earlier one with the same arguments and the same `out` was interrupted or killed. A
        series that cannot be fitted is a row of `groups_.errors` and of `out/errors.parquet`. The memory of this
        process does not grow with the number of series, unless `source` is a frame.

        Args:
            source: the path of a parquet file, of a folder of them, or a list of paths; a long frame; or a Ray dataset.
                Columns: `unique_id`, `ds`, `y`; others are covariates, as in :meth:`fit`. Rows may be in any order.
                `X_past` and `static` are not possible here.
            out: folder of the results, about twice as large as the source. Processes on other machines must see it.
            buckets: int from 1 to 10,000. A task has one bucket in memory.
            sample: int >= 1, series that networks and the weights of the panel are fitted to.
            val: int, steps to hold out, or None: see :meth:`fit`.
            processes: int >= 1, on this machine. 1: this process.
            cluster: None; or `"auto"`, `"local"`, the address of a Ray cluster or
                :class:`kerazoo.distributed.ClusterOptions`: the tasks run there, on any of its nodes.

        Returns:
            The estimator itself, with the attribute `groups_`, a :class:`kerazoo.forecast.GroupResults`. The file of a
            bucket, `out/models/bucket-00000.kerazoo`, is one of :meth:`save`.

        Raises:
            InvalidArgumentError: an argument or parameter is out of range, `out` has another run, or no series of the
                sample can be read.
            StorageError: a file of the source does not exist, is cut, or is not what it was; or `out` cannot be
                written. What is finished stays.
            MissingPackageError: pyarrow, or with `cluster` Ray, is not installed.
            ClusterError: the cluster does not answer, or processes were lost again and again.
            TrainingError: the training of the networks diverges.

        >>> import tempfile
        >>> import numpy as np, pandas as pd
        >>> days = pd.date_range("2024-01-01", periods=30)
        >>> frame = pd.concat([pd.DataFrame({"unique_id": f"shop {n}", "ds": days, "y": np.arange(30.0) + n})
        ...                    for n in range(4)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     forecaster = Forecaster(horizon=2, epochs=0, seed=1, verbose=0)
        ...     _ = forecaster.fit_groups(frame, out=f"{folder}/fit", buckets=2)
        ...     forecaster.predict_groups(out=f"{folder}/forecasts").to_frame()["forecast"].round().tolist()
        [30.0, 31.0, 31.0, 32.0, 32.0, 33.0, 33.0, 34.0]
        """
        found = self._opened("fit", source, out, buckets, sample, val)
        with runner(processes, cluster, found[1].path) as run:
            _run(run, *found, ["share"], "fit")
        self._groups = found[1].path
        return self

    def predict_groups(
        self,
        horizon: int | None = None,
        X_future: Any = None,
        level: float | Sequence[float] | None = None,
        *,
        out: str | os.PathLike[str],
        processes: int = 1,
        cluster: Any = None,
    ) -> GroupResults:
        """Forecast all series of :meth:`fit_groups`, one file per bucket.

        Args:
            horizon: int >= 1, steps; None: the `horizon` of the constructor.
            X_future: the covariates of these steps, if there were any, as `source` of :meth:`fit_groups`: paths, a long
                frame or a Ray dataset with `unique_id`, `ds` and the covariates.
            level: levels of prediction intervals, as for :meth:`predict`.
            out: folder of the forecasts, another than that of the fit. A call that was killed goes on.
            processes: as for :meth:`fit_groups`.
            cluster: as for :meth:`fit_groups`.

        Returns:
            The forecasts: `unique_id`, `ds`, `forecast` and the bounds of the intervals.

        Raises:
            NotFittedError: :meth:`fit_groups` or :meth:`load_groups` was not called.
            InvalidArgumentError: a level is out of range, covariates are missing, or `out` has another run.
            IntervalError: too few steps were held out for a level.
            StorageError: a file of the fit does not exist or is damaged, or `out` cannot be written.
        """
        results = self.groups_
        fit = RunFolder.read(results.path)
        levels = list(read_levels(level))
        horizon = (
            None if horizon is None else check_int("horizon", horizon, hint="It is the number of steps to forecast.")
        )
        _check_levels(fit, levels)
        covariates = [each for each in fit.identity["source"]["columns"] if each not in ("unique_id", "ds", "y")]
        future = None
        if X_future is not None:
            if not covariates:
                raise InvalidArgumentError("X_future is given, but fit had no covariates; expected None.")
            future = read_source(X_future, "X_future", ("unique_id", "ds", *covariates))
        elif covariates:
            raise InvalidArgumentError(
                f"X_future=None; expected the covariates of fit ({', '.join(covariates)}) for the dates to forecast."
            )
        identity = {
            "task": "predict", "fit": fit.details["id"], "buckets": results.buckets, "horizon": horizon,
            "levels": levels, "future": None if future is None else future.note,
        }  # fmt: skip
        folder = RunFolder.open(out, identity, {"groups": str(fit.path), "seed": fit.details["seed"]})
        with runner(processes, cluster, folder.path) as run:
            _run(run, future, folder, [], "predict")
        return GroupResults(folder.path)

    def cross_validation_groups(
        self,
        source: Any,
        horizon: int | None = None,
        n_windows: int = 5,
        *,
        out: str | os.PathLike[str],
        step: int | None = None,
        refit: str | bool = False,
        level: float | Sequence[float] | str | None = "auto",
        buckets: int = BUCKETS,
        sample: int = SAMPLE,
        processes: int = 1,
        cluster: Any = None,
    ) -> GroupResults:
        """Forecast any number of series from several origins: see :meth:`cross_validation`.

        The estimator itself is not fitted. A series that is too short for so many windows is a row of `errors`.

        Args:
            source: as for :meth:`fit_groups`.
            horizon: int, steps of each forecast; None: as in the constructor.
            n_windows: int >= 1, origins; the last forecast ends where the series ends.
            out: folder of the results, as for :meth:`fit_groups`.
            step: int >= 1, steps between origins; None: `horizon`.
            refit: False: what all series share is fitted at the first origin only; the statistics of each series are
                fitted at each origin. `"fresh"`: all is fitted at each origin, which trains networks `n_windows` times.
            level: levels of the intervals, as for :meth:`cross_validation`.
            buckets: as for :meth:`fit_groups`.
            sample: as for :meth:`fit_groups`.
            processes: as for :meth:`fit_groups`.
            cluster: as for :meth:`fit_groups`.

        Returns:
            Scores, the columns of :meth:`cross_validation` with `unique_id` for `series`; the forecasts are
            ``to_frame("forecasts")``.

        Raises:
            InvalidArgumentError: as :meth:`fit_groups`, or no series of the sample is long enough.
            IntervalError: too few steps are held out for a level.
            StorageError: as :meth:`fit_groups`.
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
        found = self._opened("score", source, out, buckets, sample, None, {"windows": windows})
        with runner(processes, cluster, found[1].path) as run:
            _run(run, *found, ["share"] * (n_windows if refit else 1), "score")
        return GroupResults(found[1].path)

    @classmethod
    def load_groups(cls, out: str | os.PathLike[str]) -> Self:
        """The estimator of a complete :meth:`fit_groups`, in another process.

        Args:
            out: the folder of the fit.

        Raises:
            StorageError: there is no complete fit in the folder.
        """
        folder = RunFolder.read(out)
        if folder.identity["task"] != "fit" or folder.complete() is None:
            raise StorageError(f"{folder.path}: has no complete fit_groups. Call fit_groups again: it goes on.")
        params = {**folder.identity["params"], "seed": folder.details["seed"]}
        if isinstance(params["model"], dict):
            from kerazoo.zoo.spec import RNNSpec

            params["model"] = RNNSpec.from_dict(params["model"])
        estimator = cls(**params)
        estimator._groups = folder.path
        return estimator

    @property
    def groups_(self) -> GroupResults:
        """What :meth:`fit_groups` has written: the number of series, and those that failed."""
        if not hasattr(self, "_groups"):
            raise NotFittedError("no groups are fitted; call fit_groups(source, out=), or Forecaster.load_groups(out).")
        return GroupResults(self._groups)

    def _opened(
        self,
        task: str,
        source: Any,
        out: Any,
        buckets: Any,
        sample: Any,
        val: Any,
        more: Mapping[str, Any] | None = None,
    ) -> tuple[Source, RunFolder]:
        """The source and the folder of a run; arguments are checked."""
        params = self.get_params(deep=False)
        if params["callbacks"] not in ((), [], None):
            raise InvalidArgumentError("callbacks with fit_groups; expected none: networks may be trained elsewhere.")
        if params["checkpoint_dir"] is not None:
            raise InvalidArgumentError("checkpoint_dir with fit_groups; expected None: checkpoints are in out.")
        plain = params_to_json(params)
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
        found = read_source(source)
        details = {name: plain[name] for name in WITHOUT_EFFECT}
        return found, RunFolder.open(out, {**identity, "source": found.note}, details)


def _check_levels(fit: RunFolder, levels: Sequence[float]) -> None:
    """Raise as `predict` does for levels that are not possible, before any task."""
    if not levels:
        return
    from kerazoo.forecast.groups.sharing import read_shared

    fitted = read_shared(fit.shared()).fitted
    panel = fitted.panel
    futures = [each.covariates[:1] for each in panel.series]
    fitted.forecast(panel, futures, 1, levels)


def _run(run: Run, source: Source | None, folder: RunFolder, shares: Sequence[str], task: str) -> None:
    """All tasks of a run that are not done."""
    kind = "future" if task == "predict" else "source"
    if source is not None:
        numbers = range(source.n_shards)
        if source.data is None:
            _stage(run, folder, kind, numbers)
        elif folder.done(kind, 0) is None:  # which only this process has
            write_partition(folder, source, kind, 0)
    _stage(run, folder, "share", range(len(shares)))
    _stage(run, folder, task, range(int(folder.identity["buckets"])))
    totals = {"n_series": 0, "n_failed": 0}
    for bucket in range(int(folder.identity["buckets"])):
        note = folder.done(task, bucket) or {}
        for name in totals:
            totals[name] += note.get(name, 0)
    write_errors(folder, task)
    folder.complete(totals)


def _stage(run: Run, folder: RunFolder, task: str, numbers: Sequence[int]) -> None:
    left = [number for number in numbers if folder.done(task, number) is None]
    items = [{"out": str(folder.path), "task": task, "number": number} for number in left]
    for _ in run(items):
        pass
