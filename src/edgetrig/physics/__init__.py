"""Events: simulated jets with their features, and tables of anybody's own data.

`generate_jets` makes jets (Pythia 8, FastJet, a parametrised detector); `load_sample` gives those
that come with the package; `read_table`, `iter_table` and `write_table` speak Parquet, HDF5, NumPy
and CSV.
"""

from __future__ import annotations

from edgetrig.physics.events import CLASSES
from edgetrig.physics.features import FEATURES, jet_features
from edgetrig.physics.generate import JetSummary, generate_jets
from edgetrig.physics.jets import SAMPLES, JetData, load_sample, read_jets
from edgetrig.physics.tables import (
    SUFFIXES,
    Table,
    iter_columns,
    iter_table,
    read_table,
    write_blocks,
    write_table,
)

__all__ = [
    "CLASSES",
    "FEATURES",
    "SAMPLES",
    "SUFFIXES",
    "JetData",
    "JetSummary",
    "Table",
    "generate_jets",
    "iter_columns",
    "iter_table",
    "jet_features",
    "load_sample",
    "read_jets",
    "read_table",
    "write_blocks",
    "write_table",
]
