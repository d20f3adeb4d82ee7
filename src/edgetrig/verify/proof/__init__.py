"""Proofs: what a design's Verilog computes is what was traced, for every input.

Nothing of `edgetrig.optimize` is used here, and of `edgetrig.rtl` only the names of the ports.
"""

from edgetrig.verify.proof.prove import Proof, prove

__all__ = ["Proof", "prove"]
