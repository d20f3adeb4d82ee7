"""TensorFlow functions inside a Functional model of Keras 2, as layers or functions of Keras 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from edgetrig.frontends.keras.layer import Layer
from edgetrig.frontends.values import Value, exact, rearranged

KINDS: Final = ("TFOpLambda", "SlicingOpLambda")

_OPERATIONS: Final = {
    "__operators__.add": "Add",
    "math.add": "Add",
    "math.subtract": "Subtract",
    "math.multiply": "Multiply",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.negative": "Negative",
    "math.abs": "Absolute",
    "math.square": "Square",
    "nn.relu": "Relu",
    "nn.relu6": "Relu6",
    "math.sigmoid": "Sigmoid",
    "nn.sigmoid": "Sigmoid",
    "math.tanh": "Tanh",
    "nn.tanh": "Tanh",
}
"""Functions of one or two values, and the `keras.ops` they are."""

_REDUCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "math.reduce_sum": np.sum,
    "math.reduce_max": np.max,
    "math.reduce_min": np.min,
    "math.reduce_mean": np.mean,
}


def as_layer(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a TensorFlow function as that of a layer or of a `keras.ops` function.

    Every other entry comes back as it is, and so does a function that is not known.
    """
    if entry["class_name"] not in KINDS:
        return entry
    function = str(entry["config"]["function"]).removeprefix("tf.")
    (node,) = entry["inbound_nodes"]
    tensors, given = node["args"], {k: v for k, v in node["kwargs"].items() if v is not None}
    given.pop("name", None)
    if function in _OPERATIONS:
        tensors = [*tensors, *given.values()]
        return _entry(entry, _OPERATIONS[function], {}, tensors, module="keras.src.ops")
    if function == "concat":
        return _entry(entry, "Concatenate", {"axis": given["axis"]}, tensors)
    if function == "reshape":
        return _entry(entry, "Reshape", {"target_shape": given["shape"][1:]}, tensors)
    if function == "transpose":
        return _entry(entry, "Permute", {"dims": given["perm"][1:]}, tensors)
    if function == "nn.softmax":
        return _entry(entry, "Softmax", {"axis": given.get("axis", -1)}, tensors)
    return _entry(entry, entry["class_name"], {"given": given}, tensors)


def _entry(
    entry: Mapping[str, Any], kind: str, config: dict[str, Any], tensors: Any, module: str = ""
) -> dict[str, Any]:
    return {
        **entry,
        "class_name": kind,
        "module": module,
        "config": {"name": entry["config"]["name"], "function": entry["config"]["function"]}
        | config,
        "inbound_nodes": [{"args": tensors, "kwargs": {}}],
    }


def call(layer: Layer, x: Value) -> Value:
    """Compute a TensorFlow function of one tensor that no layer of Keras is."""
    name = str(layer.config["function"]).removeprefix("tf.")
    given = layer.config["given"]
    if name == "__operators__.getitem":
        return _sliced(x, given["slice_spec"])
    if name in _REDUCTIONS:
        axes = tuple(axis - 1 if axis > 0 else axis for axis in np.atleast_1d(given["axis"]))
        if 0 in np.atleast_1d(given["axis"]):
            raise ValueError(f"{name} over events is not supported")
        keepdims = bool(given.get("keepdims", False))
        return _REDUCTIONS[name](exact(x), axis=axes, keepdims=keepdims)
    if name == "expand_dims":
        axis = int(given["axis"])
        return rearranged(x, lambda v: np.expand_dims(v, axis - 1 if axis > 0 else axis))
    if name == "clip_by_value":
        low, high = (np.float64(np.float32(given[f"clip_value_{end}"])) for end in ("min", "max"))
        return np.clip(exact(x), low, high)
    raise ValueError(
        f"the TensorFlow function {name} is not supported; use a Keras layer in its place"
    )


def _sliced(x: Value, specification: Any) -> Value:
    """Return ``x[...]``; the first entry speaks of events and takes them all."""
    index: list[Any] = []
    for item in specification:
        if isinstance(item, Mapping) and "start" in item:
            index.append(slice(item["start"], item["stop"], item["step"]))
        elif isinstance(item, Mapping) and item.get("value") == "Ellipsis":
            index.append(...)
        elif item is None or isinstance(item, int):
            index.append(item)
        else:
            raise ValueError(f"a slice by {item} is not supported")
    if index and index[0] not in (slice(None), ...):
        raise ValueError("a slice of events is not supported")
    if index and index[0] is not ...:
        index = index[1:]
    return rearranged(x, lambda v: v[tuple(index)])
