"""Whole networks: recurrent, attention, graphs; names of steps; quantising by data."""

import numpy as np
import pytest
import torch
from torch import nn

import edgetrig
from edgetrig.frontends import read


class Recurrent(nn.Module):
    """A recurrent layer with its states, the event axis first."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        result, states = self.layer(x)
        states = states if isinstance(states, tuple) else (states,)
        return result, *(state.transpose(0, 1) for state in states)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=x.dtype)
        y, weights = self.attention(x, x, x, attn_mask=mask)
        return self.norm(x + y), weights


class Padded(nn.Module):
    """Attention that leaves out what the event says, by a mask of its own or an input."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)

    def forward(self, x, absent):
        y, weights = self.attention(x, x, x, key_padding_mask=absent > 0.5)
        z, _ = self.attention(x, x, x, key_padding_mask=x[..., 0] > 1, need_weights=False)
        return y, weights, z, self.encoder(x, src_key_padding_mask=absent > 0.5)


class Cells(nn.Module):
    """Recurrence written by hand, a cell a step."""

    def __init__(self):
        super().__init__()
        self.lstm, self.gru, self.rnn = nn.LSTMCell(4, 3), nn.GRUCell(3, 3), nn.RNNCell(3, 2)

    def forward(self, x):
        h, c = self.lstm(x[:, 0])
        g = self.gru(h)
        for step in (1, 2):
            h, c = self.lstm(x[:, step], (h, c))
            g = self.gru(h, g)
        return self.rnn(g)


def test_recurrent_cells_are_pytorchs(assert_close, rng):
    assert_close(Cells(), rng.normal(size=(5, 3, 4)), tolerance=1e-4)


def test_padding_masks_are_pytorchs(assert_close, rng):
    x = rng.normal(size=(6, 5, 8))
    x[:, 0, 0] = 0
    absent = rng.integers(0, 2, (6, 5)).astype(float)
    absent[:, 0] = 0
    assert_close(Padded(), x, absent, tolerance=1e-4)


class Interaction(nn.Module):
    """An interaction network over a fixed graph, with a sum over the edges that end at a node."""

    def __init__(self):
        super().__init__()
        self.register_buffer("source", torch.tensor([0, 0, 1, 1, 2, 2]))
        self.register_buffer("target", torch.tensor([1, 2, 0, 2, 0, 1]))
        self.edge = nn.Sequential(nn.Linear(6, 4), nn.ReLU())
        self.node = nn.Linear(7, 3)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        messages = self.edge(torch.cat([x[:, self.source], x[:, self.target]], -1))
        sums = torch.zeros(len(x), 3, 4, dtype=x.dtype).index_add(1, self.target, messages)
        return self.head(torch.relu(self.node(torch.cat([x, sums], -1))).mean(1))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize(
    "options", [{}, {"bias": False}, {"num_layers": 2, "bidirectional": True}], ids=str
)
def test_a_recurrent_layer_is_pytorchs(kind, options, assert_close, rng):
    layer = Recurrent(kind(4, 3, batch_first=True, **options))
    assert_close(layer, rng.normal(size=(5, 4, 4)), tolerance=1e-4)


def test_the_event_axis_may_be_the_second(assert_close, rng):
    layer = nn.RNN(4, 3, nonlinearity="relu")
    assert_close(layer, rng.normal(size=(5, 6, 4)), shapes=[(6, None, 4)], tolerance=1e-4)


def test_a_first_state_is_taken(assert_close, rng):
    cell = nn.GRU(4, 3, batch_first=True)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, x, state):
            return self.cell(x, state[None])[0]

    assert_close(Decoder(), rng.normal(size=(5, 2, 4)), rng.normal(size=(5, 3)), tolerance=1e-4)


@pytest.mark.parametrize(
    ("module", "shapes"),
    [
        (Attention(), [(3, 8)]),
        (nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), [(3, 8)]),
        (
            nn.TransformerEncoderLayer(
                8, 2, 12, batch_first=True, norm_first=True, activation="gelu"
            ),
            [(3, 8)],
        ),
        (nn.TransformerDecoderLayer(8, 2, 12, batch_first=True), [(3, 8), (4, 8)]),
        (Interaction(), [(3, 3)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_network_is_pytorchs(module, shapes, assert_close, rng):
    assert_close(module, *(rng.normal(size=(5, *shape)) for shape in shapes), tolerance=1e-4)


def test_steps_are_named_after_modules():
    layers = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 2)
    model = read(nn.Sequential(*layers))
    assert [(step.name, step.kind) for step in model.steps] == [
        ("0", "Linear"),
        ("1", "BatchNorm1d"),
        ("2", "ReLU"),
        ("4", "Linear"),
    ]
    names = [step.name for step in read(Interaction(), inputs=[(3, 3)]).steps]
    assert {"edge.0", "edge.1", "node", "head", "index_add", "relu", "mean"} <= set(names)
    assert len(names) == len(set(names))


def test_functions_are_numbered(module_of):
    model = read(module_of(lambda x: torch.relu(-torch.relu(x))), inputs=[(3,)])
    assert [step.name for step in model.steps] == ["relu", "neg", "relu_1"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU(), nn.Linear(6, 2)),
        lambda: nn.Sequential(
            *(nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 3, 2), nn.ReLU(), nn.AvgPool1d(3)),
            *(nn.Flatten(), nn.Linear(3, 2)),
        ),
    ],
    ids=["dense", "convolution"],
)
def test_a_float_module_is_quantised_by_data(make, rng):
    module = make()  # here, where the seed is set
    x = rng.normal(size=(300, 4)).astype(np.float32)
    quantized = edgetrig.quantize(module, x, bits=12)
    design = edgetrig.compile(quantized)
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(x)).numpy()
    error = np.abs(design.predict(x) - expected).max()
    assert error < 0.02 * expected.std()


def test_an_exported_program_is_read(rng):
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval()
    program = torch.export.export(
        module, (torch.zeros(5, 4),), dynamic_shapes=({0: torch.export.Dim("events")},)
    )
    assert [step.kind for step in read(program).steps] == ["Linear", "ReLU"]
