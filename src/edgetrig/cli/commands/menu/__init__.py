"""The commands of ``edgetrig menu``, a file each, and what they share."""

from edgetrig.cli.commands.menu.firmware import menu_firmware
from edgetrig.cli.commands.menu.plot import menu_plot
from edgetrig.cli.commands.menu.rates import menu_rates
from edgetrig.cli.commands.menu.report import menu_report
from edgetrig.cli.commands.menu.tune import menu_tune
from edgetrig.cli.commands.menu.turn_on import menu_turn_on

__all__ = [
    "menu_firmware",
    "menu_plot",
    "menu_rates",
    "menu_report",
    "menu_tune",
    "menu_turn_on",
]
