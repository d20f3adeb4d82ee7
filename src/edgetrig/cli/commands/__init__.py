"""One function a command; heavy packages are imported when a command runs."""

from edgetrig.cli.commands.anomaly import anomaly_train
from edgetrig.cli.commands.demo import demo_jets
from edgetrig.cli.commands.design import compile_model, synth, verify
from edgetrig.cli.commands.fuzz import fuzz
from edgetrig.cli.commands.generate import generate_jets, generate_l1
from edgetrig.cli.commands.menu import (
    menu_firmware,
    menu_plot,
    menu_rates,
    menu_report,
    menu_tune,
    menu_turn_on,
)
from edgetrig.cli.commands.predict import predict
from edgetrig.cli.commands.quantize import quantize
from edgetrig.cli.commands.report import report
from edgetrig.cli.commands.train import train

__all__ = [
    "anomaly_train",
    "compile_model",
    "demo_jets",
    "fuzz",
    "generate_jets",
    "generate_l1",
    "menu_firmware",
    "menu_plot",
    "menu_rates",
    "menu_report",
    "menu_tune",
    "menu_turn_on",
    "predict",
    "quantize",
    "report",
    "synth",
    "train",
    "verify",
]
