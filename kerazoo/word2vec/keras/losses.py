"""The three losses of word2vec in `keras.ops`. All take the logits of the true word and of K noise words per pair.

For a pair (x, y) with noise words n_1 .. n_K drawn from q, input table W, output table C and output biases b:

=====================  ==========================================  =========================================
name                   logit of an output word o                   loss of the pair
=====================  ==========================================  =========================================
``nce``                ``W[x].C[o] + b[o] - log(K q(o))``          ``-log s(true) - sum log s(-noise)``
``negative_sampling``  ``W[x].C[o]``                               the same
``sampled_softmax``    ``W[x].C[o] + b[o] - log(K q(o))``          ``-log softmax(true, noise)[true]``
=====================  ==========================================  =========================================

With ``learn_biases=False``, the default of :class:`kerazoo.Word2Vec`, the biases of ``nce`` are fixed at
``log q(o) + log(K) / 2`` (Mnih & Teh 2012 fix the normalizers), and every logit is ``W[x].C[o] - log(K) / 2``.

``s`` is the logistic function. K q(o) is the expected count of o among K draws with replacement; a sampler without
replacement passes its own expected counts instead.

Sources: Gutmann & Hyvarinen 2010, Mnih & Kavukcuoglu 2013 (`nce`); Mikolov et al. 2013b, eq. 4
(`negative_sampling`); Jean et al. 2015 (`sampled_softmax`). Given the same draws and expected counts, the
values equal those of ``tf.nn.nce_loss`` and ``tf.nn.sampled_softmax_loss`` (tested, values and gradients).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

__all__ = [
    "LOSSES",
    "LossKind",
    "candidate_logits",
    "negative_sampling_loss",
    "noise_contrastive_loss",
    "sampled_softmax_loss",
]

# Far below any logit, but finite: exp and sigmoid are exactly 0, and no gradient is NaN.
_REMOVED = -1e9


def candidate_logits(
    inputs: Any,
    output_rows: Any,
    noise_rows: Any,
    output_offset: Any = None,
    noise_offset: Any = None,
    accidental_hits: Any = None,
) -> Any:
    """Logits of the true word and of the noise words of every pair.

    Args:
        inputs: float (B, D), rows of the input table.
        output_rows: float (B, D), rows of the output table of the true words.
        noise_rows: float (K, D) for noise shared by the batch, or (B, K, D) for noise per pair.
        output_offset: float (B,) or None, added to the true logits (bias minus log expected count).
        noise_offset: float (K,) or (B, K) or None, added to the noise logits.
        accidental_hits: bool (B, K) or None; where True, the noise word is the true word and is ignored.

    Returns:
        float (B, 1 + K), the true logit first; float32 where the rows are of half precision.

    >>> import numpy as np
    >>> x = np.eye(2, 3, dtype="float32")
    >>> np.asarray(candidate_logits(x, 2 * x, 3 * x)).tolist()
    [[2.0, 3.0, 0.0], [2.0, 0.0, 3.0]]
    """
    true = _at_least_float32(ops.sum(inputs * output_rows, axis=-1))
    if len(noise_rows.shape) == 2:
        noise = ops.matmul(inputs, ops.transpose(noise_rows))
    else:
        noise = ops.einsum("bd,bkd->bk", inputs, noise_rows)
    noise = _at_least_float32(noise)
    if output_offset is not None:
        true = true + output_offset
    if noise_offset is not None:
        noise = noise + noise_offset
    if accidental_hits is not None:
        noise = ops.where(accidental_hits, ops.cast(_REMOVED, noise.dtype), noise)
    return ops.concatenate([ops.expand_dims(true, -1), noise], axis=-1)


def _at_least_float32(logits: Any) -> Any:
    half = keras.backend.standardize_dtype(logits.dtype) in ("float16", "bfloat16")
    return ops.cast(logits, "float32") if half else logits


def noise_contrastive_loss(logits: Any) -> Any:
    """``-log s(logit_true) - sum_k log s(-logit_k)`` of every pair: (B, 1 + K) -> (B,).

    Applied to corrected logits it is NCE (Gutmann & Hyvarinen 2010, eq. 10, with K noise words per pair); applied
    to plain dot products it is negative sampling (Mikolov et al. 2013b, eq. 4). With logits of zero it is
    (1 + K) log 2:

    >>> import numpy as np
    >>> round(float(np.asarray(noise_contrastive_loss(np.zeros((1, 6), "float32")))[0]), 4)
    4.1589
    """
    return ops.softplus(-logits[:, 0]) + ops.sum(ops.softplus(logits[:, 1:]), axis=-1)


negative_sampling_loss = noise_contrastive_loss


def sampled_softmax_loss(logits: Any) -> Any:
    """Cross-entropy of the true word among itself and the noise words: (B, 1 + K) -> (B,).

    >>> import numpy as np
    >>> round(float(np.asarray(sampled_softmax_loss(np.zeros((1, 6), "float32")))[0]), 4)   # log 6
    1.7918
    """
    return ops.logsumexp(logits, axis=-1) - logits[:, 0]


@dataclass(frozen=True)
class LossKind:
    """A loss and the form of its logits.

    Attributes:
        function: (B, 1 + K) logits -> (B,) losses.
        biased: whether logits carry a bias.
        corrected: whether log(K q) is subtracted from them by default.
        remove_accidental_hits: whether noise words equal to the true word are ignored by default: False for NCE, whose
            theory assumes plain draws from q (and TensorFlow's default); True for negative sampling, as in word2vec.c
            and gensim, and for sampled softmax, as in TensorFlow.
    """

    function: Callable[[Any], Any]
    biased: bool
    corrected: bool
    remove_accidental_hits: bool


LOSSES: dict[str, LossKind] = {
    "nce": LossKind(noise_contrastive_loss, biased=True, corrected=True, remove_accidental_hits=False),
    "negative_sampling": LossKind(negative_sampling_loss, biased=False, corrected=False, remove_accidental_hits=True),
    "sampled_softmax": LossKind(sampled_softmax_loss, biased=True, corrected=True, remove_accidental_hits=True),
}
