"""`compile_defaults`: a loss, metrics and an optimizer that fit the head of a model."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.builders import as_spec, build
from kerazoo.zoo.heads import SampledHead
from kerazoo.zoo.inputs import SequenceInput
from kerazoo.zoo.kinds import CLASSES, VALUES, WORDS, kinds_of, symbolic_outputs
from kerazoo.zoo.spec import RNNSpec

__all__ = ["Perplexity", "compile_defaults"]

CLIPNORM = 1.0


@keras.saving.register_keras_serializable(package="kerazoo")
class Perplexity(keras.metrics.SparseCategoricalCrossentropy):
    """The exponential of the mean cross-entropy of logits: the number of words among which the model hesitates.

    Args:
        name: str.
        from_logits: bool, the outputs are logits, not probabilities.
        **kwargs: `dtype`, `axis`.

    >>> import numpy as np
    >>> metric = Perplexity()
    >>> metric.update_state(np.array([0, 3]), np.zeros((2, 4), "float32"))
    >>> round(float(metric.result()), 3)
    4.0
    """

    def __init__(self, name: str = "perplexity", from_logits: bool = True, **kwargs: Any) -> None:
        super().__init__(name=name, from_logits=from_logits, **kwargs)

    def result(self) -> Any:
        """The perplexity, a scalar >= 1."""
        return ops.exp(super().result())


def compile_defaults(model_or_spec_or_name: keras.Model | RNNSpec | str, learning_rate: Any = None) -> dict[str, Any]:
    """Arguments for `model.compile` that fit the head of a zoo model.

    ====================== =============================================== =====================================
    head                   loss                                            metrics
    ====================== =============================================== =====================================
    dense, none            mean squared error                              mean absolute error (`mae`)
    dense, softmax         categorical cross-entropy                       `accuracy`
    classes                sparse categorical cross-entropy                `accuracy`
    softmax (words)        the same, of logits                             `perplexity`
    nce, sampled softmax   none: the model computes its own                none: `evaluate` is the cross-entropy
    several heads          a dict: that of each                            a dict
    ====================== =============================================== =====================================

    The optimizer is Adam with ``clipnorm=1``, without which recurrences of relu diverge. Padded steps of a masked model
    count in neither losses nor metrics.

    Args:
        model_or_spec_or_name: a model of :func:`kerazoo.zoo.build`, also loaded or cloned; an `RNNSpec`; or a name.
        learning_rate: float > 0, a schedule of Keras or None (0.001).

    Returns:
        A dict with `optimizer` and, but for heads with noise words, `loss` and `metrics`. Optimizers and metrics have
        states, so call the function once for each model.

    Raises:
        InvalidArgumentError: not a zoo model, spec or name.

    >>> from kerazoo import zoo
    >>> model = zoo.build("gru_1x8_classes3_seq2one")
    >>> arguments = compile_defaults(model)
    >>> model.compile(**arguments)
    >>> type(arguments["loss"]).__name__, arguments["metrics"][0].name
    ('SparseCategoricalCrossentropy', 'accuracy')
    """
    rate: Any = 0.001
    if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = learning_rate
    elif learning_rate is not None:
        rate = check_real("learning_rate", learning_rate, 0.0, exclusive=True, hint="The usual value is 0.001.")
    model = model_or_spec_or_name
    if isinstance(model, keras.Model):
        if not any(isinstance(layer, SequenceInput) for layer in model.layers):
            raise InvalidArgumentError(
                f"model {model.name!r} is not of kerazoo.zoo; expected one that zoo.build made, an RNNSpec or a name."
            )
    else:
        model = build(as_spec(model))
    optimizer = keras.optimizers.Adam(rate, clipnorm=CLIPNORM)
    if isinstance(model.layers[-1], SampledHead):
        return {"optimizer": optimizer}
    outputs = symbolic_outputs(model)
    named = outputs if isinstance(outputs, dict) else None
    kinds = kinds_of(model.layers, named)
    if named is not None:
        both = {name: _loss_and_metrics(*kinds.get(name, (VALUES, None))) for name in named}
        loss: Any = {name: loss for name, (loss, _) in both.items()}
        metrics: Any = {name: metrics for name, (_, metrics) in both.items()}
    else:
        loss, metrics = _loss_and_metrics(*kinds.get(None, (VALUES, None)))
        if isinstance(outputs, list | tuple):  # the states follow the output
            others = len(outputs) - 1
            loss, metrics = [loss, *[None] * others], [metrics, *[None] * others]
    return {"optimizer": optimizer, "loss": loss, "metrics": metrics}


def _loss_and_metrics(kind: str, layer: Any) -> tuple[Any, list[Any]]:
    """The loss and the metrics of an output."""
    if kind == WORDS:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True), [Perplexity()]
    if kind == CLASSES:
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        return keras.losses.SparseCategoricalCrossentropy(), [accuracy]
    if getattr(layer, "activation", None) is keras.activations.softmax:
        return keras.losses.CategoricalCrossentropy(), [keras.metrics.CategoricalAccuracy(name="accuracy")]
    return keras.losses.MeanSquaredError(), [keras.metrics.MeanAbsoluteError(name="mae")]
