"""HGQ2's fixed-point quantisers, read from a layer's configuration and variables."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np

from edgetrig.circuit import Overflow, Rounding
from edgetrig.frontends.keras.archive import Variables
from edgetrig.frontends.quantizer import ROUND, Ints, Quantizer

_OVERFLOW: Final = ("WRAP", "SAT", "SAT_SYM")
_WIDEST: Final = 64


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
    if rounding not in ROUND:
        raise ValueError(f"unknown rounding mode {rounding}; use one of {', '.join(ROUND)}")
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
