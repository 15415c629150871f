"""What the hooks make of pages, results, docstrings and notebooks."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from docs import measured
from docs.site import benchmarks, commands, notebooks, repository

ROOT = Path(__file__).resolve().parents[2]


# Links of the repository ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "page", "expected"),
    [
        ("[x](zoo.md#names)", "cells.md", "[x](zoo.md#names)"),
        ("[zoo.md](zoo.md)", "cells.md", "[The zoo](zoo.md)"),
        ("[x](../CONTRIBUTING.md#add-a-cell)", "cells.md", "[x](contributing.md#add-a-cell)"),
        ("[x](../benchmarks/README.md)", "cells.md", "[x](benchmarks/index.md)"),
        ("[x](docs/zoo.md)", "contributing.md", "[x](zoo.md)"),
        ("[x](../docs/zoo.md#names)", "benchmarks/index.md", "[x](../zoo.md#names)"),
        ("[x](../examples/manual_rnn.py)", "zoo.md", "[x](source/examples/manual_rnn.py.md)"),
        ("[x](README.md)", "contributing.md", "[x](index.md)"),
        ("[x](../docs/zoo.md#names)", "notebooks/2_sine.md", "[x](../zoo.md#names)"),
        ("[x](manual_rnn.py)", "notebooks/1_manual_rnn.md", "[x](../source/examples/manual_rnn.py.md)"),
        ("[x](../CONTRIBUTING.md)", "notebooks/2_sine.md", "[x](../contributing.md)"),
        ("[x](3_milk.ipynb)", "notebooks/2_sine.md", "[x](3_milk.md)"),
        ("![x](2_sine_1_0.png)", "notebooks/2_sine.md", "![x](2_sine_1_0.png)"),
        ("[x](https://keras.io)", "zoo.md", "[x](https://keras.io)"),
        ("[x](#names)", "zoo.md", "[x](#names)"),
        ("[x](nowhere.md)", "zoo.md", "[x](nowhere.md)"),
        ("[x](../nowhere.py)", "zoo.md", "[x](../nowhere.py)"),
        ("`[x](../CONTRIBUTING.md)`", "zoo.md", "`[x](../CONTRIBUTING.md)`"),
        ("```text\n[x](../CONTRIBUTING.md)\n```", "zoo.md", "```text\n[x](../CONTRIBUTING.md)\n```"),
        ("see `word2vec.json`", "zoo.md", "see [`word2vec.json`](benchmarks/word2vec.md)"),
        ("## `word2vec.json`", "zoo.md", "## `word2vec.json`"),
        ("`other.json`", "zoo.md", "`other.json`"),
    ],
)
def test_links_are_those_of_the_site(text, page, expected):
    assert repository.rewrite(text, page) == expected


def test_full_names_are_links_to_the_reference():
    made = repository.rewrite(
        "`kerazoo.zoo.build(a < b)` and `kerazoo.zoo`", "zoo.md", frozenset({"kerazoo.zoo.build"})
    )
    assert 'identifier="kerazoo.zoo.build"' in made
    assert "<code>kerazoo.zoo.build(a &lt; b)</code>" in made
    assert made.endswith(" and `kerazoo.zoo`")


def test_linked_files_get_a_page():
    assert list(
        repository.sources_in("[a](../examples/manual_rnn.py) [b](zoo.md) `[c](../setup.py)`", "docs/x.md")
    ) == ["examples/manual_rnn.py"]
    assert "# examples/manual_rnn.py\n" in repository.source_page("examples/manual_rnn.py")


# The dialect of Python-Markdown --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text\n- a\n- b", "text\n\n- a\n- b"),
        ("text\n| a | b |\n|---|---|\n| 1 | 2 |", "text\n\n| a | b |\n|---|---|\n| 1 | 2 |"),
        ("1. a\n   - b\n     c\n\n       code", "1. a\n    - b\n      c\n\n        code"),
        ("- a\n  b\n- c", "- a\n    b\n- c"),
        ("- a\n\ntext\n    code", "- a\n\ntext\n    code"),
        ("```\ntext\n- a\n```\ntext", "```\ntext\n- a\n```\ntext"),
        ("a <!-- from code: x -->3<!-- /from code --> b", "a 3 b"),
    ],
)
def test_pages_of_a_code_host_are_read_alike(text, expected):
    assert repository.for_python_markdown(text) == expected


def test_lists_nest_as_on_a_code_host():
    markdown = pytest.importorskip("markdown")
    html = markdown.markdown(repository.for_python_markdown("text\n1. one\n   - inner\n   - inner\n2. two"))
    assert (
        re.sub(r"\s", "", html) == "<p>text</p><ol><li>one<ul><li>inner</li><li>inner</li></ul></li><li>two</li></ol>"
    )


# Results -------------------------------------------------------------------------------------------------------------


def test_every_result_has_a_page_with_its_machine():
    pages = benchmarks.pages()
    assert len(pages) == len(list((ROOT / "benchmarks/results").glob("*.json"))) > 40
    for name, text in pages.items():
        document = json.loads((ROOT / "benchmarks/results" / f"{Path(name).stem}.json").read_text())
        assert document["machine"]["date"] in text
        assert f"Python {document['machine']['python']}" in text
        assert document["question"] in text
        assert "\n|" in text, f"{name} shows no table"


def test_the_navigation_has_every_result_once():
    entries = [
        page
        for section in benchmarks.navigation()
        for items in section.values()
        for each in items
        for page in each.values()
    ]
    assert sorted(entries) == sorted(benchmarks.pages())


def test_rows_with_inner_values_become_columns():
    table = benchmarks.table([{"name": "a_b", "time": {"min": 1.23456, "max": 20000.4}}, {"name": "c", "n": 3}])
    assert table.splitlines() == [
        "| name | time, min | time, max | n |",
        "| --- | --- | --- | --- |",
        "| a\\_b | 1.235 | 20,000 |   |",
        "| c |   |   | 3 |",
    ]


def test_nested_results_get_headings():
    blocks = benchmarks.shown({"of one": {"left": [{"x": 1}], "right": [{"x": 2}]}, "of two": {"left": [{"x": 3}]}}, 3)
    assert [block for block in blocks if block.startswith("#")] == [
        "### of one", "#### left", "#### right", "### of two", "#### left",
    ]  # fmt: skip


def test_long_lists_are_shown_by_their_range():
    assert benchmarks.number([3, 1, 2] * 3) == "9 values, 1 to 3"
    assert benchmarks.number([1, 2.5]) == "1, 2.5"
    assert benchmarks.number(None) == ""


def test_tables_of_decisions_follow_the_results():
    row = measured.row_of("word2vec_native", "native_nce")
    line = next(line for line in measured.engines().splitlines() if line.startswith("| `native`"))
    assert measured.million(row["epoch_rate"]) in line
    assert measured.share(row["analogies"]) in line
    for row in list(measured.forecast_rows())[:-1]:
        values = [float(value.strip("*")) for value in row[1:]]
        assert [value for value in row[1:] if value.startswith("**")] == [f"**{min(values):.3f}**"]


# The command line ----------------------------------------------------------------------------------------------------


def test_the_page_of_commands_has_all_options():
    import click

    from kerazoo.cli.main import cli

    text = commands.page()
    context = click.Context(cli, info_name="kerazoo")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command.hidden:
            continue
        part = text.partition(f"`kerazoo {name}`\n")[2].partition("\n### ")[0]
        options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
        assert part
        assert [each.opts[0] for each in options if each.opts[0] not in part] == []


def console_lines():
    """(page, command line) of the samples of the documents that call kerazoo."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                if re.match(r"\$ kerazoo( |$)", line):
                    yield page.name, line.removeprefix("$ ").partition("  #")[0]


def test_commands_in_the_documents_exist():
    """The names of commands and options in console samples; they are not run."""
    import click

    from kerazoo.cli.main import cli

    lines = list(console_lines())
    assert len(lines) > 5
    for page, line in lines:
        command, words = cli, line.split()[1:]
        while words and isinstance(command, click.Group) and not words[0].startswith("-"):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found, f"{page}: {line}"
            command = found
        known = {
            "--help",
            "-h",
            "--version",
            *(name for each in command.params for name in (*each.opts, *each.secondary_opts)),
        }
        unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - known
        assert not unknown, f"{page}: {line}"


# Notebooks -----------------------------------------------------------------------------------------------------------


def notebook(*cells):
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_notebook_is_a_page_with_its_outputs(tmp_path):
    picture = b"\x89PNG\r\n\x1a\n"
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["\x1b[31mred\x1b[0m\n"]},
        {
            "output_type": "display_data",
            "data": {"image/png": base64.b64encode(picture).decode(), "text/plain": "<Figure>"},
        },
        {
            "output_type": "execute_result",
            "data": {"text/html": "<table>\n\n<tr><td>1</td></tr></table><script>x</script>"},
        },
        {"output_type": "execute_result", "data": {"text/plain": ["4", "2"]}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []},
    ]
    (tmp_path / "10_last.ipynb").write_text(notebook({"cell_type": "markdown", "source": "text"}))
    (tmp_path / "2_first.ipynb").write_text(
        notebook(
            {"cell_type": "markdown", "source": ["# A sine\n", "text"]},
            {"cell_type": "code", "source": "print('red')", "outputs": outputs},
            {"cell_type": "code", "source": " ", "outputs": []},
        )
    )
    first, last = notebooks.read(tmp_path)
    assert (first.title, last.title) == ("A sine", "10_last")
    assert last.text.startswith("# 10_last\n")
    assert "```python\nprint('red')\n```\n\n```text\nred\n```" in first.text
    assert "![Output of the cell above](2_first_1_1.png)" in first.text
    assert first.files["notebooks/2_first_1_1.png"] == picture
    assert "<table>\n<tr><td>1</td></tr></table></div>" in first.text
    assert "script" not in first.text
    assert "```text\n42\n```" in first.text
    assert "```text\nValueError: no\n```" in first.text
    assert notebooks.index([first, last]).index("2_first.md") < notebooks.index([first, last]).index("10_last.md")


def test_headings_of_a_notebook_are_a_tree():
    text = "# 2 Title\n### 2.1 a\n# 2.2 b\n```\n# comment\n```\n#### 2.2.1 c\n# 2.2.2 d\n#### words\n# more"
    made, last = notebooks.levelled(text, 0)
    assert made.split("\n") == [
        "# 2 Title", "## 2.1 a", "## 2.2 b", "```", "# comment", "```", "### 2.2.1 c", "### 2.2.2 d", "#### words",
        "## more",
    ]  # fmt: skip
    assert last == 2
    assert notebooks.levelled("### 2.3 e", last) == ("## 2.3 e", 2)
