"""From operations to the steps of a model, named as the user names modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from edgetrig.frontends.model import Step
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.torch.handlers import handler
from edgetrig.frontends.torch.operation import Call, Operation, Reference, replaced
from edgetrig.frontends.values import Value, rearranged

_WIRING: Final = frozenset({"moved", "gathered"})
_RENAMED: Final = {"self": "x", "from": "start"}


def names(operations: Sequence[Operation], taken: Iterable[str]) -> dict[str, str]:
    """Return a name for each operation's step.

    The one operation of a module that computes something, or reads its parameters, has the module's
    path, such as ``layers.0``; others have their operation's name after it, numbered where it comes
    again: ``relu``, ``relu_1``, ``attention.softmax``.
    """
    main = _main(operations)
    used = Counter(taken)
    found = {}
    for operation in operations:
        word = operation.kind if operation.target in _WIRING else operation.target.strip("_")
        own = f"{operation.module}.{word}" if operation.module else word
        base = operation.module if main.get(operation.module) == operation.key else own
        name = f"{base}_{used[base]}" if used[base] else base
        used[base] += 1
        used[name] += name != base
        found[operation.key] = name
    return found


def _main(operations: Sequence[Operation]) -> dict[str, str]:
    """Return the key of the operation that has each module's own name."""
    working: dict[str, list[Operation]] = {}
    for operation in operations:
        if operation.module and operation.target not in _WIRING:
            working.setdefault(operation.module, []).append(operation)
    main = {}
    for module, inside in working.items():
        called = {operation.kind for operation in inside}
        if len(inside) == 1:
            main[module] = inside[0].key
        elif len(called) == 1 and len({operation.target for operation in inside}) == 1:
            main[module] = inside[0].key  # the module is called several times
    return main


def steps(
    operations: Sequence[Operation], named: Mapping[str, str], bare: Mapping[Reference, int]
) -> Iterator[Step]:
    """Yield one step for each operation.

    Parameters
    ----------
    operations
        In order.
    named
        Their steps' names.
    bare
        Inputs and outputs, which are without the event axis, and where PyTorch has that axis.
    """
    for operation in operations:
        references = [*dict.fromkeys(operation.references())]
        results = tuple(Reference(operation.key, k) for k in range(len(operation.shapes)))
        yield Step(
            named[operation.key],
            operation.kind or operation.target,
            _function(operation, references, results, bare),
            tuple(references),
            results,
        )


def _function(
    operation: Operation,
    references: Sequence[Reference],
    results: Sequence[Reference],
    bare: Mapping[Reference, int],
) -> Callable[..., Sequence[Value]]:
    arguments = {_RENAMED.get(name, name): value for name, value in operation.arguments.items()}

    def function(precision: Precision, *values: Value) -> Sequence[Value]:
        whole = [
            _with_event_axis(value, bare[key]) if key in bare else value
            for key, value in zip(references, values, strict=True)
        ]
        given = dict(zip(references, whole, strict=True))
        filled = {name: replaced(tree, given.__getitem__) for name, tree in arguments.items()}
        call = Call(precision, operation.shapes, operation.dtypes)
        made = handler(operation.target)(call, **filled)
        made = made if isinstance(made, list) else [made]
        return [
            _without_event_axis(value, bare[key]) if key in bare else value
            for key, value in zip(
                results, [*made, *[None] * (len(results) - len(made))], strict=True
            )
        ]

    return function


def _with_event_axis(value: Value, axis: int) -> Value:
    return rearranged(value, lambda v: v.reshape((*v.shape[:axis], 1, *v.shape[axis:])))


def _without_event_axis(value: Value, axis: int) -> Value:
    return rearranged(value, lambda v: v.reshape((*v.shape[:axis], *v.shape[axis + 1 :])))
