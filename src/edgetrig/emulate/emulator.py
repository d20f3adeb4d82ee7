"""The bit-exact emulator of a circuit."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from edgetrig.circuit import Circuit
from edgetrig.emulate.arrays import array_like, result
from edgetrig.emulate.compiled import CompiledEngine, has_code
from edgetrig.emulate.engine import Engine
from edgetrig.emulate.gpu import GpuEngine
from edgetrig.emulate.interpreted import Interpreter, WideEngine
from edgetrig.emulate.kernels import STEP
from edgetrig.emulate.lowering import fits_lanes
from edgetrig.emulate.parallel import for_all
from edgetrig.emulate.ports import Codes, Floats, Inputs
from edgetrig.emulate.program import MOST_EVENTS
from edgetrig.errors import CircuitError, DataError
from edgetrig.progress import Progress, silent

BLOCK = 256
"""Events an instruction of the interpreter handles at a time."""

Choice = Literal["auto", "interpreted", "compiled", "gpu"]
"""Names of the engines, and the choice between them by the number of events."""

ENGINES: Final = ("auto", "interpreted", "compiled", "gpu")

WORTHWHILE: Final = 5_000_000
"""From so many events on, making machine code takes less time than it saves."""

_WORTH_READING: Final = 50_000
"""From so many events on, reading machine code from disk does."""


class Emulator:
    """Computes what the hardware computes, bit by bit, for many events.

    An emulator can be used any number of times and by several threads at once. Registers do not
    matter here: inputs and outputs of one event belong together, whatever the latency.

    There are two engines, which give the same bits: the *interpreter* runs at once, the *compiled*
    engine is about three times as fast once it has made machine code of the circuit (at most some
    0.2 ms an operation), which it keeps on disk. By itself, an emulator interprets until it has
    been given 5 million events, since only then machine code takes less time than it saves, and
    uses machine code from the start where it is on disk already. A third engine, ``"gpu"``, runs
    the circuit by JAX where it is asked for.

    Circuits in which a value needs more than 64 bits run on Python integers, whatever engine is
    asked for: the same results, some 1000 times slower.

    Parameters
    ----------
    circuit
        Any circuit.
    block
        Events an instruction of the interpreter handles at a time: a multiple of 256, at most 4096.
        Smaller blocks keep circuits with very many values alive in the processor's cache.

    Raises
    ------
    CircuitError
        If `block` is not such a number.
    """

    def __init__(self, circuit: Circuit, *, block: int = BLOCK) -> None:
        if not (0 < block <= MOST_EVENTS and block % STEP == 0):
            raise CircuitError(f"block={block}: a multiple of {STEP} up to {MOST_EVENTS} is needed")
        self.circuit = circuit
        self._block = block
        self._inputs = Inputs(circuit)
        self._is_wide = not fits_lanes(circuit) or self._inputs.are_wide
        self._kind = np.dtype(object if self._is_wide else np.int64)
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()
        self._events = 0
        self._has_code: bool | None = None

    def codes(
        self,
        codes: ArrayLike,
        *,
        out: Codes | None = None,
        threads: int | None = None,
        engine: Choice = "auto",
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
        engine
            Which engine works. The result does not depend on it.

        Returns
        -------
        array
            Shape (events, outputs), the elements of all output ports, flattened, in order. int64;
            Python integers (dtype object) if a value of the circuit needs more than 64 bits.

        Raises
        ------
        DataError
            If the shape is wrong, or a code is outside its port's interval.
        CircuitError
            If the circuit cannot be held in memory.
        ToolError
            If the engine is ``"gpu"`` and JAX is not installed.
        """
        given = array_like(codes, "codes")
        if len(given.shape) != 2 or given.shape[1] != self._inputs.size:
            needed = f"(events, {self._inputs.size})"
            raise DataError(f"codes have the shape {tuple(given.shape)}, {needed} is needed")
        if given.dtype.kind not in "biuO":
            raise DataError(f"codes have the type {given.dtype}, integers are needed")
        events = given.shape[0]
        shape = (events, len(self.circuit.output_rows))
        out = result(out, shape, self._kind)
        chosen = self._engine(engine, events)

        def work(memory: Any, first: int, last: int) -> None:
            chosen.codes(memory, given[first:last], out[first:last], first)

        for_all(work, chosen.memory, events, chosen.stage, threads=threads, progress=silent)
        return out

    def predict(
        self,
        x: ArrayLike | Mapping[str, ArrayLike],
        *,
        out: Floats | Mapping[str, Floats] | None = None,
        threads: int | None = None,
        progress: Progress = silent,
        engine: Choice = "auto",
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
        engine
            Which engine works. The result does not depend on it.

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
        CircuitError
            If the circuit cannot be held in memory.
        ToolError
            If the engine is ``"gpu"`` and JAX is not installed.
        """
        arrays, events = self._arrays(x)
        results = self._results(out, events)
        chosen = self._engine(engine, events)

        def work(memory: Any, first: int, last: int) -> None:
            given = [array[first:last] for array in arrays]
            made = [result[first:last] for result in results.values()]
            chosen.values(memory, given, made, first)

        for_all(work, chosen.memory, events, chosen.stage, threads=threads, progress=progress)
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
        out = np.empty((events, self._inputs.size), self._kind)

        def work(codes: Codes, first: int, last: int) -> None:
            given = [array[first:last] for array in arrays]
            self._inputs.quantize(given, codes, first)
            out[first:last] = codes[:, : last - first].T

        def memory() -> Codes:
            return np.empty((self._inputs.size, BLOCK), self._kind)

        for_all(work, memory, events, BLOCK, threads=None, progress=silent)
        return out

    def stream(
        self, blocks: Iterable[Any], *, threads: int | None = None, engine: Choice = "auto"
    ) -> Iterator[Any]:
        """Yield `predict` of each block of events, as they come.

        Parameters
        ----------
        blocks
            What `predict` takes, one after another, of any sizes.
        threads, engine
            As for `predict`.
        """
        for block in blocks:
            yield self.predict(block, threads=threads, engine=engine)

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
        arrays = [array_like(x[port.name], f"input {port.name}") for port in ports]
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
            if array.dtype.kind not in "biuf":
                raise DataError(f"input {port.name} has the type {array.dtype}, numbers are needed")
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
            port.name: result(out and out[port.name], (events, *port.shape), np.dtype(np.float64))
            for port in ports
        }

    def _engine(self, name: str, events: int) -> Engine:
        """Return the engine of a name, or for a number of events."""
        if name not in ENGINES:
            raise DataError(f"engine={name!r}: one of {', '.join(ENGINES)} is needed")
        with self._lock:
            if self._is_wide:
                name = "wide"
            elif name == "auto":
                name = self._best(events)
            if name not in self._engines:
                self._engines[name] = self._made(name)
            return self._engines[name]

    def _best(self, events: int) -> str:
        """Return the engine that takes least time by all that is known now."""
        self._events += events
        if "compiled" in self._engines or self._events >= WORTHWHILE:
            return "compiled"
        if self._events < _WORTH_READING:
            return "interpreted"
        if self._has_code is None:
            self._has_code = has_code(self.circuit)
        return "compiled" if self._has_code else "interpreted"

    def _made(self, name: str) -> Engine:
        if name == "wide":
            return WideEngine(self.circuit, self._inputs)
        if name == "compiled":
            return CompiledEngine(self.circuit, self._inputs)
        if name == "gpu":
            return GpuEngine(self.circuit, self._inputs)
        return Interpreter(self.circuit, self._inputs, self._block)
