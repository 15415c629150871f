"""Lists of tokens to word ids."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

class TokenError(TypeError):
    """A token (or sentence, with `token` -1) of a type that cannot be read; the indices say which."""

    sentence: int
    token: int

def encode(sentences: Iterable[Any], table: dict[Any, int], grow: bool) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Look up the tokens of each sentence in `table`.

    A sentence is a list, a tuple, or any sized iterable. A token that is not in the table gets the next id,
    ``len(table)``, with `grow`, and otherwise -1. Holds the GIL; one look-up per token, no other Python code. Threads must
    not share a `table` that grows.

    Returns:
        ids int32 (n_tokens,), and the end of each sentence in them, int64 (n_sentences,).

    Raises:
        TokenError: a token cannot be hashed, or a sentence has no length.
    """

class WordIds:
    """Ids of words, document after document: a new word gets the next one, ``len(table)``.

    One object for each thread: :meth:`add` and :meth:`take` raise RuntimeError while another call of them runs.

    The length of the object is the number of ids that :meth:`take` would return.

    Attributes:
        table: word -> id, in the order of the ids.
    """

    @property
    def table(self) -> dict[str, int]: ...
    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def add(self, document: Iterable[Any]) -> int:
        """Append the ids of a document; returns the number of its tokens.

        Each word is checked once, when it is new.

        Raises:
            TokenError: a token is not a str that is not empty and that UTF-8 can encode; `token` is its index, and
                `sentence` is -1.
            RuntimeError: the document changed while it was read.
        """

    def take(self) -> NDArray[np.int32]:
        """All ids since the last call, int32 (n_tokens,)."""

def fingerprint(sentences: Iterable[Any]) -> int | None:
    """A number of 64 bits that depends on all tokens and on where the sentences end; None unless all are lists or tuples.

    The hash of a str is kept in the str, so this takes a fraction of the time of `encode`.

    Raises:
        TypeError: a token cannot be hashed.
    """

def remap(ids: NDArray[np.int32], mapping: NDArray[np.int32], ends: NDArray[np.int64]) -> int:
    """Replace `ids` (n,) by mapping[ids] in place and remove those that are or become -1; `ends` are adjusted.

    An empty `mapping` replaces nothing.

    Returns the number of remaining ids, at the start of `ids`. Not checked: ids are below len(mapping), ends rise from
    0. Releases the GIL.
    """
