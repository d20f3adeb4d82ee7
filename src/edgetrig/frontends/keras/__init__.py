"""Keras 3 and HGQ2 models: read from the file's JSON and HDF5, replayed on symbolic arrays.

Keras itself is never imported here and nothing in a file is executed. The values are those that
Keras computes at inference, wherever its own float arithmetic is exact; `docs/keras.md` lists the
layers.
"""

from edgetrig.frontends.keras.archive import KERAS_2
from edgetrig.frontends.keras.read import read_file, read_model

__all__ = ["read_file", "read_model", "sniff"]


def sniff(head: bytes) -> bool:
    """Whether to take a ``.keras`` file: every one that Keras 2 has not written."""
    return KERAS_2 not in head
