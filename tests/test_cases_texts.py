"""Awkward texts and plain tables: each is read rightly, asked about or refused in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from cases import CASES, data_for, mail_for
from conftest import Run

from analysis.intake.reading import read_content
from analysis.problems import Problem
from analysis.tables.delivery import Delivery
from analysis.tables.load import load_dataset

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
        data = data_for(case.partition("/")[0], tmp_path)
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
            "ô B1, cột unit_id (giá trị «Mã CDCS»): thiếu cột «Mã CĐCS», không biết mỗi dòng là"
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
    assert "ô B1, cột unit_id (giá trị «Mã CĐCS»): thiếu cột «Mã CĐCS»" in run.out
    assert "hãy ghi mọi tiêu đề trên cùng một dòng" in run.out
    assert (mail / "loi-nhap" / "danh-sach-loi.html").is_file()
    taken = load_dataset(data).returns
    assert sorted(taken.loc[taken["year"] == 2025, "unit_id"]) == ["DN-COLAU", "DN-DABAN"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("01-ds-he-thong-khac.xlsx", "thiếu cột «Mã CĐCS»"),
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
