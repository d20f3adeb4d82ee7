"""The bound of a quantised PyTorch module is never exceeded."""

import numpy as np
import pytest
import torch
from torch import nn

import edgetrig
from edgetrig.emulate import Emulator

FLOAT32 = 1e-5
"""What PyTorch's own float32 sums may be off by here."""

MODULES = {
    "mlp": lambda: nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2)),
    "convolution": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 3, 2), nn.GELU(), nn.Flatten(), nn.Linear(12, 2)
    ),
    "softmax": lambda: nn.Sequential(nn.Linear(5, 4), nn.Softmax(-1), nn.Linear(4, 2)),
    "layer norm": lambda: nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 2)),
}


@pytest.mark.parametrize("name", MODULES)
def test_errors_stay_within_the_bound(name):
    module = MODULES[name]().eval()
    x = np.random.default_rng(3).normal(size=(300, 5)).astype(np.float32)
    result = edgetrig.quantize(module, x, ranges="all", bits=10)
    assert not any(row.saturated for row in result.table)
    (bound,) = result.bound.values()
    with torch.no_grad():
        exact = module(torch.from_numpy(x)).numpy()
    error = np.abs(Emulator(result.circuit).predict(x) - exact).max(axis=0)
    assert (error <= bound + FLOAT32).all()
