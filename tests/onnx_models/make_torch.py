"""Make the models in ``data/torch`` with both of PyTorch's exporters, and their float results.

Run once:

    pip install "torch==2.13.0+cpu" onnx==1.21 onnxscript
    python tests/onnx_models/make_torch.py
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

DATA = Path(__file__).parent / "data" / "torch"
EVENTS = 32


class Attention(nn.Module):
    """A transformer's layer over five constituents."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.layer = nn.TransformerEncoderLayer(
            8, 2, 16, dropout=0.0, batch_first=True, activation="gelu"
        )
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        return self.last(self.layer(self.embed(x)).mean(1))


class DeepSets(nn.Module):
    """Sums and maxima over constituents."""

    def __init__(self):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        h = self.each(x)
        return torch.softmax(self.last(torch.cat([h.sum(1), h.max(1).values], -1)), -1)


class Interactions(nn.Module):
    """An interaction network: messages along all edges, summed at their ends."""

    def __init__(self):
        super().__init__()
        self.edge, self.node, self.last = nn.Linear(8, 5), nn.Linear(9, 6), nn.Linear(6, 2)
        pairs = [(a, b) for a in range(4) for b in range(4) if a != b]
        self.register_buffer("ends", torch.tensor([a for a, _ in pairs]))
        self.register_buffer("starts", torch.tensor([b for _, b in pairs]))

    def forward(self, x):
        messages = torch.relu(self.edge(torch.cat([x[:, self.ends], x[:, self.starts]], -1)))
        sums = messages.view(x.size(0), 4, 3, 5).sum(2)
        return self.last(torch.relu(self.node(torch.cat([x, sums], -1))).mean(1))


class Memory(nn.Module):
    """A recurrent layer in both directions, or a gated one."""

    def __init__(self, kind, **options):
        super().__init__()
        self.memory = kind(4, 6, batch_first=True, **options)
        self.last = nn.Linear(12 if options else 6, 2)

    def forward(self, x):
        return self.last(self.memory(x)[0][:, -1])


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, groups=2),
        nn.LeakyReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


MODELS = {
    "attention": (Attention, (5, 4)),
    "convolutions": (convolutions, (1, 8, 8)),
    "deep_sets": (DeepSets, (6, 4)),
    "gru": (lambda: Memory(nn.GRU), (4, 4)),
    "interactions": (Interactions, (4, 4)),
    "lstm": (lambda: Memory(nn.LSTM, bidirectional=True), (4, 4)),
}


def without_notes(path):
    """Take out what the exporter says of source files."""
    model = onnx.load(path)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info,
                 *model.graph.initializer, *model.graph.input, *model.graph.output):  # fmt: skip
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    model.graph.ClearField("value_info")
    onnx.save(model, path)


def main():
    """Write every model twice, and its results."""
    DATA.mkdir(parents=True, exist_ok=True)
    for number, (name, (build, shape)) in enumerate(MODELS.items()):
        torch.manual_seed(number)
        model = build().eval()
        x = torch.randn(EVENTS, *shape)
        with torch.no_grad():
            y = model(x)
        np.savez_compressed(DATA / f"{name}.npz", x=x.numpy(), y=y.numpy())
        given = "input" if isinstance(model, nn.Sequential) else "x"
        for kind, options in (
            ("script", {"dynamo": False, "opset_version": 17, "dynamic_axes": {"x": {0: "N"}}}),
            ("dynamo", {"dynamo": True, "opset_version": 20, "external_data": False,
                        "dynamic_shapes": {given: {0: "batch"}}}),
        ):  # fmt: skip
            path = str(DATA / f"{name}_{kind}.onnx")
            torch.onnx.export(model, (torch.randn(2, *shape),), path, input_names=["x"], **options)
            without_notes(path)


if __name__ == "__main__":
    main()
