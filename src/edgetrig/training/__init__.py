"""Quantisation-aware training of small dense networks under a cost target."""

from edgetrig.training.result import TrainResult
from edgetrig.training.split import Split, split
from edgetrig.training.train import train

__all__ = ["Split", "TrainResult", "split", "train"]
