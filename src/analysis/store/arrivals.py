"""The files of one import as they arrive: each one read, none taking the others down.

Files of different units are judged together, since a file by itself costs more than its rows. The
rules look at a unit's own rows alone, so what is sound beside others is sound by itself.
"""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from pathlib import Path

import pandas as pd

from analysis.plan import Plan
from analysis.problems import Problem, error, explain_os, has_errors
from analysis.store.judge import (
    SheetChange,
    compare_rows,
    find_suspects,
    is_beside_returns,
    only_news,
    show_figure,
)
from analysis.tables.delivery import Delivery, Records, with_keys
from analysis.tables.dictionary import LISTED, dictionary
from analysis.tables.storefile import last_entry, read_rows

#: Reads one file: what it holds, or every reason why it cannot be read.
Reader = Callable[[Path], tuple[Delivery | None, list[Problem]]]
#: Files of up to so many rows are judged at a time: the more, the more is judged again after an error.
_MOST_ROWS = 200
_Part = tuple[Path, Records]
_Unit = tuple[str, str]


@dataclass(frozen=True)
class Arrival:
    """One file as it was read: what could be read, and what is wrong with it.

    ``trace`` tells where the program itself failed over it; empty if it did not.
    """

    path: Path
    delivery: Delivery | None
    problems: tuple[Problem, ...]
    trace: str = ""


def read_all(paths: Iterable[Path], read: Reader) -> list[Arrival]:
    """Read the files; those with the office's register come first, since returns need it.

    Whatever is raised over a file is a problem of this file alone.
    """
    arrivals = [_read(path, read) for path in paths]
    # A list of employers names unions, whose register another of the files may have brought.
    for place, one in enumerate(arrivals):
        if any(problem.code == "no_register" for problem in one.problems):
            arrivals[place] = _read(one.path, read)
    return sorted(arrivals, key=lambda one: one.delivery is None or not has_register(one.delivery))


def _read(path: Path, read: Reader) -> Arrival:
    try:
        delivery, problems = read(path)
        if delivery is not None and not has_errors(problems):
            problems = [*problems, *_lacking_keys(delivery)]
        return Arrival(path, delivery, tuple(problems))
    except OSError as failure:
        message = f"không đọc được tệp ({explain_os(failure)})"
        return Arrival(path, None, (error(message, code="unreadable", file=path.name),))
    except Exception as failure:
        return Arrival(path, None, (program_error(path, failure),), traceback.format_exc())


def program_error(path: Path, failure: Exception) -> Problem:
    """Return the problem of a file over which the program itself failed."""
    message = (
        f"lỗi của chương trình ({type(failure).__name__}) khi xử lý tệp này, chưa nhận gì từ tệp;"
        " hãy gửi nhật ký lỗi cho người phụ trách"
    )
    return error(message, code="program_error", file=path.name)


def _lacking_keys(delivery: Delivery) -> list[Problem]:
    """Return an error for every key column that a part of a file does not have."""
    return [
        error(
            f"thiếu cột «{table.columns[name].vi}» của bảng «{table.vi}»",
            code="no_column",
            file=delivery.file,
            column=name,
            sheet=part.sheet,
        )
        for part in delivery.records
        for table in (dictionary().tables[part.table],)
        for name in table.key
        if name not in part.text
    ]


def has_register(delivery: Delivery) -> bool:
    """Tell whether a file holds the office's register."""
    parts = (part for part in delivery.records if part.table == "roster")
    return any(not is_beside_returns(part, delivery) for part in parts)


def find_conflicts(
    arrivals: Sequence[Arrival], known: Collection[str]
) -> dict[Path, list[Problem]]:
    """Return, by file, where two files say different things: nobody can know which one is right.

    A unit's form may differ from the office's register. That is not told here, because the register
    came first. Nor is it told of files whose digest is ``known``, which the store has already: a newer
    file may well say something else.
    """
    kinds: dict[tuple[str, bool], list[tuple[Arrival, Records]]] = {}
    for arrival in arrivals:
        delivery = arrival.delivery
        if delivery is None or has_errors(arrival.problems) or delivery.digest in known:
            continue
        for part in delivery.records:
            kind = (part.table, is_beside_returns(part, delivery))
            kinds.setdefault(kind, []).append((arrival, part))
    found: dict[Path, list[Problem]] = {}
    for parts in kinds.values():
        for one, other in _pairs(parts):
            for mine, its in ((one, other), (other, one)):
                found.setdefault(mine[0].path, []).extend(_differences(mine, its))
    return {path: list(dict.fromkeys(problems)) for path, problems in found.items() if problems}


_Row = tuple[Arrival, Records, int]


def _pairs(parts: Sequence[tuple[Arrival, Records]]) -> Iterator[tuple[_Row, _Row]]:
    """Yield every two rows with one key from different files."""
    if len({arrival.path for arrival, _ in parts}) < 2:
        return
    key = list(dictionary().tables[parts[0][1].table].key)
    rows = pd.concat([part.text[key].assign(part=number) for number, (_, part) in enumerate(parts)])
    rows = rows[rows.duplicated(key, keep=False)]
    for _, group in rows.groupby(key, sort=False):
        places = [(*parts[number], int(row)) for row, number in group["part"].items()]
        for position, one in enumerate(places):
            for other in places[position + 1 :]:
                if other[0].path != one[0].path:
                    yield one, other


def _differences(mine: _Row, its: _Row) -> list[Problem]:
    (arrival, part, row), (other, its_part, its_row) = mine, its
    table = dictionary().tables[part.table]
    problems, advice = [], _propose_later(arrival.path, other.path)
    for name in part.text.columns.intersection(its_part.text.columns):
        here, there = part.text.at[row, name], its_part.text.at[its_row, name]
        gives_way = name in LISTED.get(table.name, ()) and (
            part.is_form(name) != its_part.is_form(name)
        )
        if here != there and not gives_way:
            told = show_figure(table.columns[name], there)
            message = (
                f"«{table.columns[name].vi}» ở tệp {other.path.name} trong cùng lần nhập này là"
                f" {told}; chưa nhận tệp nào trong hai tệp, hãy giữ lại một tệp"
            )
            problem = part.problem(
                arrival.path.name, name, row, code="two_deliveries", message=message
            )
            problems.append(replace(problem, advice=advice))
    return problems


def _propose_later(*paths: Path) -> str:
    """Name the file that was saved last: it may be the right one, and only a person can tell."""
    try:
        saved = {path.stat().st_mtime_ns // 10**9: path.name for path in paths}
    except OSError:
        return ""
    if len(saved) < len(paths):
        return ""
    last = max(saved)
    at = f"{datetime.fromtimestamp(last).astimezone():%d/%m/%Y %H:%M:%S}"
    return f"bản lưu sau cùng là {saved[last]} ({at})"


def group_files(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Yield the files in their order, in groups that can be judged together."""
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
    """Return the units of a file that holds their own returns alone; none for any other file."""
    delivery = arrival.delivery
    if delivery is None or has_register(delivery):
        return set()
    if any(part.table not in ("roster", "returns") for part in delivery.records):
        return set()
    return {
        (str(year), str(unit))
        for part in with_keys(delivery).records
        for year, unit in zip(part.text["year"], part.text["unit_id"], strict=True)
    }


def judge_together(
    connection: sqlite3.Connection, group: Sequence[Arrival], plan: Plan
) -> dict[Path, list[SheetChange]]:
    """Return what each sound file of a group would change; the others must be judged alone."""
    if len(group) < 2:
        return {}
    kinds: dict[tuple[str, bool, tuple[str, ...]], list[_Part]] = {}
    for arrival in group:
        assert arrival.delivery is not None
        for part in with_keys(arrival.delivery).records:
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
    """Yield, for each part, its own rows of a change in which several parts were compared."""
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
