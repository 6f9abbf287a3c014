"""The edition to share as its readers get it: pages, the index and the files beside them.

That nothing can be worked out from the redacted table is proved in ``test_redaction``; here stands
that pages say no more than that table, and say so honestly.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from test_pages_kit import START
from test_reports_kit import Page, parse, unit_page, year_page

import analysis
from analysis import Study
from analysis.cli import main
from analysis.pages.index import render_index
from analysis.plan import Indicator
from analysis.redaction.kinds import kind_of
from analysis.site.build import build_site
from analysis.site.layout import default_site

YEAR = 2024
UNITS = ("DN-DABAN", "TT-KHESANH", "DN-RLAN", "NG-BOCXEP", "MN-LIA")
LANGUAGES = ("vi", "en")
WITHHELD = {"vi": "không nêu", "en": "withheld"}
EDITION = {"vi": ("Bản chia sẻ", "Nội bộ"), "en": ("Edition to share", "Internal")}


@cache
def shared(lang: str) -> Study:
    return analysis.load(YEAR, edition="share", lang=lang)


@cache
def exact() -> Study:
    return analysis.load(YEAR)


@cache
def pages(lang: str) -> list[Page]:
    study = shared(lang)
    known = [u for u in UNITS if u in study.expected_units(YEAR).index]
    return [year_page(study, YEAR), *(unit_page(study, unit, YEAR) for unit in known)]


def result_rows(page: Page) -> dict[str, str]:
    """The text of each indicator's row in the table of results."""
    rows = [row for row in page.part("results").all("tr") if row.all("a")]
    return {finding: row.text for finding, row in zip(page.report.findings, rows, strict=True)}


def flags_of(row: object) -> set[str]:
    return set(str(row.flags).split(";"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_says_which_edition_it_is(lang: str) -> None:
    told, not_told = EDITION[lang]
    for page in pages(lang):
        assert told in page.tree.text, page
        assert not_told not in page.tree.text, page
        assert WITHHELD[lang] in page.part("method").text, page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_withheld_figure_reads_so_and_nothing_else(lang: str) -> None:
    seen = 0
    for page in pages(lang):
        rows, texts = page.rows, result_rows(page)
        truth = exact().rows(*page.whose, YEAR)
        for key, row in rows.items():
            if "hidden" not in flags_of(row):
                continue
            seen += 1
            true = truth[key]
            assert WITHHELD[lang] in texts[key], (page, key)
            pair = f"{true.numerator}/{true.denominator}"
            assert pd.isna(true.denominator) or pair not in texts[key], (page, key)
    assert seen > 10


@pytest.mark.parametrize("lang", LANGUAGES)
def test_amounts_of_money_are_bands_and_rates_whole_percents(lang: str) -> None:
    seen = 0
    for page in pages(lang):
        for key, text in result_rows(page).items():
            if "banded" not in flags_of(page.rows[key]):
                continue
            seen += 1
            assert re.search("triệu|tỷ|million|billion", text), text
            assert not re.search(r"\d[,.]\d+ ?%", text.split(" 90%")[0]), text
    assert seen > 5


def test_a_hidden_count_of_the_register_is_not_called_missing() -> None:
    hidden = [u for u in shared("vi").expected_units(YEAR).index
              if "members_total" in shared("vi").hidden_columns(u, YEAR)]  # fmt: skip
    assert hidden
    facts = unit_page(shared("vi"), str(hidden[0]), YEAR).part("header").text
    assert "Đoàn viênKhông nêu" in facts
    assert "chưa báo cáo" not in facts


def test_the_district_counts_everybody_hidden_or_not() -> None:
    members = int(exact().expected_units(YEAR)["members_total"].sum())
    assert f"{members:,}".replace(",", ".") in pages("vi")[0].part("header").text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_gap_without_the_withheld_says_so(lang: str) -> None:
    page = pages(lang)[0]
    partial = [gap for gap in page.report.gaps.values() if gap.is_partial and gap.units]  # type: ignore[union-attr]
    assert partial
    told = {"vi": "chưa kể CĐCS không nêu số liệu", "en": "not counting unions whose figures are"}
    assert page.part("year_results").text.count(told[lang]) >= len(partial)


def few(values: pd.Series) -> pd.Series:
    return values.dropna().between(1, 7)


def persons() -> set[str]:
    def asks(indicator: Indicator) -> bool:
        return kind_of(indicator) == "persons"

    return {indicator.id for indicator in exact().plan.catalogue() if asks(indicator)}


def test_the_site_holds_no_few_persons_and_no_amounts(tmp_path: Path) -> None:
    recap = build_site(
        shared("vi"), tmp_path / "2024", units=["DN-DABAN"], progress=False, start=START
    )
    assert recap.is_done
    assert json.loads((tmp_path / "2024" / "ledger.json").read_text("utf-8"))["edition"] == "share"
    table = pd.read_csv(tmp_path / "2024" / "data" / "indicators.csv")
    own = table[table["indicator"].isin(persons())]
    assert not few(own["numerator"]).any()
    assert table.loc[table["flags"].fillna("").str.contains("banded"), "numerator"].isna().all()
    units = pd.read_csv(tmp_path / "2024" / "data" / "units.csv")
    for column in ("workers_total", "members_total"):
        assert not few(units[column]).any()
    assert units["hidden"].fillna("").str.contains("members_total").any()
    for folder in ("2024", "2024.notebooks"):
        for path in (tmp_path / folder).rglob("*.*"):
            assert "Nội bộ" not in path.read_text("utf-8"), path


@pytest.mark.parametrize("there", ["internal", "share"])
def test_an_edition_is_not_made_over_the_other(tmp_path: Path, there: str) -> None:
    """Old pages, and the table that a new page is compared with, would give the figures away."""
    studies = {"internal": exact(), "share": shared("vi")}
    site = tmp_path / "2024"
    site.mkdir()
    ledger = json.dumps({"edition": there, "made_at": "2024-12-01T00:00:00+00:00"})
    (site / "ledger.json").write_text(ledger, "utf-8")
    (other,) = studies.keys() - {there}
    with pytest.raises(analysis.InputError, match="thư mục này đang chứa bản") as refused:
        build_site(studies[other], site, units=["DN-DABAN"], progress=False, start=START)
    assert [problem.code for problem in refused.value.problems] == ["other_edition"]
    assert [path.name for path in site.iterdir()] == ["ledger.json"]


def test_the_index_ranks_nobody_by_what_is_withheld() -> None:
    study = shared("vi")
    units = study.expected_units(YEAR).index
    entries = [{"unit_id": u, "outcome": "published", "page": f"cdcs/{u}.html"} for u in units]
    page = parse(render_index(study, {"units": entries}))
    assert "Bản chia sẻ" in page.text


def test_the_editions_never_share_a_folder() -> None:
    folders = {default_site(study.params) for study in (exact(), shared("vi"))}
    assert folders == {Path("reports/2024"), Path("reports/share/2024")}


def test_the_table_of_the_edition_is_the_redacted_one() -> None:
    table = analysis.indicators(shared("vi"), [YEAR], ["district"])
    pd.testing.assert_frame_equal(table, shared("vi").compute([YEAR], ["district"]))
    assert table["flags"].str.contains("banded").any()
    empty = [
        analysis.compare(s, YEAR - 1, YEAR)["value_now"].isna() for s in (shared("vi"), exact())
    ]
    assert empty[0].sum() > empty[1].sum()


def test_no_new_sums_of_an_edition_that_lacks_figures() -> None:
    with pytest.raises(analysis.InputError, match="bản chia sẻ không có đủ số liệu"):
        analysis.compare(shared("vi"), YEAR - 1, YEAR, basis="same_perimeter")


def test_unknown_edition_is_refused_in_vietnamese(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["report", "--year", "2024", "--edition", "public"])
    assert stop.value.code == 2
    told = "giá trị của --edition không dùng được; dùng một trong: internal, share"
    assert told in capsys.readouterr().err
