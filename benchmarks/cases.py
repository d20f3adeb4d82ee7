"""The circuits that every compiler is measured on, as NumPy programs that each tool can trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import network

Program = Callable[[Any, Callable[[Any], Any]], Any]
"""Of the inputs and of ``relu``: max(x, 0) in unsigned numbers of 3 + 3 bits (RND)."""


@dataclass(frozen=True)
class Case:
    """A program, and what goes into it: signed numbers of 8 bits.

    Parameters
    ----------
    title
        For people.
    shape
        Of the input.
    integer, fraction
        Bits in front of and behind the binary point of the input.
    program
        The NumPy program.
    wraps
        Whether its ``relu`` wraps the sum in front of it to 8 bits (1 + 3 + 4, TRN) and what it
        gives, as HGQ2's quantisers do by default, or saturates.
    """

    title: str
    shape: tuple[int, ...]
    integer: int
    fraction: int
    program: Program
    wraps: bool = False

    def events(self, count: int) -> Any:
        """Return random events on the grid of the inputs, shape (count, *shape)."""
        codes = np.random.default_rng(network.EVENT_SEED).integers(-128, 128, (count, *self.shape))
        return codes / 2.0**self.fraction


def _dense(layers: tuple[int, ...]) -> Program:
    matrices = network.weights(layers)

    def program(x: Any, relu: Callable[[Any], Any]) -> Any:
        for k, weights in enumerate(matrices):
            x = x @ weights
            if k < len(matrices) - 1:
                x = relu(x)
        return x

    return program


def _matrix(size: int) -> Program:
    codes = network.matrix(np.random.default_rng(1), size, size).astype(np.float64)
    return lambda x, relu: x @ codes


def _convolution(size: int, filters: int, classes: int) -> Program:
    """3 x 3 windows over a picture, maxima of 2 x 2, a dense layer."""
    pooled = (size - 2) // 2
    rng = np.random.default_rng(network.WEIGHT_SEED)
    window = network.matrix(rng, 9, filters) / 32.0
    last = network.matrix(rng, pooled * pooled * filters, classes) / 32.0

    def program(x: Any, relu: Callable[[Any], Any]) -> Any:
        places = [(i, j) for i in range(size - 2) for j in range(size - 2)]
        patches = np.stack([x[i : i + 3, j : j + 3].reshape(-1) for i, j in places])
        y = relu(patches @ window).reshape(size - 2, size - 2, filters)
        rows = np.maximum(y[0::2], y[1::2])
        return np.maximum(rows[:, 0::2], rows[:, 1::2]).reshape(-1) @ last

    return program


def _deep_set(constituents: int, features: int, width: int, classes: int) -> Program:
    """Put each constituent through two layers, add them up, and take two layers more."""
    inner = network.weights((features, width, width))
    outer = network.weights((width, width, classes), seed=network.WEIGHT_SEED + 1)

    def program(x: Any, relu: Callable[[Any], Any]) -> Any:
        for weights in inner:
            x = relu(x @ weights)
        x = np.sum(x, axis=0)
        return relu(x @ outer[0]) @ outer[1]

    return program


CASES = {
    "network_a": Case("network A, 16-64-32-32-5", (16,), 3, 4, _dense(network.LAYERS)),
    "small": Case("network 16-32-16-5", (16,), 3, 4, _dense(network.QUICK_LAYERS)),
    "wrapping": Case(
        "network 16-32-16-5 that wraps", (16,), 3, 4, _dense(network.QUICK_LAYERS), wraps=True
    ),
    "matrix_64": Case("matrix 64 x 64", (64,), 7, 0, _matrix(64)),
    "matrix_128": Case("matrix 128 x 128", (128,), 7, 0, _matrix(128)),
    "convolution": Case(
        "convolution, 10 x 10, 3 x 3 x 4, pool, 5", (10, 10), 3, 4, _convolution(10, 4, 5)
    ),
    "deep_set": Case("deep set, 8 x 3, 16-16, sum, 16-5", (8, 3), 3, 4, _deep_set(8, 3, 16, 5)),
}
