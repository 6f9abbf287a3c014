"""The log: entries are added, nothing in it is ever changed or removed; and what can be saved of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from analysis.problems import InputError, Problem, error, has_errors
from analysis.tables.check import check_dataset, check_rules
from analysis.tables.delivery import Records
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.files import STORE, write_atomically
from analysis.tables.load import Dataset, read_dataset, type_table
from analysis.tables.storefile import (
    APPLICATION,
    PATIENCE_SECONDS,
    SEALS,
    VERSION,
    WITHDRAW,
    add_seals,
    connect,
    explained,
    find_damage,
    find_keys,
    last_entry,
    leave_mark,
    local_time,
    read_rows,
    refuse_damage,
    refuse_missing,
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
#: Where rows of damaged entries are written: some may be wrong, some missing.
_DOUBTFUL = "can-kiem-tra"
_PARTING = str.maketrans("\x1e\x1f", "\ufffd\ufffd")


@dataclass(frozen=True)
class Handed:
    """One file handed in: what the log says of it.

    ``digest`` is the SHA-256 of its bytes. ``reason``, why it replaces figures, is empty if it replaces
    none; ``by`` if nobody said who handed it in.
    """

    command: str
    file: str
    digest: str
    reason: str = ""
    by: str = ""


def create_store(folder: Path, command: str, by: str = "") -> list[str]:
    """Make a folder's store, with the tables that lie in it as its first entries; return their files.

    Where these have errors, all are raised and there is no store.
    """
    _require_sound(folder)
    files = read_files(folder, [])
    taken = []
    with explained(), closing(_new_file(folder / STORE)) as connection, writing(connection):
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
    """Open a store to add to it: checked, its mark left, brought up to this version if it is older."""
    leave_mark(folder)
    connection = connect(folder)
    try:
        with explained():
            refuse_damage(connection)
            _make_lasting(connection)
        with writing(connection):
            add_new_columns(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of a block or nothing; a second writer waits."""
    with explained():
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # A failed commit may have been rolled back by SQLite itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def taking_out(connection: sqlite3.Connection) -> Iterator[Callable[[], object]]:
    """Give what takes all out again that was written in a block; what fails is taken out too."""
    connection.execute("SAVEPOINT trial")

    def take_out() -> None:
        if connection.in_transaction:  # else SQLite has taken all out itself
            connection.execute("ROLLBACK TO trial")

    try:
        yield take_out
    except BaseException:
        take_out()
        raise
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE trial")


def add_entry(
    connection: sqlite3.Connection,
    handed: Handed,
    records: Iterable[Records] = (),
    *,
    errors: int = 0,
    refused: Iterable[tuple[str, str]] = (),
    at: str = "",
) -> int:
    """Add a file to the log, with the rows that it brings; return the entry's number.

    A cell that is NA says nothing. Of a refused file ``errors`` tells how many, and ``refused`` the year
    (empty where unknown) and unit of the returns in it. ``at`` is the moment, where several entries
    are one step; now by default.
    """
    # The order of entries is that of their numbers, whatever a clock said.
    row: list[str | int | None] = [at or _now(), handed.command, handed.file, handed.digest]
    row += [handed.reason or None, handed.by or None, errors]
    columns = "at, command, file, digest, reason, by, errors"
    marks = ", ".join("?" * 7)
    entry = connection.execute(f"INSERT INTO entry ({columns}) VALUES ({marks})", row).lastrowid
    for part in records:
        _add_rows(connection, int(entry or 0), part)
    add_seals(connection, int(entry or 0))
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
    # What parts cells where rows are read becomes a sign that no cell may hold: so it is found.
    cells = [
        [
            cell.translate(_PARTING) if isinstance(cell, str) else None
            for cell in records.text[name].to_list()
        ]
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
    """Take back what a table says of somebody in a year; return how many figures there were.

    The figures stay in the log, and the other tables stay as they are. What comes in later counts as
    new.

    Parameters
    ----------
    folder : Path
        A dataset folder with a store.
    name : str
        A unit, an employer, or the plan's ``issuer``, for the district's own row.
    year : int
        The year; of events, that of their day: all that name the unit are taken back.

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
    with closing(open_for_writing(folder)) as connection, writing(connection):
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


def examine(folder: Path, out: Path | None = None) -> tuple[list[str], bool]:
    """Say in Vietnamese what is sound in a store, and whether all is; write out what can be saved.

    All is told of a copy in memory, which has the rows that can still be read. Into ``out`` go the
    tables that the sound entries make, and apart the rows of the others.

    Raises
    ------
    InputError
        If there is no store, or not even its beginning can be read.
    """
    refuse_missing(folder)
    with closing(connect(folder)) as store, explained():
        is_sound = _structure(store) == "ok"
        with closing(_copy_readable(store)) as copy:
            damaged = find_damage(copy)
            add_new_columns(copy)
            if is_sound and not damaged:
                entries, *rows = (
                    copy.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                    for name in ("entry", *dictionary().tables)
                )
                return [f"Kho lành: {entries} lần nhập, {sum(rows)} dòng, đúng như lúc nhận."], True
            lines = ["Kho bị hỏng. Hãy chép nguyên thư mục ra chỗ khác rồi lấy lại bản sao lưu."]
            lines += _told(copy, damaged)
            if out is not None:
                lines += [f"Đã ghi {path}" for path in _save(copy, damaged, out)]
    return lines, False


def _structure(store: sqlite3.Connection) -> str:
    try:
        return str(store.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as failure:
        return str(failure)


def _copy_readable(store: sqlite3.Connection) -> sqlite3.Connection:
    """Return a store in memory with every row that can be read."""
    store.text_factory = lambda raw: raw.decode("utf-8", "replace")
    copy = sqlite3.connect(":memory:", isolation_level=None)
    tables = store.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    for name, statement in tables:
        copy.execute(statement)
        for row in _readable(store, name):
            marks = ", ".join("?" * len(row))
            copy.execute(f"INSERT OR IGNORE INTO {name} VALUES ({marks})", row)
    return copy


def _readable(store: sqlite3.Connection, name: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows that can be read, skipping pages that cannot."""
    last = 0
    queries = [f"SELECT max(rowid) FROM {name}", f"SELECT max(rowid) FROM {name} NOT INDEXED"]
    if name in dictionary().tables:  # the index has pages of its own, which may be sound
        queries.append(f"SELECT max(rowid) FROM {name} INDEXED BY {name}_key WHERE +rowid > 0")
    for query in queries:
        with suppress(sqlite3.DatabaseError):
            last = max(last, store.execute(query).fetchone()[0] or 0)
    for number in range(1, last + 1):
        with suppress(sqlite3.DatabaseError):
            yield from store.execute(f"SELECT * FROM {name} WHERE rowid = ?", [number])


def _doubtful(damaged: set[int]) -> str:
    """Return, for a query, which rows are of damaged entries, or of none that is left."""
    numbers = ", ".join(map(str, damaged))
    sound = (
        f"SELECT id FROM source WHERE entry NOT IN ({numbers}) AND entry IN (SELECT id FROM entry)"
    )
    return f"source NOT IN ({sound})"


def _told(copy: sqlite3.Connection, damaged: set[int]) -> list[str]:
    files = {number: rest for number, *rest in copy.execute("SELECT id, at, file FROM entry")}
    sound = len(files.keys() - damaged)
    if not damaged:
        return [f"Cả {sound} lần nhập còn lành; chỉ phần tra cứu bên trong kho bị hỏng."]
    lines = [
        f"Còn lành: {sound} lần nhập. Hỏng: {len(damaged)} lần nhập, hãy nhập lại các tệp này:"
    ]
    for number in sorted(damaged):
        at, file = files.get(number, ("", ""))
        lines.append(f"  {local_time(at)} · {file}" if at else f"  lần nhập số {number}")
    years = {
        str(year)
        for name, table in dictionary().tables.items()
        if "year" in table.key
        for (year,) in copy.execute(f"SELECT DISTINCT year FROM {name} WHERE {_doubtful(damaged)}")
    }
    if years:
        lines.append(f"Số liệu của các năm sau có thể thiếu hoặc sai: {', '.join(sorted(years))}")
    return lines


def _save(copy: sqlite3.Connection, damaged: set[int], out: Path) -> Iterator[Path]:
    for name, table in dictionary().tables.items():
        rows = f"FROM {name} WHERE {_doubtful(damaged)}"
        doubtful = pd.read_sql_query(f"SELECT {', '.join(table.columns)} {rows}", copy)
        copy.execute(f"DELETE {rows}")
        yield _write(out / f"{name}.csv", read_rows(copy, table, last_entry(copy)))
        if len(doubtful):
            yield _write(out / _DOUBTFUL / f"{name}.csv", doubtful)


def _write(path: Path, frame: pd.DataFrame) -> Path:
    write_atomically(path, frame.to_csv(index=False, lineterminator="\n"))
    return path
