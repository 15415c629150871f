"""The command `kerazoo phrases`."""

from __future__ import annotations

from pathlib import Path

import click

from kerazoo._runtime.files import replacing
from kerazoo._runtime.progress import progress_bar
from kerazoo._validation import check_choice
from kerazoo.cli.commands import Command, check_output
from kerazoo.cli.corpus_files import corpus_files, errors_option
from kerazoo.errors import InvalidArgumentError
from kerazoo.text import ENGLISH_CONNECTOR_WORDS, EncodedCorpus
from kerazoo.text.phrases import chain

__all__ = ["phrases"]


@click.command(cls=Command, short_help="Find and join phrases such as new_york.")
@click.argument("corpus", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write phrases and scores, separated by a tab, here.")
@click.option("--text", type=click.Path(path_type=Path), help="Write the text with its phrases joined here.")
@click.option("--min-count", default=5, show_default=True, help="Phrases are pairs that occur more often.")
@click.option(
    "--threshold", default=10.0, show_default=True, help="Phrases have a higher score; for npmi from -1 to 1."
)
@click.option("--scoring", default="default", show_default=True, help="default or npmi.")
@click.option("--passes", default=1, show_default=True, type=click.IntRange(1), help="2 finds phrases of phrases too.")
@click.option("--connectors", is_flag=True, help='Allow English articles and prepositions inside: "bank_of_america".')
@click.option("--delimiter", default="_", show_default=True, help="Joins the words of a phrase.")
@click.option("--workers", type=int, help="Number of threads; default: all usable cores.")
@errors_option()
def phrases(
    corpus: tuple[Path, ...],
    out: Path | None,
    text: Path | None,
    min_count: int,
    threshold: float,
    scoring: str,
    passes: int,
    connectors: bool,
    delimiter: str,
    workers: int | None,
    errors: str,
) -> None:
    """Find phrases such as new_york in text files (plain, .gz, .bz2, .xz, .zst; one document per line) or directories.

    CORPUS may be -, the standard input. A directory is read without the files that are written, if they are in it.

    Example: kerazoo phrases articles.txt.gz --out phrases.tsv --text joined.txt --connectors
    """
    if out is None and text is None:
        raise InvalidArgumentError(
            "nothing to write; expected --out FILE for the phrases, or --text FILE for the text."
        )
    check_choice("--scoring", scoring, ("default", "npmi"))
    check_output("--out", out)
    check_output("--text", text)
    files = corpus_files(corpus, {"--out": out, "--text": text}, None)
    encoded = EncodedCorpus.from_source(files, min_count=1, workers=workers, errors=errors)
    members, joined = chain.learned(
        encoded,
        passes,
        min_count=min_count,
        threshold=threshold,
        scoring=scoring,
        delimiter=delimiter,
        connector_words=ENGLISH_CONNECTOR_WORDS if connectors else (),
        workers=workers,
    )
    found: dict[str, float] = {}
    for member in members:
        # A phrase has the score of the pass that joined it; later ones count the word that it has become.
        found = {**member.phrasegrams, **found}
    if out is not None:
        with replacing(out) as part:
            lines = (f"{phrase}\t{found[phrase]:.6g}\n" for phrase in sorted(found, key=lambda name: -found[name]))
            part.write_text("".join(lines), encoding="utf-8")
    if text is not None:
        with (
            replacing(text) as part,
            open(part, "w", encoding="utf-8") as file,
            progress_bar(len(joined), "document", f"writing {text.name}") as bar,
        ):
            for i in range(len(joined)):
                file.write(" ".join(joined.decode(i)) + "\n")
                bar.update(1)
    where = ", ".join(str(path) for path in (out, text) if path is not None)
    click.echo(f"{where}: {len(found):,} phrases; {joined.n_tokens:,} words of {encoded.n_tokens:,} after joining")
