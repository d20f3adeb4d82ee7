"""PyTorch's fake-quantisation modules as they are after training.

Their ``forward`` looks at flags in buffers, which `torch.export` cannot follow, and may still
observe. While a module is exported, each of them is the fixed function that its scale makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def frozen_quantizers(torch: Any, module: Any) -> Iterator[None]:
    """Let every fake quantiser below a module be a fixed function of its argument."""
    found = [
        child
        for child in module.modules()
        if any(base.__name__ == "FakeQuantizeBase" for base in type(child).__mro__)
        and hasattr(child, "scale")
    ]
    for child in found:
        child.__dict__["forward"] = _fixed(torch, child)
    try:
        yield
    finally:
        for child in found:
            del child.__dict__["forward"]


def _fixed(torch: Any, child: Any) -> Callable[[Any], Any]:
    bounds = (
        int(child.activation_post_process.quant_min),
        int(child.activation_post_process.quant_max),
    )
    if not bool(child.fake_quant_enabled[0]):
        return lambda x: x
    if child.scale.numel() > 1:
        axis = int(child.ch_axis)
        scale, zero = child.scale.detach(), child.zero_point.to(torch.int32)
        return lambda x: torch.fake_quantize_per_channel_affine(x, scale, zero, axis, *bounds)
    step, first = float(child.scale), int(child.zero_point)
    return lambda x: torch.fake_quantize_per_tensor_affine(x, step, first, *bounds)
