"""The Huffman tree of hierarchical softmax: words are leaves, and the code of a word is its path from the root."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.deprecation import warn_renamed

__all__ = ["HuffmanTree"]


class HuffmanTree(NamedTuple):
    """A binary tree over V words with V - 1 inner nodes: frequent words have short paths (Huffman 1952).

    Attributes:
        parents: int32 (2V - 1,), the parent of each word (the first V) and of each inner node (the rest); -1 for the
            root.
        codes: uint8 (2V - 1,), 0 or 1, which of the parent's two children the node is; 0 for the root.

    >>> tree = HuffmanTree.from_counts([5, 2, 1])
    >>> offsets, paths = tree.paths()
    >>> [[(entry >> 1, entry & 1) for entry in paths[a:b].tolist()] for a, b in zip(offsets[:-1], offsets[1:])]
    [[(1, 1)], [(1, 0), (0, 1)], [(1, 0), (0, 0)]]
    """

    parents: NDArray[np.int32]
    codes: NDArray[np.uint8]

    @classmethod
    def from_counts(cls, counts: ArrayLike) -> HuffmanTree:
        """The tree of words with these counts (V,), V >= 1; inner nodes in order of creation, root last."""
        tallies = np.asarray(counts, np.int64)
        n_words = len(tallies)
        order = np.argsort(tallies, kind="stable")
        leaves, weights = order.tolist(), tallies[order].tolist()
        parents, codes = [-1] * (2 * n_words - 1), [0] * (2 * n_words - 1)
        made: list[int] = []  # weights of the inner nodes; they come in increasing order, so two queues replace a heap
        leaf = inner = 0
        for node in range(n_words - 1):
            weight = 0
            for code in (0, 1):
                if inner >= len(made) or (leaf < n_words and weights[leaf] <= made[inner]):
                    child, own = leaves[leaf], weights[leaf]
                    leaf += 1
                else:
                    child, own = n_words + inner, made[inner]
                    inner += 1
                parents[child], codes[child] = node, code
                weight += own
            made.append(weight)
        return cls(np.array(parents, np.int32), np.array(codes, np.uint8))

    @property
    def n_words(self) -> int:
        """The number of words, V."""
        return (len(self.parents) + 1) // 2

    def check(self) -> None:
        """Raise ValueError unless this is a tree."""
        if (self.parents.dtype, self.codes.dtype) != (np.int32, np.uint8) or self.parents.shape != self.codes.shape:
            raise ValueError("the arrays of the tree have wrong types or shapes")
        n_words, nodes = self.n_words, np.arange(self.n_words - 1)
        above = self.parents
        children = np.sort(above[above >= 0])
        if (
            len(above) != 2 * n_words - 1
            or not np.array_equal(children, np.repeat(nodes, 2))
            or (self.codes > 1).any()
            or self._depth() > len(above)
        ):
            raise ValueError("the tree of the words is damaged")

    def _depth(self) -> int:
        """Length of the longest path, or 2V where a node is its own ancestor."""
        nodes: NDArray[np.integer] = np.arange(self.n_words)
        depth = 0
        while len(nodes) and depth < 2 * self.n_words:
            nodes = self.parents[nodes]
            nodes = nodes[nodes >= 0] + self.n_words
            depth += 1
        return depth

    def paths(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The paths from the root to each word.

        Returns:
            offsets int64 (V + 1,), the start of each path, and entries int32, ``node << 1 | code``.
        """
        n_words = self.n_words
        lengths = np.zeros(n_words, np.int64)
        steps = []  # of all words together, from the leaves up
        words: NDArray[np.integer] = np.arange(n_words)
        nodes: NDArray[np.integer] = words
        while True:
            parents = self.parents[nodes]
            alive = parents >= 0
            words, nodes = words[alive], nodes[alive]
            if not len(words):
                break
            above = parents[alive]
            steps.append((words, above << 1 | self.codes[nodes]))
            lengths[words] += 1
            nodes = above + n_words
        offsets = np.zeros(n_words + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        entries = np.zeros(offsets[-1], np.int32)
        for height, (of, entry) in enumerate(steps):
            entries[offsets[of] + lengths[of] - 1 - height] = entry
        return offsets, entries

    def log_probabilities(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return log P of all words, float64 (V,), from the scores x . v of the inner nodes, float (V - 1,).

        The child with code 0 has the probability s(x . v), s the logistic function.
        """
        offsets, paths = self.paths()
        signed = np.asarray(scores, np.float64)[paths >> 1] * (1 - 2 * (paths & 1))
        sums = np.append(0.0, np.cumsum(-np.logaddexp(0, -signed)))
        return sums[offsets[1:]] - sums[offsets[:-1]]

    def extended(self, known: NDArray[np.int64], counts: ArrayLike) -> HuffmanTree:
        """The tree of a larger vocabulary, in which every inner node keeps its number and its meaning.

        The new words get a Huffman tree; a new root joins the two trees.

        Args:
            known: int64 (V,), ids of the words of this tree in the new vocabulary.
            counts: int (V',), of all words of the new vocabulary.
        """
        tallies = np.asarray(counts, np.int64)
        old, n_words = self.n_words, len(tallies)
        new = np.setdiff1d(np.arange(n_words), known)
        parents, codes = np.full(2 * n_words - 1, -1, np.int32), np.zeros(2 * n_words - 1, np.uint8)
        parents[known], codes[known] = self.parents[:old], self.codes[:old]
        inner = slice(n_words, n_words + old - 1)
        parents[inner], codes[inner] = self.parents[old:], self.codes[old:]
        if len(new):
            added = HuffmanTree.from_counts(tallies[new])
            shifted = np.where(added.parents >= 0, added.parents + old - 1, -1)
            root, first = n_words - 2, n_words + old - 1
            parents[new], codes[new] = shifted[: len(new)], added.codes[: len(new)]
            parents[first : first + len(new) - 1] = shifted[len(new) :]
            codes[first : first + len(new) - 1] = added.codes[len(new) :]
            for tops, code in ((np.append(known, np.arange(n_words, first)), 0), (new, 1)):
                if code:
                    tops = np.append(tops, np.arange(first, first + len(new) - 1))
                top = tops[parents[tops] < 0]
                parents[top], codes[top] = root, code
        return HuffmanTree(parents, codes)

    def grown(self, places: NDArray[np.int64], counts: ArrayLike) -> HuffmanTree:
        """Deprecated; use :meth:`extended`."""
        warn_renamed("HuffmanTree.grown", "HuffmanTree.extended")
        return self.extended(places, counts)
