"""Bit-exact emulation: the circuit on many events at once."""

from edgetrig.emulate.emulator import ENGINES, Choice, Emulator

__all__ = ["ENGINES", "Choice", "Emulator"]
