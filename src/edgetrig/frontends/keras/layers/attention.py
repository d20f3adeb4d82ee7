"""Keras' attention layers, over (steps, features)."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.keras.form import Given
from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.layers import attention as neutral
from edgetrig.frontends.layers.inner import rounded, tabulated
from edgetrig.frontends.layers.softmax import softmax
from edgetrig.frontends.values import Pending, Value, exact


def multi_head(
    layer: Layer,
    query: Value,
    value: Value,
    key: Value | None = None,
    *,
    attention_mask: Any = None,
    use_causal_mask: bool = False,
    **more: Any,
) -> Value:
    """Keras' ``MultiHeadAttention``."""
    refuse(more)
    if layer.config.get("use_gate") or layer.config.get("sliding_window"):
        raise ValueError("use_gate and sliding_window are not supported")
    q, v = exact(query), exact(value)
    k = v if key is None else exact(key)
    if not q.ndim == k.ndim == v.ndim == 2:
        raise ValueError("attention is supported over inputs of (steps, features) alone")
    maps = neutral.Projections(
        *(_projection(layer, f"{name}_dense") for name in ("query", "key", "value", "output"))
    )
    scale = 1 / np.sqrt(float(layer.config["key_dim"]))
    masked = mask_of(attention_mask, use_causal_mask, q.shape[0], k.shape[0])
    return neutral.multi_head(q, k, v, maps, layer.precision, scale, masked)


def attention(
    layer: Layer,
    query: Value,
    value: Value,
    key: Value | None = None,
    *,
    use_causal_mask: bool = False,
    **more: Any,
) -> Value:
    """Keras' ``Attention``: dot products of queries and keys."""
    refuse(more)
    if layer.config.get("score_mode", "dot") != "dot":
        raise ValueError("score_mode='concat' is not supported; use 'dot'")
    q, v = exact(query), exact(value)
    k = v if key is None else exact(key)
    scale = 1.0
    if layer.config.get("use_scale"):
        scale = float(layer.precision.weight(layer.weight(0, ()), "scale"))
    masked = mask_of(None, use_causal_mask, q.shape[-2], k.shape[-2])
    return neutral.scaled_dot_product(q, k, v, layer.precision, scale, masked)


def additive_attention(
    layer: Layer,
    query: Value,
    value: Value,
    key: Value | None = None,
    *,
    use_causal_mask: bool = False,
    **more: Any,
) -> Value:
    """Keras' ``AdditiveAttention``: a weighted sum of tanh of queries plus keys."""
    refuse(more)
    q, v = exact(query), exact(value)
    k = v if key is None else exact(key)
    total = q[..., :, None, :] + k[..., None, :, :]
    curve = tabulated("tanh", np.tanh, total, "curve", layer.precision)
    if layer.config.get("use_scale", True):
        curve = curve * layer.precision.weight(layer.weight(0), "scale")
    scores = rounded(np.sum(curve, axis=-1), "scores", layer.precision)
    masked = mask_of(None, use_causal_mask, q.shape[-2], k.shape[-2])
    weights = softmax(scores, -1, layer.precision, mask=masked)
    if isinstance(weights, Pending):
        raise ValueError("its softmax has no number types; edgetrig.quantize(model, x) finds them")
    return weights @ v


def refuse(options: dict[str, Any]) -> None:
    """Refuse what is not supported among a call's keywords.

    Raises
    ------
    ValueError
        If one of them asks for something.
    """
    asked = [name for name, value in options.items() if value is not False]
    if asked:
        raise ValueError(f"{', '.join(asked)} is not supported in a call of attention")


def mask_of(given: Any, causal: bool, targets: int, sources: int) -> Any:
    """Return which sources each target sees, (targets, sources) or more axes; None for all."""
    if given is None:
        return neutral.causal(targets, sources) if causal else None
    mask = given.for_rank(2) if isinstance(given, Given) else exact(given)
    return mask * neutral.causal(targets, sources) if causal else mask


def _projection(layer: Layer, name: str) -> neutral.Projection:
    part = layer.part(name, layer.config)
    bias = part.weight(1) if layer.config["use_bias"] else None
    return neutral.Projection(part.weight(0), bias)
