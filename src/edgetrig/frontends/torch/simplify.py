"""Operations that change nothing go; the straight-through estimator of training goes with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from edgetrig.frontends.torch.operation import Operation, Reference, replaced

SAME: Final = frozenset(
    {
        *("clone", "detach", "alias", "contiguous", "lift_fresh", "lift_fresh_copy", "dropout"),
        *("alpha_dropout", "feature_dropout", "native_dropout", "feature_alpha_dropout"),
        *("positive", "conj", "resolve_conj", "resolve_neg", "real"),
    }
)
"""Operations whose result is their argument."""

CASTS: Final = frozenset({"_to_copy", "to", "type_as"})
"""Operations that may change the type of numbers."""

_COMMUTATIVE: Final = frozenset({"add", "mul", "minimum", "maximum", "min", "max"})
_FLOATS: Final = frozenset({"float32", "float64"})


def without_identities(
    operations: Iterable[Operation], dtypes: Mapping[str, str]
) -> tuple[list[Operation], dict[str, Reference]]:
    """Return the operations without those that change nothing, and what these stood for.

    Parameters
    ----------
    operations
        In order.
    dtypes
        Number types of the inputs.
    """
    known: dict[Reference, str] = {Reference(key): dtype for key, dtype in dtypes.items()}
    same: dict[str, Reference] = {}
    by_key: dict[str, Operation] = {}
    kept = []
    for given in operations:
        operation = _constant_last(renamed(given, same))
        source = _identity(operation, known) or _straight_through(operation, by_key)
        if source is not None:
            same[operation.key] = source
            continue
        known.update({Reference(operation.key, k): d for k, d in enumerate(operation.dtypes)})
        by_key[operation.key] = operation
        kept.append(operation)
    return kept, same


def renamed(operation: Operation, same: Mapping[str, Reference]) -> Operation:
    """Return an operation that reads what other values stand for."""
    arguments = {
        name: replaced(value, lambda reference: resolved(reference, same))
        for name, value in operation.arguments.items()
    }
    return replace(operation, arguments=arguments)


def resolved(reference: Reference, same: Mapping[str, Reference]) -> Reference:
    """Return what a reference stands for."""
    if reference.index == 0 and reference.key in same:
        return resolved(same[reference.key], same)
    return reference


def live(operations: Sequence[Operation], outputs: Iterable[Reference]) -> list[Operation]:
    """Return the operations that an output hangs on."""
    needed = {reference.key for reference in outputs}
    kept = []
    for operation in reversed(operations):
        if operation.key in needed:
            needed.update(reference.key for reference in operation.references())
            kept.append(operation)
    return kept[::-1]


def _constant_last(operation: Operation) -> Operation:
    """Return ``x * 2`` for ``2 * x``."""
    given = operation.arguments
    if operation.target not in _COMMUTATIVE or given.get("alpha", 1) != 1 or "other" not in given:
        return operation
    x, y = given["self"], given["other"]
    if isinstance(x, Reference) or not isinstance(y, Reference):
        return operation
    return replace(operation, arguments={**given, "self": y, "other": x})


def _identity(operation: Operation, dtypes: Mapping[Reference, str]) -> Reference | None:
    """Return the argument that an operation hands on unchanged."""
    x = operation.x
    if not isinstance(x, Reference):
        return None
    before, after = dtypes[x], operation.dtypes[0]
    if operation.target in CASTS:
        numbers = before == after or (after in _FLOATS and before not in ("float16", "bfloat16"))
        return x if numbers else None
    if operation.target in SAME and not operation.arguments.get("train"):
        return x
    return None


def _straight_through(operation: Operation, by_key: Mapping[str, Operation]) -> Reference | None:
    """Return q of ``x + (q - x)`` and ``x - (x - q)``."""
    if operation.target not in ("add", "sub") or operation.arguments.get("alpha", 1) != 1:
        return None
    pairs = [(operation.arguments["self"], operation.arguments["other"])]
    if operation.target == "add":
        pairs.append(pairs[0][::-1])
    for x, difference in pairs:
        inner = by_key.get(difference.key) if isinstance(difference, Reference) else None
        if inner is None or inner.target != "sub" or inner.arguments.get("alpha", 1) != 1:
            continue
        a, b = inner.arguments["self"], inner.arguments["other"]
        if operation.target == "sub":
            a, b = b, a
        if b == x and isinstance(a, Reference):
            return a
    return None
