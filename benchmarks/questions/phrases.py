"""How fast are phrases such as new_york counted and joined, beside gensim's `Phrases` on the same text?

    python -m benchmarks.questions.phrases --corpus FILE [--words 3000000] [--repeats 5] [--threads 2] [--connectors]

Both sides read the same plain text, one document per line (the first documents of the corpus, of about `--words`
words). `count` makes the counts and the phrases with their scores; `join` reads the text and joins its phrases (kerazoo
to ids, gensim to lists of words); `count_ids` and `join_ids` start from an `EncodedCorpus`. Peak memory of counting is
that of a fresh process, with the work and with the imports only. The run fails unless phrases, scores and the joined
text are equal.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from pathlib import Path
from typing import Any

from gensim.models import phrases as gensim_phrases
from gensim.models.word2vec import LineSentence

from benchmarks.harness.processes import peak_rss_of
from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.timing import Side, alternate, summarise
from kerazoo.text import ENGLISH_CONNECTOR_WORDS, EncodedCorpus, Phrases

GENSIM_IMPORT = "import sys\nfrom gensim.models.phrases import *\nfrom gensim.models.word2vec import LineSentence"
KERAZOO_IMPORT = "import sys\nfrom kerazoo.text import *"
GENSIM_WORK = "Phrases(LineSentence(sys.argv[1], max_sentence_length=10**9), connector_words={}).export_phrases()"
KERAZOO_WORK = "Phrases(sys.argv[1], connector_words={}, workers=int(sys.argv[2])).export_phrases()"


def slice_of(corpus: Path, words: int, target: Path) -> int:
    """Write the first lines of the corpus, of about `words` words; returns the number of words."""
    opener: Any = gzip.open if corpus.suffix == ".gz" else open
    written = 0
    with opener(corpus, "rt", encoding="utf-8") as source, open(target, "w", encoding="utf-8") as file:
        for line in source:
            parts = line.split()
            written += len(parts)
            file.write(" ".join(parts) + "\n")
            if written >= words:
                break
    return written


def measure(text: Path, n_words: int, repeats: int, threads: int, connectors: frozenset[str]) -> None:
    """Check that both sides agree, time them, print the tables and write the result."""
    sentences = LineSentence(str(text), max_sentence_length=10**9)
    theirs = gensim_phrases.Phrases(sentences, connector_words=connectors)
    ours = Phrases(text, connector_words=connectors, workers=threads)
    encoded = EncodedCorpus.from_source(text, min_count=1, workers=threads)
    if ours.export_phrases() != theirs.export_phrases():
        raise SystemExit("the phrases differ; expected equal ones, as otherwise the rates cannot be compared")
    joined = ours.join(encoded, workers=threads)
    if any(joined.decode(i) != words for i, words in enumerate(theirs[sentences])):
        raise SystemExit("the joined texts differ; expected equal ones")

    def count(source: Path | EncodedCorpus) -> float:
        Phrases(source, connector_words=connectors, workers=threads).export_phrases()
        return n_words

    def gensim_count() -> float:
        gensim_phrases.Phrases(sentences, connector_words=connectors).export_phrases()
        return n_words

    def gensim_join() -> float:
        for _ in theirs[sentences]:
            pass
        return n_words

    def join(source: Path | EncodedCorpus) -> float:
        ours.join(source, workers=threads)
        return n_words

    counting = [
        Side("gensim", gensim_count),
        Side("count", lambda: count(text)),
        Side("count_ids", lambda: count(encoded)),
    ]
    joining = [Side("gensim", gensim_join), Side("join", lambda: join(text)), Side("join_ids", lambda: join(encoded))]
    alternate(counting, repeats)
    alternate(joining, repeats)
    argument = f"frozenset({sorted(connectors)!r})"
    for side, imports, work in ((counting[0], GENSIM_IMPORT, GENSIM_WORK), (counting[1], KERAZOO_IMPORT, KERAZOO_WORK)):
        program = f"{imports}\n{work.format(argument)}"
        before, after = (peak_rss_of(code, str(text), str(threads)) for code in (imports, program))
        side.notes = {"peak_bytes": after, "peak_bytes_of_imports": before}
    tables = {"count": summarise(counting, "gensim", "words"), "join": summarise(joining, "gensim", "words")}
    for name, rows in tables.items():
        columns = ["name", "median_rate", "min_rate", "max_rate", "median_seconds", "ratio_to_gensim"]
        if name == "count":
            columns += ["peak_bytes", "peak_bytes_of_imports"]
        print_table(f"Phrases: {name} (words/s)", rows, columns)
    phrases = ours.export_phrases()
    facts = {"words": n_words, "documents": len(encoded), "distinct": len(ours.vocab), "phrases": len(phrases)}
    options = {"threads": threads, "repeats": repeats, "connector_words": sorted(connectors), **facts}
    question = "How fast are phrases such as new_york counted and joined, beside gensim's Phrases on the same text?"
    print(write_result("phrases", question, options, tables))


def main() -> None:
    """Measure on a slice of a corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="a text file, plain or .gz, one document per line")
    parser.add_argument("--words", type=int, default=3_000_000, help="about how many words of it")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--connectors", action="store_true", help="with the English connector words")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        n_words = slice_of(arguments.corpus, arguments.words, text)
        connectors = ENGLISH_CONNECTOR_WORDS if arguments.connectors else frozenset()
        measure(text, n_words, arguments.repeats, arguments.threads, connectors)


if __name__ == "__main__":
    main()
