"""HGQ2's tables, recurrent, spiking and attention layers: circuit equals HGQ2, bit for bit."""

import keras
import numpy as np
import pytest
from hgq.config import QuantizerConfig
from hgq.layers import (
    QGRU,
    QLIF,
    QConvT1D,
    QConvT2D,
    QDenseT,
    QEinsumDenseT,
    QLIFCell,
    QLinformerAttention,
    QLinformerAttentionT,
    QMultiHeadAttention,
    QMultiHeadAttentionT,
    QSimpleRNN,
    QSimpleSNN,
)
from hgq.layers.attn.salt import QSALTAttention

EACH = QuantizerConfig("kif", "table", heterogeneous_axis=(1, 2))
SPIKES = {"surrogate_disable": True, "return_sequences": True}


def data(rng, *shape):
    return (rng.integers(-(2**6), 2**6, (40, *shape)) / 2.0**3).astype("float32")


LAYERS = {
    "rnn": lambda: QSimpleRNN(3),
    "rnn sequence": lambda: QSimpleRNN(
        2, return_sequences=True, go_backwards=True, enable_sq=True, use_bias=False
    ),
    "gru": lambda: QGRU(2),
    "gru reset before": lambda: QGRU(2, reset_after=False, return_sequences=True),
    "lif": lambda: QLIF(3, learn_threshold=True, reset_mechanism="zero", **SPIKES),
    "lif cell": lambda: keras.layers.RNN(QLIFCell(3, surrogate_disable=True)),
    "spiking": lambda: QSimpleSNN(3, enable_sq=False, inhibition=True, **SPIKES),
    "dense tables": lambda: QDenseT(2, n_hl=2, d_hl=4, activation="relu"),
    "dense tables with norm": lambda: QDenseT(2, batch_norm=True, toq_conf=EACH),
    "linear tables": lambda: QDenseT(2, n_hl=0, use_bias=False),
    "einsum tables": lambda: QEinsumDenseT("bij,ik->bkj", (2, 3), bias_axes="k"),
    "einsum tables in another order": lambda: QEinsumDenseT("bij,kj->bki", (2, 4), bias_axes="k"),
    "einsum tables with norm": lambda: QEinsumDenseT("bij,jk->bki", (2, 4), batch_norm=True),
    "convolution tables": lambda: QConvT1D(2, 3, padding="same", strides=2),
}


@pytest.mark.filterwarnings("ignore:JAX backend does not support WRAP:UserWarning")
@pytest.mark.filterwarnings("ignore:Inhibition is an unstable feature:UserWarning")
@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_exact(name, assert_same, randomize, rng):
    model = keras.Sequential([keras.Input((4, 3)), LAYERS[name]()])
    randomize(model, rng)
    assert_same(model, data(rng, 4, 3))


def test_convolution_tables_in_two_dimensions(assert_same, randomize, rng):
    layer = QConvT2D(2, (2, 1), subnn_activation="tanh")
    model = keras.Sequential([keras.Input((3, 2, 2)), layer])
    randomize(model, rng)
    assert_same(model, data(rng, 3, 2, 2))


def test_older_registered_names_of_tables_are_read(assert_same, rewrite, randomize, rng, tmp_path):
    from edgetrig.frontends import load

    model = keras.Sequential([keras.Input((3,)), QDenseT(2)])
    randomize(model, rng)
    loaded = assert_same(model, data(rng, 3))
    path = rewrite(tmp_path / "model.keras", lambda text: text.replace("hgq>", "hgq2>"))
    assert str(load(path).circuit) == str(loaded.circuit)


ATTENTION = {
    "multi-head": lambda: QMultiHeadAttention(2, 2),
    "fused": lambda: QMultiHeadAttention(1, 2, fuse="qkv", value_dim=3, output_shape=2),
    "fused keys": lambda: QMultiHeadAttention(1, 2, fuse="kv", use_bias=False),
    "tables": lambda: QMultiHeadAttentionT(1, 1),
    "linformer": lambda: QLinformerAttention(1, 2, 2),
    "linformer shared": lambda: QLinformerAttention(1, 2, 2, share_kv_proj=True),
    "linformer tables": lambda: QLinformerAttentionT(1, 2, 1),
    "salt": lambda: QSALTAttention(2, 2, 2, conv_size=2),
    "salt clusters": lambda: QSALTAttention(1, 2, 1, cluster_k_proj=True, conv_size=0),
    "salt all clusters": lambda: QSALTAttention(
        1, 2, 1, cluster_k_proj=True, cluster_v_proj=True, separate_conv=True
    ),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_is_exact(name, assert_same, randomize, rng):
    x = keras.Input((3, 2))
    model = keras.Model(x, ATTENTION[name]()(x, x))
    randomize(model, rng)
    assert_same(model, data(rng, 3, 2))


def test_causal_and_cross_attention_are_exact(assert_same, randomize, rng):
    x, y = keras.Input((3, 2)), keras.Input((2, 2))
    causal = QMultiHeadAttention(1, 2)(x, x, use_causal_mask=True)
    model = keras.Model([x, y], QMultiHeadAttention(1, 2)(causal, y))
    randomize(model, rng)
    assert_same(model, data(rng, 3, 2), data(rng, 2, 2))


def test_deep_sets_and_interaction_network(assert_same, quantized, rng, randomize):
    """Shared layers over nodes and edges, gathered by wiring, summed, averaged, maximised."""
    from hgq.layers import QDense
    from keras import ops

    nodes = keras.Input((3, 2))
    x = quantized()(nodes)
    senders, receivers = [0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]
    edges = ops.concatenate([ops.take(x, senders, axis=1), ops.take(x, receivers, axis=1)], axis=-1)
    effects = QDense(3, activation="relu")(edges)
    incidence = (np.arange(3)[:, None] == np.array(receivers)).astype("float32")
    gathered = ops.matmul(incidence, effects)
    states = QDense(2, activation="relu")(ops.concatenate([x, gathered], axis=-1))
    summary = [ops.sum(states, axis=1), ops.max(states, axis=1), quantized()(ops.mean(states, 1))]
    model = keras.Model(nodes, QDense(2)(ops.concatenate(summary, axis=-1)))
    randomize(model, rng)
    assert_same(model, data(rng, 3, 2))
