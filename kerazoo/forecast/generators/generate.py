"""Series of a kind by number: the n-th series of a seed is the same in every call."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from kerazoo._runtime.memory import check_memory
from kerazoo._validation import check_choice, check_int, check_seed
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.generators.grid import Grid
from kerazoo.forecast.generators.kinds import KINDS
from kerazoo.forecast.generators.parameters import Values

__all__ = ["BLOCK", "batches", "generate"]

#: Series of a block, which are drawn together.
BLOCK = 256
_TAG = 0x67656E  # keeps the keys of blocks apart from those of `SeedSequence.spawn`


def generate(
    n_series: int,
    length: int,
    period: float | Sequence[float] = 1,
    *,
    kind: str = "mixture",
    seed: int | np.random.SeedSequence,
    start: int = 0,
    freq: str | None = "auto",
    date: str | None = None,
) -> Values:
    """Generate time series.

    Series are numbered 0, 1, 2, ... The numbers of a series follow from `seed`, `kind`, `length`, `period`, `freq`,
    `date` and its number alone: `generate(1000, ...)` is `generate(300, ...)` above `generate(700, ..., start=300)`.
    They are drawn in blocks of 256, each from a generator of its own, and a part of a block costs as much as the
    whole: calls are fastest if `start` and `n_series` are multiples of 256. Another version of NumPy or of kerazoo
    may give others.

    | kind | series |
    |---|---|
    | `mixture` | those down to `intermittent`, with the probabilities `MIXTURE`, of all scales, some rounded |
    | `structural` | trend, seasons, calendar, cycle, noise and shocks in sums or products |
    | `ets` | the state space of exponential smoothing: :func:`ets` |
    | `gaussian_process` | composed kernels: :func:`gaussian_process` |
    | `walk` | prices: walks with heavy tails and changing volatility |
    | `noise` | stationary, around a mean |
    | `cycle` | cycles of any length: :func:`stochastic_cycle`, :func:`ricker_map` |
    | `counts` | small counts: :func:`counts` |
    | `intermittent` | zeros with orders between: :func:`intermittent` |
    | `trend`, `season`, `calendar`, `events` | one part of structural series, with a little noise |

    Args:
        n_series: S >= 1.
        length: T >= 1, steps.
        period: >= 1, steps of a season, or several of them, such as [24, 168]; they need not be integers. 1: no season.
        kind: one of `KINDS`.
        seed: >= 0, or a `numpy.random.SeedSequence`. Sequences that `SeedSequence(seed).spawn(n)` makes give processes
            independent series; :func:`batches` shares the series of one seed among them.
        start: >= 0, the number of the first series.
        freq: frequency of the effects of the calendar: "YS", "QS", "MS", "W", "D", "B" (business days) or "h"; None: no
            such effects; "auto": the usual one of the shortest season (none: years; 4 quarters, 5 business days, 7 or
            about 365 days, 12 months, 24 or 168 hours, about 52 weeks), else None.
        date: first date of all series, such as "2000-01-01", for the calendar; None: each series has one of its own.

    Returns:
        float64 (S, T), finite; a row for each series.

    Raises:
        InvalidArgumentError: an argument is not one of these; `kind` is "season" and there is no season, or "calendar"
            and there is no calendar.

    >>> y = generate(500, 120, period=12, seed=1)
    >>> y.shape, bool(np.isfinite(y).all())
    ((500, 120), True)
    >>> bool((generate(10, 120, period=12, seed=1, start=300) == y[300:310]).all())
    True
    """
    n_series = check_int("n_series", n_series)
    length = check_int("length", length)
    check_choice("kind", kind, KINDS)
    start = check_int("start", start, 0)
    sequence = _sequence(seed)
    grid = Grid.of(period, freq, date)
    if kind == "season" and not grid.periods:
        raise InvalidArgumentError(
            f"kind='season' with period={period}; expected a season. period=12 is one of months."
        )
    if kind == "calendar" and grid.freq in (None, "YS"):
        raise InvalidArgumentError(
            f"kind='calendar' with period={period} and freq={freq!r}; expected a calendar. freq='MS' is one of months."
        )
    make = KINDS[kind]
    # Equal seeds of other settings give unrelated series, not the same ones at another length.
    settings = zlib.crc32(f"{kind} {length} {grid.periods} {grid.freq}".encode())
    check_memory(
        8 * length * (n_series + 4 * BLOCK),
        f"n_series={n_series} and length={length}",
        "`batches`, or calls with `start`, make some series at a time.",
    )
    values = np.empty((n_series, length))
    for block in range(start // BLOCK, (start + n_series - 1) // BLOCK + 1):
        key = (*sequence.spawn_key, _TAG, settings, block)
        rng = np.random.default_rng(
            np.random.SeedSequence(sequence.entropy, spawn_key=key, pool_size=sequence.pool_size)
        )
        first = block * BLOCK
        low, high = max(start, first), min(start + n_series, first + BLOCK)
        values[low - start : high - start] = make(rng, BLOCK, length, grid)[low - first : high - first]
    return values


def batches(
    batch_size: int,
    length: int,
    period: float | Sequence[float] = 1,
    *,
    kind: str = "mixture",
    seed: int | np.random.SeedSequence,
    first: int = 0,
    step: int = 1,
    freq: str | None = "auto",
    date: str | None = None,
) -> Iterator[Values]:
    """Endless batches of the series of :func:`generate`: batch i has the numbers from i `batch_size` on.

    Batches `first`, `first + step`, `first + 2 step`, ... come. So process k of n with `first=k, step=n` makes each
    n-th batch, and all together make those of one process. A training that is resumed passes the number of the next
    batch.

    Args:
        batch_size: series of a batch; a multiple of 256 wastes none.
        length: as for :func:`generate`, as are the other arguments.
        period: one season or several.
        kind: one of `KINDS`.
        seed: >= 0, or a `numpy.random.SeedSequence`.
        first: >= 0, the number of the first batch.
        step: >= 1, from one batch to the next.
        freq: of the calendar.
        date: first date of all series.

    Returns:
        An iterator of float64 (batch_size, T).

    Raises:
        InvalidArgumentError: as for :func:`generate`, at the first batch; `batch_size`, `first` and `step` at once.

    >>> second = next(batches(256, 60, period=4, seed=1, first=1, step=2))
    >>> bool((second == generate(512, 60, period=4, seed=1)[256:]).all())
    True
    """
    batch_size = check_int("batch_size", batch_size)
    first, step = check_int("first", first, 0), check_int("step", step)

    def made() -> Iterator[Values]:
        number = first
        while True:
            yield generate(
                batch_size, length, period, kind=kind, seed=seed, start=number * batch_size, freq=freq, date=date
            )
            number += step

    return made()


def _sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    if isinstance(seed, np.random.SeedSequence):
        return seed
    return np.random.SeedSequence(check_seed("seed", seed, hint="Equal seeds give equal series."))
