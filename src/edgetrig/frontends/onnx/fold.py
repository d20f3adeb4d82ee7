"""Nodes that depend on constants alone are computed while a model is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.onnx.graph import Entry
from edgetrig.frontends.scales.scaled import LARGEST, Known, bounded_shape

_NEVER: Final = frozenset(
    {
        "Bernoulli", "Conv", "ConvInteger", "ConvTranspose", "Einsum", "GRU", "If", "LSTM", "Loop",
        "Multinomial", "RNN", "RandomNormal", "RandomNormalLike", "RandomUniform",
        "RandomUniformLike", "Scan", "SequenceMap",
    }
)  # fmt: skip
"""Operators that draw numbers, hold graphs, or may take far longer than their sizes say."""

_SHRINKING: Final = frozenset({"NonZero", "Compress", "Unique"})
"""Operators whose results are no larger than their arguments, whatever those are."""


def constant_node(entry: Entry) -> Known:
    """Return the value of a ``Constant`` node."""
    given = entry.node.attributes
    if "value" in given:
        return Known(given["value"])
    for name, kind in (("value_float", np.float32), ("value_int", np.int64)):
        for plural in ("", "s"):
            if name + plural in given:
                return Known(np.asarray(given[name + plural], kind))
    raise ValueError("its value is not a tensor of numbers")


def folded(entry: Entry, arguments: Sequence[Known | None], opset: int) -> list[Known]:
    """Return the results of a node whose arguments are constants, by ONNX' reference.

    Raises
    ------
    ValueError
        If it cannot be computed, or its results are too large.
    """
    if entry.node.kind in _NEVER or entry.node.kind.startswith(("Sequence", "String")):
        raise ValueError("it is not computed from constants alone; simplify the model")
    arrays = [None if v is None else _stored(v) for v in arguments]
    bounded_shape([sum(v.size for v in arrays if v is not None)])
    given = {n: v for n, v in zip(entry.arguments, arrays, strict=True) if v is not None}
    try:
        _check_sizes(entry, given, opset)
        return [Known(np.asarray(v)) for v in _evaluate(entry, given, opset)]
    except ValueError:
        raise
    except Exception as error:  # whatever the package's code raises on a damaged node
        raise ValueError("it cannot be computed from its constants") from error


def _stored(known: Known) -> NDArray[Any]:
    return known.values if known.scale is None else known.real.astype(np.float32)


def _check_sizes(entry: Entry, given: dict[str, NDArray[Any]], opset: int) -> None:
    """Raise unless ONNX' own inference says that the results are small."""
    from onnx import defs, helper, numpy_helper, shape_inference

    types = {
        name: helper.make_tensor_type_proto(
            helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in given.items()
    }
    data = {name: numpy_helper.from_array(v) for name, v in given.items() if v.size <= 4096}
    schema = defs.get_schema(entry.node.kind, opset, "")
    results = shape_inference.infer_node_outputs(
        schema, entry.proto, types, data, opset_imports=[helper.make_opsetid("", opset)]
    )
    for result in results.values():
        dims = result.tensor_type.shape.dim
        fixed = result.tensor_type.HasField("shape") and all(d.HasField("dim_value") for d in dims)
        if fixed:
            bounded_shape([d.dim_value for d in dims])
        elif entry.node.kind not in _SHRINKING:
            raise ValueError(f"the size of its result is not known; at most {LARGEST} elements")


def _evaluate(entry: Entry, given: dict[str, NDArray[Any]], opset: int) -> list[NDArray[Any]]:
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for name, v in given.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in entry.results if name]
    graph = helper.make_graph([entry.proto], "constants", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    with np.errstate(all="ignore"):
        return list(ReferenceEvaluator(model).run(None, given))
