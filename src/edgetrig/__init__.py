"""edgetrig: from a trained model to a verified nanosecond trigger."""

from __future__ import annotations

from edgetrig.anomaly import train_anomaly
from edgetrig.circuit import fixed_input, lookup, origin, trace
from edgetrig.design import Design, Target, compile
from edgetrig.errors import (
    CircuitError,
    DataError,
    Error,
    ModelError,
    ToolError,
    VerificationError,
)
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
