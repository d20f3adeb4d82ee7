"""Trigger menus: seeds as text, one circuit, prescales, rates, turn-on curves."""

from edgetrig.trigger.menu.efficiency import clopper_pearson, weighted_interval
from edgetrig.trigger.menu.fired import Fired, Weight, count_fired
from edgetrig.trigger.menu.menu import BUNCH_CROSSING_NS, SLOTS, Menu, Seed
from edgetrig.trigger.menu.parse import parse
from edgetrig.trigger.menu.prescale import Prescalers
from edgetrig.trigger.menu.rates import Efficiency, Rates
from edgetrig.trigger.menu.samples import Sample, khz_of, mixed, samples_of, weight_column
from edgetrig.trigger.menu.scan import scan
from edgetrig.trigger.menu.scores import Model
from edgetrig.trigger.menu.spread import THREADS, CountFired, CountTurnOn, Decider, Scaled, total
from edgetrig.trigger.menu.tune import Budget, Tuned, tune
from edgetrig.trigger.menu.turn_on import TurnOn, measure_turn_on, usual_edges
from edgetrig.trigger.menu.words import Names

__all__ = [
    "BUNCH_CROSSING_NS",
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
    "Tuned",
    "TurnOn",
    "Weight",
    "clopper_pearson",
    "count_fired",
    "khz_of",
    "measure_turn_on",
    "mixed",
    "parse",
    "samples_of",
    "scan",
    "total",
    "tune",
    "usual_edges",
    "weight_column",
    "weighted_interval",
]
