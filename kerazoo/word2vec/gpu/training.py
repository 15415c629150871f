"""The loop over the calls of a training on the device, with Keras callbacks between the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import CorpusError

if TYPE_CHECKING:
    from kerazoo.word2vec.gpu.plan import DevicePlan
    from kerazoo.word2vec.keras.model import SkipGram
    from kerazoo.word2vec.results import TrainingState

__all__ = ["Trainer", "fit", "trainer_of"]


class Trainer(Protocol):
    """The part of a backend: keeps the text on the device and trains the tables of the model."""

    def start_epoch(self, epoch: int) -> int:
        """Draw the kept tokens and their windows; returns the number of kept tokens."""
        ...

    def run(self, call: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Train the blocks of a call; returns sums of pair losses and numbers of pairs, float32 (S,) each."""
        ...

    def redraw(self, call: int) -> tuple[NDArray[np.int32], ...]:
        """The data of a call, int32: words (S T + 2w,), left and right (S T,), noise (S, T / G, K')."""
        ...


def trainer_of(model: SkipGram, plan: DevicePlan, **options: Any) -> Trainer:
    """The trainer of the current backend; `options` select its variants, for tests and benchmarks."""
    if keras.backend.backend() == "jax":
        from kerazoo.word2vec.gpu._jax import JaxTrainer

        return JaxTrainer(model, plan, **options)
    from kerazoo.word2vec.gpu._torch import TorchTrainer

    return TorchTrainer(model, plan, **options)


def fit(model: SkipGram, plan: DevicePlan, callbacks: Any, start: TrainingState, epochs: int) -> None:
    """Train from `start` on. For the callbacks, a call is a batch.

    Raises:
        CorpusError: subsampling leaves no pair.
    """
    trainer = trainer_of(model, plan)
    model.stop_training = False
    callbacks.begin(start.history["loss"])
    first = start.position
    for epoch in range(start.epoch, epochs):
        if model.stop_training:
            break
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        n_kept = trainer.start_epoch(epoch)
        for call in range(first, len(plan)):
            callbacks.on_train_batch_begin(call - first)
            losses, pairs = trainer.run(call)
            model.optimizer.iterations.assign(epoch * plan.n_steps + (call + 1) * plan.steps)
            n_pairs = float(pairs.sum(dtype=np.float64))
            model.pair_loss.update_state(float(losses.sum(dtype=np.float64)) / max(n_pairs, 1.0), n_pairs)
            logs = {"loss": float(model.pair_loss.result())}
            callbacks.on_train_batch_end(call - first, logs)
            if model.stop_training:
                break
        else:
            if float(model.pair_loss.weight) == 0:
                raise CorpusError(
                    f"epoch {epoch} has no pair: subsampling left {n_kept} of {len(plan.ids)} words, no two of them in "
                    f"one document. sample={plan.sample:g} is too small for this corpus; 0 keeps all words."
                )
        callbacks.on_epoch_end(epoch, logs)
        first = 0
    callbacks.end()
