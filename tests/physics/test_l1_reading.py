"""Trigger objects from everybody's files: the same codes, or one clear line."""

from __future__ import annotations

import numpy as np
import pytest

from edgetrig.errors import DataError, ToolError
from edgetrig.physics import write_table
from edgetrig.physics.l1 import CMS, contents_l1, read_l1

uproot = pytest.importorskip("uproot")
awkward = pytest.importorskip("awkward")

RNG = np.random.default_rng(3)
NUMBERS = {"muon": 8, "egamma": 12, "tau": 12, "jet": 12}
FIELDS = {
    "muon": ("pt", "eta", "phi", "quality", "isolation", "charge", "unconstrained_pt"),
    "egamma": ("pt", "eta", "phi", "isolation"),
    "tau": ("pt", "eta", "phi", "isolation"),
    "jet": ("pt", "eta", "phi"),
}
SUMS = {"ett": 0, "htt": 1, "etm": 2, "htm": 3, "etmhf": 8}


def random_codes(events=40):
    """Codes of every object, as columns padded with zeros."""
    columns = {}
    for name, most in NUMBERS.items():
        there = np.arange(most) < RNG.integers(0, most + 1, events)[:, None]
        for field in FIELDS[name]:
            quantity = CMS[name].fields[field]
            low, high = quantity.lowest, quantity.highest
            codes = RNG.integers(max(low, -120), min(high, 500) + 1, there.shape)
            if field == "pt":
                codes = -np.sort(-np.maximum(codes, 1), axis=1)
            columns[f"{name}_{field}"] = codes * there
    for name in SUMS:
        columns[f"{name}_et"] = RNG.integers(0, 4096, (events, 1))
        if "phi" in CMS[name].fields:
            columns[f"{name}_phi"] = RNG.integers(0, 144, (events, 1))
    return columns


def jagged(codes, there):
    return awkward.unflatten(codes[there], there.sum(axis=1))


def with_other_crossings(arrays, bx):
    """Put an entry of crossing -1 in front of each event's, which must not be read."""
    names = {name: awkward.concatenate([a[:, :1] * 0, a], axis=1) for name, a in arrays.items()}
    counts = awkward.num(next(iter(arrays.values())))
    first = awkward.unflatten(np.full(int(awkward.sum(counts > 0)), -1), (counts > 0) * 1)
    zeros = next(iter(arrays.values())) * 0
    names[bx] = awkward.values_astype(awkward.concatenate([first, zeros], axis=1), np.int16)
    return names


def sum_branches(columns, decoded):
    kinds, energies, angles = [], [], []
    for name, number in SUMS.items():
        et, phi = columns[f"{name}_et"], columns.get(f"{name}_phi", columns["etm_phi"] * 0)
        if decoded:
            et, phi = CMS["etm"].fields["et"].decode(et), CMS["etm"].fields["phi"].decode(phi)
        kinds.append(np.full_like(columns["ett_et"], number))
        energies.append(et)
        angles.append(phi)
    return [awkward.Array(np.hstack(part).tolist()) for part in (kinds, energies, angles)]


def write_root(path, tree, branches):
    with uproot.recreate(path) as file:
        file.mktree(tree, {name: array.type.content for name, array in branches.items()})
        file[tree].extend(branches)


def nanoaod(path, columns):
    prefixes = {"muon": "L1Mu_", "egamma": "L1EG_", "tau": "L1Tau_", "jet": "L1Jet_"}
    flags = {"quality": "hwQual", "isolation": "hwIso", "charge": "hwCharge"}
    branches = {}
    for name, prefix in prefixes.items():
        there, arrays = columns[f"{name}_pt"] > 0, {}
        for field in FIELDS[name]:
            codes, quantity = columns[f"{name}_{field}"], CMS[name].fields[field]
            if field in flags:
                arrays[prefix + flags[field]] = jagged(codes.astype(np.int16), there)
            else:
                short = {"unconstrained_pt": "ptUnconstrained"}.get(field, field)
                numbers = quantity.decode(codes).astype(np.float32)
                arrays[prefix + short] = jagged(numbers, there)
        branches |= with_other_crossings(arrays, prefix + "bx")
    kinds, energies, angles = sum_branches(columns, decoded=True)
    arrays = {"L1EtSum_etSumType": kinds, "L1EtSum_pt": energies, "L1EtSum_phi": angles}
    branches |= with_other_crossings(arrays, "L1EtSum_bx")
    write_root(path, "Events", branches)


def ntuple(path, columns):
    names = {
        "muon": ("IEt", "IEta", "IPhi", "Qual", "Iso", "Chg", "IEtUnconstrained"),
        "egamma": ("IEt", "IEta", "IPhi", "Iso"),
        "tau": ("IEt", "IEta", "IPhi", "Iso"),
        "jet": ("IEt", "IEta", "IPhi"),
    }
    branches = {}
    for name, short in names.items():
        prefix, there, arrays = {"egamma": "eg"}.get(name, name), columns[f"{name}_pt"] > 0, {}
        for field, branch in zip(FIELDS[name], short, strict=True):
            codes = columns[f"{name}_{field}"]
            if field == "charge":
                codes = 1 - 2 * codes
            arrays[prefix + branch] = jagged(codes.astype(np.int16), there)
        branches |= with_other_crossings(arrays, prefix + "Bx")
    kinds, energies, angles = sum_branches(columns, decoded=False)
    arrays = {"sumType": kinds, "sumIEt": energies, "sumIPhi": angles}
    branches |= with_other_crossings(arrays, "sumBx")
    write_root(path, "l1UpgradeTree/L1UpgradeTree", branches)


def own(path, columns):
    write_table(path, columns)


def whole(path, **options):
    blocks = list(read_l1(path, **options))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def test_an_rntuple_reads_as_the_tree(tmp_path):
    tree, other = tmp_path / "nano.root", tmp_path / "rntuple.root"
    nanoaod(tree, random_codes())
    arrays = uproot.open(tree)["Events"].arrays()
    weight = RNG.normal(1, 1, len(arrays)).astype(np.float32)
    named = {name: arrays[name] for name in arrays.fields}
    with uproot.recreate(other) as file:
        file.mkrntuple("Events", {**named, "genWeight": weight, "name": ["text"] * len(arrays)})
    expected, read = whole(tree), whole(other, block=17)
    assert read.keys() == expected.keys()
    for name, codes in expected.items():
        np.testing.assert_array_equal(read[name], codes)
    weighted = whole(other, columns=["muon_pt", "genWeight"])
    np.testing.assert_array_equal(weighted["genWeight"], weight)
    for name in ("name", "L1Mu_pt"):
        with pytest.raises(DataError, match="has not one number an event"):
            whole(other, columns=["muon_pt", name])


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (nanoaod, "nano.root"),
        (ntuple, "ntuple.root"),
        (own, "own.parquet"),
        (own, "own.h5"),
        (own, "own.npz"),
    ],
)
def test_every_format_gives_the_same_codes(tmp_path, write, name):
    columns = random_codes()
    write(tmp_path / name, columns)
    read = whole(tmp_path / name, block=7)
    assert set(read) == set(columns)
    for column, codes in columns.items():
        np.testing.assert_array_equal(read[column], codes, err_msg=column)
        assert read[column].dtype.itemsize <= 2
    assert len(next(read_l1(tmp_path / name, ["jet_pt"], block=7))["jet_pt"]) <= 7


def test_the_challenge(tmp_path):
    h5py = pytest.importorskip("h5py")
    columns = random_codes(20)
    events = np.zeros((20, 19, 4))
    for name, first, last in (("egamma", 1, 5), ("muon", 5, 9), ("jet", 9, 19)):
        for place, field in enumerate(("pt", "eta", "phi")):
            codes = columns[f"{name}_{field}"][:, : last - first]
            there = columns[f"{name}_pt"][:, : last - first] > 0
            events[:, first:last, place] = CMS[name].fields[field].decode(codes) * there
    events[:, 5:9, 0] += 0.1 * (events[:, 5:9, 0] >= 0)  # pt code 1 is 0 GeV and more
    events[:, 5:9, 0] *= columns["muon_pt"][:, :4] > 0
    events[:, 0, 0] = CMS["etm"].fields["et"].decode(columns["etm_et"][:, 0])
    events[:, 0, 2] = CMS["etm"].fields["phi"].decode(columns["etm_phi"][:, 0])
    with h5py.File(tmp_path / "adc.h5", "w") as file:
        file["Particles"] = events
        file["Particles_Names"] = np.array([b"Pt", b"Eta", b"Phi", b"Class"])
    read = whole(tmp_path / "adc.h5", block=6)
    assert read["jet_pt"].shape == (20, 12)
    for column, codes in read.items():
        if column.startswith("etm"):
            np.testing.assert_array_equal(codes, columns[column])
            continue
        kept = 10 if column.startswith("jet") else 4
        name = column.split("_")[0]
        expected = columns[column][:, :kept] * (columns[f"{name}_pt"][:, :kept] > 0)
        np.testing.assert_array_equal(codes[:, :kept], expected, err_msg=column)
        assert not codes[:, kept:].any()
    events[7, 10, 1] = np.nan
    with h5py.File(tmp_path / "nan.h5", "w") as file:
        file["Particles"] = events
    with pytest.raises(DataError, match="event 7: NaN"):
        whole(tmp_path / "nan.h5")
    events[7, 10, :2] = 40.0, 7.5
    with h5py.File(tmp_path / "far.h5", "w") as file:
        file["Particles"] = events
    with pytest.raises(DataError, match=r"'jet_eta'.*7\.5"):
        whole(tmp_path / "far.h5")


def broken(tmp_path, change):
    """Return NanoAOD with a change to its branches."""
    branches = {
        "L1Jet_pt": awkward.Array([[30.0, 20.0], [], [25.0]]),
        "L1Jet_eta": awkward.Array([[0.1, 0.2], [], [0.3]]),
        "L1Jet_phi": awkward.Array([[0.1, 0.2], [], [0.3]]),
        "L1Jet_bx": awkward.Array([[0, 0], [], [0]]),
        "L1EtSum_etSumType": awkward.Array([[1, 2], [1, 2], [1, 2]]),
        "L1EtSum_pt": awkward.Array([[1.0, 2.0]] * 3),
        "L1EtSum_phi": awkward.Array([[0.0, 1.0]] * 3),
        "L1EtSum_bx": awkward.Array([[0, 0]] * 3),
    }
    change(branches)
    write_root(tmp_path / "broken.root", "Events", branches)
    return tmp_path / "broken.root"


def set_to(name, value):
    return lambda branches: branches.__setitem__(name, awkward.Array(value))


@pytest.mark.parametrize(
    ("change", "columns", "line"),
    [
        (set_to("L1Jet_pt", [[30.0, np.nan], [], [2.0]]), None, "'L1Jet_pt'.*NaN or infinity"),
        (set_to("L1Jet_eta", [[9.0, 0.2], [], [2.0]]), None, "'L1Jet_eta'.*eta: 9 is outside"),
        (set_to("L1Jet_eta", [[0.1], [], [0.2]]), None, "'L1Jet_eta', event 0: differs in length"),
        (set_to("L1Jet_bx", [[0, 0], [], [0, 0]]), None, "event 2: differs in length"),
        (lambda b: b.pop("L1Jet_bx"), None, "no branch 'L1Jet_bx' in tree 'Events'"),
        (lambda b: b.pop("L1Jet_pt"), ["jet_pt"], "no column 'jet_pt'; it has jet_eta"),
        (lambda b: None, ["ett_et"], "no column 'ett_et'"),
        (lambda b: None, ["muon_pt"], "no column 'muon_pt'"),
        (
            set_to("L1EtSum_etSumType", [[1, 2], [1, 1], [1, 2]]),
            ["etm_et"],
            "'L1EtSum_etSumType', event 1: not one sum of type 2",
        ),
    ],
)
def test_surprises_in_nanoaod_are_one_line(tmp_path, change, columns, line):
    with pytest.raises(DataError, match=line) as error:
        whole(broken(tmp_path, change), columns=columns)
    assert "broken.root" in str(error.value)
    assert "\n" not in str(error.value)


def test_more_objects_than_the_hardware_has(tmp_path):
    def many(branches):
        for name in ("pt", "eta", "phi", "bx"):
            branches[f"L1Jet_{name}"] = awkward.Array([[0] * 2, [0] * 13, []])

    with pytest.raises(DataError, match="event 1: 13 objects at crossing 0; the hardware has 12"):
        whole(broken(tmp_path, many), columns=["jet_pt"])


def test_files_of_other_kinds(tmp_path):
    path = tmp_path / "a.root"
    path.write_bytes(b"no such thing as a file of ROOT's")
    with pytest.raises(DataError, match=r"a\.root: cannot be read as root"):
        whole(path)
    write_root(path, "Other", {"x": awkward.Array([[1], [2]])})
    with pytest.raises(DataError, match=r"neither 'Events' \(NanoAOD\) nor.*it has 'Other'"):
        whole(path)
    with pytest.raises(DataError, match="no tree 'Events'; it has 'Other'"):
        whole(path, tree="Events")
    with pytest.raises(DataError, match="no such file"):
        whole(tmp_path / "b.root")
    write_table(tmp_path / "c.h5", {"x": np.zeros(3)})
    with pytest.raises(DataError, match="no column of trigger objects"):
        whole(tmp_path / "c.h5")
    with pytest.raises(DataError, match="block is 0"):
        whole(tmp_path / "c.h5", block=0)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_files(tmp_path, share):
    path = tmp_path / "nano.root"
    nanoaod(path, random_codes(5))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"nano\.root") as error:
        whole(path)
    assert "\n" not in str(error.value)


def test_two_trees_need_a_choice(tmp_path):
    path = tmp_path / "two.root"
    branches = {"jetIEt": awkward.Array([[40], [8]]), "jetBx": awkward.Array([[0], [0]])}
    with uproot.recreate(path) as file:
        for folder in ("l1UpgradeTree", "l1UpgradeEmuTree"):
            tree = f"{folder}/L1UpgradeTree"
            file.mktree(tree, {name: array.type.content for name, array in branches.items()})
            file[tree].extend(branches)
    with pytest.raises(DataError, match="choose one with tree="):
        whole(path)
    assert whole(path, tree="l1UpgradeEmuTree/L1UpgradeTree")["jet_pt"][:, 0].tolist() == [40, 8]


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        (np.full((3, 12), 2048), "event 0: code 2048 is outside 0 to 2047"),
        (np.zeros((3, 10), int), r"shape \(events, 10\); integer codes of shape \(events, 12\)"),
        (np.zeros((3, 12)), "float64 of shape"),
    ],
)
def test_codes_that_do_not_fit(tmp_path, codes, line):
    write_table(tmp_path / "own.parquet", {"jet_pt": codes})
    with pytest.raises(DataError, match=f"own.parquet: column 'jet_pt'.*{line}"):
        whole(tmp_path / "own.parquet")


def test_a_missing_reader_names_the_extra(tmp_path, monkeypatch):
    import sys

    (tmp_path / "a.root").touch()
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(ToolError, match=r"edgetrig\[root\]"):
        whole(tmp_path / "a.root")


def test_branches_of_one_number_an_event(tmp_path):
    file = tmp_path / "nano.root"
    weights = RNG.normal(0, 10, 40).astype(np.float32)
    lists = awkward.Array([[1.0] * (k % 3) for k in range(40)])
    branches = {
        "L1Mu_pt": awkward.Array([[4.0]] * 40),
        "L1Mu_bx": awkward.Array([[0]] * 40),
        "genWeight": weights,
        "Muon_pt": lists,
        "LHEScaleWeight": np.ones((40, 3), np.float32),
    }
    kinds = {"genWeight": np.float32, "LHEScaleWeight": np.dtype((np.float32, (3,)))}
    lists_of = {name: branches[name].type.content for name in branches.keys() - kinds.keys()}
    with uproot.recreate(file) as opened:
        opened.mktree("Events", kinds | lists_of)
        opened["Events"].extend(branches)
    blocks = list(read_l1(file, ["genWeight", "muon_pt"], block=7))
    np.testing.assert_array_equal(np.concatenate([b["genWeight"] for b in blocks]), weights)
    assert {frozenset(block) for block in blocks} == {frozenset({"genWeight", "muon_pt"})}
    assert "genWeight" not in next(read_l1(file))
    assert contents_l1(file, ["genWeight", "none"])[0] == ("muon_pt", "genWeight")
    for name in ("Muon_pt", "LHEScaleWeight"):
        with pytest.raises(DataError, match=f"branch '{name}' has not one number an event"):
            next(read_l1(file, [name, "muon_pt"]))
    with pytest.raises(DataError, match="no column 'other'"):
        next(read_l1(file, ["other", "muon_pt"]))
