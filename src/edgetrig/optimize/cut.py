"""Minimum cuts: the least capacity that separates a source from a sink."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.jit import jit

Ints = NDArray[np.int64]

SOURCE: Final = 0
SINK: Final = 1
UNCUT: Final = 1 << 40
"""Capacity of an edge that no minimum cut goes through."""


@jit
def source_side(nodes: int, edges: Ints) -> NDArray[np.bool_]:
    """Return which nodes lie on the source's side of a minimum cut; of several the smallest side.

    A maximum flow by Dinic's algorithm (E. A. Dinic, Soviet Math. Doklady 11, 1970): paths are
    filled from the shortest to the longest; what the source then still reaches is its side.

    Parameters
    ----------
    nodes
        Number of nodes, `SOURCE` and `SINK` included.
    edges
        Tail, head and capacity of every edge, shape (edges, 3).
    """
    leaving, first = _by_tail(nodes, edges)
    # Edge k has its free capacity in room[k], its reverse (what can be undone) in room[k + count].
    target = np.concatenate((edges[:, 1], edges[:, 0]))
    room = np.concatenate((edges[:, 2], np.zeros(len(edges), np.int64)))
    level, scratch = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    while _find_levels(first, leaving, target, room, level, scratch):
        _fill_paths(first, leaving, target, room, level, scratch)
    return level >= 0


@jit
def _by_tail(nodes: int, edges: Ints) -> tuple[Ints, Ints]:
    """Return edges and reverse edges by the node they leave, and where each node's begin."""
    count = len(edges)
    first = np.zeros(nodes + 1, np.int64)
    for k in range(count):
        first[edges[k, 0] + 1] += 1
        first[edges[k, 1] + 1] += 1
    for node in range(nodes):
        first[node + 1] += first[node]
    place, leaving = first[:-1].copy(), np.zeros(2 * count, np.int64)
    for k in range(2 * count):
        node = edges[k, 0] if k < count else edges[k - count, 1]
        leaving[place[node]] = k
        place[node] += 1
    return leaving, first


@jit
def _find_levels(
    first: Ints, leaving: Ints, target: Ints, room: Ints, level: Ints, queue: Ints
) -> bool:
    """Set every node's distance from the source, -1 out of reach; return if the sink is reached."""
    level[:] = -1
    level[SOURCE] = 0
    queue[0] = SOURCE
    done, size = 0, 1
    while done < size:
        node = queue[done]
        done += 1
        for k in range(first[node], first[node + 1]):
            edge = leaving[k]
            if room[edge] > 0 and level[target[edge]] < 0:
                level[target[edge]] = level[node] + 1
                queue[size] = target[edge]
                size += 1
    return bool(level[SINK] >= 0)


@jit
def _fill_paths(
    first: Ints, leaving: Ints, target: Ints, room: Ints, level: Ints, path: Ints
) -> None:
    """Fill paths along rising levels until each of them has a full edge."""
    count = len(room) // 2
    following = first[:-1].copy()  # the first edge of each node that may still lead to the sink
    size, node = 0, SOURCE
    while True:
        if node == SINK:
            size = _fill(path, size, room)
            node = target[path[size - 1]] if size > 0 else SOURCE
        while following[node] < first[node + 1]:
            edge = leaving[following[node]]
            if room[edge] > 0 and level[target[edge]] == level[node] + 1:
                break
            following[node] += 1
        if following[node] < first[node + 1]:
            path[size] = leaving[following[node]]
            size += 1
            node = target[path[size - 1]]
        elif size > 0:
            size -= 1
            node = target[(path[size] + count) % (2 * count)]
            following[node] += 1
        else:
            return


@jit
def _fill(path: Ints, size: int, room: Ints) -> int:
    """Send along a path what fits; return how many of its edges come before the first full one."""
    count = len(room) // 2
    amount = UNCUT
    for edge in path[:size]:
        amount = min(amount, room[edge])
    before = size
    for k in range(size - 1, -1, -1):
        room[path[k]] -= amount
        room[(path[k] + count) % (2 * count)] += amount
        if room[path[k]] == 0:
            before = k
    return before
