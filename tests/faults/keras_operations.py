"""Operations that take longer: with Keras, or of many series."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.layer import FAULTS
from tests.faults.operations import READS, TEXT, WRITES, Operation, command, digest

__all__ = ["with_keras"]


@cache
def networks() -> Any:
    """A fitted `Forecaster` with networks."""
    from tests.forecast.helpers import eagerly
    from tests.forecast.test_backends import series, tiny

    with eagerly():
        return tiny(epochs=2).fit(series())


def _forecasts() -> None:
    assert np.isfinite(networks().predict(3)).all()


def _in_archive(path: Path) -> Any:
    """The weights in a .keras file, which has times and names that count up."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    from kerazoo import zoo

    return digest(*zoo.load(path).get_weights())


def _fit_words(folder: Path) -> str:
    import keras

    from kerazoo import Word2Vec

    keras.backend.clear_session()
    settings = {"vector_size": 4, "min_count": 1, "epochs": 2, "seed": 1, "workers": 1, "verbose": 0}
    fitted = Word2Vec(engine="keras", **settings, checkpoint_dir=folder / "out", checkpoint_minutes=0).fit(TEXT[:9])
    return digest(fitted.vectors_)


def _fit_series(folder: Path) -> str:
    from tests.forecast.helpers import eagerly
    from tests.forecast.test_backends import series, tiny

    with eagerly():
        fitted = tiny(epochs=2, n_members=1, checkpoint_dir=folder / "out", checkpoint_minutes=0).fit(series())
    return digest(fitted.predict(5))


def _whole(folder: Path) -> None:
    from kerazoo._runtime.files import read_tensors

    kinds = ("kerazoo.forecast-training", "kerazoo.word2vec")
    for path in (folder / "out").iterdir():
        read_tensors(path, kind=kinds, mmap=False)


def _many_series(folder: Path) -> str:
    from tests.forecast.groups.helpers import forecaster

    fitted = forecaster().fit_groups(folder / "in/series.parquet", out=folder / "out/fit", buckets=2)
    found = fitted.predict_groups(level=80, out=folder / "out/forecasts").to_frame()
    return digest(found.select_dtypes("number").to_numpy())


def _write_series(folder: Path) -> None:
    from tests.forecast.groups.helpers import series

    series(4).to_parquet(folder / "in/series.parquet", index=False)


def _no_parts(folder: Path) -> None:
    left = [path.name for path in (folder / "out").rglob("*.part")]
    if left:
        raise AssertionError(f"left: {left}")


def _milk(folder: Path) -> None:
    from kerazoo import datasets

    datasets.milk()[:48].to_csv(folder / "in/milk.csv")


def _older(*names: str) -> Any:
    def earlier(folder: Path) -> None:
        for name in names:
            (folder / "out" / name).write_text("older")

    return earlier


def _picture(path: Path) -> Any:
    """Of a picture, that it is whole; of other files their bytes."""
    if path.suffix != ".png" or path.stat().st_size == 5:
        return path.read_bytes()
    from PIL import Image

    with Image.open(path) as image:
        image.load()
        return image.size


def with_keras() -> list[Operation]:
    """All of them."""
    return [
        Operation("fit with checkpoints, Keras engine", _fit_words, survives=True, complete=_whole, faults=FAULTS),
        Operation("Forecaster.fit with checkpoints", _fit_series, survives=True, complete=_whole, faults=FAULTS),
        Operation(
            "Forecaster.save with networks", lambda folder: networks().save(folder / "out/f.kerazoo"),
            earlier=_older("f.kerazoo"), usable=_forecasts,
        ),
        Operation(
            "Forecaster.load with networks",
            lambda folder: digest(type(networks()).load(folder / "in/f.kerazoo").predict(3)),
            lambda folder: networks().save(folder / "in/f.kerazoo"), faults=READS,
        ),
        Operation(
            "kerazoo zoo build",
            lambda folder: command("zoo", "build", "gru_1x2", "--out", folder / "out/m.keras", "--seed", 1) and None,
            earlier=_older("m.keras"), content=_in_archive,
            tags=("others' temporary files",),  # Keras leaves its own folder where it cannot make the next one
        ),
        Operation(
            "kerazoo forecast --plot",
            lambda folder: command(
                "forecast", folder / "in/milk.csv", "--epochs", 0, "--windows", 0, "--out", folder / "out/f.csv",
                "--save", folder / "out/f.kerazoo", "--plot", folder / "out/f.png", "--horizon", 12, "--seed", 1,
                "--quiet",
            ) and None,
            _milk, _older("f.csv", "f.kerazoo", "f.png"), content=_picture, tags=("independent",), faults=WRITES,
        ),
        Operation(
            "fit_groups and predict_groups", _many_series, _write_series, complete=_no_parts, faults=FAULTS,
        ),
    ]  # fmt: skip
