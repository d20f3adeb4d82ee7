"""Masks of minus infinity in front of a softmax, which are no numbers of hardware.

``softmax(masked_fill(x, drop, -inf))`` and ``softmax(x + mask)``, with 0 and -inf in the mask,
become one softmax that leaves elements out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from edgetrig.frontends.torch.operation import Operation, Reference, Weight, is_constant, values_of

_SOFTMAX: Final = frozenset({"softmax", "_softmax", "log_softmax", "_log_softmax"})


def masks(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Yield the operations with masks as the argument ``drop`` of the softmax behind them."""
    by_key = {operation.key: operation for operation in operations}
    for operation in operations:
        x = operation.x
        before = by_key.get(x.key) if isinstance(x, Reference) else None
        if operation.target not in _SOFTMAX or before is None:
            yield operation
        else:
            yield from _masked(operation, before)


def _masked(softmax: Operation, before: Operation) -> list[Operation]:
    given: Mapping[str, Any] = before.arguments
    match before.target:
        case "masked_fill" if _is_mask(given["value"]):
            return [_softmax(softmax, given["self"], given["mask"])]
        case "add" if _is_mask(given["other"]):
            return [_softmax(softmax, given["self"], _dropped(given["other"]))]
        case "baddbmm" if _is_mask(given["self"]) and given["beta"] == given["alpha"] == 1:
            operands = {"self": given["batch1"], "mat2": given["batch2"]}
            product = replace(before, key=f"{before.key}.product", target="bmm", arguments=operands)
            return [product, _softmax(softmax, Reference(product.key), _dropped(given["self"]))]
    return [softmax]


def _softmax(softmax: Operation, x: Reference, drop: Any) -> Operation:
    return replace(softmax, arguments={**softmax.arguments, "self": x, "drop": drop})


def _is_mask(value: Any) -> bool:
    """Whether a constant holds minus infinity, and 0 beside it."""
    if not is_constant(value):
        return False
    values = values_of(value)
    return bool(np.isneginf(values).any()) and not values[np.isfinite(values)].any()


def _dropped(mask: Any) -> Weight:
    return Weight(np.isneginf(values_of(mask)))
