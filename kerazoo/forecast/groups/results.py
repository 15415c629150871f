"""`GroupResults`: what a run over many series has written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.groups.folder import RunFolder
from kerazoo.forecast.groups.hashing import bucket_of
from kerazoo.forecast.groups.reading import ERROR_COLUMNS
from kerazoo.forecast.groups.sources import open_parquet

__all__ = ["GroupResults"]

#: The tables of a run, and the task that writes them.
TABLES = {"fit": (), "predict": ("forecasts",), "score": ("scores", "forecasts")}


class GroupResults:
    """The results of a complete run, which are read from its folder when they are asked for.

    Iterating yields one frame per bucket, so that memory holds one bucket at a time. Files are ordinary parquet files:
    ``pd.read_parquet(results.path / "forecasts")``, or any other reader.

    Args:
        path: the folder `out` of the run.

    Raises:
        StorageError: the folder has no run, or one that is not complete.

    Attributes:
        path: the folder.
        task: `"fit"`, `"predict"` or `"score"`.
        buckets: int, number of buckets.
        n_series: int, series with a result.
        n_failed: int, series without one: see :attr:`errors`.

    >>> import tempfile
    >>> import numpy as np
    >>> from kerazoo import Forecaster
    >>> shop = pd.DataFrame({"unique_id": "shop", "ds": pd.date_range("2024-01-01", periods=30), "y": np.arange(30.0)})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     forecaster = Forecaster(horizon=2, epochs=0, verbose=0).fit_groups(shop, out=f"{folder}/fit", buckets=2)
    ...     found = forecaster.predict_groups(out=f"{folder}/forecasts")
    ...     found.n_series, len(found.errors), [len(frame) for frame in found], len(found.read(["shop"]))
    (1, 0, [2], 2)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._folder = RunFolder.read(path)
        totals = self._folder.complete()
        if totals is None:
            raise StorageError(f"{self._folder.path}: the run is not complete; call again with the same arguments.")
        self.path = self._folder.path
        self.task: str = self._folder.identity["task"]
        self.buckets = int(self._folder.identity["buckets"])
        self.n_series, self.n_failed = int(totals["n_series"]), int(totals["n_failed"])

    def __repr__(self) -> str:
        return f"GroupResults({str(self.path)!r}): {self.n_series} series, {self.n_failed} failed"

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """The frame of each bucket: forecasts as `predict` returns them for a long frame, or scores."""
        return self._frames(self._table(None), range(self.buckets))

    @property
    def errors(self) -> pd.DataFrame:
        """The series without a result: `unique_id` (as text), `error` (the class) and `message`, ordered by name."""
        path = self.path / "errors.parquet"
        with open_parquet(path) as file:
            frame = file.read().to_pandas()
        return frame.sort_values("unique_id", kind="stable", ignore_index=True)[list(ERROR_COLUMNS)]

    def to_frame(self, table: str | None = None) -> pd.DataFrame:
        """All results in one frame, ordered by the text of `unique_id`; it must fit into memory.

        Args:
            table: `"forecasts"` or `"scores"`; None: the only one, or the scores.

        Raises:
            InvalidArgumentError: the run has no such table.
            StorageError: a file does not exist or is damaged.
        """
        return _ordered(list(self._frames(self._table(table), range(self.buckets))))

    def read(self, ids: Iterable[Any], table: str | None = None) -> pd.DataFrame:
        """The results of some series; only the files of their buckets are read.

        Args:
            ids: values of `unique_id`. Those without a result are left out.
            table: as for :meth:`to_frame`.

        Raises:
            InvalidArgumentError: `ids` is no list, or the run has no such table.
            StorageError: a file does not exist or is damaged.
        """
        if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
            raise InvalidArgumentError(f"ids={ids!r}; expected a list of values of unique_id, such as [{ids!r}].")
        wanted = {str(each) for each in ids}
        buckets = sorted({bucket_of(each, self.buckets) for each in wanted})
        frames = self._frames(self._table(table), buckets)
        return _ordered([frame[frame["unique_id"].astype(str).isin(wanted)] for frame in frames])

    def _table(self, name: str | None) -> str:
        tables = TABLES[self.task]
        if not tables or (name is not None and name not in tables):
            raise InvalidArgumentError(
                f"table={name!r} of {self.task}_groups; expected one of {', '.join(tables) or 'none'}: forecasts are "
                "those of predict_groups, scores those of cross_validation_groups."
            )
        return name or tables[0]

    def _frames(self, table: str, buckets: Iterable[int]) -> Iterator[pd.DataFrame]:
        for bucket in buckets:
            note = self._folder.done(self.task, bucket)
            if note is None:
                path = self._folder.file(table, bucket)
                raise StorageError(
                    f"{path}: is not what was written. Call again with the same arguments: it is made anew."
                )
            if note["n_series"]:
                with open_parquet(self._folder.file(table, bucket)) as file:
                    yield file.read().to_pandas()


def write_errors(folder: RunFolder, task: str) -> Path:
    """Write `errors.parquet` from the errors of all buckets, one after the other."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from kerazoo._runtime.files import replacing

    path = folder.path / "errors.parquet"
    schema = pa.schema([(name, pa.string()) for name in ERROR_COLUMNS])
    with replacing(path) as part, pq.ParquetWriter(part, schema) as writer:
        for bucket in range(int(folder.identity["buckets"])):
            note = folder.done(task, bucket)
            if note and note["n_failed"]:
                with open_parquet(folder.file("errors", bucket)) as file:
                    table = file.read()
                writer.write_table(table)
    return path


def _ordered(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame({"unique_id": []})
    frame = pd.concat(frames, ignore_index=True)
    order = frame["unique_id"].astype(str).to_numpy(object).argsort(kind="stable")
    return frame.iloc[order].reset_index(drop=True)
