"""The benchmark of saving and loading."""

from __future__ import annotations

import pytest

from benchmarks.questions import persistence
from benchmarks.questions.persistence import measure, word_vectors


def test_files_are_saved_before_they_are_loaded_and_all_their_bytes_count(tmp_path):
    calls = []

    def save(path):
        calls.append("save")
        for name, text in ((path, "abc"), (f"{path}.more", "defgh")):
            with open(name, "w") as file:
                file.write(text)

    def load(path):
        calls.append("load")
        with open(path) as file:
            assert file.read() == "abc"

    saved, loaded = measure([("text", save, load)], 2, tmp_path / "folder")
    assert (saved["name"], saved["part"], saved["bytes"]) == ("text", "save", 8)
    assert (loaded["name"], loaded["part"], loaded["bytes"], loaded["repeats"]) == ("text", "load", 8, 2)
    assert saved["min_seconds"] <= saved["seconds"] <= saved["max_seconds"]
    assert calls == ["save", "load"] * 3


@pytest.mark.slow
def test_word_vectors_are_the_same_on_both_sides(tmp_path):
    rows = measure(word_vectors(60), 1, tmp_path)
    sizes = {row["name"]: row["bytes"] for row in rows}
    assert len(rows) == 2 * len(sizes) == 12
    # Input and output vectors in a model, the first alone in the others.
    tables = 60 * persistence.SIZE * 4
    assert 2 * tables < sizes["kerazoo Word2Vec"] < 3 * tables
    assert tables < sizes["vectors, word2vec's binary format"] < 1.5 * tables


@pytest.mark.slow
def test_forecasters_and_models_of_the_zoo_are_saved_and_loaded(tmp_path):
    formats = [*persistence.forecasters(1), *persistence.zoo_models(("rnn_1x4",))]
    rows = measure(formats, 1, tmp_path)
    assert [row["name"] for row in rows[::2]] == ["Forecaster, 1 lstm_1x32", "zoo, rnn_1x4"]
    assert all(row["bytes"] > 1000 for row in rows)
