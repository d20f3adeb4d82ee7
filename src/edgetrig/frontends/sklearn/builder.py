"""Steps of a model as they are added, and the columns of numbers between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.layers import activation
from edgetrig.frontends.layers.inner import pending
from edgetrig.frontends.model import Key, Step
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.sklearn.preparation import Preparation
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.moved import Prepared, moved
from edgetrig.frontends.trees.step import layer
from edgetrig.frontends.values import Value, exact, rearranged

Function = Callable[..., Sequence[Value]]

_NOTE: Final = (
    "features are scaled in float64: where the pipeline is given float32, its scaler rounds, and "
    "may decide ties otherwise"
)

INPUT = "x"
"""Key of the events."""


@dataclass(frozen=True)
class Columns:
    """Columns that are not computed yet: a preparation of those that have a key.

    ``sparse`` says whether the library has them in a sparse matrix.
    """

    key: Key
    preparation: Preparation
    sparse: bool = False

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.preparation.width


@dataclass(frozen=True)
class Scores:
    """What a model gives, one number an output.

    Parameters
    ----------
    width
        Number of outputs.
    link
        What its library makes of them: "identity", "sigmoid", "softmax", "average" (they are
        probabilities already), or another name.
    key
        Of the value with all of them; of the features, where there is a ``forest``.
    forest
        Trees that are not among the steps yet.
    """

    width: int
    link: str
    key: Key
    forest: Forest | None = None


class Builder:
    """Collects steps from the input on.

    Parameters
    ----------
    features
        Names of the events' columns.
    """

    def __init__(self, features: Sequence[str]) -> None:
        self.features = tuple(features)
        self.steps: list[Step] = []
        self.notes: list[str] = []

    @property
    def columns(self) -> Columns:
        """The columns of the events."""
        return Columns(INPUT, Preparation.nothing(len(self.features)))

    def add(self, name: str, kind: str, function: Function, *arguments: Key) -> Key:
        """Add a step under a name of its own, and return the key of its result."""
        taken = {step.name for step in self.steps}
        unique, number = name, 1
        while unique in taken or unique == INPUT:
            number += 1
            unique = f"{name}_{number}"
        self.steps.append(Step(unique, kind, function, arguments, (unique,)))
        return unique

    def value(self, columns: Columns) -> Key:
        """Return the key of columns, computed.

        Raises
        ------
        ModelError
            If missing values are filled in.
        """
        preparation, key = columns.preparation, columns.key
        if preparation.filled.any():
            raise ModelError("missing values have no place in hardware; leave SimpleImputer out")
        if preparation.bent.any():
            return self._bent(columns)
        if preparation.selects:
            key = self.add("select", "Selection", _selection(preparation.sources), key)
        if preparation.scaled.any():
            key = self.add("scale", "Scaling", _scaling(preparation), key)
        return key

    def beside(self, keys: Sequence[Key]) -> Key:
        """Return the key of the elements of several values in one."""
        if len(keys) == 1:
            return keys[0]
        return self.add("join", "Concatenation", _joining, *keys)

    def behind(self, forest: Forest, columns: Columns) -> Scores:
        """Return the scores of trees of some columns; scalings move into their comparisons."""
        if not columns.preparation.rising.all():
            columns = Columns(self.value(columns), Preparation.nothing(columns.width))
        preparation = columns.preparation
        if preparation.selects or preparation.scaled.any() or preparation.filled.any():
            names = [f"x{k}" for k in range(preparation.features)]
            known = self.features if columns.key == INPUT else names
            forest = moved(forest, _prepared(preparation, known))
            if preparation.scaled.any():
                forest = replace(forest, notes=(*forest.notes, _NOTE))
        return Scores(forest.outputs, forest.link, columns.key, forest)

    def computed(self, scores: Scores) -> Key:
        """Return the key of scores, trees among the steps."""
        if scores.forest is None:
            return scores.key
        self.notes += [n for n in scores.forest.notes if n not in self.notes]
        return self.add("trees", "Forest", layer(scores.forest), scores.key)

    def predicted(self, scores: Scores) -> Key:
        """Return the key of scores behind their link, if that is a sigmoid or a softmax."""
        key = self.computed(scores)
        if scores.link == "exp":
            self.notes.append("scores are the logarithm of what the model predicts")
        if scores.link not in ("sigmoid", "softmax"):
            return key
        return self.add(scores.link, "Link", _linked(scores.link), key)

    def _bent(self, columns: Columns) -> Key:
        """Compute the columns that are bent one by one, by tables, the others together."""
        preparation = columns.preparation
        straight = np.flatnonzero(~preparation.bent)
        keys, order = [], [*straight, *np.flatnonzero(preparation.bent)]
        if len(straight):
            keys.append(self.value(Columns(columns.key, preparation.chosen(straight))))
        for number in order[len(straight) :]:
            function = _table(int(preparation.sources[number]), preparation.column(number))
            keys.append(self.add(f"column_{number}", "Table", function, columns.key))
        key = self.beside(keys)
        back = np.argsort(order)
        if (np.diff(back) == 1).all():
            return key
        return self.add("order", "Selection", _selection(back), key)


def _prepared(preparation: Preparation, names: Sequence[str]) -> Prepared:
    made = preparation.sources, preparation.function
    return Prepared(tuple(names), *made, preparation.scaled, preparation.filled)


def _linked(link: str) -> Function:
    return lambda precision, x: [activation.apply(link, exact(x), precision)]


def _selection(columns: NDArray[np.int64]) -> Function:
    return lambda precision, x: [rearranged(x, lambda v: v[columns])]


def _joining(precision: Precision, *values: Value) -> Sequence[Value]:
    return [np.concatenate([exact(value) for value in values], axis=0)]


def _table(source: int, function: Callable[[Floats], Floats]) -> Function:
    def of_column(precision: Precision, x: Value) -> Sequence[Value]:
        return [pending("function", function, exact(x)[source : source + 1])]

    return of_column


def _scaling(preparation: Preparation) -> Function:
    clipped = np.isfinite(preparation.low)
    # Clipped columns first, then the others; `back` is the way back.
    order = np.argsort(~clipped, kind="stable")
    back, count = np.argsort(order), int(clipped.sum())
    low, high = (ends[clipped] for ends in (preparation.low, preparation.high))

    def function(precision: Precision, x: Value) -> Sequence[Value]:
        scaled: Any = exact(x) * precision.weight(preparation.scale, "scale")
        scaled = scaled + precision.weight(preparation.offset, "bias")
        if count:
            inside = np.clip(scaled[order[:count]], low, high)
            scaled = np.concatenate([inside, scaled[order[count:]]])[back]
        return [scaled]

    return function
