"""Linear layers, products of matrices, contractions, and attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import attention
from edgetrig.frontends.layers.equations import written_out
from edgetrig.frontends.torch.handlers.arithmetic import add
from edgetrig.frontends.torch.handlers.scales import keeps_scales, scaled_sums
from edgetrig.frontends.torch.operation import Call, Weight, is_constant
from edgetrig.frontends.values import Shifted, Value, exact

Function = Callable[..., Any]


def linear(call: Call, input: Value, weight: Value, bias: Any = None) -> Value:
    """``input @ weight.T + bias``."""
    if not is_constant(weight):
        result = call.operand(input, "kernel") @ np.swapaxes(exact(weight), -1, -2)
        return result if bias is None else result + call.operand(bias, "bias")
    if keeps_scales(input, weight):
        return scaled_sums(input, weight, bias, -1, lambda v, codes: v @ codes.T)
    kernel = call.kernel(weight, (1, 0) if weight.values.ndim == 2 else (0,))
    offset: Any = 0.0 if bias is None else call.operand(bias, "bias")
    if isinstance(input, Shifted):  # the bias takes in what is still to be added
        return input.array @ kernel + (offset + input.offset @ kernel)
    return exact(input) @ kernel + offset


def matmul(call: Call, x: Value, other: Value) -> Value:
    """Product of matrices; a constant one is a kernel."""
    return call.operand(x, "kernel") @ call.operand(other, "kernel")


def _bmm(call: Call, x: Value, mat2: Value) -> Value:
    return matmul(call, x, mat2)


def _addmm(
    call: Call, x: Value, mat1: Value, mat2: Value, beta: float = 1, alpha: float = 1
) -> Value:
    """``beta * x + alpha * mat1 @ mat2``."""
    return _weighted(call, x, matmul(call, mat1, mat2), beta, alpha)


def _baddbmm(
    call: Call, x: Value, batch1: Value, batch2: Value, beta: float = 1, alpha: float = 1
) -> Value:
    return _weighted(call, x, matmul(call, batch1, batch2), beta, alpha)


def _weighted(call: Call, x: Value, product: Any, beta: float, alpha: float) -> Value:
    if alpha != 1:
        product = product * call.number(alpha)
    if beta == 0:
        return product
    if beta == 1:
        return add(call, product, x)
    return product + call.operand(x, "bias") * call.number(beta)


def _mv(call: Call, x: Value, vec: Value) -> Value:
    return matmul(call, x, vec)


def _dot(call: Call, x: Value, tensor: Value) -> Value:
    return np.sum(call.operand(x, "kernel") * call.operand(tensor, "kernel"))


def _outer(call: Call, x: Value, vec2: Value) -> Value:
    return call.operand(x, "kernel")[:, None] * call.operand(vec2, "kernel")[None, :]


def _tensordot(
    call: Call, x: Value, other: Value, dims_self: list[int], dims_other: list[int]
) -> Value:
    """Contract some axes of two arrays."""
    left, right = call.operand(x, "kernel"), call.operand(other, "kernel")
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    names = [[next(letters) for _ in range(v.ndim)] for v in (left, right)]
    contracted = set()
    for a, b in zip(dims_self, dims_other, strict=True):
        names[1][b] = names[0][a]
        contracted.add(names[0][a])
    out = "".join(c for c in names[0] + names[1] if c not in contracted)
    return _contracted(f"{''.join(names[0])},{''.join(names[1])}->{out}", [left, right])


def _bilinear(call: Call, input1: Value, input2: Value, weight: Weight, bias: Any = None) -> Value:
    """``y[o] = sum x1[i] weight[o, i, j] x2[j] + bias[o]``."""
    kernel = call.weight(weight, "kernel")
    x, y = exact(input1), exact(input2)
    terms = (x[..., :, None] * y[..., None, :]).reshape((*x.shape[:-1], -1))
    result = terms @ kernel.reshape((kernel.shape[0], -1)).T
    return result if bias is None else result + call.weight(bias, "bias")


def einsum(call: Call, equation: str, tensors: list[Value], path: Any = None) -> Value:
    """Contract named axes; ``...`` stands for leading axes."""
    arrays = [call.operand(tensor, "kernel") for tensor in tensors]
    return _contracted(written_out(equation, [array.ndim for array in arrays]), arrays)


def _contracted(equation: str, arrays: list[Any]) -> Any:
    """Return an einsum, as one matrix product where it can be: that shares the most work."""
    left, _, out = equation.partition("->")
    names = left.split(",")
    if len(arrays) == 2 and not set(names[0]) & set(names[1]) & set(out):
        shared = [c for c in names[0] if c in names[1]]
        free = [[c for c in name if c not in shared] for name in names]
        if set(free[0]) | set(free[1]) == set(out) and shared:
            return _as_product(arrays, names, shared, free, out)
    return np.einsum(equation, *arrays)


def _as_product(
    arrays: list[Any], names: list[str], shared: list[str], free: list[list[str]], out: str
) -> Any:
    x = np.transpose(arrays[0], [names[0].index(c) for c in free[0] + shared])
    y = np.transpose(arrays[1], [names[1].index(c) for c in shared + free[1]])
    depth = int(np.prod(x.shape[len(free[0]) :]))
    product = x.reshape((-1, depth)) @ y.reshape((depth, -1))
    product = product.reshape((*x.shape[: len(free[0])], *y.shape[len(shared) :]))
    order = free[0] + free[1]
    return np.transpose(product, [order.index(c) for c in out])


def _attention(
    call: Call,
    query: Value,
    key: Value,
    value: Value,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
    bias: Value = None,
) -> Value:
    """``softmax(scale query key^T + mask) value``; ``bias`` is a mask of numbers."""
    if enable_gqa:
        raise ValueError("enable_gqa is not supported; repeat the keys' and values' heads")
    q, k, v = (call.operand(each, "kernel") for each in (query, key, value))
    mask = attention.causal(q.shape[-2], k.shape[-2]) if is_causal else None
    added: Any = None if bias is None else exact(bias)
    if isinstance(attn_mask, Weight) and attn_mask.values.dtype.kind == "f":
        keep = ~np.isneginf(attn_mask.values)
        mask, numbers = keep.astype(np.float64), np.where(keep, attn_mask.values, 0.0)
        added = call.precision.weight(numbers, "bias") if numbers.any() else None
    elif attn_mask is not None:
        mask = call.operand(attn_mask, "mask")
    return attention.scaled_dot_product(q, k, v, call.precision, scale, mask, added)


HANDLERS: Final[Mapping[str, Function]] = {
    "linear": linear,
    "matmul": matmul,
    "mm": _bmm,
    "bmm": _bmm,
    "mv": _mv,
    "dot": _dot,
    "vdot": _dot,
    "outer": _outer,
    "ger": _outer,
    "addmm": _addmm,
    "baddbmm": _baddbmm,
    "tensordot": _tensordot,
    "bilinear": _bilinear,
    "einsum": einsum,
    "scaled_dot_product_attention": _attention,
}
"""By ATen's names."""
