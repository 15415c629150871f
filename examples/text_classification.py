"""Classify texts with word vectors, in scikit-learn and in Keras. `python examples/text_classification.py --help`.

The texts are generated: each of four topics has its own rare words, and all share frequent ones. Many texts have no
label, and few have one. So most words of a test were never seen with a label, and a bag of words cannot know them; word
vectors learn from the texts without labels which words belong together.
"""

# %% Options.
import argparse

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from kerazoo import Word2Vec

parser = argparse.ArgumentParser(description="Classify texts with word vectors, in scikit-learn and in Keras.")
parser.add_argument("--texts", type=int, default=4000, help="texts without a label")
parser.add_argument("--labelled", type=int, default=24, help="texts with a label")
parser.add_argument("--epochs", type=int, default=10, help="of the word vectors")
parser.add_argument("--keras", action="store_true", help="also train a network of Keras on the vectors")
arguments = parser.parse_args()
if arguments.labelled < 12:
    parser.error("--labelled must be at least 12: a search needs some texts of each topic in each part")

# %% Texts: a third of the words belong to the topic, the others to all of them.
rng = np.random.default_rng(1)
topics = {name: [f"{name}{number}" for number in range(300)] for name in ("sport", "money", "music", "space")}
shared = [f"word{number}" for number in range(200)]


def text_about(topic):
    """A text of 30 words."""
    words = [*rng.choice(topics[topic], 10), *rng.choice(shared, 20)]
    return " ".join(rng.permutation(words))


def texts_of(size):
    """Texts, and as many labels in turn."""
    labels = np.resize(list(topics), size)
    return [text_about(label) for label in labels], labels


unlabelled, _ = texts_of(arguments.texts)
labelled, labels = texts_of(arguments.labelled)
tests, truth = texts_of(400)

# %% A bag of words, from the labelled texts alone.
bag = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(labelled, labels)
print(f"accuracy of a bag of words:       {bag.score(tests, truth):.3f}")

# %% Word vectors from all texts; the averages of each text are classified, and a search chooses how to average.
vectors = Word2Vec(vector_size=32, epochs=arguments.epochs, seed=1, verbose=0).fit(unlabelled + labelled)
for pooling in ("mean", "idf", "sif"):
    vectors.set_params(pooling=pooling).fit_pooling(unlabelled)
    classifier = LogisticRegression(C=100).fit(vectors.transform(labelled), labels)
    print(f"accuracy of word vectors, {pooling + ':':8}{classifier.score(vectors.transform(tests), truth):.3f}")

# %% All in one pipeline, as a search takes it; the word vectors are then learned from the labelled texts alone.
pipeline = make_pipeline(Word2Vec(vector_size=16, min_count=1, seed=1, verbose=0), LogisticRegression(C=100))
search = GridSearchCV(pipeline, {"word2vec__pooling": ["mean", "sif"], "word2vec__epochs": [5, 20]}, cv=3)
search.fit(labelled, labels)
print(f"a search over the labelled texts: {search.best_params_}")

# %% A network of Keras that starts from the vectors, and maps texts to ids by itself.
if arguments.keras:
    import keras

    keras.utils.set_random_seed(1)
    embedding = vectors.as_embedding_layer(trainable=False)
    names = list(topics)
    network = keras.Sequential(
        [embedding, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(len(names), activation="softmax")]
    )
    network.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(embedding.lookup(labelled), np.resize(range(4), len(labelled)), epochs=60, verbose=0)
    _, accuracy = network.evaluate(embedding.lookup(tests), np.resize(range(4), len(tests)), verbose=0)
    print(f"accuracy of a network of Keras:   {accuracy:.3f}")
