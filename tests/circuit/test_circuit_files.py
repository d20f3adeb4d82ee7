"""Circuit files: what is saved is loaded, and anything else is refused in one line."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits import random_circuits
from edgetrig.circuit import (
    Circuit,
    fixed_input,
    load,
    load_with_notes,
    lookup,
    quantize,
    save,
    storage,
    trace,
)
from edgetrig.errors import CircuitError, DataError, Error

SAME_FOLDER = settings(suppress_health_check=[*HealthCheck])


def _example() -> Circuit:
    def program(x, y):
        table = lookup(x[0], np.abs, 0, 3, 2)
        return {"sum": quantize(x @ np.array([1.5, -2.0]) + y, 1, 4, 2), "table": table}

    x = fixed_input("x", 2, integer=2, fraction=2, rounding="TRN", overflow="WRAP")
    return trace(program, x, fixed_input("y", (2, 1), integer=3, fraction=0))


def assert_equal(one: Circuit, other: Circuit) -> None:
    assert str(one) == str(other)
    assert one.origins == other.origins
    for name in one.rows.__dataclass_fields__:
        left, right = getattr(one.rows, name), getattr(other.rows, name)
        assert left.dtype == right.dtype
        assert np.array_equal(left, right)
    for left, right in zip(one.inputs, other.inputs, strict=True):
        assert (left.name, left.rounding, left.overflow) == (
            right.name,
            right.rounding,
            right.overflow,
        )
        for name in ("lo", "hi", "fraction"):
            assert np.array_equal(getattr(left, name), getattr(right, name))
    for left, right in zip(one.outputs, other.outputs, strict=True):
        assert left.name == right.name
        assert left.shape == right.shape
        assert np.array_equal(left.fraction, right.fraction)


@SAME_FOLDER
@given(random_circuits() | random_circuits(wide=True) | random_circuits(registers=True))
def test_round_trip(tmp_path, circuit):
    save(circuit, tmp_path / "circuit.npz")
    assert_equal(load(tmp_path / "circuit.npz"), circuit)


def test_a_new_folder_is_made_and_nothing_else_left(tmp_path):
    path = tmp_path / "a" / "b" / "model.circuit"  # the suffix is the user's choice
    save(_example(), path)
    assert_equal(load(path), _example())
    assert os.listdir(path.parent) == ["model.circuit"]


def test_notes_lie_beside_the_circuit(tmp_path):
    path = tmp_path / "circuit"
    notes = {"model": "jets.keras", "threshold": 0.5, "names": ["g", "q"]}
    save(_example(), path, notes)
    circuit, kept = load_with_notes(path)
    assert kept == notes
    assert_equal(circuit, _example())
    save(_example(), path)
    assert load_with_notes(path)[1] == {}


def assert_refused(path: Path, message: str) -> None:
    with pytest.raises(CircuitError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load(tmp_path / "none")
    with pytest.raises(DataError, match="is a folder"):
        load(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(Error, match="cannot be written"):
        save(_example(), tmp_path / "file" / "circuit")


def test_truncated_at_any_length(tmp_path):
    path = tmp_path / "circuit"
    save(_example(), path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        assert_refused(path, "not a whole edgetrig circuit file")


@SAME_FOLDER
@given(st.data())
def test_a_changed_byte_is_noticed_or_harmless(tmp_path, data):
    path = tmp_path / "circuit"
    save(_example(), path)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        loaded = load(path)
    except CircuitError:
        return
    assert_equal(loaded, _example())  # a date, a permission bit: nothing that counts


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", b"plain text", b"\x80\x04K\x00."])
def test_foreign_files(tmp_path, content):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    assert_refused(path, "not a whole edgetrig circuit file")


def _members(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file.items())


def _write(path: Path, **members: np.ndarray) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **members)


def _header(**changes: object) -> np.ndarray:
    header = {"format": "edgetrig circuit", "version": 1, **changes}
    return np.frombuffer(json.dumps(header).encode(), np.uint8)


def test_other_archives(tmp_path):
    path = tmp_path / "other"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert_refused(path, "not a whole edgetrig circuit file")
    _write(path, weights=np.ones(3))
    assert_refused(path, "not a whole edgetrig circuit file")
    _write(path, header=_header(format="numbers"))
    assert_refused(path, "not an edgetrig circuit file")
    _write(path, header=_header(version=7))
    assert_refused(path, "version 7; this edgetrig reads 1")
    _write(path, header=np.frombuffer(b"[" * 100_000, np.uint8))
    assert_refused(path, "not a whole edgetrig circuit file")


class _Trap:
    """Runs a function where it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("executed",))


@pytest.mark.parametrize("member", ["op", "lo", "input_lo", "header", "table_values", "extra"])
def test_pickles_are_never_executed(tmp_path, monkeypatch, member):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "circuit"
    save(_example(), path)
    members = {**_members(path), member: np.array([_Trap()], object)}
    _write(path, **members)
    if member == "extra":  # not one of the file's members: not even read
        assert_equal(load(path), _example())
    else:
        assert_refused(path, "not a whole edgetrig circuit file")
    path.write_bytes(pickle.dumps(_Trap()))
    assert_refused(path, "not a whole edgetrig circuit file")
    assert not (tmp_path / "executed").exists()


def test_a_file_that_unpacks_to_too_much(tmp_path, monkeypatch):
    path = tmp_path / "bomb"
    save(_example(), path)
    _write(path, **{**_members(path), "op": np.zeros(1 << 22, np.uint8)})
    monkeypatch.setattr(storage, "_LARGEST", 1 << 20)
    assert_refused(path, "unpacks to more than 1 MiB")


@pytest.mark.parametrize(
    ("member", "change", "message"),
    [
        ("op", lambda v: v + 100, "operation code .* is unknown"),
        ("op", lambda v: v.astype(float), "type float64, uint8 is needed"),
        ("a", lambda v: v + 1000, "does not come before it"),
        ("a", lambda v: v[:-1], "has shape"),
        ("lo", lambda v: v + 5, "broken"),
        ("lo", lambda v: v.astype(np.int8), "int8"),
        ("hi", lambda v: v + 2**62, "more than 62 bits"),
        ("hi", lambda v: np.array([str(k) for k in v]) + "x", "not a whole"),
        ("hi", lambda v: np.array(["9" * 9000 for _ in v]), "not a whole"),
        ("input_lo", lambda v: v[:-1], "differ in size"),
        ("output_rows", lambda v: v + 1000, "a row that does not exist"),
        ("output_rows", lambda v: v.astype(float), "int64 is needed"),
        ("table_values", lambda v: v[:-1], "differ in size"),
        ("table_values", lambda v: v.astype(np.float32), "int64"),
        ("header", lambda v: _edited(v, "outputs", "shape", [-1]), "differ in size"),
        ("header", lambda v: _edited(v, "outputs", "shape", "all"), "not a whole"),
        ("header", lambda v: _header(notes=[1]), "notes are not a mapping"),
        ("header", lambda v: _header(), "not a whole"),
        ("header", lambda v: _edited(v, "inputs", "name", "x\ny"), "unprintable name"),
        ("header", lambda v: _edited(v, "inputs", "name", "sum"), "the same name"),
        ("header", lambda v: _edited(v, "inputs", "rounding", "UP"), "is unknown"),
        ("header", lambda v: _edited(v, "tables", "start", 3), "no entry for some values"),
    ],
)
def test_members_that_do_not_fit(tmp_path, member, change, message):
    path = tmp_path / "circuit"
    save(_example(), path)
    members = _members(path)
    _write(path, **{**members, member: change(members[member])})
    assert_refused(path, message)


def _edited(header: np.ndarray, part: str, key: str, value: object) -> np.ndarray:
    content = json.loads(header.tobytes())
    content[part][0][key] = value
    return np.frombuffer(json.dumps(content).encode(), np.uint8)
