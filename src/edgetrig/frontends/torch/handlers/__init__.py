"""What each ATen operation computes: one table from its name to a function of exact arrays.

A handler takes a `Call` and ATen's arguments by name (``self`` is called ``x``); arrays keep an
event axis of size 1 where PyTorch has it, so that every axis number means the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from edgetrig.frontends.torch import maps, moves, scatters
from edgetrig.frontends.torch.handlers import (
    activation,
    arithmetic,
    convolution,
    linear,
    normalization,
    quantize,
    recurrent,
    reduction,
    selection,
)

Handler = Callable[..., Any]

HANDLERS: Final[Mapping[str, Handler]] = {
    **activation.HANDLERS,
    **arithmetic.HANDLERS,
    **convolution.HANDLERS,
    **linear.HANDLERS,
    **normalization.HANDLERS,
    **quantize.HANDLERS,
    **recurrent.HANDLERS,
    **reduction.HANDLERS,
    **selection.HANDLERS,
}
"""By ATen's names, less the moves (`edgetrig.frontends.torch.moves.MOVES`)."""

_OWN: Final[Mapping[str, Handler]] = {
    "quantize": quantize.quantize,
    "rescaled": quantize.rescaled,
    "moved": moves.moved,
    "gathered": moves.gathered,
    "grouped": scatters.grouped,
    "mapped": maps.mapped,
}
"""What operations become while a module is read."""


def handler(target: str) -> Handler:
    """Return an operation's handler.

    Raises
    ------
    ValueError
        If the operation is not supported.
    """
    found = HANDLERS.get(target) or _OWN.get(target)
    if found is not None:
        return found
    if target in moves.MOVES:
        raise ValueError(
            f"'{target}' picks elements by an index or mask that depends on the event; "
            "use torch.where, or constant indices"
        )
    near = get_close_matches(target.strip("_"), [*HANDLERS, *moves.MOVES], n=3, cutoff=0.5)
    hint = f"; the nearest are {', '.join(near)}" if near else ""
    raise ValueError(f"ATen operation '{target}' is not supported{hint}")
