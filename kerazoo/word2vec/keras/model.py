"""`SkipGram`, the Keras model of word2vec: two tables, biases, and a loss with noise words."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._runtime.devices import accelerator_visible
from kerazoo._validation import check_choice, check_flag, check_int
from kerazoo.batching.sampling import checked_probabilities, log_probabilities
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.keras.initializers import FixedValues
from kerazoo.word2vec.keras.losses import LOSSES, candidate_logits
from kerazoo.word2vec.keras.metrics import CompensatedMean

__all__ = ["SkipGram"]

BIAS_INITIALIZERS = ("log_noise", "zeros")


@keras.saving.register_keras_serializable(package="kerazoo")
class SkipGram(keras.Model):
    """Skip-gram with noise words, trained by `fit` on pairs or on blocks of text.

    Inputs are dictionaries of int32 arrays: ``input`` (B,), ``output`` (B,) and ``noise``, (K,) shared by the batch or
    (B, K), as :class:`kerazoo.batching.SkipGramBatches` makes them. The outputs are logits (B, 1 + K), the true word
    first; the loss is computed from them, so `compile` takes an optimizer and no loss. See
    :mod:`kerazoo.word2vec.keras.losses` for the formulas. `fit` and `evaluate` also take
    :class:`kerazoo.batching.TokenBlocks` (with noise and `unique`), which are many times faster; the optimizer must
    then be :class:`RowClippedSGD`.

    Args:
        vocabulary_size: int, V.
        vector_size: int, D.
        loss: ``"nce"``, ``"negative_sampling"`` or ``"sampled_softmax"``.
        noise_probabilities: float (V,) or None, the distribution q of the noise words, needed for the log-q correction
            (``nce`` and ``sampled_softmax``); None means uniform. It is a weight that is not trained, so a saved model
            contains it.
        log_q_correction: bool or None, whether to subtract ``log(K q)`` from the logits. None is the default of the
            loss: False for ``negative_sampling``, True for the others.
        bias_initializer: ``"log_noise"`` (b = log q), ``"zeros"``, or None: the first where the logits are corrected,
            otherwise the second. With zeros, every corrected logit starts at ``-log(K q)``, near +10 for rare words,
            where the logistic function is flat; with log q every one starts at ``-log K``. Both are measured in
            docs/word2vec.md.
        remove_accidental_hits: bool or None, whether to ignore noise words that equal the true word. None is the
            default of the loss: False for ``nce``, True for the others.
        negative: int, noise words per pair (K) when training on `TokenBlocks`, whose groups share weighted ones;
            `SkipGramBatches` determine K themselves.
        learn_biases: bool, whether the biases of ``nce`` are weights. Otherwise they are ``log q(o) + log(K) / 2``,
            so that every logit is ``W[x].C[o] - log(K) / 2``: the default of :class:`kerazoo.Word2Vec`.
        seed: int or None, of the input table, uniform in [-0.5/D, 0.5/D) as in word2vec.c; the output table starts at
            zero.
        name: str, of the model.
        **kwargs: see `keras.Model`.

    Attributes:
        input_vectors: the table W (V, D), the word vectors.
        output_vectors: the table C (V, D).
        output_biases: b (V,); None for ``negative_sampling``, and where they are fixed.
        log_noise: log q (V,), not trained; None where the logits are not corrected, or the biases are fixed.

    Raises:
        InvalidArgumentError: a size below 1, an unknown name, or probabilities of the wrong shape.

    >>> import numpy as np
    >>> model = SkipGram(vocabulary_size=4, vector_size=3, seed=1)
    >>> batch = {"input": np.array([0, 1]), "output": np.array([1, 2]), "noise": np.array([3, 3, 0])}
    >>> tuple(model(batch).shape)
    (2, 4)
    """

    def __init__(
        self,
        vocabulary_size: int,
        vector_size: int = 100,
        loss: str = "nce",
        noise_probabilities: Any = None,
        log_q_correction: bool | None = None,
        bias_initializer: str | None = None,
        remove_accidental_hits: bool | None = None,
        negative: int = 5,
        learn_biases: bool = True,
        seed: int | None = None,
        name: str = "skip_gram",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.vocabulary_size = check_int("vocabulary_size", vocabulary_size)
        self.vector_size = check_int("vector_size", vector_size, hint="The usual value is 100.")
        self.loss_name = check_choice("loss", loss, LOSSES)  # `self.loss` belongs to Keras's compile()
        self._kind = LOSSES[self.loss_name]
        self.log_q_correction = log_q_correction
        self.is_corrected = self._kind.corrected if log_q_correction is None else bool(log_q_correction)
        if bias_initializer is None:
            bias_initializer = "log_noise" if self.is_corrected else "zeros"
        self.bias_initializer = check_choice("bias_initializer", bias_initializer, BIAS_INITIALIZERS)
        self.remove_accidental_hits = remove_accidental_hits
        self.negative = check_int("negative", negative, hint="The usual value is 5.")
        self.learn_biases = check_flag("learn_biases", learn_biases)
        if not self.learn_biases and self._kind.biased and (loss != "nce" or log_q_correction is not None):
            raise InvalidArgumentError(
                f"learn_biases=False with loss={loss!r} and log_q_correction={log_q_correction!r}; expected True, or "
                "loss='nce' with log_q_correction=None."
            )
        self.has_fixed_biases = self._kind.biased and not self.learn_biases
        self.seed = seed

        self.removes_hits = (
            self._kind.remove_accidental_hits if remove_accidental_hits is None else bool(remove_accidental_hits)
        )
        shape = (self.vocabulary_size, self.vector_size)
        limit = 0.5 / self.vector_size
        self.input_vectors = self.add_weight(
            shape=shape, initializer=keras.initializers.RandomUniform(-limit, limit, seed=seed), name="input_vectors"
        )
        self.output_vectors = self.add_weight(shape=shape, initializer="zeros", name="output_vectors")
        self.output_biases = self.log_noise = None
        if noise_probabilities is None:
            noise_probabilities = np.full(self.vocabulary_size, 1 / self.vocabulary_size)
        log_q = log_probabilities(checked_probabilities(noise_probabilities, self.vocabulary_size))
        if self._kind.biased and self.learn_biases:
            start = FixedValues(log_q) if self.bias_initializer == "log_noise" else "zeros"
            self.output_biases = self.add_weight(shape=log_q.shape, initializer=start, name="output_biases")
        if self.is_corrected and not self.has_fixed_biases:
            self.log_noise = self.add_weight(
                shape=log_q.shape, initializer=FixedValues(log_q), trainable=False, name="log_noise"
            )
        self.pair_loss = CompensatedMean(name="pair_loss")
        # XLA compiles tf.unique, by which RowClippedSGD finds the distinct rows of a batch, on a CPU; with a GPU on
        # TensorFlow this is not measured.
        self.supports_jit = keras.backend.backend() != "tensorflow" or not accelerator_visible()
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Any:
        """Logits (B, 1 + K) of the true word and the noise words of every pair, float32."""
        for key in ("input", "output", "noise"):
            if key not in inputs:
                raise InvalidArgumentError(
                    f"the batch has the keys {sorted(inputs)}; expected 'input', 'output' and 'noise'. "
                    "SkipGramBatches makes them when noise='unigram' (or another noise) is given."
                )
        word, true, noise = inputs["input"], inputs["output"], inputs["noise"]
        hits = ops.equal(noise, ops.expand_dims(true, -1)) if self.removes_hits else None
        # Of shared noise (K,), tf.data does not know the length when the step is traced: ask at run time.
        draws = ops.shape(noise)[-1]
        logits = candidate_logits(
            ops.take(self.input_vectors, word, axis=0),
            ops.take(self.output_vectors, true, axis=0),
            ops.take(self.output_vectors, noise, axis=0),
            self.offsets(true, draws),
            self.offsets(noise, draws),
            hits,
        )
        return ops.cast(logits, "float32")

    def offsets(self, words: Any, draws: Any) -> Any:
        """``b[o] - log(draws * q(o))`` of the words, without terms that the loss does not have; None if it has neither.

        With fixed biases it is ``-log(draws) / 2`` for every word. The rows are gathered first, so that the gradient of
        b is sparse.
        """
        if self.has_fixed_biases:
            return ops.zeros_like(words, dtype=self.compute_dtype) - 0.5 * ops.log(ops.cast(draws, self.compute_dtype))
        offsets = None if self.output_biases is None else ops.take(self.output_biases, words, axis=0)
        if self.log_noise is not None:
            correction = ops.take(self.log_noise, words, axis=0) + ops.log(ops.cast(draws, self.compute_dtype))
            offsets = -correction if offsets is None else offsets - correction
        return offsets

    def fixed_offset(self, draws: int) -> float:
        """What fixed biases add to every logit, ``-log(draws) / 2``; 0 without them."""
        return -0.5 * math.log(draws) if self.has_fixed_biases else 0.0

    def pair_losses(self, logits: Any) -> Any:
        """Losses (B,) of the pairs from their logits (B, 1 + K)."""
        return self._kind.function(logits)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Mean of the pair losses of the batch, float32 scalar."""
        losses = self.pair_losses(y_pred)
        if sample_weight is not None:
            losses = losses * ops.cast(sample_weight, losses.dtype)
        return ops.mean(losses)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The compiled metrics, with ``loss`` replaced by its mean over all pairs from a compensated sum."""
        logs = super().compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        value = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self.pair_loss.update_state(value, sample_weight=ops.shape(y_pred)[0])
        return {**{key: value for key, value in logs.items() if key != "pair_loss"}, "loss": self.pair_loss.result()}

    def train_step(self, *arguments: Any) -> Any:
        """Keras's step for pairs; closed-form gradients and sparse updates for the blocks of `TokenBlocks`."""
        (x, _, _) = keras.utils.unpack_x_y_sample_weight(arguments[-1])
        if "places" not in x:
            return super().train_step(*arguments)
        from kerazoo.word2vec.keras import block_steps

        return block_steps.train_step(self, x, *arguments[:-1])

    def test_step(self, *arguments: Any) -> Any:
        """Keras's step for pairs; the mean loss of the pairs for the blocks of `TokenBlocks`."""
        (x, _, _) = keras.utils.unpack_x_y_sample_weight(arguments[-1])
        if "places" not in x:
            return super().test_step(*arguments)
        from kerazoo.word2vec.keras import block_steps

        return block_steps.test_step(self, x, *arguments[:-1])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments except the probabilities, which are saved with the weights."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "vector_size": self.vector_size,
            "loss": self.loss_name,
            "log_q_correction": self.log_q_correction,
            "bias_initializer": self.bias_initializer,
            "remove_accidental_hits": self.remove_accidental_hits,
            "negative": self.negative,
            "learn_biases": self.learn_biases,
            "seed": self.seed,
        }
