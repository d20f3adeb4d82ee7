"""One epoch as one compiled function: all its steps run inside JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError

Arrays = list[Any]


@dataclass
class State:
    """All numbers that change in a training: weights, statistics, the optimiser's moments."""

    trainable: Arrays
    fixed: Arrays
    optimizer: Arrays

    def to_numpy(self) -> dict[str, NDArray[Any]]:
        """Return the numbers by name."""
        groups = {"trainable": self.trainable, "fixed": self.fixed, "optimizer": self.optimizer}
        return {
            f"{g}/{n}": np.asarray(v) for g, values in groups.items() for n, v in enumerate(values)
        }

    def take(self, numbers: dict[str, NDArray[Any]]) -> None:
        """Put back what `to_numpy` returned."""
        import jax.numpy as jnp

        for group in ("trainable", "fixed", "optimizer"):
            values = getattr(self, group)
            for n, value in enumerate(values):
                values[n] = jnp.asarray(numbers[f"{group}/{n}"], value.dtype)


class Loop:
    """Trains a Keras model on the JAX backend, an epoch a call.

    Parameters
    ----------
    model
        A built Keras model of one output array, such as logits.
    x
        (events, features) training inputs.
    targets
        (events, ...) what to learn, such as probabilities of classes.
    batch
        Events a step.
    loss
        From a batch's outputs and targets, as JAX arrays, to one number; by default the cross
        entropy of logits with probabilities (one-hot labels, or a teacher's).
    """

    def __init__(
        self,
        model: Any,
        x: NDArray[np.float32],
        targets: NDArray[np.float32],
        batch: int,
        loss: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        import jax
        import jax.numpy as jnp
        import keras

        self.model = model
        self._distance = loss or _soft_cross_entropy
        self.batch = min(batch, len(x))
        self._x, self._targets = jnp.asarray(x), jnp.asarray(targets)
        self._optimizer = keras.optimizers.Adam()
        self._optimizer.build(model.trainable_variables)
        self.state = State(
            [v.value for v in model.trainable_variables],
            [v.value for v in model.non_trainable_variables],
            [v.value for v in self._optimizer.variables],
        )
        self._constraints = [v.constraint for v in model.trainable_variables]
        self._rate = _numbers(self._optimizer.variables, "learning_rate")
        self._beta = _numbers(model.non_trainable_variables, "beta")
        self._ebops = _numbers(model.non_trainable_variables, "ebops")
        self._epoch: Callable[..., Any] = jax.jit(
            lambda carry, batches: jax.lax.scan(self._step, carry, batches)
        )
        self._calibrated: Callable[..., Any] = jax.jit(self._calibrate)
        self._ranges = _ranges(model)
        self._saturating = _saturating(model)

    def run(self, order: NDArray[np.int64], rate: float, beta: float = 0.0) -> float:
        """Train one epoch over the events in the given order; return its mean loss.

        ``rate`` is the learning rate, ``beta`` the weight of the cost.

        Raises
        ------
        DataError
            If the loss is no number any more: the weights are lost.
        """
        import jax.numpy as jnp

        state = self.state
        for number in self._rate:
            state.optimizer[number] = jnp.asarray(rate, state.optimizer[number].dtype)
        for number in self._beta:
            state.fixed[number] = jnp.asarray(beta, state.fixed[number].dtype)
        steps = len(order) // self.batch
        batches = jnp.asarray(order[: steps * self.batch].reshape(steps, self.batch))
        carry = (state.trainable, state.fixed, state.optimizer)
        carry, losses = self._epoch(carry, batches)
        state.trainable, state.fixed, state.optimizer = (list(values) for values in carry)
        loss = float(losses.mean())
        if not np.isfinite(loss):
            raise DataError("the training diverged: the loss is no number; look for outliers")
        return loss

    def evaluate(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
        """Return the model's outputs and its effective bit operations.

        Both as they are once all ranges are calibrated on `x`: nothing wraps around.
        """
        logits, ebops = self._calibrated(self.state.trainable, self.state.fixed, x)
        return np.asarray(logits), int(ebops)

    def finish(self) -> Any:
        """Write the numbers into the model and return it."""
        for variable, value in zip(
            self.model.trainable_variables, self.state.trainable, strict=True
        ):
            variable.assign(value)
        fixed = zip(self.model.non_trainable_variables, self.state.fixed, strict=True)
        for variable, value in fixed:
            variable.assign(value)
        return self.model

    def _calibrate(self, trainable: Any, fixed: Any, x: Any) -> Any:
        from hgq.utils.minmax_trace import TrainingFlagWrapper

        fixed = [self._ranges.get(n, value) for n, value in enumerate(fixed)]
        logits, fixed = self.model.stateless_call(
            trainable, fixed, x, training=TrainingFlagWrapper("tracing")
        )
        return logits, sum(fixed[number] for number in self._ebops)

    def _step(self, carry: Any, events: Any) -> Any:
        import jax
        import jax.numpy as jnp

        trainable, fixed, moments = carry
        gradient = jax.value_and_grad(self._loss, has_aux=True)
        (_, (fixed, loss)), slopes = gradient(trainable, fixed, events)
        trainable, moments = self._optimizer.stateless_apply(moments, slopes, trainable)
        pairs = zip(self._constraints, trainable, strict=True)
        trainable = [value if limit is None else limit(value) for limit, value in pairs]
        for integer, fraction in self._saturating:
            trainable[integer] = jnp.maximum(trainable[integer], -trainable[fraction])
        return (trainable, fixed, moments), loss

    def _loss(self, trainable: Any, fixed: Any, events: Any) -> Any:
        outputs, fixed, extra = self.model.stateless_call(
            trainable, fixed, self._x[events], training=True, return_losses=True
        )
        loss = self._distance(outputs, self._targets[events])
        return loss + sum(extra), (fixed, loss)


def _soft_cross_entropy(logits: Any, probabilities: Any) -> Any:
    """Return the mean cross entropy of a batch of logits with probabilities."""
    import jax

    return -(probabilities * jax.nn.log_softmax(logits)).sum(axis=1).mean()


def _numbers(variables: Any, name: str) -> list[int]:
    """Return which variables have a name."""
    return [n for n, variable in enumerate(variables) if variable.path.split("/")[-1] == name]


def _ranges(model: Any) -> dict[int, NDArray[Any]]:
    """Return which variables hold ranges that follow the data, and their values for no data yet."""
    empty: dict[int, NDArray[Any]] = {}
    known = {id(variable): n for n, variable in enumerate(model.non_trainable_variables)}
    for layer in model._flatten_layers():
        if hasattr(layer, "_i_decay_speed"):
            for variable, value in ((layer._k, 0), (layer._i, -1e9)):
                empty[known[id(variable)]] = np.full(variable.shape, value, variable.dtype)
    return empty


def _saturating(model: Any) -> list[tuple[int, int]]:
    """Return the integer and fraction bits of saturating quantisers that learn both.

    Without bits, such a quantiser still passes the sign in HGQ2's training and nothing at
    inference; keeping at least none but the sign bit makes both the same.
    """
    known = {id(variable): n for n, variable in enumerate(model.trainable_variables)}
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "stateless_quantizer")]
    return [(known[id(q._i)], known[id(q._f)]) for q in layers if id(q._i) in known]


def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the mean of -log of the probability given to the true class."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    normal = np.log(np.exp(shifted).sum(axis=1))
    return float((normal - shifted[np.arange(len(labels)), labels]).mean())


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the share of events whose greatest output is the true class."""
    return float((logits.argmax(axis=1) == labels).mean())


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
