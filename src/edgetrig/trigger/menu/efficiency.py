"""Intervals of efficiencies that cover as often as they say, for any counts."""

from __future__ import annotations

import math
from typing import Final

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
    if not 0 < coverage < 1:
        raise DataError(f"coverage {coverage:g}: a number between 0 and 1 is needed")
    tail = (1 - coverage) / 2
    counts = list(zip(successes.ravel().tolist(), trials.ravel().tolist(), strict=True))
    low = [_lower(k, n, tail) for k, n in counts]
    # Events that fail have the efficiency 1 - p: the upper end is their lower one.
    high = [1.0 - _lower(n - k, n, tail) for k, n in counts]
    return np.reshape(low, successes.shape), np.reshape(high, successes.shape)


def _lower(passed: int, total: int, tail: float) -> float:
    """Return the efficiency at which `passed` or more of `total` have the probability `tail`."""
    if passed == 0:
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
