"""Attention over heads, as PyTorch's exporter writes it since opset 23."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.layers.attention import causal, scaled_dot_product
from edgetrig.frontends.onnx.node import Argument, Node, argument, array, constant
from edgetrig.frontends.onnx.operators.shape import Results
from edgetrig.frontends.scales.scaled import shape_of


def attention(node: Node, *arguments: Argument) -> Results:
    """ONNX' ``Attention`` of (events, heads, steps, size) or (events, steps, heads * size)."""
    if node.outputs > 1 or any(v is not None for v in arguments[4:]):
        raise ValueError("it keeps keys and values of earlier calls, which is not supported")
    if node.number("softcap", 0.0):
        raise ValueError("softcap is not supported; leave it at 0")
    query, key, value = (
        _in_heads(node, v, name) for v, name in zip(arguments, ("q", "kv", "kv"), strict=False)
    )
    key, value = (np.repeat(v, query.shape[1] // v.shape[1], axis=1) for v in (key, value))
    scale = node.number("scale", 0.0) or None
    mask, bias = _mask(node, argument(arguments, 3), query.shape[2], key.shape[2])
    events = [
        scaled_dot_product(q, k, v, node.precision, scale, mask, bias)
        for q, k, v in zip(query, key, value, strict=True)
    ]
    result = np.stack(events, axis=0)
    if len(shape_of(arguments[0])) == 3:  # side by side again
        result = np.swapaxes(result, 1, 2)
        result = result.reshape((*result.shape[:2], -1))
    return [result]


def _in_heads(node: Node, given: Argument, name: str) -> Any:
    x = array(given, node)
    if x.ndim == 4:
        return x
    heads = node.integer(f"{name}_num_heads", 0)
    if heads < 1 or x.shape[-1] % heads:
        raise ValueError(f"{x.shape[-1]} features do not make {heads} heads")
    return np.swapaxes(x.reshape((*x.shape[:2], heads, -1)), 1, 2)


def _mask(node: Node, given: Argument, targets: int, sources: int) -> tuple[Any, Any]:
    """Return which sources take part, and what is added to the scores; None for nothing."""
    seen = causal(targets, sources) if node.integer("is_causal", 0) else None
    if given is None:
        return seen, None
    values = constant(given, "mask")
    if values.ndim == 4 and values.shape[0] != 1:
        raise ValueError("its mask differs from event to event")
    values = values[0] if values.ndim == 4 else values
    if values.dtype == np.bool_:
        return (values if seen is None else np.logical_and(values, seen)), None
    if not np.isfinite(values).all():
        raise ValueError("its mask holds -inf; use truth values")
    return seen, values.astype(np.float64)
