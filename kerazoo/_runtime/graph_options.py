"""Options of TensorFlow's graph optimizer for the functions that this process compiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_remapping"]


@contextmanager
def without_remapping() -> Iterator[None]:
    """Functions that this thread calls in this context are compiled without the graph optimizer's remapper.

    The remapper joins a matrix product, a bias, a sum and an activation to one operation, but gives that operation no
    name (TensorFlow 2.21, in `rnn` layers with relu or elu, with oneDNN): 27 lines of errors follow, and the
    graph is used without any optimization. Small steps are faster without joined
    operations: 250 steps with a batch of 1 took 8.6 ms instead of 10.4 for an LSTM of 100 units, 31 instead of 48 for
    three GRUs of 64 (two CPU cores, medians of 20 runs in turn).

    Only TensorFlow is affected; where another backend runs, nothing happens. The options belong to the thread, so
    functions of the user keep theirs.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    # `tf.config.optimizer.set_experimental_options` would change all threads, and could not be undone exactly.
    from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
    from tensorflow.python.eager import context

    current = context.context()
    before = current.function_call_options
    config = config_pb2.ConfigProto.FromString(before.as_attrs()["config_proto"])
    config.graph_options.rewrite_options.remapping = rewriter_config_pb2.RewriterConfig.OFF
    current.function_call_options = context.FunctionCallOptions(before.executor_type, config)
    try:
        yield
    finally:
        current.function_call_options = before
