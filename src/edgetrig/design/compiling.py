"""From any model, menu or traced circuit to a design."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from numpy.typing import NDArray

from edgetrig.circuit import Circuit
from edgetrig.design.design import Design
from edgetrig.design.files import SUFFIX
from edgetrig.design.target import Target
from edgetrig.errors import ModelError

if TYPE_CHECKING:
    from edgetrig.trigger.menu import Menu

MENU_SUFFIXES: Final = (".yaml", ".yml")
"""Of files that hold a trigger menu."""


def compile(
    model: str | os.PathLike[str] | Circuit | object,
    *,
    inputs: Sequence[Sequence[int | None] | NDArray[Any]] | None = None,
    input_type: str | Mapping[str, str] | None = None,
    name: str | None = None,
    classes: Sequence[str] = (),
    part: str | None = None,
    clock_ns: float | None = None,
    latency: int | None = None,
    effort: int | None = None,
) -> Design:
    """Compile a model into a design.

    Parameters
    ----------
    model
        A model file or a live model (`edgetrig.frontends`), a trigger menu or its YAML file, a
        `Circuit` traced by hand, or a saved design.
        Files are read without executing anything in them.
    inputs
        For a live PyTorch module: the shape of each input without the event axis, such as
        ``[(16,)]``, or one event as an array. Other models bring their shapes.
    input_type
        Where a quantised model computes on floats first, as many of QKeras do: the type of its
        inputs, such as ``"fixed<12,8>"``, or types by the inputs' names.
    name
        Name of the top module; the model's own if left out.
    classes
        Names of the outputs, if they are classes. A single output scores the second of two
        classes, or the one that is named.
    part, clock_ns, latency, effort
        See `Target`; where they are left out, those of a saved design, and else its defaults.

    Returns
    -------
    Design
        With the very numbers of the model in `Design.predict`.

    Raises
    ------
    ModelError
        If the model cannot be read or has no exact hardware meaning; names the layer.
    """
    wishes = {"part": part, "clock_ns": clock_ns, "latency": latency, "effort": effort}
    asked: dict[str, Any] = {name: wish for name, wish in wishes.items() if wish is not None}
    target = Target(**asked)
    if isinstance(model, Circuit):
        design = Design(model, target=target)
    elif isinstance(model, str | os.PathLike) and Path(model).suffix == SUFFIX:
        if inputs is not None or input_type is not None:
            raise ModelError(f"{model}: a design has types for its inputs; compile the model anew")
        design = Design.load(model).retarget(**asked)
    elif (menu := _menu(model)) is not None:
        names = tuple(seed.name for seed in menu.seeds)
        design = Design(menu.circuit(), name=menu.name, target=target, classes=names)
    else:
        from edgetrig.frontends import load

        loaded = load(model, inputs, input_type)
        design = Design(loaded.circuit, name=loaded.name, target=target, notes=loaded.notes)
    if name is not None:
        design = replace(design, name=name)
    if classes:
        outputs = len(design.traced.output_rows)
        if len(classes) != outputs and (len(classes), outputs) != (2, 1):
            raise ModelError(f"{len(classes)} class names for {outputs} outputs")
        twice = [name for k, name in enumerate(classes) if name in classes[:k]]
        if twice:
            raise ModelError(f"class {twice[0]!r} is named twice; give each output its own name")
        design = replace(design, classes=tuple(classes))
    return design


def _menu(model: object) -> Menu | None:
    """Return a menu, read from a file if need be; None if this is something else.

    Menus bring in the trigger objects and their events, which most models do without.
    """
    if isinstance(model, str | os.PathLike):
        if Path(model).suffix.lower() not in MENU_SUFFIXES:
            return None
    elif "edgetrig.trigger.menu" not in sys.modules:  # then no menu can have been made
        return None
    from edgetrig.menu_files import read_menu
    from edgetrig.trigger.menu import Menu

    if isinstance(model, str | os.PathLike):
        return read_menu(Path(model))
    return model if isinstance(model, Menu) else None
