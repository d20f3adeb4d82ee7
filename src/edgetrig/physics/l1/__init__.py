"""Level-1 trigger objects: hardware integers with their formats."""

from edgetrig.physics.l1.formats import CMS
from edgetrig.physics.l1.quantity import ObjectType, Quantity

__all__ = ["CMS", "ObjectType", "Quantity"]
