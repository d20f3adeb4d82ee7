"""HGQ2's fixed-point quantisers as they act at inference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from edgetrig import circuit
from edgetrig.circuit import Overflow, Rounding
from edgetrig.errors import CircuitError
from edgetrig.frontends.keras.archive import Variables

Ints = NDArray[np.int64]
Floats = NDArray[Any]

_ROUND: Final[dict[str, Callable[[Floats], Floats]]] = {
    "TRN": np.floor,
    "TRN_ZERO": np.trunc,
    "RND": lambda x: np.floor(x + x.dtype.type(0.5)),
    "RND_MIN_INF": lambda x: -np.floor(-x + x.dtype.type(0.5)),
    "RND_INF": lambda x: np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5)),
    "RND_ZERO": lambda x: -np.sign(x) * np.floor(-np.abs(x) + x.dtype.type(0.5)),
    "RND_CONV": np.rint,
}
_OVERFLOW: Final = ("WRAP", "SAT", "SAT_SYM")
_WIDEST: Final = 64


@dataclass(frozen=True)
class Quantizer:
    """A fixed-point type per element: values ``code * 2**-fraction``.

    ``signed`` (0 or 1), ``integer`` (bits before the point without the sign) and ``fraction`` (bits
    behind it) broadcast against what is quantised, without the event axis. ``scaler`` divides
    before and multiplies after (weights only; powers of two are in the types already).
    ``affine`` is a factor and an offset applied afterwards. ``bounded`` is False for weights that
    HGQ2 rounds but never wraps.
    """

    signed: Ints
    integer: Ints
    fraction: Ints
    rounding: Rounding
    overflow: Overflow
    scaler: float | None = None
    affine: tuple[float, float] | None = None
    bounded: bool = True

    def __call__(self, x: Any) -> Any:
        """Quantise a symbolic array, or an array of float64."""
        if self.scaler is not None:
            raise CircuitError(
                f"a quantiser with scaler={self.scaler} is not exact; use a power of two"
            )
        if isinstance(x, np.ndarray):
            return self._affine(self._fixed(x))
        return self._affine(circuit.quantize(x, *self._type, self.rounding, self.overflow))

    def table(self, x: Any, function: Callable[[Floats], Floats]) -> Any:
        """Quantise ``function(x)``, by a table over every value of ``x`` if ``x`` is symbolic."""
        if isinstance(x, np.ndarray):
            return self(function(x))
        return self._affine(circuit.lookup(x, function, *self._type, self.rounding, self.overflow))

    def weights(self, values: Floats) -> NDArray[np.float64]:
        """Quantise weights in Keras' float32 arithmetic."""
        x = values.astype(np.float32)
        scaler = np.float32(1.0 if self.scaler is None else self.scaler)
        result: NDArray[np.float64] = (self._fixed(x / scaler) * scaler).astype(np.float64)
        if self.affine is not None:
            factor, offset = map(np.float32, self.affine)
            result = (result.astype(np.float32) * factor + offset).astype(np.float64)
        return result

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the types."""
        return np.broadcast_shapes(self.signed.shape, self.integer.shape, self.fraction.shape)

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which types have any bits."""
        return np.asarray(self.signed + self.integer + self.fraction > 0)

    @property
    def _type(self) -> tuple[Ints, Ints, Ints]:
        return self.signed, self.integer, self.fraction

    def _affine(self, x: Any) -> Any:
        if self.affine is None:
            return x
        factor, offset = map(np.float32, self.affine)
        return x * np.float64(factor) + np.float64(offset)

    def _fixed(self, x: Floats) -> Floats:
        """Return ``x`` on the grid, computed in the precision of ``x``."""
        scale = np.ldexp(x.dtype.type(1), self.fraction)
        code = _ROUND[self.rounding](x * scale)
        if not self.bounded:
            return np.asarray(code / scale)
        bits = np.maximum(self.integer + self.fraction, 0)
        top = np.ldexp(x.dtype.type(1), bits)
        bottom = -self.signed.astype(x.dtype) * top
        if self.overflow == "WRAP":
            code = np.mod(code - bottom, top - bottom) + bottom
        elif self.overflow == "SAT":
            code = np.clip(code, bottom, top - 1)
        else:
            code = np.clip(code, -self.signed.astype(x.dtype) * (top - 1), top - 1)
        return np.asarray(np.where(self.used, code / scale, x.dtype.type(0)))


def read_quantizer(description: Any, variables: Variables, *, events: bool) -> Quantizer | None:
    """Return a quantiser from its serialised ``QuantizerConfig`` and its variables.

    Parameters
    ----------
    description
        The ``{"class_name": ..., "config": ...}`` entry of a layer's configuration.
    variables
        Variables of HGQ2's ``Quantizer`` layer.
    events
        Whether the first axis of the bit-width arrays is the event axis.

    Returns
    -------
    Quantizer or None
        None for HGQ2's dummy, which does nothing.

    Raises
    ------
    ValueError
        If the quantiser has no exact hardware meaning or is damaged.
    """
    config = dict(description["config"])
    kind = config.get("q_type")
    if kind == "dummy":
        return None
    if kind not in ("kif", "kbi"):
        raise ValueError(f"a '{kind}' quantiser is not fixed-point; use q_type='kif' or 'kbi'")
    if description["class_name"] == "HardTanhConfig":
        config |= {"overflow_mode": "SAT", "affine": None}
    if description["class_name"] == "HardSigmoidConfig":
        config |= {"overflow_mode": "SAT", "affine": [0.25, 0.5]}
    mapper = config.get("bw_mapper")
    if mapper is not None and mapper.get("class_name") != "DefaultBitwidthMapper":
        raise ValueError(f"unknown bit-width mapper {mapper.get('class_name')}")
    rounding = str(config["round_mode"]).upper().removeprefix("S_")
    overflow = str(config["overflow_mode"]).upper()
    if rounding not in _ROUND:
        raise ValueError(f"unknown rounding mode {rounding}; use one of {', '.join(_ROUND)}")
    if overflow not in _OVERFLOW:
        raise ValueError(f"overflow mode {overflow} is not supported; use WRAP, SAT or SAT_SYM")
    signed, integer, fraction = _bits(kind, overflow, variables.at("quantizer"), events)
    scaler = config.get("scaler")
    if scaler is not None and np.frexp(float(scaler))[0] == 0.5:  # a positive power of two
        shift = int(np.frexp(float(scaler))[1]) - 1
        integer, fraction, scaler = integer + shift, fraction - shift, None
    affine = config.get("affine")
    plain = overflow == "WRAP" and bool(config.get("is_weight")) and config.get("trainable", True)
    return Quantizer(
        signed=signed,
        integer=integer,
        fraction=fraction,
        rounding=cast(Rounding, rounding),
        overflow=cast(Overflow, overflow),
        scaler=None if scaler is None else float(scaler),
        affine=None if affine is None else (float(affine[0]), float(affine[1])),
        # HGQ2 trusts the trained range of weights in these two cases and only rounds.
        bounded=not (plain and (kind == "kif" or rounding == "RND")),
    )


def _bits(kind: str, overflow: str, variables: Variables, events: bool) -> tuple[Ints, Ints, Ints]:
    """Return sign, integer and fraction bits; Keras saves trainable variables first."""
    if overflow == "WRAP":  # the integer bits follow the data and are not trained
        width, sign, integer = (variables.read(index) for index in (0, 1, 2))
    elif kind == "kif":
        integer, width, sign = (variables.read(index) for index in (0, 1, 2))
    else:
        width, integer, sign = (variables.read(index) for index in (0, 1, 2))
    signed = sign.astype(np.int64)
    if not np.isin(signed, (0, 1)).all() or max(np.abs(integer).max(), np.abs(width).max()) > 1e6:
        raise ValueError("its bit widths are damaged; save the model again")
    whole, bits = np.rint(integer).astype(np.int64), np.rint(width).astype(np.int64)
    fraction = bits if kind == "kif" else bits - whole
    if ((signed + whole + fraction) > _WIDEST).any():
        raise ValueError(f"it is wider than {_WIDEST} bits; calibrate or constrain its bit widths")
    if not events:
        return signed, whole, fraction
    if signed.ndim == 0 or signed.shape[0] != 1:
        raise ValueError("its bit widths differ between events")
    return signed[0], whole[0], fraction[0]
