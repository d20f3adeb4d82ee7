"""Equations of einsum."""

from __future__ import annotations

from collections.abc import Sequence


def written_out(equation: str, ranks: Sequence[int]) -> str:
    """Return an equation with its ellipsis and its result written out.

    Parameters
    ----------
    equation
        As NumPy has it, ``"...ij,jk"``.
    ranks
        Number of axes of each operand.

    Raises
    ------
    ValueError
        If it is written for another number of operands, or takes a diagonal.
    """
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"equation {equation!r} does not have {len(ranks)} operands")
    if any(term.count(c) > 1 for term in terms for c in term if c != "."):
        raise ValueError(f"equation {equation!r} takes a diagonal; take it by an index before")
    free = [c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in equation]
    hidden = [
        max(rank - len(term.replace("...", "")), 0) for term, rank in zip(terms, ranks, strict=True)
    ]
    most = max((n for t, n in zip(terms, hidden, strict=True) if "..." in t), default=0)
    names = "".join(free[:most])
    if not arrow:
        letters = sorted({c for c in left if c.isalpha() and left.count(c) == 1})
        out = ("..." if "..." in left else "") + "".join(letters)
    full = [t.replace("...", names[most - n :]) for t, n in zip(terms, hidden, strict=True)]
    return f"{','.join(full)}->{out.replace('...', names)}"
