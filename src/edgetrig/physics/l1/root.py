"""CMS files in ROOT's format, TTree or RNTuple: NanoAOD and the L1 ntuples.

NanoAOD has numbers in GeV and radians (``PhysicsTools/NanoAOD/python/l1trig_cff.py``), the ntuples
have the hardware's integers (``L1AnalysisL1UpgradeDataFormat.h``, both of CMSSW). Muons are taken
as extrapolated to the vertex, as the global trigger gets them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgetrig.errors import DataError, Error, require
from edgetrig.physics.l1.formats import CMS
from edgetrig.physics.l1.quantity import ObjectType, Quantity
from edgetrig.physics.tables.source import Columns, Source, unreadable

SUM_TYPES: Final = {"ett": 0, "htt": 1, "etm": 2, "htm": 3, "etmhf": 8}
"""Numbers of the sums in both formats (``EtSum.h`` of CMSSW)."""


_TREES: Final = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")
"""Classes of what has events."""


@dataclass(frozen=True)
class Layout:
    """Where a kind of file has what."""

    fields: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Branches by object type and field; the first that the file has is taken."""

    crossing: Mapping[str, str]
    """Branch of the bunch crossing by object type, and by ``sums``."""

    sums: tuple[str, str, str]
    """Branches of type, energy and azimuth of sums."""

    physical: bool
    """Whether the numbers are in GeV and radians."""


def _calorimeter(prefix: str, names: tuple[str, str, str, str]) -> Mapping[str, tuple[str, ...]]:
    fields = ("pt", "eta", "phi", "isolation")
    return {field: (prefix + name,) for field, name in zip(fields, names, strict=True)}


_NANO_NAMES = ("pt", "eta", "phi", "hwIso")
_NTUPLE_NAMES = ("IEt", "IEta", "IPhi", "Iso")

NANOAOD: Final = Layout(
    {
        "muon": {
            "pt": ("L1Mu_pt",),
            "eta": ("L1Mu_etaAtVtx", "L1Mu_eta"),
            "phi": ("L1Mu_phiAtVtx", "L1Mu_phi"),
            "quality": ("L1Mu_hwQual",),
            "isolation": ("L1Mu_hwIso",),
            "charge": ("L1Mu_hwCharge",),
            "index": ("L1Mu_tfMuonIndex",),
            "unconstrained_pt": ("L1Mu_ptUnconstrained",),
            "impact_parameter": ("L1Mu_hwDXY",),
        },
        "egamma": _calorimeter("L1EG_", _NANO_NAMES),
        "tau": _calorimeter("L1Tau_", _NANO_NAMES),
        "jet": {"pt": ("L1Jet_pt",), "eta": ("L1Jet_eta",), "phi": ("L1Jet_phi",)},
    },
    {
        "muon": "L1Mu_bx",
        "egamma": "L1EG_bx",
        "tau": "L1Tau_bx",
        "jet": "L1Jet_bx",
        "sums": "L1EtSum_bx",
    },
    ("L1EtSum_etSumType", "L1EtSum_pt", "L1EtSum_phi"),
    physical=True,
)

NTUPLE: Final = Layout(
    {
        "muon": {
            "pt": ("muonIEt",),
            "eta": ("muonIEtaAtVtx", "muonIEta"),
            "phi": ("muonIPhiAtVtx", "muonIPhi"),
            "quality": ("muonQual",),
            "isolation": ("muonIso",),
            "charge": ("muonChg",),
            "index": ("muonTfMuonIdx",),
            "unconstrained_pt": ("muonIEtUnconstrained",),
            "impact_parameter": ("muonDxy",),
        },
        "egamma": _calorimeter("eg", _NTUPLE_NAMES),
        "tau": _calorimeter("tau", _NTUPLE_NAMES),
        "jet": {"pt": ("jetIEt",), "eta": ("jetIEta",), "phi": ("jetIPhi",)},
    },
    {"muon": "muonBx", "egamma": "egBx", "tau": "tauBx", "jet": "jetBx", "sums": "sumBx"},
    ("sumType", "sumIEt", "sumIPhi"),
    physical=False,
)


def open_root(file: Path, tree: str | None = None, more: Sequence[str] = ()) -> Source:
    """Open NanoAOD or an L1 ntuple; `more` are branches of one number an event, if there are."""
    uproot = require("uproot", "root")
    with _uproot_reading(file), uproot.open(file) as opened:
        name = _tree(file, opened, tree)
        branches = {key.rsplit("/", 1)[-1]: key for key in opened[name].keys(recursive=True)}
        scalars = tuple(
            branch
            for branch in more
            if branch in branches and _is_scalar(file, branch, opened[name][branches[branch]])
        )
    integers = {fields["pt"][0] for fields in NTUPLE.fields.values()}
    layout = NANOAOD if integers.isdisjoint(branches) else NTUPLE
    reader = _Reader(file, name, layout, branches)
    return Source((*reader.columns, *scalars), reader.blocks, {})


def _is_scalar(file: Path, name: str, branch: Any) -> bool:
    kind = branch.array(entry_stop=0, library="ak").type.content
    if getattr(kind, "primitive", "char") == "char":  # lists have none, texts are of it
        raise DataError(f"{file}: branch {name!r} has not one number an event")
    return True


@contextmanager
def _uproot_reading(file: Path) -> Iterator[None]:
    """Turn what uproot raises on a broken file into one line."""
    try:
        yield
    except Error:
        raise
    except (
        Exception
    ) as error:  # uproot's own have no base class, and bad bytes raise any of Python's
        raise unreadable(file, "root", error) from error


def _tree(file: Path, opened: Any, wanted: str | None) -> str:
    """Return the name of the tree with trigger objects."""
    trees: list[str] = [
        key.split(";")[0] for key, kind in opened.classnames().items() if kind in _TREES
    ]
    trees = list(dict.fromkeys(trees))
    if wanted is not None:
        if wanted not in trees:
            raise DataError(
                f"{file}: no tree {wanted!r}; it has {', '.join(map(repr, trees)) or 'none'}"
            )
        return wanted
    known = [t for t in trees if t == "Events" or t.rsplit("/", 1)[-1] == "L1UpgradeTree"]
    if not known:
        raise DataError(
            f"{file}: neither 'Events' (NanoAOD) nor 'L1UpgradeTree' is in it;"
            f" it has {', '.join(map(repr, trees)) or 'no trees'}"
        )
    if len(known) > 1:
        raise DataError(
            f"{file}: has the trees {', '.join(map(repr, known))}; choose one with tree="
        )
    return known[0]


@dataclass(frozen=True)
class _Reader:
    file: Path
    tree: str
    layout: Layout
    branches: Mapping[str, str]

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The branch behind each column of objects, and sums' columns."""
        columns = {}
        for name, fields in self.layout.fields.items():
            for field, candidates in fields.items():
                present = [branch for branch in candidates if branch in self.branches]
                if present:
                    columns[CMS[name].column(field)] = present[0]
        kinds, energy, azimuth = self.layout.sums
        if {kinds, energy} <= self.branches.keys():
            there = self._first_numbers(kinds)
            for name, number in SUM_TYPES.items():
                if number not in there:
                    continue
                columns[CMS[name].column("et")] = energy
                if "phi" in CMS[name].fields and azimuth in self.branches:
                    columns[CMS[name].column("phi")] = azimuth
        return columns

    def _first_numbers(self, kinds: str) -> set[int]:
        """Return which sums the first event has; central NanoAOD, for one, has no total energy."""
        uproot = require("uproot", "root")
        with _uproot_reading(self.file), uproot.open(self.file) as opened:
            first = opened[self.tree][self.branches[kinds]].array(entry_stop=1, library="ak")
        return set(first[0].tolist()) if len(first) else set()

    def blocks(self, wanted: list[str], most: int) -> Iterator[Columns]:
        """Yield columns of codes."""
        uproot = require("uproot", "root")
        columns = self.columns
        scalars = [name for name in wanted if name not in columns]
        types = {
            column: next(k for k in CMS.values() if column.startswith(f"{k.name}_"))
            for column in wanted
            if column in columns
        }
        needed = {columns[column] for column in types} | set(scalars)
        for kind in types.values():
            needed |= set(self._more(kind))
        for branch in needed:
            if branch not in self.branches:
                raise DataError(f"{self.file}: no branch {branch!r} in tree {self.tree!r}")
        row = 0
        with _uproot_reading(self.file), uproot.open(self.file) as opened:
            steps = opened[self.tree].iterate(
                [self.branches[branch] for branch in sorted(needed)], step_size=most, library="ak"
            )
            for arrays in steps:
                named = {branch: arrays[self.branches[branch]] for branch in needed}
                yield {
                    column: self._codes(named, kind, column, columns[column], row)
                    for column, kind in types.items()
                } | {name: np.asarray(named[name]) for name in scalars}
                row += len(arrays)

    def _more(self, kind: ObjectType) -> tuple[str, ...]:
        """Return the branches that say which entries are wanted, and in which order."""
        if kind.name in SUM_TYPES:
            return self.layout.crossing["sums"], self.layout.sums[0]
        return self.layout.crossing[kind.name], self.layout.fields[kind.name]["pt"][0]

    def _codes(
        self, arrays: Mapping[str, Any], kind: ObjectType, column: str, branch: str, row: int
    ) -> NDArray[Any]:
        """Return one column of codes, padded to the hardware's number of objects."""
        awkward = require("awkward", "root")
        crossing, key = self._more(kind)
        values = arrays[branch]
        counts = awkward.num(arrays[crossing])
        for other in (branch, key):
            differs = np.asarray(awkward.num(arrays[other]) != counts)
            if differs.any():
                event = row + int(np.argmax(differs))
                self._refuse(other, event, f"differs in length from {crossing!r}")
        chosen = arrays[crossing] == 0
        if kind.name in SUM_TYPES:
            chosen = chosen & (arrays[key] == SUM_TYPES[kind.name])
            missing = np.asarray(awkward.sum(chosen, axis=1) != 1)
            if missing.any():
                what = f"not one sum of type {SUM_TYPES[kind.name]} at crossing 0"
                self._refuse(key, row + int(np.argmax(missing)), what)
            values = values[chosen]
        else:
            order = awkward.argsort(arrays[key][chosen], axis=1, ascending=False, stable=True)
            values = values[chosen][order]
        numbers = np.asarray(awkward.num(values))
        if (numbers > kind.count).any():
            event = int(np.argmax(numbers > kind.count))
            what = f"{numbers[event]} objects at crossing 0; the hardware has {kind.count}"
            self._refuse(branch, row + event, what)
        flat = self._converted(np.asarray(awkward.flatten(values)), kind, column, branch, row)
        codes = np.zeros((len(numbers), kind.count), np.int64)
        codes[np.arange(kind.count) < numbers[:, None]] = flat
        return codes

    def _converted(
        self, values: NDArray[Any], kind: ObjectType, column: str, branch: str, row: int
    ) -> NDArray[np.int64]:
        """Return the codes of a branch's numbers."""
        quantity = kind.fields[column.removeprefix(f"{kind.name}_")]
        if branch == "muonChg":
            return (values < 0).astype(np.int64)
        if self.layout.physical and (quantity.unit or quantity.name == "eta"):
            return self._encoded(values.astype(np.float64), quantity, branch, row)
        if values.dtype.kind not in "iub":
            self._refuse(branch, row, f"{values.dtype} numbers; integers are needed")
        return values.astype(np.int64)

    def _encoded(
        self, values: NDArray[np.float64], quantity: Quantity, branch: str, row: int
    ) -> NDArray[np.int64]:
        # The numbers were made from codes and lost bits: the nearest code is meant.
        nudge = 0.0 if quantity.nearest else 0.25 * float(quantity.lsb)
        try:
            return quantity.encode(values + nudge)
        except DataError as error:
            raise DataError(
                f"{self.file}: branch {branch!r}, events from {row}: {error}"
            ) from error

    def _refuse(self, branch: str, event: int, what: str) -> None:
        raise DataError(f"{self.file}: branch {branch!r}, event {event}: {what}")
