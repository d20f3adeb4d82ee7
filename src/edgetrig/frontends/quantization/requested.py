"""Types that the user asks for, by the names of layers and of the roles in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from edgetrig.errors import ModelError
from edgetrig.frontends.quantization.fixed_type import FixedType, parse_type
from edgetrig.frontends.quantization.observe import RESULT, Place, is_bias

Requested = Mapping[str, str]
"""From ``"dense_1"``, ``"dense_1.weight"``, ``"dense_*.result"``, ``"input"`` to a type."""

Key = tuple[str, str]


def requested_types(
    precision: Requested,
    places: Iterable[Place],
    inputs: Iterable[str],
    results: Collection[Key],
    exact: Collection[Key],
) -> dict[Key, FixedType]:
    """Return the types that the user asks for, by layer and role.

    ``results`` are inner values that a layer hands on as its result: they go by both names.
    ``exact`` places need no type and get one only by the layer's own name or as ``layer.result``.
    A name is a layer's, for all its roles, or ``layer.role``; ``*`` and ``?`` stand for any
    letters. "weight" means every constant of a layer but bias and scale, "input" every input of
    the model. Names without wildcards and with a role count more than others; of equals the last.

    Raises
    ------
    ModelError
        If a name fits nothing, or a type is no type.
    """
    types = {name: parse_type(text) for name, text in precision.items()}
    ports = set(inputs)
    found: dict[Key, tuple[tuple[bool, bool], FixedType]] = {}
    fitting: set[str] = set()
    spelled: list[str] = []
    for place in places:
        layers, roles = _spellings(place, ports, results)
        whole = [f"{layer}.{role}" for layer in layers for role in roles]
        spelled += [*layers, *whole]
        for name, kind in types.items():
            if (place.layer, place.role) in exact and not _means_result(name, place.layer):
                continue
            for with_role, spellings in ((True, whole), (False, layers)):
                exactly = name in spellings
                if not exactly and not any(fnmatchcase(s, name) for s in spellings):
                    continue
                fitting.add(name)
                rank = (exactly, with_role)
                key = (place.layer, place.role)
                if key not in found or found[key][0] <= rank:
                    found[key] = (rank, kind)
    for name in types:
        if name not in fitting:
            close = get_close_matches(name, dict.fromkeys(spelled), n=4, cutoff=0.4)
            raise ModelError(
                f"precision: nothing is named '{name}'; the nearest are "
                f"{', '.join(close or list(dict.fromkeys(spelled))[:4])}"
            )
    return {key: kind for key, (_, kind) in found.items()}


def _means_result(name: str, layer: str) -> bool:
    return name == layer or name.endswith(f".{RESULT}")


def _spellings(
    place: Place, ports: set[str], results: Collection[Key]
) -> tuple[list[str], list[str]]:
    layers = [place.layer, "input"] if place.layer in ports else [place.layer]
    weight = place.constant and not is_bias(place.role) and place.role != "scale"
    roles = [place.role, "weight"] if weight else [place.role]
    if (place.layer, place.role) in results:
        roles.append(RESULT)
    return layers, roles
