"""Passes from circuit to circuit that keep every output bit."""

from edgetrig.optimize.matrices import constant_matrices

__all__ = ["constant_matrices"]
