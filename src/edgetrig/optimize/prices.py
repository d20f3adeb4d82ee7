"""What work costs on each family: one table for choices between forms and for the estimate.

The table, ``prices.json``, is written by ``benchmarks/mapping_costs.py`` from what Yosys maps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Final

from edgetrig.errors import Error


@dataclass(frozen=True)
class Prices:
    """Prices of one family.

    Parameters
    ----------
    luts
        LUTs, inverters and the LUTs within carry cells, for one unit of each kind of work
        (`edgetrig.optimize.KINDS`).
    sum_levels
        Levels (LUTs or carry chains) of a sum of two.
    """

    luts: Mapping[str, float]
    sum_levels: float


def _read() -> dict[str, Prices]:
    text = resources.files("edgetrig.optimize").joinpath("prices.json").read_text()
    return {
        family: Prices(MappingProxyType(row["luts"]), row["sum_levels"])
        for family, row in json.loads(text).items()
    }


PRICES: Final[Mapping[str, Prices]] = MappingProxyType(_read())
"""By family name (`edgetrig.optimize.DELAYS`)."""


def prices_of(family: str) -> Prices:
    """Return a family's prices.

    Raises
    ------
    Error
        If the family is unknown.
    """
    if family not in PRICES:
        raise Error(f"no prices for family {family!r}; known are {', '.join(PRICES)}")
    return PRICES[family]
