"""Files that concern different units, judged together: a file by itself costs more than its rows.

The rules look at a unit's own rows alone, so what is sound beside others is sound by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import pandas as pd

from analysis.plan import Plan
from analysis.problems import has_errors
from analysis.store.arrivals import Arrival, has_register
from analysis.store.judge import find_suspects
from analysis.store.merge import SheetChange, compare_rows, is_beside_returns, only_news
from analysis.tables.delivery import Records
from analysis.tables.dictionary import dictionary
from analysis.tables.stored import read_rows
from analysis.tables.storefile import last_entry

#: So many rows share what a file costs; more would only be judged anew if one comes between.
_MOST_ROWS = 200

_Part = tuple[Path, Records]
_Unit = tuple[str, str]


def group_files(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Yield the files in their order, in groups that can be judged together.

    Parameters
    ----------
    arrivals : sequence of Arrival
        The files of one import; the registers first.
    """
    group: list[Arrival] = []
    taken: set[_Unit] = set()
    for arrival in arrivals:
        units = _units_of(arrival)
        if group and (not units or taken & units or len(taken | units) > _MOST_ROWS):
            yield group
            group, taken = [], set()
        group.append(arrival)
        taken |= units
        if not units:
            yield group
            group = []
    if group:
        yield group


def _units_of(arrival: Arrival) -> set[_Unit]:
    """Return the units of a file that speaks of their own returns alone; none for any other."""
    delivery = arrival.delivery
    if delivery is None or has_errors(arrival.problems) or has_register(delivery):
        return set()
    if any(part.table not in ("roster", "returns") for part in delivery.records):
        return set()
    return {
        (str(year), str(unit))
        for part in delivery.records
        for year, unit in zip(part.text["year"], part.text["unit_id"], strict=True)
    }


def judge_together(
    connection: sqlite3.Connection, group: Sequence[Arrival], plan: Plan
) -> dict[Path, list[SheetChange]]:
    """Return what each sound file of a group would change; the others have to be judged alone.

    Parameters
    ----------
    connection : Connection
        The store as it is.
    group : sequence of Arrival
        From `group_files`.
    plan : Plan
        Its cut-off tells who has to report.
    """
    if len(group) < 2:
        return {}
    kinds: dict[tuple[str, bool, tuple[str, ...]], list[_Part]] = {}
    for arrival in group:
        assert arrival.delivery is not None
        for part in arrival.delivery.records:
            kind = part.table, is_beside_returns(part, arrival.delivery), tuple(part.text.columns)
            kinds.setdefault(kind, []).append((arrival.path, part))
    last = last_entry(connection)
    compared = []
    for (name, is_beside, _), parts in kinds.items():
        table = dictionary().tables[name]
        text = pd.concat([part.text for _, part in parts], ignore_index=True)
        state = read_rows(connection, table, last, text[list(table.key)])
        # What is only asked of workbooks is asked of each file again by itself.
        records = Records(name, text, max(part.sheet for _, part in parts), {})
        if is_beside:
            records = only_news(records, state, plan.issuer.id)
        compared.append((compare_rows(records, state), parts))
    suspects = find_suspects(connection, [change for change, _ in compared], plan)
    changes: dict[Path, list[SheetChange]] = {
        one.path: [] for one in group if suspects.isdisjoint(_units_of(one))
    }
    for change, parts in compared:
        for path, own in _split(change, parts):
            if path in changes:
                changes[path].append(own)
    return changes


def _split(change: SheetChange, parts: Sequence[_Part]) -> Iterator[tuple[Path, SheetChange]]:
    """Yield of rows that were compared together those of each part that has any."""
    ends = list(accumulate(len(part.text) for _, part in parts))
    positions = change.after.index.searchsorted([0, *ends])
    for number, (path, part) in enumerate(parts):
        own = slice(positions[number], positions[number + 1])
        after = change.after.iloc[own]
        if after.empty:
            continue
        start = ends[number] - len(part.text)
        rows = part.text.index[after.index - start]
        text = change.records.text.iloc[own].set_axis(rows)
        records = Records(part.table, text, part.sheet, part.addresses)
        before = change.before.iloc[own].set_axis(rows)
        yield path, SheetChange(change.table, records, before, after.set_axis(rows))
