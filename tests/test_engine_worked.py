"""The worked examples: the engine gives the tables that an independent program made."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pandas as pd
import pytest
from oracle import COLUMNS, FRACTION_COLUMNS

from analysis.plan import Plan
from analysis.results import compute_indicators, write_table
from analysis.tables.load import Dataset, load_dataset

YEARS = (2022, 2023, 2024, 2025, 2026)
EXAMPLES = ("small", "dissolved")

TextRow = dict[str, str]


@pytest.fixture(scope="module", params=EXAMPLES)
def folder(request: pytest.FixtureRequest, worked_folder: Path) -> Path:
    return worked_folder / request.param


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return load_dataset(folder)


def read_rows(path: Path) -> list[TextRow]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def expected_rows(folder: Path, year: int, plan: Plan) -> list[TextRow]:
    rows = read_rows(folder / f"expected-{year}.csv")
    for row in rows:
        # The district itself, and the parent of units that name no other.
        if row["scope_id"] == "DISTRICT":
            row["scope_id"] = plan.issuer.id
    return rows


def written_rows(table: pd.DataFrame, path: Path) -> list[TextRow]:
    write_table(table, path)
    return read_rows(path)


def same_cell(name: str, got: str, wanted: str) -> bool:
    if name in FRACTION_COLUMNS and got and wanted:
        return math.isclose(float(got), float(wanted), rel_tol=0, abs_tol=1e-9)
    return got == wanted


def assert_same(got: list[TextRow], wanted: list[TextRow]) -> None:
    assert list(got[0]) == list(wanted[0]) == list(COLUMNS)
    keys = COLUMNS[:4]
    assert [[row[key] for key in keys] for row in got] == [
        [row[key] for key in keys] for row in wanted
    ]
    wrong = [
        (*(other[key] for key in keys), name, one[name], other[name])
        for one, other in zip(got, wanted, strict=True)
        for name in COLUMNS
        if not same_cell(name, one[name], other[name])
    ]
    assert wrong == []


@pytest.mark.parametrize("year", YEARS)
def test_a_year_of_a_worked_example_is_reproduced_in_every_row_and_column(
    folder: Path, dataset: Dataset, plan: Plan, year: int, tmp_path: Path
) -> None:
    table = compute_indicators(dataset, plan, [year])
    assert_same(written_rows(table, tmp_path / "got.csv"), expected_rows(folder, year, plan))


def test_all_years_at_once_give_what_each_year_gives(
    folder: Path, dataset: Dataset, plan: Plan, tmp_path: Path
) -> None:
    wanted = [row for year in YEARS for row in expected_rows(folder, year, plan)]
    assert_same(written_rows(compute_indicators(dataset, plan), tmp_path / "got.csv"), wanted)


def test_the_examples_hold_every_verdict_trajectory_and_flag(worked_folder: Path) -> None:
    """Else they would prove less than they seem to."""
    rows = [
        row
        for name in EXAMPLES
        for year in YEARS
        for row in read_rows(worked_folder / name / f"expected-{year}.csv")
    ]
    assert {row["verdict"] for row in rows} == {
        *("not_applicable", "no_target", "not_due", "met", "not_met", "undetermined")
    }
    flags = {flag for row in rows for flag in row["flags"].split(";")} - {""}
    assert flags == {"all_or_nothing", "carried", "exceeded", "overdue", "unbounded"}
    assert len({row["trajectory"] for row in rows}) >= 8
