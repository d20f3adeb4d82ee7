"""Findings as files: a circuit, its vectors and its program, to be judged again for ever after."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from edgetrig.circuit import Input, load, save
from edgetrig.errors import DataError
from edgetrig.files import existing_file, whole_file
from edgetrig.fuzz.draw_steps import Step
from edgetrig.fuzz.judges import Disagreement
from edgetrig.fuzz.programs import Program
from edgetrig.fuzz.steps import STEPS
from edgetrig.fuzz.trial import Trial
from edgetrig.fuzz.vectors import integers

FORMAT, VERSION = "edgetrig fuzz case", 1


def save_case(found: Disagreement, folder: str | os.PathLike[str]) -> Path:
    """Write ``<name>.json`` (codes, program, how it was compiled) and ``<name>.circuit``.

    The name is made of the content: the same finding is kept once. Returns the JSON file.
    """
    trial = found.trial
    content = {
        "format": FORMAT,
        "version": VERSION,
        "judge": found.judge,
        "message": found.message,
        "family": trial.family,
        "clock_ns": trial.clock_ns,
        "latency": trial.latency,
        "codes": [[int(v) for v in event] for event in trial.codes.tolist()],
        "program": None if trial.program is None else _program_to_plain(trial.program),
    }
    text = json.dumps(content, indent=1)
    digest = hashlib.sha256((text + str(trial.circuit)).encode()).hexdigest()[:12]
    path = Path(folder, f"case-{digest}.json")
    save(trial.circuit, path.with_suffix(".circuit"))
    with whole_file(path) as temporary:
        temporary.write_text(text)
    return path


def load_case(path: str | os.PathLike[str]) -> Trial:
    """Read a case; a program is traced anew, so that a mended tracer shows.

    Raises
    ------
    DataError
        If the file is no such case.
    CircuitError
        If its circuit is broken.
    """
    file = existing_file(path)
    try:
        content = json.loads(file.read_text())
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise DataError(f"{file}: not a fuzz case of version {VERSION}")
        program = None if content["program"] is None else _program(content["program"])
        circuit = program.circuit if program else load(file.with_suffix(".circuit"))
        inputs = sum(port.size for port in circuit.inputs)
        codes = integers(content["codes"]).reshape(len(content["codes"]), inputs)
        return Trial(
            circuit,
            codes,
            str(content["family"]),
            float(content["clock_ns"]),
            int(content["latency"]),
            program,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{file}: not a whole fuzz case ({error})") from error


def _program_to_plain(program: Program) -> dict[str, Any]:
    ports = [
        {
            "name": port.name,
            "shape": list(port.shape),
            "lo": [int(v) for v in port.lo.ravel()],
            "hi": [int(v) for v in port.hi.ravel()],
            "fraction": [int(v) for v in port.fraction.ravel()],
        }
        for port in program.inputs
    ]
    listing = [[step.name, list(step.operands), step.settings] for step in program.listing]
    return {"inputs": ports, "steps": listing}


def _program(content: dict[str, Any]) -> Program:
    ports = [
        Input(
            str(port["name"]),
            integers(port["lo"]).reshape(port["shape"]),
            integers(port["hi"]).reshape(port["shape"]),
            np.array(port["fraction"], np.int64).reshape(port["shape"]),
        )
        for port in content["inputs"]
    ]
    listing = []
    for name, operands, settings in content["steps"]:
        if name not in STEPS:
            raise DataError(f"a fuzz case has the unknown step {name!r}")
        known = dict(settings)
        if isinstance(known.get("axis"), list):
            known["axis"] = tuple(known["axis"])  # JSON has no tuples
        listing.append(Step(name, tuple(map(int, operands)), known))
    return Program(tuple(ports), tuple(listing))
