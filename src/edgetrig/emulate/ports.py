"""Input ports that quantise, output ports that become floats, and their elements' names."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import OVERFLOWS, ROUNDINGS, Circuit, Input, Output
from edgetrig.emulate import wide
from edgetrig.emulate.inputs import first_outside, quantize
from edgetrig.errors import DataError

Floats = NDArray[np.float64]
Codes = NDArray[Any]
"""int64, or object holding Python integers where the circuit needs more than 64 bits."""

_MOST_FRACTION = 900


@dataclass(frozen=True)
class Port:
    """An input port, ready to quantise; `first` is the number of its first element."""

    port: Input
    first: int
    lo: Codes = field(repr=False)
    hi: Codes = field(repr=False)
    fraction: NDArray[np.int64] = field(repr=False)

    @property
    def is_wide(self) -> bool:
        """Whether its codes are beyond what the fast quantiser takes."""
        pairs = zip(self.lo.tolist(), self.hi.tolist(), strict=True)
        limit = 1 << 62
        codes = any(lo < -limit or hi > limit or hi - lo >= limit for lo, hi in pairs)
        return codes or bool((np.abs(self.fraction) > _MOST_FRACTION).any())

    def quantize(self, values: Any, codes: Codes, first: int) -> None:
        """Quantise events into their lines of `codes`; `first` is the first event's number."""
        floats = self.floats(values)
        if codes.dtype == object:
            bad = ~np.isfinite(floats)
            place = int(bad.argmax()) if bad.any() else -1
            event, element = divmod(place, self.port.size) if place >= 0 else (-1, -1)
            if place < 0:
                lines = slice(self.first, self.first + self.port.size)
                codes[lines, : len(floats)] = wide.quantize(floats, self.port).T
        else:
            modes = ROUNDINGS.index(self.port.rounding), OVERFLOWS.index(self.port.overflow)
            event, element = quantize(
                floats, self.fraction, self.lo, self.hi, *modes, codes, self.first
            )
        if event >= 0:
            index = _index(element, self.port.shape)
            raise DataError(
                f"event {first + event}: input {self.port.name}{index} is {floats[event, element]}"
            )

    def floats(self, values: Any, kind: str = "float64") -> NDArray[Any]:
        """Return events as an array of floats, shape (events, elements), copied only if needed."""
        try:
            return np.ascontiguousarray(values, kind).reshape(len(values), self.port.size)
        except (TypeError, ValueError, RuntimeError) as error:
            raise DataError(f"input {self.port.name}: numbers are needed ({error})") from error


class Inputs:
    """All input ports of a circuit."""

    def __init__(self, circuit: Circuit) -> None:
        self.ports: list[Port] = []
        first = 0
        for port in circuit.inputs:
            lo, hi, fraction = (np.ravel(v) for v in (port.lo, port.hi, port.fraction))
            self.ports.append(Port(port, first, lo, hi, fraction.astype(np.int64)))
            first += port.size
        self.size = first
        self._lo = np.concatenate([port.lo for port in self.ports] or [np.zeros(0, np.int64)])
        self._hi = np.concatenate([port.hi for port in self.ports] or [np.zeros(0, np.int64)])

    @property
    def are_wide(self) -> bool:
        """Whether a port's codes are beyond what the fast quantiser takes."""
        return any(port.is_wide for port in self.ports)

    def quantize(self, arrays: list[Any], codes: Codes, first: int) -> None:
        """Quantise an array for each port into `codes`, one line an element.

        `first` is the number of the first event.
        """
        for port, array in zip(self.ports, arrays, strict=True):
            port.quantize(array, codes, first)

    def check(self, given: Any, codes: Codes, first: int) -> None:
        """Put codes in place, one line an element; `first` is the number of the first event.

        Raises
        ------
        DataError
            If a code is outside its port's interval.
        """
        given = np.asarray(given)
        count = len(given)
        if codes.dtype != object and given.dtype.kind != "O" and given.dtype != np.uint64:
            codes[:, :count] = given.T
            event, element = first_outside(codes, count, self._lo, self._hi)
        else:
            exact = given.astype(object)
            if not all(isinstance(code, numbers.Integral) for code in exact.ravel().tolist()):
                raise DataError(f"codes of events {first} to {first + count - 1}: not all integers")
            outside = np.asarray((exact < self._lo) | (exact > self._hi), np.bool_)
            place = int(outside.argmax()) if outside.any() else -1
            event, element = divmod(place, self.size) if place >= 0 else (-1, -1)
            if place < 0:
                codes[:, :count] = exact.T
        if event >= 0:
            raise DataError(
                f"event {first + event}: input {self._name(element)} has the code"
                f" {given[event, element]}, outside [{self._lo[element]}, {self._hi[element]}]"
            )

    def _name(self, element: int) -> str:
        for port in self.ports:
            if element < port.first + port.port.size:
                return port.port.name + _index(element - port.first, port.port.shape)
        raise IndexError(element)


def values(codes: Codes, output: Output) -> Floats:
    """Return an output's codes, one line an element, as floats."""
    if codes.dtype == object:
        floats = np.empty(codes.shape)
        for k, fraction in enumerate(output.fraction.ravel().tolist()):
            up, down = 1 << max(-fraction, 0), 1 << max(fraction, 0)
            floats[k] = [code * up / down for code in codes[k].tolist()]
        return floats
    return np.asarray(codes * np.ldexp(1.0, -output.fraction.reshape(-1, 1).astype(np.int32)))


def _index(element: int, shape: tuple[int, ...]) -> str:
    if not shape:
        return ""
    return f"[{', '.join(str(int(k)) for k in np.unravel_index(element, shape))}]"
