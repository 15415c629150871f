"""A network learns a sine and then generates one, from zeros and from a window of it.

`python examples/sine_generation.py --help` lists the options. The cells marked with `# %%` can also be run one by one
in an editor that supports them.
"""

# %% Options.
import argparse
import sys
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from kerazoo import datasets, training, zoo

parser = argparse.ArgumentParser(description="A network learns a sine and then generates one.")
parser.add_argument("--model", default="rnn_1x100_relu", help="network, by its name in kerazoo.zoo")
parser.add_argument("--iterations", type=int, default=2000, help="training windows, one per step")
parser.add_argument("--learning-rate", type=float, default=1e-4, help="learning rate of Adam")
parser.add_argument("--folder", type=Path, default=Path("example-output"), help="folder of the plot")
arguments = parser.parse_args([] if "ipykernel" in sys.modules else None)
arguments.folder.mkdir(parents=True, exist_ok=True)
STEPS = 30

# %% The data: windows of 30 points that start at random x, and the same windows one point later.
sine = datasets.sine(num_points=250, xmin=0, xmax=10, seed=1)
inputs, targets = sine.next_batch(arguments.iterations, STEPS)

# %% The network, with a projection to one output, trained on batches of one window.
model = zoo.build(arguments.model, seed=1)
model.compile(keras.optimizers.Adam(arguments.learning_rate), "mse")
print(zoo.model_card(arguments.model))
training.fit(model, inputs, targets, batch_size=1, shuffle=False, verbose=0)

# %% One point ahead, on a window that was not used in training.
unseen, expected, x = sine.next_batch(1, STEPS, return_batch_ts=True)
predicted = np.asarray(model(unseen.astype("float32")))
print(f"mean squared error one point ahead: {np.mean((predicted - expected) ** 2):.6f}")

# %% Generation: each output is the next input. The network was not trained for this, so errors can accumulate.
window = sine.ret_true(sine.x_data[:STEPS])
from_zeros = np.concatenate([np.zeros(STEPS), zoo.generate(model, np.zeros(STEPS), steps=250)])
from_sine = np.concatenate([window, zoo.generate(model, window, steps=250)])
truth = sine.ret_true(sine.xmin + np.arange(len(from_sine)) * sine.resolution)
print(f"largest error in 60 generated points: {np.abs(from_sine - truth)[STEPS : STEPS + 60].max():.3f}")

# %% Plots.
figure = Figure(figsize=(9.0, 8.0), layout="constrained")
one_ahead, zeros, continued = figure.subplots(3)
one_ahead.plot(x[0, 1:], expected[0, :, 0], "o", color="0.6", label="truth")
one_ahead.plot(x[0, 1:], predicted[0, :, 0], ".", color="tab:blue", label="one point ahead")
for ax, generated, title in ((zeros, from_zeros, "from zeros"), (continued, from_sine, "from a window")):
    ax.plot(generated, color="tab:blue", label=f"generated {title}")
    ax.plot(generated[:STEPS], color="tab:red", linewidth=3, label="context")
continued.plot(truth, ":", color="0.4", label="sine")
for ax in (one_ahead, zeros, continued):
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.2)
    ax.grid(alpha=0.3)
    ax.set_ylabel("value")
one_ahead.set_xlabel("x")
zeros.set_xlabel("step")
continued.set_xlabel("step")
path = arguments.folder / "sine_generation.png"
figure.savefig(path, dpi=150)
print(path)
