"""Train word vectors, list neighbours, and plot. `python examples/word_vectors.py --help` lists the options.

The text is 300 newspaper articles, which come with gensim. `--text8` uses 17 million words of Wikipedia (a download of
31 MB) instead, which give far better neighbours. The cells marked with `# %%` can also be run one by one in an editor
that supports them.
"""

# %% Options.
import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from kerazoo import Word2Vec, datasets

parser = argparse.ArgumentParser(description="Train word vectors, list neighbours, and plot.")
parser.add_argument("--text8", action="store_true", help="17 million words of Wikipedia instead of 300 articles")
parser.add_argument("--loss", default="nce", help="nce or negative_sampling")
parser.add_argument("--words", type=int, default=120, help="how many of the most frequent words to plot")
parser.add_argument("--epochs", type=int, help="default: 2 for text8, 20 for the articles")
parser.add_argument("--folder", type=Path, default=Path("example-output"), help="folder of the plot")
arguments = parser.parse_args([] if "ipykernel" in sys.modules else None)
arguments.folder.mkdir(parents=True, exist_ok=True)

# %% The text: a path, or lists of words.
text = datasets.text8() if arguments.text8 else datasets.lee()

# %% The vectors: parameters have the names of gensim.
model = Word2Vec(
    vector_size=100,
    window=5,
    min_count=5,
    sample=1e-3,
    negative=5,
    loss=arguments.loss,
    epochs=arguments.epochs or (2 if arguments.text8 else 20),
    seed=1,
    verbose=0,
).fit(text)
print("mean loss per pair, each epoch:", np.round(model.history_["loss"], 4))

# %% Neighbours, by cosine similarity.
vectors = model.wv  # gensim's KeyedVectors
for word in ("government", "people", "two"):
    print(f"{word}: {', '.join(other for other, _ in vectors.most_similar(word, topn=6))}")

# %% The most frequent words in two dimensions: t-SNE preserves neighbourhoods.
words = vectors.index_to_key[: arguments.words]
positions = TSNE(perplexity=min(30, len(words) / 4), init="pca", random_state=1).fit_transform(vectors[words])
figure = Figure(figsize=(11.0, 9.0), layout="constrained")
ax = figure.subplots()
ax.scatter(*positions.T, s=6, color="tab:gray")
for word, position in zip(words, positions, strict=True):
    ax.annotate(word, position, xytext=(3, 2), textcoords="offset points", fontsize=8)
ax.set(title=f"The {len(words)} most frequent words, by t-SNE", xticks=[], yticks=[])
path = arguments.folder / "word_vectors.png"
figure.savefig(path, dpi=110)
print(path)
