"""`Word2Vec` in scikit-learn: its own checks, pipelines, searches, and containers."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from packaging.version import Version
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from sklearn.utils.validation import validate_data

from kerazoo import Word2Vec


def small(**parameters):
    defaults = {"vector_size": 4, "min_count": 1, "sample": 0, "epochs": 3, "seed": 1, "verbose": 0, "workers": 1}
    return Word2Vec(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def topics():
    """Texts of two topics, whose words never meet, and their labels."""
    rng = np.random.default_rng(3)
    words = [[f"{topic}{i}" for i in range(8)] for topic in "ab"]
    labels = rng.integers(0, 2, 60)
    return [" ".join(rng.choice(words[label], 9)) for label in labels], labels


class OfRows(Word2Vec):
    """Rows of numbers as documents, for the checks that scikit-learn makes of all transformers of tables."""

    def fit(self, X, y=None, **reading):
        return super().fit(self._words(X, reset=True), y, **reading)

    def partial_fit(self, X, y=None):
        return super().partial_fit(self._words(X, reset=not hasattr(self, "vectors_")), y)

    def transform(self, X):
        self._check_fitted()
        return super().transform(self._words(X, reset=False))

    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X)

    def _words(self, X, reset):
        if isinstance(X, list) and X and isinstance(X[0], list) and X[0] and isinstance(X[0][0], str):
            return X  # partial_fit calls fit
        table = validate_data(self, X, reset=reset, dtype=float)
        return [[f"{column}:{np.trunc(value):.0f}" for column, value in enumerate(row)] for row in table]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = True, False
        return tags


#: Why a check cannot pass. All others must.
EXPECTED_TO_FAIL = {"check_fit2d_1feature": "documents of one word have no pair of words to learn from"}


@pytest.mark.filterwarnings("ignore:Can't test estimator Word2Vec")
@parametrize_with_checks([small(epochs=1)], expected_failed_checks=lambda estimator: {})
def test_checks_of_estimators_of_texts(estimator, check):
    check(estimator)


def test_checks_of_transformers_of_tables():
    """With an adapter that makes words of numbers; what fails is exactly what is listed."""
    found = check_estimator(
        OfRows(**small(epochs=1).get_params()), expected_failed_checks=EXPECTED_TO_FAIL, on_skip=None, on_fail=None
    )
    failed = {each["check_name"]: each["exception"] for each in found if each["status"] == "failed"}
    assert failed == {}
    assert {each["check_name"] for each in found if each["status"] == "xfail"} == set(EXPECTED_TO_FAIL)
    assert sum(each["status"] == "passed" for each in found) > 38


def test_a_pipeline_classifies_and_is_searched(topics):
    texts, labels = topics
    model = make_pipeline(small(), LogisticRegression())
    assert cross_val_score(model, texts, labels, cv=3).min() > 0.9
    grid = {"word2vec__pooling": ["mean", "idf", "sif"], "word2vec__epochs": [1, 3]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(texts, labels)
    assert search.best_score_ > 0.9
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(texts), search.predict(texts))


def test_searches_run_in_other_processes(topics):
    texts, labels = topics
    model = make_pipeline(small(), LogisticRegression())
    with joblib.parallel_backend("threading", n_jobs=2):
        scores = cross_val_score(model, np.array(texts, object), labels, cv=2)
    np.testing.assert_array_equal(scores, cross_val_score(model, texts, labels, cv=2))


def test_columns_have_names_and_containers(topics):
    texts, _ = topics
    model = small(vector_size=3).fit(texts)
    assert model.get_feature_names_out().tolist() == ["word2vec0", "word2vec1", "word2vec2"]
    # Before version 1.7.2 scikit-learn keeps the index of a DataFrame, but not that of a column.
    first = 5 if Version(sklearn.__version__) >= Version("1.7.2") else 0
    frame = pd.DataFrame({"text": texts, "size": 1.0}, index=range(first, first + 60))
    table = make_column_transformer((small(vector_size=3), "text"), ("passthrough", ["size"]))
    found = table.set_output(transform="pandas").fit_transform(frame)
    names = ["word2vec__word2vec0", "word2vec__word2vec1", "word2vec__word2vec2", "passthrough__size"]
    assert found.columns.tolist() == names
    assert found.index.tolist() == frame.index.tolist()
    np.testing.assert_array_equal(found.iloc[:, :3], model.transform(texts))
    assert make_union(small(), small()).fit(texts).transform(texts[:2]).shape == (2, 8)
    with sklearn.config_context(transform_output="pandas"):
        assert model.transform(frame["text"]).index.tolist() == frame.index.tolist()


def test_clones_are_not_fitted_and_errors_are_those_of_scikit_learn(topics):
    texts, _ = topics
    model = small(pooling="sif").fit(texts)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    with pytest.raises(NotFittedError, match="Call fit"):
        fresh.transform(texts)
    with pytest.raises(NotFittedError, match="Call fit"):
        _ = fresh.wv
    assert model.__sklearn_is_fitted__()
    assert not fresh.__sklearn_is_fitted__()
