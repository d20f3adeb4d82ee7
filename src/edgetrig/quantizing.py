"""One verb for both: round an array in a traced program, or a whole model by data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, overload

from numpy.typing import ArrayLike

from edgetrig import circuit
from edgetrig.circuit import Array, Overflow, Rounding
from edgetrig.errors import ModelError

if TYPE_CHECKING:
    from edgetrig.frontends.quantization import Quantized

_OF_NETWORKS: Final = ("precision", "ranges", "table_bits", "per_feature")
"""Options that a forest has nothing for."""


@overload
def quantize(
    model: Array,
    signed: ArrayLike,
    integer: ArrayLike,
    fraction: ArrayLike,
    rounding: Rounding = "TRN",
    overflow: Overflow = "WRAP",
) -> Array: ...


@overload
def quantize(
    model: str | os.PathLike[str] | object,
    x: Any,
    y: ArrayLike | None = None,
    **options: Any,
) -> Quantized: ...


def quantize(model: Any, *args: Any, **options: Any) -> Any:
    """Give fixed-point types to a float model by calibration data, or to a traced array.

    Parameters
    ----------
    model
        A model file, a live model of a supported library, or what `edgetrig.frontends.read`
        returned: then ``x``, ``y`` and the options are those of
        `edgetrig.frontends.quantization.quantize_model` (trees: of `quantize_forest`). An array of
        a traced program: then the arguments are those of `edgetrig.circuit.quantize`.

    Returns
    -------
    Quantized or Array
        For a model what `edgetrig.compile` takes; printing it shows the types that were chosen.

    Raises
    ------
    ModelError
        If the model cannot be read, a layer has no types, or an option is wrong.
    DataError
        If the data do not fit the model.

    Examples
    --------
    ::

        quantized = edgetrig.quantize(model, x, precision={"dense_1": "fixed<12,4>"})
        print(quantized)
        design = edgetrig.compile(quantized)
    """
    if isinstance(model, Array):
        return circuit.quantize(model, *args, **options)
    from edgetrig.frontends import Forest, Model, read, shapes_in
    from edgetrig.frontends.quantization import quantize_forest, quantize_model

    x = args[0] if args else options.get("x")
    read_model = model if isinstance(model, Model | Forest) else read(model, shapes_in(model, x))
    if isinstance(read_model, Forest):
        if taken := [name for name in _OF_NETWORKS if name in options]:
            raise ModelError(
                f"{taken[0]}= is for networks: trees take bits= for their features, leaf_bits= for "
                "their leaves, and inputs= for features that are hardware integers already"
            )
        return quantize_forest(read_model, *args, **options)
    return quantize_model(read_model, *args, **options)
