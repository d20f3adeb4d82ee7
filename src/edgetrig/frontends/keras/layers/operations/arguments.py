"""Arguments of functions as they stand in the file, made exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgetrig.frontends.keras.form import Given
from edgetrig.frontends.keras.layers.merge import broadcastable
from edgetrig.frontends.values import exact


def numbers_of(*arguments: Any) -> list[Any]:
    """Return exact arrays and constants, with axes lined up from the event axis on."""
    return list(broadcastable(exact_arguments(arguments)))


def exact_arguments(arguments: Sequence[Any]) -> list[Any]:
    """Return exact arrays; numbers and constants in float32 and without an event axis."""
    given = [
        Given(np.asarray(x, np.float32).astype(np.float64))
        if isinstance(x, int | float | list)
        else x
        for x in arguments
    ]
    values = [x if isinstance(x, Given) else exact(x) for x in given]
    rank = max((x.ndim for x in values if not isinstance(x, Given)), default=0)
    return [x.for_rank(rank) if isinstance(x, Given) else x for x in values]
