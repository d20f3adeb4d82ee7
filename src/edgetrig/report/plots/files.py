"""Pictures as files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from edgetrig.files import whole_file

FORMATS: Final = ("pdf", "png")


def write_plots(
    folder: str | os.PathLike[str],
    plots: Mapping[str, Callable[[], Any]],
    formats: Sequence[str] = FORMATS,
) -> list[Path]:
    """Write pictures, each as a whole file or not at all.

    Parameters
    ----------
    folder
        Created if it does not exist; other files in it stay.
    plots
        Functions that return axes, by the file's name without its suffix.
    formats
        Suffixes that Matplotlib knows.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    Error
        If the folder cannot be written.
    """
    written = []
    for name, draw in plots.items():
        figure = draw().figure
        for suffix in formats:
            target = Path(folder) / f"{name}.{suffix}"
            with whole_file(target) as temporary:
                figure.savefig(temporary, format=suffix, dpi=100)
            written.append(target)
    return written
