"""The C++ header computes what the emulator does, every output, for every input."""

import ctypes
import subprocess

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import edgetrig
from circuits import random_circuits, random_codes
from edgetrig.circuit import OVERFLOWS, ROUNDINGS, fixed_input, trace
from edgetrig.emulate import Emulator
from edgetrig.emulate.cxx import cpp_files
from edgetrig.errors import CircuitError


def built(circuit, folder, name="my_trigger"):
    for file, text in cpp_files(circuit, name).items():
        (folder / file).write_text(text)
    flags = "CXXFLAGS=-O1 -Wall -Wextra -Werror -pedantic -fsanitize=undefined"
    flags += " -fno-sanitize-recover=all -static-libubsan"
    subprocess.run(["make", "-s", flags], cwd=folder, check=True, capture_output=True)
    (library,) = folder.glob("*.so")
    return ctypes.CDLL(str(library)), library.stem.removeprefix("lib")


def called(library, name, function, given, outputs, kind):
    result = np.zeros((len(given), max(outputs, 1)), kind)
    given = np.ascontiguousarray(given, kind)
    entry = getattr(library, f"{name}_{function}")
    entry(
        given.ctypes.data_as(ctypes.c_void_p),
        result.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_size_t(len(given)),
    )
    return result[:, :outputs]


@settings(max_examples=6)
@given(data=st.data())
def test_codes(data, tmp_path_factory):
    circuit = data.draw(random_circuits())
    codes = random_codes(circuit, 200, seed=data.draw(st.integers(0, 99)))
    assume(int(circuit.widths.max()) < 100)
    library, name = built(circuit, tmp_path_factory.mktemp("cxx"))
    expected = Emulator(circuit).codes(codes)
    got = called(library, name, "evaluate", codes, expected.shape[1], np.int64)
    np.testing.assert_array_equal(got, expected)


def test_numbers(tmp_path):
    modes = [(r, o) for r in ROUNDINGS for o in OVERFLOWS]
    types = {"integer": [3, 2, 1, -1], "fraction": [2, 0, 5, 1], "signed": [1, 1, 0, 0]}
    ports = [
        fixed_input(f"x{k}", 4, **types, rounding=r, overflow=o) for k, (r, o) in enumerate(modes)
    ]
    circuit = trace(lambda *x: {"y": np.stack(x) * 3, "z": np.maximum(x[0], 0.5)}, *ports)
    library, name = built(circuit, tmp_path, "9 odd-name")
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(0, 6, (300, 4)), rng.integers(-190, 190, (500, 4)) / 16])
    expected = Emulator(circuit).predict({port.name: x for port in ports})
    expected = np.concatenate([v.reshape(len(x), -1) for v in expected.values()], axis=1)
    given = np.tile(x, (1, len(modes)))
    got = called(library, name, "predict", given, expected.shape[1], np.float64)
    np.testing.assert_array_equal(got, expected)


def test_too_wide():
    port = fixed_input("x", 1, integer=60, fraction=0)
    circuit = trace(lambda x: x * x * x, port)
    with pytest.raises(CircuitError, match=r"a value of \d+ bits; C\+\+ has integers of 126"):
        cpp_files(circuit, "wide")


def test_a_design_writes_it(tmp_path):
    port = fixed_input("x", 2, integer=3, fraction=1)
    design = edgetrig.compile(trace(lambda x: x @ np.array([3, 5]), port), name="sum_of_two")
    folder = design.write_cpp(tmp_path / "cpp")
    assert {path.name for path in folder.glob("[!.]*")} == {
        "sum_of_two.h",
        "sum_of_two.cpp",
        "Makefile",
    }
