"""Every entry point on small data, as functions that return a fingerprint; `python -m tests.reliability.entry_points`.

The program uses the entry points in its own process, in a child process of each start method, in threads at the same
time, and in a child that is forked meanwhile ("busy"). It prints {place: {entry point: fingerprint or error}} as JSON.
test_processes_and_threads.py runs it: a deadlock then ends at a time limit, and no test process is forked.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

TEXTS = [[f"w{(7 * i + k * k) % 23}" for k in range(12)] for i in range(60)]
SERIES = 20 + np.arange(48) % 12 + np.sin(np.arange(48))
CHILD_SECONDS = 200  # of one child process, which may import TensorFlow on a busy machine
THREADS = 4


def digest(*arrays: Any) -> str:
    """A fingerprint of arrays, to the bit."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def fit(name: str, **options: Any) -> Any:
    """A fitted native model of the class `name`."""
    import kerazoo

    model = getattr(kerazoo, name)(vector_size=20, min_count=1, epochs=2, seed=3, verbose=0, workers=1, **options)
    return model.fit(TEXTS)


def word2vec() -> str:
    return digest(fit("Word2Vec", engine="native").wv.vectors, fit("Word2Vec", hs=1, negative=0).wv.vectors)


def fasttext() -> str:
    return digest(fit("FastText", bucket=500).wv.vectors)


def encode() -> str:
    import kerazoo

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text("\n".join(" ".join(text) for text in TEXTS))
        found = kerazoo.EncodedCorpus.from_source(path, min_count=1, workers=2)
    return digest(found.ids, found.offsets, np.frombuffer(" ".join(found.vocabulary.words).encode(), np.uint8))


def phrases() -> str:
    from kerazoo.text import Phrases

    found = Phrases(TEXTS, min_count=2, threshold=0.1)
    joined = [" ".join(sentence) for sentence in found[TEXTS]]
    assert any("_" in sentence for sentence in joined)
    return digest(np.frombuffer("\n".join(joined).encode(), np.uint8))


def forecaster() -> str:
    """One series, and several with compiled statistics: without Keras."""
    import kerazoo
    from kerazoo.forecast.statistics import fit_statistics

    one = kerazoo.Forecaster(horizon=6, period=12, verbose=0, seed=1).fit(SERIES).predict(6)
    several = fit_statistics([SERIES, SERIES[:30], SERIES[5:]], period=12, horizon=6, workers=2)
    return digest(one, several.forecasts, several.rolled)


def files() -> str:
    """Saved and loaded."""
    import kerazoo

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.kerazoo"
        fit("Word2Vec").save(path)
        vectors = kerazoo.Word2Vec.load(path).wv.vectors
    return digest(vectors)


def zoo() -> str:
    """Weights of networks on Keras: those of a seed, whatever other threads build."""
    from kerazoo import zoo

    names = ("lstm_1x4", "mingru_2x4", "gru_1x3")
    return digest(*(weights for name in names for weights in zoo.build(name, seed=11).get_weights()))


ENTRY_POINTS: dict[str, Callable[[], str]] = {
    function.__name__: function for function in (word2vec, fasttext, encode, phrases, forecaster, files, zoo)
}


def called(name: str) -> str:
    """The fingerprint of an entry point, or its error."""
    try:
        return ENTRY_POINTS[name]()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _in_child(names: Sequence[str], connection: Any) -> None:
    for name in names:
        connection.send((name, called(name)))
    connection.close()


def in_child(method: str, names: Sequence[str]) -> dict[str, str]:
    """The entry points in one child process; those that it does not reach in time are missing."""
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(names, theirs))
    child.start()
    theirs.close()
    found: dict[str, str] = {}
    try:
        while len(found) < len(names) and ours.poll(CHILD_SECONDS):
            name, value = ours.recv()
            found[name] = value
    except EOFError:
        pass
    child.join(5)
    if child.is_alive():
        child.kill()
        child.join()
    return found


def in_threads(names: Sequence[str]) -> dict[str, str]:
    """Every entry point in each of several threads, all at the same time, in different orders."""
    start = threading.Barrier(THREADS)

    def work(number: int) -> dict[str, str]:
        order = [*names[number % len(names) :], *names[: number % len(names)]]
        start.wait(60)
        return {name: called(name) for name in order}

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(work, range(THREADS)))
    return {name: "|".join(sorted({each[name] for each in found})) for name in names}


def in_child_of_busy_threads(names: Sequence[str]) -> dict[str, str]:
    """A child that is forked while threads are within the entry points: locks that they hold stay locked in it."""
    done = threading.Event()

    def work(number: int) -> None:
        while not done.is_set():
            called(names[number % len(names)])
            number += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        return in_child("fork", names)
    finally:
        done.set()
        for thread in threads:
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(ENTRY_POINTS), help="entry points")
    parser.add_argument("--places", nargs="*", default=["threads", "fork", "busy", "forkserver", "spawn"])
    chosen = parser.parse_args()
    found = {"here": {name: called(name) for name in chosen.names}}
    for place in chosen.places:
        if place == "threads":
            found[place] = in_threads(chosen.names)
        elif place == "busy":
            found[place] = in_child_of_busy_threads(chosen.names)
        else:
            found[place] = in_child(place, chosen.names)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
