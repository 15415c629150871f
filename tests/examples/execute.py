"""Execute the notebooks of `examples/`: `python -m tests.examples.execute [NAME ...] [--quick --folder FOLDER]`.

Without arguments all are executed, and written in place.

A kernel of this Python runs each notebook in an empty folder, so neither a kernel has to be installed nor does a
notebook find files of the checkout. What differs between two runs of the same code (times of the cells, versions), and
the lines that TensorFlow writes when it starts, are left out.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LARGEST = 300 * 2**10  # bytes of a file
#: What TensorFlow writes to stderr when it is imported, whatever the level of its log is.
START_UP = re.compile(
    r"^(?:WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} \d\d:\d\d:\d\d).*(?:\n|\Z)", re.MULTILINE
)
#: What TensorFlow writes to stdout when several small models are trained one after the other, at some runs.
RETRACED = re.compile(r"^WARNING:tensorflow:\d+ out of the last \d+ calls to .*(?:\n|\Z)", re.MULTILINE)
#: Folders that are there on the machine of a writer only.
ABSOLUTE_PATH = re.compile(r"(?<![\w./:])/(?:home|root|tmp|var|usr|opt|mnt|work|Users)/")


def execute(path: Path, quick: bool, timeout: int = 3600) -> Any:
    """The notebook at `path` with the outputs of a new run.

    Args:
        path: of the notebook, which stays as it is.
        quick: whether its small settings are used (`KERAZOO_QUICK`).
        timeout: seconds for one cell.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised an error.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        inherited = {name: value for name, value in os.environ.items() if name != "KERAZOO_QUICK"}
        # Nothing is read from the home of the user, or written to it.
        private = {name: str(Path(folder) / name) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **inherited, **private, "PYTHONPATH": str(EXAMPLES.parent)}
        if quick:
            environment["KERAZOO_QUICK"] = "1"
        os.environ["JUPYTER_RUNTIME_DIR"] = str(Path(folder) / "runtime")
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            coalesce_streams=True,
            resources={"metadata": {"path": str(work)}},
        )
        client.execute(env=environment)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            for output in cell.outputs:
                if output.output_type == "stream" and output.name == "stderr":
                    output.text = START_UP.sub("", output.text)
                elif output.output_type == "stream":
                    output.text = RETRACED.sub("", output.text)
                picture = output.get("data", {}).get("image/png")
                if picture:
                    output.data["image/png"] = smaller(picture)
            cell.outputs = [output for output in cell.outputs if output.get("text") != ""]
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def smaller(picture: str) -> str:
    """A PNG in base64 with 256 colours, which takes half of the bytes or less; text and lines look the same."""
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def problems(notebook: Any) -> list[str]:
    """What must not be in the outputs of a notebook, and what is missing there; empty if all is well."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = []
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("the cells were not executed once, from the first to the last")
    pictures = 0
    for cell in code:
        for output in cell.outputs:
            number, kind = cell.execution_count, output.output_type
            if kind == "error":
                found.append(f"cell {number} raised {output.ename}")
            elif kind == "stream" and output.name == "stderr":
                found.append(f"cell {number} wrote to stderr: {output.text[:300]}")
            pictures += "image/png" in output.get("data", {})
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            if ABSOLUTE_PATH.search(text):
                found.append(f"cell {number} shows a path: {text[:300]}")
    if not pictures:
        found.append("there is no picture")
    return found


def main() -> None:
    """Execute notebooks and write them, in place or into a folder."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("names", nargs="*", help="files in examples/; all by default")
    parser.add_argument("--quick", action="store_true", help="small settings: seconds instead of minutes")
    parser.add_argument("--folder", type=Path, default=EXAMPLES, help="where the executed notebooks are written")
    given = parser.parse_args()
    for name in given.names or sorted(path.name for path in EXAMPLES.glob("*.ipynb")):
        notebook = execute(EXAMPLES / name, given.quick)
        text = nbformat.writes(notebook) + "\n"
        (given.folder / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text.encode()):,} bytes", *problems(notebook), sep="\n  ")


if __name__ == "__main__":
    main()
