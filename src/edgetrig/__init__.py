"""edgetrig: from a trained model to a verified nanosecond trigger."""

from __future__ import annotations

from edgetrig.errors import (
    CircuitError,
    DataError,
    Error,
    ModelError,
    ToolError,
    VerificationError,
)

__version__ = "0.1.0"

__all__ = [
    "CircuitError",
    "DataError",
    "Error",
    "ModelError",
    "ToolError",
    "VerificationError",
    "__version__",
]
