"""Operators that only move elements: nothing is computed, no hardware but wires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from edgetrig.frontends.joined import joined as put_together
from edgetrig.frontends.layers import selection
from edgetrig.frontends.onnx.node import Argument, Node, argument, constant
from edgetrig.frontends.scales.scaled import Known, Scaled, bounded_shape, parts, shape_of
from edgetrig.frontends.values import Deferred, Raw, Value, exact, rearranged

Results = list[Value | Known]


def moved(value: Argument, function: Callable[[Any], Any]) -> Value | Known:
    """Apply a function that only moves elements to a value or a constant."""
    if value is None:
        raise ValueError("an argument is missing")
    return value.rearranged(function) if isinstance(value, Known) else rearranged(value, function)


def identity(node: Node, x: Value | Known, *rest: Argument) -> Results:
    """Return the argument; what training alone needs is left out.

    ``Dropout``'s second result says that nothing is dropped.
    """
    if any(v is None or constant(v, "training mode").any() for v in rest[1:2]):
        raise ValueError("it trains; export the model for inference")
    return [x, *[Known(np.ones(shape_of(x), bool))] * (node.outputs - 1)]


def reshape(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Reshape``: 0 keeps a size, unless ``allowzero``."""
    x = arguments[0]
    target = node.listed("shape", arguments, 1) or []
    if not node.integer("allowzero", 0):
        have = shape_of(x)
        if any(size == 0 and k >= len(have) for k, size in enumerate(target)):
            raise ValueError(f"its target {target} keeps an axis that {have} does not have")
        target = [have[k] if size == 0 else size for k, size in enumerate(target)]
    return [moved(x, lambda v: v.reshape(tuple(target)))]


def flatten(node: Node, x: Value) -> Results:
    """ONNX' ``Flatten`` into two axes."""
    shape = shape_of(x)
    axis = node.integer("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    rows = int(np.prod(shape[:axis], dtype=np.int64))
    columns = int(np.prod(shape[axis:], dtype=np.int64))
    return [moved(x, lambda v: v.reshape((rows, columns)))]


def transpose(node: Node, x: Value) -> Results:
    """ONNX' ``Transpose``; without ``perm`` the axes are reversed."""
    axes = node.integers("perm", list(range(len(shape_of(x))))[::-1])
    return [moved(x, lambda v: v.transpose(axes))]


def squeeze(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Squeeze``."""
    axes = node.listed("axes", arguments, 1)
    chosen = None if axes is None else tuple(axes)
    return [moved(arguments[0], lambda v: np.squeeze(v, axis=chosen) if v.ndim else v)]


def unsqueeze(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Unsqueeze``."""
    axes = node.listed("axes", arguments, 1) or []
    return [moved(arguments[0], lambda v: np.expand_dims(v, tuple(axes)))]


def concat(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Concat``; model inputs may be joined before they are quantised."""
    return [joined(arguments, lambda v: np.concatenate(v, axis=node.integer("axis", 1)))]


def joined(arguments: Sequence[Argument], join: Callable[[Sequence[Any]], Any]) -> Value | Known:
    """Join values of any kind; those with scales keep them."""
    values: list[Any] = [v for v in arguments if v is not None]
    bounded_shape([sum(int(np.prod(shape_of(v))) for v in values)])
    if all(isinstance(v, Known) for v in values):
        if all(v.scale is None for v in values):
            return Known(join([v.values for v in values]))
        scales = [np.ones(v.shape) if v.scale is None else v.scale for v in values]
        return Known(join([v.values for v in values]), join(scales))
    if not any(isinstance(v, Deferred) for v in values):
        real = [v.real if isinstance(v, Known) else v for v in values]
        return put_together(lambda *a: join(a), real)
    every = [parts(v) for v in values]
    columns = [join(list(column)) for column in zip(*map(_columns, every), strict=True)]
    return Scaled(*columns)


def _columns(x: Scaled) -> tuple[Any, ...]:
    return x.array, x.scale, x.offset, x.low, x.high


def split(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Split`` into given or equal sizes."""
    x = arguments[0]
    axis = node.integer("axis", 0)
    size = shape_of(x)[axis]
    sizes = node.listed("split", arguments, 1)
    if sizes is None:
        each = -(-size // node.outputs)
        sizes = [min(each, size - each * k) for k in range(node.outputs)]
    if sum(sizes) != size or min(sizes) < 0 or len(sizes) != node.outputs:
        raise ValueError(f"it splits {size} elements into {sizes}")
    ends = np.cumsum(sizes)

    def part(first: int, last: int) -> Value | Known:
        return moved(x, lambda v: np.take(v, np.arange(first, last), axis=axis))

    return [part(int(end) - n, int(end)) for end, n in zip(ends, sizes, strict=True)]


def cut(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Slice``."""
    x = arguments[0]
    starts, ends = (node.listed(k, arguments, n) or [] for n, k in ((1, "starts"), (2, "ends")))
    axes = node.listed("axes", arguments, 3)
    axes = list(range(len(starts))) if axes is None else axes
    steps = node.listed("steps", arguments, 4) or [1] * len(starts)
    index = [slice(None)] * len(shape_of(x))
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = shape_of(x)[axis]
        # Before the first element, going back, is written -size - 1 or less.
        stop = None if step < 0 and end < -size else end
        index[axis] = slice(start, stop, step)
    return [moved(x, lambda v: v[tuple(index)])]


def gather(node: Node, x: Value | Known, indices: Value | Known) -> Results:
    """ONNX' ``Gather``: wiring by constant indices, else a table or choices."""
    axis = node.integer("axis", 0) % max(len(shape_of(x)), 1)
    if isinstance(indices, Known):
        where = _indices(indices, shape_of(x)[axis])
        bounded_shape([int(np.prod(shape_of(x))), where.size])
        return [moved(x, lambda v: np.take(v, where, axis=axis))]
    if not isinstance(x, Known):
        return [selection.chosen(exact(x), exact(indices), axis)]
    table = np.moveaxis(node.constants(x, "kernel"), axis, 0)
    rows = selection.embedding(from_front(indices, len(table)), table)
    return [
        np.moveaxis(rows, range(indices_rank(indices)), range(axis, axis + indices_rank(indices)))
    ]


def from_front(index: Value, size: int) -> Value:
    """Return computed indices of which those below zero count from the end, as ONNX has it."""
    if isinstance(index, Raw):
        return index  # it becomes a port of numbers from 0 up
    x = exact(index)
    return np.where(x < 0, x + size, x)


def indices_rank(indices: Value) -> int:
    """Return the number of axes of computed indices."""
    return len(shape_of(indices))


def gather_elements(node: Node, x: Value | Known, indices: Value | Known) -> Results:
    """ONNX' ``GatherElements``: wiring by constant indices, else choices."""
    axis = node.integer("axis", 0) % max(len(shape_of(x)), 1)
    if not isinstance(indices, Known):
        values = node.constants(x, "kernel") if isinstance(x, Known) else exact(x)
        return [selection.chosen_along(values, exact(indices), axis)]
    where = _indices(indices, shape_of(x)[axis])
    grid = list(np.indices(where.shape, sparse=True))
    grid[axis] = where
    return [moved(x, lambda v: v[tuple(np.broadcast_arrays(*grid))])]


def gather_nd(node: Node, x: Value | Known, indices: Value | Known) -> Results:
    """ONNX' ``GatherND`` by constant indices, without batch dimensions."""
    if node.integer("batch_dims", 0):
        raise ValueError("batch_dims above 0 is not supported")
    where = constant(indices, "indices").astype(np.int64)
    index = tuple(where[..., k] for k in range(where.shape[-1]))
    return [moved(x, lambda v: v[index])]


def _indices(indices: Argument, size: int) -> Any:
    where = constant(indices, "indices").astype(np.int64)
    if where.size and not (-size <= where.min() and where.max() < size):
        raise ValueError(f"an index is outside an axis of {size}")
    return np.where(where < 0, where + size, where)


def expand(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Expand``: both shapes broadcast."""
    x = arguments[0]
    target = node.listed("shape", arguments, 1) or []
    shape = bounded_shape(np.broadcast_shapes(shape_of(x), bounded_shape(target)))
    return [moved(x, lambda v: np.broadcast_to(v, shape))]


def tile(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Tile``."""
    x = arguments[0]
    repeats = node.listed("repeats", arguments, 1) or []
    bounded_shape([n * r for n, r in zip(shape_of(x), repeats, strict=True)])
    return [moved(x, lambda v: np.tile(v, repeats))]


def triangle(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Trilu``: zeros below, or above, a diagonal."""
    x, given = arguments[0], argument(arguments, 1)
    k = 0 if given is None else int(constant(given, "diagonal").ravel()[0])
    rows, columns = shape_of(x)[-2:]
    kept = (
        np.tri(rows, columns, k - 1) == 0
        if node.integer("upper", 1)
        else np.tri(rows, columns, k) > 0
    )
    if isinstance(x, Known):
        return [Known(np.where(kept, x.real, 0))]
    return [np.where(kept, exact(x), 0.0)]


def compress(node: Node, x: Value, condition: Argument) -> Results:
    """ONNX' ``Compress``: elements where a constant condition holds."""
    where = np.flatnonzero(constant(condition, "condition"))
    if "axis" not in node.attributes:
        return [moved(x, lambda v: v.reshape(-1)[where])]
    axis = node.integer("axis", 0)
    return [moved(x, lambda v: np.take(v, where, axis=axis))]


def pad(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Pad``; negative amounts cut elements off."""
    x = arguments[0]
    given = node.listed("pads", arguments, 1)
    given = node.listed("paddings", arguments, 1) if given is None else given
    given = given or []
    axes = node.listed("axes", arguments, 3)
    axes = list(range(len(shape_of(x)))) if axes is None else axes
    half = len(given) // 2
    widths = [(0, 0)] * len(shape_of(x))
    for k, axis in enumerate(axes):
        widths[axis] = (given[k], given[half + k])
    index = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, shape_of(x), strict=True)
    )
    widths = [(max(a, 0), max(b, 0)) for a, b in widths]
    x = moved(x, lambda v: v[index])
    bounded_shape([a + b + n for (a, b), n in zip(widths, shape_of(x), strict=True)])
    mode = node.text("mode", "constant")
    if mode != "constant":
        return [moved(x, lambda v: np.pad(v, widths, mode=cast(Any, mode)))]
    fill = node.number("value", 0.0)
    if (value := argument(arguments, 2)) is not None:
        fill = float(constant(value, "padding").ravel()[0])
    if isinstance(x, Scaled):
        fills = (fill if fill else 0.0, 1.0, 0.0, -np.inf, np.inf)
        columns = zip(_columns(x), fills, strict=True)
        return [Scaled(*(np.pad(v, widths, constant_values=f) for v, f in columns))]
    return [np.pad(exact(x) if not isinstance(x, Known) else x.real, widths, constant_values=fill)]
