"""The Lee background corpus: 300 news articles of 50 to 80 words (Lee, Pincombe & Welsh 2005), as gensim ships it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from kerazoo.errors import DatasetUnavailableError

__all__ = ["lee"]

# The token of gensim.utils.simple_preprocess: a run of word characters that are not digits, of 2 to 15 characters.
_TOKEN = re.compile(r"(?:(?!\d)\w)+")


def lee() -> list[list[str]]:
    """300 news articles as lists of lower-case tokens, 58,152 words. Works offline.

    Tokens are those of `gensim.utils.simple_preprocess`, whose package holds the file.

    >>> articles = lee()
    >>> len(articles), articles[0][:5]
    (300, ['hundreds', 'of', 'people', 'have', 'been'])
    """
    spec = importlib.util.find_spec("gensim")  # finds it without importing it, which takes a second
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        path = Path(folder) / "test" / "test_data" / "lee_background.cor"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            return [tokens_of(line) for line in lines]
    raise DatasetUnavailableError(
        "the Lee corpus is a file of the package gensim (gensim/test/test_data/lee_background.cor), which was not "
        "found. pip install --force-reinstall gensim"
    )


def tokens_of(text: str) -> list[str]:
    """Lower-case words of 2 to 15 letters that do not begin with an underscore."""
    return [token for token in _TOKEN.findall(text.lower()) if 2 <= len(token) <= 15 and not token.startswith("_")]
