"""The GPU engine: the circuit as a JAX program, for whatever device JAX finds.

Rows of one level and one operation are one array operation: the program has as many steps as the
circuit has levels, not as many as it has rows, so that XLA compiles large circuits too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import OPERANDS, Circuit, Op
from edgetrig.emulate.engine import ElementEngine, Stage
from edgetrig.emulate.ports import Inputs
from edgetrig.emulate.sums import binary_sums
from edgetrig.errors import ToolError, require

Ints = NDArray[np.int64]

_BLOCK = 1 << 16
"""Most events computed together: a GPU needs many."""

_BYTES = 1 << 28
"""Memory that all values of these events take; each thread of the caller needs so much."""

_MOST_BITS = 31


class GpuEngine(ElementEngine):
    """Runs the circuit by JAX, on a GPU if JAX has one, else on the processor.

    Integers of 32 bits are used where all values fit, else of 64.

    Parameters
    ----------
    circuit
        All its values fit 64 bits.
    inputs
        Its input ports.

    Raises
    ------
    ToolError
        If JAX is not installed, or finds no device; or if the device fails, as for want of memory.
    """

    def __init__(self, circuit: Circuit, inputs: Inputs) -> None:
        super().__init__(circuit, inputs, np.dtype(np.int64), _BLOCK)
        self._jax = require("jax", "gpu")
        circuit = binary_sums(circuit)
        self._kind = np.int32 if _fits_32_bits(circuit) else np.int64
        each = max(1, len(circuit)) * np.dtype(self._kind).itemsize
        self.stage = min(_BLOCK, 1 << max(1, _BYTES // each).bit_length() - 1)
        with _one_line():
            self._jax.devices()
        with self._jax.enable_x64(True):
            self._function = self._jax.jit(_traced(circuit, self._jax.numpy, self._kind))

    def run(self, stage: Stage, events: int) -> None:
        """Fill a stage's results."""
        # The number of events is always the same, so that XLA compiles once.
        stage.codes[:, events:] = stage.codes[:, events - 1 : events]
        with self._jax.enable_x64(True), _one_line():
            results = self._function(stage.codes.astype(self._kind))
            stage.results[:, :events] = np.asarray(results)[:, :events]


@contextmanager
def _one_line() -> Iterator[None]:
    """Make one line of what JAX says about a device."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        raise ToolError(f"engine='gpu': JAX says: {reason}; use another engine") from error


def _fits_32_bits(circuit: Circuit) -> bool:
    """Return whether all values, and all shifts, are safe in numbers of 32 bits."""
    lo, hi = circuit.rows.lo, circuit.rows.hi
    limit = 1 << _MOST_BITS
    ports = all((p.lo >= -limit).all() and (p.hi < limit).all() for p in circuit.inputs)
    tables = all(abs(table.start) < limit // 2 for table in circuit.tables)
    return bool(ports and tables and (lo >= -limit).all() and (hi < limit).all())


def _traced(circuit: Circuit, jnp: Any, kind: type) -> Callable[[Any], Any]:
    """Return a function from input codes (inputs, events) to output codes (outputs, events)."""
    steps = _steps(circuit)
    rows = circuit.rows
    bits = 8 * np.dtype(kind).itemsize
    evaluate = _evaluators(jnp, bits)
    outputs = circuit.output_rows

    def function(codes: Any) -> Any:
        found: list[Any] = []
        where = np.zeros((len(rows), 2), np.int64)  # which array of `found`, which of its lines

        def operand(numbers: Ints) -> Any:
            # All values of the operands' steps, then the lines wanted: one gather a step at most.
            used, line = np.unique(where[numbers, 0], return_inverse=True)
            starts = np.cumsum([0] + [found[k].shape[0] for k in used.tolist()])
            every = [found[k] for k in used.tolist()]
            joined = every[0] if len(every) == 1 else jnp.concatenate(every)
            return joined[starts[line] + where[numbers, 1]]

        for op, numbers in steps:
            p = rows.p[numbers].astype(np.int64)
            if op == Op.INPUT:
                result = codes[p]
            elif op == Op.CONST:
                constants: NDArray[Any] = rows.lo[numbers].astype(kind)[:, None]
                result = jnp.broadcast_to(jnp.asarray(constants), (len(numbers), codes.shape[1]))
            else:
                columns = (rows.a, rows.b, rows.c)[: OPERANDS[op]]
                values = [operand(column[numbers].astype(np.int64)) for column in columns]
                if op == Op.TABLE:
                    result = _looked_up(circuit, jnp, values[0], p, kind)
                else:
                    result = evaluate[op](values, p[:, None])
            where[numbers] = np.stack(
                [np.full(len(numbers), len(found)), np.arange(len(numbers))], 1
            )
            found.append(result.astype(kind))
        if not len(outputs):
            return codes[:0]
        return operand(outputs)

    return function


def _steps(circuit: Circuit) -> list[tuple[Op, Ints]]:
    """Return rows that can be computed together, in order: one operation of one level each."""
    operands = circuit.rows.operands
    level = np.zeros(len(operands) + 1, np.int64)
    level[-1] = -1
    for row, reads in enumerate(operands.tolist()):
        level[row] = 1 + max(level[k] for k in reads)
    live = np.zeros(len(operands), np.bool_)
    live[circuit.output_rows] = True
    for row in range(len(operands) - 1, -1, -1):
        if live[row]:
            live[[k for k in operands[row].tolist() if k >= 0]] = True
    rows = np.flatnonzero(live)
    keys = level[rows] * len(Op) + circuit.rows.op[rows]
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    groups = np.split(rows[order], cuts) if len(rows) else []
    return [(Op(int(circuit.rows.op[group[0]])), group) for group in groups]


def _evaluators(jnp: Any, bits: int) -> dict[Op, Callable[[list[Any], Ints], Any]]:
    """Return a function of operands and parameters for each operation, modulo ``2**bits``."""

    def left(x: Any, by: Ints) -> Any:
        inside = (by < bits).astype(np.int64)
        return (x << jnp.asarray(np.minimum(by, bits - 1), x.dtype)) * jnp.asarray(inside, x.dtype)

    def right(x: Any, by: Ints) -> Any:
        return x >> jnp.asarray(np.minimum(by, bits - 1), x.dtype)

    def add(v: list[Any], p: Ints, sign: int) -> Any:
        return left(v[0], np.maximum(-p, 0)) + sign * left(v[1], np.maximum(p, 0))

    def low(x: Any, by: Ints) -> Any:
        masks = [(1 << n) - 1 if n < bits else -1 for n in by.ravel().tolist()]
        return x & jnp.asarray(np.array(masks, np.int64).reshape(by.shape), x.dtype)

    def lows(x: Any, p: Ints) -> Any:
        unused = bits - np.minimum(p, bits)
        return right(left(x, unused), unused)

    return {
        Op.ADD: lambda v, p: add(v, p, 1),
        Op.SUB: lambda v, p: add(v, p, -1),
        Op.NEG: lambda v, p: -v[0],
        Op.MUL: lambda v, p: v[0] * v[1],
        Op.SHL: lambda v, p: left(v[0], p),
        Op.SHR: lambda v, p: right(v[0], p),
        Op.LOW: lambda v, p: low(v[0], p),
        Op.LOWS: lambda v, p: lows(v[0], p),
        Op.LT: lambda v, p: v[0] < v[1],
        Op.EQ: lambda v, p: v[0] == v[1],
        Op.SELECT: lambda v, p: jnp.where(v[0] != 0, v[1], v[2]),
        Op.AND: lambda v, p: v[0] & v[1],
        Op.OR: lambda v, p: v[0] | v[1],
        Op.XOR: lambda v, p: v[0] ^ v[1],
        Op.REG: lambda v, p: v[0],
    }


def _looked_up(circuit: Circuit, jnp: Any, values: Any, numbers: Ints, kind: type) -> Any:
    """Look lines of values up, each in its table: all tables stand in one array."""
    tables = [circuit.tables[k] for k in np.unique(numbers).tolist()]
    position = np.searchsorted(np.unique(numbers), numbers)
    starts = np.cumsum([0] + [len(table.values) for table in tables])
    base = starts[position] - np.array([table.start for table in tables])[position]
    entries = jnp.asarray(np.concatenate([table.values for table in tables]).astype(kind))
    return entries[values + jnp.asarray(base[:, None], values.dtype)]
