"""Columns of codes: one for each field of each trigger object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from edgetrig.physics.l1.formats import CMS
from edgetrig.physics.l1.quantity import ObjectType, Quantity


def smallest(quantity: Quantity) -> np.dtype[Any]:
    """Return the smallest type of integers that holds every code of a field."""
    kinds = "bhilq" if quantity.lowest < 0 else "BHILQ"
    fits = (np.iinfo(kind) for kind in kinds)
    return next(i.dtype for i in fits if i.min <= quantity.lowest and i.max >= quantity.highest)


def code_columns(
    types: Mapping[str, ObjectType] = CMS,
) -> dict[str, tuple[ObjectType, Quantity]]:
    """Return what each column holds, by its name."""
    return {
        kind.column(quantity.name): (kind, quantity)
        for kind in types.values()
        for quantity in kind.quantities
    }


def kinds_of(columns: Iterable[str], types: Mapping[str, ObjectType] = CMS) -> list[ObjectType]:
    """Return the types of which columns are present."""
    known = code_columns(types)
    names = {known[column][0].name for column in columns if column in known}
    return [kind for kind in types.values() if kind.name in names]
