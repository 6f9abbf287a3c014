"""``congdoan check``: everything that is wrong, at once; and nobody computes with it before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run
from datasets import filled, write_tables
from test_tables import UNIT, sound_tables

Congdoan = Callable[..., Run]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(sound_tables(), tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Something wrong with every table, in two years; and something merely odd."""
    tables = sound_tables()
    tables["roster"].append(filled("roster", UNIT | {"year": 2023, "name": ""}))
    tables["returns"][0] |= {"informed": "51", "fund_due": "10000000"}
    tables["returns"].append(filled("returns", {"year": 2023, "unit_id": "U1", "informed": "x"}))
    tables["returns"].append(filled("returns", {"year": 2023, "unit_id": "U9"}))
    tables["employers"][0]["employer_type"] = "shop"
    tables["district"].append(dict(tables["district"][0]))
    tables["lineage"][0]["event"] = "gone"
    folder = write_tables(tables, tmp_path_factory.mktemp("wrong"))
    content = (folder / "returns.csv").read_text("utf-8")
    (folder / "returns.csv").write_text(content.replace("womens_committee", "women"), "utf-8")
    return folder


#: Severity, file, row, column, code, year of each.
PROBLEMS = {
    ("error", "roster.csv", 3, "name", "empty", 2023),
    ("error", "returns.csv", 1, "women", "unknown_column", None),
    ("warning", "returns.csv", 1, "womens_committee", "no_column", None),
    ("error", "returns.csv", 2, "informed", "part_above_whole", 2024),
    ("warning", "returns.csv", 2, "fund_collected", "over_collection", 2024),
    ("error", "returns.csv", 3, "informed", "not_number", 2023),
    ("error", "returns.csv", 4, "unit_id", "unknown_unit", 2023),
    ("error", "employers.csv", 2, "employer_type", "unknown_word", 2024),
    ("error", "district.csv", 3, "year", "duplicate_key", 2024),
    ("error", "lineage.csv", 2, "event", "unknown_word", None),
}


def told(run: Run) -> set[tuple[object, ...]]:
    names = ("severity", "file", "row", "column", "code", "year")
    return {tuple(record[name] for name in names) for record in json.loads(run.out)}


def error_lines(run: Run) -> list[str]:
    lines = (run.out + run.err).splitlines()
    return [line for line in lines if line.startswith("LỖI ")]


def test_a_sound_dataset_passes(congdoan: Congdoan, sound: Path) -> None:
    run = congdoan("check", "--data", sound)
    assert (run.status, run.out, run.err) == (0, "0 lỗi, 0 cảnh báo.\n", "")


def test_the_worked_examples_pass(congdoan: Congdoan, worked_folder: Path) -> None:
    run = congdoan("check", "--data", worked_folder / "small")
    assert (run.status, run.err) == (0, "")


def test_every_problem_is_listed_and_an_error_exits_with_1(congdoan: Congdoan, wrong: Path) -> None:
    run = congdoan("check", "--data", wrong)
    assert run.status == 1
    errors = [problem for problem in PROBLEMS if problem[0] == "error"]
    assert len(error_lines(run)) == len(errors)
    assert f"{len(errors)} lỗi, {len(PROBLEMS) - len(errors)} cảnh báo." in run.out
    for _, file, row, column, *_ in errors:
        assert any(f"{file}, dòng {row}, cột {column}" in line for line in error_lines(run))


def test_json_holds_the_same_for_machines(congdoan: Congdoan, wrong: Path, sound: Path) -> None:
    run = congdoan("check", "--data", wrong, "--format", "json")
    assert (run.status, run.err) == (1, "")
    assert told(run) == PROBLEMS
    assert {"value", "message"} <= set(json.loads(run.out)[0])
    run = congdoan("check", "--data", sound, "--format", "json")
    assert (run.status, json.loads(run.out)) == (0, [])


def test_json_stays_json_where_there_is_nothing_to_read(congdoan: Congdoan, tmp_path: Path) -> None:
    run = congdoan("check", "--data", tmp_path / "none", "--format", "json")
    assert run.status == 1
    assert [record["code"] for record in json.loads(run.out)] == ["no_folder"]


@pytest.mark.parametrize("year", [2023, 2024])
def test_a_year_leaves_out_the_rows_of_other_years_alone(
    congdoan: Congdoan, wrong: Path, year: int
) -> None:
    run = congdoan("check", "--data", wrong, "--format", "json", "--year", year)
    assert run.status == 1
    assert told(run) == {problem for problem in PROBLEMS if problem[-1] in (None, year)}


def test_a_year_without_errors_passes_while_another_has_some(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    tables = sound_tables()
    tables["roster"].append(filled("roster", UNIT | {"year": 2023, "unit_type": "x"}))
    write_tables(tables, tmp_path)
    assert congdoan("check", "--data", tmp_path).status == 1
    assert congdoan("check", "--data", tmp_path, "--year", 2023).status == 1
    assert congdoan("check", "--data", tmp_path, "--year", 2024).status == 0


def test_warnings_do_not_block(congdoan: Congdoan, tmp_path: Path) -> None:
    tables = sound_tables()
    tables["returns"][0]["fund_due"] = "10000000"
    write_tables(tables, tmp_path)
    run = congdoan("check", "--data", tmp_path)
    assert (run.status, run.err) == (0, "")
    assert "CẢNH BÁO returns.csv, dòng 2, cột fund_collected" in run.out
    assert congdoan("indicators", "--year", 2024, "--data", tmp_path).status == 0


@pytest.mark.parametrize(("command", "name"), [("indicators", "table.csv"), ("report", "site")])
def test_nothing_is_computed_or_written_from_a_wrong_dataset(
    congdoan: Congdoan, wrong: Path, command: str, name: str, tmp_path: Path
) -> None:
    """The same list of errors as ``check`` gives, and no output, not even a folder."""
    checked = congdoan("check", "--data", wrong)
    run = congdoan(command, "--year", 2024, "--data", wrong, "--out", tmp_path / name)
    assert run.status == 1
    assert sorted(error_lines(run)) == sorted(error_lines(checked))
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_another_year_refuses_too(congdoan: Congdoan, tmp_path: Path) -> None:
    """Caps and trajectories read all years."""
    tables = sound_tables()
    tables["roster"].append(filled("roster", UNIT | {"year": 2023, "workers_total": "-5"}))
    write_tables(tables, tmp_path)
    run = congdoan("indicators", "--year", 2024, "--data", tmp_path)
    assert (run.status, run.out) == (1, "")
    assert "roster.csv, dòng 3, cột workers_total (giá trị «-5»)" in run.err
