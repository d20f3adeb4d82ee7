"""Batch, layer, group, instance and root-mean-square normalisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import normalization as layers
from edgetrig.frontends.layers.convolution import by_image
from edgetrig.frontends.torch.operation import Call, Weight
from edgetrig.frontends.values import Value, exact

Function = Callable[..., Any]


def _values(weight: Weight | None) -> Any:
    return None if weight is None else weight.values


def batch_norm(
    call: Call,
    input: Value,
    weight: Weight | None,
    bias: Weight | None,
    running_mean: Weight | None,
    running_var: Weight | None,
    momentum: float,
    eps: float,
    **_: Any,
) -> list[Value]:
    """Trained statistics, folded into one factor and one offset for each channel (axis 1)."""
    if running_mean is None or running_var is None:
        raise ValueError(
            "it takes its statistics from the batch; use track_running_stats=True and train it"
        )
    statistics = running_mean.values, running_var.values, _values(weight), _values(bias)
    return [layers.batch_norm(exact(input), *statistics, eps, 1, call.precision)]


def instance_norm(
    call: Call,
    input: Value,
    weight: Weight | None = None,
    bias: Weight | None = None,
    running_mean: Weight | None = None,
    running_var: Weight | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    **_: Any,
) -> Value:
    """Each channel over its positions; trained statistics where the module keeps them."""
    if not use_input_stats:
        return batch_norm(
            call, input, weight, bias, running_mean, running_var, momentum=momentum, eps=eps
        )[0]
    x = exact(input)
    gamma, beta = _values(weight), _values(bias)

    def image(v: Any) -> Any:
        return layers.instance_norm(v, gamma, beta, eps, call.precision)

    return by_image(x, x.ndim - 2, image)


def group_norm(
    call: Call,
    input: Value,
    num_groups: int,
    weight: Weight | None = None,
    bias: Weight | None = None,
    eps: float = 1e-5,
    **_: Any,
) -> Value:
    """Normalise groups of channels over their positions."""
    x = exact(input)
    gamma, beta = _values(weight), _values(bias)

    def image(v: Any) -> Any:
        return layers.group_norm(v, num_groups, gamma, beta, eps, call.precision)

    return by_image(x, x.ndim - 2, image)


def layer_norm(
    call: Call,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Weight | None = None,
    bias: Weight | None = None,
    eps: float = 1e-5,
    **_: Any,
) -> list[Value]:
    """Normalise the last axes together."""
    axes = range(-len(normalized_shape), 0)
    gamma, beta = _values(weight), _values(bias)
    return [layers.layer_norm(exact(input), axes, gamma, beta, eps, call.precision)]


def rms_norm(
    call: Call,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Weight | None = None,
    eps: float | None = None,
) -> Value:
    """Divide the last axes by the root of their mean square."""
    epsilon = float(np.finfo(call.dtypes[0]).eps) if eps is None else eps
    axes = range(-len(normalized_shape), 0)
    return layers.rms_norm(exact(input), axes, _values(weight), None, epsilon, call.precision)


HANDLERS: Final[Mapping[str, Function]] = {
    "_native_batch_norm_legit_no_training": batch_norm,
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "native_layer_norm": layer_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
}
"""By ATen's names."""
