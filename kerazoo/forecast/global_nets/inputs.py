"""`Inputs`: what a network of all series may know besides the series: covariates, static numbers and categories."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.global_nets.adjustment import LARGEST

__all__ = ["CodedInputs", "InputCoder", "Inputs"]

Values = NDArray[np.float64]
Floats = NDArray[np.float32]

#: Standardized values stay within this many standard deviations, so that no outlier drowns the series.
FURTHEST = 100.0


@dataclass(frozen=True, eq=False)
class Inputs:
    """Further inputs of S series of the lengths T_i. None leaves a kind out.

    A network gets the covariates of the steps of its window, the known ones also of the steps ahead. NaN, and rows
    before the start or after the end of an array, count as the mean of the column in the training.

    Attributes:
        past: S arrays (T_i, P) of numbers, covariates that are not known in advance, such as sales of other shops.
        known: S arrays (T_i + A, K) of numbers, covariates that are known in advance, such as prices and holidays;
            A >= 0 further rows, for forecasts at least as many as there are steps ahead.
        static: numbers (S, C) that hold for a whole series.
        categories: (S, G), text, integers or other values such as a region or a product, compared as text; each column
            is embedded. A column of names of the series gives each of them an embedding of its own. None, NaN and a
            value that the training has not seen are "unknown".

    >>> Inputs(static=[[1.0], [2.0]], categories=[["north"], ["south"]]).static
    [[1.0], [2.0]]
    """

    past: Any = None
    known: Any = None
    static: Any = None
    categories: Any = None


def _no_columns() -> Values:
    return np.ones((2, 0))


@dataclass(frozen=True, eq=False)
class InputCoder:
    """How inputs become numbers around 0: what the training's inputs were.

    Attributes:
        past, known, static: float64 (2, columns), means and standard deviations of all rows of all series.
        vocabularies: for each column of categories the values as text, in order; they have the codes from 1 on, and 0
            is "unknown".
    """

    past: Values = field(default_factory=_no_columns)
    known: Values = field(default_factory=_no_columns)
    static: Values = field(default_factory=_no_columns)
    vocabularies: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def learn(cls, inputs: Inputs | None, lengths: NDArray[np.int64]) -> InputCoder:
        """The coder of the inputs of a training.

        Args:
            inputs: further inputs, or None.
            lengths: int64 (S,), steps of the series.

        Raises:
            InvalidArgumentError: no `Inputs`, a wrong shape, or values that are infinite or no numbers.

        >>> import numpy as np
        >>> coder = InputCoder.learn(Inputs(static=[[1.0], [3.0]], categories=[["a"], ["b"]]), np.array([9, 9]))
        >>> coder.static.tolist(), coder.vocabularies
        ([[2.0], [1.0]], (('a', 'b'),))
        """
        inputs = _checked(inputs)
        known = _by_series("known", inputs.known, lengths, exact=False)
        # What lies after the ends is no part of the training.
        known = None if known is None else [rows[:n] for rows, n in zip(known, lengths, strict=True)]
        static = _by_row("static", inputs.static, len(lengths))
        texts = _texts(inputs.categories, len(lengths))
        return cls(
            _moments(_by_series("past", inputs.past, lengths, exact=True)),
            _moments(known),
            _moments(None if static is None else [static]),
            tuple(tuple(sorted({each for each in column if each is not None})) for column in texts.T),
        )

    @property
    def empty(self) -> bool:
        """Whether there are no further inputs."""
        return not (self.n_columns or self.static.shape[1] or self.vocabularies)

    @property
    def n_columns(self) -> int:
        """P + K, covariates of a step."""
        return self.past.shape[1] + self.known.shape[1]

    @property
    def categories(self) -> tuple[int, ...]:
        """Values of each column of categories, without "unknown"."""
        return tuple(len(vocabulary) for vocabulary in self.vocabularies)

    def n_numbers(self, horizon: int) -> int:
        """C + H K, numbers of a window besides its steps: the static ones and the covariates of the steps ahead."""
        return self.static.shape[1] + horizon * self.known.shape[1]

    def code(self, inputs: Inputs | None, lengths: NDArray[np.int64], ahead: int = 0) -> CodedInputs:
        """Inputs of series, which need not be those of the training, as numbers.

        Args:
            inputs: further inputs, of the kinds and with the columns of the training.
            lengths: int64 (S,), steps of the series.
            ahead: rows >= 0 after the end of each series that known covariates must have.

        Raises:
            InvalidArgumentError: as :meth:`learn`; a kind is missing or not expected; too few rows or other columns.
        """
        inputs = _checked(inputs)
        past = _by_series("past", inputs.past, lengths, exact=True)
        known = _by_series("known", inputs.known, lengths, exact=False, ahead=ahead)
        static = _by_row("static", inputs.static, len(lengths))
        texts = _texts(inputs.categories, len(lengths))
        for name, columns, trained in (
            ("past", past[0].shape[1] if past else 0, self.past.shape[1]),
            ("known", known[0].shape[1] if known else 0, self.known.shape[1]),
            ("static", 0 if static is None else static.shape[1], self.static.shape[1]),
            ("categories", texts.shape[1], len(self.vocabularies)),
        ):
            if columns != trained:
                remedy = f"Give Inputs({name}=...) the same columns." if trained else f"Leave {name} out."
                raise InvalidArgumentError(
                    f"{name} with {columns} columns; expected {trained}, as in the training of the networks. {remedy}"
                )
        codes = np.zeros(texts.shape, np.int32)
        for column, vocabulary in enumerate(self.vocabularies):
            numbers = {text: number for number, text in enumerate(vocabulary, 1)}
            codes[:, column] = [numbers.get(text, 0) for text in texts[:, column]]
        nothing = [np.empty((length, 0)) for length in lengths]
        return CodedInputs(
            _Rows.of(past or nothing, self.past),
            _Rows.of(known or nothing, self.known),
            _standardized(np.empty((len(lengths), 0)) if static is None else static, self.static),
            codes,
        )

    def to_plain(self) -> tuple[dict[str, NDArray[Any]], list[list[str]]]:
        """Arrays by name, and the categories as values that JSON can hold."""
        arrays: dict[str, NDArray[Any]] = {f"inputs.{name}": getattr(self, name) for name in _MOMENTS}
        return arrays, [list(vocabulary) for vocabulary in self.vocabularies]

    @classmethod
    def from_plain(cls, arrays: Mapping[str, NDArray[Any]], vocabularies: Sequence[Sequence[str]]) -> InputCoder:
        """The inverse of :meth:`to_plain`.

        Raises:
            StorageError: an array has a wrong shape.
        """
        moments = {name: np.asarray(arrays[f"inputs.{name}"], np.float64) for name in _MOMENTS}
        for name, found in moments.items():
            if found.ndim != 2 or len(found) != 2:
                raise StorageError(f"inputs.{name} has the shape {found.shape}; expected (2, columns) of to_plain().")
        return cls(**moments, vocabularies=tuple(tuple(map(str, each)) for each in vocabularies))


_MOMENTS = ("past", "known", "static")


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of all series, one after the other."""

    values: Floats
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, parts: Sequence[Values], moments: Values) -> _Rows:
        offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
        return cls(_standardized(np.concatenate(parts), moments), offsets)

    def at(self, series: NDArray[np.int64], first: NDArray[np.int64], count: int) -> Floats:
        """Rows `first` (B,) to `first` + count - 1 of each series, (B, count, columns); zeros where there are none."""
        begins = self.offsets[series]
        steps = first[:, None] + np.arange(count)
        inside = (steps >= 0) & (steps < (self.offsets[series + 1] - begins)[:, None])
        found = np.zeros((*steps.shape, self.values.shape[1]), np.float32)
        found[inside] = self.values[(begins[:, None] + steps)[inside]]
        return found


@dataclass(frozen=True, eq=False)
class CodedInputs:
    """Inputs as numbers around 0, by series. Made by :meth:`InputCoder.code`.

    Attributes:
        past, known: rows of the covariates.
        static: float32 (S, C).
        categories: int32 (S, G), codes.
    """

    past: _Rows
    known: _Rows
    static: Floats
    categories: NDArray[np.int32]

    def join(
        self,
        windows: Floats,
        series: NDArray[np.int64],
        ends: NDArray[np.int64],
        horizon: int,
        hidden: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[Any], ...]:
        """The inputs of a network, without empty ones.

        Args:
            windows: float32 (B, L, 3).
            series: int64 (B,), the series of each window.
            ends: int64 (B,), steps before the first step ahead; they may lie after the end of the series.
            horizon: H, steps ahead.
            hidden: bool (B, G), codes to replace by "unknown"; None: none.

        Returns:
            Windows float32 (B, L, 3 + P + K), numbers float32 (B, C + H K), codes int32 (B, G).
        """
        lookback = windows.shape[1]
        first = ends - lookback
        steps = [rows.at(series, first, lookback) for rows in (self.past, self.known) if rows.values.shape[1]]
        parts: list[NDArray[Any]] = [np.concatenate([windows, *steps], axis=2) if steps else windows]
        ahead = self.known.at(series, ends, horizon).reshape(len(series), -1)
        numbers = np.concatenate([self.static[series], ahead], axis=1)
        if numbers.shape[1]:
            parts.append(numbers)
        if self.categories.shape[1]:
            codes = self.categories[series]
            parts.append(codes if hidden is None else np.where(hidden, np.int32(0), codes))
        return tuple(parts)

    def checksum(self) -> int:
        """CRC-32 of all values."""
        found = 0
        for array in (self.past.values, self.known.values, self.known.offsets, self.static, self.categories):
            found = zlib.crc32(np.ascontiguousarray(array).tobytes(), found)
        return found


def _checked(inputs: Any) -> Inputs:
    if inputs is not None and not isinstance(inputs, Inputs):
        raise InvalidArgumentError(
            f"inputs is a {type(inputs).__name__}; expected kerazoo.forecast.global_nets.Inputs, such as "
            "Inputs(known=[...]), or None."
        )
    return inputs or Inputs()


def _by_series(
    name: str, given: Any, lengths: NDArray[np.int64], *, exact: bool, ahead: int = 0
) -> list[Values] | None:
    """An array (T_i, columns) for each series; with `exact=False` there may be further rows."""
    if given is None:
        return None
    arrays = [_numbers(f"{name}[{place}]", each) for place, each in enumerate(given)]
    if len(arrays) != len(lengths):
        raise InvalidArgumentError(
            f"{name} has {len(arrays)} arrays for {len(lengths)} series; expected one array (steps, columns) for each. "
            "Rows of NaN say that nothing is known."
        )
    for place, (rows, length) in enumerate(zip(arrays, lengths.tolist(), strict=True)):
        least = length + ahead
        if rows.ndim != 2 or not rows.shape[1]:
            raise InvalidArgumentError(
                f"{name}[{place}] has the shape {rows.shape}; expected ({least}, columns). x[:, None] makes a column "
                "of (steps,)."
            )
        if rows.shape[1] != arrays[0].shape[1]:
            raise InvalidArgumentError(
                f"{name}[{place}] has {rows.shape[1]} columns; expected {arrays[0].shape[1]}, as {name}[0] has. NaN is "
                "a missing value."
            )
        if len(rows) < least or (exact and len(rows) != length):
            steps = f"{length} steps and {ahead} ahead" if ahead else f"{length} steps"
            remedy = "Rows of NaN say that nothing is known."
            if len(rows) > least:
                remedy = "Covariates that are known in advance are Inputs(known=...)."
            raise InvalidArgumentError(
                f"{name}[{place}] has {len(rows)} rows for a series of {steps}; expected {least}"
                f"{'' if exact else ' or more'}. {remedy}"
            )
    return arrays


def _by_row(name: str, given: Any, n_series: int) -> Values | None:
    if given is None:
        return None
    found = _numbers(name, given)
    if found.ndim != 2 or len(found) != n_series or not found.shape[1]:
        raise InvalidArgumentError(
            f"{name} has the shape {found.shape}; expected ({n_series}, columns). x[:, None] makes a column of "
            f"({n_series},)."
        )
    return found


def _numbers(name: str, given: Any) -> Values:
    try:
        found = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name}: {error}; expected numbers. Text belongs in categories.") from None
    if (np.abs(found) > LARGEST).any():
        raise InvalidArgumentError(
            f"{name} has infinite values; expected numbers of at most {LARGEST:g} in size. NaN is a missing value."
        )
    return found


def _texts(given: Any, n_series: int) -> NDArray[Any]:
    """Categories (S, G) as text, None where unknown."""
    if given is None:
        return np.empty((n_series, 0), object)
    try:
        found = np.array(given, object)
    except ValueError:
        found = np.empty(0, object)  # rows of different lengths
    if found.ndim != 2 or len(found) != n_series or not found.shape[1]:
        raise InvalidArgumentError(
            f"categories has the shape {found.shape}; expected ({n_series}, columns). [[each] for each in x] makes a "
            f"column of ({n_series},)."
        )
    texts = np.empty(found.shape, object)
    for place in np.ndindex(found.shape):
        texts[place] = _text(found[place])
    return texts


def _text(value: Any) -> str | None:
    """A category as text, None if it is None or unequal to itself (NaN, NaT). 3.0 is 3: NumPy makes floats of both."""
    if value is None or type(value).__name__ == "NAType" or bool(value != value):
        return None
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if whole else value)


def _moments(parts: Sequence[Values] | None) -> Values:
    if parts is None:
        return _no_columns()
    rows = np.concatenate(parts)
    known = ~np.isnan(rows)
    counts = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, rows, 0.0).sum(axis=0) / counts
    deviations = np.sqrt(np.where(known, (rows - means) ** 2, 0.0).sum(axis=0) / counts)
    # The rounding errors of a constant column are no deviation.
    return np.stack([means, np.where(deviations > 1e-12 * np.abs(means), deviations, 1.0)])


def _standardized(rows: Values, moments: Values) -> Floats:
    found = np.clip((rows - moments[0]) / moments[1], -FURTHEST, FURTHEST)
    return np.where(np.isnan(found), 0.0, found).astype(np.float32)
