"""The benchmark of the drop-in class: its table, and that both sides run."""

from __future__ import annotations

import pytest

from benchmarks.questions import gensim_dropin


def result(seconds, quality):
    return {"seconds": seconds, "words": 100, **dict.fromkeys(gensim_dropin.QUALITY, quality)}


def test_the_ratio_is_the_median_of_the_rounds():
    runs = {"gensim": [result(s, 0.5) for s in (8, 30, 5)], "kerazoo": [result(s, 0.25) for s in (1, 2, 5)]}
    row = gensim_dropin.row_of("case", runs, epochs=3)
    assert row["ratio"] == 8
    assert (row["gensim_seconds"], row["kerazoo_seconds"]) == (8, 2)
    assert row["kerazoo_rate"] == 150
    for part in runs["gensim"]:
        del part["analogies"]
    assert "gensim_analogies" not in gensim_dropin.row_of("case", runs, epochs=3)
    assert (row["gensim_analogies"], row["kerazoo_analogies"]) == (0.5, 0.25)


@pytest.mark.slow
@pytest.mark.parametrize("module", gensim_dropin.SIDES.values())
def test_both_sides_run(module):
    from gensim.test.utils import datapath

    spec = {"module": module, "corpus": datapath("lee_background.cor"), "settings": {"workers": 1, "epochs": 1},
            "quality": False}  # fmt: skip
    words = {source: gensim_dropin.run({**spec, "source": source})["words"] for source in gensim_dropin.SOURCES}
    assert len(set(words.values())) == 1
