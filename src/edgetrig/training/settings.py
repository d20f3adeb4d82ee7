"""What the settings of a training may be; each refusal names the argument."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

import numpy as np

from edgetrig.errors import DataError

WIDEST: Final = 1 << 14
"""Most outputs of a layer."""

_SEEDS: Final = 1 << 32  # Keras takes seeds of 32 bits


def check_whole(most: int = 10**9, **values: Any) -> None:
    """Demand whole numbers from 1 to `most`.

    Raises
    ------
    DataError
        If one is another number, or none.
    """
    for name, value in values.items():
        if not 1 <= _whole(name, value) <= most:
            raise DataError(f"{name}={value}: use 1 to {most}")


def check_positive(**values: float) -> None:
    """Demand finite numbers above 0.

    Raises
    ------
    DataError
        If one is another number.
    """
    for name, value in values.items():
        if not (value > 0 and isfinite(value)):
            raise DataError(f"{name}={value}: a positive number is needed")


def check_layers(layers: Sequence[int]) -> None:
    """Demand sizes of layers from 1 to `WIDEST`; there may be none.

    Raises
    ------
    DataError
        If one is another number.
    """
    if not all(1 <= _whole("layers", size) <= WIDEST for size in layers):
        raise DataError(f"layers={tuple(layers)}: positive sizes up to {WIDEST} are needed")


def check_seed(seed: int) -> None:
    """Demand a seed of 32 bits.

    Raises
    ------
    DataError
        If it is none.
    """
    if not 0 <= _whole("seed", seed) < _SEEDS:
        raise DataError(f"seed={seed}: use 0 to {_SEEDS - 1}")


def layer_seed(seed: int, layer: int) -> int:
    """Return the seed of a layer's weights."""
    return (seed + layer) % _SEEDS


def _whole(name: str, value: Any) -> int:
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise DataError(f"{name}={value}: a whole number is needed") from None
