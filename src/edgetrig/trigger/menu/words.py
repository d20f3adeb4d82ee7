"""Numbers, units and names in a seed's text, and where in it something is wrong."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Final, NoReturn

from edgetrig.errors import MenuError
from edgetrig.physics.l1 import ObjectType

_UNITS: Final = ("GeV", "rad")


@dataclass(frozen=True)
class Names:
    """What a seed may speak of.

    Parameters
    ----------
    types
        Object types by name.
    scores
        Names of the models' scores.
    seeds
        Names of the menu's seeds.
    parameters
        Numbers that stand in the text by name, such as a threshold to be tuned, as text.
    """

    types: Mapping[str, ObjectType]
    scores: Collection[str] = ()
    seeds: Collection[str] = ()
    parameters: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Words:
    """The text of a seed, and what its words may mean.

    Parameters
    ----------
    text
        The seed, to which the nodes' places refer.
    names
        What it may speak of.
    """

    text: str
    names: Names

    def refuse_bitwise(self, node: ast.expr) -> None:
        """Refuse NumPy's ``&`` and ``|``, which bind tighter than a comparison."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            self.refuse(node, "write 'and' and 'or' for & and |")

    def absolute(self, node: ast.expr) -> tuple[bool, ast.expr]:
        """Return whether a quantity stands within ``abs(...)``, and the quantity."""
        if isinstance(node, ast.Call) and name_of(node.func) == "abs":
            if len(node.args) != 1 or node.keywords:
                self.refuse(node, "abs takes one quantity")
            return True, node.args[0]
        return False, node

    def is_number(self, node: ast.expr) -> bool:
        """Return whether this is meant as a number; `number` says whether it is a good one."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.is_number(node.operand)
        if isinstance(node, ast.BinOp):
            return self.is_number(node.left) or self.is_number(node.right)
        return isinstance(node, ast.Constant) or name_of(node) in (self.names.parameters or {})

    def number(self, node: ast.expr, unit: str) -> Fraction:
        """Return a number in ``unit``; a unit that is written must be that one.

        Raises
        ------
        MenuError
            If it is no plain number of at most 12 digits before and after the point.
        """
        self.refuse_bitwise(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            written = name_of(node.right)
            if written not in _UNITS:
                self.refuse(node.right, f"'{self.source(node.right)}' is no unit; GeV and rad are")
            if written != unit:
                needed = f"in {unit}" if unit else "without a unit"
                self.refuse(node, f"a number {needed} is needed, not in {written}")
            return self.number(node.left, unit)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.number(node.operand, unit)
        parameter = (self.names.parameters or {}).get(name_of(node) or "")
        if parameter is not None:
            return self._parameter(node, parameter, unit)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            # As written, not as a float; bounded, since 1e999999999 would fill the memory.
            source = self.source(node)
            if re.fullmatch(r"\d{1,12}(\.\d{0,12})?", source):
                return Fraction(source)
        self.refuse(node, f"a plain number such as 22 or 2.5 is needed, not '{self.source(node)}'")

    def _parameter(self, node: ast.expr, text: str, unit: str) -> Fraction:
        try:
            value = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError) as error:
            raise self._error(node, f"the parameter is '{text}', no number") from error
        return Words(text.strip(), Names({})).number(value, unit)

    def source(self, node: ast.expr) -> str:
        """Return the text of a node."""
        return ast.get_source_segment(self.text, node) or ""

    def _error(self, node: ast.expr, message: str) -> MenuError:
        return MenuError(f"column {node.col_offset + 1}: {message}")

    def refuse(
        self,
        node: ast.expr,
        message: str,
        name: str | None = None,
        known: Collection[str] | None = None,
    ) -> NoReturn:
        """Raise `MenuError` with the column, and what was perhaps meant by a name."""
        if known is not None:
            close = get_close_matches(name or "", known, n=3, cutoff=0.5) or [*known]
            message += f"; {'did you mean' if name else 'there are'} {', '.join(close)}"
        raise self._error(node, message)


def name_of(node: ast.expr) -> str | None:
    """Return the name that a node is; None if it is something else."""
    return node.id if isinstance(node, ast.Name) else None
