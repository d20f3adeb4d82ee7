"""From an exported program to a list of operations; what hangs on no input is computed at once."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from edgetrig.errors import require
from edgetrig.frontends.torch.operation import Operation, Reference, Weight

IGNORED: Final = ("_assert_tensor_metadata", "_assert_scalar", "sym_constrain_range")
"""Checks that the exporter writes down."""

SHAPES_ONLY: Final = ("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")
"""Operations that look at no element of their argument."""

LARGEST: Final = 1 << 26
"""Most elements of a constant."""


def operations(program: Any) -> Iterator[Operation]:
    """Yield the operations of an exported program in the order of their data flow.

    Raises
    ------
    ValueError
        If an operation is none of ATen's, or a constant is too large.
    """
    torch = require("torch", "torch")
    values: dict[Any, Any] = _placeholders(program)
    scales: dict[int, Any] = {}
    for node in program.graph_module.graph.nodes:
        if node.op in ("placeholder", "output"):
            continue
        if node.op == "get_attr":
            values[node] = getattr(program.graph_module, node.target)
            continue
        if node.target is operator.getitem:
            source = values[node.args[0]]
            index = node.args[1]
            known = not isinstance(source, Reference)
            values[node] = source[index] if known else Reference(source.key, index)
            continue
        target = _target(node)
        if target in IGNORED:
            continue
        arguments = _bound(torch, node, values)
        if target in SHAPES_ONLY or not any(map(_depends, arguments.values())):
            values[node] = _computed(torch, node, arguments)
            if target.startswith("fake_quantize_per_"):
                scales[id(values[node])] = _scale(torch, arguments)
            continue
        values[node] = Reference(node.name)
        yield _operation(torch, node, target, arguments, scales)


def output_references(program: Any) -> list[tuple[str, Reference]]:
    """Return the names and values of a program's outputs.

    Raises
    ------
    ValueError
        If an output does not depend on the input, or the module changes its own buffers.
    """
    signature = program.graph_signature
    if signature.buffers_to_mutate or signature.user_inputs_to_mutate:
        changed = [*signature.buffers_to_mutate.values(), *signature.user_inputs_to_mutate.values()]
        raise ValueError(f"it changes '{changed[0]}' while it runs; hardware keeps no state")
    nodes = {node.name: node for node in program.graph_module.graph.nodes}
    references = []
    for spec in signature.output_specs:
        node = nodes.get(spec.arg.name) if hasattr(spec.arg, "name") else None
        if node is None:
            raise ValueError("one of its outputs is a constant; return tensors of the event alone")
        if node.target is operator.getitem:
            references.append(Reference(node.args[0].name, node.args[1]))
        else:
            references.append(Reference(node.name))
    return [*zip(_output_names(program, len(references)), references, strict=True)]


def _output_names(program: Any, count: int) -> list[str]:
    """Return the keys of a dictionary of outputs, or numbered names."""
    from torch.utils import _pytree as pytree

    spec = program.call_spec.out_spec
    tree = pytree.tree_unflatten(list(range(count)), spec)
    if isinstance(tree, Mapping) and all(isinstance(value, int) for value in tree.values()):
        return [str(key) for key, _ in sorted(tree.items(), key=lambda item: item[1])]
    return ["output"] if count == 1 else [f"output_{k}" for k in range(count)]


def _placeholders(program: Any) -> dict[Any, Any]:
    """Return tensors of parameters and buffers, and references to inputs, by node."""
    signature = program.graph_signature
    stored = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    lifted = signature.inputs_to_lifted_tensor_constants
    values: dict[Any, Any] = {}
    for node in program.graph_module.graph.nodes:
        if node.op != "placeholder":
            continue
        if node.name in stored:
            name = stored[node.name]
            tensor = program.state_dict.get(name)
            values[node] = program.constants[name] if tensor is None else tensor
        elif node.name in lifted:
            values[node] = program.constants[lifted[node.name]]
        else:
            values[node] = Reference(node.name)
    return values


def _target(node: Any) -> str:
    """Return ATen's name of an operation without its overload."""
    packet = getattr(node.target, "overloadpacket", None)
    return str(getattr(packet or node.target, "__name__", node.target))


def _bound(torch: Any, node: Any, values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a call's arguments by name, with the schema's defaults."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        raise ValueError(f"{node.name}: '{_target(node)}' is no ATen operation")
    args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), lambda n: values[n])
    bound = {}
    for number, argument in enumerate(schema.arguments):
        if number < len(args):
            bound[argument.name] = args[number]
        elif argument.name in kwargs:
            bound[argument.name] = kwargs[argument.name]
        else:
            bound[argument.name] = argument.default_value if argument.has_default_value() else None
    return bound


def _depends(tree: Any) -> bool:
    if isinstance(tree, list | tuple):
        return any(map(_depends, tree))
    return isinstance(tree, Reference)


def called(overload: Any, arguments: Mapping[str, Any]) -> Any:
    """Call an ATen operation with arguments by name."""
    schema = overload._schema.arguments
    positional = [arguments[a.name] for a in schema if not a.kwarg_only]
    named = {a.name: arguments[a.name] for a in schema if a.kwarg_only}
    return overload(*positional, **named)


def _computed(torch: Any, node: Any, arguments: dict[str, Any]) -> Any:
    """Return the constant that PyTorch computes for an operation."""
    meta = node.meta.get("val")
    if hasattr(meta, "numel") and meta.numel() > LARGEST:
        raise ValueError(f"{node.name}: a constant of {meta.numel()} elements is too large")
    if _depends(arguments.get("self")):
        arguments["self"] = torch.zeros(
            tuple(node.args[0].meta["val"].shape), dtype=node.args[0].meta["val"].dtype
        )
    with torch.no_grad():
        return called(node.target, arguments)


def _scale(torch: Any, arguments: Mapping[str, Any]) -> Any:
    """Return the step of a fake quantisation in a shape that meets its argument."""
    scale = numpy_of(torch, torch.as_tensor(arguments["scale"])).astype(np.float64)
    if scale.size == 1:
        return scale.reshape(())
    shape = [1] * arguments["self"].ndim
    shape[arguments["axis"]] = -1
    return scale.reshape(shape)


def _operation(
    torch: Any,
    node: Any,
    target: str,
    arguments: Mapping[str, Any],
    scales: Mapping[int, Any],
) -> Operation:
    metas = node.meta["val"]
    metas = metas if isinstance(metas, list | tuple) else [metas]
    stack = node.meta.get("nn_module_stack") or {}
    path, kind = [*stack.values()][-1] if stack else ("", "")
    return Operation(
        node.name,
        target,
        {name: _converted(torch, value, scales) for name, value in arguments.items()},
        tuple(tuple(int(size) for size in meta.shape) for meta in metas),
        tuple(str(meta.dtype).removeprefix("torch.") for meta in metas),
        str(path),
        getattr(kind, "__name__", str(kind)).rpartition(".")[2],
        node.target,
    )


def _converted(torch: Any, value: Any, scales: Mapping[int, Any]) -> Any:
    """Return an argument without PyTorch's types."""
    if isinstance(value, torch.Tensor):
        return Weight(numpy_of(torch, value), scales.get(id(value)))
    if isinstance(value, list | tuple):
        return [_converted(torch, item, scales) for item in value]
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    return value


def numpy_of(torch: Any, tensor: Any) -> Any:
    """Return a tensor's numbers: float64, or whole numbers and truth values as they are.

    Raises
    ------
    ValueError
        If it is a quantised, complex or sparse tensor, or holds NaN.
    """
    if tensor.is_quantized or tensor.is_complex() or tensor.layout != torch.strided:
        raise ValueError(
            "a quantised, complex or sparse tensor cannot be read; for a model quantised by"
            " torch.ao export it to ONNX with QuantizeLinear and DequantizeLinear"
        )
    tensor = tensor.detach()
    array = tensor.to(torch.float64).numpy() if tensor.is_floating_point() else tensor.numpy()
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ValueError("a constant holds NaN")
    return array
