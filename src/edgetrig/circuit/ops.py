"""The primitive operations: this page is the specification of the circuit.

A circuit is a list of rows. Each row makes one integer from the integers of earlier rows. The
integers are exact and unbounded: nothing overflows, nothing rounds, unless a row says so. Emulator,
Verilog, VHDL, passes and proofs are all tested against this page by way of a reference in plain
Python integers.

Every row has up to three operands ``a``, ``b``, ``c`` (numbers of earlier rows), one parameter
``p`` (its meaning depends on the operation), and an interval ``[lo, hi]`` that holds every value
the row can take. The interval never changes what a row computes; it says how many bits the value
needs: as an unsigned number when ``lo >= 0``, in two's complement otherwise.

Two things are the maker's duty, and `edgetrig.circuit.check` demands them: the interval of a
TABLE's operand lies within the table, and all operands of a row have passed the same number of
registers (constants excepted), so that they belong to one event. What a register holds before the
first event arrives is not defined.

Binary points are not part of the meaning. A row's ``fraction`` records where the point stood when
the row was traced (value = integer * 2**-fraction) so that a person can read it; inputs and outputs
carry the binary points that count.

===========  ================================  ==================================================
operation    written                           value
===========  ================================  ==================================================
INPUT        ``input p``                       element ``p`` of the inputs, in port order
CONST        ``const v``                       ``v`` (kept as ``lo == hi == v``)
ADD          ``add a, b << p``                 ``a + b * 2**p``; for ``p < 0``: ``a * 2**-p + b``
SUB          ``sub a, b << p``                 ``a - b * 2**p``; for ``p < 0``: ``a * 2**-p - b``
NEG          ``neg a``                         ``-a``
MUL          ``mul a, b``                      ``a * b``
SHL          ``shl a, p``                      ``a * 2**p``, ``p > 0``
SHR          ``shr a, p``                      ``floor(a / 2**p)``, ``p > 0``
LOW          ``low a, p``                      the number in ``[0, 2**p)`` that equals ``a`` modulo
                                               ``2**p``, ``p > 0``
LOWS         ``lows a, p``                     the same in ``[-2**(p-1), 2**(p-1))``, ``p > 0``
LT           ``lt a, b``                       1 if ``a < b``, else 0
EQ           ``eq a, b``                       1 if ``a == b``, else 0
SELECT       ``select a, b, c``                ``b`` if ``a`` is 1, ``c`` if ``a`` is 0;
                                               ``a`` is in ``[0, 1]``
AND          ``and a, b``                      bitwise, on two's complement of unbounded width
OR           ``or a, b``                       likewise
XOR          ``xor a, b``                      likewise
TABLE        ``table a, p``                    entry ``a - start`` of table ``p``; entry 0 comes
                                               first
REG          ``reg a``                         ``a`` one clock cycle before: the same value of the
                                               same event, later
ADD3         ``add3 a, b, c, p``               ``a + b + c`` with the last ``p`` of the three
                                               subtracted, ``p`` in 0, 1, 2: ``a + b + c``,
                                               ``a + b - c``, ``a - b - c``; one ternary adder
===========  ================================  ==================================================
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Op(IntEnum):
    """Operation codes; the module's docstring gives their meaning."""

    INPUT = 0
    CONST = 1
    ADD = 2
    SUB = 3
    NEG = 4
    MUL = 5
    SHL = 6
    SHR = 7
    LOW = 8
    LOWS = 9
    LT = 10
    EQ = 11
    SELECT = 12
    AND = 13
    OR = 14
    XOR = 15
    TABLE = 16
    REG = 17
    ADD3 = 18


OPERANDS: Final = (0, 0, 2, 2, 1, 2, 1, 1, 1, 1, 2, 2, 3, 2, 2, 2, 1, 1, 3)
"""How many of ``a, b, c`` each operation reads, by code."""

COMMUTATIVE: Final = frozenset({Op.MUL, Op.EQ, Op.AND, Op.OR, Op.XOR})
"""Operations with ``a`` and ``b`` exchangeable (ADD only with its shift turned round)."""

ADDERS: Final = (Op.ADD, Op.SUB, Op.NEG, Op.ADD3)
"""Operations that are an adder in hardware."""

WIRING: Final = frozenset({Op.INPUT, Op.CONST, Op.SHL, Op.SHR, Op.LOW, Op.LOWS})
"""Operations that cost no logic: they only name or rename bits."""
