"""How long does a whole fit of word vectors take on 300 documents, beside gensim with the same parameters?

    python -m benchmarks.questions.small_corpus [--repeats 9] [--threads 2]

The text is the one of `kerazoo demo`: the 300 articles of Lee et al. that ship with gensim, 58,000 words. What is timed
is everything from the token lists, or from a file of text, to `KeyedVectors`: vocabulary, ids, tables, training.
Imports are done before. On so small a text the fixed costs count, and all threads update the same few rows. gensim
reads the file as `corpus_file`. The run fails unless both sides have the same vocabulary. WordSim-353 is a check that
both have learned something; with so few words it says no more.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gensim.models import Word2Vec as GensimWord2Vec
from gensim.test.utils import datapath

from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.timing import Side, alternate, summarise
from kerazoo.datasets import lee
from kerazoo.word2vec import Word2Vec

QUESTION = "How long does a whole fit of word vectors take on 300 documents, beside gensim with the same parameters?"
REFERENCE = "gensim"
COMMON = {"window": 5, "min_count": 4, "negative": 5, "sample": 1e-3, "alpha": 0.025, "min_alpha": 1e-4, "seed": 1}
# name -> (source, vector_size, epochs); the last has the settings of `kerazoo demo`
CASES = {
    "lists, 100 dimensions, 5 epochs": ("lists", 100, 5),
    "file, 100 dimensions, 5 epochs": ("file", 100, 5),
    "lists, 64 dimensions, 40 epochs": ("lists", 64, 40),
}


def wordsim(vectors: Any) -> float:
    """Spearman's correlation with WordSim-353, of the pairs that are in the vocabulary."""
    return float(vectors.evaluate_word_pairs(datapath("wordsim353.tsv"))[1][0])


def measure(source: Any, from_file: bool, size: int, epochs: int, repeats: int, threads: int) -> list[dict[str, Any]]:
    """The rows of one case."""
    shared = {**COMMON, "vector_size": size, "epochs": epochs, "workers": threads}
    last: dict[str, Any] = {}

    def gensim() -> float:
        model = GensimWord2Vec(**({"corpus_file": source} if from_file else {"sentences": source}), sg=1, **shared)
        last["gensim"] = model.wv
        return float(model.corpus_total_words * epochs)

    def ours(loss: str) -> Callable[[], float]:
        def run() -> float:
            model = Word2Vec(loss=loss, verbose=0, **shared).fit(source)
            last[f"kerazoo_{loss}"] = model.wv
            return float(model.vocabulary_.total * epochs)

        return run

    sides = [Side(REFERENCE, gensim), *(Side(f"kerazoo_{loss}", ours(loss)) for loss in ("nce", "negative_sampling"))]
    alternate(sides, repeats)
    reference = last[REFERENCE]
    counts = {word: reference.get_vecattr(word, "count") for word in reference.index_to_key}
    for side in sides:
        vectors = last[side.name]
        if {word: vectors.get_vecattr(word, "count") for word in vectors.index_to_key} != counts:
            raise SystemExit(f"the vocabulary of {side.name} differs from gensim's")
        side.notes = {"median_ms": 1000 * statistics.median(side.seconds), "wordsim353": wordsim(vectors)}
    return summarise(sides, REFERENCE, "raw words")


def main() -> None:
    """Measure all cases, print the tables and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--documents", type=int, default=300, help="use the first documents only")
    arguments = parser.parse_args()
    logging.getLogger("gensim").setLevel(logging.ERROR)
    documents = lee()[: arguments.documents]
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "lee.txt"
        text.write_text("".join(f"{' '.join(document)}\n" for document in documents), encoding="utf-8")
        for name, (source, size, epochs) in CASES.items():
            given = str(text) if source == "file" else documents
            rows = measure(given, source == "file", size, epochs, arguments.repeats, arguments.threads)
            columns = ["name", "median_ms", "median_rate", f"ratio_to_{REFERENCE}", "wordsim353"]
            print_table(f"Whole fit: {name}", rows, columns)
            results[name] = rows
    settings = {
        "corpus": "lee", "documents": len(documents), "threads": arguments.threads,
        "repeats": arguments.repeats, **COMMON,
    }  # fmt: skip
    print(write_result("small_corpus", QUESTION, settings, results))


if __name__ == "__main__":
    main()
