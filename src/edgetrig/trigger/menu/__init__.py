"""Trigger menus: seeds as text, one circuit, prescales, rates."""

from edgetrig.trigger.menu.files import read_menu
from edgetrig.trigger.menu.menu import Menu, Seed
from edgetrig.trigger.menu.parse import Names, parse
from edgetrig.trigger.menu.prescale import Prescalers
from edgetrig.trigger.menu.scores import Model

__all__ = ["Menu", "Model", "Names", "Prescalers", "Seed", "parse", "read_menu"]
