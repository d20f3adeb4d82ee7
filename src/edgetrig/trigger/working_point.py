"""Thresholds from data: efficiency for signal at a given acceptance of background."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError
from edgetrig.printed import Printed

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WorkingPoint(Printed):
    """A threshold and what it does, measured on one data set.

    Parameters
    ----------
    signal
        Index of the signal class.
    threshold
        Accept where ``score >= threshold``, in the units of the score; always a value that the
        hardware's score can take.
    requested
        Background acceptance that was asked for.
    acceptance, efficiency
        Fraction of background and of signal accepted.
    acceptance_interval, efficiency_interval
        68 % intervals of both (Wilson).
    background, signals
        Events they were measured on.
    independent
        Whether those are other events than the threshold was chosen on.
    """

    signal: int
    threshold: float
    requested: float
    acceptance: float
    acceptance_interval: tuple[float, float]
    efficiency: float
    efficiency_interval: tuple[float, float]
    background: int
    signals: int
    independent: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"score >= {self.threshold:.15g}: background acceptance {self.acceptance:.3%}"
            f" (asked for {self.requested:.3%}), signal efficiency {self.efficiency:.1%}"
        )


@dataclass(frozen=True)
class Roc:
    """Efficiency against background acceptance, from the strictest threshold to the loosest.

    ``threshold`` has one entry a distinct score; ``area`` is the area under the curve, ties counted
    half.
    """

    threshold: Floats
    acceptance: Floats
    efficiency: Floats
    area: float


def wilson(passed: int, total: int, sigmas: float = 1.0) -> tuple[float, float]:
    """Return the Wilson score interval of an efficiency (Wilson, JASA 22 (1927) 209).

    Parameters
    ----------
    passed, total
        Counts, ``0 <= passed <= total``, ``total > 0``.
    sigmas
        Half width in standard deviations: 1 for 68 %.
    """
    rate, z2 = passed / total, sigmas**2
    centre = (rate + z2 / (2 * total)) / (1 + z2 / total)
    spread = math.sqrt(rate * (1 - rate) / total + z2 / (4 * total**2)) / (1 + z2 / total) * sigmas
    # At the ends of the range the two terms are equal, but for what float64 rounds.
    low = centre - spread if passed > 0 else 0.0
    high = centre + spread if passed < total else 1.0
    return max(low, 0.0), min(high, 1.0)


def roc(scores: ArrayLike, is_signal: ArrayLike) -> Roc:
    """Return the curve over all thresholds ``score >= t``.

    Parameters
    ----------
    scores
        Finite numbers, shape (events,).
    is_signal
        Truth, shape (events,).

    Raises
    ------
    DataError
        If the shapes differ, or one of the two kinds is missing.
    """
    values, truth = _checked(scores, is_signal)
    threshold, group = np.unique(values, return_inverse=True)
    signal = np.bincount(group, weights=truth, minlength=len(threshold))[::-1]
    background = np.bincount(group, weights=~truth, minlength=len(threshold))[::-1]
    efficiency = np.cumsum(signal) / signal.sum()
    acceptance = np.cumsum(background) / background.sum()
    area = float(
        np.trapezoid(np.concatenate([[0.0], efficiency]), np.concatenate([[0.0], acceptance]))
    )
    return Roc(threshold[::-1], acceptance, efficiency, area)


def choose_working_point(
    scores: ArrayLike, is_signal: ArrayLike, acceptance: float, signal: int = 0
) -> WorkingPoint:
    """Return the loosest threshold that accepts at most a fraction of the background.

    Parameters
    ----------
    scores
        Score of every event as the hardware gives it, shape (events,).
    is_signal
        Truth, shape (events,).
    acceptance
        Background acceptance, in (0, 1).
    signal
        Index of the signal class, kept in the result.

    Raises
    ------
    DataError
        If the acceptance is not in (0, 1), shapes differ, a kind of event is missing, or even the
        strictest threshold accepts too much background.
    """
    if not 0 < acceptance < 1:
        raise DataError(f"background acceptance {acceptance}: use a number between 0 and 1")
    values, truth = _checked(scores, is_signal)
    curve = roc(values, truth)
    allowed = np.flatnonzero(curve.acceptance <= acceptance)
    if not len(allowed):
        raise DataError(
            f"no threshold accepts as little as {acceptance:g} of the background:"
            f" {curve.acceptance[0]:.3g} of it shares the highest score"
        )
    return _measured(values, truth, float(curve.threshold[allowed[-1]]), acceptance, signal, False)


def measure_working_point(
    point: WorkingPoint, scores: ArrayLike, is_signal: ArrayLike
) -> WorkingPoint:
    """Return a working point's efficiencies on events that its threshold was not chosen on.

    Parameters
    ----------
    point
        Gives the threshold.
    scores, is_signal
        As for `choose_working_point`.

    Raises
    ------
    DataError
        If shapes differ or a kind of event is missing.
    """
    values, truth = _checked(scores, is_signal)
    return _measured(values, truth, point.threshold, point.requested, point.signal, True)


def _measured(
    values: Floats,
    truth: NDArray[np.bool_],
    threshold: float,
    requested: float,
    signal: int,
    independent: bool,
) -> WorkingPoint:
    passed = values >= threshold
    signals, background = int(truth.sum()), int((~truth).sum())
    kept, false = int((passed & truth).sum()), int((passed & ~truth).sum())
    return WorkingPoint(
        signal=signal,
        threshold=threshold,
        requested=requested,
        acceptance=false / background,
        acceptance_interval=wilson(false, background),
        efficiency=kept / signals,
        efficiency_interval=wilson(kept, signals),
        background=background,
        signals=signals,
        independent=independent,
    )


def _checked(scores: ArrayLike, is_signal: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    values = np.asarray(scores, np.float64)
    truth = np.asarray(is_signal).astype(bool)
    if values.ndim != 1 or values.shape != truth.shape:
        raise DataError(f"scores of shape {values.shape} and truth of shape {truth.shape} differ")
    if not np.isfinite(values).all():
        raise DataError(f"score of event {int(np.flatnonzero(~np.isfinite(values))[0])} is NaN")
    if truth.all() or not truth.any():
        raise DataError("both signal and background events are needed for a working point")
    return values, truth
