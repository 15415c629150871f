"""The exceptions of kerazoo.

Every message says what was got, what is allowed and, where there is one, the remedy:
``window=0; expected an integer >= 1. The usual value is 5.``

Each class also inherits from the built-in exception that a reader would expect (`ValueError`,
`FileNotFoundError`, ...), so that code that does not import kerazoo can catch it.
"""

from __future__ import annotations

__all__ = [
    "ClusterError",
    "CorpusError",
    "CorpusNotFoundError",
    "DatasetUnavailableError",
    "DeviceError",
    "IntervalError",
    "InvalidArgumentError",
    "KerazooError",
    "MemoryLimitError",
    "MissingPackageError",
    "NotFittedError",
    "StorageError",
    "TrainingError",
    "VocabularyError",
]


class KerazooError(Exception):
    """Base of all errors that kerazoo raises on purpose."""


class InvalidArgumentError(KerazooError, ValueError):
    """An argument has a value or a type that is not allowed."""


class IntervalError(InvalidArgumentError):
    """A prediction interval was asked for that too few steps were held out for, or none."""


class CorpusError(KerazooError, ValueError):
    """A corpus cannot be read: empty, not UTF-8, truncated, or of the wrong type."""


class CorpusNotFoundError(CorpusError, FileNotFoundError):
    """A corpus file or directory does not exist."""


class VocabularyError(KerazooError, ValueError):
    """No vocabulary can be made, or a vocabulary does not fit the data."""


class StorageError(KerazooError, OSError):
    """A file written by kerazoo is damaged, cut short, or not one of ours."""


class DatasetUnavailableError(KerazooError, OSError):
    """A data set is not cached and cannot be downloaded."""


class DeviceError(KerazooError, RuntimeError):
    """A device cannot be set as asked for: the backend uses it already, or does not know it."""


class MemoryLimitError(KerazooError, MemoryError):
    """The arguments need more memory than the process can have; the message says how much, and what to change."""


class MissingPackageError(KerazooError, ModuleNotFoundError):
    """An optional package is not installed; the message says which extra of kerazoo brings it."""


class TrainingError(KerazooError, ArithmeticError):
    """Training went wrong: the loss is no longer a number."""


class _NotFitted(ValueError, AttributeError):
    """In place of scikit-learn's NotFittedError, which has these bases, until the program imports scikit-learn."""


class NotFittedError(KerazooError, _NotFitted):
    """A result was asked for before `fit`; it is a `sklearn.exceptions.NotFittedError`, too, where that is imported."""


class ClusterError(KerazooError, RuntimeError):
    """A cluster does not answer, has lost workers more often than allowed, or its nodes do not fit each other."""
