"""What a page advises can be done by who reads it: over the whole plan, all unit types, both pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from datasets import filled
from shared import sample
from test_reports_kit import Page, study_of_tables, unit_page, year_page

from analysis.reports import UnitReport, YearReport
from analysis.study import Study
from analysis.tables.dictionary import dictionary

#: The end of a stage: every target of the plan is judged.
YEAR = 2025
TYPES = tuple(dictionary().words["unit_type"])
#: What only an employer's union can be told, and what only a union says of itself.
OF_EMPLOYERS = ("chủ doanh nghiệp", "đời sống vật chất", "đối thoại định kỳ", "thỏa ước")
OF_A_UNION = ("cơ sở mình", "công đoàn mình", "đơn vị mình", "Đề nghị công đoàn cấp trên")


def key_of(word: str) -> str:
    return word.upper().replace("_", "-")


def nothing_reached(folder: Path) -> Study:
    """One union of each type that reached nothing, and a district federation that did nothing."""
    counts, facts = {}, {}
    for name, column in dictionary().tables["returns"].columns.items():
        if column.type.name in ("count", "money"):
            counts[name] = 0
        elif column.type.name == "boolean":
            facts[name] = "false"
    due = {"hardship_members": 20, "cadres_total": 10, "fund_due": 1000, "fund_collected": 100}
    people = {"workers_total": 100, "workers_female": 60, "members_total": 90, "members_female": 50}
    tables = {"roster": [], "returns": [], "district": [], "employers": []}  # type: ignore[var-annotated]
    for word in TYPES:
        own = {"name": f"CĐCS {word}", "unit_type": word, "commune": "Khe Sanh"}
        tables["roster"].append(
            filled("roster", {"year": YEAR, "unit_id": key_of(word), **own, **people})
        )
        reported = {**counts, **facts, **due, "dues_due": 1000, "grade": "failed"}
        tables["returns"].append(
            filled("returns", {"year": YEAR, "unit_id": key_of(word), **reported})
        )
    firm = {"name": "DN A", "employer_type": "private_enterprise", "commune": "Khe Sanh"}
    row = {"year": YEAR, "employer_id": "A", **firm, "workers_total": 50}
    tables["employers"].append(filled("employers", row))
    numbers = {"inspections": 0, "law_classes": 0, "cadres_total": 3, "cadres_trained": 0}
    grade = {"plan_made": "false", "plan_disseminated": "false", "district_grade": "failed"}
    money = {"fund_due": 100, "fund_collected": 0, "dues_due": 0, "dues_collected": 0}
    told = {
        **numbers,
        **grade,
        **money,
        "emulation_launched": "false",
        "finance_disclosed": "false",
    }
    tables["district"].append(filled("district", {"year": YEAR, **told}))
    return study_of_tables(tables, folder, YEAR)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return nothing_reached(tmp_path_factory.mktemp("advice"))


@pytest.fixture(autouse=True)
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page does a few things well; here it says all that it could."""
    monkeypatch.setattr(UnitReport, "most_steps", 1000)


def advised(page: Page) -> dict[str, list[str]]:
    """The tasks that stand below each missed target, by the target's title."""
    told: dict[str, list[str]] = {}
    titles = {i.id: i.title for i in page.study.plan.indicators}
    for row in page.part("next_steps").all("tr"):
        for link in row.all("a"):
            tasks = [span.text for span in row.one("th", scope="row").all("span", cls="why")]
            told[titles[link.attrs["href"].removeprefix("#i-")]] = tasks
    for step in page.part("next_steps").all("li"):
        for reason in step.all("p", cls="reason"):
            title = reason.one("strong").text
            told[title] = [p.text.partition(" (Mục")[0] for p in step.all("p", cls="task")]
    return told


def missed_titles(page: Page) -> set[str]:
    titles = {i.id: i.title for i in page.study.plan.catalogue()}
    missed = {key for key, row in page.rows.items() if row.verdict == "not_met" and "." not in key}
    return {titles[key] for key in missed}


@pytest.mark.parametrize("word", TYPES)
def test_a_union_is_advised_what_a_union_of_its_type_can_do(study: Study, word: str) -> None:
    page = unit_page(study, key_of(word), YEAR)
    plan, told = study.plan, advised(page)
    ours = [task for task in plan.tasks if task.owner == "unit"]
    theirs = {task.text for task in ours if word in plan.types_in(task.population)}
    assert set(told) == missed_titles(page)
    assert len(told) > 8
    assert all(told.values()), "a target is missed and nothing is advised"
    said = {text for texts in told.values() for text in texts}
    assert said <= theirs, said - theirs


@pytest.mark.parametrize("word", ["state_agency", "public_service"])
def test_an_office_or_a_school_is_never_told_to_bargain_with_an_employer(
    study: Study, word: str
) -> None:
    text = unit_page(study, key_of(word), YEAR).part("next_steps").text
    assert [words for words in OF_EMPLOYERS if words in text] == []


def test_a_firm_is_told_what_an_office_is_not(study: Study) -> None:
    text = unit_page(study, key_of("private_enterprise"), YEAR).part("next_steps").text
    assert [words for words in OF_EMPLOYERS if words not in text] == ["chủ doanh nghiệp"]


def test_who_got_too_little_is_told_to_ask_for_it_and_the_district_to_hand_it_out(
    study: Study,
) -> None:
    title = study.plan.indicator("fund_share_units").title
    for word in TYPES:
        (task,) = advised(unit_page(study, key_of(word), YEAR))[title]
        assert task.startswith("Đề nghị công đoàn cấp trên"), task
        assert "tiết kiệm" not in task
    (task,) = advised(year_page(study, YEAR))[title]
    assert task.startswith("Rà soát việc phân phối"), task


def test_the_years_page_speaks_to_who_leads_the_unions(study: Study) -> None:
    page = year_page(study, YEAR)
    told = advised(page)
    ours = {task.text for task in study.plan.tasks if task.owner == "district"}
    assert set(told) == missed_titles(page)
    assert {i.title for i in study.plan.indicators if i.target_in(YEAR)} == set(told)
    assert all(told.values())
    assert {text for texts in told.values() for text in texts} <= ours
    assert [words for words in OF_A_UNION if words in page.part("next_steps").text] == []


def test_what_nobody_makes_up_for_is_not_said_to_be_made_up_for(study: Study) -> None:
    """Nobody is above a bar: the whole lacks less only because each unit's persons are whole."""
    page = year_page(study, YEAR)
    text = " ".join(page.part(name).text for name in page.parts)
    assert "CĐCS hụt, cộng" in text
    assert "tính chung, không làm tròn từng nơi, còn thiếu" in text
    assert "nơi vượt bù lại" not in text
    assert "Ở Khe Sanh (" not in text  # where all are says nothing
    assert "So với" not in page.part("year_results").text  # nor an empty column in a first year


def one_union(folder: Path, district: dict[str, object]) -> Study:
    """A union that left all figures empty, below a district with some row of its own."""
    own = {"name": "CĐCS A", "unit_type": "private_enterprise", "commune": "Khe Sanh"}
    keys = {"year": YEAR, "unit_id": "A"}
    tables = {
        "roster": [filled("roster", {**keys, **own, "parent": "XA-01", "workers_total": 30})],
        "returns": [filled("returns", {**keys, "informed": 20})],
        "district": [filled("district", {"year": YEAR, **district})],
    }
    return study_of_tables(tables, folder, YEAR)


def test_what_is_open_is_asked_of_those_whose_figures_it_waits_for(tmp_path: Path) -> None:
    report = YearReport(one_union(tmp_path, {"inspections": 3}), YEAR)
    open_ones = [f for f in report.wholes if f.verdict == "undetermined"]
    own = [f for f in open_ones if f.indicator.over == "district"]
    asked = {row["what"][0]: row for row in report.decisions()}
    (supply,) = (text for text in asked if "số liệu của chính LĐLĐ huyện" in text)
    assert all(f.indicator.short.lower()[1:] in supply.lower() for f in own)
    assert asked[supply]["number"] == f"{len(own)} chỉ tiêu"
    (rest,) = (text for text in asked if text.startswith("Thu đủ số liệu"))
    assert asked[rest]["number"] == f"{len(open_ones) - len(own)} chỉ tiêu"
    # Part I says once what it does not know.
    told = report.leadership().html
    assert told.lower().count("chưa có số liệu") == 1
    assert "3 doanh nghiệp" in told


def test_a_district_that_ended_is_given_nothing_to_do(tmp_path: Path) -> None:
    report = YearReport(one_union(tmp_path, {"dissolved_on": f"{YEAR}-06-30"}), YEAR)
    assert report.heirs == []  # nobody has written who they are
    owners = {row["owner"] for row in report.decisions()}
    assert owners == {"Công đoàn cấp trên đã tiếp nhận CĐCS"}


def test_a_first_year_has_its_main_points() -> None:
    report = YearReport(sample(year=2022), 2022)  # nothing crossed a bar: there is no year before
    points = re.findall(r"<li>(.*?)</li>", report.summary().html)
    starts = ("Thiếu nhiều người nhất: ", "Xa mức đặt ra nhất: ", "Gần đạt nhất: ")
    assert [text.startswith(start) for text, start in zip(points, starts, strict=True)] == [
        True
    ] * 3
