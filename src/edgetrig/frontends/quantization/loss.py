"""How much worse a quantised model is than the float one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError

Outputs = Sequence[NDArray[np.float64]]
"""One array (events, *shape) an output: as the hardware gives them (logits)."""

Metric = Callable[[Any, Any], float]
"""From truth and outputs (one array, or a list of several) to a figure, the more the better."""


@dataclass(frozen=True)
class Loss:
    """What a quantised model loses.

    Parameters
    ----------
    name
        What is measured, for people.
    of
        From a quantised model's outputs to its loss; 0 for the float model's own.
    """

    name: str
    of: Callable[[Outputs], float]


def loss_against(reference: Outputs, y: ArrayLike | None, metric: Metric | None) -> Loss:
    """Return the loss that the search for types keeps small.

    A metric of the user's: its decrease. Otherwise class labels ``y`` (whole numbers, or one-hot):
    the decrease of the accuracy of the first output. Targets ``y`` (floats of the output's shape):
    the increase of the root mean square error, relative to the targets' spread. Without ``y``: the
    root mean square distance to the float model's outputs, relative to their spread.
    """
    if metric is not None:
        return _of_metric(reference, y, metric)
    if y is None:
        return Loss("error relative to the outputs' spread", lambda out: _distance(out, reference))
    truth = np.asarray(y)
    first = reference[0].reshape(len(reference[0]), -1)
    if truth.dtype.kind in "iub" and truth.shape in ((len(first),), (len(first), 1)):
        labels = truth.reshape(-1).astype(np.int64)
    elif truth.shape == first.shape and first.shape[1] > 1 and _one_hot(truth):
        labels = truth.argmax(axis=1)
    elif truth.size == first.size:
        return _of_regression(first, truth.astype(np.float64).reshape(first.shape))
    else:
        raise DataError(
            f"y of shape {truth.shape} does not fit outputs of shape {reference[0].shape}"
        )
    own = accuracy(first, labels)
    return Loss("accuracy lost", lambda out: own - accuracy(out[0].reshape(first.shape), labels))


def accuracy(outputs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the share of events whose largest output is the label's (one output: its sign)."""
    chosen = outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0
    return float(np.mean(chosen == labels))


def agreement(outputs: Outputs, reference: Outputs) -> float:
    """Return the share of events in which two models rank the same element of output 0 first."""
    a, b = (o[0].reshape(len(o[0]), -1) for o in (outputs, reference))
    return accuracy(a, b.argmax(axis=1) if b.shape[1] > 1 else (b[:, 0] > 0).astype(np.int64))


def _one_hot(truth: NDArray[Any]) -> bool:
    return bool(np.isin(truth, (0, 1)).all() and (truth.sum(axis=1) == 1).all())


def _distance(outputs: Outputs, reference: Outputs) -> float:
    """Return the largest of the outputs' relative errors."""
    return max(
        _rms(a - b) / max(_spread(b), 1e-30) for a, b in zip(outputs, reference, strict=True)
    )


def _of_regression(own: NDArray[np.float64], truth: NDArray[np.float64]) -> Loss:
    spread, error = max(_spread(truth), 1e-30), _rms(own - truth)
    return Loss(
        "root mean square error gained, relative to the targets' spread",
        lambda out: (_rms(out[0].reshape(truth.shape) - truth) - error) / spread,
    )


def _of_metric(reference: Outputs, y: ArrayLike | None, metric: Metric) -> Loss:
    def figure(outputs: Outputs) -> float:
        return float(metric(y, outputs[0] if len(outputs) == 1 else list(outputs)))

    own = figure(reference)
    return Loss(f"{getattr(metric, '__name__', 'metric')} lost", lambda out: own - figure(out))


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _spread(values: NDArray[np.float64]) -> float:
    return _rms(values - values.mean(axis=0, keepdims=True))
