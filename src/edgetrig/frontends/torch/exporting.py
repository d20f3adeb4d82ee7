"""A live module, exported for one event, and the proof that it keeps events apart."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import require
from edgetrig.frontends.torch.decomposing import decomposed
from edgetrig.frontends.torch.frozen import frozen_quantizers
from edgetrig.frontends.torch.operation import Shape

InputShape = Sequence[int | None] | NDArray[Any]
"""One input: its shape without the event axis (None marks that axis where it is not the first), or
an example event."""

_ADVICE: Final = (
    ("Cannot access data_ptr", "use operations of torch alone"),
    ("data-dependent", "its control flow depends on the event; use torch.where"),
    ("more than 1 value per channel", "use track_running_stats=True, and train it"),
    ("Could not guard", "its control flow depends on the event; use torch.where"),
    ("GuardOnDataDependent", "its control flow depends on the event; use torch.where"),
)


_RANDOM: Final = frozenset(
    {
        *("rand", "randn", "randint", "rand_like", "randn_like", "bernoulli", "normal", "poisson"),
        *("randperm", "multinomial", "binomial", "exponential", "geometric", "uniform", "cauchy"),
    }
)

LARGEST: Final = 1 << 25
"""Most elements of a value in one event."""


@dataclass(frozen=True)
class Exported:
    """An exported program for one event.

    Parameters
    ----------
    program
        PyTorch's exported program, free of in-place changes.
    module
        What was exported.
    examples
        What makes events for each input.
    """

    program: Any
    module: Any
    examples: tuple[Example, ...]

    def output_axes(self) -> tuple[int, ...]:
        """Return where the outputs have the event axis, once it is sure that events do not mix.

        Raises
        ------
        ValueError
            If they do.
        """
        torch = require("torch", "torch")
        with _inference(self.module), frozen_quantizers(torch, self.module):
            return _output_axes(torch, self.module, self.examples)


def exported(module: Any, inputs: Sequence[InputShape] | None) -> Exported:
    """Export a module for one event.

    Raises
    ------
    ValueError
        If shapes are missing or wrong, or the module cannot be exported.
    """
    torch = require("torch", "torch")
    number = _checked(torch, module)
    given = [Example(torch, shape) for shape in (inputs or [_guess(torch, module)])]
    with _inference(module), frozen_quantizers(torch, module):
        program = _program(torch, module, given, number)
    _check_nodes(program)
    return Exported(program, module, tuple(given))


def _program(torch: Any, module: Any, given: Sequence[Example], number: str) -> Any:
    """Return the program, for floats or, where it takes none, for whole numbers."""
    failure: Exception | None = None
    told = any(example.whole for example in given)
    for whole in (False, True):
        for example in given:
            example.number = "int64" if whole and (example.whole or not told) else number
        try:
            with redirect_stdout(StringIO()), torch.no_grad():  # where it fails it prints its graph
                one = tuple(example.tensor(1) for example in given)
                program = torch.export.export(module, one).run_decompositions({})
                return decomposed(torch, program)
        except Exception as error:  # the exporter raises whatever the module's own code does
            failure = failure or error
    raise ValueError(_one_line(failure)) from failure


class Example:
    """Makes events for one input; ``number`` is the type of its elements."""

    def __init__(self, torch: Any, given: InputShape) -> None:
        self._torch = torch
        event = None if isinstance(given, Sequence) else np.asarray(given)
        shape = tuple(given) if isinstance(given, Sequence) else tuple(np.shape(given))
        self.axis = shape.index(None) if None in shape else 0
        if shape.count(None) > 1 or not all(n is None or n > 0 for n in shape):
            raise ValueError(
                f"inputs: {shape} is not a shape of positive sizes with one None at most"
            )
        self.shape = tuple(int(n) for n in shape if n is not None)
        self.whole = event is not None and event.dtype.kind in "biu"
        self.number = "float32"

    def tensor(self, events: int) -> Any:
        """Return example events."""
        shape = (*self.shape[: self.axis], events, *self.shape[self.axis :])
        return self._torch.zeros(shape, dtype=getattr(self._torch, self.number))

    def changed(self, random: Any) -> tuple[Any, Any, Any]:
        """Return two events of random numbers, with the second one changed, and with both."""
        shape = (*self.shape[: self.axis], 2, *self.shape[self.axis :])
        draws = [random.standard_normal(shape), 64 * random.standard_normal(shape)]
        if self.number == "int64":
            draws = [random.integers(0, 2, shape) for _ in draws]
        first, other = (self._torch.from_numpy(draw.astype(self.number)) for draw in draws)
        second = first.clone()
        second.select(self.axis, 1).copy_(other.select(self.axis, 1))
        return first, second, other


def _output_axes(torch: Any, module: Any, given: Sequence[Example]) -> tuple[int, ...]:
    """Return where the outputs have the event axis, once it is sure that events do not mix."""
    random = np.random.default_rng(0)
    with torch.no_grad():
        try:
            one = _outputs(torch, module(*(example.tensor(1) for example in given)))
        except Exception as error:
            raise ValueError(_one_line(error)) from error
        try:
            pairs = [example.changed(random) for example in given]
            made = [_outputs(torch, module(*event)) for event in zip(*pairs, strict=True)]
        except Exception:
            # The module takes one event at a time: it cannot mix what it never sees together.
            if any(output.shape[:1] != (1,) for output in one):
                raise ValueError(
                    "it takes one event at a time, and its outputs have no event axis; return"
                    " y[None]"
                ) from None
            return tuple(0 for _ in one)
    axes = []
    for number, (alone, left, middle, right) in enumerate(zip(one, *made, strict=True)):
        differing = [k for k, n in enumerate(left.shape) if k >= alone.ndim or n != alone.shape[k]]
        if left.ndim != alone.ndim or len(differing) != 1 or left.shape[differing[0]] != 2:
            raise ValueError(
                f"output {number} has shape {tuple(alone.shape)} for one event and"
                f" {tuple(left.shape)} for two; keep the event axis apart"
            )
        axis = differing[0]
        for event, pair in ((0, (left, middle)), (1, (middle, right))):
            before, after = (output.select(axis, event) for output in pair)
            if torch.equal(before, after) or not torch.isfinite(before).all():
                continue
            raise ValueError(
                f"output {number} of one event changes with another event; hardware sees one event"
                " at a time (no sums, means or norms over the event axis)"
            )
        axes.append(axis)
    return tuple(axes)


def _outputs(torch: Any, tree: Any) -> list[Any]:
    from torch.utils import _pytree as pytree

    return [leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _guess(torch: Any, module: Any) -> Shape:
    """Return the shape that a first Linear layer asks for."""
    for child in module.modules():
        if type(child).__module__.startswith("torch.nn") and [*child.parameters(recurse=False)]:
            if isinstance(child, torch.nn.Linear):
                return (child.in_features,)
            break
    raise ValueError(
        "the shape of its input is unknown; give it without the event axis:"
        " edgetrig.compile(module, inputs=[(16,)])"
    )


def _checked(torch: Any, module: Any) -> str:
    """Return the type of a module's numbers, once the exporter can see what it means."""
    if not isinstance(module, torch.nn.Module):
        raise ValueError("it is no torch.nn.Module")
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError("a TorchScript module cannot be read; pass the Python module")
    for child in module.modules():
        home = type(child).__module__
        if home.startswith("torch.") and ".quantized" in home:
            raise ValueError(
                f"its {type(child).__name__} computes with quantised tensors, which torch.export"
                " does not show; export the model to ONNX with QuantizeLinear and DequantizeLinear"
            )
        if home.partition(".")[0] == "brevitas":
            raise ValueError(
                "Brevitas modules are read from QONNX: call brevitas.export.export_qonnx(module,"
                " args, path) and pass the file"
            )
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.device.type != "cpu":
            raise ValueError(f"'{name}' is on {tensor.device}; call module.cpu() first")
    found = {str(p.dtype) for p in module.parameters() if p.is_floating_point()}
    if found & {"torch.float16", "torch.bfloat16"}:
        raise ValueError("its parameters are in half precision; call module.float() first")
    return "float64" if found == {"torch.float64"} else "float32"


def _check_nodes(program: Any) -> None:
    """Refuse what is random and what is too large to be run."""
    for node in program.graph_module.graph.nodes:
        shape = getattr(node.meta.get("val"), "shape", ())
        if not all(type(size) is int for size in shape):
            raise ValueError(f"the shape of '{node.name}' depends on the event; use torch.where")
        if prod(shape) > LARGEST:
            raise ValueError(f"'{node.name}' of {prod(shape)} elements is too large")
        name = getattr(getattr(node.target, "overloadpacket", None), "__name__", "")
        if name in _RANDOM:
            raise ValueError(f"'{name}' is random; hardware computes a function")


@contextmanager
def _inference(module: Any) -> Iterator[None]:
    """Put a module into evaluation mode, and back."""
    training = [child for child in module.modules() if child.training]
    for child in training:
        child.training = False
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the exporter writes pages on what one line says here
    try:
        yield
    finally:
        logging.disable(before)
        for child in training:
            child.training = True


def _one_line(error: Exception | None) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    for sign, advice in _ADVICE:
        if sign in text or sign in type(error).__name__:
            return f"torch.export cannot follow it: {advice}"
    return f"torch.export cannot follow it: {text[:300]}"
