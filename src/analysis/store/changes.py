"""What a published verdict would be today, and which corrections made the difference."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.indicators import write_table
from analysis.plan import Indicator, Plan
from analysis.plan.schema import SOURCE_TABLES, columns_over
from analysis.tables.dictionary import Column, Table, dictionary
from analysis.tables.load import Dataset
from analysis.tables.stored import find_place, key_index, read_rows
from analysis.tables.storefile import last_entry, reading, refuse_missing
from analysis.tables.writing import as_typed

#: Columns that decide whether, and where, a row counts.
_MEMBERSHIP = ("unit_type", "employer_type", "commune", "parent", "founded_on", "dissolved_on")
_GROUPS = {
    "commune": ("commune",),
    "unit_type": ("unit_type", "employer_type"),
    "parent": ("parent",),
}
_KEYS = ["indicator", "scope", "scope_id"]


@dataclass(frozen=True)
class Correction:
    """One figure that is another than it was.

    Attributes
    ----------
    table : Table
        Where it stands.
    key : dict of str to str
        Its row's key.
    column : Column
        What it is.
    before : str or None
        What it was; None if there was no such row.
    after : str
        What it is.
    file, sheet, cell : str
        Where the new figure came from.
    row : int
        The row in that file.
    at, reason, by : str
        When, why, and who said so.
    """

    table: Table
    key: dict[str, str]
    column: Column
    before: str | None
    after: str
    file: str
    sheet: str
    cell: str
    row: int
    at: str
    reason: str
    by: str


@dataclass(frozen=True)
class Changed:
    """One verdict that is another than it was.

    Attributes
    ----------
    indicator : Indicator
        Of which indicator.
    scope, scope_id : str
        Of whom.
    before, now : namedtuple
        The table's row then and now, as text.
    corrections : tuple of Correction
        The figures between the two that it rests on.
    """

    indicator: Indicator
    scope: str
    scope_id: str
    before: Any
    now: Any
    corrections: tuple[Correction, ...]


def find_corrections(folder: Path, since: date) -> list[Correction]:
    """Return every figure of the store that is another now than it was.

    Parameters
    ----------
    folder : Path
        A dataset folder with a store.
    since : date or datetime
        The end of that day, or that moment.

    Returns
    -------
    list of Correction
        By table and key.

    Raises
    ------
    InputError
        If there is no store, or it cannot be read.
    """
    refuse_missing(folder)
    with reading(folder) as connection:
        then, now = last_entry(connection, since), last_entry(connection)
        return [
            correction
            for table in dictionary().tables.values()
            for correction in _corrections(connection, table, then, now)
        ]


def _corrections(
    connection: sqlite3.Connection, table: Table, then: int, now: int
) -> Iterator[Correction]:
    key = list(table.key)
    query = (
        f"SELECT DISTINCT {', '.join(f't.{name}' for name in key)} FROM {table.name} AS t"
        " JOIN source ON source.id = t.source WHERE entry > ?"
    )
    touched = pd.DataFrame(connection.execute(query, [then]).fetchall(), columns=key, dtype="str")
    after = read_rows(connection, table, now, touched, withdrawn=True)
    before = read_rows(connection, table, then, touched, withdrawn=True).set_index(key)
    before = before.reindex(key_index(table, after))
    for name in table.columns:
        if name in key:
            continue
        old, new = before[name].to_numpy(), after[name].to_numpy()
        other = (before[name].fillna("") != after[name].to_numpy()).to_numpy()
        for position in other.nonzero()[0]:
            row = after.iloc[position]
            place = find_place(connection, table, [str(row[k]) for k in key], name, now)
            if place is None:
                continue
            log = "SELECT at, coalesce(reason, ''), coalesce(by, '') FROM entry WHERE id = ?"
            yield Correction(
                table,
                {k: str(row[k]) for k in key},
                table.columns[name],
                None if pd.isna(old[position]) else str(old[position]),
                str(new[position]),
                *(place.file, place.sheet, place.cell, place.row),
                *connection.execute(log, [place.entry]).fetchone(),
            )


def as_published(table: pd.DataFrame) -> pd.DataFrame:
    """Return an indicator table as its CSV file would be read: every cell as text."""
    buffer = io.StringIO()
    write_table(table, buffer)
    buffer.seek(0)
    return read_published(buffer)


def read_published(source: Path | io.StringIO) -> pd.DataFrame:
    """Read a published indicator table, every cell as text; a kept one says first of what it is."""
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
    """Return the verdicts of a year that are others now, with what made the difference.

    Parameters
    ----------
    then, now : DataFrame of str
        Indicator tables of one year, as published.
    corrections : iterable of Correction
        What lies between them.
    states : tuple of Dataset
        The tables then and now: they say which commune, type and parent a row belongs to.
    plan : Plan
        The catalogue.

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
        causes = [c for c in found if _matters(c, indicator, (row, row_now))]
        causes = [c for c in causes if _is_inside(c, row.scope, row.scope_id, groups)]
        changed.append(Changed(indicator, row.scope, row.scope_id, row, row_now, tuple(causes)))
    return changed


def _matters(correction: Correction, indicator: Indicator, rows: tuple[Any, Any]) -> bool:
    """Whether a figure is one that an indicator of a year rests on."""
    year = int(rows[1].year)
    tables = SOURCE_TABLES[indicator.over]
    if indicator.with_district:
        tables = (*tables, "district")
    column, names = correction.column, {*indicator.columns, *_MEMBERSHIP}
    if any(row.missing != "0" for row in rows):
        # A part or a whole of a figure that is missing says how large this one can be.
        wholes = {c.at_most for n, c in columns_over(indicator.over).items() if n in names}
        if column.name in wholes or column.at_most in names:
            names.add(column.name)
    if correction.table.name not in tables or column.name not in names:
        return False
    corrected = int(correction.key["year"])
    # An earlier year's figure counts where it stands in for one that is missing, and what was
    # done once counts from then on.
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
    correction: Correction,
    scope: str,
    scope_id: str,
    groups: dict[tuple[str, str, str], set[str]],
) -> bool:
    if scope == "district":
        return True
    member = correction.key.get("unit_id") or correction.key.get("employer_id", "")
    if scope == "unit":
        return member == scope_id
    inside = groups.get((correction.key["year"], member, scope), set())
    # Whoever names no parent belongs to the plan's issuer.
    return scope_id in inside or (scope == "parent" and "" in inside)
