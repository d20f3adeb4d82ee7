"""From a live PyTorch module to the steps of a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edgetrig.errors import ModelError
from edgetrig.frontends.model import Model, Port
from edgetrig.frontends.torch import graph, maps, moves, scatters
from edgetrig.frontends.torch.exporting import Exported, InputShape, exported
from edgetrig.frontends.torch.handlers import handler
from edgetrig.frontends.torch.masking import masks
from edgetrig.frontends.torch.operation import Operation, Reference, Shape
from edgetrig.frontends.torch.rounding import quantizers
from edgetrig.frontends.torch.simplify import live, resolved, without_identities
from edgetrig.frontends.torch.steps import names, steps


def read_model(module: Any, inputs: Sequence[InputShape] | None = None) -> Model:
    """Read a live module, by way of `torch.export`.

    Parameters
    ----------
    module
        A `torch.nn.Module` or a `torch.export.ExportedProgram`, read as it is at inference.
    inputs
        One entry for each argument of ``forward``: the shape without the event axis (a None in it
        marks that axis where it is not the first), or one event as an array, which tells whole
        numbers from floats. May be left out where the first layer is a `torch.nn.Linear`.

    Raises
    ------
    ModelError
        If the module cannot be exported, mixes events, or has an operation that is not supported.
    """
    name = type(module).__name__
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if hasattr(module, "graph_signature"):
                inputs = inputs or _example_shapes(module)
                module = module.module()
            return _model(name, exported(module, inputs))
    except ValueError as error:
        raise ModelError(f"model '{name}': {' '.join(str(error).split())}") from error


def read_file(path: Path) -> Model:
    """Refuse PyTorch's files: reading one executes what its maker put into it.

    Raises
    ------
    ModelError
        Always; the line says what to do instead.
    """
    if path.suffix.lower() == ".pt2":
        raise ModelError(
            f"{path}: reading a .pt2 file may execute what is in it; if you trust it, pass"
            " torch.export.load(path) from Python, or export the model to ONNX"
        )
    raise ModelError(
        f"{path}: a {path.suffix} file is a Python pickle, and reading one executes what is in it;"
        " pass the live module from Python: edgetrig.compile(module, inputs=[shape]), or export it"
        " to ONNX"
    )


def _example_shapes(program: Any) -> list[InputShape]:
    """Return the shapes that a program was exported with."""
    arguments, keywords = program.example_inputs
    if keywords:
        raise ValueError("it takes keyword arguments; export it with positional ones")
    return [argument[0].numpy() for argument in arguments]


def _model(name: str, source: Exported) -> Model:
    signature = source.program.graph_signature
    ports = [
        Port(key, Reference(key), example.shape)
        for key, example in zip(signature.user_inputs, source.examples, strict=True)
    ]
    dtypes = {
        node.name: str(node.meta["val"].dtype).removeprefix("torch.")
        for node in source.program.graph_module.graph.nodes
        if node.op == "placeholder" and node.name in signature.user_inputs
    }
    operations, same = without_identities(graph.operations(source.program), dtypes)
    outputs = [(n, resolved(r, same)) for n, r in graph.output_references(source.program)]
    results = [reference for _, reference in outputs]
    operations = live([*masks(live(operations, results))], results)
    operations = live([*quantizers(operations)], results)
    for operation in operations:
        _check_support(operation)
    examples = zip(ports, source.examples, strict=True)
    bare = {Reference(port.name): example.axis for port, example in examples}
    shapes = {Reference(p.name): _whole(p.shape, bare[Reference(p.name)]) for p in ports}
    operations = live(moves.joined([*_placed(operations, shapes)]), results)
    bare.update(zip(results, source.output_axes(), strict=True))
    named = names(operations, [port.name for port in ports])
    made = tuple(steps(operations, named, bare))
    return Model(name, f"model '{name}'", tuple(ports), made, tuple(outputs))


def _check_support(operation: Operation) -> None:
    if not moves.is_move(operation) and operation.target not in maps.MAPS:
        try:
            handler("grouped" if scatters.is_scatter(operation) else operation.target)
        except ValueError as error:
            raise ValueError(f"layer '{operation.module or operation.key}': {error}") from error


def _placed(operations: Iterable[Operation], shapes: dict[Reference, Shape]) -> Iterator[Operation]:
    """Yield the operations, moves and scatters as gathers by known places."""
    for operation in operations:
        for number, shape in enumerate(operation.shapes):
            shapes[Reference(operation.key, number)] = shape
        try:
            if moves.is_move(operation):
                yield moves.as_gather(operation, [shapes[r] for r in operation.references()])
            elif scatters.is_scatter(operation):
                yield scatters.as_grouped(operation, shapes)
            elif operation.target in maps.MAPS:
                yield maps.as_product(operation, shapes[operation.x])
            else:
                yield operation
        except ValueError as error:
            raise ValueError(f"layer '{operation.module or operation.key}': {error}") from error


def _whole(shape: Shape, axis: int) -> Shape:
    """Return the shape of one event with its event axis."""
    return (*shape[:axis], 1, *shape[axis:])
