"""QKeras' quantisers as model files describe them: a serialised dictionary, or a short call.

Strings such as ``quantized_bits(6,0,alpha=1)`` are parsed as literals; nothing is evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

_COMMON: Final = {"qnoise_factor": 1.0, "var_name": None, "use_ste": True, "use_variables": False}
_SCALED: Final = {"elements_per_scale": None, "min_po2_exponent": None, "max_po2_exponent": None}
_BITS: Final = {"bits": 8, "integer": 0, "symmetric": 0}

PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "quantized_bits": _BITS
    | {"keep_negative": True, "alpha": None, "use_stochastic_rounding": False, "scale_axis": None}
    | _COMMON
    | _SCALED
    | {"post_training_scale": None},
    "quantized_linear": {"bits": 8, "integer": 0, "symmetric": 1, "keep_negative": True}
    | {"alpha": None, "use_stochastic_rounding": False, "scale_axis": None}
    | {"qnoise_factor": 1.0, "var_name": None, "use_variables": False},
    "quantized_relu": {"bits": 8, "integer": 0, "use_sigmoid": 0, "negative_slope": 0.0}
    | {"use_stochastic_rounding": False, "relu_upper_bound": None, "is_quantized_clip": True}
    | _COMMON
    | {"enable_fast_inference": False},
    "quantized_tanh": {"bits": 8, "use_stochastic_rounding": False, "symmetric": False}
    | {"use_real_tanh": False},
    "quantized_sigmoid": {"bits": 8, "symmetric": False, "use_real_sigmoid": False}
    | {"use_stochastic_rounding": False},
    "quantized_ulaw": _BITS | {"u": 255.0},
    "quantized_hswish": _BITS
    | {"alpha": None, "use_stochastic_rounding": False, "scale_axis": None, "qnoise_factor": 1.0}
    | {"var_name": None, "use_variables": False, "relu_shift": 3, "relu_upper_bound": 6}
    | {"keep_negative": True},  # no parameter of the call, but in its saved form
    "quantized_po2": {"bits": 8, "max_value": None, "use_stochastic_rounding": False}
    | {"quadratic_approximation": False, "log2_rounding": "rnd"}
    | _COMMON,
    "quantized_relu_po2": {"bits": 8, "max_value": None, "negative_slope": 0}
    | {"use_stochastic_rounding": False, "quadratic_approximation": False, "log2_rounding": "rnd"}
    | _COMMON,
    "binary": {"use_01": False, "alpha": None, "use_stochastic_rounding": False}
    | {"scale_axis": None}
    | _SCALED,
    "ternary": {"alpha": None, "threshold": None, "use_stochastic_rounding": False}
    | {"number_of_unrolls": 5},
    "stochastic_binary": {"alpha": None, "temperature": 6.0, "use_real_sigmoid": True},
    "stochastic_ternary": {"alpha": None, "threshold": None, "temperature": 8.0}
    | {"use_real_sigmoid": True, "number_of_unrolls": 5},
    "bernoulli": {"alpha": None, "temperature": 6.0, "use_real_sigmoid": True},
    "hard_sigmoid": {},
    "smooth_sigmoid": {},
    "binary_sigmoid": {},
    "hard_tanh": {},
    "smooth_tanh": {},
    "binary_tanh": {},
}
"""Parameters of every quantiser in the order of its call, with their defaults."""

_OLD_TANH: Final = _BITS | {"use_stochastic_rounding": False}
"""Parameters of `quantized_tanh` in files from before March 2021; a range came with it."""

_LONGEST: Final = 1000
"""Most characters of a description."""

_WIDEST: Final = 64
"""Most bits of a quantiser."""


@dataclass(frozen=True)
class Description:
    """A quantiser and its parameters, as the layer's author gave them or left them out."""

    kind: str
    options: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.options[name]

    def get(self, name: str) -> Any:
        """Return a parameter, None if the quantiser has no such one."""
        return self.options.get(name)

    @property
    def automatic(self) -> bool:
        """Whether its scale follows from the numbers that it quantises."""
        return isinstance(self.get("alpha"), str)

    def trainable(self) -> Description:
        """Return what QKeras makes of a kernel's quantiser: without a scale it gets "auto_po2"."""
        if "alpha" not in self.options or self.options["alpha"] is not None:
            return self
        symmetric = {"symmetric": 1} if "symmetric" in self.options else {}
        return replace(self, options={**self.options, "alpha": "auto_po2", **symmetric})


def describe(given: Any) -> Description | None:
    """Return the quantiser that a layer's configuration gives, None for an activation of Keras.

    Parameters
    ----------
    given
        ``{"class_name": ..., "config": {...}}``, a string, or None.

    Raises
    ------
    ValueError
        If it cannot be understood.
    """
    if isinstance(given, str):
        return _parsed(given)
    if isinstance(given, Mapping):
        kind, config = given.get("class_name"), given.get("config")
        if kind == "function" and isinstance(config, str):
            return _parsed(config)
        if str(kind).rpartition(">")[2] in PARAMETERS and isinstance(config, Mapping):
            return _complete(str(kind).rpartition(">")[2], dict(config))
        if not isinstance(kind, str) or not isinstance(config, Mapping | None):
            raise ValueError(f"{str(given)[:80]} describes no quantiser")
    return None


def _parsed(text: str) -> Description | None:
    if len(text) > _LONGEST:
        raise ValueError(f"quantiser '{text[:40]}...' is too long")
    kind = text.partition("(")[0].strip()
    if kind not in PARAMETERS:
        if "(" in text:
            raise ValueError(f"quantiser '{text}' is unknown; use one of {', '.join(PARAMETERS)}")
        return None
    if "(" not in text:
        return _complete(kind, {})
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or any(k.arg is None for k in call.keywords):
            raise ValueError("no call")
        values = [_literal(argument) for argument in call.args]
        named = {str(k.arg): _literal(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"quantiser '{text}' is not a call with plain values") from error
    names = [*PARAMETERS[kind]]
    if len(values) > len(names):
        raise ValueError(f"quantiser '{text}' has too many arguments")
    return _complete(kind, dict(zip(names, values, strict=False)) | named)


def _literal(node: ast.expr) -> Any:
    """Return a plain value; words without quotes (auto_po2) are strings, as QKeras reads them."""
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def _complete(kind: str, given: dict[str, Any]) -> Description:
    """Return the description with its defaults filled in, once its values are sound."""
    given.pop("name", None)
    defaults = PARAMETERS[kind]
    if kind == "quantized_tanh" and "integer" in given:
        defaults = _OLD_TANH
    unknown = [name for name in given if name not in defaults]
    if unknown:
        raise ValueError(f"{kind} has no parameter '{unknown[0]}'")
    options = dict(defaults) | given
    bits = options.get("bits", 1)
    if not isinstance(bits, int) or not 1 <= bits <= _WIDEST:
        raise ValueError(f"{kind} of {bits!r} bits; 1 to {_WIDEST} can be")
    integers = options.get("integer", 0)
    for integer in integers if isinstance(integers, list) else [integers]:
        if not isinstance(integer, int) or abs(integer) > _WIDEST:
            raise ValueError(f"{kind} with integer={integer!r}; a number up to {_WIDEST} can be")
    alpha = options.get("alpha")
    if isinstance(alpha, str):
        if alpha not in ("auto", "auto_po2"):
            raise ValueError(f"{kind} with alpha='{alpha}'; use a number, auto or auto_po2")
        if kind in ("quantized_bits", "quantized_hswish"):
            options["symmetric"] = 1
    # Files of 2025 and later name this parameter; see `weights.bits_by_data`.
    options["rounds_again"] = "post_training_scale" in given
    return Description(kind, options)
