"""Cost and clock: measured by open tools, or estimated, under names that never mix."""

from edgetrig.synthesis.cost import Cost, synthesize
from edgetrig.synthesis.estimate import Estimate, estimate
from edgetrig.synthesis.families import PARTS, Family, family_of
from edgetrig.synthesis.route import ROUTERS, Route, route

__all__ = [
    "PARTS",
    "ROUTERS",
    "Cost",
    "Estimate",
    "Family",
    "Route",
    "estimate",
    "family_of",
    "route",
    "synthesize",
]
