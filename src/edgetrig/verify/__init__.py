"""The judge: simulated hardware, emulator and an independent reference, held to the same bits."""

from edgetrig.verify.check import Verification, check_balance, verify
from edgetrig.verify.proof import Proof, prove
from edgetrig.verify.reference import evaluate
from edgetrig.verify.simulation import SIMULATORS, lint, simulate, simulate_text
from edgetrig.verify.vectors import make_vectors

__all__ = [
    "SIMULATORS",
    "Proof",
    "Verification",
    "check_balance",
    "evaluate",
    "lint",
    "make_vectors",
    "prove",
    "simulate",
    "simulate_text",
    "verify",
]
