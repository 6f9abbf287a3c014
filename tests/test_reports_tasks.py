"""The plan's tasks on the pages and in the reminder: all of them, the late first, nothing invented."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from conftest import Run
from shared import sample

import analysis
from analysis.language import load_language
from analysis.params import load_params
from analysis.study import Study
from analysis.tasks import Duties, Duty, compute_tasks

YEAR = 2024


@pytest.fixture(scope="module")
def study() -> Study:
    return sample()


@pytest.fixture(scope="module")
def duties(study: Study) -> dict[str, tuple[Duty, ...]]:
    return dict(study.duties(YEAR))


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def rows_of(html: str) -> list[str]:
    return [text_of(row) for row in re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1])]


def test_duties_are_what_the_task_table_counts(
    study: Study, duties: dict[str, tuple[Duty, ...]]
) -> None:
    table = compute_tasks(study.dataset, study.plan, YEAR, ["district"]).set_index("task")
    for task in study.plan.tasks:
        held = [d for own in duties.values() for d in own if d.task.id == task.id]
        row = table.loc[task.id]
        assert len(held) == row["holders"] - row["not_applicable"]
        assert sum(d.is_unproven for d in held) == row["unproven"]
        for state in ("done_on_time", "done_late", "kept", "not_started", "unreported_due"):
            assert sum(d.state == state for d in held) == row[state], (task.id, state)


@pytest.mark.parametrize("unit", ["DN-NUICAM", "DN-DABAN", "TH-HUC", "DN-GIOLONG"])
def test_a_units_page_shows_every_task_that_applies(
    study: Study, duties: dict[str, tuple[Duty, ...]], unit: str
) -> None:
    html = analysis.unit(study, unit, YEAR).tasks().html
    assert {d.task.owner for d in duties[unit]} == {"unit"}
    for duty in duties[unit]:
        assert duty.task.short.replace("'", "&#39;") in html
        for document in duty.documents:
            assert document.doc_no in html
    late = [d for d in duties[unit] if d.state in ("overdue", "unreported_due")]
    for row, duty in zip(rows_of(html), late, strict=False):
        assert any(d.task.short in row for d in late), duty
    for duty in late:
        word = "chậm" if duty.state == "overdue" else "đã qua hạn"
        assert f"{word} {duty.days_late} ngày" in html


def test_a_unit_that_sent_no_sheet_has_not_reported_which_is_not_undone(
    study: Study, duties: dict[str, tuple[Duty, ...]]
) -> None:
    words = load_language("vi", study.root).words["task_state"]
    silent = {
        holder
        for holder, held in duties.items()
        if all("unreported" in d.state for d in held if not d.task.indicator and not d.since)
    }
    assert len(silent) > 20
    for unit in sorted(silent - {study.plan.issuer.id})[:5]:
        told = text_of(analysis.unit(study, unit, YEAR).tasks().html)
        assert f"Chưa có phiếu nhiệm vụ năm {YEAR}" in told
        own = [d for d in duties[unit] if d.task.indicator]
        if not any(d.state == "not_started" for d in own):
            assert words["not_started"] not in told


def test_what_is_done_since_a_year_does_not_rest_on_this_years_figures(study: Study) -> None:
    # The rules with the labour office were there in 2022; the indicator of 2024 says that they are not.
    (held,) = (
        d
        for d in study.duties(YEAR)[study.plan.issuer.id]
        if d.task.short.endswith("phòng lao động")
    )
    assert (held.since, held.task.indicator != "") == (2022, True)
    told = load_language("vi", study.root).say("duty_result", held, "")
    assert told == "đã có từ 2022"


def test_a_dataset_without_tasks_says_so(study: Study) -> None:
    empty = {
        name: frame.iloc[:0] if name in ("tasks", "evidence") else frame
        for name, frame in study.dataset.tables.items()
    }
    dataset = type(study.dataset)(empty, study.dataset.files, study.dataset.description, "x")
    bare = Study(study.params, study.plan, dataset, study.root)
    assert "chưa theo dõi nhiệm vụ" in analysis.unit(bare, "DN-DABAN", YEAR).tasks().html
    report = analysis.year(bare, YEAR)
    assert report.figure_tasks() is None
    assert "lượt việc" not in report.year_results().html


def test_the_edition_to_share_tells_states_alone(study: Study) -> None:
    shared = sample("share")
    noted = study.dataset.tables["tasks"]
    units = noted.loc[(noted["year"] == YEAR) & noted["note"].notna(), "holder_id"].unique()
    words = load_language("vi", study.root).words["task_state"]
    for unit in [u for u in units if u != study.plan.issuer.id][:4]:
        html = analysis.unit(shared, str(unit), YEAR).tasks().html
        exact = study.duties(YEAR)[str(unit)]
        told = shared.duties(YEAR)[str(unit)]
        for duty, seen in zip(exact, told, strict=True):
            # What an indicator tells is withheld with its verdict, and never "not reported" for it.
            assert seen.state == duty.state or (seen.state == "hidden" and duty.task.indicator)
            assert words[seen.state] in html
            for document in duty.documents:
                assert document.doc_no not in html
                assert document.title not in html
            if duty.note:
                assert duty.note not in html


def test_notes_are_shown_as_text(study: Study) -> None:
    tasks = study.dataset.tables["tasks"].copy()
    place = tasks.index[(tasks["year"] == YEAR) & (tasks["holder_id"] == "DN-DABAN")][0]
    tasks.loc[place, "note"] = "<script>alert(1)</script>"
    tables = {**study.dataset.tables, "tasks": tasks}
    dataset = type(study.dataset)(tables, study.dataset.files, study.dataset.description, "x")
    html = analysis.unit(Study(study.params, study.plan, dataset, study.root), "DN-DABAN", YEAR)
    assert "<script>" not in html.tasks().html
    assert "&lt;script&gt;" in html.tasks().html


def test_the_year_counts_what_the_units_pages_show(
    study: Study, duties: dict[str, tuple[Duty, ...]]
) -> None:
    report = analysis.year(study, YEAR)
    figure = report.figure_tasks()
    assert figure is not None
    late = [d for held in duties.values() for d in held if d.state == "overdue"]
    assert late
    for duty in late:
        name = (
            study.plan.issuer.short
            if duty.holder_id == study.plan.issuer.id
            else str(report.units.at[duty.holder_id, "name"])
        )
        assert name.replace("&", "&amp;") in figure.html
        assert f"chậm {duty.days_late} ngày" in figure.html
    own = report.own_tasks()
    assert own is not None
    for duty in duties[study.plan.issuer.id]:
        assert duty.task.short in own.html
    assert "Đôn đốc việc quá hạn" in report.next_steps().html
    assert "sắp đến hạn" in report.next_steps().html


def test_the_day_is_a_setting(study: Study, tmp_path: Path) -> None:
    # To YAML the word is another one for true, and it is the setting's name all the same.
    file = tmp_path / "own.yaml"
    file.write_text("on: 2024-03-01\n", "utf-8")
    settings = load_params(YEAR, file, study.root)
    assert settings.on_day == date(2024, 3, 1)
    early = study.with_params(settings).duties(YEAR)
    assert early == Duties(study.dataset, study.plan, YEAR, date(2024, 3, 1))
    states = {d.state for held in early.values() for d in held if d.task.due == "05-31"}
    assert states
    assert "overdue" not in states


def test_what_stands_in_results_of_the_year_is_late_when_it_is_over(study: Study) -> None:
    table = compute_tasks(study.dataset, study.plan, YEAR, ["section"]).set_index("scope_id")
    bars = analysis.year(study, YEAR)._task_bars
    assert set(bars) == set(table.index)
    for part, bar in bars.items():
        assert bar.counts["late"] == table.at[part, "overdue"]
        assert bar.counts["done"] == table.at[part, "done"]
        assert bar.counts["silent"] == table.loc[part, ["unreported", "unreported_due"]].sum()
    settings = study.params.model_copy(update={"on": "2024-11-29"})
    before = analysis.year(study.with_params(settings), YEAR)._task_bars
    day = date(YEAR, 11, 29)
    table = compute_tasks(study.dataset, study.plan, YEAR, ["section"], day).set_index("scope_id")
    assert {part: bar.counts["late"] for part, bar in before.items()} == dict(table["overdue"])


def test_a_units_tasks_make_its_own_page_stale_and_no_other(study: Study) -> None:
    tasks = study.dataset.tables["tasks"].copy()
    place = tasks.index[(tasks["year"] == YEAR) & (tasks["holder_id"] == "DN-DABAN")][0]
    tasks.loc[place, "note"] = "khác"
    tables = {**study.dataset.tables, "tasks": tasks}
    dataset = type(study.dataset)(tables, study.dataset.files, study.dataset.description, "x")
    other = Study(study.params, study.plan, dataset, study.root)
    for unit, is_same in (("DN-DABAN", False), ("TH-HUC", True)):
        both = [analysis.unit(one, unit, YEAR).digests() for one in (study, other)]
        assert (both[0] == both[1]) == is_same, unit


def test_status_lists_what_is_overdue_and_what_falls_due(congdoan: Callable[..., Run]) -> None:
    told = congdoan("status", "--year", str(YEAR), "--on", "2024-05-15").out
    overdue, rest = told.split("Nhiệm vụ quá hạn")[1].split("Nhiệm vụ đã đến hạn mà chưa báo cáo")
    unsaid, soon = rest.split("Nhiệm vụ đến hạn trong 30 ngày")
    assert "Chăm lo Tết Sum vầy (hạn 28/02/2024, chậm 77 ngày" in overdue
    assert "Hoạt động Tháng Công nhân (hạn 31/05/2024" in soon
    # What nobody reported may be done: it is not late, here as on the pages.
    assert "(hạn 28/02/2024)" in unsaid
    assert "chậm" not in unsaid
    assert "chưa báo cáo" not in overdue
    assert "hạn 30/11/2024" not in soon
    assert "Chưa gửi phiếu nhiệm vụ năm 2024" in soon
