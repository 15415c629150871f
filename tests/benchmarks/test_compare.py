"""Comparison of two results: what counts as slower, as the same, and what is not compared."""

from __future__ import annotations

import copy
import json
import sys

import pytest

from benchmarks.harness import ROOT
from benchmarks.report import compare as guard
from benchmarks.report.compare import compare, differences, read

RESULTS = ROOT / "benchmarks" / "results"
MACHINE = {"cpu": "Some CPU", "cores": 2, "gpus": [], "python": "3.12.1", "versions": {"keras": "3.15", "jax": None}}


def document(rows, table="table", **changes):
    return {
        "benchmark": "some",
        "question": "?",
        "machine": MACHINE,
        "settings": {},
        "results": {table: rows},
        **changes,
    }


def rate(median, low=None, high=None, **changes):
    """A row as `timing.summarise` returns it."""
    low, high = low or median, high or median
    return {"name": "a", "unit": "pairs/s", "median_rate": median, "min_rate": low, "max_rate": high,
            "median_seconds": 1 / median, "repeats": 5, "ratio_to_a": 1.0, **changes}  # fmt: skip


def found_in(old, new, **options):
    """(worse, better) measures with their ratio."""
    found = compare(document(old), document(new), **options)
    return [{change.measure: change.ratio for change in changes} for changes in (found.worse, found.better)]


@pytest.mark.parametrize(
    ("old", "new", "worse", "better"),
    [
        ((100, 95, 105), (80, 78, 82), {"median_rate": 0.8}, {}),
        ((100, 95, 105), (125, 120, 130), {}, {"median_rate": 1.25}),
        ((100, 70, 105), (80, 78, 82), {}, {}),  # within the old range
        ((100, 95, 105), (80, 78, 101), {}, {}),  # the old median is within the new range
        ((100, 99.9, 100.1), (98.5, 98.4, 98.6), {}, {}),  # below 2 %
        ((100, 99.9, 100.1), (97.5, 97.4, 97.6), {"median_rate": 0.975}, {}),
        ((100, None, None), (91, None, None), {}, {}),  # no spread: the tolerance
        ((100, None, None), (89, None, None), {"median_rate": 0.89}, {}),
        ((100, 95, 105), (80, None, None), {"median_rate": 0.8}, {}),
    ],
)
def test_a_rate_is_slower_beyond_its_spread(old, new, worse, better):
    got = found_in([rate(*old)], [rate(*new)])
    assert got == [pytest.approx(worse), pytest.approx(better)]


def test_the_memory_of_the_process_is_compared_if_both_have_it():
    said = [document([rate(1)], peak_memory={"host_bytes": host, "device_bytes": None}) for host in (100, 150)]
    (change,) = compare(*said).worse
    assert (change.row, change.measure, change.ratio) == ("peak_memory", "host_bytes", 1.5)
    assert not compare(document([rate(1)]), said[1]).worse


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    ("column", "more_is_better"),
    [("rate", True), ("epoch_rate", True), ("steps_per_second", True), ("wordsim353", True), ("analogies", True),
     ("seconds", False), ("whole_seconds", False), ("compile_s", False), ("step_us", False), ("layout_ms", False),
     ("forward_loop_ms", False), ("ns_a_token", False), ("peak_bytes", False), ("memory_mb", False),
     ("rmse_mean", False), ("mase", False), ("loss", False), ("instructions", False)],
)  # fmt: skip
def test_each_measure_has_its_better_side(column, more_is_better, direction):
    old, new = {"name": "a", column: 100.0}, {"name": "a", column: 100.0 + 20.0 * direction}
    worse, better = found_in([old], [new])
    assert (better if more_is_better == (direction > 0) else worse) == {column: pytest.approx(new[column] / 100)}
    assert len(worse) + len(better) == 1


def test_derived_columns_and_coverages_are_not_compared():
    rest = {"ratio": 1.0, "ratio_to_gensim": 1.0, "min_rate": 1.0, "coverage_80": 0.8, "repeats": 5, "blocks": 7,
            "kept_rate": 1.0, "median_seconds": 1.0, "note": "", "training_gain": 2.0}  # fmt: skip
    other = {name: value * 3 if value != "" else "slow" for name, value in rest.items()}
    found = compare(document([{"name": "a", **rest}]), document([{"name": "a", **other}]))
    assert (found.worse, found.better, found.same) == ([], [], 0)
    # The seconds of a row with a rate depend on the amount of work.
    assert found_in([{"name": "a", "rate": 5.0, "seconds": 1}], [{"name": "a", "rate": 5.0, "seconds": 9}]) == [{}, {}]


def test_the_tolerance_can_be_chosen():
    old, new = [{"name": "a", "seconds": 100.0}], [{"name": "a", "seconds": 104.0}]
    assert found_in(old, new) == [{}, {}]
    assert found_in(old, new, tolerance=0.03) == [{"seconds": pytest.approx(1.04)}, {}]


def test_rows_are_matched_by_what_was_measured_and_not_by_their_order():
    old = [{"cell": cell, "batch": batch, "mode": "training", "rate": rate, "min_rate": rate - 1, "max_rate": rate + 1}
           for cell, batch, rate in (("lstm", 1, 10.0), ("lstm", 32, 50.0), ("gru", 32, 90.0))]  # fmt: skip
    new = copy.deepcopy(old[::-1])
    assert found_in(old, new) == [{}, {}]
    new[1]["rate"] = new[1]["min_rate"] = new[1]["max_rate"] = 20.0
    (change,) = compare(document(old), document(new)).worse
    assert change.row == "table, lstm, training, batch 32"
    assert (change.old, change.new) == (50.0, 20.0)


def test_rows_of_only_one_result_are_listed():
    old = [rate(100, name="a"), rate(100, name="b"), {"name": "c", "seconds": 1.0, "peak_bytes": 5}]
    new = [rate(100, name="a"), rate(100, name="d"), {"name": "c", "seconds": 1.0}]
    found = compare(document(old), document(new))
    assert found.only_old == ["table, b, pairs/s", "table, c: peak_bytes"]
    assert found.only_new == ["table, d, pairs/s"]
    assert not found.worse
    # Another unit is another measure.
    found = compare(document([rate(100)]), document([rate(5, unit="words/s")]))
    assert (found.only_old, found.only_new) == (["table, a, pairs/s"], ["table, a, words/s"])


def test_what_fails_now_is_worse_and_what_was_not_measured_is_not():
    good, bad = {"name": "a", "rate": 5.0}, {"name": "a", "error": "no memory"}
    found = compare(document([good]), document([bad]))
    assert [change.note for change in found.worse] == ["fails: no memory"]
    assert compare(document([bad]), document([bad])).worse == []
    assert compare(document([bad]), document([good])).only_new == ["table, a"]
    assert compare(document([good]), document([{"name": "a", "measured": False}])).only_old == ["table, a"]
    assert compare(document([{"name": "a"}]), document([bad])).worse[0].note == "fails: no memory"
    agrees = [{"case": "lstm", "agrees": True, "forward": 1e-7}], [{"case": "lstm", "agrees": False, "forward": 0.5}]
    assert [change.measure for change in compare(*map(document, agrees)).worse] == ["agrees"]


def test_seeds_and_turns_are_repeats_and_other_duplicates_are_not():
    def runs(*seconds):
        return {"gensim": [{"seed": seed, "seconds": value} for seed, value in enumerate(seconds)]}

    assert compare(document(runs(9.0, 10.0, 13.0)), document(runs(9.5, 12.0, 12.5))).same == 1
    (change,) = compare(document(runs(9.0, 10.0, 11.0)), document(runs(12.0, 12.1, 12.2))).worse
    assert (change.row, change.ratio, change.note) == ("table, gensim", pytest.approx(1.21), "spread 9..11 to 12..12.2")
    # One of the repeats may fail.
    failed = document({"gensim": [{"seed": 1, "error": "killed"}, {"seed": 2, "seconds": 10.0}]})
    assert compare(document(runs(9.0, 10.0, 11.0)), failed).worse == []
    doubles = [{"part": "step", "seconds": 1.0}, {"part": "step", "seconds": 5.0}]
    slower = [{"part": "step", "seconds": 1.0}, {"part": "step", "seconds": 9.0}]
    (change,) = compare(document(doubles), document(slower)).worse
    assert (change.row, change.old, change.new) == ("table, step, number 2", 5.0, 9.0)


def test_medians_are_skipped_if_another_table_has_the_repeats():
    def results(seconds):
        return {"rows": [{"name": "gensim", "rate": 1 / seconds}],
                "runs": {"gensim": [{"seed": s, "seconds": seconds + s} for s in (-1, 0, 1)]}}  # fmt: skip

    found = compare(document([]) | {"results": results(10)}, document([]) | {"results": results(11)})
    assert (found.worse, found.same) == ([], 1)
    alone = [document([{"name": "a", "rate": rate}], "rows") for rate in (2.0, 1.0)]
    assert [change.measure for change in compare(*alone).worse] == ["rate"]


def test_zero_and_nan_are_handled():
    assert found_in([{"name": "a", "seconds": 0.0}], [{"name": "a", "seconds": 0.0}]) == [{}, {}]
    assert found_in([{"name": "a", "seconds": 0.0}], [{"name": "a", "seconds": 1.0}]) == [{"seconds": None}, {}]
    nothing = [{"name": "a", "mase": None}], [{"name": "a", "mase": float("nan")}]
    assert found_in(*nothing) == [{}, {}]
    assert compare(document([{"name": "a", "mase": 1.0}]), document(nothing[0])).only_old == ["table, a"]


def test_differences_of_machine_versions_and_settings_are_listed():
    new = document([], settings={"threads": 4, "seconds": 7.0},
                   machine={**MACHINE, "cores": 16, "versions": {"keras": "3.16", "jax": None}})  # fmt: skip
    old = document([], settings={"threads": 2, "seconds": 9.0})
    assert differences(old, new) == ["cores: 2 -> 16", "keras: 3.15 -> 3.16", "setting threads: 2 -> 4"]
    assert differences(old, old) == []
    assert differences(document([], machine={}, settings={"lr": 1}), old) == ["keras: None -> 3.15"]


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["compare", *map(str, arguments)])
    return guard.main()


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_the_program_prints_what_is_slower_and_exits_with_1(write, monkeypatch, capsys):
    old = write("old.json", document([rate(100, 95, 105), rate(100, 95, 105, name="b")]))
    new = write(
        "new.json", document([rate(50, 48, 52), rate(200, 190, 210, name="b")], machine={**MACHINE, "cores": 8})
    )
    assert run(monkeypatch, old, new) == 1
    shown = capsys.readouterr().out
    assert "new: warning: not the same cores: 2 -> 8" in shown
    slower, faster = shown.split("faster or better")
    assert "table, a, pairs/s" in slower
    assert "-50.0 %" in slower
    assert "+100.0 %" in faster
    assert shown.endswith("1 slower or worse, 0 within the spread or the tolerance\n")
    assert run(monkeypatch, new, new) == 0
    assert run(monkeypatch, old, new, "--tolerance", 3) == 1  # a known spread is not widened


def test_folders_are_compared_file_by_file(write, monkeypatch, capsys, tmp_path):
    for name in ("both", "gone"):
        write(f"old/{name}.json", document([rate(100, 95, 105)]))
    for name, median in (("both", 60), ("come", 100)):
        write(f"new/{name}.json", document([rate(median, median - 5, median + 5)]))
    assert run(monkeypatch, tmp_path / "old", tmp_path / "new") == 1
    shown = capsys.readouterr().out
    assert f"come: only in {tmp_path / 'new'}" in shown
    assert f"gone: only in {tmp_path / 'old'}" in shown
    assert "both: slower or worse" in shown
    assert run(monkeypatch, tmp_path / "old", tmp_path / "new" / "both.json") == 2
    assert "expected two files or two folders" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[1]", "is not a result: it names no benchmark"),
        ('{"recurrent_devices_jax": {}}', "is not a result: it names no benchmark"),
        ('{"benchmark": "some", "results": []}', "is not a result: it has no tables"),
    ],
)
def test_a_file_that_is_not_a_result_is_refused(write, monkeypatch, capsys, content, message):
    good, bad = write("good.json", document([])), write("bad.json", content)
    with pytest.raises(ValueError, match=message):
        read(bad)
    assert run(monkeypatch, good, bad) == 2
    assert f"{bad} {message}" in capsys.readouterr().err
    assert run(monkeypatch, good, bad.with_name("none.json")) == 2


def test_only_results_of_the_same_benchmark_are_compared():
    old, new = document([rate(100)]), document([rate(50)], benchmark="other")
    assert len(compare(old, new).worse) == 1  # the same question, written under another name
    with pytest.raises(ValueError, match="results of two benchmarks, some and other"):
        compare(old, {**new, "question": "another"})


@pytest.mark.skipif(not RESULTS.is_dir(), reason="benchmarks/results is missing")
def test_every_committed_result_has_measures_and_equals_itself():
    for path in sorted(RESULTS.glob("*.json")):
        kept = read(path)
        found = compare(kept, kept)
        assert found.same > 0, path.name
        assert (found.worse, found.better, found.only_old, found.only_new) == ([], [], [], []), path.name
        slower = json.loads(json.dumps(kept), object_hook=slow_down)
        assert len(compare(kept, slower, 0.1).worse) > 0, path.name
        assert not compare(kept, slower, 0.1).better, path.name


def slow_down(row):
    """The same with every measure half as good."""
    changed = {}
    for column, value in row.items():
        direction = guard._direction(column.removeprefix("min_").removeprefix("max_").removesuffix("_range"))
        factor = 0.5 if direction > 0 else 2.0
        if isinstance(value, bool):
            value = value and not direction
        elif direction and isinstance(value, int | float):
            # A negative correlation is worse if it is doubled.
            value = value * factor if value > 0 else value / factor
        elif direction and isinstance(value, list) and all(isinstance(each, int | float) for each in value):
            value = [each * factor for each in value]
        changed[column] = value
    return changed
