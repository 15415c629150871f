"""Pages of benchmarks, made from `benchmarks/results/*.json` when the site is built."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docs.site.repository import ROOT

RESULTS = ROOT / "benchmarks" / "results"
#: Sections of the navigation, and what the names of their files begin with.
SECTIONS = {
    "Word vectors": ("word2vec", "fasttext", "gensim", "phrases", "corpus", "out_of_core", "batching"),
    "Forecasts": ("forecast", "competitions", "many_series", "generators"),
    "Networks": ("recurrent", "first_step", "gpu"),
    "Package": ("",),
}
LONGEST = 200  # rows of a table; the file has all
WIDEST = 24  # columns


def files() -> list[Path]:
    """The files, sorted."""
    return sorted(RESULTS.glob("*.json"))


def pages() -> dict[str, str]:
    """Every page: path -> Markdown."""
    return {f"benchmarks/{path.stem}.md": page(path) for path in files()}


def navigation() -> list[dict[str, Any]]:
    """The entries of the navigation, by section."""
    entries: dict[str, list[dict[str, str]]] = {section: [] for section in SECTIONS}
    for path in files():
        section = next(name for name, starts in SECTIONS.items() if path.stem.startswith(starts))
        entries[section].append({path.stem: f"benchmarks/{path.stem}.md"})
    return [{section: items} for section, items in entries.items() if items]


def page(path: Path) -> str:
    """The page of a file: question, machine, versions, settings, and a table for each result."""
    document = json.loads(path.read_text())
    parts = [f"# {path.stem}", document.get("question", ""), about(document.get("machine", {}))]
    for name, value in (document.get("results") or {}).items():
        parts += [f"## {titled(name)}", *shown(value, 3)]
    settings = document.get("settings") or {}
    if settings:
        parts += ["## Settings", rows_of(settings, ("setting", "value"))]
    raw = f"[{path.name}](results/{path.name})"
    parts.append(f"All values: {raw}. What is measured, and how to repeat it: [benchmarks](index.md).")
    return "\n\n".join(part for part in parts if part) + "\n"


def about(machine: Mapping[str, Any]) -> str:
    """Where, when and with what: a list."""
    versions = ", ".join(f"{name} {version}" for name, version in (machine.get("versions") or {}).items() if version)
    gpus = ", ".join(
        gpu if isinstance(gpu, str) else " ".join(map(str, gpu.values())) for gpu in machine.get("gpus") or ()
    )
    memory = machine.get("memory_gib")
    facts = {
        "Date": machine.get("date"),
        "Machine": ", ".join(str(each) for each in (
            machine.get("cpu"), f"{machine.get('cores')} cores", memory and f"{memory} GiB", machine.get("system"),
        ) if each),
        "GPU": gpus,
        "Versions": ", ".join(filter(None, (machine.get("python") and f"Python {machine['python']}", versions))),
        "Commit": machine.get("commit") and f"`{machine['commit']}`",
    }  # fmt: skip
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items() if fact)


def titled(name: str) -> str:
    """A key as a heading."""
    return {"rows": "Results", "runs": "Single runs"}.get(name) or str(name).replace("_", " ")


def shown(value: Any, level: int) -> list[str]:
    """A result as blocks of Markdown: tables, with headings where they nest."""
    if isinstance(value, list):
        if value and all(isinstance(row, dict) for row in value):
            return [table(value)]
        return [number(value)]
    if not isinstance(value, dict):
        return [number(value)]
    if all(not isinstance(each, dict | list) for each in value.values()):
        return [rows_of(value)]
    if all(isinstance(each, dict) for each in value.values()) and all(map(is_flat, value.values())):
        return [table([{"": name, **row} for name, row in value.items()])]
    blocks: list[str] = []
    plain = {name: each for name, each in value.items() if is_plain(each)}
    if plain:
        blocks.append(rows_of(plain))
    for name, each in value.items():
        if name not in plain:
            blocks += [f"{'#' * level} {titled(name)}", *shown(each, min(level + 1, 6))]
    return blocks


def is_plain(value: Any) -> bool:
    """Whether a value fits into a cell of a table."""
    return not isinstance(value, dict) and not (
        isinstance(value, list) and any(isinstance(e, dict | list) for e in value)
    )


def is_flat(row: Mapping[str, Any]) -> bool:
    """Whether all values fit into cells, or are small groups of such."""
    return all(
        is_plain(each) or (isinstance(each, dict) and all(map(is_plain, each.values()))) for each in row.values()
    )


def flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A row whose inner dicts are columns of their own."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}, ")
        elif is_plain(value):
            found[prefix + name] = value
        else:
            found[prefix + name] = f"{len(value)} values, in the file"
    return found


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of rows that may lack columns."""
    flattened = [flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flattened for name in row))
    note = ""
    if len(columns) > WIDEST:
        note = f"\n\n{len(columns) - WIDEST} further columns are in the file."
        columns = columns[:WIDEST]
    if len(flattened) > LONGEST:
        note += f"\n\n{len(flattened) - LONGEST} further rows are in the file."
        flattened = flattened[:LONGEST]
    lines = [line(map(titled, columns)), line("---" for _ in columns)]
    lines += [line(number(row.get(name)) for name in columns) for row in flattened]
    return "\n".join(lines) + note


def rows_of(values: Mapping[str, Any], header: tuple[str, str] = ("", "")) -> str:
    """A table of two columns."""
    lines = [line(header), line(("---", "---"))]
    lines += [line((titled(name), number(value))) for name, value in flat(values).items()]
    return "\n".join(lines)


def line(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") or " " for cell in cells) + " |"


def number(value: Any) -> str:
    """A value as text: four digits of numbers, the range of long lists."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if isinstance(value, list):
        if len(value) > 6 and all(isinstance(each, int | float) for each in value):
            return f"{len(value)} values, {number(min(value))} to {number(max(value))}"
        return ", ".join(map(number, value[:20])) + (", ..." if len(value) > 20 else "")
    # Text may have signs that mean something in Markdown; code stays as it is.
    text = str(value)
    return text if "`" in text else text.replace("_", "\\_").replace("*", "\\*").replace("<", "&lt;")
