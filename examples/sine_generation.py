"""A net learns a sine and goes on by itself, from nothing and from a piece of it.

`python examples/sine_generation.py --help` shows what can be changed. The cells marked by `# %%` also run one by one,
in an editor that knows them.
"""

# %% What can be changed.
import argparse
import sys
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from kerazoo import datasets, training, zoo

parser = argparse.ArgumentParser(description="A net learns a sine and goes on by itself.")
parser.add_argument("--model", default="rnn_1x100_relu", help="one net, by its name in kerazoo.zoo")
parser.add_argument("--iterations", type=int, default=2000, help="windows that are learned from, one a step")
parser.add_argument("--learning-rate", type=float, default=1e-4, help="of Adam")
parser.add_argument("--folder", type=Path, default=Path("example-output"), help="where the plot goes")
arguments = parser.parse_args([] if "ipykernel" in sys.modules else None)
arguments.folder.mkdir(parents=True, exist_ok=True)
STEPS = 30

# %% The data: windows of 30 points at random places, and the same windows one point later.
sine = datasets.sine(num_points=250, xmin=0, xmax=10, seed=1)
inputs, targets = sine.next_batch(arguments.iterations, STEPS)

# %% The net, with a projection to one output; batches of one window.
model = zoo.build(arguments.model, seed=1)
model.compile(keras.optimizers.Adam(arguments.learning_rate), "mse")
print(zoo.model_card(arguments.model))
training.fit(model, inputs, targets, batch_size=1, shuffle=False, verbose=0)

# %% One point ahead, on a window that it has not seen.
seen, wanted, places = sine.next_batch(1, STEPS, return_batch_ts=True)
foretold = np.asarray(model(seen.astype("float32")))
print(f"mean squared error one point ahead: {np.mean((foretold - wanted) ** 2):.6f}")

# %% New sequences: each output is the next input. Not what it was trained for, so tread carefully.
training_instance = sine.ret_true(sine.x_data[:STEPS])
from_zeros = np.concatenate([np.zeros(STEPS), zoo.generate(model, np.zeros(STEPS), steps=250)])
from_sine = np.concatenate([training_instance, zoo.generate(model, training_instance, steps=250)])
truth = sine.ret_true(sine.xmin + np.arange(len(from_sine)) * sine.resolution)
print(f"farthest from the sine in 60 generated points: {np.abs(from_sine - truth)[STEPS : STEPS + 60].max():.3f}")

# %% Pictures.
figure = Figure(figsize=(9.0, 8.0), layout="constrained")
one_ahead, zeros, instance = figure.subplots(3)
one_ahead.plot(places[0, 1:], wanted[0, :, 0], "o", color="0.6", label="truth")
one_ahead.plot(places[0, 1:], foretold[0, :, 0], ".", color="tab:blue", label="one point ahead")
for ax, made, title in ((zeros, from_zeros, "from zeros"), (instance, from_sine, "from a training instance")):
    ax.plot(made, color="tab:blue", label=f"generated {title}")
    ax.plot(made[:STEPS], color="tab:red", linewidth=3, label="seed")
instance.plot(truth, ":", color="0.4", label="sine")
for ax in (one_ahead, zeros, instance):
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.2)
    ax.grid(alpha=0.3)
    ax.set_ylabel("value")
one_ahead.set_xlabel("x")
zeros.set_xlabel("step")
instance.set_xlabel("step")
path = arguments.folder / "sine_generation.png"
figure.savefig(path, dpi=150)
print(path)
