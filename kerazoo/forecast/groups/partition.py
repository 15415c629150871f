"""The rows of a source, sorted into buckets: one file for each shard, with groups of rows of one bucket each.

Rows are streamed, so that memory does not grow with the source. A task of a bucket reads its groups of rows from all of
these files. The statistics that parquet keeps of the column :data:`BUCKET` tell which they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._runtime.files import remove_leftovers, replacing
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.groups.hashing import hashes_of, lowest
from kerazoo.forecast.groups.sources import BUCKET, Source, open_parquet, tables_of

__all__ = ["BUCKET", "partition_shard", "read_bucket", "read_sample"]

#: Rows in memory, of which the groups of rows are made: more make larger groups.
MOST_ROWS = 1 << 20


def partition_shard(source: Source, shard: int, buckets: int, path: Path, sample: int) -> dict[str, Any]:
    """Write the rows of a shard, sorted by bucket.

    Args:
        source: the source.
        shard: int, which part of it.
        buckets: int >= 1.
        path: the file; beside it, `path`.json has the names with the lowest hashes.
        sample: int >= 1, how many of these.

    Returns:
        `rows`, their number.

    Raises:
        StorageError: the source has changed, or a file cannot be written.
        InvalidArgumentError: a `unique_id` is missing, or is neither text nor a number.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    remove_leftovers(path)
    writer, tables, waiting, rows = None, [], 0, 0
    known: dict[str, int] = {}
    with replacing(path) as part:
        try:
            for table in tables_of(source, shard):
                if not table.num_rows:
                    continue
                table, hashes = _with_bucket(table, buckets, source, shard)
                known = lowest(known | hashes, sample)
                tables.append(table)
                waiting, rows = waiting + table.num_rows, rows + table.num_rows
                if waiting >= MOST_ROWS:
                    writer = _write(writer, part, pa.concat_tables(tables), pq)
                    tables, waiting = [], 0
            if tables:
                writer = _write(writer, part, pa.concat_tables(tables), pq)
        finally:
            if writer is not None:
                writer.close()
        if writer is None:  # a shard without rows
            part.write_bytes(b"")
        (part.parent / f"{part.name}.json").write_text(json.dumps(known))
    return {"rows": rows}


def _with_bucket(table: Any, buckets: int, source: Source, shard: int) -> tuple[Any, dict[str, int]]:
    """The table with the column of buckets, and the hashes of its names."""
    import pyarrow as pa

    place = table.schema.get_field_index("unique_id")
    column = table.column(place)
    if pa.types.is_dictionary(column.type):  # categories of pandas: names of other shards may be others
        column = column.cast(column.type.value_type)
        table = table.set_column(place, "unique_id", column)
    kind = column.type
    types = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_float64,
        pa.types.is_boolean,
    )
    # The texts of others, such as dates, differ between libraries.
    if column.null_count < len(column) and not any(each(kind) for each in types):
        raise InvalidArgumentError(
            f"unique_id has the type {kind}; expected text or integers. frame['unique_id'].astype(str) converts it."
        )
    if column.null_count:
        where = source.note["files"][shard]["path"] if source.note["kind"] == "files" else "the source"
        raise InvalidArgumentError(
            f"{where}: unique_id is missing in {column.null_count} rows; expected an id in each."
        )
    codes = column.combine_chunks().dictionary_encode()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    names = codes.dictionary.to_pylist()
    hashes = hashes_of(names)
    of_rows = (hashes % np.uint64(buckets)).astype(np.int32)[codes.indices.to_numpy()]
    table = table.append_column(BUCKET, pa.array(of_rows)).replace_schema_metadata(None)
    return table, dict(zip(map(str, names), hashes.tolist(), strict=True))


def _write(writer: Any, path: Path, table: Any, pq: Any) -> Any:
    """Write groups of rows of one bucket each."""
    if writer is None:
        writer = pq.ParquetWriter(path, table.schema)
    numbers = table.column(BUCKET).to_numpy()
    order = np.argsort(numbers, kind="stable")
    table = table.take(order)
    ends = np.append(np.flatnonzero(np.diff(numbers[order])) + 1, len(order))
    first = 0
    for end in ends.tolist():
        writer.write_table(table.slice(first, end - first), row_group_size=max(1, end - first))
        first = end
    return writer


def _groups_of(file: Any, bucket: int | None) -> list[int]:
    """Numbers of the groups of rows of a bucket; None: of all."""
    metadata = file.metadata
    groups = range(metadata.num_row_groups)
    if bucket is None:
        return list(groups)
    place = file.schema_arrow.get_field_index(BUCKET)
    return [each for each in groups if metadata.row_group(each).column(place).statistics.min == bucket]


def _with_rows(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if not path.exists() or path.stat().st_size]


def read_bucket(paths: Sequence[Path], bucket: int) -> pd.DataFrame | None:
    """The rows of a bucket from the files of all shards; None without any.

    Raises:
        StorageError: a file does not exist or is damaged.
    """
    import pyarrow as pa

    tables = []
    for path in _with_rows(paths):
        with open_parquet(path) as file:
            groups = _groups_of(file, bucket)
            if groups:
                tables.append(file.read_row_groups(groups).drop_columns([BUCKET]))
    return pa.concat_tables(tables).to_pandas() if tables else None


def read_sample(paths: Sequence[Path], count: int, most_values: int) -> pd.DataFrame:
    """The rows of the series with the lowest hashes.

    Args:
        paths: the files of all shards.
        count: int >= 1, series.
        most_values: int >= 1, rows; of more, the series with the highest hashes are left out.

    Raises:
        StorageError: a file does not exist or is damaged.
    """
    import pyarrow as pa

    known: dict[str, int] = {}
    for path in paths:
        beside = Path(f"{os.fspath(path)}.json")
        try:
            known = lowest(known | json.loads(beside.read_text()), count)
        except (OSError, ValueError) as error:
            raise StorageError(f"{beside}: cannot be read ({error}). Call again: it is made anew.") from error
    tables = []
    for path in _with_rows(paths):
        with open_parquet(path) as file:
            tables += _rows_of(file, known)
    if not tables:
        raise InvalidArgumentError("the source has no rows; expected at least one series.")
    frame = pa.concat_tables(tables).to_pandas()
    texts = frame["unique_id"].astype(str)
    lengths = texts.value_counts()
    ordered = sorted(lengths.index, key=lambda text: (known[text], text))
    total = np.cumsum([int(lengths[text]) for text in ordered])
    kept = max(1, int(np.searchsorted(total, most_values, side="right")))
    return frame if kept == len(ordered) else frame[texts.isin(ordered[:kept])].reset_index(drop=True)


def _rows_of(file: Any, known: Container[str]) -> list[Any]:
    """The rows of those series, as tables without the column of buckets."""
    import pyarrow as pa

    tables = []
    for group in _groups_of(file, None):
        names = file.read_row_group(group, columns=["unique_id"]).column(0).combine_chunks().dictionary_encode()
        if isinstance(names, pa.ChunkedArray):
            names = names.combine_chunks()
        chosen = np.array([str(each) in known for each in names.dictionary.to_pylist()], bool)
        if chosen.any():
            rows = chosen[names.indices.to_numpy()]
            tables.append(file.read_row_group(group).drop_columns([BUCKET]).filter(pa.array(rows)))
    return tables
