"""Every operation, in floats, against PyTorch in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

X = (3, 4)
IMAGE = (4, 4, 6)

INDEX = torch.tensor([0, 2, 1])
CAUSAL = torch.ones(3, 3).tril()


def _ones(*shape):
    return torch.arange(1.0, 1 + np.prod(shape)).reshape(shape) / 8


def _like(x, *shape):
    return _ones(*shape).to(x.dtype)


def _set_item(x):
    y = torch.zeros_like(x)
    y[:, 0] = x[:, 1]
    y[:, 1] += x[:, 2]
    return y


def _scatters(x):
    index = INDEX.view(1, 3, 1).expand(x.shape[0], 3, 4)
    zeros = torch.zeros_like(x)
    return (
        zeros.index_add(1, torch.tensor([1, 1, 2]), x, alpha=2),
        zeros.scatter_add(1, index // 2, x),
        x.scatter_reduce(1, index, x * 2, "amax"),
        x.scatter_reduce(1, index // 2, x * 2, "sum", include_self=False),
        zeros.index_put((torch.arange(x.shape[0])[:, None], torch.tensor([[1, 1, 0]])), x, True),
    )


def _neighbours(x, count):
    distance = ((x[:, :, None, :2] - x[:, None, :, :2]) ** 2).sum(-1)
    nearest = distance.topk(count, largest=False).indices
    return nearest.unsqueeze(-1).expand(-1, -1, -1, x.shape[-1])


ACTIVATIONS = (
    *("relu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "elu", "selu", "celu"),
    *("gelu", "silu", "mish", "softplus", "softsign", "tanhshrink", "softshrink", "hardshrink"),
    *("logsigmoid", "tanh", "sigmoid"),
)

CASES = {
    "parameters of activations": lambda x: [
        *(torch.exp2(x), torch.heaviside(x, _like(x, 4)), torch.heaviside(x.round(), _like(x))),
        F.threshold(x, 0.1, 2),
        F.gelu(x, approximate="tanh"),
        F.glu(x),
        F.softmin(x, -1),
        F.log_softmax(x, -1),
        F.softmax(x, 1),
        F.prelu(x, _like(x, 3)),
        F.rrelu(x),
        F.normalize(x, dim=-1),
        F.softplus(x, 2, 1.0),
        F.leaky_relu(x, 0.3),
        F.celu(x, 2.0),
        F.elu(x, 0.5),
        F.hardtanh(x, -0.5, 0.25),
        F.hardshrink(x, 0.25),
        F.softshrink(x, 0.25),
    ],
    "functions": lambda x: [
        getattr(torch, name)(x)
        for name in (
            *("exp", "erf", "sin", "cos", "atan", "sinh", "square", "abs", "sign", "neg", "floor"),
            *("ceil", "round", "trunc", "frac", "expm1", "asinh"),
        )
    ],
    "functions of positive numbers": lambda x: [
        getattr(torch, name)(x.abs() + 0.1)
        for name in ("log", "sqrt", "rsqrt", "reciprocal", "log1p", "log2", "log10")
    ],
    "arithmetic": lambda x: [
        *(x**2, x**3, x.abs().pow(0.5), 2**x, 1 / x, 2 / x, x / 3, x // 2, x % 2, 2 - x, 0.5 + x),
        *(torch.rsub(x, 1), torch.add(x, x, alpha=2), torch.addcmul(x, x, x, value=2)),
        *(torch.sub(x, x * 2, alpha=3), torch.lerp(x, x * 2, 0.5), torch.div(x, 0.3), x / -4),
        *(
            x / x.abs().sum(-1, keepdim=True),
            x * _like(x, 4),
            torch.div(x, 4, rounding_mode="floor"),
            *(torch.fmod(x, 0.5), torch.fmod(x * 9, 3), torch.fmod(x * 9, -5), (x * 9) % -3),
            *((x * 9) // 3, torch.div(x * 9, -7, rounding_mode="trunc")),
            *(torch.logaddexp(x, x.flip(1)), torch.acosh(x.exp() + 1)),
        ),
        torch.div(x, 4, rounding_mode="trunc"),
    ],
    "comparisons": lambda x: [
        *(x > 0.25, x >= 0, x < 0, x <= x[:, :1], x == x[:, :1], x != x.abs(), ~(x > 0)),
        *((x > 0) & (x < 1), (x > 1) | (x < 0), (x > 0) ^ (x > 1), torch.logical_not(x > 0)),
    ],
    "choices": lambda x: [
        *(torch.where(x > 0, x, 0.0), x.clamp(0, 1), x.clamp(min=0), x.clamp(max=x * 0.5)),
        *(x.masked_fill(x > 0, 1.0), torch.minimum(x, x * 2), torch.maximum(x, -x)),
        *(torch.max(x, x * 2), torch.where(INDEX.view(1, 3, 1) > 0, x, -x)),
    ],
    "casts": lambda x: [x.long(), (x * 4).int().to(x.dtype), (x > 0).to(x.dtype), x.bool()],
    "reductions": lambda x: [
        *(x.mean(-1), x.sum(1), x.sum((1, 2)), x.amax(1), x.amin((1, 2)), x.max(1)[0], x.min(1)[1]),
        *(x.argmax(-1), x.argmin(1, keepdim=True), x.prod(-1), x.cumsum(-1), x.logsumexp(-1)),
        *(x.std(-1), x.var(-1), x.var(1, correction=0, keepdim=True), x.norm(dim=-1)),
        *(x.norm(1, dim=-1), (x > 0).any(-1), (x > 0).all(-1), x.mean(1, keepdim=True)),
    ],
    "sorting": lambda x: [
        *(*x.topk(2), *x.topk(2, 1, False), *x.sort(-1), *x.sort(1, descending=True)),
        *(x.argsort(-1), *x.median(-1), *x.max(1)),
        *(*x.kthvalue(2), *x.kthvalue(3, 1, True), *x.kthvalue(1, -2)),
    ],
    "views": lambda x: [
        *(x.view(-1, 12), x.flatten(1), x.unflatten(2, (2, 2)), x.swapaxes(1, 2), x.movedim(1, 2)),
        *(
            x[:, None].expand(-1, 2, 3, 4),
            x.unsqueeze(1).squeeze(1),
            x.permute(0, 2, 1).contiguous(),
        ),
    ],
    "slices": lambda x: [
        *(
            x[:, 0],
            x[:, -1],
            x[..., 1:3],
            x[..., ::2],
            x[:, INDEX],
            x[:, [0, 1]],
            x[:, INDEX, INDEX],
        ),
        *(x.index_select(1, INDEX), torch.narrow(x, 1, 0, 2), x.diagonal(dim1=1, dim2=2), x.tril()),
        torch.gather(x, 1, INDEX.view(1, 3, 1).expand(x.shape[0], 3, 4)),
    ],
    "computed places": lambda x: [
        torch.gather(x, 1, x.argsort(1)),
        torch.gather(x, 2, x[:, :2].topk(3).indices),
        torch.take_along_dim(x, x.argmax(1, keepdim=True), 1),
        x[torch.arange(x.shape[0]), x[..., 0].argmax(1)],
        x[torch.arange(x.shape[0])[:, None], x[..., 0].topk(2).indices],
        _like(x, 3, 2)[x[..., 0].argmax(1)],
        torch.gather(x.unsqueeze(1).expand(-1, 3, -1, -1), 2, _neighbours(x, 2)),
    ],
    "splits and joins": lambda x: [
        *(*x.chunk(2, -1), *x.split(1, 1), *x.split([1, 3], -1), *x.unbind(1), x.unfold(2, 2, 1)),
        *(
            torch.stack([x, x * 2], 1),
            torch.cat([x, x * 2], 1),
            torch.cat([x, torch.ones_like(x)], 1),
        ),
        *torch.tensor_split(x, 2, 1),
    ],
    "repeats and rolls": lambda x: [
        *(x.roll(1, -1), x.flip(1), x.repeat(1, 2, 1), x.tile(2), torch.repeat_interleave(x, 2, 1)),
    ],
    "pads": lambda x: [
        *(F.pad(x, (1, 1)), F.pad(x, (1, 1), value=2.0), F.pad(x, (1, 1), "reflect")),
        *(F.pad(x, (1, 1), "replicate"), F.pad(x, (1, 1), "circular"), F.pad(x, (-1, 0))),
    ],
    "scatters": _scatters,
    "assignment": _set_item,
    "in place": lambda x: x.add(1).relu_().mul_(2),
    "norms": lambda x: [
        *(F.layer_norm(x, (4,)), F.layer_norm(x, X, _like(x, 3, 4), _like(x, 3, 4))),
        *(F.group_norm(x, 3), F.instance_norm(x), F.rms_norm(x, (4,), _like(x, 4))),
        F.local_response_norm(x, 2),
    ],
    "products": lambda x: [
        *(x @ x.transpose(1, 2), torch.bmm(x, x.transpose(1, 2)), F.linear(x, _like(x, 2, 4))),
        *(torch.tensordot(x, _like(x, 4, 3), 1), F.bilinear(x, x, _like(x, 2, 4, 4), _like(x, 2))),
        *(torch.einsum("bij,jk->bik", x, _like(x, 4, 5)), torch.einsum("bij,bkj->bik", x, x)),
        *(torch.einsum("...ij->...j", x), torch.einsum("bij,i->bj", x, _like(x, 3))),
        *(torch.baddbmm(x[..., :3], x, x.transpose(1, 2), beta=0.5, alpha=2), x @ _like(x, 4)),
    ],
    "attention": lambda x: [
        F.scaled_dot_product_attention(x, x, x),
        F.scaled_dot_product_attention(x, x, x, is_causal=True, scale=2.0),
        F.scaled_dot_product_attention(_like(x, 1, 2, 4).expand(x.shape[0], -1, -1), x, x),
        F.scaled_dot_product_attention(x, x, x, attn_mask=CAUSAL.bool()),
        F.scaled_dot_product_attention(x, x, x, CAUSAL.log().to(x.dtype)),
        # masks of numbers, constant and made of the event, and of truth values
        F.scaled_dot_product_attention(x, x, x, CAUSAL.to(x.dtype) * 0.5),
        F.scaled_dot_product_attention(x, x, x, x @ x.transpose(1, 2) - 1),
        F.scaled_dot_product_attention(x, x, x, (x @ x.transpose(1, 2)) > -9),
    ],
    "written out by PyTorch": lambda x: [
        F.cosine_similarity(x + 3, x.flip(2) + 4, dim=-1),
        F.pairwise_distance(x, x.flip(1) + 5),
        *(torch.cdist(x, x.flip(2) + 1), torch.cdist(x, _like(x, 1, 2, 4), p=1)),
    ],
    "masked softmax": lambda x: [
        F.softmax((x @ x.transpose(1, 2)).masked_fill(CAUSAL == 0, -torch.inf), -1),
        F.softmax(x.masked_fill(x < x.amax(-1, keepdim=True) - 1, -torch.inf), -1),
        F.softmax(x @ x.transpose(1, 2) + CAUSAL.log().to(x.dtype), -1),
        F.softmax(x + torch.zeros_like(x).masked_fill(x < -1, -torch.inf), -1),
    ],
    "vmap": lambda x: torch.vmap(lambda event: (event[INDEX] @ _like(x, 4, 2)).sum(0))(x),
}
IMAGES = {
    "pooling in two dimensions": lambda x: [
        *(F.max_pool2d(x, 2), F.max_pool2d(x, 3, 2, 1, ceil_mode=True), F.avg_pool2d(x, 2)),
        *(
            F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
            F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        ),
        *(F.avg_pool2d(x, 2, divisor_override=3), F.adaptive_avg_pool2d(x, (2, 3))),
        *(
            F.adaptive_max_pool2d(x, 2),
            F.adaptive_avg_pool2d(x, 1),
            F.max_pool2d(x, 2, 1, dilation=2),
        ),
        F.lp_pool2d(x, 2, 2),
    ],
    "pooling in one dimension": lambda x: [
        F.max_pool1d(x[:, 0, :, :2], 3, 2, ceil_mode=True),
        *(F.max_pool1d(x[:, 0], 3, 2), F.avg_pool1d(x[:, 0], 2), F.adaptive_avg_pool1d(x[:, 0], 1)),
        *(F.adaptive_max_pool1d(x[:, 0], 2), F.avg_pool1d(x[:, 0], 3, 1, 1)),
    ],
    "pooling in three dimensions": lambda x: [
        F.max_pool3d(x[:, None], 2),
        F.avg_pool3d(x[:, None], 2),
    ],
    "resizing": lambda x: [
        *(F.interpolate(x, scale_factor=2), F.interpolate(x, size=(8, 8)), F.pixel_shuffle(x, 2)),
        *(F.pixel_unshuffle(x, 2), F.channel_shuffle(x, 2), F.unfold(x, (2, 3))),
        *(F.interpolate(x, scale_factor=2, mode="bilinear"), F.pad(x, (1, 1, 1, 1), "reflect")),
        F.interpolate(x, size=(3, 5), mode="bicubic", align_corners=True),
    ],
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_pytorchs(name, assert_close, rng):
    function = getattr(F, name, None) or getattr(torch, name)
    assert_close(function, 3 * rng.normal(size=(50, *X)))


@pytest.mark.parametrize("name", CASES)
def test_operations_are_pytorchs(name, assert_close, rng):
    x = rng.normal(size=(7, *X))
    if name not in ("sorting", "computed places"):  # where PyTorch leaves the order of equals open
        x[0] = np.floor(x[0] * 2) / 2 + 0.5
        x[x == 0] = 0.5
    assert_close(CASES[name], x, tolerance=1e-4)


@pytest.mark.parametrize("name", IMAGES)
def test_operations_on_images_are_pytorchs(name, assert_close, rng):
    assert_close(IMAGES[name], rng.normal(size=(3, *IMAGE)))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(4, 6, 3),
        nn.Conv1d(4, 6, 4, padding="same", dilation=2, bias=False),
        nn.Conv1d(4, 4, 3, stride=2, padding=1, groups=4),
        nn.ConvTranspose1d(4, 2, 3, stride=2, padding=1, output_padding=1),
        nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), groups=2),
        nn.Conv2d(4, 3, 2, dilation=(2, 1), padding="valid"),
        nn.ConvTranspose2d(4, 6, (3, 2), 2, groups=2, dilation=2),
        nn.Conv3d(4, 2, 2),
        nn.ConvTranspose3d(4, 2, 2, bias=False),
    ],
    ids=str,
)
def test_a_convolution_is_pytorchs(layer, assert_close, rng):
    axes = layer.weight.ndim - 2
    model = assert_close(nn.Sequential(layer), rng.normal(size=(3, 4, 6, 5, 4)[: axes + 2]))
    assert [step.name for step in model.steps] == ["0"]


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.InstanceNorm1d])
def test_trained_statistics_are_taken(kind, assert_close, rng):
    layer = kind(4, affine=True, track_running_stats=True)
    with torch.no_grad():
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2)
        layer.weight.normal_()
        layer.bias.normal_()
    assert_close(nn.Sequential(layer), rng.normal(size=(5, 4, 6)))


def test_a_table_is_read_at_whole_numbers(assert_close, rng):
    x = rng.integers(0, 5, (9, 3))
    assert_close(nn.Sequential(nn.Embedding(5, 3), nn.Flatten()), x)
    assert_close(lambda x: F.one_hot(x.long(), 5).double(), x)


def test_two_inputs_and_named_outputs(assert_close, rng):
    x, y = rng.normal(size=(2, 5, 3))
    model = assert_close(lambda x, y: {"sum": x + y, "product": x * y}, x, y)
    assert [name for name, _ in model.outputs] == ["sum", "product"]
    assert len(model.inputs) == 2


def _typed(x):
    return torch.clamp(torch.round(x * 4), -16, 15) / 4


@pytest.mark.parametrize(
    "name",
    [
        *("choices", "comparisons", "casts", "views", "slices", "splits and joins", "pads"),
        *("repeats and rolls", "scatters", "assignment", "in place", "products", "resizing"),
    ],
)
def test_what_needs_no_table_is_exact_in_hardware(name, assert_same, rng, module_of):
    function, shape = (CASES[name], X) if name in CASES else (IMAGES[name], IMAGE)
    x = (2 * rng.normal(size=(64, *shape))).astype(np.float32)
    assert_same(module_of(lambda x: function(_typed(x))), x)
