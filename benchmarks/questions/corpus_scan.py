"""How fast is text turned into vocabulary and ids, beside gensim counting the same text?

    python -m benchmarks.questions.corpus_scan --corpus FILE [--repeats 5] [--threads 2]

gensim's `build_vocab` counts words and makes the vocabulary; it makes the ids again in every epoch. kerazoo counts and
makes the vocabulary and the ids of the whole text. A compressed corpus is decompressed first, so that both read plain
text. The .gz file has rows of its own: gensim's `LineSentence`, with which they are compared, and kerazoo with the
package isal and without it. Peak memory is that of a fresh process per side, with the work and with the imports only.
The run fails unless both vocabularies are equal.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec
from gensim.models.word2vec import LineSentence

from benchmarks.harness.processes import peak_rss_of
from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.timing import Side, alternate, summarise
from kerazoo.text import EncodedCorpus

MIN_COUNT = 5
REFERENCE = "gensim_corpus_file"

GENSIM_IMPORT = "import sys\nfrom gensim.models import Word2Vec\nfrom gensim.models.word2vec import LineSentence"
KERAZOO_IMPORT = "import sys\nfrom kerazoo.text import EncodedCorpus"
# name -> (imports, the work), for peak memory
PROGRAMS = {
    "gensim_corpus_file": (GENSIM_IMPORT, "Word2Vec(min_count=5, workers=2).build_vocab(corpus_file=sys.argv[1])"),
    "gensim_line_sentence": (GENSIM_IMPORT, "Word2Vec(min_count=5, workers=2).build_vocab(LineSentence(sys.argv[1]))"),
    "kerazoo": (KERAZOO_IMPORT, "c = EncodedCorpus.from_source(sys.argv[1], workers=int(sys.argv[2]))"),
    "kerazoo_1_thread": (KERAZOO_IMPORT, "c = EncodedCorpus.from_source(sys.argv[1], workers=1)"),
    "kerazoo_to_file": (
        KERAZOO_IMPORT,
        "c = EncodedCorpus.from_source(sys.argv[1], workers=int(sys.argv[2]), path=sys.argv[3])",
    ),
}


def check_equal(corpus: EncodedCorpus, model: Word2Vec) -> None:
    """Exit with an error unless both have the same words, counts and number of tokens."""
    ours = dict(zip(corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), strict=True))
    theirs = {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}
    if not theirs or ours != theirs:
        raise SystemExit("the vocabularies differ; expected equal ones, as otherwise the rates cannot be compared")
    counted = np.bincount(corpus.ids, minlength=len(corpus.vocabulary))
    if not np.array_equal(counted, corpus.vocabulary.counts):
        raise SystemExit("the counts of the ids differ from those of the vocabulary")
    if corpus.n_raw_words != model.corpus_total_words:
        raise SystemExit(f"{corpus.n_raw_words} raw words against gensim's {model.corpus_total_words}")


def plain(corpus: Path, folder: Path) -> Path:
    """The corpus as plain text."""
    if corpus.suffix != ".gz":
        return corpus
    target = folder / corpus.stem
    with gzip.open(corpus) as source, open(target, "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return target


def without_isal(run: Callable[[], float]) -> float:
    """Run with the .gz reader of Python's standard library."""
    import isal

    sys.modules["isal"] = None  # type: ignore[assignment]
    try:
        return run()
    finally:
        sys.modules["isal"] = isal


def measure(corpus: Path, repeats: int, threads: int, folder: Path) -> None:
    """Time the sides, measure their memory, print the table and write the result."""
    text = plain(corpus, folder)
    packed = corpus if corpus.suffix == ".gz" else None

    def gensim(**source: object) -> Word2Vec:
        model = Word2Vec(min_count=MIN_COUNT, workers=threads)
        model.build_vocab(**source)
        return model

    reference = gensim(corpus_file=str(text))
    encoded = EncodedCorpus.from_source(text, min_count=MIN_COUNT, workers=threads)
    check_equal(encoded, reference)
    n_words = encoded.n_raw_words
    facts = {
        "bytes": text.stat().st_size,
        "raw_words": n_words,
        "tokens": encoded.n_tokens,
        "documents": len(encoded),
        "types": encoded.vocabulary.n_types,
        "vocabulary": len(encoded.vocabulary),
    }
    del encoded, reference

    def ours(source: Path, workers: int, path: Path | None = None) -> float:
        return EncodedCorpus.from_source(source, min_count=MIN_COUNT, workers=workers, path=path).n_raw_words

    def line_sentence(source: Path) -> float:
        return gensim(corpus_iterable=LineSentence(str(source))).corpus_total_words

    sides = [
        Side(REFERENCE, lambda: gensim(corpus_file=str(text)).corpus_total_words),
        Side("kerazoo", lambda: ours(text, threads)),
        Side("kerazoo_1_thread", lambda: ours(text, 1)),
        Side("kerazoo_to_file", lambda: ours(text, threads, folder / "corpus.kerazoo")),
        Side("gensim_line_sentence", lambda: line_sentence(text)),
    ]
    if packed is not None:
        sides.append(Side("gensim_line_sentence_gz", lambda: line_sentence(packed)))
        sides.append(Side("kerazoo_gz", lambda: ours(packed, threads)))
        sides.append(Side("kerazoo_gz_without_isal", lambda: without_isal(lambda: ours(packed, threads))))
    alternate(sides, repeats)
    for side in sides:
        if side.name in PROGRAMS:
            imports, work = PROGRAMS[side.name]
            arguments = (str(text), str(threads), str(folder / "memory.kerazoo"))
            before, after = peak_rss_of(imports, *arguments), peak_rss_of(f"{imports}\n{work}", *arguments)
            side.notes = {"peak_bytes": after, "peak_bytes_of_imports": before}
    rows = summarise(sides, REFERENCE, "raw words")
    if packed is not None:
        packed_sides = [side for side in sides if "_gz" in side.name]
        against_gz = summarise(packed_sides, "gensim_line_sentence_gz", "raw words")
        notes = {row["name"]: row["ratio_to_gensim_line_sentence_gz"] for row in against_gz}
        rows = [{**row, **({"ratio_to_gensim_gz": notes[row["name"]]} if row["name"] in notes else {})} for row in rows]
    print(f"{corpus.name}: {n_words:,} raw words, {facts['vocabulary']:,} of {facts['types']:,} words kept")
    columns = [
        "name",
        "median_rate",
        "min_rate",
        "max_rate",
        "median_seconds",
        f"ratio_to_{REFERENCE}",
        "ratio_to_gensim_gz",
    ]
    print_table("Text -> vocabulary and ids (raw words/s)", rows, [*columns, "peak_bytes", "peak_bytes_of_imports"])
    settings = {"corpus": corpus.name, "min_count": MIN_COUNT, "threads": threads, "repeats": repeats, **facts}
    settings["isal"] = version("isal")
    question = "How fast is text turned into vocabulary and ids, beside gensim counting the same text?"
    print(write_result("corpus_scan", question, settings, {"scan": rows}))


def main() -> None:
    """Measure on a corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a text file, plain or .gz, one document per line")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments.corpus, arguments.repeats, arguments.threads, Path(folder))


if __name__ == "__main__":
    main()
