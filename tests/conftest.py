"""What all tests share."""

from __future__ import annotations

import os

# Before Keras is imported anywhere: no greetings of TensorFlow, and the default backend unless one is asked for.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
