"""Arguments of batch generators, of generators of series, and of compiled functions that check theirs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np

from kerazoo.errors import KerazooError
from tests.fuzz.target import Target
from tests.fuzz.targets.tables import reseed

__all__ = ["TARGETS"]

SIZES = (
    0,
    1,
    2,
    3,
    5,
    8,
    17,
    -1,
    True,
    None,
    2.0,
    2.5,
    "3",
    float("nan"),
    2**31,
    2**60,
    2**63,
    10**30,
    np.int64(4),
    np.float32(2),
    [],
    np.zeros(3),
)
FRACTIONS = (0, 0.0, 1e-3, 0.5, 1.0, 2.0, -0.1, float("nan"), float("inf"), None, "0.1", True, 1e300, 1e-300)


def _some(rng: Random, **choices: Any) -> dict[str, Any]:
    """Some arguments with usual values, few with odd ones."""
    found = {}
    for name, (usual, odd) in choices.items():
        draw = rng.random()
        if draw < 0.5:
            found[name] = rng.choice(usual)
        elif draw < 0.6:
            found[name] = rng.choice(odd)
    return found


def _corpus(rng: Random) -> Any:
    """Ids and offsets, mostly such that fit each other."""
    n, n_words = rng.choice((0, 1, 2, 7, 40)), rng.choice((1, 2, 5))
    dtype = rng.choice(("i4", "i4", "i8", "u1", "f4", "u8"))
    ids = np.array([rng.randrange(n_words) for _ in range(n)], dtype)
    cuts = sorted(rng.randrange(n + 1) for _ in range(rng.choice((0, 1, 4))))
    offsets = np.array([0, *cuts, n], np.int64)
    if rng.random() < 0.15 and n:
        ids[rng.randrange(n)] = rng.choice((n_words, 100, 127))
    if rng.random() < 0.15:
        offsets = rng.choice((offsets[::-1], offsets[:-1], offsets + 1, offsets.astype("f8"), offsets[:, None], []))
    counts: Any = np.array([1 + rng.randrange(9) for _ in range(n_words)])
    if rng.random() < 0.1:
        counts = rng.choice((np.zeros(n_words, int), np.full(n_words, 2**62), -counts, counts[:0], counts / 2, "abc"))
    if rng.random() < 0.05:
        ids = rng.choice((ids[:, None], list(ids), ids[::-1], ids[::2], None))
    return SimpleNamespace(ids=ids, offsets=offsets, vocabulary=SimpleNamespace(counts=counts))


def _use(dataset: Any, rng: Random) -> None:
    """Batches, the state, a second epoch."""
    assert len(dataset) >= 0
    for index in {0, len(dataset) - 1} if len(dataset) < 10**6 else {0}:
        dataset[index]
    other = rng.choice((-1, len(dataset), 2**62, 2.5, "x"))
    with contextlib.suppress(IndexError, TypeError, KerazooError):
        dataset[other]
    state = dataset.state_dict()
    dataset.load_state_dict(state)
    dataset.at(rng.choice((0, 1, 5)), 0)


def make_batches(data: bytes, folder: Path) -> object:
    """A data set of drawn arguments, and its batches."""
    from kerazoo.batching import SequenceWindows, SkipGramBatches, TokenBlocks

    rng = Random(data)
    odd = SIZES
    small = (1, 2, 3, 5, 8)
    flags = ((True, False), (None, 1, "x", np.True_))
    seeds = ((0, 1, 7, 2**31, 2**63), (None, -1, 2**64, 10**30, 1.5, "x"))
    kind = rng.randrange(3)
    if kind == 0:
        arguments = _some(
            rng,
            batch_size=((1, 2, 8, 64), (0, -1, 2.5, None, "3", True, 2**31, 10**30)),
            window=(small, odd),
            shrink_windows=flags,
            sample=((0, 1e-3, 0.5), FRACTIONS),
            noise=(("unigram", "log_uniform", "uniform"), ("x", 3, None)),
            negative=(small, (0, -1, None, 2.5, "x")),
            shared_noise=flags,
            ns_exponent=((0.75, 0, 1, -1), FRACTIONS),
            skip_window=((None, 2), odd),
            num_skips=((None, 2), odd),
            seed=seeds,
            shuffle=flags,
            advance=flags,
        )
        dataset: Any = SkipGramBatches(_corpus(rng), **{"batch_size": 4, "seed": 1, **arguments})
    elif kind == 1:
        arguments = _some(
            rng,
            block_size=((4, 16, 64), (0, -1, 2.5, None, "3", True, 10**30)),
            window=(small, odd),
            shrink_windows=flags,
            sample=((0, 1e-3, 0.5), FRACTIONS),
            noise=(("unigram", "uniform"), ("x", 3, None)),
            seed=seeds,
            shuffle=flags,
        )
        dataset = TokenBlocks(_corpus(rng), **{"block_size": 16, "seed": 1, **arguments})
    else:
        arguments = _some(
            rng,
            horizon=(small, odd),
            target_offset=((0, 1, 2), odd),
            stride=(small, odd),
            target=(("horizon", "sequence"), odd),
            batch_size=((1, 2, 8), (0, -1, 2.5, None, "x", 2**60, 10**30)),
            remainder=(("keep", "drop", "wrap"), odd),
            seed=seeds,
            shuffle=flags,
            offsets=((None,), ([0, 5, 9], [0], [], [5, 0], [0.5], "x", np.zeros((2, 2)))),
            targets=((None,), (np.zeros(9), np.zeros((9, 2)), "x", 3, [np.zeros(4)])),
        )
        shape = rng.choice(((0,), (1,), (9,), (30,), (30, 2), (5, 0), (3, 2, 2), ()))
        series: Any = np.zeros(
            shape, rng.choice(("f4", "f8", "i4", "i8", "f2", "u1", "c8", "bool", object, "M8[D]", "U3"))
        )
        if rng.random() < 0.2:
            series = rng.choice(
                (
                    _corpus(rng),
                    [np.zeros(9), np.zeros(4)],
                    [],
                    None,
                    "x",
                    [[1, 2], [3]],
                    series[::-1] if series.ndim else 3,
                    series.T,
                )
            )
        dataset = SequenceWindows(
            series, **{"lookback": rng.choice((*small, *odd)) if rng.random() < 0.3 else 2, **arguments}
        )
    _use(dataset, rng)
    return type(dataset).__name__


def make_series(data: bytes, folder: Path) -> object:
    """Generated series: finite, of the shape that was asked for."""
    from kerazoo.forecast.generators.generate import generate
    from kerazoo.forecast.generators.kinds import KINDS

    rng = Random(data)
    odd = (0, -1, True, None, 2.5, "3", float("nan"), [], np.int64(2))
    arguments: dict[str, Any] = {"n_series": rng.choice((1, 2, 3)), "length": rng.choice((1, 2, 5, 30)), "seed": 1}
    arguments |= _some(
        rng,
        n_series=((1, 2), odd),
        length=((1, 2, 3, 40), odd),
        seed=((0, 5, 2**63), odd),
        start=((0, 3, 255, 2**40), odd),
        period=(
            (1, 4, 7, 12, 24, 52.18, [24, 168]),
            (*odd, 0.5, float("inf"), [0], [float("nan")], [1] * 50, 1e300, "x"),
        ),
        kind=(tuple(KINDS), ("x", None, 3)),
        freq=(("auto", None, "MS", "D", "h", "W", "B", "QS", "YS"), ("x", 3, "", "ME", [])),
        date=(
            (None, "2000-01-01"),
            ("x", "9999-12-31", "0001-01-01", "2262-04-11", 3, "", "NaT", "2000-01-01+02:00", b"x"),
        ),
    )
    found = generate(**arguments)
    assert found.shape == (arguments["n_series"], arguments["length"]), "another shape"
    assert np.isfinite(found).all(), "numbers that are not finite"
    return arguments.get("kind")


def call_kernel(data: bytes, folder: Path) -> object:
    """A compiled function with drawn arrays and numbers: it checks what would let it leave its arrays."""
    from kerazoo_ext import _noise, _order, _pairs, _scan, _sequences, _smoothing, _token_lists

    rng = Random(data)
    numbers = (0, 1, 2, 7, -1, 2**31 - 1, 2**31, 2**62, 2**63 - 1, -(2**63), 2**63, 2**64, 1.5, None, "x")

    def array(dtype: str, shape: Any = None) -> Any:
        chosen = shape if shape is not None else rng.choice(((0,), (1,), (3,), (64,), (65,), (3, 2), ()))
        dtype = rng.choice((dtype,) * 9 + ("f4", "i8", "u1", ">i4", "O", "S1"))
        made = np.zeros(chosen, dtype)
        if made.dtype.kind in "iu" and rng.random() < 0.6:
            made[...] = rng.choice((1, 2, 100))
        change = rng.randrange(12)
        if change == 0 and made.ndim:
            return made[::2]
        if change == 1:
            made.flags.writeable = False
        return made if change != 2 else rng.choice((None, [1, 2], b"abc", bytearray(8), made.T))

    def number() -> Any:
        return rng.choice(numbers)

    calls: tuple[Callable[[], Any], ...] = (
        lambda: _order.permute_one(number(), number(), number()),
        lambda: _order.permute(number(), number(), number(), array("i8")),
        lambda: _noise.draw(array("u8"), number(), number(), array("i4")),
        lambda: _scan.first_outside(array("i4"), number()),
        lambda: _scan.compact(array("i4"), array("i4", (300,)), array("i4", (0,))),
        lambda: _scan.Scanner((number(), number())),
        lambda: _scan.Scanner().scan(rng.choice((b"a b" + bytes(200), array("u1"), bytearray(5))), number()),
        lambda: _scan.Scanner().rank(number(), number()),
        lambda: _scan.Scanner().export(number()),
        lambda: _token_lists.encode(_lists(rng), {}, rng.random() < 0.5),
        lambda: _token_lists.fingerprint(_lists(rng)),
        lambda: _pairs.count(*(array("i8") for _ in range(4))),
        lambda: _sequences.gather(
            *(array("u8", (2,)) for _ in range(2)),
            array("i8"),
            array("i8"),
            number(),
            number(),
            number(),
            number(),
            array("u1"),
        ),
        lambda: _smoothing.innovations(array("f8"), 0.1, 0.1, 0.1, 0.9, array("f8"), *(array("f8") for _ in range(3))),
    )
    number_of_call = rng.randrange(len(calls))
    calls[number_of_call]()
    return number_of_call


def _lists(rng: Random) -> Any:
    """Sentences of tokens, some of which are none."""
    tokens: tuple[Any, ...] = (
        "a",
        "b",
        "é",
        "\ud800",
        1,
        2.5,
        None,
        ("x",),
        b"x",
        [1],
        {},
        _Odd(1),
        _Odd(2),
        float("nan"),
    )

    def sentence() -> Any:
        found = [rng.choice(tokens[:4] if rng.random() < 0.8 else tokens) for _ in range(rng.randrange(5))]
        return rng.choice((found, tuple(found), found, iter(found), set(), "abc", None, 3, {"a": 1}))

    found = [sentence() if rng.random() < 0.3 else ["a", "b"] for _ in range(rng.randrange(4))]
    return rng.choice((found, tuple(found), iter(found), found, 3, None, "ab"))


class _Odd:
    """A token whose hash or comparison fails."""

    def __init__(self, kind: int) -> None:
        self.kind = kind

    def __hash__(self) -> int:
        if self.kind == 1:
            raise ZeroDivisionError("no hash")
        return hash("a")

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("no comparison")


def draw_seeds() -> list[bytes]:
    return [bytes([number, 9]) for number in range(200)]


TARGETS = (
    Target("batches", make_batches, draw_seeds, (reseed,), batch=3000),
    Target("generators", make_series, draw_seeds, (reseed,), batch=500, least=2000),
    # The compiled functions document ValueError and the built-ins of Cython's conversions.
    Target(
        "kernels",
        call_kernel,
        draw_seeds,
        (reseed,),
        batch=10_000,
        share=9,
        traced=False,
        allowed=(
            KerazooError,
            ValueError,
            TypeError,
            OverflowError,
            BufferError,
            IndexError,
            AttributeError,
            ZeroDivisionError,
        ),
    ),
)
