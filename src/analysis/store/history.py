"""What became of figures: who changed them, which published verdicts that changed, past states."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.plan import Indicator, Plan
from analysis.plan.schema import SOURCE_TABLES, columns_over
from analysis.problems import name_place
from analysis.results import write_table
from analysis.store.judge import show_figure
from analysis.tables.delivery import cell_of
from analysis.tables.dictionary import OWN_COLUMNS, Column, Table, dictionary
from analysis.tables.files import DESCRIPTION, write_atomically
from analysis.tables.load import Dataset
from analysis.tables.storefile import (
    WITHDRAW,
    believed_entries,
    find_keys,
    has_store,
    last_entry,
    local_time,
    reading,
    refuse_damage,
    refuse_missing,
)
from analysis.tables.texts import spell_column
from analysis.tables.writing import as_typed

#: Columns that decide whether a row counts, and in which groups.
_MEMBERSHIP = ("unit_type", "employer_type", "commune", "parent", "founded_on", "dissolved_on")
_GROUPS = {
    "commune": ("commune",),
    "unit_type": ("unit_type", "employer_type"),
    "parent": ("parent",),
}
_KEYS = ["indicator", "scope", "scope_id"]


@dataclass(frozen=True)
class Step:
    """One figure, before and after a file: cell and row are its place there, as far as it has one.

    ``before`` is None if nothing had been said of it; ``row`` where it was withdrawn.
    """

    table: Table
    key: tuple[str, ...]
    column: Column
    sheet: str
    cell: str
    row: int | None
    before: str | None
    after: str

    @property
    def named(self) -> dict[str, str]:
        """The key by its columns."""
        return dict(zip(self.table.key, self.key, strict=True))


@dataclass(frozen=True)
class Entry:
    """One file of the log, and the ``steps`` by which it changed the figures in question.

    ``at`` is UTC; ``errors`` are those of a refused file. ``is_dated``: the clock can have been right,
    as later entries do not say otherwise.
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
    """Return every file that touched the figures of somebody in a year, refused ones too, as they came.

    Parameters
    ----------
    folder : Path
        A dataset folder with a store.
    name : str
        A unit, an employer, or the plan's ``issuer``, for the district's own row.

    Raises
    ------
    InputError
        If there is no store, or it cannot be read.
    """
    refuse_missing(folder)
    with reading(folder) as connection:
        refuse_damage(connection)
        refused = "SELECT entry FROM refused WHERE year IN (?, '') AND unit_id = ?"
        touched = {number for (number,) in connection.execute(refused, [str(year), name])}
        entries = {entry.id: entry for entry in _entries(connection)}
        for table in dictionary().tables.values():
            keys = find_keys(connection, table, name, year, issuer)
            for key in keys.itertuples(index=False, name=None):
                for number, step in _read_steps(connection, table, key):
                    entries[number].steps.append(step)
                    touched.add(number)
    return [entry for number, entry in entries.items() if number in touched]


def _entries(connection: sqlite3.Connection) -> list[Entry]:
    columns = "id, at, command, file, digest, coalesce(reason, ''), coalesce(by, ''), errors"
    dated = believed_entries(connection)
    rows = connection.execute(f"SELECT {columns} FROM entry ORDER BY id")
    return [replace(Entry(*row), is_dated=row[0] in dated) for row in rows]


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
            place = cell_of(places, name, row)
            yield entry, Step(table, key, column, sheet, place, row or None, now.get(name), cell)
            now[name] = cell


def format_history(entries: list[Entry], name: str, year: int) -> str:
    """Tell a history in Vietnamese, a file at a time."""
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


class Correction(NamedTuple):
    """One figure that has changed, as the last step shows it; ``before`` is None if there was no row."""

    entry: Entry
    step: Step


@dataclass(frozen=True)
class Changed:
    """One verdict that has changed: the table's row then and now, as text.

    ``corrections`` are the figures between the two that it rests on.
    """

    indicator: Indicator
    scope: str
    scope_id: str
    before: Any
    now: Any
    corrections: tuple[Correction, ...]


def find_corrections(folder: Path, since: date) -> list[Correction]:
    """Return every figure that has changed since the end of a day, or a moment, by table and key.

    Raises
    ------
    InputError
        If there is no store, or it cannot be read.
    """
    refuse_missing(folder)
    found: list[Correction] = []
    with reading(folder) as connection:
        then = last_entry(connection, since)
        entries = {entry.id: entry for entry in _entries(connection)}
        for table in dictionary().tables.values():
            touched = (
                f"SELECT DISTINCT {', '.join(f't.{name}' for name in table.key)}"
                f" FROM {table.name} AS t JOIN source ON source.id = t.source WHERE entry > ?"
            )
            for key in sorted(connection.execute(touched, [then])):
                steps = list(_read_steps(connection, table, key))
                there = "" if any(number <= then for number, _ in steps) else None
                new: dict[str, Correction] = {}
                for number, step in steps:
                    if number > then:
                        name = step.column.name
                        before = there if step.before is None else step.before
                        before = new[name].step.before if name in new else before
                        new[name] = Correction(entries[number], replace(step, before=before))
                found += (one for one in new.values() if (one.step.before or "") != one.step.after)
    return found


def as_published(table: pd.DataFrame) -> pd.DataFrame:
    """Return an indicator table as it would be read from its CSV file: every cell as text."""
    buffer = io.StringIO()
    write_table(table, buffer)
    buffer.seek(0)
    return read_published(buffer)


def read_published(source: Path | io.StringIO) -> pd.DataFrame:
    """Read a published indicator table, every cell as text; a kept one begins with a comment."""
    text = source.read() if isinstance(source, io.StringIO) else source.read_text("utf-8-sig")
    rows = io.StringIO(text.partition("\n")[2] if text.startswith("#") else text)
    table = pd.read_csv(rows, keep_default_na=False, dtype=str)
    return table.assign(scope_id=table["scope_id"].map(as_typed))


def find_changes(
    then: pd.DataFrame,
    now: pd.DataFrame,
    corrections: Iterable[Correction],
    states: tuple[Dataset, Dataset],
    plan: Plan,
) -> list[Changed]:
    """Return the verdicts of a year that have changed, with the corrections that explain them.

    Parameters
    ----------
    then, now : DataFrame of str
        Indicator tables of one year, as published.
    corrections : iterable of Correction
        What lies between them.
    states : tuple of Dataset
        The tables then and now: they say which commune, type and parent a row belongs to.

    Returns
    -------
    list of Changed
        In the order of the table of today. Parts of an indicator have no verdict of their own.
    """
    found = list(corrections)
    groups = _find_groups(states)
    both = then.merge(now, on=[*_KEYS, "year"], suffixes=("", "_now"), how="right")
    other = both[both["verdict"].notna() & (both["verdict"] != both["verdict_now"])]
    before, today = (other[_KEYS].merge(table, how="left", on=_KEYS) for table in (then, now))
    changed = []
    for row, row_now in zip(before.itertuples(), today.itertuples(), strict=True):
        indicator = plan.indicator(row.indicator)
        if indicator.is_part:
            continue
        causes = [c for c in found if _matters(c.step, indicator, (row, row_now))]
        causes = [c for c in causes if _is_inside(c.step, row.scope, row.scope_id, groups)]
        changed.append(Changed(indicator, row.scope, row.scope_id, row, row_now, tuple(causes)))
    return changed


def _matters(step: Step, indicator: Indicator, rows: tuple[Any, Any]) -> bool:
    """Tell whether an indicator of a year rests on a corrected figure."""
    year = int(rows[1].year)
    tables = SOURCE_TABLES[indicator.over]
    if indicator.with_district:
        tables = (*tables, "district")
    column, names = step.column, {*indicator.columns, *_MEMBERSHIP}
    if any(row.missing != "0" for row in rows):
        # The parts and the whole of a missing figure limit how large it can be.
        wholes = {c.at_most for n, c in columns_over(indicator.over).items() if n in names}
        if column.name in wholes or column.at_most in names:
            names.add(column.name)
    if step.table.name not in tables or column.name not in names:
        return False
    corrected = int(step.named["year"])
    # An earlier year's figure counts where it stands in for a missing one, or where what was done
    # once stays done.
    is_carried = indicator.once or any("carried" in row.flags for row in rows)
    return corrected == year or (is_carried and corrected < year)


def _find_groups(states: tuple[Dataset, Dataset]) -> dict[tuple[str, str, str], set[str]]:
    """Return the groups that each unit and employer belonged to, by table's key and scope."""
    groups: dict[tuple[str, str, str], set[str]] = {}
    for state in states:
        for frame, key in ((state.roster, "unit_id"), (state.employers, "employer_id")):
            for scope, columns in _GROUPS.items():
                for column in frame.columns.intersection(columns):
                    named = frame[column].fillna("")
                    for year, row, group in zip(frame["year"], frame[key], named, strict=True):
                        groups.setdefault((str(year), row, scope), set()).add(group)
    return groups


def _is_inside(
    step: Step, scope: str, scope_id: str, groups: dict[tuple[str, str, str], set[str]]
) -> bool:
    if scope == "district":
        return True
    member = step.named.get("unit_id") or step.named.get("employer_id", "")
    if scope == "unit":
        return member == scope_id
    inside = groups.get((step.named["year"], member, scope), set())
    # Whoever names no parent belongs to the plan's issuer.
    return scope_id in inside or (scope == "parent" and "" in inside)


def format_changes(changed: Sequence[Changed], verdicts: dict[str, str], plan: Plan) -> str:
    """Tell each verdict then and now, and the corrections behind it."""
    if not changed:
        return "Không có đánh giá nào thay đổi."
    lines = [f"{len(changed)} đánh giá đã thay đổi"]
    for item in changed:
        whom = plan.issuer.short if item.scope == "district" else item.scope_id
        before, now = (verdicts[row.verdict] for row in (item.before, item.now))
        lines.append(f"\n{whom} · {item.indicator.title}")
        lines.append(f"  {before}{_format_counts(item.before)} → {now}{_format_counts(item.now)}")
        lines += _format_causes(item.corrections)
    return "\n".join(lines)


def _format_counts(row: Any) -> str:
    counts = " / ".join(text for text in (row.numerator, row.denominator) if text)
    return f" ({counts})" if counts else ""


def _format_causes(corrections: Sequence[Correction]) -> list[str]:
    known = [item for item in corrections if item.step.before is not None]
    lines = [f"  {_who(item.step)}, {_format_correction(*item)}" for item in known]
    new = sorted({_who(item.step) for item in corrections if item.step.before is None})
    if new:
        lines.append(f"  Mới có số liệu: {', '.join(new)}")
    return lines or ["  Không do số liệu của kho: kế hoạch, tham số hoặc cách tính đã khác"]


def _who(step: Step) -> str:
    return " ".join(reversed(step.key))


def _format_correction(entry: Entry, step: Step) -> str:
    before, after = (show_figure(step.column, text) for text in (step.before, step.after))
    why = f"; lý do: {entry.reason}" if entry.reason else ""
    who = f"; người nhập: {entry.by}" if entry.by else ""
    place = name_place(entry.file, step.sheet, step.cell, step.row) or "rút lại báo cáo"
    return f"«{step.column.vi}»: {before} → {after} ({place}; {local_time(entry.at)}{why}{who})"


def export_dataset(dataset: Dataset, folder: Path, source: Path) -> list[Path]:
    """Write the tables as CSV files, sorted by key, each one whole or not at all; return the files.

    What ``source``, the dataset's own folder, says of them goes with them.

    Raises
    ------
    FileExistsError
        If the folder has a store of its own: its tables are not to be written over.
    """
    if has_store(folder):
        raise FileExistsError(
            17, "thư mục này có kho số liệu riêng; hãy chọn thư mục khác", str(folder)
        )
    written = []
    for name, table in dictionary().tables.items():
        frame = dataset.tables[name]
        text = pd.DataFrame({column: spell_column(frame[column]) for column in table.columns})
        text = text.sort_values(list(table.key), ignore_index=True)
        written.append(folder / f"{name}.csv")
        write_atomically(written[-1], text.to_csv(index=False, lineterminator="\n"))
    for described in (source / DESCRIPTION, source / OWN_COLUMNS):
        if described.exists():
            written.append(folder / described.name)
            write_atomically(written[-1], described.read_bytes())
    return written
