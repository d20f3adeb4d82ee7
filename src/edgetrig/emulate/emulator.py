"""The bit-exact emulator of a circuit."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit import OVERFLOWS, ROUNDINGS, Circuit, Input, Output
from edgetrig.emulate import wide
from edgetrig.emulate.kernels import STEP, VECTOR, first_outside, quantize, run
from edgetrig.emulate.lowering import fits_lanes
from edgetrig.emulate.program import MOST_EVENTS, Program, make_program
from edgetrig.errors import CircuitError, DataError
from edgetrig.progress import Progress, silent

Floats = NDArray[np.float64]
Codes = NDArray[Any]
"""int64, or object holding Python integers where the circuit needs more than 64 bits."""

BLOCK = 256
"""Events an instruction handles at a time."""

_STAGE_BYTES = 1 << 18
_STAGE_BLOCKS = 16
_MOST_FRACTION = 900


class Emulator:
    """Computes what the hardware computes, bit by bit, for many events.

    The circuit is compiled once into a small program of vector instructions. An emulator can be
    used any number of times and by several threads at once. Registers do not matter here: inputs
    and outputs of one event belong together, whatever the latency.

    Circuits in which a value needs more than 64 bits run on Python integers: the same results, some
    1000 times slower.

    Parameters
    ----------
    circuit
        Any circuit.
    block
        Events an instruction handles at a time: a multiple of 256, at most 4096. Smaller blocks
        keep circuits with very many values alive in the processor's cache.

    Raises
    ------
    CircuitError
        If `block` is not such a number, or the circuit cannot be held in memory.
    """

    def __init__(self, circuit: Circuit, *, block: int = BLOCK) -> None:
        if not (0 < block <= MOST_EVENTS and block % STEP == 0):
            raise CircuitError(f"block={block}: a multiple of {STEP} up to {MOST_EVENTS} is needed")
        self.circuit = circuit
        self._ports = _ports(circuit.inputs)
        self._lo = np.concatenate([port.lo for port in self._ports] or [np.zeros(0, np.int64)])
        self._hi = np.concatenate([port.hi for port in self._ports] or [np.zeros(0, np.int64)])
        self._inputs = len(self._lo)
        self._outputs = len(circuit.output_rows)
        self._engine: _Lanes | _Wide
        if fits_lanes(circuit) and not any(port.is_wide for port in self._ports):
            self._engine = _Lanes(make_program(circuit), block)
        else:
            self._engine = _Wide(circuit)
        width = 8 * max(1, self._inputs + self._outputs)
        blocks = min(max(1, _STAGE_BYTES // (width * block)), _STAGE_BLOCKS)
        self._stage = blocks * block

    def codes(
        self, codes: ArrayLike, *, out: Codes | None = None, threads: int | None = None
    ) -> Codes:
        """Return the output codes for input codes.

        Parameters
        ----------
        codes
            Integers, shape (events, inputs): the elements of all input ports, flattened, in order.
            May be an array of Python integers (dtype object).
        out
            Where to put the result.
        threads
            How many threads work; all processors if left out. The result does not depend on it.

        Returns
        -------
        array
            Shape (events, outputs), the elements of all output ports, flattened, in order. int64;
            Python integers (dtype object) if a value of the circuit needs more than 64 bits.

        Raises
        ------
        DataError
            If the shape is wrong, or a code is outside its port's interval.
        """
        given = _array_like(codes)
        if len(given.shape) != 2 or given.shape[1] != self._inputs:
            raise DataError(
                f"codes have the shape {tuple(given.shape)}, (events, {self._inputs}) is needed"
            )
        if given.dtype.kind not in "biuO":
            raise DataError(f"codes have the type {given.dtype}, integers are needed")
        events = given.shape[0]
        out = _result(out, (events, self._outputs), self._engine.kind, "out")

        def work(stage: _Stage, first: int, last: int) -> None:
            self._check(given[first:last], stage.codes, first)
            self._engine.run(stage, last - first)
            out[first:last] = stage.results[:, : last - first].T

        self._map(work, events, threads, silent)
        return out

    def predict(
        self,
        x: ArrayLike | Mapping[str, ArrayLike],
        *,
        out: Floats | Mapping[str, Floats] | None = None,
        threads: int | None = None,
        progress: Progress = silent,
    ) -> Any:
        """Return the output values for input values.

        Inputs are quantised block by block, as each port says, and never copied as a whole: they
        may lie in a file (``np.memmap``). Beside the result, the memory used does not grow with the
        number of events.

        Parameters
        ----------
        x
            Numbers, shape (events, *shape of the port); if there are several input ports, a mapping
            from their names to such arrays.
        out
            Where to put the result: float64, an array or a mapping, as the result is.
        threads
            How many threads work; all processors if left out. The result does not depend on it.
        progress
            Called with the number of events done and of all events.

        Returns
        -------
        array or dict
            float64, shape (events, *shape of the port); if there are several output ports, a
            dictionary from their names to such arrays. Values of up to 53 bits are exact, wider
            ones the nearest float64.

        Raises
        ------
        DataError
            If a port is missing, a shape is wrong, or a number is not finite.
        """
        arrays, events = self._arrays(x)
        results = self._results(out, events)

        def work(stage: _Stage, first: int, last: int) -> None:
            count = last - first
            for port, array in zip(self._ports, arrays, strict=True):
                port.quantize(array[first:last], stage.codes, first)
            self._engine.run(stage, count)
            element = 0
            for output, result in zip(self.circuit.outputs, results.values(), strict=True):
                size = output.rows.size
                codes = stage.results[element : element + size, :count]
                result[first:last] = _values(codes, output).T.reshape(count, *output.shape)
                element += size

        self._map(work, events, threads, progress)
        if out is not None:
            return out
        return next(iter(results.values())) if len(results) == 1 else results

    def input_codes(self, x: ArrayLike | Mapping[str, ArrayLike]) -> Codes:
        """Return the hardware integers that `predict` makes of its input.

        Parameters
        ----------
        x
            As for `predict`.

        Returns
        -------
        array
            Shape (events, inputs), as `codes` takes them.

        Raises
        ------
        DataError
            As `predict`.
        """
        arrays, events = self._arrays(x)
        out = np.empty((events, self._inputs), self._engine.kind)

        def work(stage: _Stage, first: int, last: int) -> None:
            for port, array in zip(self._ports, arrays, strict=True):
                port.quantize(array[first:last], stage.codes, first)
            out[first:last] = stage.codes[: self._inputs, : last - first].T

        self._map(work, events, None, silent)
        return out

    def stream(self, blocks: Iterable[Any], *, threads: int | None = None) -> Iterator[Any]:
        """Yield `predict` of each block of events, as they come.

        Parameters
        ----------
        blocks
            What `predict` takes, one after another, of any sizes.
        threads
            As for `predict`.
        """
        for block in blocks:
            yield self.predict(block, threads=threads)

    def _arrays(self, x: ArrayLike | Mapping[str, ArrayLike]) -> tuple[list[Any], int]:
        """Return one array a port, checked but not copied, and the number of events."""
        ports = self.circuit.inputs
        if not ports:
            raise DataError("the circuit has no input, so predict cannot tell how many events")
        if not isinstance(x, Mapping):
            if len(ports) > 1:
                names = ", ".join(port.name for port in ports)
                raise DataError(f"the circuit has several inputs: give a dict with {names}")
            x = {ports[0].name: x}
        if set(x) != {port.name for port in ports}:
            names = ", ".join(port.name for port in ports)
            raise DataError(f"inputs {names} are needed, {', '.join(x) or 'none'} were given")
        arrays = [_array_like(x[port.name]) for port in ports]
        for port, array in zip(ports, arrays, strict=True):
            shape = tuple(array.shape)
            if not shape or shape[1:] != port.shape:
                needed = ", ".join(map(str, ("events", *port.shape)))
                raise DataError(f"input {port.name} has the shape {shape}, ({needed}) is needed")
            if array.shape[0] != arrays[0].shape[0]:
                raise DataError(
                    f"input {port.name} has {array.shape[0]} events, {ports[0].name} has"
                    f" {arrays[0].shape[0]}"
                )
            kind = np.dtype(array.dtype) if isinstance(array, np.ndarray) else None
            if kind is not None and kind.kind not in "biuf":
                raise DataError(f"input {port.name} has the type {kind}, numbers are needed")
        return arrays, int(arrays[0].shape[0])

    def _results(self, out: Any, events: int) -> dict[str, Floats]:
        """Return one array an output port."""
        ports = self.circuit.outputs
        if out is not None and not isinstance(out, Mapping):
            if len(ports) != 1:
                raise DataError(f"out: a dict of {len(ports)} arrays is needed")
            out = {ports[0].name: out}
        if out is not None and set(out) != {port.name for port in ports}:
            names = ", ".join(port.name for port in ports)
            raise DataError(f"out: outputs {names} are needed, {', '.join(out)} were given")
        return {
            port.name: _result(
                out and out[port.name], (events, *port.shape), np.dtype(np.float64), "out"
            )
            for port in ports
        }

    def _check(self, given: Any, codes: Codes, first: int) -> None:
        """Put a stage's codes in place, one line an element; `first` is its first event."""
        given = np.asarray(given)
        count = len(given)
        if codes.dtype != object and given.dtype.kind != "O" and given.dtype != np.uint64:
            codes[:, :count] = given.T
            event, element = first_outside(codes, count, self._lo, self._hi)
        else:
            exact = given.astype(object)
            outside = np.asarray((exact < self._lo) | (exact > self._hi), np.bool_)
            place = int(outside.argmax()) if outside.any() else -1
            event, element = divmod(place, self._inputs) if place >= 0 else (-1, -1)
            if place < 0:
                codes[:, :count] = exact.T
        if event >= 0:
            raise DataError(
                f"event {first + event}: input {self._name(element)} has the code"
                f" {given[event, element]}, outside [{self._lo[element]}, {self._hi[element]}]"
            )

    def _name(self, element: int) -> str:
        for port in self.circuit.inputs:
            if element < port.size:
                return port.name + _index(element, port.shape)
            element -= port.size
        raise IndexError(element)

    def _map(
        self,
        work: Callable[[_Stage, int, int], None],
        events: int,
        threads: int | None,
        progress: Progress,
    ) -> None:
        """Call ``work(stage, first, last)`` for all events, a stage at a time, by threads."""
        if threads is not None and threads < 1:
            raise DataError(f"threads={threads}: at least 1 is needed")
        count = -(-events // self._stage)
        workers = min(threads or os.cpu_count() or 1, count)
        numbers = itertools.count()
        lock = threading.Lock()
        errors: dict[int, BaseException] = {}
        done = 0
        end = count  # stages from here on are not begun: all before a failing one are finished

        def worker() -> None:
            nonlocal done, end
            stage = _Stage(
                self._engine.arena(),
                np.empty((self._inputs, min(self._stage, events)), self._engine.kind),
                np.empty((self._outputs, min(self._stage, events)), self._engine.kind),
            )
            while (number := next(numbers)) < end:
                first = number * self._stage
                last = min(first + self._stage, events)
                try:
                    work(stage, first, last)
                    with lock:
                        done += last - first
                        progress(done, events)
                except BaseException as error:  # raised again below, the earliest event's
                    with lock:
                        errors[number] = error
                        end = min(end, number)

        if workers <= 1:
            worker()
        else:
            with ThreadPoolExecutor(workers) as pool:
                try:
                    for future in [pool.submit(worker) for _ in range(workers)]:
                        future.result()
                finally:
                    end = 0  # when interrupted: threads end after their stage
        if errors:
            raise errors[min(errors)]


@dataclass(frozen=True)
class _Stage:
    """What one thread works with: codes and results have a line an element."""

    arena: NDArray[np.int8]
    codes: Codes
    results: Codes


class _Lanes:
    """The fast engine: a program of vector instructions."""

    kind = np.dtype(np.int64)

    def __init__(self, program: Program, block: int) -> None:
        self._program, self._block = program, block
        scale = np.array([1, block, block, block, block, block, 1, 1], np.int32)
        self._code = program.code * scale
        self._terms = program.terms * np.array([block, 1])
        self._loads = program.loads * np.array([1, 1, block])
        self._stores = program.stores * np.array([1, block])

    def arena(self) -> NDArray[np.int8]:
        """Return fresh memory for one thread, with the constants in place."""
        size = self._program.bytes * self._block
        raw = np.zeros(size + 2 * VECTOR, np.int8)
        start = -raw.ctypes.data % VECTOR
        arena = raw[start : start + size + -size % VECTOR]
        for lane, offset, value in self._program.constants:
            slot = arena.view(f"i{1 << lane}")[offset * self._block : (offset + 1) * self._block]
            slot[:] = np.int64(value).astype(slot.dtype)
        return arena

    def run(self, stage: _Stage, events: int) -> None:
        """Fill a stage's results."""
        program = self._program
        run(
            self._code,
            self._terms,
            stage.arena,
            program.tables,
            self._loads,
            self._stores,
            self._block,
            events,
            stage.codes,
            stage.results,
        )


class _Wide:
    """The exact engine for any width."""

    kind = np.dtype(object)

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit

    def arena(self) -> NDArray[np.int8]:
        """Return nothing of use: Python integers live elsewhere."""
        return np.zeros(0, np.int8)

    def run(self, stage: _Stage, events: int) -> None:
        """Fill a stage's results."""
        stage.results[:, :events] = wide.evaluate(self._circuit, stage.codes[:, :events])


@dataclass(frozen=True)
class _Port:
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
        """Quantise events into their columns of `codes`; `first` is the first event's number."""
        try:
            floats = np.ascontiguousarray(values, np.float64).reshape(len(values), self.port.size)
        except (TypeError, ValueError) as error:
            raise DataError(f"input {self.port.name}: numbers are needed ({error})") from error
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


def _ports(inputs: tuple[Input, ...]) -> list[_Port]:
    ports = []
    first = 0
    for port in inputs:
        lo, hi, fraction = (np.ravel(v) for v in (port.lo, port.hi, port.fraction))
        ports.append(_Port(port, first, lo, hi, fraction.astype(np.int64)))
        first += port.size
    return ports


def _values(codes: Codes, output: Output) -> Floats:
    """Return codes, a line an element, as floats."""
    if codes.dtype == object:
        values = np.empty(codes.shape)
        for k, fraction in enumerate(output.fraction.ravel().tolist()):
            up, down = 1 << max(-fraction, 0), 1 << max(fraction, 0)
            values[k] = [code * up / down for code in codes[k].tolist()]
        return values
    return np.asarray(codes * np.ldexp(1.0, -output.fraction.reshape(-1, 1).astype(np.int32)))


def _index(element: int, shape: tuple[int, ...]) -> str:
    if not shape:
        return ""
    return f"[{', '.join(str(int(k)) for k in np.unravel_index(element, shape))}]"


def _array_like(values: Any) -> Any:
    """Return anything with a shape and slices as it is, anything else as an array."""
    if hasattr(values, "shape") and hasattr(values, "dtype"):
        return values
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"not an array: {error}") from error


def _result(out: Any, shape: tuple[int, ...], kind: np.dtype[Any], name: str) -> Any:
    if out is None:
        return np.empty(shape, kind)
    if out.shape != shape or out.dtype != kind:
        raise DataError(
            f"{name} has the shape {out.shape} and type {out.dtype}, {shape} and {kind} are needed"
        )
    return out
