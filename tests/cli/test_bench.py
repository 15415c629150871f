"""`kerazoo bench`, with little work: that it measures, not what."""

from __future__ import annotations

import copy
import json
import re

import pytest

from kerazoo.cli import bench_runs
from kerazoo.cli.main import main


@pytest.fixture
def little(monkeypatch):
    settings = copy.deepcopy(bench_runs.SETTINGS)
    settings["words"] |= {"raw_words": 4000, "vocabulary": 200}
    settings["word2vec"] |= {"vector_size": 8}
    settings["pairs"] |= {"batch_size": 64}
    settings["forecasts"] |= {"n_series": 2, "length": 48}
    monkeypatch.setattr(bench_runs, "SETTINGS", settings)
    monkeypatch.setattr(bench_runs, "EPOCHS_OF_PAIRS", 1)


def test_all_parts_are_measured_and_written(little, capsys, tmp_path):
    main(["bench", "--json", str(tmp_path / "bench.json")])
    said = capsys.readouterr().out
    assert re.search(r"^machine +\S.*\d+ cores", said)
    assert re.search(r"kerazoo +[\d,]+ words per second +\([\d,]+ to [\d,]+ in \d+ runs\) +[\d.]+ times gensim", said)
    assert len(re.findall(r"[\d,]+ pairs per second", said)) == 2
    assert len(re.findall(r"[\d,]+ series per second", said)) == 2
    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["machine"]["versions"]["kerazoo"]
    assert written["settings"] == bench_runs.SETTINGS
    assert set(written["results"]) == {"words", "pairs", "forecasts"}
    for rows in written["results"].values():
        for row in rows:
            assert min(row["rates"]) <= row["median"] <= max(row["rates"])
            assert min(row["rates"]) > 0


def test_what_is_not_installed_is_not_measured(little, capsys, monkeypatch):
    real = bench_runs.is_installed
    monkeypatch.setattr(bench_runs, "is_installed", lambda name: name not in ("gensim", "pandas") and real(name))
    main(["bench", "--only", "words", "--only", "forecasts"])
    said = capsys.readouterr().out
    assert "times gensim" not in said
    assert re.search(r"kerazoo +[\d,]+ words per second", said)
    assert 'forecasts   not measured: pandas is not installed: pip install "kerazoo[forecast]"' in said
    assert "pairs" not in said


def test_sides_run_in_turns_until_the_time_is_over(monkeypatch):
    now, order = [0.0], []

    def side(name, seconds):
        def run():
            order.append(name)
            now[0] += seconds
            return 10.0

        return bench_runs.Side(name, run)

    monkeypatch.setattr(bench_runs.time, "perf_counter", lambda: now[0])
    sides = [side("a", 1.0), side("b", 2.0)]
    bench_runs.alternate(sides, repeats=5, seconds=7.0, done=lambda: None)
    assert order == ["a", "b", "a", "b"]  # a third round would end after 9 seconds
    assert [each.rates for each in sides] == [[10.0, 10.0], [5.0, 5.0]]
    assert [row["ratio"] for row in bench_runs.summary(sides, "words")] == [2.0, 1.0]


def test_the_text_has_the_frequencies_of_zipfs_law():
    documents = bench_runs.zipf_text(200_000, 1000, 25, seed=3)
    assert {len(document) for document in documents} == {25}
    words = [word for document in documents for word in document]
    total = sum(1 / (rank + 2.7) for rank in range(1000))
    for rank in (0, 1, 10):
        assert words.count(f"w{rank}") / len(words) == pytest.approx(1 / (rank + 2.7) / total, rel=0.1)


def test_the_output_is_checked_first(capsys):
    with pytest.raises(SystemExit):
        main(["bench", "--json", "results.txt"])
    assert "the suffix of --json" in capsys.readouterr().err
