"""Symbolic arrays: what a NumPy program does to them becomes rows of a circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, NDArray

from edgetrig.circuit.builder import Builder
from edgetrig.circuit.circuit import Ints
from edgetrig.circuit.intervals import IntArray, compact
from edgetrig.circuit.ops import Op
from edgetrig.errors import CircuitError

Mask = NDArray[np.bool_]


class Array(NDArrayOperatorsMixin):
    """An array of fixed-point values that exist only once the circuit runs.

    Each element is a row of the circuit (an integer code) with its own binary point: value =
    code * 2**-fraction. Arithmetic is exact; only `quantize` and `lookup` round. NumPy functions
    and operators apply; plain numbers and arrays mix in and are taken exactly.

    Parameters
    ----------
    builder
        Where rows are appended.
    rows, fraction
        Row and binary point of every element; their shape is the array's.
    boolean
        Whether the elements are truth values, so that ``~`` is a logical not.
    """

    __slots__ = ("boolean", "builder", "fraction", "rows")

    def __init__(
        self, builder: Builder, rows: ArrayLike, fraction: ArrayLike, *, boolean: bool = False
    ) -> None:
        self.builder = builder
        self.rows: Ints = np.asarray(rows, np.int64)
        self.fraction: Ints = np.broadcast_to(np.asarray(fraction, np.int64), self.rows.shape)
        self.boolean = boolean

    # ---- the look of an array -------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, without the event axis."""
        return self.rows.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.rows.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.rows.size

    @property
    def T(self) -> Array:  # noqa: N802 - NumPy's name
        """The transposed array."""
        return self.like(lambda v: v.T)

    @property
    def interval(self) -> tuple[IntArray, IntArray]:
        """Smallest and largest code of every element."""
        return self.builder.interval(self.rows)

    @property
    def constant(self) -> Mask:
        """Which elements are known constants."""
        lo, hi = self.interval
        return np.asarray(lo == hi, np.bool_)

    @property
    def zero(self) -> Mask:
        """Which elements are known to be 0."""
        lo, hi = self.interval
        return np.asarray((lo == 0) & (hi == 0), np.bool_)

    def __len__(self) -> int:
        if not self.shape:
            raise CircuitError("a symbolic scalar has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Array:
        return self.like(lambda v: v[index])

    def __repr__(self) -> str:
        lo, hi = self.interval
        if self.size == 1:
            scale = 2.0 ** -int(self.fraction.ravel()[0])
            return f"Array(shape={self.shape}, in [{lo.item() * scale:g}, {hi.item() * scale:g}])"
        return f"Array(shape={self.shape})"

    def __bool__(self) -> bool:
        raise CircuitError("a symbolic value is not known while tracing; use np.where, not if")

    def __array__(self, *args: object, **kwargs: object) -> NDArray[Any]:
        raise CircuitError(
            "a symbolic array has no numbers yet: this NumPy function cannot be traced"
            " (join symbolic values with np.stack, choose among them with np.where)"
        )

    __hash__ = None  # type: ignore[assignment]  # == makes an Array, as with NumPy

    # Arrays never change: `x += y` makes a new one and names it x, as in JAX.
    __iadd__ = NDArrayOperatorsMixin.__add__
    __isub__ = NDArrayOperatorsMixin.__sub__
    __imul__ = NDArrayOperatorsMixin.__mul__
    __imatmul__ = NDArrayOperatorsMixin.__matmul__
    __itruediv__ = NDArrayOperatorsMixin.__truediv__
    __ipow__ = NDArrayOperatorsMixin.__pow__
    __iand__ = NDArrayOperatorsMixin.__and__
    __ior__ = NDArrayOperatorsMixin.__or__
    __ixor__ = NDArrayOperatorsMixin.__xor__

    def like(self, move: Callable[[Ints], Any]) -> Array:
        """Apply something that only moves elements (indexing, reshape, ...)."""
        return Array(self.builder, move(self.rows), move(self.fraction), boolean=self.boolean)

    def reshape(self, *shape: Any) -> Array:
        """Return the elements in another shape."""
        return self.like(lambda v: v.reshape(*shape))

    def transpose(self, *axes: Any) -> Array:
        """Return the array with its axes permuted."""
        return self.like(lambda v: v.transpose(*axes))

    def ravel(self) -> Array:
        """Return the elements in one axis."""
        return self.reshape(-1)

    def broadcast_to(self, shape: tuple[int, ...]) -> Array:
        """Return the array repeated to a shape."""
        return self.like(lambda v: np.broadcast_to(v, shape))

    def sum(self, axis: Any = None, keepdims: bool = False) -> Array:
        """Sum over axes."""
        return cast(Array, np.sum(self, axis=axis, keepdims=keepdims))

    def max(self, axis: Any = None, keepdims: bool = False) -> Array:
        """Largest element along axes."""
        return cast(Array, np.max(self, axis=axis, keepdims=keepdims))

    def min(self, axis: Any = None, keepdims: bool = False) -> Array:
        """Smallest element along axes."""
        return cast(Array, np.min(self, axis=axis, keepdims=keepdims))

    # ---- NumPy's protocols ----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Trace a NumPy universal function."""
        from edgetrig.circuit.numpy_functions import call_ufunc

        return call_ufunc(self.builder, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Trace any other NumPy function."""
        from edgetrig.circuit.numpy_functions import call_function

        return call_function(self.builder, function, args, kwargs)

    # ---- steps on codes, for lowering -----------------------------------------------------------

    @property
    def codes(self) -> Array:
        """The integer codes themselves: the same rows with the binary point at 0."""
        return self.with_fraction(0)

    def with_fraction(self, fraction: ArrayLike) -> Array:
        """Read the same codes with another binary point: multiplies by a power of two."""
        return Array(self.builder, self.rows, fraction)

    def scaled_to(self, fraction: Ints) -> Array:
        """Return the same values with at least `fraction` bits behind the point."""
        point = np.maximum(fraction, self.fraction)
        shift = point - self.fraction
        known = (shift > 0) & self.constant
        rows = self._some((shift > 0) & ~known, Op.SHL, shift, point)
        if known.any():  # a constant is written out, not shifted
            rows = rows.copy()
            codes = self.interval[0][known].astype(object) << shift[known].astype(object)
            rows[known] = self.builder.constant(codes, point[known])
        return Array(self.builder, rows, point)

    def shift_right(self, bits: Ints) -> Array:
        """Drop low bits of the code: floor(code / 2**bits); `bits` may be 0 somewhere.

        The binary point stays, so that the value shrinks by 2**bits; in print the rows say where
        the dropped bits leave it.
        """
        rows = self._some(bits > 0, Op.SHR, bits, self.fraction - bits)
        return Array(self.builder, rows, self.fraction)

    def low(self, bits: ArrayLike, signed: ArrayLike = False) -> Array:
        """Keep the lowest `bits` (at least 1) of the code, read as signed or unsigned."""
        bits, signed = (np.broadcast_to(np.asarray(v), self.shape) for v in (bits, signed))
        op = np.where(signed, Op.LOWS, Op.LOW)
        rows = self.builder.append(op, self.rows, p=bits, fraction=self.fraction)
        return Array(self.builder, rows, self.fraction)

    def where(self, mask: Mask, other: ArrayLike | Array) -> Array:
        """Return own elements where a known mask is true, those of `other` elsewhere."""
        if mask.all():
            return self
        other = as_array(self.builder, other).broadcast_to(self.shape)
        rows = np.where(mask, self.rows, other.rows)
        return Array(self.builder, rows, np.where(mask, self.fraction, other.fraction))

    def _some(self, mask: Mask, op: Op, p: Ints, fraction: Ints) -> Ints:
        """Apply a one-operand operation to some elements only."""
        rows = self.rows
        if mask.any():
            rows = rows.copy()
            new = self.builder.append(op, rows[mask], p=p[mask], fraction=fraction[mask])
            rows[mask] = new
        return rows


def as_array(builder: Builder, value: ArrayLike | Array) -> Array:
    """Return a symbolic array, making constants of plain numbers (exactly).

    Raises
    ------
    CircuitError
        If a number is NaN or infinite, or the array belongs to another trace.
    """
    if isinstance(value, Array):
        if value.builder is not builder:
            raise CircuitError("arrays of two different traces cannot be mixed")
        return value
    codes, fraction = dyadic(value)
    rows = builder.constant(codes, fraction)
    return Array(builder, rows, fraction, boolean=np.asarray(value).dtype == bool)


def dyadic(values: ArrayLike) -> tuple[IntArray, Ints]:
    """Split numbers into odd integers and binary points: value = code * 2**-fraction.

    Zero becomes (0, 0).

    Raises
    ------
    CircuitError
        If a value is not a finite real number.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:  # nested lists of unequal length
        raise CircuitError(f"a constant is not an array: {error}") from error
    if array.dtype.kind in "biu" and array.dtype != np.uint64:
        codes: IntArray = array.astype(np.int64)  # -2**63 included: every step below wraps rightly
        fraction = np.zeros(array.shape, np.int64)
    elif array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise CircuitError("a constant is NaN or infinite; mend the weights or the expression")
        double = array.astype(np.float64)
        if (double != array).any():
            raise CircuitError("a constant needs more than float64; round it first")
        mantissa, exponent = np.frexp(double)
        codes = np.ldexp(mantissa, 53).astype(np.int64)
        fraction = np.where(codes == 0, 0, 53 - exponent.astype(np.int64))
    else:
        return _dyadic_integers(array)
    # The lowest set bit of an int64 is a power of two, which frexp reads without error.
    lowest = (codes & -codes).view(np.uint64).astype(np.float64)
    zeros = np.where(codes == 0, 0, np.frexp(lowest)[1] - 1).astype(np.int64)
    return codes >> zeros, fraction - zeros


def _dyadic_integers(array: NDArray[Any]) -> tuple[IntArray, Ints]:
    codes = np.empty(array.shape, object)
    fraction = np.zeros(array.shape, np.int64)
    for index, value in np.ndenumerate(array):
        if not isinstance(value, int | np.integer):
            raise CircuitError(f"a constant of type {type(value).__name__} is not a real number")
        number = int(value)
        zeros = (number & -number).bit_length() - 1 if number else 0
        codes[index], fraction[index] = number >> zeros, -zeros
    return compact(codes), fraction
