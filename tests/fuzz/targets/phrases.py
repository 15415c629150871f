"""Files of phrases, with their counts and without, and what uses them."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.target import Target
from tests.fuzz.targets.saved import DOCUMENTS, saved
from tests.fuzz.tensor_files import TENSORS

__all__ = ["TARGETS"]


def read_phrases(data: bytes, folder: Path) -> object:
    """A `Phrases` or a `FrozenPhrases`; then it joins a text, by tokens and by ids, and is written."""
    from kerazoo import EncodedCorpus
    from kerazoo.text import FrozenPhrases, Phrases

    path = folder / "phrases.kz"
    path.write_bytes(data)
    found = (FrozenPhrases if b"kerazoo.frozen_phrases" in data else Phrases).load(path)
    assert isinstance(found[["the", "cat", "sat"]], list)
    found.join(EncodedCorpus.from_source(DOCUMENTS, min_count=1), workers=1)
    if isinstance(found, Phrases):
        found.freeze()
        found.export_phrases()
    found.save(folder / "again.kz")
    return type(found).__name__


def seeds() -> list[bytes]:
    from kerazoo.text import Phrases

    made = [
        Phrases(DOCUMENTS, min_count=1, threshold=0.1),
        Phrases(DOCUMENTS, min_count=1, threshold=0.1, connector_words=["the", "on"]),
        Phrases(DOCUMENTS, min_count=1, threshold=-1, scoring="npmi"),
    ]
    return [saved(each) for each in [*made, *(each.freeze() for each in made)]]


TARGETS = (Target("phrases", read_phrases, seeds, TENSORS),)
