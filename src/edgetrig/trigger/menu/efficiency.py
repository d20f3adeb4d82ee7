"""Intervals of efficiencies that cover as often as they say, for any counts."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError

Floats = NDArray[np.float64]

COVERAGE: Final = math.erf(math.sqrt(0.5))
"""Probability within one standard deviation of a normal distribution."""

_PRECISION: Final = 1e-15
_TERMS: Final = 100_000


def clopper_pearson(
    passed: ArrayLike, total: ArrayLike, coverage: float = COVERAGE
) -> tuple[Floats, Floats]:
    """Return the central interval of an efficiency (Clopper and Pearson, Biometrika 26 (1934) 404).

    It holds the efficiencies for which neither as many passed events as counted, or more, nor as
    many or fewer, has a probability below ``(1 - coverage) / 2``. So it covers at least as often as
    asked for.

    Parameters
    ----------
    passed, total
        Counts of one shape, ``0 <= passed <= total``. Where `total` is 0, the interval is 0 to 1.
    coverage
        Probability with which the interval holds the true efficiency, between 0 and 1.

    Returns
    -------
    low, high
        Ends of the interval, of the counts' shape.

    Raises
    ------
    DataError
        If the counts are no such integers, or the coverage is not between 0 and 1.
    """
    successes, trials = np.asarray(passed), np.asarray(total)
    if successes.shape != trials.shape or any(
        x.dtype.kind not in "iu" for x in (successes, trials)
    ):
        raise DataError("an efficiency needs integer counts of one shape")
    if ((successes < 0) | (successes > trials)).any():
        raise DataError("an efficiency needs counts with 0 <= passed <= total")
    return _ends(successes, trials, coverage)


def weighted_efficiency(passed: ArrayLike, total: ArrayLike) -> Floats:
    """Return the efficiency of weighted events, from 0 to 1; NaN where the total is 0.

    Parameters
    ----------
    passed, total
        Sums of the weights of events that passed, and of all. Where negative weights make the
        first less than nothing or more than all, the efficiency is 0 or 1.

    Raises
    ------
    DataError
        If a total is negative, so that there is no efficiency.
    """
    some, all_of_them = np.asarray(passed, np.float64), np.asarray(total, np.float64)
    if (all_of_them < 0).any():
        raise DataError(
            f"weights of {all_of_them.min():.4g} in total leave no efficiency:"
            " negative ones outweigh the others; more events or wider bins are needed"
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(all_of_them > 0, np.clip(some / all_of_them, 0.0, 1.0), np.nan)


def weighted_interval(
    passed: ArrayLike,
    total: ArrayLike,
    passed_squares: ArrayLike,
    total_squares: ArrayLike,
    coverage: float = COVERAGE,
) -> tuple[Floats, Floats]:
    """Return the interval of an efficiency of weighted events.

    It is that of Clopper and Pearson for as many events of weight 1 as these are worth. Events
    worth ``(sum of weights)^2 / (sum of their squares)`` (L. Kish, Survey Sampling, 1965; ROOT's
    ``TEfficiency`` takes the same number) in general, fewer where the efficiency's own variance,
    ``((1 - e)^2 passed_squares + e^2 failed_squares) / total^2``, is larger than theirs, ``e (1 -
    e) / n`` (E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193). For equal weights
    both are the number of events.

    Parameters
    ----------
    passed, total
        Sums of the weights of events that passed, and of all; of one shape.
    passed_squares, total_squares
        Sums of the squares of these weights.
    coverage
        As for `clopper_pearson`.

    Returns
    -------
    low, high
        Ends of the interval, of the sums' shape; 0 and 1 where there are no events.

    Raises
    ------
    DataError
        As `weighted_efficiency`, or if the coverage is not between 0 and 1.
    """
    sums = (np.asarray(x, np.float64) for x in (passed, total, passed_squares, total_squares))
    p, t, p2, t2 = sums
    share = weighted_efficiency(p, t)
    with np.errstate(invalid="ignore", divide="ignore"):
        worth = np.where(t2 > 0, t**2 / t2, 0.0)
        spread = ((1 - share) ** 2 * p2 + share**2 * np.maximum(t2 - p2, 0.0)) / t**2
        own = share * (1 - share) / spread
    inside = (share > 0) & (share < 1) & (spread > 0)
    worth = np.where(inside & (own < worth), own, worth)
    return _ends(np.nan_to_num(share) * worth, worth, coverage)


def _ends(passed: NDArray[Any], total: NDArray[Any], coverage: float) -> tuple[Floats, Floats]:
    """Return the ends of intervals for counts, which need not be whole."""
    if not 0 < coverage < 1:
        raise DataError(f"coverage {coverage:g}: a number between 0 and 1 is needed")
    tail = (1 - coverage) / 2
    counts = list(zip(passed.ravel().tolist(), total.ravel().tolist(), strict=True))
    low = [_lower(k, n, tail) for k, n in counts]
    # Events that fail have the efficiency 1 - p: the upper end is their lower one.
    high = [1.0 - _lower(n - k, n, tail) for k, n in counts]
    return np.reshape(low, passed.shape), np.reshape(high, passed.shape)


def _lower(passed: float, total: float, tail: float) -> float:
    """Return the efficiency at which `passed` or more of `total` have the probability `tail`."""
    if passed <= 0:
        return 0.0
    low, high = 0.0, passed / total
    while True:
        middle = (low + high) / 2
        if middle in (low, high) or high - low < _PRECISION * high:
            return middle
        if regularised_beta(middle, passed, total - passed + 1) < tail:
            low = middle
        else:
            high = middle


def regularised_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    By its continued fraction (DLMF 8.17.22), evaluated as Lentz and Thompson do. The relative error
    is about 1e-16 times the largest logarithm of a gamma function that occurs: 1e-9 for a million
    events.

    Parameters
    ----------
    x
        From 0 to 1.
    a, b
        Above 0.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side only
        return 1.0 - regularised_beta(1 - x, b, a)
    beta = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(beta + a * math.log(x) + b * math.log1p(-x)) / a
    numerator, denominator, value = 1.0, 0.0, 1.0
    for term in range(1, _TERMS):
        m = term // 2
        if term % 2:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1 / (1 + step * denominator)
        numerator = 1 + step / numerator
        value *= numerator * denominator
        if abs(numerator * denominator - 1) < _PRECISION:
            break
    return front / value
