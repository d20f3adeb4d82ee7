"""Whole model files into memory, within limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from edgetrig.errors import ModelError
from edgetrig.files import existing_file

FILE_LIMIT: Final = 512 << 20
"""Largest model file read, in bytes."""

ELEMENT_LIMIT: Final = 32 << 20
"""Most values in a JSON document, each of which becomes a Python object of up to 72 bytes."""


def file_bytes(path: Path) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    ModelError
        If it has more than `FILE_LIMIT`.
    DataError
        If it does not exist or cannot be read.
    """
    with existing_file(path).open("rb") as file:
        data = file.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise ModelError(f"more than {FILE_LIMIT >> 20} MiB; train fewer or shallower trees")
    return data


def parse_json(data: bytes) -> dict[str, Any]:
    """Return the object that a JSON document holds.

    Raises
    ------
    ModelError
        If it is damaged, nested too deeply, holds more than `ELEMENT_LIMIT` values or no object.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > ELEMENT_LIMIT:
        raise ModelError(f"more than {ELEMENT_LIMIT} values; train fewer or shallower trees")
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise ModelError("its JSON is nested too deeply") from error
    except ValueError as error:
        raise ModelError(f"its JSON is damaged ({' '.join(str(error).split())[:120]})") from error
    if not isinstance(document, dict):
        raise ModelError("its JSON does not describe a model")
    return document
