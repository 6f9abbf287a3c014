"""What the tests of finished pages share: real sites, and a browser that is cut off from the world.

The other ``test_pages_*`` modules import from here.
"""

from __future__ import annotations

import csv
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import test_reports_kit as reports
from browser import open_browser
from datasets import HEADERS, Tables, write_tables
from playwright.sync_api import Browser, BrowserContext, Page, Route
from shared import once, sample
from test_reports_kit import ROOT, study_of

from analysis.pages.fragments import area_page
from analysis.site.build import build_site
from analysis.site.run import Order, Start
from analysis.study import Study

SAMPLE = ROOT / "data" / "sample"
AXE = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"
START: Start | None = "fork" if hasattr(os, "fork") else None
#: Two thousand table cells with contrast to compute, on a machine that does other things as well.
SECONDS = 60

SCRIPT = "<script>alert(1)</script>"
NAMES = {
    "MN-LIA": rf'CĐCS {SCRIPT} "><img src=x onerror=alert(2)> $x$ và $\alpha_1$ _a_ và **b** {{{{ c }}}}',
    "DN-NUICAM": ("CĐCS Công ty trách nhiệm hữu hạn một thành viên " * 5)[:199] + "X",
    "XA-XY": "CĐCS" + "Ư" * 196,
}
#: Every kind of page, by what is special about it.
PARENT = "CDX-01"
UNIT_PAGES = {
    "missing return": "2024/cdcs/DN-GIOLONG.html",
    "merged": "2024/cdcs/THTHCS-TANTHANH.html",
    "nothing met": "2024/cdcs/DN-NUICAM.html",
    "guild": "2024/cdcs/ND-BOCXEP.html",
    "brand new": "2024/cdcs/DN-COINGAN.html",
    "longest": "2024/cdcs/DN-MAYCHIEU.html",
    "withheld": "share/2024/cdcs/DN-DABAN.html",
    "signs": "names/2024/cdcs/MN-LIA.html",
    "200 characters": "names/2024/cdcs/DN-NUICAM.html",
    "one long word": "names/2024/cdcs/XA-XY.html",
}
YEAR_PAGES = {
    "year": "2024/year.html",
    "shared year": "share/2024/year.html",
    "year of names": "names/2024/year.html",
}
#: Only a whole site has pages of areas.
AREA_PAGES = {
    "commune of names": f"names/2024/{area_page('commune', f'Lìa {SCRIPT}')}",
    "parent of names": f"names/2024/{area_page('parent', PARENT)}",
}
#: The areas of the sample with most units, by scope.
LARGEST_AREAS = {"commune": ("Khe Sanh", 2024), "parent": ("CDX-KHESANH", 2025)}
REPORTS = UNIT_PAGES | YEAR_PAGES | AREA_PAGES
INDEXES = {"index": "2024/index.html", "index of names": "names/2024/index.html"}
PAGES = REPORTS | INDEXES
#: What is handed out: one leaf each, which leads nowhere.
SHEETS = {
    "sheet": "2024/cdcs/DN-NUICAM.brief.html",
    "sheet of a missing return": "2024/cdcs/DN-GIOLONG.brief.html",
    "shared sheet": "share/2024/cdcs/DN-DABAN.brief.html",
    "sheets": "2024/briefs.html",
}


# --- Sites --------------------------------------------------------------------------------------


def shared_sites() -> Path:
    """The sites of `make_sites`."""
    return once("sites", make_sites)


def make_sites(root: Path) -> None:
    """The sample's site with a few units, the same to share, and a whole one of odd names."""
    units = [Path(link).stem for link in UNIT_PAGES.values() if link.startswith("2024/")]
    _build(sample(), root / "2024", units)
    _build(sample("share"), root / "share" / "2024", ["DN-DABAN"])
    folder = write_tables(odd_tables(), root / "data")
    (folder / "dataset.yaml").write_text(f"parents: {{{PARENT}: '{SCRIPT}'}}\n", "utf-8")
    _build(study_of(folder, 2024), root / "names" / "2024", None)


def _build(study: Study, out: Path, units: list[str] | None) -> None:
    order = Order(units=units, jobs=2, progress=False, start=START, briefs=True)
    recap = build_site(study, out, order)
    assert recap.is_done, recap.failures


def odd_tables() -> Tables:
    """Three of the sample's units whose names try to break out."""
    tables: Tables = {}
    for name in HEADERS:
        with (SAMPLE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        tables[name] = [row for row in rows if row.get("unit_id", "XA-XY") in NAMES]
    for row in tables["roster"]:
        row["name"] = NAMES[row["unit_id"]]
        row["commune"] = row["commune"].replace("Lìa", f"Lìa {SCRIPT}")
        row["parent"] = PARENT
    tables["lineage"] = []
    tables["employers"] = [row for row in tables["employers"] if row["unit_id"]]
    return tables


@cache
def largest_area(scope: str) -> reports.Page:
    """The page of the sample's largest area, as its notebook's calls make it: no site need be whole."""
    key, year = LARGEST_AREAS[scope]
    return reports.area_page(sample(year=year), scope, key, year)


def is_left_out(root: Path, path: Path) -> bool:
    """Whether a page is one that the sample's sites were not asked to have."""
    if path.parent.name != "cdcs" or path.parents[1].parent not in (root, root / "share"):
        return False
    ledger = json.loads((path.parents[1] / "ledger.json").read_text("utf-8"))
    outcomes = {entry["unit_id"]: entry["outcome"] for entry in ledger["units"]}
    return outcomes.get(path.stem) == "not_run"


# --- The browser --------------------------------------------------------------------------------


def open_context(browser: Browser, **settings: Any) -> BrowserContext:
    """A fresh profile without a network, where files are all there is."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **settings)
    context.set_default_timeout(SECONDS * 1000)
    context.set_offline(True)

    def only_files(route: Route) -> None:
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            route.abort()

    context.route("**/*", only_files)
    return context


class Visit:
    """A page open in the browser, and everything that it asked for or complained about."""

    def __init__(self, context: BrowserContext, root: Path, link: str) -> None:
        self.root = root
        self.link = link
        self.file = root / link
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self._complain(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(self.file.as_uri())
        if self.is_index:
            self.page.wait_for_selector("#found:not(:empty)")

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    @property
    def is_index(self) -> bool:
        return self.file.name == "index.html"

    @property
    def is_unit(self) -> bool:
        return self.file.parent.name == "cdcs"

    @property
    def site(self) -> Path:
        return self.file.parents[self.file.parent.name in ("cdcs", "area")]

    @property
    def outside(self) -> list[str]:
        """What was asked for but the page itself and what is in it."""
        own = (self.file.as_uri(), "data:")
        return [url for url in self.requests if not url.startswith(own)]

    def run(self, script: str, value: object = None) -> Any:
        return self.page.evaluate(script, value)

    def open_details(self, is_open: bool) -> None:
        script = (
            "(open) => document.querySelectorAll('details').forEach((one) => { one.open = open; })"
        )
        self.run(script, is_open)

    def resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 800})


@cache
def axe() -> str:
    return AXE.read_text("utf-8")


# --- The kit itself -----------------------------------------------------------------------------


def test_axe_stands_with_its_licences() -> None:
    assert axe().startswith("/*! axe v4.")
    assert "Mozilla Public License" in AXE.with_name("LICENSE").read_text("utf-8")
    assert AXE.with_name("LICENSE-3RD-PARTY.txt").is_file()


def test_pages_are_of_many_kinds() -> None:
    assert len(set(PAGES.values())) == len(PAGES) >= 12
    assert {len(NAMES[key]) for key in ("DN-NUICAM", "XA-XY")} == {200}


def test_a_browser_without_network_has_no_network() -> None:
    with open_browser() as browser, open_context(browser) as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("requestfailed", lambda request: asked.append(request.url))
        page.set_content('<img src="http://127.0.0.1:9/a.png">')
        page.wait_for_function("document.images[0].complete")
        assert asked == ["http://127.0.0.1:9/a.png"]
