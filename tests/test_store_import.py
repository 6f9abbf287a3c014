"""``congdoan import`` from real workbooks: a year's forms out, filled, sent back, taken in without loss."""

from __future__ import annotations

import csv
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from conftest import ROOT, Run
from test_intake_forms import fill_form, rows_of, unit_of

from analysis.intake.forms import write_forms
from analysis.loading import load
from analysis.store import take_in
from analysis.store.history import export_dataset
from analysis.store.log import create_store
from analysis.tables.files import STORE
from analysis.tables.load import load_dataset

Congdoan = Callable[..., Run]

SAMPLE = ROOT / "data" / "sample"
#: The sample's year with the fewest unions: 27 of 31 sent their form back; here two of each type.
YEAR = 2025


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample before the year's forms came back: `data`, `forms` filled, `empty` ones."""
    base = tmp_path_factory.mktemp("year")
    shutil.copytree(SAMPLE, base / "data")
    study = load(YEAR)
    expected = study.expected_units(YEAR)
    sent = expected[expected["has_return"]].groupby("unit_type", observed=True).head(2).index
    with (SAMPLE / "returns.csv").open(encoding="utf-8", newline="") as source:
        kept = [
            r
            for r in csv.DictReader(source)
            if (r["year"], r["unit_id"] in sent) != (str(YEAR), True)
        ]
    with (base / "data" / "returns.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(kept[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    own = {row["unit_id"]: row for row in rows_of("roster", YEAR)}
    returns = {row["unit_id"]: row for row in rows_of("returns", YEAR)}
    (base / "empty").mkdir()
    for path in write_forms(study, base / "forms", YEAR)[1:]:
        unit = unit_of(path)
        if unit in sent:
            fill_form(path, "Báo cáo", {**returns[unit], **own[unit]}, "returns")
        else:
            path.rename(base / "empty" / path.name)
    next((base / "forms").glob("LDLD-*")).unlink()
    shutil.copytree(base / "data", base / "stored")
    create_store(base / "stored", "congdoan import")
    return base


@pytest.fixture
def data(base: Path, tmp_path: Path) -> Path:
    """With a store that was begun already."""
    return shutil.copytree(base / "stored", tmp_path / "data")


@pytest.fixture
def tables(base: Path, tmp_path: Path) -> Path:
    return shutil.copytree(base / "data", tmp_path / "data")


@pytest.fixture
def mail(base: Path, tmp_path: Path) -> Path:
    """Three of the forms."""
    mail = tmp_path / "mail"
    mail.mkdir()
    for path in sorted((base / "forms").iterdir())[:3]:
        shutil.copy(path, mail)
    return mail


def change(path: Path, line: str, value: object) -> str:
    """Write into the figure of a form's line; return its cell."""
    workbook = openpyxl.load_workbook(path)
    page = workbook["Báo cáo"]
    (row,) = [row[0].row for row in page.iter_rows() if line in [cell.value for cell in row[:3]]]
    page[f"D{row}"].value = value
    workbook.save(path)
    return f"D{row}"


def test_a_years_forms_come_back_without_loss(
    congdoan: Congdoan, base: Path, tables: Path, tmp_path: Path
) -> None:
    """Every figure that a form asks is what it was, and the store knows its cell."""
    run = congdoan("import", base / "forms", "--data", tables, "--year", YEAR)
    count = len(list((base / "forms").iterdir()))
    assert (run.status, run.err) == (0, "")
    assert f"Đã nhận: {count} tệp" in run.out
    exported = export_dataset(load_dataset(tables), tmp_path / "back", tables)
    units = [unit_of(path) for path in (base / "forms").iterdir()]
    sample, plan = load_dataset(SAMPLE), load(YEAR).plan
    returns, once = sample.tables["returns"], [one.holds for one in plan.indicators if one.once]
    ours = (returns["year"] == YEAR) & returns["unit_id"].isin(units)
    for column in {fact.column for facts in once for fact in facts} & {*returns.columns}:
        # What is done once and was told in an earlier year is not asked again.
        done = returns["unit_id"][(returns["year"] < YEAR) & returns[column].eq(True)]
        returns.loc[ours & returns["unit_id"].isin(done), column] = pd.NA
    original = export_dataset(sample, tmp_path / "sample", SAMPLE)
    for here, there in zip(exported, original, strict=True):
        assert here.read_bytes() == there.read_bytes()
    assert all(f"{unit} ({YEAR})" in run.out for unit in units)
    history = congdoan("history", units[0], YEAR, "--data", tables).out
    assert "trang tính «Báo cáo», ô D21" in history
    status = congdoan("status", "--year", YEAR, "--data", tables).out
    assert f"Danh sách nhắc nộp báo cáo năm {YEAR} (4 CĐCS)" in status


def test_errors_go_back_by_cell_the_others_are_taken_in_and_the_mended_file_follows(
    congdoan: Congdoan, data: Path, mail: Path
) -> None:
    wrong, second, _ = sorted(mail.iterdir())
    kept = wrong.read_bytes()
    cell = change(wrong, "Số người được tuyên truyền", 99_999)
    grade = change(wrong, "Xếp loại CĐCS", "Tuyệt vời")
    (mail / f"~${second.name}").write_bytes(b"lock")
    (mail / "thu.docx").write_bytes(b"PK\x03\x04")
    run = congdoan("import", mail, "--data", data)
    assert run.status == 1
    assert "Đã nhận: 2 tệp" in run.out
    assert "Bị trả lại, chưa nhận gì: 1 tệp" in run.out
    # What cannot be read and what does not fit are told together.
    for place in (cell, grade):
        assert f"{wrong.name}, trang tính «Báo cáo», ô {place}" in run.out
    lists = list((mail / "loi-nhap").iterdir())
    assert any(path.suffix == ".html" for path in lists)
    assert any(path.suffix == ".xlsx" for path in lists)
    assert all(str(path) in run.out for path in lists)
    status = congdoan("status", "--year", YEAR, "--data", data).out
    assert f"({unit_of(wrong)}) - tệp đã gửi có lỗi" in status
    wrong.write_bytes(kept)
    run = congdoan("import", mail, "--data", data)
    assert (run.status, run.err) == (0, "")
    assert "Đã nhận: 1 tệp" in run.out
    assert "Đã có, không đổi: 2 tệp" in run.out
    assert "tệp đã gửi có lỗi" not in congdoan("status", "--year", YEAR, "--data", data).out


def test_a_form_that_cannot_be_read_is_known_by_its_name(
    congdoan: Congdoan, data: Path, mail: Path
) -> None:
    form = sorted(mail.iterdir())[0]
    form.write_bytes(form.read_bytes()[:3000])
    assert congdoan("import", form, "--data", data).status == 1
    status = congdoan("status", "--year", YEAR, "--data", data).out
    assert f"({unit_of(form)}) - tệp đã gửi có lỗi" in status


def test_a_full_store_disk_is_no_fault_of_a_file(
    congdoan: Congdoan, data: Path, mail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is sent a list of errors for it."""

    def fail(*args: object, **settings: object) -> None:
        failure = sqlite3.OperationalError("database or disk is full")
        failure.sqlite_errorname = "SQLITE_FULL"
        raise failure

    monkeypatch.setattr(take_in, "add_entry", fail)
    run = congdoan("import", mail, "--data", data)
    assert run.status == 1
    assert "LỖI store.sqlite: ổ đĩa đã đầy" in run.out
    assert not (mail / "loi-nhap").exists()


def test_a_form_sent_back_empty_is_no_return(congdoan: Congdoan, data: Path, base: Path) -> None:
    form = sorted((base / "empty").iterdir())[0]
    run = congdoan("import", form, "--data", data, "--errors", data / "x")
    assert run.status == 1
    assert "báo cáo chưa điền số liệu nào" in run.out


def test_a_line_left_empty_takes_nothing_out_of_the_register(
    congdoan: Congdoan, data: Path, mail: Path
) -> None:
    form = sorted(mail.iterdir())[0]
    register = load_dataset(data).roster.set_index(["unit_id", "year"])
    known = register.at[(unit_of(form), YEAR), "members_female"]
    change(form, "Đoàn viên nữ", None)
    assert congdoan("import", form, "--data", data).status == 0
    after = load_dataset(data).roster.set_index(["unit_id", "year"])
    assert after.at[(unit_of(form), YEAR), "members_female"] == known
    assert after["parent"].sort_index().equals(register["parent"].sort_index())


def test_nobody_enters_itself_in_the_register(congdoan: Congdoan, data: Path, mail: Path) -> None:
    form = sorted(mail.iterdir())[0]
    cell = change(form, "Mã CĐCS", "DN-MOI")
    run = congdoan("import", form, "--data", data)
    assert run.status == 1
    assert f"ô {cell}" in run.out
    assert f"mã này không có trong danh sách CĐCS năm {YEAR}" in run.out


def test_a_second_form_needs_a_reason(congdoan: Congdoan, data: Path, mail: Path) -> None:
    """Chairs are told of cells, the office of commands."""
    form = sorted(mail.iterdir())[0]
    assert congdoan("import", form, "--data", data).status == 0
    cell = change(form, "Số đoàn viên kết nạp mới", 7)
    run = congdoan("import", form, "--data", data)
    assert run.status == 1
    assert (
        f"ô {cell}, cột «Số đoàn viên kết nạp mới» (giá trị «7»): «Số đoàn viên kết nạp mới»"
        in run.out
    )
    assert '--supersede "lý do"' in run.out
    page = (mail / "loi-nhap" / "danh-sach-loi.html").read_text("utf-8")
    assert "«Số đoàn viên kết nạp mới» đã có số liệu khác" in page
    assert not re.search(r"--[a-z]{2}[^<]*</t|congdoan [a-z]", page)
    options = ("--supersede", "đếm sót", "--by", "Chị Hoa")
    assert congdoan("import", form, "--data", data, *options).status == 0
    history = congdoan("history", unit_of(form), YEAR, "--data", data).out
    assert "Lý do: đếm sót" in history
    assert "Người nhập: Chị Hoa" in history


def test_the_year_of_the_command_binds(congdoan: Congdoan, data: Path, mail: Path) -> None:
    run = congdoan("import", mail, "--data", data, "--year", YEAR - 1)
    assert run.status == 1
    assert "Bị trả lại, chưa nhận gì: 3 tệp" in run.out


def test_what_is_not_there_and_what_holds_nothing(
    congdoan: Congdoan, tables: Path, tmp_path: Path
) -> None:
    run = congdoan("import", tmp_path / "none", "--data", tables)
    assert run.status == 2
    (tmp_path / "nothing").mkdir()
    run = congdoan("import", tmp_path / "nothing", "--data", tables)
    assert run.status == 1
    assert "không có tệp số liệu nào" in run.err
    assert not (tables / STORE).exists()


def test_a_list_gives_way_to_a_form_and_a_form_to_none(
    congdoan: Congdoan, data: Path, mail: Path
) -> None:
    form, *others = sorted(mail.iterdir())
    unit = unit_of(form)
    (row,) = [row for row in rows_of("roster", YEAR) if row["unit_id"] == unit]
    workers, members = int(row["workers_total"]), int(row["members_total"])
    change(form, "Tổng số CNVCLĐ", workers + 5)
    change(form, "Tổng số đoàn viên", members + 1)
    run = congdoan("import", mail, "--data", data)
    assert (run.status, run.err) == (0, "")
    assert f"Tổng số CNVCLĐ {workers} → {workers + 5}, Tổng số đoàn viên {members} →" in run.out
    assert f"{workers} → {workers + 5}" in congdoan("history", unit, YEAR, "--data", data).out

    # Another list says again what the first one said.
    later = mail / "danh-sach.csv"
    with later.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(row))
        writer.writeheader()
        writer.writerow(row)
    run = congdoan("import", later, "--data", data)
    assert run.status == 0, run.out
    assert f"{unit}, Tổng số CNVCLĐ: phiếu {workers + 5}, danh sách {workers}" in run.out
    assert f"{workers + 5} → {workers}" not in congdoan("history", unit, YEAR, "--data", data).out
    other = others[0]
    change(other, "Tổng số CNVCLĐ", 9_999)
    run = congdoan("import", other, "--data", data)
    assert run.status == 1
    assert "«Tổng số CNVCLĐ» đã có số liệu khác" in run.out


def test_where_a_year_has_no_register_that_is_what_is_told(
    congdoan: Congdoan, tables: Path, mail: Path
) -> None:
    kept = pd.read_csv(tables / "roster.csv", dtype=str, keep_default_na=False)
    kept[kept["year"] != str(YEAR)].to_csv(tables / "roster.csv", index=False)
    for name in ("returns", "employers", "tasks", "evidence"):
        rows = pd.read_csv(tables / f"{name}.csv", dtype=str, keep_default_na=False)
        rows[rows["year"] != str(YEAR)].to_csv(tables / f"{name}.csv", index=False)
    told = f"chưa có danh sách năm {YEAR}; nhận tệp của văn phòng trước"
    run = congdoan("import", mail, "--data", tables)
    assert run.status == 1
    assert told in run.out
    assert told in congdoan("status", "--year", YEAR, "--data", tables).out
