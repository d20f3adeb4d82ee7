"""ONNX files in: sizes are limited before anything is parsed, other files are read with care."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError, require

FILE_LIMIT: Final = 1 << 28
"""Largest file that is parsed, and most external data, in bytes."""

TENSOR_LIMIT: Final = 1 << 25
"""Most elements of one constant."""


def load_file(path: Path) -> Any:
    """Return the ``ModelProto`` in a file, external data included.

    Raises
    ------
    ModelError
        If it is no ONNX model, too large, or its external data lies outside its folder.
    """
    onnx = require("onnx", "onnx")
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    _within_limit(path, path.stat().st_size, "it")
    try:
        proto = onnx.ModelProto.FromString(path.read_bytes())
    except (DecodeError, RuntimeError, RecursionError) as error:
        raise ModelError(f"{path}: not an ONNX model, or damaged; export it again") from error
    total = 0
    for tensor in tensors(proto.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            total += _load_external(tensor, path, FILE_LIMIT - total)
    return proto


def tensors(graph: Any) -> Iterator[Any]:
    """Yield every constant of a graph."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _within_limit(path: Path, size: int, what: str) -> None:
    if size > FILE_LIMIT:
        raise ModelError(
            f"{path}: {what} has {size >> 20} MiB; at most {FILE_LIMIT >> 20} are read"
        )


def _load_external(tensor: Any, path: Path, most: int) -> int:
    """Put external data into a tensor; return its bytes. It must lie in the model's own folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    file = _confined(path, entries.get("location", ""))
    try:
        offset = int(entries.get("offset") or 0)
        length = int(entries.get("length") or file.stat().st_size - offset)
    except ValueError as error:
        raise ModelError(f"{path}: external data of '{tensor.name}' is damaged") from error
    if not (offset >= 0 and length >= 0 and offset + length <= file.stat().st_size):
        raise ModelError(f"{path}: {file.name} is shorter than '{tensor.name}' says; copy it again")
    if length > most:
        raise ModelError(f"{path}: its external data have more than {FILE_LIMIT >> 20} MiB in all")
    with file.open("rb") as stream:
        stream.seek(offset)
        tensor.raw_data = stream.read(length)
    tensor.data_location = 0
    del tensor.external_data[:]
    return length


def _confined(path: Path, location: str) -> Path:
    parts = PurePosixPath(location.replace("\\", "/"))
    if not location or "\0" in location or parts.is_absolute() or ".." in parts.parts:
        raise ModelError(f"{path}: external data {location!r} leaves the model's folder")
    folder = path.resolve().parent
    file = folder.joinpath(*parts.parts)
    if not file.resolve().is_relative_to(folder):
        raise ModelError(f"{path}: external data {location!r} leaves the model's folder")
    if not file.is_file():
        raise ModelError(f"{path}: external data {location!r} is missing; copy it beside the model")
    _within_limit(path, file.stat().st_size, f"external data {location!r}")
    return file


def array_of(tensor: Any) -> NDArray[Any]:
    """Return a tensor's numbers.

    Raises
    ------
    ValueError
        If its size is absurd or not that of its data.
    """
    import onnx
    from onnx import numpy_helper

    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise ValueError(f"constant '{tensor.name}' is external data; load it into the model")
    size = prod(tensor.dims)
    if any(n < 0 for n in tensor.dims) or size > TENSOR_LIMIT:
        raise ValueError(f"constant '{tensor.name}' has the absurd shape {list(tensor.dims)}")
    try:
        values = np.asarray(numpy_helper.to_array(tensor))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"constant '{tensor.name}' is damaged") from error
    if values.size != size:
        raise ValueError(f"constant '{tensor.name}' does not have the {size} elements it says")
    return values.astype(np.float32) if values.dtype == np.float16 else values
