"""Operations that only move elements, done by PyTorch itself to the elements' numbers.

Whatever such an operation does to an array of element numbers, it does to any array: one gather
serves views, transposes, slices, pads, rolls, shuffles, joins and constant indices alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, Final

import numpy as np

from edgetrig.errors import require
from edgetrig.frontends.joined import joined as put_together
from edgetrig.frontends.quantizer import Floats, Ints
from edgetrig.frontends.torch.graph import called
from edgetrig.frontends.torch.operation import Call, Operation, Reference, Weight, values_of
from edgetrig.frontends.values import Raw, Value, rearranged

MOVES: Final = frozenset(
    {
        *("view", "_unsafe_view", "reshape", "flatten", "unflatten", "view_as", "expand_as"),
        *("squeeze", "unsqueeze", "transpose", "permute", "t", "numpy_T", "movedim", "swapaxes"),
        *("expand", "repeat", "tile", "repeat_interleave", "flip", "fliplr", "flipud", "roll"),
        *("rot90", "select", "slice", "narrow", "index", "index_select", "gather", "take"),
        *("take_along_dim", "diagonal", "unfold", "im2col", "split", "split_with_sizes", "chunk"),
        *("unsafe_split", "unbind", "cat", "concat", "stack", "hstack", "vstack", "pad"),
        *("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
        *("replication_pad1d", "replication_pad2d", "replication_pad3d", "pixel_shuffle"),
        *("pixel_unshuffle", "channel_shuffle", "upsample_nearest1d", "upsample_nearest2d"),
        *("upsample_nearest3d", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d"),
        *("tril", "triu", "diag_embed", "select_scatter", "slice_scatter", "copy", "index_put"),
        *("masked_fill", "scatter", "index_copy", "index_fill", "where", "fill", "mT", "adjoint"),
        *("as_strided", "atleast_1d", "atleast_2d", "broadcast_to", "block_diag", "tensor_split"),
    }
)
"""Their names; with an index or a mask that depends on the event they are no moves."""

_DATA: Final = frozenset({"self", "tensors", "src", "source", "values", "value", "other", "input"})
"""Arguments whose elements are moved; all others say where to."""

LARGEST: Final = 1 << 25
"""Most elements of a result."""


def is_move(operation: Operation) -> bool:
    """Whether an operation's result holds elements of its arguments at places known beforehand."""
    if operation.target not in MOVES:
        return False
    if operation.arguments.get("accumulate"):
        return False
    filled = operation.arguments.get("value")
    if isinstance(filled, Weight | float) and not np.isfinite(values_of(filled)).all():
        return False
    steering = [v for name, v in operation.arguments.items() if name not in _DATA]
    return not any(isinstance(leaf, Reference) for leaf in _leaves(steering))


def as_gather(operation: Operation, shapes: Sequence[tuple[int, ...]]) -> Operation:
    """Return a move as one gather from its arguments' elements, laid end to end.

    Parameters
    ----------
    operation
        For which `is_move` holds.
    shapes
        Of the references in its arguments, in order.

    Raises
    ------
    ValueError
        If the result is too large or an index lies outside.
    """
    if max(map(prod, operation.shapes)) > LARGEST:
        raise ValueError(f"a result of {max(map(prod, operation.shapes))} elements is too large")
    torch = require("torch", "torch")
    pool = _Pool(torch, [tuple(shape) for shape in shapes])
    arguments = {
        name: pool.numbered(value) if name in _DATA else _tensors(torch, value)
        for name, value in operation.arguments.items()
    }
    try:
        moved = called(operation.overload, arguments)
    except (RuntimeError, IndexError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    results = moved if isinstance(moved, list | tuple) else [moved]
    index = [result.numpy().astype(np.int64) for result in results]
    sources = [*operation.references()]
    alone = len(sources) == 1 and all(((i > 0) & (i <= prod(shapes[0]))).all() for i in index)
    arguments = {
        "sources": sources,
        "constants": pool.constants(),
        "index": [Weight(each) for each in index],
    }
    if alone:
        arguments = {"x": sources[0], "index": [Weight(each - 1) for each in index]}
    return Operation(
        operation.key,
        "moved" if alone else "gathered",
        arguments,
        tuple(tuple(each.shape) for each in index),
        operation.dtypes,
        operation.module,
        operation.target,
    )


class _Pool:
    """Numbers elements: 0 is a zero, then come those of the references, then the constants."""

    def __init__(self, torch: Any, shapes: list[tuple[int, ...]]) -> None:
        self._torch = torch
        self._shapes = shapes[::-1]
        self._next = 1
        self._after = 1 + sum(map(prod, shapes))
        self._constants: list[Floats] = []

    def numbered(self, tree: Any) -> Any:
        """Return an argument with numbers in the place of elements."""
        if isinstance(tree, list | tuple):
            return [self.numbered(branch) for branch in tree]
        if isinstance(tree, Reference):
            shape = self._shapes.pop()
            first, self._next = self._next, self._next + prod(shape)
            return self._range(first, shape)
        if isinstance(tree, Weight):
            return self._constant(np.asarray(tree.values, np.float64))
        if isinstance(tree, bool | int | float):
            return float(self._constant(np.asarray(tree, np.float64)))
        return tree

    def constants(self) -> Weight:
        """Return the constants' elements."""
        return Weight(np.concatenate([np.zeros(0), *(c.reshape(-1) for c in self._constants)]))

    def _constant(self, values: Floats) -> Any:
        if not values.any():
            return self._torch.zeros(values.shape, dtype=self._torch.float64)
        first = self._after
        self._after += values.size
        self._constants.append(values)
        return self._range(first, values.shape)

    def _range(self, first: int, shape: tuple[int, ...]) -> Any:
        numbers = self._torch.arange(first, first + prod(shape), dtype=self._torch.float64)
        return numbers.reshape(shape)


def joined(operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations with moves of moved values taken in one step."""
    single: dict[Reference, Operation] = {}
    result = []
    for given in operations:
        operation = given
        before = single.get(given.x) if given.target == "moved" else None
        if before is not None:
            places = before.arguments["index"][0].values.reshape(-1)
            index = [Weight(places[each.values]) for each in given.arguments["index"]]
            operation = replace(given, arguments={"x": before.x, "index": index})
        if operation.target == "moved" and len(operation.shapes) == 1:
            single[Reference(operation.key)] = operation
        result.append(operation)
    return result


def moved(call: Call, x: Value, index: list[Weight]) -> list[Value]:
    """Return elements of a value by their numbers."""
    return [rearranged(x, _picked(each.values)) for each in index]


def gathered(
    call: Call, sources: list[Value], constants: Weight, index: list[Weight]
) -> list[Value]:
    """Return elements by their numbers: a zero, then those of values, then constants."""
    positions = [each.values for each in index]
    if all(isinstance(value, Raw) for value in sources):
        if min(int(p.min(initial=1)) for p in positions) < 1 or constants.values.size:
            raise ValueError("the model's input meets constants before it is quantised")
        whole = Raw.made_of(_joined, sources)
        return [rearranged(whole, _picked(p - 1)) for p in positions]
    parts = [np.zeros(1), *sources]
    if constants.values.size:
        parts.append(call.precision.weight(constants.values, "value"))
    whole = put_together(_joined, parts)
    return [rearranged(whole, _picked(p)) for p in positions]


def _picked(index: Ints) -> Callable[[Any], Any]:
    return lambda v: v.reshape(-1)[index]


def _joined(*arrays: Any) -> Any:
    return np.concatenate([array.reshape(-1) for array in arrays])


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in _leaves(branch)]
    return [tree]


def _tensors(torch: Any, tree: Any) -> Any:
    """Return steering arguments with PyTorch's tensors in place of constants."""
    if isinstance(tree, list | tuple):
        return [_tensors(torch, branch) for branch in tree]
    return torch.from_numpy(np.ascontiguousarray(tree.values)) if isinstance(tree, Weight) else tree
