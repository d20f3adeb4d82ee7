"""Masks of minus infinity in front of a softmax, which are no numbers of hardware.

``softmax(masked_fill(x, drop, -inf))`` and ``softmax(x + mask)``, with 0 and -inf in the mask,
become one softmax that leaves elements out. A mask that the event makes, ``masked_fill(0, drop,
-inf)`` as `MultiheadAttention` writes it, becomes the truth values of what stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from edgetrig.frontends.torch.moves import is_move
from edgetrig.frontends.torch.operation import Operation, Reference, Weight, is_constant, values_of

_SOFTMAX: Final = frozenset({"softmax", "_softmax", "log_softmax", "_log_softmax"})


def masks(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Yield the operations with masks as the argument ``drop`` of the softmax behind them.

    What an attention adds to its scores, and is no mask, becomes its argument ``bias``.
    """
    by_key = {operation.key: operation for operation in operations}
    keeps: set[str] = set()  # values that are 1 where an element takes part
    for operation in operations:
        x = operation.x
        before = by_key.get(x.key) if isinstance(x, Reference) else None
        if _makes_mask(operation, by_key):
            keeps.add(operation.key)
            yield _opposite(operation.arguments["mask"], operation, operation.key)
        elif operation.target in _SOFTMAX and before is not None:
            yield from _masked(operation, before, keeps)
        elif operation.target == "scaled_dot_product_attention":
            yield _attention(operation, by_key, keeps)
        else:
            if before is not None and before.key in keeps and is_move(operation):
                keeps.add(operation.key)
            yield operation


def _makes_mask(operation: Operation, by_key: Mapping[str, Operation]) -> bool:
    """Whether an operation puts -inf into zeros where the event says so."""
    if operation.target != "masked_fill":
        return False
    zeros, drop, value = (operation.arguments[name] for name in ("self", "mask", "value"))
    empty = is_constant(zeros) and not values_of(zeros).any()
    if not empty or not isinstance(drop, Reference) or not is_constant(value):
        return False
    made = by_key.get(drop.key)
    alike = made is not None and made.shapes[drop.index] == operation.shapes[0]
    return alike and bool(np.isneginf(values_of(value)).all())


def _opposite(x: Reference, like: Operation, key: str) -> Operation:
    """Return an operation that turns truth values round."""
    return replace(like, key=key, target="logical_not", arguments={"self": x}, dtypes=("bool",))


def _attention(operation: Operation, by_key: Mapping[str, Operation], keeps: set[str]) -> Operation:
    mask = operation.arguments["attn_mask"]
    if not isinstance(mask, Reference) or mask.key in keeps:
        return operation
    made = by_key.get(mask.key)
    if made is not None and made.dtypes[mask.index] == "bool":
        return operation
    return replace(operation, arguments={**operation.arguments, "attn_mask": None, "bias": mask})


def _masked(softmax: Operation, before: Operation, keeps: set[str]) -> list[Operation]:
    given: Mapping[str, Any] = before.arguments

    def dropping(x: Any, mask: Any, *others: Operation) -> list[Operation]:
        if is_constant(mask):
            return [*others, _softmax(softmax, x, Weight(np.isneginf(values_of(mask))))]
        drop = _opposite(mask, before, f"{before.key}.drop")
        shape = (np.broadcast_shapes(*before.shapes),)
        return [*others, replace(drop, shapes=shape), _softmax(softmax, x, Reference(drop.key))]

    def masking(value: Any) -> bool:
        return _is_mask(value) or (isinstance(value, Reference) and value.key in keeps)

    match before.target:
        case "masked_fill" if _is_mask(given["value"]):
            return [_softmax(softmax, given["self"], given["mask"])]
        case "add" if masking(given["other"]):
            return dropping(given["self"], given["other"])
        case "baddbmm" if masking(given["self"]) and given["beta"] == given["alpha"] == 1:
            operands = {"self": given["batch1"], "mat2": given["batch2"]}
            product = replace(before, key=f"{before.key}.product", target="bmm", arguments=operands)
            return dropping(Reference(product.key), given["self"], product)
    return [softmax]


def _softmax(softmax: Operation, x: Reference, drop: Any) -> Operation:
    return replace(softmax, arguments={**softmax.arguments, "self": x, "drop": drop})


def _is_mask(value: Any) -> bool:
    """Whether a constant holds minus infinity, and 0 beside it."""
    if not is_constant(value):
        return False
    values = values_of(value)
    return bool(np.isneginf(values).any()) and not values[np.isfinite(values)].any()
