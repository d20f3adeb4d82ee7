"""edgetrig: from a trained model to a verified nanosecond trigger.

::

    design = edgetrig.compile("model.keras")  # any model, menu or traced circuit: a `Design`
    design.predict(x)                         # what the hardware will compute, bit for bit
    design.threshold(point)                   # a `Design` that ends in one accept bit
    design.verify(), design.synthesize()      # simulated and proved; measured in LUTs
    design.write("folder")                    # Verilog or VHDL with everything around it

`quantize` finds types for a float model, `trace` makes a circuit of a NumPy function
(`fixed_input`, `lookup`, `origin`), `train_anomaly` trains a trigger on zero bias alone. Further
rooms to import: `edgetrig.physics` (events), `edgetrig.training`, `edgetrig.frontends`,
`edgetrig.trigger` (working points, menus), `edgetrig.rtl`, `edgetrig.synthesis`,
`edgetrig.verify`, `edgetrig.report`.

All that a user can do wrong raises an `Error` of one line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from edgetrig.errors import (
    CircuitError,
    DataError,
    Error,
    ModelError,
    ToolError,
    VerificationError,
)

if TYPE_CHECKING:
    from edgetrig.anomaly import train_anomaly
    from edgetrig.circuit import fixed_input, lookup, origin, trace
    from edgetrig.design import Design, Target, compile
    from edgetrig.quantizing import quantize

__version__ = "0.1.0"

__all__ = [
    "CircuitError",
    "DataError",
    "Design",
    "Error",
    "ModelError",
    "Target",
    "ToolError",
    "VerificationError",
    "__version__",
    "compile",
    "fixed_input",
    "lookup",
    "origin",
    "quantize",
    "trace",
    "train_anomaly",
]

_ROOM_OF: Final = {
    "train_anomaly": "anomaly",
    **dict.fromkeys(("fixed_input", "lookup", "origin", "trace"), "circuit"),
    **dict.fromkeys(("Design", "Target", "compile"), "design"),
    "quantize": "quantizing",
}
_ROOMS: Final = {*_ROOM_OF.values(), "emulate", "optimize", "trigger"}


def __getattr__(name: str) -> Any:
    """Import what is asked for first: ``edgetrig --help`` needs neither Numba nor NumPy."""
    if name in _ROOM_OF:
        value = getattr(import_module(f"edgetrig.{_ROOM_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return import_module(f"edgetrig.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
