"""Transformers in front of a model, those that mix columns among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.sklearn.builder import Builder, Columns, Function
from edgetrig.frontends.sklearn.columnwise import BENT, FUNCTIONS, SCALERS, transforming
from edgetrig.frontends.sklearn.networks import dense
from edgetrig.frontends.sklearn.preparation import Preparation
from edgetrig.frontends.values import Value, exact

_LINEAR: Final = (
    *("PCA", "IncrementalPCA", "TruncatedSVD", "FactorAnalysis", "FastICA"),
    *("LinearDiscriminantAnalysis", "NeighborhoodComponentsAnalysis"),
    *("GaussianRandomProjection", "SparseRandomProjection"),
)
"""Transformers whose columns are sums of multiples of columns, and a number each."""


def transformed(builder: Builder, columns: Columns, transformer: Any) -> Columns:
    """Return the columns that a fitted transformer makes of others.

    Raises
    ------
    ModelError
        If it is not known.
    """
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return columns
    name = type(transformer).__name__
    if not type(transformer).__module__.startswith("sklearn."):
        raise ModelError(f"step {name} is not scikit-learn's own; give events as it makes them")
    if name == "Pipeline":
        for _, step in transformer.steps:
            columns = transformed(builder, columns, step)
        return columns
    if name == "ColumnTransformer":
        made = _beside(builder, _of_columns(builder, columns, transformer))
        return replace(made, sparse=bool(transformer.sparse_output_))
    if name == "FeatureUnion":
        return _beside(builder, _union(builder, columns, transformer))
    if Preparation.knows(transformer):
        return replace(columns, preparation=columns.preparation.then(transformer))
    if name == "FunctionTransformer":
        raise ModelError(
            "step FunctionTransformer applies a function that is not read; those that are: "
            f"{FUNCTIONS}. Else give events as it makes them"
        )
    if name not in _MIXING:
        raise ModelError(f"step {name} is not read; {_KNOWN}")
    function, width = _MIXING[name](transformer, columns.width)
    key = builder.add(name.lower(), name, function, builder.value(columns))
    keeps = columns.sparse and (name not in _LINEAR or name.endswith("Projection"))
    sparse = keeps or getattr(transformer, "encode", "") == "onehot"
    return Columns(key, Preparation.nothing(width), sparse)


def _beside(builder: Builder, parts: Sequence[Columns]) -> Columns:
    if not parts:
        raise ModelError("a step makes no columns at all")
    if all(part.key == parts[0].key for part in parts):
        together = Preparation.beside([part.preparation for part in parts])
        return Columns(parts[0].key, together, parts[0].sparse)
    key = builder.beside([builder.value(part) for part in parts])
    width = sum(part.width for part in parts)
    return Columns(key, Preparation.nothing(width), any(part.sparse for part in parts))


def _of_columns(builder: Builder, columns: Columns, transformer: Any) -> list[Columns]:
    """Return a `ColumnTransformer`'s columns in its order; "drop" leaves columns out."""
    parts = []
    names: Sequence[Any] = getattr(transformer, "feature_names_in_", ())
    weights = transformer.transformer_weights or {}
    for name, inner, chosen in transformer.transformers_:
        if (isinstance(inner, str) and inner == "drop") or not np.size(chosen):
            continue
        numbers = _numbers(chosen, columns.width, names)
        part = Columns(columns.key, columns.preparation.chosen(numbers))
        parts.append(_weighted(transformed(builder, part, inner), weights.get(name)))
    return parts


def _union(builder: Builder, columns: Columns, transformer: Any) -> list[Columns]:
    weights = transformer.transformer_weights or {}
    return [
        _weighted(transformed(builder, columns, inner), weights.get(name))
        for name, inner in transformer.transformer_list
        if not (isinstance(inner, str) and inner == "drop")
    ]


def _weighted(columns: Columns, weight: float | None) -> Columns:
    if weight is None:
        return columns
    return replace(columns, preparation=columns.preparation.weighted(weight))


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


# ---- transformers that mix columns: what they compute, and how many columns they make ------------

_Mixing = tuple[Function, int]


def _linear(transformer: Any, width: int) -> _Mixing:
    """Return what a linear transformer does, by what it does to single columns."""
    transform = transforming(transformer)
    bias = transform(np.zeros((1, width)))
    kernel = transform(np.eye(width)) - bias
    return dense(kernel, bias[0]), kernel.shape[1]


def _polynomial(transformer: Any, width: int) -> _Mixing:
    powers = np.asarray(transformer.powers_, np.int64)

    def function(precision: Precision, x: Value) -> Sequence[Value]:
        x = exact(x)
        result: list[Any] = []
        for exponents in powers:
            factors = np.repeat(np.arange(width), exponents)
            product: Any = x[factors[0] : factors[0] + 1] if len(factors) else np.ones(1)
            for k in factors[1:]:
                product = product * x[k : k + 1]
            result.append(product)
        return [np.concatenate(result, axis=0)]

    return function, len(powers)


def _bins(transformer: Any, width: int) -> _Mixing:
    """Return one column a bin, 1 where the value is in it: the bins of one column in a row."""
    edges = [np.asarray(column, np.float64)[1:-1] for column in transformer.bin_edges_]
    column = np.repeat(np.arange(width), [len(own) for own in edges])
    limits = np.concatenate(edges)

    def function(precision: Precision, x: Value) -> Sequence[Value]:
        reached = (exact(x)[column] >= limits) * 1.0
        parts, first = [], 0
        for own in edges:
            above = reached[first : first + len(own)]
            first += len(own)
            inside = above[:-1] - above[1:]
            parts += [1.0 - above[:1], inside, above[-1:]] if len(own) else [np.ones(1)]
        return [np.concatenate(parts, axis=0)]

    return function, sum(len(own) + 1 for own in edges)


_MIXING: Final[dict[str, Callable[[Any, int], _Mixing]]] = {
    **dict.fromkeys(_LINEAR, _linear),
    "PolynomialFeatures": _polynomial,
    "KBinsDiscretizer": _bins,
}

_KNOWN: Final = (
    f"those that are: {', '.join(dict.fromkeys([*SCALERS, *BENT, *_MIXING]))}, SimpleImputer, "
    "ColumnTransformer, FeatureUnion, selections of features. Else give events as it makes them"
)
