"""Ctrl-C that others made another error of."""

from __future__ import annotations


def pass_on_interrupt(error: BaseException) -> None:
    """Raise `KeyboardInterrupt` if an error came of one.

    Numba makes a `SystemError` of one that falls into a compilation, and Hypothesis a group of
    errors of that; neither is a finding.
    """
    if _is_interrupt(error):
        raise KeyboardInterrupt from error


def _is_interrupt(error: BaseException) -> bool:
    inner = [error.__cause__, error.__context__]
    if isinstance(error, BaseExceptionGroup):
        inner += error.exceptions
    return isinstance(error, KeyboardInterrupt) or any(
        _is_interrupt(other) for other in inner if other is not None
    )
