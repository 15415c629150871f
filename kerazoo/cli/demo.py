"""The command `kerazoo demo`: word vectors of news articles, and a forecast of a series."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from kerazoo._columns import FORECAST, bound_columns
from kerazoo._runtime.files import replacing
from kerazoo.cli.commands import Command, backend_option, set_backend
from kerazoo.cli.forecast_report import print_method, show_progress
from kerazoo.cli.terminal import is_terminal, say
from kerazoo.errors import StorageError

__all__ = ["demo", "milk_demo"]

DEMO_WORDS = ("australia", "government", "cricket", "israeli", "fire", "bank")


@click.command(cls=Command, short_help="Train word vectors, forecast a series, and plot it.")
@click.option("--epochs", default=40, show_default=True, type=click.IntRange(1), help="Passes over the corpus.")
@click.option("--vector-size", default=64, show_default=True, type=click.IntRange(1), help="Dimension of the vectors.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Seed, for a reproducible run.")
@backend_option(" of the engine keras")
@click.option(
    "--folder",
    default="demo-output",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the plots.",
)
def demo(epochs: int, vector_size: int, seed: int, backend: str | None, folder: Path) -> None:
    """Train word vectors on 300 news articles and forecast a series, offline, in about a minute.

    Example: kerazoo demo --epochs 20 --backend jax
    """
    set_backend(backend)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be created ({error.strerror}). Give another --folder.") from error
    from kerazoo.datasets import lee
    from kerazoo.text import EncodedCorpus

    started = time.perf_counter()
    corpus = EncodedCorpus.from_source(lee(), min_count=4)
    say(
        f"corpus      300 news articles (Lee et al. 2005, shipped with gensim): {corpus.n_raw_words:,} words, "
        f"{len(corpus.vocabulary):,} of them kept in the vocabulary (min_count 4), "
        f"{corpus.n_dropped:,} running words dropped"
    )
    import keras

    from kerazoo.word2vec import Word2Vec

    settings: dict[str, Any] = {"vector_size": vector_size, "window": 5, "epochs": epochs, "alpha": 0.05, "seed": seed}
    say(f"model       skip-gram with NCE loss, {vector_size} dimensions")
    engines = {
        "native": "in C on the CPU",
        "keras": f"Keras {keras.__version__} on {keras.backend.backend()}, batches from Cython",
    }
    verbose = {"native": int(is_terminal(sys.stderr)), "keras": 2}  # a bar, and a line for each epoch
    for engine, description in engines.items():
        say(f"engine      {engine}: {description}")
        model = Word2Vec(engine=engine, verbose=verbose[engine], **settings).fit(corpus)
        losses, rates = model.history_["loss"], model.history_["words_per_second"]
        say(f"loss        {losses[0]:.4f} -> {losses[-1]:.4f}, mean over all pairs of an epoch")
        say(f"speed       {sorted(rates)[len(rates) // 2]:,.0f} raw words/s (median over the epochs)")
    say("neighbours  (gensim KeyedVectors.most_similar)")
    for word in DEMO_WORDS:
        if word in model.wv:
            near = ", ".join(f"{other} {score:.2f}" for other, score in model.wv.most_similar(word, topn=6))
            say(f"  {word:<12}{near}")
    milk_demo(folder, seed)
    say(f"done in {time.perf_counter() - started:.1f} s")


def milk_demo(folder: Path, seed: int) -> None:
    """Forecast the milk production of 1975 from the years before, and plot it with the true values."""
    from matplotlib.figure import Figure

    from kerazoo.datasets import milk
    from kerazoo.forecast.baselines import seasonal_naive
    from kerazoo.forecast.forecaster import Forecaster
    from kerazoo.metrics import rmse
    from kerazoo.plots import plot_forecast

    y = milk()
    train, test = y[:-12], y[-12:]
    forecaster = Forecaster("lstm_1x16", horizon=12, n_members=3, epochs=10, seed=seed, verbose=0)
    say(
        f"forecast    monthly milk production: 1975 from the {len(train)} months before, with {forecaster.n_members} "
        f"networks and {forecaster.epochs} epochs for speed (default: 5 and 40)"
    )
    settings = forecaster.validate(train)
    show_progress(forecaster, settings, "training", quiet=False)
    forecaster.fit(train)
    print_method(forecaster, settings)
    table = forecaster.predict(12, level=[0.8, 0.95])
    lower, upper = bound_columns(0.8)
    covered = table[lower].le(test) & table[upper].ge(test)
    say(
        f"error       RMSE {rmse(test, table[FORECAST]):.1f} pounds per cow; seasonal naive: "
        f"{rmse(test, seasonal_naive(train, 12, 12)):.1f}. {int(covered.sum())} of 12 months lie in the 80 % interval"
    )
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    plot_forecast(train, table, truth=test, last=48, ax=figure.subplots())
    path = folder / "milk_forecast.png"
    with replacing(path) as part:
        figure.savefig(part, dpi=150)
    say(f"plot        {path}")
