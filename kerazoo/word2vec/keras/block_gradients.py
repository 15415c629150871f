"""The block step: loss and gradients of all pairs of a segment of text by three batched matrix products.

Trained one by one, each pair needs a gather and a scatter. A :class:`kerazoo.batching.TokenBlocks` block holds T tokens
with a halo; its pairs are divided into groups of G centres. Within a group, every pair is an entry of one matrix:

- rows: the G + 2w tokens that can be contexts, X = W[...] (G + 2w, D);
- columns: the G centres and the K' noise words of the group, Y = C[...] (G + K', D);
- logits L = X Y' + offset of the column; weights A: 1 where (context, centre) is a pair, and for noise
  ``K / K'`` times the number of pairs of which the row is the input (so the expected gradient is that of K noise
  words per pair);
- E = A (s(L) - label); gradients E Y and E' X, summed by word.

Sharing noise among neighbouring windows: Ji et al. 2016 (HogBatch). Losses and symbols as in
:mod:`kerazoo.word2vec.keras.losses`; with ``sampled_softmax`` the noise words of a pair are all K' of its group.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from kerazoo.errors import InvalidArgumentError

__all__ = ["BlockGradients", "block_gradients", "has_shared_softmax"]


def has_shared_softmax(loss: str) -> bool:
    """Whether the block step of this loss is the sampled softmax; False: the logistic losses.

    Raises:
        InvalidArgumentError: the block step has no formula for the loss. It can be trained on pairs.

    >>> has_shared_softmax("nce"), has_shared_softmax("sampled_softmax")
    (False, True)
    """
    if loss not in ("nce", "negative_sampling", "sampled_softmax"):
        raise InvalidArgumentError(
            f"loss={loss!r} on blocks of text; expected 'nce', 'negative_sampling' or 'sampled_softmax'. Other losses "
            "are trained on pairs: SkipGramBatches, or engine_options={'batch_size': 1024}."
        )
    return loss == "sampled_softmax"


class BlockGradients(NamedTuple):
    """Sums over the pairs of a block.

    Attributes:
        loss: scalar, sum of the pair losses.
        n_pairs: scalar float, number of pairs.
        inputs: (U, D), gradient of the loss with respect to the distinct rows of W.
        outputs: (U', D), the same for C.
        offsets: (U',), the same for the offsets of the outputs, which is the gradient of the biases.
    """

    loss: Any
    n_pairs: Any
    inputs: Any
    outputs: Any
    offsets: Any


def block_gradients(
    block: dict[str, Any],
    input_rows: Any,
    output_rows: Any,
    offsets: Any,
    negative: int,
    softmax: bool = False,
    remove_accidental_hits: bool = False,
) -> BlockGradients:
    """Loss and gradients of one block, in closed form.

    Args:
        block: a batch of `TokenBlocks`, with noise and `unique`: ``places`` (T + 2w,), ``out_places`` (T,),
            ``noise_places`` (T / G, K'), ``left`` and ``right`` (T,).
        input_rows: float (U, D), rows of W at ``block["unique"]``.
        output_rows: float (U', D), rows of C at ``block["out_unique"]``.
        offsets: float (U',) or None, added to the logits of the outputs: bias minus log expected count.
        negative: int, noise words per pair (K), for the weights of the shared noise.
        softmax: whether the loss is sampled softmax instead of a logistic one.
        remove_accidental_hits: whether to ignore noise words that equal the centre of the pair.

    Returns:
        The sums over the pairs.
    """
    left, right, noise_index = block["left"], block["right"], block["noise_places"]
    input_index, out_index = block["places"], block["out_places"]
    n_groups, n_noise = ops.shape(noise_index)[0], ops.shape(noise_index)[1]
    size = ops.shape(left)[0]
    group = size // n_groups
    window = (ops.shape(input_index)[0] - size) // 2
    span = group + 2 * window

    row_numbers = ops.expand_dims(ops.arange(n_groups) * group, 1) + ops.arange(span)
    row_index = ops.take(input_index, row_numbers, axis=0)  # (groups, span)
    column_index = ops.concatenate([ops.reshape(out_index, (n_groups, group)), noise_index], axis=1)
    rows = ops.take(input_rows, row_index, axis=0)  # (groups, span, D)
    columns = ops.take(output_rows, column_index, axis=0)  # (groups, G + K', D)
    logits = ops.einsum("gsd,gcd->gsc", rows, columns)
    if offsets is not None:
        logits = logits + ops.expand_dims(ops.take(offsets, column_index, axis=0), 1)
    true, noise = logits[:, :, :group], logits[:, :, group:]

    # Row j is `distance` tokens after centre t; j counts from the start of the halo.
    distance = ops.expand_dims(ops.arange(span), 1) - window - ops.arange(group)
    is_pair = ops.logical_and(
        ops.not_equal(distance, 0),
        ops.logical_and(
            distance >= -ops.reshape(left, (n_groups, 1, group)), distance <= ops.reshape(right, (n_groups, 1, group))
        ),
    )
    pairs = ops.cast(is_pair, logits.dtype)  # (groups, span, G)
    counted = ops.sum(pairs, axis=2, keepdims=True)  # pairs of which the row is the input
    other = None
    if remove_accidental_hits:  # (groups, G, K'): whether the noise word differs from the centre
        other = ops.cast(
            ops.not_equal(ops.expand_dims(column_index[:, :group], 2), ops.expand_dims(column_index[:, group:], 1)),
            logits.dtype,
        )

    if softmax:
        # The softmax of a pair is over its true word and the noise words, whose sum is the same for all pairs of a row
        # (except for accidental hits).
        top = ops.max(noise, axis=2, keepdims=True)
        mass = ops.exp(noise - top)
        if other is None:
            sums = ops.sum(mass, axis=2, keepdims=True)
        else:
            sums = ops.einsum("gsk,gtk->gst", mass, other) + 1e-30  # if all are hits, there is no noise
        margin = top + ops.log(sums) - true
        loss = ops.sum(pairs * ops.softplus(margin))
        true_error = -pairs * ops.sigmoid(margin)
        if other is None:
            noise_error = -ops.sum(true_error, axis=2, keepdims=True) * mass / sums
        else:
            noise_error = mass * ops.matmul(-true_error / sums, other)
    else:
        noise_weights = counted if other is None else ops.matmul(pairs, other)
        noise_weights = noise_weights * (negative / ops.cast(n_noise, logits.dtype))
        true_error = pairs * (ops.sigmoid(true) - 1.0)
        noise_error = noise_weights * ops.sigmoid(noise)
        loss = ops.sum(pairs * ops.softplus(-true)) + ops.sum(noise_weights * ops.softplus(noise))
    errors = ops.concatenate([true_error, noise_error], axis=2)

    n_inputs, n_outputs = ops.shape(input_rows)[0], ops.shape(output_rows)[0]
    dimension = ops.shape(input_rows)[1]
    row_gradients = ops.reshape(ops.matmul(errors, columns), (-1, dimension))
    column_gradients = ops.reshape(ops.einsum("gsc,gsd->gcd", errors, rows), (-1, dimension))
    column_flat = ops.reshape(column_index, (-1,))
    return BlockGradients(
        loss,
        ops.sum(counted),
        ops.segment_sum(row_gradients, ops.reshape(row_index, (-1,)), n_inputs),
        ops.segment_sum(column_gradients, column_flat, n_outputs),
        ops.segment_sum(ops.reshape(ops.sum(errors, axis=1), (-1,)), column_flat, n_outputs),
    )
