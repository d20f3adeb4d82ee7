"""Cost: measured by Yosys, or estimated in milliseconds, under two names that never mix."""

from edgetrig.synthesis.cost import Cost, synthesize
from edgetrig.synthesis.estimate import Estimate, estimate
from edgetrig.synthesis.families import PARTS, Family, family_of

__all__ = ["PARTS", "Cost", "Estimate", "Family", "estimate", "family_of", "synthesize"]
