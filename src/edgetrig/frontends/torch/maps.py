"""Interpolations: linear maps whose matrix PyTorch itself tells, by unit vectors."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Final

import numpy as np

from edgetrig.errors import require
from edgetrig.frontends.torch.graph import called
from edgetrig.frontends.torch.operation import Call, Operation, Shape, Weight
from edgetrig.frontends.values import Value, exact

MAPS: Final = frozenset(
    {"upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"}
)
"""Operations that are linear in their first argument, event by event."""

LARGEST: Final = 1 << 25
"""Most elements of a matrix."""


def as_product(operation: Operation, shape: Shape) -> Operation:
    """Return a linear map as a product with its matrix.

    Parameters
    ----------
    operation
        One of `MAPS`.
    shape
        Of its first argument, the event axis first.

    Raises
    ------
    ValueError
        If the matrix is too large.
    """
    size, made = prod(shape), prod(operation.shapes[0])
    if size * made > LARGEST:
        raise ValueError(f"an interpolation of {size} elements to {made} is too large")
    torch = require("torch", "torch")
    first, *rest = operation.arguments
    units = torch.eye(size, dtype=torch.float64).reshape((size, *shape[1:]))
    arguments = {first: units, **{name: operation.arguments[name] for name in rest}}
    matrix = called(operation.overload, arguments).reshape((size, made)).numpy()
    columns = {"x": operation.x, "matrix": Weight(matrix.astype(np.float64))}
    return replace(operation, target="mapped", arguments=columns, kind=operation.target)


def mapped(call: Call, x: Value, matrix: Weight) -> Value:
    """Return the product of all elements with a matrix."""
    return (exact(x).reshape(-1) @ call.weight(matrix, "kernel")).reshape(call.shape)
