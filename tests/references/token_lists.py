"""References of `kerazoo_ext._token_lists`, written for clarity."""

from __future__ import annotations

import numpy as np

__all__ = ["encode", "remap"]


def encode(sentences, table, grow):
    """Ids of all tokens, int32 (n_tokens,), and the end of each sentence, int64 (n_sentences,)."""
    ids, ends = [], []
    for sentence in sentences:
        for token in sentence:
            if grow and token not in table:
                table[token] = len(table)
            ids.append(table.get(token, -1))
        ends.append(len(ids))
    return np.array(ids, np.int32), np.array(ends, np.int64)


def remap(ids, mapping, ends):
    """The ids after the mapping, without those that are -1, and the ends of the sentences among them."""
    new = np.array([-1 if id < 0 else mapping[id] if len(mapping) else id for id in ids.tolist()], np.int32)
    kept = np.append(0, np.cumsum(new >= 0))
    return new[new >= 0], kept[ends]
