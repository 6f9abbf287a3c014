"""Lists of members: what they count, and that nobody in them is ever named again."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Run
from deliveries import make_folder

from analysis import load
from analysis.intake.reader import read_content
from analysis.tables.load import load_dataset

Congdoan = Callable[..., Run]
Rows = list[list[Any]]

HEADINGS = ["STT", "Họ và tên", "Giới tính", "Ngày sinh", "CCCD", "Ngày vào công đoàn"]
HEADINGS += ["Chức vụ công đoàn"]
FAMILY, MIDDLE = ("Nguyễn", "Trần", "Hồ", "Lê"), ("Thị", "Văn", "Đức", "Ngọc")
GIVEN = ("Kăn", "Mừng", "Thuyền", "Lịch", "Quýt", "Đào")


def people(count: int) -> Rows:
    """Persons, none like another; the sex, the day of joining and the office as they come."""
    rng = random.Random(count)
    rows: Rows = []
    for number in range(1, count + 1):
        name = f"{rng.choice(FAMILY)} {rng.choice(MIDDLE)} {rng.choice(GIVEN)}zq{number}"
        joined = date(rng.choice((2019, 2023, 2024)), rng.randint(1, 12), 5)
        row = [number, name, rng.choice(("Nam", "Nữ", "nữ")), date(1980, 1 + number % 12, 7)]
        row += [f"0450{number:08}", rng.choice((joined, f"{joined:%d/%m/%Y}", joined.year))]
        rows.append([*row, rng.choice(("", "", "Tổ trưởng", "Không"))])
    return rows


def year_of(joined: Any) -> int:
    return joined.year if isinstance(joined, date) else int(str(joined)[-4:])


def write_list(path: Path, rows: Rows, headings: list[str] = HEADINGS, *above: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = openpyxl.Workbook()
    page = workbook.active
    assert page is not None
    for line in (*above, "DANH SÁCH ĐOÀN VIÊN NĂM 2024"):
        page.append([line])
    for row in (headings, *rows):
        page.append(row)
    workbook.save(path)
    return path


def names_in(rows: Rows) -> set[str]:
    """Everything that could point at a person."""
    found = {str(row[1]) for row in rows} | {str(row[4]) for row in rows}
    return found | {str(row[1]).split()[-1] for row in rows}


def read(path: Path) -> tuple[dict[str, dict[str, str]], list[str]]:
    delivery, problems = read_content(path.name, path.read_bytes(), None)
    assert delivery is not None, [str(problem) for problem in problems]
    found = {part.table: part.text.to_dict("records")[0] for part in delivery.records}
    return found, [f"{problem.code} {problem.row}" for problem in problems]


def test_a_list_of_two_thousand_is_counted_and_nobody_of_it_is_kept_anywhere(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    rows = people(2000)
    again = [2001, *rows[6][1:]]
    folder = make_folder(tmp_path / "data", workers_total=3000, members_total="", members_female="")
    path = write_list(tmp_path / "mail" / "U2_danh-sach.xlsx", [*rows, again])
    run = congdoan("import", path.parent, "--data", folder)
    assert (run.status, run.err) == (0, "")
    assert "dòng 2003: trùng với người ở dòng 9: chỉ tính một lần" in run.out
    dataset = load_dataset(folder)
    unit = dataset.roster.set_index("unit_id").loc["U2"]
    assert unit["members_total"] == 2000
    assert unit["members_female"] == sum(str(row[2]).lower() == "nữ" for row in rows)
    told = dataset.returns.set_index("unit_id").loc["U2"]
    assert told["new_members"] == sum(year_of(row[5]) == 2024 for row in rows)
    assert told["cadres_total"] == sum(row[6] == "Tổ trưởng" for row in rows)
    # Its own report is still to come.
    assert not load(2024, data=str(folder)).register.at[(2024, "U2"), "has_return"]
    assert re.search(r"- .*\(U2\)", congdoan("status", "--year", 2024, "--data", folder).out)

    bad = [row[:] for row in rows]
    bad[3][2], bad[4][5], bad[5][1] = "Mừng Thị Lộ", "hồi Kăn Lộ còn sống", ""
    write_list(path, bad)
    wrong = congdoan("import", path.parent, "--data", folder)
    assert wrong.status == 1
    for place in ("dòng 6: giới tính", "dòng 7: ngày vào công đoàn", "dòng 8: dòng có thông tin"):
        assert place in wrong.out
    history = congdoan("history", "U2", 2024, "--data", folder)
    kept = [run.out, wrong.out, history.out]
    others = [one for one in tmp_path.rglob("*") if one.is_file() and one != path]
    assert not [one.name for one in others if one.suffix == ".xlsx"]  # no marked copy
    kept += [one.read_bytes().decode("utf-8", "replace") for one in others]
    words = {word for text in kept for word in re.findall(r"\w+", text)}
    named = {part for name in names_in(rows) for part in name.split()}
    assert not {
        word for word in words & named if "zq" in word or (word.isdigit() and len(word) > 9)
    }
    assert not [text for text in kept if "Lộ" in text]


@pytest.mark.parametrize(
    ("headings", "rows", "counts"),
    [
        # Men and women in two columns; a title of a group, a row of numbers, a total, a signature.
        (
            ["TT", "Họ tên", "Nam", "Nữ", "Năm sinh"],
            [
                [1, 2, 3, 4, 5],
                ["I", "Tổ Hành chính"],
                [1, "Hồ A", "x", "", 1980],
                [2, "Hồ B", "", "x", 1981],
                [3, "Hồ B", "", "x", 1982],
                ["", "Tổng cộng", 1, 2, ""],
                ["", "Người lập biểu"],
                ["", "Lê C"],
            ],
            {"members_total": "3", "members_female": "2"},
        ),
        # Who is known by name alone may be two.
        (
            ["STT", "Họ và tên", "Giới tính"],
            [[1, "Hồ A", "Nam"], [2, "Hồ A", ""]],
            {"members_total": "2", "members_female": ""},
        ),
        # One number is one person, however the name is spelt.
        (
            ["Họ và tên", "Số CCCD"],
            [["Hồ A", "045"], ["HỒ  A ", "045"], ["Hồ A", "046"]],
            {"members_total": "2"},
        ),
        # One row without it: how many women is not known, and not zero.
        (
            ["Họ và tên", "Giới tính", "Năm sinh"],
            [["Hồ A", "Nữ", 1980], ["Hồ B", "", 1981], ["Hồ C", "Nữ", 1982]],
            {"members_total": "3", "members_female": ""},
        ),
    ],
)
def test_a_list_is_read_as_people_lay_it_out(
    tmp_path: Path, headings: list[str], rows: Rows, counts: dict[str, str]
) -> None:
    path = write_list(tmp_path / "ds.xlsx", rows, headings, "Mã CĐCS: U2")
    roster = read(path)[0]["roster"]
    assert {name: roster.get(name, "") for name in counts} == counts
    assert roster["unit_id"] == "U2"


def test_a_row_of_which_nobody_can_tell_whether_it_is_a_person_is_asked_about(
    tmp_path: Path,
) -> None:
    rows = [["Hồ A", "Nữ"], ["Tổ Hai", ""], ["Hồ C", "Nữ"], ["", ""], ["Người lập"], ["Lê C"]]
    path = write_list(tmp_path / "U2_ds.xlsx", rows, ["Họ và tên", "Giới tính"])
    delivery, problems = read_content(path.name, path.read_bytes(), None)
    assert delivery is None
    assert [(p.code, p.row) for p in problems if p.severity == "error"] == [("bare_name", 4)]


def test_a_list_of_chairs_with_counts_is_no_list_of_persons(tmp_path: Path) -> None:
    heads = ["STT", "Tên CĐCS", "Họ và tên", "Loại hình", "Xã", "Đoàn viên", "Nữ"]
    rows = [
        [1, "CĐCS A", "Hồ B", "SNCL", "Húc", 20, 12],
        [2, "CĐCS B", "Hồ C", "SNCL", "Húc", 9, 1],
    ]
    path = write_list(tmp_path / "ds.xlsx", rows, heads)
    _, problems = read_content(path.name, path.read_bytes(), None)
    assert [(one.code, one.value) for one in problems if one.severity == "error"] == [
        ("ask_heading", "Đoàn viên / Nữ")
    ]
    # Marked with a 1, each is a person; the total below is none of them.
    rows = [[1, "Hồ A", ""], [2, "Hồ B", 1], [3, "Hồ C", 1], ["", "Tổng cộng", 2]]
    path = write_list(tmp_path / "U2.xlsx", rows, ["TT", "Họ tên", "Nữ"], "Mã CĐCS: U2")
    assert read(path)[0]["roster"]["members_total"] == "3"


def test_a_list_of_nobody_known_is_asked_about(tmp_path: Path) -> None:
    path = write_list(tmp_path / "ds.xlsx", people(3))
    delivery, problems = read_content(path.name, path.read_bytes(), None)
    assert delivery is None
    assert [problem.code for problem in problems] == ["no_unit"]
    assert "Mã CĐCS" in problems[0].message


def test_a_units_form_updates_what_its_list_of_members_said(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "data", members_total="", members_female="")
    path = write_list(tmp_path / "U2_danh-sach.xlsx", people(12))
    assert congdoan("import", path, "--data", folder).status == 0
    assert (
        congdoan("template", "--year", 2024, "--data", folder, "--out", tmp_path / "f").status == 0
    )
    (form,) = (tmp_path / "f").glob("U2_*.xlsx")
    workbook = openpyxl.load_workbook(form)
    page = workbook["Báo cáo"]
    lines = {row[1].value: row[0].row for row in page.iter_rows()}
    for line, value in {"Tổng số đoàn viên": 14, "Số người được tuyên truyền": 9}.items():
        page[f"D{lines[line]}"].value = value
    page[f"D{lines['Số đoàn viên kết nạp mới']}"].value = 1
    workbook.save(form)
    run = congdoan("import", form, "--data", folder)
    assert (run.status, run.err) == (0, ""), run.out
    assert "Tổng số đoàn viên 12 → 14" in run.out
    dataset = load_dataset(folder)
    assert dataset.roster.set_index("unit_id").at["U2", "members_total"] == 14
    assert dataset.returns.set_index("unit_id").at["U2", "informed"] == 9

    # Both in one folder, whichever is read first.
    both = make_folder(tmp_path / "both", members_total="", members_female="")
    run = congdoan("import", form, path, "--data", both)
    assert (run.status, run.err) == (0, ""), run.out
    assert load_dataset(both).roster.set_index("unit_id").at["U2", "members_total"] == 14
    assert load_dataset(both).returns.set_index("unit_id").at["U2", "new_members"] == 1
