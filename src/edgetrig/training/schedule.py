"""Learning rate and cost pressure over the epochs of a training."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, log, pi

_SHRINK = 0.75
"""Share of the epochs in which the cost falls to its target and the learning rate stays."""

_GAIN = 0.1
_STEP = 0.1
_LONG = 600
"""Epochs of a training in which these are the gain and the largest step of the weight."""
_FASTEST = 2.5
_LOOK_AHEAD = 0.02
_FREE_EPOCHS = 3
_LEAST, _MOST = 1e-8, 1e-2


def learning_rate(epoch: int, epochs: int, peak: float, hold: float = _SHRINK) -> float:
    """Return the learning rate: a short warm-up, the peak, and half a cosine down to 1 %."""
    done = epoch / epochs
    fall = min(max((done - hold) / (1 - hold), 0.0), 1.0)
    warm = min(1.0, (epoch + 1) / max(0.02 * epochs, 1.0))
    return peak * warm * (0.01 + 0.99 * 0.5 * (1 + cos(pi * fall)))


def pace(epochs: int) -> float:
    """Return how much faster the weight of the cost has to move in a short training."""
    return min(max(_LONG / epochs, 1.0), _FASTEST)


@dataclass
class CostController:
    """Steers the weight of the cost in the loss so that the cost reaches a target.

    The cost is led down a straight line on a logarithmic scale, over the first three quarters of
    the epochs: networks that shrink slowly lose less, and what is pruned too fast hardly comes
    back. So the controller looks ahead: where will the cost be in some epochs at its present rate?

    Parameters
    ----------
    target
        EBOPs to reach.
    epochs
        Length of the training.
    start
        EBOPs from which the line starts; 0 until known.
    last
        EBOPs an epoch before.
    beta
        Present weight.
    pace
        How much faster than in a long training the weight moves.
    """

    target: float
    epochs: int
    start: float = 0.0
    last: float = 0.0
    beta: float = 1e-7
    pace: float = 1.0

    def next(self, epoch: int, ebops: float) -> float:
        """Return the weight for an epoch, given the EBOPs after the one before."""
        ebops = max(ebops, 1.0)
        rate = log(ebops / self.last) if self.last else 0.0
        self.last = ebops
        if epoch < _FREE_EPOCHS:
            return self.beta
        if self.start == 0.0:
            self.start, self.beta = max(ebops, self.target), 1e-6
        ahead = _LOOK_AHEAD * self.epochs
        done = min(1.0, (epoch - _FREE_EPOCHS + ahead) / (_SHRINK * self.epochs))
        wanted = log(self.start) + log(self.target / self.start) * done
        error = log(ebops) + rate * ahead - wanted
        self.beta *= exp(self.pace * min(max(_GAIN * error, -_STEP), _STEP))
        self.beta = min(max(self.beta, _LEAST), _MOST)
        return self.beta
