"""A dataset's own columns: from its ``dictionary.yaml`` to the form, the store, the plan and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from test_intake_forms import fill_form
from test_site_kit import make_study

import analysis
from analysis.intake.writings import find, units
from analysis.language import load_language
from analysis.params import find_root
from analysis.problems import InputError
from analysis.tables.dictionary import (
    OWN_COLUMNS,
    dictionary,
    own_columns,
    set_own_columns,
    take_own_columns,
)

UNIT, OTHER = "DN-DABAN", "TH-HUC"
HOUSES, HELPED = "Số nhà Mái ấm Công đoàn được hỗ trợ", "Số đoàn viên được hỗ trợ nhà ở"
OWN = f"""\
returns:
  mai_am_houses:
    vi: {HOUSES}
    type: count
    unit: nhà
    en: Houses built
  mai_am_members:
    vi: {HELPED}
    type: count
    at_most: members_total
"""
ROW = """\
  - id: mai_am
    section: "2.1"
    title: Đoàn viên được hỗ trợ nhà ở
    short: Mái ấm
    kind: ratio
    population: all
    numerator: [mai_am_members]
    denominator: [members_total]
    targets:
      - {at_least: 5%}
    unit: người
    what: Số đoàn viên được hỗ trợ nhà ở, trên tổng số đoàn viên.
    why: Có nhà thì yên tâm làm việc.
    decision: Mỗi người tính một lần.
    tasks: [t-2.2-mai-am-huyen]
"""


@pytest.fixture(autouse=True)
def nobodys_columns() -> Iterator[None]:
    yield
    set_own_columns(())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_study(tmp_path / "data", [UNIT, OTHER])
    (tmp_path / "data" / OWN_COLUMNS).write_text(OWN, "utf-8")
    return tmp_path / "data"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The plan with one more row, which counts an own column."""
    text = (find_root() / "params/plan/nq02-huong-hoa.yaml").read_text("utf-8")
    path = tmp_path / "ke-hoach.yaml"
    path.write_text(text.replace("indicators:\n", "indicators:\n" + ROW, 1), "utf-8")
    return path


def test_an_own_count_comes_through_a_form_into_a_figure(
    data: Path, plan: Path, tmp_path: Path, congdoan: Callable[..., Any]
) -> None:
    returns_file = data / "returns.csv"
    rows = returns_file.read_text("utf-8").splitlines(keepends=True)
    returns_file.write_text("".join(r for r in rows if UNIT not in r or "2024" not in r), "utf-8")
    forms = tmp_path / "forms"
    made = congdoan("template", "--year", 2024, "--data", data, "--plan", plan, "--out", forms)
    assert made.status == 0, made
    (form,) = forms.glob(f"{UNIT}_*.xlsx")
    take_own_columns(data)
    sheet = next(
        sheet.title
        for sheet in openpyxl.load_workbook(form)
        if HOUSES in {str(row[1].value) for row in sheet.iter_rows()}
    )
    fill_form(form, sheet, {"mai_am_houses": "2", "mai_am_members": "3"}, "returns")
    given = congdoan(
        *("import", form, "--year", 2024, "--data", data, "--plan", plan, "--by", "chị Hoa")
    )
    assert given.status == 0, given.out
    study = analysis.load(2024, data=data, plan=plan)
    returns = study.dataset.returns.set_index(["year", "unit_id"])
    assert returns.loc[(2024, UNIT), "mai_am_houses"] == 2
    assert returns["mai_am_houses"].notna().sum() == 1  # what nobody was asked is missing, not zero
    row = study.table.query("indicator == 'mai_am' and scope_id == @UNIT and year == 2024").iloc[0]
    assert (row["numerator"], row["verdict"]) == (
        3,
        "met" if row["denominator"] <= 20 * 3 else "not_met",
    )
    assert "Đoàn viên được hỗ trợ nhà ở" in analysis.unit(study, UNIT, 2024).results()._repr_html_()
    told = congdoan("history", UNIT, 2024, "--data", data)
    assert HOUSES in told.out
    shared = analysis.load(2024, data=str(data), plan=str(plan), edition="share")
    assert shared.dataset.returns["mai_am_members"].isna().all()  # too few to be told


def test_a_rule_of_an_own_column_holds(data: Path, congdoan: Callable[..., Any]) -> None:
    path = data / "returns.csv"
    head, *rows = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([head + ",mai_am_members", *(r + ",99999" for r in rows)]) + "\n")
    told = congdoan("check", "--data", data)
    assert told.status == 1
    assert told.out.count(HELPED) >= len(rows), told.out


def test_what_is_exported_is_read_again(
    data: Path, tmp_path: Path, congdoan: Callable[..., Any]
) -> None:
    assert congdoan("export", "--data", data, "--out", tmp_path / "out").status == 0
    assert (tmp_path / "out" / OWN_COLUMNS).read_text("utf-8") == OWN
    assert congdoan("check", "--data", tmp_path / "out").status == 0


def test_another_dataset_has_its_own(data: Path) -> None:
    take_own_columns(data)
    assert [column.vi for _, column in own_columns()] == [HOUSES, HELPED]
    assert "mai_am_houses" in dictionary().tables["returns"].columns
    take_own_columns(find_root() / "data" / "sample")
    assert "mai_am_houses" not in dictionary().tables["returns"].columns


def test_nothing_learnt_before_the_columns_stays(data: Path) -> None:
    """A process that reads other people's files lives on from one dataset to the next."""
    assert find("nhà", units()) is None
    take_own_columns(data)
    assert find("nhà", units()) == "nhà"


def test_each_dataset_of_a_process_keeps_its_own(data: Path, plan: Path) -> None:
    mine = analysis.load(2024, data=str(data), plan=str(plan))
    report = analysis.unit(analysis.load(2024, data=str(data), plan=str(plan)), UNIT, 2024)
    other = analysis.load(2024)
    assert "mai_am" not in set(other.table["indicator"])
    assert len(mine.results(indicator="mai_am", scope="unit")) > 1
    assert other.assume({(UNIT, "note"): "x"}).difference().empty
    assert "Đoàn viên được hỗ trợ nhà ở" in report.results()._repr_html_()
    assert "mai_am_houses" in dictionary().tables["returns"].columns
    assert len(other.missing(2024))
    assert "mai_am_houses" not in dictionary().tables["returns"].columns


def test_an_own_heading_is_english_on_english_pages(data: Path) -> None:
    take_own_columns(data)
    headings = [load_language(code, find_root()).heading("mai_am_houses") for code in ("vi", "en")]
    assert headings == [HOUSES, "Houses built"]


def test_employers_may_have_own_columns(data: Path, plan: Path) -> None:
    text = OWN + "employers:\n  has_canteen:\n    vi: Có bếp ăn ca\n    type: boolean\n"
    (data / OWN_COLUMNS).write_text(text, "utf-8")
    path = data / "employers.csv"
    head, *rows = path.read_text("utf-8").splitlines()
    path.write_text(
        "\n".join([head + ",has_canteen", *(r + ",true" for r in rows)]) + "\n", "utf-8"
    )
    row = ROW.replace("mai_am", "canteen", 1).partition("    kind:")[0] + (
        "    kind: share_of_employers\n    holds: [{column: has_canteen}]\n    targets: [{at_least: 50%}]\n"
        "    unit: doanh nghiệp\n"
        "    what: Doanh nghiệp có bếp ăn ca.\n    why: Ăn tốt.\n    decision: Hỏi một lần.\n"
    )
    text = plan.read_text("utf-8").replace(ROW, row, 1)
    plan.write_text(text, "utf-8")
    study = analysis.load(2024, data=str(data), plan=str(plan))
    found = study.results(year=2024, indicator="canteen", scope="district").iloc[0]
    assert (found["value"], found["reported"]) == (
        1,
        len(study.dataset.employers.query("year == 2024")),
    )


MISTAKES = {
    "culture_held:\n    vi: A": "đã có trong các bảng",
    "Mai-Am:\n    vi: A": "chỉ gồm chữ thường không dấu",
    "order:\n    vi: A": "ít nhất hai từ",
    "a_b:\n    vi: Tổng số đoàn viên": "đã có ở một cột khác",
    "a_b:\n    vi: A\n    at_most: nobody": "không có cột số đếm «nobody»",
    "a_b:\n    vi: A\n    en: ''\n    at_most: a_b": "không có cột số đếm «a_b»",
    "a_b:\n    vi: ''": "",
    "a_b:\n    vi: A\n    kieu: count": "khóa lạ",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, mistake: str) -> None:
    text = f"# cột riêng\nreturns:\n  fine_day:\n    vi: Đúng\n    type: date\n  {mistake}\n    type: count\n"
    (tmp_path / OWN_COLUMNS).write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        take_own_columns(tmp_path)
    (problem,) = caught.value.problems
    assert MISTAKES[mistake] in problem.message
    assert problem.file == OWN_COLUMNS
    assert problem.row is not None
    assert 6 <= problem.row <= 8
    assert own_columns() == ()
