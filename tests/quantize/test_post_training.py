"""Float models get types: hardware equals the batch arithmetic, and comes close to the floats."""

import numpy as np
import pytest

from edgetrig import compile, quantize
from edgetrig.errors import DataError, ModelError
from edgetrig.frontends import read
from edgetrig.frontends.quantization import Quantized, float_outputs


def test_float_outputs_are_keras_own(float_model, random_data):
    x = random_data(float_model)
    expected = float_model.predict(x, verbose=0)
    got = float_outputs(read(float_model), x).values()
    expected = expected if isinstance(expected, list) else [expected]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_search_meets_the_tolerance(float_model, random_data, quantized_and_checked):
    x = random_data(float_model)
    result = quantized_and_checked(float_model, x, tolerance=0.03, budget=120)
    assert result.loss < 0.04  # the search sees all but a few of these events
    assert result.tolerance == 0.03
    assert all(row.type for row in result.table)


@pytest.mark.parametrize("bits", [3, 7, 12])
def test_one_width(float_model, random_data, quantized_and_checked, bits):
    result = quantized_and_checked(float_model, random_data(float_model), bits=bits)
    assert isinstance(result, Quantized)
    if bits == 12:
        assert result.loss < 0.02
        assert result.agreement > 0.98


def test_nothing_is_cut_off_by_rule_all(float_model, random_data, quantized_and_checked):
    x = random_data(float_model)
    result = quantized_and_checked(float_model, x, bits=14, ranges="all")
    assert all(row.saturated == 0 for row in result.table)
