"""Events of five classes for the benchmark of trees: 16 jet-like observables in 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np

FEATURES, CLASSES, BITS = 16, 5, 8
TRAINING = 80_000


def events(count: int = 100_000, seed: int = 1) -> tuple[Any, Any]:
    """Return features as uint8, shape (count, 16), and classes.

    Six hidden quantities with class-dependent means and spreads are mixed into correlated, partly
    saturating observables, every third with the long tail that masses have; noise is added, and
    each is quantised between its 0.2 and 99.8 % quantiles.
    """
    rng = np.random.default_rng(seed)
    hidden = 6
    mix, second = rng.normal(size=(hidden, FEATURES)), rng.normal(size=(hidden, FEATURES))
    mean = rng.normal(size=(CLASSES, hidden)) * 0.85
    spread = np.exp(rng.normal(size=(CLASSES, hidden)) * 0.35)
    labels = rng.integers(0, CLASSES, count)
    z = mean[labels] + spread[labels] * rng.normal(size=(count, hidden))
    x = z @ mix / np.sqrt(hidden) + 0.5 * np.tanh(z @ second)
    x += 0.25 * np.abs(z) @ np.abs(second) / np.sqrt(hidden)
    x += 0.35 * rng.normal(size=x.shape)
    x[:, ::3] = np.exp(0.5 * x[:, ::3])
    low, high = np.quantile(x, 0.002, axis=0), np.quantile(x, 0.998, axis=0)
    return np.clip(np.rint((x - low) / (high - low) * 255), 0, 255).astype(np.uint8), labels
