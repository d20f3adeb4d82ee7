"""Passes from circuit to circuit that keep every output bit."""

from edgetrig.optimize.carry_cells import carry_cells
from edgetrig.optimize.clips import clips_last
from edgetrig.optimize.comparisons import comparisons
from edgetrig.optimize.cones import small_cones
from edgetrig.optimize.counters import counters
from edgetrig.optimize.delays import DELAYS, Delays, delays_of
from edgetrig.optimize.distances import distances_once
from edgetrig.optimize.fabric import FABRICS, Fabric, fabric_of
from edgetrig.optimize.hardware import (
    cheapest,
    for_hardware,
    forms_without_cones,
    luts_and_registers,
    table_forms,
)
from edgetrig.optimize.lut_cover import lut_cover
from edgetrig.optimize.matrices import TERNARY_STAGE, constant_matrices
from edgetrig.optimize.narrow import narrow
from edgetrig.optimize.passes import FOR_EMULATION, PASSES, optimize
from edgetrig.optimize.paths import cycles_needed, slowest_row
from edgetrig.optimize.pipeline import pipeline, stage_delay
from edgetrig.optimize.prices import PRICES, Prices, prices_of
from edgetrig.optimize.registered import registered
from edgetrig.optimize.row_costs import row_luts
from edgetrig.optimize.simplify import simplify
from edgetrig.optimize.ternary import TERNARY_FAMILIES, ternary_sums
from edgetrig.optimize.thresholds import threshold_tables
from edgetrig.optimize.upper_bits import upper_bits_once
from edgetrig.optimize.work import KINDS, work

__all__ = [
    "DELAYS",
    "FABRICS",
    "FOR_EMULATION",
    "KINDS",
    "PASSES",
    "PRICES",
    "TERNARY_FAMILIES",
    "TERNARY_STAGE",
    "Delays",
    "Fabric",
    "Prices",
    "carry_cells",
    "cheapest",
    "clips_last",
    "comparisons",
    "constant_matrices",
    "counters",
    "cycles_needed",
    "delays_of",
    "distances_once",
    "fabric_of",
    "for_hardware",
    "forms_without_cones",
    "lut_cover",
    "luts_and_registers",
    "narrow",
    "optimize",
    "pipeline",
    "prices_of",
    "registered",
    "row_luts",
    "simplify",
    "slowest_row",
    "small_cones",
    "stage_delay",
    "table_forms",
    "ternary_sums",
    "threshold_tables",
    "upper_bits_once",
    "work",
]
