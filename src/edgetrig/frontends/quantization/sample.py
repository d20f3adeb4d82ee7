"""Events with what is known of them, and their halves: one to choose types with, one to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.quantization.loss import Loss, Metric, Outputs, loss_against

FEWEST: Final = 256
"""Events below which all of them choose and judge."""


@dataclass(frozen=True)
class Sample:
    """Events.

    Parameters
    ----------
    arrays
        One for each input, shape (events, *shape).
    reference
        The float model's outputs.
    truth
        Classes or targets, if there are any.
    """

    arrays: Sequence[NDArray[Any]]
    reference: Outputs
    truth: NDArray[Any] | None

    def __len__(self) -> int:
        return len(self.arrays[0])

    def chosen(self, events: NDArray[np.int64]) -> Sample:
        """Return some of the events."""
        return Sample(
            [array[events] for array in self.arrays],
            [output[events] for output in self.reference],
            None if self.truth is None else self.truth[events],
        )

    def spread(self, count: int) -> Sample:
        """Return at most so many events, from everywhere among these."""
        return self.chosen(np.unique(np.linspace(0, len(self) - 1, count).astype(np.int64)))

    def loss(self, metric: Metric | None) -> Loss:
        """Return the loss on these events."""
        return loss_against(self.reference, self.truth, metric)


def halves(events: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the events that choose and the events that judge, drawn once for each number.

    What is chosen with some events looks better on them than on others; so others judge. Below
    `FEWEST` events both are all of them.
    """
    if events < FEWEST:
        return np.arange(events), np.arange(events)
    drawn = np.random.default_rng(0).permutation(events)
    return np.sort(drawn[: events // 2]), np.sort(drawn[events // 2 :])
