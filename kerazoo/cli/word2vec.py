"""The commands `kerazoo word2vec`, `kerazoo similar` and `kerazoo convert`."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any

import click

from kerazoo._runtime.checkpoints import DEFAULT_MINUTES
from kerazoo._validation import check_choice
from kerazoo.cli.commands import Command, backend_option, check_output, set_backend
from kerazoo.cli.corpus_files import corpus_files, errors_option
from kerazoo.cli.terminal import is_terminal
from kerazoo.errors import InvalidArgumentError, StorageError, TrainingError, VocabularyError
from kerazoo.text import EncodedCorpus
from kerazoo.text.phrases import chain
from kerazoo.word2vec.io.vector_files import FORMATS, check_suffix, load_vectors, save_vectors, write_vectors
from kerazoo.word2vec.io.vector_tensors import DTYPES
from kerazoo.word2vec.io.word_vectors import WordVectors
from kerazoo.word2vec.options import checked_settings

__all__ = ["convert", "similar", "word2vec"]


@click.command(cls=Command, short_help="Train word vectors on text files.", arguments={"sg": "--cbow"})
@click.argument("corpus", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Output file: .txt, .vec or .bin (word2vec's formats), .kv (gensim KeyedVectors), .safetensors, .kerazoo (the "
    "whole model); the first four also with .gz, .bz2, .xz or .zst.",
)
@click.option("--vector-size", default=100, show_default=True, help="Dimension of the vectors.")
@click.option("--window", default=5, show_default=True, help="Largest distance between centre and context word.")
@click.option("--min-count", default=5, show_default=True, help="Drop words that occur less often.")
@click.option("--max-final-vocab", type=int, help="Largest size of the vocabulary.")
@click.option("--phrases", default=0, show_default=True, type=click.IntRange(0), help="Join phrases; 2: of 3, 4 words.")
@click.option("--sample", default=1e-3, show_default=True, help="Subsampling threshold of frequent words; 0: none.")
@click.option("--negative", default=5, show_default=True, help="Noise words per training pair.")
@click.option("--alpha", type=float, help="Initial learning rate; default: 0.025, for CBOW 0.05.")
@click.option("--min-alpha", default=1e-4, show_default=True, help="Final learning rate.")
@click.option("--epochs", default=5, show_default=True, help="Passes over the corpus.")
@click.option("--cbow", is_flag=True, help="CBOW instead of skip-gram.")
@click.option("--hs", is_flag=True, help="Hierarchical softmax, in addition to noise words unless --negative is 0.")
@click.option("--loss", default="nce", show_default=True, help="nce, negative_sampling or sampled_softmax.")
@click.option("--learn-biases", is_flag=True, help="Learn the biases of nce, which are fixed otherwise.")
@click.option("--noise", default="unigram", show_default=True, help="unigram, log_uniform or uniform.")
@click.option("--ns-exponent", default=0.75, show_default=True, help="Exponent of the counts in unigram noise.")
@click.option("--shrink-windows/--full-windows", default=True, show_default=True, help="Random or fixed window radius.")
@click.option("--engine", default="auto", show_default=True, help="auto, keras or native.")
@backend_option()
@click.option("--checkpoint-dir", type=click.Path(path_type=Path), help="Folder to resume a killed training from.")
@click.option(
    "--checkpoint-minutes", default=DEFAULT_MINUTES, show_default=True, help="Minimum time between checkpoints."
)
@click.option("--workers", type=int, help="Number of threads; default: all usable cores.")
@click.option("--seed", type=int, help="Seed, for a reproducible run.")
@errors_option()
@click.option("--quiet", is_flag=True, help="No progress bar.")
def word2vec(
    corpus: tuple[Path, ...],
    out: Path,
    quiet: bool,
    backend: str | None,
    cbow: bool,
    hs: bool,
    errors: str,
    phrases: int,
    **parameters: Any,
) -> None:
    """Train word vectors on text files (plain, .gz, .bz2, .xz, .zst; one document per line) or directories.

    CORPUS may be -, the standard input. A directory is read without the output file and the checkpoints, if they are
    in it. Ctrl-C stops the training and writes the vectors learned so far.

    Example: kerazoo word2vec articles.txt.gz --out vectors.txt --vector-size 200 --epochs 3
    """
    # Checked before training, which may take hours.
    check_suffix(out, "--out")
    check_output("--out", out)
    set_backend(backend, needed=parameters["engine"] == "keras")
    if backend is not None and parameters["engine"] == "auto":  # a backend is used by Keras only
        parameters["engine"] = "keras"
    from kerazoo.word2vec import Word2Vec

    parameters |= {"sg": int(not cbow), "hs": int(hs)}
    # A file or a pipe gets no bar.
    model = Word2Vec(verbose=int(not quiet and is_terminal(sys.stderr)), **parameters)
    checked_settings(model.get_params())
    source: Any = corpus_files(corpus, {"--out": out}, parameters["checkpoint_dir"])
    if phrases:
        source = EncodedCorpus.from_source(source, min_count=1, workers=parameters["workers"], errors=errors)
        found = {"min_count": parameters["min_count"], "workers": parameters["workers"]}
        learned, _ = chain.learned(source, phrases, **found)
        model.set_params(phrases=learned)
    try:
        model.fit(source, errors=errors)
    except (KeyboardInterrupt, TrainingError):
        if hasattr(model, "vectors_"):
            write_vectors(model.to_contents(), out)
            click.echo(f"{out}: {_summary(model)}, as they were when the training stopped", err=True)
        raise
    write_vectors(model.to_contents(), out)
    rates, losses = model.history_["words_per_second"], model.history_["loss"]
    click.echo(f"{out}: {_summary(model)}, loss {losses[-1]:.4f}, {sorted(rates)[len(rates) // 2]:,.0f} raw words/s")


def _summary(model: Any) -> str:
    return f"{len(model.wv):,} vectors of {model.vectors_.shape[1]} dimensions"


_UNASKED = " or pass format='pickle'; Word2Vec.from_gensim reads models of gensim, if you trust their source."


@click.command(cls=Command, texts={_UNASKED: ".", "; load_vectors(path, format=...) reads it as one of them": ""})
@click.argument("vectors", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, required=True)
@click.option("--topn", default=10, show_default=True, type=click.IntRange(1), help="Number of neighbours.")
def similar(vectors: Path, words: tuple[str, ...], topn: int) -> None:
    """Show the nearest neighbours of words in a file of vectors.

    Formats: word2vec's text and binary, GloVe's text, gensim's KeyedVectors (.kv), .safetensors and .kerazoo; also
    compressed.

    Example: kerazoo similar vectors.txt australia cricket --topn 5
    """
    _check_not_empty(vectors)
    loaded = load_vectors(vectors)
    unknown = [word for word in words if word not in loaded]
    if unknown:
        frequent = loaded.words[:30_000]
        alike = [match for word in unknown for match in difflib.get_close_matches(word, frequent, n=2)]
        guess = f" Similar spelling: {', '.join(map(repr, alike))}." if alike else ""
        raise VocabularyError(
            f"not in the vocabulary of {len(loaded):,} words: {', '.join(map(repr, unknown))}.{guess}"
        )
    for word in words:
        near = ", ".join(f"{other} {score:.2f}" for other, score in loaded.most_similar(word, topn=topn))
        click.echo(f"{word}  {near}")


def _check_not_empty(path: Path) -> None:
    if path.is_file() and not path.stat().st_size:
        raise StorageError(f"{path}: empty; expected a file of word vectors.")


@click.command(
    cls=Command,
    texts={
        _UNASKED: ", or give --from pickle. In neither case is anything in it run.",
        "load_vectors(path, format=...) reads it as one of them": "--from reads it as one of them",
    },
)
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--from", "source_format", help=f"Format of SOURCE: {', '.join(FORMATS[:-1])}; default: by suffix or content."
)
@click.option("--to", "target_format", help="Format of TARGET, also projector (a folder); default: by suffix.")
@click.option("--dtype", default="float32", show_default=True, help=f"Numbers of .safetensors: {', '.join(DTYPES)}.")
@click.option(
    "--unicode-errors", default="strict", show_default=True, help="Words that are no UTF-8: replace or ignore."
)
@click.option("--replace-spaces", metavar="TEXT", help="Replace white space in words, which text and .bin cannot hold.")
def convert(
    source: Path,
    target: Path,
    source_format: str | None,
    target_format: str | None,
    dtype: str,
    unicode_errors: str,
    replace_spaces: str | None,
) -> None:
    """Convert a file of word vectors into another format.

    Example: kerazoo convert glove.6B.100d.txt.gz glove.safetensors --dtype int8
    """
    # Checked before reading, which may take a while.
    if source_format is not None:
        check_choice("--from", source_format, FORMATS[:-1])
    if target_format is not None:
        check_choice("--to", target_format, [name for name in FORMATS if name != "kerazoo"])
    elif check_suffix(target, "TARGET") == "kerazoo":
        raise InvalidArgumentError(
            f"{target}: a .kerazoo file holds a whole model, not vectors alone; expected another suffix, such as "
            ".safetensors. kerazoo word2vec writes .kerazoo files."
        )
    if target_format != "projector" or not target.is_dir():  # a folder, whose files are replaced
        check_output("TARGET", target)
    _check_not_empty(source)
    vectors = load_vectors(source, format=source_format, unicode_errors=unicode_errors)
    if replace_spaces is not None:
        words = [replace_spaces.join(word.split()) or word for word in vectors.words]
        vectors = WordVectors(words, vectors.vectors, vectors.counts)
    save_vectors(vectors, target, format=target_format, dtype=dtype)
    click.echo(f"{target}: {len(vectors):,} vectors of {vectors.vector_size} dimensions")
