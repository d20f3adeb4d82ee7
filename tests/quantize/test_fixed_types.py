"""The spelling of types, and what they round to."""

import numpy as np
import pytest

from edgetrig.errors import ModelError
from edgetrig.frontends.quantization import parse_type


@pytest.mark.parametrize(
    ("text", "bottom", "top", "step"),
    [
        ("fixed<12,4>", -8, 8 - 2**-8, 2**-8),
        ("ap_fixed<6, 2>", -2, 2 - 2**-4, 2**-4),
        ("ufixed<8,8>", 0, 255, 1),
        ("ap_ufixed<4,0,TRN,WRAP>", 0, 1 - 2**-4, 2**-4),
        ("fixed<4,6>", -32, 28, 4),
        ("fixed<4,2,AP_RND,AP_SAT_SYM>", -1.75, 1.75, 0.25),
        ("int<8>", -128, 127, 1),
        ("uint<3>", 0, 7, 1),
    ],
)
def test_spelling(text, bottom, top, step):
    kind = parse_type(text)
    assert (kind.bottom, kind.top, kind.step) == (bottom, top, step)
    again = parse_type(str(kind))
    assert (again.bottom, again.top, again.step, again.rounding) == (
        bottom,
        top,
        step,
        kind.rounding,
    )


@pytest.mark.parametrize(
    "text",
    ["fixed", "fixed<a,b>", "fixed<8>", "fixed<0,0>", "fixed<99,4>", "fixed<8,4,UP>", "float<8,4>"],
)
def test_what_is_no_type(text):
    with pytest.raises(ModelError, match="type"):
        parse_type(text)


def test_rounding_and_counting():
    kind = parse_type("fixed<4,2>")
    x = np.array([0.125, -0.125, 1.9, 5.0, -2.1, -9.0, 1.99])
    np.testing.assert_array_equal(kind(x), [0.25, 0.0, 1.75, 1.75, -2.0, -2.0, 1.75])
    assert kind.saturated(x) == 2
