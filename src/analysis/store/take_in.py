"""Taking files in: all or nothing per file, every error at once, nothing lost, nothing twice."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from analysis.plan import Plan
from analysis.problems import InputError, Problem, error, explain_os, has_errors
from analysis.store.judge import find_errors, typed
from analysis.store.log import (
    Handed,
    add_entry,
    add_new_columns,
    create_store,
    open_for_writing,
    writing,
)
from analysis.store.merge import (
    Change,
    Key,
    brought_twice,
    compare_rows,
    is_beside_returns,
    need_reason,
    only_news,
)
from analysis.tables.check import check_oddities
from analysis.tables.delivery import Delivery, repeated_keys
from analysis.tables.dictionary import dictionary
from analysis.tables.files import STORE
from analysis.tables.load import Dataset
from analysis.tables.stored import Origin, read_rows, row_keys
from analysis.tables.storefile import (
    explained,
    has_store,
    is_known,
    last_entry,
    withdrawn_returns,
)

#: Reads one file: what it holds, or every reason why it cannot be read.
Reader = Callable[[Path], tuple[Delivery | None, list[Problem]]]
Outcome = Literal["accepted", "unchanged", "refused"]


@dataclass(frozen=True)
class Taken:
    """What came of one file.

    Attributes
    ----------
    path : Path
        The file.
    outcome : {"accepted", "unchanged", "refused"}
        ``unchanged``: the store has it all already.
    units : tuple of (str, str)
        Year and unit of the returns in it.
    rows : int
        How many rows were added.
    problems : tuple of Problem
        Of a refused file every error; of an accepted one, warnings.
    """

    path: Path
    outcome: Outcome
    units: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Recap:
    """What came of an import.

    Attributes
    ----------
    files : tuple of Taken
        In the order in which they were given.
    created_from : tuple of str or None
        If this import made the store: the tables of the folder that it began with.
    warnings : tuple of Problem
        What deserves a second look in what was accepted.
    """

    files: tuple[Taken, ...]
    created_from: tuple[str, ...] | None = None
    warnings: tuple[Problem, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether nothing was refused."""
        return all(taken.outcome != "refused" for taken in self.files)

    @property
    def refused(self) -> dict[Path, list[Problem]]:
        """What is wrong with the refused files, for those who sent them."""
        refused = (taken for taken in self.files if taken.outcome == "refused")
        # That the store could not be written is no fault of a file.
        found = {t.path: [p for p in t.problems if p.file != STORE] for t in refused}
        return {path: problems for path, problems in found.items() if problems}


@dataclass
class _Run:
    """One import: its settings, and which file brought which row so far."""

    folder: Path
    plan: Plan
    command: str
    reason: str
    by: str
    year: int | None
    brought: dict[tuple[str, Key], str] = field(default_factory=dict)
    stopped_by: tuple[Problem, ...] = ()


def take_in(
    folder: Path,
    paths: Sequence[Path],
    read: Reader,
    plan: Plan,
    *,
    command: str = "congdoan import",
    reason: str = "",
    by: str = "",
    year: int | None = None,
) -> Recap:
    """Take files into the store of a dataset folder; the first import makes the store.

    Parameters
    ----------
    folder : Path
        The dataset folder.
    paths : sequence of Path
        The files.
    read : callable
        Reads one file into a `Delivery`.
    plan : Plan
        Its cut-off tells who has to report.
    command, reason, by : str
        What the store notes: the command, why figures are replaced (without a reason nothing is),
        and who says so.
    year : int, optional
        The year that the files are about, to note whose file could not be read.

    Returns
    -------
    Recap
        One outcome per file. A refused file leaves nothing behind but the note that it was refused.

    Raises
    ------
    InputError
        Before anything is taken in: the folder's own tables have errors, or the store cannot be
        opened.
    """
    folder = Path(folder)
    made = create_store(folder, command, by) if not has_store(folder) else None
    run = _Run(folder, plan, command, reason, by, year)
    taken: dict[Path, Taken] = {}
    with closing(open_for_writing(folder)) as connection:
        with explained(folder / STORE), writing(connection):
            add_new_columns(connection)
        for path, delivery, problems in _read_all(paths, read):
            taken[path] = _take_one(connection, run, path, delivery, problems)
        warnings = _find_warnings(connection, run)
    files = tuple(taken[path] for path in paths)
    return Recap(files, None if made is None else tuple(made), tuple(warnings))


def _read_all(
    paths: Iterable[Path], read: Reader
) -> Iterator[tuple[Path, Delivery | None, list[Problem]]]:
    """Read the files; those with the office's register first, since returns need it."""
    later = []
    for path in paths:
        try:
            delivery, problems = read(path)
        except OSError as failure:
            # One file that cannot be opened is no reason to leave the others.
            message = f"không đọc được tệp ({explain_os(failure)})"
            delivery, problems = None, [error(message, code="unreadable", file=path.name)]
        if delivery is not None and _has_register(delivery):
            yield path, delivery, problems
        else:
            later.append((path, delivery, problems))
    yield from later


def _has_register(delivery: Delivery) -> bool:
    parts = (part for part in delivery.records if part.table == "roster")
    return any(not is_beside_returns(part, delivery) for part in parts)


def _take_one(
    connection: sqlite3.Connection,
    run: _Run,
    path: Path,
    delivery: Delivery | None,
    problems: list[Problem],
) -> Taken:
    if run.stopped_by:
        return Taken(path, "refused", problems=run.stopped_by)
    try:
        with explained(run.folder / STORE), writing(connection):
            if delivery is None:
                return _refuse(connection, run, path, delivery, problems)
            return _judge(connection, run, path, delivery, problems)
    except InputError as failure:
        # The store could not be written: no file is at fault, none is noted, the others wait too.
        run.stopped_by = tuple(failure.problems)
        return Taken(path, "refused", problems=run.stopped_by)


def _judge(
    connection: sqlite3.Connection,
    run: _Run,
    path: Path,
    delivery: Delivery,
    problems: list[Problem],
) -> Taken:
    units = _units(delivery)
    was_withdrawn = False
    if is_known(connection, delivery.digest):
        gone = withdrawn_returns(connection, last_entry(connection))
        units = tuple(unit for unit in units if unit in gone)
        was_withdrawn = bool(units)
        if not was_withdrawn:
            return Taken(path, "unchanged", _units(delivery), problems=tuple(problems))
        # Whatever else is in it may have been corrected since.
        delivery = _only_returns(delivery, units)
        if not run.reason:
            problem = _told_withdrawn(path, units)
            return _refuse(connection, run, path, delivery, [*problems, problem])
    changes, errors = _compare(connection, run, delivery)
    if errors or has_errors(problems):
        # What cannot be read counts as empty here: it is told once, as what it is.
        told = {_place_of(problem) for problem in problems if problem.severity == "error"}
        more = [problem for problem in errors if _place_of(problem) not in told]
        return _refuse(connection, run, path, delivery, [*problems, *more])
    if not changes and path.resolve().parent != run.folder.resolve():
        return Taken(path, "unchanged", units, problems=tuple(problems))
    # A table beside the store that says the same in other bytes is noted, so that it is known.
    is_correction = any((~change.is_new).any() for change in changes)
    reason = run.reason if is_correction or was_withdrawn else ""
    handed = _handed(run, path, delivery, reason)
    add_entry(connection, handed, [change.records for change in changes])
    for change in changes:
        run.brought |= {(change.table.name, key): delivery.file for key in change.keys}
    rows = sum(len(change.after) for change in changes)
    return Taken(path, "accepted" if rows else "unchanged", units, rows, tuple(problems))


def _only_returns(delivery: Delivery, units: Sequence[tuple[str, str]]) -> Delivery:
    """Return what a delivery has of the returns of these units."""
    records = []
    for part in delivery.records:
        if part.table == "returns":
            keys = pd.MultiIndex.from_frame(part.text[["year", "unit_id"]])
            records.append(replace(part, text=part.text[keys.isin(units)]))
    return replace(delivery, records=tuple(records))


def _told_withdrawn(path: Path, units: Sequence[tuple[str, str]]) -> Problem:
    named = ", ".join(f"{unit} ({year})" for year, unit in units)
    message = (
        f"báo cáo của {named} trong tệp này đã được rút lại; muốn nhận lại thì chạy với"
        ' --supersede "lý do"'
    )
    return error(message, code="withdrawn", file=path.name)


def _place_of(problem: Problem) -> tuple[str, int | None, str, str]:
    return problem.sheet, problem.row, problem.cell, problem.column


def _compare(
    connection: sqlite3.Connection, run: _Run, delivery: Delivery
) -> tuple[list[Change], list[Problem]]:
    """Return what a file would change, and every reason why it may not."""
    errors = repeated_keys(delivery.file, delivery.records)
    if errors:
        return [], errors
    changes = _changes(connection, run, delivery)
    for change in changes:
        errors += brought_twice(change, delivery.file, run.brought)
        errors += [] if run.reason else need_reason(change, delivery.file)
    errors += find_errors(connection, changes, delivery.file, run.plan)
    return changes, errors


def _changes(connection: sqlite3.Connection, run: _Run, delivery: Delivery) -> list[Change]:
    last = last_entry(connection)
    changes = []
    for part in delivery.records:
        table = dictionary().tables[part.table]
        state = read_rows(connection, table, last, part.text[list(table.key)])
        if is_beside_returns(part, delivery):
            part = only_news(part, state, run.plan.issuer.id)
        change = compare_rows(part, state)
        if len(change.after):
            changes.append(change)
    return changes


def _refuse(
    connection: sqlite3.Connection,
    run: _Run,
    path: Path,
    delivery: Delivery | None,
    problems: list[Problem],
) -> Taken:
    errors = sum(problem.severity == "error" for problem in problems)
    units = _units(delivery) if delivery is not None else ()
    named = units or (_named_by(path, run.year),)
    add_entry(connection, _handed(run, path, delivery), errors=max(errors, 1), refused=named)
    return Taken(path, "refused", units, problems=tuple(problems))


def _named_by(path: Path, year: int | None) -> tuple[str, str]:
    """Tell whose a file is that cannot be read: a form's name begins with the unit, ends with the year."""
    unit, _, rest = path.stem.partition("_")
    end = rest.rpartition("_")[2]
    return str(year or (end if end.isdigit() else "")), unit


def _handed(run: _Run, path: Path, delivery: Delivery | None, reason: str = "") -> Handed:
    if delivery is None:
        return Handed(run.command, path.name, _digest(path), reason, run.by)
    return Handed(run.command, delivery.file, delivery.digest, reason, run.by)


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file that could not be read as a delivery; empty if not at all."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _units(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(year), str(unit))
        for part in delivery.records
        if part.table == "returns"
        for year, unit in zip(part.text["year"], part.text["unit_id"], strict=True)
    )


def _find_warnings(connection: sqlite3.Connection, run: _Run) -> list[Problem]:
    """Return what is odd in the rows that this import brought, beside all that is there."""
    if not run.brought:
        return []
    with explained(run.folder / STORE):
        last = last_entry(connection)
        tables = _surroundings(connection, run, last)
    dataset = Dataset(tables, {name: name for name in tables})
    rows = _find_ours(run, tables)
    ours = [p for p in check_oddities(dataset) if (p.file, p.row) in rows]
    return Origin(run.folder, last).locate(ours, tables)


def _surroundings(connection: sqlite3.Connection, run: _Run, last: int) -> dict[str, pd.DataFrame]:
    """Return the tables of the years that were touched, and of the years before them."""
    touched = {int(key[0][:4]) for _, key in run.brought}
    years = [str(year) for year in sorted(touched | {year - 1 for year in touched})]
    wanted = pd.DataFrame({"year": years})
    return {
        name: typed(
            name, read_rows(connection, table, last, wanted if "year" in table.key else None), []
        )
        for name, table in dictionary().tables.items()
    }


def _find_ours(run: _Run, tables: dict[str, pd.DataFrame]) -> set[tuple[str, int | None]]:
    """Return the rows that this run brought, by table."""
    return {
        (name, row)
        for name, frame in tables.items()
        for row, key in row_keys(dictionary().tables[name], frame).items()
        if (name, key) in run.brought
    }
