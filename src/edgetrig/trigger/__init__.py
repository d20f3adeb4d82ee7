"""From scores to a decision: discriminants, working points and accept bits."""

from edgetrig.trigger.decision import accept, check_signal, score
from edgetrig.trigger.working_point import (
    Roc,
    WorkingPoint,
    choose_working_point,
    measure_working_point,
    roc,
    wilson,
)

__all__ = [
    "Roc",
    "WorkingPoint",
    "accept",
    "check_signal",
    "choose_working_point",
    "measure_working_point",
    "roc",
    "score",
    "wilson",
]
