"""From an ONNX file or a live ONNX model to the steps of a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgetrig.errors import ModelError
from edgetrig.frontends.model import Model, Port
from edgetrig.frontends.onnx.build import Built, NodeError, build, output_key
from edgetrig.frontends.onnx.events import check_events
from edgetrig.frontends.onnx.graph import Graph, GraphInput, read_graph
from edgetrig.frontends.onnx.learned import written_out
from edgetrig.frontends.onnx.load import load_file
from edgetrig.frontends.onnx.operators import MOVERS
from edgetrig.frontends.onnx.shortcuts import shortened
from edgetrig.frontends.onnx.trees import forest_in
from edgetrig.frontends.scales.quantized import EXTRA
from edgetrig.frontends.trees.forest import Forest

_BAKED: Final = 4096
"""From here on the fixed size of the inputs' first axis is that of a batch, not the event's."""


def read_file(path: Path) -> Model | Forest:
    """Read an ``.onnx`` file; nothing in it is executed.

    Raises
    ------
    ModelError
        If the file is damaged, or an operator is not supported; the line names the node.
    """
    return _read(load_file(path), str(path), path.stem)


def read_model(model: Any) -> Model | Forest:
    """Read a live ``onnx.ModelProto``, or what holds one as ``model`` (QONNX' ``ModelWrapper``)."""
    proto: Any = model if hasattr(model, "opset_import") else getattr(model, "model", None)
    if not hasattr(proto, "opset_import"):
        raise ModelError(f"cannot compile a {type(model).__name__}: it holds no ONNX model")
    name = str(proto.graph.name or "model")
    return _read(proto, f"model '{name}'", name)


def _read(proto: Any, where: str, name: str) -> Model | Forest:
    try:
        graph = read_graph(proto)
        if (forest := forest_in(graph)) is not None:
            return forest
        graph, notes = written_out(graph)
        graph = shortened(graph)
        whole, built = _steps(graph)
        inputs = [_port(given, whole) for given in graph.inputs]
        return Model(
            graph.name or name,
            where,
            tuple(inputs),
            tuple(built.steps),
            tuple((name, output_key(name)) for name in graph.outputs if name in built.shapes),
            (*notes, *_notes(graph, built)),
        )
    except NodeError as error:
        line = f"layer '{error.node.name}' ({error.node.kind}): {error}"
        raise ModelError(f"{where}: {' '.join(line.split())}") from error
    except ModelError as error:  # of the trees
        raise ModelError(f"{where}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where}: {' '.join(str(error).split())}") from error


def _steps(graph: Graph) -> tuple[bool, Built]:
    """Return whether inputs are one event as a whole, and the steps for one event.

    The first axis of the inputs is the events' if its size is not fixed, 1, or absurd (exporters
    bake the batch's in). Where it is fixed to 1 and the outputs do not keep it, it belongs to the
    event.
    """
    firsts = [given.sizes[0] if given.sizes else 0 for given in graph.inputs]
    if not graph.inputs:
        raise ValueError("it has no inputs")
    if all(size == firsts[0] and size is not None and size >= _BAKED for size in firsts):
        firsts = [None] * len(firsts)
    if not all(size is None or size == 1 for size in firsts):
        return True, _checked(graph, build(graph, 1, whole=True))
    built = _checked(graph, build(graph, 1, whole=False))
    if None in firsts:
        try:
            two = build(graph, 2, whole=False)
        except ValueError:  # it is written for one event alone
            two = None
        if two is not None:
            check_events(graph, built, two)
    kept = all(built.shapes[name][:1] == (1,) for name in graph.outputs if name in built.shapes)
    if kept:
        return False, built
    if None in firsts:
        raise ValueError("an output does not have its events along the first axis")
    return True, _checked(graph, build(graph, 1, whole=True))


def _checked(graph: Graph, built: Built) -> Built:
    """Return what was built, if it computes something; constant outputs are left out."""
    for name in {given.name for given in graph.inputs} & {*graph.outputs}:
        raise ValueError(f"output '{name}' is an input; nothing is computed")
    if all(name in built.known for name in graph.outputs):
        raise ValueError("no output depends on the inputs")
    return built


def _notes(graph: Graph, built: Built) -> Iterator[str]:
    """Yield a line for each input that is quantised by a scale that is no power of two."""
    waiting = {given.name: given.name for given in graph.inputs}
    for entry in graph.entries:
        first = entry.arguments[0] if entry.arguments else ""
        if first not in waiting:
            continue
        if entry.node.kind in MOVERS:
            waiting |= dict.fromkeys(entry.results, waiting[first])
        elif entry.node.kind in ("IntQuant", "Quant", "QuantizeLinear"):
            scale = np.asarray(built.known[entry.arguments[1]].real, np.float64)
            if (np.frexp(scale)[0] != 0.5).any():
                yield (
                    f"input {waiting[first]}: quantised by a scale of {scale.ravel()[0]:g}, no"
                    f" power of two; its port has {EXTRA} bits behind it, rounded in hardware"
                )


def _port(given: GraphInput, whole: bool) -> Port:
    sizes = given.sizes if whole else given.sizes[1:]
    return Port(given.name, given.name, tuple(n for n in sizes if n is not None))
