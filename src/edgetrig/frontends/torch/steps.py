"""From operations to the steps of a model, named as the user names modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from edgetrig.frontends.integers import wrapped
from edgetrig.frontends.model import Step
from edgetrig.frontends.precision import Precision
from edgetrig.frontends.torch.handlers import handler
from edgetrig.frontends.torch.operation import Call, Operation, Reference, replaced
from edgetrig.frontends.values import Value, rearranged

_WIRING: Final = frozenset({"moved", "gathered"})
_PLACED: Final = _WIRING | {"grouped", "mapped"}
_WRAPS: Final = frozenset(
    {"_to_copy", "abs", "add", "addmm", "bmm", "cumsum", "dot", "matmul", "mm", "mul", "multiply"}
    | {"mv", "neg", "pow", "prod", "rsub", "square", "sub", "subtract", "sum", "to", "type_as"}
)
"""Operations on integers whose results may not fit their type: the bits that fit are kept."""
_RENAMED: Final = {"self": "x", "from": "start"}


def names(operations: Sequence[Operation], taken: Iterable[str]) -> dict[str, str]:
    """Return a name for each operation's step.

    A module's only operation, or the only one that computes something, has the module's path, such
    as ``layers.0``; others have their operation's name after it, numbered where it comes again:
    ``relu``, ``relu_1``, ``attention.softmax``.
    """
    main = _main(operations)
    used = Counter(taken)
    found = {}
    for operation in operations:
        word = word_of(operation)
        own = f"{operation.module}.{word}" if operation.module else word
        base = operation.module if operation.key in main else own
        name = base
        while name in used:
            name = f"{base}_{used[base]}"
            used[base] += 1
        used[name] += 1
        found[operation.key] = name
    return found


def word_of(operation: Operation) -> str:
    """Return ATen's name of what an operation was before it was placed."""
    return (operation.kind if operation.target in _PLACED else operation.target).strip("_")


def _main(operations: Sequence[Operation]) -> set[str]:
    """Return the keys of the operations that have their modules' own names."""
    inside: dict[str, list[Operation]] = {}
    for operation in operations:
        if operation.module:
            inside.setdefault(operation.module, []).append(operation)
    main: set[str] = set()
    for every in inside.values():
        working = [operation for operation in every if operation.target not in _WIRING]
        for chosen in (every, working):
            # A module that is called several times has the same operation again.
            if len({word_of(operation) for operation in chosen}) == 1:
                main.update(operation.key for operation in chosen)
                break
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
    used = {reference for operation in operations for reference in operation.references()}
    used |= bare.keys()
    for operation in operations:
        references = [*dict.fromkeys(operation.references())]
        every = (Reference(operation.key, k) for k in range(len(operation.shapes)))
        results = tuple(result for result in every if result in used)
        main = operation.target not in _PLACED and named[operation.key] == operation.module
        kind = operation.kind if main else word_of(operation)
        yield Step(
            named[operation.key],
            kind,
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
        if max((key.index for key in results), default=0) >= len(made):
            raise ValueError(f"of its results only the first {len(made)} can be used")
        if operation.target in _WRAPS:
            made = [wrapped(made[0], operation.dtypes[0])]
        return [
            _without_event_axis(made[key.index], bare[key]) if key in bare else made[key.index]
            for key in results
        ]

    return function


def _with_event_axis(value: Value, axis: int) -> Value:
    return rearranged(value, lambda v: v.reshape((*v.shape[:axis], 1, *v.shape[axis:])))


def _without_event_axis(value: Value, axis: int) -> Value:
    return rearranged(value, lambda v: v.reshape((*v.shape[:axis], *v.shape[axis + 1 :])))
