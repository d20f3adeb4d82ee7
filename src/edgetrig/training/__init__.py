"""Training for hardware: dense networks to a cost target, boosted trees with short leaves."""

from edgetrig.training.boost import boost
from edgetrig.training.fit import train
from edgetrig.training.result import TrainResult
from edgetrig.training.split import Split, split

__all__ = ["Split", "TrainResult", "boost", "split", "train"]
