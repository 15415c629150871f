"""Hooks of MkDocs: pages that are made when the site is built, and links to files of the repository."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # MkDocs runs this file by its path
    sys.path.insert(0, str(ROOT))

from mkdocs.config.defaults import MkDocsConfig  # noqa: E402
from mkdocs.structure.files import File, Files  # noqa: E402
from mkdocs.structure.pages import Page  # noqa: E402

from docs.site import api, benchmarks, citing, commands, notebooks, repository  # noqa: E402


def slug(text: str, separator: str) -> str:
    """The anchor of a heading, as code hosts make it, so that links work on both."""
    return re.sub(r"[^\w\- ]", "", text.lower().strip()).replace(" ", separator)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Anchors as on a code host, and the navigation with the generated pages."""
    for cached in (api.package, api.public_names, repository.title_of):
        cached.cache_clear()  # `mkdocs serve` builds again in the same process
    config.mdx_configs["toc"]["slugify"] = slug
    config.watch += [str(ROOT / name) for name in ("kerazoo", "benchmarks/results", "examples", "CONTRIBUTING.md")]
    examples = [{"Examples": page} for page in ("examples/index.md",) if page in repository.GENERATED.values()]
    sections: dict[str, list[Any]] = {
        "Notebooks": [
            "notebooks/index.md",
            *examples,
            *({each.title: f"notebooks/{each.stem}.md"} for each in notebooks.read()),
        ],
        "API": [
            "api/index.md",
            *({section.title: f"api/{section.page}.md"} for section in api.sections()),
            {"Command line": "api/commands.md"},
        ],
        "Benchmarks": ["benchmarks/index.md", {"Cells": "benchmarks/cells.md"}, *benchmarks.navigation()],
    }
    for entry in config.nav:
        for title in entry.keys() & sections.keys():
            entry[title] = sections[title]
    return config


def generated() -> dict[str, str | bytes]:
    """The pages and files that are made: path in the site -> content."""
    made: dict[str, str | bytes] = {**api.pages(), **benchmarks.pages()}
    made["api/commands.md"] = commands.page()
    made["citing.md"] = citing.page()
    for name, page in repository.GENERATED.items():
        made[page] = (ROOT / name).read_text(encoding="utf-8")
    for path in benchmarks.files():
        made[f"benchmarks/results/{path.name}"] = path.read_bytes()
    every = notebooks.read()
    made["notebooks/index.md"] = notebooks.index(every)
    for each in every:
        made[f"notebooks/{each.stem}.md"] = each.text
        made.update(each.files)
    return made


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and a page for every file of the repository that a page links to."""
    made = generated()
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    texts |= {name: text for name, text in made.items() if isinstance(text, str) and name.endswith(".md")}
    for page, text in texts.items():
        for path in repository.sources_in(text, repository.origin_of(page)):
            made[f"source/{path}.md"] = repository.source_page(path)
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links of the site instead of links of the repository, in the dialect of Python-Markdown."""
    name = page.file.src_uri
    if name.startswith(("api/", "source/")):
        return markdown
    return repository.for_python_markdown(repository.rewrite(markdown, name, api.public_names()))


def on_page_context(context: dict[str, Any], page: Page, **_: Any) -> dict[str, Any]:
    """No link for editing: the pages have no host of their own."""
    page.edit_url = None
    return context
