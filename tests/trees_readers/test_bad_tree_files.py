"""Bad model files of every format give one clear line, in bounded memory."""

import copy
import functools
import json
import pickle
import struct
import tempfile

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from conformance import events, labels
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetrig.errors import DataError, ModelError
from edgetrig.frontends import load, read
from edgetrig.frontends.trees import Forest, document, read_file, sniff, ubjson


@functools.cache
def bytes_of(kind):
    """A small model of a format, with categories where it has them, as the bytes of its file."""
    x = events(count=120, missing=True)
    y = labels(x, "multiclass")
    if kind.startswith("xgboost"):
        types = ["q", "q", "q" if "numeric" in kind else "c", "q", "q"]
        data = xgboost.DMatrix(x, y, feature_types=types, enable_categorical=True)
        options = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "nthread": 1}
        return bytes(xgboost.train(options, data, 2).save_raw(kind.rpartition(".")[2]))
    if kind == "lightgbm.txt":
        data = lightgbm.Dataset(x, y, categorical_feature=[2])
        options = {"objective": "multiclass", "num_class": 3, "num_leaves": 4, "num_threads": 1}
        more = {"verbose": -1, "zero_as_missing": True, "min_data_per_group": 2, "cat_smooth": 1}
        return lightgbm.train({**options, **more}, data, 2).model_to_string().encode()
    policy = "SymmetricTree" if kind == "catboost.json" else "Lossguide"
    model = catboost.CatBoostClassifier(
        iterations=2, depth=2, verbose=0, allow_writing_files=False, grow_policy=policy
    ).fit(x, y)
    return saved(model)


def saved(model):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        model.save_model(file.name, format="json")
        parsed = json.load(file)
    parsed.pop("model_info")
    return json.dumps(parsed).encode()


KINDS = ["xgboost.json", "xgboost.ubj", "lightgbm.txt", "catboost.json", "catboost-lossguide.json"]


@pytest.fixture
def write(tmp_path):
    def put(data, name="model.json"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return put


def refuse(path, pattern):
    with pytest.raises(ModelError, match=pattern) as caught:
        read_file(path)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 500
    assert line.startswith(str(path))


def test_whole_files_are_known_by_their_content(write):
    for kind in KINDS:
        data = bytes_of(kind)
        assert sniff(data[:4096])
        assert isinstance(read_file(write(data, "any.name")), Forest)


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_files(write, kind):
    data = bytes_of(kind).rstrip()
    end = data.find(b"end of trees") if kind.startswith("lightgbm") else len(data) - 1
    for cut in np.linspace(1, end, 40).astype(int):
        refuse(write(data[:cut]), "model.json: ")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(data=st.data())
def test_bytes_changed_at_random(tmp_path_factory, kind, data):
    """Whatever a file says, it is a forest or one line."""
    changed = bytearray(bytes_of(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        if data.draw(st.booleans()):
            changed[at] = data.draw(st.integers(0, 255))
        else:
            changed[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    path = tmp_path_factory.mktemp("fuzz", numbered=True) / "model"
    path.write_bytes(changed)
    _forest_or_line(path)
    path.unlink()
    path.parent.rmdir()


def _forest_or_line(path):
    try:
        forest = read_file(path)
    except ModelError as error:
        line = str(error)
    else:
        line = ""
        forest.check()
        forest.scores(np.zeros((1, len(forest.features))))
    assert "\n" not in line
    assert len(line) < 600


_ODD = st.sampled_from(
    [None, True, -1, 0, 1, 2**31, 2**63, 1e308, float("nan"), float("inf"), "", "a", "[1,2]"]
) | st.sampled_from([[], {}, [[]], [None], ["a"], [-1], [2**70], [0.5], {"": 0}])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.endswith(".json")])
@settings(max_examples=60)
@given(data=st.data())
def test_values_changed_at_random(tmp_path_factory, kind, data):
    """As before, for JSON that is whole but says something else."""
    parsed = copy.deepcopy(json.loads(bytes_of(kind)))
    for _ in range(data.draw(st.integers(1, 3))):
        here = parsed
        while True:
            keys = list(here) if isinstance(here, dict) else range(len(here))
            key = data.draw(st.sampled_from(keys))
            deeper = isinstance(here[key], dict | list) and len(here[key])
            if not deeper or data.draw(st.integers(0, 5)) == 0:
                break
            here = here[key]
        if data.draw(st.booleans()):
            here[key] = copy.deepcopy(data.draw(_ODD))
        else:
            del here[key]
        if not parsed:
            break
    path = tmp_path_factory.mktemp("fuzz", numbered=True) / "model"
    path.write_text(json.dumps(parsed))
    _forest_or_line(path)
    path.unlink()
    path.parent.rmdir()


@settings(max_examples=60)
@given(data=st.data())
def test_fields_changed_at_random(tmp_path_factory, data):
    """As before, for the fields of LightGBM's text."""
    lines = bytes_of("lightgbm.txt").decode().splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, lines.index("end of trees") - 1))
        name, _, fields = lines[at].partition("=")
        values = fields.split(" ")
        which = data.draw(st.integers(0, len(values) - 1))
        odd = ["", "-1", "0", "3", "99", "1e400", "nan", "-inf", "x", "4294967296", "1 2"]
        values[which] = data.draw(st.sampled_from(odd))
        lines[at] = f"{name}={' '.join(values)}"
    path = tmp_path_factory.mktemp("fuzz", numbered=True) / "model"
    path.write_text("\n".join(lines))
    _forest_or_line(path)
    path.unlink()
    path.parent.rmdir()


def change(kind, edit):
    parsed = json.loads(bytes_of(kind))
    edit(parsed)
    return json.dumps(parsed).encode()


def first_tree(parsed):
    return parsed["learner"]["gradient_booster"]["model"]["trees"][0]


def put(column, index, value):
    def edit(parsed):
        first_tree(parsed)[column][index] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (put("left_children", 0, 0), "tree 0: node 0 has two parents or is its own ancestor"),
        (put("left_children", 0, 99), "tree 0: node 0 has a child that does not exist"),
        (put("split_indices", 0, 99), "tree 0: node 0 uses none of the 5 features"),
        (put("split_indices", 0, -2), "tree 0: a split is on a negative feature"),
        (put("split_conditions", 0, float("nan")), "tree 0: node 0 has NaN for a threshold"),
        (put("split_conditions", 0, "x"), "tree 0: 'split_conditions' is not a list of numbers"),
        (put("split_indices", 0, 0.5), "tree 0: 'split_indices' is not a list of integers"),
        (put("split_type", 0, 1), "tree 0: its categorical splits do not fit their sets"),
        (lambda p: first_tree(p)["split_type"].pop(), "tree 0: its categorical splits"),
        (lambda p: first_tree(p)["left_children"].pop(), "tree 0: its columns have different len"),
        (lambda p: p["learner"].pop("gradient_booster"), "'gradient_booster' is missing"),
        (lambda p: p["learner"]["learner_model_param"].update(base_score="nan"), "not a finite"),
        (lambda p: p["learner"]["learner_model_param"].update(base_score="[1,2]"), "2 numbers for"),
        (lambda p: p["learner"]["learner_model_param"].update(base_score="1e99"), "beyond float32"),
        (lambda p: p["learner"]["learner_model_param"].update(num_class="1e9"), "too many"),
        (lambda p: p["learner"]["learner_model_param"].update(num_feature="-1"), "not a count"),
    ],
)
def test_what_is_wrong_with_a_tree_is_named(write, edit, line):
    refuse(write(change("xgboost-numeric.json", edit)), line)


def test_leaves_that_the_scale_makes_infinite(write):
    data = change("catboost.json", lambda p: p.update(scale_and_bias=[1e308, [0, 0, 0]]))
    parsed = json.loads(data)
    parsed["oblivious_trees"][0]["leaf_values"][0] = 1e9
    refuse(write(json.dumps(parsed).encode()), "has a leaf that is not finite")


@pytest.mark.parametrize("child", ["left_child=0", "left_child=7", "left_child=-9"])
def test_damaged_trees_are_not_split_at_zero(write, child):
    text = bytes_of("lightgbm.txt").decode()
    at = text.index("left_child=")
    refuse(write((text[:at] + child + text[at + len("left_child=0") :]).encode()), "tree 0: ")


def test_other_formats_name_what_works(write):
    refuse(write(pickle.dumps([1])), "is a pickle, which could run anything .* live model")
    refuse(write(b"CBM1abc"), "save it with  save_model")
    refuse(write(b"binf" + bytes(100)), "before 2.1; save the model again as .json or .ubj")
    refuse(write(b'[ { "nodeid": 0 } ]'), "without their base score")
    refuse(write(b'{"name":"tree","version":"v4"}'), "a dump of LightGBM's trees; save the model")
    refuse(write(b'{"hello": 1}'), "is no model of XGBoost, LightGBM or CatBoost")
    refuse(write(b""), "is no model of XGBoost, LightGBM or CatBoost")
    assert not sniff(b'{"hello": 1}')
    assert not sniff(b"")
    assert not sniff(b"\x89HDF")
    assert sniff(pickle.dumps([1]))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("model.cbm", r"save the CatBoost model with  save_model\('NAME.json', format='json'\)"),
        ("model.pkl", "a pickle runs code when it is loaded; compile the live model"),
        ("model.joblib", "save it in its library's own format or as ONNX"),
    ],
)
def test_suffixes_that_are_not_read(tmp_path, name, line):
    with pytest.raises(ModelError, match=line):
        load(tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_read_through_the_one_door(write, kind):
    path = write(bytes_of(kind), f"model.{kind.rpartition('.')[2]}")
    assert isinstance(read(path), Forest)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: no such file"):
        read_file(tmp_path / "none.json")
    with pytest.raises(DataError, match="is a folder"):
        read_file(tmp_path)


def test_limits_of_size(write, monkeypatch):
    data = bytes_of("xgboost.json")
    monkeypatch.setattr(document, "FILE_LIMIT", 1000)
    refuse(write(data), "more than 0 MiB; train fewer or shallower trees")
    monkeypatch.undo()
    monkeypatch.setattr(document, "ELEMENT_LIMIT", 100)
    refuse(write(data), "more than 100 values")
    monkeypatch.undo()
    monkeypatch.setattr(ubjson, "VALUE_LIMIT", 10)
    refuse(write(bytes_of("xgboost.ubj")), "more than 10 values")


def test_deep_documents(write):
    deep = b'{"learner":' + b"[" * 100_000
    refuse(write(deep), "nested too deeply")
    refuse(write(b"{i\x07learner" + b"[" * 100_000), "nested deeper than 64")


def length(value):
    return b"L" + struct.pack(">q", value)


@pytest.mark.parametrize(
    "value",
    [
        b"[$d#" + length(1 << 60),
        b"[$d#" + length(-1),
        b"[#" + length(1 << 40),
        b"[$Z#" + length(2),  # elements of no bytes
        b"{#" + length(1 << 40),
        b"S" + length(1 << 62),
        b"S" + length(-5),
        b"[$",
        b"[$d",
        b"[$dd",
        b"Hi\x03abc",
        b"Si\x01\xff",
        b"Sd\x01",
        b"d\x00",
        b"?",
    ],
)
def test_lengths_and_markers_that_lie(write, value):
    with pytest.raises(ModelError, match=r"^byte "):
        ubjson.parse(value)
    refuse(write(b"{i\x07learner" + value), "byte ")


def test_ubjson_values():
    text = b"{i\x01a[i\xffU\xff]i\x01bSi\x02\xc3\xa9i\x01c[$d#i\x02" + struct.pack(">2f", 1.5, -2)
    text += b"i\x01dHi\x031.5i\x01eTi\x01fZi\x01g{#i\x01i\x01xNCz"
    text += b"i\x01h[$i#i\x00i\x01jI\x01\x00i\x01kl\x00\x01\x00\x00i\x01mD" + struct.pack(">d", 0.1)
    text += b"}"
    parsed = ubjson.parse(text)
    np.testing.assert_array_equal(parsed.pop("c"), [1.5, -2])
    assert parsed.pop("h").shape == (0,)
    assert parsed == {
        "a": [-1, 255],
        "b": "é",
        "d": 1.5,
        "e": True,
        "f": None,
        "g": {"x": "z"},
        "j": 256,
        "k": 65536,
        "m": 0.1,
    }
    with pytest.raises(ModelError, match="more than one document"):
        ubjson.parse(text + b"Z")
