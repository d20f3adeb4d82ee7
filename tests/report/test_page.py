"""The page is whole, escaped, and shows what the facts say."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from report_data import NASTY

from edgetrig import DataError, Error, ToolError
from edgetrig.report import render, write
from edgetrig.report.charts import Axis, Chart, Line

VOID = {"meta", "link", "br", "img", "input", "hr"}
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


class Page(HTMLParser):
    """Collects text and attributes; demands that every element is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.tags, self.attributes = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def test_page_tells_what_was_proved_and_what_was_not(html):
    words = Page(html).words
    assert "Proved in part: 2 of 3 output values equal to the traced circuit's; 1,200 oper" in words
    assert "Not proved: output 2: only tested." in words
    assert "proved for every input" not in words


@pytest.fixture(scope="module")
def html(facts):
    return render(facts)


def test_page_shows_the_facts(html, facts):
    words = Page(html).words
    last, sample = facts["hardware"][-1], facts["sample"]
    for text in (
        facts["verdict"],
        facts["command"],
        f"{last['cost']['lut']:,}",
        f"{last['latency_cycles']} cycles of 2 ns",
        f"{100 * sample['accuracy']['hardware']:.2f} %",
        f"area {sample['roc']['float']['area']:.4f}",
        "2,999 of 3,000 events. A cause.",
        "13,000",
        "LUT, estimate",
        "Yosys 9.99",
        "verilator 5.99",
        "training seed 4",
        "keras 3.99",
        "feature 3",
    ):
        assert text in words, text


def test_names_are_never_markup(html, facts):
    page = Page(html)
    assert "script" not in page.tags
    assert NASTY not in html
    assert page.words.count('alert("x")') >= 4  # title, class, layer, feature
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_page_needs_nothing_else(html):
    page = Page(html)
    links = [value for name, value in page.attributes if name in ("src", "href", "data")]
    assert links == ["data:,"]  # an empty icon, so that browsers do not ask for one
    assert "@import" not in html
    assert "url(" not in html
    assert len(html) < 200_000


def test_sections_without_facts_are_left_out(bare):
    words = Page(render(bare)).words
    for title in ("Selection", "Working point", "Accuracy", "Training", "Verification", "measured"):
        assert title not in words
    assert "Pipeline" in words
    assert "nothing was synthesised" in words


def test_every_shorter_report_renders(facts):
    for name in ("sample", "working_point", "training", "seeds", "command"):
        shorter = {**facts, name: {}} if name in ("seeds", "command") else dict(facts)
        if name in ("sample", "working_point", "training"):
            del shorter[name]
        Page(render(shorter))
    binary = json.loads(json.dumps(facts))
    for name in ("accuracy", "confusion", "roc_by_class"):
        del binary["sample"][name]
    binary["sample"]["classes"] = ["signal"]
    binary["sample"]["signal"] = 0
    Page(render(binary))


def test_written_facts_make_the_same_page(facts, html, tmp_path):
    page = write(tmp_path / "new" / "folder", facts)
    assert page.read_text(encoding="utf-8") == html
    read = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))
    assert render(read) == html


def test_other_files_are_refused(facts):
    with pytest.raises(DataError, match="version 1"):
        render({**facts, "version": 2})
    with pytest.raises(DataError, match="not the facts"):
        render({})


def test_unwritable_folder(facts, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Error, match="cannot be written"):
        write(tmp_path / "file" / "report", facts)


def test_missing_jinja_is_named(facts, tmp_path, monkeypatch):
    from edgetrig.report import page

    def missing(module, extra):
        raise ToolError(f"{module} is not installed: run  pip install 'edgetrig[{extra}]'")

    page.template.cache_clear()
    monkeypatch.setattr(page, "require", missing)
    with pytest.raises(ToolError, match=r"edgetrig\[report\]"):
        write(tmp_path, facts)
    page.template.cache_clear()
    assert not list(tmp_path.iterdir())


def test_axes_have_round_ticks():
    assert [words for _, words in Axis("", 0, 1, percent=True).ticks()] == [
        "0 %", "20 %", "40 %", "60 %", "80 %", "100 %",
    ]  # fmt: skip
    assert [v for v, _ in Axis("", 1e-3, 1.0, log=True).ticks()] == [1e-3, 1e-2, 0.1, 1.0]
    assert [v for v, _ in Axis("", 300, 4000, log=True).ticks()] == [500, 1000, 2000]
    assert [v for v, _ in Axis("", 1, 80).ticks()] == [20, 40, 60, 80]


def test_points_lie_where_the_axes_say():
    chart = Chart("", Axis("x", 1e-2, 1.0, log=True), Axis("y", 0, 10), [Line([0.1], [5], "a")])
    drawn = chart.drawn()
    x, y = map(float, drawn["lines"][0]["path"][1:].split(","))
    assert x == pytest.approx((drawn["left"] + drawn["right"]) / 2, abs=0.01)
    assert y == pytest.approx((drawn["top"] + drawn["bottom"]) / 2, abs=0.01)


@pytest.mark.parametrize(
    ("least", "words"),
    [(0.0, "0.1 %"), (0.5, "10 %"), (0.018, "1 %"), (0.002, "0.1 %"), (1e-6, "0.01 %")],
)
def test_acceptance_axis_holds_the_curve(facts, least, words):
    changed = json.loads(json.dumps(facts))
    del changed["working_point"]
    curve = {"acceptance": [least, 0.6, 1.0], "efficiency": [0.1, 0.9, 1.0], "area": 0.8}
    if least == 0:
        curve = {"acceptance": [0.0], "efficiency": [1.0], "area": 1.0}
    changed["sample"]["roc"] = dict.fromkeys(changed["sample"]["roc"], curve)
    changed["sample"]["roc_by_class"] = [curve] * 3
    page = Page(render(changed))
    assert f" {words} " in page.words


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium to open the page in")
def test_page_opens_in_a_browser(facts, tmp_path):
    page = write(tmp_path / "report", facts)
    log = tmp_path / "net.json"
    result = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-quic", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={log}", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    words = Page(result.stdout).words
    assert facts["verdict"] in words
    assert "2,999 of 3,000 events" in words
    assert "CONSOLE" not in result.stderr
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    requested = {event["params"]["url"] for event in events if "url" in event.get("params", {})}
    assert not {url for url in requested if not _is_browsers_own(url)}


def _is_browsers_own(url):
    """Return whether Chromium asks for a page of its maker's by itself."""
    host = url.split("/")[2]
    return host.endswith(
        (".google.com", ".googleapis.com", ".gstatic.com", ".gvt1.com", ".chromium.org")
    )


def test_readers_who_do_not_see_it(facts):
    page = render(facts)
    assert page.count("<svg") == page.count("<desc>") == page.count('role="img"')
    assert "Horizontal axis: background acceptance, 0.01 % to 100 %; vertical axis" in page
    assert not re.search(r"<th(?! scope=)(?=[ >])", page)
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def luminance(colour):
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
             for value in colour]  # fmt: skip
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(*colours):
    """Return the ratio of WCAG 2.1."""
    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


def test_text_stands_out_on_its_ground(bare):
    found = re.findall(r":root \{(.*?)\}", render(bare), re.DOTALL)
    assert len(found) == 2  # light and dark
    for text in found:
        names = re.findall(r"--(\w+): (#\w+)", text)
        colours = {}
        for name, code in names:
            digits = code[1:] if len(code) == 7 else "".join(2 * digit for digit in code[1:])
            colours[name] = tuple(int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4))
        heat = float(re.search(r"--heat: ([.\d]+)", text)[1])
        deepest = [heat * b + (1 - heat) * w for b, w in
                   zip(colours["blue"], colours["wash"], strict=True)]  # fmt: skip
        for ground in ("paper", "wash"):
            for ink in ("ink", "soft", "blue"):
                assert contrast(colours[ink], colours[ground]) >= 4.5
        assert contrast(colours["ink"], deepest) >= 4.5


def test_many_classes_stay_readable(facts):
    many = json.loads(json.dumps(facts))
    sample, names = many["sample"], [f"a_class_with_a_long_name_{k}" for k in range(40)]
    curve = sample["roc_by_class"][0]
    areas = [0.5 + ((7 * k) % 40) / 100 for k in range(40)]
    sample |= {
        "classes": names,
        "roc_by_class": [{**curve, "area": area} for area in areas],
        "confusion": [[90 * (k == n) + 10 * (n == 0) for n in range(40)] for k in range(40)],
    }
    words = Page(render(many)).words
    assert "The 8 of 40 classes with the least area are shown" in words
    assert words.count("…, area 0.") == 3 * 8  # description, legend, and the curves' titles
    assert "area 0.5700" in words
    assert "area 0.5800" not in words
    assert "39 a_class_with_a_long_name_39 10 90 " in words  # shares of a row, none where none is


def test_numbers_that_users_copy_keep_their_digits(facts):
    exact = json.loads(json.dumps(facts))
    exact["working_point"]["threshold"] = 1234.0078125
    exact["hardware"][-1]["inputs"][0] |= {"low": -3.99609375, "high": 3.99609375, "lsb": 2.0**-8}
    exact["hardware"][-1]["inputs"][1] |= {"low": 0, "high": 1048574, "lsb": 2.0}
    words = Page(render(exact)).words
    assert "least 1234.0078125 background" in words
    assert "-3.99609375 to 3.99609375 in steps of 1/256" in words
    assert "0 to 1048574 in steps of 2" in words


def test_nothing_stands_where_nothing_was_synthesised(facts):
    without = json.loads(json.dumps(facts))
    assert "logic depth" in Page(render(without)).words
    for hardware in without["hardware"]:
        del hardware["cost"]
    words = Page(render(without)).words
    assert "logic depth" not in words
    assert "estimated LUT" in words
