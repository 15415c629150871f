"""`Shares`: which rows of a batch each device and each process has under a distribution of Keras, on JAX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError

__all__ = ["Shares", "check_rows", "multiples_near", "shares_of"]


class Shares:
    """How a distribution of Keras divides the rows of a batch among devices and processes. Runs on JAX.

    Every process makes the same batches, from the same (seed, epoch, position), and takes its own rows of each. So no
    process needs to know what the others read, and all have the same number of steps.

    Args:
        distribution: a `keras.distribution.Distribution`.

    Attributes:
        devices: int, parts that a batch is divided into: the devices along its axis of the mesh.
        processes: int, processes that take part.
        rank: int, number of this process among them; 0 writes the files and the progress.

    Raises:
        InvalidArgumentError: the devices are those of other processes, or of some processes only.
    """

    def __init__(self, distribution: Any) -> None:
        import jax

        self.distribution = distribution
        self.mesh = distribution.device_mesh.backend_mesh
        self.devices = int(distribution.num_model_replicas)
        found = {device.process_index for device in self.mesh.devices.flat}
        mine, total = jax.process_index(), jax.process_count()
        if mine not in found or 1 < len(found) < total:
            raise InvalidArgumentError(
                f"the distribution has the devices of processes {sorted(found)}, and this is process {mine} of "
                f"{total}; expected devices of all processes, or only of this one. keras.distribution.DataParallel() "
                "takes all."
            )
        self.processes = len(found)
        self.rank = mine if self.processes > 1 else 0
        self._rows: dict[int, NDArray[np.int64]] = {}

    def divides(self, rows: int) -> bool:
        """Whether a batch of so many rows has equally many for every device."""
        return rows % self.devices == 0

    def sharding(self, ndim: int, axis: int | None) -> Any:
        """The `jax.sharding.NamedSharding` of arrays whose rows are on an axis; of None, of arrays copied whole."""
        from jax.sharding import NamedSharding, PartitionSpec

        axes = [self.distribution.batch_dim_name if each == axis else None for each in range(ndim)]
        return NamedSharding(self.mesh, PartitionSpec(*axes))

    def rows(self, n: int) -> NDArray[np.int64]:
        """The rows of this process in a batch of `n`, a multiple of `devices`: int64, rising."""
        if n not in self._rows:
            slices = self.sharding(1, 0).addressable_devices_indices_map((n,)).values()
            starts = sorted({part[0].indices(n)[:2] for part in slices})
            self._rows = {n: np.concatenate([np.arange(start, end) for start, end in starts])}
        return self._rows[n]

    def part(self, batch: Any) -> Any:
        """The rows of this process in each array of `batch`."""
        if self.processes == 1:
            return batch
        n = rows_in(batch)
        self.check((n,))
        rows = self.rows(n)
        first, end = int(rows[0]), int(rows[-1]) + 1
        chosen: Any = slice(first, end) if end - first == len(rows) else rows
        return keras.tree.map_structure(lambda leaf: leaf[chosen], batch)

    def check(self, sizes: Sequence[int], remedy: str = "") -> None:
        """Check that batches can be divided.

        Args:
            sizes: the rows of each of them.
            remedy: a last sentence of the error.

        Raises:
            InvalidArgumentError: one cannot.
        """
        for rows in sizes:
            if not self.divides(rows):
                raise InvalidArgumentError(
                    f"a batch has {rows} rows, and there are {self.devices} devices; expected a multiple of "
                    f"{self.devices}, such as {multiples_near(rows, self.devices)}.{remedy and ' ' + remedy}"
                )


def check_rows(x: Any, batch_size: int | None) -> None:
    """Check that Keras's own loop can divide the batches of arrays under the distribution that is set, if there is one.

    Keras finds out at the last batch, when the model has no weights in its variables, and loses them.

    Args:
        x: arrays of N rows in any structure; anything else is not checked.
        batch_size: int or None (32).

    Raises:
        InvalidArgumentError: a batch has not equally many rows for every device.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return
    leaves = [leaf for leaf in keras.tree.flatten(x) if leaf is not None]
    shares = shares_of(distribution)
    if shares is None or shares.processes > 1 or not all(isinstance(leaf, np.ndarray) for leaf in leaves):
        return
    n = len(leaves[0])
    size = min(n, 32 if batch_size is None else int(batch_size))
    shares.check(
        [size, n % size] if size else [],
        "kerazoo.training.fit computes a smaller last batch on every device; predict and evaluate take any number of "
        "rows after keras.distribution.set_distribution(None).",
    )


def multiples_near(rows: int, devices: int) -> str:
    """The multiples of `devices` next to `rows`, in words.

    >>> multiples_near(10, 4), multiples_near(3, 4)
    ('8 or 12', '4')
    """
    below = rows // devices * devices
    return f"{below} or {below + devices}" if below else str(devices)


def rows_in(batch: Any) -> int:
    """Rows of a batch.

    Raises:
        InvalidArgumentError: its arrays have different numbers of rows, so it cannot be divided by rows.
    """
    shapes = [np.shape(leaf) for leaf in keras.tree.flatten(batch) if leaf is not None]
    if len({shape[:1] for shape in shapes}) != 1 or not shapes[0]:
        raise InvalidArgumentError(
            f"a batch has arrays of the shapes {', '.join(str(shape) for shape in shapes)}; expected arrays with the "
            "same number of rows, which devices can share. Train on one device: "
            "keras.distribution.set_distribution(None). (SkipGramBatches has rows with shared_noise=False.)"
        )
    return int(shapes[0][0])


def shares_of(distribution: Any) -> Shares | None:
    """The shares of a distribution; None on backends other than JAX, where Keras does not divide batches."""
    return Shares(distribution) if keras.backend.backend() == "jax" else None
