"""A recurrent model, trained by several processes that Ray starts: on one machine, or on a cluster.

    python train_zoo.py model.keras --workers 2                        # on this machine
    python train_zoo.py /shared/model.keras --workers 8 --address auto # on the cluster of this node

Every process makes the same batches and takes its own rows of each; process 0 writes the model after every epoch. If
one process ends, all are started again, from the file.
"""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path
from typing import Any

import ray


class Process:
    """One process of the training, on some node."""

    def address(self) -> str:
        """A free port of this node."""
        with socket.socket() as free:
            free.bind(("", 0))
            return f"{ray.util.get_node_ip_address()}:{free.getsockname()[1]}"

    def train(self, address: str, processes: int, rank: int, path: str, epochs: int) -> list[float]:
        """The losses of the epochs that were trained."""
        os.environ["KERAS_BACKEND"] = "jax"
        import keras
        import numpy as np

        from kerazoo import training, zoo
        from kerazoo.batching import SequenceWindows

        keras.distribution.initialize(address, processes, rank)  # before anything else that computes
        keras.distribution.set_distribution(keras.distribution.DataParallel())  # before the model
        series = np.sin(0.3 * np.arange(1000, dtype="float32"))[:, None]
        batches = SequenceWindows(series, lookback=20, target="sequence", batch_size=64, shuffle=True, seed=1)
        if Path(path).exists():
            model = keras.models.load_model(path)
        else:
            model = zoo.build("lstm_1x16", seed=1)
            model.compile(keras.optimizers.Adam(0.005), "mse")
        batches.epoch = int(model.optimizer.iterations) // len(batches)

        class Saved(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                if rank == 0:
                    self.model.save(f"{path}.part.keras")
                    os.replace(f"{path}.part.keras", path)  # so that the file is whole whenever a process ends

        history = training.fit(
            model, batches, initial_epoch=batches.epoch, epochs=epochs, callbacks=[Saved()], verbose=0
        )
        return history.history.get("loss", [])


def main() -> None:
    """Start the processes, again if one ends, and print the losses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="file of the model, in a folder that all nodes share")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--address", help="of a cluster of Ray, such as auto; default: this machine")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--restarts", type=int, default=3, help="how often the processes are started again")
    options = parser.parse_args()
    path = str(Path(options.path).resolve())
    local = {} if options.address else {"num_cpus": options.workers, "include_dashboard": False}
    ray.init(address=options.address, **local)
    remote: Any = ray.remote(num_cpus=1, max_restarts=0)(Process)
    for left in range(options.restarts, -1, -1):
        processes: list[Any] = [remote.remote() for _ in range(options.workers)]
        address = ray.get(processes[0].address.remote())
        arguments = (address, options.workers)
        runs = [each.train.remote(*arguments, rank, path, options.epochs) for rank, each in enumerate(processes)]
        try:
            losses = ray.get(runs)
            break
        except ray.exceptions.RayError as error:
            if not left:
                raise
            print(f"a process has ended, all start again from {path}: {error}")
        finally:
            for each in processes:
                ray.kill(each)
    assert all(each == losses[0] for each in losses)
    print(f"losses in {len(losses)} processes: {' '.join(f'{loss:.4f}' for loss in losses[0])}")


if __name__ == "__main__":
    main()
