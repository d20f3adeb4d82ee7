"""Bad models give one clear line, and nothing in a file is ever executed."""

import io
import json
import random
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hgq.config import QuantizerConfig
from hgq.layers import QDense, Quantizer
from keras import layers

from edgetrig.errors import DataError, Error, ModelError
from edgetrig.frontends import load


def simple(*more):
    return keras.Sequential([keras.Input((4,), name="x"), QDense(3, name="first"), *more])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.keras"
    simple(QDense(2, name="second")).save(path)
    return path


@pytest.fixture
def rewrite_weights():
    def edit(path, function):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        weights = io.BytesIO(members["model.weights.h5"])
        with h5py.File(weights, "r+") as root:
            function(root)
        members["model.weights.h5"] = weights.getvalue()
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return path

    return edit


def refuse(path, pattern):
    with pytest.raises(ModelError, match=pattern) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_live_model_equals_its_file(file):
    live = load(keras.models.load_model(file))
    assert str(live.circuit) == str(load(file).circuit)
    assert live.name == load(file).name


def test_error_of_a_live_model_does_not_name_a_temporary_file():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="mine")
    with pytest.raises(ModelError, match=r"^model 'mine': layer 'dense.*reaches it unquantised"):
        load(model)


def test_older_registered_names_are_read(file, rewrite):
    before = str(load(file).circuit)
    rewrite(file, lambda text: text.replace("hgq>", "hgq2>"))
    assert str(load(file).circuit) == before


def test_other_objects_are_refused():
    with pytest.raises(ModelError, match="cannot compile a dict; known: files and models of keras"):
        load({})


def test_missing_file_and_unknown_suffix(tmp_path):
    with pytest.raises(DataError, match=r"none\.keras: no such file"):
        load(tmp_path / "none.keras")
    refuse(tmp_path / "model.what", r"model\.what: unknown kind of model file; .* \.keras")


@pytest.mark.parametrize("keep", [0, 1, 100, -1000, -10])
def test_truncated_file(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    refuse(file, r"model\.keras: not a whole Keras 3 file .*; save the model with")


def test_zip_bomb(file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (65 << 20))
    assert file.stat().st_size < 1 << 20
    refuse(file, r"config\.json unpacks to 65 MiB, over 64 MiB")


def test_zip_that_lies_about_its_size(file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (65 << 20))
    data = bytearray(file.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(signature) + offset
        data[at : at + 4] = (100).to_bytes(4, "little")
    file.write_bytes(data)
    refuse(file, r"model\.keras: (not a whole|config\.json)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"config\.json is damaged"),
        ("[" * 10**5, r"config\.json is damaged"),
        ("[]", "does not describe a model"),
        ("{}", "its configuration is damaged"),
        ('{"class_name": "Sequential", "config": 3}', "its configuration is damaged"),
        ('{"class_name": "MyModel", "config": {}}', "only Sequential and Functional models"),
    ],
)
def test_damaged_configuration(file, rewrite, text, message):
    refuse(rewrite(file, lambda _: text), message)


def test_missing_weights(file, rewrite_weights):
    def remove(root):
        del root["layers/q_dense/vars/1"]

    refuse(rewrite_weights(file, remove), r"weight layers/q_dense/vars/1 is missing")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(file, rewrite_weights, value):
    def poison(root):
        root["layers/q_dense_1/vars/0"][1, 1] = value

    refuse(rewrite_weights(file, poison), r"q_dense_1/vars/0 contains NaN or infinity")


@pytest.mark.parametrize("value", [np.nan, 1e9, -1e9])
def test_damaged_bit_widths(file, rewrite_weights, value):
    def poison(root):
        root["layers/q_dense/iq/quantizer/vars/0"][0, 0] = value

    refuse(rewrite_weights(file, poison), r"NaN or infinity|bit widths are damaged")


def test_weights_of_another_shape_or_layer(file, rewrite_weights):
    def swap(root):
        root.move("layers/q_dense", "spare")
        root.move("layers/q_dense_1", "layers/q_dense")
        root.move("spare", "layers/q_dense_1")

    refuse(rewrite_weights(file, swap), "layer 'first' .*its weights belong to 'second'")

    def rename(root):
        for group in ("q_dense", "q_dense_1"):
            del root[f"layers/{group}/vars"].attrs["name"]

    refuse(
        rewrite_weights(file, rename),
        r"'first' .*its quantiser has shape \(3,\), but \(4,\) arrives",
    )


def test_weights_outside_the_file_are_not_followed(file, rewrite_weights, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.zeros((4, 3), np.float32)

    def link(root):
        del root["layers/q_dense/vars/0"]
        root["layers/q_dense/vars/0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")

    refuse(rewrite_weights(file, link), r"q_dense/vars/0 is missing")

    def external(root):
        del root["layers/q_dense/vars/0"]
        (tmp_path / "raw").write_bytes(bytes(48))
        root["layers/q_dense/vars"].create_dataset(
            "0", (4, 3), np.float32, external=[(str(tmp_path / "raw"), 0, 48)]
        )

    refuse(rewrite_weights(file, external), r"q_dense/vars/0 is not a plain array")


def test_absurd_weights_are_not_allocated(file, rewrite_weights):
    def grow(root):
        del root["layers/q_dense/vars/0"]
        root["layers/q_dense/vars"].create_dataset("0", (1 << 40, 8), np.float32, chunks=(1024, 8))

    refuse(rewrite_weights(file, grow), "is too large")


def test_lambda_is_never_run(tmp_path):
    model = simple(layers.Lambda(lambda x: x + 1, name="mine"))
    model.save(tmp_path / "m.keras")
    refuse(tmp_path / "m.keras", r"layer 'mine' \(Lambda\).*a Lambda holds Python code")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.SpectralNormalization(layers.Dense(2)), "is not supported; the nearest that are"),
        (layers.LayerNormalization(), r"has no number type; edgetrig.quantize\(model, x\) finds"),
        (layers.Masking(), "masks are not carried through hardware"),
        (layers.Dense(2, dtype="float16"), "computes in float16; only float32 models"),
        (layers.Activation("tanh"), "output 'activation.*the tanh is not quantised"),
        (QDense(2, activation="glu"), "activation 'glu' is not supported; the nearest are gelu"),
    ],
)
def test_unsupported_layers(tmp_path, layer, message):
    simple(layer).save(tmp_path / "m.keras")
    refuse(tmp_path / "m.keras", message)


def test_users_own_class_is_refused_whatever_its_name(file, rewrite):
    refuse(rewrite(file, lambda t: t.replace("hgq>QDense", "os>QDense")), "not supported")
    refuse(rewrite(file, lambda t: t.replace('"hgq>QDense"', '"QDense"')), "not supported")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("[null, null]", r"input .x.: shape \(None,\) is not fixed"),
        ("[null, 1000000000]", "has more than 65536 elements"),
        ("[null, -4]", "is not fixed"),
        ("[null, 5]", r"its quantiser has shape \(4,\), but \(5,\) arrives"),
        ("7", "its input shape is unknown; start the model with keras.Input"),
    ],
)
def test_input_shapes(file, rewrite, shape, message):
    edited = rewrite(
        file, lambda t: t.replace('"batch_shape": [null, 4]', f'"batch_shape": {shape}')
    )
    refuse(edited, message)


def functional(tmp_path):
    x = keras.Input((4,), name="x")
    y = Quantizer(QuantizerConfig("kif", "datalane"), name="q")(x)
    z = layers.ReLU(name="r")(y)
    keras.Model(x, layers.Add(name="a")([y, z]), name="net").save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('history": ["x", 0, 0]', 'history": ["r", 0, 0]', "layer 'net' .*form a cycle"),
        ('history": ["x", 0, 0]', 'history": ["z", 0, 0]', "'q' .*its input 'z' does not exist"),
        ('history": ["q", 0, 0]', 'history": ["q", 0, 5]', "its input 'q' does not exist"),
        ('layers": [["a", 0, 0]]', 'layers": [["z", 0, 0]]', "its output 'z' does not exist"),
        ('layers": [["a", 0, 0]]', 'layers": [["a", 7, 0]]', "its output 'a' does not exist"),
    ],
)
def test_damaged_graphs(tmp_path, rewrite, old, new, message):
    path = functional(tmp_path)

    def edit(text):
        text = (
            text.replace('["a", 0, 0]', '[["a", 0, 0]]').replace("[[[", "[[").replace("]]]", "]]")
        )
        assert old in text
        return text.replace(old, new)

    refuse(rewrite(path, edit), message)


def one_line_or_a_model(path):
    try:
        load(path)
    except Error as error:
        line = str(error)
    else:
        line = ""
    assert "\n" not in line


def test_fuzzed_files_never_escape(file, tmp_path):
    """Random damage to configuration and weights: a model, or one line."""
    rng = random.Random(1)
    with zipfile.ZipFile(functional(tmp_path)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(150):
        damaged = dict(members)
        name = rng.choice(["config.json", "config.json", "model.weights.h5"])
        data = bytearray(damaged[name])
        for _ in range(rng.randrange(1, 6)):
            start = rng.randrange(len(data))
            data[start : start + rng.randrange(4)] = rng.randbytes(rng.randrange(4))
        damaged[name] = bytes(data)
        with zipfile.ZipFile(file, "w") as archive:
            for member, content in damaged.items():
                archive.writestr(member, content)
        one_line_or_a_model(file)


def test_names_of_layers_that_cannot_be_read(file, tmp_path):
    with zipfile.ZipFile(functional(tmp_path)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    data = bytearray(members["model.weights.h5"])
    place = data.index(b"GCOL") + 16
    while index := int.from_bytes(data[place : place + 2], "little"):
        data[place : place + 2] = (index + 1000).to_bytes(2, "little")
        place += 16 + (int.from_bytes(data[place + 8 : place + 16], "little") + 7) // 8 * 8
    members["model.weights.h5"] = bytes(data)
    with zipfile.ZipFile(file, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    refuse(file, "cannot be read")


def test_swapped_values_in_the_configuration_never_escape(tmp_path):
    """Every value of the configuration replaced by values of other types."""
    path = functional(tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    for place in list(_places(config)):
        for value in (None, -1, "x", [], {}, 1e308):
            edited = json.loads(members["config.json"])
            _assign(edited, place, value)
            with zipfile.ZipFile(path, "w") as archive:
                for name, data in members.items():
                    archive.writestr(name, json.dumps(edited) if name == "config.json" else data)
            one_line_or_a_model(path)


def _places(tree, path=()):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        if key in ("compile_config", "ic", "ir", "fc", "fr", "build_config"):
            continue
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from _places(value, (*path, key))


def _assign(tree, path, value):
    for key in path[:-1]:
        tree = tree[key]
    tree[path[-1]] = value
