"""One way to compile a hot loop: Numba, without the GIL, cached on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile `function` with Numba at its first call (nopython, nogil, cached)."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
