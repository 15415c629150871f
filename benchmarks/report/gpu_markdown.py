"""The Markdown tables of the GPU results, made from the JSON files of `benchmarks/run_gpu.sh`.

Two comments in a page mark a table, `<!-- gpu_table NAME -->` and `<!-- /gpu_table -->`. The lines between them are
replaced by `python -m benchmarks.report.gpu_table benchmarks/results --markdown PAGE ...`. `TABLES` has the names.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["TABLES", "fill", "load"]

Documents = Mapping[str, Any]
BACKENDS = ("jax", "torch")
TITLES = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "torch"}
QUALITY = {"wordsim353": "WordSim-353", "simlex999": "SimLex-999", "analogies": "analogies (30k)"}
# Rows of word2vec.json, from a CPU, that the quality is compared with.
BESIDE = {
    "gensim": ("", "gensim 4.4", "CPU"),
    "keras_jax_nce": ("`nce`", "JAX", "4096, prepared on the host"),
    "keras_jax_negative_sampling": ("`negative_sampling`", "JAX", "4096, prepared on the host"),
}
MARKED = re.compile(r"(<!-- gpu_table (\w+) -->\n).*?(<!-- /gpu_table -->)", re.DOTALL)


def load(folder: Path) -> dict[str, Any]:
    """The results in a folder by file name without `.json`."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def fill(page: str, documents: Documents) -> str:
    """The page with all its marked tables replaced.

    Args:
        page: text of the page.
        documents: results by name, as of :func:`load`.

    Raises:
        KeyError: the name of a marked table is unknown.
        ValueError: there are no results for a marked table.
    """

    def table(found: re.Match[str]) -> str:
        name = found[2]
        if name not in TABLES:
            raise KeyError(f"no table {name!r}; expected one of {', '.join(sorted(TABLES))}")
        text = TABLES[name](documents)
        if not text:
            raise ValueError(f"there are no results for the table {name!r}")
        return f"{found[1]}{text}\n{found[3]}"

    return MARKED.sub(table, page)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines]) if lines else ""


def _results(documents: Documents, name: str, table: str) -> list[Any]:
    return list(documents.get(name, {"results": {}})["results"].get(table, []))


def _million(rate: float) -> str:
    return f"{rate / 1e6:.3g} M"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _three(value: float) -> str:
    """Three decimals without the leading zero: .659."""
    return f"{value:.3f}".removeprefix("0")


def hardware(documents: Documents) -> str:
    """Machines, and the result files from each."""
    found: dict[str, list[str]] = {}
    for name, document in documents.items():
        machine = document["machine"]
        for gpu in machine.get("gpus") or ():
            versions = machine["versions"]
            packages = ", ".join(f"{package} {versions[package]}" for package in ("keras", "jax", "torch", "gensim"))
            about = (
                f"{gpu['name']} ({gpu['memory']}, driver {gpu['driver']}), {machine['cores']} cores of an "
                f"{machine['cpu']}; {packages}; Python {machine['python']}; {machine['date']}"
            )
            found.setdefault(about, []).append(f"`{name}.json`")
    return "\n".join(f"- {about}: {', '.join(names)}" for about, names in found.items())


def correctness(documents: Documents) -> str:
    """Largest errors of the comparison with the CPU."""
    rows = []
    runs = [(backend, more) for backend in BACKENDS for more in ("", "_captured")]
    for backend, more in runs:
        cases = _results(documents, f"gpu_correctness_{backend}{more}", "cases")
        if cases:
            largest = [max(case[part] for case in cases if case.get(part) is not None)
                       for part in ("forward", "gradients")]  # fmt: skip
            fused = [case["case"] for case in cases if case.get("fused")]
            agree = sum(case["agrees"] for case in cases)
            title = TITLES[backend] + (", as CUDA graphs" if more else "")
            rows.append([title, f"{agree} of {len(cases)}", *(f"{error:.1e}" for error in largest),
                         "; ".join(fused)])  # fmt: skip
    return _table(["", "agree", "largest error, outputs", "gradients", "fused by cuDNN"], rows)


def recurrent_layers(documents: Documents) -> str:
    """LSTM and GRU of the zoo beside plain layers."""
    rows = []
    for backend in BACKENDS:
        groups: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
        for row in _results(documents, f"recurrent_devices_{backend}", "layers"):
            shape = (row["cell"], row["batch"], row["steps"], row["width"])
            groups.setdefault(shape, {}).setdefault(row.get("side", ""), {})[row["mode"]] = row
        for (cell, batch, steps, width), sides in groups.items():
            names = [
                name for name in sides if name and name not in ("zoo", "torch.nn" if backend == "torch" else "keras")
            ]
            zoo = sides.get("zoo", {})
            fused = any(row.get("fused") for row in zoo.values())
            # Older results have the name "8 steps a turn".
            shown = {name: re.sub(r"(\d+) steps a turn", r"unrolled by \1", name) for name in names}
            others = [f"{shown[name]}: {_pair(sides[name], 'ratio')}" for name in names]
            rows.append([f"{TITLES[backend]} {cell.upper()}", str(batch), str(steps), str(width),
                         _pair(zoo, "rate"), _pair(zoo, "ratio"), "; ".join(others) or "not measured",
                         ("yes" if fused else "no") if zoo else "",
                         str(min(row["repeats"] for row in zoo.values())) if zoo else ""])  # fmt: skip
    head = ["", "batch", "T", "width", "zoo, steps/s", "zoo / plain layer", "others / plain layer",
            "zoo fused", "rounds"]  # fmt: skip
    return _table(head, rows)


def _pair(modes: Mapping[str, Any], key: str) -> str:
    """The values of inference / training."""
    shown = []
    for mode in ("inference", "training"):
        row = modes.get(mode, {})
        value = row.get(key)
        shown.append("not measured" if value is None else _number(value) if key == "rate" else f"{value:.2f}")
    return "not measured" if set(shown) == {"not measured"} else " / ".join(shown)


def recurrent_linear(documents: Documents) -> str:
    """Linear recurrences beside the fused LSTM, at batch 32, 512 steps and 128 units."""
    columns, cells = [], []
    found: dict[tuple[str, str, str], dict[str, Any]] = {}  # (column, cell, form)
    for backend in BACKENDS:
        for row in _results(documents, f"recurrent_devices_{backend}", "linear"):
            if (row["batch"], row["steps"], row["width"]) != (32, 512, 128):
                continue
            column = f"{TITLES[backend]} {row['mode']}"
            if column not in columns:
                columns.append(column)
            if "ratio" in row:
                cell, form, *_ = row["side"].split(", ")
                found[column, cell, form] = row
                if cell not in cells:
                    cells.append(cell)

    def entry(column: str, cell: str) -> str:
        fused, parallel, loop = (found.get((column, cell, form)) for form in ("fused", "parallel", "step by step"))
        if fused is not None:
            return _number(fused["rate"])
        if parallel is None:
            return "not measured"
        return f"{_number(parallel['rate'])} ({_ratio(parallel)}; {'-' if loop is None else _ratio(loop)})"

    names = {cell: "lstm, fused" if cell == "lstm" else cell for cell in cells}
    return _table(
        ["", *columns], ([name, *(entry(column, cell) for column in columns)] for cell, name in names.items())
    )


def recurrent_cells(documents: Documents) -> str:
    """Steps per second of every cell at batch 32, 64 steps, by backend and device."""
    found: dict[str, dict[str, Any]] = {}  # cell, column
    columns: dict[str, None] = {}
    for column, cell, shape, modes in _points(documents):
        if shape == (32, 64):
            columns[column] = None
            found.setdefault(cell, {})[column] = modes
    rows = ([f"`{cell}`", *(_pair(each.get(column, {}), "rate") for column in columns)] for cell, each in found.items())
    return _table(["", *columns], rows)


def recurrent_grid(documents: Documents) -> str:
    """Steps per second of every cell by batch size and length, one table per backend and device."""
    found: dict[str, dict[str, dict[tuple[int, int], Any]]] = {}  # column, cell, shape
    for column, cell, shape, modes in _points(documents):
        found.setdefault(column, {}).setdefault(cell, {})[shape] = modes
    tables = []
    for column, cells in found.items():
        shapes = sorted({shape for each in cells.values() for shape in each})
        if len(shapes) > 1:
            head = ["", *(f"{batch} × {steps}" for batch, steps in shapes)]
            rows = (
                [f"`{cell}`", *(_pair(each.get(shape, {}), "rate") for shape in shapes)] for cell, each in cells.items()
            )
            tables.append(f"### {column}\n\n{_table(head, rows)}")
    return "\n\n".join(tables)


def _points(documents: Documents) -> list[tuple[str, str, tuple[int, int], dict[str, Any]]]:
    """(backend and device, cell, (batch, steps), rows by mode) of the measured part of the grid; GPUs first."""
    found: dict[tuple[str, str, tuple[int, int]], dict[str, Any]] = {}
    for name, document in documents.items():
        if not name.startswith("recurrent_devices_"):
            continue
        for row in document["results"].get("table", []):
            if "rate" in row:
                column = f"{TITLES[document['settings']['backend']]}, {_device(document, row['device'])}"
                point = column, row["cell"], (row["batch"], row["steps"])
                found.setdefault(point, {})[row["mode"]] = row
    return [
        (*point, modes) for point, modes in sorted(found.items(), key=lambda each: ("cores" in each[0][0], each[0]))
    ]


def _device(document: Mapping[str, Any], device: str) -> str:
    machine = document["machine"]
    return str(machine["gpus"][0]["name"].split()[1]) if device == "gpu" else f"{machine['cores']} cores"


def _ratio(row: Mapping[str, Any]) -> str:
    return f"{row['ratio']:.3g}" if row["ratio"] >= 0.01 else f"{row['ratio']:.3f}"


def word2vec_quality(documents: Documents) -> str:
    """Rates and quality by loss, backend and block size."""
    rows = sorted(
        [*BESIDE[row["name"]], "", "", *(_three(row[key]) for key in QUALITY)]
        for row in _results(documents, "word2vec", "rows")
        if row["name"] in BESIDE
    )
    groups: dict[tuple[str, str, int], list[Any]] = {}
    for backend in BACKENDS:
        for row in _results(documents, f"word2vec_device_{backend}_quality", "variants"):
            if "wordsim353" in row:
                groups.setdefault((row["loss_name"], backend, row["block_size"]), []).append(row)
    for (loss, backend, size), runs in sorted(groups.items()):
        rates = sorted(run["epoch_rate"] for run in runs)
        step = statistics.median(size / run["kept_rate"] for run in runs) * 1e6
        rate = f"{_million(statistics.median(rates))} ({rates[0] / 1e6:.0f} to {rates[-1] / 1e6:.0f})"
        means = (_three(statistics.mean(run[key] for run in runs)) for key in QUALITY)
        rows.append([f"`{loss}`", TITLES[backend], str(size), rate, f"{step:.0f}", *means])
    head = ["loss", "", "tokens per block", "raw words/s of an epoch", "µs per block", *QUALITY.values()]
    return _table(head, rows) if groups else ""


def word2vec_rates(documents: Documents) -> str:
    """Rates by block size and kernels."""
    rows = []
    for backend in BACKENDS:
        for row in _results(documents, f"word2vec_device_{backend}_rates", "variants"):
            kernels = f"yes, {row['warps']} warps" if row["kernels"] else "no"
            if "error" in row:
                rows.append([TITLES[backend], str(row["block_size"]), kernels, f"failed: {row['error'][:60]}", "", ""])
                continue
            rows.append([TITLES[backend], str(row["block_size"]), kernels, _million(row["epoch_rate"]),
                         f"{row['block_size'] / row['kept_rate'] * 1e6:.0f}", f"{row['compile_s']:.1f}"])  # fmt: skip
    return _table(["", "tokens per block", "kernels", "raw words/s of an epoch", "µs per block", "s to compile"], rows)


def word2vec_fits(documents: Documents) -> str:
    """Rates of whole calls of `fit`."""
    groups: dict[str, dict[str, Any]] = {}
    for backend in BACKENDS:
        for row in _results(documents, f"word2vec_device_{backend}_rates", "fits"):
            engine, _, source = row["name"].partition(", ")
            if engine == "device":
                name = f"on the GPU, {TITLES[backend]}"
            else:
                threads, _, source = source.partition(", ")
                name = f"native engine, {threads} of the same machine's CPU"
            groups.setdefault(name, {}).setdefault(source, row)
    sources = {
        "encoded corpus, compiling": "first `fit`",
        "encoded corpus": "whole `fit`, encoded corpus",
        "file": "whole `fit`, text file",
    }

    def shown(rows: Mapping[str, Any], source: str) -> str:
        row = rows.get(source)
        return "" if row is None else _million(row["rate"]) if "rate" in row else f"failed: {row['error'][:60]}"

    return _table(
        ["raw words/s", *sources.values(), "best epoch"],
        (
            [name, *(shown(rows, source) for source in sources),
             _million(max(row.get("epoch_rate", 0.0) for row in rows.values()))]
            for name, rows in sorted(groups.items(), key=lambda group: group[0].startswith("native"))
        ),
    )  # fmt: skip


def word2vec_parts(documents: Documents) -> str:
    """Times of the parts of a step by operations of the backends, then by the JAX kernels."""
    parts: dict[str, dict[str, str]] = {}
    for backend in BACKENDS:
        name = f"word2vec_device_{backend}_rates"
        variants = [row for row in _results(documents, name, "variants") if row["kernels"]]
        seen: dict[str, int] = {}
        for row in _results(documents, name, "breakdown"):
            if "error" in row:
                continue
            part, shown = row["part"], f"{_number(row['us'])} µs, {row['ns_a_token']:.2f} ns"
            if "gb_s" in row:
                shown += f", {_number(row['gb_s'])} GB/s ({row['share_of_copy']:.2g})"
            elif "warps" not in part:  # older files: the variants of one block size are in order
                size = int(part.split()[-2])
                warps = [each["warps"] for each in variants if each["block_size"] == size]
                seen[part] = seen.get(part, 0) + 1
                part = f"{part}, {warps[seen[part] - 1]} warps"
            parts.setdefault(part, {})[backend] = shown
        layouts = [row["layout_ms"] for row in variants]
        if layouts:
            whole = "windows and subsampling of the text, once per epoch"
            parts.setdefault(whole, {})[backend] = f"{statistics.median(layouts):.2g} ms"
    head = ["", *(TITLES[backend] for backend in BACKENDS)]
    return _table(head, ([part, *(found.get(backend, "") for backend in BACKENDS)] for part, found in parts.items()))


TABLES: dict[str, Callable[[Documents], str]] = {
    "hardware": hardware,
    "correctness": correctness,
    "recurrent_layers": recurrent_layers,
    "recurrent_linear": recurrent_linear,
    "recurrent_cells": recurrent_cells,
    "recurrent_grid": recurrent_grid,
    "word2vec_quality": word2vec_quality,
    "word2vec_rates": word2vec_rates,
    "word2vec_fits": word2vec_fits,
    "word2vec_parts": word2vec_parts,
}
