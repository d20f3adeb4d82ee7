r"""The 16 high-level jet features of the public jet-tagging benchmark.

The names, and the jets they were first used on, are those of the hls4ml LHC jet data set [1]_ [2]_.
A jet is a list of massless constituents (pT, eta, phi). Two features describe the whole jet,
fourteen its core after grooming:

========================  ==================================================================
feature                   definition
========================  ==================================================================
``zlogz``                 sum of z ln z, z = pT_i / sum pT, all constituents (<= 0)
``c1_b0_mmdt`` (b1, b2)   C1 = e2 at beta = 0, 1, 2 [3]_
``c2_b1_mmdt`` (b2)       C2 = e3 / e2^2 [3]_
``d2_b1_mmdt`` (b2)       D2 = e3 / e2^3 [4]_
``d2_a1_b1_mmdt`` (b2)    D2(alpha, beta) = e3(alpha) / e2(beta)^(3 alpha / beta), alpha = 1 [4]_
``m2_b1_mmdt`` (b2)       M2 = 1e3 / 1e2 [5]_
``n2_b1_mmdt`` (b2)       N2 = 2e3 / (1e2)^2 [5]_
``mass_mmdt``             mass of the groomed jet in GeV
``multiplicity``          number of constituents of the whole jet
========================  ==================================================================

The normalised energy correlators of the groomed jet are, with z_i = pT_i over the scalar sum of the
groomed constituents and R_ij the distance in (eta, phi),

.. math::
    e_2^{(\beta)} = \sum_{i<j} z_i z_j R_{ij}^\beta, \qquad
    {}_v e_3^{(\beta)} = \sum_{i<j<k} z_i z_j z_k
        \prod_{m=1}^{v} \min{}^{(m)} \{R_{ij}, R_{ik}, R_{jk}\}^\beta,

min^(m) being the m-th smallest and e3 = 3e3. Grooming is the modified mass-drop tagger with
z_cut = 0.1, which is soft drop at beta = 0 [6]_: recluster with Cambridge/Aachen, and drop the
softer branch until min(pT1, pT2) / (pT1 + pT2) > 0.1. By definition d2_a1_b1 equals d2_b1, in the
public data as here; both names are kept so that models trained there find their inputs.
A ratio whose denominator is zero (a groomed jet of one constituent) is 0.

References
----------
.. [1] E. A. Moreno et al. / J. Duarte et al., arXiv:1804.06913 (the data set and its features).
.. [2] E. Coleman et al., arXiv:1709.08705 (the simulated jets and the list of observables).
.. [3] A. Larkoski, G. Salam, J. Thaler, arXiv:1305.0007, eqs. 2.1 to 2.8 (ECF and C_N).
.. [4] A. Larkoski, I. Moult, D. Neill, arXiv:1409.6298 (D2, D2 with two exponents).
.. [5] I. Moult, L. Necib, J. Thaler, arXiv:1609.07483 (generalised correlators, M2, N2).
.. [6] M. Dasgupta et al., arXiv:1307.0007 (mMDT); A. Larkoski et al., arXiv:1402.2657 (soft drop).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError
from edgetrig.jit import jit

FEATURES = (
    "zlogz",
    "c1_b0_mmdt",
    "c1_b1_mmdt",
    "c1_b2_mmdt",
    "c2_b1_mmdt",
    "c2_b2_mmdt",
    "d2_b1_mmdt",
    "d2_b2_mmdt",
    "d2_a1_b1_mmdt",
    "d2_a1_b2_mmdt",
    "m2_b1_mmdt",
    "m2_b2_mmdt",
    "n2_b1_mmdt",
    "n2_b2_mmdt",
    "mass_mmdt",
    "multiplicity",
)
"""The names of the 16 features, in the order of the columns."""

Z_CUT = 0.1
"""The groomer's threshold on the softer branch's share of pT."""


def jet_features(constituents: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float64]:
    """Compute the 16 features of many jets.

    Parameters
    ----------
    constituents
        (sum of counts, 3) array of pT [GeV, > 0], eta and phi [rad], jet after jet. Phi may be on
        any turn; a jet may lie across the seam.
    counts
        (jets,) constituents of each jet, each at least 1.

    Returns
    -------
    numpy.ndarray
        (jets, 16) in the order of `FEATURES`.

    Raises
    ------
    DataError
        If the shapes do not fit, a jet is empty, or a value is not finite or a pT not positive.

    Examples
    --------
    >>> two = np.array([[60.0, 0.0, 0.0], [40.0, 0.3, 0.4]])
    >>> values = jet_features(two, np.array([2]))[0]
    >>> print(f"{values[FEATURES.index('c1_b1_mmdt')]:.3f}")  # 0.6 * 0.4 * 0.5
    0.120
    """
    flat = np.ascontiguousarray(constituents, dtype=np.float64)
    sizes = np.ascontiguousarray(counts, dtype=np.int64)
    if flat.ndim != 2 or flat.shape[1] != 3 or sizes.ndim != 1 or sizes.sum() != len(flat):
        raise DataError(
            f"jet_features: constituents of shape {flat.shape} do not fit counts of shape "
            f"{sizes.shape} and sum {sizes.sum()}; give (sum of counts, 3)"
        )
    if np.any(sizes < 1):
        raise DataError(f"jet_features: jet {int(np.argmax(sizes < 1))} has no constituents")
    bad = ~(np.isfinite(flat).all(axis=1) & (flat[:, 0] > 0))
    if bad.any():
        raise DataError(
            f"jet_features: constituent {int(np.argmax(bad))} is not finite or has pT <= 0"
        )
    result = np.empty((len(sizes), len(FEATURES)))
    _all_jets(flat, sizes, result)
    return result


@jit
def _all_jets(flat: NDArray[Any], sizes: NDArray[Any], result: NDArray[Any]) -> None:
    start = 0
    for jet in range(len(sizes)):
        stop = start + sizes[jet]
        _one_jet(flat[start:stop], result[jet])
        start = stop


@jit
def _one_jet(jet: NDArray[Any], out: NDArray[Any]) -> None:
    total = jet[:, 0].sum()
    zlogz = 0.0
    for i in range(len(jet)):
        z = jet[i, 0] / total
        zlogz += z * np.log(z)
    groomed, mass = _groom(jet)
    e2, e3 = _correlators(jet[groomed])

    out[0] = zlogz
    out[1] = e2[0]
    out[2] = e2[1]
    out[3] = e2[2]
    for b in range(2):
        pair = e2[1 + b]
        out[4 + b] = _ratio(e3[2, b], pair**2)
        out[6 + b] = _ratio(e3[2, b], pair**3)
        out[10 + b] = _ratio(e3[0, b], pair)
        out[12 + b] = _ratio(e3[1, b], pair**2)
    out[8] = out[6]
    out[9] = _ratio(e3[2, 0], e2[2] ** 1.5)
    out[14] = mass
    out[15] = len(jet)


@jit
def _ratio(a: float, b: float) -> float:
    return a / b if b > 0.0 else 0.0


@jit
def _correlators(jet: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return e2 at beta 0, 1, 2 and ve3[v - 1, beta - 1] for v = 1, 2, 3 and beta = 1, 2."""
    n = len(jet)
    z = jet[:, 0] / jet[:, 0].sum()
    r = np.empty((n, n))
    e2 = np.zeros(3)
    for i in range(n):
        for j in range(i):
            square = _distance2(jet[i, 1] - jet[j, 1], jet[i, 2] - jet[j, 2])
            r[i, j] = np.sqrt(square)
            zz = z[i] * z[j]
            e2[0] += zz
            e2[1] += zz * r[i, j]
            e2[2] += zz * square
    e3 = np.zeros((3, 2))
    for i in range(n):
        for j in range(i):
            a = r[i, j]
            zz = z[i] * z[j]
            for k in range(j):
                b = r[i, k]
                c = r[j, k]
                low, high = min(b, c), max(b, c)
                one = min(a, low)
                two = one * max(low, min(a, high))  # the two smallest of the three
                three = a * b * c
                zzz = zz * z[k]
                e3[0, 0] += zzz * one
                e3[0, 1] += zzz * one * one
                e3[1, 0] += zzz * two
                e3[1, 1] += zzz * two * two
                e3[2, 0] += zzz * three
                e3[2, 1] += zzz * three * three
    return e2, e3


@jit
def _distance2(eta: float, phi: float) -> float:
    turn = 2.0 * np.pi
    phi -= turn * np.floor(phi / turn + 0.5)
    return eta * eta + phi * phi


@jit
def _groom(jet: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """Recluster with Cambridge/Aachen and undo it down to the first balanced splitting.

    Returns the indices of the constituents kept, and their mass.
    """
    n = len(jet)
    p, child = _recluster(jet)
    node = 2 * n - 2
    while child[node, 0] >= 0:
        a, b = child[node, 0], child[node, 1]
        pa = np.hypot(p[a, 0], p[a, 1])
        pb = np.hypot(p[b, 0], p[b, 1])
        if min(pa, pb) > Z_CUT * (pa + pb):
            break
        node = a if pa > pb else b
    kept = _leaves(child, node, n)
    if len(kept) == 1:
        return kept, 0.0  # massless by definition, not the rounding of E^2 - p^2
    return kept, np.sqrt(max(_mass2(p[node]), 0.0))


@jit
def _recluster(jet: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Merge the two closest in (y, phi) until one is left.

    Nodes 0 to n-1 are the constituents, n to 2n-2 the merged branches. Returns their momenta
    (px, py, pz, E) and their two children, -1 for a constituent.
    """
    n = len(jet)
    p = np.empty((2 * n - 1, 4))
    place = np.empty((2 * n - 1, 2))  # y, phi
    child = np.full((2 * n - 1, 2), -1)
    for i in range(n):
        pt, y, phi = jet[i]
        place[i] = y, phi
        p[i] = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(y), pt * np.cosh(y)

    # Every active node knows its nearest active neighbour, so that most merges cost O(n).
    active = np.arange(n)
    near = np.full(2 * n - 1, -1)
    dist = np.full(2 * n - 1, np.inf)
    for i in range(n):
        _nearest(i, active, place, near, dist)
    for new in range(n, 2 * n - 1):
        best = int(active[np.argmin(dist[active])])
        other = int(near[best])
        child[new] = best, other
        p[new] = p[best] + p[other]
        place[new] = _rapidity(p[new]), np.arctan2(p[new, 1], p[new, 0])
        keep = 0
        for node in active:
            if node not in (best, other):
                active[keep] = node
                keep += 1
        active[keep] = new
        active = active[: keep + 1]
        for node in active[:keep]:
            if near[node] in (best, other):
                _nearest(node, active, place, near, dist)
            else:
                d = _distance2(place[node, 0] - place[new, 0], place[node, 1] - place[new, 1])
                if d < dist[node]:
                    dist[node] = d
                    near[node] = new
        _nearest(new, active, place, near, dist)
    return p, child


@jit
def _nearest(
    i: int, active: NDArray[Any], place: NDArray[Any], near: NDArray[Any], dist: NDArray[Any]
) -> None:
    near[i] = -1
    dist[i] = np.inf
    for j in active:
        if j != i:
            d = _distance2(place[i, 0] - place[j, 0], place[i, 1] - place[j, 1])
            if d < dist[i]:
                dist[i] = d
                near[i] = j


@jit
def _leaves(child: NDArray[Any], node: int, n: int) -> NDArray[Any]:
    """Return the constituents below a node, in their own order."""
    stack = np.empty(n, np.int64)
    kept = np.empty(n, np.int64)
    stack[0] = node
    depth, size = 1, 0
    while depth:
        depth -= 1
        i = stack[depth]
        if i < n:
            kept[size] = i
            size += 1
        else:
            stack[depth] = child[i, 0]
            stack[depth + 1] = child[i, 1]
            depth += 2
    return np.sort(kept[:size])


@jit
def _rapidity(p: NDArray[Any]) -> float:
    # From the transverse mass: E - pz cancels badly at large rapidity.
    mt2 = p[0] ** 2 + p[1] ** 2 + max(_mass2(p), 0.0)
    y: float = 0.5 * np.log(mt2 / (p[3] + abs(p[2])) ** 2)
    return -y if p[2] > 0.0 else y


@jit
def _mass2(p: NDArray[Any]) -> float:
    pt2: float = p[0] * p[0] + p[1] * p[1]
    m2: float = (p[3] - p[2]) * (p[3] + p[2]) - pt2
    return m2
