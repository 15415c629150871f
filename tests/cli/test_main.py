"""The command line, run as a user runs it."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import time

import pytest


def kerazoo(*arguments, module="kerazoo", timeout=240):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        check=False,
    )


def test_the_demo_shows_loss_speed_neighbours_and_a_forecast(tmp_path):
    done = kerazoo("demo", "--epochs", "25", "--folder", str(tmp_path / "plots"))
    assert done.returncode == 0, done.stderr
    losses = [float(value) for value in re.findall(r"epoch +\d+/25 +loss (\d+\.\d+)", done.stdout)]
    assert len(losses) == 25
    assert losses[-1] < 0.9 * losses[0]
    assert len(re.findall(r"speed +[\d,]+ raw words/s", done.stdout)) == 2
    assert re.search(r"engine +native", done.stdout)
    # Neighbours that only this news corpus has, so that noise cannot pass the test.
    assert re.search(r"israeli .*palestinian", done.stdout)
    assert re.search(r"cricket .*test", done.stdout)
    assert re.search(r"error +RMSE \d+\.\d pounds per cow", done.stdout)
    assert (tmp_path / "plots" / "milk_forecast.png").read_bytes().startswith(b"\x89PNG")


COMMANDS = ["bench", "completion", "convert", "demo", "forecast", "generate", "phrases", "similar", "word2vec", "zoo"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(capsys, command):
    from kerazoo.cli import main as cli

    cli.main([command, "--help"])
    assert f"Example: kerazoo {command} " in capsys.readouterr().out


@pytest.mark.parametrize("module", ["kerazoo", "kerazoo.cli"])
def test_both_modules_run_the_command_line(module):
    done = kerazoo("--help", module=module)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: kerazoo ")
    for command in COMMANDS:
        assert command in done.stdout
    assert "..." not in done.stdout.partition("Commands:")[2]  # what a command does is said whole


@pytest.mark.parametrize("suffix", [".txt", ".vec.gz", ".bin", ".kv", ".safetensors", ".kerazoo"])
def test_vectors_are_trained_written_and_asked(tmp_path, monkeypatch, capsys, suffix):
    from kerazoo.cli import main as cli

    corpus = tmp_path / "corpus.txt"
    corpus.write_text("red apple green apple\nhot iron cold iron\n" * 50)
    monkeypatch.chdir(tmp_path)
    out = f"vectors{suffix}"
    train = ["word2vec", "corpus.txt", "--out", out, "--vector-size", "8", "--epochs", "3", "--seed", "1", "--quiet"]
    cli.main(train)
    assert re.match(rf"{out}: 6 vectors of 8 dimensions, loss \d\.\d+, [\d,]+ raw words/s", capsys.readouterr().out)
    cli.main(["similar", out, "apple", "iron", "--topn", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["apple", "iron"]
    assert len(re.findall(r"\w+ -?\d\.\d\d", lines[0])) == 2
    with pytest.raises(SystemExit) as stop:
        cli.main(["similar", out, "apple", "pear"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "kerazoo: not in the vocabulary of 6 words: 'pear'.\n"
    with pytest.raises(SystemExit):
        cli.main(["similar", out, "aple"])
    assert "Similar spelling: 'apple'." in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", out]


def test_cbow_and_hierarchical_softmax_from_the_shell(tmp_path, monkeypatch):
    from kerazoo import Word2Vec
    from kerazoo.cli import main as cli

    (tmp_path / "corpus.txt").write_text("red apple green apple\nhot iron cold iron\n" * 50)
    monkeypatch.chdir(tmp_path)
    options = ["--cbow", "--hs", "--negative", "0", "--sample", "0", "--quiet"]
    cli.main(["word2vec", "corpus.txt", "--out", "v.kerazoo", *options])
    model = Word2Vec.load("v.kerazoo")
    assert (model.sg, model.hs, model.negative) == (0, 1, 0)
    assert model.node_vectors_.shape == (5, 100)


@pytest.mark.parametrize(
    ("arguments", "engine"),
    [([], "auto"), (["--backend", "jax"], "keras"), (["--backend", "jax", "--engine", "native"], "native")],
)
def test_naming_a_backend_asks_for_keras(tmp_path, monkeypatch, arguments, engine):
    import kerazoo.word2vec
    from kerazoo.cli import main as cli

    class Chosen(Exception):
        pass

    def choose(**parameters):
        raise Chosen(parameters["engine"])

    monkeypatch.setattr(kerazoo.word2vec, "Word2Vec", choose)
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "tensorflow"))
    with pytest.raises(Chosen, match=engine):
        cli.main(["word2vec", "corpus.txt", "--out", str(tmp_path / "v.txt"), *arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["word2vec", "no.txt", "--out", "v.txt"], "no.txt"),
        (["word2vec", "no.txt", "--out", "v.csv"], "expected one of '.kerazoo', '.txt', '.vec', '.bin', '.kv'"),
        (["word2vec", "no.txt", "--out", "nowhere/v.txt"], "the folder 'nowhere' does not exist"),
        (["word2vec", "no.txt", "--out", "v.txt", "--window", "0"], "kerazoo: --window=0; expected an integer >= 1"),
        (["word2vec", "no.txt", "--out", "v.txt", "--loss", "nec"], "Did you mean 'nce'"),
        (["similar", "no.txt", "apple"], "no.txt: no such file"),
        (["similar", "empty.txt", "apple"], "empty.txt: empty; expected a file of word vectors."),
        (["similar", "pickle", "apple"], "If it is a file of gensim's KeyedVectors, rename it to .kv.\n"),
        (["convert", "pickle", "v.txt"], "rename it to .kv, or give --from pickle. In neither case"),
        (["convert", "no.txt", "v.kerazoo"], "a .kerazoo file holds a whole model, not vectors alone"),
        (["convert", "no.txt", "v.foo"], "the suffix of TARGET='.foo'; expected one of"),
        (["convert", "no.txt", "v.bin", "--from", "foo"], "--from='foo'; expected one of"),
        (["convert", "no.txt", "v.bin", "--to", "foo"], "--to='foo'; expected one of"),
        (
            ["phrases", "no.txt", "--out", "p.tsv", "--scoring", "foo"],
            "--scoring='foo'; expected one of 'default', 'npmi'",
        ),
        (["word2vec", "no.txt", "--out", "/proc/v.txt"], "the folder '/proc' cannot be written to"),
        (["similar", "bad.txt", "apple"], "not a .txt file of word vectors, or damaged"),
        (["similar", "bad.kv", "apple"], "not a .kv file of word vectors, or damaged"),
        (["similar", "bad.kerazoo", "apple"], "damaged or not a file of kerazoo"),
    ],
)
def test_errors_of_the_vector_commands_are_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    from kerazoo.cli import main as cli

    monkeypatch.chdir(tmp_path)
    for suffix in (".txt", ".kv", ".kerazoo"):
        (tmp_path / f"bad{suffix}").write_bytes(b"neither vectors nor a model \xff\xfe\n")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "pickle").write_bytes(pickle.dumps({"red": [1.0]}))
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("kerazoo: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--epochs", "0"], "0 is not in the range x>=1"),
        (["demo", "--backend", "theano"], "'theano' is not one of"),
        (["dmeo"], "No such command 'dmeo'"),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(arguments, message, capsys):
    from kerazoo.cli import main as cli

    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_known_error_is_one_line_without_a_traceback(monkeypatch, capsys):
    from kerazoo import datasets
    from kerazoo.cli import main as cli
    from kerazoo.errors import DatasetUnavailableError

    def unavailable():
        raise DatasetUnavailableError("lee_background.cor is missing;\n  reinstall gensim")

    monkeypatch.setattr(datasets, "lee", unavailable)
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "kerazoo: lee_background.cor is missing; reinstall gensim\n"


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("red apple green apple\nhot iron cold iron\n" * 50)
    return path


@pytest.fixture
def full_disk(monkeypatch):
    """A limit on the file size simulates a full disk: the write fails halfway."""
    resource = pytest.importorskip("resource")
    from kerazoo.cli import word2vec as cli

    real = cli.write_vectors

    def write_vectors(model, path):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        try:
            real(model, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    monkeypatch.setattr(cli, "write_vectors", write_vectors)


@pytest.mark.parametrize("suffix", [".txt", ".vec.gz", ".bin", ".kv", ".safetensors", ".kerazoo"])
def test_a_full_disk_leaves_the_old_vectors(corpus, tmp_path, capsys, full_disk, suffix):
    from kerazoo.cli import main as cli

    out = tmp_path / f"vectors{suffix}"
    out.write_bytes(b"the old vectors")
    settings = ["--vector-size", "200", "--epochs", "1", "--sample", "0", "--seed", "1", "--quiet"]
    with pytest.raises(SystemExit) as stop:
        cli.main(["word2vec", str(corpus), "--out", str(out), *settings])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be written (File too large)" in line
    assert out.read_bytes() == b"the old vectors"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", out.name]


def test_ctrl_c_writes_what_was_learned(corpus, tmp_path):
    out = tmp_path / "vectors.txt"
    arguments = ["word2vec", str(corpus), "--out", str(out), "--vector-size", "8", "--epochs", "100000", "--seed", "1"]
    checkpoints = ["--checkpoint-dir", str(tmp_path / "checkpoints"), "--checkpoint-minutes", "0"]
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from kerazoo.cli.main import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, *checkpoints], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "checkpoints" / "fit-0.kerazoo").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=280)
    assert process.returncode == 130, errors
    assert "6 vectors of 8 dimensions, as they were when the training stopped" in errors
    assert errors.rstrip().endswith("kerazoo: interrupted")
    assert out.read_text().startswith("6 8\n")


def test_a_diverging_training_is_one_line_and_leaves_good_vectors(tmp_path, monkeypatch, capsys):
    from kerazoo import datasets
    from kerazoo.cli import main as cli

    text = tmp_path / "lee.txt"
    text.write_text("\n".join(" ".join(document) for document in datasets.lee()))
    out = tmp_path / "vectors.txt"
    with pytest.raises(SystemExit) as stop:
        cli.main(
            [
                "word2vec",
                str(text),
                "--out",
                str(out),
                "--alpha",
                "1000",
                "--epochs",
                "9",
                "--seed",
                "1",
                "--quiet",
                "--loss",
                "sampled_softmax",
            ]
        )
    assert stop.value.code == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "as they were when the training stopped" in first
    assert second.startswith("kerazoo: the training diverges")
    assert len(out.read_text().splitlines()) > 1000


def test_version():
    import kerazoo as package

    assert package.__version__ in kerazoo("--version").stdout
