"""Looking into a store that may be damaged: what is sound, what is not, and saving the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pandas as pd

from analysis.atomic import write_atomically
from analysis.store.log import create_tables
from analysis.tables.dictionary import dictionary
from analysis.tables.files import STORE
from analysis.tables.stored import read_rows
from analysis.tables.storefile import (
    connect,
    explained,
    find_damage,
    last_entry,
    local_time,
    refuse_missing,
)

#: Where rows of damaged entries are written: some may be wrong, some missing.
_DOUBTFUL = "can-kiem-tra"


def examine(folder: Path, out: Path | None = None) -> tuple[list[str], bool]:
    """Say what is sound in a store, and write out what can be saved.

    Parameters
    ----------
    folder : Path
        A dataset folder with a store.
    out : Path, optional
        Where the tables go: the state that the sound entries make, and the rows of the others
        apart, as they can still be read.

    Returns
    -------
    findings : list of str
        What was found, in Vietnamese.
    is_sound : bool
        Whether nothing is damaged.

    Raises
    ------
    InputError
        If there is no store, or not even its beginning can be read.
    """
    refuse_missing(folder)
    with closing(connect(folder)) as store, explained(folder / STORE):
        store.text_factory = lambda raw: raw.decode("utf-8", "replace")
        state = _structure(store)
        rows = {name: list(_readable(store, name)) for name in ("entry", "source", *_tables())}
        damaged = _damaged(store, rows)
        if state == "ok" and not damaged:
            counts = sum(len(rows[name]) for name in _tables())
            return [
                f"Kho lành: {len(rows['entry'])} lần nhập, {counts} dòng, đúng như lúc nhận."
            ], True
        lines = ["Kho bị hỏng. Hãy chép nguyên thư mục ra chỗ khác rồi lấy lại bản sao lưu."]
        lines += _told(rows, damaged)
        if out is not None:
            lines += [f"Đã ghi {path}" for path in _save(store, rows, damaged, out)]
    return lines, False


def _tables() -> tuple[str, ...]:
    return tuple(dictionary().tables)


def _structure(store: sqlite3.Connection) -> str:
    try:
        return str(store.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as failure:
        return str(failure)


def _readable(store: sqlite3.Connection, name: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows that can be read, skipping pages that cannot."""
    last = 0
    for query in (f"SELECT max(rowid) FROM {name}", f"SELECT max(rowid) FROM {name} NOT INDEXED"):
        with suppress(sqlite3.DatabaseError):
            last = max(last, store.execute(query).fetchone()[0] or 0)
    if name in _tables():  # the index has pages of its own, which may be sound
        with suppress(sqlite3.DatabaseError):
            query = f"SELECT max(rowid) FROM {name} INDEXED BY {name}_key WHERE +rowid > 0"
            last = max(last, store.execute(query).fetchone()[0] or 0)
    for number in range(1, last + 1):
        with suppress(sqlite3.DatabaseError):
            yield from store.execute(f"SELECT * FROM {name} WHERE rowid = ?", [number])


def _damaged(store: sqlite3.Connection, rows: dict[str, list[tuple[object, ...]]]) -> set[object]:
    """Return the damaged entries.

    Where a page is broken, the readable rows are copied and compared with the damaged store's seals.
    """
    with suppress(sqlite3.DatabaseError):
        return set(find_damage(store))
    with closing(_copy(store, rows, set())) as copy:
        copy.executemany("INSERT INTO seal VALUES (?, ?)", _readable(store, "seal"))
        return set(find_damage(copy))


def _copy(
    store: sqlite3.Connection, rows: dict[str, list[tuple[object, ...]]], without: set[object]
) -> sqlite3.Connection:
    """Return a store in memory with the readable rows, except those of some entries."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    create_tables(copy)
    sources = {row[0]: row[1] for row in rows["source"]}
    for name, found in rows.items():
        columns = [column[1] for column in store.execute(f"PRAGMA table_info({name})")]
        place = {"entry": 0, "source": 1}.get(name)
        owners = [sources.get(row[0]) if place is None else row[place] for row in found]
        kept = [
            row
            for row, owner in zip(found, owners, strict=True)
            if owner is not None and owner not in without
        ]
        query = f"INSERT OR IGNORE INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        copy.executemany(query, kept)
    return copy


def _told(rows: dict[str, list[tuple[object, ...]]], damaged: set[object]) -> list[str]:
    entries = {row[0]: row for row in rows["entry"]}
    sound = sum(1 for number in entries if number not in damaged)
    doubtful = {row[0] for row in rows["source"] if row[1] in damaged}
    years = sorted({
        str(year)
        for name, table in dictionary().tables.items()
        if "year" in table.key
        for source, _, year, *_ in rows[name]
        if source in doubtful
    })  # fmt: skip
    lines = [
        f"Còn lành: {sound} lần nhập. Hỏng: {len(damaged)} lần nhập, hãy nhập lại các tệp này:"
    ]
    for number in sorted(damaged, key=str):
        entry = entries.get(number)
        lines.append(
            f"  {local_time(str(entry[1]))} · {entry[3]}" if entry else f"  lần nhập số {number}"
        )
    return lines + (
        [f"Số liệu của các năm sau có thể thiếu hoặc sai: {', '.join(years)}"] if years else []
    )


def _save(
    store: sqlite3.Connection,
    rows: dict[str, list[tuple[object, ...]]],
    damaged: set[object],
    out: Path,
) -> Iterator[Path]:
    sources = {row[0]: row[1] for row in rows["source"]}
    with closing(_copy(store, rows, damaged)) as copy:
        for name, table in dictionary().tables.items():
            state = read_rows(copy, table, last_entry(copy))
            yield _write(out / f"{name}.csv", state)
            columns = [column[1] for column in store.execute(f"PRAGMA table_info({name})")]
            doubtful = [row for row in rows[name] if sources.get(row[0]) in damaged | {None}]
            if doubtful:
                frame = pd.DataFrame(doubtful, columns=columns)
                yield _write(out / _DOUBTFUL / f"{name}.csv", frame.drop(columns=columns[:2]))


def _write(path: Path, frame: pd.DataFrame) -> Path:
    write_atomically(path, frame.to_csv(index=False, lineterminator="\n"))
    return path
