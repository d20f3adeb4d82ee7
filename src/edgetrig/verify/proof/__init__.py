"""Proofs: what a design's hardware text computes is what was traced, for every input.

Nothing of `edgetrig.optimize` is used here, and of `edgetrig.rtl` only the text to prove and the
names of ports.
"""

from edgetrig.verify.proof.prove import Proof, prove

__all__ = ["Proof", "prove"]
