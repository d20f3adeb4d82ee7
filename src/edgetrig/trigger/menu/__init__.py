"""Trigger menus: seeds as text, one circuit, prescales, rates."""

from edgetrig.trigger.menu.files import read_menu
from edgetrig.trigger.menu.menu import Menu, Seed
from edgetrig.trigger.menu.parse import Names, parse
from edgetrig.trigger.menu.prescale import Prescalers
from edgetrig.trigger.menu.rates import Fired, Rates, count_fired
from edgetrig.trigger.menu.scores import Model
from edgetrig.trigger.menu.tune import Tuned, tune

__all__ = [
    "Fired",
    "Menu",
    "Model",
    "Names",
    "Prescalers",
    "Rates",
    "Seed",
    "Tuned",
    "count_fired",
    "parse",
    "read_menu",
    "tune",
]
