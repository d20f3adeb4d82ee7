"""What cannot be compiled says what, where, and the nearest thing that works, in one line."""

import numpy as np
import pytest
import torch
from torch import nn

import edgetrig
from edgetrig.errors import ModelError
from edgetrig.frontends import load


def _typed(x):
    return torch.clamp(torch.round(x * 8), -8, 7) / 8


def _at_its_largest(x):
    x = _typed(x)
    pairs = x[:, :, None] * x[:, None]
    return pairs[torch.arange(len(x)), x.argmax(1), x.argmax(1)][:, None]


def _message(function):
    with pytest.raises(ModelError) as caught:
        function()
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda x: x - x.mean(0), "changes with another event"),
        (lambda x: x / x.max(), "changes with another event"),
        (lambda x: x[:, x[0].argsort()], "changes with another event"),
        (lambda x: nn.functional.batch_norm(x, None, None, training=True), "track_running_stats"),
        (lambda x: x.view(-1), "keep the event axis"),
        (lambda x: x.squeeze(), "keep the event axis"),
        (lambda x: x[x > 0], "depends on the event"),
        (lambda x: x if x.sum() > 0 else -x, "use torch.where"),
        (lambda x: x + torch.rand_like(x), "random"),
        (lambda x: torch.zeros(3), "event"),
        (lambda x: x.view(3) * 2, "y[None]"),
        (lambda x: (x, torch.ones(1)), "event"),
        (lambda x: torch.fft.rfft(x).real, "fft_rfft"),
        (lambda x: torch.linalg.svd(x[:, None])[1], "not supported"),
        (_at_its_largest, "several indices that depend on the event; use gather"),
        (lambda x: torch.poisson(x.abs()), "poisson"),
        (lambda x: x.half() * 2, "float16"),
        (lambda x: x * torch.tensor(torch.nan), "NaN"),
        (lambda x: x.numpy(), "torch.export cannot follow"),
        (lambda x: _typed(x).div(0), "divides by zero"),
        (lambda x: _typed(x).norm(3, dim=1), "order 3"),
        (lambda x: nn.functional.adaptive_avg_pool1d(_typed(x), 2), "sizes"),
    ],
)
def test_a_function_without_hardware_meaning_is_refused(function, says, module_of):
    message = _message(lambda: load(module_of(function), inputs=[(3,)]))
    assert says in message
    assert message.startswith("model 'Function'")


@pytest.mark.parametrize(
    ("module", "inputs", "says"),
    [
        (nn.Linear(3, 2), None, "edgetrig.quantize"),
        (nn.Linear(3, 2), [(4,)], "cannot follow"),
        (nn.Linear(3, 2), [(3,), (3,)], "too many"),
        (nn.Linear(3, 2), [(0,)], "positive sizes"),
        (nn.Linear(3, 2), [(None, None)], "positive sizes"),
        (nn.Linear(3, 2).bfloat16(), [(3,)], "call module.float()"),
        (nn.Sequential(nn.Conv1d(3, 2, 2)), None, "inputs="),
        (nn.BatchNorm1d(3, track_running_stats=False), [(3,)], "track_running_stats"),
        (nn.LSTM(3, 4, proj_size=2, batch_first=True), [(2, 3)], "proj_size"),
        (torch.zeros(3), [(3,)], "no torch.nn.Module"),
        (torch.optim.SGD([torch.zeros(1)]), [(3,)], "no torch.nn.Module"),
    ],
)
def test_a_module_that_cannot_be_compiled_is_refused(module, inputs, says):
    assert says in _message(lambda: edgetrig.compile(module, inputs=inputs))


@pytest.mark.filterwarnings("ignore")
def test_other_forms_of_modules_are_refused():
    scripted = torch.jit.trace(nn.Linear(3, 2), torch.zeros(1, 3))
    assert "pass the Python module" in _message(lambda: load(scripted, inputs=[(3,)]))
    integers = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(3, 2)))
    assert "ONNX" in _message(lambda: load(integers, inputs=[(3,)]))


def test_brevitas_modules_are_sent_to_qonnx():
    kind = type("QuantLinear", (nn.Linear,), {"__module__": "brevitas.nn.quant_linear"})
    assert "export_qonnx" in _message(lambda: load(nn.Sequential(kind(3, 2)), inputs=[(3,)]))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pt2"])
def test_files_are_refused_without_being_opened(suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    torch.save({"weights": torch.zeros(3)}, path)
    message = _message(lambda: edgetrig.compile(path))
    assert str(path) in message
    assert "ONNX" in message


def test_other_models_bring_their_shapes(tmp_path):
    with pytest.raises(ModelError, match="leave inputs= out"):
        load(tmp_path / "model.keras", inputs=[(3,)])


def test_state_is_refused():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(1))

        def forward(self, x):
            self.count += 1
            return x * 2

    assert "'count'" in _message(lambda: load(Counting(), inputs=[(3,)]))


def test_a_module_is_handed_back_as_it_was():
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout())
    module[0].eval()
    _message(lambda: load(module, inputs=[(3,)]))
    assert module.training
    assert not module[0].training
    assert module[1].training


def test_a_huge_constant_or_result_is_refused(module_of):
    def repeated(x):
        return x.repeat(1, 1 << 26)

    assert "too large" in _message(lambda: load(module_of(repeated), inputs=[np.zeros(3)]))
