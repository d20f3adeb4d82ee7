"""ONNX's tree operators against onnxruntime and ONNX's own reference evaluator."""

import lightgbm
import numpy as np
import onnx
import onnxmltools
import onnxruntime
import pytest
import skl2onnx
import xgboost
from conformance import agree, events, labels
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn import ensemble, tree

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.onnx import forest_of_node


def attributes_of(node):
    def plain(value):
        if isinstance(value, onnx.TensorProto):
            return numpy_helper.to_array(value)
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.decode() if isinstance(value, bytes) else value

    return {a.name: plain(helper.get_attribute_value(a)) for a in node.attribute}


def tree_node(model):
    return next(node for node in model.graph.node if node.op_type.startswith("TreeEnsemble"))


def raw_scores(model, features):
    """A session of the model's tree operator alone, without its post_transform."""
    node = onnx.NodeProto()
    node.CopyFrom(tree_node(model))
    kept = [a for a in node.attribute if a.name != "post_transform"]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.input[:] = ["x"]
    node.output[:] = ["label", "scores"] if "Classifier" in node.op_type else ["scores"]
    version = 5 if node.op_type == "TreeEnsemble" else 3
    return session([node], features, "ai.onnx.ml", version)


def session(nodes, features, domain, version):
    double = any(
        a.name in ("nodes_values_as_tensor", "nodes_splits") and a.t.data_type == TensorProto.DOUBLE
        for a in nodes[0].attribute
    )
    kind = TensorProto.DOUBLE if double else TensorProto.FLOAT
    x = helper.make_tensor_value_info("x", kind, [None, features])
    out = helper.make_tensor_value_info("scores", TensorProto.UNDEFINED, None)
    out.type.tensor_type.elem_type = TensorProto.FLOAT if "Reg" in nodes[0].op_type else kind
    if "Classifier" in nodes[0].op_type:
        out.type.tensor_type.elem_type = TensorProto.FLOAT
    graph = helper.make_graph(nodes, "trees", [x], [out])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(domain, version)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    run = onnxruntime.InferenceSession(made.SerializeToString())
    dtype = np.float64 if double else np.float32

    def scores(at):
        (found,) = run.run(["scores"], {"x": np.asarray(at, dtype)})
        return found

    return scores


def compare(model, x, tolerance=1e-6):
    attributes = attributes_of(tree_node(model))
    forest = forest_of_node(attributes, features=[f"x{i}" for i in range(x.shape[1])])
    scores = raw_scores(model, x.shape[1])

    def margins(at):
        found = scores(at)
        # Of two scores for one class the second is the class's own.
        return found[:, -1:] if forest.outputs == 1 and found.shape[1] == 2 else found

    agree(forest, x, margins, tolerance=tolerance)
    return forest


@pytest.mark.parametrize("target", ["binary", "multiclass"])
@pytest.mark.parametrize(
    "model",
    [
        ensemble.GradientBoostingClassifier(n_estimators=4),
        ensemble.RandomForestClassifier(n_estimators=4, max_depth=5),
        ensemble.ExtraTreesClassifier(n_estimators=4, max_depth=5),
        tree.DecisionTreeClassifier(max_depth=4),
    ],
    ids=lambda model: type(model).__name__,
)
def test_classifiers_of_sklearn(model, target):
    x = events()
    model.fit(x, labels(x, target))
    made = skl2onnx.to_onnx(model, x[:1], options={"zipmap": False})
    compare(made, events(1))


@pytest.mark.parametrize(
    "model",
    [
        ensemble.GradientBoostingRegressor(n_estimators=4),
        ensemble.RandomForestRegressor(n_estimators=4, max_depth=5),
        tree.DecisionTreeRegressor(max_depth=4),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("double", [False, True])
def test_regressors_of_sklearn(model, double):
    x = events()
    model.fit(x, labels(x))
    made = skl2onnx.to_onnx(model, x[:1].astype(np.float64 if double else np.float32))
    compare(made, events(1))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_boosters(library, target):
    x = events(missing=True)
    kinds = [("x", FloatTensorType([None, 5]))]
    if library == "xgboost":
        kind = xgboost.XGBRegressor if target == "regression" else xgboost.XGBClassifier
        model = kind(n_estimators=4, max_depth=3, n_jobs=1, base_score=0.5)
        model.fit(x, labels(x, target))
        made = onnxmltools.convert_xgboost(model, initial_types=kinds)
    else:
        kind = lightgbm.LGBMRegressor if target == "regression" else lightgbm.LGBMClassifier
        model = kind(n_estimators=4, num_leaves=7, n_jobs=1, verbose=-1)
        model.fit(x, labels(x, target))
        made = onnxmltools.convert_lightgbm(model, initial_types=kinds, zipmap=False)
    compare(made, events(1, missing=True))


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


@st.composite
def random_trees(draw, modes, features=2, depth=4):
    """Nested ``(mode, feature, split, missing goes to yes, yes, no)``; leaves are numbers."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.integers(-3, 3))
    split = draw(
        st.integers(0, 4) if "EQ" in (mode := draw(st.sampled_from(modes)))[-2:] else _REAL
    )
    if mode == "BRANCH_MEMBER":
        # Not 0: ONNX's reference evaluator takes it for the end of the set.
        split = draw(st.frozensets(st.integers(1, 5), min_size=1, max_size=3))
    below = random_trees(modes, features, depth - 1)
    feature = draw(st.integers(0, features - 1))
    return mode, feature, split, draw(st.booleans()), draw(below), draw(below)


_REAL = st.sampled_from([-1.0, 0.0, 0.1, 1.0, 2.0, 3.5])


def older(trees, operator, **more):
    """Attributes of a node of version 3."""
    columns = {
        name: []
        for name in (
            *("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes"),
            *("nodes_truenodeids", "nodes_falsenodeids", "nodes_missing_value_tracks_true"),
            *("target_treeids", "target_nodeids", "target_ids", "target_weights"),
        )
    }

    def add(tree, index):
        number = columns["nodes_treeids"].count(index)
        leaf = not isinstance(tree, tuple)
        mode, feature, split, missing = ("LEAF", 0, 0.0, False) if leaf else tree[:4]
        row = (index, number, feature, float(split), mode, 0, 0, int(missing))
        for column, value in zip(list(columns)[:8], row, strict=True):
            columns[column].append(value)
        if leaf:
            for column, value in zip(
                list(columns)[8:], (index, number, 0, float(tree)), strict=True
            ):
                columns[column].append(value)
            return number
        place = len(columns["nodes_modes"]) - 1
        columns["nodes_truenodeids"][place] = add(tree[4], index)
        columns["nodes_falsenodeids"][place] = add(tree[5], index)
        return number

    for index, nested in enumerate(trees):
        add(nested, index)
    if operator == "TreeEnsembleRegressor":
        return {**columns, "n_targets": 1, **more}
    votes = {name.replace("target", "class"): columns.pop(name) for name in list(columns)[8:]}
    return {**columns, **votes, **more}


def odd_events(seed, count=200, features=2):
    random = np.random.default_rng(seed)
    values = np.array([*range(6), -1, 0.1, 3.5, np.nan], np.float32)
    values = np.concatenate([values, np.nextafter(values[6:9], np.float32(9))])
    return random.choice(values, (count, features))


@given(
    st.lists(random_trees(MODES), min_size=1, max_size=3),
    st.sampled_from(["SUM", "AVERAGE"]),
    st.integers(0, 1 << 30),
)
def test_every_mode_of_version_3(trees, aggregate, seed):
    given_ = older(trees, "TreeEnsembleRegressor", aggregate_function=aggregate, base_values=[0.5])
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["scores"], domain="ai.onnx.ml", **given_
    )
    forest = forest_of_node(attributes_of(node), ["a", "b"])
    x = odd_events(seed)
    whole = x.copy()  # only integers where a split asks for a category
    for feature in {forest.feature[n] for n in forest.categories}:
        whole[:, feature] = np.floor(np.abs(x[:, feature]))
    theirs = session([node], 2, "ai.onnx.ml", 3)(whole)
    np.testing.assert_allclose(forest.scores(whole), theirs, atol=1e-5)


def newer(trees, **more):
    """Attributes of a node of version 5, interior nodes and leaves apart."""
    nodes, leaves, members = [], [], []

    def add(tree):
        if not isinstance(tree, tuple):
            leaves.append(float(tree))
            return len(leaves) - 1, 1
        place = len(nodes)
        mode, feature, split, missing, yes, no = tree
        if mode == "BRANCH_MEMBER":
            members.extend([*map(float, sorted(split)), np.nan])
            split = 0.0
        nodes.append(None)
        nodes[place] = (NEWER.index(mode), feature, float(split), int(missing), *add(yes), *add(no))
        return place, 0

    roots = [add(tree)[0] for tree in trees if isinstance(tree, tuple)]
    mode, feature, split, missing, yes, yes_leaf, no, no_leaf = zip(*nodes, strict=True)
    tensor = numpy_helper.from_array
    made = {
        "nodes_modes": tensor(np.array(mode, np.uint8)),
        "nodes_featureids": feature,
        "nodes_splits": tensor(np.array(split, np.float32)),
        "nodes_missing_value_tracks_true": missing,
        "nodes_truenodeids": yes,
        "nodes_trueleafs": yes_leaf,
        "nodes_falsenodeids": no,
        "nodes_falseleafs": no_leaf,
        "leaf_targetids": [0] * len(leaves),
        "leaf_weights": tensor(np.array(leaves, np.float32)),
        "tree_roots": roots,
        "n_targets": 1,
        **more,
    }
    if members:
        made["membership_values"] = tensor(np.array(members, np.float32))
    return made


NEWER = [*MODES, "BRANCH_MEMBER"]


@settings(max_examples=15)
@given(
    st.lists(random_trees(NEWER, depth=3), min_size=1, max_size=2).filter(
        lambda trees: all(isinstance(tree, tuple) for tree in trees)
    ),
    st.sampled_from([0, 1]),
    st.integers(0, 1 << 30),
)
def test_every_mode_of_version_5(trees, aggregate, seed):
    node = helper.make_node(
        "TreeEnsemble",
        ["x"],
        ["scores"],
        domain="ai.onnx.ml",
        **newer(trees, aggregate_function=aggregate, post_transform=0),
    )
    forest = forest_of_node(attributes_of(node), ["a", "b"])
    x = odd_events(seed, count=20)
    for feature in {forest.feature[n] for n in forest.categories}:
        x[:, feature] = np.floor(np.abs(x[:, feature]))
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "trees",
        [info("x", TensorProto.FLOAT, [None, 2])],
        [info("scores", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    reference = ReferenceEvaluator(helper.make_model(graph, opset_imports=opsets))
    (theirs,) = reference.run(None, {"x": x})
    np.testing.assert_allclose(forest.scores(x), theirs, atol=1e-5)


def test_a_leaf_that_two_branches_share():
    stump = ("BRANCH_LEQ", 0, 1.0, False, 2, 2)
    node = helper.make_node("TreeEnsemble", ["x"], ["scores"], **newer([stump]))
    attributes = attributes_of(node)
    attributes |= {"nodes_falsenodeids": [0], "leaf_targetids": [0]}
    attributes |= {"leaf_weights": np.float32([2])}
    np.testing.assert_array_equal(forest_of_node(attributes).scores([[0.0], [5.0]]), [[2], [2]])


def plain(**changes):
    tree = ("BRANCH_LEQ", 0, 1.0, False, 2, ("BRANCH_LEQ", 1, 0.5, True, 3, 4))
    return {**older([tree], "TreeEnsembleRegressor"), **changes}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"aggregate_function": "MAX"}, "the MAX of its trees is no sum; only SUM and AVERAGE"),
        ({"aggregate_function": 7}, "aggregate_function '7' is unknown"),
        ({"post_transform": "X"}, "post_transform 'X' is unknown"),
        ({"nodes_modes": ["BRANCH_X"] * 5}, "mode 'BRANCH_X' of a node is unknown"),
        ({"nodes_modes": None}, "'nodes_modes' is not a list"),
        ({"nodes_nodeids": [0] * 5}, "two nodes of a tree have the same number"),
        ({"nodes_truenodeids": [9, 0, 3, 0, 0]}, "a node's child, or a weight's leaf, does not"),
        ({"nodes_truenodeids": [0, 0, 3, 0, 0]}, "first node is not its one root"),
        ({"nodes_truenodeids": [2, 0, 3, 0, 0]}, "first node is not its one root"),
        ({"nodes_truenodeids": [-1, 0, 3, 0, 0]}, "out of range"),
        ({"nodes_values": [1.0]}, "columns of its nodes are empty or differ in length"),
        ({"nodes_values": [np.nan] * 5}, "node 0 has NaN for a threshold"),
        ({"target_ids": [0, 1, 0]}, "a weight is for none of the 1 scores"),
        ({"target_weights": [1.0]}, "columns of its target weights differ in length"),
        ({"n_targets": 1 << 20}, "base values for 1048576 scores"),
        ({"nodes_featureids": [0, 0, -1, 0, 0]}, "a split is on a negative feature"),
        (
            {
                "nodes_modes": ["BRANCH_EQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
                "nodes_values": [0.5] * 5,
            },
            "compares for equality with 0.5; only integers from 0 on",
        ),
    ],
)
def test_bad_nodes_are_refused(changes, line):
    with pytest.raises(ModelError, match=line):
        forest_of_node(plain(**changes))


_ODD = st.sampled_from(
    [None, -1, 0, 1, 7, 2**31, 2**70, 0.5, float("nan"), float("inf"), "", "LEAF", True, [], {}]
)


@given(st.lists(random_trees(MODES), min_size=1, max_size=2), st.booleans(), st.data())
def test_attributes_changed_at_random(trees, newest, data):
    """Whatever a node says, it is a forest or one line."""
    if newest and all(isinstance(nested, tuple) for nested in trees):
        node = helper.make_node("TreeEnsemble", ["x"], ["scores"], **newer(trees))
        attributes = attributes_of(node)
    else:
        attributes = older(trees, "TreeEnsembleRegressor")
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(attributes)))
        value = attributes[name]
        if isinstance(value, list | np.ndarray) and len(value) and data.draw(st.booleans()):
            value = list(value)
            value[data.draw(st.integers(0, len(value) - 1))] = data.draw(_ODD)
            attributes[name] = value
        else:
            attributes[name] = data.draw(_ODD | st.lists(_ODD, max_size=3))
    try:
        forest = forest_of_node(attributes)
    except ModelError as error:
        line = str(error)
    else:
        line = ""
        forest.check()
    assert "\n" not in line
    assert len(line) < 500
