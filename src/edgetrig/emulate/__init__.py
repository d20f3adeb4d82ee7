"""Bit-exact emulation: the circuit on many events at once."""

from edgetrig.emulate.cxx import cpp_files
from edgetrig.emulate.emulator import ENGINES, Choice, Emulator

__all__ = ["ENGINES", "Choice", "Emulator", "cpp_files"]
