"""The short table and the Markdown tables of the GPU results."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from benchmarks.harness import ROOT
from benchmarks.report import gpu_markdown, gpu_table

RESULTS = ROOT / "benchmarks" / "results"
PAGES = ("benchmarks/README.md", "benchmarks/CELLS.md", "docs/word2vec.md", "docs/figures.md")
MACHINE = {
    "cpu": "Some CPU",
    "cores": 4,
    "gpus": [{"name": "Some GPU", "driver": "1.2", "memory": "8 MiB"}],
    "versions": dict.fromkeys(("keras", "jax", "torch", "gensim"), "3"),
    "python": "3.12.0",
    "date": "2026-01-02",
}


def document(name, settings=None, **results):
    return {"benchmark": name, "machine": MACHINE, "settings": settings or {}, "results": results}


def case(name, agrees=True, **changes):
    return {"case": name, "forward": 2e-7, "gradients": 3e-6, "worst": "gradient/x", "agrees": agrees, **changes}


def layer(side, rate, ratio, mode="inference", **changes):
    return {"device": "gpu", "cell": "lstm", "batch": 2, "steps": 8, "width": 4, "mode": mode, "side": side,
            "rate": rate, "ratio": ratio, "fused": True, "repeats": 5, **changes}  # fmt: skip


def variant(seed, rate, **changes):
    return {"loss_name": "nce", "seed": seed, "block_size": 8192, "kernels": True, "warps": 4, "epoch_rate": rate,
            "kept_rate": rate / 2, "compile_s": 1.0, "layout_ms": 2.0, **changes}  # fmt: skip


@pytest.fixture
def documents():
    linear = {"device": "gpu", "batch": 32, "steps": 512, "width": 128, "mode": "inference"}
    peak = {"host_bytes": 3 << 29, "device_bytes": 5 << 30}
    devices = {"gpu": {"seconds": {"layers": 3.0}, "status": 0, "devices": ["gpu:0"], "peak_memory": peak}}
    quality = [variant(seed, rate, wordsim353=0.6 + seed / 100, simlex999=0.25, analogies=0.5)
               for seed, rate in ((1, 1e8), (2, 3e8), (3, 2e8))]  # fmt: skip
    return {
        "gpu_correctness_jax": document(
            "gpu_correctness_jax",
            {"seed": 5, "seconds": 3.2},
            cases=[case("lstm", fused=True), case("gru", False, forward=0.5), case("lru", error="no memory")],
        ),
        "recurrent_devices_jax": document(
            "recurrent_devices_jax",
            {"backend": "jax", "devices": devices},
            layers=[
                layer("zoo", 100.0, 0.5),
                layer("zoo", 40.0, 0.4, "training", repeats=2),
                layer("keras", 200.0, 1.0),
                layer("keras, scan", 50.0, 0.25),
                {**linear, "cell": "lstm", "mode": "training", "measured": False},
            ],
            linear=[
                {**linear, "side": "lstm, fused", "rate": 100.0, "ratio": 1.0},
                {**linear, "side": "lru, parallel", "rate": 2000.0, "ratio": 20.0},
                {**linear, "side": "lru, step by step", "rate": 0.4, "ratio": 0.004},
            ],
            table=[
                {
                    "device": "gpu",
                    "cell": "lru",
                    "batch": 32,
                    "steps": 64,
                    "width": 8,
                    "mode": "inference",
                    "rate": 4321.0,
                },
                {
                    "device": "gpu",
                    "cell": "lru",
                    "batch": 32,
                    "steps": 64,
                    "width": 8,
                    "mode": "training",
                    "measured": False,
                },
                {"device": "cpu", "cell": "gru", "batch": 32, "steps": 64, "width": 8, "mode": "training", "rate": 7.0},
                {"device": "gpu", "cell": "gru", "batch": 1, "steps": 64, "width": 8, "mode": "inference", "rate": 7.0},
            ],
        ),
        "word2vec_device_jax_quality": document("word2vec_device_jax_quality", variants=quality),
        "word2vec_device_jax_rates": document(
            "word2vec_device_jax_rates",
            variants=[variant(1, 1e8), variant(1, 1e8, warps=8), variant(1, 5e7, kernels=False, error="no memory")],
            fits=[
                {"name": "device, encoded corpus", "rate": 5e7, "epoch_rate": 9e7},
                {"name": "native, 4 threads, file", "rate": 1e6, "epoch_rate": 2e6},
                {"name": "device, file", "error": "OSError: gone"},
            ],
            breakdown=[
                {"part": "copy", "us": 10.0, "ns_a_token": 1.0, "gb_s": 2000.0, "share_of_copy": 1.0},
                *({"part": "kernels, whole step, 8192 tokens", "us": us, "ns_a_token": 5.0} for us in (40.0, 80.0)),
                {"part": "scatter-add of rows", "error": "no memory"},
            ],
        ),
    }


def test_the_short_table_names_what_failed_and_what_is_missing(documents):
    text = "\n".join(gpu_table.lines_of(documents))
    assert "== gpu_correctness_jax: Some GPU (driver 1.2), Some CPU, 2026-01-02" in text
    assert "gpu (gpu:0): layers 3 s; at most host 1.5 GiB, GPU 5 GiB" in text
    assert "2 of 3 agree; largest errors: forward 0.5, gradients 3e-06" in text
    assert "  gru: forward 0.5, gradients 3e-06, gradient/x" in text
    assert "  gpu lstm B2 T8 U4 inference: 100 steps/s, 0.50 of the plain layer, fused" in text
    assert "  layers: 1 not measured, 0 failed" in text
    assert "  gpu B32 T512 U128 inference, parallel: lru 20.00" in text
    assert "error no memory" in text


def test_results_are_merged_into_a_file_and_split_again(tmp_path, monkeypatch, documents, capsys):
    parts, split, merged = tmp_path / "parts", tmp_path / "split", tmp_path / "gpu.json"
    split.mkdir()
    for name in documents:  # one after the other, as the script does it
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir()
        (parts / f"{name}.json").write_text(json.dumps(documents[name]))
        (parts / "other.json").write_text("{}")
        monkeypatch.setattr(sys, "argv", ["gpu_table", str(parts), "--merge", str(merged)])
        gpu_table.main()
    assert capsys.readouterr().out == ""
    assert json.loads(merged.read_text()) == documents
    monkeypatch.setattr(sys, "argv", ["gpu_table", str(merged), "--split", str(split)])
    gpu_table.main()
    assert gpu_markdown.load(split) == documents
    assert gpu_table.read(split) == documents
    assert "2 of 3 agree" in capsys.readouterr().out


def test_markdown_tables_are_written_between_their_comments(tmp_path, monkeypatch, documents):
    results, page = tmp_path / "results", tmp_path / "page.md"
    results.mkdir()
    for name, each in documents.items():
        (results / f"{name}.json").write_text(json.dumps(each))
    marks = "\n".join(f"<!-- gpu_table {name} -->\nold\n<!-- /gpu_table -->" for name in gpu_markdown.TABLES)
    page.write_text(f"before µ\n{marks}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["gpu_table", str(results), "--markdown", str(page)])
    for _ in range(2):  # the second time nothing changes
        gpu_table.main()
        text = page.read_text(encoding="utf-8")
        lines = text.splitlines()
        assert (lines[0], lines[-1], "old" in lines) == ("before µ", "after", False)
        assert text.count("<!-- gpu_table ") == text.count("<!-- /gpu_table -->") == len(gpu_markdown.TABLES)
        for line in (
            "| JAX | 2 of 3 | 5.0e-01 | 3.0e-06 | lstm |",
            "| JAX LSTM | 2 | 8 | 4 | 100 / 40 | 0.50 / 0.40 | keras, scan: 0.25 / not measured | yes | 2 |",
            "| JAX LSTM | 32 | 512 | 128 | not measured | not measured | not measured |  |  |",
            "| lstm, fused | 100 |",
            "| lru | 2,000 (20; 0.004) |",
            "| `gru` | not measured | not measured / 7 |",
            "| `lru` | 4,321 / not measured | not measured |",
            "### JAX, GPU",
            "|  | 1 × 64 | 32 × 64 |",
            "| `gru` | 7 / not measured | not measured |",
            "| `lru` | not measured | 4,321 / not measured |",
            "| `nce` | JAX | 8192 | 200 M (100 to 300) | 82 | .620 | .250 | .500 |",
            "| JAX | 8192 | yes, 8 warps | 100 M | 164 | 1.0 |",
            "| JAX | 8192 | no | failed: no memory |  |  |",
            "| on the GPU, JAX |  | 50 M | failed: OSError: gone | 90 M |",
            "| native engine, 4 threads of the same machine's CPU |  |  | 1 M | 2 M |",
            "| copy | 10 µs, 1.00 ns, 2,000 GB/s (1) |  |",
            "| kernels, whole step, 8192 tokens, 4 warps | 40 µs, 5.00 ns |  |",
            "| kernels, whole step, 8192 tokens, 8 warps | 80 µs, 5.00 ns |  |",
        ):
            assert line in lines


def test_a_table_without_results_is_an_error(documents):
    mark = "<!-- gpu_table {} -->\n<!-- /gpu_table -->"
    with pytest.raises(KeyError, match="no table 'word2vec'; expected one of correctness, hardware"):
        gpu_markdown.fill(mark.format("word2vec"), documents)
    for name in gpu_markdown.TABLES:
        with pytest.raises(ValueError, match=f"no results for the table '{name}'"):
            gpu_markdown.fill(mark.format(name), {})
    assert gpu_markdown.fill("no mark", {}) == "no mark"


@pytest.mark.skipif(not RESULTS.is_dir(), reason="benchmarks/results is missing")
@pytest.mark.parametrize("page", PAGES)
def test_the_pages_have_the_tables_of_the_committed_results(page):
    """If this fails, run `python -m benchmarks.report.gpu_table benchmarks/results --markdown` with these pages."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- gpu_table " in text
    assert gpu_markdown.fill(text, gpu_markdown.load(RESULTS)) == text
