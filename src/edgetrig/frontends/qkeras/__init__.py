"""QKeras models and those of Keras 2: legacy HDF5 files, or JSON with weights beside it.

Neither TensorFlow nor QKeras is imported and nothing in a file is executed. The values are those
that QKeras 0.9.0 computes at inference, wherever its float arithmetic is exact; `docs/qkeras.md`
lists layers and quantisers.
"""

from edgetrig.frontends.qkeras.files import sniff
from edgetrig.frontends.qkeras.read import read_configuration, read_file, read_model

__all__ = ["read_configuration", "read_file", "read_model", "sniff"]
