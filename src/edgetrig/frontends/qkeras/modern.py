"""Keras 2's configuration of a model, brought into the form of Keras 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from edgetrig.frontends.qkeras.tensorflow_calls import as_layer

_MODELS: Final = ("Sequential", "Functional", "Model")


def modern(entry: Any) -> dict[str, Any]:
    """Return one ``{"class_name": ..., "config": ...}`` entry as Keras 3 would write it.

    What is already in that form stays.

    Raises
    ------
    ValueError, KeyError, TypeError, ...
        If it is damaged.
    """
    kind, config = str(entry["class_name"]), entry["config"]
    if kind == "PruneLowMagnitude":  # its masks are already in the weights
        return modern({**entry, **config["layer"], "name": config["name"]})
    if kind == "Sequential":
        config = _sequential(config)
    elif kind in _MODELS and isinstance(config, Mapping) and "layers" in config:
        config = _functional(config)
    else:
        config = _layer(kind, dict(config))
    registered = entry.get("registered_name")
    own = isinstance(registered, str) and ">" in registered  # a user's own class
    operation = str(entry.get("module")).startswith("keras.src.ops")
    return {
        **entry,
        "config": config,
        "module": entry["module"] if operation else "",
        "registered_name": registered if own else None,
    }


def unregistered(tree: Any) -> Any:
    """Return a configuration of Keras 3 with QKeras' layers under their plain names."""
    if isinstance(tree, list):
        return [unregistered(entry) for entry in tree]
    if not isinstance(tree, Mapping):
        return tree
    plain = {key: unregistered(value) for key, value in tree.items()}
    if str(plain.get("registered_name")).startswith("qkeras>"):
        plain |= {"registered_name": None, "module": ""}
    return plain


def _layer(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    if "batch_input_shape" in config:
        config["batch_shape"] = config["batch_input_shape"]
    if kind == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config["alpha"]
    if isinstance(config.get("dtype"), str) and not kind.startswith("Q"):  # Keras 2's own
        for key in ("activation", "recurrent_activation"):
            if config.get(key) == "hard_sigmoid":
                config[key] = "hard_sigmoid_of_keras_2"
    for key in ("layer", "backward_layer"):
        if isinstance(config.get(key), Mapping):
            config[key] = modern(config[key])
    return config


def _sequential(config: Any) -> dict[str, Any]:
    """Return a Sequential model's configuration with its input as a layer of its own."""
    config = dict(config) if isinstance(config, Mapping) else {"layers": config}
    config.setdefault("name", "sequential")
    layers = [modern(layer) for layer in config["layers"]]
    first = layers[0]["config"] if layers else {}
    if layers and layers[0]["class_name"] != "InputLayer" and "batch_shape" in first:
        name = f"{first['name']}_input"
        given = {"name": name, "batch_shape": first["batch_shape"]}
        layers.insert(0, {"class_name": "InputLayer", "config": given, "name": name})
    return {**config, "layers": layers}


def _functional(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Functional model's configuration with Keras 3's description of its data flow."""
    entries = [dict(entry) for entry in config["layers"]]
    first = {str(entry["name"]): _first_call(entry, config) for entry in entries}
    layers = []
    for entry in entries:
        nodes = [_node(node, first) for node in entry["inbound_nodes"]]
        if _is_operation(entry):
            entry["module"] = "keras.src.ops"
        layers.append(modern(as_layer({**entry, "inbound_nodes": nodes})))
    kinds = {str(entry["name"]): entry["class_name"] for entry in entries}
    outputs = []
    for name, node, tensor in _triples(config["output_layers"]):
        # Here, and only here, Keras 3 counts a Functional model's own inputs as its first call.
        own = kinds.get(name) in ("Functional", "Model")
        outputs.append([name, node - first.get(name, 0) + own, tensor])
    return {**config, "layers": layers, "output_layers": outputs}


def _is_operation(entry: Mapping[str, Any]) -> bool:
    """Whether it is a `keras.ops` function, which Keras 3 does not say in an ``.h5`` file."""
    plain = "trainable" not in entry["config"] and entry["class_name"] != "InputLayer"
    return plain and any(isinstance(node, Mapping) for node in entry["inbound_nodes"])


def _first_call(entry: Mapping[str, Any], model: Mapping[str, Any]) -> int:
    """Return the number of a layer's first call: models made with an input count that too.

    Every call in a file is read by something, so the largest number tells.
    """
    if entry["class_name"] not in _MODELS:
        return 0
    name, count = entry["name"], len(entry["inbound_nodes"])
    trees = [model["output_layers"], *(layer["inbound_nodes"] for layer in model["layers"])]
    read = [node for tree in trees for other, node, _ in _triples(tree) if other == name]
    return int(max(read, default=0) >= count)


def _node(node: Any, first: Mapping[str, int]) -> dict[str, Any]:
    """Return one call's arguments: tensors and numbers in order, and what else was given."""
    if isinstance(node, Mapping):  # Keras 3
        return dict(node)
    if _is_reference(node):
        node = [node]
    arguments: list[Any] = []
    given: dict[str, Any] = {}
    for reference in node:
        name, call, tensor, *rest = reference
        if name == "_CONSTANT_VALUE":
            arguments.append(tensor)
        else:
            arguments.append(_tensor(name, call, tensor, first))
        given = rest[0] if rest else {}
    named = {
        key: _tensor(value[0], value[1], value[2], first) if _is_reference(value) else value
        for key, value in given.items()
    }
    return {"args": arguments, "kwargs": named}


def _tensor(name: Any, call: Any, tensor: Any, first: Mapping[str, int]) -> dict[str, Any]:
    history = [str(name), int(call) - first.get(str(name), 0), int(tensor)]
    return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def _triples(tree: Any) -> Iterator[tuple[str, int, int]]:
    """Yield every ``[layer, call, tensor]`` in a tree of lists and dictionaries."""
    if _is_reference(tree) and isinstance(tree[2], int):
        yield str(tree[0]), int(tree[1]), int(tree[2])
        tree = tree[3:]
    branches = tree.values() if isinstance(tree, Mapping) else tree
    if isinstance(branches, list) or isinstance(tree, Mapping):
        for branch in branches:
            yield from _triples(branch)
