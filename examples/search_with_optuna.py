"""Optuna searches a recurrent cell for the sine, and the winner is compared with the network of 2017.

`pip install kerazoo[search]` installs Optuna; `python examples/search_with_optuna.py --help` lists the options. The
cells marked with `# %%` can also be run one by one in an editor that supports them.
"""

# %% Options.
import argparse
import sys
import time

import keras
import optuna

from kerazoo import datasets, training, zoo

parser = argparse.ArgumentParser(description="Optuna searches a recurrent cell for the sine.")
parser.add_argument("--baseline", default="rnn_1x100_relu", help="network to better, by its name in kerazoo.zoo")
parser.add_argument("--seconds", type=float, default=60.0, help="time after which no new trial starts")
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

# %% The search: another cell instead of the simple one, also with relu. A trial that is worse than the
# median of the others at the same epoch is stopped.
space = zoo.search_space(
    ["gru", "lmu", "ugrnn"],
    layers=1,
    units=(48, 96),
    activation="relu",
    residual=[False, True],
    learning_rate=(3e-3, 1e-2),
)
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=5), pruner=optuna.pruners.MedianPruner(3)
)
start = time.perf_counter()
study.optimize(
    space.objective(x, y, validation_data=validation, epochs=arguments.epochs, shuffle=False), timeout=arguments.seconds
)
for trial in study.trials:
    value = f"{trial.value:.2e}" if trial.state.name == "COMPLETE" else trial.state.name.lower()
    print(f"  {trial.user_attrs['name']:<28} learning rate {trial.params['learning_rate']:.1e}  {value}")
print(f"{len(study.trials)} trials in {time.perf_counter() - start:.0f} s")

# %% The winner, trained once more, and the baseline, on the held-out windows.
winner = trained(space.build(study, seed=0))
for name, model in ((arguments.baseline, baseline), (space.best(study).name, winner)):
    print(f"{name}: held-out mean squared error {model.evaluate(*held_out, verbose=0):.2e}")
