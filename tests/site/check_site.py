"""Look at the built site in Chromium: `python -m tests.site.check_site build/site [--pictures FOLDER]`.

Every page is opened at the width of a desktop and of a phone. Wrong are: an error on the console, a request that fails
or goes to another host, and a page that is wider than its window. Then the search must find some words, and all links
and anchors must point somewhere. The exit status is 1 if something is wrong.

Needs the package playwright (`make docs-check` installs it) and a Chromium or Chrome of the system.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.site.crawl import broken_links, documents, foreign_parts

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = {"desktop": 1280, "phone": 390}
#: Word of a search -> text that its first results must have.
SEARCHES = {"NCE": "NCE", "Forecaster": "Forecaster", "cluster": "cluster"}
PICTURES = (
    "", "start-word-vectors/", "start-forecasts/", "start-zoo/", "decisions/", "api/word2vec/", "api/commands/",
    "benchmarks/", "benchmarks/word2vec_native/", "zoo/", "contributing/", "notebooks/",
)  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that prints nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not printed."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of the folder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def look_at(context: Any, base: str, path: str, picture: Path | None) -> list[str]:
    """What is wrong with a page at the width of the context."""
    wrong: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: message.type == "error" and wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"request failed: {request.url}"))
    page.on(
        "request",
        lambda request: request.url.startswith((base, "data:", "blob:")) or wrong.append(f"foreign: {request.url}"),
    )
    page.goto(base + path, wait_until="load")
    width, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    if width > window:
        widest = page.evaluate(
            """window => [...document.querySelectorAll('article *')]
            .filter(each => each.getBoundingClientRect().right > window + 1)
            .slice(0, 3).map(each => each.outerHTML.slice(0, 120))""",
            window,
        )
        wrong.append(f"{width} pixels wide in a window of {window}: {widest}")
    if picture:
        page.screenshot(path=str(picture))
    page.close()
    return wrong


def search(context: Any, base: str, word: str, expected: str) -> list[str]:
    """What is wrong with the search for a word."""
    page = context.new_page()
    page.goto(base, wait_until="load")
    page.keyboard.press("s")
    page.keyboard.type(word)
    try:
        page.wait_for_selector(".md-search-result__link", timeout=20_000)
        found = " ".join(page.locator(".md-search-result__link").all_inner_texts()[:8])
    except Exception as error:  # what a missing result raises is a class of playwright
        return [f"search for {word}: {error}"]
    finally:
        page.close()
    return [] if expected.lower() in found.lower() else [f"search for {word}: found {found[:200]!r}"]


def check(folder: Path, browser: str, pictures: Path | None) -> list[str]:
    """Everything that is wrong with the site in `folder`."""
    from playwright.sync_api import sync_playwright

    wrong = [f"broken link: {each}" for each in broken_links(folder)]
    wrong += [f"from another host: {each}" for each in foreign_parts(folder)]
    paths = [path.removesuffix("index.html") for path in documents(folder)]
    with served(folder) as base, sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=browser, args=ARGUMENTS)
        for name, width in WIDTHS.items():
            context = window.new_context(viewport={"width": width, "height": 900})
            for path in paths:
                picture = None
                if pictures and path in PICTURES:
                    picture = pictures / f"{name}_{path.strip('/').replace('/', '_') or 'index'}.png"
                wrong += [f"{name}, /{path}: {each}" for each in look_at(context, base, path, picture)]
            for word, expected in SEARCHES.items() if width == max(WIDTHS.values()) else ():
                wrong += search(context, base, word, expected)
            context.close()
        window.close()
    widths = " and ".join(f"{width} pixels" for width in WIDTHS.values())
    print(f"{len(paths)} pages at {widths}, {len(SEARCHES)} searches")
    return wrong


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the built site")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of some pages")
    given = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"no browser: none of {', '.join(BROWSERS)} is installed. On Debian: apt-get install chromium")
        return 1
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    wrong = check(given.folder, browser, given.pictures)
    print(*wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
