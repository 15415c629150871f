"""KerasTuner searches a recurrent cell for the sine, and the winner is compared with the network of 2017.

`pip install kerazoo[search]` installs KerasTuner, and `--help` lists the options of this program. The cells marked with
`# %%` can also be run one by one in an editor that supports them.
"""

# %% Options.
import argparse
import sys
import tempfile
import time

import keras
import keras_tuner

from kerazoo import datasets, training, zoo

parser = argparse.ArgumentParser(description="KerasTuner searches a recurrent cell for the sine.")
parser.add_argument("--baseline", default="rnn_1x100_relu", help="network to better, by its name in kerazoo.zoo")
parser.add_argument("--trials", type=int, default=5, help="models to try")
parser.add_argument("--epochs", type=int, default=10, help="passes over the 1024 training windows, for each model")
arguments = parser.parse_args([] if "ipykernel" in sys.modules else None)

# %% The data: windows of 30 points that start at random x, which need no shuffling, and the same windows one point
# later. The models are chosen on the validation windows, and scored once on windows of a stretch that neither the
# training nor the search has seen.
sine = datasets.sine(num_points=250, xmin=0, xmax=10, seed=1)
x, y = sine.next_batch(1024, 30)
validation = sine.next_batch(256, 30)
held_out = datasets.sine(num_points=250, xmin=10, xmax=20, seed=2).next_batch(256, 30)


def trained(model):
    """The model after the epoch with the lowest validation loss, which is also what the search goes by."""
    best = keras.callbacks.EarlyStopping(patience=arguments.epochs, restore_best_weights=True)
    training.fit(
        model, x, y, epochs=arguments.epochs, validation_data=validation, shuffle=False, callbacks=[best], verbose=0
    )
    return model


# %% The network of 2017. Of the learning rates .001, .003 and .01, the last has the lowest validation loss.
name = arguments.baseline
baseline = trained(zoo.search_space(names=[name], learning_rate=0.01).build({"name": name}, seed=0))
print(f"{name}: validation loss {baseline.evaluate(*validation, verbose=0):.2e}")

# %% The search: another cell instead of the simple one, also with relu.
space = zoo.search_space(
    ["gru", "lmu", "ugrnn"],
    layers=1,
    units=(48, 96),
    activation="relu",
    residual=[False, True],
    learning_rate=(3e-3, 1e-2),
)
start = time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    tuner = keras_tuner.RandomSearch(
        space.hypermodel(), objective="val_loss", max_trials=arguments.trials, seed=1, directory=folder
    )
    tuner.search(x, y, validation_data=validation, epochs=arguments.epochs, shuffle=False, verbose=0)
for trial in tuner.oracle.get_best_trials(arguments.trials):
    values = trial.hyperparameters.values
    print(f"  {space.spec_of(values).name:<28} learning rate {values['learning_rate']:.1e}  {trial.score:.2e}")
print(f"{arguments.trials} trials in {time.perf_counter() - start:.0f} s")

# %% The winner, trained once more, and the baseline, on the held-out windows.
winner = trained(space.build(tuner, seed=0))
for name, model in ((arguments.baseline, baseline), (space.best(tuner).name, winner)):
    print(f"{name}: held-out mean squared error {model.evaluate(*held_out, verbose=0):.2e}")
