"""Laws of forests: the checker, the reference of the margins, and simplification."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from walked_forests import random_events, random_forests, random_trees, walked

from edgetrig.errors import DataError, ModelError
from edgetrig.frontends.trees import simplified
from edgetrig.frontends.trees.assemble import Tree, assemble
from edgetrig.frontends.trees.forest import NODE_LIMIT
from edgetrig.frontends.trees.zeros import BELOW_ZERO, ZERO, split_zeros


@given(random_forests(), st.integers(0, 1 << 30), st.booleans())
def test_margins_are_those_of_a_plain_walk(drawn, seed, missing):
    forest, trees = drawn
    x = random_events(seed, missing, count=50)
    np.testing.assert_array_equal(forest.scores(x), walked(forest, trees, x))


@given(random_forests(), st.integers(0, 1 << 30), st.booleans())
def test_simplification_keeps_every_margin(drawn, seed, missing):
    forest, _ = drawn
    smaller = simplified(forest, missing=missing).check()
    x = random_events(seed, missing)
    np.testing.assert_array_equal(smaller.scores(x), forest.scores(x))
    assert smaller.nodes <= forest.nodes
    again = simplified(smaller, missing=missing)
    assert again.nodes == smaller.nodes


@given(random_forests())
def test_simplified_trees_ask_nothing_twice(drawn):
    smaller = simplified(drawn[0], missing=False)
    numeric = np.ones(smaller.nodes, bool)
    numeric[list(smaller.categories)] = False
    for node in np.flatnonzero((smaller.feature >= 0) & numeric):
        below = [smaller.left[node], smaller.right[node]]
        for child in below:
            same = smaller.feature[child] == smaller.feature[node] and numeric[child]
            assert not same or smaller.threshold[child] != smaller.threshold[node]


@given(random_trees(outputs=1), st.data(), st.integers(0, 1 << 30))
def test_splits_where_zero_is_missing(tree, data, seed):
    numeric = [n for n in np.flatnonzero(tree.feature >= 0) if n not in tree.categories]
    marked = np.array([n for n in numeric if data.draw(st.booleans())], int)
    # As LightGBM's reader hands thresholds on: none within what counts as 0.
    near = np.abs(tree.threshold) <= ZERO
    tree = replace(tree, threshold=np.where(near, ZERO, tree.threshold))
    made = split_zeros(tree, marked)
    names = ["a", "b", "c"]
    forest = assemble([made], base=np.zeros(1), inclusive=True, features=names)
    x = random_events(seed, missing=True, count=60)
    x[:20] = np.random.default_rng(seed).choice([0, ZERO, -ZERO, BELOW_ZERO, 2 * ZERO], (20, 3))
    expected = []
    for event in x:
        node = 0
        while tree.feature[node] >= 0:
            value = event[tree.feature[node]]
            if np.isnan(value) or (node in marked and abs(value) <= ZERO):
                left = tree.missing_left[node]
            elif node in tree.categories:
                left = value >= 0 and int(value) in tree.categories[node]
            else:
                left = value <= tree.threshold[node]
            node = tree.left[node] if left else tree.right[node]
        expected.append(tree.value[node])
    np.testing.assert_array_equal(forest.scores(x), expected)


@given(random_forests(), st.data())
def test_the_checker_finds_what_was_changed(drawn, data):
    forest, _ = drawn
    inner = np.flatnonzero(forest.feature >= 0)
    if not len(inner):
        return
    node = data.draw(st.sampled_from(inner.tolist()))
    column, values = data.draw(
        st.sampled_from(
            [
                ("left", [node, 0, -1, forest.nodes, forest.right[node]]),
                ("right", [node, 0, -1, forest.nodes, forest.left[node]]),
                ("feature", [-2, 3, 1000]),
                ("threshold", [np.nan, np.inf]),
                ("value", [np.nan, np.inf, 1.0]),
            ]
        )
    )
    changed = getattr(forest, column).copy()
    changed[node] = data.draw(st.sampled_from(values))
    with pytest.raises(ModelError):
        replace(forest, **{column: changed}).check()


def stump(**changes):
    columns = {
        "feature": np.array([0, -1, -1]),
        "threshold": np.array([0.5, 0, 0]),
        "left": np.array([1, -1, -1]),
        "right": np.array([2, -1, -1]),
        "value": np.array([[0.0], [1.0], [2.0]]),
        "missing_left": np.array([True, False, False]),
    }
    return Tree(**{**columns, **changes})


def assembled(*trees):
    return assemble(trees, base=np.zeros(1), inclusive=True, features=["pt"])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"left": np.array([0, -1, -1])}, "tree 1: node 0 has two parents or is its own ancestor"),
        ({"left": np.array([2, -1, -1])}, "tree 1: node 2 has two parents"),
        ({"left": np.array([3, -1, -1])}, "tree 1: node 0 has a child that does not exist"),
        ({"right": np.array([-7, -1, -1])}, "tree 1: node 0 has a child that does not exist"),
        ({"feature": np.array([1, -1, -1])}, "tree 1: node 0 uses none of the 1 features"),
        ({"threshold": np.array([np.nan, 0, 0])}, "tree 1: node 0 has NaN for a threshold"),
        ({"value": np.full((3, 1), np.nan)}, "tree 1: node 1 has a leaf that is not finite"),
        ({"categories": {0: frozenset({-1})}}, "tree 1: has a bad categorical split at node 0"),
        ({"output": 1}, "tree 1: adds to output 1 of 1"),
    ],
)
def test_bad_trees_are_named(changes, line):
    with pytest.raises(ModelError, match=line):
        assembled(stump(), stump(**changes))


def test_a_cycle_beside_the_root_is_no_part_of_the_tree():
    forest = assembled(
        stump(
            feature=np.array([0, -1, -1, 0, 0]),
            left=np.array([1, -1, -1, 4, 3]),
            right=np.array([2, -1, -1, 4, 3]),
            threshold=np.zeros(5),
            value=np.zeros((5, 1)),
            missing_left=np.zeros(5, bool),
        )
    )
    assert forest.nodes == 3


def test_infinite_thresholds_decide_every_finite_value():
    forest = assembled(
        stump(threshold=np.array([np.inf, 0, 0])), stump(threshold=np.array([-np.inf, 0, 0]))
    )
    x = np.array([[0.0], [np.finfo(float).max], [-np.finfo(np.float32).max]])
    np.testing.assert_array_equal(forest.scores(x), [[3.0], [3.0], [3.0]])


def test_sizes_are_bounded():
    many = np.full(NODE_LIMIT + 1, -1)
    zeros = np.zeros(len(many))
    tree = Tree(many, zeros, many, many, zeros[:, None], zeros > 0)
    with pytest.raises(ModelError, match="nodes with 1 outputs are too many"):
        assembled(tree)
    with pytest.raises(ModelError, match="no trees; train it first"):
        assembled()


def test_a_tree_deeper_than_the_limit():
    count = 5000
    number = np.arange(2 * count + 1)
    inner = number < count
    tree = Tree(
        feature=np.where(inner, 0, -1),
        threshold=number / 1.0,
        left=np.where(inner, count + number, -1),
        right=np.where(number < count - 1, number + 1, np.where(inner, 2 * count, -1)),
        value=np.ones((len(number), 1)),
        missing_left=inner,
    )
    with pytest.raises(ModelError, match="deeper than 4096 comparisons"):
        assembled(tree)


def test_queries():
    forest = assembled(stump(), stump(threshold=np.array([-1.0, 0, 0])), stump())
    np.testing.assert_array_equal(forest.thresholds(0), [-1.0, 0.5])
    np.testing.assert_array_equal(forest.depths(), [1, 1, 1])
    np.testing.assert_array_equal(forest.roots, [0, 3, 6])
    np.testing.assert_array_equal(forest.tree_of_node(), [0, 0, 0, 1, 1, 1, 2, 2, 2])
    assert forest.scores(np.zeros((0, 1))).shape == (0, 1)
    with pytest.raises(DataError, match=r"events of shape \(2, 3\), but the model has 1 features"):
        forest.scores(np.zeros((2, 3)))
