"""Which library's reader takes a file or a live model."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import Any, Final

from edgetrig.errors import ModelError
from edgetrig.frontends.trees.document import file_bytes, parse_json
from edgetrig.frontends.trees.forest import Forest

LIBRARIES: Final = ("xgboost", "lightgbm", "catboost", "sklearn")
"""Libraries whose live models are read: top-level packages, each with a module of that name."""

# What other files of these libraries begin with, and what works in their place.
_OTHERS: Final = {
    rb"\x80[\x02-\x05]|x[\x01\x9c\xda]": "a pickle, which could run anything when loaded; "
    "compile the live model, or save it in its library's own format or as ONNX",
    rb"CBM1": "CatBoost's binary format; save it with  save_model('NAME.json', format='json')",
    rb"binf|bs64": "XGBoost's binary format before 2.1; save the model again as .json or .ubj",
    rb'\s*\[\s*\{\s*"nodeid"': "a dump of XGBoost's trees without their base score; save the model "
    "with  save_model('NAME.json')",
    rb'\s*\{\s*"name"\s*:\s*"tree"': "a dump of LightGBM's trees; save the model with  "
    "save_model('NAME.txt')",
}


def sniff(first_bytes: bytes) -> bool:
    """Return whether a file that begins with `first_bytes` (some hundred) is for `read_file`."""
    return _format(first_bytes) is not None or _other(first_bytes) is not None


def read_file(path: str | os.PathLike[str]) -> Forest:
    """Read a model file of XGBoost (JSON, UBJSON), LightGBM (text) or CatBoost (JSON).

    The format is known from its content, whatever the suffix. Nothing in the file is executed and
    none of the libraries is imported.

    Raises
    ------
    ModelError
        If it is damaged or truncated, of another format, or has what no `Forest` can say (linear
        leaves, target statistics of categories).
    DataError
        If it does not exist or cannot be read.
    """
    path = Path(path)
    try:
        data = file_bytes(path)
        name, other = _format(data[:4096]), _other(data[:4096])
        if other is not None:
            raise ModelError(f"is {other}")
        if name is None:
            raise ModelError("is no model of XGBoost, LightGBM or CatBoost")
        return _parse(name, data)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def read_model(model: Any) -> Forest:
    """Read a live model of one of the `LIBRARIES`.

    Raises
    ------
    ModelError
        If it is none of them, is not trained, or has what no `Forest` can say.
    """
    kind = type(model).__name__
    for base in type(model).__mro__:
        library = base.__module__.split(".")[0]
        if library in LIBRARIES:
            reader = importlib.import_module(f"edgetrig.frontends.trees.{library}")
            try:
                return reader.forest_of_model(model)  # type: ignore[no-any-return]
            except ModelError as error:
                raise ModelError(f"{kind}: {error}") from error
    raise ModelError(f"cannot read trees from a {kind}; known: models of {', '.join(LIBRARIES)}")


def _format(head: bytes) -> str | None:
    if re.match(rb"\s*tree\s*\n", head):
        return "lightgbm"
    if re.match(rb"\{[\s\"]", head.lstrip()[:2]):
        if re.search(rb"\"learner\"\s*:", head):
            return "xgboost"
        if re.search(rb"\"(features_info|oblivious_trees|ctr_data|model_info)\"\s*:", head):
            return "catboost"
        return None
    if re.match(rb"\{[$#iUIlL]", head) and b"learner" in head[:64]:
        return "xgboost-ubjson"
    return None


def _other(head: bytes) -> str | None:
    for start, what in _OTHERS.items():
        if re.match(start, head):
            return what
    return None


def _parse(name: str, data: bytes) -> Forest:
    from edgetrig.frontends.trees import catboost, lightgbm, ubjson, xgboost

    if name == "lightgbm":
        try:
            return lightgbm.forest_of_text(data.decode())
        except UnicodeDecodeError as error:
            raise ModelError("is not text; the file is damaged") from error
    if name == "catboost":
        return catboost.forest_of_document(parse_json(data))
    document = ubjson.parse(data) if name == "xgboost-ubjson" else parse_json(data)
    return xgboost.forest_of_document(document)
