"""What is handed out beside the pages: it says nothing that the pages do not, and fits its sheet."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from browser import open_browser
from shared import sample
from test_site_kit import make_study

import analysis
from analysis.handouts.brief import LONGEST_MESSAGE, make_brief, render_briefs, write_message
from analysis.pages.fragments import Fragment
from analysis.site.build import list_handouts, write_briefs, write_documents
from analysis.site.ledger import (
    BRIEFS,
    LEDGER,
    MESSAGES,
    Layout,
    brief_page,
    message_file,
    word_file,
)
from analysis.study import Study
from analysis.tables.files import write_atomically

NUMBER = re.compile(r"\d[\d.,/]*\d|\d")


@pytest.fixture(scope="module", params=["internal", "share"])
def study(request: pytest.FixtureRequest) -> Study:
    return sample(request.param)


def page_of(study: Study, unit: str) -> str:
    report = analysis.unit(study, unit, 2024)
    calls = (report.header, report.summary, report.next_steps, report.results, report.tasks)
    html = " ".join(part.html for call in calls if isinstance(part := call(), Fragment))
    return re.sub(r"<[^>]+>", " ", html)


def some(study: Study) -> list[str]:
    """The unit that missed most, one that has not reported, and one of each type."""
    units = study.expected_units(2024)
    board = study.board(2024)["unit_id"]
    of_types = units.groupby("unit_type", observed=True).head(1).index
    return list(dict.fromkeys([board.iloc[0], units.index[~units["has_return"]][0], *of_types]))


def test_every_message_is_short_and_has_an_end(study: Study) -> None:
    for unit in {*some(study), *study.expected_units(2024).index[::8]}:
        text = write_message(study, make_brief(study, unit))
        assert len(text) <= LONGEST_MESSAGE
        assert text.endswith("!")
        assert "  " not in text


def test_a_message_and_a_sheet_have_no_figure_that_the_page_lacks(study: Study) -> None:
    for unit in some(study):
        known = set(NUMBER.findall(page_of(study, unit))) | {"02"}
        brief = make_brief(study, unit)
        sheet = re.sub(
            r"<style>.*?</style>|<head>.*?</head>", "", render_briefs(study, [brief]), flags=re.S
        )
        said = write_message(study, brief) + re.sub(r"<[^>]+>", " ", sheet)
        lacking = {n for n in NUMBER.findall(said) if n not in known and f"-{n}" not in known}
        assert not lacking, (unit, lacking)


def test_what_nobody_reported_is_not_called_late(study: Study) -> None:
    brief = make_brief(study, next(u for u in some(study) if make_brief(study, u).duties))
    due = replace(brief.duties[0], due=date(2024, 6, 30), on=date(2024, 11, 30), done_on=None)
    told = {
        state: write_message(study, replace(brief, gaps=(), duties=(replace(due, state=state),)))
        for state in ("unreported_due", "overdue")
    }
    assert "(hạn 30/06/2024, chưa báo cáo)" in told["unreported_due"]
    assert "chậm" not in told["unreported_due"]
    assert "(hạn 30/06/2024, chậm 153 ngày)" in told["overdue"]


def test_what_the_return_says_is_done_is_not_asked_for(study: Study) -> None:
    # It sent no sheet of tasks, but its plan was made in 2022 and its conference held in 2024.
    held = {duty.task.fact: duty.state for duty in study.duties(2024)["BHXH-HUYEN"]}
    assert held["plan_made"] == held["conference_held"] == "unreported"
    due = {duty.task.fact for duty in make_brief(study, "BHXH-HUYEN").duties}
    assert not due & {"plan_made", "plan_disseminated", "conference_held"}
    assert "kế hoạch Nghị quyết" not in write_message(study, make_brief(study, "BHXH-HUYEN"))


def test_each_sheet_is_one_a4(study: Study, tmp_path: Path) -> None:
    briefs = [make_brief(study, unit) for unit in some(study)]
    longest = replace(briefs[0], name="Công đoàn cơ sở " + "Công ty trách nhiệm hữu hạn " * 6)
    file = tmp_path / "briefs.pdf"
    with open_browser() as browser:
        page = browser.new_page()
        page.set_content(render_briefs(study, [*briefs, longest]))
        page.pdf(path=file, prefer_css_page_size=True)
        page.set_viewport_size({"width": 360, "height": 640})
        wide = page.evaluate("document.documentElement.scrollWidth")
    info = subprocess.run(["pdfinfo", file], capture_output=True, text=True, check=True).stdout
    assert int(re.search(r"Pages:\s+(\d+)", info)[1]) == len(briefs) + 1  # type: ignore[index]
    assert "A4" in info
    assert wide <= 360


def test_names_are_shown_as_text(study: Study) -> None:
    brief = replace(make_brief(study, "DN-DABAN"), name="<b>=1+1</b>")
    assert "<b>=1" not in render_briefs(study, [brief])


def test_files_are_of_those_asked_for_and_never_older_than_the_pages(tmp_path: Path) -> None:
    study = sample()
    layout = Layout(tmp_path / "2024")
    write_briefs(study, layout, None, asked=False)
    assert not layout.site.exists()
    write_briefs(study, layout, ["DN-DABAN", "DN-NUICAM"], asked=True)
    texts = [layout.file(message_file(u)).read_text("utf-8") for u in ("DN-DABAN", "DN-NUICAM")]
    table = layout.file(MESSAGES).read_text("utf-8-sig")
    assert [row["message"] + "\n" for row in csv.DictReader(io.StringIO(table))] == texts
    assert layout.file(BRIEFS).read_text("utf-8").count('class="sheet"') == 2

    # Another run that does not ask for them renews them all the same.
    write_briefs(sample(lang="en"), layout, None, asked=False)
    assert layout.file(message_file("DN-DABAN")).read_text("utf-8") != texts[0]

    write_briefs(study, layout, ["DN-NUICAM"], asked=True)
    assert not layout.file(brief_page("DN-DABAN")).exists()
    assert not layout.file(message_file("DN-DABAN")).exists()
    assert layout.file(brief_page("DN-NUICAM")).exists()


def test_what_was_deleted_beside_the_pages_comes_back(tmp_path: Path) -> None:
    unit = "DN-DABAN"
    study = make_study(tmp_path / "data", (unit, "TH-HUC"))
    layout = Layout(tmp_path / "2024")
    write_briefs(study, layout, [unit], asked=True)
    write_documents(study, layout, [unit], asked=True)
    beside = list_handouts(layout, 2024)
    write_atomically(layout.file(LEDGER), json.dumps({"beside": beside}))
    links = [brief_page(unit), message_file(unit), word_file(2024), word_file(2024, unit)]
    assert set(beside) == {*links, BRIEFS, MESSAGES}
    made = [layout.file(link).read_bytes() for link in links]
    for link in links:
        layout.file(link).unlink()
    write_briefs(study, layout, None, asked=False)
    write_documents(study, layout, None, asked=False)
    assert [layout.file(link).read_bytes() for link in links] == made
