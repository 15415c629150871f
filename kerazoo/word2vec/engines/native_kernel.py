"""The training kernel with all its arguments: what a node needs to train any part of a text, besides who runs it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from kerazoo._runtime.memory import check_memory
from kerazoo._validation import check_choice
from kerazoo.batching.sampling import NoiseDistribution, keep_thresholds
from kerazoo.word2vec.engines.divergence import untrained_loss
from kerazoo.word2vec.engines.native_subwords import LARGEST_SPAN, SubwordTables
from kerazoo.word2vec.engines.native_tables import PaddedTables
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.subword_options import FastTextSettings
from kerazoo_ext import _word2vec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kerazoo.text.tokens import Tokens
    from kerazoo.word2vec.options import TrainingSettings
    from kerazoo.word2vec.results import Tables

__all__ = ["CHUNK", "NativeKernel", "instruction_set", "mean_untrained_loss"]

INSTRUCTION_SET_VARIABLE = "KERAZOO_INSTRUCTION_SET"

CHUNK = 256  # positions; slices start at multiples of it
LARGEST_SLICE = 1 << 16  # about 20 ms with vectors of 100 numbers and windows of 5
SLICES_WANTED = 64
LARGEST_GROUP = 32  # centres that are trained together (docs/native-engine.md)
NOISE_PER_GROUP = 16  # noise words that they share, for up to 7 noise words per pair, and 16 more for every 5 more
# Noise words that a group shares with sampled softmax, all of them classes of each pair. With fewer than 640 words
# there are fewer: each is updated from the same stale values, and a word that is drawn several times moves as often.
SOFTMAX_NOISE = 64
# The loss is measured for one group in 64, and for more of them in texts of less than 64 times these tokens. Measuring
# every group would double the time of an epoch.
MEASURED_TOKENS = 6_000

# Rows of each table of which each of several threads keeps copies (kerazoo_ext/held_rows.h).
HELD_ROWS = 256


def instruction_set() -> str:
    """The widest instruction set of this CPU, or the one that the variable KERAZOO_INSTRUCTION_SET names."""
    known = _word2vec.INSTRUCTION_SETS
    widest = _word2vec.widest()
    wanted = os.environ.get(INSTRUCTION_SET_VARIABLE)
    if wanted is None:
        return widest
    return check_choice(INSTRUCTION_SET_VARIABLE, wanted, known[: known.index(widest) + 1])


def measured_every(n_tokens: int) -> int:
    """The loss is measured for one group in this many; the first group of a slice is always measured.

    >>> measured_every(5_000), measured_every(50_000), measured_every(10**9)
    (1, 8, 64)
    """
    return min(max(n_tokens // MEASURED_TOKENS, 1), 64)


def noise_per_pair(settings: TrainingSettings, n_words: int) -> int:
    """K, noise words that each of the pairs is trained with."""
    if not settings.negative or settings.loss != "sampled_softmax":
        return settings.negative
    return min(SOFTMAX_NOISE, 16 * max(1, n_words // 160))


def mean_untrained_loss(
    settings: TrainingSettings, counts: NDArray[np.int64], paths: tuple[NDArray[np.int64], NDArray[np.int32]] | None
) -> float:
    """Mean loss per pair before training: that of the noise words, and log 2 for each node on the path.

    Args:
        settings: of the training.
        counts: int64 (V,), of the words.
        paths: of :meth:`HuffmanTree.paths`, or None without hierarchical softmax.
    """
    loss = 0.0
    if settings.negative:
        loss += untrained_loss(settings.loss, noise_per_pair(settings, len(counts)), settings.logit_offset)
    if paths is not None:
        # Of the words that subsampling keeps: it removes those with short paths.
        keep = keep_thresholds(counts, settings.sample)
        kept = counts if keep is None else counts * (keep / 2**32)
        loss += float(kept @ np.diff(paths[0])) / float(kept.sum()) * math.log(2)
    return loss


class NativeKernel:
    """Tokens, noise, tables and settings as the kernel takes them.

    Args:
        tokens: the text, checked.
        settings: of the training, for this engine.
        tables: at which the training starts, or None: they are drawn from the seed. They are copied.
        words: of the vocabulary; only subwords need them.
        reach: int, largest distance between centre and context; None: the window, or less if all documents are shorter.

    Attributes:
        tables: the values that are trained.
        words_done: int64 (1,), words of this part that all threads have processed; it determines the learning rate.
    """

    def __init__(
        self,
        tokens: Tokens,
        settings: TrainingSettings,
        tables: Tables | None,
        words: Callable[[], list[str]],
        reach: int | None = None,
    ) -> None:
        self.settings, self.tokens = settings, tokens
        self.reach = min(settings.window, tokens.longest_document(settings.window)) if reach is None else reach
        self.noise = NoiseDistribution(settings.noise, tokens.counts, settings.ns_exponent)
        self.keep = keep_thresholds(tokens.counts, settings.sample)
        self.instruction_set = instruction_set()
        self.n_noise = NOISE_PER_GROUP * max(1, round(settings.negative / 5)) if settings.negative else 0
        if settings.negative and settings.loss == "sampled_softmax":
            self.n_noise = noise_per_pair(settings, len(tokens.counts))
        self.slice = self._slice_size()
        self.log_expected = None
        if settings.has_biases:
            self.log_expected = self.noise.log_probabilities + np.float32(
                np.log(noise_per_pair(settings, len(tokens.counts)))
            )
        tree = tables.tree if tables is not None else None
        if settings.hs and tree is None:
            tree = HuffmanTree.from_counts(tokens.counts)
        self.paths = None if tree is None else tree.paths()
        self.tables = self._make_tables(words, tables, tree)
        self.group, self.span = self._group_and_span()
        self._check_buffers()
        if tables is None:
            self.tables.draw(settings.seeds[0], self.noise.log_probabilities)
        else:
            self.tables.assign(tables)
        self.words_done = np.zeros(1, np.int64)

    def _make_tables(
        self, words: Callable[[], list[str]], start: Tables | None, tree: HuffmanTree | None
    ) -> PaddedTables:
        settings = self.settings
        if isinstance(settings, FastTextSettings):
            buckets = None if start is None else start.ngram_buckets
            return SubwordTables(
                words(), self.tokens.counts, settings.vector_size, settings.has_biases, settings.ngrams,
                buckets,
            )  # fmt: skip
        return PaddedTables(
            len(self.tokens.counts), settings.vector_size, settings.negative > 0, settings.has_biases, tree
        )

    def _untrained_loss(self) -> float:
        return mean_untrained_loss(self.settings, self.tokens.counts, self.paths)

    def _slice_size(self) -> int:
        """Tokens per slice: 64 slices per epoch, none of which takes long, since Ctrl-C waits for the end of one."""
        settings = self.settings
        products = 3 * (settings.window + 1) * (1 + 20 * settings.hs) + 4 * self.n_noise  # of vectors, per token
        largest = LARGEST_SLICE * 8200 // (settings.vector_size * products)
        wanted = -(-len(self.tokens.ids) // SLICES_WANTED)
        return max(1, -(-min(largest, wanted, LARGEST_SLICE) // CHUNK)) * CHUNK

    def _group_and_span(self) -> tuple[int, int]:
        """Centres per group: LARGEST_GROUP, or fewer if the most frequent word would often occur twice in a group.

        All updates of a group are computed from the same stale values, so a word that occurs in it ten times moves ten
        times as far. With subwords also groups per span, see :meth:`SubwordTables.largest_span`.
        """
        kept = self.tokens.counts.astype(np.float64)
        if self.keep is not None:
            kept *= self.keep / 2.0**32
        shares = kept / max(kept.sum(), 1.0)
        group = int(np.clip(0.5 / max(shares.max(), 1e-9), 1, LARGEST_GROUP))
        if not isinstance(self.tables, SubwordTables):
            return group, 1
        settings = self.settings
        largest = self.tables.largest_span(shares, settings.alpha * (self.reach + 1) * settings.workers)
        group = int(np.clip(largest, 1, group))
        return group, int(np.clip(largest / group, 1, LARGEST_SPAN))

    def _check_buffers(self) -> None:
        """The buffers of the threads, which grow with the window, must fit into memory (kz_make_scratch, kz_open)."""
        settings = self.settings
        longest = 0 if self.paths is None else int(np.diff(self.paths[0]).max())
        # Per row: two copies, and a long update, or sums and differences; errors, as numbers of both sizes.
        vectors = 3 if settings.sg else 4
        errors = 3 * self.n_noise + LARGEST_GROUP + 64 + 3 * longest
        row = 4 * (vectors * settings.vector_size + errors) + 48
        check_memory(
            settings.workers * (2 * self.reach * row + 3 * settings.window * 20),
            f"window={settings.window}, vector_size={settings.vector_size} and workers={settings.workers}",
            "A smaller window, shorter documents, or fewer workers, take less.",
        )

    def _kernel(self, keys: NDArray[np.uint64], words_before: int, words: int) -> Callable[[], _word2vec.Trainer]:
        """What makes a trainer for a thread.

        Args:
            keys: uint64 (4,), of the epoch.
            words_before: int, words that were trained before `words_done` began to count.
            words: int, words of the whole training; the learning rate falls linearly over them.
        """
        settings, tokens, tables = self.settings, self.tokens, self.tables
        n_tokens = len(tokens.ids)
        path_offsets, paths = (None, None) if self.paths is None else self.paths
        more = tables.kernel_arguments(self.span)
        longest_path = 0 if path_offsets is None else int(np.diff(path_offsets).max())

        def new_trainer() -> _word2vec.Trainer:
            return _word2vec.Trainer(
                tokens.ids,
                tokens.offsets,
                self.keep,
                keys,
                settings.window,
                settings.shrink_windows,
                inputs=tables.inputs,
                alias_table=self.noise.table,
                outputs=tables.outputs,
                biases=tables.biases,
                log_expected=self.log_expected,
                logit_offset=settings.logit_offset,
                nodes=tables.nodes,
                path_offsets=path_offsets,
                paths=paths,
                longest_path=longest_path,
                cbow=not settings.sg,
                mean=bool(settings.cbow_mean),
                size=settings.vector_size,
                reach=self.reach,
                group=self.group,
                n_noise=self.n_noise,
                noise_weight=settings.negative / max(self.n_noise, 1),
                softmax=settings.loss == "sampled_softmax",
                remove_hits=settings.loss == "negative_sampling",
                measured_every=measured_every(n_tokens),
                alpha=settings.alpha,
                min_alpha=settings.min_alpha,
                words_before=words_before,
                words=words,
                words_done=self.words_done,
                instruction_set=self.instruction_set,
                held=self._held_rows(),
                **more,
            )

        return new_trainer

    def _held_rows(self) -> int:
        """Rows of each table of which a thread keeps copies: none alone, and few for a text of few groups."""
        workers = self.settings.workers
        return 0 if workers == 1 else min(HELD_ROWS, len(self.tokens.ids) // (256 * workers))
