"""Damaged and hostile files: a model or one line, in bounded memory, with nothing executed."""

import json
import random

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qkeras_files import compiled, stored, unpacked

from edgetrig.errors import Error, ModelError

REST = settings(max_examples=60, deadline=None)


@pytest.fixture
def file(tmp_path):
    return stored("qkeras-0.9.0", "dense", tmp_path)[0]


@pytest.fixture
def rewrite(file):
    """Return a function that edits the architecture of an ``.h5`` file."""

    def edit(function):
        with h5py.File(file, "r+") as root:
            root.attrs["model_config"] = function(root.attrs["model_config"])
        return file

    return edit


def refuse(path, pattern):
    with pytest.raises(ModelError, match=pattern) as caught:
        compiled(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("keep", [0, 7, 100, -1000, -10])
def test_truncated_file(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(
        ModelError, match=r"model\.h5: not a (whole HDF5 file|model of any library)"
    ):
        compiled(file)


def test_weights_alone_need_their_architecture(tmp_path):
    path = unpacked("qkeras-0.9.0", "digits", "_weights.h5", tmp_path / "only.h5")
    refuse(path, r"only\.h5: has weights but no architecture; write  model\.to_json")
    json_path = unpacked("qkeras-0.9.0", "digits", ".json", tmp_path / "net.json")
    refuse(json_path, r"net\.json: no weights beside it; looked for net\.weights\.h5, net_weights")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its architecture is damaged"),
        ("[" * 10**5, "its architecture is damaged"),
        ("[]", "its configuration is damaged"),
        ("{}", "its configuration is damaged"),
        ('{"class_name": "Sequential", "config": 3}', "its configuration is damaged"),
        ('{"class_name": "Mine", "config": {}}', "only Sequential and Functional models"),
    ],
)
def test_damaged_architecture(rewrite, text, message):
    refuse(rewrite(lambda _: text), message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("QDense", "DecimalDense", "this layer is not supported"),
        ('"bits": 4', '"bits": 4000', "quantized_(bits|relu) of 4000 bits"),
        ('"bits": 4', '"bits": 0', "quantized_(bits|relu) of 0 bits"),
        ('"bits": 4', '"bits": "x"', "of 'x' bits"),
        ('"integer": 0', '"integer": 1000000', "with integer=1000000"),
        ('"alpha": 1', '"alpha": "new"', "alpha='new'; use a number, auto or auto_po2"),
        ('"qnoise_factor": 1.0', '"qnoise_factor": 0.5', "set it to 1"),
        ('"class_name": "quantized_bits"', '"class_name": "os.system"', "not one of QKeras'"),
        ('"units": 3', '"units": 7', r"weight \d has shape .*, expected"),
        ("[null, 6]", "[null, null]", "is not fixed"),
        ("[null, 6]", "[null, 100000000]", "has more than 65536 elements"),
        ("quantized_bits(8,3,alpha=1)", "quantized_bits(8,3", "is not a call with plain values"),
        ("quantized_bits(8,3,alpha=1)", "quantized_bits(8,__import__('os'))", "plain values"),
        ("quantized_bits(8,3,alpha=1)", f"quantized_bits({','.join('8' * 17)})", "too many"),
        (
            "quantized_bits(8,3,alpha=1)",
            "quantized_bits(8,3,alpha='auto')",
            "from a batch of events",
        ),
        ("quantized_bits(8,3,alpha=1)", "quantized_bits(8,colour=1)", "no parameter 'colour'"),
        ("quantized_bits(8,3,alpha=1)", "mine(8)", "quantiser 'mine\\(8\\)' is unknown"),
        ("quantized_bits(8,3,alpha=1)", "bernoulli(alpha=1)", "draws random numbers at inference"),
    ],
)
def test_what_has_no_meaning_is_said_in_one_line(rewrite, old, new, message):
    def edit(text):
        assert old in text
        return text.replace(old, new)

    refuse(rewrite(edit), message)


def change(file, function):
    with h5py.File(file, "r+") as root:
        function(root["model_weights/q_dense"])
    return file


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(file, value):
    def poison(group):
        group["q_dense/kernel:0"][0, 0] = value

    refuse(change(file, poison), "'q_dense/kernel:0' contains NaN or infinity")


def test_missing_and_absurd_weights(file):
    def shrink(group):
        del group["q_dense/kernel:0"]

    def grow(group):
        group["q_dense"].create_dataset("kernel:0", (1 << 40, 8), np.float32, chunks=(1024, 8))

    refuse(change(file, shrink), "'q_dense/kernel:0' is missing")
    refuse(change(file, grow), "is too large")


def test_weights_outside_the_file_are_not_followed(file, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.zeros((6, 3), np.float32)

    def link(group):
        del group["q_dense/kernel:0"]
        group["q_dense/kernel:0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")

    refuse(change(file, link), "'q_dense/kernel:0' is missing")

    def external(group):
        del group["q_dense/kernel:0"]
        (tmp_path / "raw").write_bytes(bytes(72))
        raw = [(str(tmp_path / "raw"), 0, 72)]
        group["q_dense"].create_dataset("kernel:0", (6, 3), np.float32, external=raw)

    refuse(change(file, external), "is not a plain array")


def test_names_that_lead_astray(file):
    def rename(group):
        group.attrs["weight_names"] = ["../../q_dense_1/kernel:0", "/etc/passwd"]

    refuse(change(file, rename), "is missing")


def test_layer_of_hgq_is_sent_to_the_right_file(rewrite):
    refuse(rewrite(lambda t: t.replace('"QDense"', '"hgq>QDense"')), "is HGQ2's; save the model")


def test_text_that_hdf5_reads_without_an_end(file):
    """An empty object of number 0 in the global heap: HDF5 2.0 does not come back from it."""
    data = bytearray(file.read_bytes())
    first = data.find(b"GCOL") + 16
    data[first : first + 16] = bytes(16)
    file.write_bytes(data)
    refuse(file, "not a whole HDF5 file .a text in it has no size")


def test_text_that_crashes_hdf5(file):
    """A text of a kind that there is none of: HDF5 2.0 ends the process."""
    data = bytearray(file.read_bytes())
    kind = data.find(b"\x19\x01\x00\x00\x10", data.find(b"model_config")) + 1
    assert kind > 0
    data[kind] = 0x35
    file.write_bytes(data)
    refuse(file, "not a whole HDF5 file .HDF5's library does not come back from reading it")
    assert load_again(file)


def test_text_without_end_takes_no_memory(file):
    """A text of four gigabytes beyond the file: HDF5 makes room for it before it looks."""
    data = bytearray(file.read_bytes())
    heap = data.find(b"GCOL")
    names = data.find(b"weight_names\0\0\0\0\x19")
    reference = data.find(heap.to_bytes(8, "little"), names)
    assert 0 < heap < names < reference
    data[reference - 4 : reference + 4] = b"\x00\x00\x00\xf0\xb8\x19\x00\x08"
    file.write_bytes(data)
    refuse(file, "not a whole HDF5 file .HDF5's library does not come back from reading it")
    assert load_again(file)


def load_again(file):
    """Whether a sound file is read after a damaged one."""
    return compiled(unpacked("qkeras-0.9.0", "dense", ".h5", file)).circuit


def one_line_or_a_model(path):
    try:
        compiled(path)
    except Error as error:
        line = str(error)
    else:
        line = ""
    assert "\n" not in line


@REST
@given(st.integers(0, 2**32 - 1))
def test_damaged_bytes_never_escape(tmp_path_factory, seed):
    rng = random.Random(seed)
    path = tmp_path_factory.mktemp("damaged") / "model.h5"
    name = rng.choice(["functional", "depthwise batch norm"])
    data = bytearray(unpacked("qkeras-0.9.0", name, ".h5", path).read_bytes())
    for _ in range(rng.randrange(1, 8)):
        start = rng.randrange(len(data))
        data[start : start + rng.randrange(1, 5)] = rng.randbytes(rng.randrange(1, 5))
    path.write_bytes(data)
    one_line_or_a_model(path)


def places(tree, path=()):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        if "initializer" in str(key) or "constraint" in str(key) or key == "build_config":
            continue
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@pytest.mark.parametrize("name", ["functional", "bidirectional"])
def test_swapped_values_never_escape(tmp_path, name):
    """Values of the architecture replaced by values of other types, here and there."""
    path = unpacked("qkeras-0.9.0", name, ".json", tmp_path / "net.json")
    unpacked("qkeras-0.9.0", name, "_weights.h5", tmp_path / "net_weights.h5")
    text = path.read_text()
    rng = random.Random(3)
    everywhere = list(places(json.loads(text)))
    for place in rng.sample(everywhere, min(60, len(everywhere))):
        tree = edited = json.loads(text)
        for key in place[:-1]:
            tree = tree[key]
        tree[place[-1]] = rng.choice([None, -1, "x", [], {}, 1e308, True, [[]]])
        path.write_text(json.dumps(edited))
        one_line_or_a_model(path)
