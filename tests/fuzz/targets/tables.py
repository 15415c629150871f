"""Tables of series: CSV files as the command line reads them, and data frames as the estimator does."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.mutation import BYTES, TEXT, packed_mutation, words_mutation
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

SUFFIXES = (".csv", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zst", ".csv.zip")
ROWS = [f"2020-{month:02d}-01,{month}.5,shop{month % 2}" for month in range(1, 13)]
PLAIN = "\n".join(["ds,y,unique_id", *ROWS]).encode()
CELLS = words_mutation(
    [
        "2020-01-01",
        "31/12/2020",
        "1/2/20",
        "12/31/2020",
        "20200131",
        "202001",
        "2020-01-01T00:00:00+02:00",
        "2020-13-45",
        "9999-12-31",
        "0001-01-01",
        "1677-09-21",
        "2262-04-12",
        "292277026596-12-04",
        "Q1 2020",
        "2020W05",
        "now",
        "today",
        "1e5",
        "NaT",
        "NA",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1,000",
        "0x1F",
        "True",
        "",
        '"',
        '""',
        ",",
        ",,",
        "\n",
        "\r\n",
        "\x01",
        "\x00",
        "ds,y\n",
        '"a,b"',
        "Feb 30 2020",
        "2020-02-29 24:00",
        "2020-10-25 02:30+01:00",
        "9" * 400,
        "-2020-01-01",
        "é",
        "\ufeff",
        "1" * 20,
        "+1",
        "1_000",
        " 1 ",
        "2020-01-01 00:00:00.123456789123",
        "10000-01-01",
        "2020-366",
        "UTC",
        "٣",
    ]
)


def read_csv(data: bytes, folder: Path) -> object:
    """A CSV file: its table, then dates, numbers and labels of each column."""
    from kerazoo.cli.csv_tables import DateOptions, read_dates, read_table
    from kerazoo.errors import KerazooError

    kind = data[0] if data else 0
    path = folder / f"series{SUFFIXES[kind % 8 % len(SUFFIXES)]}"
    path.write_bytes(data[1:])
    if kind & 64:
        read_dates(path)
        return "dates"
    table = read_table(path, header=not kind & 32)
    options = [DateOptions(), DateOptions(utc=True), DateOptions(freq="M"), DateOptions(format="%d/%m/%Y")]
    for name in table.columns[:4]:
        for read in (
            lambda name: table.labels(name),
            lambda name: table.numbers(name, missing="skip"),
            table.numbers_or_text,
            lambda name: table.numbers(name),
            lambda name: table.dates(name, options[kind // 8 % 4]),
            lambda name: table.day_first(name, options[kind // 8 % 4], table.columns[-1]),
        ):
            with contextlib.suppress(KerazooError):
                read(name)
    return path.suffix


def csv_seeds() -> list[bytes]:
    import zstandard

    def zipped(content: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("series.csv", content)
        return out.getvalue()

    packers = (bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress, zipped)
    found = [bytes([number]) + pack(PLAIN) for number, pack in enumerate(packers)]
    found += [bytes([64]) + PLAIN, bytes([32]) + PLAIN.split(b"\n", 1)[1], bytes([8]) + PLAIN, bytes([16]) + PLAIN]
    others = (
        "d,v\n1/2/2020,1\n2/2/2020,2\n3/2/2020,\n",
        "a;b\n1;2\n",
        'x,"y, z"\n"a ""q""",2\n',
        "t,y\n1,2\n2,3\n\n\n",
    )
    found += [b"\x00" + text.encode() for text in others]
    # Much text in few bytes.
    return found + [bytes([number]) + pack(b"1,2\n" * (1 << 16)) for number, pack in enumerate(packers[1:], 1)]


def _kept(mutation: Any) -> Any:
    def inside(rng: Random, data: bytes) -> bytes:
        return (data[:1] if rng.random() < 0.85 else bytes([rng.randrange(256)])) + mutation(rng, data[1:])

    return inside


def read_frame(data: bytes, folder: Path) -> object:
    """A frame of drawn columns, dates and labels, in each form that `Forecaster.fit` takes."""
    from kerazoo.forecast.data import read_panel

    y, options = drawn_series(Random(data))
    panel = read_panel(y, **options)
    panel.future_indexes(2)
    return panel.form


def drawn_series(rng: Random) -> tuple[Any, dict[str, Any]]:
    """A series, a frame, an array or something else, and arguments of its reader."""
    import pandas as pd

    n = rng.choice((0, 1, 2, 3, 5, 12))

    def values() -> Any:
        numbers: list[Any] = [rng.choice((0.0, 1.0, -1.0, 1e308, float("nan"), float("inf"), 2.5, 3)) for _ in range(n)]
        kind = rng.randrange(10)
        if kind < 4:
            return np.array([rng.random() for _ in range(n)])
        if kind == 4:
            return np.array(numbers, dtype=rng.choice(("f4", "f8", object)))
        if kind == 5:
            return pd.array([None if rng.random() < 0.2 else 1 for _ in range(n)], dtype="Int64")
        if kind == 6:
            return [rng.choice(("1", "x", None, 1, [1], b"2", 2**70, 1j)) for _ in range(n)]
        if kind == 7:
            return pd.Categorical([rng.choice("ab") for _ in range(n)])
        if kind == 8:
            return np.array([rng.randrange(5) for _ in range(n)], rng.choice(("i1", "u8", "i4", "bool")))
        return pd.to_datetime(["2020-01-01"] * n)

    def index() -> Any:
        freq = rng.choice(("D", "ME", "h", "W", "B", "YS", "QE", "15min", "SME", "MS"))
        kind = rng.randrange(9)
        if kind < 3:
            return pd.date_range(
                "2020-01-01", periods=n, freq=freq, tz=rng.choice((None, None, "UTC", "Europe/Berlin"))
            )
        if kind == 3:
            return pd.period_range("2020-01", periods=n, freq=rng.choice(("M", "D", "Q", "W")))
        if kind == 4:
            return pd.Index([rng.choice((1, 2, 3, 2.5, "a", None, pd.Timestamp("2020"))) for _ in range(n)])
        if kind == 5:
            return pd.DatetimeIndex([pd.Timestamp(rng.randrange(2**63 - 1)) for _ in range(n)])
        if kind == 6:
            return pd.RangeIndex(0, n * rng.choice((1, 2, -1, 3)), rng.choice((1, 2, -1, 3)))[:n]
        if kind == 7:
            days = ["2020-01-01", "2020-01-02", "2020-01-01", "2020-01-04", "NaT", "2262-04-11", "1677-09-22"]
            return pd.DatetimeIndex([rng.choice(days) for _ in range(n)])
        return pd.MultiIndex.from_product([["a"], range(n)]) if n else pd.RangeIndex(0)

    def labels() -> list[Any]:
        return [
            rng.choice(("a", "b", 1, None, float("nan"), ("t", 1), pd.Timestamp("2020"), "", 2.0)) for _ in range(n)
        ]

    def of_length(index: Any) -> Any:
        return index if len(index) == n else pd.RangeIndex(n)

    kind = rng.randrange(8)
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        options["missing"] = rng.choice(("error", "skip", "zero", "forward", "x", None, "interpolate"))
    if kind == 0:
        return values(), options
    if kind == 1:
        return rng.choice(
            (
                None,
                3,
                "abc",
                b"abc",
                [[1, 2], [3, 4]],
                [[1], [2, 3]],
                {},
                {"a": [1, 2]},
                [],
                set(),
                object(),
                np.zeros((2, 3, 4)),
                np.zeros((0, 2)),
                np.array(3.0),
                iter([1, 2]),
            )
        ), options
    if kind == 2:
        return pd.Series(values(), of_length(index()), name=rng.choice((None, "y", ("a", 1), 3))), options
    if kind in (3, 4):
        shared = of_length(index())
        columns = [rng.choice(("a", "b", 1, ("x", 2), None, "ds", "y")) for _ in range(rng.randrange(4))]
        frame = pd.concat([pd.Series(values(), shared) for _ in columns], axis=1) if columns else pd.DataFrame()
        if columns:
            frame.columns = pd.Index(columns, tupleize_cols=False)
        if rng.random() < 0.3:
            options["X"] = pd.DataFrame({"x": values()}, of_length(index()))
        return frame, options
    columns_of = {"unique_id": labels(), "ds": of_length(index()), "y": values()}
    frame = pd.DataFrame({name: pd.Series(list(column)) for name, column in columns_of.items()})
    if rng.random() < 0.5:
        frame["unique_id"] = [rng.choice("ab") for _ in range(n)]
    if rng.random() < 0.3:
        frame["price"] = values()
    if rng.random() < 0.2:
        frame = frame.drop(columns=rng.choice(("unique_id", "ds", "y")))
    if rng.random() < 0.3:
        frame = frame.sort_values("ds") if "ds" in frame and frame["ds"].map(type).nunique() == 1 else frame[::-1]
    return frame, options


def frame_seeds() -> list[bytes]:
    return [bytes([number, 7]) for number in range(200)]


def reseed(rng: Random, data: bytes) -> bytes:
    """Another draw."""
    return rng.randbytes(8)


TARGETS = (
    Target(
        "csv",
        read_csv,
        csv_seeds,
        tuple(
            _kept(each)
            for each in (*TEXT, CELLS, CELLS, CELLS, *BYTES, packed_mutation(gzip.decompress, gzip.compress))
        ),
        batch=1000,
    ),
    Target("frames", read_frame, frame_seeds, (reseed,), batch=1000),
)
