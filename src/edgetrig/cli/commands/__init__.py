"""One function a command; heavy packages are imported when a command runs."""

from edgetrig.cli.commands.demo import demo_jets
from edgetrig.cli.commands.design import compile_model, synth, verify
from edgetrig.cli.commands.fuzz import fuzz
from edgetrig.cli.commands.generate import generate_jets
from edgetrig.cli.commands.predict import predict
from edgetrig.cli.commands.report import report
from edgetrig.cli.commands.train import train

__all__ = [
    "compile_model",
    "demo_jets",
    "fuzz",
    "generate_jets",
    "predict",
    "report",
    "synth",
    "train",
    "verify",
]
