"""Tables of numbers in the files physicists have: Parquet, HDF5, NumPy and CSV.

========================  ===========================================================  ===========
suffix                    columns                                                      streamed
========================  ===========================================================  ===========
``.parquet``, ``.pq``     its columns; fixed-size lists are columns of more dimensions  row batches
``.h5``, ``.hdf5``        every dataset, by path; every field of a compound dataset     slices
``.npy``                  fields of a structured array; columns "0", "1", ... of a      blocks
                          2-D one; more dimensions are one column "0"
``.npz``                  its arrays                                                   no (loaded)
``.csv``                  named by the first line                                      chunks
========================  ===========================================================  ===========

A column may be asked for by the last part of its name (``j_zlogz`` for ``jets/j_zlogz``) where that
is unique. Nothing in a file is executed: pickled arrays are refused.
"""

from edgetrig.physics.tables.read import (
    SUFFIXES,
    Table,
    iter_columns,
    iter_table,
    read_columns,
    read_table,
)
from edgetrig.physics.tables.write import write_blocks, write_table

__all__ = [
    "SUFFIXES",
    "Table",
    "iter_columns",
    "iter_table",
    "read_columns",
    "read_table",
    "write_blocks",
    "write_table",
]
