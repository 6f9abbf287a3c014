"""Another plan makes other reports through everything; and two years side by side."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import yaml
from datasets import Cells, Tables
from shared import sample
from test_reports_kit import (
    OTHER_PLAN,
    PLAN,
    ROOT,
    Node,
    parse,
    study_of,
    study_of_tables,
    texts,
    unit_page,
)
from test_site_kit import needs_fork

from analysis import compare
from analysis.problems import InputError
from analysis.site.build import build_site
from analysis.site.run import Order, RunOutcome
from analysis.study import Study
from analysis.tables.dictionary import dictionary

SAMPLE = Path("data/sample")
YEAR = 2024
UNITS = ("DN-DABAN", "MN-LIA")


# --- Another plan ---------------------------------------------------------------------------------


class Site(NamedTuple):
    """A site that was built, and how the building went."""

    folder: Path
    recap: RunOutcome

    def pages(self) -> Iterator[tuple[str, Node]]:
        for path in sorted(self.folder.rglob("*.html")):
            yield path.name, parse(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def other_study() -> Study:
    return study_of(SAMPLE, YEAR, OTHER_PLAN)


@pytest.fixture(scope="module")
def site(other_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site") / str(YEAR)
    recap = build_site(
        other_study, folder, Order(units=UNITS, jobs=1, progress=False, start="fork")
    )
    return Site(folder, recap)


def plan_texts(file: str) -> dict[str, set[str]]:
    """What a plan file says in words, by key."""
    found: dict[str, set[str]] = {}

    def collect(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                collect(item)
        elif isinstance(node, dict):
            for key, value in node.items():
                if isinstance(value, str) and key in ("title", "short", "what", "text", "name"):
                    found.setdefault(key, set()).add(" ".join(value.split()))
                collect(value)

    collect(yaml.safe_load((ROOT / file).read_text("utf-8")))
    return found


@needs_fork
def test_another_plan_makes_a_whole_site(site: Site) -> None:
    assert site.recap.is_done, site.recap.failures
    assert site.recap.made == len(UNITS) + 1
    names = {path.relative_to(site.folder).as_posix() for path in site.folder.rglob("*.html")}
    assert names == {"index.html", "year.html", *(f"cdcs/{unit}.html" for unit in UNITS)}
    ledger = json.loads((site.folder / "ledger.json").read_text("utf-8"))
    assert ledger["plan"] == {"id": "nq02-tinh", "version": "0.3"}


@needs_fork
def test_pages_of_another_plan_show_its_issuer_sections_and_texts(site: Site) -> None:
    plan = yaml.safe_load((ROOT / OTHER_PLAN).read_text("utf-8"))
    for name, page in site.pages():
        assert plan["issuer"]["name"] in page.text, name
        if name == "index.html":
            continue
        tables = page.all("table", cls="results")
        groups = [th.text for table in tables for th in table.all("th", scope="rowgroup")]
        sections = [f"{item['id']}. {item['title']}" for item in plan["sections"]]
        assert groups == [text for text in sections if text in groups], name
        assert groups, name
        assert plan["short"] in page.text, name
        assert f"{plan['id']} {plan['version']}" in page.text, name
        titles = {item["title"]: item for item in plan["indicators"]}
        cards = [card.one("summary").text for card in page.all("details", cls="card")]
        assert cards == [title for title in titles if title in cards], name
        for card, title in zip(page.all("details", cls="card"), cards, strict=True):
            assert titles[title]["what"] in card.text, title
            assert f"Mục của kế hoạch: {titles[title]['section']}." in card.text, title
    (year,) = [page for name, page in site.pages() if name == "year.html"]
    assert len(year.all("details", cls="card")) == len(plan["indicators"])


@needs_fork
def test_pages_of_another_plan_repeat_no_text_of_the_first(site: Site) -> None:
    first, other = plan_texts(PLAN), plan_texts(OTHER_PLAN)
    foreign = {text for key in first for text in first[key] - other.get(key, set())}
    own_texts = " | ".join(text for key in other for text in other[key])
    foreign = {text for text in foreign if text not in own_texts}
    issuer = yaml.safe_load((ROOT / PLAN).read_text("utf-8"))["issuer"]
    names = {value for value in issuer.values() if isinstance(value, str)}
    for name, page in site.pages():
        own = page.text
        found = [text for text in foreign | names if len(text) > 9 and text in own]
        assert not found, name


@needs_fork
def test_pages_of_a_provinces_plan_do_not_speak_of_a_district(site: Site) -> None:
    """ "Toàn huyện" is a word of one issuer, not of a language."""
    for name, page in site.pages():
        spoken = [text for text in texts(page) if "huyện" in text.lower()]
        # The sample's own names, of a real district, may say it, and the tables' own headings.
        assert not [text for text in spoken if not speaks_of_the_sample(text)], name


def speaks_of_the_sample(text: str) -> bool:
    with (ROOT / SAMPLE / "roster.csv").open(encoding="utf-8", newline="") as file:
        names = {row["name"] for row in csv.DictReader(file)}
    headings = {c.vi for table in dictionary().tables.values() for c in table.columns.values()}
    known = {word for word in names | headings if "huyện" in word.lower()}
    return "Hướng Hóa" in text or any(word.lower() in text.lower() for word in known)


@needs_fork
def test_the_other_plans_own_bars_are_judged(site: Site, other_study: Study) -> None:
    """Among them 82.5%, a mean of 2.5, more than 95% and Resolution 02's 99%."""
    (year,) = [page for name, page in site.pages() if name == "year.html"]
    cards = {c.one("summary").text: c.text for c in year.all("details", cls="card")}
    told = " ".join(cards.values())
    for bar in ("82,5%", "99%", "trên 95%", "từ 2,5 cán bộ", "từ 10 đến 20 doanh nghiệp"):
        assert bar in told, bar
    assert {row.verdict for row in other_study.rows("district", "LDLD-TINH", YEAR).values()} >= {
        "met",
        "not_met",
        "not_due",
    }


@needs_fork
def test_the_cut_off_of_another_plan_stands_on_its_pages(site: Site) -> None:
    for name, page in site.pages():
        if name != "index.html":
            assert "Số liệu chốt ngày 15/12/2024" in page.text, name


# --- Two years side by side -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def study() -> Study:
    return sample()


MERGED = {"TH-TANTHANH", "THCS-TANTHANH"}
INTO = "THTHCS-TANTHANH"


def rows_of(table: str, year: int) -> dict[str, dict[str, str]]:
    with (ROOT / SAMPLE / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return {r["unit_id"]: r for r in csv.DictReader(file) if r["year"] == str(year)}


def expected_in(study: Study, year: int) -> set[str]:
    return set(study.expected_units(year).index)


def rate(units: set[str], year: int, above: str, below: str) -> tuple[Fraction, int]:
    """A ratio of sums over some units and how many had both, from the files themselves."""
    roster, returns = rows_of("roster", year), rows_of("returns", year)
    cells = [{**roster[unit], **returns.get(unit, {})} for unit in units]
    known = [(c.get(above), c.get(below)) for c in cells if c.get(above) and c.get(below)]
    known = [(a, b) for a, b in known if b != "0"]
    total = sum(int(str(b)) for _, b in known)
    return Fraction(sum(int(str(a)) for a, _ in known), total), len(known)


@pytest.mark.parametrize(("before", "now"), [(2022, 2023), (2023, 2024), (2024, 2025)])
def test_published_figures_are_those_of_each_year(study: Study, before: int, now: int) -> None:
    table = compare(study, before, now).set_index("indicator")
    issuer = study.plan.issuer.id
    for side, year in (("before", before), ("now", now)):
        rows = study.rows("district", issuer, year)
        assert list(table.index) == list(rows)
        for key, row in rows.items():
            assert table.at[key, f"{side}_reported"] == row.reported
            assert table.at[key, f"{side}_verdict"] == row.verdict
            value = table.at[key, side]
            assert pd.isna(value) if pd.isna(row.value) else value == row.value
    gap = table["now"] - table["before"]
    pd.testing.assert_series_equal(table["difference"], gap, check_names=False)


@pytest.mark.parametrize(
    ("key", "above", "below"),
    [
        ("resolution_reach", "resolution_informed", "workers_total"),
        ("hardship_supported", "hardship_supported", "hardship_members"),
    ],
)
def test_a_merged_unit_stays_with_its_predecessors_in_the_same_perimeter(
    study: Study, key: str, above: str, below: str
) -> None:
    old, new = expected_in(study, 2023), expected_in(study, 2024)
    assert old >= MERGED
    assert INTO in new - old
    kept_before, kept_now = old & new | MERGED, old & new | {INTO}
    row = compare(study, 2023, 2024, basis="same_perimeter").set_index("indicator").loc[key]
    published = compare(study, 2023, 2024).set_index("indicator").loc[key]
    for side, units, year in (("before", kept_before, 2023), ("now", kept_now, 2024)):
        value, count = rate(units, year, above, below)
        assert row[side] == pytest.approx(float(value), abs=1e-9)
        assert row[f"{side}_reported"] == count
    # Who came or left otherwise is in what was published, and only there.
    assert new - kept_now or old - kept_before
    assert published["now_reported"] >= row["now_reported"]


def test_the_same_perimeter_of_the_reorganisation_is_who_was_there_before_and_after(
    study: Study,
) -> None:
    old, new = expected_in(study, 2024), expected_in(study, 2025)
    assert len(new) < len(old) / 2
    row = (
        compare(study, 2024, 2025, basis="same_perimeter")
        .set_index("indicator")
        .loc["resolution_reach"]
    )
    published = compare(study, 2024, 2025).set_index("indicator").loc["resolution_reach"]
    for side, year in (("before", 2024), ("now", 2025)):
        value, count = rate(old & new, year, "resolution_informed", "workers_total")
        assert row[side] == pytest.approx(float(value), abs=1e-9)
        assert row[f"{side}_reported"] == count
    assert published["before_reported"] > 2 * row["before_reported"]
    assert published["difference"] != row["difference"]


def test_the_same_year_twice_shows_no_difference(study: Study) -> None:
    for basis in ("published", "same_perimeter"):
        table = compare(study, 2024, 2024, basis=basis)
        assert (table["difference"].dropna() == 0).all()
        assert (table["before_reported"] == table["now_reported"]).all()


def a_unit(key: str, year: int, workers: int, informed: int) -> tuple[Cells, Cells]:
    roster = {
        **{"year": str(year), "unit_id": key, "name": key, "unit_type": "public_service"},
        **{"commune": "Húc", "workers_total": str(workers), "members_total": str(workers)},
    }
    return roster, {"year": str(year), "unit_id": key, "resolution_informed": str(informed)}


def compared(
    folder: Path, units: list[tuple[str, int, int, int]], events: list[tuple[str, str, str, str]]
) -> Any:
    """How 2023 and 2024 compare over the same perimeter: the row of one ratio."""
    pairs = [a_unit(*unit) for unit in units]
    names = ("date", "event", "predecessor_id", "successor_id")
    tables: Tables = {
        "roster": [roster for roster, _ in pairs],
        "returns": [returned for _, returned in pairs],
        "lineage": [dict(zip(names, event, strict=True)) for event in events],
    }
    study = study_of_tables(tables, folder, 2024)
    return (
        compare(study, 2023, 2024, basis="same_perimeter")
        .set_index("indicator")
        .loc["resolution_reach"]
    )


def test_a_unit_that_split_stays_with_all_its_successors(tmp_path: Path) -> None:
    """A was 100 people; B and C are the same 100 people."""
    row = compared(
        tmp_path,
        [
            *(("A", 2023, 100, 50), ("B", 2024, 60, 60), ("C", 2024, 40, 0)),
            *(("D", 2023, 10, 10), ("D", 2024, 10, 10)),
        ],
        [("2024-05-01", "split", "A", "B"), ("2024-05-01", "split", "A", "C")],
    )
    assert (row["before_reported"], row["now_reported"]) == (2, 3)
    assert row["now"] == pytest.approx(70 / 110)
    assert row["before"] == pytest.approx(60 / 110)


def test_a_unit_that_split_off_stays_with_the_one_that_it_left(tmp_path: Path) -> None:
    row = compared(
        tmp_path,
        [("A", 2023, 100, 50), ("A", 2024, 60, 60), ("B", 2024, 40, 0)],
        [("2024-05-01", "split", "A", "B")],
    )
    assert (row["before_reported"], row["now_reported"]) == (1, 2)


def test_mergers_one_after_the_other_are_followed_to_the_end(tmp_path: Path) -> None:
    row = compared(
        tmp_path,
        [("A", 2023, 10, 10), ("B", 2023, 20, 10), ("C", 2023, 30, 0), ("E", 2024, 60, 60)],
        [
            *(("2024-03-01", "merged", "A", "D"), ("2024-03-01", "merged", "B", "D")),
            *(("2024-06-01", "merged", "D", "E"), ("2024-06-01", "merged", "C", "E")),
        ],
    )
    assert (row["before_reported"], row["now_reported"]) == (3, 1)
    assert (row["before"], row["now"]) == (pytest.approx(1 / 3), 1)


def test_a_unit_that_merged_into_one_that_was_there_stays_with_it(tmp_path: Path) -> None:
    row = compared(
        tmp_path,
        [("A", 2023, 10, 10), ("B", 2023, 20, 10), ("B", 2024, 30, 15)],
        [("2024-03-01", "merged", "A", "B")],
    )
    assert (row["before_reported"], row["now_reported"]) == (2, 1)


def test_who_left_or_came_without_a_successor_is_in_no_common_perimeter(tmp_path: Path) -> None:
    row = compared(
        tmp_path,
        [("A", 2023, 10, 10), ("B", 2023, 20, 10), ("B", 2024, 20, 15), ("C", 2024, 9, 9)],
        [("2024-03-01", "dissolved", "A", ""), ("2024-03-01", "founded", "", "C")],
    )
    assert (row["before_reported"], row["now_reported"]) == (1, 1)
    assert (row["before"], row["now"]) == (0.5, 0.75)


def test_a_successor_that_ended_before_the_cut_off_leaves_no_perimeter(tmp_path: Path) -> None:
    row = compared(
        tmp_path,
        [("A", 2023, 10, 10), ("B", 2023, 20, 10), ("B", 2024, 20, 15)],
        [("2024-03-01", "merged", "A", "C"), ("2024-08-01", "dissolved", "C", "")],
    )
    assert (row["before_reported"], row["now_reported"]) == (1, 1)


@pytest.mark.parametrize("basis", ["published", "same_perimeter"])
@pytest.mark.parametrize("years", [(1999, 2024), (2024, 2031)])
def test_an_unknown_year_is_refused(study: Study, years: tuple[int, int], basis: Any) -> None:
    unknown = next(str(y) for y in years if y != 2024)
    with pytest.raises(InputError, match=re.escape(unknown)):
        compare(study, *years, basis=basis)


@pytest.mark.parametrize(
    ("lang", "each"), [("vi", "Mức đặt ra: 100% mỗi năm"), ("en", "100% each year")]
)
def test_what_is_done_once_is_not_asked_each_year(lang: str, each: str) -> None:
    study = sample(lang=lang)
    cards = [
        card.text for card in unit_page(study, "XA-XY", YEAR).part("definitions").all("details")
    ]
    once = [i for i in study.plan.indicators if i.once and i.over == "units"]
    assert once
    for indicator in once:
        assert each not in next(text for text in cards if text.startswith(indicator.title))
