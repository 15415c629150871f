"""Data sets: small ones that are available offline, and larger ones that are downloaded once."""

from kerazoo.datasets.lee import lee
from kerazoo.datasets.milk import milk
from kerazoo.datasets.sine import Sine, sine
from kerazoo.datasets.text8 import text8

__all__ = ["Sine", "lee", "milk", "sine", "text8"]
