"""History, status, changes, export and --as-of as an analyst meets them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import Run
from deliveries import add, give, make_folder, write_delivery
from test_store import a_return, set_clock

from analysis.plan import Plan
from analysis.store.log import create_store
from analysis.tables.files import STORE

Congdoan = Callable[..., Run]

TODAY = date.today()
UNITS = ("U1", "U2", "U3", "U4")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Path:
    """U1 corrected upwards, U2's file sent back and mended, U3's sent back, nothing from U4."""
    base = tmp_path_factory.mktemp("store")
    mail = base / "mail"
    folder = make_folder(base / "data", UNITS)
    give(folder, plan, write_delivery(mail, "returns-u2", [a_return("U2", informed=51)]))
    add(folder, write_delivery(mail, "returns-u2", [a_return("U2", informed=20)]))
    (mail / "U3.csv").write_text("garbage", "utf-8")
    give(folder, plan, mail / "U3.csv", year=2024)
    fewer = a_return("U1", informed=30)
    add(folder, write_delivery(mail, "returns-u1", [fewer]), reason="đếm lại", by="Hoa")
    return folder


@pytest.fixture
def aged(data: Path, tmp_path: Path) -> Path:
    """The same store as if all but its last entry were a week old."""
    folder = tmp_path / "aged"
    folder.mkdir()
    with (
        closing(sqlite3.connect(data / STORE)) as old,
        closing(sqlite3.connect(folder / STORE)) as new,
    ):
        old.backup(new)
        new.execute("DROP TRIGGER entry_no_update")
        new.execute("DROP TABLE seal")  # else it is seen that the entries are not what they were
        week = f"{TODAY - timedelta(days=7)}T08:00:00.000000Z"
        new.execute("UPDATE entry SET at = ? WHERE id < (SELECT max(id) FROM entry)", [week])
        new.commit()
    return folder


def test_history_tells_when_from_where_before_and_after_and_why(
    congdoan: Congdoan, data: Path
) -> None:
    run = congdoan("history", "U1", 2024, "--data", data)
    assert (run.status, run.err) == (0, "")
    assert "Số người được tuyên truyền: 50 (dòng 2)" in run.out
    assert "Số người được tuyên truyền: 50 → 30 (trang tính «Báo cáo», ô C2)" in run.out
    assert "Lý do: đếm lại" in run.out
    assert "Người nhập: Hoa" in run.out
    # A run may begin before midnight and end after it.
    assert any(f"{TODAY + timedelta(days=n):%d/%m/%Y}" in run.out for n in (0, 1))
    refused = congdoan("history", "U2", 2024, "--data", data).out
    assert "Bị trả lại: 1 lỗi" in refused


def test_history_of_a_unit_that_nobody_knows(congdoan: Congdoan, data: Path) -> None:
    run = congdoan("history", "U9", 2024, "--data", data)
    assert run.status == 1
    assert "không có gì về U9 năm 2024" in run.out


def test_a_return_is_withdrawn_and_all_commands_say_so(congdoan: Congdoan, aged: Path) -> None:
    run = congdoan("withdraw", "U2", 2024, "--reason", "nhầm", "--by", "Hoa", "--data", aged)
    assert (run.status, run.err) == (0, "")
    assert "Đã rút lại số liệu năm 2024 của U2 ở bảng returns" in run.out
    told = congdoan("history", "U2", 2024, "--data", aged).out.split(
        "Rút lại: từ đó coi như chưa có"
    )[1]
    assert "Lý do: nhầm\n  Người nhập: Hoa\n" in told
    assert "Số người được tuyên truyền: 20 → (chưa báo cáo)\n" in told
    status = congdoan("status", "--year", 2024, "--data", aged).out
    assert "(U2) - tệp đã gửi có lỗi" in status  # its first file had been sent back
    since = f"{TODAY - timedelta(days=2)}"
    changes = congdoan("changes", "--year", 2024, "--since", since, "--data", aged).out
    assert "U2 2024, «Số người được tuyên truyền»: 20 → (chưa báo cáo) (rút lại báo cáo;" in changes
    again = congdoan("withdraw", "U2", 2024, "--reason", "nhầm", "--data", aged)
    assert again.status == 1
    assert "kho không có gì về mã này năm 2024" in again.err


def test_status_counts_by_commune_and_type_and_lists_whom_to_remind(
    congdoan: Congdoan, data: Path
) -> None:
    run = congdoan("status", "--year", 2024, "--data", data)
    assert (run.status, run.err) == (0, "")
    counts = re.findall(r"^(Toàn bộ|Khe Sanh|Doanh nghiệp ngoài nhà nước) +(.*)$", run.out, re.M)
    assert [name for name, _ in counts] == ["Toàn bộ", "Khe Sanh", "Doanh nghiệp ngoài nhà nước"]
    assert {tuple(map(int, numbers.split())) for _, numbers in counts} == {(4, 2, 1, 1)}
    reminder = run.out.split("Danh sách nhắc nộp")[1].splitlines()
    assert reminder[1:] == [
        "LĐLĐ huyện Hướng Hóa:",
        "- CĐCS Một, Khe Sanh (U3) - tệp đã gửi có lỗi, cần sửa và gửi lại",
        "- CĐCS Một, Khe Sanh (U4)",
    ]


def test_status_without_a_store_counts_the_tables(congdoan: Congdoan, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data", UNITS)
    run = congdoan("status", "--year", 2024, "--data", folder)
    assert re.search(r"^Toàn bộ +4 +1 +0 +3$", run.out, re.M)
    gone = make_folder(tmp_path / "gone", UNITS, dissolved_on="2024-11-30")
    assert "Danh sách nhắc" not in congdoan("status", "--year", 2024, "--data", gone).out


def test_changes_names_the_verdict_then_and_now_and_the_correction(
    congdoan: Congdoan, aged: Path
) -> None:
    since = TODAY - timedelta(days=1)
    run = congdoan("changes", "--year", 2024, "--since", since, "--data", aged)
    assert (run.status, run.err) == (0, "")
    blocks = {block.splitlines()[0]: block for block in run.out.split("\n\n")[1:]}
    unit = next(text for name, text in blocks.items() if name.startswith("U1 ·"))
    assert "Đạt (50 / 50) → Chưa đạt (30 / 50)" in unit
    assert "U1 2024, «Số người được tuyên truyền»: 50 → 30" in unit
    assert "returns-u1.csv, trang tính «Báo cáo», ô C2" in unit
    assert "lý do: đếm lại; người nhập: Hoa" in unit
    assert "U2" not in run.out


def test_nothing_has_changed_since_today(congdoan: Congdoan, data: Path) -> None:
    run = congdoan("changes", "--year", 2024, "--since", date.today(), "--data", data)
    assert (run.status, run.out) == (0, "Không có đánh giá nào thay đổi.\n")


def test_changes_since_the_edition_that_was_published(
    congdoan: Congdoan, aged: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    (site / "data").mkdir(parents=True)
    made_at = f"{TODAY - timedelta(days=2)}T00:00:00Z"
    (site / "ledger.json").write_text(json.dumps({"made_at": made_at}), "utf-8")
    day = TODAY - timedelta(days=2)
    table = site / "data" / "indicators.csv"
    options = ("--data", aged, "--out", table, "--as-of", day)
    assert congdoan("indicators", "--year", 2024, *options).status == 0
    run = congdoan("changes", "--year", 2024, "--data", aged, "--out", site)
    assert "Đạt (50 / 50) → Chưa đạt (30 / 50)" in run.out
    # What was published is taken as it was published, whatever the store says of that day.
    published = table.read_text("utf-8")
    (row,) = re.findall(r"^informed_enterprise,2024,unit,U2,.*$", published, re.M)
    table.write_text(published.replace(row, row.replace("not_met", "met")), "utf-8")
    run = congdoan("changes", "--year", 2024, "--data", aged, "--out", site)
    assert "\nU2 · " in run.out
    assert "Không do số liệu của kho" in run.out
    # Published before the store was made: from the tables that it began with.
    (site / "ledger.json").write_text('{"made_at": "2025-01-01T00:00:00Z"}', "utf-8")
    table.write_text(published, "utf-8")
    run = congdoan("changes", "--year", 2024, "--data", aged, "--out", site)
    assert "Đạt (50 / 50) → Chưa đạt (30 / 50)" in run.out
    run = congdoan("changes", "--year", 2024, "--data", aged, "--out", tmp_path / "none")
    assert run.status == 1
    assert "--since" in run.err


def test_changes_are_held_against_the_years_page_and_a_stale_one_is_told(
    congdoan: Congdoan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a withdrawal one unit's page is made again: the year's page still shows what was."""
    folder, site = make_folder(tmp_path / "data", ["U1"]), tmp_path / "site"
    with monkeypatch.context() as patch:
        set_clock(patch, 2024, 12, 1)
        create_store(folder, "congdoan import")
    year = ("--year", 2024, "--data", folder, "--out", site)
    assert congdoan("report", *year).status == 0
    run = congdoan("changes", *year)
    assert run.out == "Không có đánh giá nào thay đổi.\n"
    assert congdoan("withdraw", "U1", 2024, "--data", folder, "--reason", "nhầm").status == 0
    first = congdoan("changes", *year).out
    assert "U1" in first
    assert "chạy congdoan report --year 2024" in first
    assert congdoan("report", *year, "--unit", "U1").status == 0
    again = congdoan("changes", *year).out
    assert "rút lại báo cáo" in again
    assert "Không có đánh giá nào thay đổi" not in again
    assert "chạy congdoan report --year 2024" in again
    assert congdoan("report", *year).status == 0
    assert congdoan("changes", *year).out == "Không có đánh giá nào thay đổi.\n"


def test_export_and_indicators_of_a_past_day(
    congdoan: Congdoan, aged: Path, tmp_path: Path
) -> None:
    past = TODAY - timedelta(days=1)
    for name, options in (("then", ("--as-of", past)), ("now", ())):
        run = congdoan("export", "--data", aged, "--out", tmp_path / name, *options)
        assert (run.status, run.err) == (0, "")
    then, now = (tmp_path / name / "returns.csv" for name in ("then", "now"))
    assert "2024,U1,50," in then.read_text("utf-8")
    assert "2024,U1,30," in now.read_text("utf-8")
    kept = then.read_bytes()
    congdoan("export", "--data", tmp_path / "then", "--out", tmp_path / "again")
    assert (tmp_path / "again" / "returns.csv").read_bytes() == kept
    out = congdoan(
        "indicators", "--year", 2024, "--data", aged, "--by", "unit", "--as-of", past
    ).out
    assert (
        out
        == congdoan("indicators", "--year", 2024, "--data", tmp_path / "then", "--by", "unit").out
    )
    run = congdoan("check", "--data", aged, "--as-of", past)
    assert run.status == 0


@pytest.mark.parametrize("command", ["history", "changes", "export", "indicators", "check"])
def test_what_needs_a_store_says_so(congdoan: Congdoan, tmp_path: Path, command: str) -> None:
    folder = make_folder(tmp_path / "data")
    out = ("--out", tmp_path / "o.csv")
    options = {
        "history": ("U1", 2024),
        "changes": ("--year", 2024, "--since", TODAY),
        "export": (*out, "--as-of", TODAY),
        "indicators": ("--year", 2024, *out, "--as-of", TODAY),
        "check": ("--as-of", TODAY),
    }
    run = congdoan(command, *options[command], "--data", folder)
    assert run.status == 1
    assert "chưa có kho số liệu" in run.err
    assert not (tmp_path / "o.csv").exists()


def test_a_day_that_is_none(congdoan: Congdoan, data: Path) -> None:
    run = congdoan("export", "--data", data, "--out", data / "x", "--as-of", "31/12/2024")
    assert run.status == 2
    assert "--as-of" in run.err
    assert "2025-03-31" in run.err
