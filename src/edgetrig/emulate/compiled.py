"""The compiled engine: straight-line machine code of the circuit, kept on disk."""

from __future__ import annotations

import ctypes
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Circuit
from edgetrig.emulate import code_cache
from edgetrig.emulate.engine import aligned
from edgetrig.emulate.machine import Loaded, Machine, host
from edgetrig.emulate.ports import Codes, Floats, Inputs
from edgetrig.emulate.straight import KINDS, Code, make_code

_STAGE = 16_384
"""About how many events a call handles."""

_ALIGNMENT = 64


def has_code(circuit: Circuit) -> bool:
    """Return whether machine code of a circuit is on disk."""
    return code_cache.exists(code_cache.key(circuit, host()))


@dataclass(frozen=True)
class Memory:
    """What one thread works with: the frame, and codes a line an element."""

    frame: NDArray[np.int8]
    codes: Codes


class CompiledEngine:
    """Runs machine code made from the circuit.

    Parameters
    ----------
    circuit
        All its values fit 64 bits.
    inputs
        Its input ports.
    machine
        The processor to make code for; code for this computer's own is kept on disk.
    """

    kind: np.dtype[Any] = np.dtype(np.int64)

    def __init__(self, circuit: Circuit, inputs: Inputs, machine: Machine | None = None) -> None:
        self._circuit, self._inputs = circuit, inputs
        machine = machine or host()
        code = _code(circuit, machine)
        self._loaded = [Loaded(content, machine) for content in code.objects]
        numbers = itertools.count()
        self._parts = _pointers(
            [
                loaded.address(f"part_{next(numbers)}")
                for loaded, parts in zip(self._loaded, code.parts, strict=True)
                for _ in range(parts)
            ]
        )
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        # Calls through ctypes release Python's lock.
        call = ctypes.CFUNCTYPE(number, *[pointer] * 4, *[number] * 3)
        self._run = call(self._loaded[0].address("run"))
        self._kinds, self._batch, self._frame = code.kinds, code.layout.batch, code.layout.frame
        self.stage = max(1, _STAGE // self._batch) * self._batch

    def memory(self) -> Memory:
        """Return what one thread works with."""
        codes = np.empty((self._inputs.size, self.stage), np.int64)
        return Memory(aligned(self._frame, _ALIGNMENT), codes)

    def codes(self, memory: Memory, given: Any, out: Codes, first: int) -> None:
        """Compute output codes of input codes."""
        array = np.asarray(given)
        if array.dtype.kind in "biu" and array.dtype != np.uint64:
            array = np.ascontiguousarray(array, np.int64)
            if self._compute(memory, [array], [out], "int64", "int64"):
                return
        self._inputs.check(given, memory.codes, first)
        self._compute(memory, [_lines(memory, len(out))], [out], "int64", "int64")

    def values(self, memory: Memory, arrays: list[Any], results: list[Floats], first: int) -> None:
        """Compute results of arrays, one for each port in order."""
        if "float64" in self._kinds:
            single = all(getattr(array, "dtype", None) == np.float32 for array in arrays)
            kind = "float32" if single and "float32" in self._kinds else "float64"
            floats = [
                port.floats(array, kind)
                for port, array in zip(self._inputs.ports, arrays, strict=True)
            ]
            if self._compute(memory, floats, results, kind, "float64"):
                return
        # The exact way, which says what is wrong if anything is.
        self._inputs.quantize(arrays, memory.codes, first)
        codes = _lines(memory, len(arrays[0]))
        self._compute(memory, [codes], results, "int64", "float64")

    def _compute(
        self,
        memory: Memory,
        arrays: list[NDArray[Any]],
        results: list[NDArray[Any]],
        kind: str,
        result_kind: str,
    ) -> bool:
        """Compute all events; return False if they must be done another way."""
        events = len(arrays[0])
        whole = events - events % self._batch
        parts = [(arrays, results, whole)]
        rest: list[NDArray[Any]] = []
        if events > whole:
            # The rest of a batch repeats the last event.
            lines = np.minimum(np.arange(whole, whole + self._batch), events - 1)
            rest = [np.empty((self._batch, *result.shape[1:]), result.dtype) for result in results]
            parts.append(([array[lines] for array in arrays], rest, self._batch))
        for given, made, count in parts:
            if count and not self._call(memory, given, made, count, kind, result_kind):
                return False
        for result, last in zip(results, rest, strict=False):
            result[whole:] = last[: events - whole]
        return True

    def _call(
        self,
        memory: Memory,
        arrays: list[NDArray[Any]],
        results: list[NDArray[Any]],
        events: int,
        kind: str,
        result_kind: str,
    ) -> bool:
        made = [
            result if result.flags.c_contiguous else np.empty(result.shape, result.dtype)
            for result in results
        ]
        noted = self._run(
            _pointers([array.ctypes.data for array in arrays]),
            _pointers([array.ctypes.data for array in made]),
            memory.frame.ctypes.data,
            self._parts,
            events // self._batch,
            KINDS.index(kind),
            KINDS.index(result_kind),
        )
        for result, array in zip(results, made, strict=True):
            if result is not array:
                result[:] = array
        return not noted


def _code(circuit: Circuit, machine: Machine) -> Code:
    """Return machine code from disk, or make it."""
    name = code_cache.key(circuit, machine)
    kept = code_cache.read(name)
    if kept is not None:
        return Code.described(*kept)
    code = make_code(circuit, machine)
    code_cache.write(name, code.description(), code.objects)
    return code


def _lines(memory: Memory, events: int) -> NDArray[np.int64]:
    return np.ascontiguousarray(memory.codes[:, :events].T)


def _pointers(addresses: list[int]) -> Any:
    return (ctypes.c_void_p * len(addresses))(*addresses)
