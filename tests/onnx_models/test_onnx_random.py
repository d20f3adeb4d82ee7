"""Random graphs between quantisers of powers of two: equal to ONNX Runtime in every bit."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STEP = 0.25
EVENTS = 40


class Drawn:
    """A graph that grows node by node; every arithmetic result is quantised again."""

    def __init__(self, draw, shape):
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.nodes = []
        self.constants = {"s": np.float32(STEP), "z": np.int8(0)}
        self.values = [("x", shape)]
        self.quantise("x", shape)

    def name(self):
        return f"v{len(self.nodes)}"

    def constant(self, values):
        name = f"c{len(self.constants)}"
        self.constants[name] = values
        return name

    def weights(self, *shape):
        return self.constant((self.rng.integers(-8, 9, shape) / 8).astype(np.float32))

    def node(self, kind, arguments, shape, attributes=None):
        name = self.name()
        self.nodes.append((kind, arguments, name, attributes or {}))
        self.values.append((name, tuple(shape)))
        return name

    def quantise(self, name, shape):
        code = self.name()
        self.nodes.append(("QuantizeLinear", f"{name} s z", code))
        self.node("DequantizeLinear", f"{code} s z", shape)

    def pick(self):
        return self.values[self.draw(st.integers(1, len(self.values) - 1))]

    def grow(self):
        name, shape = self.pick()
        kind = self.draw(st.sampled_from([*MOVES, *SUMS]))
        before = len(self.nodes)
        (MOVES.get(kind) or SUMS[kind])(self, name, shape)
        if kind in SUMS and len(self.nodes) > before:
            self.quantise(*self.values.pop())


def transpose(g, name, shape):
    order = g.draw(st.permutations(range(1, len(shape) + 1)))
    g.node("Transpose", name, [shape[k - 1] for k in order], {"perm": [0, *order]})


def reshape(g, name, shape):
    size = int(np.prod(shape))
    parts = [k for k in range(1, size + 1) if size % k == 0]
    first = g.draw(st.sampled_from(parts))
    target = g.constant(np.array([0, first, -1]))
    g.node("Reshape", f"{name} {target}", (first, size // first))


def cut(g, name, shape):
    axis = g.draw(st.integers(0, len(shape) - 1))
    start = g.draw(st.integers(0, shape[axis] - 1))
    step = g.draw(st.sampled_from([1, 2, -1]))
    places = range(shape[axis])[start::step]
    end = 1000 if step > 0 else -1000
    bounds = [g.constant(np.array([v])) for v in (start, end, axis + 1, step)]
    new = [len(places) if k == axis else n for k, n in enumerate(shape)]
    g.node("Slice", " ".join([name, *bounds]), new)


def pad(g, name, shape):
    widths = [g.draw(st.integers(0, 1)) for _ in range(2 * len(shape))]
    half = len(shape)
    given = g.constant(np.array([0, *widths[:half], 0, *widths[half:]]))
    fill = g.constant(np.float32(1.5))
    new = [n + a + b for n, a, b in zip(shape, widths[:half], widths[half:], strict=True)]
    g.node("Pad", f"{name} {given} {fill}", new)


def join(g, name, shape):
    other, also = g.pick()
    if also[1:] == shape[1:] and len(also) == len(shape):
        g.node("Concat", f"{name} {other}", (shape[0] + also[0], *shape[1:]), {"axis": 1})


def simple(kind, **attributes):
    return lambda g, name, shape: g.node(kind, name, shape, attributes)


def greatest(g, name, shape):
    other, also = g.pick()
    if also == shape:
        g.node("Max", f"{name} {other}", shape)


def pool(g, name, shape):
    if len(shape) == 2 and shape[1] >= 2:
        window = {"kernel_shape": [2], "strides": [g.draw(st.integers(1, 2))]}
        count = (shape[1] - 2) // window["strides"][0] + 1
        g.node("MaxPool", name, (shape[0], count), window)


def reduced(kind):
    def grow(g, name, shape):
        axis = g.draw(st.integers(0, len(shape) - 1))
        keep = g.draw(st.booleans()) or len(shape) == 1
        axes = g.constant(np.array([axis + 1]))
        new = [1 if k == axis else n for k, n in enumerate(shape) if keep or k != axis]
        g.node(kind, f"{name} {axes}", new, {"keepdims": int(keep)})

    return grow


def matmul(g, name, shape):
    columns = g.draw(st.integers(1, 4))
    g.node("MatMul", f"{name} {g.weights(shape[-1], columns)}", (*shape[:-1], columns))


def conv(g, name, shape):
    if len(shape) == 2:
        k, pads = g.draw(st.integers(1, 3)), [g.draw(st.integers(0, 1)) for _ in range(2)]
        count = shape[1] + sum(pads) - k + 1
        if count > 0:
            w = g.weights(2, shape[0], k)
            g.node("Conv", f"{name} {w} {g.weights(2)}", (2, count), {"pads": pads})


def binary(kind):
    def grow(g, name, shape):
        other, also = g.pick()
        if also == shape and g.draw(st.booleans()):
            g.node(kind, f"{name} {other}", shape)
        else:
            g.node(kind, f"{name} {g.weights(*shape[-1:])}", shape)

    return grow


MOVES = {
    "transpose": transpose, "reshape": reshape, "cut": cut, "pad": pad, "join": join,
    "relu": simple("Relu"), "max": greatest, "pool": pool, "top": reduced("ReduceMax"),
    "clip": lambda g, name, shape: g.node(
        "Clip", f"{name} {g.constant(np.float32(-1))} {g.constant(np.float32(3))}", shape),
}  # fmt: skip
SUMS = {
    "matmul": matmul, "conv": conv, "add": binary("Add"), "sub": binary("Sub"),
    "mul": binary("Mul"), "sum": reduced("ReduceSum"), "mean": reduced("ReduceMean"),
    "neg": simple("Neg"), "abs": simple("Abs"), "tanh": simple("Tanh"),
    "leaky": simple("LeakyRelu", alpha=0.125),
}  # fmt: skip


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_random_graphs(data, model_of, assert_same):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    graph = Drawn(data.draw, shape)
    for _ in range(data.draw(st.integers(1, 7))):
        if np.prod(graph.values[-1][1]) <= 64:
            graph.grow()
    name, _ = graph.values[-1]
    x = (graph.rng.integers(-160, 160, (EVENTS, *shape)) / 8).astype(np.float32)
    assert_same(model_of(graph.nodes, {"x": ["N", *shape]}, [name], graph.constants), x=x)
