"""Pictures of a menu show its figures, and are signed by nobody but the user."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

from edgetrig.cli.app import app
from edgetrig.errors import DataError
from edgetrig.physics import write_table
from edgetrig.trigger.menu import Fired, Menu, Rates, Seed, TurnOn

pytest.importorskip("mplhep")

from edgetrig.report.plots import (
    STYLES,
    PlotStyle,
    plot_efficiency_against_rate,
    plot_overlap,
    plot_rates,
    plot_threshold_scan,
    plot_turn_on,
    write_plots,
)

CUTS = (20, 40, 80, 160)
MENU = Menu("test", tuple(Seed(f"L1_HTT{c}", f"htt > {c}", Fraction(1)) for c in CUTS))


def fired_of(seed, mean, events=2000):
    fired = Fired(len(CUTS))
    fired.add(np.random.default_rng(seed).exponential(mean, events)[:, None] > CUTS)
    return fired


@pytest.fixture(scope="module")
def rates():
    return Rates(MENU, fired_of(1, 30))


@pytest.fixture
def curve():
    edges = np.array([0.0, 10, 20, 40])
    return TurnOn("L1_A", "true_muon_pt", edges, np.array([0, 5, 8]), np.array([0, 10, 8]))


def words_of(axes):
    return [text.get_text() for text in axes.findobj(lambda o: hasattr(o, "get_text"))]


@pytest.mark.parametrize("style", STYLES)
def test_nobody_signs_unasked(curve, style):
    words = words_of(plot_turn_on(curve, style=PlotStyle(style)))
    assert words.count("Simulation") == 1
    assert not any(name in word for word in words for name in ("CMS", "ATLAS", "LHCb", "Prelim"))


def test_what_the_user_signs_with(curve):
    style = PlotStyle("ATLAS", "My experiment", "Work in progress", "pile-up 60")
    words = words_of(plot_turn_on(curve, style=style))
    assert {"My experiment", "Work in progress", "pile-up 60"} <= set(words)
    assert "Simulation" not in words
    with pytest.raises(DataError, match="no style 'UA1' of plots; there are CMS, ATLAS"):
        PlotStyle("UA1")


def test_turn_ons_have_their_intervals(curve):
    axes = plot_turn_on([curve, curve], label="mine")
    assert axes.get_xlabel() == "mine"
    assert axes.get_xlim() == (0, 40)
    points, *_ = axes.containers[0]
    np.testing.assert_allclose(points.get_xydata(), [[15, 0.5], [30, 1]])
    low, high = curve.interval()
    sides, uprights = (lines.get_segments() for lines in axes.containers[0].lines[2])
    np.testing.assert_allclose(sides, [[[10, 0.5], [20, 0.5]], [[20, 1], [40, 1]]])
    ends = [[line[0][1], line[1][1]] for line in uprights]
    np.testing.assert_allclose(ends, np.array([low, high]).T[1:])
    assert "Muon" in plot_turn_on(curve).get_xlabel() or "muon" in plot_turn_on(curve).get_xlabel()
    assert r"$p_\mathrm{T}$ [GeV]" in plot_turn_on(curve).get_xlabel()


def test_rates_and_overlaps(rates):
    axes = plot_rates(rates)
    bars = [patch.get_x() + patch.get_width() for patch in axes.patches]
    np.testing.assert_allclose(bars, rates.seed[0])
    share = plot_overlap(rates).images[0].get_array()
    np.testing.assert_allclose(share[0], 100 * rates.seed[0] / rates.seed[0][0])
    np.testing.assert_allclose(share[:, 0], 100)


def test_seeds_without_rate_are_no_trouble():
    fired = Fired(len(CUTS))
    fired.add(np.zeros((9, len(CUTS)), bool))
    nothing = Rates(MENU, fired)
    plot_rates(nothing)
    with pytest.raises(DataError, match="no seed has a rate"):
        plot_overlap(nothing)
    with pytest.raises(DataError, match="no event passes at any of the thresholds"):
        plot_threshold_scan(CUTS, nothing)


def test_scans(rates):
    axes = plot_threshold_scan(CUTS, rates, name="L1_HTT")
    np.testing.assert_allclose(axes.lines[0].get_xydata(), np.array([CUTS, rates.seed[0]]).T)
    signal = fired_of(2, 90)
    axes = plot_efficiency_against_rate(rates, {"top": signal}, seeds=range(4))
    kept = rates.efficiency(signal).value[:-1]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), np.array([rates.seed[0], kept]).T)
    with pytest.raises(DataError, match="9 thresholds, but 4 rates"):
        plot_threshold_scan(range(9), rates, seeds=range(4))


def test_files_and_axes_of_the_users_own(rates, tmp_path):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert plot_overlap(rates, axes=axes) is axes
    files = write_plots(tmp_path / "new", {"overlap": lambda: axes})
    assert [file.name for file in files] == ["overlap.pdf", "overlap.png"]
    assert files[0].read_bytes().startswith(b"%PDF")
    assert files[1].read_bytes().startswith(b"\x89PNG")


def test_the_settings_of_matplotlib_stay(curve):
    program = (
        "import matplotlib, numpy as np\n"
        "from edgetrig.report.plots import PlotStyle\n"
        "before = dict(matplotlib.rcParams)\n"
        "PlotStyle('ATLAS').axes()\n"
        "after = dict(matplotlib.rcParams)\n"
        "assert {k: v for k, v in after.items() if before[k] != v} == {}\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    columns = {
        "htt_et": rng.exponential(60, (4000, 1)).astype(np.uint16).clip(0, 4095),
        "true_ht": rng.exponential(30, 4000).astype(np.float32),
    }
    write_table(tmp_path / "data.npz", columns)
    menu = "seeds: {a: {expression: htt >= threshold, parameters: {threshold: 60}}, b: htt > 90}"
    (tmp_path / "menu.yaml").write_text(menu)
    return tmp_path


def run(files, *words):
    words = ("menu", "plot", files / "menu.yaml", files / "data.npz", *words)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command(files):
    data = files / "data.npz"
    more = ["--signal", f"self={data}", "--scan", "a=20:80:5"]
    more += 2 * ["--turn-on", f"b:true_ht={data}"]
    result = run(files, *more, "--out", files / "plots")
    assert result.exit_code == 0, result.output
    names = {file.stem for file in (files / "plots").glob("*.pdf")}
    assert names == {
        "rates",
        "overlap",
        "turn-on-b-true_ht",
        "turn-on-b-true_ht-2",
        "scan-a-threshold",
        "efficiency-a-threshold",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scan", "a=3"], "SEED=LOW:HIGH:NUMBER is needed, with 2 to 200 values"),
        (["--scan", "a=3:2:9"], "SEED=LOW:HIGH:NUMBER is needed"),
        (["--scan", "b=3:20:9"], "seed 'b' has no parameter 'threshold'"),
        (["--style", "UA1"], "no style 'UA1' of plots"),
        (["--turn-on", "c:d=e.npz"], "e.npz: no such file"),
    ],
)
def test_broken_input(files, words, message):
    result = run(files, *words, "--out", files / "plots")
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
