"""Reading a store: the rows of a state, and the file, sheet and cell behind each figure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.problems import Problem, error
from analysis.tables.delivery import is_form
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.storefile import is_known, reading, withdrawn_keys

# Neither can be in a cell: control characters are refused.
_BETWEEN, _ABSENT = "\x1f", "\x1e"
_SHORT = 10_000
_TEXT = pd.StringDtype(na_value=np.nan)


def read_rows(
    connection: sqlite3.Connection,
    table: Table,
    last: int,
    keys: pd.DataFrame | None = None,
    *,
    withdrawn: bool = False,
) -> pd.DataFrame:
    """Return a table's state as text, one row per key, sorted by key.

    A figure is the latest one that a file gave for it; a column that a file does not have says
    nothing, and leaves what an earlier file said.

    Parameters
    ----------
    connection : Connection
        The store.
    table : Table
        The table.
    last : int
        The last entry that counts.
    keys : DataFrame of str, optional
        Only rows with these keys, or these parts of keys: ``year`` alone means all of a year.
    withdrawn : bool
        Whether a row that was withdrawn shall be there too, as a row without a figure.

    Returns
    -------
    DataFrame of str
        The dictionary's columns; ``""`` is not reported. The index counts from 2.
    """
    known = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
    names = [name for name in table.columns if name in known]
    # A part of a key that a file does not have is empty.
    absent = {name: "" if name in table.key else _ABSENT for name in names}
    cells = ", ".join(
        f"group_concat(coalesce({name}, '{absent[name]}'), '{_BETWEEN}')" for name in names
    )
    # Columns come as one long text each: no Python object per cell, and little memory.
    query = f"SELECT {cells} FROM (SELECT * FROM {table.name} WHERE {_UPTO}"
    if keys is not None:
        query += f" AND ({', '.join(keys.columns)}) IN {_want(connection, table, keys)}"
    found = connection.execute(f"{query} ORDER BY rowid)", [last]).fetchone()
    if found[0] is None:
        return pd.DataFrame(columns=list(table.columns), index=pd.RangeIndex(2, 2), dtype="str")
    given = dict(zip(names, found, strict=True))
    unknown = text_array([None] * (found[0].count(_BETWEEN) + 1))
    columns = {name: _split(given[name]) if name in given else unknown for name in table.columns}
    frame = pd.DataFrame(columns, copy=False)
    has_gaps = len(names) < len(table.columns) or any(_ABSENT in cells for cells in found)
    key = list(table.key)
    rows = _rows(frame[key])
    if len(set(rows)) < len(rows):
        again = frame.duplicated(key, keep=False)
        latest = frame[again].groupby(key, sort=False).last().reset_index()
        frame = pd.concat([frame[~again], latest[frame.columns]])
        rows = _rows(frame[key])
    gone = withdrawn_keys(connection, table, last) if not withdrawn else set()
    order = [place for place, row in enumerate(rows) if row not in gone]
    order.sort(key=rows.__getitem__)
    if order != [*range(len(rows))]:
        frame = frame.take(order)
    frame = frame.fillna("") if has_gaps else frame
    return frame.set_axis(pd.RangeIndex(2, len(frame) + 2))


def _rows(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(zip(*(frame[name].to_list() for name in frame.columns), strict=True))


_UPTO = "source <= (SELECT coalesce(max(id), 0) FROM source WHERE entry <= ?)"


def _want(connection: sqlite3.Connection, table: Table, keys: pd.DataFrame) -> str:
    """Put keys into a temporary table, so that an index finds their rows."""
    name = f"temp.wanted_{table.name}"
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(f"CREATE TABLE {name} ({', '.join(keys.columns)})")
    marks = ", ".join("?" * len(keys.columns))
    rows = keys.itertuples(index=False, name=None)
    connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return name


def _split(cells: str) -> Any:
    if len(cells) < _SHORT:  # pyarrow's calls would cost more than what they do
        return text_array([None if cell == _ABSENT else cell for cell in cells.split(_BETWEEN)])
    column = pc.split_pattern(pa.scalar(cells, pa.large_string()), _BETWEEN).values
    column = pc.if_else(pc.equal(column, _ABSENT), pa.scalar(None, column.type), column)
    return pd.array(column, dtype=_TEXT)


def text_array(cells: Sequence[str | None]) -> Any:
    """Return cells as an array of ``str``, much faster for a few than pandas' own ways there."""
    return _TEXT.construct_array_type()._from_sequence(cells, dtype=_TEXT)


def digest_rows(frame: pd.DataFrame) -> bytes:
    """Return bytes that are the same for the same state, to make a digest of."""
    joined = [_BETWEEN.join(frame[name].to_list()) for name in frame.columns]
    return f"{len(frame)}:{','.join(frame.columns)}:{_ABSENT.join(joined)}".encode()


def unknown_tables(
    connection: sqlite3.Connection, paths: Sequence[tuple[Path, str]]
) -> list[Problem]:
    """Return an error for every table file beside the store that was never imported into it.

    Parameters
    ----------
    connection : Connection
        The store.
    paths : sequence of (Path, str)
        The table files of the folder, with their digests.
    """
    problems = []
    for path, digest in paths:
        if not is_known(connection, digest):
            message = (
                "tệp đã đổi sau khi lập kho số liệu, nên số trong tệp chưa được dùng; hãy chạy"
                f' congdoan import {path.stem}.csv --supersede "lý do", hoặc xóa tệp này'
            )
            problems.append(error(message, code="table_beside_store", file=path.name))
    return problems


@dataclass(frozen=True)
class Place:
    """Where a figure of the store came from: a cell of a file, and the entry that took it in.

    ``is_form`` tells a cell of a form from one of a list.
    """

    entry: int
    file: str
    sheet: str
    cell: str
    row: int
    value: str
    is_form: bool


@dataclass(frozen=True)
class Origin:
    """A state of a store: finds the file, sheet and cell behind its figures.

    Parameters
    ----------
    folder : Path
        The dataset folder.
    last : int
        The last entry that counts.
    """

    folder: Path
    last: int

    def locate(self, problems: Sequence[Problem], tables: dict[str, pd.DataFrame]) -> list[Problem]:
        """Name the file and cell of each problem with a row of the state.

        Parameters
        ----------
        problems : sequence of Problem
            Their ``file`` is a table's name.
        tables : dict of str to DataFrame
            The state's tables, as text or typed.
        """
        if not problems:
            return []
        keys = _keys_of(problems, tables)
        with reading(self.folder) as connection:
            return [
                self._locate(connection, problem, keys.get((problem.file, problem.row)))
                for problem in problems
            ]

    def _locate(
        self, connection: sqlite3.Connection, problem: Problem, key: tuple[str, ...] | None
    ) -> Problem:
        if key is None:
            return problem
        table = dictionary().tables[problem.file]
        place = find_place(connection, table, key, problem.column, self.last)
        return problem if place is None else at_place(problem, place)


def _keys_of(
    problems: Sequence[Problem], tables: dict[str, pd.DataFrame]
) -> dict[tuple[str, int | None], tuple[str, ...]]:
    """Return the keys of the rows that problems are about, by table and row."""
    rows: dict[str, set[int]] = {}
    for problem in problems:
        if problem.file in tables and problem.row is not None:
            rows.setdefault(problem.file, set()).add(problem.row)
    return {
        (name, row): key
        for name, wanted in rows.items()
        for row, key in row_keys(
            dictionary().tables[name], tables[name].loc[sorted(wanted)]
        ).items()
    }


def at_place(problem: Problem, place: Place) -> Problem:
    """Return the problem as one of the file that the figure came from."""
    return replace(
        problem, file=place.file, sheet=place.sheet, cell=place.cell, row=place.row or None
    )


def find_keys(
    connection: sqlite3.Connection, table: Table, name: str, year: int, issuer: str
) -> pd.DataFrame:
    """Return every key that a table ever had about a unit, an employer or the issuer in a year.

    Parameters
    ----------
    connection : Connection
        The store.
    table : Table
        The table.
    name : str
        A unit, an employer, or the issuer, whose own table has no column for it.
    year : int
        The year; of an event, that of its day.
    issuer : str
        The id of the plan's issuer.

    Returns
    -------
    DataFrame of str
        The key's columns.
    """
    who = [column for column in table.key if column not in ("year", "date")]
    when = "year = ?" if "year" in table.key else "substr(date, 1, 4) = ?"
    is_meant = " OR ".join(f"{column} = ?" for column in who) or f"{int(name == issuer)}"
    key = ", ".join(table.key)
    query = f"SELECT DISTINCT {key} FROM {table.name} WHERE {when} AND ({is_meant})"
    found = connection.execute(query, [str(year), *(name for _ in who)]).fetchall()
    return pd.DataFrame(found, columns=list(table.key), dtype="str")


def key_index(table: Table, frame: pd.DataFrame) -> pd.Index:
    """Return the rows' keys as an index; a MultiIndex of one level would find nothing."""
    key = list(table.key)
    return pd.MultiIndex.from_frame(frame[key]) if key[1:] else pd.Index(frame[key[0]])


def row_keys(table: Table, frame: pd.DataFrame) -> dict[int, tuple[str, ...]]:
    """Return the rows' keys as text, by row; cells may be text or typed."""
    rows = frame[list(table.key)].itertuples(name=None)
    return {row: tuple(map(spell_cell, key)) for row, *key in rows}


def spell_cell(value: object) -> str:
    """Return a typed cell as the tables spell it; missing is ``""``."""
    if pd.isna(value):
        return ""
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)


def find_place(
    connection: sqlite3.Connection, table: Table, key: Sequence[str], column: str, last: int
) -> Place | None:
    """Return where the current figure of a key came from; None if no file ever gave one.

    Parameters
    ----------
    connection : Connection
        The store.
    table : Table
        The table.
    key : sequence of str
        The row's key.
    column : str
        The figure's column.
    last : int
        The last entry that counts.
    """
    same = " AND ".join(f"{name} = ?" for name in table.key)
    query = (
        f"SELECT entry.id, entry.file, sheet, addresses, row, t.{column} FROM {table.name} AS t"
        " JOIN source ON source.id = t.source JOIN entry ON entry.id = source.entry"
        f" WHERE {same} AND {column} IS NOT NULL AND entry.id <= ? ORDER BY t.rowid DESC LIMIT 1"
    )
    found = connection.execute(query, [*key, last]).fetchone()
    if found is None:
        return None
    entry, file, sheet, addresses, row, value = found
    places = _addresses(addresses)
    cell = address(places, column, row)
    return Place(entry, file, sheet, cell, row, value, is_form(places, column))


@lru_cache
def _addresses(text: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(text)
    return found


def address(addresses: dict[str, str], column: str, row: int) -> str:
    """Return a cell's address, as `analysis.tables.delivery.Records` has it; empty if none."""
    return addresses.get(column, "").format(row=row)
