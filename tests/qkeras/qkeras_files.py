"""Files that QKeras wrote, with its own outputs, and how their hardware twins are evaluated."""

import zipfile
from pathlib import Path

import numpy as np

from edgetrig.circuit import check
from edgetrig.emulate import Emulator
from edgetrig.frontends import read
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.quantizer import Quantizer
from edgetrig.frontends.translate import translate
from edgetrig.frontends.values import Raw, quantized

DATA = Path(__file__).parent / "data"
ARCHIVES = ("qkeras-0.9.0", "qkeras-2025")


def names(archive):
    """Return the models in an archive."""
    with zipfile.ZipFile(DATA / f"{archive}.zip") as files:
        return [name[:-4] for name in files.namelist() if name.endswith(".npz")]


class InputType(Precision):
    """Rounds a model's input, which has no quantiser, to signed numbers of 12 bits, 4 behind."""

    def output(self, value):
        if not isinstance(value, Raw):
            return value
        types = (np.array(v, np.int64) for v in (1, 7, 4))
        return quantized(value, Quantizer(*types, "RND_CONV", "SAT"))


def outputs_of(circuit, *inputs):
    """Return the circuit's outputs as floats, in their order."""
    check(circuit)
    named = {port.name: x for port, x in zip(circuit.inputs, inputs, strict=True)}
    result = Emulator(circuit).predict(named)
    return list(result.values()) if isinstance(result, dict) else [result]


def compiled(path, *, typed=False):
    """Return a file's circuit; ``typed`` gives its input a type."""
    if typed:
        return translate(read(path), lambda name: InputType())
    return translate(read(path))


def unpacked(archive, name, suffix, path):
    """Unpack one file of a model."""
    with zipfile.ZipFile(DATA / f"{archive}.zip") as files:
        path.write_bytes(files.read(f"{name}{suffix}"))
    return path


def stored(archive, name, folder):
    """Unpack a model; return its file, its inputs and QKeras' outputs."""
    arrays = np.load(unpacked(archive, name, ".npz", folder / "arrays.npz"))
    outputs = [arrays[key] for key in sorted(arrays.files) if key != "x"]
    return unpacked(archive, name, ".h5", folder / "model.h5"), arrays["x"], outputs
