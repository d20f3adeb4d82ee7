"""Functions of `keras.ops` inside a Functional model.

A handler gets the layer (whose options are the function's static arguments), then the arguments as
they stand in the file: values, numbers, lists, slices. Axes in a file count the event axis.
"""

from edgetrig.frontends.keras.layers.operations.arithmetic import ARITHMETIC
from edgetrig.frontends.keras.layers.operations.functions import FUNCTIONS, TABULATED
from edgetrig.frontends.keras.layers.operations.reductions import REDUCTIONS

OPERATIONS = ARITHMETIC | REDUCTIONS | FUNCTIONS
"""Handlers by class name; `edgetrig.frontends.keras.layers.movements` has the others."""

__all__ = ["OPERATIONS", "TABULATED"]
