"""One ATen operation of an exported module, with its arguments by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Floats
from edgetrig.frontends.values import Value, exact

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Reference:
    """Result ``index`` of the operation, or the input, called ``key``."""

    key: str
    index: int = 0


@dataclass(frozen=True)
class Weight:
    """A constant tensor: a parameter, a buffer, or what is computed from these alone.

    Where fake quantisation made it, ``scale`` (which broadcasts against it) is its step.
    """

    values: NDArray[Any]
    scale: NDArray[np.float64] | None = None

    __hash__ = object.__hash__


@dataclass(frozen=True)
class Operation:
    """One operation.

    Parameters
    ----------
    key
        Its name in the exported graph.
    target
        ATen's name for it without the overload, such as ``conv2d``.
    arguments
        By ATen's names, defaults included: `Reference`, `Weight`, numbers, and lists of these.
    shapes
        Of its results, with an event axis of size 1.
    dtypes
        Names of their number types, such as ``float32``.
    module
        Path of the module that asked for it, such as ``layers.0``; empty for the model itself.
    kind
        That module's class.
    overload
        PyTorch's own function.
    """

    key: str
    target: str
    arguments: Mapping[str, Any]
    shapes: tuple[Shape, ...]
    dtypes: tuple[str, ...]
    module: str = ""
    kind: str = ""
    overload: Callable[..., Any] | None = field(default=None, compare=False)

    def references(self) -> Iterator[Reference]:
        """Yield the values it reads."""
        yield from _references(list(self.arguments.values()))

    @property
    def x(self) -> Any:
        """The first argument."""
        return next(iter(self.arguments.values()))


def _references(tree: Any) -> Iterator[Reference]:
    if isinstance(tree, Reference):
        yield tree
    elif isinstance(tree, list | tuple):
        for branch in tree:
            yield from _references(branch)


def replaced(tree: Any, function: Callable[[Reference], Any]) -> Any:
    """Return arguments with every reference replaced."""
    if isinstance(tree, Reference):
        return function(tree)
    if isinstance(tree, list | tuple):
        return [replaced(branch, function) for branch in tree]
    return tree


@dataclass(frozen=True)
class Call:
    """What a handler knows beside the arguments: the step's precision and its results."""

    precision: Precision
    shapes: tuple[Shape, ...]
    dtypes: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """Shape of the first result."""
        return self.shapes[0]

    def number(self, value: float) -> np.float64:
        """Return a number as PyTorch's arithmetic takes it: in the type of the result."""
        single = self.dtypes[0] in ("float32", "float16", "bfloat16", "bool")
        return np.float64(np.float32(value)) if single else np.float64(value)

    def weight(self, value: Weight | float, role: str) -> NDArray[Any]:
        """Return a constant as the layer's precision rounds it; whole numbers stay."""
        if not np.isfinite(values_of(value)).all():
            raise ValueError(
                "a constant is infinite; masks of -inf are taken in front of a softmax alone"
            )
        if not isinstance(value, Weight):
            return self.precision.weight(np.asarray(self.number(value)), role)
        if value.values.dtype.kind == "f":
            return self.precision.weight(value.values, role)
        return value.values.astype(np.float64)

    def kernel(self, value: Weight, axes: Sequence[int]) -> Floats:
        """Return a kernel with its axes permuted: the outputs last, as all front ends have them."""
        return self.precision.weight(value.values.transpose(axes), "kernel")

    def operand(self, value: Value | Weight | float, role: str) -> Any:
        """Return an exact array, or a constant."""
        return self.weight(value, role) if is_constant(value) else exact(value)


def is_constant(value: Any) -> bool:
    """Whether an argument is known while the model is read."""
    return isinstance(value, Weight | bool | int | float)


def values_of(value: Weight | float) -> Floats:
    """Return a constant's numbers."""
    return np.asarray(value.values if isinstance(value, Weight) else value, np.float64)
