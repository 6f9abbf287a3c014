"""Names that are hostile to HTML, to formulas and to layout, on every page."""

from __future__ import annotations

import base64
import csv
import io
import re

import pytest
from datasets import random_tables
from test_reports_kit import Node, Page, parse, study_of_tables, texts, unit_page, year_page

from analysis.pages.index import render_index
from analysis.study import Study

YEAR = 2024
NAMES = {
    "script": "Công ty <script>alert(1)</script>",
    "image": '<img src=x onerror="alert(2)">',
    "formula": "$x_1$ và $\\frac{1}{2}$",
    "emphasis": "_a_ *b* `c` [d](http://e.invalid)",
    "signs": 'Lê & Con\'s "Quả" <b>đậm</b> &amp; &lt;',
    "template": "{{7*7}} {% raw %} {# #} ${7*7}",
    "backwards": "abc \u202edcba\u202c \u0627\u0644\u0646\u0642\u0627\u0628\u0629",
    "comment": "--><!-- ]]> </style></title>",
    "spreadsheet": "=1+1",
    "long": ("Công đoàn cơ sở " * 13)[:200],
    "one_word": "W" * 200,
    "normal": "Đơn vị thường",
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A made-up dataset in which every name of somebody or something is hostile."""
    tables = random_tables(3, units=24, years=(2023, YEAR))
    names = list(NAMES.values())
    numbers = {key: n for n, key in enumerate(sorted({r["unit_id"] for r in tables["roster"]}))}
    for row in tables["roster"]:
        name = names[numbers[row["unit_id"]] % len(names)]
        row |= {"name": name, "commune": names[(numbers[row["unit_id"]] // 2) % len(names)]}
        row |= {"founded_on": "", "dissolved_on": ""}
        if row["unit_type"] != "trade_guild":
            row["unit_type"] = "private_enterprise"
    for row in tables["employers"]:
        row["name"] = row["commune"] = names[int(row["employer_id"][-3:]) % len(names)]
    for name in ("returns", "district"):
        for row in tables[name]:
            row["note"] = NAMES["script"]
    folder = tmp_path_factory.mktemp("names")
    tables["lineage"] = []
    (folder / "dataset.yaml").write_text(
        "name: 'Bộ số liệu <script>alert(3)</script>'\nillustrative: true\n", "utf-8"
    )
    return study_of_tables(tables, folder, YEAR)


@pytest.fixture(scope="module")
def pages(study: Study) -> list[Page]:
    units = study.expected_units(YEAR)
    chosen = units.reset_index().groupby("name", sort=True)["unit_id"].first()
    assert set(chosen.index) == set(NAMES.values())
    return [year_page(study, YEAR), *(unit_page(study, str(key), YEAR) for key in chosen)]


@pytest.fixture(scope="module")
def index(study: Study) -> Node:
    units = study.expected_units(YEAR)
    entries = [
        {
            "unit_id": key,
            "name": row["name"],
            "outcome": "published" if row["has_return"] else "no_return",
            "page": f"cdcs/{key}.html",
        }
        for key, row in units.iterrows()
    ]
    return parse(render_index(study, {"units": entries}))


def folded(name: str) -> str:
    return " ".join(name.split())


def test_a_units_name_stands_whole_in_its_headline_and_title(pages: list[Page]) -> None:
    for page in pages[1:]:
        name = page.report.facts["name"]  # type: ignore[union-attr]
        assert page.tree.one("h1").text == folded(name)
        assert page.tree.one("title").text.startswith(folded(name))
        facts = {d.one("dt").text: d.one("dd").text for d in page.part("header").all("div")}
        assert facts["Xã, thị trấn"] in {folded(n) for n in NAMES.values()}


def test_a_units_name_stands_whole_in_the_sentences_about_it(pages: list[Page]) -> None:
    for page in pages[1:]:
        name = folded(page.report.facts["name"])  # type: ignore[union-attr]
        description = page.tree.one("meta", name="description").attrs["content"]
        assert name in description
        for svg in page.part("figure_targets").all("svg"):
            assert name in svg.attrs["aria-label"]


def test_no_name_becomes_an_element_of_a_page(pages: list[Page], index: Node) -> None:
    for tree in [*(page.tree for page in pages), index]:
        about = tree.one("title").text
        scripts = tree.all("script")
        assert not [node for node in scripts if "alert" in node.raw_text], about
        assert not tree.all("img", "iframe", "object", "embed"), about
        assert not [n for n in tree.walk() for key in n.attrs if key.startswith("on")], about
        links = [node.attrs["href"] for node in tree.all("a")]
        bad = [link for link in links if re.match(r"(?i)\s*(javascript|https?):", link)]
        assert not bad, about
        bold = {"Công ty", "đậm"} & {node.text for node in tree.all("b", "i", "em", "code")}
        assert not bold, about
    for page in pages:
        assert not page.tree.all("script")


def test_no_template_and_no_formula_in_a_name_is_carried_out(
    pages: list[Page], index: Node
) -> None:
    for tree in [*(page.tree for page in pages), index]:
        found = 0
        for name in (NAMES["template"], NAMES["formula"], NAMES["emphasis"]):
            spoken = [folded(text) for text in texts(tree) if name[:4] in text]
            assert all(folded(name) in text for text in spoken), spoken
            found += len(spoken)
        assert "49 {% raw" not in tree.text
    assert found, "the index names everybody"


def test_the_years_page_and_the_index_name_everybody_whole(
    pages: list[Page], index: Node, study: Study
) -> None:
    units = study.expected_units(YEAR)
    listed = {a.attrs["href"]: a.text for a in index.all("a")}
    for key, name in units["name"].items():
        assert listed[f"cdcs/{key}.html"] == folded(name)
    absent = units[~units["has_return"]]["name"]
    coverage = [item.text for item in pages[0].part("coverage").all("li")]
    assert sorted(coverage) == sorted(folded(name) for name in absent)


def test_a_dollar_sign_in_a_drawing_is_a_dollar_sign(pages: list[Page]) -> None:
    drawn = [
        node.raw_text.strip()
        for page in pages
        for svg in page.tree.all("svg")
        for node in svg.all("text")
    ]
    assert drawn
    names = [folded(name) for name in NAMES.values()]
    strange = [text for text in drawn if re.search(r"[$<>{}_]", text)]
    for text in strange:
        start = text.removesuffix("…").rstrip()
        assert any(name.startswith(start) for name in names), text
    assert strange, "no hostile name was drawn: the test tests nothing"


def test_a_spreadsheet_runs_no_name_as_a_formula(pages: list[Page]) -> None:
    found = 0
    for page in pages:
        for link in page.tree.all("a"):
            if link.attrs["href"].startswith("data:text/csv"):
                content = base64.b64decode(link.attrs["href"].partition("base64,")[2])
                for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))):
                    found += 1
                    assert not [c for c in row if re.match(r"[=+@\t\r]|-\D", c)], row
    assert found


def test_the_datasets_own_name_is_text(pages: list[Page]) -> None:
    for page in pages:
        assert "Bộ số liệu <script>alert(3)</script>" in page.part("method").text


def test_a_long_name_may_break_anywhere(pages: list[Page]) -> None:
    """200 letters without a space: the style sheet lets them break."""
    assert all("overflow-wrap:break-word" in page.html for page in pages)
