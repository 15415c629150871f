"""A recurrent network written by hand: two inputs, three units, two time steps.

Run it with `python examples/manual_rnn.py`.
The cells marked with `# %%` can also be run one by one in an editor that supports them.
"""

# %% Two batches of three examples: the inputs at t=0 and at t=1.
import keras
import numpy as np
from keras import ops

from kerazoo import zoo

x0 = np.array([[0, 1], [2, 3], [4, 5]], "float32")
x1 = np.array([[100, 101], [102, 103], [104, 105]], "float32")

# %% The weights of the inputs and of the previous outputs, and a bias.
random = np.random.default_rng(101)
weights = {
    "kernel": random.normal(size=(2, 3)).astype("float32"),
    "recurrent_kernel": random.normal(size=(3, 3)).astype("float32"),
    "bias": np.zeros(3, "float32"),
}

# %% By hand: the outputs at t=0 are part of the inputs at t=1.
y0 = np.tanh(x0 @ weights["kernel"] + weights["bias"])
y1 = np.tanh(y0 @ weights["recurrent_kernel"] + x1 @ weights["kernel"] + weights["bias"])
print("by hand, t=0\n", y0.round(4))
print("by hand, t=1\n", y1.round(4))

# %% The same with `zoo.unroll`, which accepts any cell and any number of steps, on any backend.
(first, second), _ = zoo.unroll(3, [x0, x1], weights=weights)

# %% And with a Keras layer, over sequences (batch, steps, inputs).
layer = keras.layers.SimpleRNN(3, return_sequences=True)
layer.build((None, 2, 2))
layer.set_weights(list(weights.values()))
sequences = layer(np.stack([x0, x1], axis=1))

# %% All three agree.
error_of_unroll = max(np.abs(ops.convert_to_numpy(result) - y).max() for result, y in ((first, y0), (second, y1)))
error_of_layer = np.abs(ops.convert_to_numpy(sequences) - np.stack([y0, y1], axis=1)).max()
print(f"largest difference: unroll {error_of_unroll:.1e}, SimpleRNN {error_of_layer:.1e}")

# %% Other cells work the same way. An LSTM has two states: its output and its memory. (Inputs near 100 saturate it.)
outputs, states = zoo.unroll(keras.layers.LSTMCell(3, seed=1), [x0 / 100, x1 / 100])
print("an LSTM, t=1\n", ops.convert_to_numpy(outputs[-1]).round(4), "\nits memory\n",
      ops.convert_to_numpy(states[1]).round(4))  # fmt: skip
