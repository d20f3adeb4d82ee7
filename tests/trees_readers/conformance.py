"""Events and comparisons that the tests of all tree libraries share."""

import numpy as np

from edgetrig.frontends.trees import simplified


def events(seed=0, count=300, missing=False):
    """Five features: two continuous, one rounded, one of few integers (twice), one constant 0."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 5))
    x[:, 1] = np.round(x[:, 1], 1)
    x[:, 2] = 2 * random.integers(0, 9, count)
    x[:, 3] = np.where(random.random(count) < 0.3, 0.0, x[:, 3])
    x[:, 4] = 0
    if missing:
        x[random.random(x.shape) < 0.15] = np.nan
    return x.astype(np.float32)


def labels(x, kind="regression", seed=1):
    random = np.random.default_rng(seed)
    x = np.nan_to_num(x)
    y = x[:, 0] + 2 * (x[:, 2] % 6 == 0) + x[:, 1] * x[:, 3] + 0.3 * random.normal(size=len(x))
    if kind == "positive":
        return np.exp(y)
    if kind == "share":
        return 1 / (1 + np.exp(-y))
    if kind == "regression":
        return y
    classes = 2 if kind == "binary" else 3
    return np.digitize(y, np.quantile(y, np.arange(1, classes) / classes))


def with_ties(forest, x, seed=2):
    """Put a third of the values exactly on thresholds and a third one step next to them."""
    random = np.random.default_rng(seed)
    x = x.astype(np.float32 if forest.narrow_inputs else np.float64)
    for feature in range(x.shape[1]):
        thresholds = forest.thresholds(feature)
        thresholds = thresholds[np.abs(thresholds) < 1e30].astype(x.dtype)
        if len(thresholds):
            drawn = random.choice(thresholds, len(x))
            beside = np.nextafter(drawn, random.choice([-np.inf, np.inf], len(x)).astype(x.dtype))
            which = random.integers(0, 3, len(x))
            x[:, feature] = np.choose(which, [x[:, feature], drawn, beside])
    return x


def same_leaves(ours, theirs, copies=False):
    """Whether the events part in the same way in every tree, whatever the leaves' numbers.

    With ``copies`` several leaves of ours may stand for one of theirs.
    """
    if ours.shape != theirs.shape:
        return False
    for one, other in zip(ours.T, theirs.T, strict=True):
        pairs = np.unique(np.stack([one, other]), axis=1)
        if len(np.unique(pairs[0])) != pairs.shape[1]:
            return False
        if not copies and len(np.unique(pairs[1])) != pairs.shape[1]:
            return False
    return True


def agree(forest, x, margins, leaves=None, tolerance=1e-12, copies=False):
    """Hold a forest against its library's margins and leaves, on events and on ties."""
    forest.check()
    x = with_ties(forest, x)
    scores = forest.scores(x)
    theirs = np.asarray(margins(x), np.float64).reshape(len(x), -1)
    assert scores.shape == theirs.shape
    scale = max(1.0, np.abs(theirs).max())
    np.testing.assert_allclose(scores, theirs, rtol=0, atol=tolerance * scale)
    if leaves is not None:
        assert same_leaves(forest.leaves(x), np.asarray(leaves(x)).reshape(len(x), -1), copies)
    smaller = simplified(forest).check()
    assert smaller.nodes <= forest.nodes
    np.testing.assert_allclose(smaller.scores(x), scores, rtol=0, atol=1e-12 * scale)
