"""Convolutions and pooling: PyTorch's channels-first arrays, handed on channels last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from edgetrig.frontends.layers import convolution as layers
from edgetrig.frontends.layers import pooling
from edgetrig.frontends.layers.inner import divided
from edgetrig.frontends.torch.handlers.scales import keeps_scales, scaled_sums, selecting
from edgetrig.frontends.torch.operation import Call, Weight
from edgetrig.frontends.values import Value, exact, rearranged

Function = Callable[..., Any]
Sizes = Sequence[int] | int


def pairs(value: Sizes | None, axes: int) -> tuple[int, ...]:
    """Return one number for each axis."""
    if value is None:
        return ()
    if isinstance(value, int):
        return (value,) * axes
    return tuple(value) * axes if len(value) == 1 else tuple(value)


def convolution(axes: int) -> Function:
    """Return the handler of a convolution over some axes."""

    def handler(
        call: Call,
        input: Value,
        weight: Weight,
        bias: Weight | None = None,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Value:
        keeps = keeps_scales(input, weight)
        order = (*range(2, axes + 2), 1, 0)
        kernel = weight.values.transpose(order) if keeps else call.kernel(weight, order)
        reach = [(k - 1) * d for k, d in zip(kernel.shape, pairs(dilation, axes), strict=False)]
        if padding == "same":
            pads = [(r // 2, r - r // 2) for r in reach]
        elif isinstance(padding, str):
            pads = [(0, 0)] * axes
        else:
            pads = [(p, p) for p in pairs(padding, axes)]

        def sums(v: Any, kernel: Any) -> Any:
            return layers.convolution(
                v,
                kernel,
                strides=pairs(stride, axes),
                padding=pads,
                dilation=pairs(dilation, axes),
                groups=groups,
            )

        def whole(v: Any, codes: Any) -> Any:
            return layers.by_image(v, axes, lambda image: sums(image, codes.transpose(order)))

        if keeps:
            return scaled_sums(input, weight, bias, -1 - axes, whole)
        offset = 0.0 if bias is None else call.weight(bias, "bias")
        return layers.by_image(exact(input), axes, lambda image: sums(image, kernel) + offset)

    return handler


def transposed_convolution(axes: int) -> Function:
    """Return the handler of a transposed convolution over some axes."""

    def handler(
        call: Call,
        input: Value,
        weight: Weight,
        bias: Weight | None = None,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> Value:
        kernel = call.weight(Weight(_grouped_kernel(weight.values, groups)), "kernel")
        extra = pairs(output_padding, axes)
        cut = [(p, p - o) for p, o in zip(pairs(padding, axes), extra, strict=True)]
        offset = 0.0 if bias is None else call.weight(bias, "bias")

        def image(v: Any) -> Any:
            return offset + layers.transposed_convolution(
                v,
                kernel,
                strides=pairs(stride, axes),
                padding=cut,
                dilation=pairs(dilation, axes),
                groups=groups,
            )

        return layers.by_image(exact(input), axes, image)

    return handler


def _grouped_kernel(kernel: Any, groups: int) -> Any:
    """Return (channels, filters // groups, *window) as (*window, channels // groups, filters)."""
    channels, filters, *window = kernel.shape
    parts = kernel.reshape((groups, channels // groups, filters, *window))
    axes = (*range(3, 3 + len(window)), 1, 0, 2)
    return parts.transpose(axes).reshape((*window, channels // groups, groups * filters))


def by_channel(x: Value, axes: int, function: Callable[[Any], Value]) -> Value:
    """Apply a function of (*positions, channels) that treats channels alike: events' too."""
    x = exact(x)
    outer = x.shape[: x.ndim - axes]
    image = np.moveaxis(x.reshape((-1, *x.shape[x.ndim - axes :])), 0, -1)

    def back(v: Any) -> Any:
        return np.moveaxis(v, -1, 0).reshape((*outer, *v.shape[:-1]))

    return rearranged(function(image), back)


def max_pool(axes: int) -> Function:
    """Return the handler of maximum pooling over some axes."""

    def handler(
        call: Call,
        x: Value,
        kernel_size: Sizes,
        stride: Sizes = (),
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
    ) -> list[Value]:
        window = pairs(kernel_size, axes)
        strides = pairs(stride, axes) or window
        pads = [(p, p) for p in pairs(padding, axes)]

        def image(v: Any) -> Any:
            return pooling.max_pool(v, window, strides, pads, pairs(dilation, axes), ceil_mode)

        return [selecting(x, axes, lambda v: by_channel(v, axes, image))]

    return handler


def average_pool(axes: int) -> Function:
    """Return the handler of average pooling over some axes."""

    def handler(
        call: Call,
        x: Value,
        kernel_size: Sizes,
        stride: Sizes = (),
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Value:
        window = pairs(kernel_size, axes)
        strides = pairs(stride, axes) or window
        pads = [(p, p) for p in pairs(padding, axes)]

        def image(v: Any) -> Value:
            if divisor_override is None:
                options = {"ceil_mode": ceil_mode, "count_padding": count_include_pad}
                return pooling.average_pool(
                    v, window, strides, pads, None, **options, precision=call.precision
                )
            total = pooling.sum_pool(v, window, strides, pads, None, ceil_mode)
            return divided(total, divisor_override, call.precision)

        return by_channel(x, axes, image)

    return handler


def _adaptive(axes: int, average: bool) -> Function:
    """Return the handler of pooling to a given size, which must divide the array's."""

    def handler(call: Call, x: Value, output_size: Sizes) -> list[Value]:
        sizes = exact(x).shape[-axes:]
        wanted = pairs(output_size, axes)
        if any(size % want for size, want in zip(sizes, wanted, strict=True)):
            raise ValueError(
                f"adaptive pooling of {sizes} to {wanted} has windows of several sizes; "
                "use sizes that divide"
            )
        window = tuple(size // want for size, want in zip(sizes, wanted, strict=True))

        def image(v: Any) -> Value:
            if average:
                return pooling.average_pool(v, window, window, precision=call.precision)
            return pooling.max_pool(v, window, window)

        return [by_channel(x, axes, image)]

    return handler


HANDLERS: Final[Mapping[str, Function]] = {
    **{f"conv{n}d": convolution(n) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": transposed_convolution(n) for n in (1, 2, 3)},
    **{f"max_pool{n}d": max_pool(n) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": max_pool(n) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": average_pool(n) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": _adaptive(n, average=True) for n in (1, 2, 3)},
    **{f"_adaptive_avg_pool{n}d": _adaptive(n, average=True) for n in (2, 3)},
    **{f"adaptive_max_pool{n}d": _adaptive(n, average=False) for n in (1, 2, 3)},
}
"""By ATen's names."""
