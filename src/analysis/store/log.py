"""Writing the store: entries are added to its log, and nothing in it is ever changed or removed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from analysis.problems import InputError, Problem, error, has_errors
from analysis.tables.check import check_dataset, check_rules
from analysis.tables.delivery import Records
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.files import STORE
from analysis.tables.load import Dataset, read_dataset, type_table
from analysis.tables.stored import find_keys, read_rows
from analysis.tables.storefile import (
    APPLICATION,
    DAMAGED,
    PATIENCE_SECONDS,
    SEALS,
    VERSION,
    WITHDRAW,
    add_seals,
    connect,
    explained,
    last_entry,
    leave_mark,
    local_time,
    refuse_damage,
    refuse_missing,
    row_ends,
)
from analysis.tables.texts import read_files

_LOG = """
CREATE TABLE entry (          -- one file that was handed in, in the order of time
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,         -- UTC
    command TEXT NOT NULL,
    file TEXT NOT NULL,
    digest TEXT NOT NULL,     -- SHA-256 of the file
    reason TEXT,              -- why it replaces what was there
    by TEXT,
    errors INTEGER NOT NULL   -- 0 if accepted, else it was refused and brought no rows
);
CREATE TABLE source (         -- rows of one table on one sheet of that file
    id INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL REFERENCES entry,
    sheet TEXT NOT NULL,
    addresses TEXT NOT NULL   -- JSON: column -> "D{row}" or "D12"
);
CREATE TABLE refused (        -- whose returns a refused file brought
    entry INTEGER NOT NULL REFERENCES entry,
    year TEXT NOT NULL,
    unit_id TEXT NOT NULL
);
CREATE INDEX entry_digest ON entry (digest);
"""


@dataclass(frozen=True)
class Handed:
    """One file handed in: what the log says of it.

    Parameters
    ----------
    command : str
        What took it in: ``"congdoan import"``.
    file, digest : str
        Its name and the SHA-256 of its bytes.
    reason : str
        Why it replaces figures; empty if it replaces none.
    by : str
        Who handed it in; empty if not said.
    """

    command: str
    file: str
    digest: str
    reason: str = ""
    by: str = ""


def create_store(folder: Path, command: str, by: str = "") -> list[str]:
    """Make a folder's store, with the tables that lie in it as its first entries.

    Parameters
    ----------
    folder : Path
        A dataset folder: its CSV or Parquet tables, as far as there are any, must be free of errors.
    command, by : str
        What the entries say.

    Returns
    -------
    list of str
        The files that were taken in.

    Raises
    ------
    InputError
        With every error of the tables, or if the store cannot be written; then there is none.
    """
    _require_sound(folder)
    files = read_files(folder, [])
    taken = []
    path = folder / STORE
    with explained(path), closing(_new_file(path)) as connection, writing(connection):
        # A second import may have made it while this one waited.
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            return []
        create_tables(connection)
        at = _now()
        for name, file in files.items():
            if file.path is None:
                continue
            handed = Handed(command, file.path.name, file.digest, _FIRST, by)
            add_entry(connection, handed, [Records(name, file.text, "", {})], at=at)
            taken.append(file.path.name)
    return taken


def _require_sound(folder: Path) -> None:
    dataset, problems = read_dataset(folder)
    problems = [problem for problem in problems if problem.code != "no_table"]
    problems += check_dataset(dataset)
    if has_errors(problems):
        raise InputError(problems)


_FIRST = "bảng có sẵn trong thư mục khi lập kho"


def open_for_writing(folder: Path) -> sqlite3.Connection:
    """Open a store to add to it, after checking that it is whole; leave its mark.

    Raises
    ------
    InputError
        If it is damaged, of another version, or cannot be opened.
    """
    leave_mark(folder)
    connection = connect(folder)
    with explained(folder / STORE):
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            connection.close()
            raise InputError([error(DAMAGED, code="bad_store", file=STORE, value=state)])
        try:
            refuse_damage(connection)
        except BaseException:
            connection.close()
            raise
        _make_lasting(connection)
    return connection


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of a block or nothing; a second writer waits."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A failed commit may have been rolled back by SQLite itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def add_entry(
    connection: sqlite3.Connection,
    handed: Handed,
    records: Iterable[Records] = (),
    *,
    errors: int = 0,
    refused: Iterable[tuple[str, str]] = (),
    at: str = "",
) -> int:
    """Add a file to the log, with the rows that it brings.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    handed : Handed
        The file.
    records : iterable of Records
        Rows that are new or other than before; a cell that is NA says nothing.
    errors : int
        How many, of a refused file.
    refused : iterable of (str, str)
        Year and unit of the returns in a refused file; the year is empty where it is unknown.
    at : str
        The moment, where several entries are one step; now by default.

    Returns
    -------
    int
        The entry's number.
    """
    ends = row_ends(connection)
    # The order of entries is that of their numbers, whatever a clock said.
    row: list[str | int | None] = [at or _now(), handed.command, handed.file, handed.digest]
    row += [handed.reason or None, handed.by or None, errors]
    columns = "at, command, file, digest, reason, by, errors"
    marks = ", ".join("?" * 7)
    entry = connection.execute(f"INSERT INTO entry ({columns}) VALUES ({marks})", row).lastrowid
    for part in records:
        _add_rows(connection, int(entry or 0), part)
    add_seals(connection, int(entry or 0), ends)
    rows = [(entry, year, unit) for year, unit in refused]
    connection.executemany("INSERT INTO refused VALUES (?, ?, ?)", rows)
    return int(entry or 0)


def check_clock(connection: sqlite3.Connection) -> list[Problem]:
    """Warn if this machine's clock is behind the last entry: one of the two is wrong."""
    (last,) = connection.execute("SELECT at FROM entry ORDER BY id DESC LIMIT 1").fetchone() or (
        "",
    )
    now = _now()
    if last <= now:
        return []
    message = (
        f"lần nhập trước ghi lúc {local_time(last)}, mà đồng hồ máy này mới là {local_time(now)}:"
        " một trong hai đồng hồ sai; hãy xem lại ngày giờ của máy. Kho giữ nguyên cả hai; lúc nào"
        " trái với các lần nhập khác thì --as-of không tin"
    )
    return [Problem("warning", "clock", STORE, None, "", "", message)]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _add_rows(connection: sqlite3.Connection, entry: int, records: Records) -> None:
    source = connection.execute(
        "INSERT INTO source (entry, sheet, addresses) VALUES (?, ?, ?)",
        [entry, records.sheet, json.dumps(records.addresses, ensure_ascii=False)],
    ).lastrowid
    table = dictionary().tables[records.table]
    names = [name for name in table.columns if name in records.text.columns]
    columns = ", ".join(["source", "row", *names])
    marks = ", ".join("?" * (len(names) + 2))
    # Lists, since a frame of one row costs as much as one of a thousand.
    cells = [
        [cell if isinstance(cell, str) else None for cell in records.text[name].to_list()]
        for name in names
    ]
    rows = zip(map(int, records.text.index), *cells, strict=True)
    connection.executemany(
        f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", ((source, *row) for row in rows)
    )


def _new_file(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        _make_lasting(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _make_lasting(connection: sqlite3.Connection) -> None:
    # A rollback journal, not a WAL: a closed store is one file to copy. EXTRA also syncs the folder
    # when the journal goes, so that a power cut after a commit cannot bring the old state back.
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA foreign_keys = ON")


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty store."""
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    statements = _LOG.split(";")[:-1]
    statements.append(SEALS)
    names = ["entry", "source", "refused", "seal"]
    statements += [statement for name in names for statement in _locks(name)]
    # A replacing insert removes the old row without asking the triggers above.
    statements += [
        f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name}"
        f" WHEN NEW.id IN (SELECT id FROM {name})"
        f" BEGIN SELECT RAISE(ABORT, 'the store only grows'); END"
        for name in ("entry", "source")
    ]
    for statement in statements:
        connection.execute(statement)
    add_new_columns(connection)


def _locks(name: str) -> Iterator[str]:
    """Yield the triggers that keep a table's rows from being changed or removed."""
    for act in ("UPDATE", "DELETE"):
        yield (
            f"CREATE TRIGGER {name}_no_{act.lower()} BEFORE {act} ON {name}"
            " BEGIN SELECT RAISE(ABORT, 'the store only grows'); END"
        )


def add_new_columns(connection: sqlite3.Connection) -> None:
    """Give an older store the tables, columns and seals that came after it was made."""
    made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    for table in dictionary().tables.values():
        if table.name not in made:
            columns = "".join(f", {name} TEXT" for name in table.columns)
            connection.execute(
                f"CREATE TABLE {table.name} (source INTEGER NOT NULL REFERENCES source,"
                f" row INTEGER NOT NULL{columns})"
            )
            key = ", ".join(table.key)
            connection.execute(f"CREATE INDEX {table.name}_key ON {table.name} ({key})")
            for statement in _locks(table.name):
                connection.execute(statement)
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
        for name in table.columns:
            if name not in known:
                connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {name} TEXT")
    connection.execute(SEALS)
    unsealed = "SELECT 1 FROM entry WHERE errors = 0 AND id NOT IN (SELECT entry FROM seal) LIMIT 1"
    if connection.execute(unsealed).fetchone():
        add_seals(connection)


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
    """Take back what a table says of a unit, an employer or the district in a year.

    The figures stay in the log, and the other tables stay as they are. What comes in later counts as
    new.

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
    # The evidence of a task goes with it.
    kinds = [kind, *([dictionary().tables["evidence"]] if table == "tasks" else [])]
    handed = Handed(WITHDRAW, "", "", reason.strip(), by.strip())
    with (
        closing(open_for_writing(folder)) as connection,
        explained(folder / STORE),
        writing(connection),
    ):
        add_new_columns(connection)
        last = last_entry(connection)
        keys = [find_keys(connection, each, name, year, issuer) for each in kinds]
        found = [
            (each, read_rows(connection, each, last, who))
            for each, who in zip(kinds, keys, strict=True)
        ]
        if found[0][1].empty:
            message = f"kho không có gì về mã này năm {year} trong bảng «{kind.vi}»"
            raise InputError([error(message, code="no_rows", file=STORE, column=table, value=name)])
        # Row 0 stands for no row of any file.
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


def _figures(table: Table) -> list[str]:
    return [column for column in table.columns if column not in table.key]


def _refuse_broken(connection: sqlite3.Connection) -> None:
    """Refuse if rows of other tables would lose the row that they depend on."""
    last = last_entry(connection)
    tables = {
        name: type_table(read_rows(connection, table, last), table, name, [])
        for name, table in dictionary().tables.items()
    }
    problems = check_rules(Dataset(tables, {name: name for name in tables}))
    if has_errors(problems):
        raise InputError([problem for problem in problems if problem.severity == "error"])
