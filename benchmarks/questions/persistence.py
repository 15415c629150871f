"""How long do saving and loading take, and how large are the files? Word vectors, a forecaster, models of the zoo.

    python -m benchmarks.questions.persistence [--words 50000] [--repeats 5]

Word vectors beside gensim's: both sides have the same model of synthetic text. Loading ends with a query, because
kerazoo leaves vectors on the disk until they are used. kerazoo waits until a saved file is on the disk, gensim and
Keras do not. Bytes are those of all files that a side writes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gensim
import keras

from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.timing import Side, alternate
from kerazoo import Forecaster, Word2Vec, datasets, zoo

QUESTION = "Seconds of saving and loading, and bytes: word vectors beside gensim's, a forecaster, a model of the zoo."
SIZE = 100

# name, function that saves to a path, function that loads from it
Format = tuple[str, Callable[[str], Any], Callable[[str], Any]]


def word_vectors(n_words: int) -> list[Format]:
    """The same model of `n_words` words in both libraries, and its vectors in the two formats of word2vec."""
    names = [f"word{number}" for number in range(n_words)]
    sentences = [names[first : first + 100] for first in range(0, n_words, 100)]
    theirs = gensim.models.Word2Vec(sentences, vector_size=SIZE, min_count=1, epochs=1, workers=1, seed=1)
    ours = Word2Vec.from_gensim(theirs)

    def query(vectors: Any) -> None:
        vectors.most_similar(names[0])

    def text(binary: bool) -> Format:
        name = f"vectors, word2vec's {'binary' if binary else 'text'} format"
        load = gensim.models.KeyedVectors.load_word2vec_format
        return (
            name,
            lambda path: ours.wv.save_word2vec_format(path, binary=binary),
            lambda path: query(load(path, binary=binary)),
        )

    return [
        ("kerazoo Word2Vec", ours.save, lambda path: query(Word2Vec.load(path).wv)),
        ("kerazoo Word2Vec, mmap=False", ours.save, lambda path: query(Word2Vec.load(path, mmap=False).wv)),
        ("gensim Word2Vec", theirs.save, lambda path: query(gensim.models.Word2Vec.load(path).wv)),
        ("gensim KeyedVectors", theirs.wv.save, lambda path: query(gensim.models.KeyedVectors.load(path))),
        text(True),
        text(False),
    ]


def forecasters(members: int) -> list[Format]:
    """A forecaster of `members` networks."""
    # One step is enough: the file has the same size for any weights.
    made = Forecaster("lstm_1x32", horizon=12, n_members=members, epochs=1, steps_per_epoch=1, seed=1, verbose=0)
    made.fit(datasets.milk())
    return [(f"Forecaster, {members} lstm_1x32", made.save, Forecaster.load)]


def zoo_models(names: tuple[str, ...]) -> list[Format]:
    """Models of the zoo in Keras's format."""

    def format_of(name: str) -> Format:
        model = zoo.build(name, seed=1)
        return (
            f"zoo, {name}",
            lambda path: model.save(f"{path}.keras"),
            lambda path: keras.models.load_model(f"{path}.keras"),
        )

    return [format_of(name) for name in names]


def measure(formats: list[Format], repeats: int, folder: Path) -> list[dict[str, Any]]:
    """Two rows per format: saving and loading."""
    sides: list[Side] = []
    for name, save, load in formats:
        directory = folder / f"{len(sides)}"
        directory.mkdir(parents=True)
        path = str(directory / "saved")
        for part, function in (("save", save), ("load", load)):
            sides.append(Side(name, _once(function, path), notes={"part": part, "directory": directory}))
    alternate(sides, repeats)
    return [
        {
            "name": side.name,
            "part": side.notes["part"],
            "seconds": statistics.median(side.seconds),
            "min_seconds": min(side.seconds),
            "max_seconds": max(side.seconds),
            "repeats": len(side.seconds),
            "bytes": sum(file.stat().st_size for file in side.notes["directory"].iterdir()),
        }
        for side in sides
    ]


def _once(function: Callable[[str], Any], path: str) -> Callable[[], float]:
    def run() -> float:
        function(path)
        return 1.0

    return run


def main() -> None:
    """Measure, print a table per kind and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=50_000, help="size of the vocabulary")
    parser.add_argument("--members", type=int, default=5, help="networks of the forecaster")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    made = {
        "word_vectors": word_vectors(arguments.words),
        "forecaster": forecasters(arguments.members),
        "zoo": zoo_models(("lstm_1x100_relu", "gru_2x64")),
    }
    with tempfile.TemporaryDirectory() as folder:
        tables = {name: measure(formats, arguments.repeats, Path(folder) / name) for name, formats in made.items()}
    for name, rows in tables.items():
        print_table(name, rows, ["name", "part", "seconds", "min_seconds", "max_seconds", "bytes"])
    settings = {"backend": keras.backend.backend(), "words": arguments.words, "vector_size": SIZE,
                "members": arguments.members, "repeats": arguments.repeats}  # fmt: skip
    print(write_result("persistence", QUESTION, settings, tables))


if __name__ == "__main__":
    main()
