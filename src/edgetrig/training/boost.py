"""Boosted trees made for gates: leaves are rounded in every round, so that later trees correct it.

Rounding a finished model's leaves adds errors that nothing answers. Here each round's trees are
fitted to the scores that the hardware will have: XGBoost finds them from the gradients at these
scores, their leaves are rounded to multiples of one step, and the next round starts from the
rounded trees. Features are hardware integers; splits may be told to look at their upper bits alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.errors import DataError, require
from edgetrig.frontends.trees import Forest, read_model
from edgetrig.training.events import check_classes
from edgetrig.training.settings import check_seed, check_whole

_LARGEST = 1 << 24  # XGBoost takes features as float32: whole numbers up to here are exact
_OURS = ("objective", "num_class", "base_score", "booster", "max_depth", "eta")
"""Parameters of XGBoost that follow from the arguments."""


def boost(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    rounds: int = 24,
    depth: int = 4,
    learning_rate: float = 0.6,
    leaf_bits: int = 2,
    drop_bits: int | Sequence[int] = 0,
    classes: int | None = None,
    names: Sequence[str] | None = None,
    seed: int = 0,
    **parameters: Any,
) -> Forest:
    """Train boosted trees whose leaves are whole multiples of ``2^-leaf_bits``.

    Parameters
    ----------
    features
        Unsigned hardware integers below 2^24, shape (events, features).
    labels
        (events,) class of every event, from 0.
    rounds
        Boosting rounds; each adds a tree for every class (one in all for two classes).
    depth
        Most comparisons on the way to a leaf.
    learning_rate
        Share of XGBoost's step that is taken. With few leaf bits it should be larger than usual:
        what rounds to 0 is lost.
    leaf_bits
        Bits behind the point of a leaf.
    drop_bits
        Low bits that splits do not look at, for all features or for each: thresholds are multiples
        of two to this power, which makes comparisons fewer and smaller.
    classes
        Number of classes, at least 2; what the labels have if left out. Two give one margin, for
        class 1.
    names
        Of the features.
    seed
        Of XGBoost. The same arguments give the same trees.
    **parameters
        Further parameters of XGBoost's trees, such as ``min_child_weight`` or ``subsample``; not
        those that follow from the arguments above.

    Returns
    -------
    Forest
        To be given to `edgetrig.compile`, or to `edgetrig.frontends.trees.translate` with the
        types of the features. Its leaves need no further rounding.

    Raises
    ------
    DataError
        On unusable features, labels or settings, or where all events are of one class.
    ToolError
        If XGBoost is not installed.

    References
    ----------
    T. Chen and C. Guestrin, "XGBoost: A Scalable Tree Boosting System", arXiv:1603.02754.
    """
    xgboost = require("xgboost", "boost")
    x, drop = _checked_features(features, drop_bits)
    y, count = _checked_labels(labels, len(x), classes)
    _check_settings(rounds, depth, leaf_bits, learning_rate, parameters)
    check_seed(seed)
    features_named = _checked_names(names, x.shape[1])
    outputs = 1 if count == 2 else count
    settings = {
        "objective": "binary:logistic" if outputs == 1 else "multi:softprob",
        **({} if outputs == 1 else {"num_class": count}),
        "tree_method": "hist",
        "base_score": 0.5,
        "nthread": 1,  # sums in another order may choose other splits
        **parameters,
        "max_depth": depth,
        "eta": learning_rate,
    }
    base = _prior(y, count, leaf_bits)
    coarse = x >> drop
    margins = np.tile(base, (len(x), 1))
    data = xgboost.DMatrix(coarse, label=y)
    parts = []
    for k in range(rounds):
        data.set_base_margin(margins if outputs > 1 else margins[:, 0])
        trained = xgboost.train({**settings, "seed": seed + k}, data, 1)
        trees = read_model(trained)
        value = np.ldexp(np.rint(np.ldexp(trees.value, leaf_bits)), -leaf_bits)
        for leaf in trees.leaves(coarse).T:
            margins += value[leaf]
        parts.append((trees, value))
    return _joined(parts, base, drop, features_named or parts[0][0].features)


def _checked_features(
    features: ArrayLike, drop_bits: int | Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    x = np.asarray(features)
    if x.ndim != 2 or x.dtype.kind not in "iub" or not x.size:
        raise DataError(
            f"features of type {x.dtype} and shape {x.shape}: whole numbers of shape (events,"
            " features) are needed, as the hardware has them"
        )
    if x.min() < 0 or x.max() >= _LARGEST:
        raise DataError(f"features from {x.min()} to {x.max()}: use 0 to {_LARGEST - 1}")
    drop = np.asarray(drop_bits)
    if drop.dtype.kind not in "iu" or drop.shape not in ((), (x.shape[1],)) or (drop < 0).any():
        raise DataError(f"drop_bits={drop_bits}: one whole number, or one a feature, from 0 up")
    return x.astype(np.int64), np.broadcast_to(drop, x.shape[1]).astype(np.int64)


def _checked_labels(
    labels: ArrayLike, events: int, classes: int | None
) -> tuple[NDArray[np.int64], int]:
    y = np.asarray(labels)
    if y.shape != (events,) or y.dtype.kind not in "iub":
        raise DataError(f"labels of type {y.dtype} and shape {y.shape}: one class an event")
    count = max(int(y.max()) + 1, 2) if classes is None else classes
    check_whole(classes=count)
    check_classes(y, count)
    return y.astype(np.int64), count


def _checked_names(names: Sequence[str] | None, features: int) -> tuple[str, ...]:
    """Return the names of the features; none if they are left out."""
    given = tuple(names or ())
    if given and (len(given) != features or len(set(given)) < features):
        raise DataError(f"names={given}: one of its own for each of {features} features is needed")
    return given


def _check_settings(
    rounds: int,
    depth: int,
    leaf_bits: int,
    learning_rate: float,
    parameters: Mapping[str, Any],
) -> None:
    check_whole(10_000, rounds=rounds)
    check_whole(16, depth=depth)
    if taken := [name for name in _OURS if name in parameters]:
        raise DataError(f"{taken[0]}={parameters[taken[0]]}: boost sets it by its own arguments")
    if not 0 <= leaf_bits <= 16:
        raise DataError(f"leaf_bits={leaf_bits}: use 0 to 16")
    if not 0 < learning_rate <= 1:
        raise DataError(f"learning_rate={learning_rate}: use more than 0 and at most 1")


def _prior(y: NDArray[np.int64], count: int, leaf_bits: int) -> NDArray[np.float64]:
    """Return the margins that give every class its share of events, rounded as leaves are."""
    share = np.log(np.bincount(y, minlength=count) + 1.0)
    margins = share[1:] - share[:1] if count == 2 else share - share.max()
    return np.asarray(np.ldexp(np.rint(np.ldexp(margins, leaf_bits)), -leaf_bits))


def _joined(
    parts: list[tuple[Forest, NDArray[np.float64]]],
    base: NDArray[np.float64],
    drop: NDArray[np.int64],
    features: tuple[str, ...],
) -> Forest:
    """Return all rounds' trees as one forest on the features as they were given."""
    first = np.cumsum([0, *(trees.nodes for trees, _ in parts)])

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(trees, name) for trees, _ in parts])

    def numbers(name: str) -> NDArray[np.int32]:
        shifted = [
            np.where(getattr(trees, name) < 0, -1, getattr(trees, name) + start)
            for (trees, _), start in zip(parts, first, strict=False)
        ]
        return np.concatenate(shifted).astype(np.int32)

    feature = column("feature")
    # x >> d < t  is  x < ceil(t) * 2^d.
    scale = np.where(feature < 0, 0, drop[feature]).astype(np.int32)
    return Forest(
        feature=feature,
        threshold=np.ldexp(np.ceil(column("threshold")), scale),
        left=numbers("left"),
        right=numbers("right"),
        value=np.concatenate([value for _, value in parts]),
        roots=numbers("roots"),
        base=base,
        inclusive=False,
        missing_left=column("missing_left"),
        features=features,
        narrow_inputs=True,
        link="sigmoid" if len(base) == 1 else "softmax",
    ).check()
