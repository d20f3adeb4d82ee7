"""Training for hardware: dense networks to a cost target, anomaly triggers, boosted trees."""

from edgetrig.training.anomaly import AnomalyTrigger, train_anomaly
from edgetrig.training.anomaly_inputs import anomaly_inputs
from edgetrig.training.boost import boost
from edgetrig.training.fit import train
from edgetrig.training.result import TrainResult
from edgetrig.training.split import Split, split

__all__ = [
    "AnomalyTrigger",
    "Split",
    "TrainResult",
    "anomaly_inputs",
    "boost",
    "split",
    "train",
    "train_anomaly",
]
