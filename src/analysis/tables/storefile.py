"""The store's file: one SQLite file that only grows. Opening it, and finding a state in its log.

A dataset folder with a store is read from it, as it is now or as it was at an earlier moment.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote_from_bytes

from analysis.atomic import write_atomically
from analysis.problems import InputError, error
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.files import MARK, STORE

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
        if not name and "decode" in str(failure):  # Python, not SQLite: a text that is none
            name = "SQLITE_CORRUPT"
        for start, (code, message) in _REASONS.items():
            if name.startswith(start):
                raise InputError([error(message, code=code, file=path.name)]) from failure
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

    A first import that was cut off leaves an empty file, which is no store yet.

    Raises
    ------
    InputError
        If it was kept in one that is gone: the tables beside it are what was there before it.
    """
    path = folder / STORE
    is_there = path.exists()
    if is_there and path.with_name(f"{STORE}-journal").exists():
        with explained(path), closing(_open(path)) as connection:
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
    """Open the store of a folder.

    Opened for writing where that is allowed, even to read: only then does SQLite roll back what a
    cut-off import left behind.

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
    with closing(connect(folder)) as connection, explained(folder / STORE):
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
    """Return the last entry of a past state.

    Raises
    ------
    InputError
        If the store did not exist yet.
    """
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


def row_ends(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number of each table's last row: rows that are added later come after it."""
    return {
        name: int(connection.execute(f"SELECT coalesce(max(rowid), 0) FROM {name}").fetchone()[0])
        for name in dictionary().tables
    }


def add_seals(
    connection: sqlite3.Connection, first: int = 1, after: Mapping[str, int] | None = None
) -> None:
    """Seal the entries from ``first`` on that have no seal yet, within the open transaction.

    Parameters
    ----------
    connection : Connection
        The store.
    first : int
        The first entry in question.
    after : mapping of str to int, optional
        From `row_ends`, before their rows were added: so only those are read.
    """
    found = _digests(connection, first, after or {})
    known = {
        entry for (entry,) in connection.execute("SELECT entry FROM seal WHERE entry >= ?", [first])
    }
    rows = ((entry, digest) for entry, digest in found.items() if entry not in known)
    connection.executemany("INSERT INTO seal VALUES (?, ?)", rows)


def find_damage(connection: sqlite3.Connection) -> set[int]:
    """Return the entries whose rows are not as they came in.

    Entries after the last seal were made by an older program: nothing can be said of them.
    """
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'seal'").fetchone():
        return set()
    sealed = dict(connection.execute("SELECT entry, digest FROM seal").fetchall())
    found = _digests(connection, 1, {})
    last = max(sealed, default=0)
    return {
        entry
        for entry in found.keys() | sealed.keys()
        if entry <= last and found.get(entry) != sealed.get(entry)
    }


def refuse_damage(connection: sqlite3.Connection) -> None:
    """Refuse a store that has lost or changed rows.

    Raises
    ------
    InputError
        With what to do.
    """
    damaged = find_damage(connection)
    if damaged:
        message = (
            f"kho số liệu bị hỏng: số liệu của {len(damaged)} lần nhập không còn như lúc nhận; hãy"
            " lấy lại bản sao lưu, hoặc xem còn gì dùng được bằng congdoan doctor"
        )
        raise InputError([error(message, code="bad_store", file=STORE)])


def _digests(
    connection: sqlite3.Connection, first: int, after: Mapping[str, int]
) -> dict[int, str]:
    """Return the digests of the entries that brought rows."""
    tables = [(name, _rows(connection, name, after.get(name, 0))) for name in dictionary().tables]
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


def _rows(connection: sqlite3.Connection, name: str, after: int) -> dict[int, bytes]:
    """Return a digest of each source's rows, reading the table once.

    A column that the dictionary got later is empty in earlier rows, and does not change their digest.
    """
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")][1:]
    if not columns:  # the store is older than this table of the dictionary
        return {}
    # No cell can hold control characters: one ends each cell, another stands for an empty one.
    cells = ", ".join(f"coalesce({column} || x'1f', x'1e')" for column in columns)
    text = f"rtrim(printf('{'%s' * len(columns)}', {cells}), x'1e')"
    query = f"SELECT source, CAST({text} AS BLOB) FROM {name} WHERE rowid > ? ORDER BY rowid"
    found: dict[int, bytes] = {}
    for source, rows in groupby(connection.execute(query, [after]), itemgetter(0)):
        digest = hashlib.sha256(b"\n".join(row for _, row in rows)).digest()
        found[source] = found.get(source, b"") + digest
    return found
