"""Quantisation-aware training of small dense networks under a cost target."""

from edgetrig.training.fit import train
from edgetrig.training.result import TrainResult
from edgetrig.training.split import Split, split

__all__ = ["Split", "TrainResult", "split", "train"]
