"""A short table of the results of `benchmarks/run_gpu.sh`, from its JSON files.

    python -m benchmarks.report.gpu_table benchmarks/results            # a folder with one file per benchmark
    python -m benchmarks.report.gpu_table gpu.json                      # a file with all results
    python -m benchmarks.report.gpu_table PARTS --merge gpu.json        # make that file
    python -m benchmarks.report.gpu_table gpu.json --split benchmarks/results
    python -m benchmarks.report.gpu_table benchmarks/results \
        --markdown benchmarks/{README,CELLS}.md docs/{word2vec,figures}.md

The last form updates the marked tables of these pages.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import gpu_markdown

NAMES = ("gpu_correctness", "recurrent_devices", "word2vec_device")
LINE = 118


def read(path: Path) -> dict[str, Any]:
    """Results by name, from a folder or from a merged file."""
    if path.is_dir():
        files = sorted(file for file in path.glob("*.json") if file.stem.startswith(NAMES))
        return {file.stem: json.loads(file.read_text()) for file in files}
    document = json.loads(path.read_text())
    return dict(document) if "benchmark" not in document else {str(document["benchmark"]): document}


def lines_of(documents: Mapping[str, Any]) -> list[str]:
    """The lines of the table, one benchmark after the other."""
    lines: list[str] = []
    for name, document in documents.items():
        machine = document["machine"]
        cards = ", ".join(f"{gpu['name']} (driver {gpu['driver']})" for gpu in machine.get("gpus", [])) or "no GPU"
        lines += ["", f"== {name}: {cards}, {machine['cpu']}, {machine['date']}{_memory(document.get('peak_memory'))}"]
        if name.startswith("gpu_correctness"):
            lines += _correctness(document)
        elif name.startswith("recurrent_devices"):
            lines += _recurrent(document)
        else:
            lines += _any_rows(document["results"])
    return lines


def _memory(peak: Mapping[str, int | None] | None) -> str:
    """Peak memory of a process in words; empty for older results, which lack it."""
    sizes = [f"{what} {peak[key] / 2**30:.2g} GiB" for what, key in (("host", "host_bytes"), ("GPU", "device_bytes"))
             if peak and peak.get(key)]  # fmt: skip
    return f"; at most {', '.join(sizes)}" if sizes else ""


def _correctness(document: Mapping[str, Any]) -> list[str]:
    rows, settings = document["results"]["cases"], document["settings"]
    wrong = [row for row in rows if not row["agrees"]]
    forward = max((row["forward"] for row in rows if row.get("forward") is not None), default=None)
    gradients = max((row["gradients"] for row in rows if row.get("gradients") is not None), default=None)
    lines = [
        f"{len(rows) - len(wrong)} of {len(rows)} agree; largest errors: forward {_number(forward)}, gradients "
        f"{_number(gradients)}; seed {settings['seed']}, {settings['seconds']:.0f} s",
        "fused: " + (", ".join(row["case"] for row in rows if row.get("fused")) or "none"),
    ]
    for row in wrong:
        found = row.get("error") or f"forward {row['forward']}, gradients {row['gradients']}, {row['worst']}"
        lines.append(f"  {row['case']}: {found}"[:LINE])
    return lines


def _recurrent(document: Mapping[str, Any]) -> list[str]:
    results, lines = document["results"], []
    for device, about in document["settings"]["devices"].items():
        seconds = ", ".join(f"{part} {value:.0f} s" for part, value in about["seconds"].items())
        ended = "" if about["status"] == 0 else f"; ended with status {about['status']}"
        memory = _memory(about.get("peak_memory"))
        lines.append(f"{device} ({', '.join(about.get('devices') or ['?'])}): {seconds}{memory}{ended}")
    for row in results.get("layers", []):
        if row.get("side") == "zoo" and "ratio" in row:
            fused = "fused" if row.get("fused") else "not fused"
            lines.append(
                f"  {row['device']} {row['cell']} B{row['batch']} T{row['steps']} U{row['width']} {row['mode']}: "
                f"{_number(row['rate'])} steps/s, {row['ratio']:.2f} of the plain layer, {fused}"
            )
    lines += _linear(results.get("linear", []))
    lines += _grid(results.get("table", []))
    for row in results.get("generate", []):
        if "rate" in row:
            lines.append(
                f"  {row['device']} generate {row['model']} B{row['batch']}: {_number(row['rate'])} steps/s, "
                f"compiled in {_number(row['compile_seconds'])} s"
            )
    for part, rows in results.items():
        errors = [row for row in rows if "error" in row]
        missing = sum(row.get("measured") is False for row in rows)
        lines += [f"  failed in {part}: {json.dumps(row)}"[:LINE] for row in errors[:3]]
        if missing or len(errors) > 3:
            lines.append(f"  {part}: {missing} not measured, {len(errors)} failed")
    return lines


def _linear(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Ratios to the fused LSTM, one line per shape and form."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        if "ratio" in row and ", " in row["side"]:
            cell, form = row["side"].split(", ", 1)
            key = f"{row['device']} B{row['batch']} T{row['steps']} U{row['width']} {row['mode']}, {form}"
            shown = _number(row["rate"]) + "/s" if cell == "lstm" else f"{row['ratio']:.2f}"
            groups.setdefault(key, []).append(f"{cell} {shown}")
    return [f"  {key}: {', '.join(values)}" for key, values in groups.items()]


def _grid(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Inference / training steps per second by cell, one line per shape."""
    groups: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        if "rate" in row:
            cells = groups.setdefault(f"{row['device']} B{row['batch']} T{row['steps']}", {})
            cells.setdefault(row["cell"], {})[row["mode"]] = _number(row["rate"])
    lines = []
    for key, cells in groups.items():
        shown = [f"{cell} {found.get('inference', '-')}/{found.get('training', '-')}" for cell, found in cells.items()]
        lines.append(f"  {key} steps/s inference/training: {', '.join(shown)}")
    return lines


def _any_rows(results: Mapping[str, Any]) -> list[str]:
    """Rows of a benchmark without a special table: numbers and short texts."""
    lines = []
    for table, rows in results.items():
        for row in rows if isinstance(rows, list) else [rows]:
            if not isinstance(row, dict):
                row = {table: row}
            parts = [f"{key} {_number(value)}" for key, value in row.items() if isinstance(value, int | float | str)]
            lines.append(f"  {table}: {', '.join(parts)}"[: 2 * LINE])
    return lines


def _number(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def main() -> None:
    """Print, merge or split results, or update the tables of pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a folder of results, or a merged file")
    parser.add_argument("--merge", type=Path, help="add the results to this file, print nothing")
    parser.add_argument("--split", type=Path, help="write each result to a file in this folder")
    parser.add_argument("--markdown", type=Path, nargs="+", help="update the tables of these pages, print nothing")
    arguments = parser.parse_args()
    if arguments.markdown:
        if not arguments.path.is_dir():
            parser.error(f"{arguments.path} is a file; --markdown expects a folder of results")
        documents = gpu_markdown.load(arguments.path)
        for page in arguments.markdown:
            page.write_text(gpu_markdown.fill(page.read_text(encoding="utf-8"), documents), encoding="utf-8")
        return
    documents = read(arguments.path)
    if arguments.merge:
        before = read(arguments.merge) if arguments.merge.exists() else {}
        arguments.merge.write_text(json.dumps({**before, **documents}, indent=1) + "\n")
        return
    if arguments.split:
        for name, document in documents.items():
            (arguments.split / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    print("\n".join(lines_of(documents)))


if __name__ == "__main__":
    main()
