"""Models inside a menu: which hardware integers they read, and the one number they give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgetrig.circuit import Circuit, convert, replay
from edgetrig.errors import CircuitError, MenuError
from edgetrig.physics.l1 import ObjectType

_INPUT = re.compile(r"(?P<type>\w+)(\[:(?P<count>\d+)\])?\.(?P<fields>\w+|\((\w+, *)+\w+\))")


@dataclass(frozen=True)
class Model:
    """A model whose one output is a score that seeds cut on.

    Parameters
    ----------
    name
        As in seeds.
    circuit
        Computes it; one input port for all numbers, or one a column, and one output of one number.
    inputs
        What fills its input, in order: ``etm.et``, ``muon[:4].(pt, eta, phi)`` (object by object),
        or ``0``. Empty where the circuit's ports are named like columns.
    """

    name: str
    circuit: Circuit
    inputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        outputs = len(self.circuit.output_rows)
        if outputs != 1:
            raise MenuError(f"model '{self.name}' has {outputs} outputs; one score is needed")
        if self.inputs and len(self.circuit.inputs) != 1:
            raise MenuError(f"model '{self.name}': a list of inputs needs one input port")

    def reads(self, types: Mapping[str, ObjectType]) -> list[tuple[ObjectType, str]]:
        """Return the object types and fields that it reads."""
        if self.inputs:
            return [(k, f) for k, f, _ in self._listed(types) if k is not None]
        columns = {kind.column(f): (kind, f) for kind in types.values() for f in kind.fields}
        unknown = [port.name for port in self.circuit.inputs if port.name not in columns]
        if unknown:
            raise MenuError(
                f"model '{self.name}': its input '{unknown[0]}' is no column of trigger objects;"
                " list what fills it under 'inputs'"
            )
        return [columns[port.name] for port in self.circuit.inputs]

    def score(self, columns: Mapping[str, Any], types: Mapping[str, ObjectType]) -> Any:
        """Return the score of one event's symbolic arrays of codes."""
        ports = self.circuit.inputs
        if self.inputs:
            given = [self._gathered(columns, types)]
        else:
            given = [columns[port.name] for port in ports]
        arrays = []
        for port, array in zip(ports, given, strict=True):
            if array.size != port.size:
                raise MenuError(
                    f"model '{self.name}': {array.size} numbers for its input '{port.name}'"
                    f" of {port.size}"
                )
            arrays.append(convert(array.reshape(port.shape), port))
        try:
            (score,) = replay(self.circuit, *arrays).values()
        except CircuitError as error:
            raise MenuError(f"model '{self.name}': {error}") from error
        return score.reshape(())

    def _gathered(self, columns: Mapping[str, Any], types: Mapping[str, ObjectType]) -> Any:
        return np.stack(
            [
                np.zeros(()) if kind is None else columns[kind.column(name)][number]
                for kind, name, number in self._listed(types)
            ]
        )

    def _listed(self, types: Mapping[str, ObjectType]) -> list[tuple[ObjectType | None, str, int]]:
        """Return type, field and object number of every input; no type for a 0."""
        listed: list[tuple[ObjectType | None, str, int]] = []
        for text in self.inputs:
            if text.strip() == "0":
                listed.append((None, "", 0))
                continue
            match = _INPUT.fullmatch(text.strip())
            kind = types.get(match["type"]) if match else None
            if match is None or kind is None:
                raise MenuError(
                    f"model '{self.name}': input '{text}' is not like muon[:4].(pt, eta, phi)"
                )
            fields = [f.strip() for f in match["fields"].strip("()").split(",")]
            count = int(match["count"] or kind.count)
            unknown = [f for f in fields if f not in kind.fields]
            if unknown or not 0 < count <= kind.count:
                what = f"'{unknown[0]}'" if unknown else f"{count} objects"
                raise MenuError(f"model '{self.name}': {kind.name} has no {what}")
            listed += [(kind, f, number) for number in range(count) for f in fields]
        return listed
