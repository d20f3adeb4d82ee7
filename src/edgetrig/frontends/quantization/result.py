"""What post-training quantisation returns: a circuit, and a table that says what was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgetrig.frontends.loaded import Loaded
from edgetrig.frontends.precision import Precision
from edgetrig.printed import Printed


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    layer, role
        The place: "result" is a layer's output.
    low, high
        Range seen (of constants: their range).
    type
        As ``fixed<W,I>``.
    saturated, numbers
        How many numbers were cut off, of how many.
    loss
        Of the model if only this layer were quantised; None but in a layer's first line.
    bound
        Largest distance of the layer's result to the float model's that its types allow, where
        nothing saturates; None but in a result's line.
    """

    layer: str
    role: str
    low: float
    high: float
    type: str
    saturated: int
    numbers: int
    loss: float | None = None
    bound: float | None = None


@dataclass(frozen=True)
class Quantized(Loaded, Printed):
    """A float model with the types found for it; `edgetrig.compile` takes it.

    Parameters
    ----------
    table
        Every place with a type.
    measure
        What ``loss`` is.
    loss, uncertainty, tolerance
        On the events that judge; its standard error where it is known, else 0; what was allowed.
    judged, unseen
        How many events judge, and whether types were chosen with others.
    agreement
        Share of events in which the same element of the first output is the largest.
    bound
        By output: the largest distance of each element to the float model's that the types allow,
        for every input within the ranges of the input types, where nothing saturates; empty where
        a layer has no such bound.
    precisions
        What every layer and input is rounded to, for `edgetrig.frontends.model.replay`.
    """

    table: tuple[Row, ...] = ()
    measure: str = ""
    loss: float = 0.0
    uncertainty: float = 0.0
    tolerance: float = 0.0
    judged: int = 0
    unseen: bool = False
    agreement: float = 1.0
    bound: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    precisions: Mapping[str, Precision] = field(default_factory=dict, repr=False)

    @property
    def types(self) -> dict[str, str]:
        """Types by ``layer.role``, as `precision` takes them where they have no range of types."""
        return {f"{row.layer}.{row.role}": row.type for row in self.table}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        header = ("layer", "role", "range", "type", "saturated", "loss", "bound")
        cells = [header, *(_cells(row) for row in self.table)]
        widths = [max(len(line[k]) for line in cells) for k in range(len(header))]
        for number, line in enumerate(cells):
            words = (f"{word:<{width}}" for word, width in zip(line, widths, strict=True))
            yield "  ".join(words).rstrip()
            if number == 0:
                yield "-" * (sum(widths) + 2 * (len(widths) - 1))
        spread = f" +- {self.uncertainty:.2g}" if self.uncertainty else ""
        unseen = " that the search did not see" if self.unseen else ""
        yield (
            f"{self.measure}: {self.loss:.4g}{spread} in {self.judged:,} events{unseen} "
            f"(allowed {self.tolerance:.4g}); "
            f"same first choice as the float model in {self.agreement:.2%} of them"
        )
        for name, bound in self.bound.items():
            yield f"{name}: at most {bound.max(initial=0.0):.4g} from the float model (bound)"
        for note in self.notes:
            yield f"note: {note}"


def _cells(row: Row) -> tuple[str, ...]:
    share = f"{row.saturated} of {row.numbers:,}" if row.saturated else "-"
    loss = "" if row.loss is None else f"{row.loss:.2g}"
    bound = "" if row.bound is None else f"{row.bound:.2g}"
    span = f"{row.low:.4g} to {row.high:.4g}"
    return row.layer, row.role, span, row.type, share, loss, bound
