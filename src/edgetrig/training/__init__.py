"""Training for hardware: dense networks to a cost target, anomaly triggers, boosted trees."""

from edgetrig.training.anomaly import EncoderSettings, TrainedEncoder, train_encoder
from edgetrig.training.anomaly_inputs import (
    ANOMALY_INPUTS,
    anomaly_inputs,
    check_anomaly_inputs,
    read_anomaly_inputs,
)
from edgetrig.training.boost import boost
from edgetrig.training.fit import train
from edgetrig.training.models import use_jax
from edgetrig.training.result import TrainResult
from edgetrig.training.split import Split, split

__all__ = [
    "ANOMALY_INPUTS",
    "EncoderSettings",
    "Split",
    "TrainResult",
    "TrainedEncoder",
    "anomaly_inputs",
    "boost",
    "check_anomaly_inputs",
    "read_anomaly_inputs",
    "split",
    "train",
    "train_encoder",
    "use_jax",
]
