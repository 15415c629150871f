"""What imports, saving and loading cost, and how results are written."""

from __future__ import annotations

import json

import pytest

from benchmarks.harness import processes, results
from benchmarks.questions import persistence, startup
from benchmarks.questions.persistence import measure, word_vectors


def test_imports_are_timed_in_fresh_processes(monkeypatch):
    slow = "import time\ntime.sleep(0.3)\nheld = bytearray(50_000_000)"
    monkeypatch.setattr(
        startup, "IMPORTS", {"kerazoo": "import kerazoo", "slow": slow, "none": "import no_such_package"}
    )
    quick, slow, none = startup.measure(2)
    assert [quick["name"], slow["name"], none] == ["kerazoo", "slow", {"name": "none", "note": "not installed"}]
    assert quick["min_seconds"] <= quick["seconds"] <= quick["max_seconds"]
    assert slow["seconds"] > 0.3
    assert slow["ratio_to_kerazoo"] == pytest.approx(slow["seconds"] / quick["seconds"], rel=2)
    assert slow["ratio_to_kerazoo"] > 1
    assert slow["peak_bytes"] - quick["peak_bytes"] > 40_000_000
    assert (quick["repeats"], quick["ratio_to_kerazoo"]) == (2, 1)


def test_every_import_names_its_package():
    assert {code.split()[1] for code in startup.IMPORTS.values()} == {"time", "kerazoo", "gensim", "keras", "darts"}


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


def test_word_vectors_are_the_same_on_both_sides(tmp_path):
    rows = measure(word_vectors(60), 1, tmp_path)
    sizes = {row["name"]: row["bytes"] for row in rows}
    assert len(rows) == 2 * len(sizes) == 12
    # Input and output vectors in a model, the first alone in the others.
    tables = 60 * persistence.SIZE * 4
    assert 2 * tables < sizes["kerazoo Word2Vec"] < 3 * tables
    assert tables < sizes["vectors, word2vec's binary format"] < 1.5 * tables


def test_forecasters_and_models_of_the_zoo_are_saved_and_loaded(tmp_path):
    formats = [*persistence.forecasters(1), *persistence.zoo_models(("rnn_1x4",))]
    rows = measure(formats, 1, tmp_path)
    assert [row["name"] for row in rows[::2]] == ["Forecaster, 1 lstm_1x32", "zoo, rnn_1x4"]
    assert all(row["bytes"] > 1000 for row in rows)


def test_a_result_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "new")
    path = results.write_result("some", "Is it?", {"a": 1}, {"rows": [{"b": 2}]})
    before = path.read_text()
    document = json.loads(before)
    assert (document["benchmark"], document["settings"], document["results"]) == (
        "some",
        {"a": 1},
        {"rows": [{"b": 2}]},
    )
    with pytest.raises(TypeError, match="not JSON serializable"):
        results.write_result("some", "Is it?", {}, {"rows": [object()]})
    assert path.read_text() == before
    assert [file.name for file in path.parent.iterdir()] == ["some.json"]


def test_a_fresh_process_prints_and_has_a_peak_of_its_own():
    printed, peak = processes.run_fresh("import sys\nprint(sys.argv[1])", "here")
    assert printed == "here\n"
    assert 4e6 < peak < 1e8
    assert processes.peak_rss_of("held = bytearray(100_000_000)") > peak + 80_000_000
