"""Whether what a file brings fits the dataset as it would be then."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import pandas as pd

from analysis.indicators.members import is_expected, why_not_expected
from analysis.plan import Plan
from analysis.problems import Problem
from analysis.store.merge import Key, SheetChange
from analysis.tables.check import check_rules
from analysis.tables.delivery import Records
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset, type_table
from analysis.tables.oddities import find_lone_ones
from analysis.tables.stored import at_place, find_place, read_rows, row_keys
from analysis.tables.storefile import last_entry
from analysis.tasks import check_tasks


@dataclass(frozen=True, eq=False)
class _Merged:
    """The rows that a file concerns, as they would be.

    Attributes
    ----------
    text : dict of str to DataFrame
        By table; the index counts on from 2.
    brought : dict of str to list of (Records, row)
        Where the first rows of each table stand in the file; the others are the store's.
    """

    text: dict[str, pd.DataFrame]
    brought: dict[str, list[tuple[Records, int]]]


def find_errors(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], file: str, plan: Plan
) -> list[Problem]:
    """Return every rule that the dataset would break with these changes.

    Only the rows that a change can touch are looked at: its own, and of the units concerned the
    register and the return. All others are as sound as they were.

    Parameters
    ----------
    connection : Connection
        The store as it is.
    changes : sequence of SheetChange
        What the file brings.
    file : str
        Its name.
    plan : Plan
        Its cut-off tells who has to report.

    Returns
    -------
    list of Problem
        With the sheet and cell of the file, or of the earlier file that a figure came from.
    """
    merged, problems = _broken_rules(connection, changes, plan)
    last = last_entry(connection)
    return [_locate(connection, problem, merged, file, last) for problem in problems]


def find_suspects(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], plan: Plan
) -> set[Key]:
    """Return year and unit of every row over which the dataset would break a rule.

    Parameters
    ----------
    connection, changes, plan
        As for `find_errors`; each of the tables has a unit and a year.
    """
    merged, problems = _broken_rules(connection, changes, plan)
    rows = [merged.text[one.file].loc[one.row] for one in problems]
    return {(str(row["year"]), str(row.get("unit_id", row.get("holder_id")))) for row in rows}


def _broken_rules(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], plan: Plan
) -> tuple[_Merged, list[Problem]]:
    merged = _merge(connection, changes)
    problems: list[Problem] = []
    tables = {name: typed(name, text, problems) for name, text in merged.text.items()}
    dataset = Dataset(tables, {name: name for name in tables})
    problems += [*check_rules(dataset), *check_tasks(dataset, plan)]
    problems += _not_asked(dataset, changes, plan)
    problems += _empty_returns(changes)
    problems += _lone_ones(dataset, merged)
    return merged, [problem for problem in problems if problem.severity == "error"]


def typed(name: str, text: pd.DataFrame, problems: list[Problem]) -> pd.DataFrame:
    """Type a table's rows; a table without rows is typed once for all files.

    Parameters
    ----------
    name : str
        A table of the dictionary.
    text : DataFrame of str
        Its columns.
    problems : list of Problem
        Every unusable cell is added.
    """
    if text.empty:
        return _empty(name, tuple(text.columns))
    return type_table(text, dictionary().tables[name], name, problems)


@lru_cache
def _empty(name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    return type_table(
        pd.DataFrame(columns=list(columns), dtype="str"), dictionary().tables[name], name, []
    )


def _merge(connection: sqlite3.Connection, changes: Sequence[SheetChange]) -> _Merged:
    tables = dictionary().tables
    units = _units(changes)
    last = last_entry(connection)
    text, brought = {}, {}
    for name, table in tables.items():
        parts = [change for change in changes if change.table.name == name]
        rows = [change.after for change in parts]
        brought[name] = [(c.records, int(str(row))) for c in parts for row in c.after.index]
        if name in ("roster", "returns", "tasks", "evidence"):
            key = list(table.key)
            who = units.set_axis(["year", "unit_id" if "unit_id" in key else "holder_id"], axis=1)
            state = read_rows(connection, table, last, who)
            if rows:
                ours = pd.MultiIndex.from_frame(pd.concat(rows)[key])
                state = state[~pd.MultiIndex.from_frame(state[key]).isin(ours)]
            rows = [*rows, state]
        empty = pd.DataFrame(columns=list(table.columns), dtype="str")
        text[name] = pd.concat(rows, ignore_index=True) if rows else empty
        text[name].index += 2
    return _Merged(text, brought)


def _units(changes: Sequence[SheetChange]) -> pd.DataFrame:
    """Return the units, by year, that the rows of the changes name."""
    key = ["year", "unit_id"]
    rows = [c.after.rename(columns={"holder_id": "unit_id"}) for c in changes]
    named = [frame[key] for frame in rows if {*key} <= {*frame}]
    return pd.concat([pd.DataFrame(columns=key), *named]).drop_duplicates()


def _not_asked(dataset: Dataset, changes: Sequence[SheetChange], plan: Plan) -> list[Problem]:
    """Return an error for a first return of a unit that did not exist on the cut-off day."""
    absent = dataset.roster[~is_expected(dataset.roster, plan)]
    years, units = absent["year"].astype(str), absent["unit_id"]
    absent = absent.set_index(pd.MultiIndex.from_arrays([years, units]))
    problems = []
    for row, key, is_new in _rows_of("returns", changes):
        if is_new and key in absent.index:
            reason = why_not_expected(absent.loc[[key]].iloc[0], plan, int(key[0]))
            message = (
                f"CĐCS này {reason} nên không phải báo cáo năm {key[0]}; hãy xem lại mã và năm"
            )
            problems.append(
                Problem("error", "not_asked", "returns", row, "unit_id", key[1], message)
            )
    return problems


def _empty_returns(changes: Sequence[SheetChange]) -> list[Problem]:
    """Return an error for a return without a figure: it would only seem to have come."""
    columns = dictionary().tables["returns"].columns.values()
    keys = dictionary().tables["returns"].key
    figures = [c.name for c in columns if c.type.name != "text" and c.name not in keys]
    parts = [change.after for change in changes if change.table.name == "returns"]
    empty = [is_empty for part in parts for is_empty in (part[figures] == "").all(axis=1)]
    message = "báo cáo chưa điền số liệu nào"
    return [
        Problem("error", "empty_return", "returns", row, "unit_id", key[1], message)
        for (row, key, _), is_empty in zip(_rows_of("returns", changes), empty, strict=True)
        if is_empty
    ]


def _lone_ones(dataset: Dataset, merged: _Merged) -> list[Problem]:
    """Return an error for each lone 1 that a workbook brings: nothing in the cell tells 100% from 1."""
    found = []
    for problem in find_lone_ones(dataset):
        brought = dict(enumerate(merged.brought[problem.file], start=2)).get(problem.row or 0)
        if brought and brought[0].sheet:
            advice = 'nếu đúng là 1 người thì nhập lại với --supersede "lý do"'
            found.append(replace(problem, severity="error", advice=advice))
    return found


def _rows_of(name: str, changes: Sequence[SheetChange]) -> Iterator[tuple[int, Key, bool]]:
    """Yield the rows of a table as `_merge` numbers them: row, key, whether the key is new."""
    parts = [change for change in changes if change.table.name == name]
    keys = [key for part in parts for key in part.keys]
    new = [bool(is_new) for part in parts for is_new in part.is_new]
    yield from zip(range(2, len(keys) + 2), keys, new, strict=True)


def _locate(
    connection: sqlite3.Connection, problem: Problem, merged: _Merged, file: str, last: int
) -> Problem:
    """Name the cell: of this file, or of the earlier one that holds the figure."""
    name, position = problem.file, (problem.row or 2) - 2
    brought = merged.brought[name]
    if position < len(brought):
        records, row = brought[position]
        found = records.problem(
            file, problem.column, row, code=problem.code, message=problem.message
        )
        return replace(found, year=problem.year, advice=problem.advice)
    table = dictionary().tables[name]
    (key,) = row_keys(table, merged.text[name].iloc[[position]]).values()
    place = find_place(connection, table, key, problem.column, last)
    return problem if place is None else at_place(problem, place)
