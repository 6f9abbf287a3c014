"""The store: one SQLite file that only grows. Here it is opened and read; `analysis.store` writes it.

A dataset folder with a store is read from it, as it is now or as it was at an earlier moment.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.problems import InputError, Problem, error
from analysis.tables.dictionary import Table, dictionary

STORE = "store.sqlite"
#: Raised when an older program could no longer read the store rightly.
VERSION = 1
#: Marks the SQLite file as a store of this program ("CDoa").
APPLICATION = 0x43446F61
#: How long a reader or a second import waits for the one that is writing.
PATIENCE_SECONDS = 10.0

# Neither can be in a cell: control characters are refused.
_BETWEEN, _ABSENT = "\x1f", "\x1e"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says into a problem that an analyst can act on.

    Raises
    ------
    InputError
        For a store that is locked, damaged, not to be written, or on a full disk.
    """
    try:
        yield
    except sqlite3.Error as failure:
        name = getattr(failure, "sqlite_errorname", "")
        for start, (code, message) in _REASONS.items():
            if name.startswith(start):
                raise InputError([error(message, code=code, file=path.name)]) from failure
        raise


_REASONS = {
    "SQLITE_BUSY": (
        "store_busy",
        "một lệnh khác đang ghi vào kho số liệu; hãy đợi lệnh ấy xong rồi chạy lại",
    ),
    "SQLITE_FULL": ("disk_full", "ổ đĩa đã đầy; kho số liệu vẫn như trước, chưa ghi thêm gì"),
    "SQLITE_READONLY": ("store_read_only", "không có quyền ghi vào kho số liệu"),
    "SQLITE_CANTOPEN": ("store_closed", "không mở được kho số liệu: không có quyền đọc, ghi"),
    "SQLITE_IOERR": (
        "store_io",
        "lỗi đọc ghi ổ đĩa (có thể ổ đĩa đã đầy); kho số liệu không hư hại, hãy chạy lại lệnh này",
    ),
    "SQLITE_NOTADB": ("bad_store", "tệp không phải là kho số liệu; hãy lấy lại bản sao lưu"),
    "SQLITE_CORRUPT": ("bad_store", "kho số liệu bị hỏng; hãy lấy lại bản sao lưu"),
}


def has_store(folder: Path) -> bool:
    """Tell whether a dataset folder is kept in a store.

    A first import that was cut off leaves an empty file: that is none yet.
    """
    path = folder / STORE
    if not path.exists():
        return False
    if path.with_name(f"{STORE}-journal").exists():
        with explained(path), closing(_open(path)) as connection:
            # Reading rolls back what was cut off.
            connection.execute("PRAGMA user_version").fetchone()
    return path.stat().st_size > 0


def connect(folder: Path) -> sqlite3.Connection:
    """Open the store of a folder.

    Opened for writing where that is allowed, even to read: what a cut-off import left behind is
    then rolled back.

    Raises
    ------
    InputError
        If it cannot be opened, is damaged, is no store, or is one of a newer program.
    """
    path = folder / STORE
    with explained(path):
        connection = _open(path)
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
    if application == APPLICATION and version == VERSION:
        return connection
    connection.close()
    if application != APPLICATION:
        message, code = "tệp này không phải là kho số liệu của chương trình", "not_a_store"
    else:
        message = (
            f"kho số liệu ở phiên bản {version}, chương trình này chỉ đọc được phiên bản {VERSION};"
            " hãy cập nhật chương trình"
        )
        code = "store_version"
    raise InputError([error(message, code=code, file=path.name)])


def _open(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the store of a folder and hold one state of it: what is written meanwhile is not seen."""
    with closing(connect(folder)) as connection, explained(folder / STORE):
        connection.execute("BEGIN")
        yield connection


def moment(as_of: date) -> str:
    """Return the moment before which an entry counts, as the store writes it (UTC).

    Parameters
    ----------
    as_of : date or datetime
        A day means until its end, by the clock of this machine.

    Examples
    --------
    >>> from datetime import timezone
    >>> moment(datetime(2025, 3, 1, 12, 30, tzinfo=timezone.utc))
    '2025-03-01T12:30:00.000000Z'
    """
    if not isinstance(as_of, datetime):
        as_of = datetime.combine(as_of + timedelta(days=1), time())
    return as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def last_entry(connection: sqlite3.Connection, as_of: date | None = None) -> int:
    """Return the last entry of a state: the latest one, or the latest before a moment; 0 if none."""
    before = moment(as_of) if as_of is not None else "9999"
    query = "SELECT coalesce(max(id), 0) FROM entry WHERE at < ?"
    return int(connection.execute(query, [before]).fetchone()[0])


def read_rows(
    connection: sqlite3.Connection, table: Table, last: int, keys: pd.DataFrame | None = None
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

    Returns
    -------
    DataFrame of str
        The dictionary's columns; ``""`` is not reported. The index counts from 2.
    """
    known = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
    names = [name for name in table.columns if name in known]
    cells = ", ".join(
        f"group_concat(coalesce({name}, '{_ABSENT}'), '{_BETWEEN}')" for name in names
    )
    # Columns come as one long text each: no Python object per cell, and little memory.
    query = f"SELECT {cells} FROM (SELECT * FROM {table.name} WHERE {_UPTO}"
    if keys is not None:
        query += f" AND ({', '.join(keys.columns)}) IN {_want(connection, table, keys)}"
    found = connection.execute(f"{query} ORDER BY rowid)", [last]).fetchone()
    frame = pd.DataFrame(
        {name: _split(cells) for name, cells in zip(names, found, strict=True)},
        columns=list(table.columns),
        dtype="str",
    )
    key = list(table.key)
    again = frame.duplicated(key, keep=False)
    if again.any():
        latest = frame[again].groupby(key, sort=False).last().reset_index()
        frame = pd.concat([frame[~again], latest[frame.columns]])
    frame = frame.fillna("").sort_values(key, ignore_index=True)
    frame.index += 2
    return frame


_UPTO = "source <= (SELECT coalesce(max(id), 0) FROM source WHERE entry <= ?)"


def _want(connection: sqlite3.Connection, table: Table, keys: pd.DataFrame) -> str:
    """Put keys into a table of this connection alone, so that an index finds their rows."""
    name = f"temp.wanted_{table.name}"
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(f"CREATE TABLE {name} ({', '.join(keys.columns)})")
    marks = ", ".join("?" * len(keys.columns))
    rows = keys.itertuples(index=False, name=None)
    connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return name


def _split(cells: str | None) -> pd.Series:
    if cells is None:
        return pd.Series([], dtype="str")
    column = pc.split_pattern(pa.scalar(cells, pa.large_string()), _BETWEEN).values
    text = pd.Series(pd.array(column, dtype="str"))
    return text.where(text != _ABSENT)


def digest_rows(frame: pd.DataFrame) -> bytes:
    """Return bytes that are the same for the same state, for a digest."""
    joined = [_BETWEEN.join(frame[name].to_list()) for name in frame.columns]
    return f"{len(frame)}:{','.join(frame.columns)}:{_ABSENT.join(joined)}".encode()


def unknown_tables(
    connection: sqlite3.Connection, paths: Sequence[tuple[Path, str]]
) -> list[Problem]:
    """Return an error for every table file beside the store that the store does not know.

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
                f' congdoan import {path.name} --supersede "lý do", hoặc xóa tệp này'
            )
            problems.append(error(message, code="table_beside_store", file=path.name))
    return problems


def is_known(connection: sqlite3.Connection, digest: str) -> bool:
    """Tell whether a file with this digest was accepted before."""
    query = "SELECT 1 FROM entry WHERE digest = ? AND errors = 0"
    return connection.execute(query, [digest]).fetchone() is not None


@dataclass(frozen=True)
class Place:
    """Where a figure of the store came from: a cell of a file, and the entry that took it in."""

    entry: int
    file: str
    sheet: str
    cell: str
    row: int
    value: str


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
        """Say of problems with rows of the state in which file and cell they are.

        Parameters
        ----------
        problems : sequence of Problem
            Their ``file`` is a table's name.
        tables : dict of str to DataFrame
            The state's tables, as text or typed.
        """
        if not problems:
            return []
        with reading(self.folder) as connection:
            return [self._locate(connection, problem, tables) for problem in problems]

    def _locate(
        self, connection: sqlite3.Connection, problem: Problem, tables: dict[str, pd.DataFrame]
    ) -> Problem:
        table = dictionary().tables.get(problem.file)
        if table is None or problem.row is None:
            return problem
        key = row_key(table, tables[table.name].loc[problem.row])
        place = find_place(connection, table, key, problem.column, self.last)
        return problem if place is None else at_place(problem, place)


def at_place(problem: Problem, place: Place) -> Problem:
    """Return the problem as one of the file that the figure came from."""
    return replace(
        problem, file=place.file, sheet=place.sheet, cell=place.cell, row=place.row or None
    )


def row_key(table: Table, row: pd.Series) -> tuple[str, ...]:
    """Return a row's key as text."""
    return tuple(_key_text(row[name]) for name in table.key)


def _key_text(value: object) -> str:
    if pd.isna(value):
        return ""
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)


def find_place(
    connection: sqlite3.Connection, table: Table, key: Sequence[str], column: str, last: int
) -> Place | None:
    """Return where the current figure of a key came from; None if no file ever gave one."""
    same = " AND ".join(f"{name} = ?" for name in table.key)
    query = (
        f"SELECT entry.id, file, sheet, addresses, row, {column} FROM {table.name} AS t"
        " JOIN source ON source.id = t.source JOIN entry ON entry.id = source.entry"
        f" WHERE {same} AND {column} IS NOT NULL AND entry.id <= ? ORDER BY t.rowid DESC LIMIT 1"
    )
    found = connection.execute(query, [*key, last]).fetchone()
    if found is None:
        return None
    entry, file, sheet, addresses, row, value = found
    cell = address(json.loads(addresses), column, row)
    return Place(entry, file, sheet, cell, row, value)


def address(addresses: dict[str, str], column: str, row: int) -> str:
    """Return a cell's address, as `analysis.tables.delivery.Records` has it; empty if none."""
    return addresses.get(column, "").format(row=row)


def require_past(connection: sqlite3.Connection, as_of: date) -> int:
    """Return the last entry of a past state.

    Raises
    ------
    InputError
        If the store did not exist yet.
    """
    last = last_entry(connection, as_of)
    if not last:
        (first,) = connection.execute("SELECT min(at) FROM entry").fetchone()
        day = local_time(first) if first else "(chưa có)"
        message = f"kho chưa có số liệu nào vào lúc ấy; lần nhập đầu tiên: {day}"
        raise InputError([error(message, code="before_store", file=STORE, value=as_of)])
    return last


def local_time(at: str) -> str:
    """Return a moment of the store as a Vietnamese reader writes it, by this machine's clock."""
    return f"{datetime.fromisoformat(at).astimezone():%d/%m/%Y %H:%M}"


def refuse_missing(folder: Path) -> None:
    """Refuse to look into a folder that has no store.

    Raises
    ------
    InputError
        If it has none.
    """
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    if not has_store(folder):
        message = "thư mục này chưa có kho số liệu (chưa nhập tệp nào bằng congdoan import)"
        raise InputError([error(message, code="no_store", file=STORE)])
