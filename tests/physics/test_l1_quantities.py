"""Hardware integers and what they stand for: exact both ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgetrig.errors import DataError
from edgetrig.physics.l1 import CMS

FIELDS = [(kind, q) for kind in CMS.values() for q in kind.quantities]


@pytest.mark.parametrize(("kind", "quantity"), FIELDS, ids=lambda x: x.name)
def test_every_code_comes_back(kind, quantity):
    codes = np.arange(quantity.lowest, quantity.highest + 1)
    np.testing.assert_array_equal(quantity.encode(quantity.decode(codes)), codes)
    exact = [float(quantity.value(int(code))) for code in codes]
    np.testing.assert_allclose(quantity.decode(codes), exact, rtol=1e-15)


@pytest.mark.parametrize(("kind", "quantity"), FIELDS, ids=lambda x: x.name)
def test_a_code_is_within_one_step(kind, quantity):
    low, high = float(quantity.value(quantity.lowest)), float(quantity.value(quantity.highest))
    values = np.linspace(low, high, 999)
    error = values - quantity.decode(quantity.encode(values))
    step = float(quantity.lsb)
    assert (np.abs(error) <= step * 0.5001).all() if quantity.nearest else (error < step).all()


def test_published_codes():
    muon, jet = CMS["muon"].fields, CMS["jet"].fields
    assert muon["pt"].encode([0.2, 0.5, 22, 255, 3000]).tolist() == [1, 2, 45, 511, 511]
    assert jet["pt"].encode([0, 180, 1023.4, 2000]).tolist() == [0, 360, 2046, 2047]
    assert muon["phi"].encode([0, np.pi, -0.001, 2 * np.pi]).tolist() == [0, 288, 575, 0]
    assert jet["eta"].encode([-0.01, 0.01, 2.5]).tolist() == [-1, 0, 57]
    assert muon["eta"].encode([-0.005, 0.005, 2.45]).tolist() == [0, 0, 225]


@pytest.mark.parametrize("kind", CMS.values(), ids=lambda kind: kind.name)
@given(data=st.data())
def test_words_hold_every_field(kind, data):
    codes = {
        kind.column(q.name): np.array(
            [data.draw(st.lists(st.integers(q.lowest, q.highest), min_size=3, max_size=3))]
        )
        for q in kind.quantities
    }
    back = kind.unpack(kind.pack(codes))
    for column, values in codes.items():
        np.testing.assert_array_equal(back[column], values)


def test_fields_do_not_overlap():
    for kind in CMS.values():
        bits = [b for q in kind.quantities for b in range(q.first, q.first + q.bits)]
        assert len(set(bits)) == len(bits)
        assert max(bits) < kind.bits


def test_bad_values_get_one_line():
    with pytest.raises(DataError, match="pt: NaN or infinity"):
        CMS["muon"].fields["pt"].encode([1.0, np.nan])
    with pytest.raises(DataError, match=r"eta: 5.2 is outside -2.784 to 2.77312"):
        CMS["muon"].fields["eta"].encode(5.2)
    with pytest.raises(DataError, match="muon_pt: code 700 of event 0 is outside 0 to 511"):
        CMS["muon"].check({"muon_pt": np.full((2, 8), 700)})
    with pytest.raises(DataError, match=r"muon_pt: float64 of shape \(2, 8\); integer codes"):
        CMS["muon"].check({"muon_pt": np.zeros((2, 8))})
    with pytest.raises(DataError, match=r"integer codes of shape \(events, 8\) are needed"):
        CMS["muon"].check({"muon_pt": np.zeros((2, 3), int)})
    with pytest.raises(DataError, match="no column of muon; muon_pt is one"):
        CMS["muon"].check({})
