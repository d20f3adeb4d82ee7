"""Every layer and quantiser: the circuit equals what QKeras itself computed from the same file."""

import numpy as np
import pytest
from qkeras_files import ARCHIVES, compiled, names, outputs_of, stored

INEXACT = (
    "alpha='auto')",
    "alpha=0.3",
    "ulaw",
    " auto",
    "keras layers",
    "keras recurrent",
    "functional",
)
"""Models whose scales or weights have 24 bits, so that QKeras' own float32 sums are rounded."""

CASES = [(archive, name) for archive in ARCHIVES for name in names(archive)]


@pytest.mark.parametrize(("archive", "name"), CASES)
def test_file_equals_qkeras(tmp_path, archive, name):
    path, x, expected = stored(archive, name, tmp_path)
    loaded = compiled(path, typed=name in ("jet tagger", "digits"))
    got = outputs_of(loaded.circuit, x)
    assert len(got) == len(expected)
    error = 2e-6 if any(word in name for word in INEXACT) else 0.0
    for values, reference in zip(got, expected, strict=True):
        np.testing.assert_allclose(values, reference, rtol=error, atol=error)
