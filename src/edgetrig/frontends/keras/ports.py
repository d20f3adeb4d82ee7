"""The circuit's input types, found from the quantisers that a model applies to its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgetrig.circuit import Input, Overflow, Rounding
from edgetrig.frontends.keras.graph import Model
from edgetrig.frontends.keras.quantizers import Ints, Quantizer

Request = tuple[NDArray[np.int64], Quantizer]
"""Which elements (numbered over all inputs) a quantiser was applied to."""

_Types = dict[int, list[tuple[int, int, int]]]


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
    for (name, _, _), shape in model.inputs:
        size = prod(shape)
        try:
            ports.append(_port(name, shape, first, requests))
        except ValueError as error:
            raise model.layer.error(f"input '{name}': {error}") from error
        first += size
    return tuple(ports)


def _port(name: str, shape: tuple[int, ...], first: int, requests: Sequence[Request]) -> Input:
    size = prod(shape)
    types: _Types = {}
    modes: set[tuple[str, str]] = set()
    for elements, quantizer in requests:
        mine = (elements >= first) & (elements < first + size)
        if mine.any():
            modes.add((quantizer.rounding, quantizer.overflow))
            _collect(types, elements[mine] - first, mine, quantizer)
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


def _collect(types: _Types, elements: Ints, where: NDArray[np.bool_], quantizer: Quantizer) -> None:
    """Note the type that each element is converted to; types without bits read nothing."""
    formats = (quantizer.signed, quantizer.integer, quantizer.fraction)
    k, i, f = (np.broadcast_to(values, where.shape)[where].tolist() for values in formats)
    for element, *format_ in zip(elements.tolist(), k, i, f, strict=True):
        known = types.setdefault(element, [])
        if sum(format_) > 0 and tuple(format_) not in known:
            known.append(cast(tuple[int, int, int], tuple(format_)))


def _mode(modes: set[tuple[str, str]], types: _Types) -> tuple[str, str, int]:
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


def _range(formats: list[tuple[int, int, int]], overflow: str, extra: int) -> tuple[int, int, int]:
    """Return the smallest and largest code, and the fraction bits."""
    fraction = max(f for _, _, f in formats) + extra
    if overflow == "WRAP" and len({(k, i) for k, i, _ in formats}) > 1:
        # A wrap of a wrap is a wrap if the first keeps all the bits of the second.
        bits = max(k + i for k, i, _ in formats) + fraction
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1, fraction
    top = max((1 << (i + f)) - 1 << (fraction - f) for _, i, f in formats)
    bottom = max(k << max(i + fraction, 0) for k, i, _ in formats)
    if overflow == "SAT_SYM":
        bottom = max(k * ((1 << (i + f)) - 1) << (fraction - f) for k, i, f in formats)
    if overflow == "WRAP":
        top = max((1 << (i + fraction)) - 1 for _, i, _ in formats)
    return -bottom, top, fraction
