"""Seals: the store keeps a digest of what each file brought, so that lost or changed rows are noticed.

SQLite sees a page that makes no sense. It does not see a page that makes sense and lacks rows, nor
a digit that is another one.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter

from analysis.problems import InputError, error
from analysis.tables.dictionary import dictionary
from analysis.tables.files import STORE

#: One digest an entry that brought rows; a store of an older program gets them at its next import.
SEALS = """CREATE TABLE IF NOT EXISTS seal (
    entry INTEGER PRIMARY KEY,
    digest TEXT NOT NULL          -- SHA-256 over the entry, its sources and their rows
)"""


def row_ends(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the last row's number of each table: what is added comes after it."""
    return {
        name: int(connection.execute(f"SELECT coalesce(max(rowid), 0) FROM {name}").fetchone()[0])
        for name in dictionary().tables
    }


def add_seals(
    connection: sqlite3.Connection, first: int = 1, after: Mapping[str, int] | None = None
) -> None:
    """Seal the entries from one on that have no seal yet, in the transaction that is open.

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
    """Return the entries whose rows are not what they were when they came in.

    Entries after the last seal are those of an older program: nothing can be said of them.
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
    """Return a digest of the rows of each source, in one pass, wherever they stand.

    A column that the dictionary gets later is empty in earlier rows, and leaves their digest as it is.
    """
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")][1:]
    if not columns:  # a table of the dictionary that the store was made without
        return {}
    # Control characters end a cell and stand for one that says nothing: no cell can hold them.
    cells = ", ".join(f"coalesce({column} || x'1f', x'1e')" for column in columns)
    text = f"rtrim(printf('{'%s' * len(columns)}', {cells}), x'1e')"
    query = f"SELECT source, CAST({text} AS BLOB) FROM {name} WHERE rowid > ? ORDER BY rowid"
    found: dict[int, bytes] = {}
    for source, rows in groupby(connection.execute(query, [after]), itemgetter(0)):
        digest = hashlib.sha256(b"\n".join(row for _, row in rows)).digest()
        found[source] = found.get(source, b"") + digest
    return found
