"""Sums over constant indices: messages gathered along the edges of a fixed graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig.errors import require
from edgetrig.frontends.torch.operation import Call, Operation, Reference, Shape, Weight
from edgetrig.frontends.values import Value

SCATTERS: Final = frozenset({"index_add", "scatter_add", "scatter_reduce", "index_put"})
"""Their names."""

_REDUCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "sum": np.sum,
    "amax": np.max,
    "amin": np.min,
    "prod": np.prod,
}


def is_scatter(operation: Operation) -> bool:
    """Whether an operation joins elements into places that are known beforehand."""
    index = operation.arguments.get("index", operation.arguments.get("indices"))
    leaves = index if isinstance(index, list) else [index]
    return operation.target in SCATTERS and not any(isinstance(v, Reference) for v in leaves)


def as_grouped(operation: Operation, shapes: Mapping[Reference, Shape]) -> Operation:
    """Return a scatter with the place in the result that each element of the source goes to.

    Parameters
    ----------
    operation
        For which `is_scatter` holds.
    shapes
        Of the values it may read.

    Raises
    ------
    ValueError
        If it joins in a way that has no exact form.
    """
    given = operation.arguments
    reduce = given.get("reduce", "sum")
    if reduce not in _REDUCTIONS:
        raise ValueError(f"scatter with reduce='{reduce}' is not supported; divide the sum instead")
    torch = require("torch", "torch")
    source = given.get("src", given.get("source", given.get("values")))
    shape = shapes[source] if isinstance(source, Reference) else source.values.shape
    places = torch.arange(prod(operation.shapes[0])).reshape(operation.shapes[0])
    if operation.target == "index_put":
        indices = [
            slice(None) if i is None else torch.from_numpy(i.values) for i in given["indices"]
        ]
        target = places[tuple(indices)]
        taken = torch.arange(prod(shape)).reshape(shape).expand(target.shape)
    else:
        index = torch.from_numpy(np.ascontiguousarray(given["index"].values))
        numbers = torch.arange(prod(shape)).reshape(shape)
        if operation.target == "index_add":
            target, taken = places.index_select(given["dim"], index), numbers
        else:
            target = places.gather(given["dim"], index)
            taken = numbers[tuple(slice(0, n) for n in index.shape)]
    arguments = {
        "x": given["self"],
        "source": source,
        "places": Weight(target.reshape(-1).numpy()),
        "taken": Weight(taken.reshape(-1).numpy()),
        "reduce": reduce,
        "alone": not given.get("include_self", True),
        "alpha": given.get("alpha", 1),
    }
    return replace(operation, target="grouped", arguments=arguments, kind=operation.target)


def grouped(
    call: Call,
    x: Value,
    source: Value,
    places: Weight,
    taken: Weight,
    reduce: str,
    alone: bool,
    alpha: float,
) -> Value:
    """Return ``x`` with elements of the source joined into known places.

    Element ``taken[k]`` of the source goes to element ``places[k]``; ``alone`` leaves out what
    ``x`` held there.
    """
    base = call.operand(x, "bias")
    columns = np.broadcast_to(base, call.shape).reshape(-1)
    items = call.operand(source, "value").reshape(-1)[taken.values]
    items = items if alpha == 1 else items * call.number(alpha)
    order = np.argsort(places.values, kind="stable")
    counts = np.bincount(places.values, minlength=prod(call.shape))
    first = np.cumsum(counts) - counts
    parts, numbers = [], []
    for count in np.unique(counts):
        chosen = np.flatnonzero(counts == count)
        numbers.append(chosen)
        members = order[first[chosen][None, :] + np.arange(count)[:, None]]
        together = [items[row] for row in members]
        if not (alone and count):
            together.append(columns[chosen])
        parts.append(_REDUCTIONS[reduce](np.stack(together, axis=0), axis=0))
    back = np.argsort(np.concatenate(numbers), kind="stable")
    return np.concatenate(parts)[back].reshape(call.shape)
