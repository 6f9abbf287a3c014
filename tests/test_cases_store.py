"""Awkward files, and what the store makes of them: whose they are, what they replace, what is odd."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cases import CASES, data_for, mail_for, store_for
from conftest import Run

from analysis.store import take_in as taking
from analysis.tables.load import load_dataset

Congdoan = Callable[..., Run]


def dakrong(folder: Path, *names: str) -> list[Path]:
    """Copy files of the new federation's first year, for error lists are written beside them."""
    (folder / "in").mkdir(exist_ok=True)
    return [Path(shutil.copy(CASES / "dakrong" / name, folder / "in" / name)) for name in names]


def test_a_second_return_with_a_cell_that_cannot_be_read_is_refused_by_cell(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data = store_for("36-second-chu", tmp_path)
    first = mail_for("36-second-chu", tmp_path, "first")
    assert congdoan("import", first, "--year", 2025, "--data", data).status == 0
    before = load_dataset(data).returns
    for case, value in (("36-second-chu", "ba mươi"), ("36-second-uoc", "12 (ước)")):
        mail = mail_for(case, tmp_path / case)
        run = congdoan("import", mail, "--year", 2025, "--data", data)
        assert (run.status, run.err) == (1, "")
        (line,) = [line for line in run.out.splitlines() if f"(giá trị «{value}»)" in line]
        assert re.search(r"LỖI DN-DABAN_sua_2025\.xlsx, trang tính «Báo cáo», ô D\d+", line)
    assert load_dataset(data).returns.equals(before)


def test_where_the_program_itself_fails_over_one_file_the_others_go_on(
    congdoan: Congdoan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = store_for("dakrong", tmp_path)
    names = (
        "40-DK-002_CDCS-Truong-Mam-non-Krong-Klang_2024.xlsx",
        "31-go-100-phan-tram.xlsx",
        "20-co-quan-lan-1.xlsx",
    )
    broken, asked, office = dakrong(tmp_path, *names)
    broken = broken.rename(broken.with_name("DK-005_2024.xlsx"))
    add_entry = taking.add_entry

    def fail_over_one(connection, handed, records=(), **more):  # type: ignore[no-untyped-def]
        if handed.file == broken.name and records:
            raise KeyError("no such thing")
        return add_entry(connection, handed, records, **more)

    monkeypatch.setattr(taking, "add_entry", fail_over_one)
    run = congdoan("import", broken.parent, "--year", 2024, "--data", data)
    assert (run.status, run.err) == (1, "")
    assert "Đã nhận: 1 tệp" in run.out
    assert f"LỖI {asked.name}, trang tính «Báo cáo», ô D21" in run.out
    assert office.name in run.out
    assert f"LỖI {broken.name}: lỗi của chương trình (KeyError)" in run.out
    lists = broken.parent / "loi-nhap"
    assert broken.name in (lists / "danh-sach-loi.html").read_text("utf-8")
    log = (lists / "loi-chuong-trinh.txt").read_text("utf-8")
    assert broken.name in log
    assert "KeyError: 'no such thing'" in log
    assert "Traceback" in log
    status = congdoan("status", "--year", 2024, "--data", data).out
    assert "(DK-005) - tệp đã gửi có lỗi" in status


def test_the_offices_own_workbook_overwrites_nothing_without_a_reason(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data = store_for("dakrong", tmp_path)
    first, second = dakrong(tmp_path, "20-co-quan-lan-1.xlsx", "20-co-quan-lan-2.xlsx")
    options = ("--year", 2024, "--data", data)
    # Two of them in one import that differ: neither is the right one.
    run = congdoan("import", first, second, *options)
    assert (run.status, run.err) == (1, "")
    assert "Bị trả lại, chưa nhận gì: 2 tệp" in run.out
    assert f"ở tệp {first.name} trong cùng lần nhập này là 3" in run.out
    assert f"ở tệp {second.name} trong cùng lần nhập này là (chưa báo cáo)" in run.out
    assert load_dataset(data).district.empty
    assert congdoan("import", first, *options).status == 0
    run = congdoan("import", second, *options)
    assert run.status == 1
    assert "3 → 2" in run.out
    assert "50.000.000 → (chưa báo cáo)" in run.out
    assert list(load_dataset(data).district["law_classes"]) == [3]
    run = congdoan("import", second, *options, "--supersede", "đếm lại lớp")
    assert (run.status, run.err) == (0, "")
    assert list(load_dataset(data).district["law_classes"]) == [2]
    # The issuer's id names the district's own row.
    history = congdoan("history", "LDLD-HUONG-HOA", 2024, "--data", data).out
    assert re.search(r"Số lớp tuyên truyền pháp luật lao động: 3 \(.*ô D14\)", history)
    assert "Số lớp tuyên truyền pháp luật lao động: 3 → 2" in history
    assert "Lý do: đếm lại lớp" in history


def test_a_file_named_after_one_unit_with_the_figures_of_another_is_refused(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data, mail = store_for("03-other-unit", tmp_path), mail_for("03-other-unit", tmp_path)
    (path,) = mail.iterdir()
    options = ("--year", 2025, "--data", data)
    run = congdoan("import", path, *options)
    assert (run.status, run.err) == (1, "")
    assert (
        "(giá trị «DN-DABAN»): tên tệp ghi DN-COLAU («CĐCS Công ty TNHH May mặc Cỏ Lau»)" in run.out
    )
    assert "đổi tên tệp" in run.out
    # By its name alone, whatever it is written with.
    path = path.rename(mail / "Bao cao cua CONG TY TNHH May mặc Cỏ Lau (2).xlsx")
    assert congdoan("import", path, *options).status == 1
    path = path.rename(mail / "DN-DABAN_2025.xlsx")
    assert congdoan("import", path, *options).status == 0


def test_a_code_in_the_midst_of_a_files_name_names_the_unit(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data = store_for("dakrong", tmp_path)
    (path,) = dakrong(tmp_path, "40-DK-002_CDCS-Truong-Mam-non-Krong-Klang_2024.xlsx")
    options = ("--year", 2024, "--data", data)
    run = congdoan("import", path, *options)
    assert run.status == 1
    assert "tên tệp ghi DK-002 («CĐCS Trường Mầm non Krông Klang»)" in run.out
    assert load_dataset(data).returns.empty
    path = path.rename(path.with_name("bao cao truong khac 2024.xlsx"))
    assert congdoan("import", path, *options).status == 0


def test_a_printed_name_that_is_another_units_refuses_its_row(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data = store_for("dakrong", tmp_path)
    (path,) = dakrong(tmp_path, "41-ma-ten-khong-khop.xlsx")
    run = congdoan("import", path, "--year", 2024, "--data", data)
    assert run.status == 1
    told = [line for line in run.out.splitlines() if "mã và tên đã lệch dòng" in line]
    assert len(told) == 2
    assert "ô B" in told[0]
    assert "tên này là của DK-003 («CĐCS Trường TH&THCS Krông Klang»), còn mã DK-002" in told[0]
    assert load_dataset(data).returns.empty


def test_a_return_of_a_unit_founded_after_the_cut_off_does_not_vanish(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data, mail = store_for("22-founded-after", tmp_path), mail_for("22-founded-after", tmp_path)
    options = ("--year", 2025, "--data", data)
    status = congdoan("status", *options).out
    assert "Không phải báo cáo" not in status
    run = congdoan("import", mail, *options)
    assert (run.status, run.err) == (1, "")
    assert "thành lập ngày 07/12/2025, sau ngày chốt 30/11/2025" in run.out
    status = congdoan("status", *options).out
    assert "Không phải báo cáo năm 2025 mà có gửi (1 CĐCS)" in status
    assert "(DN-DABAN): thành lập ngày 07/12/2025" in status
    assert status.endswith("bị trả lại\n")


def test_a_return_that_stands_in_the_tables_is_in_the_sites_account_though_nobody_asked_for_it(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data = data_for("00-control", tmp_path)
    register = data / "roster.csv"
    late = register.read_text("utf-8")
    late = late.replace(",2024-03-15,,24,", ",2024-12-15,,24,", 1)
    register.write_text(late, "utf-8")
    status = congdoan("status", "--year", 2024, "--data", data).out
    assert "(DN-COINGAN): thành lập ngày 15/12/2024, sau ngày chốt 30/11/2024; số liệu có" in status
    site = tmp_path / "site"
    options = ("--year", 2024, "--data", data, "--out", site, "--unit", "DN-DABAN")
    congdoan("report", *options)
    ledger = json.loads((site / "ledger.json").read_text("utf-8"))
    (named,) = ledger["not_expected"]
    assert named["unit_id"] == "DN-COINGAN"
    assert "15/12/2024" in named["reason"]
    assert "DN-COINGAN" not in {unit["unit_id"] for unit in ledger["units"]}


def test_money_typed_in_thousands_is_asked_about(congdoan: Congdoan, tmp_path: Path) -> None:
    data, mail = store_for("04-thousand", tmp_path), mail_for("04-thousand", tmp_path)
    run = congdoan("import", mail, "--year", 2025, "--data", data)
    assert (run.status, run.err) == (0, "")
    told = [line for line in run.out.splitlines() if "gõ bằng nghìn đồng?" in line]
    assert len(told) == 5
    assert all("CẢNH BÁO DN-DABAN_bao-cao_2025.xlsx, trang tính «Báo cáo», ô D" in t for t in told)


def test_a_founding_day_that_differs_from_last_years_is_asked_about(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data, mail = store_for("07-us-dates", tmp_path), mail_for("07-us-dates", tmp_path)
    run = congdoan("import", mail, "--year", 2026, "--data", data)
    assert run.out.count("danh sách năm trước ghi thành lập ngày") == 5
    assert "ô F3" in run.out


def test_units_that_were_merged_and_still_stand_are_told(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    run = congdoan("check", "--year", 2024, "--data", data_for("30-merger-double", tmp_path))
    assert run.status == 0
    told = [line for line in run.out.splitlines() if "chưa ghi ngày kết thúc hoạt động" in line]
    assert len(told) == 2
    assert all("sáp nhập vào THTHCS-TANTHANH ngày 15/08/2024" in line for line in told)


def test_a_hundred_percent_that_excel_kept_as_1_is_asked_about(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    data = store_for("dakrong", tmp_path)
    form = dakrong(tmp_path, "31-go-100-phan-tram.xlsx")
    asked = congdoan("import", *form, "--data", data)
    assert asked.status == 1
    taken = congdoan("import", *form, "--data", data, "--supersede", "đúng là 1 người")
    assert (taken.status, taken.err) == (0, "")
    check = congdoan("check", "--data", data).out
    for out in (asked.out, taken.out, check):
        assert out.count("có phải đã gõ 100%") == 3
        assert "ô D21" in out
        assert "«Số người được tuyên truyền» chỉ là 1 trong 50" in out
    # A new office's first year has nothing to hold its money against but what is usual.
    for out in (taken.out, check):
        assert "chỉ bằng khoảng một phần nghìn mức thường thấy" in out
