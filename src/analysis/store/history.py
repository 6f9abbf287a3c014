"""What became of a unit's figures: every file that touched them, and what each one changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.problems import name_place
from analysis.store.figures import show_figure
from analysis.tables.dictionary import Column, Table, dictionary
from analysis.tables.stored import address
from analysis.tables.storefile import WITHDRAW, local_time, reading, refuse_missing

TABLES = ("roster", "returns")


@dataclass(frozen=True)
class Step:
    """One figure, before and after a file.

    Attributes
    ----------
    table : Table
        Where it stands.
    column : Column
        What it is.
    sheet, cell : str
        Its place in the file, as far as it has one.
    row : int or None
        The row of the file; None where the return was withdrawn.
    before, after : str or None
        As the tables spell it; None if nothing had been said of it before.
    """

    table: Table
    column: Column
    sheet: str
    cell: str
    row: int | None
    before: str | None
    after: str


@dataclass(frozen=True)
class Entry:
    """One file of the log.

    Attributes
    ----------
    id : int
        Its number.
    at : str
        When it was handed in, UTC.
    command, file, digest, reason, by : str
        What took it in, its name and SHA-256, why it replaces figures, who said so.
    errors : int
        Of a refused file.
    steps : list of Step
        What it changed of the unit's figures.
    """

    id: int
    at: str
    command: str
    file: str
    digest: str
    reason: str
    by: str
    errors: int
    steps: list[Step] = field(default_factory=list)


def read_history(folder: Path, unit_id: str, year: int) -> list[Entry]:
    """Return every file that touched a unit's return or register row of a year.

    Parameters
    ----------
    folder : Path
        A dataset folder with a store.
    unit_id : str
        The unit.
    year : int
        The year.

    Returns
    -------
    list of Entry
        In the order of time; refused files too.

    Raises
    ------
    InputError
        If there is no store, or it cannot be read.
    """
    refuse_missing(folder)
    entries: dict[int, Entry] = {}
    with reading(folder) as connection:
        key = [str(year), unit_id]
        for name in TABLES:
            for number, step in _read_steps(connection, dictionary().tables[name], key):
                entries.setdefault(number, _entry(connection, number)).steps.append(step)
        refused = "SELECT DISTINCT entry FROM refused WHERE year IN (?, '') AND unit_id = ?"
        for (number,) in connection.execute(refused, key).fetchall():
            entries.setdefault(number, _entry(connection, number))
    return [entries[number] for number in sorted(entries)]


def _entry(connection: sqlite3.Connection, number: int) -> Entry:
    columns = "id, at, command, file, digest, coalesce(reason, ''), coalesce(by, ''), errors"
    return Entry(
        *connection.execute(f"SELECT {columns} FROM entry WHERE id = ?", [number]).fetchone()
    )


def _read_steps(
    connection: sqlite3.Connection, table: Table, key: list[str]
) -> Iterator[tuple[int, Step]]:
    known = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
    names = [name for name in table.columns if name in known and name not in table.key]
    query = (
        f"SELECT entry, sheet, addresses, row, {', '.join(names)} FROM {table.name} AS t"
        " JOIN source ON source.id = t.source WHERE year = ? AND unit_id = ? ORDER BY t.rowid"
    )
    now: dict[str, str] = {}
    for entry, sheet, addresses, row, *cells in connection.execute(query, key):
        places = json.loads(addresses)
        for name, cell in zip(names, cells, strict=True):
            if cell is None or cell == now.get(name):
                continue
            column = table.columns[name]
            place = address(places, name, row)
            yield entry, Step(table, column, sheet, place, row or None, now.get(name), cell)
            now[name] = cell


def format_history(entries: list[Entry], unit_id: str, year: int) -> str:
    """Tell a unit's history in Vietnamese, a file at a time.

    Parameters
    ----------
    entries : list of Entry
        From `read_history`.
    unit_id : str
        The unit.
    year : int
        The year.
    """
    if not entries:
        return f"Kho không có gì về CĐCS {unit_id} năm {year}."
    lines = [f"Lịch sử số liệu của CĐCS {unit_id}, năm {year}"]
    for entry in entries:
        lines += ["", *_heading(entry)]
        lines += [_line(step) for step in entry.steps if step.after or step.before]
    return "\n".join(lines)


def _heading(entry: Entry) -> list[str]:
    parts = [local_time(entry.at), entry.file, entry.command]
    lines = [" · ".join(part for part in parts if part)]
    if entry.command == WITHDRAW:
        lines.append("  Rút lại báo cáo: đơn vị được coi là chưa nộp")
    if entry.errors:
        lines.append(f"  Bị trả lại: {entry.errors} lỗi, không có số liệu nào được nhận")
    if entry.reason:
        lines.append(f"  Lý do: {entry.reason}")
    if entry.by:
        lines.append(f"  Người nhập: {entry.by}")
    if entry.digest:
        lines.append(f"  Mã tệp (SHA-256): {entry.digest[:16]}")
    return lines


def _line(step: Step) -> str:
    told = show_figure(step.column, step.after)
    if step.before is not None:
        told = f"{show_figure(step.column, step.before)} → {told}"
    place = name_place(sheet=step.sheet, cell=step.cell, row=step.row)
    return f"  {step.column.vi}: {told}" + (f" ({place})" if place else "")
