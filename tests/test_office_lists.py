"""An office's own lists: found in their sheets, asked about once, given codes that last."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT, Run
from openpyxl import Workbook
from test_intake_files import as_xls

from analysis.intake.officelists import Answers, give_codes, note_answers
from analysis.intake.reader import read_content
from analysis.params import load_params
from analysis.plan import load_plan
from analysis.problems import Problem, error
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset, load_dataset

Congdoan = Callable[..., Run]
UNITS = [
    ("CĐCS cơ quan xã Tân Hợp", "state_agency", "Tân Hợp", 20, 8, 20, 8),
    ("CĐCS Trường Mầm non Húc", "public_service", "Húc", 25, 24, 25, 24),
    ("CĐCS Công ty TNHH Gỗ Rào Quán", "private_enterprise", "Tân Hợp", 1200, 400, 900, 300),
]
COUNTS = ["workers_total", "workers_female", "members_total", "members_female"]
OFFICE = ["Tên công đoàn cơ sở", "Loại hình đơn vị", "Địa bàn"]
TYPES = ["Cơ quan HCNN", "Sự nghiệp công lập", "DN ngoài NN"]
SUMS = [sum(unit[place] for unit in UNITS) for place in range(3, 7)]


def units(number: bool = True) -> list[list[Any]]:
    rows = (
        [unit[0], said, f"xã {unit[2]}", *unit[3:]] for unit, said in zip(UNITS, TYPES, strict=True)
    )
    return [[place, *row] if number else row for place, row in enumerate(rows, 1)]


def as_xlsx(rows: Iterable[Iterable[Any]], merged: Iterable[str] = ()) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for cells in merged:
        sheet.merge_cells(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def an_offices() -> bytes:
    """A title, rows of groups, women beside each total, a blank row, a total, signatures."""
    first, second, third = units()
    heads = ["STT", *OFFICE, "Số CNVCLĐ", "Trong đó: nữ", "Số đoàn viên", "Trong đó: nữ", "Ghi chú"]
    rows = [
        ["LIÊN ĐOÀN LAO ĐỘNG HUYỆN", None, None, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"],
        ["DANH SÁCH CÔNG ĐOÀN CƠ SỞ NĂM 2024"],
        [],
        heads,
        ["I", "Khối hành chính, sự nghiệp"],
        first,
        [*second, "trường mới"],
        [],
        ["II. Khối doanh nghiệp"],
        third,
        [None, "Tổng cộng", None, None, *SUMS],
        [],
        [None, "NGƯỜI LẬP BIỂU", None, None, "CHỦ TỊCH"],
    ]
    return as_xlsx(rows, ["A1:C1", "A2:I2", "A9:I9"])


def a_ministrys() -> bytes:
    """Two storeys under merged cells, numbered columns, the total above."""
    rows = [
        ["Biểu 01. Danh sách công đoàn cơ sở năm 2024"],
        ["TT", *OFFICE, "CNVCLĐ", None, "Đoàn viên", None],
        [None, None, None, None, "Tổng số", "Trong đó nữ", "Tổng số", "Nữ"],
        [f"({place})" for place in range(1, 9)],
        [None, "Tổng số", None, None, *SUMS],
        *units(),
    ]
    merged = ["A1:H1", "A2:A3", "B2:B3", "C2:C3", "D2:D3", "E2:F2", "G2:H2"]
    return as_xlsx(rows, merged)


def a_csv() -> bytes:
    """Semicolons, decimal commas, UTF-16, headings in capitals without marks."""
    heads = ["TEN CONG DOAN CO SO", "LOAI HINH", "XA, PHUONG", "SO CNVCLD", "LAO DONG NU"]
    heads += ["SO DOAN VIEN", "DOAN VIEN NU"]
    lines = [heads]
    for row in units(number=False):
        lines.append(
            [
                f"{cell:,}".replace(",", ".") + ",0" if isinstance(cell, int) else cell
                for cell in row
            ]
        )
    return "\r\n".join(";".join(_quoted(cell) for cell in line) for line in lines).encode("utf-16")


def _quoted(text: str) -> str:
    return f'"{text}"'


def an_xls() -> bytes:
    """Excel 97: two storeys without merged cells, an empty column for codes."""
    heads = ["Mã CĐCS", "Loại hình", "CĐCS", "Xã", "Lao động", "", "Đoàn viên", ""]
    below = ["", "", "", "", "TS", "Nữ", "TS", "Nữ"]
    rows = [["", row[1], row[0], *row[2:]] for row in units(number=False)]
    return as_xls([["Năm 2024"], heads, below, *rows])


def given(content: bytes, name: str = "ds.xlsx", answers: Answers = Answers()) -> Any:  # noqa: B008
    return read_content(name, content, 2024, 1, answers)


@pytest.mark.parametrize(
    ("name", "make"),
    [("a.xlsx", an_offices), ("b.xlsx", a_ministrys), ("c.csv", a_csv), ("d.xls", an_xls)],
)
def test_a_list_is_read_however_it_is_laid_out(name: str, make: Callable[[], bytes]) -> None:
    delivery, problems = given(make(), name)
    assert [str(one) for one in problems if one.severity == "error"] == []
    (part,) = delivery.records
    columns = ["name", "unit_type", "commune", *COUNTS]
    rows = part.text[columns].to_numpy().tolist()
    assert rows == [[str(x) for x in (*u[:2], f"xã {u[2]}", *u[3:])] for u in UNITS]
    assert set(part.text["year"]) == {"2024"}


def test_what_is_left_out_of_a_list_is_told() -> None:
    _, problems = given(an_offices())
    told = [(one.cell, one.code, one.message.split(",")[0]) for one in problems]
    assert told == [
        ("I4", "left_out", "cột không có trong bảng «Danh sách công đoàn cơ sở»"),
        ("A5", "not_data", "dòng nhóm"),
        ("B11", "not_data", "dòng cộng"),
        ("B13", "not_data", "dòng ký tên"),
    ]


def test_a_total_that_its_rows_do_not_make_is_told() -> None:
    heads = ["STT", *OFFICE, "Số đoàn viên"]
    rows = [row[:4] + row[6:7] for row in units()]
    content = as_xlsx([heads, *rows, [None, "Cộng", None, None, SUMS[2] + 1]])
    found = [(one.cell, one.severity) for one in given(content)[1] if one.code == "other_total"]
    assert found == [("E5", "warning")]


@pytest.mark.parametrize("wrong", [None, 2, 3, 6, 7, 11, 12])
def test_sums_of_groups_are_told_from_units_and_compared_with_their_rows(wrong: int | None) -> None:
    heads = ["TT", "Mã CĐCS", "Tên CĐCS", "Loại hình", "Xã", "Số đoàn viên"]

    def unit(number: int, members: int) -> list[Any]:
        return [number, f"U-{number}", f"CĐCS {number}", "SNCL", "Húc", members]

    rows = [
        heads,
        ["", "", "A. Toàn khối", "", "", 60],
        ["", "I", "Khối trường học", "", "", 30],  # its mark stands among the codes
        unit(1, 10),
        unit(2, 20),
        ["", "", "Cộng I", "", "", 30],
        ["", "", "Khối y tế", "", "", 30],  # no mark at all
        unit(3, 30),
        ["", "", "B. Doanh nghiệp", "", "", ""],
        unit(4, 40),
        ["", "", "Cộng khối doanh nghiệp", "", "", 40],
        ["Tổng cộng", "", "4 đơn vị", "", "", 100],
    ]
    sums = {row: line[5] for row, line in enumerate(rows, 1) if line[1][:2] != "U-" and line[5]}
    sums.pop(1)
    if wrong is not None:
        rows[wrong - 1][5] += 1
    delivery, problems = given(as_xlsx(rows))
    assert [*delivery.records[0].text["unit_id"]] == ["U-1", "U-2", "U-3", "U-4"]
    others = [(one.cell, one.severity) for one in problems if one.code == "other_total"]
    assert others == ([(f"F{wrong}", "warning")] if wrong else [])
    told = [one.row for one in problems if one.code == "not_data"]
    assert told == [2, 3, 6, 7, 9, 11, 12]
    if wrong:
        (message,) = (one.message for one in problems if one.code == "other_total")
        assert message.endswith(f"được {sums[wrong]}")


@pytest.mark.parametrize(
    ("heads", "asked"),
    [
        (
            ["Tên CĐCS", "Loại hình", "Địa chỉ", "Số đoàn viên", "Nữ"],
            ["Địa chỉ", "Số đoàn viên / Nữ"],
        ),
        (["Tên CĐCS", "Loại hình", "Xã", "Số đoàn viêm", "SĐT"], ["Số đoàn viêm"]),
        (["Đơn vị", "Loại hình", "Xã", "Số đoàn viên", "Trong đó nữ"], ["Đơn vị"]),
    ],
)
def test_a_heading_that_may_mean_a_column_is_asked(heads: list[str], asked: list[str]) -> None:
    rows = [[*row[:3], *row[5:7]] for row in units(number=False)]
    _, problems = given(as_xlsx([heads, *rows]))
    assert [one.value for one in problems if one.code == "ask_heading"] == asked
    assert [one.value for one in problems if one.severity == "error"] == asked


def test_an_answer_is_obeyed() -> None:
    heads = ["Tên CĐCS", "Khối", "Địa chỉ", "Số đoàn viên", "Nữ"]
    rows = [["CĐCS A", "Trường học", "Húc", 9, 4]]
    answers = Answers(
        columns={"Khối": "Loại hình", "Địa chỉ": "Xã, thị trấn", "Số đoàn viên / Nữ": "bỏ qua"},
        types={"trường học": "Đơn vị sự nghiệp công lập"},
    )
    delivery, problems = given(as_xlsx([heads, *rows]), answers=answers)
    assert [one.severity for one in problems] == ["warning"]
    text = delivery.records[0].text
    assert text.to_numpy().tolist() == [["2024", "CĐCS A", "public_service", "Húc", "9"]]


def test_an_offices_list_of_employers_is_read_with_its_tax_codes_as_text() -> None:
    heads = [
        "STT",
        "Tên người nộp thuế",
        "Mã số thuế",
        "Loại hình",
        "Địa chỉ",
        "Số lao động",
        "Ngành",
    ]
    address = "Km 3, xã Tân Hợp, huyện Hướng Hóa, tỉnh Quảng Trị"
    row = [1, "Công ty TNHH A", "0101234567-001", "DN ngoài NN", address, 12, "gỗ"]
    rows = [["DANH SÁCH DOANH NGHIỆP NĂM 2024"], heads, row]
    _, problems = given(as_xlsx(rows))
    assert [one.value for one in problems if one.severity == "error"] == ["Địa chỉ"]
    answers = Answers(columns={"Địa chỉ": "Xã, thị trấn"})
    delivery, problems = given(as_xlsx(rows), answers=answers)
    assert [one.code for one in problems] == ["left_out"]
    (part,) = delivery.records
    expected = [
        "2024",
        "0101234567-001",
        "Công ty TNHH A",
        "private_enterprise",
        "xã Tân Hợp",
        "12",
    ]
    assert (part.table, part.text.to_numpy().tolist()) == ("employers", [expected])
    rows[2] = [*row[:2], 101234567, *row[3:4], "Km 3, Quảng Trị", *row[5:]]
    found = {(one.cell, one.code) for one in given(as_xlsx(rows), answers=answers)[1]}
    assert {("C3", "id_number"), ("E3", "unclear_address")} <= found


# Codes


def coded(
    rows: Iterable[Iterable[Any]],
    known: Iterable[tuple[str, str, str]] = (),
    reforms: Iterable[tuple[str, str, str]] = (),
    **codes: str,
) -> Any:
    heads = ["Tên CĐCS", "Loại hình", "Xã"]
    delivery, _ = given(as_xlsx([heads, *rows]))
    return give_codes(delivery, a_dataset(known, reforms), "LDLD", Answers(codes=codes))


def a_dataset(
    known: Iterable[tuple[str, str, str]] = (),
    reforms: Iterable[tuple[str, str, str]] = (),
    year: int = 2023,
    employers: Iterable[tuple[int, str, str]] = (),
) -> Dataset:
    columns = ["unit_id", "name", "commune"]
    register = pd.DataFrame(list(known), columns=columns)
    names = ["old_name", "new_name", "date"]
    reform = pd.DataFrame(list(reforms), columns=names).astype({"date": "datetime64[s]"})
    roster = register.assign(year=year, unit_type="private_enterprise")
    unions = pd.DataFrame(list(employers), columns=["year", "employer_id", "unit_id"])
    return Dataset({"roster": roster, "communes": reform, "employers": unions})


def ids(result: Any) -> list[str]:
    return list(result.delivery.records[0].text["unit_id"])


def test_codes_are_readable_ascii_and_unique() -> None:
    school = ("CĐCS Trường Mầm non Hoa Sen", "Sự nghiệp công lập")
    long = (
        "CĐCS Công ty TNHH một thành viên " + "Đầu tư xây dựng và phát triển " * 3,
        "DN ngoài NN",
    )
    farm = ("HTX Nông sản Húc", "HTX", "Húc")
    result = coded([(*school, "Húc"), (*school, "Thuận"), farm, (*long, "Húc"), (*long, "Thuận")])
    found = ids(result)
    assert found[:3] == ["SN-MN-HOA-SEN", "SN-MN-HOA-SEN-THUAN", "HTX-NONG-SAN-HUC"]
    assert len({*found}) == 5
    assert max(map(len, found)) <= 32
    pattern = dictionary().tables["roster"].columns["unit_id"].type.pattern
    assert pd.Series(found).str.fullmatch(str(pattern)).all()
    assert sorted(result.made) == sorted(found)


def test_a_unit_is_found_again_by_name_and_commune_and_its_other_spelling_told() -> None:
    known = [("TH-HUC", "CĐCS Trường Tiểu học Húc", "Húc")]
    result = coded(
        [("Công đoàn cơ sở trường tiểu học  HÚC", "Sự nghiệp công lập", "xã Húc")], known
    )
    assert (ids(result), result.made) == (["TH-HUC"], {})
    assert [(one.code, one.severity) for one in result.problems] == [("other_spelling", "warning")]
    assert list(result.delivery.records[0].text["commune"]) == ["Húc"]


@pytest.mark.parametrize(
    "known",
    [
        [
            ("A-1", "CĐCS Trường Tiểu học Húc", "Húc"),
            ("A-2", "Công đoàn Trường Tiểu học Húc", "Húc"),
        ],
        [("A-1", "CĐCS Trường Tiểu học Húc", "Thuận")],
        [("A-1", "CĐCS Trường Tiểu học Húk", "Húc")],
    ],
)
def test_a_unit_that_may_be_another_is_asked_and_never_guessed(
    known: list[tuple[str, str, str]],
) -> None:
    row = ("CĐCS Trường Tiểu học Húc", "Sự nghiệp công lập", "Húc")
    (question,) = coded([row], known).problems
    key = "CĐCS Trường Tiểu học Húc / Húc"
    assert (question.code, question.severity, question.value) == ("ask_code", "error", key)
    assert ids(coded([row], known, **{key: "A-1"})) == ["A-1"]
    answered = coded([row], known, **{key: "mới"})
    assert [*answered.made] == ids(answered) == ["SN-TH-HUC"]


def test_only_the_units_without_a_code_are_given_one() -> None:
    heads = ["STT", "Mã CĐCS", "Tên CĐCS", "Loại hình", "Xã"]
    rows = [
        [1, "TH-HUC", "CĐCS Trường Tiểu học Húc", "SNCL", "Húc"],
        [2, "", "CĐCS Trường Mầm non Húc", "SNCL", "Húc"],
        [3, "", "CĐCS Trường Tiểu học Húk", "SNCL", "Húc"],
        ["", "", "Tổng cộng", "", ""],
    ]
    delivery, problems = given(as_xlsx([heads, *rows]))
    assert [one.code for one in problems] == ["not_data"]
    known = [("TH-HUC", "CĐCS Trường Tiểu học Húc", "Húc")]
    result = give_codes(delivery, a_dataset(known), "LDLD", Answers())
    assert ids(result) == ["TH-HUC", "SN-MN-HUC", "SN-TH-HUK"]
    assert (sorted(result.made), result.problems) == (["SN-MN-HUC", "SN-TH-HUK"], [])


def test_one_commune_written_two_ways_in_a_list_is_joined_and_a_town_is_asked() -> None:
    def row(number: int, commune: str) -> tuple[str, str, str]:
        return (f"CĐCS {number}", "SNCL", commune)

    result = coded([row(1, "xã Tà Rụt"), row(2, "Tà Rụt"), row(3, "TÀ  RỤT"), row(4, "Tà Rụt")])
    assert [*result.delivery.records[0].text["commune"]] == ["Tà Rụt"] * 4
    told = [(one.code, one.severity, one.value) for one in result.problems]
    assert told == [
        ("joined_commune", "warning", "xã Tà Rụt"),
        ("joined_commune", "warning", "TÀ RỤT"),
    ]
    rows = [row(1, "xã Lìa"), row(2, "thị trấn Lìa"), row(3, "Lìa"), row(4, "Lia")]
    result = coded(rows)
    assert [(one.code, one.severity, one.value) for one in result.problems] == [
        ("ask_commune", "error", "Lìa"),
        ("ask_commune", "error", "Lia"),
    ]
    answers = Answers(communes={"Lìa": "xã Lìa", "Lia": "xã Lìa"})
    delivery, _ = given(as_xlsx([["Tên CĐCS", "Loại hình", "Xã"], *rows]))
    result = give_codes(delivery, a_dataset(), "LDLD", answers)
    communes = [*result.delivery.records[0].text["commune"]]
    assert (communes, result.problems) == (["xã Lìa", "thị trấn Lìa", "xã Lìa", "xã Lìa"], [])


def test_a_union_is_proposed_for_an_employer_of_its_name_and_asked_where_it_only_may_be() -> None:
    heads = ["Tên doanh nghiệp", "Mã số thuế", "Loại hình", "Xã"]
    names = {
        "CÔNG TY TRÁCH NHIỆM HỮU HẠN GỖ RÀO QUÁN": "Tân Hợp",  # proposed
        "Công ty CP Cao su Húc": "Thuận",  # of another commune
        "Công ty TNHH Gạo Huc Nghì": "Húc",  # nearly the same
        "Công ty TNHH Xa Lạ": "Húc",  # no union
        "Công ty TNHH Đổi Tên": "Húc",  # known by its tax code
    }
    rows = [[name, f"01{n}", "DN ngoài NN", place] for n, (name, place) in enumerate(names.items())]
    delivery, _ = given(as_xlsx([heads, *rows]))
    units = [
        ("DN-GO", "CĐCS Công ty TNHH Gỗ Rào Quán", "Tân Hợp"),
        ("DN-CAOSU", "CĐCS Công ty CP Cao su Húc", "Húc"),
        ("DN-GAO", "CĐCS Công ty TNHH Gạo Húc Nghì 1", "Húc"),
        ("DN-TENCU", "CĐCS Công ty TNHH Tên Cũ", "Húc"),
    ]
    before = [(2023, "014", "DN-TENCU")]
    dataset = a_dataset(units, year=2024, employers=before)
    result = give_codes(delivery, dataset, "LDLD", Answers())
    assert result.unions == {next(iter(names)): "DN-GO (CĐCS Công ty TNHH Gỗ Rào Quán)"}
    assert ids(result) == ["DN-GO", "", "", "", "DN-TENCU"]
    asked = [one.value for one in result.problems if one.code == "ask_union"]
    assert asked == [f"{name} / {names[name]}" for name in [*names][1:3]]
    answers = Answers(unions={asked[0]: "không có", asked[1]: "dn-gao"})
    result = give_codes(delivery, dataset, "LDLD", answers)
    assert (ids(result), result.problems) == (["DN-GO", "", "DN-GAO", "", "DN-TENCU"], [])
    # Who has a union cannot be said before the year's units are known.
    early = give_codes(delivery, a_dataset(units, year=2023), "LDLD", Answers())
    assert [one.code for one in early.problems] == ["no_register"]


def test_two_schools_of_nearly_one_name_are_two_if_both_are_there() -> None:
    known = [("A-1", "CĐCS Trường Mầm non Hoa Sen 1", "Húc")]
    school = "CĐCS Trường Mầm non Hoa Sen"
    rows = [(f"{school} {number}", "Sự nghiệp công lập", "Húc") for number in (1, 2)]
    assert ids(coded(rows, known)) == ["A-1", "SN-MN-HOA-SEN-2"]


def test_a_unit_is_found_again_in_the_commune_that_took_the_place_of_its_own() -> None:
    known = [("TH-1", "CĐCS Trường Tiểu học Số 1", "Tân Hợp")]
    row = ("CĐCS Trường Tiểu học Số 1", "Sự nghiệp công lập", "xã Khe Sanh")
    assert coded([row], known).problems[0].code == "ask_code"
    result = coded([row], known, [("xã Tân Hợp", "Khe Sanh", "2024-07-01")])
    assert (ids(result), result.problems) == (["TH-1"], [])


# The first day


def sample_register() -> pd.DataFrame:
    """Every third union of the sample, the same in each year."""
    roster = load_dataset(ROOT / "data" / "sample").roster
    return roster[roster["unit_id"].isin(sorted(roster["unit_id"].unique())[::3])]


def the_samples(year: int, folder: Path) -> Path:
    """Write the sample's register of a year as an office has it: no codes, its own headings."""
    rows = sample_register()
    rows = rows[rows["year"] == year]
    types = dictionary().words["unit_type"]
    lines = [["DANH SÁCH CÔNG ĐOÀN CƠ SỞ NĂM " + str(year)], []]
    lines += [["STT", *OFFICE, "CNVCLĐ", None, "Đoàn viên", None]]
    lines += [[None, None, None, None, *["Tổng số", "Trong đó nữ"] * 2]]
    for number, row in enumerate(rows.itertuples(), 1):
        counts = [
            None if pd.isna(value) else int(value) for value in (getattr(row, c) for c in COUNTS)
        ]
        lines.append([number, row.name, types[row.unit_type], row.commune, *counts])
    path = folder / f"ds-{year}.xlsx"
    path.write_bytes(as_xlsx(lines, ["E3:F3", "G3:H3"]))
    return path


def test_the_samples_own_register_comes_back_and_its_units_are_found_next_year(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    first, second = (the_samples(year, tmp_path) for year in (2024, 2025))
    run = congdoan("import", first, "--data", data, "--year", 2024)
    assert (run.status, "với --yes" in run.out, [*data.iterdir()]) == (1, True, [])
    assert congdoan("import", first, "--data", data, "--year", 2024, "--yes").status == 0
    run = congdoan("import", second, "--data", data, "--year", 2025, "--yes")
    assert run.status == 0, run.out
    ours, theirs = load_dataset(data).roster, sample_register()
    same = ["year", "name", "unit_type", "commune", *COUNTS]
    for year in (2024, 2025):
        mine, its = (
            one[one["year"] == year][same].sort_values(["name", "commune"])
            for one in (ours, theirs)
        )
        pd.testing.assert_frame_equal(mine.reset_index(drop=True), its.reset_index(drop=True))
    key = ["year", "name", "commune"]
    pairs = ours.merge(theirs, on=key)[["unit_id_x", "unit_id_y"]].drop_duplicates()
    assert pairs["unit_id_x"].is_unique
    assert pairs["unit_id_y"].is_unique


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project of its own, as a clone has it."""
    shutil.copytree(ROOT / "params", tmp_path / "project" / "params")
    (tmp_path / "project" / "params" / "local.yaml").unlink(missing_ok=True)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_an_office_goes_from_an_empty_folder_to_forms(congdoan: Congdoan, office: Path) -> None:
    given = ["--issuer", "Liên đoàn Lao động huyện Đakrông", "--place", "huyện Đakrông"]
    run = congdoan("init", "data/dakrong", "--year", 2024, *given, "--yes")
    assert run.status == 0, run.out + run.err
    assert "văn bản của cơ quan khác" in run.out
    assert run.out.count("  congdoan ") == 3
    params = load_params(2024, root=office)
    assert (params.data, params.plan) == ("data/dakrong", "data/dakrong/ke-hoach.yaml")
    issuer = load_plan(office / params.plan).issuer
    assert (issuer.short, issuer.place) == ("LĐLĐ huyện Đakrông", "huyện Đakrông")
    # The empty register holds no unit: its example is none.
    register = next((office / "data" / "dakrong").glob("*.xlsx"))
    run = congdoan("import", register, "--year", 2024, "--yes")
    assert (run.status, "dòng ví dụ" in run.out) == (1, True)
    assert not (office / "data" / "dakrong" / "store.sqlite").exists()
    mail = office / "mail"
    mail.mkdir()
    (mail / "ds.xlsx").write_bytes(a_ministrys())
    # The tax office's list is read before the register is, and names its unions all the same.
    name, _, place, *_ = UNITS[-1]
    heads = ["Tên doanh nghiệp", "Mã số thuế", "Loại hình", "Xã", "Số lao động"]
    rows = [heads, [name.removeprefix("CĐCS "), "0101234567", TYPES[-1], place, 12]]
    (mail / "DN.xlsx").write_bytes(as_xlsx(rows))
    run = congdoan("import", mail, "--yes", "--year", 2024)
    assert run.status == 0, run.out
    tables = load_dataset(office / "data" / "dakrong")
    assert tables.employers["unit_id"].notna().all()
    assert congdoan("template", "--year", 2024, "--out", "bieu-mau").status == 0
    assert len([*(office / "bieu-mau").glob("*.xlsx")]) == len(UNITS) + 1


def test_init_overwrites_nothing(congdoan: Congdoan, office: Path) -> None:
    (office / "params" / "local.yaml").write_text("data: ours\n", "utf-8")
    run = congdoan("init", "data/new", "--year", 2024, "--yes")
    assert (run.status, (office / "data").exists()) == (1, False)
    assert (office / "params" / "local.yaml").read_text("utf-8") == "data: ours\n"


def test_init_writes_nothing_where_an_answer_makes_no_plan(
    congdoan: Congdoan, office: Path
) -> None:
    run = congdoan("init", "data/new", "--year", 2024, "--yes", "--issuer", "…")
    assert run.status == 1
    assert not (office / "data").exists()
    assert not (office / "params" / "local.yaml").exists()


def test_a_question_is_noted_answered_in_the_file_and_not_asked_again(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data, answers = tmp_path / "data", tmp_path / "data" / "anh-xa.yaml"
    data.mkdir()
    path = tmp_path / "ds-2024.xlsx"
    heads = ["Tên CĐCS", "Loại hình", "Địa chỉ"]
    path.write_bytes(as_xlsx([heads, *([f"CĐCS {name}", "Trường", "Húc"] for name in "AB")]))
    take = ("import", path, "--year", 2024, "--data", data, "--yes")
    run = congdoan(*take)
    assert (run.status, run.out.count("trong anh-xa.yaml")) == (1, 2)  # a word is asked once
    text = answers.read_text("utf-8")
    assert "  Địa chỉ: ''\n" in text
    assert "  Trường: ''\n" in text
    answers.write_text(
        text.replace("chỉ: ''", "chỉ: Nơi nào").replace("Trường: ''", "Trường: x"), "utf-8"
    )
    run = congdoan(*take)
    assert (run.status, run.err.count("anh-xa.yaml")) == (1, 2)
    good = text.replace("chỉ: ''", "chỉ: Xã, thị trấn").replace("Trường: ''", "Trường: SNCL")
    answers.write_text(good, "utf-8")
    assert congdoan(*take).status == 0
    assert answers.read_text("utf-8") == good


def test_what_the_office_writes_beside_its_answers_stays(tmp_path: Path) -> None:
    def asked(code: str, value: str) -> Problem:
        return error("?", code=code, file="a.xlsx", value=value)

    path = tmp_path / "anh-xa.yaml"
    path.write_text(
        """# của Lan
cot:
    "Địa chỉ": ''   # hỏi anh Ba
    SĐT: bỏ qua # không cần
# loại hình
loai: {}
ma: {"A / Húc": mới}
# hết""",
        "utf-8",
    )
    heading, code = asked("ask_heading", "Địa chỉ"), asked("ask_code", "B: C / Húc")
    note_answers(tmp_path, [(heading, "Xã, thị trấn"), (asked("ask_heading", "SĐT"), "")])
    note_answers(tmp_path, [(asked("ask_heading", "Nữ"), "bỏ qua"), (code, "")])
    note_answers(tmp_path, [(asked("unknown_word", "Trường"), ""), (asked("ask_union", "D"), "")])
    assert path.read_text("utf-8") == (
        """# của Lan
cot:
    "Địa chỉ": Xã, thị trấn   # hỏi anh Ba
    SĐT: bỏ qua # không cần
    Nữ: bỏ qua
# loại hình
loai:
  Trường: ''
ma:
  A / Húc: mới
  'B: C / Húc': ''
# hết
cong_doan:
  D: ''
"""
    )


def test_on_a_terminal_questions_are_asked_and_codes_shown(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "ds-2024.xlsx"
    data.mkdir()
    heads = ["Tên CĐCS", "Loại hình", "Địa chỉ"]
    file.write_bytes(as_xlsx([heads, ["CĐCS A", "Trường", "Húc"]]))
    pty = pytest.importorskip("pty", reason="Windows has no pty")
    ours, theirs = pty.openpty()
    command = [Path(sys.executable).with_name("congdoan"), "import", file, "--year", "2024"]
    process = subprocess.Popen(
        [*command, "--data", data], stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT
    )
    os.close(theirs)
    said = ""
    asked = ["Enter: để sau", "Enter: để sau", "Enter: để sau", "Đúng như vậy?", "Đúng như vậy?"]
    for question, answer in zip(asked, ["1", "trường học", "2", "ok?", "có"], strict=True):
        heard = ""
        while question not in heard:
            heard += os.read(ours, 4096).decode("utf-8", "replace")
        said += heard
        os.write(ours, f"{answer}\n".encode())
    with suppress(OSError):  # how a terminal ends
        while more := os.read(ours, 4096):
            said += more.decode("utf-8", "replace")
    os.close(ours)
    assert process.wait() == 0, said
    assert "SN-A" in said
    assert "  1. Xã, thị trấn" in said
    assert "2. Đơn vị sự nghiệp công lập" in said
    assert "dùng một trong: " in said  # what "trường học" may not be
    text = (data / "anh-xa.yaml").read_text("utf-8")
    assert ("Địa chỉ: Xã, thị trấn" in text, "Trường: Đơn vị sự" in text) == (True, True)
    assert load_dataset(data).roster["unit_id"].tolist() == ["SN-A"]


def test_a_row_of_a_group_is_no_storey_of_the_headings() -> None:
    """Else the row numbers would be asked about as the members of the row «Tổng số»."""
    heads = ["STT", "Tên đơn vị", *OFFICE[1:], "Tổng lao động", "Tổng ĐV"]
    rows = [[*row[:5], row[6]] for row in units()]
    _, problems = read_content("a.xlsx", as_xlsx([heads, ["Tổng số"], *rows]), 2024)
    asked = {p.value for p in problems if p.severity == "error"}
    assert asked == {"Tên đơn vị", "Tổng lao động", "Tổng ĐV"}
