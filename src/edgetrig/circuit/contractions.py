"""Products of matrices, and sums of products over any indices."""

from __future__ import annotations

from typing import Any

from edgetrig.circuit import arithmetic as ar
from edgetrig.circuit.array import Array, as_array
from edgetrig.circuit.builder import Builder
from edgetrig.circuit.reductions import reduce
from edgetrig.errors import CircuitError


def matmul(x: Array, y: Array) -> Array:
    """Return x @ y with NumPy's rules for vectors and stacks of matrices."""
    left, right = x.ndim == 1, y.ndim == 1
    x = x[None, :] if left else x
    y = y[:, None] if right else y
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-2]:
        raise CircuitError(f"matmul of shapes {x.shape} and {y.shape} does not fit")
    result = reduce(ar.add, ar.multiply(x[..., :, :, None], y[..., None, :, :]), -2)
    if right:
        result = result[..., 0]
    if left:
        result = result[..., 0, :] if not right else result[..., 0]
    return result


def dot(builder: Builder, x: Any, y: Any) -> Array:
    """Return the product of numbers, vectors or matrices."""
    x, y = as_array(builder, x), as_array(builder, y)
    if x.ndim == 0 or y.ndim == 0:
        return ar.multiply(x, y)
    if x.ndim > 2 or y.ndim > 2:
        raise CircuitError("np.dot of more than two axes: use np.einsum")
    return matmul(x, y)


def einsum(builder: Builder, subscripts: str, *operands: Any) -> Array:
    """Multiply and sum over shared indices, operand by operand."""
    left, arrow, out = subscripts.replace(" ", "").partition("->")
    names = left.split(",")
    if not arrow or "." in left or len(names) != len(operands):
        raise CircuitError(
            f"einsum {subscripts!r}: write every index and the result, as 'ij,jk->ik'"
        )
    if len(set(out)) != len(out) or not set(out) <= set(left):
        raise CircuitError(f"einsum {subscripts!r}: the result takes each index of operands once")
    arrays = [as_array(builder, operand) for operand in operands]
    for array, index in zip(arrays, names, strict=True):
        if len(set(index)) != len(index) or len(index) != array.ndim:
            raise CircuitError(
                f"einsum index {index!r} does not fit an array of shape {array.shape}"
            )
    total, have = arrays[0], names[0]
    for number in range(1, len(arrays)):
        index = names[number]
        later = set("".join(names[number + 1 :]) + out)
        every = have + "".join(c for c in index if c not in have)
        product = ar.multiply(_expand(total, have, every), _expand(arrays[number], index, every))
        have = "".join(c for c in every if c in later)
        total = _contract(product, every, have)
    return _contract(total, have, out)


def _expand(array: Array, index: str, every: str) -> Array:
    ordered = [c for c in every if c in index]
    array = array.transpose([index.index(c) for c in ordered])
    return array[tuple(slice(None) if c in index else None for c in every)]


def _contract(array: Array, index: str, out: str) -> Array:
    gone = tuple(k for k, c in enumerate(index) if c not in out)
    if gone:
        array = reduce(ar.add, array, gone)
    kept = [c for c in index if c in out]
    return array.transpose([kept.index(c) for c in out])
