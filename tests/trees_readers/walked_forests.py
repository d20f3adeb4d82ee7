"""Random forests of any shape, and a reference that walks them one event at a time."""

import numpy as np
from hypothesis import strategies as st

from edgetrig.frontends.trees.assemble import Tree, assemble

THRESHOLDS = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 3.0]


@st.composite
def random_trees(draw, features=3, outputs=2, depth=5):
    """A tree in a shuffled numbering, with nodes that no path reaches."""
    nodes = []

    def grow(level):
        node = len(nodes)
        nodes.append(None)
        if level == depth or draw(st.integers(0, 3)) == 0:
            nodes[node] = (-1, 0.0, -1, -1, draw(st.integers(-2, 2)), False, None)
            return node
        feature, threshold = draw(st.integers(0, features - 1)), draw(st.sampled_from(THRESHOLDS))
        group = None
        if draw(st.integers(0, 5)) == 0:
            group = draw(st.frozensets(st.integers(0, 4), max_size=3))
        left, right = grow(level + 1), grow(level + 1)
        nodes[node] = (feature, threshold, left, right, 7, draw(st.booleans()), group)
        return node

    grow(0)
    if draw(st.booleans()):
        nodes.append((0, 0.0, 0, 0, 1, False, None))  # reached by no path
    order = np.array([0, *draw(st.permutations(range(1, len(nodes))))])
    number = np.argsort(order)
    columns = list(zip(*(nodes[i] for i in order), strict=True))
    children = [np.where(np.array(c) < 0, -1, number[np.array(c)]) for c in columns[2:4]]
    return Tree(
        feature=np.array(columns[0]),
        threshold=np.array(columns[1], float),
        left=children[0],
        right=children[1],
        value=np.array(columns[4], float)[:, None],
        missing_left=np.array(columns[5]),
        output=draw(st.integers(0, outputs - 1)),
        categories={i: group for i, group in enumerate(columns[6]) if group is not None},
    )


@st.composite
def random_forests(draw, features=3, outputs=2):
    trees = draw(st.lists(random_trees(features, outputs), min_size=1, max_size=3))
    return assemble(
        trees,
        base=np.array(
            draw(st.lists(st.integers(-3, 3), min_size=outputs, max_size=outputs)), float
        ),
        inclusive=draw(st.booleans()),
        features=[f"x{i}" for i in range(features)],
        narrow_inputs=draw(st.booleans()),
    ), trees


def random_events(seed, missing, features=3, count=200):
    random = np.random.default_rng(seed)
    grid = np.array([*THRESHOLDS, *np.nextafter(THRESHOLDS, 9), *range(6), -1.5, 0.25])
    x = random.choice(grid, (count, features))
    if missing:
        x[random.random(x.shape) < 0.25] = np.nan
    return x


def walked(forest, trees, x):
    """The margins by the words of the `Forest` page, in plain Python, from the trees as drawn."""
    result = []
    for event in x:
        total = [float(base) for base in forest.base]
        for tree in trees:
            node = 0
            while tree.feature[node] >= 0:
                value = event[tree.feature[node]]
                if forest.narrow_inputs:
                    value = np.float32(value)
                if np.isnan(value):
                    left = tree.missing_left[node]
                elif node in tree.categories:
                    left = value >= 0 and int(value) in tree.categories[node]
                elif forest.inclusive:
                    left = value <= tree.threshold[node]
                else:
                    left = value < tree.threshold[node]
                node = tree.left[node] if left else tree.right[node]
            total[tree.output] += tree.value[node, 0]
        result.append(total)
    return np.array(result)
