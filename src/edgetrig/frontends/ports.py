"""The circuit's input types, found from the quantisers that a model applies to its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Input, Overflow, Rounding
from edgetrig.frontends.model import Model
from edgetrig.frontends.values import Request

_Type = tuple[int, int, int]
"""Smallest and largest code and fraction bits that a quantiser distinguishes in an input."""


def input_ports(model: Model, requests: Sequence[Request]) -> tuple[Input, ...]:
    """Return one port for each model input, exactly as fine and as wide as its quantisers need.

    An input with one quantiser has that quantiser's type. Where several quantisers read an input,
    the port keeps what all of them can still distinguish.

    Raises
    ------
    ModelError
        If several quantisers of one input cannot be served by one port.
    """
    ports = []
    first = 0
    for port in model.inputs:
        size = prod(port.shape)
        try:
            ports.append(_port(port.name, port.shape, first, requests))
        except ValueError as error:
            raise model.error(f"input '{port.name}': {error}") from error
        except OverflowError as error:
            raise model.error(
                f"input '{port.name}': its quantisers' steps differ by more than 62 bits"
            ) from error
        first += size
    return tuple(ports)


def _port(name: str, shape: tuple[int, ...], first: int, requests: Sequence[Request]) -> Input:
    size = prod(shape)
    types: dict[int, list[_Type]] = {}
    modes: set[tuple[str, str]] = set()
    for request in requests:
        mine = (request.elements >= first) & (request.elements < first + size)
        if mine.any():
            modes.add((request.quantizer.rounding, request.quantizer.overflow))
            for element, type_ in _types(request, mine):
                known = types.setdefault(element - first, [])
                if type_ is not None and type_ not in known:
                    known.append(type_)
    if not types:
        raise ValueError("nothing in the model reads it through a quantiser")
    rounding, overflow, extra = _mode(modes, types)
    lo, hi, fraction = (np.zeros(size, np.int64) for _ in range(3))
    for element, formats in types.items():
        if formats:
            lo[element], hi[element], fraction[element] = _range(formats, overflow, extra)
    return Input(
        name,
        lo.reshape(shape),
        hi.reshape(shape),
        fraction.reshape(shape),
        cast(Rounding, rounding),
        cast(Overflow, overflow),
    )


def _types(request: Request, mine: NDArray[np.bool_]) -> Iterator[tuple[int, _Type | None]]:
    """Yield the type that each element is converted to; None for those without bits."""
    q = request.quantizer
    columns = (q.signed, q.integer, q.fraction, request.scale, request.offset)
    values = [np.broadcast_to(column, mine.shape)[mine].tolist() for column in columns]
    for element, k, i, f, scale, offset in zip(
        request.elements[mine].tolist(), *values, strict=True
    ):
        if k + i + f <= 0:
            yield element, None
            continue
        steps = float(np.ldexp(offset, f))  # the offset in units of the quantiser's last bit
        if not steps.is_integer():
            raise ValueError(f"is shifted by {offset}, no multiple of its quantiser's step 2**-{f}")
        if steps and q.overflow == "WRAP":
            raise ValueError("is shifted and wraps around; use overflow_mode='SAT' to quantise it")
        top = (1 << (i + f)) - 1
        bottom = -k * (top if q.overflow == "SAT_SYM" else top + 1)
        shift = int(np.frexp(scale)[1]) - 1
        yield element, (bottom - int(steps), top - int(steps), f + shift)


def _mode(
    modes: set[tuple[str, str]], types: Mapping[int, Sequence[_Type]]
) -> tuple[str, str, int]:
    """Return the port's rounding and overflow, and fraction bits kept beyond the finest type's."""
    roundings, overflows = ({mode[k] for mode in modes} for k in (0, 1))
    several = any(len({f for _, _, f in formats}) > 1 for formats in types.values())
    extra, rounding = 0, min(roundings)
    if len(roundings) > 1 or several:
        if not roundings <= {"RND", "TRN"}:
            raise ValueError(
                f"is rounded in several ways ({', '.join(sorted(roundings))}); "
                "put one Quantizer layer after it"
            )
        # Rounding half up looks at one bit behind the last kept one, and no further.
        extra, rounding = 1, "TRN"
    if len(overflows) == 1:
        return rounding, min(overflows), extra
    if overflows == {"SAT", "SAT_SYM"}:
        return rounding, "SAT", extra
    raise ValueError(
        f"overflows in several ways ({', '.join(sorted(overflows))}); "
        "put one Quantizer layer after it"
    )


def _range(formats: Sequence[_Type], overflow: str, extra: int) -> _Type:
    """Return one type in which all of the given ones can still be told apart."""
    fraction = max(f for _, _, f in formats) + extra
    scaled = [(lo << (fraction - f), (hi + 1 << (fraction - f)) - 1) for lo, hi, f in formats]
    if overflow != "WRAP":
        # The largest code of the coarsest type needs no finer neighbour above it.
        tops = [hi << (fraction - f) for _, hi, f in formats]
        return min(lo for lo, _ in scaled), max(tops), fraction
    if len(set(scaled)) > 1:
        # A wrap of a wrap is a wrap if the first keeps all the bits of the second.
        bits = max((hi - lo).bit_length() for lo, hi in scaled)
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1, fraction
    return *scaled[0], fraction
