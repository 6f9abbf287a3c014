"""Taking rows back: it is as if they had never been said, and the store keeps what they said."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd

from analysis.problems import InputError, Problem, error, has_errors
from analysis.store.judge import typed
from analysis.store.log import Handed, add_entry, add_new_columns, open_for_writing, writing
from analysis.tables.check import check_rules
from analysis.tables.delivery import Records
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.files import STORE
from analysis.tables.load import Dataset
from analysis.tables.stored import find_keys, read_rows
from analysis.tables.storefile import WITHDRAW, explained, last_entry, refuse_missing


def withdraw_rows(
    folder: Path,
    name: str,
    year: int,
    *,
    reason: str,
    by: str = "",
    table: str = "returns",
    issuer: str = "",
) -> int:
    """Take back what a table says of somebody in a year.

    The figures stay in the log, the other tables stay as they are, and what comes later is taken in
    as the first of its kind.

    Parameters
    ----------
    folder : Path
        A dataset folder with a store.
    name : str
        A unit, an employer, or the issuer, for the district's own row.
    year : int
        The year; of events, that of their day: all that name the unit are taken back.
    reason : str
        Why.
    by : str
        Who says so.
    table : str
        Which table.
    issuer : str
        The id of the plan's issuer.

    Returns
    -------
    int
        How many figures there were.

    Raises
    ------
    InputError
        If there is no reason, no store, no such row in it, or if other tables rest on it.
    """
    if not reason.strip():
        raise InputError([error("cần nêu lý do rút lại", code="no_reason")])
    refuse_missing(folder)
    kind = dictionary().tables[table]
    # What is cited for a task falls with it.
    kinds = [kind, *([dictionary().tables["evidence"]] if table == "tasks" else [])]
    handed = Handed(WITHDRAW, "", "", reason.strip(), by.strip())
    with (
        closing(open_for_writing(folder)) as connection,
        explained(folder / STORE),
        writing(connection),
    ):
        add_new_columns(connection)
        found = [(each, _rows(connection, each, name, year, issuer)) for each in kinds]
        if found[0][1].empty:
            message = f"kho không có gì về mã này năm {year} trong bảng «{kind.vi}»"
            raise InputError([error(message, code="no_rows", file=STORE, column=table, value=name)])
        # Row 0: no row of a file.
        records = [
            Records(
                each.name,
                rows.assign(**dict.fromkeys(_figures(each), "")).set_axis([0] * len(rows)),
                "",
                {},
            )
            for each, rows in found
            if not rows.empty
        ]
        add_entry(connection, handed, records)
        _refuse_broken(connection)
    return sum(int((rows[_figures(each)] != "").to_numpy().sum()) for each, rows in found)


def _rows(
    connection: sqlite3.Connection, table: Table, name: str, year: int, issuer: str
) -> pd.DataFrame:
    keys = find_keys(connection, table, name, year, issuer)
    return read_rows(connection, table, last_entry(connection), keys)


def _figures(table: Table) -> list[str]:
    return [column for column in table.columns if column not in table.key]


def _refuse_broken(connection: sqlite3.Connection) -> None:
    """Refuse what would leave rows of other tables without what they rest on."""
    problems: list[Problem] = []
    last = last_entry(connection)
    tables = {
        name: typed(name, read_rows(connection, table, last), [])
        for name, table in dictionary().tables.items()
    }
    problems = check_rules(Dataset(tables, {name: name for name in tables}))
    if has_errors(problems):
        raise InputError([problem for problem in problems if problem.severity == "error"])
