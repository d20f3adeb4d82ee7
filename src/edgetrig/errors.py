"""The errors a user can meet: one line that says what, where, and what to do."""

from __future__ import annotations

import importlib
from types import ModuleType


class Error(Exception):
    """Base of every error edgetrig raises on bad input; the message is one line."""

    def __str__(self) -> str:
        # Names from files are part of messages, and may hold anything.
        return " ".join(super().__str__().splitlines())


class CircuitError(Error):
    """A circuit, or an operation on symbolic arrays, that has no exact hardware meaning."""


class ModelError(Error):
    """A model that cannot be read or compiled; names the file and the layer."""


class DataError(Error):
    """Event data that cannot be used; names the file and the column."""


class MenuError(Error):
    """A trigger menu or a seed that has no meaning; names the seed and the place in it."""


class ToolError(Error):
    """An external tool or an optional package that is missing or has failed."""


class VerificationError(Error):
    """Hardware and emulator disagree; names the first event, output and clock cycle."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional package, or say which extra installs it.

    Parameters
    ----------
    module
        Dotted name of the module to import.
    extra
        The edgetrig extra that provides it, for instance ``"physics"``.

    Raises
    ------
    ToolError
        If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".", 1)[0]:
            raise  # installed but broken: the real traceback is the useful message
        raise ToolError(
            f"{module} is not installed: run  pip install 'edgetrig[{extra}]'"
        ) from error
