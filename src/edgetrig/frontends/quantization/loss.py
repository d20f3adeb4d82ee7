"""How much worse a quantised model is than the float one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError
from edgetrig.frontends.quantization.expected import expected_loss

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
    distance
        From outputs to their distance from the float model's: smooth, so that it can rank.
    uncertainty
        From outputs to the standard error of the loss, where it counts events or is a metric.
    expected
        From outputs to an estimate of the loss on other events that is less a matter of luck.
    """

    name: str
    of: Callable[[Outputs], float]
    distance: Callable[[Outputs], float]
    uncertainty: Callable[[Outputs], float] = lambda outputs: 0.0
    expected: Callable[[Outputs], float] | None = None

    def estimate(self, outputs: Outputs) -> float:
        """Return the best estimate of the loss on other events."""
        return self.of(outputs) if self.expected is None else self.expected(outputs)

    def cautious(self, outputs: Outputs) -> float:
        """Return what types are accepted by: the loss and its standard error.

        Where the loss is expected with little noise: that, but no less than the loss that the
        events show beyond their standard error.
        """
        loss, error = self.of(outputs), self.uncertainty(outputs)
        return loss + error if self.expected is None else max(self.expected(outputs), loss - error)


def loss_against(reference: Outputs, y: ArrayLike | None, metric: Metric | None) -> Loss:
    """Return the loss that the search for types keeps small.

    A metric of the user's: its decrease. Otherwise class labels ``y`` (whole numbers, or one-hot):
    the decrease of the accuracy of the first output. Targets ``y`` (floats of the output's shape):
    the increase of the root mean square error, relative to the targets' spread. Without ``y``: the
    root mean square distance to the float model's outputs, relative to their spread.
    """

    def distance(outputs: Outputs) -> float:
        return _distance(outputs, reference)

    if metric is not None:
        return _of_metric(reference, y, metric, distance)
    if y is None:
        return Loss("error relative to the outputs' spread", distance, distance)
    truth = np.asarray(y)
    first = reference[0].reshape(len(reference[0]), -1)
    if truth.dtype.kind in "iub" and truth.shape in ((len(first),), (len(first), 1)):
        labels = truth.reshape(-1).astype(np.int64)
    elif truth.shape == first.shape and first.shape[1] > 1 and _one_hot(truth):
        labels = truth.argmax(axis=1)
    elif truth.size == first.size:
        return _of_regression(first, truth.astype(np.float64).reshape(first.shape), distance)
    else:
        raise DataError(
            f"y of shape {truth.shape} does not fit outputs of shape {reference[0].shape}"
        )
    return _of_labels(first, labels, distance)


def _of_labels(
    own: NDArray[np.float64], labels: NDArray[np.int64], distance: Callable[[Outputs], float]
) -> Loss:
    right = _right(own, labels).astype(np.int64)
    by_odds = expected_loss(own, labels)

    def lost(outputs: Outputs) -> NDArray[np.int64]:
        return right - _right(outputs[0].reshape(own.shape), labels)

    return Loss(
        "accuracy lost",
        lambda out: float(lost(out).mean()),
        distance,
        lambda out: float(lost(out).std() / np.sqrt(len(labels))),
        lambda out: by_odds(_choice(out[0].reshape(own.shape))),
    )


def _right(outputs: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return in which events the choice is the label."""
    return np.asarray(_choice(outputs) == labels)


def _choice(outputs: NDArray[np.float64]) -> NDArray[Any]:
    """Return the number of the largest output (of one output: whether it is above 0)."""
    return np.asarray(outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0)


def agreement(outputs: Outputs, reference: Outputs) -> float:
    """Return the share of events in which two models rank the same element of output 0 first."""
    a, b = (_choice(o[0].reshape(len(o[0]), -1)) for o in (outputs, reference))
    return float(np.mean(a == b))


def _one_hot(truth: NDArray[Any]) -> bool:
    return bool(np.isin(truth, (0, 1)).all() and (truth.sum(axis=1) == 1).all())


def _distance(outputs: Outputs, reference: Outputs) -> float:
    """Return the largest of the outputs' relative errors."""
    return max(_rms(a - b) / _scale(b) for a, b in zip(outputs, reference, strict=True))


def _of_regression(
    own: NDArray[np.float64], truth: NDArray[np.float64], distance: Callable[[Outputs], float]
) -> Loss:
    spread, error = _scale(truth), _rms(own - truth)
    return Loss(
        "root mean square error gained, relative to the targets' spread",
        lambda out: (_rms(out[0].reshape(truth.shape) - truth) - error) / spread,
        distance,
    )


def _of_metric(
    reference: Outputs,
    y: ArrayLike | None,
    metric: Metric,
    distance: Callable[[Outputs], float],
) -> Loss:
    def figure(outputs: Outputs) -> float:
        return _figure(metric, y, outputs)

    own = figure(reference)
    name = getattr(metric, "__name__", "metric")

    def lost(chosen: NDArray[np.int64], outputs: Outputs) -> float:
        some = (reference, outputs)
        before, after = ([output[chosen] for output in o] for o in some)
        return _figure(metric, truth[chosen], before) - _figure(metric, truth[chosen], after)

    def uncertainty(outputs: Outputs) -> float:
        """Jackknife: how much the loss changes without a tenth of the events."""
        if y is None or len(truth) < 2 * _GROUPS:
            return 0.0
        events = np.arange(len(truth))
        without = [lost(events[events % _GROUPS != k], outputs) for k in range(_GROUPS)]
        return float(np.std(without) * np.sqrt(_GROUPS - 1))

    truth = np.asarray(y)
    return Loss(f"{name} lost", lambda out: own - figure(out), distance, uncertainty)


_GROUPS: Final = 10
"""Parts of the events that are left out in turn."""


def _figure(metric: Metric, y: Any, outputs: Outputs) -> float:
    return float(metric(y, outputs[0] if len(outputs) == 1 else list(outputs)))


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _scale(values: NDArray[np.float64]) -> float:
    """Return the numbers' spread; where they are all the same, their size, or 1 if all are 0."""
    spread, size = _spread(values), _rms(values)
    return spread if spread > 1e-9 * size else size or 1.0


def _spread(values: NDArray[np.float64]) -> float:
    return _rms(values - values.mean(axis=0, keepdims=True))
