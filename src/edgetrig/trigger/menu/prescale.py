"""Fractional prescales as hardware counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEPS: Final = 100
"""Steps in a prescale of 1: prescales are multiples of 1/100."""


@dataclass
class Prescalers:
    """One counter a seed, all at zero to begin with.

    An event that passes a seed adds 100 to its counter; when the counter has reached 100 times the
    prescale, the event is kept and that much is taken off. So of ``n`` events exactly
    ``floor(n / prescale)`` are kept, evenly spread. Prescale 0 keeps none.

    Parameters
    ----------
    prescales
        One a seed: 0, or 1 or more in steps of 1/100.
    """

    prescales: Sequence[Fraction]
    counters: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.counters = np.zeros(len(self.prescales), np.int64)

    @property
    def limits(self) -> NDArray[np.int64]:
        """What each counter must reach: the hardware's setting."""
        return np.array([int(prescale * STEPS) for prescale in self.prescales], np.int64)

    def keep(
        self, passed: NDArray[np.bool_], clear: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Return which decisions are kept, and count them.

        Parameters
        ----------
        passed
            Seeds' bits of consecutive events, of shape (events, seeds).
        clear
            Events before which all counters are set to zero, of shape (events,).
        """
        starts = [] if clear is None else np.flatnonzero(clear).tolist()
        edges = [0, *starts, len(passed)]
        parts = []
        for number, (start, end) in enumerate(pairwise(edges)):
            if number > 0:
                self.counters[:] = 0
            parts.append(self._keep(passed[start:end]))
        return np.concatenate(parts)

    def _keep(self, passed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        limits = np.maximum(self.limits, 1)
        total = self.counters + STEPS * np.cumsum(passed, axis=0, dtype=np.int64)
        before = total - STEPS * passed
        kept = passed & (total // limits > before // limits) & (self.limits > 0)
        if len(total):
            self.counters = np.where(self.limits > 0, total[-1] % limits, 0)
        return np.asarray(kept, np.bool_)
