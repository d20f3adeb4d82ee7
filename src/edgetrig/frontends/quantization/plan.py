"""What may be chosen: the places of a model that get types, and what a bit of each costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgetrig.frontends.model import Constant, Model
from edgetrig.frontends.model import Key as Flow
from edgetrig.frontends.quantization.fixed import Fixed, FixedInput
from edgetrig.frontends.quantization.fixed_type import WIDEST, FixedType
from edgetrig.frontends.quantization.observe import RESULT, Record, Replaced, is_bias
from edgetrig.frontends.quantization.ranges import Rule, type_for

Key = tuple[str, str]
"""Layer and role."""

Widths = Mapping[Key, int]
"""Bits of the places that are searched."""

_BIAS_BITS = 2
"""Bits that a bias has behind the last one of what it is added to."""


@dataclass
class Plan:
    """Places that get types.

    Parameters
    ----------
    model
        The model.
    record
        What was seen at its places.
    active
        Places that get a type.
    given
        Types that the user asked for.
    replaced
        Constants after folding.
    rule
        How ranges are chosen.
    table_bits
        Most bits of a table's argument.
    """

    model: Model
    record: Record
    active: tuple[Key, ...]
    given: Mapping[Key, FixedType]
    replaced: Replaced
    rule: Rule
    table_bits: int
    _types: dict[tuple[Key, int], FixedType] = field(default_factory=dict)

    @property
    def searched(self) -> tuple[Key, ...]:
        """Places whose widths are free."""
        return tuple(key for key in self.active if key not in self.given and not is_bias(key[1]))

    def uniform(self, bits: int) -> dict[Key, int]:
        """Return one width for all; the arguments of tables have no more than `table_bits`."""
        return {key: min(bits, self.most(key)) for key in self.searched}

    def most(self, key: Key) -> int:
        """Return the most bits that a place may have."""
        return self.table_bits if self.record.places[key].function is not None else WIDEST

    def types(self, widths: Widths) -> dict[Key, FixedType]:
        """Return the type of every active place."""
        types = {
            key: self.given[key] if key in self.given else self._type(key, widths[key])
            for key in self.active
            if key in self.given or key in widths
        }
        for layer, role in self.active:
            if is_bias(role) and (layer, role) not in types:
                types[layer, role] = self._bias((layer, role), types)
        return types

    def _type(self, key: Key, bits: int) -> FixedType:
        if (key, bits) not in self._types:
            self._types[key, bits] = type_for(self.record.places[key], bits, self.rule)
        return self._types[key, bits]

    def _bias(self, bias: Key, types: Mapping[Key, FixedType]) -> FixedType:
        """Return a bias' type: a little finer than the sums that it is part of."""
        own = {key: kind for key, kind in types.items() if key[0] == bias[0]}
        sums = [
            int(kind.fraction.max())
            for key, kind in own.items()
            if not self.record.places[key].constant
        ]
        constants = [int(kind.fraction.max()) + 4 for kind in own.values()]
        fraction = max(sums or constants or [12]) + _BIAS_BITS
        place = self.record.places[bias]
        signed = (place.low < 0).astype(np.int64)
        top = np.maximum(np.maximum(place.high, -place.low), np.ldexp(1.0, -fraction))
        integer = np.floor(np.log2(top)).astype(np.int64) + 1
        integer = np.clip(integer, -fraction, WIDEST - fraction - 1)
        shape = () if len(integer) == 1 else integer.shape
        return FixedType(
            signed.reshape(shape), integer.reshape(shape), np.full(shape, fraction, np.int64)
        )

    def precisions(self, types: Mapping[Key, FixedType]) -> dict[str, Fixed]:
        """Return the precision of every layer and input."""
        by_layer: dict[str, dict[str, FixedType]] = {}
        for (layer, role), kind in types.items():
            by_layer.setdefault(layer, {})[role] = kind
        ports = {port.name for port in self.model.inputs}
        names = [*ports, *(step.name for step in self.model.steps)]
        return {
            name: (FixedInput if name in ports else Fixed)(
                by_layer.get(name, {}), self.replaced.get(name)
            )
            for name in names
        }

    def first_step(self, layer: str) -> int:
        """Return the number of the first step that a layer's types reach; -1 for an input."""
        if any(port.name == layer for port in self.model.inputs):
            return -1
        return next(n for n, step in enumerate(self.model.steps) if step.name == layer)

    # ---- cost -----------------------------------------------------------------------------------

    def savings(self, widths: Widths) -> dict[Key, float]:
        """Return what one bit less of each place saves, about, in one-bit products."""
        types = self.types(widths)
        bits = {key: kind.width for key, kind in types.items()}
        savings = {key: float(self.record.places[key].size) for key in self.searched}
        sources: dict[Flow, frozenset[Key]] = {
            port.key: frozenset({(port.name, RESULT)} & bits.keys()) for port in self.model.inputs
        }
        for step in self.model.steps:
            before = frozenset[Key]().union(
                *(sources[a] for a in step.arguments if not isinstance(a, Constant))
            )
            products = self._products(step.name)
            width = max((bits[key] for key in before), default=1)
            weights = [key for key in bits if key[0] == step.name and self._is_kernel(key)]
            for key in weights:
                if key in savings:
                    savings[key] += products * width
            factor = max((bits[key] for key in weights), default=0)
            for key in before & savings.keys():
                savings[key] += products * factor
            result = frozenset({self.record.result(step.name)} & bits.keys()) or before
            sources.update(dict.fromkeys(step.results, result))
        for key in self.searched:  # half a table goes with every bit of its argument
            if self.record.places[key].function is not None:
                savings[key] += self.record.places[key].size * 2.0 ** max(widths[key] - 7, 0) * 8
        return savings

    def _products(self, layer: str) -> float:
        """Return about how many products a layer has: its outputs times the weights of one."""
        result = self.record.places.get(self.record.result(layer))
        made = result.size if result is not None else 0
        total = 0.0
        for key, place in self.record.places.items():
            if key[0] == layer and self._is_kernel(key):
                channels = place.shape[-1] if place.shape else 1
                total += place.size / channels * max(made, channels)
        return total

    def _is_kernel(self, key: Key) -> bool:
        return self.record.places[key].constant and not is_bias(key[1])
