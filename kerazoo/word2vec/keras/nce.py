"""`NCE`, the output layer of a language model: losses with noise words, or logits of all words."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._validation import check_choice, check_int
from kerazoo.batching.sampling import NoiseDistribution, alias_table, checked_probabilities, log_probabilities
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.keras.initializers import FixedValues
from kerazoo.word2vec.keras.losses import LOSSES, candidate_logits

__all__ = ["NCE"]


@keras.saving.register_keras_serializable(package="kerazoo")
class NCE(keras.layers.Layer):
    """An output layer for a large vocabulary that is trained with a few noise words instead of all words.

    With targets, ``head(hidden, targets)`` returns the loss of every position and adds their mean to the losses of the
    model (so `compile` takes an optimizer and no loss); without, ``head(hidden)`` returns the logits of all words. Both
    use the same weights: build one model for training and one for prediction around the same layer. The noise words are
    drawn on the device, K per call, shared by all positions, with replacement (Walker's alias method). Formulas and
    sources are in :mod:`kerazoo.word2vec.keras.losses`. NCE learns normalised probabilities, so the softmax of the
    logits predicts the next word (Mnih & Teh 2012).

    Args:
        vocabulary_size: int, V.
        loss: ``"nce"``, ``"negative_sampling"`` (logits are then not probabilities) or ``"sampled_softmax"``.
        noise_probabilities: float (V,) or None, the distribution q of the noise; None is log-uniform (Zipf), for ids
            that go by decreasing frequency, as those of :class:`kerazoo.Vocabulary`. They are weights that are not
            trained.
        negative: int, noise words per call (K).
        remove_accidental_hits: as in :class:`kerazoo.word2vec.SkipGram`.
        log_q_correction: as in :class:`kerazoo.word2vec.SkipGram`.
        bias_initializer: as in :class:`kerazoo.word2vec.SkipGram`.
        kernel_initializer: of the table C (V, D).
        seed: int or None, of the noise.
        **kwargs: see `keras.layers.Layer`.

    Input:
        hidden: float (..., D).
        targets: int (...), or None.
        noise: int (K,), noise words to use instead of drawing them, or None.

    Output:
        float32: losses (...) with targets (0 where `hidden` is masked, and not in the mean); otherwise logits (..., V).

    >>> tokens, targets = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    >>> hidden = keras.layers.GRU(8, return_sequences=True)(keras.layers.Embedding(50, 4)(tokens))
    >>> head = NCE(50, negative=10)
    >>> training = keras.Model([tokens, targets], head(hidden, targets))
    >>> prediction = keras.Model(tokens, head(hidden))
    >>> training.output.shape, prediction.output.shape
    ((None, None), (None, None, 50))
    """

    def __init__(
        self,
        vocabulary_size: int,
        loss: str = "nce",
        noise_probabilities: Any = None,
        negative: int = 64,
        remove_accidental_hits: bool | None = None,
        log_q_correction: bool | None = None,
        bias_initializer: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = check_int("vocabulary_size", vocabulary_size)
        self.loss_name = check_choice("loss", loss, LOSSES)
        self.negative = check_int("negative", negative, hint="The usual value is 64.")
        self._kind = LOSSES[self.loss_name]
        self.remove_accidental_hits = remove_accidental_hits
        self.log_q_correction = log_q_correction
        self._removes_hits = (
            self._kind.remove_accidental_hits if remove_accidental_hits is None else remove_accidental_hits
        )
        self._is_corrected = self._kind.corrected if log_q_correction is None else log_q_correction
        if bias_initializer is None:
            bias_initializer = "log_noise" if self._is_corrected else "zeros"
        self.bias_initializer = check_choice("bias_initializer", bias_initializer, ("log_noise", "zeros"))
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.seed = seed
        self._seeds = keras.random.SeedGenerator(seed)
        if noise_probabilities is None:
            self._q = NoiseDistribution("log_uniform", np.ones(self.vocabulary_size)).probabilities
        else:
            self._q = checked_probabilities(noise_probabilities, self.vocabulary_size)
        self.supports_masking = True

    def build(self, hidden_shape: Any, *_: Any) -> None:
        """Make the weights: C, b and the alias table of the noise."""
        if hidden_shape[-1] is None:
            raise InvalidArgumentError("the last axis of the input has no fixed size; expected float (..., D).")
        log_q, table = log_probabilities(self._q), alias_table(self._q)
        n = (self.vocabulary_size,)
        self.kernel = self.add_weight(shape=(*n, hidden_shape[-1]), initializer=self.kernel_initializer, name="kernel")
        self.bias = None
        if self._kind.biased:
            start = FixedValues(log_q) if self.bias_initializer == "log_noise" else "zeros"
            self.bias = self.add_weight(shape=n, initializer=start, autocast=False, name="bias")
        # In float32 for any precision of the layer: half precision cannot distinguish rare words.
        fixed: dict[str, Any] = {"trainable": False, "autocast": False}
        self.log_noise = self.add_weight(
            shape=n, initializer=FixedValues(log_q), dtype="float32", name="log_noise", **fixed
        )
        thresholds = ((table >> np.uint64(32)) / 2.0**32).astype(np.float32)
        aliases = (table & np.uint64(0xFFFFFFFF)).astype(np.int32)
        self._thresholds = self.add_weight(
            shape=n, initializer=FixedValues(thresholds), dtype="float32", name="thresholds", **fixed
        )
        self._aliases = self.add_weight(
            shape=n, initializer=FixedValues(aliases), dtype="int32", name="aliases", **fixed
        )

    def draw_noise(self) -> Any:
        """Words drawn from q, int32 (K,)."""
        shape = (self.negative,)
        words = keras.random.randint(shape, 0, self.vocabulary_size, dtype="int32", seed=self._seeds)
        accepted = keras.random.uniform(shape, seed=self._seeds) < ops.take(self._thresholds, words)
        return ops.where(accepted, words, ops.take(self._aliases, words))

    def losses_of(self, hidden: Any, targets: Any, noise: Any = None) -> Any:
        """The loss of every position, float32 (...), without adding it to those of the model."""
        noise = self.draw_noise() if noise is None else ops.cast(noise, "int32")
        true = ops.reshape(ops.cast(targets, "int32"), (-1,))
        kernel = ops.convert_to_tensor(self.kernel)
        logits = candidate_logits(
            ops.cast(ops.reshape(hidden, (-1, hidden.shape[-1])), kernel.dtype),
            ops.take(kernel, true, axis=0),
            ops.take(kernel, noise, axis=0),
            self._offsets(true, noise),
            self._offsets(noise, noise),
            ops.equal(noise, ops.expand_dims(true, 1)) if self._removes_hits else None,
        )
        return ops.reshape(self._kind.function(logits), ops.shape(targets))

    def _offsets(self, words: Any, noise: Any) -> Any:
        """``b[o] - log(K q(o))`` of the words, without the terms that the loss does not have."""
        offsets = None if self.bias is None else ops.cast(ops.take(self.bias, words), "float32")
        if self._is_corrected:
            draws = ops.cast(ops.shape(noise)[0], "float32")
            correction = ops.take(self.log_noise, words) + ops.log(draws)
            offsets = -correction if offsets is None else offsets - correction
        return offsets

    def call(self, hidden: Any, targets: Any = None, noise: Any = None, mask: Any = None) -> Any:
        """Losses of the targets, or logits of all words; see the class."""
        if targets is None:
            kernel = ops.convert_to_tensor(self.kernel)
            logits = ops.cast(ops.matmul(ops.cast(hidden, kernel.dtype), ops.transpose(kernel)), "float32")
            return logits if self.bias is None else logits + ops.cast(self.bias, "float32")
        losses = self.losses_of(hidden, targets, noise)
        if mask is None:
            self.add_loss(ops.mean(losses))
        else:
            weights = ops.cast(mask, losses.dtype)
            losses = losses * weights
            self.add_loss(ops.sum(losses) / ops.maximum(ops.sum(weights), 1.0))
        return losses

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments except the probabilities, which are saved with the weights."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "loss": self.loss_name,
            "negative": self.negative,
            "remove_accidental_hits": self.remove_accidental_hits,
            "log_q_correction": self.log_q_correction,
            "bias_initializer": self.bias_initializer,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "seed": self.seed,
        }
