"""Forecasts of more series than fit into memory: methods of the estimator."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kerazoo._runtime.estimator import Estimator
from kerazoo.errors import NotFittedError, StorageError

if TYPE_CHECKING:
    from kerazoo.forecast.groups.results import GroupResults

__all__ = ["GroupMixin"]

#: Buckets by default.
BUCKETS = 64
#: Series that networks and weights of the panel are fitted to, by default.
SAMPLE = 2000


class GroupMixin(Estimator):
    """Adds `fit_groups`, `predict_groups` and `cross_validation_groups` to an estimator with its parameters."""

    _groups: Path

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
            out: folder of the results, about twice as large as the source, and not in a folder of the source. Only
                one call at a time may write to it. Processes on other machines must see it.
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
                written, or another call writes to it. What is finished stays.
            MissingPackageError: pyarrow, or with `cluster` Ray, is not installed.
            ClusterError: the cluster does not answer, or processes were lost again and again.
            TrainingError: the training of the networks diverges.

        >>> import tempfile
        >>> import numpy as np, pandas as pd
        >>> from kerazoo import Forecaster
        >>> days = pd.date_range("2024-01-01", periods=30)
        >>> frame = pd.concat([pd.DataFrame({"unique_id": f"shop {n}", "ds": days, "y": np.arange(30.0) + n})
        ...                    for n in range(4)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     forecaster = Forecaster(horizon=2, epochs=0, seed=1, verbose=0)
        ...     _ = forecaster.fit_groups(frame, out=f"{folder}/fit", buckets=2)
        ...     forecaster.predict_groups(out=f"{folder}/forecasts").to_frame()["forecast"].round().tolist()
        [30.0, 31.0, 31.0, 32.0, 32.0, 33.0, 33.0, 34.0]
        """
        from kerazoo.forecast.groups.runs import run_fit

        self._groups = run_fit(
            self.get_params(deep=False), source, out, buckets=buckets, sample=sample, val=val, processes=processes,
            cluster=cluster,
        )  # fmt: skip
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
        from kerazoo.forecast.groups.results import GroupResults
        from kerazoo.forecast.groups.runs import run_predict

        path = run_predict(self.groups_.path, horizon, X_future, level, out, processes=processes, cluster=cluster)
        return GroupResults(path)

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
        from kerazoo.forecast.groups.results import GroupResults
        from kerazoo.forecast.groups.runs import run_score

        path = run_score(
            self.get_params(deep=False), source, out, horizon=horizon, n_windows=n_windows, step=step, refit=refit,
            level=level, buckets=buckets, sample=sample, processes=processes, cluster=cluster,
        )  # fmt: skip
        return GroupResults(path)

    @classmethod
    def load_groups(cls, out: str | os.PathLike[str]) -> Self:
        """The estimator of a complete :meth:`fit_groups`, in another process.

        Args:
            out: the folder of the fit.

        Raises:
            StorageError: there is no complete fit in the folder, or one of another version of kerazoo.
        """
        from kerazoo.forecast.groups.runs import params_of

        path, params = params_of(out)
        try:
            estimator = cls(**params)
        except TypeError as error:
            raise StorageError(
                f"{path / 'run.json'}: has parameters of another version of kerazoo ({error}). Use that version, or "
                "fit again."
            ) from error
        estimator._groups = path
        return estimator

    @property
    def groups_(self) -> GroupResults:
        """What :meth:`fit_groups` has written: the number of series, and those that failed."""
        if not hasattr(self, "_groups"):
            raise NotFittedError("no groups are fitted; call fit_groups(source, out=), or Forecaster.load_groups(out).")
        from kerazoo.forecast.groups.results import GroupResults

        return GroupResults(self._groups)
