"""The command `kerazoo bench`: a short benchmark of this machine, with an installed package alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kerazoo._runtime.files import replacing
from kerazoo._runtime.progress import progress_bar
from kerazoo.cli.commands import Command, backend_option, check_output, set_backend
from kerazoo.cli.terminal import say

__all__ = ["bench"]

REPEATS = 3
SECONDS = 6.0  # of each part, after which no round is begun
PARTS = ("words", "pairs", "forecasts")


@click.command(cls=Command, short_help="Measure this machine: words, pairs and forecasts per second.")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Measure this alone; may be given several times.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all runs, machine and versions here.")
@backend_option(" of the generator of pairs")
def bench(only: tuple[str, ...], json_file: Path | None, backend: str | None) -> None:
    """Measure words, pairs and forecasts per second on this machine, in less than 30 seconds on two cores.

    Sides of a comparison do the same work and run in turns; the figures are medians of up to three rounds. Quality is
    not measured: the text is random, with the word frequencies of Zipf's law. The benchmarks of the project, on real
    texts and series and with their quality, need its source: python -m benchmarks lists them.

    Example: kerazoo bench --json bench.json
    """
    check_output("--json", json_file, (".json",))
    set_backend(backend, needed=False)
    from kerazoo.cli import bench_runs as runs

    started = time.perf_counter()
    machine = runs.machine()
    memory = "" if machine["memory_gib"] is None else f", {machine['memory_gib']:g} GiB"
    say(f"machine     {machine['cpu']}, {machine['cores']} cores{memory}, {machine['system']}")
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    say(f"versions    Python {machine['python']}, {versions}")
    needs = {"words": (), "pairs": ("keras", machine["backend"]), "forecasts": ("pandas", "scipy", "threadpoolctl")}
    chosen = [part for part in PARTS if part in only or not only]
    documents = runs.zipf_text(**runs.SETTINGS["words"])
    sides: dict[str, Callable[[], list[runs.Side]]] = {
        "words": lambda: runs.words(documents),
        "pairs": lambda: runs.pairs(documents),
        "forecasts": runs.forecasts,
    }
    results: dict[str, list[dict[str, Any]]] = {}
    for part in chosen:
        lacks = runs.missing(needs[part])
        if lacks:
            say(f"{part:<12}not measured: {lacks}")
            continue
        with progress_bar(None, "run", f"preparing {part}"):
            found = sides[part]()
        with progress_bar(len(found) * REPEATS, "run", part, unit_scale=False) as bar:
            runs.alternate(found, REPEATS, SECONDS, bar.update)
        results[part] = runs.summary(found, "series" if part == "forecasts" else part)
        _print(part, results[part], runs.SETTINGS)
    if json_file is not None:
        content = {"machine": machine, "settings": runs.SETTINGS, "repeats": REPEATS, "results": results}
        with replacing(json_file) as file:
            file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        say(f"file        {json_file}")
    say(f"done in {time.perf_counter() - started:.1f} s")


def _print(part: str, rows: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    """The work in words, and a line for each side."""
    text, fit, series = settings["words"], settings["word2vec"], settings["forecasts"]
    work = {
        "words": f"skip-gram with {fit['negative']} noise words, {fit['vector_size']} dimensions, all cores, "
        f"{text['raw_words']:,} words",
        "pairs": f"batches of {settings['pairs']['batch_size']:,} skip-gram pairs, window {fit['window']}, one thread",
        "forecasts": f"{series['n_series']} monthly series of {series['length']} values, fit and forecast of "
        f"{series['horizon']} months with intervals",
    }
    say(f"{part:<12}{work[part]}")
    for row in rows:
        ratio = f"  {row['ratio']:.2f} times {rows[-1]['side']}" if part == "words" and row is not rows[-1] else ""
        spread = f"({min(row['rates']):,.0f} to {max(row['rates']):,.0f} in {len(row['rates'])} runs)"
        say(f"  {row['side']:<26}{row['median']:>14,.0f} {row['unit']}  {spread}{ratio if part == 'words' else ''}")
