"""What became of somebody's figures: every file that touched them, and what each one changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from analysis.problems import name_place
from analysis.store.merge import show_figure
from analysis.tables.dictionary import Column, Table, dictionary
from analysis.tables.stored import address, find_keys
from analysis.tables.storefile import (
    WITHDRAW,
    believed_entries,
    local_time,
    reading,
    refuse_damage,
    refuse_missing,
)


@dataclass(frozen=True)
class Step:
    """One figure, before and after a file.

    Attributes
    ----------
    table : Table
        Where it stands.
    key : tuple of str
        In which row.
    column : Column
        What it is.
    sheet, cell : str
        Its place in the file, as far as it has one.
    row : int or None
        The row of the file; None where it was withdrawn.
    before, after : str or None
        As the tables spell it; None if nothing had been said of it before.
    """

    table: Table
    key: tuple[str, ...]
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
    is_dated : bool
        Whether the clock can have been right: later entries do not say otherwise.
    steps : list of Step
        What it changed of the figures in question.
    """

    id: int
    at: str
    command: str
    file: str
    digest: str
    reason: str
    by: str
    errors: int
    is_dated: bool = True
    steps: list[Step] = field(default_factory=list)


def read_history(folder: Path, name: str, year: int, issuer: str = "") -> list[Entry]:
    """Return every file that touched what any table says of somebody in a year.

    Parameters
    ----------
    folder : Path
        A dataset folder with a store.
    name : str
        A unit, an employer, or the issuer, for the district's own row.
    year : int
        The year.
    issuer : str
        The id of the plan's issuer.

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
        refuse_damage(connection)
        for table in dictionary().tables.values():
            keys = find_keys(connection, table, name, year, issuer)
            for key in keys.itertuples(index=False, name=None):
                for number, step in _read_steps(connection, table, key):
                    entries.setdefault(number, _entry(connection, number)).steps.append(step)
        refused = "SELECT DISTINCT entry FROM refused WHERE year IN (?, '') AND unit_id = ?"
        for (number,) in connection.execute(refused, [str(year), name]).fetchall():
            entries.setdefault(number, _entry(connection, number))
        dated = believed_entries(connection)
    return [replace(entries[number], is_dated=number in dated) for number in sorted(entries)]


def _entry(connection: sqlite3.Connection, number: int) -> Entry:
    columns = "id, at, command, file, digest, coalesce(reason, ''), coalesce(by, ''), errors"
    return Entry(
        *connection.execute(f"SELECT {columns} FROM entry WHERE id = ?", [number]).fetchone()
    )


def _read_steps(
    connection: sqlite3.Connection, table: Table, key: tuple[str, ...]
) -> Iterator[tuple[int, Step]]:
    known = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
    names = [name for name in table.columns if name in known and name not in table.key]
    same = " AND ".join(f"{name} = ?" for name in table.key)
    query = (
        f"SELECT entry, sheet, addresses, row, {', '.join(names)} FROM {table.name} AS t"
        f" JOIN source ON source.id = t.source WHERE {same} ORDER BY t.rowid"
    )
    now: dict[str, str] = {}
    for entry, sheet, addresses, row, *cells in connection.execute(query, key):
        places = json.loads(addresses)
        for name, cell in zip(names, cells, strict=True):
            if cell is None or cell == now.get(name):
                continue
            column = table.columns[name]
            place = address(places, name, row)
            yield entry, Step(table, key, column, sheet, place, row or None, now.get(name), cell)
            now[name] = cell


def format_history(entries: list[Entry], name: str, year: int) -> str:
    """Tell a history in Vietnamese, a file at a time.

    Parameters
    ----------
    entries : list of Entry
        From `read_history`.
    name : str
        Whose.
    year : int
        The year.
    """
    if not entries:
        return f"Kho không có gì về {name} năm {year}."
    lines = [f"Lịch sử số liệu của {name}, năm {year}"]
    for entry in entries:
        lines += ["", *_heading(entry)]
        told = [step for step in entry.steps if step.after or step.before]
        for (table, key), steps in groupby(told, lambda step: (step.table, step.key)):
            what = " · ".join([table.vi, *(part for part in key if part not in (str(year), name))])
            lines += [f"  {what}", *map(_line, steps)]
    return "\n".join(lines)


def _heading(entry: Entry) -> list[str]:
    parts = [local_time(entry.at), entry.file, entry.command]
    lines = [" · ".join(part for part in parts if part)]
    if not entry.is_dated:
        lines.append(
            "  Đồng hồ máy lúc ấy sai (theo các lần nhập khác): tính như lần nhập ngay trước"
        )
    if entry.command == WITHDRAW:
        lines.append("  Rút lại: từ đó coi như chưa có")
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
    return f"    {step.column.vi}: {told}" + (f" ({place})" if place else "")
