"""What is read from a file, what is refused and how: in one line that names the node."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edgetrig.errors import Error, ModelError
from edgetrig.frontends import Forest, load, read

TYPES = {"s": np.float32(0.25), "z": np.int8(0)}
QDQ = [("QuantizeLinear", "x s z", "q"), ("DequantizeLinear", "q s z", "v")]


def values(rng, *shape):
    return (rng.integers(-200, 200, (20, *shape)) / 8).astype(np.float32)


def refused(model, *words):
    with pytest.raises(ModelError) as caught:
        load(model)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


# ---- shapes that exporters compute -------------------------------------------------------------


def test_shapes_are_folded(model_of, assert_same, rng):
    """As PyTorch writes ``x.reshape(x.size(0), -1)``, and Keras a flatten with its batch size."""
    nodes = [
        *QDQ,
        ("Shape", "v", "shape"),
        ("Gather", "shape zero", "batch", {"axis": 0}),
        ("Unsqueeze", "batch axes", "first"),
        ("Concat", "first rest", "target", {"axis": 0}),
        ("Reshape", "v target", "flat"),
        ("MatMul", "flat w", "y"),
    ]
    constants = {"zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1]),
                 "w": np.float32(np.arange(12).reshape(6, 2) - 5)}  # fmt: skip
    model = model_of(nodes, {"x": ["N", 2, 3]}, ["y"], TYPES | constants)
    loaded = assert_same(model, x=values(rng, 2, 3))
    assert loaded.circuit.inputs[0].shape == (2, 3)


def test_constants_are_computed(model_of, assert_same, rng):
    nodes = [
        ("Constant", "", "c", {"value": numpy_helper.from_array(np.float32([1, 2, 3]))}),
        ("Mul", "c c", "cc"),
        ("ConstantOfShape", "size", "zeros"),
        ("Add", "cc zeros", "w"),
        ("Range", "from to step", "r"),
        ("Cast", "r", "rf", {"to": TensorProto.FLOAT}),
        *QDQ,
        ("Mul", "v w", "m"),
        ("Add", "m rf", "y"),
    ]
    constants = {"size": np.array([3]), "from": np.array(0), "to": np.array(6), "step": np.array(2)}
    assert_same(model_of(nodes, {"x": ["N", 3]}, ["y"], TYPES | constants), x=values(rng, 3))


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("ConstantOfShape", {"a": np.array([1 << 40])}),
        ("Expand", {"a": np.float32([1]), "b": np.array([1 << 20, 1 << 20])}),
        ("Tile", {"a": np.float32([1]), "b": np.array([1 << 40])}),
        ("Range", {"a": np.array(0), "b": np.array(1 << 40), "c": np.array(1)}),
    ],
)
def test_absurd_constants(kind, arguments, model_of):
    nodes = [(kind, " ".join(arguments), "big"), ("Add", "x big", "y")]
    refused(model_of(nodes, {"x": ["N", 3]}, ["y"], arguments), f"'{kind}_0'", "large")


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("Expand", {"b": np.array([1, 1 << 20, 1 << 20])}),
        ("Tile", {"b": np.array([1, 1 << 40])}),
        ("Pad", {"b": np.array([0, 1 << 40, 0, 0])}),
        ("Gather", {"b": np.zeros(1 << 22, int)}),
        ("Add", {"b": np.zeros((1 << 21, 1), np.float32)}),
        ("Conv", {"b": np.zeros((1, 3, 0), np.float32)}),
    ],
)
def test_absurd_results(kind, arguments, model_of):
    nodes = [*QDQ, (kind, " ".join(["v", *arguments]), "y")]
    refused(model_of(nodes, {"x": ["N", 3]}, ["y"], TYPES | arguments), f"({kind})")


def test_many_large_results(model_of):
    """Each is allowed, all together are not."""
    nodes = [*QDQ, ("Expand", "v wide", "w0")]
    nodes += [("Relu", f"w{k}", f"w{k + 1}") for k in range(40)]
    constants = TYPES | {"wide": np.array([1, 1 << 20, 3])}
    refused(model_of(nodes, {"x": ["N", 1, 3]}, ["w40"], constants), "(Relu)", "in all")


# ---- the event axis ----------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["N", None, 1])
def test_event_axis(first, model_of, rng):
    nodes = [*QDQ, ("Relu", "v", "y")]
    loaded = load(model_of(nodes, {"x": [first, 3]}, ["y"], TYPES))
    assert loaded.circuit.inputs[0].shape == loaded.circuit.outputs[0].shape == (3,)


def test_no_event_axis(model_of, outputs_of, rng):
    nodes = [*QDQ, ("Reshape", "v shape", "y")]
    constants = TYPES | {"shape": np.array([3, 4])}
    loaded = load(model_of(nodes, {"x": [4, 3]}, ["y"], constants))
    assert loaded.circuit.inputs[0].shape == (4, 3)
    x = rng.integers(-8, 8, (5, 4, 3)).astype(np.float64)
    np.testing.assert_array_equal(outputs_of(loaded.circuit, x=x)["y"], x.reshape(5, 3, 4))
    nodes = [*QDQ, ("Squeeze", "v axes", "y")]  # an axis of size 1 that the output does not keep
    loaded = load(model_of(nodes, {"x": [1, 3]}, ["y"], TYPES | {"axes": np.array([0])}))
    assert loaded.circuit.inputs[0].shape == (1, 3)


@pytest.mark.parametrize(
    "node",
    [
        ("ReduceSum", "v zero", "y"),
        ("ReduceMax", "v zero", "y", {"keepdims": 0}),
        ("Softmax", "v", "y", {"axis": 0}),
        ("TopK", "v one", "y i", {"axis": 0}),
        ("ArgMax", "v", "y", {"axis": 0}),
        ("Gather", "v zero", "y"),
        ("Reshape", "v flat", "y"),
        ("Transpose", "v", "y"),
        ("LayerNormalization", "v three", "y", {"axis": 0}),
    ],
    ids=lambda node: node[0],
)
def test_events_do_not_mix(node, model_of):
    constants = {"zero": np.array([0]), "one": np.array([1]), "flat": np.array([-1]),
                 "three": np.ones((1, 4), np.float32)}  # fmt: skip
    refused(model_of([*QDQ, node], {"x": ["N", 4]}, ["y"], TYPES | constants), "event")


def test_events_merged_into_rows(model_of, assert_same, rng):
    """A dense layer on every constituent, the way PyTorch flattens them into the events' axis."""
    nodes = [
        *QDQ,
        ("Reshape", "v rows", "r"),
        ("MatMul", "r w", "m"),
        ("Reshape", "m back", "b"),
        ("ReduceSum", "b one", "y", {"keepdims": 0}),
    ]
    constants = {"rows": np.array([-1, 3]), "back": np.array([-1, 4, 2]), "one": np.array([1]),
                 "w": np.float32([[1, 2], [3, -4], [0.5, 0]])}  # fmt: skip
    model = model_of(nodes, {"x": ["N", 4, 3]}, ["y"], TYPES | constants)
    assert_same(model, x=values(rng, 4, 3))


# ---- graphs ------------------------------------------------------------------------------------


def test_nodes_in_any_order_and_unused_ones(model_of, assert_same, rng):
    nodes = [*QDQ, ("Relu", "v", "r"), ("Neg", "r", "y")]
    model = model_of(nodes, {"x": ["N", 3]}, ["y"], TYPES)
    expected = [-np.maximum(np.clip(np.rint(values(rng, 3) * 4), -128, 127) / 4, 0)]
    model.graph.node.append(helper.make_node("NoSuchOperator", ["r"], ["unused"]))
    shuffled = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(shuffled)
    assert_same(model, expected, x=values(np.random.default_rng(11), 3))


def test_functions_are_written_out(model_of, outputs_of):
    model = model_of([*QDQ, ("Twice", "v", "y")], {"x": ["N", 3]}, ["y"], TYPES)
    model.graph.node[-1].domain = "mine"
    model.opset_import.append(helper.make_opsetid("mine", 1))
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    opsets = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("mine", "Twice", ["a"], ["b"], body, opsets))
    x = np.array([[1.0, -2.0, 0.25]])
    np.testing.assert_array_equal(outputs_of(load(model).circuit, x=x)["y"], 2 * x)
    calls = [helper.make_node("Twice", ["a"], ["b"], domain="mine")]
    model.functions[0].node[0].CopyFrom(calls[0])
    refused(model, "Twice", "calls itself")


def test_functions_do_not_explode(model_of):
    model = model_of([("F0", "x", "y")], {"x": ["N", 3]}, ["y"], TYPES)
    model.graph.node[-1].domain = "mine"
    model.opset_import.append(helper.make_opsetid("mine", 1))
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("mine", 1)]
    for k in range(60):
        inner = ("Neg", "") if k == 59 else (f"F{k + 1}", "mine")
        body = [helper.make_node(inner[0], ["a"], ["t"], domain=inner[1]),
                helper.make_node(inner[0], ["t"], ["b"], domain=inner[1])]  # fmt: skip
        model.functions.append(helper.make_function("mine", f"F{k}", ["a"], ["b"], body, opsets))
    refused(model, "nodes")


DILATED = {"kernel_shape": [2], "dilations": [2], "auto_pad": "SAME_UPPER"}


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([("Add", "x b", "a"), ("Relu", "a", "b"), ("Relu", "b", "y")], ["cycle"]),
        ([("Relu", "nowhere", "y")], ["'nowhere' does not exist"]),
        ([("Relu", "x", "t"), ("Neg", "x", "t"), ("Relu", "t", "y")], ["made twice"]),
        ([*QDQ, ("Gru", "v", "y")], ["layer 'Gru_2' (Gru)", "GRU"]),
        ([*QDQ, ("Sigmoid", "v", "t"), ("Add", "t v", "y")], ["sigmoid", "not quantised"]),
        ([*QDQ, ("CumSum", "v zero", "y")], ["(CumSum)", "mixes events"]),
        (
            [*QDQ, ("ArgMax", "v", "i"), ("GatherElements", "v i", "y")],
            ["mixes events"],
        ),
        (
            [*QDQ, ("Unsqueeze", "v one", "t"), ("Attention", "t t t", "y")],
            ["(Attention)", "3 features do not make 0 heads"],
        ),
        ([*QDQ, ("Trilu", "v", "y")], ["(Trilu)", "mixes events"]),
        ([*QDQ, ("Hardmax", "v", "y", {"axis": 0})], ["(Hardmax)", "mixes events"]),
        ([*QDQ, ("LpNormalization", "v", "y", {"axis": 0})], ["mixes events"]),
        ([*QDQ, ("LpNormalization", "v", "y", {"p": 3})], ["p=3 is not supported"]),
        ([*QDQ, ("Mod", "v v", "y", {"fmod": 1})], ["(Mod)", "divisor must be constant"]),
        ([*QDQ, ("Div", "v v", "y")], ["layer 'Div_2' (Div)", "its reciprocal has no number type"]),
        ([("Relu", "x", "y")], ["layer 'Relu_0' (Relu)", "edgetrig.quantize"]),
        ([*QDQ, ("Reshape", "v q", "y")], ["must be constant"]),
        ([*QDQ, ("Conv", "v", "y")], ["(Conv)"]),
        ([*QDQ, ("Transpose", "v", "y", {"perm": [0, 9]})], ["(Transpose)"]),
        ([*QDQ, ("MatMul", "v s", "y")], ["(MatMul)"]),
        ([("Identity", "s", "y")], ["no output depends on the inputs"]),
        ([*QDQ, ("Unsqueeze", "v far", "y")], ["(Unsqueeze)", "damaged"]),
        ([("QuantizeLinear", "x tiny z", "y")], ["(QuantizeLinear)", "2**-32"]),
        ([*QDQ, ("BipolarQuant", "v", "y")], ["(BipolarQuant)", "too few"]),
        ([*QDQ, ("Dropout", "v half true", "y")], ["(Dropout)", "it trains"]),
        (
            [*QDQ, ("Unsqueeze", "v one", "t"), ("MaxPool", "t", "y", DILATED)],
            ["(MaxPool)", "explicit pads"],
        ),
        (
            [*QDQ, ("Resize", "v - - six", "y", {"keep_aspect_ratio_policy": "not_larger"})],
            ["(Resize)", "keep_aspect_ratio_policy"],
        ),
    ],
    ids=range(26),
)
def test_refusals(nodes, words, model_of):
    constants = TYPES | {
        "far": np.array([1 << 62]), "tiny": np.float32(2.0**-100), "half": np.float32(0.5),
        "true": np.array(True), "one": np.array([1]), "zero": np.array(0), "six": np.array([1, 6]),
    }  # fmt: skip
    refused(model_of(nodes, {"x": ["N", 3]}, ["y"], constants), *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.opset_import[0].__setattr__("version", 5), ["opset 5"]),
        (lambda m: m.graph.node[0].__setattr__("domain", "com.strange"), ["com.strange"]),
        (
            lambda m: m.graph.node[0].__setattr__("domain", "com.microsoft"),
            ["quant_format=QuantFormat.QDQ"],
        ),
        (lambda m: m.graph.input[0].type.tensor_type.shape.dim[1].__setattr__("dim_param", "k"),
         ["not fixed"]),
        (lambda m: m.graph.input[0].type.tensor_type.ClearField("shape"), ["has no shape"]),
        (lambda m: m.graph.input[0].type.tensor_type.shape.dim[1].__setattr__("dim_value", 1 << 40),
         ["too large"]),
        (lambda m: m.graph.initializer[0].dims.extend([1 << 40]), ["absurd"]),
        (lambda m: m.graph.initializer[0].dims.extend([7]), ["damaged"]),
        (lambda m: m.graph.initializer[0].__setattr__("data_type", 99), ["damaged"]),
        (lambda m: m.graph.output.pop(), ["outputs"]),
        (lambda m: m.graph.input.pop(), ["'x' does not exist"]),
        (lambda m: m.graph.ClearField("node"), ["'y' does not exist"]),
    ],
    ids=range(12),
)  # fmt: skip
def test_damaged_models(change, words, model_of):
    model = model_of([*QDQ, ("Relu", "v", "y")], {"x": ["N", 3]}, ["y"], TYPES)
    change(model)
    refused(model, *words)


def test_baked_batch(model_of, assert_same):
    """Exporters bake the size of their first batch in; an absurd one is no event's."""
    model = model_of([*QDQ, ("Relu", "v", "y")], {"x": [789444, 3]}, ["y"], TYPES)
    assert load(model).circuit.inputs[0].shape == (3,)
    mixed = [*QDQ, ("Softmax", "v", "p", {"axis": 0}), ("Relu", "p", "y")]
    refused(model_of(mixed, {"x": [789444, 3]}, ["y"], TYPES), "mixes events")


def test_batch_norm_over_the_wrong_axis(model_of):
    """Statistics of three channels never broadcast over an axis of one."""
    statistics = dict.fromkeys(("a", "b", "c", "d"), np.ones(3, np.float32))
    nodes = [*QDQ, ("Transpose", "v", "t"), ("BatchNormalization", "t a b c d", "r")]
    model = model_of([*nodes, ("Transpose", "r", "y")], {"x": [1, 3]}, ["y"], TYPES | statistics)
    refused(model, "3 channels", "axis 1")


def of_opset_6(model_of, **attributes):
    statistics = dict.fromkeys(("a", "b", "c", "d"), np.full(3, 0.5, np.float32))
    norm = ("BatchNormalization", "t a b c d", "r", attributes)
    nodes = [("Unsqueeze", "x", "t", {"axes": [2]}), norm, ("Squeeze", "r", "y", {"axes": [2]})]
    return model_of(nodes, {"x": ["N", 3]}, ["y"], statistics, opset=6)


def test_opset_6(model_of):
    """As PyTorch wrote it in 2018; what means something else today is refused."""
    (port,) = read(of_opset_6(model_of, is_test=1)).inputs
    assert port.shape == (3,)
    refused(of_opset_6(model_of), "opset 7 or later")
    added = model_of(
        [("Add", "x b", "y", {"broadcast": 1, "axis": 0})],
        {"x": ["N", 3]},
        ["y"],
        {"b": np.ones(1)},
        6,
    )
    refused(added, "opset 7 or later")


def test_channels_last_operators(model_of, outputs_of, rng):
    """QONNX' own copies give what standard operators give between transpositions."""
    kernel = rng.integers(-3, 4, (4, 3, 3, 1)).astype(np.float32)
    window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "group": 2}
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    last = model_of(
        [*QDQ, ("Conv", "v k", "c", window), ("MaxPool", "c", "y", pool)],
        {"x": [1, 4, 4, 2]},
        ["y"],
        TYPES | {"k": kernel},
    )
    for node in last.graph.node[-2:]:
        node.domain = "qonnx.custom_op.channels_last"
    first = model_of(
        [
            *QDQ,
            ("Transpose", "v", "f", {"perm": [0, 3, 1, 2]}),
            ("Conv", "f k", "c", window),
            ("MaxPool", "c", "p", pool),
            ("Transpose", "p", "y", {"perm": [0, 2, 3, 1]}),
        ],
        {"x": [1, 4, 4, 2]},
        ["y"],
        TYPES | {"k": kernel.transpose(0, 3, 1, 2)},
    )
    x = rng.integers(-8, 8, (50, 4, 4, 2)).astype(np.float32)
    mine, theirs = (outputs_of(load(model).circuit, x=x)["y"] for model in (last, first))
    assert mine.shape == (50, 2, 2, 4)
    assert np.array_equal(mine, theirs)
    for attribute in list(last.graph.node[-1].attribute):
        last.graph.node[-1].attribute.remove(attribute)
    refused(last, "kernel_shape")


# ---- files -------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path, model_of):
    """Return a small model's file, one of its constants in a file of its own."""
    folder = tmp_path / "folder"
    folder.mkdir()
    nodes = [*QDQ, ("MatMul", "v w", "y")]
    constants = TYPES | {"w": np.float32(np.arange(300).reshape(3, 100))}
    model = model_of(nodes, {"x": ["N", 3]}, ["y"], constants)
    onnx.save(model, folder / "m.onnx", save_as_external_data=True, location="w.bin",
              size_threshold=100)  # fmt: skip
    return folder / "m.onnx"


def test_external_data(file):
    assert load(file).circuit.outputs[0].shape == (100,)
    assert load(file).name == "net"


@pytest.mark.parametrize(
    "location", ["../w.bin", "/etc/hostname", "a/../../w.bin", "..\\w.bin", ""]
)
def test_external_data_stays_in_its_folder(location, file):
    (file.parent.parent / "w.bin").write_bytes((file.parent / "w.bin").read_bytes())
    model = onnx.load(file, load_external_data=False)
    model.graph.initializer[-1].external_data[0].value = location
    file.write_bytes(model.SerializeToString())
    assert "leaves the model's folder" in refused(file)


def test_external_data_does_not_follow_links(file):
    outside = file.parent.parent / "secret"
    outside.write_bytes((file.parent / "w.bin").read_bytes())
    (file.parent / "w.bin").unlink()
    (file.parent / "w.bin").symlink_to(outside)
    refused(file, "leaves the model's folder")


def test_damaged_external_data(file):
    (file.parent / "w.bin").write_bytes(b"short")
    refused(file, "shorter")
    (file.parent / "w.bin").unlink()
    refused(file, "missing")
    refused(onnx.load(file, load_external_data=False), "external data")


def test_external_data_read_many_times(file, monkeypatch):
    monkeypatch.setattr("edgetrig.frontends.onnx.load.FILE_LIMIT", 5000)
    model = onnx.load(file, load_external_data=False)
    for k in range(5):
        again = model.graph.initializer.add()
        again.CopyFrom(next(t for t in model.graph.initializer if t.external_data))
        again.name = f"again{k}"
    file.write_bytes(model.SerializeToString())
    refused(file, "in all")


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"PK\x03\x04 not a model", b"\xff" * 64])
def test_other_files(data, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    refused(path)


def test_large_files_are_not_parsed(tmp_path):
    path = tmp_path / "m.onnx"
    with path.open("wb") as stream:
        stream.truncate(1 << 29)
    refused(path, "MiB")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_files(data, tmp_path_factory):
    """Whatever bytes change: a model, or one line."""
    path = tmp_path_factory.mktemp("fuzz") / "m.onnx"
    whole = bytearray(MUTATED)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[place] = data.draw(st.integers(0, 255))
        elif data.draw(st.booleans()):
            del whole[place : place + data.draw(st.integers(1, 40))]
        else:
            whole[place:place] = data.draw(st.binary(max_size=8))
        if not whole:
            return
    path.write_bytes(bytes(whole))
    message = ""
    try:
        load(path)
    except Error as error:
        message = str(error)
    assert "\n" not in message


def _mutated():
    make = helper.make_node
    nodes = [
        make("QuantizeLinear", ["x", "s", "z"], ["q"]),
        make("DequantizeLinear", ["q", "s", "z"], ["v"]),
        make("Shape", ["v"], ["shape"]),
        make("Reshape", ["v", "shape"], ["r"]),
        make("Conv", ["r", "w", "b"], ["c"], pads=[1, 1], strides=[2]),
        make("Relu", ["c"], ["a"]),
        make("MaxPool", ["a"], ["p"], kernel_shape=[2]),
        make("Flatten", ["p"], ["f"]),
        make("Gemm", ["f", "k"], ["y"], transB=1),
    ]
    constants = {
        "s": np.float32(0.25), "z": np.int8(0), "w": np.ones((2, 2, 3), np.float32),
        "b": np.ones(2, np.float32), "k": np.ones((3, 4), np.float32),
    }  # fmt: skip
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 6])],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


MUTATED = _mutated().SerializeToString()


# ---- trees -------------------------------------------------------------------------------------


def test_trees(model_of):
    attributes = {
        "n_targets": 1, "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [1, 0, 0], "nodes_values": [0.5, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0], "nodes_missing_value_tracks_true": [0, 0, 0],
        "nodes_hitrates": [1.0, 1.0, 1.0], "target_treeids": [0, 0], "target_nodeids": [1, 2],
        "target_ids": [0, 0], "target_weights": [-1.0, 2.0],
    }  # fmt: skip
    model = model_of([("TreeEnsembleRegressor", "x", "y", attributes)], {"x": ["N", 3]}, ["y"])
    forest = read(model)
    assert isinstance(forest, Forest)
    scores = forest.scores(np.array([[0, 0.25, 0], [0, 0.5, 0], [0, 1.0, 0]]))
    assert scores.ravel().tolist() == [-1, -1, 2]
    assert len(forest.features) == 3
