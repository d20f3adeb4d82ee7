"""Transformers in front of a model: each column that they make is one column of the events.

Columns are chosen, scaled and shifted, or have their missing values filled in. All of that rises
with the value, in floating point too, so that a comparison behind it is a comparison in front.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.trees.forest import LARGEST

_Affine = tuple[NDArray[np.float64], NDArray[np.float64]]
"""A factor and an offset for each column."""


@dataclass(frozen=True)
class Preparation:
    """What pipelines do to events (events, features) before a model sees them.

    Parameters
    ----------
    features
        Number of columns of the events.
    sources
        The column of the events that each prepared column is made of.
    function
        From events to prepared columns, as the library computes it in float64.
    scale, offset
        By prepared column: it is ``x * scale + offset``.
    low, high
        By prepared column: what it is clipped to.
    filled
        Whether missing values are filled in.
    """

    features: int
    sources: NDArray[np.int64]
    function: Callable[[Floats], Floats]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    filled: bool = False

    @staticmethod
    def nothing(width: int) -> Preparation:
        """Return the preparation of events that stay as they are."""
        one, zero = np.ones(width), np.zeros(width)
        none = np.full(width, np.inf)
        return Preparation(width, np.arange(width), lambda x: x, one, zero, -none, none)

    @property
    def width(self) -> int:
        """Number of prepared columns."""
        return len(self.sources)

    @property
    def scaled(self) -> NDArray[np.bool_]:
        """Which prepared columns are not plain columns of the events, shape (width,)."""
        clipped = np.isfinite(self.low) | np.isfinite(self.high)
        return np.asarray((self.scale != 1) | (self.offset != 0) | clipped)

    def then(self, transformer: Any) -> Preparation:
        """Return the preparation that a fitted transformer makes of this one's columns.

        Raises
        ------
        ModelError
            If its columns are not made of one column each, or not in a way that is known.
        """
        if transformer is None or transformer == "passthrough":
            return self
        name = type(transformer).__name__
        if not type(transformer).__module__.startswith("sklearn."):
            raise ModelError(f"step {name} is not scikit-learn's own; give events as it makes them")
        if name == "Pipeline":
            result = self
            for _, step in transformer.steps:
                result = result.then(step)
            return result
        if name == "ColumnTransformer":
            return self._side_by_side(transformer)
        if name == "FunctionTransformer" and transformer.func is None:
            return self
        if hasattr(transformer, "get_support"):
            return self._chosen(np.flatnonzero(transformer.get_support()))
        if name == "SimpleImputer":
            return self._filled(transformer)
        if name not in _SCALERS:
            raise ModelError(
                f"step {name} is not read; those that are: {', '.join(_SCALERS)}, SimpleImputer, "
                "ColumnTransformer, selections of features. Else give events as it makes them"
            )
        return self._scaled(transformer, *_SCALERS[name](transformer, self.width))

    def _scaled(
        self, transformer: Any, scale: NDArray[np.float64], offset: NDArray[np.float64]
    ) -> Preparation:
        if (scale <= 0).any():
            raise ModelError(f"step {type(transformer).__name__} has a factor that is not above 0")
        low, high = self.low * scale + offset, self.high * scale + offset
        if getattr(transformer, "clip", False):
            bottom, top = getattr(transformer, "feature_range", (-1.0, 1.0))  # MaxAbsScaler
            low, high = np.maximum(low, bottom), np.minimum(high, top)
        return replace(
            self,
            function=_behind(self.function, transformer),
            scale=self.scale * scale,
            offset=self.offset * scale + offset,
            low=low,
            high=high,
        )

    def _weighted(self, weight: float) -> Preparation:
        if not 0 < weight < np.inf:
            raise ModelError(f"step ColumnTransformer has a weight of {weight:g}; above 0 is read")
        before = self.function
        return replace(
            self,
            function=lambda x: before(x) * weight,
            scale=self.scale * weight,
            offset=self.offset * weight,
            low=self.low * weight,
            high=self.high * weight,
        )

    def _chosen(self, columns: NDArray[np.int64]) -> Preparation:
        if not len(columns):
            raise ModelError("a step chooses no columns at all")
        before = self.function
        return replace(
            self,
            sources=self.sources[columns],
            function=lambda x: before(x)[:, columns],
            scale=self.scale[columns],
            offset=self.offset[columns],
            low=self.low[columns],
            high=self.high[columns],
        )

    def _filled(self, transformer: Any) -> Preparation:
        absent = transformer.missing_values
        if transformer.add_indicator or not (isinstance(absent, float) and np.isnan(absent)):
            raise ModelError("step SimpleImputer fills in other than NaN, or adds an indicator")
        if np.isnan(np.asarray(transformer.statistics_, np.float64)).any():
            raise ModelError("step SimpleImputer drops columns that were empty; leave them out")
        return replace(self, function=_behind(self.function, transformer), filled=True)

    def _side_by_side(self, transformer: Any) -> Preparation:
        """Return a `ColumnTransformer`'s columns in its order; "drop" leaves columns out."""
        parts = []
        names: Sequence[Any] = getattr(transformer, "feature_names_in_", ())
        weights = transformer.transformer_weights or {}
        for name, inner, columns in transformer.transformers_:
            if inner == "drop" or not np.size(columns):
                continue
            part = self._chosen(_numbers(columns, self.width, names)).then(inner)
            parts.append(part if weights.get(name) is None else part._weighted(weights[name]))
        if not parts:
            raise ModelError("step ColumnTransformer drops every column")

        def every(name: str) -> Any:
            return np.concatenate([getattr(part, name) for part in parts])

        return replace(
            self,
            sources=every("sources"),
            function=lambda x: np.concatenate([part.function(x) for part in parts], axis=1),
            scale=every("scale"),
            offset=every("offset"),
            low=every("low"),
            high=every("high"),
            filled=all(part.filled for part in parts),
        )


def _numbers(columns: Any, width: int, names: Sequence[Any]) -> NDArray[np.int64]:
    """Return the numbers of columns that are given as `ColumnTransformer` takes them."""
    if isinstance(columns, slice) and not isinstance(columns.start or columns.stop, str):
        return np.arange(width)[columns]
    found = np.atleast_1d(np.asarray(columns))
    if found.dtype.kind in "OU":
        known = {str(name): number for number, name in enumerate(names)}
        if not all(str(name) in known for name in found):
            raise ModelError("step ColumnTransformer names columns in a way that is not read")
        return np.array([known[str(name)] for name in found], np.int64)
    chosen: NDArray[np.int64] = np.arange(width)[found]
    return chosen


def _behind(before: Callable[[Floats], Floats], transformer: Any) -> Callable[[Floats], Floats]:
    def function(x: Floats) -> Floats:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # that the columns have no names
            given = np.clip(before(x), -LARGEST, LARGEST)  # transformers refuse infinities
            return np.asarray(transformer.transform(given), np.float64)

    return function


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


_SCALERS: Final[dict[str, Callable[[Any, int], _Affine]]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _extremes,
    "MaxAbsScaler": _largest,
    "RobustScaler": _robust,
}
"""Factor and offset of each column, by the name of the transformer's class."""
