"""edgetrig: from a trained model to a verified nanosecond trigger."""

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
