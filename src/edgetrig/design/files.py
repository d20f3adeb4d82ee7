"""What is written of a design and read again: the design itself, its RTL, its C++."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from edgetrig.circuit import load_with_notes, save
from edgetrig.design.target import Target
from edgetrig.emulate import cpp_files
from edgetrig.errors import CircuitError, Error
from edgetrig.files import whole_folder

if TYPE_CHECKING:
    from edgetrig.design.design import Design

SUFFIX: Final = ".edgetrig"
"""Of files that hold a compiled design."""


def design_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a design that is to be written.

    Raises
    ------
    Error
        If it has another suffix than `SUFFIX`, by which `edgetrig.compile` knows designs.
    """
    if Path(path).suffix != SUFFIX:
        raise Error(f"{path}: designs are written as {SUFFIX} files; choose such a name")
    return Path(path)


def save_design(design: Design, path: str | os.PathLike[str]) -> None:
    """Write the file of `Design.save`."""
    file, target = design_path(path), design.target
    notes = {
        "name": design.name,
        "classes": list(design.classes),
        "notes": list(design.notes),
        "target": [target.part, target.clock_ns, target.latency, target.effort],
    }
    save(design.traced, file, notes=notes)


def fields_in(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the fields of a saved design.

    Raises
    ------
    CircuitError
        If the file is no whole design.
    """
    circuit, notes = load_with_notes(path)
    try:
        # Designs saved before there was an effort have none.
        part, clock_ns, latency, *effort = notes["target"]
        cycles = None if latency is None else int(latency)
        return {
            "traced": circuit,
            "name": str(notes["name"]),
            "target": Target(str(part), float(clock_ns), cycles, *map(int, effort)),
            "classes": tuple(map(str, notes["classes"])),
            "notes": tuple(map(str, notes["notes"])),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise CircuitError(f"{path}: a circuit, but not a saved design") from error
    except Error as error:  # of its target
        raise CircuitError(f"{path}: {error}") from error


def write_rtl(
    design: Design,
    folder: str | os.PathLike[str],
    *,
    events: ArrayLike | Mapping[str, ArrayLike] | None,
    vectors: int,
    seed: int,
    language: str,
) -> Path:
    """Write the folder of `Design.write`."""
    from edgetrig.rtl import ports, write
    from edgetrig.verify import make_vectors

    inputs, _ = ports(design.circuit, design.name)
    elements = sum(len(port.width) for port in inputs)
    real = np.zeros((0, elements), np.int64)
    if events is not None:
        real = design.emulator.input_codes(events)[: vectors // 2]
    codes = make_vectors(inputs, real, vectors, seed).codes
    return write(
        design.pipelined,
        folder,
        name=design.name,
        vectors=(codes, design.emulator.codes(codes)),
        clock_ns=design.target.clock_ns,
        part=design.target.part,
        notes=design.notes,
        language=language,
    )


def write_cpp(design: Design, folder: str | os.PathLike[str]) -> Path:
    """Write the folder of `Design.write_cpp`."""
    texts = cpp_files(design.circuit, design.name)
    with whole_folder(folder) as temporary:
        for name, text in texts.items():
            (temporary / name).write_text(text)
    return Path(folder)
