"""The benchmark of several workers: what it says about bytes is what a training sends."""

from __future__ import annotations

import pytest

from benchmarks.questions import word2vec_cluster
from kerazoo import EncodedCorpus, Word2Vec, datasets
from kerazoo.distributed import ClusterOptions
from kerazoo.word2vec.cluster import logical


@pytest.mark.parametrize("n_workers", [1, 3])
def test_bytes_per_word_are_those_of_a_training(n_workers, monkeypatch):
    teams = []
    exchange = logical.LogicalTeam.exchange

    def noted(self, n_rows):
        teams.append(self)
        exchange(self, n_rows)

    monkeypatch.setattr(logical.LogicalTeam, "exchange", noted)
    corpus = EncodedCorpus.from_source(datasets.lee())
    model = Word2Vec(16, learn_biases=True, epochs=2, seed=1, verbose=0).fit(
        corpus, cluster=ClusterOptions(simulate=n_workers)
    )
    expected = word2vec_cluster.bytes_per_word(corpus.n_tokens, len(model.vocabulary_), 16, n_workers)
    assert teams[0].bytes_on_wire / (2 * corpus.n_tokens) == pytest.approx(expected)


def test_the_model_is_consistent():
    rows = word2vec_cluster.model(7e6)
    assert all(0 < row["1 GbE"] < row["10 GbE"] < row["25 GbE"] < 1 for row in rows)
    large = [row for row in rows if row["case"].startswith("100 GB")]
    assert [row["nodes"] for row in large] == [2, 8, 32, 100]
    assert large[0]["10 GbE"] > large[-1]["10 GbE"] > 0.5
