"""From a Python function to a circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edgetrig.circuit.array import Array, as_array
from edgetrig.circuit.builder import Builder
from edgetrig.circuit.circuit import Circuit, Input, Output
from edgetrig.circuit.floats import Overflow, Rounding, check_modes, fixed_types
from edgetrig.circuit.intervals import WIDEST
from edgetrig.circuit.ops import OPERANDS, Op
from edgetrig.errors import CircuitError


def fixed_input(
    name: str,
    shape: int | tuple[int, ...],
    *,
    signed: ArrayLike = 1,
    integer: ArrayLike,
    fraction: ArrayLike,
    rounding: Rounding = "RND",
    overflow: Overflow = "SAT",
) -> Input:
    """Return an input port of a fixed-point type.

    Parameters
    ----------
    name
        Port name.
    shape
        Shape of one event.
    signed, integer, fraction
        The type, as for `quantize`; broadcast to `shape`.
    rounding, overflow
        How floats become codes in `predict`.

    Raises
    ------
    CircuitError
        On an unknown mode or a type of fewer than 0 or more than 62 bits.
    """
    check_modes(rounding, overflow)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    try:
        k, i, f = (np.broadcast_to(v, shape) for v in fixed_types(signed, integer, fraction))
    except (ValueError, CircuitError) as error:
        raise CircuitError(f"input {name}: {error}") from error
    bits = k + i + f
    wrong = bits[(bits < 0) | (bits > WIDEST)]
    if wrong.size:
        raise CircuitError(f"input {name}: a type of {wrong[0]} bits; use 0 to {WIDEST}")
    used = bits > 0
    top = np.where(used, (1 << np.maximum(i + f, 0)) - 1, 0)
    bottom = np.where(used, -(top if overflow == "SAT_SYM" else top + 1) * k, 0)
    return Input(name, bottom, top, f.copy(), rounding, overflow)


def trace(function: Callable[..., Any], *inputs: Input) -> Circuit:
    """Return the circuit that computes a function.

    Parameters
    ----------
    function
        Called with one `Array` per input; returns an array (the output port ``out``) or a mapping
        from port names to arrays.
    inputs
        The input ports.

    Raises
    ------
    CircuitError
        If the function does something that has no exact hardware form, or two ports share a name.
    """
    builder = Builder()
    arrays = []
    first = 0
    for port in inputs:
        arrays.append(Array(builder, builder.input(first, port), port.fraction))
        first += port.size
    result = function(*arrays)
    if isinstance(result, list | tuple) or result is None:
        raise CircuitError(
            f"the traced function returns a {type(result).__name__}; return one array, or a"
            " dictionary from port names to arrays"
        )
    named = result if isinstance(result, Mapping) else {"out": result}
    names = [port.name for port in inputs] + list(named)
    if len(set(names)) != len(names):
        raise CircuitError(f"two ports have the same name: {', '.join(sorted(names))}")
    outputs = []
    for name, value in named.items():
        array = as_array(builder, value)
        outputs.append(Output(name, array.rows, array.fraction.copy()))
    return builder.finish(inputs, outputs)


def replay(circuit: Circuit, *arrays: Array) -> dict[str, Array]:
    """Append a circuit to the trace that `arrays` belong to, with them as its inputs.

    Parameters
    ----------
    circuit
        Any circuit.
    arrays
        One array for each of its input ports, of the port's shape; every element must lie within
        the port's interval and have its binary point or a coarser one.

    Returns
    -------
    dict
        Output arrays by port name.

    Raises
    ------
    CircuitError
        If number, shape or range of the arrays do not fit.
    """
    if len(arrays) != len(circuit.inputs):
        raise CircuitError(f"{len(circuit.inputs)} inputs are needed, {len(arrays)} were given")
    if not arrays:
        raise CircuitError("a circuit without inputs belongs to no trace and cannot be replayed")
    builder = arrays[0].builder
    given = [
        _fitted(as_array(builder, array), port)
        for array, port in zip(arrays, circuit.inputs, strict=True)
    ]
    elements = np.concatenate([array.rows.ravel() for array in given])
    new = copy_rows(builder, circuit, elements)
    return {port.name: Array(builder, new[port.rows], port.fraction) for port in circuit.outputs}


def _fitted(array: Array, port: Input) -> Array:
    if array.shape != port.shape:
        raise CircuitError(f"input {port.name}: shape {array.shape} where {port.shape} is needed")
    array = array.scaled_to(port.fraction)
    lo, hi = array.interval
    outside = (lo < port.lo) | (hi > port.hi) | (array.fraction != port.fraction)
    if np.asarray(outside, np.bool_).any():
        raise CircuitError(
            f"input {port.name}: values do not fit the port's range and binary point; quantize them"
        )
    return array


def copy_rows(builder: Builder, circuit: Circuit, elements: np.ndarray[Any, Any]) -> Any:
    """Append a circuit's rows with INPUT rows replaced by given rows; return old-to-new numbers."""
    rows = circuit.rows
    tables = np.array([builder.table(table) for table in circuit.tables] or [0])
    new = np.zeros(len(rows), np.int64)
    is_input, is_constant = rows.op == Op.INPUT, rows.op == Op.CONST
    new[is_input] = elements[rows.p[is_input]]
    new[is_constant] = builder.constant(rows.lo[is_constant], rows.fraction[is_constant])
    rest = np.flatnonzero(~(is_input | is_constant))
    # The rest goes in as one block: operand numbers are known before it is appended.
    new[rest] = len(builder) + np.arange(len(rest))
    count = np.array(OPERANDS)[rows.op[rest]]
    a, b, c = (
        np.where(count > k, new[column[rest]], 0)
        for k, column in enumerate((rows.a, rows.b, rows.c))
    )
    p = np.where(rows.op == Op.TABLE, tables[np.where(rows.op == Op.TABLE, rows.p, 0)], rows.p)
    origins = builder.origin_numbers(circuit.origins)
    builder.append(rows.op[rest], a, b, c, p[rest], rows.fraction[rest], origins[rows.origin[rest]])
    return new
