"""PyTorch modules to read, and how their steps are evaluated beside PyTorch itself."""

import copy

import numpy as np
import pytest
import torch
from torch.utils import _pytree as pytree

from edgetrig.circuit import check
from edgetrig.emulate import Emulator
from edgetrig.frontends import Loaded, load, read
from edgetrig.frontends.batch import Batch
from edgetrig.frontends.model import replay
from edgetrig.frontends.quantization.floating import Floating

torch.set_num_threads(1)


class Function(torch.nn.Module):
    """A module that calls a function of its inputs."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *x):
        return self.function(*x)


def _leaves(tree):
    return [leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(1)


@pytest.fixture
def module_of():
    """Return what makes a module of a function."""
    return Function


@pytest.fixture
def assert_close():
    """Return a function that demands that steps in floats equal PyTorch in float64."""

    def compare(module, *inputs, shapes=None, tolerance=1e-5):
        module = module.eval() if isinstance(module, torch.nn.Module) else Function(module)
        model = read(module, inputs=shapes or [x[0] for x in inputs])
        results = replay(model, [Batch(x) for x in inputs], lambda name: Floating())
        double = copy.deepcopy(module).double()
        axes = [0] * len(inputs) if shapes is None else [list(s).index(None) for s in shapes]
        arrays = [np.moveaxis(x, 0, axis) for x, axis in zip(inputs, axes, strict=True)]
        with torch.no_grad():
            expected = _leaves(double(*map(torch.from_numpy, arrays)))
        assert len(results) == len(expected)
        for result, tensor in zip(results, expected, strict=True):
            values = tensor.numpy().astype(np.float64)
            if values.shape != result.values.shape:  # the event axis is the second one
                values = np.moveaxis(values, 1, 0)
            np.testing.assert_allclose(
                result.values.astype(np.float64), values, rtol=tolerance, atol=tolerance
            )
        return model

    return compare


@pytest.fixture
def assert_same():
    """Return a function that demands equality of a quantised module and its circuit."""

    def compare(module, *inputs, shapes=None) -> Loaded:
        loaded = load(module.eval(), inputs=shapes or [x.shape[1:] for x in inputs])
        check(loaded.circuit)
        with torch.no_grad():
            expected = _leaves(module(*(torch.from_numpy(x) for x in inputs)))
        ports = loaded.circuit.inputs
        named = {port.name: x for port, x in zip(ports, inputs, strict=True)}
        got = Emulator(loaded.circuit).predict(named)
        got = [*got.values()] if isinstance(got, dict) else [got]
        assert len(got) == len(expected)
        for values, tensor in zip(got, expected, strict=True):
            np.testing.assert_array_equal(values, tensor.numpy().astype(np.float64))
        return loaded

    return compare


@pytest.fixture
def rng():
    return np.random.default_rng(7)
