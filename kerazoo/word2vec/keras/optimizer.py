"""SGD for embedding tables: the update of each row is clipped, so that large batches do not diverge."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_real
from kerazoo.word2vec.keras.clipping import clip_rows

__all__ = ["RowClippedSGD"]


@keras.saving.register_keras_serializable(package="kerazoo")
class RowClippedSGD(keras.optimizers.Optimizer):
    """SGD whose update of each row of a table is clipped to the Euclidean length `clip`.

    word2vec.c updates the tables after each pair. A batch holds hundreds of pairs of a frequent word, all computed
    from the same stale values, and without a limit the rows of frequent words diverge. Vectors (biases) are clipped
    element by element.

    On TensorFlow the gradients of the tables are `IndexedSlices`, and only the rows of the batch are updated; on the
    other backends they are dense.

    Args:
        learning_rate: float or schedule. With the *mean* of the pair losses, word2vec's learning rate per pair,
            `alpha`, is ``alpha * batch_size`` here.
        clip: float > 0, largest length of a row's update, in units of the table.
        name: str.
        **kwargs: see `keras.optimizers.Optimizer`.

    >>> optimizer = RowClippedSGD(learning_rate=1.0, clip=0.5)
    >>> table = keras.Variable([[0.0, 0.0], [0.0, 0.0]])
    >>> optimizer.apply([ops.convert_to_tensor([[3.0, 4.0], [0.0, 0.1]])], [table])
    >>> ops.convert_to_numpy(table).round(2)
    array([[-0.3, -0.4],
           [ 0. , -0.1]], dtype=float32)
    """

    def __init__(self, learning_rate: Any = 0.025, clip: float = 1.0, name: str = "row_clipped_sgd", **kwargs: Any):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.clip = check_real("clip", clip, 0, exclusive=True, hint="The usual value is 1.")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Subtract the clipped update of one variable."""
        rate = ops.cast(learning_rate, variable.dtype)
        if _is_indexed_slices(gradient):
            from kerazoo.word2vec.keras._tensorflow import apply_rows

            apply_rows(self, variable, gradient, rate, self.clip)
        else:
            gradient = ops.cast(gradient, variable.dtype)
            self.assign_sub(variable, clip_rows(gradient * rate, self.clip))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "clip": self.clip}


def _is_indexed_slices(gradient: Any) -> bool:
    # By name: asking TensorFlow for the class would import it on the other backends.
    return keras.backend.backend() == "tensorflow" and type(gradient).__name__ == "IndexedSlices"
