"""ONNX models built node by node, and what ONNX Runtime says of them."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, defs, helper, numpy_helper

from edgetrig.circuit import check
from edgetrig.emulate import Emulator
from edgetrig.frontends import load

onnxruntime.set_default_logger_severity(3)
QONNX = "qonnx.custom_op.general"
LEARNED = "ai.onnx.ml"
LEARNED_KINDS = {schema.name for schema in defs.get_all_schemas() if schema.domain == LEARNED}


def _model(nodes, inputs, outputs, constants=None, opset=21, type_=TensorProto.FLOAT):
    """Return a model; nodes are (operator, arguments, results, attributes)."""
    made = []
    for kind, arguments, results, *attributes in nodes:
        given = attributes[0] if attributes else {}
        domain = QONNX if kind in ("Quant", "BipolarQuant", "Trunc", "IntQuant") else ""
        domain = LEARNED if kind in LEARNED_KINDS else domain
        names = ["" if name == "-" else name for name in arguments.split()]
        made.append(helper.make_node(kind, names, results.split(), domain=domain, **given))
    graph = helper.make_graph(
        made,
        "net",
        [helper.make_tensor_value_info(name, type_, shape) for name, shape in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid(*v) for v in (("", opset), (QONNX, 1), (LEARNED, 3))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _outputs_of(circuit, **inputs):
    result = Emulator(circuit).predict(inputs)
    return result if isinstance(result, dict) else {circuit.outputs[0].name: result}


def _runtime(model, **inputs):
    with_types = onnx.ModelProto.FromString(model.SerializeToString())
    for value in with_types.graph.output:
        if not value.type.HasField("tensor_type"):
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    inferred = onnx.shape_inference.infer_shapes(model)
    for value, known in zip(with_types.graph.output, inferred.graph.output, strict=True):
        if known.type.tensor_type.elem_type:
            value.type.tensor_type.elem_type = known.type.tensor_type.elem_type
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(with_types.SerializeToString(), options)
    return session.run(None, inputs)


@pytest.fixture
def model_of():
    """Return a function that builds a model."""
    return _model


@pytest.fixture
def outputs_of():
    """Return a function that evaluates a circuit on floats."""
    return _outputs_of


@pytest.fixture
def runtime():
    """Return a function that evaluates a model with ONNX Runtime."""
    return _runtime


@pytest.fixture
def assert_same():
    """Return a function that demands equality with ONNX Runtime, or with given values."""

    def compare(model, expected=None, **inputs):
        loaded = load(model)
        check(loaded.circuit)
        got = _outputs_of(loaded.circuit, **inputs)
        expected = _runtime(model, **inputs) if expected is None else expected
        assert len(got) == len(expected)
        for values, theirs in zip(got.values(), expected, strict=True):
            np.testing.assert_array_equal(values, np.asarray(theirs, np.float64))
        return loaded

    return compare


@pytest.fixture
def rng():
    return np.random.default_rng(11)
