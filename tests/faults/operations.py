"""The operations that faults are injected into: what each writes or reads, and what must hold afterwards.

Every operation works in a folder of its own: `in` has what it reads, `out` what it writes, and `tmp` is the folder of
temporary files. Its first run is undisturbed and says what `out` is to contain.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.layer import FAULTS, MEMORY, Fault

__all__ = ["Failed", "Operation", "command", "digest", "fast", "loads", "saves"]

WRITES = tuple(fault for fault in FAULTS if fault.kind not in ("open to read", "read", "read short", "mmap"))
_READING = ("open to read", "open", "read", "read short", "mmap", "seek", "stat", "list")
READS = tuple(fault for fault in FAULTS if fault.kind in _READING)


class Failed(Exception):
    """A command ended with this line on stderr."""


def digest(*arrays: Any) -> str:
    """Of the bytes of arrays."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _content(path: Path) -> bytes:
    """What is in a file, without the time that gzip writes; of a folder, that it is one."""
    if path.is_dir():
        return b"a folder"
    if path.stat().st_size == 5:  # `older`
        return path.read_bytes()
    if ".kv" in path.suffixes:  # gensim writes the time
        return repr(_loaded(path)).encode()
    opened = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(path.suffix, open)
    with opened(path, "rb") as file:
        return bytes(file.read())


def _loaded(path: Path) -> Any:
    if path.suffix == ".npy":
        return digest(np.load(path))
    from kerazoo.word2vec import load_vectors

    found = load_vectors(path)
    return digest(found.vectors), found.words[:9]


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        name: in the report.
        run: the operation, in a folder as above; what it returns must not depend on faults that it survives.
        prepare: makes the inputs, in a new folder.
        earlier: makes older files in `out`; a failure leaves them or the new ones. None: nothing there before.
        usable: raises if the estimator in memory does not work any more.
        content: of a file of `out`, to compare it with an old or a new one; default: its bytes.
        survives: whether the operation may go on without the file, with a RuntimeWarning, such as a checkpoint.
        keeps: start of the names in `out` that may stay after a failure, for the next run to go on.
        faults: that are injected.
        complete: checks of what is in `out` after a fault that do not compare with an older file.
    """

    name: str
    run: Callable[[Path], Any]
    prepare: Callable[[Path], None] = lambda folder: None
    earlier: Callable[[Path], None] | None = None
    usable: Callable[[], Any] = lambda: None
    content: Callable[[Path], Any] = _content
    survives: bool = False
    keeps: str | None = None
    faults: tuple[Fault, ...] = WRITES
    complete: Callable[[Path], None] | None = None
    tags: tuple[str, ...] = field(default=())


def command(*arguments: Any) -> str:
    """Run the command line in this process; what it writes to stdout, or :class:`Failed`."""
    from kerazoo.cli.main import main

    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            main([str(each) for each in arguments])
        except SystemExit as stop:
            if stop.code:
                lines = errors.getvalue().splitlines()
                if "Traceback" in errors.getvalue() or not lines:
                    raise AssertionError(f"exit code {stop.code} with {errors.getvalue()!r}") from None
                raise Failed(lines[-1]) from None
    return out.getvalue()


TEXT = [" ".join(f"word{i * j % 61}" for j in range(1, 14)) for i in range(1, 60)]


@cache
def words() -> Any:
    """A fitted `Word2Vec`."""
    from kerazoo import Word2Vec

    return Word2Vec(vector_size=40, min_count=1, epochs=1, seed=1, workers=1, verbose=0).fit(TEXT)


@cache
def large_words() -> Any:
    """One whose tables are large enough for faults of memory."""
    from kerazoo import Word2Vec

    return Word2Vec(vector_size=1500, min_count=1, epochs=1, seed=1, workers=1, verbose=0).fit(TEXT)


@cache
def more_words() -> Any:
    """Another one, whose files are the older ones; it has fewer words."""
    from kerazoo import Word2Vec

    return Word2Vec(vector_size=12, min_count=1, epochs=1, seed=2, workers=1, verbose=0).fit(TEXT[:9])


@cache
def subwords(seed: int = 1) -> Any:
    """A fitted `FastText`."""
    from kerazoo import FastText

    settings = {"vector_size": 16, "bucket": 50, "min_count": 1, "epochs": 1, "seed": seed, "workers": 1, "verbose": 0}
    return FastText(**settings).fit(TEXT[: 20 * seed])


@cache
def dropin(seed: int = 1) -> Any:
    """A model of `kerazoo.gensim`."""
    from kerazoo.gensim import Word2Vec

    return Word2Vec([line.split() for line in TEXT], vector_size=20, min_count=1, epochs=1, seed=seed, workers=1)


@cache
def phrases(n: int = 59) -> Any:
    """Fitted `Phrases`."""
    from kerazoo.text import Phrases

    return Phrases([line.split() for line in TEXT[:n]], min_count=1, threshold=0.1)


@cache
def milk(months: int = 120) -> Any:
    """A fitted `Forecaster` without networks, which needs no Keras."""
    from kerazoo import Forecaster, datasets

    return Forecaster(horizon=12, epochs=0, verbose=0, seed=1).fit(datasets.milk()[:months])


def neighbours() -> None:
    """The model in memory works."""
    assert np.isfinite(words().vectors_).all()
    assert len(words().wv.most_similar("word1")) == 10


def next_months() -> None:
    """The forecaster in memory works."""
    assert np.isfinite(milk().predict(3)).all()


def saves() -> list[Operation]:
    """What estimators write."""
    from kerazoo.word2vec import save_vectors

    found = []

    def add(
        name: str, save: Callable[[Any, Path], Any], of: Any, old: Any, file: str, usable: Any, faults: Any = WRITES
    ) -> None:
        found.append(
            Operation(
                name,
                run=lambda folder: save(of(), folder / "out" / file),
                earlier=lambda folder: save(old(), folder / "out" / file),
                usable=usable,
                faults=faults,
            )
        )

    add("Word2Vec.save", lambda model, path: model.save(path), words, more_words, "m.kerazoo", neighbours)
    add(
        "FastText.save", lambda model, path: model.save(path), subwords, lambda: subwords(2), "m.kerazoo",
        lambda: subwords().wv.most_similar("word1"),
    )  # fmt: skip
    add(
        "FastText.save_facebook_model", lambda model, path: model.save_facebook_model(path),
        lambda: subwords().set_params(loss="nce"), lambda: subwords(2), "m.bin", lambda: subwords().wv["wor"],
    )  # fmt: skip
    add(
        "gensim.Word2Vec.save", lambda model, path: model.save(path), dropin, lambda: dropin(2), "m.model",
        lambda: dropin().wv.most_similar("word1"),
    )  # fmt: skip
    add("Phrases.save", lambda model, path: model.save(path), phrases, lambda: phrases(9), "p.kerazoo",
        lambda: phrases()[["word1", "word2"]])  # fmt: skip
    add("FrozenPhrases.save", lambda model, path: model.freeze().save(path), phrases, lambda: phrases(9),
        "p.kerazoo", lambda: phrases()[["word1", "word2"]])  # fmt: skip
    add("Forecaster.save", lambda model, path: model.save(path), milk, lambda: milk(60), "f.kerazoo", next_months)
    for suffix in (".txt", ".txt.gz", ".vec.bz2", ".txt.xz", ".bin", ".bin.zst", ".kv", ".kv.gz", ".safetensors"):
        add(f"save_vectors {suffix}", save_vectors, words, more_words, f"v{suffix}", neighbours)
    add("save_vectors int8", lambda model, path: save_vectors(model, path, dtype="int8"), words, more_words,
        "v.safetensors", neighbours)  # fmt: skip
    add("save_vectors projector", lambda model, path: save_vectors(model, path.parent, format="projector"), words,
        more_words, "folder", neighbours)  # fmt: skip

    def beside(model: Any, path: Path) -> None:
        from gensim import utils

        of_large = utils.SaveLoad.save.__defaults__
        utils.SaveLoad.save.__defaults__ = (None, 1000, *of_large[2:])  # arrays of 1 kB go into files of their own
        try:
            save_vectors(model, path)
        finally:
            utils.SaveLoad.save.__defaults__ = of_large

    for suffix in (".txt", ".bin", ".kv", ".txt.gz", ".bin.zst"):
        add(f"save_vectors {suffix}, large", save_vectors, large_words, words, f"v{suffix}", neighbours, (MEMORY,))
    add("save_vectors .kv with arrays beside it", beside, words, more_words, "v.kv", neighbours)
    return found


def copies() -> list[Operation]:
    """What goes through the folder of temporary files."""
    import copy
    import pickle

    def copied(folder: Path) -> list[float]:
        return list(copy.deepcopy(milk()).predict(3))

    def pickled(folder: Path) -> list[float]:
        return list(pickle.loads(pickle.dumps(milk())).predict(3))

    return [
        Operation("copy.deepcopy(Forecaster)", copied, usable=next_months, faults=FAULTS),
        Operation("pickle of Forecaster", pickled, usable=next_months, faults=FAULTS),
    ]


def _write_text(folder: Path, times: int = 1) -> None:
    (folder / "in" / "text.txt").write_text("\n".join(TEXT * times) + "\n")


def encodings() -> list[Operation]:
    """Texts that are encoded to a file."""
    from kerazoo.text import EncodedCorpus
    from kerazoo.text.shards import plan

    def summary(corpus: Any) -> str:
        return digest(corpus.ids, corpus.offsets) + str(corpus.vocabulary.words)

    def from_tokens(folder: Path) -> Any:
        tokens = [line.split() for line in TEXT]
        return summary(EncodedCorpus.from_source(tokens, min_count=1, path=folder / "out" / "c.kz"))

    def from_file(folder: Path) -> Any:
        found = EncodedCorpus.from_source(folder / "in" / "text.txt", min_count=1, workers=1, path=folder / "out/c.kz")
        return summary(found)

    def in_units(folder: Path) -> Any:
        before, plan.UNIT_BYTES = plan.UNIT_BYTES, 6000
        try:
            return from_file(folder)
        finally:
            plan.UNIT_BYTES = before

    def older(folder: Path) -> None:
        EncodedCorpus.from_source([["old", "text"]] * 3, min_count=1, path=folder / "out" / "c.kz")

    faults = (*FAULTS, MEMORY)
    return [
        Operation("encode tokens to a file", from_tokens, earlier=older, faults=faults),
        Operation("encode a text to a file", from_file, _write_text, older, faults=faults),
        Operation(
            "encode a text in units to a file", in_units, lambda folder: _write_text(folder, 3), older,
            keeps=".c.kz.parts", faults=faults,
        ),
    ]  # fmt: skip


def loads() -> list[Operation]:
    """What is read back."""
    from kerazoo import FastText, Forecaster, Word2Vec
    from kerazoo.gensim import Word2Vec as Gensim
    from kerazoo.text import EncodedCorpus, FrozenPhrases, Phrases
    from kerazoo.word2vec import load_vectors, save_vectors

    def corpus(path: Path) -> None:
        EncodedCorpus.from_source([line.split() for line in TEXT], min_count=1, path=path)

    makers: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
        "Word2Vec.load": (lambda path: words().save(path), lambda path: digest(Word2Vec.load(path).vectors_)),
        "Word2Vec.load mmap=False, large": (
            lambda path: large_words().save(path), lambda path: digest(Word2Vec.load(path, mmap=False).vectors_),
        ),
        "Word2Vec.load mmap=False": (
            lambda path: words().save(path), lambda path: digest(Word2Vec.load(path, mmap=False).vectors_),
        ),
        "FastText.load": (lambda path: subwords().save(path), lambda path: digest(FastText.load(path).vectors_)),
        "FastText.load_facebook_model": (
            lambda path: subwords().save_facebook_model(path),
            lambda path: digest(FastText.load_facebook_model(path).vectors_),
        ),
        "gensim.Word2Vec.load": (lambda path: dropin().save(path), lambda path: digest(Gensim.load(path).wv.vectors)),
        "Forecaster.load": (lambda path: milk().save(path), lambda path: list(Forecaster.load(path).predict(3))),
        "Phrases.load": (lambda path: phrases().save(path), lambda path: str(Phrases.load(path).export_phrases())),
        "FrozenPhrases.load": (
            lambda path: phrases().freeze().save(path), lambda path: str(FrozenPhrases.load(path).phrasegrams),
        ),
        "EncodedCorpus.load": (corpus, lambda path: digest(EncodedCorpus.load(path).ids)),
        "EncodedCorpus.load mmap=False": (corpus, lambda path: digest(EncodedCorpus.load(path, mmap=False).ids)),
    }  # fmt: skip
    found = [
        Operation(
            name,
            run=lambda folder, load=load: load(folder / "in" / "file"),
            prepare=lambda folder, make=make: make(folder / "in" / "file"),
            faults=(*READS, MEMORY),
        )
        for name, (make, load) in makers.items()
    ]
    found += [
        Operation(
            f"load_vectors {suffix}",
            run=lambda folder, suffix=suffix: digest(load_vectors(folder / "in" / f"v{suffix}").vectors),
            prepare=lambda folder, suffix=suffix: save_vectors(words(), folder / "in" / f"v{suffix}"),
            faults=(*READS, MEMORY),
        )
        for suffix in (".txt", ".vec.gz", ".txt.bz2", ".bin.xz", ".bin", ".txt.zst", ".kv", ".safetensors")
    ]
    found.append(
        Operation(
            "read a text",
            run=lambda folder: digest(EncodedCorpus.from_source(folder / "in" / "text.txt", min_count=1).ids),
            prepare=_write_text,
            faults=(*READS, MEMORY),
        )
    )
    return found


def trainings() -> list[Operation]:
    """Trainings with checkpoints by the native engine."""
    from kerazoo import Word2Vec

    def fit(folder: Path, kind: Any = Word2Vec, **more: Any) -> str:
        settings = {"vector_size": 12, "min_count": 1, "epochs": 3, "seed": 1, "workers": 1, "verbose": 0, **more}
        fitted = kind(**settings, checkpoint_dir=folder / "out", checkpoint_minutes=0).fit(TEXT)
        fitted.wv.most_similar("word1")
        return digest(fitted.vectors_)

    def begun(folder: Path) -> None:
        """A checkpoint of a training that was stopped after its first epoch."""
        from kerazoo.word2vec.engines.progress import TrainingProgress

        real = TrainingProgress.end_epoch

        def stop(self: Any, loss: float) -> None:
            real(self, loss)
            if len(self.history["loss"]) == 2:
                raise KeyboardInterrupt

        TrainingProgress.end_epoch = stop  # type: ignore[method-assign]
        try:
            fit(folder)
        except KeyboardInterrupt:
            assert list((folder / "out").iterdir())
        finally:
            TrainingProgress.end_epoch = real  # type: ignore[method-assign]

    def whole(folder: Path) -> None:
        for path in (folder / "out").iterdir():
            Word2Vec.load(path, mmap=False)

    return [
        Operation(
            "fit with checkpoints, native engine", fit, survives=True, complete=whole, faults=(*FAULTS, MEMORY)
        ),
        Operation(
            "fit that goes on from a checkpoint", fit, earlier=begun, survives=True, complete=whole, faults=FAULTS
        ),
        Operation(
            "fit with checkpoints, large tables", lambda folder: fit(folder, vector_size=1500), survives=True,
            complete=whole, faults=(MEMORY,),
        ),
        Operation(
            "fit with checkpoints, hierarchical softmax", lambda folder: fit(folder, hs=1), survives=True,
            complete=whole,
        ),
    ]  # fmt: skip


def commands() -> list[Operation]:
    """What the command line writes, without Keras."""
    from kerazoo.word2vec import save_vectors

    found = []

    def add(
        name: str, arguments: Callable[[Path], list[Any]], prepare: Any, outputs: tuple[str, ...], **more: Any
    ) -> None:
        def older(folder: Path) -> None:
            for output in outputs:
                (folder / "out" / output).write_text("older")

        found.append(
            Operation(
                f"kerazoo {name}", lambda folder: command(*arguments(folder)) and None, prepare, older, faults=FAULTS,
                tags=("independent",), **more,
            )
        )  # fmt: skip

    add(
        "word2vec",
        lambda folder: [
            "word2vec", folder / "in", "--out", folder / "out/v.txt", "--vector-size", 12, "--epochs", 1, "--seed", 1,
            "--workers", 1, "--min-count", 1, "--quiet",
        ],
        _write_text, ("v.txt",), survives=True,
    )  # fmt: skip
    for target in ("v.bin", "v.safetensors", "v.txt.gz", "v.kv"):
        add(
            f"convert {target}",
            lambda folder, target=target: ["convert", folder / "in/v.txt", folder / "out" / target],
            lambda folder: save_vectors(words(), folder / "in/v.txt"), (target,),
        )  # fmt: skip
    add(
        "convert --to projector",
        lambda folder: ["convert", folder / "in/v.txt", folder / "out", "--to", "projector"],
        lambda folder: save_vectors(words(), folder / "in/v.txt"), ("vectors.tsv", "metadata.tsv"),
    )  # fmt: skip
    add(
        "phrases",
        lambda folder: [
            "phrases", folder / "in", "--out", folder / "out/p.tsv", "--text", folder / "out/t.txt", "--min-count", 1,
            "--threshold", 0.1, "--workers", 1,
        ],
        _write_text, ("p.tsv", "t.txt"),
    )  # fmt: skip
    add(
        "generate",
        lambda folder: ["generate", "--n", 3, "--length", 40, "--seed", 1, "--out", folder / "out/s.csv"],
        lambda folder: None, ("s.csv",),
    )  # fmt: skip
    return found


def fast() -> list[Operation]:
    """All that need no Keras."""
    return [*saves(), *copies(), *encodings(), *loads(), *trainings(), *commands()]
