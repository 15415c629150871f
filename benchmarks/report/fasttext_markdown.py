"""Writes the table of `FastText` beside gensim's into a page, from the JSON of `fasttext`.

    python -m benchmarks.report.fasttext_markdown docs/fasttext.md

The lines of the page between `<!-- fasttext -->` and `<!-- /fasttext -->` are replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report.markdown import between_marks, table, update_pages

__all__ = ["fill"]

QUALITY = ("wordsim353", "simlex999", "analogies", "wordsim353_unseen", "simlex999_unseen")
HEAD = ["", "raw words/s", "against gensim", "memory", "WordSim", "SimLex", "analogies", "WordSim, unseen",
        "SimLex, unseen"]  # fmt: skip


def fill(page: str, folder: Path) -> str:
    """The page with its table replaced by that of the results in `folder`.

    Raises:
        ValueError: the page has no place for the table.
    """
    return between_marks(page, "fasttext", lambda: _lines(json.loads((folder / "fasttext.json").read_text())))


def _lines(document: Mapping[str, Any]) -> str:
    settings, cpu = document["settings"], document["machine"]["cpu"]
    seeds = len(next(iter(document["results"]["runs"].values())))
    rows = [
        [
            row["name"].replace("kerazoo_", ""),
            f"{row['rate'] / 1e6:.3g} M",
            f"{row['ratio']:.3g}",
            f"{row['memory_mb']:.0f} MB",
            *(f"{row[name]:.3f}".replace("0.", ".", 1) for name in QUALITY),
        ]
        for row in document["results"]["rows"]
        if "error" not in row
    ]
    return "\n".join(
        [
            f"{settings['words'] / 1e6:.3g} M words of {settings['corpus'].split('.')[0]}, "
            f"{'skip-gram' if settings['sg'] else 'CBOW'}, D={settings['vector_size']}, window {settings['window']},",
            f"K={settings['negative']}, {settings['epochs']} epochs, {settings['threads']} threads of {cpu},",
            f"{seeds} seed{'s' * (seeds > 1)}, alternated in the same run (load average "
            f"{settings['load_at_start']:.0f} at the start):",
            "",
            table(HEAD, rows),
        ]
    )


if __name__ == "__main__":
    update_pages("Write the table of FastText into a page.", fill)
