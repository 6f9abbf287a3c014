"""The store: what comes in, stays, with its source; every state it ever had can be had again."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import HEADERS, filled, write_tables
from deliveries import SHEET, add, give, make_folder, write_delivery
from test_tables import UNIT, sound_tables

from analysis.plan import Plan
from analysis.problems import InputError, Problem
from analysis.store import log
from analysis.store.history import export_dataset, format_history, read_history
from analysis.store.log import create_store, open_for_writing, withdraw_rows, writing
from analysis.store.take_in import Recap
from analysis.tables import storefile
from analysis.tables.check import check_dataset
from analysis.tables.dictionary import dictionary
from analysis.tables.files import MARK, STORE
from analysis.tables.load import load_dataset, read_dataset
from analysis.tables.storefile import read_rows

RETURN = {name: UNIT[name] for name in HEADERS["returns"] if name in UNIT}


def a_return(unit: str, **cells: Any) -> dict[str, Any]:
    return RETURN | {"unit_id": unit} | cells


def told(recap: Recap) -> list[tuple[str, ...]]:
    return [tuple(p.code for p in taken.problems) for taken in recap.files]


def outcomes(recap: Recap) -> list[str]:
    return [taken.outcome for taken in recap.files]


def the_error(recap: Recap) -> Problem:
    (taken,) = [taken for taken in recap.files if taken.outcome == "refused"]
    (problem,) = taken.problems
    return problem


def figure(folder: Path, unit: str, column: str, as_of: date | None = None) -> str:
    with storefile.reading(folder) as connection:
        last = storefile.last_entry(connection, as_of)
        returns = read_rows(connection, dictionary().tables["returns"], last)
    return str(returns.set_index("unit_id").at[unit, column])


def same_tables(one: Path, other: Path) -> bool:
    left, right = load_dataset(one).tables, load_dataset(other).tables
    for name, table in dictionary().tables.items():
        key = list(table.key)
        frames = [side[name].sort_values(key, ignore_index=True) for side in (left, right)]
        pd.testing.assert_frame_equal(*frames)
    return True


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A dataset folder of tables: no store yet."""
    return make_folder(tmp_path / "data")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("begun") / "data")
    create_store(folder, "congdoan import")
    return folder


@pytest.fixture
def folder(begun: Path, tmp_path: Path) -> Path:
    """The same folder, with its store."""
    return shutil.copytree(begun, tmp_path / "data")


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    return tmp_path / "mail"


# The first import


def test_the_first_import_takes_the_folders_tables_in_and_changes_none(
    fresh: Path, mail: Path, plan: Plan, tmp_path: Path
) -> None:
    before = shutil.copytree(fresh, tmp_path / "before")
    recap = give(fresh, plan, write_delivery(mail, "returns-a", [a_return("U1")]))
    assert recap.created_from is not None
    assert set(recap.created_from) == {f"{name}.csv" for name in HEADERS}
    assert outcomes(recap) == ["unchanged"]
    assert same_tables(before, fresh)


def test_a_folder_with_a_register_alone_is_enough_to_begin(
    fresh: Path, mail: Path, plan: Plan
) -> None:
    for name in ("returns", "employers", "district", "lineage"):
        (fresh / f"{name}.csv").unlink()
    recap = give(fresh, plan, write_delivery(mail, "returns-a", [a_return("U1")]))
    assert (recap.created_from, recap.is_done) == (("roster.csv",), True)
    assert figure(fresh, "U1", "informed") == "50"


def test_an_empty_folder_is_enough_and_a_register_goes_before_its_returns(
    mail: Path, plan: Plan, tmp_path: Path
) -> None:
    empty = tmp_path / "data"
    empty.mkdir()
    register = {name: UNIT[name] for name in HEADERS["roster"] if name in UNIT}
    paths = [
        write_delivery(mail, "returns-a", [a_return("U1")]),
        write_delivery(mail, "roster-a", [register]),
    ]
    recap = give(empty, plan, *paths)
    assert outcomes(recap) == ["accepted", "accepted"]
    assert [taken.path for taken in recap.files] == paths


def test_tables_with_errors_are_not_taken_in(fresh: Path, mail: Path, plan: Plan) -> None:
    table = fresh / "returns.csv"
    table.write_text(table.read_text("utf-8").replace("2024,U1,50", "2024,U1,51"), "utf-8")
    with pytest.raises(InputError) as failure:
        give(fresh, plan, write_delivery(mail, "returns-a", [a_return("U2")]))
    assert [p.code for p in failure.value.problems if p.severity == "error"] == ["part_above_whole"]
    assert not (fresh / STORE).exists()


def test_a_table_changed_beside_the_store_is_an_error_until_it_is_imported(
    folder: Path, mail: Path, plan: Plan
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    table = folder / "returns.csv"
    table.write_text(table.read_text("utf-8").replace("2024,U1,50", "2024,U1,49"), "utf-8")
    with pytest.raises(InputError) as failure:
        load_dataset(folder)
    (problem,) = [one for one in failure.value.problems if one.severity == "error"]
    assert (problem.code, problem.file) == ("table_beside_store", "returns.csv")
    assert "congdoan import returns.csv --supersede" in problem.message
    assert outcomes(give(folder, plan, table)) == ["refused"]
    assert outcomes(give(folder, plan, table, reason="đối chiếu lại")) == ["accepted"]
    assert figure(folder, "U1", "informed") == "49"
    assert figure(folder, "U2", "informed") == "50"


def test_a_table_written_anew_with_the_same_figures_is_known_again_after_its_import(
    folder: Path, mail: Path, plan: Plan
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    table = folder / "returns.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    assert [p.code for p in read_dataset(folder)[1]] == ["table_beside_store"]
    table.write_text(table.read_text("utf-8-sig").replace("\r\n", "\n") + "\n", "utf-8")
    assert outcomes(give(folder, plan, table)) == ["unchanged"]
    assert read_dataset(folder)[1] == []


# What is refused, at the exact cell


CELLS = {
    "numerator above the register's denominator": (
        {"informed": 51},
        "informed",
        "part_above_whole",
    ),
    "part above its whole": ({"cadres_trained": 7}, "cadres_trained", "part_above_whole"),
    "no number": ({"fund_due": "1.000.000"}, "fund_due", "not_number"),
    "negative": ({"new_members": -1}, "new_members", "negative"),
    "unknown word": ({"grade": "best"}, "grade", "unknown_word"),
    "unit not in the register": ({"unit_id": "U9"}, "unit_id", "unknown_unit"),
    "unit not in that year's register": ({"year": 2023}, "unit_id", "unknown_unit"),
    "no unit": ({"unit_id": ""}, "unit_id", "empty"),
}


def test_an_error_names_file_sheet_cell_and_value_and_nothing_is_taken_in(
    tmp_path: Path, mail: Path, plan: Plan
) -> None:
    """Not even the sound row above it."""
    units = [f"U{number}" for number in range(1, 2 * len(CELLS) + 3) if number != 9]
    folder, paths = make_folder(tmp_path / "data", units), {}
    for number, (cells, column, code) in enumerate(CELLS.values()):
        sound, wrong = units[2 * number + 1 :][:2]
        rows = [a_return(sound), a_return(wrong, **cells)]
        paths[write_delivery(mail, f"returns-{number}", rows)] = rows[1], column, code
    recap = give(folder, plan, *paths)
    assert list(recap.refused) == list(paths)
    for taken in recap.files:
        row, column, code = paths[taken.path]
        letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[list(row).index(column)]
        (problem,) = (p for p in taken.problems if p.code != "two_deliveries")
        assert (problem.code, problem.file, problem.sheet) == (code, taken.path.name, SHEET)
        assert (problem.cell, problem.value) == (f"{letter}3", str(row[column]))
        assert taken.path.name in str(problem)
    assert list(load_dataset(folder).returns["unit_id"]) == ["U1"]


def test_one_bad_file_stops_no_other_and_every_error_of_it_is_told_at_once(
    folder: Path, mail: Path, plan: Plan
) -> None:
    rows = [a_return("U2", informed=51, grade="best"), a_return("U9")]
    bad = write_delivery(mail, "returns-a", rows)
    unreadable, no_file = mail / "U2.csv", mail / "U1_x_2024.xlsx"
    unreadable.write_text("garbage", "utf-8")
    no_file.mkdir()
    good = write_delivery(mail, "returns-c", [a_return("U3", informed=0)])
    recap = give(folder, plan, bad, unreadable, no_file, good)
    assert outcomes(recap) == ["refused", "refused", "refused", "accepted"]
    assert not recap.is_done
    assert sorted(told(recap)[0]) == ["part_above_whole", "unknown_unit", "unknown_word"]
    assert told(recap)[1:3] == [("unreadable",), ("unreadable",)]
    assert read_history(folder, "U1", 2024)[-1].errors == 1
    assert recap.files[-1].units == (("2024", "U3"),)
    assert figure(folder, "U3", "informed") == "0"


def test_a_unit_that_did_not_exist_on_the_cut_off_day_has_nothing_to_report(
    mail: Path, plan: Plan, tmp_path: Path
) -> None:
    days = {
        "U2": ("dissolved_on", "2024-11-30"),
        "U3": ("dissolved_on", "2024-12-01"),
        "U4": ("founded_on", "2024-11-30"),
        "U5": ("founded_on", "2024-12-01"),
    }
    tables = sound_tables()
    for unit, (column, day) in days.items():
        tables["roster"].append(filled("roster", UNIT | {"unit_id": unit, column: day}))
    folder = write_tables(tables, tmp_path / "data")
    paths = [write_delivery(mail, f"returns-{unit}", [a_return(unit)]) for unit in days]
    recap = give(folder, plan, *paths)
    assert outcomes(recap) == ["refused", "accepted", "accepted", "refused"]
    for taken in (recap.files[0], recap.files[-1]):
        (problem,) = taken.problems
        assert (problem.code, problem.cell) == ("not_asked", "B2")
        assert "30/11/2024" in problem.message


def test_two_files_of_one_run_for_the_same_unit(folder: Path, mail: Path, plan: Plan) -> None:
    """Which of them is right nobody can know, whatever reason is given; equal ones do no harm."""
    first = write_delivery(mail, "returns-a", [a_return("U2", informed=10)])
    second = write_delivery(mail, "returns-b", [a_return("U2", informed=11)])
    other = write_delivery(mail, "returns-c", [a_return("U3")])
    recap = give(folder, plan, first, second, other, reason="sửa")
    assert outcomes(recap) == ["refused", "refused", "accepted"]
    for taken, its, figure_there in (*zip(recap.files, "ba", ("11", "10"), strict=False),):
        (problem,) = taken.problems
        assert (problem.code, problem.cell) == ("two_deliveries", "C2")
        assert f"returns-{its}.csv" in problem.message
        assert figure_there in problem.message
    second.unlink()
    same = write_delivery(mail, "returns-d", [{"note": ""} | a_return("U2", informed=10)])
    assert outcomes(give(folder, plan, first, same)) == ["accepted", "unchanged"]
    assert figure(folder, "U2", "informed") == "10"
    # A newer version beside one that the store has is a correction.
    newer = write_delivery(mail, "returns-e", [a_return("U2", informed=12)])
    assert outcomes(give(folder, plan, first, newer, reason="đếm lại")) == ["unchanged", "accepted"]


def test_an_earlier_file_restores_its_figures_with_a_reason_if_it_comes_alone(
    folder: Path, mail: Path, plan: Plan
) -> None:
    first = write_delivery(mail, "returns-a", [a_return("U2", informed=10)])
    add(folder, first)
    second = write_delivery(mail, "returns-b", [a_return("U2", informed=11)])
    add(folder, second, reason="đếm lại")
    recap = give(folder, plan, first, second, reason="b sai")
    assert outcomes(recap) == ["unchanged", "unchanged"]
    assert told(recap) == [("older",), ()]
    assert figure(folder, "U2", "informed") == "11"
    assert outcomes(give(folder, plan, first)) == ["unchanged"]
    assert outcomes(give(folder, plan, first, reason="b sai")) == ["accepted"]
    assert figure(folder, "U2", "informed") == "10"
    assert read_history(folder, "U2", 2024)[-1].reason == "b sai"


def test_a_key_twice_in_one_file(folder: Path, mail: Path, plan: Plan) -> None:
    recap = give(folder, plan, write_delivery(mail, "returns-a", [a_return("U2"), a_return("U2")]))
    problem = the_error(recap)
    assert (problem.code, problem.cell) == ("duplicate_key", "B3")
    assert f"ô B2 của trang tính «{SHEET}»" in problem.message


def test_a_register_that_would_make_an_accepted_return_wrong_is_refused(
    folder: Path, mail: Path, plan: Plan
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2", informed=45)]))
    fewer = {"year": 2024, "unit_id": "U2", "workers_total": 44, "members_total": 40}
    recap = give(folder, plan, write_delivery(mail, "roster-b", [fewer]), reason="đếm lại")
    problems = {(p.file, p.cell, p.value) for p in recap.files[0].problems}
    assert ("returns-a.csv", "C2", "45") in problems


# Corrections


def test_a_second_return_needs_a_reason_and_says_what_it_would_change(
    folder: Path, mail: Path, plan: Plan
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2", informed=10, note="")]))
    again = write_delivery(mail, "returns-b", [a_return("U2", informed=12, note="muộn")])
    recap = give(folder, plan, again)
    assert outcomes(recap) == ["refused"]
    assert {(p.code, p.column) for p in recap.files[0].problems} == {
        ("superseded", "informed"),
        ("superseded", "note"),
    }
    assert any(
        "10 → 12" in p.message and "--supersede" in p.advice for p in recap.files[0].problems
    )
    assert figure(folder, "U2", "informed") == "10"
    assert outcomes(give(folder, plan, again, reason="đếm sót")) == ["accepted"]
    assert figure(folder, "U2", "informed") == "12"


def test_the_same_again_changes_nothing(folder: Path, mail: Path, plan: Plan) -> None:
    path = write_delivery(mail, "returns-a", [a_return("U2")])
    add(folder, path)
    kept = (folder / STORE).read_bytes()
    other_bytes = write_delivery(mail, "returns-b", [{"note": ""} | a_return("U2")])
    assert outcomes(give(folder, plan, path, other_bytes, reason="sửa")) == ["unchanged"] * 2
    assert (folder / STORE).read_bytes() == kept


def test_what_a_later_file_does_not_mention_stands(folder: Path, mail: Path, plan: Plan) -> None:
    """A column that is not there says nothing; an empty cell says: not reported."""
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    part = {"year": 2024, "unit_id": "U2", "informed": 9, "new_members": ""}
    give(folder, plan, write_delivery(mail, "returns-b", [part]), reason="đếm lại")
    assert figure(folder, "U2", "informed") == "9"
    assert figure(folder, "U2", "new_members") == ""
    assert figure(folder, "U2", "cadres_total") == str(UNIT["cadres_total"])


def test_a_return_may_fill_what_the_register_did_not_know(
    mail: Path, plan: Plan, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "data", workers_female="")
    row = {"year": 2024, "unit_id": "U2", "workers_female": 11, "workers_total": 50}
    assert outcomes(give(folder, plan, write_delivery(mail, "roster-a", [row]))) == ["accepted"]
    row["workers_female"] = 12
    recap = give(folder, plan, write_delivery(mail, "roster-b", [row]))
    assert (the_error(recap).code, the_error(recap).column) == ("superseded", "workers_female")


def test_the_history_names_each_file_cell_reason_and_person(
    folder: Path, mail: Path, plan: Plan
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2", informed=10)]))
    correction = write_delivery(mail, "returns-b", [a_return("U2", informed=12)])
    give(folder, plan, write_delivery(mail, "returns-c", [a_return("U2", informed=99)]))
    give(folder, plan, correction, reason="đếm sót", by="Chị Hoa")
    register, first, refused, second = read_history(folder, "U2", 2024)
    assert (register.file, first.file, refused.file) == (
        "roster.csv",
        "returns-a.csv",
        "returns-c.csv",
    )
    assert (first.reason, first.by, refused.errors) == ("", "", 2)
    assert (second.reason, second.by, second.command) == ("đếm sót", "Chị Hoa", "congdoan import")
    (step,) = second.steps
    assert (step.before, step.after, step.sheet, step.cell) == ("10", "12", SHEET, "C2")
    assert step.column.vi == "Số người được tuyên truyền"
    assert refused.steps == []


def test_problems_of_stored_figures_name_the_file_they_came_from(
    folder: Path, mail: Path, plan: Plan
) -> None:
    over = a_return("U2", fund_collected=2 * RETURN["fund_due"])
    recap = give(folder, plan, write_delivery(mail, "returns-a", [over]))
    (warning,) = check_dataset(load_dataset(folder))
    place = (warning.file, warning.sheet, warning.value)
    assert place == ("returns-a.csv", SHEET, str(over["fund_collected"]))
    assert recap.warnings == (warning,)


# What is taken back


def withdraw(folder: Path, unit: str, **more: Any) -> int:
    return withdraw_rows(folder, unit, 2024, **({"reason": "nhầm đơn vị"} | more))


def test_a_withdrawn_return_was_never_there_but_in_the_history(
    folder: Path, mail: Path, plan: Plan
) -> None:
    without = load_dataset(folder).digest
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    given = datetime.now(UTC)
    assert withdraw(folder, "U2", by="Chị Hoa") == len(RETURN) - 2
    dataset = load_dataset(folder)
    assert dataset.digest == without
    assert "U2" not in set(dataset.returns["unit_id"])
    assert "U2" in set(dataset.roster["unit_id"])
    assert figure(folder, "U2", "informed", given) == "50"
    *_, first, withdrawal = read_history(folder, "U2", 2024)
    assert first.file == "returns-a.csv"
    assert (withdrawal.command, withdrawal.reason, withdrawal.by) == (
        "congdoan withdraw",
        "nhầm đơn vị",
        "Chị Hoa",
    )
    assert {step.after for step in withdrawal.steps} == {""}
    assert sum(bool(step.before) for step in withdrawal.steps) == len(RETURN) - 2


def test_after_a_withdrawal_another_return_is_the_first_one(
    folder: Path, mail: Path, plan: Plan
) -> None:
    """Nothing of what was taken back shows through where the new file is silent."""
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    withdraw(folder, "U2")
    part = {"year": 2024, "unit_id": "U2", "informed": 9}
    assert outcomes(give(folder, plan, write_delivery(mail, "returns-b", [part]))) == ["accepted"]
    assert figure(folder, "U2", "informed") == "9"
    assert figure(folder, "U2", "cadres_total") == ""


def test_after_a_withdrawal_a_unit_that_the_store_never_had_is_taken_in(
    folder: Path, mail: Path, plan: Plan
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    withdraw(folder, "U2")
    new = {name: UNIT[name] for name in HEADERS["roster"] if name in UNIT} | {"unit_id": "U5"}
    assert outcomes(give(folder, plan, write_delivery(mail, "roster-b", [new]))) == ["accepted"]


def test_the_withdrawn_file_itself_comes_back_only_with_a_reason(
    folder: Path, mail: Path, plan: Plan
) -> None:
    """A folder that is imported once more must not bring the mistake back."""
    path = write_delivery(mail, "returns-a", [a_return("U2"), a_return("U3")])
    add(folder, path)
    corrected = write_delivery(mail, "returns-b", [a_return("U3", informed=9)])
    add(folder, corrected, reason="đếm lại")
    withdraw(folder, "U2")
    recap = give(folder, plan, path)
    assert (the_error(recap).code, the_error(recap).file) == ("withdrawn", "returns-a.csv")
    assert "U2 2024" in the_error(recap).message
    assert "U3" not in the_error(recap).message
    assert outcomes(give(folder, plan, path, reason="không nhầm")) == ["accepted"]
    assert figure(folder, "U2", "informed") == "50"
    assert figure(folder, "U3", "informed") == "9"  # what was corrected since stays
    assert read_history(folder, "U2", 2024)[-1].reason == "không nhầm"
    assert outcomes(give(folder, plan, path)) == ["unchanged"]


def test_only_a_return_that_is_there_can_be_withdrawn_and_only_with_a_reason(
    folder: Path, tmp_path: Path
) -> None:
    kept = (folder / STORE).read_bytes()
    fresh = make_folder(tmp_path / "fresh")
    for case, where, unit, reason in (
        ("no_rows", folder, "U2", "nhầm"),
        ("no_reason", folder, "U1", "  "),
        ("no_store", fresh, "U1", "nhầm"),
    ):
        with pytest.raises(InputError) as failure:
            withdraw(where, unit, reason=reason)
        assert [problem.code for problem in failure.value.problems] == [case]
    assert (folder / STORE).read_bytes() == kept
    withdraw(folder, "U1")
    with pytest.raises(InputError, match="kho không có gì về mã này năm 2024"):
        withdraw(folder, "U1")


def test_rows_of_every_table_can_be_withdrawn_and_come_back(
    folder: Path, tmp_path: Path, plan: Plan
) -> None:
    moment, before, again = datetime.now(UTC), load_dataset(folder).tables, []
    names = {"district": "HUYEN", "employers": "E1", "lineage": "U1"}
    for table, name in names.items():
        assert len(before[table]) == 1
        withdraw_rows(folder, name, 2024, reason="nhầm", table=table, issuer="HUYEN")
        last = read_history(folder, name, 2024, "HUYEN")[-1]
        assert (last.command, last.reason) == (storefile.WITHDRAW, "nhầm")
        assert {step.after for step in last.steps if step.table.name == table} == {""}
        again.append(Path(shutil.copy(folder / f"{table}.csv", tmp_path / f"{table}-x.csv")))
    now, then = load_dataset(folder).tables, load_dataset(folder, moment).tables
    assert [(len(now[table]), len(then[table])) for table in names] == [(0, 1)] * 3
    assert told(give(folder, plan, *again)) == [("withdrawn",)] * 3
    assert outcomes(give(folder, plan, *again, reason="không nhầm")) == ["accepted"] * 3
    after = load_dataset(folder).tables
    assert all(after[table].equals(before[table]) for table in names)


def test_a_register_row_that_a_return_rests_on_is_not_withdrawn(folder: Path) -> None:
    with pytest.raises(InputError, match="không có trong danh sách"):
        withdraw_rows(folder, "U1", 2024, reason="nhầm", table="roster")
    withdraw_rows(folder, "U2", 2024, reason="nhầm", table="roster")
    assert sorted(load_dataset(folder).roster["unit_id"]) == ["U1", "U3"]


# States of the past


def test_every_past_state_can_be_read(folder: Path, mail: Path, plan: Plan) -> None:
    moments = []
    for number in (10, 11, 12):
        path = write_delivery(mail, f"returns-{number}", [a_return("U2", informed=number)])
        add(folder, path, reason="sửa")
        moments.append(datetime.now(UTC))
    digests = {load_dataset(folder, moment).digest for moment in moments}
    assert [figure(folder, "U2", "informed", moment) for moment in moments] == ["10", "11", "12"]
    assert len(digests) == 3
    assert load_dataset(folder, moments[-1]).digest == load_dataset(folder).digest
    today = datetime.now().date()
    assert figure(folder, "U2", "informed", today) == "12"
    with pytest.raises(InputError, match="lần nhập đầu tiên"):
        load_dataset(folder, today - timedelta(days=1))


def test_a_folder_without_a_store_has_no_past(fresh: Path) -> None:
    with pytest.raises(InputError, match="chưa có kho"):
        load_dataset(fresh, datetime.now().date())


def test_the_same_state_has_the_same_digest_and_the_same_export_by_whatever_way_it_came(
    begun: Path, mail: Path, plan: Plan, tmp_path: Path
) -> None:
    a, b = (write_delivery(mail, f"returns-{u}", [a_return(u)]) for u in ("U2", "U3"))
    wrong = write_delivery(mail, "returns-x", [a_return("U3", informed=1)])
    one, other = (shutil.copytree(begun, tmp_path / name) for name in ("one", "other"))
    give(one, plan, a, b)
    add(other, wrong)
    give(other, plan, b, a, reason="nhầm")
    assert load_dataset(one).digest == load_dataset(other).digest
    files = [export_dataset(load_dataset(f), tmp_path / f"{f.name}-out", f) for f in (one, other)]
    for left, right in zip(*files, strict=True):
        assert left.read_bytes() == right.read_bytes()
    assert same_tables(one, tmp_path / "one-out")


def test_nothing_is_exported_over_a_store(folder: Path, mail: Path, plan: Plan) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    with pytest.raises(FileExistsError):
        export_dataset(load_dataset(folder), folder, folder)


# The file itself


def test_nothing_in_the_store_can_be_changed_removed_or_replaced(
    folder: Path, mail: Path, plan: Plan
) -> None:
    paths = [write_delivery(mail, f"returns-{n}", [a_return(n)]) for n in ("U2", "U9")]
    give(folder, plan, *paths)
    columns = dict.fromkeys(HEADERS, "row") | {
        **{"entry": "file", "source": "sheet", "refused": "unit_id"}
    }
    statements = ["DELETE FROM {0}", "UPDATE {0} SET {1} = 1"]
    statements += ["INSERT OR REPLACE INTO {0} SELECT * FROM {0} LIMIT 1"]
    with closing(sqlite3.connect(folder / STORE)) as connection:
        for table, column in columns.items():
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0
            for statement in statements if table in ("entry", "source") else statements[:2]:
                with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                    connection.execute(statement.format(table, column))


def test_a_closed_store_is_one_file_and_its_copy_is_a_backup(
    folder: Path, mail: Path, plan: Plan, tmp_path: Path
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    assert [path.name for path in folder.glob("store*")] == [STORE]
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(folder / STORE, copy)
    assert load_dataset(copy).digest == load_dataset(folder).digest


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def _noise(path: Path) -> None:
    path.write_bytes(b"\x00noise" * 3000)


def _holed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (_newer, "store_version"),
        (_foreign, "not_a_store"),
        (_torn, "bad_store"),
        (_noise, "bad_store"),
        (_holed, "bad_store"),
    ],
)
def test_a_store_that_cannot_be_trusted_is_neither_read_nor_written(
    folder: Path, mail: Path, plan: Plan, harm: Callable[[Path], None], code: str
) -> None:
    path = write_delivery(mail, "returns-a", [a_return("U2")])
    harm(folder / STORE)
    kept = (folder / STORE).read_bytes()
    for attempt in (lambda: load_dataset(folder), lambda: give(folder, plan, path)):
        with pytest.raises(InputError) as failure:
            attempt()
        assert [p.code for p in failure.value.problems] == [code]
    assert (folder / STORE).read_bytes() == kept


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _unplugged(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "drive" / STORE)


@pytest.mark.parametrize("harm", [Path.unlink, _emptied, _unplugged])
def test_a_store_that_is_gone_is_missed_and_older_tables_do_not_stand_in_for_it(
    folder: Path, mail: Path, plan: Plan, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = write_delivery(mail, "returns-a", [a_return("U2")])
    add(folder, path)
    backup = shutil.copytree(folder, tmp_path / "backup")
    kept = (folder / STORE).read_bytes()
    harm(folder / STORE)
    assert (folder / "roster.csv").exists()
    left = sorted(folder.iterdir())
    for attempt in (
        lambda: load_dataset(folder),
        lambda: load_dataset(folder, date.today()),
        lambda: give(folder, plan, path),
        lambda: read_history(folder, "U2", 2024),
        lambda: withdraw_rows(folder, "U2", 2024, reason="nhầm"),
        lambda: export_dataset(load_dataset(backup), folder, folder),
    ):
        with pytest.raises(InputError) as failure:
            attempt()
        (problem,) = failure.value.problems
        assert problem.code == "store_gone"
        assert MARK in problem.message
        assert "bản sao lưu" in problem.message
    assert sorted(folder.iterdir()) == left
    # Each of the ways back: the backup, or knowingly without a store.
    (folder / STORE).unlink(missing_ok=True)
    (folder / STORE).write_bytes(kept)
    assert "U2" in set(load_dataset(folder).returns["unit_id"])
    (folder / STORE).unlink()
    (folder / MARK).unlink()
    assert "U2" not in set(load_dataset(folder).returns["unit_id"])


def test_a_link_to_nowhere_needs_no_mark_and_an_old_store_gets_one(
    folder: Path, mail: Path, plan: Plan
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2")]))
    (folder / MARK).unlink()
    give(folder, plan, write_delivery(mail, "returns-b", [a_return("U3")]))
    assert STORE in (folder / MARK).read_text("utf-8")
    (folder / MARK).unlink()
    _unplugged(folder / STORE)
    with pytest.raises(InputError, match="ổ đĩa chưa nối"):
        load_dataset(folder)


def test_a_folder_without_a_store_has_no_mark(folder: Path) -> None:
    load_dataset(folder)
    assert not (folder / MARK).exists()


def test_a_store_made_before_a_column_was_added_goes_on(
    fresh: Path, mail: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    returns = dictionary().tables["returns"]
    fewer = {
        name: column for name, column in returns.columns.items() if name != "agreement_in_force"
    }
    with monkeypatch.context() as patch:
        tables = dictionary().tables | {"returns": replace(returns, columns=fewer)}
        older = replace(dictionary(), tables=tables)
        patch.setattr(log, "dictionary", lambda: older)
        create_store(fresh, "congdoan import")
    assert load_dataset(fresh).returns["agreement_in_force"].isna().all()
    more = a_return("U2", agreement_in_force=True)
    assert outcomes(give(fresh, plan, write_delivery(mail, "returns-b", [more]))) == ["accepted"]
    assert figure(fresh, "U2", "agreement_in_force") == "true"


def test_a_second_import_waits_shortly_and_then_says_so(
    folder: Path, mail: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_delivery(mail, "returns-a", [a_return("U2")])
    monkeypatch.setattr(storefile, "PATIENCE_SECONDS", 0.2)
    with closing(open_for_writing(folder)) as other, writing(other):
        with pytest.raises(InputError) as failure:
            give(folder, plan, path)
        assert [p.code for p in failure.value.problems] == ["store_busy"]
        assert len(load_dataset(folder).returns) == 1  # readers are not held up
    assert outcomes(give(folder, plan, path)) == ["accepted"]


def test_first_imports_at_the_same_time_lose_nothing(fresh: Path, mail: Path, plan: Plan) -> None:
    paths = [write_delivery(mail, f"returns-{unit}", [a_return(unit)]) for unit in ("U2", "U3")]
    recaps: list[Recap] = []
    threads = [
        threading.Thread(target=lambda path=path: recaps.append(give(fresh, plan, path)))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcomes(recap) for recap in recaps] == [["accepted"], ["accepted"]]
    assert sum(recap.created_from is not None for recap in recaps) >= 1
    assert sorted(load_dataset(fresh).returns["unit_id"]) == ["U1", "U2", "U3"]


def set_clock(monkeypatch: pytest.MonkeyPatch, *when: int) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime(*(*when, 1, 1)[:3], tzinfo=tz)

    monkeypatch.setattr(log, "datetime", Clock)


@pytest.mark.parametrize("wrong", [(2019, 9, 5), (1980,), (2999,)])
def test_a_clock_once_wrong_misdates_its_own_entry_alone(
    folder: Path, mail: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch, wrong: tuple[int, ...]
) -> None:
    """Ahead and passed since, behind, or still to come: the next entry says otherwise."""
    (folder / STORE).unlink()
    set_clock(monkeypatch, 2019, 1, 1)
    create_store(folder, "congdoan import")
    days = [(2019, 3, 1), wrong, (2019, 3, 1), (2019, 4, 1)]
    for number, when in enumerate(days, start=1):
        set_clock(monkeypatch, *when)
        path = write_delivery(mail, f"returns-{number}", [a_return("U2", informed=number)])
        add(folder, path, reason="sửa")
    with pytest.raises(InputError, match="chưa có số liệu"):
        load_dataset(folder, date(2018, 1, 1))
    assert "U2" not in set(load_dataset(folder, date(2019, 2, 1)).returns["unit_id"])
    for day in (date(2019, 3, 1), date(2019, 3, 20)):
        assert figure(folder, "U2", "informed", day) == "3"
    assert figure(folder, "U2", "informed", date(2019, 4, 1)) == "4"
    history = read_history(folder, "U2", 2024)
    assert [entry.file for entry in history if not entry.is_dated] == ["returns-2.csv"]
    assert format_history(history, "U2", 2024).count("Đồng hồ máy lúc ấy sai") == 1


def test_a_clock_set_back_does_not_change_the_order(
    folder: Path, mail: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(folder, write_delivery(mail, "returns-a", [a_return("U2", informed=1)]))
    moment = datetime.now(UTC)
    set_clock(monkeypatch, 2001)
    path = write_delivery(mail, "returns-b", [a_return("U2", informed=2)])
    recap = give(folder, plan, path, reason="sửa")
    assert [problem.code for problem in recap.warnings][:1] == ["clock"]
    assert figure(folder, "U2", "informed") == "2"
    assert figure(folder, "U2", "informed", moment) == "2"
    assert [entry.at[:4] for entry in read_history(folder, "U2", 2024)][-1] == "2001"


def test_a_clock_set_to_the_future_is_noticed_by_the_next_import(
    folder: Path, mail: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = datetime.now(UTC)
    future = before.year + 10
    with monkeypatch.context() as patch:
        set_clock(patch, future)
        add(folder, write_delivery(mail, "returns-a", [a_return("U2", informed=4)]))
    recap = give(folder, plan, write_delivery(mail, "returns-b", [a_return("U3", informed=2)]))
    (warning,) = [problem for problem in recap.warnings if problem.code == "clock"]
    assert str(future) in warning.message
    # History keeps both as they were, and past states are still to be had.
    first, second = (read_history(folder, unit, 2024)[-1].at for unit in ("U2", "U3"))
    assert first.startswith(str(future))
    assert second.startswith(str(before.year))
    today = datetime.now(UTC)
    assert figure(folder, "U2", "informed", today) == "4"
    assert figure(folder, "U3", "informed", today) == "2"
    third = write_delivery(mail, "returns-c", [a_return("U2", informed=3)])
    assert not give(folder, plan, third, reason="đếm lại").warnings
    assert figure(folder, "U2", "informed", today) == "4"
    assert figure(folder, "U2", "informed") == "3"
