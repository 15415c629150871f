"""What `kerazoo bench` measures: sides that do the same work, run in turns.

The machine may be busy, so the sides alternate (A B A B ...) and the figures are medians. The data are drawn from a
seed: a text whose frequencies follow Zipf's law, and monthly series with trend and season.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerazoo._runtime.devices import BACKENDS, backend_name, how_to_install, is_installed, usable_cores
from kerazoo.cli.version import installed_version

__all__ = ["SETTINGS", "Side", "alternate", "forecasts", "machine", "pairs", "summary", "words"]

#: The sizes of the work, and what both sides of words per second are given.
SETTINGS: dict[str, Any] = {
    "words": {"raw_words": 200_000, "vocabulary": 10_000, "words_per_document": 25, "seed": 1},
    "word2vec": {
        "vector_size": 100, "window": 5, "negative": 5, "sample": 1e-3, "alpha": 0.025, "min_count": 5, "epochs": 1,
        "sg": 1, "seed": 1,
    },
    "pairs": {"batch_size": 8192, "window": 5, "sample": 1e-3, "seed": 1},
    "forecasts": {"n_series": 24, "length": 120, "period": 12, "horizon": 12, "seed": 1},
}  # fmt: skip


EPOCHS_OF_PAIRS = 30  # in a run: one takes milliseconds


@dataclass
class Side:
    """One side of a comparison.

    Attributes:
        name: shown in the table.
        run: does the whole work once, and returns its units.
        rates: units per second of each timed run.
    """

    name: str
    run: Callable[[], float]
    rates: list[float] = field(default_factory=list)


def alternate(sides: Sequence[Side], repeats: int, seconds: float, done: Callable[[], None]) -> None:
    """Run the sides in turns.

    Args:
        sides: get their rates. They are warm: those who made them have run them on a little work.
        repeats: rounds at most.
        seconds: no round is begun that would probably end later than that; the first one always is.
        done: called after every run.

    >>> sides = [Side("a", lambda: 1.0), Side("b", lambda: 2.0)]
    >>> alternate(sides, repeats=3, seconds=1e9, done=lambda: None)
    >>> [len(side.rates) for side in sides]
    [3, 3]
    """
    start = time.perf_counter()
    for number in range(1, repeats + 1):
        for side in sides:
            gc.collect()
            begin = time.perf_counter()
            units = side.run()
            side.rates.append(units / (time.perf_counter() - begin))
            done()
        passed = time.perf_counter() - start
        if passed + passed / number > seconds:
            return


def summary(sides: Sequence[Side], unit: str) -> list[dict[str, Any]]:
    """A row for each side: the median of its rates, all of them, and its ratio to the last side within each round.

    >>> sides = [Side("ours", len, [30.0, 10.0, 20.0]), Side("theirs", len, [10.0, 5.0, 20.0])]
    >>> [(row["side"], row["median"], row["ratio"]) for row in summary(sides, "words")]
    [('ours', 20.0, 2.0), ('theirs', 10.0, 1.0)]
    """
    last = sides[-1].rates
    return [
        {
            "side": side.name,
            "unit": f"{unit} per second",
            "median": statistics.median(side.rates),
            "rates": side.rates,
            "ratio": statistics.median(own / other for own, other in zip(side.rates, last, strict=True)),
        }
        for side in sides
    ]


def zipf_text(raw_words: int, vocabulary: int, words_per_document: int, seed: int) -> list[list[str]]:
    """Documents of words that are drawn independently, with frequencies proportional to 1 / (rank + 2.7)."""
    import numpy as np

    weights = 1.0 / (np.arange(vocabulary) + 2.7)  # Mandelbrot's form of Zipf's law
    drawn = np.random.default_rng(seed).choice(vocabulary, raw_words, p=weights / weights.sum())
    names = [f"w{rank}" for rank in range(vocabulary)]
    return [
        [names[rank] for rank in drawn[begin : begin + words_per_document].tolist()]
        for begin in range(0, raw_words, words_per_document)
    ]


def words(documents: list[list[str]]) -> list[Side]:
    """Whole fits on a list of documents, with the vocabulary: the native engine, and gensim if it is installed."""
    from kerazoo.word2vec import Word2Vec

    settings = {**SETTINGS["word2vec"], "workers": usable_cores()}
    few = documents[:400]  # warms up: modules are imported, threads have run

    def ours(documents: list[list[str]] = documents) -> float:
        Word2Vec(loss="negative_sampling", engine="native", verbose=0, **settings).fit(documents)
        return float(sum(map(len, documents)) * settings["epochs"])

    ours(few)
    sides = [Side("kerazoo", ours)]
    if is_installed("gensim"):
        from gensim.models import Word2Vec as GensimWord2Vec

        def theirs(documents: list[list[str]] = documents) -> float:
            GensimWord2Vec(documents, **settings)
            return float(sum(map(len, documents)) * settings["epochs"])

        theirs(few)
        sides.append(Side("gensim", theirs))
    return sides


def pairs(documents: list[list[str]]) -> list[Side]:
    """Epochs of the generator of skip-gram pairs, on one thread, without and with noise words."""
    from kerazoo.batching import SkipGramBatches
    from kerazoo.text import EncodedCorpus

    corpus = EncodedCorpus.from_source(documents, min_count=SETTINGS["word2vec"]["min_count"], progress=False)

    def side(name: str, **noise: Any) -> Side:
        batches = SkipGramBatches(corpus, advance=False, **SETTINGS["pairs"], **noise)
        epochs: Iterator[int] = iter(range(1, 10**6))
        batches[0]

        def run() -> float:
            for _ in range(EPOCHS_OF_PAIRS):
                batches.epoch = next(epochs)
                for i in range(len(batches)):
                    batches[i]
            return float(EPOCHS_OF_PAIRS * len(batches) * batches.batch_size)

        return Side(name, run)

    return [side("with 5 noise words each", noise="unigram", negative=5), side("without noise words")]


def forecasts() -> list[Side]:
    """Fit and forecast of many series at once: by a network that is trained already, and by statistics alone."""
    import numpy as np
    import pandas as pd

    from kerazoo.forecast.forecaster import Forecaster
    from kerazoo.forecast.generators import generate

    n, length, period, horizon, seed = SETTINGS["forecasts"].values()
    values = generate(n, length, period, seed=seed)
    dates = pd.date_range("2015-01-01", periods=length, freq="MS")
    frame = pd.DataFrame(
        {"unique_id": np.repeat(np.arange(n), length), "ds": np.tile(dates, n), "y": np.asarray(values).ravel()}
    )

    def side(name: str, **settings: Any) -> Side:
        def run(frame: Any = frame) -> float:
            Forecaster(horizon=horizon, seed=seed, verbose=0, **settings).fit(frame).predict(level=0.8)
            return float(len(frame) // length)

        run(frame[: 2 * length])
        return Side(name, run)

    return [side("preset:forecast_small", model="preset:forecast_small"), side("statistics (epochs=0)", epochs=0)]


def machine() -> dict[str, Any]:
    """CPU, cores, memory, system and versions."""
    cpu, memory = platform.processor() or platform.machine(), None
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    packages = ("kerazoo", "numpy", "gensim", "keras", *BACKENDS, "pandas")
    return {
        "cpu": cpu,
        "cores": usable_cores(),
        "memory_gib": memory,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "backend": backend_name(),
        "versions": {name: version for name in packages if (version := installed_version(name))},
    }


def missing(packages: Sequence[str]) -> str:
    """Which of the packages is not installed and how it is installed, or ""."""
    for package in packages:
        if not is_installed(package):
            return f"{package} is not installed: {how_to_install(package)}"
    return ""
