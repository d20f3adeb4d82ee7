"""One file for a circuit: a zip of plain NumPy arrays and a JSON header; nothing in it runs.

Members (NumPy ``.npy``, format of ``numpy.load(allow_pickle=False)``):

``header``
    UTF-8 JSON as bytes: ``format`` ("edgetrig circuit"), ``version`` (1), ``origins``, ``inputs``
    (name, shape, rounding, overflow), ``outputs`` (name, shape), ``tables`` (start, length),
    ``notes`` (any JSON values, may be left out).
``op a b c p fraction origin``
    The columns of `edgetrig.circuit.Rows`.
``lo hi input_lo input_hi``
    Intervals of rows and of input elements: int64, or decimal text beyond 62 bits.
``input_fraction output_rows output_fraction table_values``
    Ports and tables, flattened in order.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit.check import check
from edgetrig.circuit.circuit import Circuit, Input, Output, Rows, Table
from edgetrig.circuit.intervals import IntArray
from edgetrig.errors import CircuitError
from edgetrig.files import existing_file, whole_file

FORMAT, VERSION = "edgetrig circuit", 1
_LARGEST = 1 << 31
"""Bytes a file may unpack to (some 40 million rows): guards against zip bombs."""


def save(
    circuit: Circuit, path: str | os.PathLike[str], notes: Mapping[str, Any] | None = None
) -> None:
    """Write a circuit to one file.

    Parameters
    ----------
    circuit
        The circuit.
    path
        The file, whatever its suffix.
    notes
        Plain JSON values to keep beside it; `load_with_notes` returns them.

    Raises
    ------
    Error
        If the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "version": VERSION,
        "origins": circuit.origins,
        "inputs": [
            {"name": p.name, "shape": p.shape, "rounding": p.rounding, "overflow": p.overflow}
            for p in circuit.inputs
        ],
        "outputs": [{"name": p.name, "shape": p.shape} for p in circuit.outputs],
        "tables": [{"start": t.start, "length": len(t.values)} for t in circuit.tables],
        "notes": dict(notes or {}),
    }
    text = json.dumps(header).encode()
    arrays = {
        "header": np.frombuffer(text, np.uint8),
        **{name: getattr(circuit.rows, name) for name in Rows.__dataclass_fields__},
        "input_lo": _flat([p.lo for p in circuit.inputs]),
        "input_hi": _flat([p.hi for p in circuit.inputs]),
        "input_fraction": _flat([p.fraction for p in circuit.inputs]),
        "output_rows": _flat([p.rows for p in circuit.outputs]),
        "output_fraction": _flat([p.fraction for p in circuit.outputs]),
        "table_values": _flat([t.values for t in circuit.tables]),
    }
    plain: dict[str, Any] = {name: _to_plain(values) for name, values in arrays.items()}
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **plain)


def load(path: str | os.PathLike[str]) -> Circuit:
    """Read a circuit, and check it; see `load_with_notes` for the errors."""
    return load_with_notes(path)[0]


def load_with_notes(path: str | os.PathLike[str]) -> tuple[Circuit, dict[str, Any]]:
    """Read a circuit and the notes kept beside it, and check the circuit.

    Raises
    ------
    DataError
        If there is no such file.
    CircuitError
        If it is not a circuit file, is truncated, or breaks an invariant.
    """
    file = existing_file(path)
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                raise CircuitError(f"unpacks to more than {_LARGEST >> 20} MiB; not read")
        with np.load(file, allow_pickle=False) as arrays:
            header = _header(arrays)
            circuit = _from_arrays(header, arrays)
        check(circuit)
    except CircuitError as error:
        raise CircuitError(f"{file}: {error}") from error
    except Exception as error:  # zipfile, zlib, json and numpy each have their own
        raise CircuitError(f"{file}: not a whole edgetrig circuit file; save it again") from error
    return circuit, dict(header.get("notes", {}))


def _header(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(arrays["header"].tobytes().decode())
    if header.get("format") != FORMAT:
        raise CircuitError("not an edgetrig circuit file")
    if header.get("version") != VERSION:
        raise CircuitError(
            f"circuit file of version {header.get('version')}; this edgetrig reads {VERSION}"
        )
    if not isinstance(header.get("notes", {}), dict):
        raise CircuitError("its notes are not a mapping")
    return header


def _from_arrays(header: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Circuit:
    columns = {name: arrays[name] for name in Rows.__dataclass_fields__}
    columns["lo"], columns["hi"] = _from_plain(columns["lo"]), _from_plain(columns["hi"])
    lo, hi, fraction = (
        _parts(_from_plain(arrays[f"input_{name}"]), header["inputs"])
        for name in ("lo", "hi", "fraction")
    )
    rows, output_fraction = (
        _parts(arrays[f"output_{name}"], header["outputs"]) for name in ("rows", "fraction")
    )
    inputs = [
        Input(str(p["name"]), next(lo), next(hi), next(fraction), p["rounding"], p["overflow"])
        for p in header["inputs"]
    ]
    outputs = [Output(str(p["name"]), next(rows), next(output_fraction)) for p in header["outputs"]]
    shapes = [{"shape": [t["length"]]} for t in header["tables"]]
    values = _parts(arrays["table_values"], shapes)
    tables = [Table(int(t["start"]), v) for t, v in zip(header["tables"], values, strict=True)]
    origins = tuple(map(str, header["origins"]))
    return Circuit(Rows(**columns), tuple(inputs), tuple(outputs), tuple(tables), origins)


def _parts(flat: IntArray, ports: list[dict[str, Any]]) -> Iterator[IntArray]:
    """Cut a flat array into the ports' shapes, all of it."""
    shapes = [tuple(map(int, port["shape"])) for port in ports]
    ends = np.cumsum([0, *(math.prod(shape) for shape in shapes)])
    if any(n < 0 for shape in shapes for n in shape) or ends[-1] != flat.size:
        raise CircuitError("its header and its arrays differ in size")
    for first, last, shape in zip(ends, ends[1:], shapes, strict=False):
        yield flat[first:last].reshape(shape)


def _flat(arrays: list[IntArray]) -> IntArray:
    return np.concatenate([array.ravel() for array in arrays] or [np.zeros(0, np.int64)])


def _to_plain(values: IntArray) -> NDArray[Any]:
    return np.array([str(v) for v in values.tolist()]) if values.dtype == object else values


def _from_plain(values: NDArray[Any]) -> IntArray:
    if values.dtype.kind != "U":
        return values
    return np.array([int(v) for v in values.tolist()], object)
