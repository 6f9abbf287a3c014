"""The index of 2,000 units: small, and quick to find, filter and sort any of them, in a browser."""

from __future__ import annotations

import random
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from browser import open_browser
from datasets import Tables, random_tables
from playwright.sync_api import Browser, Page
from test_pages_kit import open_context
from test_reports_kit import study_of_tables

from analysis.pages.index import render_index
from analysis.study import Study, shown_value
from analysis.tables.writing import alphabetically

UNITS = 2000
YEAR = 2024
MOST_BYTES = 250_000
MOST_ANSWER = 100  # ms
PLACES = (
    *("Khe Sanh", "Lao Bảo", "Tân Hợp", "Hướng Phùng", "Đakrông", "Đông Hà", "A Dơi", "Ba Tầng"),
    *("Hướng Lập", "Triệu Phong", "Vĩnh Linh", "Cam Lộ", "Gio Linh", "Hải Lăng", "Húc", "Lìa"),
)
BODIES = ("cơ quan xã", "Trường Mầm non", "Trường Tiểu học", "Trường THCS", "Trạm Y tế")
FIRMS = ("Công ty TNHH", "Công ty TNHH MTV", "Công ty CP", "Hợp tác xã", "DNTN")
TRADES = ("Thương mại và Dịch vụ", "Xây dựng", "Vận tải", "Cà phê", "May mặc", "Nông sản")
WORDS = ("Hoàng Long", "Đại Phát", "Minh Đức", "Trường Sơn", "Đường Chín", "An Phú", "Gió Lộng")


def fold(text: str) -> str:
    """Without case and diacritics; đ is a d."""
    plain = unicodedata.normalize("NFD", text.lower()).replace("đ", "d")
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def many_tables() -> Tables:
    """2,000 units with names and codes such as real ones have."""
    tables = random_tables(7, units=UNITS, years=(YEAR,))
    tables["lineage"] = []
    rng = random.Random(7)
    codes: dict[str, str] = {"": ""}
    for number, row in enumerate(tables["roster"]):
        row["founded_on"] = row["dissolved_on"] = row["parent"] = ""
        row["commune"] = rng.choice(PLACES)
        if row["unit_type"] in ("state_agency", "public_service"):
            kind, own = rng.choice(BODIES), row["commune"]
        else:
            kind, own = f"{rng.choice(FIRMS)} {rng.choice(TRADES)}", rng.choice(WORDS)
        row["name"] = f"CĐCS {kind} {own} {number % 97 + 1}"
        initials = "".join(word[0] for word in kind.split()[:2])
        code = f"{fold(initials)}-{fold(own).replace(' ', '')}{number}".upper()
        codes[row["unit_id"]] = row["unit_id"] = code
    for name in ("returns", "employers"):
        for row in tables[name]:
            row["unit_id"] = codes[row["unit_id"]]
    return tables


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    made = study_of_tables(many_tables(), tmp_path_factory.mktemp("data"), YEAR)
    assert len(made.expected_units(YEAR)) == UNITS
    return made


@pytest.fixture(scope="module")
def file(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    units = study.expected_units(YEAR)
    ledger = {
        "units": [
            {
                "unit_id": key,
                "outcome": "published" if place % 50 else "not_run",
                "page": f"cdcs/{key}.html" if place % 50 else None,
            }
            for place, key in enumerate(units.index)
        ]
    }
    file = tmp_path_factory.mktemp("site") / "index.html"
    file.write_text(render_index(study, ledger), "utf-8")
    return file


@pytest.fixture(scope="module")
def browser(file: Path) -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture(scope="module")
def opened(browser: Browser, file: Path) -> Iterator[Page]:
    with open_context(browser) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        page.wait_for_selector("#found:not(:empty)")
        yield page


@pytest.fixture
def page(opened: Page) -> Page:
    """The index with nothing asked of it yet."""
    opened.set_viewport_size({"width": 1280, "height": 800})
    ask(opened, q="", type="", commune="", verdict="", sort="", order="desc")
    return opened


def ask(page: Page, **fields: str) -> None:
    page.evaluate(
        """(fields) => { for (const [field, value] of Object.entries(fields)) {
        const input = document.getElementById(field);
        if (input.value === value) continue;
        input.value = value; input.dispatchEvent(new Event("input", { bubbles: true })); } }""",
        fields,
    )


def shown(page: Page) -> list[list[str]]:
    """The cells of the rows that can be seen, in their order."""
    rows: list[list[str]] = page.evaluate(
        """() => [...document.querySelectorAll("#units tbody tr")].filter((row) => !row.hidden &&
        getComputedStyle(row).display !== "none").map((row) => [...row.cells].map((cell) => cell.textContent))"""
    )
    found = page.locator("#found").inner_text()
    assert re.findall(r"\d+", found) == [str(len(rows))], found
    return rows


def codes(page: Page) -> set[str]:
    return {row[0].split()[-1] for row in shown(page)}


def fitting(study: Study, fits: Callable[[str, Any], bool]) -> set[str]:
    units = study.expected_units(YEAR)
    return {key for key, row in units.iterrows() if fits(key, row)}


def test_index_of_two_thousand_is_small(file: Path) -> None:
    assert file.stat().st_size <= MOST_BYTES


def test_everybody_is_listed(page: Page, study: Study) -> None:
    assert codes(page) == set(study.expected_units(YEAR).index)
    links = page.locator("#units tbody a")
    assert links.count() == UNITS - UNITS // 50


@pytest.mark.parametrize(
    ("asked", "form"), [("HƯỚNG PHÙNG", "NFC"), ("duong chín", "NFD"), ("dakrong", "NFC")]
)
def test_search_ignores_case_and_diacritics(
    page: Page, study: Study, asked: str, form: Any
) -> None:
    page.locator("#q").fill(unicodedata.normalize(form, asked))
    words = fold(asked).split()
    expected = fitting(
        study, lambda key, row: all(w in fold(f"{row['name']} {key} {row.commune}") for w in words)
    )
    assert 0 < len(expected) < UNITS
    assert codes(page) == expected


def test_search_finds_one_by_its_code_and_nobody_by_nonsense(page: Page, study: Study) -> None:
    """The latter is said beside the box."""
    for key in study.expected_units(YEAR).index[:: UNITS // 2]:
        page.locator("#q").fill(key.lower())
        assert key in codes(page)
    page.locator("#q").fill("không có ai như thế")
    assert shown(page) == []
    assert page.locator(".search div:has(#q) #found").inner_text().startswith("Không tìm thấy")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_letter_typed_is_answered_at_once(page: Page, width: int) -> None:
    """From the input event until the answer is laid out; what else the machine does is no matter."""
    page.set_viewport_size({"width": width, "height": 800})
    texts = ("h", "hu", "huong", "huong phung", "huong", "", "truong tieu hoc", "")
    times = [
        page.evaluate(
            """(text) => { const input = document.getElementById("q"), found = document.getElementById("found");
            const before = found.textContent, began = performance.now();
            input.value = text; input.dispatchEvent(new Event("input", { bubbles: true }));
            document.body.getBoundingClientRect();
            const time = performance.now() - began;
            if (found.textContent === before) throw new Error(`no answer to ${text}`);
            return time; }""",
            text,
        )
        for text in texts
    ]
    assert median(times) <= MOST_ANSWER, times


def test_filters_work_together(page: Page, study: Study) -> None:
    ask(page, type="private_enterprise", commune="Khe Sanh")
    page.locator("#q").fill("minh duc")
    expected = fitting(
        study,
        lambda _, row: (
            (row.unit_type, row.commune) == ("private_enterprise", "Khe Sanh")
            and "Minh Đức" in row["name"]
        ),
    )
    assert expected
    assert codes(page) == expected


def test_verdict_filter_counts_whole_indicators(page: Page, study: Study) -> None:
    table = study.table[(study.table["scope"] == "unit") & (study.table["year"] == YEAR)]
    wholes = table[~table["indicator"].astype("str").str.contains(".", regex=False)]
    for word in ("met", "not_met", "undetermined"):
        ask(page, verdict=word)
        expected = set(wholes.loc[wholes["verdict"] == word, "scope_id"])
        assert codes(page) == expected & set(study.expected_units(YEAR).index)


@pytest.mark.parametrize("indicator_id", ["informed_enterprise", "dues_collected"])
def test_sort_by_an_indicator(page: Page, study: Study, indicator_id: str) -> None:
    """Highest first, the value beside each; then the verdict filter is about that indicator."""
    indicator = next(item for item in study.plan.indicators if item.id == indicator_id)
    page.locator("#sort").select_option(label=indicator.title)
    rows = {str(row.scope_id): row for row in study.unit_rows(indicator_id, YEAR)}
    values = {key: shown_value(row) for key, row in rows.items() if row.reported}
    order = [row[0].split()[-1] for row in shown(page)]
    last = [row[-1] for row in shown(page)]
    known = [values[key] for key in order if key in values]
    assert len(known) > UNITS / 10
    assert [text == "–" for text in last] == [False] * len(known) + [True] * (UNITS - len(known))
    # Values that read alike may stand in any order.
    neighbours = pairwise(zip(known, last, strict=False))
    assert all(one >= other or text == beside for (one, text), (other, beside) in neighbours)
    assert page.locator("#chosen").inner_text() == indicator.short
    assert page.locator("#chosen").get_attribute("aria-sort") == "descending"
    ask(page, order="asc")
    back = [row[-1] for row in shown(page)]
    assert [text == "–" for text in back] == [text == "–" for text in last]
    first = [text for text in last if text != "–"]
    assert back[: len(first)] == first[::-1]
    ask(page, order="desc")
    ask(page, verdict="met")
    assert codes(page) == {key for key, row in rows.items() if row.verdict == "met"}


def test_sort_by_a_count_both_ways(page: Page) -> None:
    ways = (("met", 3, "desc"), ("not_met", 4, "asc"), ("undetermined", 5, "desc"))
    for by, column, order in ways:
        ask(page, sort=by, order=order)
        counts = [int(row[column]) for row in shown(page)]
        assert counts == sorted(counts, reverse=order == "desc")
        marked = page.locator("#units th[aria-sort]")
        assert marked.count() == 1
        assert marked.get_attribute("data-sort") == by


def test_communes_stand_in_the_order_of_the_alphabet(page: Page) -> None:
    """Đ is a letter of its own, behind D."""
    ask(page, sort="commune")
    communes = list(dict.fromkeys(row[2] for row in shown(page)))
    assert communes == sorted(PLACES, key=alphabetically)
    assert communes.index("Cam Lộ") < communes.index("Đakrông") < communes.index("Gio Linh")
    options = page.locator("#commune option").all_inner_texts()
    assert options[1:] == communes


def test_areas_and_an_offices_files_are_found_from_the_index(study: Study) -> None:
    areas = [
        {"name": "Đakrông", "link": "area/b.html", "page": "area/b.html"},
        {"name": "Cam Lộ", "link": "area/a.html", "page": "area/a.html"},
        {"name": "Lìa", "link": "area/c.html", "page": None},
    ]
    html = render_index(study, {"units": [], "areas": areas, "files": ["bao-cao-2024.docx"]})
    links = re.findall(r'<a href="([^"]+)">', html)
    assert [link for link in links if link.startswith("area/")] == ["area/a.html", "area/b.html"]
    assert "bao-cao-2024.docx" in links


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_nothing_overflows(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.evaluate(
            """() => [...document.querySelectorAll("#units tr")].slice(0, 60).flatMap((row) => [row, ...row.cells])
            .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1).length"""
        )
        == 0
    )


def test_index_is_there_at_once(browser: Browser, file: Path) -> None:
    """All 2,000 units can be searched soon after it is opened, and begin on a phone's first screen."""
    with open_context(browser) as context:
        page = context.new_page()
        page.set_viewport_size({"width": 360, "height": 800})
        began = time.monotonic()
        page.goto(file.as_uri())
        page.wait_for_selector("#found:not(:empty)")
        assert time.monotonic() - began < 10
        painted = page.evaluate(
            """() => new Promise((done) => new PerformanceObserver((list) =>
            done(list.getEntries().at(-1).startTime)).observe({ type: "largest-contentful-paint", buffered: true }))"""
        )
        assert painted <= 1500
        box = page.locator("#units tbody tr").first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800


def test_without_script_the_list_is_there(browser: Browser, file: Path, study: Study) -> None:
    with open_context(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        items = page.locator("#list li")
        assert items.count() == UNITS
        assert items.first.is_visible()
        assert not page.locator("#units").is_visible()
        names = {name for name in study.expected_units(YEAR)["name"]}
        assert set(items.all_inner_texts()) == names
