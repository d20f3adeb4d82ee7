"""The autoencoder: a quantised encoder that reaches hardware, and a float decoder that does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.training.settings import layer_seed

_HIDDEN_BITS = 5
"""Integer bits of hidden values: they saturate at 32, which is far out in the scaled inputs."""

_HALVES = 2  # the outputs hold means and logarithms of variances before the reconstruction


@dataclass(frozen=True)
class InputFormat:
    """What the inputs are: each number's scale and range.

    Parameters
    ----------
    lowest, highest
        Smallest and largest code of each input; these bounds are part of the model, so that no
        code is clipped or wraps around.
    exponent
        Inputs are divided by ``2**exponent``, which hardware has for free.
    """

    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]
    exponent: NDArray[np.int64]

    @property
    def integer_bits(self) -> NDArray[np.int64]:
        """Integer bits, without the sign, that hold every scaled code."""
        largest = np.maximum(self.highest, -self.lowest - 1)
        bits = [int(value).bit_length() for value in largest]
        return np.array(bits, np.int64) - self.exponent

    def scaled(self, x: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return codes in units of their scale, exactly."""
        return np.multiply(x, np.exp2(-self.exponent), dtype=np.float32)


def autoencoder(
    inputs: InputFormat, layers: Sequence[int], latent: int, seed: int
) -> tuple[Any, Any]:
    """Return the model to train and its encoder.

    The model's output is one array: means, logarithms of variances, reconstruction. The encoder
    gives the means. Widths of inputs, weights and hidden values are learned; the ranges of inputs
    and hidden values are set, since zero-bias events say nothing of the ranges that anomalies need.
    """
    import keras
    from hgq.layers import QDense

    x = keras.Input(inputs.lowest.shape, name="objects")
    variance = (4.0**inputs.exponent).tolist()
    hidden = keras.layers.Normalization(mean=[0.0] * len(variance), variance=variance)(x)
    for number, units in enumerate(layers):
        name = f"hidden_{number}"
        layer = QDense(units, activation="relu", name=name, **_dense(number, seed))
        hidden = layer(hidden)
    means = QDense(latent, name="means", **_dense(len(layers), seed))(hidden)
    spreads = keras.layers.Dense(latent, kernel_initializer="zeros", name="spreads")(hidden)
    decoded = _sampled(means, spreads, seed)
    for number, units in enumerate([*reversed(layers), len(variance)]):
        decoded = keras.layers.Dense(
            units,
            activation="relu" if number < len(layers) else None,
            kernel_initializer=keras.initializers.GlorotUniform(
                seed=layer_seed(seed, 100 + number)
            ),
            name=f"decoder_{number}",
        )(decoded)
    whole = keras.layers.Concatenate(name="outputs")([means, spreads, decoded])
    model = keras.Model(x, whole, name="autoencoder")
    _fix_ranges(model, inputs)
    return model, keras.Model(x, means, name="encoder")


def autoencoder_loss(latent: int, kl_weight: float) -> Callable[[Any, Any], Any]:
    """Return the loss: squared error of the reconstruction, plus the weighted divergence.

    References
    ----------
    D. Kingma, M. Welling, arXiv:1312.6114 (equation 10); I. Higgins et al., "beta-VAE" (ICLR 2017).
    """

    def loss(outputs: Any, targets: Any) -> Any:
        import jax.numpy as jnp

        means, spreads = outputs[:, :latent], outputs[:, latent : _HALVES * latent]
        error = ((outputs[:, _HALVES * latent :] - targets) ** 2).mean(axis=1)
        divergence = 0.5 * (means**2 + jnp.exp(spreads) - spreads - 1).sum(axis=1)
        return (error + kl_weight * divergence).mean()

    return loss


def _sampled(means: Any, spreads: Any, seed: int) -> Any:
    """Return values drawn around the means: only while training."""
    import keras

    class Sampled(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="sampled")
            self.generator = keras.random.SeedGenerator(seed)

        def call(self, values: Any) -> Any:
            centre, logarithm = values
            noise = keras.random.normal(keras.ops.shape(centre), seed=self.generator)
            return centre + keras.ops.exp(0.5 * logarithm) * noise

    return Sampled()([means, spreads])


def _dense(layer: int, seed: int) -> dict[str, Any]:
    import keras
    from hgq.config import QuantizerConfig
    from hgq.constraints import MinMax

    data = {"round_mode": "TRN", "overflow_mode": "SAT"}  # dropping bits costs no logic
    weights = {"round_mode": "RND", "overflow_mode": "WRAP", "i_decay_speed": float("inf")}
    weights |= {"f0": 3, "fc": MinMax(-4, 8)}
    if layer == 0:
        inputs = QuantizerConfig("kif", "datalane", k0=1, i0=6, f0=3, fc=MinMax(-6, 6), **data)
    else:
        inputs = QuantizerConfig(
            "kif", "datalane", k0=0, i0=_HIDDEN_BITS, f0=3, fc=MinMax(-5, 6), **data
        )
    return {
        "iq_conf": inputs,
        "kq_conf": QuantizerConfig("kif", "weight", i0=1, **weights),
        "bq_conf": QuantizerConfig("kif", "bias", i0=2, **weights),
        "beta0": 0.0,
        "kernel_initializer": keras.initializers.GlorotUniform(seed=layer_seed(seed, layer)),
    }


def _fix_ranges(model: Any, inputs: InputFormat) -> None:
    """Set the inputs' ranges to those of their codes, and keep all ranges from being learned."""
    from hgq.layers import QDense

    dense = [layer for layer in model.layers if isinstance(layer, QDense)]
    first = dense[0].iq.quantizer
    first._k.assign((inputs.lowest < 0)[None].astype(np.uint8))
    first._i.assign(inputs.integer_bits[None])
    for layer in dense:
        layer.iq.quantizer._i.trainable = False
