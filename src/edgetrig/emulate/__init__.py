"""Bit-exact emulation: the circuit on many events at once."""

from edgetrig.emulate.emulator import Emulator

__all__ = ["Emulator"]
