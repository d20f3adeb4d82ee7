"""Machine code on disk, by what it was made from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np

from edgetrig.circuit import Circuit
from edgetrig.emulate.machine import Machine
from edgetrig.errors import Error
from edgetrig.files import whole_file

_MAGIC = b"edgetrig machine code 1\n"
_DIGEST = hashlib.sha256().digest_size
_MOST_BYTES = 1 << 30
"""Of all files together: the ones used longest ago go first."""


def key(circuit: Circuit, machine: Machine) -> str:
    """Return the name of a circuit's machine code: all that it depends on goes in."""
    state = hashlib.sha256(f"{_generator()} {machine.identity}\n".encode())
    rows = circuit.rows
    for port in circuit.inputs:
        state.update(f"input {port.shape} {port.rounding} {port.overflow}\n".encode())
        for array in (port.lo, port.hi, port.fraction):
            state.update(np.ascontiguousarray(array, np.int64).tobytes())
    for column in (rows.op, rows.a, rows.b, rows.c, rows.p, rows.lo, rows.hi):
        state.update(f"column {len(column)}\n".encode())
        state.update(np.ascontiguousarray(column, np.int64).tobytes())
    for table in circuit.tables:
        state.update(f"table {table.start} {len(table.values)}\n".encode())
        state.update(np.ascontiguousarray(table.values, np.int64).tobytes())
    for output in circuit.outputs:
        state.update(f"output {output.shape}\n".encode())
        for array in (output.rows, output.fraction):
            state.update(np.ascontiguousarray(array, np.int64).tobytes())
    return state.hexdigest()


def read(name: str) -> tuple[Any, list[bytes]] | None:
    """Return a description and object files, or None if they are not there or not whole."""
    path = _folder() / name
    try:
        content = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + _DIGEST
    body = content[start:]
    if content[:start] != _MAGIC + hashlib.sha256(body).digest():
        return None
    head, _, rest = body.partition(b"\n")
    about = json.loads(head)
    with suppress(OSError):
        os.utime(path)
    objects = []
    for size in about["sizes"]:
        objects.append(rest[:size])
        rest = rest[size:]
    return about["description"], objects


def write(name: str, description: Any, objects: Sequence[bytes]) -> None:
    """Keep object files. Where no file can be written, nothing is kept."""
    sizes = [len(code) for code in objects]
    head = json.dumps({"description": description, "sizes": sizes}).encode()
    body = head + b"\n" + b"".join(objects)
    folder = _folder()
    with suppress(OSError, Error):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(folder / name) as path:
            path.write_bytes(_MAGIC + hashlib.sha256(body).digest() + body)
        _forget(folder)


def exists(name: str) -> bool:
    """Return whether there is a file of that name."""
    return (_folder() / name).is_file()


def _forget(folder: Path) -> None:
    """Remove the files used longest ago until the rest is small enough."""
    files = sorted(((f.stat(), f) for f in folder.iterdir()), key=lambda pair: pair[0].st_mtime)
    size = sum(status.st_size for status, _ in files)
    for status, file in files[:-1]:
        if size <= _MOST_BYTES:
            return
        file.unlink(missing_ok=True)
        size -= status.st_size


@cache
def _generator() -> str:
    """Return a digest of the sources that make the code."""
    state = hashlib.sha256()
    package = Path(__file__).parents[1]
    for room in ("circuit", "emulate"):
        for source in sorted((package / room).rglob("*.py")):
            state.update(source.read_bytes())
    return state.hexdigest()


def _folder() -> Path:
    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR) / "edgetrig" / "machine-code"
    cache_home = os.environ.get("XDG_CACHE_HOME")
    return Path(cache_home or Path.home() / ".cache") / "edgetrig" / "machine-code"
