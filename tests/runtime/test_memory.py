"""Memory that is available, and the check before large arrays are made."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from kerazoo import FastText, Forecaster, Word2Vec
from kerazoo._runtime import memory
from kerazoo.batching import SkipGramBatches
from kerazoo.errors import KerazooError, MemoryLimitError
from kerazoo.forecast.generators import generate
from kerazoo.forecast.statistics import fit_statistics
from kerazoo.text import EncodedCorpus

DOCUMENTS = [["a", "b", "c", "d"] * 5] * 5


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files of the system that the module reads, in a folder of the test; without a limit of the address space."""
    for name, place in {"_SYSTEM": "meminfo", "_GROUP": "cgroup", "_GROUP_OF": "group"}.items():
        monkeypatch.setattr(memory, name, tmp_path / place)
    monkeypatch.setattr(memory, "_of_address_space", lambda: None)
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable: 600 kB\nSwapTotal: 9 kB\nSwapFree: 4 kB\n")
    return tmp_path


def put_group(folder, limit, current, inactive=0, active=0):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.stat").write_text(f"anon 1\nactive_file {active}\ninactive_file {inactive}\n")


def test_what_is_available_is_free_memory_and_swap(files):
    assert memory.available_memory() == 604 << 10


def test_the_least_that_a_control_group_leaves_counts_and_pages_of_files_can_be_freed(files):
    (files / "group").write_text("0::/outer/inner\n")
    put_group(files / "cgroup" / "outer" / "inner", "max", 5)
    assert memory.available_memory() == 604 << 10
    put_group(files / "cgroup" / "outer", 1000, 700, inactive=30, active=5)
    assert memory.available_memory() == 335
    put_group(files / "cgroup" / "outer" / "inner", 100, 90)
    assert memory.available_memory() == 10
    put_group(files / "cgroup" / "outer" / "inner", 100, 190)  # while it is over the limit
    assert memory.available_memory() == 0


def test_nothing_is_known_without_the_files(files):
    (files / "meminfo").unlink()
    assert memory.available_memory() is None
    with pytest.raises(MemoryLimitError, match=r"^n need 2\^\d+ bytes of memory"):
        memory.check_memory(10**40, "n", "Less.")
    memory.check_memory(10**12, "n", "Less.")
    (files / "meminfo").write_text("damaged")
    assert memory.available_memory() is None


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_the_limit_of_the_address_space_counts():
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 44, before[1]))
    try:
        left = memory._of_address_space()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert (1 << 44) - (1 << 42) < left < 1 << 44


def test_the_error_says_how_much_is_needed_and_what_to_do(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)
    message = "^n=5 need 2.0 GiB of memory; 1.0 GiB are available. Take less.$"
    with pytest.raises(MemoryLimitError, match=message) as caught:
        memory.check_memory(2**31, "n=5", "Take less.")
    assert isinstance(caught.value, MemoryError)
    assert isinstance(caught.value, KerazooError)
    memory.check_memory(2**30, "n=5", "Take less.")


def word2vec(**settings):
    return Word2Vec(**{"vector_size": 8, "min_count": 1, "epochs": 1, "seed": 1, "verbose": 0} | settings).fit(
        DOCUMENTS
    )


def fasttext(**settings):
    word = "x" * 100_000
    return FastText(8, min_count=1, epochs=1, sample=0, seed=1, verbose=0, **settings).fit([["a", word, "b"]])


def forecast(horizon):
    return Forecaster(horizon=2, epochs=0, seed=1, verbose=0).fit(np.arange(40.0) % 7).predict(horizon)


def batches(**settings):
    return SkipGramBatches(EncodedCorpus.from_source(DOCUMENTS, min_count=1), sample=0, seed=1, **settings)


# What asks for much more than this machine has: each is refused before anything is made, in no time.
HUGE = {
    "vector_size": lambda: word2vec(vector_size=2**30),
    "vector_size, hs": lambda: word2vec(vector_size=2**30, hs=1, negative=0),
    "vector_size, Keras": lambda: word2vec(vector_size=2**30, engine="keras"),
    "window": lambda: word2vec(vector_size=2**20, window=1000, workers=4096),
    "vector_size, fastText": lambda: FastText(2**30, min_count=1, verbose=0).fit(DOCUMENTS),
    "max_n": lambda: fasttext(max_n=10**9),
    "statistics, horizon": lambda: fit_statistics([np.arange(9.0)], 1, 2**30),
    "predict": lambda: forecast(10**11),
    "series": lambda: generate(10**9, 1000, period=12, seed=1),
    "batch_size": lambda: batches(batch_size=2**31 - 1, negative=1000, noise="uniform"),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_does_not_fit_into_memory_is_refused_with_its_arguments(name, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 4 << 30)
    with pytest.raises(MemoryLimitError, match=r"need [\d,.]+ GiB of memory; 4\.0 GiB are available\. \S"):
        HUGE[name]()


@pytest.mark.parametrize("name", ["vector_size", "max_n", "statistics, horizon", "batch_size"])
def test_the_same_fits_where_there_is_enough(name, monkeypatch):
    asked = []
    monkeypatch.setattr(memory, "SMALL", 0)
    monkeypatch.setattr(memory, "available_memory", lambda: asked.append(name) or 4 << 30)
    {
        "vector_size": lambda: word2vec(vector_size=20),
        "max_n": lambda: fasttext(max_n=4),
        "statistics, horizon": lambda: fit_statistics([np.arange(9.0)], 1, 3),
        "batch_size": lambda: batches(batch_size=100, negative=3, noise="uniform"),
    }[name]()
    assert asked
