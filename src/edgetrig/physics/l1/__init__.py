"""Level-1 trigger objects: hardware integers with their formats, simulated or read from files.

`generate_l1` makes crossings with Pythia 8 (``processes``, ``source``, ``detector``, ``pool``),
lays them over each other (``overlay``, ``crossing``) and finds objects (``calorimeter``, ``muons``,
``sums``). `read_l1` reads what others have made.
"""

from edgetrig.physics.l1.formats import CMS
from edgetrig.physics.l1.generate import L1Summary, generate_l1
from edgetrig.physics.l1.pool import make_pool
from edgetrig.physics.l1.processes import PROCESSES
from edgetrig.physics.l1.quantity import ObjectType, Quantity
from edgetrig.physics.l1.read import contents_l1, read_l1

__all__ = [
    "CMS",
    "PROCESSES",
    "L1Summary",
    "ObjectType",
    "Quantity",
    "contents_l1",
    "generate_l1",
    "make_pool",
    "read_l1",
]
