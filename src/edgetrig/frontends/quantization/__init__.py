"""Post-training quantisation: types for a float model, found from data."""

from edgetrig.frontends.quantization.fixed_type import FixedType, parse_type
from edgetrig.frontends.quantization.floating import float_outputs
from edgetrig.frontends.quantization.forests import quantize_forest
from edgetrig.frontends.quantization.post_training import quantize_model
from edgetrig.frontends.quantization.result import Quantized, Row

__all__ = [
    "FixedType",
    "Quantized",
    "Row",
    "float_outputs",
    "parse_type",
    "quantize_forest",
    "quantize_model",
]
