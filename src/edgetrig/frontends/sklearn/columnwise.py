"""scikit-learn's transformers of single columns: factors and offsets, and other functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.trees.forest import LARGEST

_Affine = tuple[NDArray[np.float64], NDArray[np.float64]]
"""A factor and an offset for each column."""

Domain = tuple[float, float]
"""The smallest and the largest number that a function has a value for."""

WHOLE: Final = (-LARGEST, LARGEST)
_TINY: Final = float(np.finfo(np.float64).tiny)

_POWERS: Final = 1e30
"""Where powers of data begin to overflow."""

_RISING: Final[dict[Any, Domain]] = {
    **dict.fromkeys((np.log, np.log2, np.log10), (_TINY, LARGEST)),
    np.log1p: (float(np.nextafter(-1.0, 0.0)), LARGEST),
    np.sqrt: (0.0, LARGEST),
    **dict.fromkeys((np.exp, np.expm1, np.tanh, np.arctan, np.arcsinh, np.sinh, np.cbrt), WHOLE),
}
"""NumPy's functions that rise."""

_OTHERS: Final = (np.abs, np.fabs, np.square, np.negative, np.sin, np.cos, np.reciprocal)

FUNCTIONS: Final = ", ".join(f"np.{function.__name__}" for function in (*_RISING, *_OTHERS))
"""The functions that a `FunctionTransformer` may apply."""


def transforming(transformer: Any, domain: Domain = WHOLE) -> Callable[[Floats], Floats]:
    """Return what a fitted transformer computes, of events (events, features) in float64.

    Parameters
    ----------
    transformer
        The library's own.
    domain
        Numbers beyond are taken for its ends, as the transformer has no value for them.
    """

    def function(x: Floats) -> Floats:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # that the columns have no names
            given = np.clip(x, *domain)  # infinities are refused
            made = transformer.transform(given)
            dense = made.toarray() if hasattr(made, "toarray") else made
            # Where a function overflows: the same side of every threshold.
            return np.nan_to_num(np.asarray(dense, np.float64), nan=np.nan)

    return function


def known_function(transformer: Any) -> bool:
    """Whether a `FunctionTransformer` applies nothing, or one of NumPy's functions of a number."""
    function = transformer.func
    if function is None:
        return True
    return (function in _RISING or function in _OTHERS) and not transformer.kw_args


def _standard(transformer: Any, width: int) -> _Affine:
    scale, mean = _or_one(transformer.scale_, width), transformer.mean_
    return 1 / scale, np.zeros(width) if not transformer.with_mean else -mean / scale


def _robust(transformer: Any, width: int) -> _Affine:
    scale, center = _or_one(transformer.scale_, width), transformer.center_
    return 1 / scale, np.zeros(width) if center is None else -center / scale


def _largest(transformer: Any, width: int) -> _Affine:
    return 1 / _or_one(transformer.scale_, width), np.zeros(width)


def _extremes(transformer: Any, width: int) -> _Affine:
    return _or_one(transformer.scale_, width), np.asarray(transformer.min_, np.float64)


def _or_one(scale: Any, width: int) -> NDArray[np.float64]:
    return np.ones(width) if scale is None else np.asarray(scale, np.float64)


SCALERS: Final[dict[str, Callable[[Any, int], _Affine]]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _extremes,
    "MaxAbsScaler": _largest,
    "RobustScaler": _robust,
}
"""Factor and offset of each column, by the name of the transformer's class."""

_Bend = tuple[Domain, bool]
"""Where a function has values, and whether it rises."""


def _power(transformer: Any) -> _Bend:
    return (_TINY if transformer.method == "box-cox" else -_POWERS, _POWERS), True


def _named(transformer: Any) -> _Bend:
    return _RISING.get(transformer.func, WHOLE), transformer.func in _RISING


def _rising(transformer: Any) -> _Bend:
    return WHOLE, True


BENT: Final[dict[str, Callable[[Any], _Bend]]] = {
    "PowerTransformer": _power,
    "QuantileTransformer": _rising,
    "FunctionTransformer": _named,
    "KBinsDiscretizer": _rising,
    "Binarizer": _rising,
}
"""Transformers that are no factor and offset."""
