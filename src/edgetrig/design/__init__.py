"""The design: one object from model to verified hardware, and what makes one of a model."""

from edgetrig.design.compiling import compile
from edgetrig.design.design import Design
from edgetrig.design.files import SUFFIX
from edgetrig.design.target import Target

__all__ = ["SUFFIX", "Design", "Target", "compile"]
