"""Tensors of integer types: bits, casts, and arithmetic that wraps, equal to PyTorch."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from edgetrig.emulate import Emulator
from edgetrig.errors import ModelError
from edgetrig.frontends import load

FUNCTIONS = {
    "bits of numbers": lambda x: [
        *(x.int() | 12, 7 & x.int(), x.int() ^ (x * 2).int(), ~x.int()),
        x.int() & torch.tensor([1, 2, 3, -4]),
    ],
    "truth values": lambda x: [
        *(F.one_hot((x > 0).long(), 2), (x > 0) & (x < 9), (x > 0).int() + 1),
        *((x > 0).to(torch.int8) - 1, (x > 0).float() - (x < 9).float(), -(x > 0).float()),
    ],
    "wrapping arithmetic": lambda x: [
        *(x.to(torch.int8) * 2, x.to(torch.int8) * x.to(torch.int8), -x.to(torch.int8)),
        *(x.to(torch.int8) - 100, 100 - x.to(torch.int8), x.to(torch.int8).abs()),
        *(x.to(torch.int8).square(), x.to(torch.int8) + x.to(torch.int16)),
        torch.add(x.to(torch.int8), x.to(torch.int8), alpha=3),
        torch.sum(x.to(torch.int8), 1, dtype=torch.int8),
    ],
    "wrapping casts": lambda x: [
        *((x * 300).int().to(torch.int16), (x * 300).int().to(torch.uint8), x.to(torch.int8)),
    ],
    "sums as integers": lambda x: [
        *(torch.sum(x / 8, 1, dtype=torch.int32), torch.cumsum(x / 8, 1, dtype=torch.int64)),
        torch.prod(x / 8, 1, dtype=torch.int32),
    ],
    "types that hold the result": lambda x: [
        *(x.to(torch.int8).sum(1), x.to(torch.int8).float() * 1.5, x.int() / 4),
    ],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_integers(name, module_of, rng):
    x = rng.integers(-128, 128, (200, 3, 4)).astype(np.float32)
    module = module_of(FUNCTIONS[name])
    loaded = load(module.eval(), inputs=[(3, 4)], input_type="fixed<8,8>")
    made = Emulator(loaded.circuit).predict(x)
    for values, tensor in zip(made.values(), module(torch.from_numpy(x)), strict=True):
        np.testing.assert_array_equal(values, tensor.numpy().astype(np.float64))


def test_only_the_first_result_of_max_pooling_can_be_used(module_of):
    module = module_of(lambda x: F.max_pool1d(x, 2, return_indices=True))
    with pytest.raises(ModelError, match="only the first 1 can be used"):
        load(module.eval(), inputs=[(2, 4)], input_type="fixed<8,5>")
