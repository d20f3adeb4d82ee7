"""The design: one object from model to verified hardware, and what makes one of a model."""

from edgetrig.design.compiling import compile
from edgetrig.design.design import Design
from edgetrig.design.files import SUFFIX, design_path
from edgetrig.design.summary import layer_names
from edgetrig.design.target import Target

__all__ = ["SUFFIX", "Design", "Target", "compile", "design_path", "layer_names"]
