"""Make the models in ``data`` with Brevitas, and their results with QONNX' own execution.

Run once, in an environment of its own, with what the tests do without:

    pip install "torch==2.13.0+cpu" brevitas==0.13.4 qonnx==1.0.0
    pip install onnx==1.21 onnxoptimizer onnxscript
    python tests/onnx_models/make_brevitas.py
"""

from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
from brevitas.core.restrict_val import RestrictValueType
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8ActPerTensorFloat,
    Int8Bias,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFixedPoint,
    Int8WeightPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    TruncTo8bit,
    Uint8ActPerTensorFixedPoint,
    Uint8ActPerTensorFloat,
)
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.cleanup import cleanup_model
from torch import nn

DATA = Path(__file__).parent / "data"
EVENTS = 64


class Residual(nn.Module):
    """Two branches that one quantiser brings to one scale."""

    def __init__(self):
        super().__init__()
        self.input = qnn.QuantIdentity(bit_width=6, return_quant_tensor=True)
        self.first = qnn.QuantLinear(8, 8, bias=True, weight_bit_width=4, return_quant_tensor=True)
        self.relu = qnn.QuantReLU(bit_width=5, return_quant_tensor=True)
        self.second = qnn.QuantLinear(8, 8, bias=True, weight_bit_width=4)
        self.add = qnn.QuantEltwiseAdd(return_quant_tensor=True)
        self.last = qnn.QuantLinear(8, 3, bias=True, weight_bit_width=4)

    def forward(self, x):
        x = self.input(x)
        return self.last(self.add(x, self.second(self.relu(self.first(x)))))


def mlp(weight, act, signed, bits=6):
    """A network as hls4ml's and FINN's users train them."""
    linear = {"weight_quant": weight, "weight_bit_width": bits, "bias": True}
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=signed, bit_width=8, return_quant_tensor=True),
        qnn.QuantLinear(16, 24, **linear),
        nn.BatchNorm1d(24),
        qnn.QuantReLU(act_quant=act, bit_width=bits, return_quant_tensor=True),
        qnn.QuantLinear(24, 12, **linear),
        qnn.QuantReLU(act_quant=act, bit_width=bits, return_quant_tensor=True),
        qnn.QuantLinear(12, 5, **linear),
    )


def integer_bias():
    """A network whose biases are whole numbers of the sums' scale."""
    linear = {
        "weight_quant": Int8WeightPerChannelFloat,
        "weight_bit_width": 4,
        "bias": True,
        "bias_quant": Int8Bias,
        "return_quant_tensor": True,
    }
    return nn.Sequential(
        qnn.QuantIdentity(bit_width=7, return_quant_tensor=True),
        qnn.QuantLinear(10, 12, **linear),
        qnn.QuantReLU(bit_width=4, return_quant_tensor=True),
        qnn.QuantLinear(12, 4, **linear),
    )  # fmt: skip


def cnn(truncated=False):
    """Convolutions, depthwise too, with both kinds of pooling."""
    conv = {"weight_quant": Int8WeightPerChannelFloat, "weight_bit_width": 4}
    pool = (
        qnn.TruncAvgPool2d(2, trunc_quant=TruncTo8bit, bit_width=5, return_quant_tensor=True)
        if truncated
        else nn.AvgPool2d(2)
    )
    return nn.Sequential(
        qnn.QuantIdentity(bit_width=6, return_quant_tensor=True),
        qnn.QuantConv2d(1, 3, 3, padding=1, bias=False, **conv),
        nn.BatchNorm2d(3),
        qnn.QuantReLU(bit_width=4, return_quant_tensor=True),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(3, 3, 3, groups=3, padding=1, bias=False, **conv),
        qnn.QuantReLU(bit_width=4, return_quant_tensor=True),
        pool,
        nn.Flatten(),
        qnn.QuantIdentity(bit_width=5, return_quant_tensor=True),
        qnn.QuantLinear(12, 3, bias=True, weight_bit_width=4),
    )


def binary():
    """One bit everywhere, with batch norm between as in FINN's examples."""
    weight = {"weight_quant": SignedBinaryWeightPerTensorConst, "bias": False}
    act = {"act_quant": SignedBinaryActPerTensorConst, "return_quant_tensor": True}
    return nn.Sequential(
        qnn.QuantIdentity(**act),
        qnn.QuantLinear(16, 16, **weight),
        nn.BatchNorm1d(16),
        qnn.QuantIdentity(**act),
        qnn.QuantLinear(16, 4, **weight),
    )


def smooth():
    """Activations by tables, behind weights with a scale each channel."""
    linear = {"weight_quant": Int8WeightPerChannelFloat, "weight_bit_width": 3, "bias": True}
    return nn.Sequential(
        qnn.QuantIdentity(bit_width=5, return_quant_tensor=True),
        qnn.QuantLinear(6, 6, **linear),
        qnn.QuantTanh(bit_width=5, return_quant_tensor=True),
        qnn.QuantLinear(6, 6, **linear),
        qnn.QuantSigmoid(bit_width=5, return_quant_tensor=True),
        qnn.QuantLinear(6, 2, **linear),
    )


FLOAT = (Int8WeightPerTensorFloat, Uint8ActPerTensorFloat, Int8ActPerTensorFloat)
CHANNEL = (Int8WeightPerChannelFloat, Uint8ActPerTensorFloat, Int8ActPerTensorFloat)
FIXED = (Int8WeightPerTensorFixedPoint, Uint8ActPerTensorFixedPoint, Int8ActPerTensorFixedPoint)


class FixedChannel(Int8WeightPerChannelFloat):
    """Scales that are powers of two, one a channel."""

    restrict_scaling_type = RestrictValueType.POWER_OF_TWO


MODELS = {
    "mlp_float": (lambda: mlp(*FLOAT), (16,), export_qonnx),
    "mlp_channel": (lambda: mlp(*CHANNEL, bits=4), (16,), export_qonnx),
    "mlp_fixed": (lambda: mlp(*FIXED), (16,), export_qonnx),
    "mlp_fixed_channel": (lambda: mlp(FixedChannel, *FIXED[1:]), (16,), export_qonnx),
    "mlp_qcdq": (lambda: mlp(*FLOAT), (16,), export_onnx_qcdq),
    "integer_bias": (integer_bias, (10,), export_qonnx),
    "cnn": (cnn, (1, 8, 8), export_qonnx),
    "cnn_truncated": (lambda: cnn(truncated=True), (1, 8, 8), export_qonnx),
    "binary": (binary, (16,), export_qonnx),
    "smooth": (smooth, (6,), export_qonnx),
    "residual": (Residual, (8,), export_qonnx),
}


def trained(build, shape):
    """Return a model whose scales and statistics have seen data."""
    model = build()
    with torch.no_grad():
        for _ in range(30):
            model(torch.randn(64, *shape) * 2)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    return model.eval()


def main():
    """Write every model with its inputs and results."""
    DATA.mkdir(exist_ok=True)
    for number, (name, (build, shape, export)) in enumerate(MODELS.items()):
        torch.manual_seed(number)
        model = trained(build, shape)
        path = DATA / f"{name}.onnx"
        export(model, torch.randn(1, *shape), str(path), opset_version=14, dynamo=False)
        rng = np.random.default_rng(number)
        x = (rng.integers(-256, 257, (EVENTS, *shape)) / 64).astype(np.float32)
        wrapper = cleanup_model(ModelWrapper(onnx.load(path))).transform(InferShapes())
        entry, result = wrapper.graph.input[0].name, wrapper.graph.output[0].name
        y = [execute_onnx(wrapper, {entry: x[k : k + 1]})[result][0] for k in range(EVENTS)]
        np.savez_compressed(DATA / f"{name}.npz", x=x, y=np.stack(y))


if __name__ == "__main__":
    main()
