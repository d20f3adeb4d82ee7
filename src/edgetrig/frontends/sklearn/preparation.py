"""Transformers in front of a model that make each column of one column.

Columns are chosen, scaled, shifted, bent, binned, or have their missing values filled in. Nearly
all of that rises with the value, in floating point too, so that a comparison behind it is a
comparison in front.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.sklearn.columnwise import (
    BENT,
    SCALERS,
    WHOLE,
    Domain,
    known_function,
    transforming,
)

_BY_COLUMN: Final = ("sources", "scale", "offset", "low", "high", "bent", "rising", "filled")


@dataclass(frozen=True)
class Preparation:
    """What is done to columns of numbers (events, features) before a model sees them.

    Parameters
    ----------
    features
        Number of columns that come in.
    sources
        The column that each prepared column is made of.
    function
        From columns to prepared columns, as the library computes it in float64.
    scale, offset
        By prepared column: it is ``x * scale + offset``, unless it is bent.
    low, high
        By prepared column: what it is clipped to.
    bent
        Which prepared columns are other functions than these.
    rising
        Which prepared columns rise with the value.
    filled
        In which prepared columns missing values are filled in.
    """

    features: int
    sources: NDArray[np.int64]
    function: Callable[[Floats], Floats]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    bent: NDArray[np.bool_]
    rising: NDArray[np.bool_]
    filled: NDArray[np.bool_]

    @staticmethod
    def nothing(width: int) -> Preparation:
        """Return the preparation of columns that stay as they are."""
        one, zero = np.ones(width), np.zeros(width)
        none, no, yes = np.full(width, np.inf), zero > 0, one > 0
        return Preparation(
            width, np.arange(width), lambda x: x, one, zero, -none, none, no, yes, no
        )

    @property
    def width(self) -> int:
        """Number of prepared columns."""
        return len(self.sources)

    @property
    def scaled(self) -> NDArray[np.bool_]:
        """Which prepared columns are not plain columns, shape (width,)."""
        clipped = np.isfinite(self.low) | np.isfinite(self.high)
        return np.asarray((self.scale != 1) | (self.offset != 0) | clipped | self.bent)

    @property
    def selects(self) -> bool:
        """Whether the prepared columns are not those that come in, one by one."""
        return self.width != self.features or bool((np.diff(self.sources) != 1).any())

    @staticmethod
    def knows(transformer: Any) -> bool:
        """Whether a fitted transformer makes each column of one column, in a way that is known."""
        name = type(transformer).__name__
        if name == "FunctionTransformer":
            return known_function(transformer)
        binned = name == "KBinsDiscretizer" and transformer.encode != "ordinal"
        of_columns = hasattr(transformer, "get_support") or name == "SimpleImputer"
        return of_columns or name in SCALERS or (name in BENT and not binned)

    def then(self, transformer: Any) -> Preparation:
        """Return the preparation that a transformer that is known makes of this one's columns.

        Raises
        ------
        ModelError
            If it has an option that is not read.
        """
        name = type(transformer).__name__
        if hasattr(transformer, "get_support"):
            return self.chosen(np.flatnonzero(transformer.get_support()))
        if name == "SimpleImputer":
            return self._filled(transformer)
        if name in SCALERS:
            return self._scaled(transformer, *SCALERS[name](transformer, self.width))
        if name == "FunctionTransformer" and transformer.func is None:
            return self
        domain, rising = BENT[name](transformer)
        every = np.ones(self.width, np.bool_)
        return replace(
            self,
            function=_behind(self.function, transformer, domain),
            bent=every,
            rising=self.rising & rising,
        )

    def weighted(self, weight: float) -> Preparation:
        """Return this preparation with its columns multiplied by a number.

        Raises
        ------
        ModelError
            If it is not above 0.
        """
        if not 0 < weight < np.inf:
            raise ModelError(f"a transformer has a weight of {weight:g}; above 0 is read")
        before = self.function
        return replace(
            self,
            function=lambda x: before(x) * weight,
            scale=self.scale * weight,
            offset=self.offset * weight,
            low=self.low * weight,
            high=self.high * weight,
        )

    def chosen(self, columns: NDArray[np.int64]) -> Preparation:
        """Return the preparation of some of the columns."""
        if not len(columns):
            raise ModelError("a step chooses no columns at all")
        before = self.function
        return replace(
            self,
            function=lambda x: before(x)[:, columns],
            **{name: getattr(self, name)[columns] for name in _BY_COLUMN},
        )

    @staticmethod
    def beside(parts: Sequence[Preparation]) -> Preparation:
        """Return the columns of several preparations of the same columns, side by side."""

        def every(name: str) -> Any:
            return np.concatenate([getattr(part, name) for part in parts])

        return Preparation(
            parts[0].features,
            function=lambda x: np.concatenate([part.function(x) for part in parts], axis=1),
            **{name: every(name) for name in _BY_COLUMN},
        )

    def column(self, number: int) -> Callable[[Floats], Floats]:
        """Return a prepared column as a function of numbers of the column that it is made of."""
        source = self.sources[number]

        def function(values: Floats) -> Floats:
            events = np.zeros((values.size, self.features))
            events[:, source] = values.ravel()
            return self.function(events)[:, number].reshape(values.shape)

        return function

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

    def _filled(self, transformer: Any) -> Preparation:
        absent = transformer.missing_values
        if transformer.add_indicator or not (isinstance(absent, float) and np.isnan(absent)):
            raise ModelError("step SimpleImputer fills in other than NaN, or adds an indicator")
        if np.isnan(np.asarray(transformer.statistics_, np.float64)).any():
            raise ModelError("step SimpleImputer drops columns that were empty; leave them out")
        return replace(
            self, function=_behind(self.function, transformer), filled=np.ones(self.width, np.bool_)
        )


def _behind(
    before: Callable[[Floats], Floats], transformer: Any, domain: Domain = WHOLE
) -> Callable[[Floats], Floats]:
    after = transforming(transformer, domain)
    return lambda x: after(before(x))
