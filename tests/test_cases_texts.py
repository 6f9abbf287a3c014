"""Awkward texts and plain tables: each is read rightly, asked about or refused in words."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pytest
from cases import CASES, data_for, mail_for, store_for
from conftest import ROOT, Run
from datasets import filled, write_tables
from test_tables import UNIT, sound_tables

from analysis.intake.officelists import lacks_codes
from analysis.intake.reader import read_content
from analysis.problems import InputError, Problem
from analysis.tables.check import check_oddities
from analysis.tables.delivery import Delivery
from analysis.tables.dictionary import dictionary
from analysis.tables.load import load_dataset
from analysis.tables.writing import clean

Congdoan = Callable[..., Run]


class Imported(NamedTuple):
    """What an import said, and the folder that it left."""

    run: Run
    data: Path
    mail: Path


@pytest.fixture
def take(congdoan: Congdoan, tmp_path: Path) -> Callable[..., Imported]:
    """Import what arrives in a case, into the dataset that it begins with."""

    def take(case: str, *settings: object, file: str = "") -> Imported:
        data = store_for(case.partition("/")[0], tmp_path)
        if file:
            mail = tmp_path / "in"
            mail.mkdir()
            shutil.copy(CASES / case / file, mail)
        else:
            mail = mail_for(case, tmp_path)
        return Imported(congdoan("import", mail, *settings, "--data", data), data, mail)

    return take


def read(name: str, content: bytes, year: int | None = None) -> tuple[Delivery, list[Problem]]:
    delivery, problems = read_content(name, content, year)
    assert delivery is not None, [str(problem) for problem in problems]
    return delivery, problems


def refused(name: str, content: bytes) -> list[Problem]:
    _, problems = read_content(name, content, None)
    return [problem for problem in problems if problem.severity == "error"]


def table(*lines: str) -> bytes:
    return "\n".join(lines).encode()


# Tables whose rows are nobody's


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("33b-no-id-column", "thiếu cột «Mã CĐCS»"),
        (
            "33c-id-heading-typo",
            "ô B1, cột «Mã CĐCS» (giá trị «Mã CDCS»): thiếu cột «Mã CĐCS», không biết mỗi dòng là"
            " của ai; tiêu đề ở đây có phải là «Mã CĐCS»?",
        ),
        ("33d-employer-no-id", "thiếu cột «Mã đơn vị sử dụng lao động»"),
    ],
)
def test_a_table_without_its_key_is_refused_by_name(
    take: Callable[..., Imported], case: str, said: str
) -> None:
    run, data, mail = take(case, "--year", 2025)
    assert run.status == 1
    assert said in run.out
    assert "Bị trả lại, chưa nhận gì: 1 tệp" in run.out
    assert (mail / "loi-nhap" / "danh-sach-loi.html").is_file()
    assert load_dataset(data).returns["year"].max() == 2024


def test_headings_on_two_rows_are_refused_and_the_other_files_go_on(
    take: Callable[..., Imported],
) -> None:
    run, data, mail = take("33-two-level-header", "--year", 2025)
    assert run.status == 1
    assert "ô B1, cột «Mã CĐCS» (giá trị «Mã CĐCS»): thiếu cột «Mã CĐCS»" in run.out
    assert "hãy ghi mọi tiêu đề trên cùng một dòng" in run.out
    assert (mail / "loi-nhap" / "danh-sach-loi.html").is_file()
    taken = load_dataset(data).returns
    assert sorted(taken.loc[taken["year"] == 2025, "unit_id"]) == ["DN-COLAU", "DN-DABAN"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("01-ds-he-thong-khac.xlsx", "«Địa chỉ» có phải là cột «Xã, thị trấn»?"),
        ("10-khong-co-nam.xlsx", "không thấy năm của số liệu"),
        ("11-chi-co-ten.xlsx", "thiếu cột «Mã CĐCS»"),
    ],
)
def test_lists_of_other_offices_are_refused_in_words(
    take: Callable[..., Imported], file: str, said: str
) -> None:
    run, data, _ = take("dakrong", file=file)
    assert (run.status, said in run.out) == (1, True)
    assert load_dataset(data).returns.empty


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (table("year,informed,plan_made", "2024,3,true"), "unit_id"),
        (table("date,event,note", "2024-03-01,merged,x"), "predecessor_id"),
        (table("date,event,predecessor_id", "2024-03-01,merged,A"), "successor_id"),
        (table("event,predecessor_id,successor_id", "merged,A,B"), "date"),
        (table("năm 2023 và năm 2024,,", "unit_id,informed,plan_made", "A,3,true"), ""),
        (table("Báo cáo,,", "unit_id,informed,plan_made", "A,3,true"), ""),
    ],
)
def test_rows_without_their_key_never_leave_the_intake(content: bytes, column: str) -> None:
    delivery, problems = read_content("b.csv", content, None)
    assert delivery is None
    assert column in {problem.column for problem in problems if problem.severity == "error"}


@pytest.mark.parametrize(
    ("heading", "is_near"),
    [("Mã số CĐCS", True), ("MA CDCS", True), ("Mã", True), ("Mã đơn vị", True), ("Tên", False)],
)
def test_the_nearest_heading_is_named(heading: str, is_near: bool) -> None:
    content = table(f"Năm;{heading};Số cán bộ công đoàn;Số đoàn viên kết nạp mới", "2024;A;3;1")
    (problem,) = [one for one in refused("b.csv", content) if one.code == "no_column"]
    assert problem.cell == ("B1" if is_near else "")


@pytest.mark.parametrize(
    ("title", "is_asked"),
    [
        ("TỔNG HỢP 6 THÁNG ĐẦU NĂM 2024", True),
        ("Báo cáo 9 tháng năm 2024", True),
        ("Số liệu quý III năm 2024", True),
        ("Số liệu quý 2/2024 - năm 2024", True),
        ("Khe Sanh, ngày 6 tháng 12 năm 2024", False),
        ("Khe Sanh, ngày 06 tháng 9 năm 2024", False),
        ("Công ty Phú Quý 1, năm 2024", False),
        ("Số liệu 12 tháng năm 2024", False),
    ],
)
def test_a_title_that_speaks_of_a_part_of_the_year_is_asked_about(
    title: str, is_asked: bool
) -> None:
    content = table(f"{title};;", "Mã CĐCS;Số cán bộ công đoàn;Số đoàn viên kết nạp mới", "A;3;1")
    codes = [problem.code for problem in refused("b.csv", content)]
    assert codes == (["part_of_year"] if is_asked else [])


def test_a_form_whose_title_was_changed_to_half_a_year_is_asked_about() -> None:
    file = next((CASES / "00-control" / "in").iterdir())
    book = openpyxl.load_workbook(file)
    book.worksheets[0]["A2"] = "BÁO CÁO SỐ LIỆU 6 THÁNG ĐẦU NĂM 2025"
    buffer = io.BytesIO()
    book.save(buffer)
    (problem,) = refused(file.name, buffer.getvalue())
    assert (problem.code, problem.cell) == ("part_of_year", "A2")


def test_a_name_printed_beside_a_code_comes_with_the_figures() -> None:
    file = CASES / "dakrong" / "41-ma-ten-khong-khop.xlsx"
    delivery, _ = read(file.name, file.read_bytes())
    (returns,) = delivery.records
    assert returns.names is not None
    assert returns.names.to_dict() == {
        4: "CĐCS Trường TH&THCS Krông Klang",
        5: "CĐCS Trường Mầm non Krông Klang",
    }
    assert returns.address("name", 5) == "B5"


# Days


def test_a_column_of_days_that_an_american_excel_may_have_turned_is_told(
    take: Callable[..., Imported],
) -> None:
    run, _, _ = take("07-us-dates", "--year", 2026)
    (line,) = [one for one in run.out.splitlines() if "kiểu Mỹ" in one]
    assert line.startswith("CẢNH BÁO danh-sach_2026.xlsx, trang tính «Danh sách CĐCS», ô F2")
    assert "hiểu là 03/05/2014; nếu đúng ra là 05/03/2014" in line


REGISTER = ("Năm", "Mã CĐCS", "Tên CĐCS", "Loại hình", "Xã, thị trấn", "Ngày thành lập")


def register(*days: object) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(REGISTER)
    for number, day in enumerate(days):
        page.append([2024, f"U{number}", "CĐCS A", "Hợp tác xã", "Húc", day])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("days", "is_told"),
    [
        ((date(2014, 5, 3), "25/12/2013"), True),
        ((date(2014, 5, 3), date(2014, 5, 5), "25/12/2013"), True),
        ((date(2014, 5, 13), date(2014, 5, 3), "25/12/2013"), False),
        ((date(2014, 5, 5), "25/12/2013"), False),
        ((date(2014, 5, 3), "5/5/2013"), False),
        ((date(2014, 5, 3), "2013-12-25"), False),
        (("25/12/2013", "03/5/2014"), False),
    ],
)
def test_days_typed_and_days_turned_are_told_apart(days: tuple[object, ...], is_told: bool) -> None:
    _, problems = read("b.xlsx", register(*days))
    assert ("swapped_days" in {problem.code for problem in problems}) == is_told
    assert {problem.severity for problem in problems} <= {"warning"}


def test_the_other_days_of_a_column_settle_which_number_is_the_day() -> None:
    delivery, _ = read("b.xlsx", register("05/9/2003", "25/12/2013"))
    assert delivery.records[0].text["founded_on"].to_list() == ["2003-09-05", "2013-12-25"]
    alone = refused("b.xlsx", register("05/9/2003", "5/5/2013"))
    assert [problem.code for problem in alone] == ["ambiguous_date"]
    # Here they settle nothing: one has the day first, the other cannot have it.
    both = refused("b.xlsx", register("05/9/2003", "25/12/2013", "12/25/2013"))
    assert {problem.code for problem in both} == {"ambiguous_date", "not_date"}


def test_a_day_as_iso_text_is_read(take: Callable[..., Imported]) -> None:
    run, data, _ = take("17-iso-date", "--year", 2026)
    assert run.status == 0
    roster = load_dataset(data).roster
    days = roster.loc[roster["year"] == 2026, "founded_on"]
    assert set(days.dt.strftime("%Y-%m-%d")) == {"2013-09-13"}


def test_a_day_that_no_calendar_has_is_refused_and_the_other_file_goes_on(
    take: Callable[..., Imported],
) -> None:
    run, data, _ = take("35-impossible-date", "--year", 2025)
    assert run.status == 1
    assert "ô F2, cột «Ngày thành lập» (giá trị «30/02/2013»)" in run.out
    assert "Đã nhận: 1 tệp\n  z_DN-COLAU_x_2025.xlsx" in run.out
    returns = load_dataset(data).returns
    assert returns.loc[returns["year"] == 2025, "unit_id"].to_list() == ["DN-COLAU"]


# Answers with more than an answer


def test_what_stands_behind_an_answer_is_kept_in_the_note_and_told() -> None:
    head = "year,unit_id,plan_made,emulation_launched"
    content = table(f"{head},note", "2024,A,Có (tháng 3),ko,Đủ", "2024,B,Có,không (năm nay),")
    delivery, problems = read("b.csv", content)
    text = delivery.records[0].text
    assert text["plan_made"].to_list() == ["true", "true"]
    assert text["emulation_launched"].to_list() == ["false", "false"]
    assert text["note"].to_list() == [
        "Đủ\nĐã xây dựng kế hoạch thực hiện Nghị quyết 02: Có (tháng 3)",
        "Đã phát động phong trào thi đua: không (năm nay)",
    ]
    assert [(one.severity, one.cell, one.value) for one in problems] == [
        ("warning", "C2", "Có (tháng 3)"),
        ("warning", "D3", "không (năm nay)"),
    ]
    assert "«tháng 3» được giữ trong ghi chú" in problems[0].message


def test_without_a_column_for_notes_only_the_rows_with_a_remark_have_one() -> None:
    content = table("year,unit_id,plan_made", "2024,A,Có (tháng 3)", "2024,B,Có")
    text = read("b.csv", content)[0].records[0].text
    assert text["note"].isna().to_list() == [False, True]


# Letters lost between encodings


def test_windows_1258_is_read_with_its_names(take: Callable[..., Imported]) -> None:
    run, data, _ = take("13-csv-1258", "--year", 2026)
    assert run.status == 0
    roster = load_dataset(data).roster
    new = roster[roster["year"] == 2026].set_index("unit_id")
    assert new["name"].to_dict() == {
        "DN-DABAN": "CĐCS Công ty TNHH MTV Nông sản Đá Bàn",
        "DN-RLAN": "CĐCS Trường Mầm non Hướng Tân",
    }
    assert new["commune"].to_dict() == {"DN-DABAN": "Hướng Phùng", "DN-RLAN": "Xã Thuận"}


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("13-csv-double-utf8", "chữ UTF-8 bị đọc nhầm bảng mã, có lẽ là «Xã Thuận»"),
        ("13-csv-question", "(giá trị «Xã Thu?n»): có chữ bị mất thành dấu ?"),
    ],
)
def test_a_file_whose_letters_were_lost_is_refused_with_what_was_seen(
    take: Callable[..., Imported], case: str, said: str
) -> None:
    run, data, _ = take(case, "--year", 2026)
    assert (run.status, said in run.out) == (1, True)
    assert "Xă" not in run.out
    assert load_dataset(data).roster["year"].max() == 2025


@pytest.mark.parametrize("name", ["C\u00c4\ufffdCS", "X\u0083 Húc"])
def test_lost_letters_are_found_in_a_datasets_own_tables_too(tmp_path: Path, name: str) -> None:
    tables = sound_tables() | {"returns": [], "employers": [], "lineage": []}
    tables["roster"] = [filled("roster", UNIT | {"name": name})]
    with pytest.raises(InputError) as failure:
        load_dataset(write_tables(tables, tmp_path))
    assert [(one.code, one.column) for one in failure.value.problems] == [("control", "name")]


def test_a_code_page_that_turns_one_letter_into_another_is_not_guessed() -> None:
    """Windows-1252 has ã where Windows-1258 has ă: nothing in the bytes says which was meant."""
    content = "year,unit_id,name,unit_type,commune\n2024,A,CS A,cooperative,Xã Tân\n".encode(
        "cp1252"
    )
    (problem,) = refused("b.csv", content)
    assert (problem.code, "Windows-1252" in problem.message) == ("legacy_encoding", True)


def test_good_unicode_with_signs_of_latin_1_is_no_old_encoding(
    take: Callable[..., Imported],
) -> None:
    run, data, _ = take("37-legacy-false-0", "--year", 2025)
    assert run.status == 0
    returns = load_dataset(data).returns
    assert returns.loc[returns["year"] == 2025, "note"].to_list() == ["Hỗ trợ 3×4 suất quà"]


# Rows that are about no unit


def test_column_numbers_totals_and_signatures_are_told_and_left_out(
    take: Callable[..., Imported],
) -> None:
    run, data, _ = take("15-number-row", "--year", 2025)
    assert run.status == 0
    told = [line.partition(": ")[2] for line in run.out.splitlines() if "không lấy vào" in line]
    assert [text.partition(",")[0] for text in told] == [
        *("dòng đánh số cột", "dòng cộng", "dòng ký tên")
    ]
    returns = load_dataset(data).returns
    (new,) = returns[returns["year"] == 2025].itertuples()
    assert (new.unit_id, new.informed, new.fund_due) == ("DN-DABAN", 30, 47_790_000)


def test_a_foreign_list_is_read_with_its_own_words_for_types() -> None:
    file = CASES / "dakrong" / "02-dong-tong-chu-ky.xlsx"
    delivery, problems = read_content(file.name, file.read_bytes(), 2024)
    assert [str(one) for one in problems if one.severity == "error"] == []
    assert delivery is not None
    types = delivery.records[0].text["unit_type"]
    assert [types[37], types[38]] == ["fdi_enterprise", "cooperative"]
    assert [one.cell for one in problems if one.code == "not_data"] == ["B42", "E44"]


HEAD = "unit_id,name,informed,cadres_total,fund_due"


@pytest.mark.parametrize(
    ("lines", "units", "refused_rows"),
    [
        ((",,(1),(2),(3)", "A,x,7,8,9"), ["A"], []),
        (("A,B,1,2,3=1+2", "U1,x,7,8,9"), ["U1"], []),
        # Only right below the headings, and only one after the other.
        (("U1,x,7,8,9", "A,,1,2,3"), ["U1", "A"], []),
        (("A,,1,2,4", "U1,x,7,8,9"), ["A", "U1"], []),
        (("U1,x,7,8,9", ",Tổng số: 1 đơn vị,7,8,9", "U2,x,7,8,9"), ["U1", "U2"], []),
        (("U1,x,7,8,9", ",Khối trường học,,,", "U2,x,7,8,9"), None, [3]),
        # Whose code is missing may not be lost, nor who stands among the signatures with figures.
        (("U1,x,7,8,9", ",y,7,8,9", ",Người lập,,,", ",Nguyễn An,,,"), None, [3]),
        (("U1,x,7,8,9", ",Người lập,,,", ",y,7,8,9"), None, [3, 4]),
        (("U1,x,7,8,9", ",Chủ tịch,,,", "U2,x,7,8,9"), None, [3]),
        (("U1,Công ty Cộng Hòa,7,8,9", "U2,Tổng công ty A,7,8,9"), ["U1", "U2"], []),
    ],
)
def test_rows_are_known_for_what_they_are(
    lines: tuple[str, ...], units: list[str] | None, refused_rows: list[int]
) -> None:
    delivery, problems = read_content("b.csv", table(HEAD, *lines), 2024)
    errors = [problem for problem in problems if problem.severity == "error"]
    assert [problem.row for problem in errors] == refused_rows
    assert {problem.code for problem in errors} <= {"empty"}
    if units is not None:
        assert delivery is not None
        assert delivery.records[0].text["unit_id"].to_list() == units


# Units of measure


MONEY = ("Mã CĐCS;Kinh phí công đoàn phải thu;Kinh phí công đoàn đã thu", "A;48,5;45,75")
IN_MILLIONS = {
    "above": ("Tổng hợp năm 2024;;", "(ĐVT: triệu đồng);;", *MONEY),
    "in the title": ("Thu kinh phí năm 2024 (đơn vị tính: triệu đồng);;", *MONEY),
    "beside a label": ("Năm 2024;;", "Đơn vị tính;Triệu đồng;", *MONEY),
    "in the headings": (
        "Năm 2024;;",
        "Mã CĐCS;Kinh phí công đoàn phải thu (triệu đồng);Kinh phí công đoàn đã thu, trđ",
        MONEY[1],
    ),
    "below the headings": ("Năm 2024;;", MONEY[0], ";(tr.đồng);(tr.đồng)", MONEY[1]),
    "with persons": ("Năm 2024;;", "Đơn vị tính: người, triệu đồng;;", *MONEY),
}


@pytest.mark.parametrize("place", IN_MILLIONS)
def test_money_stated_in_millions_is_refused_or_multiplied_exactly(place: str) -> None:
    content = table(*IN_MILLIONS[place])
    (problem,) = refused("b.csv", content)
    assert (problem.code, "--don-vi trieu" in problem.advice) == ("other_unit", True)
    delivery, problems = read_content("b.csv", content, None, 1_000_000)
    assert delivery is not None
    (row,) = delivery.records[0].text.to_dict("records")
    assert (row["fund_due"], row["fund_collected"]) == ("48500000", "45750000")
    assert "đã nhân với 1.000.000" in next(p for p in problems if p.code == "multiplied").message
    # Who says thousands does not get millions.
    other = read_content("b.csv", content, None, 1_000)[1]
    assert "other_unit" in {one.code for one in other if one.severity == "error"}


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        # In đồng as it should be: nothing to say, and nothing multiplied for who says millions.
        (("Năm 2024;;", "ĐVT: đồng;;", MONEY[0], "A;48;45"), set()),
        (("Năm 2024;;", "Đơn vị: CĐCS Húc;;", MONEY[0], "A;48;45"), set()),
        (("Năm 2024;", "Mã CĐCS;Đoàn phí đã thu (đồng)", "A;48"), set()),
        (("Năm 2024;", "Mã CĐCS;Số cán bộ công đoàn (người)", "A;48"), set()),
        (("Năm 2024;", "ĐVT: triệu đồng;", "Mã CĐCS;Số cán bộ công đoàn", "A;48"), set()),
        # Only a part of the money is stated so, or a unit of something else.
        (
            (
                "Năm 2024;;",
                "Mã CĐCS;Đoàn phí phải thu (triệu đồng);Đoàn phí đã thu",
                "A;48;48000000",
            ),
            {"other_unit"},
        ),
        (("Năm 2024;", "Mã CĐCS;Số cán bộ công đoàn (lớp)", "A;48"), {"other_unit"}),
        (("Năm 2024;;", "ĐVT: tỷ đồng;;", *MONEY), {"other_unit"}),
        # A cell may not say otherwise, and half a đồng is none.
        (("Năm 2024;;", "ĐVT: triệu đồng;;", MONEY[0], "A;48 đồng;45"), {"not_number"}),
        (("Năm 2024;;", "ĐVT: triệu đồng;;", MONEY[0], "A;0,0000005;45"), {"fraction"}),
    ],
)
def test_what_a_table_says_of_its_units_is_heeded(lines: tuple[str, ...], codes: set[str]) -> None:
    delivery, problems = read_content("b.csv", table(*lines), None, 1_000_000)
    assert {one.code for one in problems if one.severity == "error"} == codes
    if not codes:
        assert delivery is not None
        assert "48" in delivery.records[0].text.to_numpy()


def test_an_import_multiplies_only_when_told_to(congdoan: Congdoan, tmp_path: Path) -> None:
    data = data_for("00-control", tmp_path)
    file = tmp_path / "kinh-phi.csv"
    file.write_bytes(
        table("Năm 2025;", "ĐVT: nghìn đồng;", "Mã CĐCS;Đoàn phí phải thu", "DN-DABAN;20.020")
    )
    run = congdoan("import", file, "--data", data)
    assert (run.status, "--don-vi nghin" in run.out) == (1, True)
    run = congdoan("import", file, "--don-vi", "nghin", "--data", data)
    assert (run.status, "đã nhân với 1.000 để ra đồng" in run.out) == (0, True)
    returns = load_dataset(data).returns
    assert returns.loc[returns["year"] == 2025, "dues_due"].to_list() == [20_020_000]
    assert congdoan("import", file, "--don-vi", "ty", "--data", data).status != 0


# One name in many writings


def test_one_commune_in_many_writings_is_told_once_and_never_split_in_silence(
    take: Callable[..., Imported], congdoan: Congdoan
) -> None:
    run, data, _ = take("12-commune-variants", "--year", 2026)
    assert run.status == 0
    told = sorted(line for line in run.out.splitlines() if "viết nhiều cách" in line)
    assert len(told) == 2
    for text in (
        "Khe Sanh» (3 dòng)",
        "KHE SANH",
        "khe sanh",
        "KheSanh",
        "Khe Sanh.",
        "TT Khe Sanh",
    ):
        assert f"«{text}" in told[1]
    assert "«Hướng Hóa» (1 dòng), «Hướng Hoá» (1 dòng)" in told[0]
    roster = load_dataset(data).roster
    new = roster[roster["year"] == 2026].set_index("unit_id")["commune"]
    assert new[["DN-BAMAY", "DN-COINGAN"]].to_list() == ["Khe Sanh", "Khe Sanh"]
    assert new[["DN-DOIGIO", "DN-DONGSIM"]].to_list() == ["Đakrông", "Đakrông"]
    again = congdoan("check", "--data", data)
    assert again.out.count("viết nhiều cách") + again.err.count("viết nhiều cách") == 2


def variants(folder: Path) -> list[Problem]:
    return [p for p in check_oddities(load_dataset(folder)) if p.code == "spelling_variants"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(2024, "A", "CS A", "Húc"), (2024, "B", "CS B", "Hục")], []),
        ([(2024, "A", "CS A", "Húc"), (2024, "B", "CS B", "húc")], [("commune", "húc")]),
        ([(2024, "A", "CS A", "Húc"), (2024, "B", "CS B", "xã Húc")], [("commune", "xã Húc")]),
        # Unmended table files are not changed, but told.
        ([(2024, "A", "CS A", "Tân Lập"), (2024, "B", "CS B", "Tân\u00a0Lập")], [("commune", "Tân\u00a0Lập")]),
        ([(2023, "A", "CS A", "Hướng Hóa"), (2024, "A", "CS A", "Hướng Hoá")], [("commune", "Hướng Hoá")]),
        # A town that becomes a commune is another place.
        ([(2023, "A", "CS A", "thị trấn Húc"), (2024, "A", "CS A", "xã Húc")], []),
        ([(2023, "A", "CS Hoá chất", "Húc"), (2024, "A", "CS Hóa Chất.", "Húc")], [("name", "CS Hóa Chất.")]),
        ([(2023, "A", "CS Hoá chất", "Húc"), (2024, "A", "CS Phân bón", "Húc")], []),
        ([(2023, "A", "CS Hoá chất", "Húc"), (2024, "B", "CS Hóa chất", "Húc")], []),
    ],
)  # fmt: skip
def test_writings_of_one_name(
    tmp_path: Path, rows: list[tuple[int, str, str, str]], told: list[tuple[str, str]]
) -> None:
    tables = sound_tables() | {"returns": [], "employers": [], "lineage": []}
    tables["roster"] = [
        filled("roster", UNIT | {"year": year, "unit_id": unit, "name": name, "commune": commune})
        for year, unit, name, commune in rows
    ]
    found = variants(write_tables(tables, tmp_path))
    assert [(one.column, one.value) for one in found] == told
    assert {one.severity for one in found} <= {"warning"}


def test_the_sample_writes_each_name_in_one_way() -> None:
    assert variants(ROOT / "data" / "sample") == []


# Every column, whatever stands in it


SOUND_CELLS = {
    **{"id": "U1", "task": "t-1", "text": "Húc", "count": "1", "money": "1000", "share": "0.5"},
    **{"boolean": "true", "date": "2024-03-01", "year": "2024"},
}
BAD_CELLS = (
    *("12 người", "5 triệu", "1,234", "1E3", "85%", "-5", "0.123", "không có", "NA", "?", "31/02/2013"),
    *("05/9/2003", "Có (tháng 3)", "Có (chưa ký)", "hoan thanh tot nhiem vu.", "H??ng", "XÃ£ HÃºc"),
    *("C«ng ®oµn", "\ufffd", "\x83", "\u200c", "'", ".", "１２", "=1+1", "../x", "9" * 30, "Tổng cộng"),
)  # fmt: skip
#: Each column of a key, and one that is in none.
LACKING = [
    (table.name, column)
    for table in dictionary().tables.values()
    for column in [*table.key, next(c for c in table.columns if c not in table.key)]
]


def sound_rows(name: str, count: int) -> list[dict[str, str]]:
    columns = dictionary().tables[name].columns.values()
    row = {c.name: c.words[0] if c.words else SOUND_CELLS[c.type.name] for c in columns}
    ids = [column.name for column in columns if column.type.name == "id"]
    return [row | {one: f"U{number}" for one in ids} for number in range(count)]


def as_table(rows: list[dict[str, str]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


@pytest.mark.parametrize("name", dictionary().tables)
def test_no_cell_is_lost_whatever_it_holds(name: str) -> None:
    """Each is read or named; none stops the reading of the others."""
    cells = [(column, bad) for column in dictionary().tables[name].columns for bad in BAD_CELLS]
    rows = sound_rows(name, len(cells))
    for row, (column, bad) in zip(rows, cells, strict=True):
        row[column] = bad
    delivery, problems = read_content("b.csv", as_table(rows), None)
    assert delivery is not None
    text = delivery.records[0].text
    named = {problem.row for problem in problems}
    for number, (column, bad) in enumerate(cells, start=2):
        is_read = number in text.index and text.at[number, column] != ""
        assert is_read or number in named or clean(bad) == "", (column, bad)


@pytest.mark.parametrize(("name", "column"), LACKING)
@pytest.mark.parametrize("heading", ["", "Mã CDCS"])
def test_a_table_that_lacks_a_column_has_its_key_or_is_refused(
    name: str, column: str, heading: str
) -> None:
    rows = sound_rows(name, 2)
    for row in rows:
        value = row.pop(column)
        row |= {heading: value} if heading else {}
    delivery, problems = read_content("b.csv", as_table(rows), None)
    key = set(dictionary().tables[name].key)
    # Units without codes are given some; a code's heading without its marks is one.
    is_list = (name, column) == ("roster", "unit_id")
    if column in key and not is_list:
        assert "error" in {problem.severity for problem in problems}
    for part in delivery.records if delivery else ():
        if is_list and lacks_codes(part):
            continue
        assert set(dictionary().tables[part.table].key) <= set(part.text)
