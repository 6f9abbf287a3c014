"""The plan's tasks: what is shown of each, the task table, and what rows of it may say."""

from __future__ import annotations

import csv
import random
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import yaml
from datasets import HEADERS, random_tables, write_tables
from task_oracle import COLUMNS as FIGURES
from task_oracle import Oracle

import analysis
from analysis.cli import main
from analysis.plan import load_plan
from analysis.problems import Problem
from analysis.tables.load import Dataset, read_dataset
from analysis.tasks import SCOPES, STATES, check_tasks, compute_tasks
from analysis.tasks.states import NO_DAY, REPORTED, days, show_states

ROOT = Path(__file__).resolve().parents[1]
PLAN_FILE = ROOT / "params" / "plan" / "nq02-huong-hoa.yaml"
OTHER_FILE = ROOT / "tests" / "plans" / "tinh.yaml"
HEADER = (
    "task,year,scope,scope_id,holders,not_applicable,done_on_time,done_late,done_undated,kept,"
    "in_progress,not_started,overdue,no_result,unreported,unreported_due,done,unproven,rate,lower,"
    "upper,on_time_rate,count,counted"
)
TASKS = ("year", "task_id", "holder_id", "state", "done_on", "count", "note")
EVIDENCE = (
    *("year", "task_id", "holder_id", "number", "doc_no", "doc_date", "title", "issued_by", "file"),
)

# --- one holder ------------------------------------------------------------------------------

DUE, BEFORE, AFTER = date(2024, 6, 30), date(2024, 6, 1), date(2024, 7, 31)
EARLY, LATE = date(2024, 5, 31), date(2024, 7, 15)
#: Reported, done on, and what is shown without a due day, before or on it, and after it.
SHOWN: list[tuple[str, date | None, str | None, str | None, str | None]] = [
    ("done", EARLY, "kept", "done_on_time", "done_on_time"),
    ("done", LATE, "kept", None, "done_late"),
    ("done", None, "kept", "done_undated", "done_undated"),
    ("done", date(2024, 12, 24), "kept_so_far", "in_progress", "overdue"),
    ("in_progress", None, "kept_so_far", "in_progress", "overdue"),
    ("not_started", None, "no_result", "not_started", "overdue"),
    ("", None, "unreported", "unreported", "unreported_due"),
    ("not_applicable", None, *("not_applicable",) * 3),
]


@pytest.mark.parametrize(("said", "done_on", "standing", "early", "late"), SHOWN)
def test_the_state_that_is_shown(
    said: str, done_on: date | None, standing: str | None, early: str | None, late: str | None
) -> None:
    reported = np.array([REPORTED.index(said)], np.int8)
    day = np.array([NO_DAY if done_on is None else days(done_on)])
    for due, on, wanted in (
        *((None, AFTER, standing), (DUE, BEFORE, early), (DUE, DUE, early), (DUE, AFTER, late)),
    ):
        if wanted is not None:
            assert STATES[show_states(reported, day, due, on)[0]] == wanted, (due, on)


def test_what_is_done_on_the_day_itself_is_done() -> None:
    reported, day = np.array([1], np.int8), np.array([days(DUE)])
    assert STATES[show_states(reported, day, DUE, DUE)[0]] == "done_on_time"
    yesterday = DUE - timedelta(days=1)
    assert STATES[show_states(reported, day, DUE, yesterday)[0]] == "in_progress"


# --- the table -------------------------------------------------------------------------------


def write_csv(path: Path, header: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def made(folder: Path, tables: dict[str, list[dict[str, str]]]) -> Dataset:
    folder.mkdir(exist_ok=True)
    write_tables({name: rows for name, rows in tables.items() if name in HEADERS}, folder)
    write_csv(folder / "tasks.csv", TASKS, tables["tasks"])
    write_csv(folder / "evidence.csv", EVIDENCE, tables.get("evidence", []))
    dataset, problems = read_dataset(folder)
    assert not [p for p in problems if p.severity == "error"]
    return dataset


def random_rows(
    rng: random.Random, tables: dict[str, list[dict[str, str]]], plan: dict[str, Any]
) -> None:
    """Add what holders say of tasks: sound, and of every kind."""
    years = sorted({int(row["year"]) for row in tables["roster"]})
    tables["tasks"], tables["evidence"] = [], []
    for task in plan["tasks"]:
        for year in years:
            units = [r["unit_id"] for r in tables["roster"] if int(r["year"]) == year]
            for holder in [plan["issuer"]["id"]] if task["owner"] == "district" else units:
                if rng.random() < 0.25:
                    continue
                key = {"year": str(year), "task_id": task["id"], "holder_id": holder}
                state = rng.choice(("done", "done", "done", *REPORTED))
                row = {**key, "state": state, "done_on": "", "count": ""}
                if state == "done" and rng.random() < 0.8:
                    day = date(year, 1, 1) + timedelta(days=rng.randrange(-60, 365))
                    row["done_on"] = day.isoformat()
                if task.get("count") and rng.random() < 0.7:
                    row["count"] = str(rng.choice((0, 1, 7, 10_000_000)))
                tables["tasks"].append(row)
                if rng.random() < 0.5 and (state or task.get("indicator")):
                    tables["evidence"].append(key | {"number": "1"})


def random_plan(rng: random.Random, base: dict[str, Any]) -> dict[str, Any]:
    """The same plan with other tasks: every owner, cadence, day, kind of evidence and link."""
    links = {
        "unit": (
            "",
            "",
            "",
            "dialogue_public",
            "committees",
            "agreements",
            "trained_mean",
            "density",
        ),
        "district": ("", "", "", "visits", "own_grade", "plan_own", "partners.coordination_tax"),
    }
    tasks = []
    for number in range(24):
        owner = rng.choice(("unit", "unit", "unit", "district"))
        cadence = rng.choice(("once", "yearly", "standing", "on_event"))
        task = {
            **{"id": f"viec-{number}", "section": rng.choice(("A.1", "B.2", "B", "C.1"))},
            **{"owner": owner, "cadence": cadence, "text": f"Làm việc {number}."},
            "evidence": rng.choice(("required", "required", "optional", "none")),
        }
        if owner == "unit":
            task["population"] = rng.choice(("all", "san_xuat", "khoi_cong", "trade_guild"))
        if cadence != "standing":
            days_due = ("", "", "03-31", "10-15", "12-15", "12-31", "2023-09-30")
            task |= {"due": day} if (day := rng.choice(days_due)) else {}
        if rng.random() < 0.4:
            task["count"] = "lớp"
        if link := rng.choice(links[owner]):
            task["indicator"] = link
        tasks.append(task)
    return {**base, "tasks": tasks, "bullets": []} | {
        "indicators": [{**item, "tasks": []} for item in base["indicators"]]
    }


def assert_same(table: pd.DataFrame, wanted: dict[tuple[str, str, str], dict[str, Any]]) -> None:
    keys = list(
        zip(*(table[name].astype(str) for name in ("task", "scope", "scope_id")), strict=True)
    )
    assert len(set(keys)) == len(keys)
    assert set(keys) == set(wanted)
    for key, row in zip(keys, table.to_dict("records"), strict=True):
        for name in FIGURES:
            given, right = row[name], wanted[key][name]
            if right is None:
                assert pd.isna(given), (key, name, given)
            elif isinstance(right, Fraction):
                assert given == right.numerator / right.denominator, (key, name, given, right)
            else:
                assert given == right, (key, name, given, right)


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_the_table_equals_an_independent_program(seed: int, tmp_path: Path) -> None:
    rng = random.Random(f"tasks-{seed}")
    base = yaml.safe_load((PLAN_FILE, OTHER_FILE, OTHER_FILE)[seed % 3].read_text("utf-8"))
    plan = random_plan(rng, base) if seed % 3 == 2 else base
    for task in plan["tasks"]:
        task["due"] = str(task["due"]) if task.get("due") else ""
        task["section"] = str(task["section"])
        if not task["due"]:
            del task["due"]
    file = tmp_path / "plan.yaml"
    file.write_text(yaml.safe_dump(plan, allow_unicode=True, sort_keys=False), "utf-8")
    tables = random_tables(seed, units=9, years=(2022, 2023, 2024))
    random_rows(rng, tables, plan)
    dataset, loaded = made(tmp_path / "d", tables), load_plan(file)
    outside = {"other_population"}
    assert {problem.code for problem in check_tasks(dataset, loaded)} <= outside
    oracle = Oracle(tables, plan)
    for year in (2023, 2024):
        for on in (None, date(year, 5, 31), date(year, 12, 20)):
            assert_same(compute_tasks(dataset, loaded, year, on=on), oracle.table(year, on))


def test_the_governments_own_arithmetic(tmp_path: Path) -> None:
    plan = load_plan(OTHER_FILE)
    task = next(task for task in plan.tasks if task.id == "viec-quy-dinh")
    units = [f"U{n:05d}" for n in range(16_274)]
    roster = [
        dict.fromkeys(HEADERS["roster"], "")
        | {"year": "2024", "unit_id": unit, "name": "CĐCS", "commune": "Húc"}
        | {"unit_type": "state_enterprise"}
        for unit in units
    ]
    said = [
        {"year": "2024", "task_id": task.id, "holder_id": unit}
        | ({"state": "done", "done_on": "2023-09-30"} if n < 16_051 else {"state": "in_progress"})
        for n, unit in enumerate(units)
    ]
    empty: dict[str, list[dict[str, str]]] = {name: [] for name in HEADERS}
    dataset = made(tmp_path / "d", {**empty, "roster": roster, "tasks": said})
    row = compute_tasks(dataset, plan, 2024, ["district"]).set_index("task").loc[task.id]
    assert (row["done"], row["overdue"], row["holders"]) == (16_051, 223, 16_274)
    assert row["rate"] == 16_051 / 16_274
    assert f"{row['rate']:.1%}" == "98.6%"


# --- the command -----------------------------------------------------------------------------


#: The unions of the sample of whom something is said below.
FEW = ("DN-DABAN", "DN-DOIGIO", "DN-MAYLEN", "DN-RLAN", "UB-HUYEN")


@pytest.fixture
def followed(tmp_path: Path) -> Path:
    folder = tmp_path / "d"
    folder.mkdir()
    for path in (ROOT / "data" / "sample").glob("*.csv"):
        header, *lines = path.read_text("utf-8").splitlines(keepends=True)
        is_all = path.stem == "district"
        kept = [line for line in lines if is_all or any(f",{unit}," in line for unit in FEW)]
        (folder / path.name).write_text("".join([header, *kept]), "utf-8")
    rows = [
        {"year": "2024", "task_id": "t-2.2-tet-sum-vay", "holder_id": "DN-DABAN"}
        | {"state": "done", "done_on": "2024-02-01", "count": "40"},
        {"year": "2023", "task_id": "t-1.2-ke-hoach-huyen", "holder_id": "LDLD-HUONG-HOA"}
        | {"state": "done"},
    ]
    write_csv(folder / "tasks.csv", TASKS, rows)
    write_csv(folder / "evidence.csv", EVIDENCE, [])
    return folder


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main([*arguments])
    return int(stop.value.code or 0)


def test_the_command_writes_the_table(
    followed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["tasks", "--year", "2024", "--data", str(followed)]
    for ending in ("csv", "parquet", "xlsx"):
        out = ["--may", "--out", str(tmp_path / f"o.{ending}")]
        assert run(*options, "--by", "district,unit", *out) == 0
    text = (tmp_path / "o.csv").read_bytes().decode()
    assert text.splitlines()[0] == HEADER
    assert "\r" not in text
    lines = [line.split(",") for line in text.splitlines()[1:]]
    assert {line[2] for line in lines} == {"district", "unit"}
    order = [task.id for task in load_plan(PLAN_FILE).tasks]
    places = [(order.index(line[0]), SCOPES.index(line[2]), line[3]) for line in lines]
    assert places == sorted(places)
    (tet,) = [line for line in lines if line[0] == "t-2.2-tet-sum-vay" and line[3] == "DN-DABAN"]
    assert ",".join(tet[4:]) == "1,0,1,0,0,0,0,0,0,0,0,0,1,1,1.0,1.0,1.0,1.0,40,1"
    frame = pd.read_parquet(tmp_path / "o.parquet")
    sheet = pd.read_excel(tmp_path / "o.xlsx", sheet_name="Nhiệm vụ", engine="openpyxl")
    assert list(frame.columns) == list(sheet.columns) == HEADER.split(",")
    assert len(frame) == len(sheet) == len(lines)
    capsys.readouterr()
    assert run(*options, "--on", "2024-01-15", "--by", "unit") == 0
    early = [line for line in capsys.readouterr().out.splitlines() if "tet-sum-vay" in line]
    (own,) = [line for line in early if ",DN-DABAN," in line]
    assert own.split(",")[10] == "1"  # done later than that day: still under way


def test_what_is_not_followed_is_said(followed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (followed / "tasks.csv").unlink()
    (followed / "evidence.csv").unlink()
    assert run("tasks", "--year", "2024", "--data", str(followed)) == 1
    assert "chưa theo dõi nhiệm vụ" in capsys.readouterr().err


# --- what rows may say -----------------------------------------------------------------------

UNIT, DISTRICT = "DN-DABAN", "LDLD-HUONG-HOA"
#: A row of ``tasks`` (task, holder, state, done_on, count), and the problem: column and code.
WRONG_TASKS = {
    "an unknown task": (("t-9.9-khong", UNIT, "", "", ""), "task_id", "unknown_task"),
    "the district's, of a union": (("t-2.2-gop-y", UNIT, "", "", ""), "holder_id", "other_owner"),
    "a union's, of the district": (
        *(("t-2.2-van-hoa", DISTRICT, "", "", ""), "holder_id", "other_owner"),
    ),
    "of nobody": (("t-2.2-van-hoa", "DN-KHONG", "", "", ""), "holder_id", "unknown_unit"),
    "of another type": (
        *(("t-2.2-doi-song", "UB-HUYEN", "", "", ""), "holder_id", "other_population"),
    ),
    "a day of what is not done": (
        *(("t-2.2-van-hoa", "DN-DOIGIO", "in_progress", "2024-05-01", ""), "done_on"),
        "day_of_undone",
    ),
    "a day of what nobody said": (
        *(("t-2.2-van-hoa", "DN-RLAN", "", "2024-05-01", ""), "done_on", "day_of_undone"),
    ),
    "a day after the year": (
        *(("t-2.2-van-hoa", "DN-MAYLEN", "done", "2025-01-01", ""), "done_on", "day_after_year"),
    ),
    "a count of what has none": (
        *(("t-2.2-dan-chu", UNIT, "done", "", "3"), "count", "count_of_none"),
    ),
}


def problems_of(folder: Path) -> list[Problem]:
    dataset, problems = read_dataset(folder)
    return [
        *(p for p in problems if p.severity == "error"),
        *check_tasks(dataset, load_plan(PLAN_FILE)),
    ]


def wrong_rows() -> list[dict[str, str]]:
    return [
        dict(zip(TASKS[1:6], cells, strict=True)) | {"year": "2024"}
        for cells, _, _ in WRONG_TASKS.values()
    ]


def test_a_wrong_row_is_named(followed: Path) -> None:
    rows = wrong_rows()
    write_csv(followed / "tasks.csv", TASKS, rows)
    found = sorted(
        (p.row, p.file, p.column, p.code, p.value, p.year) for p in problems_of(followed)
    )
    assert found == [
        (number, "tasks.csv", column, code, row[column], 2024)
        for number, (row, (_, column, code)) in enumerate(
            zip(rows, WRONG_TASKS.values(), strict=True), start=2
        )
    ]


def test_evidence_is_a_citation_of_what_was_reported(followed: Path) -> None:
    cases = [
        (("t-2.2-noi-quy", UNIT, ""), "evidence_alone"),
        (("t-2.2-tet-sum-vay", UNIT, "/home/ai/qd.pdf"), "not_relative"),
        (("t-2.2-tet-sum-vay", UNIT, "C:\\qd.pdf"), "not_relative"),
        (("t-2.2-tet-sum-vay", UNIT, "../qd.pdf"), "not_relative"),
        (("t-2.2-tet-sum-vay", UNIT, "https://a.vn/qd.pdf"), "not_relative"),
        (("t-2.2-tet-sum-vay", UNIT, "minh-chung/qd 12.pdf"), ""),
        # Its indicator says what a linked task is, so no row of the other table has to.
        (("t-6-quy-che", UNIT, ""), ""),
    ]
    rows = [
        {"year": "2024", "task_id": task, "holder_id": holder, "number": str(number), "file": file}
        for number, ((task, holder, file), _) in enumerate(cases, start=1)
    ]
    write_csv(followed / "evidence.csv", EVIDENCE, rows)
    found = sorted((problem.row, problem.code) for problem in problems_of(followed))
    assert found == [(row, code) for row, (_, code) in enumerate(cases, start=2) if code]


def test_wrong_cells_are_all_told_at_once_by_the_check(
    followed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = wrong_rows()
    rows.append(rows[0] | {"task_id": "t-2.2-cham-lo", "done_on": "31/5/2024", "state": "xong"})
    write_csv(followed / "tasks.csv", TASKS, rows)
    assert run("check", "--data", str(followed)) == 1
    told = capsys.readouterr().out
    for number in range(2, len(rows) + 2):
        assert f"tasks.csv, dòng {number}" in told
    assert run("tasks", "--year", "2024", "--data", str(followed)) == 1


# --- the store, and the edition to share -------------------------------------------------------


def test_the_store_keeps_tasks_as_it_keeps_returns(
    followed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {name: (followed / name).read_bytes() for name in ("tasks.csv", "evidence.csv")}
    for name in kept:
        (followed / name).unlink()
    other = tmp_path / "returns.csv"
    other.write_bytes((followed / "returns.csv").read_bytes())
    assert run("import", str(other), "--data", str(followed)) == 0
    # As a store of before, without these tables: read as empty, and given them by the next import.
    with closing(sqlite3.connect(followed / "store.sqlite")) as store:
        for name in ("tasks", "evidence"):
            store.execute(f"DROP TABLE {name}")
        store.commit()
    assert run("indicators", "--year", "2024", "--by", "district", "--data", str(followed)) == 0
    sent = tmp_path / "tasks.csv"
    sent.write_bytes(kept["tasks.csv"])
    assert run("import", str(sent), "--data", str(followed)) == 0
    dataset, _ = read_dataset(followed)
    assert len(dataset.tables["tasks"]) == 2
    proof = tmp_path / "evidence.csv"
    row = {"year": "2024", "task_id": "t-2.2-tet-sum-vay", "holder_id": UNIT, "number": "1"}
    write_csv(proof, EVIDENCE, [row | {"doc_no": "12/QĐ"}])
    assert run("import", str(proof), "--data", str(followed)) == 0
    capsys.readouterr()
    assert run("history", UNIT, "2024", "--data", str(followed)) == 0
    assert "tasks.csv" in capsys.readouterr().out
    # What is wrong is named with its cell, and nothing of the file is taken in.
    write_csv(proof, EVIDENCE, [row | {"task_id": "t-2.2-noi-quy", "doc_no": "13/QĐ"}])
    assert run("import", str(proof), "--data", str(followed)) == 1
    told = capsys.readouterr()
    assert "minh chứng của nhiệm vụ chưa được báo cáo" in told.out + told.err
    dataset, _ = read_dataset(followed)
    assert dataset.tables["evidence"]["doc_no"].to_list() == ["12/QĐ"]


def test_the_edition_to_share_tells_states_alone(followed: Path) -> None:
    rows = [{"year": "2024", "task_id": "t-2.2-tet-sum-vay", "holder_id": UNIT, "number": "1"}]
    secrets = {name: f"KÍN-{name}" for name in ("doc_no", "title", "issued_by", "file")}
    write_csv(followed / "evidence.csv", EVIDENCE, [rows[0] | secrets | {"doc_date": "2024-01-09"}])
    write_csv(
        followed / "tasks.csv",
        TASKS,
        [
            {"year": "2024", "task_id": "t-2.2-tet-sum-vay", "holder_id": UNIT, "state": "done"}
            | {"done_on": "2024-02-01", "count": "41", "note": "KÍN-note"}
        ],
    )
    study = analysis.load(2024, data=str(followed), edition="share")
    tasks, evidence = (study.dataset.tables[name] for name in ("tasks", "evidence"))
    assert tasks["state"].to_list() == ["done"]
    assert tasks[["count", "note"]].isna().all(axis=None)
    assert len(evidence) == 1
    assert evidence[["doc_no", "doc_date", "title", "issued_by", "file"]].isna().all(axis=None)


def test_a_workbook_of_tasks_is_for_people_and_one_for_machines_is_the_table(
    congdoan: Any, followed: Path, tmp_path: Path
) -> None:
    said = ("--year", 2024, "--data", followed)
    for name, more in (("a.xlsx", []), ("b.xlsx", ["--may"]), ("c.csv", [])):
        options = ("--by", "district,commune", "--out", tmp_path / name)
        assert congdoan("tasks", *said, *options, *more).status == 0
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    rows = list(sheet.iter_rows(values_only=True))
    at = next(number for number, row in enumerate(rows) if row[0] == "Mã nhiệm vụ")
    assert all(isinstance(cell, str) and "_" not in cell for cell in rows[at])
    plain = pd.read_csv(tmp_path / "c.csv")
    assert len(rows) - at - 1 == len(plain)
    place = rows[at].index("Tỷ lệ xong")
    number = next(number for number, row in enumerate(rows[at + 1 :], at + 2) if row[place])
    assert sheet.cell(number, place + 1).number_format == "0.0%"
    assert sheet.freeze_panes == f"A{at + 2}"
    machine = openpyxl.load_workbook(tmp_path / "b.xlsx").active
    assert [cell.value for cell in machine[1]] == list(plain.columns)
