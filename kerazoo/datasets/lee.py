"""The Lee background corpus of gensim: 300 news articles of 50 to 80 words (Lee, Pincombe & Welsh 2005)."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from kerazoo._runtime.optional import how_to_install
from kerazoo.errors import DatasetUnavailableError

__all__ = ["lee"]

# A token of gensim.utils.simple_preprocess before its length is checked: word characters that are not digits.
_TOKEN = re.compile(r"(?:(?!\d)\w)+")


def lee() -> list[list[str]]:
    """300 news articles as lists of lower-case tokens, 58,152 words. Available offline.

    Tokens are those of `gensim.utils.simple_preprocess`; the file is part of the gensim package.

    Raises:
        DatasetUnavailableError: gensim is not installed, or lacks the file.

    >>> articles = lee()
    >>> len(articles), articles[0][:5]
    (300, ['hundreds', 'of', 'people', 'have', 'been'])
    """
    spec = importlib.util.find_spec("gensim")  # does not import gensim, which takes a second
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        path = Path(folder) / "test" / "test_data" / "lee_background.cor"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            return [tokens_of(line) for line in lines]
    raise DatasetUnavailableError(
        "the Lee corpus is a file of the package gensim (gensim/test/test_data/lee_background.cor), which was not "
        f"found. {how_to_install('gensim') if spec is None else 'pip install --force-reinstall gensim'}"
    )


def tokens_of(text: str) -> list[str]:
    """Lower-case words of 2 to 15 letters that do not start with an underscore."""
    return [token for token in _TOKEN.findall(text.lower()) if 2 <= len(token) <= 15 and not token.startswith("_")]
