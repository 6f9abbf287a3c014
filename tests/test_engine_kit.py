"""Makers of small tables and plans for the engine's tests, and proof that they are sound.

The other ``test_engine_*`` and ``test_tables*`` modules import the makers from here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import HEADERS, Tables, copied, filled, random_tables, write_tables
from oracle import COLUMNS, FRACTION_COLUMNS

from analysis.plan import Plan
from analysis.problems import Problem
from analysis.results import SCOPES, compute_indicators
from analysis.tables.check import check_dataset
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset, read_dataset, type_table

Cells = dict[str, Any]
Row = dict[str, Any]

YEAR = 2024
DISTRICT = "LD-THU"
RETURNED = frozenset(HEADERS["returns"]) - {"year", "unit_id"}

#: Indicators to judge, to be completed with ``targets``.
INFORMED = {"kind": "ratio", "numerator": ["informed"], "denominator": ["workers_total"]}
SUPPORTED = {
    "kind": "ratio",
    "numerator": ["hardship_supported"],
    "denominator": ["hardship_members"],
}
CONFERENCE = {"kind": "share_of_units", "holds": [{"column": "conference_held"}]}


# Makers


def tables_of(
    *units: Cells, employers: Iterable[Cells] = (), district: Iterable[Cells] = ()
) -> Tables:
    """Tables with these rows; a unit's cells go to the roster and, where it has any, to returns.

    What a test does not care about is filled in: the year, ids, names, a type and a commune.
    """
    tables: Tables = {name: [] for name in HEADERS}
    for position, given in enumerate(units, start=1):
        cells = {
            "year": YEAR,
            "unit_id": f"U{position:03d}",
            "name": "CĐCS",
            "unit_type": "private_enterprise",
            "commune": "Khe Sanh",
        } | known(given)
        tables["roster"].append(filled("roster", cells))
        if RETURNED & set(cells):
            tables["returns"].append(filled("returns", cells))
    for position, given in enumerate(employers, start=1):
        cells = {
            "year": YEAR,
            "employer_id": f"E{position:03d}",
            "name": "Công ty",
            "employer_type": "private_enterprise",
            "commune": "Khe Sanh",
        } | known(given)
        tables["employers"].append(filled("employers", cells))
    for given in district:
        tables["district"].append(filled("district", {"year": YEAR} | known(given)))
    return tables


def known(cells: Cells) -> Cells:
    """The cells that say something; None is an empty cell."""
    return {column: cell for column, cell in cells.items() if cell is not None}


def spec_of(*indicators: Cells, **settings: Any) -> dict[str, Any]:
    """A plan as its file would give it, with these indicators and the rest filled in."""
    rest = {"section": "1", "title": "Một chỉ tiêu", "short": "Chỉ tiêu"}
    return {
        "id": "thu",
        "version": "1",
        "title": "Kế hoạch thử",
        "short": "Thử",
        "source": "Chỉ để thử",
        "adopted_on": "2022-03-31",
        "issuer": {"id": DISTRICT, "name": "Liên đoàn thử", "short": "LĐ thử", "place": "thử"},
        "cut_off": "11-30",
        "baseline_year": 2022,
        "complete_if_missing_at_most": "10%",
        "groups": {},
        "sections": [{"id": "1", "title": "Mục một"}],
        "indicators": [
            {"id": f"i{position}", **rest, **indicator}
            for position, indicator in enumerate(indicators, start=1)
        ],
        **settings,
    }


def plan_of(*indicators: Cells, **settings: Any) -> Plan:
    return Plan.model_validate(spec_of(*indicators, **settings))


def dataset_of(tables: Tables) -> Dataset:
    """The tables as the engine gets them; what must hold across cells is not looked at here."""
    problems: list[Problem] = []
    typed = {}
    for name, table in dictionary().tables.items():
        text = pd.DataFrame(tables.get(name, []), columns=[*table.columns], dtype="str").fillna("")
        typed[name] = type_table(text, table, name, problems)
    assert problems == []
    return Dataset(typed, {name: name for name in typed})


def compute(
    tables: Tables,
    plan: Plan,
    years: Iterable[int] | None = None,
    scopes: Sequence[str] = SCOPES,
) -> list[Row]:
    """The indicator table as plain rows, None where a cell is empty."""
    return records(compute_indicators(dataset_of(tables), plan, years, scopes))


def records(table: pd.DataFrame) -> list[Row]:
    return [
        {name: None if pd.isna(cell) else cell for name, cell in row.items()}
        for row in table.to_dict("records")
    ]


def judge(indicator: Cells, tables: Tables, year: int = YEAR, **settings: Any) -> Row:
    """The district's row of one indicator."""
    return compute(tables, plan_of(indicator, **settings), [year], ["district"])[0]


def find(rows: Iterable[Row], indicator: str, scope: str = "district", **wanted: Any) -> Row:
    """The one row of these coordinates."""
    wanted |= {"indicator": indicator, "scope": scope}
    found = [row for row in rows if wanted.items() <= row.items()]
    assert len(found) == 1, (wanted, len(found))
    return found[0]


def keyed(rows: Iterable[Row]) -> dict[tuple[object, ...], Row]:
    return {tuple(row[name] for name in COLUMNS[:4]): row for row in rows}


def differences(got: list[Row], wanted: list[Row]) -> Iterator[tuple[object, ...]]:
    """Where two tables differ, row by row in their order; decimals to 12 significant digits."""
    if len(got) != len(wanted):
        yield "rows", len(got), len(wanted)
    for one, other in zip(got, wanted, strict=False):
        for name in COLUMNS:
            left, right = one[name], other[name]
            same = left == right
            if name in FRACTION_COLUMNS and None not in (left, right):
                same = math.isclose(left, right, rel_tol=1e-12)
            if not same:
                yield *(other[key] for key in COLUMNS[:4]), name, left, right


# Proof


@pytest.mark.parametrize("seed", range(5))
def test_random_tables_are_free_of_errors_and_the_same_for_the_same_seed(
    seed: int, tmp_path: Path
) -> None:
    tables = random_tables(seed)
    dataset, problems = read_dataset(write_tables(tables, tmp_path))
    problems += check_dataset(dataset)
    assert [problem for problem in problems if problem.severity == "error"] == []
    assert tables == random_tables(seed)
    assert tables != random_tables(seed + 1)
    assert tables == copied(tables)


def test_random_tables_hold_every_kind_of_gap() -> None:
    """Else the tests on them would prove little."""
    all_tables = [random_tables(seed) for seed in range(12)]
    returns = [row for tables in all_tables for row in tables["returns"]]
    roster = [row for tables in all_tables for row in tables["roster"]]
    assert len(returns) < len(roster)
    for column in ("informed", "fund_due", "grade", "conference_held", "hardship_members"):
        assert any(row[column] == "" for row in returns)
    assert any(row["workers_total"] == "" for row in roster)
    assert any(row["dissolved_on"] for row in roster)
    assert any(row["hardship_members"] == "0" for row in returns)
    assert any({row["year"] for row in t["employers"]} < {"2022", "2023"} for t in all_tables)


def test_a_broken_table_is_noticed_by_the_comparison() -> None:
    rows = compute(
        tables_of({"workers_total": 4, "informed": 3}), plan_of(INFORMED | at_least("75%"))
    )
    assert list(differences(rows, rows)) == []
    for column, other in [("value", 0.7500001), ("verdict", "not_met"), ("slack", None)]:
        changed = [dict(rows[0], **{column: other}), *rows[1:]]
        assert [difference[4] for difference in differences(rows, changed)] == [column]
    assert list(differences(rows, rows[:-1])) == [("rows", len(rows), len(rows) - 1)]


def at_least(bar: object, **when: Any) -> Cells:
    return {"targets": [{"at_least": bar, **when}]}


def more_than(bar: object, **when: Any) -> Cells:
    return {"targets": [{"more_than": bar, **when}]}
