"""The command line: `kerazoo demo`. Errors are one line and exit code 2; no traceback."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import click

from kerazoo.errors import KerazooError

__all__ = ["main"]

DEMO_WORDS = ("australia", "government", "cricket", "israeli", "fire", "bank")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kerazoo")
def cli() -> None:
    """Word vectors and recurrent forecasters on Keras 3."""


@cli.command()
@click.option("--epochs", default=40, show_default=True, type=click.IntRange(1), help="Passes over the corpus.")
@click.option("--vector-size", default=64, show_default=True, type=click.IntRange(1), help="Dimension of the vectors.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Repeats a run.")
@click.option(
    "--backend",
    type=click.Choice(["tensorflow", "jax", "torch"]),
    help="Keras backend; default: KERAS_BACKEND, or what Keras is configured to.",
)
def demo(epochs: int, vector_size: int, seed: int, backend: str | None) -> None:
    """Train word vectors on 300 news articles, offline, in under a minute.

    Example: kerazoo demo --epochs 20 --backend jax
    """
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
    from kerazoo.datasets import lee
    from kerazoo.text import EncodedCorpus

    started = time.perf_counter()
    corpus = EncodedCorpus.from_source(lee(), min_count=4)
    click.echo(
        f"corpus      300 news articles (Lee et al. 2005, shipped with gensim): {corpus.n_raw_words:,} words, "
        f"{len(corpus.vocabulary):,} of them kept in the vocabulary (min_count 4), "
        f"{corpus.n_dropped:,} running words dropped"
    )
    import keras

    from kerazoo.word2vec import Word2Vec

    click.echo(
        f"model       skip-gram with NCE loss, {vector_size} dimensions, Keras {keras.__version__} on "
        f"{keras.backend.backend()}; batches from Cython"
    )
    model = Word2Vec(vector_size=vector_size, window=5, epochs=epochs, alpha=0.05, seed=seed, verbose=2)
    model.fit(corpus)
    losses, rates = model.history_["loss"], model.history_["words_per_second"]
    click.echo(f"loss        {losses[0]:.4f} -> {losses[-1]:.4f}, mean over all pairs of an epoch")
    click.echo(f"speed       {sorted(rates)[len(rates) // 2]:,.0f} raw words/s (median over the epochs)")
    click.echo("neighbours  (gensim KeyedVectors.most_similar)")
    for word in DEMO_WORDS:
        if word in model.wv:
            near = ", ".join(f"{other} {score:.2f}" for other, score in model.wv.most_similar(word, topn=6))
            click.echo(f"  {word:<12}{near}")
    click.echo(f"done in {time.perf_counter() - started:.1f} s")


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the `kerazoo` command; returns the exit code through SystemExit."""
    # TensorFlow greets with pages about oneDNN and CUDA; who wants them sets the variable.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return cli.main(args=arguments, prog_name="kerazoo", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        click.echo("kerazoo: interrupted", err=True)
        sys.exit(130)
    except KerazooError as error:
        click.echo(f"kerazoo: {' '.join(str(error).split())}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
