"""Word vectors in two dimensions: positions, labels that do not overlap, and what is refused."""

from __future__ import annotations

import itertools
import subprocess
import sys
import types

import matplotlib
import numpy as np
import pytest

from kerazoo import FastText, Word2Vec
from kerazoo.errors import InvalidArgumentError, MissingPackageError
from kerazoo.plots import plot_word_vectors
from kerazoo.word2vec import WordVectors

matplotlib.use("agg")

from matplotlib import pyplot
from matplotlib.text import Text


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def random_vectors(n=40, size=9, seed=1):
    rng = np.random.default_rng(seed)
    return [f"word{i}" for i in range(n)], rng.normal(size=(n, size))


def positions(ax):
    return np.asarray(ax.collections[0].get_offsets())


def boxes(ax):
    """The boxes of the labels that are drawn, in pixels."""
    ax.figure.canvas.draw()
    return [Text.get_window_extent(text) for text in ax.texts if text.get_visible()]


def note(ax):
    return ax.get_legend().get_texts()[-1].get_text()


def check_labels(ax):
    """No two labels overlap, all lie inside the axes, each beside its dot, and the note counts the others."""
    drawn = boxes(ax)
    for one, other in itertools.combinations(drawn, 2):
        assert not one.overlaps(other)
    frame = ax.get_window_extent()
    visible = [text for text in ax.texts if text.get_visible()]
    for box, text in zip(drawn, visible, strict=True):
        assert (box.x0 >= frame.x0 - 1, box.x1 <= frame.x1 + 1) == (True, True)
        assert (box.y0 >= frame.y0 - 1, box.y1 <= frame.y1 + 1) == (True, True)
        x, y = ax.transData.transform(text.xy)
        away = np.hypot(x - np.clip(x, box.x0, box.x1), y - np.clip(y, box.y0, box.y1))
        assert away < 8 * ax.figure.dpi / 72
    hidden = len(ax.texts) - len(drawn)
    assert note(ax) == f"{len(ax.texts)} words" + (f"; {hidden} labels have no room" if hidden else "")
    return hidden


def test_pca_is_that_of_the_unit_vectors():
    words, table = random_vectors()
    ax = plot_word_vectors((words, table), method="pca")
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :2] * values[:2]
    found = positions(ax)
    np.testing.assert_allclose(found * np.sign((found * expected).sum(axis=0)), expected, atol=1e-12)
    assert [text.get_text() for text in ax.texts] == words
    np.testing.assert_array_equal([text.xy for text in ax.texts], found)
    assert ax.get_xlabel() == "PCA"
    assert check_labels(ax) <= 2


def test_tsne_keeps_groups_together_and_repeats_with_its_seed():
    rng = np.random.default_rng(2)
    group = np.repeat([0, 1], 15)
    table = np.eye(8)[group] + 0.2 * rng.normal(size=(30, 8))
    vectors = [f"w{i}" for i in range(30)], table
    first, again = (positions(plot_word_vectors(vectors, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    distances = np.linalg.norm(first[:, None] - first[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (group[distances.argmin(axis=1)] == group).all()


@pytest.mark.parametrize("n", [3, 5, 31])
def test_few_words_can_be_drawn(n):
    ax = plot_word_vectors(random_vectors(n))
    assert np.isfinite(positions(ax)).all()
    assert ax.get_xlabel() == "t-SNE"
    assert check_labels(ax) == 0


def test_labels_do_not_pile_up_where_words_do():
    words, table = random_vectors(200, 5)
    table[:150] = 1 + 0.1 * table[:150]  # nearly in one place
    ax = plot_word_vectors((words, table), 200, "pca")
    hidden = check_labels(ax)
    assert hidden > 100
    assert ax.texts[0].get_visible()  # the first word has priority
    # In a larger figure more labels have room, in a smaller one fewer; also in a picture of another resolution.
    ax.figure.set_size_inches(18, 14)
    assert check_labels(ax) < hidden
    ax.figure.set_size_inches(5, 4)
    assert check_labels(ax) > hidden
    ax.figure.set_dpi(200)
    check_labels(ax)
    # After a change of the limits, too; dots outside have no labels.
    ax.set_xlim(positions(ax)[:, 0].mean(), positions(ax)[:, 0].max())
    ax.figure.canvas.draw()
    assert not any(text.get_visible() for text in ax.texts if text.xy[0] < ax.get_xlim()[0] - 0.1)


def test_the_note_is_right_before_anything_is_drawn():
    words, table = random_vectors(100, 3)
    ax = plot_word_vectors((words, table), method="pca", fontsize=20)
    before = note(ax)
    assert "have no room" in before
    check_labels(ax)
    assert note(ax) == before


@pytest.mark.parametrize("layout", ["constrained", "tight", None])
def test_given_axes_keep_their_labels_apart_when_the_layout_changes(layout):
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4), layout=layout)
    ax = plot_word_vectors(random_vectors(60), method="pca", ax=axes[0])
    assert ax is axes[0]
    axes[1].set_ylabel("a label\nof three\nlines")
    figure.suptitle("a title")
    check_labels(ax)
    assert pyplot.get_fignums() == [figure.number]


def test_the_first_words_a_list_of_words_and_words_twice():
    words, table = random_vectors(300)
    shown = plot_word_vectors((words, table), method="pca")
    assert [text.get_text() for text in shown.texts] == words[:200]
    shown = plot_word_vectors((words, table), 5, "pca")
    assert [text.get_text() for text in shown.texts] == words[:5]
    shown = plot_word_vectors((words, table), ["word7", "word3", "word250", "word3"], "pca")
    assert [text.get_text() for text in shown.texts] == ["word7", "word3", "word250"]


def test_every_form_of_word_vectors_gives_the_same_plot():
    texts = [["red", "green", "blue", "one", "two", "$3$"]] * 8
    model = Word2Vec(vector_size=4, min_count=1, sample=0, epochs=1, seed=1, verbose=0).fit(texts)
    words = model.vocabulary_.words
    forms = [model, model.wv, WordVectors(words, model.vectors_), (words, model.vectors_), [words, model.vectors_]]
    forms.append(types.SimpleNamespace(wv=model.wv))  # a model of gensim
    found = [positions(plot_word_vectors(form, method="pca")) for form in forms]
    for each in found[1:]:
        np.testing.assert_array_equal(each, found[0])
    fast = FastText(vector_size=4, min_count=1, bucket=9, epochs=1, seed=1, verbose=0).fit(texts)
    ax = plot_word_vectors(fast, method="pca")
    ax.figure.canvas.draw()
    assert "$3$" in [text.get_text() for text in ax.texts]  # no formula


def test_groups_have_colours():
    words, table = random_vectors(6)
    ax = plot_word_vectors((words, table), groups={"word0": "b", "word1": "a", "word2": "a"}, method="pca")
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["a", "b", "other", "6 words"]
    assert [len(each.get_offsets()) for each in ax.collections] == [2, 1, 3]
    assert len({tuple(each.get_facecolor()[0]) for each in ax.collections}) == 3
    ax = plot_word_vectors((words, table), groups=[1, 2, 1, 2, 1, 2], method="pca")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1", "2", "6 words"]


def test_umap_is_used_where_it_is_installed(monkeypatch):
    calls = []

    class UMAP:
        def __init__(self, **options):
            calls.append(options)

        def fit_transform(self, table):
            calls.append(table)
            return table[:, :2]

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=UMAP))
    words, table = random_vectors(9)
    ax = plot_word_vectors((words, table), method="umap", seed=5)
    assert ax.get_xlabel() == "UMAP"
    assert (calls[0]["random_state"], calls[0]["n_neighbors"]) == (5, 8)
    np.testing.assert_array_equal(positions(ax), calls[1][:, :2])


@pytest.mark.parametrize(("method", "package"), [("umap", "umap"), ("tsne", "sklearn"), ("pca", "sklearn")])
def test_a_missing_package_is_named(monkeypatch, method, package):
    if package == "umap":
        monkeypatch.setattr("kerazoo.plots.words.is_installed", lambda name: False)
    else:
        for name in list(sys.modules):
            if name.partition(".")[0] == "sklearn":
                monkeypatch.delitem(sys.modules, name)

        class Hidden:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "sklearn":
                    raise ModuleNotFoundError("hidden", name=name)

        monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
    remedy = "pip install umap-learn" if package == "umap" else r'pip install "kerazoo\[sklearn\]"'
    with pytest.raises(MissingPackageError, match=remedy):
        plot_word_vectors(random_vectors(9), method=method)
    assert pyplot.get_fignums() == []


WORDS, TABLE = random_vectors(9)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (((WORDS, TABLE), None, "mds"), "method='mds'; expected one of 'tsne', 'pca', 'umap'"),
        (((WORDS, TABLE), ["word1", "word2", "wrod3"]), "'wrod3' is not one of the 9 words.*Did you mean 'word3'"),
        (((WORDS, TABLE), []), "words is empty; expected at least one"),
        (((WORDS, TABLE), 0), "words=0; expected an integer >= 1"),
        (((WORDS, TABLE), 2.5), "words=2.5; expected an integer"),
        (((WORDS, TABLE), "word1"), "1 words in 9 dimensions; expected at least three words"),
        (((WORDS, TABLE[:, :1]),), "9 words in 1 dimensions"),
        (((WORDS[:5], TABLE),), r"5 words and vectors of shape \(9, 9\); expected"),
        (((WORDS, TABLE, 3),), "vectors has 3 parts; expected two"),
        ((([*WORDS[:-1], "word0"], TABLE),), "'word0' is there twice"),
        (((WORDS, np.where(np.arange(9)[:, None] == 4, np.nan, TABLE)),), "the vector of 'word4' is not finite"),
        (((WORDS, "table"),), "not an array of numbers"),
        ((TABLE,), "vectors is a ndarray; expected gensim's KeyedVectors, a fitted Word2Vec"),
        ((Word2Vec(),), "this Word2Vec is not fitted; expected a fitted one. Call fit"),
    ],
)
def test_bad_vectors_and_words_are_refused(arguments, match):
    with pytest.raises(InvalidArgumentError, match=match):
        plot_word_vectors(*arguments)
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"perplexity": 9}, "perplexity=9 with 9 words; expected a number below"),
        ({"perplexity": 0}, "perplexity=0; expected a finite number > 0"),
        ({"perplexity": 3, "method": "pca"}, "perplexity=3 with method='pca'; expected None"),
        ({"seed": -1}, "seed=-1; expected an integer from 0"),
        ({"fontsize": 0}, "fontsize=0; expected"),
        ({"groups": {"red": 1}}, "groups has none of the 9 words"),
        ({"groups": [1, 2]}, "groups has 2 labels; expected 9"),
        ({"ax": 3, "method": "pca"}, "ax is a int; expected matplotlib Axes"),
    ],
)
def test_bad_options_are_refused(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        plot_word_vectors((WORDS, TABLE), **options)
    assert pyplot.get_fignums() == []


def test_it_works_without_a_screen_and_without_pyplot_figures(tmp_path):
    """A subprocess without DISPLAY and without a chosen backend, on a Figure that pyplot does not know."""
    code = """
import sys
import numpy as np
from matplotlib.figure import Figure
from kerazoo.plots import plot_neighbors, plot_word_vectors
vectors = ["a", "b", "c", "d"], np.random.default_rng(1).normal(size=(4, 3))
figure = Figure()
plot_word_vectors(vectors, method="pca", ax=figure.add_subplot(1, 2, 1))
plot_neighbors(vectors, ["a"], topn=2, ax=figure.add_subplot(1, 2, 2))
figure.savefig(sys.argv[1])
plot_word_vectors(vectors, method="pca").figure.savefig(sys.argv[2])
"""
    paths = [tmp_path / "own.png", tmp_path / "new.svg"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, check=False, timeout=280,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": ":".join(filter(None, sys.path))},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert all(path.stat().st_size > 1000 for path in paths)
