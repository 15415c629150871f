"""The tables in the layout of the training kernel, and snapshots of them in a file."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kerazoo._runtime.locks import release
from kerazoo._runtime.memory import check_memory
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.results import Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PaddedTables", "TablesSnapshot", "check_tables", "compact", "padded", "row_parts"]

Table: TypeAlias = "NDArray[np.float32]"


class PaddedTables:
    """Tables whose rows have a multiple of 16 floats and start at multiples of 64 bytes, as the kernel requires.

    Args:
        n_words: V, rows.
        size: D, numbers per vector.
        noise: whether there are output vectors.
        biased: whether they have biases.
        tree: of hierarchical softmax, or None.

    Attributes:
        inputs, outputs, nodes: float32 (V, D'), with D' = D rounded up to a multiple of 16, or None.
        biases: float32 (V,), or None.
    """

    def __init__(self, n_words: int, size: int, noise: bool, biased: bool, tree: HuffmanTree | None) -> None:
        self.size, self.tree = size, tree
        check_tables(n_words, size, 1 + noise + (tree is not None))
        self.inputs = padded(n_words, size)
        self.outputs = padded(n_words, size) if noise else None
        self.biases = np.zeros(n_words, np.float32) if biased else None
        self.nodes = None if tree is None else padded(n_words - 1, size)

    def draw(self, seed: int, log_noise: NDArray[np.float32]) -> None:
        """The values of an untrained model: W uniform in [-2/D, 2/D), C and the nodes zero, b = log q."""
        generator = np.random.default_rng(seed)
        for part in row_parts(self.inputs):
            part[:, : self.size] = (generator.random((len(part), self.size), np.float32) - 0.5) * (4 / self.size)
        if self.biases is not None:
            self.biases[:] = log_noise

    def assign(self, tables: Tables) -> None:
        """Copy these values into the tables."""
        others = (tables.input_vectors, tables.output_vectors, tables.node_vectors)
        for table, values in zip((self.inputs, self.outputs, self.nodes), others, strict=True):
            if table is not None and values is not None:
                table[: len(values), : self.size] = values
        if self.biases is not None:
            self.biases[:] = tables.output_biases

    def copy(self) -> Tables:
        """Copies of the tables without padding."""
        return self._tables(lambda table: table[:, : self.size].copy(), lambda biases: biases.copy())

    def release(self) -> Tables:
        """The tables without padding, in the same memory; this object must not be used afterwards."""
        return self._tables(lambda table: compact(table, self.size), lambda biases: biases)

    def _tables(self, of_table: Callable[[Table], Table], of_biases: Callable[[Table], Table]) -> Tables:
        outputs = None if self.outputs is None else of_table(self.outputs)
        biases = None if self.biases is None else of_biases(self.biases)
        nodes = None if self.nodes is None else of_table(self.nodes)
        return Tables(of_table(self.inputs), outputs, biases, nodes, self.tree)

    def for_callbacks(self) -> Tables:
        """Copies of the tables, for a Keras model."""
        return self.copy()

    def with_subwords(self) -> Tables | None:
        """Copies of the tables if words are made of several rows, else None."""
        return None

    def take_from_callbacks(self, tables: Tables) -> None:
        """Take over what callbacks have left in the Keras model."""
        self.assign(tables)

    def kernel_arguments(self, span: int) -> dict[str, Any]:
        """Additional arguments of the kernel."""
        del span
        return {}

    def arrays(self) -> list[Table]:
        """The arrays that are not None, with their padding."""
        arrays = (self.inputs, self.outputs, self.biases, self.nodes)
        return [array for array in arrays if array is not None]

    def are_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        return all(bool(np.isfinite(part).all()) for table in self.arrays() for part in row_parts(table))


def check_tables(n_rows: int, size: int, n_tables: int) -> None:
    """Raise :class:`kerazoo.errors.MemoryLimitError` if tables of n_rows vectors each do not fit into memory."""
    check_memory(
        n_tables * n_rows * (-(-size // 16) * 16) * 4,
        f"vector_size={size} and tables of {n_rows:,} vectors",
        "A smaller vector_size, or fewer words (a larger min_count, or max_final_vocab), takes less.",
    )


def padded(n_words: int, size: int) -> Table:
    """Zeros, float32 (n_words, D'), whose rows start at multiples of 64 bytes; untouched ones take no memory."""
    stride = -(-size // 16) * 16
    memory = np.zeros(n_words * stride + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    return memory[start : start + n_words * stride].reshape(n_words, stride)


def row_parts(table: Table, n_rows: int = 4096) -> list[Table]:
    """Views of at most `n_rows` rows, so that temporary arrays stay small."""
    return [table[first : first + n_rows] for first in range(0, len(table), n_rows)]


def compact(table: Table, size: int) -> Table:
    """The first `size` numbers of every row, moved to the front of the memory of the table."""
    flat = table.reshape(-1)
    done = 0
    for part in row_parts(table):  # to the front, over rows that were moved before
        flat[done : done + len(part) * size] = part[:, :size].copy().reshape(-1)
        done += len(part) * size
    return flat[:done].reshape(-1, size)


class TablesSnapshot:
    """The values of tables in an unnamed temporary file, so that memory holds the tables once.

    Where the file cannot be written, as in a full or small folder of temporary files, there is no snapshot, and a
    RuntimeWarning says so: the training goes on.
    """

    def __init__(self, tables: PaddedTables) -> None:
        self._file = None
        if not tables.are_finite():
            return
        file = None
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as this object
            for table in tables.arrays():
                # Not `tofile`, which reports a full disk without its reason.
                for part in row_parts(table):
                    file.write(np.ascontiguousarray(part).data)
            file.flush()
        except OSError as error:
            if file is not None:
                release(file)
            size = sum(table.nbytes for table in tables.arrays())
            warnings.warn(
                f"no snapshot of the vectors could be written ({error.strerror or error}), so they would be lost if "
                f"the training diverged; it continues. A folder with {size / 1e6:,.0f} MB free is needed: set the "
                "environment variable TMPDIR to one.",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        self._file = file

    def is_usable(self) -> bool:
        """Whether there is a file; not if the values were not finite, or it could not be written."""
        return self._file is not None

    def __del__(self) -> None:
        if self._file is not None:
            release(self._file)

    def restore(self, tables: PaddedTables) -> None:
        """Read the values back into the tables."""
        assert self._file is not None
        self._file.seek(0)
        for table in tables.arrays():
            self._file.readinto(table.reshape(-1).view(np.uint8).data)
