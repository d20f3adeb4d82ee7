"""Operators of ``ai.onnx.ml``, as converters of scikit-learn write them, in standard ones.

A classifier becomes the sums of its classes, what its scores are made of them by, and the label of
the greatest, so that each has number types of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import ModelError
from edgetrig.frontends.onnx.build import DAMAGE, NodeError
from edgetrig.frontends.onnx.draft import Draft, Drafts
from edgetrig.frontends.onnx.graph import Graph, maker_of
from edgetrig.frontends.onnx.node import Node
from edgetrig.frontends.trees.forest import Forest
from edgetrig.frontends.trees.onnx import forest_of_node

_SCORES: Final = {"NONE": "Identity", "LOGISTIC": "Sigmoid", "SOFTMAX": "Softmax"}
"""Operator that makes scores of sums, by ``post_transform``."""


def written_out(graph: Graph) -> tuple[Graph, tuple[str, ...]]:
    """Return a graph without operators of ``ai.onnx.ml``, and notes on its labels.

    `ArrayFeatureExtractor` and the sums of trees have handlers of their own.

    Raises
    ------
    NodeError
        If an operator has an option that cannot be computed exactly.
    """
    drafts = Drafts(graph)
    for entry in graph.entries:
        writer = _WRITERS.get(entry.node.kind)
        if writer is None:
            drafts.put(entry)
            continue
        try:
            writer(Draft(entry, drafts))
        except (ModelError, ValueError) as error:
            raise NodeError(entry.node, str(error)) from error
        except DAMAGE as error:
            raise NodeError(entry.node, f"its description is damaged ({error!r})") from error
    return drafts.finished()


def _scaler(draft: Draft) -> None:
    """``(x - offset) * scale``."""
    offset, scale = draft.numbers("offset", [0.0]), draft.numbers("scale", [1.0])
    shifted = draft.entry.arguments[0]
    if offset.any():
        shifted = draft.add("Sub", shifted, draft.constant(offset))
    draft.add("Mul", shifted, draft.constant(scale), result=draft.result(0))


def _binarizer(draft: Draft) -> None:
    """1 above the threshold, else 0."""
    limit = draft.constant(draft.numbers("threshold", [0.0]))
    above = draft.add("Greater", draft.entry.arguments[0], limit)
    draft.add("Cast", above, result=draft.result(0), to=1)


def _imputer(draft: Draft) -> None:
    """Put numbers where one number stands; hardware has no NaN to replace."""
    x = draft.entry.arguments[0]
    kind = "float" if "imputed_value_floats" in draft.node.attributes else "int64"
    absent = draft.node.attributes.get(f"replaced_value_{kind}", 0)
    if np.isnan(absent):
        line = f"layer {draft.node.name} fills in missing values; in hardware none is missing"
        draft.drafts.note(line, draft.result(0))
        draft.add("Identity", x, result=draft.result(0))
        return
    fill = draft.constant(draft.numbers(f"imputed_value_{kind}s"))
    equal = draft.add("Equal", x, draft.constant(absent))
    draft.add("Where", equal, fill, x, result=draft.result(0))


def _one_hot_encoder(draft: Draft) -> None:
    """1 at an integer's place among the categories, 0 elsewhere."""
    if "cats_int64s" not in draft.node.attributes:
        raise ValueError("its categories are words; give it whole numbers")
    categories = draft.constant(draft.node.integers("cats_int64s"))
    whole = draft.add("Cast", draft.entry.arguments[0], to=7)
    column = draft.add("Unsqueeze", whole, draft.constant([-1], np.int64))
    equal = draft.add("Equal", column, categories)
    draft.add("Cast", equal, result=draft.result(0), to=1)


def _label_encoder(draft: Draft) -> None:
    """Put a number in place of each number of a list."""
    given = draft.node.attributes
    keys, values = _listed(given, "keys"), _listed(given, "values")
    kind = next(name for name in _KINDS if f"values_{name}" in given)
    fallback = {"int64s": given.get("default_int64", -1), "floats": given.get("default_float", 0.0)}
    default = fallback.get(kind, given.get("default_tensor"))
    if default is None or len(keys) != len(values) or np.isnan(keys).any():
        raise ValueError("its keys and values do not fit, or it has no default")
    if len(keys) > _MOST_KEYS:
        raise ValueError(f"it has {len(keys)} keys; at most {_MOST_KEYS} are compared with")
    result = draft.constant(np.ravel(default)[0], np.float64)
    for place in range(len(keys))[::-1]:
        equal = draft.add(
            "Equal", draft.entry.arguments[0], draft.constant(keys[place], np.float64)
        )
        value = draft.constant(values[place], np.float64)
        last = "" if place else draft.result(0)
        result = draft.add("Where", equal, value, result, result=last)


_KINDS: Final = ("int64s", "floats", "tensor")

_MOST_KEYS: Final = 1 << 12


def _listed(given: Mapping[str, Any], role: str) -> NDArray[np.float64]:
    for kind in _KINDS:
        if f"{role}_{kind}" in given:
            return np.asarray(given[f"{role}_{kind}"], np.float64).ravel()
    raise ValueError(f"its {role} are words or missing; give it numbers")


def _feature_vectorizer(draft: Draft) -> None:
    """Put columns side by side."""
    draft.add("Concat", *draft.entry.arguments, result=draft.result(0), axis=-1)


def _normalizer(draft: Draft) -> None:
    """Divide by a norm; what a softmax has made adds up to 1 already."""
    order = {"L1": 1, "L2": 2}.get(draft.node.text("norm", "MAX"))
    if order is None:
        raise ValueError("it divides by the greatest element; only norms L1 and L2 are supported")
    x = draft.entry.arguments[0]
    maker = maker_of(x, draft.drafts.makers)
    if order == 1 and maker is not None and maker.node.kind == "Softmax":
        draft.add("Identity", x, result=draft.result(0))
    else:
        draft.add("LpNormalization", x, result=draft.result(0), p=order)


def _picked(draft: Draft) -> None:
    """Pick columns, or the name of a class, which stays a number."""
    words = draft.drafts.constants.get(draft.entry.arguments[0])
    if words is not None and words.dtype.kind in "OSU":
        draft.drafts.note(_counted(draft.node, [str(w) for w in words.ravel()]), draft.result(0))
    draft.drafts.put(draft.entry)


def _zip_map(draft: Draft) -> None:
    """Keep scores in the order of their classes."""
    draft.add("Identity", draft.entry.arguments[0], result=draft.result(0))


def _linear_regressor(draft: Draft) -> None:
    """One sum a target."""
    _only_sums(draft)
    count = draft.node.integer("targets", 1)
    _sums(draft, draft.numbers("coefficients"), count, draft.result(0))


def _svm_regressor(draft: Draft) -> None:
    """One sum, where the kernel is linear: that of all support vectors."""
    _only_sums(draft)
    if draft.node.text("kernel_type", "LINEAR") != "LINEAR" or draft.node.integer("one_class", 0):
        raise ValueError(
            "it keeps training events, by a kernel that is not linear, or is of one class; a small"
            " network does as well"
        )
    kernel: NDArray[Any] = draft.numbers("coefficients")
    count = draft.node.integer("n_supports", 0)
    if count:
        vectors = draft.numbers("support_vectors").reshape((count, -1))
        kernel = kernel.astype(np.float64) @ vectors.astype(np.float64)
    _sums(draft, kernel, 1, draft.result(0), "rho")


def _only_sums(draft: Draft) -> None:
    if (given := draft.node.text("post_transform", "NONE")) != "NONE":
        raise ValueError(f"post_transform {given} of a regressor is not supported; NONE is")


def _sums(
    draft: Draft, kernel: NDArray[Any], count: int, result: str, bias: str = "intercepts"
) -> str:
    """Add one sum over the features for each of ``count`` rows of a kernel."""
    if count < 1 or not kernel.size or kernel.size % count:
        raise ValueError(f"{kernel.size} coefficients do not make {count} sums")
    arguments = [
        draft.entry.arguments[0],
        draft.constant(kernel.reshape((count, -1)), kernel.dtype),
    ]
    if (offset := draft.numbers(bias, [])).size:
        if offset.size != count:
            raise ValueError(f"{offset.size} {bias} do not fit {count} sums")
        arguments.append(draft.constant(offset))
    return draft.add("Gemm", *arguments, result=result, transB=1)


def _linear_classifier(draft: Draft) -> None:
    """One sum a class; of two classes perhaps that of the second alone."""
    labels = _labels(draft, "classlabels_ints")
    single = len(labels) == 2 and draft.numbers("intercepts", []).size == 1
    sums = _sums(draft, draft.numbers("coefficients"), 1 if single else len(labels), "")
    if single:
        _of_two(draft, sums, labels, share=True, limit=0.0)
    else:
        _of_several(draft, sums, labels)


def _tree_classifier(draft: Draft) -> None:
    """Add up trees, for each class; of two classes perhaps for one alone."""
    labels = _labels(draft, "classlabels_int64s")
    forest = _forest(draft)
    sums = draft.add("TreeEnsemble", draft.entry.arguments[0], forest=forest)
    if forest.outputs == len(labels):
        _of_several(draft, sums, labels)
        return
    if np.ravel(draft.node.attributes["class_ids"])[0]:
        raise ValueError("its leaves vote for the second of two classes alone; export it again")
    share = bool((forest.value >= 0).all())
    _of_two(draft, sums, labels, share, limit=0.5 if share else 0.0)


def _tree_regressor(draft: Draft) -> None:
    """Add up trees, for each target."""
    forest = _forest(draft)
    if forest.link != "identity":
        raise ValueError(
            f"its {forest.link} stands beside other nodes; post_transform NONE is read"
        )
    draft.add("TreeEnsemble", draft.entry.arguments[0], result=draft.result(0), forest=forest)


def _forest(draft: Draft) -> Forest:
    forest = forest_of_node(draft.node.attributes)
    for line in forest.notes:
        draft.drafts.note(line, draft.entry.results[-1])
    return forest


def _labels(draft: Draft, name: str) -> NDArray[np.int64]:
    """Return the labels of the classes; words are counted from 0."""
    if name in draft.node.attributes:
        return np.asarray(draft.node.integers(name), np.int64)
    words = draft.node.attributes.get("classlabels_strings", [])
    if not words:
        raise ValueError("its classes have no labels")
    draft.drafts.note(_counted(draft.node, words), draft.result(0))
    return np.arange(len(words))


def _counted(node: Node, words: Sequence[str]) -> str:
    """Return what a user should know of labels that are words."""
    named = ", ".join(f"{number} = '{word}'" for number, word in enumerate(words))
    return f"layer {node.name} gives numbers of classes: {named}"


def _of_several(draft: Draft, sums: str, labels: NDArray[np.int64]) -> None:
    """Add the scores of all classes, and the label of the greatest sum."""
    if (label := draft.result(0)) and np.array_equal(labels, np.arange(len(labels))):
        draft.add("ArgMax", sums, result=label, axis=1, keepdims=0)
    elif label:
        best = draft.add("ArgMax", sums, axis=1, keepdims=0)
        draft.add("Gather", draft.constant(labels, np.int64), best, result=label)
    if draft.result(1):
        _scores(draft, sums)


def _of_two(draft: Draft, sums: str, labels: NDArray[np.int64], share: bool, limit: float) -> None:
    """Add the scores of two classes by the sum of the second alone, and a label.

    Parameters
    ----------
    draft
        The classifier.
    sums
        The sum, shape (events, 1).
    labels
        Of the two classes.
    share
        Whether the first class has what the second leaves to 1; else it has the sum with the other
        sign, as it has in front of a sigmoid.
    limit
        Above this sum events belong to the second class.
    """
    if draft.result(0):
        second = draft.add("Greater", sums, draft.constant(limit))
        numbers = [draft.constant(label, np.int64) for label in labels[::-1]]
        column = draft.add("Where", second, *numbers)
        draft.add("Reshape", column, draft.constant([-1], np.int64), result=draft.result(0))
    if not draft.result(1):
        return
    transform = draft.node.text("post_transform", "NONE")
    if transform == "SOFTMAX":
        raise ValueError("post_transform SOFTMAX of one sum is not supported; export it again")
    first = draft.add("Neg", sums)
    if share and transform == "NONE":
        first = draft.add("Add", first, draft.constant(1.0))
    _scores(draft, draft.add("Concat", first, sums, axis=1))


def _scores(draft: Draft, sums: str) -> None:
    transform = draft.node.text("post_transform", "NONE")
    if transform not in _SCORES:
        raise ValueError(f"post_transform {transform} is not supported; {', '.join(_SCORES)} are")
    axis = {"axis": 1} if transform == "SOFTMAX" else {}
    draft.add(_SCORES[transform], sums, result=draft.result(1), **axis)


_WRITERS: Final[dict[str, Callable[[Draft], None]]] = {
    "Scaler": _scaler,
    "Binarizer": _binarizer,
    "Imputer": _imputer,
    "OneHotEncoder": _one_hot_encoder,
    "LabelEncoder": _label_encoder,
    "FeatureVectorizer": _feature_vectorizer,
    "Normalizer": _normalizer,
    "ArrayFeatureExtractor": _picked,
    "ZipMap": _zip_map,
    "LinearRegressor": _linear_regressor,
    "LinearClassifier": _linear_classifier,
    "SVMRegressor": _svm_regressor,
    "TreeEnsembleClassifier": _tree_classifier,
    "TreeEnsembleRegressor": _tree_regressor,
    "TreeEnsemble": _tree_regressor,
}

LEARNED: Final = tuple(_WRITERS)
"""Operators of ``ai.onnx.ml`` that are read."""
