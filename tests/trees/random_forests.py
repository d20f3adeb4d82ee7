"""Random forests, and what they compute in plain Python numbers."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from edgetrig.frontends.trees import Forest


class _Nodes:
    def __init__(self) -> None:
        self.rows: list[list[object]] = []

    def add(self, *row: object) -> int:
        self.rows.append(list(row))
        return len(self.rows) - 1


@st.composite
def forests(draw, *, categorical=False, narrow=None, quarter=True):
    """Draw a forest of a few small trees; thresholds collide, leaves are quarters or floats."""
    features, outputs = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    inclusive = draw(st.booleans())
    narrow_inputs = draw(st.booleans()) if narrow is None else narrow
    steps = st.sampled_from([1.0, 0.5, 0.25, 4.0])
    thresholds = st.builds(lambda n, s: n * s, st.integers(-6, 12), steps)
    leaf = (
        st.integers(-9, 9).map(lambda n: n / 4)
        if quarter
        else st.floats(-3, 3, allow_subnormal=False)
    )
    groups = st.frozensets(st.integers(0, 5), min_size=1, max_size=4)
    nodes, roots, categories = _Nodes(), [], {}

    def grow(depth: int, output: int) -> int:
        if depth == 0 or draw(st.integers(0, 3)) == 0:
            value = [0.0] * outputs
            value[output] = draw(leaf)
            return nodes.add(-1, 0.0, -1, -1, value, False)
        feature = draw(st.integers(0, features - 1))
        is_group = categorical and feature == 0
        here = nodes.add(feature, 0.0, -1, -1, [0.0] * outputs, draw(st.booleans()))
        if is_group:
            categories[here] = draw(groups)
        else:
            nodes.rows[here][1] = draw(thresholds)
        nodes.rows[here][2] = grow(depth - 1, output)
        nodes.rows[here][3] = grow(depth - 1, output)
        return here

    for number in range(draw(st.integers(1, 5))):
        roots.append(grow(draw(st.integers(0, 4)), number % outputs))
    columns = list(zip(*nodes.rows, strict=True))
    return Forest(
        feature=np.array(columns[0], np.int32),
        threshold=np.array(columns[1], np.float64),
        left=np.array(columns[2], np.int32),
        right=np.array(columns[3], np.int32),
        value=np.array(columns[4], np.float64),
        roots=np.array(roots, np.int32),
        base=np.array([draw(leaf) for _ in range(outputs)], np.float64),
        inclusive=inclusive,
        missing_left=np.array(columns[5], np.bool_),
        features=tuple(f"f{k}" for k in range(features)),
        categories=categories,
        narrow_inputs=narrow_inputs,
    ).check()


def margins(forest: Forest, event, leaf_bits: int | None = None) -> list[Fraction]:
    """Walk one event through the forest; leaves are rounded one by one if bits are given."""

    def number(value: float) -> Fraction:
        if leaf_bits is None:
            return Fraction(value)
        return Fraction(int(np.rint(value * 2**leaf_bits)), 2**leaf_bits)

    total = [number(float(value)) for value in forest.base]
    for root in forest.roots.tolist():
        node = root
        while forest.feature[node] >= 0:
            x = float(event[forest.feature[node]])
            if np.isnan(x):
                left = bool(forest.missing_left[node])
            elif node in forest.categories:
                left = int(x) in forest.categories[node]
            else:
                limit = float(forest.threshold[node])
                left = x <= limit if forest.inclusive else x < limit
            node = int((forest.left if left else forest.right)[node])
        for output in range(forest.outputs):
            total[output] += number(float(forest.value[node, output]))
    return total
