"""The store's file: one SQLite file that only grows. Opening it, the rows of a state, where each came from.

A dataset folder with a store is read from it, as it is now or as it was at an earlier moment.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote_from_bytes

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.problems import InputError, Problem, error
from analysis.tables.delivery import cell_of, is_form
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.files import MARK, STORE, table_files, write_atomically

#: Goes up when an older program could no longer read the store rightly.
VERSION = 1
#: Marks the SQLite file as a store of this program ("CDoa").
APPLICATION = 0x43446F61
#: The command of an entry that takes rows back: its rows are empty and of no file.
WITHDRAW = "congdoan withdraw"
#: A digest for each entry that brought rows; an older store gets them at its next import.
SEALS = """CREATE TABLE IF NOT EXISTS seal (
    entry INTEGER PRIMARY KEY,
    digest TEXT NOT NULL          -- SHA-256 over the entry, its sources and their rows
)"""
#: How long a reader or a second import waits for the one that is writing.
PATIENCE_SECONDS = 10.0
# Neither can be in a cell: control characters are refused.
_BETWEEN, _ABSENT = "\x1f", "\x1e"
_SHORT = 10_000
_TEXT = pd.StringDtype(na_value=np.nan)

Key = tuple[str, ...]


@contextmanager
def explained() -> Iterator[None]:
    """Turn what SQLite says into a problem that an analyst can act on."""
    try:
        yield
    except sqlite3.Error as failure:
        name = getattr(failure, "sqlite_errorname", "")
        if not name and "decode" in str(failure):  # Python, not SQLite: a text that is none
            name = "SQLITE_CORRUPT"
        for start, (code, message) in _REASONS.items():
            if name.startswith(start):
                raise InputError([error(message, code=code, file=STORE)]) from failure
        raise


DAMAGED = (
    "kho số liệu bị hỏng; hãy lấy lại bản sao lưu, hoặc xem còn gì dùng được bằng congdoan doctor"
)
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
    "SQLITE_CORRUPT": ("bad_store", DAMAGED),
}


def has_store(folder: Path) -> bool:
    """Tell whether a dataset folder is kept in a store.

    A first import that was cut off leaves an empty file, which is no store yet. A store that is gone is
    an error: the tables beside it are what was there before it.
    """
    path = folder / STORE
    is_there = path.exists()
    if is_there and path.with_name(f"{STORE}-journal").exists():
        with explained(), closing(_open(path)) as connection:
            # Reading rolls back what was cut off.
            connection.execute("PRAGMA user_version").fetchone()
    if is_there and path.stat().st_size > 0:
        return True
    if path.is_symlink() or (folder / MARK).exists():
        what = "còn 0 byte" if is_there else "không còn ở đây"
        if path.is_symlink() and not is_there:
            what = f"trỏ tới {path.readlink()} mà ở đó không có gì (ổ đĩa chưa nối?)"
        raise InputError(
            [error(f"kho số liệu {what}. {_WAYS_BACK}", code="store_gone", file=STORE)]
        )
    return False


#: What can be done about a store that is gone.
_WAYS_BACK = (
    f"Không dùng các bảng CSV thay kho, vì đó là số liệu từ trước khi có kho. Hãy nối lại ổ đĩa,"
    f" hoặc chép bản sao lưu của {STORE} về thư mục này (xem số trong bản sao lưu mà chưa chép về:"
    f" congdoan export --data THƯ_MỤC_SAO_LƯU --out THƯ_MỤC_MỚI). Chỉ khi thật sự muốn bỏ kho và"
    f" dùng tiếp các bảng CSV: xóa tệp {MARK}, và tệp {STORE} nếu còn"
)


def leave_mark(folder: Path) -> None:
    """Leave a note beside a store, so that the loss of the store is noticed."""
    if not (folder / MARK).exists():
        text = f"Số liệu của thư mục này nằm trong kho {STORE}.\nNếu kho bị mất: {_WAYS_BACK}.\n"
        write_atomically(folder / MARK, text)


def connect(folder: Path) -> sqlite3.Connection:
    """Open the store of a folder, or refuse what is damaged, no store, or one of a newer program.

    Opened for writing where that is allowed, even to read: only then does SQLite roll back what a
    cut-off import left behind.
    """
    path = folder / STORE
    with explained():
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


def address_of(path: PurePath) -> str:
    r"""Return the address with which SQLite opens a file that is there for reading and writing.

    ``Path.as_uri`` would name a network drive's server as the address's host, which SQLite refuses.

    Examples
    --------
    >>> from pathlib import PureWindowsPath
    >>> address_of(PureWindowsPath(r"\\may-chu\chung\a b.sqlite"))
    'file:////may-chu/chung/a%20b.sqlite?mode=rw'
    >>> address_of(PureWindowsPath(r"D:\#1\store.sqlite"))
    'file:///D:/%231/store.sqlite?mode=rw'
    """
    named = path.as_posix()
    root = "" if named.startswith("/") else "/"
    return f"file://{root}{quote_from_bytes(os.fsencode(named), safe='/:')}?mode=rw"


def _open(path: Path) -> sqlite3.Connection:
    address = address_of(path.resolve())
    connection = sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the store of a folder and hold one state of it, whatever is written meanwhile."""
    with closing(connect(folder)) as connection, explained():
        connection.execute("BEGIN")
        # Tables that the dictionary got after the store was made are empty.
        made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for table in dictionary().tables.values():
            if table.name not in made:
                columns = ", ".join(["source", "row", *table.columns])
                connection.execute(f"CREATE TEMP TABLE {table.name} ({columns})")
        yield connection


def moment(as_of: date) -> str:
    """Return the moment before which an entry counts, as the store writes it (UTC).

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
    """Return the last entry of a state: the latest one, or the latest before a moment; 0 if none.

    Entries count in the order of their numbers. One with a wrong date counts as made at the same
    time as the one before it.
    """
    if as_of is None:
        query = "SELECT coalesce(max(id), 0) FROM entry"
        return int(connection.execute(query).fetchone()[0])
    end, last = moment(as_of), 0
    believed = believed_entries(connection)
    at = next(iter(believed.values()), "")
    for (number,) in connection.execute("SELECT id FROM entry ORDER BY id"):
        at = believed.get(number, at)
        if at >= end:
            break
        last = number
    return last


def believed_entries(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the entries whose date can be right, by number, with that date.

    Time does not run backwards, so the longest sequence of entries whose days never fall is
    believed; of two equally long ones, the one that ends earlier. A clock that was far off for a
    while thus misdates only its own entries, once a later entry contradicts it. A date in the
    future is never believed.
    """
    query = "SELECT id, at FROM entry WHERE at <= ? ORDER BY id"
    entries = connection.execute(query, [moment(datetime.now(UTC))])
    ends: list[str] = []  # the earliest last day of a sequence of each length
    rows: list[tuple[Any, ...]] = [
        ()
    ]  # that sequence: its last entries, and the sequence before them
    for day, found in groupby(entries, lambda entry: entry[1][: len("2025-03-01")]):
        length = bisect_right(ends, day)
        ends[length : length + 1] = [day]
        rows[length + 1 : length + 2] = [(dict(found), rows[length])]
    days, row = [], rows[-1]
    while row:
        day, row = row
        days.append(day)
    return {number: at for day in reversed(days) for number, at in day.items()}


def is_known(connection: sqlite3.Connection, digest: str) -> bool:
    """Tell whether a file with this digest was accepted before."""
    query = "SELECT 1 FROM entry WHERE digest = ? AND errors = 0"
    return connection.execute(query, [digest]).fetchone() is not None


def withdrawn_keys(connection: sqlite3.Connection, table: Table, last: int) -> set[tuple[str, ...]]:
    """Return the keys of a table's rows that are withdrawn in the state of an entry."""
    key = ", ".join(f"t.{name}" for name in table.key)
    same = " AND ".join(f"later.{name} = t.{name}" for name in table.key)
    query = (
        f"SELECT {key} FROM entry JOIN source ON source.entry = entry.id"
        f" JOIN {table.name} AS t ON t.source = source.id WHERE command = ? AND entry.id <= ?"
        f" AND NOT EXISTS (SELECT 1 FROM {table.name} AS later WHERE {same}"
        " AND later.source > t.source AND later.source <= "
        "(SELECT max(id) FROM source WHERE entry <= ?))"
    )
    return set(connection.execute(query, [WITHDRAW, last, last]))


def first_moment(folder: Path) -> datetime:
    """Return when a store's first state begins."""
    with reading(folder) as connection:
        first = next(iter(believed_entries(connection).values()), "")
    began = datetime.fromisoformat(first) if first else datetime.now(UTC)
    return began + timedelta(microseconds=1)


def require_past(connection: sqlite3.Connection, as_of: date) -> int:
    """Return the last entry of a past state; refuse a day before the store existed."""
    last = last_entry(connection, as_of)
    if not last:
        first = next(iter(believed_entries(connection).values()), "")
        day = local_time(first) if first else "(chưa có)"
        message = f"kho chưa có số liệu nào vào lúc ấy; lần nhập đầu tiên: {day}"
        raise InputError([error(message, code="before_store", file=STORE, value=as_of)])
    return last


def local_time(at: str) -> str:
    """Return a moment of the store in this machine's time, as a Vietnamese reader writes it."""
    return f"{datetime.fromisoformat(at).astimezone():%d/%m/%Y %H:%M}"


def refuse_missing(folder: Path) -> None:
    """Refuse to look into a folder that has no store."""
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    if not has_store(folder):
        message = "thư mục này chưa có kho số liệu (chưa nhập tệp nào bằng congdoan import)"
        raise InputError([error(message, code="no_store", file=STORE)])


def add_seals(connection: sqlite3.Connection, first: int = 1) -> None:
    """Seal the entries from ``first`` on that have no seal yet, within the open transaction."""
    query = "INSERT OR IGNORE INTO seal VALUES (?, ?)"
    connection.executemany(query, _digests(connection, first).items())


def find_damage(connection: sqlite3.Connection) -> set[int]:
    """Return the entries whose rows are not as they came in.

    Entries after the last seal were made by an older program: nothing can be said of them.
    """
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'seal'").fetchone():
        return set()
    sealed = dict(connection.execute("SELECT entry, digest FROM seal").fetchall())
    found = _digests(connection)
    last = max(sealed, default=0)
    return {
        entry
        for entry in found.keys() | sealed.keys()
        if entry <= last and found.get(entry) != sealed.get(entry)
    }


def refuse_damage(connection: sqlite3.Connection) -> None:
    """Refuse a store that has lost or changed rows, or whose indexes no longer find them all."""
    # Without its place in an index a figure would count as never reported, and be replaced in silence.
    (state,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if state != "ok":
        raise InputError([error(DAMAGED, code="bad_store", file=STORE)])
    damaged = find_damage(connection)
    if damaged:
        message = (
            f"kho số liệu bị hỏng: số liệu của {len(damaged)} lần nhập không còn như lúc nhận; hãy"
            " lấy lại bản sao lưu, hoặc xem còn gì dùng được bằng congdoan doctor"
        )
        raise InputError([error(message, code="bad_store", file=STORE)])


def _digests(connection: sqlite3.Connection, first: int = 1) -> dict[int, str]:
    """Return the digests of the entries from ``first`` on that brought rows."""
    tables = [(name, _rows(connection, name, first)) for name in dictionary().tables]
    query = (
        "SELECT entry.*, source.* FROM entry LEFT JOIN source ON source.entry = entry.id"
        " WHERE entry.id >= ? AND errors = 0 ORDER BY entry.id, source.id"
    )
    width = len(connection.execute("PRAGMA table_info(entry)").fetchall())
    digests = {}
    for number, sources in groupby(connection.execute(query, [first]), itemgetter(0)):
        digest = hashlib.sha256()
        for row in sources:
            digest.update(repr(row).encode())
            for name, found in tables:
                if row[width] in found:
                    digest.update(name.encode() + found[row[width]])
        digests[int(number)] = digest.hexdigest()
    return digests


def _rows(connection: sqlite3.Connection, name: str, first: int) -> dict[int, bytes]:
    """Return a digest of the rows of each source of the entries from ``first`` on.

    A column that the dictionary got later is empty in earlier rows, and does not change their digest.
    """
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")][1:]
    if not columns:  # the store is older than this table of the dictionary
        return {}
    # No cell can hold control characters: one ends each cell, another stands for an empty one.
    cells = ", ".join(f"coalesce({column} || x'1f', x'1e')" for column in columns)
    text = f"rtrim(printf('{'%s' * len(columns)}', {cells}), x'1e')"
    # Sources and rows grow together: the search for the last row before ends at once.
    earlier = "SELECT coalesce(max(id), 0) FROM source WHERE entry < ?"
    before = f"SELECT rowid FROM {name} WHERE source <= ({earlier}) ORDER BY rowid DESC LIMIT 1"
    query = (
        f"SELECT source, CAST({text} AS BLOB) FROM {name}"
        f" WHERE rowid > coalesce(({before}), 0) ORDER BY rowid"
    )
    found: dict[int, bytes] = {}
    for source, rows in groupby(connection.execute(query, [first]), itemgetter(0)):
        digest = hashlib.sha256(b"\n".join(row for _, row in rows)).digest()
        found[source] = found.get(source, b"") + digest
    return found


def read_rows(
    connection: sqlite3.Connection,
    table: Table,
    last: int,
    keys: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return a table's state as text, one row per key, sorted by key.

    A figure is the latest one that a file gave for it; a column that a file does not have says
    nothing, and leaves what an earlier file said.

    Parameters
    ----------
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
    rows = _tuples(frame[key])
    if len(set(rows)) < len(rows):
        again = frame.duplicated(key, keep=False)
        latest = frame[again].groupby(key, sort=False).last().reset_index()
        frame = pd.concat([frame[~again], latest[frame.columns]])
        rows = _tuples(frame[key])
    gone = withdrawn_keys(connection, table, last)
    order = [place for place, row in enumerate(rows) if row not in gone]
    order.sort(key=rows.__getitem__)
    if order != [*range(len(rows))]:
        frame = frame.take(order)
    frame = frame.fillna("") if has_gaps else frame
    return frame.set_axis(pd.RangeIndex(2, len(frame) + 2))


def _tuples(frame: pd.DataFrame) -> list[tuple[str, ...]]:
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


def unknown_tables(connection: sqlite3.Connection, folder: Path) -> list[Problem]:
    """Return an error for every table file beside the store that was never imported into it."""
    problems = []
    for path in table_files(folder):
        if not is_known(connection, hashlib.sha256(path.read_bytes()).hexdigest()):
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
    is_form: bool


@dataclass(frozen=True)
class Origin:
    """A state of a store: its folder, and the last entry that counts."""

    folder: Path
    last: int

    def locate(self, problems: Sequence[Problem], tables: dict[str, pd.DataFrame]) -> list[Problem]:
        """Name the file, sheet and cell of each problem; its ``file`` is the name of a table."""
        if not problems:
            return []
        with reading(self.folder) as connection:
            places = find_places(connection, problems, tables, self.last)
        return [at_place(problem, place) for problem, place in zip(problems, places, strict=True)]


def find_places(
    connection: sqlite3.Connection,
    problems: Sequence[Problem],
    tables: dict[str, pd.DataFrame],
    last: int,
) -> list[Place | None]:
    """Return where the figure of each problem came from; tables may be text or typed."""
    rows: dict[str, set[int]] = {name: set() for name in tables}
    for problem in problems:
        if problem.file in rows and problem.row is not None:
            rows[problem.file].add(problem.row)
    known = dictionary().tables
    keys = {
        name: row_keys(known[name], tables[name].loc[sorted(wanted)])
        for name, wanted in rows.items()
        if wanted
    }
    return [
        find_place(
            connection, known[problem.file], keys[problem.file][problem.row], problem.column, last
        )
        if problem.file in keys and problem.row is not None
        else None
        for problem in problems
    ]


def at_place(problem: Problem, place: Place | None) -> Problem:
    """Return the problem as one of the file that the figure came from."""
    if place is None:
        return problem
    return replace(
        problem, file=place.file, sheet=place.sheet, cell=place.cell, row=place.row or None
    )


def find_keys(
    connection: sqlite3.Connection, table: Table, name: str, year: int, issuer: str
) -> pd.DataFrame:
    """Return every key that a table ever had about a unit, an employer or the issuer in a year.

    The issuer's own table has no column for it. The year of an event is that of its day.
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


def row_keys(table: Table, frame: pd.DataFrame) -> dict[int, Key]:
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
    """Return where the current figure of a key came from; None if no file ever brought the row.

    Where no file gave this figure, it is the place of the row in the file that came last.
    """
    same = " AND ".join(f"{name} = ?" for name in table.key)
    query = (
        f"SELECT entry.id, entry.file, sheet, addresses, row FROM {table.name} AS t"
        " JOIN source ON source.id = t.source JOIN entry ON entry.id = source.entry"
        f" WHERE {same} AND entry.id <= ? ORDER BY t.{column} IS NULL, t.rowid DESC LIMIT 1"
    )
    found = connection.execute(query, [*key, last]).fetchone()
    if found is None:
        return None
    entry, file, sheet, addresses, row = found
    places = _addresses(addresses)
    return Place(entry, file, sheet, cell_of(places, column, row), row, is_form(places, column))


@lru_cache
def _addresses(text: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(text)
    return found
