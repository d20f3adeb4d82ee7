"""HGQ2's attention layers, made of its einsum layers or tables and its softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.keras.layers.attention import mask_of, refuse
from edgetrig.frontends.keras.layers.convolution import convolution
from edgetrig.frontends.keras.layers.dense import einsum_dense
from edgetrig.frontends.keras.layers.moving import zero_padded
from edgetrig.frontends.keras.layers.softmax import q_softmax
from edgetrig.frontends.keras.layers.table import einsum_tables
from edgetrig.frontends.values import Value, rearranged, shape_of

_INTO: Final = "abc,cde->abde"
_OUT: Final = "abcd,cde->abe"


def multi_head(
    layer: Layer,
    query: Value,
    value: Value | None = None,
    key: Value | None = None,
    *,
    attention_mask: Any = None,
    use_causal_mask: bool = False,
    **more: Any,
) -> Value:
    """HGQ2's ``QMultiHeadAttention`` and ``QMultiHeadAttentionT``."""
    refuse(more)
    value = query if value is None else value
    key = value if key is None else key
    if not len(shape_of(query)) == len(shape_of(key)) == len(shape_of(value)) == 2:
        raise ValueError("attention is supported over inputs of (steps, features) alone")
    bias = bool(layer.config["use_bias"])
    q = _part(layer, "query_dense", query, _INTO, bias, ("key_dense", "value_dense"))
    k = _part(layer, "key_dense", key, _INTO, False, ("query_dense", "value_dense"))
    v = _part(layer, "value_dense", value, _INTO, bias, ("key_dense", "query_dense"))
    scores = np.einsum("shd,thd->hts", k, q)
    if layer.config.get("conv_size"):
        scores = _smoothed(layer, scores)
    mask = mask_of(attention_mask, use_causal_mask, shape_of(query)[0], k.shape[0])
    weights = q_softmax(_softmax(layer), scores, given=mask)
    weights = _softmax(layer).quantized(weights, "oq")
    context = np.einsum("hts,shd->thd", weights, v)
    return _part(layer, "output_dense", context, _OUT, bias, ())


def linformer(
    layer: Layer, query: Value, value: Value | None = None, key: Value | None = None, **more: Any
) -> Value:
    """HGQ2's ``QLinformerAttention(T)``: keys and values are brought to fewer steps first."""
    value = query if value is None else value
    key = value if key is None else key
    second = "lin_k_proj" if layer.config["share_kv_proj"] else "lin_v_proj"
    tables = layer.config.get("lin_kv_proj_mode") == "dense_t"
    outputs = bool(layer.config["enable_oq"]) if tables else False
    key = _projected(layer, "lin_k_proj", key, "abc,bd->adc", tables, outputs)
    value = _projected(layer, second, value, "abc,bd->adc", tables, outputs)
    return multi_head(layer, query, value, key, **more)


def salt(
    layer: Layer, query: Value, value: Value | None = None, key: Value | None = None, **more: Any
) -> Value:
    """HGQ2's ``QSALTAttention``: Linformer with clusters of steps and a smoothing of scores."""
    value = query if value is None else value
    key = value if key is None else key
    second = "lin_k_proj" if layer.config["share_kv_proj"] else "lin_v_proj"
    places = (("lin_k_proj", key, "cluster_k_proj"), (second, value, "cluster_v_proj"))
    parts = []
    for name, x, cluster in places:
        if layer.config[cluster]:
            clusters = _clustered(x, int(layer.config["lin_kv_proj_dim"]))
            parts.append(_projected(layer, name, clusters, "abcd,bc->abd", False, False))
        else:
            parts.append(_projected(layer, name, x, "abc,bd->adc", False, False))
    return multi_head(layer, query, parts[1], parts[0], **more)


def _clustered(x: Value, clusters: int) -> Value:
    """Return (clusters, steps of one, features), the last cluster filled up with zeros."""
    steps, features = shape_of(x)
    length = -(-steps // clusters)
    whole = zero_padded(x, [(0, length * clusters - steps), (0, 0)])
    return rearranged(whole, lambda v: v.reshape((clusters, length, features)))


def _part(
    layer: Layer, name: str, x: Value, equation: str, bias: bool, twins: tuple[str, ...]
) -> Any:
    """Return one of the projections; ``twins`` may hold the input quantiser that they share."""
    out = name == "output_dense"
    config = {
        "equation": equation,
        "bias_axes": "e" if out else "de",
        "enable_iq": out or layer.config["enable_iq"],
        "enable_oq": layer.config["enable_oq"] if out else True,
    }
    if not bias:
        config["bias_axes"] = None
    part = _linear(layer, name, config)
    result = einsum_tables(part, x) if _is_tables(layer) else _einsum(layer, part, x, twins)
    return part.quantized(result, "oq")


def _einsum(layer: Layer, part: Layer, x: Value, twins: tuple[str, ...]) -> Value:
    if layer.config.get("fuse", "none") == "none" or len(part.variables.at("iq", "quantizer")):
        return einsum_dense(part, x)
    # One quantiser serves several projections; the file holds it below the first of them.
    for twin in twins:
        other = layer.part(twin, part.config)
        if len(other.variables.at("iq", "quantizer")):
            x = other.quantized(x)
            break
    return einsum_dense(replace(part, config=dict(part.config) | {"enable_iq": False}), x)


def _projected(
    layer: Layer, name: str, x: Value, equation: str, tables: bool, outputs: bool
) -> Value:
    config = {
        "equation": equation,
        "bias_axes": None,
        "enable_iq": layer.config["enable_iq"],
        "enable_oq": outputs,
    }
    part = _linear(layer, name, config)
    result = einsum_tables(part, x) if tables else einsum_dense(part, x)
    return part.quantized(result, "oq")


def _linear(layer: Layer, name: str, config: Mapping[str, Any]) -> Layer:
    """Return a projection with the options that attention gives to all of them."""
    given = layer.config
    common = {f"{q}_conf": given.get(f"qkvo_{q}_conf") for q in ("iq", "kq", "bq", "oq", "toq")}
    names = ("n_hl", "subnn_activation", "batch_norm", "bn_center", "bn_scale", "bn_epsilon")
    tables = {name: given[name] for name in names if name in given}
    return layer.part(name, common | tables | dict(config))


def _is_tables(layer: Layer) -> bool:
    return layer.config.get("qkvo_toq_conf") is not None


def _softmax(layer: Layer) -> Layer:
    names = ("iq", "oq", "exp_iq", "exp_oq", "inv_iq", "inv_oq")
    config = {f"{name}_conf": layer.config[f"softmax_{name}_conf"] for name in names}
    stable = bool(layer.config["stable_softmax"])
    options = {
        "axes": [-1],
        "stable": stable,
        "input_scaler": 1 / np.sqrt(float(layer.config["key_dim"])),
        "enable_iq": False,
        "enable_oq": True,
    }
    if not stable:
        config["exp_iq_conf"] = None
    return layer.part("softmax", config | options)


def _smoothed(layer: Layer, scores: Any) -> Any:
    """Return scores (heads, targets, sources) after a convolution over targets and sources."""
    heads, size = int(layer.config["num_heads"]), int(layer.config["conv_size"])
    config = {
        "kernel_size": [size, size],
        "strides": [1, 1],
        "dilation_rate": [1, 1],
        "padding": "same",
        "data_format": "channels_first",
        "filters": heads,
        "groups": heads if layer.config["separate_conv"] else 1,
        "use_bias": True,
        "enable_iq": layer.config["enable_iq"],
        "enable_oq": layer.config["enable_oq"],
    }
    part = _linear(layer, "conv", config)
    return part.quantized(convolution(part, scores), "oq")
