"""The command line: `kerazoo demo | forecast | word2vec | similar`.

Errors are one line and exit code 2; no traceback.
"""

from __future__ import annotations

import difflib
import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from kerazoo._runtime.devices import prefer_fast_kernels
from kerazoo._validation import check_choice
from kerazoo.cli.forecast import forecast, milk_demo
from kerazoo.errors import KerazooError, StorageError, TrainingError, VocabularyError
from kerazoo.word2vec.io.vector_files import VECTOR_FORMATS, read_vectors, write_vectors

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
    help="Keras backend, for engine keras; default: KERAS_BACKEND, or what Keras is configured to.",
)
@click.option(
    "--folder", default="demo-output", show_default=True, type=click.Path(path_type=Path), help="Where plots go."
)
def demo(epochs: int, vector_size: int, seed: int, backend: str | None, folder: Path) -> None:
    """Train word vectors on 300 news articles and forecast a series, offline, in about a minute.

    Example: kerazoo demo --epochs 20 --backend jax
    """
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{folder}: the folder cannot be made ({error.strerror}). --folder names another."
        ) from error
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

    settings: dict[str, Any] = {"vector_size": vector_size, "window": 5, "epochs": epochs, "alpha": 0.05, "seed": seed}
    click.echo(f"model       skip-gram with NCE loss, {vector_size} dimensions")
    engines = {
        "native": "in C on the CPU",
        "keras": f"Keras {keras.__version__} on {keras.backend.backend()}, batches from Cython",
    }
    for engine, description in engines.items():
        click.echo(f"engine      {engine}: {description}")
        model = Word2Vec(engine=engine, verbose=2 if engine == "keras" else 0, **settings).fit(corpus)
        losses, rates = model.history_["loss"], model.history_["words_per_second"]
        click.echo(f"loss        {losses[0]:.4f} -> {losses[-1]:.4f}, mean over all pairs of an epoch")
        click.echo(f"speed       {sorted(rates)[len(rates) // 2]:,.0f} raw words/s (median over the epochs)")
    click.echo("neighbours  (gensim KeyedVectors.most_similar)")
    for word in DEMO_WORDS:
        if word in model.wv:
            near = ", ".join(f"{other} {score:.2f}" for other, score in model.wv.most_similar(word, topn=6))
            click.echo(f"  {word:<12}{near}")
    milk_demo(folder, seed)
    click.echo(f"done in {time.perf_counter() - started:.1f} s")


@cli.command()
@click.argument("corpus", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Where to: .txt or .bin (word2vec format), .kv (gensim KeyedVectors), .kerazoo (the whole model).",
)
@click.option("--vector-size", default=100, show_default=True, help="Dimension of the vectors.")
@click.option("--window", default=5, show_default=True, help="Largest distance between centre and context.")
@click.option("--min-count", default=5, show_default=True, help="Drop words that occur less often.")
@click.option("--max-final-vocab", type=int, help="Keep at most that many words.")
@click.option("--sample", default=1e-3, show_default=True, help="Subsampling of frequent words; 0: none.")
@click.option("--negative", default=5, show_default=True, help="Noise words a pair.")
@click.option("--alpha", type=float, help="Learning rate at the start; default: 0.025, for CBOW 0.05.")
@click.option("--min-alpha", default=1e-4, show_default=True, help="Learning rate at the end.")
@click.option("--epochs", default=5, show_default=True, help="Passes over the corpus.")
@click.option("--cbow", is_flag=True, help="CBOW instead of skip-gram.")
@click.option("--hs", is_flag=True, help="Hierarchical softmax, besides the noise words unless --negative is 0.")
@click.option("--loss", default="nce", show_default=True, help="nce, negative_sampling or sampled_softmax.")
@click.option("--noise", default="unigram", show_default=True, help="unigram, log_uniform or uniform.")
@click.option("--ns-exponent", default=0.75, show_default=True, help="Exponent of the counts in the unigram noise.")
@click.option("--shrink-windows/--full-windows", default=True, show_default=True, help="Random or fixed radius.")
@click.option("--engine", default="auto", show_default=True, help="auto, keras or native.")
@click.option(
    "--backend",
    type=click.Choice(["tensorflow", "jax", "torch"]),
    help="Keras backend; default: KERAS_BACKEND, or what Keras is configured to.",
)
@click.option("--checkpoint-dir", type=click.Path(path_type=Path), help="Folder from which a killed training goes on.")
@click.option("--checkpoint-minutes", default=10.0, show_default=True, help="Least time between two checkpoints.")
@click.option("--workers", type=int, help="Threads; default: all usable cores.")
@click.option("--seed", type=int, help="Repeats a run.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def word2vec(
    corpus: tuple[Path, ...], out: Path, quiet: bool, backend: str | None, cbow: bool, hs: bool, **parameters: Any
) -> None:
    """Train word vectors on text files (plain, .gz, .bz2, .xz, .zst; one document a line) or directories.

    Ctrl-C stops, and writes the vectors learned so far.

    Example: kerazoo word2vec articles.txt.gz --out vectors.txt --vector-size 200 --epochs 3
    """
    # Before hours of training, not after them:
    check_choice("the suffix of --out", out.suffix, VECTOR_FORMATS)
    if not out.parent.is_dir():
        raise StorageError(f"{out}: the folder {str(out.parent)!r} does not exist. Make it first.")
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
        if parameters["engine"] == "auto":  # who names a backend wants Keras
            parameters["engine"] = "keras"
    from kerazoo.word2vec import Word2Vec

    parameters |= {"sg": int(not cbow), "hs": int(hs)}
    model = Word2Vec(verbose=0 if quiet else 1, **parameters)
    try:
        model.fit(list(corpus))
    except (KeyboardInterrupt, TrainingError):
        if hasattr(model, "vectors_"):  # what was learned is worth keeping
            write_vectors(model.to_contents(), out)
            click.echo(f"{out}: {_summary(model)}, as they were when the training stopped", err=True)
        raise
    write_vectors(model.to_contents(), out)
    rates, losses = model.history_["words_per_second"], model.history_["loss"]
    click.echo(f"{out}: {_summary(model)}, loss {losses[-1]:.4f}, {sorted(rates)[len(rates) // 2]:,.0f} raw words/s")


def _summary(model: Any) -> str:
    return f"{len(model.wv):,} vectors of {model.vectors_.shape[1]} dimensions"


@cli.command()
@click.argument("vectors", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, required=True)
@click.option("--topn", default=10, show_default=True, type=click.IntRange(1), help="How many neighbours.")
def similar(vectors: Path, words: tuple[str, ...], topn: int) -> None:
    """Show the nearest neighbours of words in a file of vectors (.txt, .bin, .kv or .kerazoo).

    Example: kerazoo similar vectors.txt australia cricket --topn 5
    """
    loaded = read_vectors(vectors)
    unknown = [word for word in words if word not in loaded]
    if unknown:
        frequent = loaded.index_to_key[:30_000]
        alike = [match for word in unknown for match in difflib.get_close_matches(word, frequent, n=2)]
        guess = f" Near in spelling: {', '.join(map(repr, alike))}." if alike else ""
        raise VocabularyError(
            f"not in the vocabulary of {len(loaded):,} words: {', '.join(map(repr, unknown))}.{guess}"
        )
    for word in words:
        near = ", ".join(f"{other} {score:.2f}" for other, score in loaded.most_similar(word, topn=topn))
        click.echo(f"{word}  {near}")


cli.add_command(forecast)


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of the `kerazoo` command; returns the exit code through SystemExit."""
    # TensorFlow greets with pages about oneDNN and CUDA; who wants them sets the variable.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    prefer_fast_kernels()
    try:
        return cli.main(args=arguments, prog_name="kerazoo", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("kerazoo: interrupted", err=True)
        sys.exit(130)
    except KerazooError as error:
        click.echo(f"kerazoo: {' '.join(str(error).split())}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
