"""Trigger menus: seeds as text, one circuit, prescales, rates, turn-on curves."""

from edgetrig.trigger.menu.efficiency import clopper_pearson
from edgetrig.trigger.menu.files import read_menu
from edgetrig.trigger.menu.menu import Menu, Seed
from edgetrig.trigger.menu.parse import Names, parse
from edgetrig.trigger.menu.prescale import Prescalers
from edgetrig.trigger.menu.rates import Fired, Rates, count_fired
from edgetrig.trigger.menu.scores import Model
from edgetrig.trigger.menu.spread import THREADS, CountFired, CountTurnOn, Decider, total
from edgetrig.trigger.menu.tune import Tuned, tune
from edgetrig.trigger.menu.turn_on import TurnOn, measure_turn_on, usual_edges

__all__ = [
    "THREADS",
    "CountFired",
    "CountTurnOn",
    "Decider",
    "Fired",
    "Menu",
    "Model",
    "Names",
    "Prescalers",
    "Rates",
    "Seed",
    "Tuned",
    "TurnOn",
    "clopper_pearson",
    "count_fired",
    "measure_turn_on",
    "parse",
    "read_menu",
    "total",
    "tune",
    "usual_edges",
]
