"""The network and the events that every worker measures, made from stated seeds with NumPy only."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LAYERS = (16, 64, 32, 32, 5)
QUICK_LAYERS = (16, 32, 16, 5)
WEIGHT_SEED = 1
EVENT_SEED = 0


def weights(layers: tuple[int, ...], seed: int = WEIGHT_SEED) -> list[Floats]:
    """Return 6-bit weights, about half of them zero: codes in [-31, 31], divided by 32."""
    rng = np.random.default_rng(seed)
    return [matrix(rng, rows, columns) / 32.0 for rows, columns in itertools.pairwise(layers)]


def matrix(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.int64]:
    """Return codes in [-31, 31] with about half of them zero."""
    codes = rng.integers(-31, 32, size=(rows, columns))
    codes[rng.random((rows, columns)) < 0.5] = 0
    return codes


def events(count: int, inputs: int, seed: int = EVENT_SEED) -> Floats:
    """Return random events on the grid of the inputs: signed, 3 integer and 4 fraction bits."""
    return np.random.default_rng(seed).integers(-128, 128, (count, inputs)) / 16.0
