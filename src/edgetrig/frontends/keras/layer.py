"""One layer of a model file: its configuration, its weights, its quantisers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.keras.archive import Variables
from edgetrig.frontends.keras.quantizers import read_quantizer
from edgetrig.frontends.precision import AS_IS, Precision
from edgetrig.frontends.quantizer import Quantizer
from edgetrig.frontends.values import Value, exact, quantized

LIBRARIES = ("hgq>", "hgq2>")
"""How HGQ2 registers its layers, now and in older versions."""

_ROLES = {"kq": "kernel", "rkq": "recurrent", "bq": "bias"}


@dataclass(frozen=True)
class Layer:
    """A layer as the file describes it.

    ``kind`` is the class name, ``module`` where that class lives, ``registered`` the name under
    which a library outside Keras registered it (None for Keras' own). ``precision`` rounds what the
    layer does not quantise itself.
    """

    name: str
    kind: str
    module: str
    registered: str | None
    config: Mapping[str, Any]
    variables: Variables
    precision: Precision = AS_IS

    def error(self, message: str) -> ModelError:
        """Return a one-line error that names the file and this layer."""
        where = f"{self.variables.where}: layer '{self.name}' ({self.kind})"
        return ModelError(f"{where}: {' '.join(message.split())}")

    @property
    def is_operation(self) -> bool:
        """Whether it is a function of `keras.ops`."""
        return self.module.startswith("keras.src.ops")

    @property
    def policy(self) -> str | None:
        """The number type that the layer computes in, None if the file does not say."""
        policy = self.config.get("dtype")
        name = policy["config"]["name"] if isinstance(policy, dict) else policy
        return None if name is None else str(name)

    @property
    def is_float32(self) -> bool:
        """Whether the layer computes in float32."""
        return self.policy in (None, "float32")

    def inside(self, entry: Mapping[str, Any], *names: str) -> Layer:
        """Return a layer that this one holds, from its entry in the configuration."""
        return replace(read_layer(entry, self.variables.at(*names)), precision=self.precision)

    def part(self, name: str, config: Mapping[str, Any]) -> Layer:
        """Return a layer that this one makes itself and saves under a name."""
        return replace(self, variables=self.variables.at(name), config=config)

    def weight(self, index: int, shape: tuple[int, ...] | None = None) -> NDArray[np.float32]:
        """Return variable ``index`` as float32, of the given shape.

        Raises
        ------
        ModelError
            If it is missing, not finite, or of another shape.
        """
        values = self.variables.read(index)
        if shape is not None and values.shape != shape:
            raise self.error(f"weight {index} has shape {values.shape}, expected {shape}")
        if values.dtype != np.float32:
            raise self.error(f"weight {index} is {values.dtype}; only float32 models are exact")
        return values

    def quantizer(
        self, place: str, *, events: bool = True, switched: bool = True
    ) -> Quantizer | None:
        """Return the quantiser ``iq``, ``kq``, ``bq``, ``oq``, ...; None if it is off.

        ``events`` tells whether its bit widths have an event axis (weights' do not), ``switched``
        whether ``iq`` and ``oq`` are switched by ``enable_iq`` and ``enable_oq``.
        """
        description = self.config.get(f"{place}_conf")
        if switched and place in ("iq", "oq") and not self.config.get(f"enable_{place}"):
            return None
        if description is None:
            return None
        return read_quantizer(description, self.variables.at(place), events=events)

    def fixed(self, value: Value) -> Any:
        """Return an exact array: ``value`` through this layer, which is a ``Quantizer`` itself."""
        return quantized(value, read_quantizer(self.config["config"], self.variables, events=True))

    def quantized(self, value: Value, place: str = "iq") -> Any:
        """Return an exact array: ``value`` through the quantiser at ``place``, if there is one."""
        return exact(self.shifted(value, place))

    def shifted(self, value: Value, place: str = "iq") -> Any:
        """Return the same, but leave the offset of a normalised input to be added later."""
        return quantized(value, self.quantizer(place))

    def quantized_weight(self, values: NDArray[np.float32], place: str) -> NDArray[np.float64]:
        """Return weights through the quantiser at ``place``, if there is one."""
        quantizer = self.quantizer(place, events=False)
        if quantizer is None:
            return self.precision.weight(values, _ROLES[place])
        return quantizer.weights(values)


def read_layer(entry: Mapping[str, Any], variables: Variables) -> Layer:
    """Return the layer that one ``{"class_name": ..., "config": ...}`` entry describes."""
    config = entry["config"]
    return Layer(
        name=str(entry.get("name") or config.get("name") or entry["class_name"]),
        kind=str(entry["class_name"]),
        module=str(entry.get("module")),
        registered=entry.get("registered_name"),
        config=config,
        variables=variables,
    )
