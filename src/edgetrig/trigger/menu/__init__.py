"""Trigger menus: seeds as text, one circuit, prescales, rates, turn-on curves."""

from edgetrig.trigger.menu.efficiency import clopper_pearson, weighted_interval
from edgetrig.trigger.menu.fired import Fired, Weight, count_fired
from edgetrig.trigger.menu.menu import BUNCH_CROSSING_NS, ORBIT_HZ, SLOTS, Menu, Seed
from edgetrig.trigger.menu.parse import parse
from edgetrig.trigger.menu.prescale import Prescalers
from edgetrig.trigger.menu.rates import Efficiency, Rates
from edgetrig.trigger.menu.samples import (
    Sample,
    file_matches,
    khz_of,
    mixed,
    samples_of,
    weight_column,
)
from edgetrig.trigger.menu.scan import parameter_of, scan
from edgetrig.trigger.menu.scores import Model
from edgetrig.trigger.menu.spread import (
    THREADS,
    CountFired,
    CountTurnOn,
    Decider,
    Scaled,
    Told,
    total,
)
from edgetrig.trigger.menu.tune import Budget, Tuned, tune
from edgetrig.trigger.menu.turn_on import (
    MOST_BINS,
    TurnOn,
    checked_edges,
    measure_turn_on,
    numbers_of,
    usual_edges,
)
from edgetrig.trigger.menu.words import Names

__all__ = [
    "BUNCH_CROSSING_NS",
    "MOST_BINS",
    "ORBIT_HZ",
    "SLOTS",
    "THREADS",
    "Budget",
    "CountFired",
    "CountTurnOn",
    "Decider",
    "Efficiency",
    "Fired",
    "Menu",
    "Model",
    "Names",
    "Prescalers",
    "Rates",
    "Sample",
    "Scaled",
    "Seed",
    "Told",
    "Tuned",
    "TurnOn",
    "Weight",
    "checked_edges",
    "clopper_pearson",
    "count_fired",
    "file_matches",
    "khz_of",
    "measure_turn_on",
    "mixed",
    "numbers_of",
    "parameter_of",
    "parse",
    "samples_of",
    "scan",
    "total",
    "tune",
    "usual_edges",
    "weight_column",
    "weighted_interval",
]
