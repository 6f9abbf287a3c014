"""The boards: every unit beside every indicator and task, as its own page and the table say it."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from datasets import random_tables
from shared import sample
from test_reports_kit import Node, is_rounded, parse, side, study_of_tables

import analysis
from analysis.findings.units import TASK_VERDICTS, board, by_commune, stand
from analysis.pages.fragments import area_page
from analysis.reports.board import MOST_UNITS
from analysis.site.planning import find_areas
from analysis.study import Study, flags_of, shown_value

YEAR = 2024
EDITIONS = ("internal", "share")


@cache
def study_of_edition(edition: str) -> Study:
    return sample(edition)


@cache
def section(edition: str, what: str) -> Node:
    report = analysis.year(study_of_edition(edition), YEAR)
    shown = report.board() if what == "indicators" else report.task_board()
    assert shown is not None
    return parse(shown.html)


def rows_of(shown: Node) -> dict[str, tuple[Node, list[str]]]:
    """Each unit's score and cells, by its page's link."""
    found = {}
    for row in shown.all("tr"):
        for head in row.all("th", scope="row"):
            key = head.one("a").attrs["href"].removeprefix("cdcs/").removesuffix(".html")
            assert key not in found
            found[key] = (head, [cell.text for cell in row.all("td")])
    return found


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_cell_says_what_the_table_says(edition: str) -> None:
    study, shown = study_of_edition(edition), section(edition, "indicators")
    by_short = {item.short: item for item in study.plan.indicators}
    items = [by_short[cell.text] for cell in shown.one("thead").all("th")[2:]]
    signs = analysis.year(study, YEAR).language.words["verdict_sign"]
    rows, seen = rows_of(shown), set()
    assert set(rows) == set(study.expected_units(YEAR).index)
    for unit, (_, cells) in rows.items():
        table = study.rows("unit", unit, YEAR)
        for item, text in zip(items, cells[1:], strict=True):
            row = table.get(item.id)
            sign, _, rest = text.partition(" ")
            assert sign == signs["not_applicable" if row is None else row.verdict]
            value = None if row is None else shown_value(row)
            rate, _, gap = rest.partition("−")
            seen.add((sign, bool(rate), bool(gap)))
            if row is None or "hidden" in flags_of(row):
                assert rest == "", (unit, item.id, text)
            if rate:
                assert value is not None
                assert is_rounded(rate.strip(), value), (unit, item.id, text)
                target = item.target_in(YEAR)
                assert target is not None
                shown_rate = Fraction(rate.strip().removesuffix("%").replace(",", ".")) / 100
                assert side(shown_rate, target.minimum) == side(value, target.minimum)
            if gap.isdigit():
                assert int(gap) == -int(row.slack)
    assert ("✗", True, True) in seen
    assert {sign for sign, _, _ in seen} >= {"✓", "✗", "?", "–", *("*" * (edition == "share"))}


@pytest.mark.parametrize("edition", EDITIONS)
def test_those_that_need_help_come_first_in_their_type(edition: str) -> None:
    study, shown = study_of_edition(edition), section(edition, "indicators")
    standing = stand(board(study, YEAR))
    types = study.expected_units(YEAR)["unit_type"]
    order = list(rows_of(shown))
    for word in types.unique():
        missed = [standing.at[key, "not_met"] for key in order if types[key] == word]
        assert missed == sorted(missed, reverse=True)
    groups = [row for row in shown.all("tr") if "rowgroup" in row.attrs.get("class", "")]
    assert len(groups) == types.nunique()
    for key, (_, cells) in rows_of(shown).items():
        met, of = map(int, cells[0].split("/"))
        assert (met, of - met) == tuple(standing.loc[key, ["met", "not_met"]])


def test_what_is_withheld_is_no_gap_of_nothing() -> None:
    shared = board(study_of_edition("share"), YEAR)
    missed = shared[shared["verdict"] == "not_met"]
    assert missed["gap"].isna().any()
    assert not (missed["gap"] == 0).any()
    standing = stand(shared)
    assert standing["unknown"].sum() == missed["gap"].isna().sum()
    help_first = section("share", "indicators").all("ol")[0].text
    assert "chưa kể" in help_first or "không nêu" in help_first


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_task_of_every_unit_is_on_its_board(edition: str) -> None:
    study, shown = study_of_edition(edition), section(edition, "tasks")
    signs = analysis.year(study, YEAR).language.words["verdict_sign"]
    titles = [cell.text for cell in shown.one("thead").all("th")[2:]]
    for unit, (_, cells) in rows_of(shown).items():
        told = {t: cell for t, cell in zip(titles, cells[1:], strict=True) if cell != "–"}
        held = {duty.task.short: duty for duty in study.duties(YEAR)[unit]}
        assert set(told) == set(held)
        for title, duty in held.items():
            late = str(duty.days_late) if duty.group == "late" and duty.days_late else ""
            sign = signs[TASK_VERDICTS.get(duty.group, "hidden")]
            assert told[title] == f"{sign} {late}".strip()
        done = sum(duty.group == "done" for duty in held.values())
        assert cells[0] == f"{done}/{len(held)}"


def test_more_units_than_can_be_seen_at_once_are_summed_by_commune(tmp_path: Path) -> None:
    tables = random_tables(3, units=MOST_UNITS + 20, years=(YEAR,))
    for row in tables["roster"]:
        row["dissolved_on"] = ""
    study = study_of_tables(tables, tmp_path, YEAR)
    units = study.expected_units(YEAR)
    assert len(units) > MOST_UNITS
    shown = analysis.year(study, YEAR).board()
    assert shown is not None
    tree = parse(shown.html)
    names = [head.text for head in tree.all("th", scope="row")]
    assert sorted(names) == sorted(units["commune"].unique())
    for head in tree.all("th", scope="row"):
        assert head.one("a").attrs["href"] == area_page("commune", head.text)
    cells = by_commune(board(study, YEAR), units["commune"])
    judged = study.table[(study.table["scope"] == "unit") & (study.table["year"] == YEAR)]
    wholes = judged[~judged["indicator"].astype(str).str.contains(".", regex=False)]
    assert cells["met"].sum() == (wholes["verdict"] == "met").sum()
    assert (cells["judged"] - cells["met"]).sum() == (wholes["verdict"] == "not_met").sum()
    for row in cells.itertuples():
        assert not row.judged or f"{row.met}/{row.judged}" in tree.text


@pytest.mark.parametrize("edition", EDITIONS)
def test_both_years_are_counted_over_the_same_indicators(edition: str) -> None:
    study, decided = study_of_edition(edition), ("met", "not_met")
    reports = [analysis.area(study, *where, YEAR) for where in find_areas(study)]
    units = study.expected_units(YEAR)
    reports += [analysis.unit(study, key, YEAR) for key in units.index[units["has_return"]][:20]]
    for report in reports:
        now = {f.indicator.id: f.verdict for f in report.wholes if f.verdict in decided}
        both = [
            key for key in now if key in report.before and report.before[key].verdict in decided
        ]
        met = sum(report.before[key].verdict == "met" for key in both)
        summary = parse(report.summary().html)
        told = re.search(r"Trong (\d+) chỉ tiêu .* năm 2023 đạt (\d+)", summary.text)
        told = told or re.search(r"ấy, năm 2023 đạt ()(\d+)/\d+", summary.text)
        assert bool(told) == bool(both), summary.text
        if told:
            assert (int(told[1] or len(now)), int(told[2])) == (len(both), met), summary.text
