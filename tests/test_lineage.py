"""Merged, split, transferred and dissolved units: their pages lead to each other."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from datasets import HEADERS, Tables, random_tables
from test_reports_kit import is_rounded, results, study_of_tables, unit_page

import analysis
from analysis import Study
from analysis.findings.perimeter import Passage, find_passages, report_year
from analysis.study import shown_value


@pytest.fixture(scope="module")
def sample() -> Study:
    years = list(range(2022, 2026))
    return analysis.load(2024, years_beside=years)


def links(study: Study, unit_id: str, year: int) -> list[str]:
    notes = unit_page(study, unit_id, year).part("summary").all("p", cls="note")
    return [a.attrs["href"] for note in notes for a in note.all("a")]


def test_a_merged_unit_leads_to_its_successor_and_back(sample: Study) -> None:
    successor = "../../2024/cdcs/THTHCS-TANTHANH.html"
    assert links(sample, "TH-TANTHANH", 2023) == [successor]
    assert links(sample, "THCS-TANTHANH", 2023) == [successor]
    back = [f"../../2023/cdcs/{key}.html" for key in ("TH-TANTHANH", "THCS-TANTHANH")]
    assert links(sample, "THTHCS-TANTHANH", 2024) == back


def test_who_came_out_of_others_is_compared_with_them_where_it_leads_to_them(sample: Study) -> None:
    """Their sums stand beside its own; a fact only where they agree; and it says whose they are."""
    earlier = ("TH-TANTHANH", "THCS-TANTHANH")
    page = unit_page(sample, "THTHCS-TANTHANH", 2024)
    text = page.part("summary").text
    assert "của các đơn vị đã sáp nhập vào đây, cộng lại" in text
    assert "Chưa có số liệu của đơn vị từ trước" not in text
    compared = 0
    for key, shown in results(page).items():
        rows = [sample.rows("unit", unit, 2023)[key] for unit in earlier]
        if sample.plan.indicator(key).measure != "ratio":
            continue
        if any(shown_value(row) is None for row in rows):
            assert shown.beside[0] == "–", key
            continue
        counts = sum(int(r.numerator) for r in rows), sum(int(r.denominator) for r in rows)
        assert is_rounded(shown.beside[0], Fraction(*counts)), key
        compared += 1
    assert compared > 4
    sentences = [item.text for item in page.part("achieved").all("li")]
    sentences += [p.text for p in page.part("next_steps").all("p", cls="reason")]
    moved = [s for s in sentences if re.search("(tăng|giảm) [0-9]", s)]
    assert moved
    assert all("so với năm 2023 của các đơn vị đã sáp nhập vào" in s for s in moved), moved


def test_without_the_other_years_site_the_name_stands_without_a_link() -> None:
    page = unit_page(analysis.load(2023), "TH-TANTHANH", 2023)
    assert links(page.study, "TH-TANTHANH", 2023) == []
    assert "sáp nhập vào CĐCS Trường TH & THCS Tân Thành." in page.part("summary").text


def test_years_that_have_nothing_to_tell_tell_nothing(sample: Study) -> None:
    assert find_passages(sample, "TH-TANTHANH", 2022) == ()
    assert find_passages(sample, "DN-DABAN", 2024) == ()


def test_a_unit_that_changes_hands_says_so_once_and_names_both(sample: Study) -> None:
    (passage,) = find_passages(sample, "DN-DABAN", 2025)
    assert (passage.event, passage.other_id) == ("transferred_out", "")
    assert find_passages(sample, "DN-DABAN", 2024) == ()
    text = unit_page(sample, "DN-DABAN", 2025).part("summary").text
    assert (
        "Công đoàn cấp trên năm trước là LĐLĐ huyện Hướng Hóa, năm nay là Công đoàn xã Lao Bảo."
        in text
    )


def test_a_dissolved_unit_says_when_it_ended_on_its_last_page(sample: Study) -> None:
    (passage,) = find_passages(sample, "TT-KHESANH", 2024)
    assert (passage.event, str(passage.day), passage.is_arrival) == (
        "dissolved",
        "2025-06-15",
        False,
    )


def split_tables(day: str) -> Tables:
    """A unit that splits in two, one of them with a name that is markup."""
    tables = random_tables(1, units=4, years=(2023, 2024))
    names = [row["unit_id"] for row in tables["roster"] if row["year"] == "2024"][:3]
    for row in tables["roster"]:
        if row["unit_id"] == names[1]:
            row["name"] = "CĐCS <b>Hai</b>"
        row["founded_on"] = row["dissolved_on"] = ""
    tables["lineage"] = [
        dict(zip(HEADERS["lineage"], (day, "split", names[0], other, "", ""), strict=True))
        for other in names[1:]
    ]
    return tables


def test_an_event_after_the_cut_off_belongs_to_the_next_year(tmp_path: Path) -> None:
    study = study_of_tables(split_tables("2023-12-01"), tmp_path, 2024)
    whole, *parts = passage_ids(study)
    assert report_year(find_passages(study, whole, 2023)[0].day, study.plan) == 2024
    for part in parts:
        (passage,) = find_passages(study, part, 2024)
        assert passage == Passage(passage.day, "split", True, whole, passage.other_name, 2023)
        assert find_passages(study, part, 2023) == ()


def passage_ids(study: Study) -> list[str]:
    events = study.dataset.lineage
    return [events["predecessor_id"].iloc[0], *events["successor_id"]]


def test_names_of_others_are_escaped(tmp_path: Path) -> None:
    study = study_of_tables(split_tables("2024-03-01"), tmp_path, 2024)
    html = unit_page(study, passage_ids(study)[0], 2024).parts["summary"]
    assert "CĐCS &lt;b&gt;Hai&lt;/b&gt;" in html
    assert "<b>Hai" not in html
