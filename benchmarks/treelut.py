"""A plain baseline of TreeLUT's published method (arXiv:2501.01511), as Verilog text.

Every distinct comparison is one comparator; a leaf's bit is an OR of its paths, each an AND of
comparisons; leaves have a few bits at one scale for all trees, each tree's smallest leaf taken out;
binary trees of adders sum them, one constant an output; the argmax is part of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetrig.frontends.trees import Forest


def quantized(forest: Forest, bits: int) -> tuple[Any, Any]:
    """Return leaves as integers of so many bits, and each output's constant from 0 up."""
    leaf = forest.feature < 0
    tree = forest.tree_of_node()
    trees = len(forest.roots)
    output = np.array([np.abs(forest.value[tree == k]).max(axis=0).argmax() for k in range(trees)])
    own = forest.value[np.arange(forest.nodes), output[tree]]
    low = np.minimum.reduceat(np.where(leaf, own, np.inf), forest.roots)
    high = np.maximum.reduceat(np.where(leaf, own, -np.inf), forest.roots)
    scale = (2**bits - 1) / (high - low).max()
    base = forest.base.copy()
    np.add.at(base, output, low)
    codes = np.where(leaf, np.rint((own - low[tree]) * scale), 0).astype(int)
    return (codes, output), np.rint((base - base.min()) * scale).astype(int)


def predict(forest: Forest, bits: int, x: Any) -> Any:
    """Return the class that the baseline chooses for every event."""
    (codes, output), base = quantized(forest, bits)
    scores = np.tile(base, (len(x), 1))
    for leaf, column in zip(forest.leaves(x).T, output, strict=True):
        scores[:, column] += codes[leaf]
    return scores.argmax(axis=1)


def verilog(forest: Forest, bits: int, input_bits: int = 8) -> str:
    """Return the baseline as one combinational module ``trigger``."""
    (codes, output), base = quantized(forest, bits)
    lines: list[str] = []
    compared: dict[tuple[int, int], str] = {}

    def question(node: int) -> str:
        feature, limit = int(forest.feature[node]), int(np.ceil(forest.threshold[node]))
        if (feature, limit) not in compared:
            name = compared[feature, limit] = f"c{feature}_{limit}"
            lines.append(f"wire {name} = x[{feature * input_bits} +: {input_bits}] < {limit};")
        return compared[feature, limit]

    def paths(node: int, way: list[str]) -> list[tuple[int, str]]:
        if forest.feature[node] < 0:
            return [(int(codes[node]), "(" + " & ".join(way or ["1'b1"]) + ")")]
        asked = question(node)
        left, right = int(forest.left[node]), int(forest.right[node])
        return paths(left, [*way, asked]) + paths(right, [*way, f"~{asked}"])

    terms: list[list[tuple[str, int]]] = [[] for _ in base]
    for k, root in enumerate(forest.roots.tolist()):
        found = paths(root, [])
        lines.append(f"wire [{bits - 1}:0] tree{k};")
        for bit in range(bits):
            ones = [path for code, path in found if code >> bit & 1]
            lines.append(f"assign tree{k}[{bit}] = {' | '.join(ones) or '0'};")
        terms[output[k]].append((f"tree{k}", bits))
    for k, constant in enumerate(base.tolist()):
        if constant:
            terms[k].append((f"{constant.bit_length()}'d{constant}", constant.bit_length()))
    sums = [_added(own, f"s{k}", lines) for k, own in enumerate(terms)]
    width = max(bits for _, bits in sums)
    lines += [f"wire [{width - 1}:0] score{k} = {name};" for k, (name, _) in enumerate(sums)]
    lines.append(f"wire [{width - 1}:0] top0 = score0;\nwire [2:0] best0 = 0;")
    for k in range(1, len(sums)):
        lines.append(f"wire larger{k} = score{k} > top{k - 1};")
        lines.append(f"wire [{width - 1}:0] top{k} = larger{k} ? score{k} : top{k - 1};")
        lines.append(f"wire [2:0] best{k} = larger{k} ? 3'd{k} : best{k - 1};")
    size = len(forest.features) * input_bits
    head = f"module trigger(input [{size - 1}:0] x, output [2:0] best);\n"
    return head + "\n".join(lines) + f"\nassign best = best{len(sums) - 1};\nendmodule\n"


def _added(terms: list[tuple[str, int]], name: str, lines: list[str]) -> tuple[str, int]:
    """Add the neighbours of a list until one is left."""
    level = 0
    while len(terms) > 1:
        pairs = []
        for k in range(0, len(terms) - 1, 2):
            (a, bits_a), (b, bits_b) = terms[k], terms[k + 1]
            bits = max(bits_a, bits_b) + 1
            lines.append(f"wire [{bits - 1}:0] {name}_{level}_{k} = {a} + {b};")
            pairs.append((f"{name}_{level}_{k}", bits))
        terms = pairs + terms[len(terms) // 2 * 2 :]
        level += 1
    return terms[0]
