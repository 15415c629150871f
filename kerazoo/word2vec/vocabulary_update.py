"""Updates of a vocabulary: the words of another corpus are added, and the tables get rows for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo.batching.sampling import NoiseDistribution
from kerazoo.text import EncodedCorpus, Vocabulary
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.options import TrainingSettings
from kerazoo.word2vec.results import Tables
from kerazoo.word2vec.subwords import NgramSettings, ngram_buckets, used_buckets

__all__ = ["encode_with_update", "extend_ngrams", "extend_tables", "tables_from_vectors", "with_biases"]


def encode_with_update(
    vocabulary: Vocabulary, corpus: Any, min_count: int, max_final_vocab: int | None, **reading: Any
) -> EncodedCorpus:
    """Encode `corpus` with the words of `vocabulary` and its own.

    Args:
        vocabulary: the words so far; all of them are kept.
        corpus: as in `EncodedCorpus.from_source`.
        min_count: new words that occur less often are dropped.
        max_final_vocab: new words are added by decreasing count while there are fewer words than that; None: no limit.
        **reading: further arguments of `EncodedCorpus.from_source`.

    Returns:
        A corpus whose vocabulary has the sums of the counts of both texts.
    """
    own = EncodedCorpus.from_source(corpus, min_count=1, **reading)
    return own.with_vocabulary(vocabulary.joined(own.vocabulary, min_count, max_final_vocab))


def extend_tables(tables: Tables, old: Vocabulary, new: Vocabulary, noise: tuple[str, float], seed: int) -> Tables:
    """The tables with a row for every word of `new`: known words keep theirs, others start as in a new model.

    The tree of hierarchical softmax keeps its nodes; the new words get a subtree beside it.

    Args:
        tables: rows in the order of `old`.
        old: vocabulary of the tables.
        new: contains all words of `old`.
        noise: kind and exponent of the noise distribution; new biases start at its logarithm.
        seed: of the new rows of W, uniform in [-0.5/D, 0.5/D).
    """
    known = np.array([new.ids[word] for word in old.words], np.int64)
    n_words, size = len(new), tables.input_vectors.shape[1]
    inputs = np.random.default_rng(seed).uniform(-0.5 / size, 0.5 / size, (n_words, size)).astype(np.float32)
    inputs[known] = tables.input_vectors
    outputs = biases = nodes = tree = None
    if tables.output_vectors is not None:
        outputs = np.zeros((n_words, size), np.float32)
        outputs[known] = tables.output_vectors
    if tables.output_biases is not None:
        kind, exponent = noise
        biases = NoiseDistribution(kind, new.counts, exponent).log_probabilities
        biases[known] = tables.output_biases
    if tables.tree is not None and tables.node_vectors is not None:
        tree = tables.tree.extended(known, new.counts)
        nodes = np.zeros((n_words - 1, size), np.float32)
        nodes[: len(tables.node_vectors)] = tables.node_vectors
    return Tables(inputs, outputs, biases, nodes, tree)


def extend_ngrams(tables: Tables, before: Tables, vocabulary: Vocabulary, ngrams: NgramSettings, seed: int) -> Tables:
    """The tables with rows for all n-grams of `vocabulary`, the known ones first.

    Args:
        tables: with rows for the words.
        before: has the rows of the n-grams that are known.
        vocabulary: of the tables.
        ngrams: which n-grams words have.
        seed: of the new rows, uniform in [-0.5/D, 0.5/D).
    """
    if before.ngram_vectors is None or before.ngram_buckets is None:
        return tables
    used = used_buckets(ngram_buckets(vocabulary.words, ngrams), vocabulary.counts)
    new = used[~np.isin(used, before.ngram_buckets)]
    size = before.ngram_vectors.shape[1]
    generator = np.random.default_rng([seed, 1])
    rows = generator.uniform(-0.5 / size, 0.5 / size, (len(new), size)).astype(np.float32)
    return replace(
        tables,
        ngram_vectors=np.concatenate([before.ngram_vectors, rows]),
        ngram_buckets=np.concatenate([before.ngram_buckets, new]),
    )


def tables_from_vectors(vectors: NDArray[np.float32], counts: NDArray[np.int64], settings: TrainingSettings) -> Tables:
    """Tables with these input vectors; the other tables are those of an untrained model.

    Args:
        vectors: float32 (V, D), contiguous.
        counts: int64 (V,), of the words, decreasing.
        settings: determine which tables there are.
    """
    outputs = biases = nodes = tree = None
    if settings.negative:
        outputs = np.zeros_like(vectors)
        if settings.has_biases:
            biases = NoiseDistribution(settings.noise, counts, settings.ns_exponent).log_probabilities
    if settings.hs:
        tree, nodes = HuffmanTree.from_counts(counts), np.zeros_like(vectors[1:])
    return Tables(vectors, outputs, biases, nodes, tree)


def with_biases(tables: Tables, counts: NDArray[np.int64], settings: TrainingSettings) -> Tables:
    """The tables with the biases of an untrained model, if the loss has biases and the tables have none."""
    if not settings.has_biases or tables.output_biases is not None:
        return tables
    noise = NoiseDistribution(settings.noise, counts, settings.ns_exponent)
    return replace(tables, output_biases=noise.log_probabilities)
