"""Taking files in: all or nothing per file, every error at once, nothing lost, nothing twice."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from importlib.metadata import version
from itertools import permutations
from pathlib import Path
from platform import platform, python_version
from tempfile import TemporaryDirectory
from typing import Literal

import pandas as pd

from analysis.plan import Plan
from analysis.problems import InputError, Problem, error, explain_os, has_errors, tell_first
from analysis.store.judge import (
    GAVE_WAY,
    Known,
    Registers,
    SheetChange,
    compare_rows,
    find_errors,
    find_given_way,
    find_strangers,
    is_beside_returns,
    leave_to_forms,
    need_reason,
    only_news,
    show_figure,
    tell_given_way,
)
from analysis.store.log import (
    Handed,
    add_entry,
    check_clock,
    create_store,
    open_for_writing,
    taking_out,
    writing,
)
from analysis.tables.check import NO_REGISTER, check_oddities
from analysis.tables.delivery import Delivery, Records, find_units, repeated_keys, with_keys
from analysis.tables.dictionary import LISTED, dictionary, with_heading
from analysis.tables.files import DESCRIPTION, STORE
from analysis.tables.load import Dataset, type_table
from analysis.tables.storefile import (
    Key,
    Origin,
    explained,
    has_store,
    is_known,
    last_entry,
    read_rows,
    row_keys,
    withdrawn_keys,
)
from analysis.tables.texts import read_files

Outcome = Literal["accepted", "unchanged", "refused"]
#: Reads one file: what it holds, or every reason why it cannot be read.
Reader = Callable[[Path], tuple[Delivery | None, list[Problem]]]
#: Files of up to so many units are judged at a time: the more, the more is judged again after an error.
_MOST_UNITS = 200
#: Of one file so many units are named; the others are counted.
_MOST_NAMED = 100
#: Warnings block nothing; more than these would push the errors out of sight.
_MOST_WARNINGS = 200
_TITLES = {
    "accepted": "Đã nhận",
    "unchanged": "Đã có, không đổi",
    "refused": "Bị trả lại, chưa nhận gì",
}


@dataclass(frozen=True)
class Taken:
    """What came of one file.

    ``unchanged``: the store has it all already. ``units`` are year and unit of the returns in it,
    ``rows`` how many were added. ``problems`` are every error of a refused file, warnings of an
    accepted one. ``trace`` tells where the program itself failed over it, if it did.
    """

    path: Path
    outcome: Outcome
    units: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    problems: tuple[Problem, ...] = ()
    trace: str = ""


@dataclass(frozen=True)
class Recap:
    """What came of an import: its files, in the order in which they were given.

    ``created_from`` are the tables that the store began with, if this import made it; ``warnings`` what
    deserves a second look in what was accepted; ``trace`` where the program failed over that, if it did;
    ``not_reached`` the files that it had not come to when the user stopped it.
    """

    files: tuple[Taken, ...]
    created_from: tuple[str, ...] | None = None
    warnings: tuple[Problem, ...] = ()
    trace: str = ""
    not_reached: tuple[Path, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether all files were reached, none refused, and the program itself did not fail."""
        return (
            not self.trace
            and not self.not_reached
            and all(taken.outcome != "refused" for taken in self.files)
        )

    @property
    def traces(self) -> dict[str, str]:
        """Where the program itself failed, by file; its name is empty for the import as a whole."""
        found = {taken.path.name: taken.trace for taken in self.files} | {"": self.trace}
        return {name: trace for name, trace in found.items() if trace}

    @property
    def refused(self) -> dict[Path, list[Problem]]:
        """What is wrong with the refused files, for those who sent them."""
        refused = (taken for taken in self.files if taken.outcome == "refused")
        # That the store could not be written is no fault of a file.
        found = {t.path: [p for p in t.problems if p.file != STORE] for t in refused}
        return {path: problems for path, problems in found.items() if problems}


@dataclass(frozen=True)
class Occasion:
    """On what occasion files come: the store notes it.

    Without a ``reason`` no figure is replaced. The ``year`` that the files are about tells whose file it
    was that could not be read.
    """

    command: str = "congdoan import"
    reason: str = ""
    by: str = ""
    year: int | None = None


@dataclass
class _Run:
    """One import: its occasion, and what came of it so far.

    ``brought`` are the rows that it brought; ``sound`` is what files of a group would change and what
    is told of them, as long as the store's entry ``last`` is the last one.
    """

    folder: Path
    plan: Plan
    occasion: Occasion
    is_single: bool
    registers: Registers
    brought: set[tuple[str, Key]] = field(default_factory=set)
    last: int = 0
    sound: dict[Path, tuple[list[SheetChange], list[Problem]]] = field(default_factory=dict)
    stopped_by: tuple[Problem, ...] = ()


def take_in(
    folder: Path,
    paths: Sequence[Path],
    read: Reader,
    plan: Plan,
    occasion: Occasion,
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
    occasion : Occasion
        Who brings them, and why figures are replaced.

    Returns
    -------
    Recap
        One outcome per file. A refused file leaves nothing behind but the note that it was refused.
        After Ctrl-C, the outcomes so far.

    Raises
    ------
    InputError
        Before anything is taken in: the folder's own tables have errors, or the store cannot be
        opened.
    """
    folder = Path(folder)
    arrive = cache(partial(read_all, paths, read))
    if has_store(folder) or any(file.path for file in read_files(folder, []).values()):
        return _take_in(folder, paths, arrive, plan, occasion)
    # A new office's folder is empty: a store is made there only for a file that is taken in.
    with TemporaryDirectory() as trial:
        for beside in folder.glob(DESCRIPTION):
            shutil.copy(beside, trial)
        recap = _take_in(Path(trial), paths, arrive, plan, occasion)
    if all(taken.outcome == "refused" for taken in recap.files):
        return replace(recap, created_from=None)
    reached = [path for path in paths if path not in recap.not_reached]
    done = _take_in(folder, reached, arrive, plan, occasion)
    return replace(done, not_reached=(*done.not_reached, *recap.not_reached))


def _take_in(
    folder: Path,
    paths: Sequence[Path],
    arrive: Callable[[], list[Arrival]],
    plan: Plan,
    occasion: Occasion,
) -> Recap:
    made = None
    if not has_store(folder):
        made = create_store(folder, occasion.command, occasion.by)
    with closing(open_for_writing(folder)) as connection:
        is_single, registers = len(paths) == 1, Registers(connection)
        run = _Run(folder, plan, occasion, is_single, registers)
        with explained():
            clock = check_clock(connection)
        taken: dict[Path, Taken] = {}
        warnings: list[Problem] = []
        trace = ""
        try:
            arrivals = _without_conflicts(
                connection, run, [one for one in arrive() if one.path in paths]
            )
            for group in _group_files(arrivals):
                _look_ahead(connection, run, group)
                for arrival in group:
                    taken[arrival.path] = _take_one(connection, run, arrival)
            warnings, trace = _find_warnings(connection, run)
        except KeyboardInterrupt:
            # Each file is in or not: what was not reached can follow, so the user is told which.
            pass
    files = tuple(taken[path] for path in paths if path in taken)
    left = tuple(path for path in paths if path not in taken)
    created = None if made is None else tuple(made)
    return Recap(files, created, (*clock, *warnings), trace, left)


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


def _without_conflicts(
    connection: sqlite3.Connection, run: _Run, arrivals: Sequence[Arrival]
) -> list[Arrival]:
    """Add to each file where other files of this import contradict it."""
    digests = [one.delivery.digest for one in arrivals if one.delivery is not None]
    with explained():
        known = {digest for digest in digests if is_known(connection, digest)}
    conflicts = _find_conflicts(arrivals, known)
    return [
        replace(one, problems=(*one.problems, *conflicts.get(one.path, ()))) for one in arrivals
    ]


def _find_conflicts(
    arrivals: Sequence[Arrival], known: Collection[str]
) -> dict[Path, list[Problem]]:
    """Return, by file, where two files say different things: nobody can know which one is right.

    A unit's form may differ from the office's register. That is not told here, because the register
    came first. Nor is it told of files whose digest is ``known``, which the store has already: a newer
    file may well say something else.
    """
    rows: dict[tuple[object, ...], list[_Row]] = {}
    for arrival in arrivals:
        delivery = arrival.delivery
        if delivery is None or has_errors(arrival.problems) or delivery.digest in known:
            continue
        for part in delivery.records:
            kind = part.table, is_beside_returns(part, delivery)
            key = list(dictionary().tables[part.table].key)
            for row, *values in part.text[key].itertuples(name=None):
                rows.setdefault((*kind, *values), []).append((arrival.path, part, row))
    found: dict[Path, list[Problem]] = {}
    for same in rows.values():
        for mine, its in permutations(same, 2):
            if mine[0] != its[0]:
                found.setdefault(mine[0], []).extend(_differences(mine, its))
    return {path: list(dict.fromkeys(problems)) for path, problems in found.items()}


_Row = tuple[Path, Records, int]


def _differences(mine: _Row, its: _Row) -> list[Problem]:
    (path, part, row), (other, its_part, its_row) = mine, its
    table = dictionary().tables[part.table]
    problems, advice = [], _propose_later(path, other)
    for name in part.text.columns.intersection(its_part.text.columns):
        here, there = part.text.at[row, name], its_part.text.at[its_row, name]
        gives_way = name in LISTED.get(table.name, ()) and (
            part.is_form(name) != its_part.is_form(name)
        )
        if here != there and not gives_way:
            told = show_figure(table.columns[name], there)
            message = (
                f"«{table.columns[name].vi}» ở tệp {other.name} trong cùng lần nhập này là"
                f" {told}; chưa nhận tệp nào trong hai tệp, hãy giữ lại một tệp"
            )
            problem = part.problem(path.name, name, row, code="two_deliveries", message=message)
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


def _group_files(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Yield the files in their order, in groups that can be judged together."""
    group: list[Arrival] = []
    taken: set[Key] = set()
    for arrival in arrivals:
        units = _units_of(arrival)
        if group and (not units or taken & units or len(taken | units) > _MOST_UNITS):
            yield group
            group, taken = [], set()
        group.append(arrival)
        taken |= units
        if not units:
            yield group
            group = []
    if group:
        yield group


def _units_of(arrival: Arrival) -> set[Key]:
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


def _look_ahead(connection: sqlite3.Connection, run: _Run, group: Sequence[Arrival]) -> None:
    """Note what the sound files of a group would change; what fails here is told later, of each alone.

    They are taken in together, looked at, and taken out again: a file by itself costs ten times as
    much, which is pandas on tables of one row. Their units differ, so none sees another's rows.
    """
    run.sound, run.last = {}, last_entry(connection)
    new = {
        one: with_keys(one.delivery)
        for one in group
        if one.delivery is not None and not is_known(connection, one.delivery.digest)
    }
    if len(new) < 2:
        return
    with suppress(Exception), explained(), taking_out(connection) as take_out:
        known = _read_known(connection, new.values())
        found = {one.path: _compare(connection, run, new[one], known) for one in new}
        for one, delivery in new.items():
            records = [change.records for change in found[one.path][0]]
            add_entry(connection, _handed(run, one.path, delivery), records)
        changes = [change for own, _ in found.values() for change in own]
        _, wrong = find_errors(connection, changes, run.plan, run.last)
        take_out()
        run.sound = {one.path: found[one.path] for one in new if wrong.isdisjoint(_units_of(one))}


def _take_one(connection: sqlite3.Connection, run: _Run, arrival: Arrival) -> Taken:
    if run.stopped_by:
        return Taken(arrival.path, "refused", problems=run.stopped_by)
    try:
        try:
            with writing(connection):
                return _judge(connection, run, arrival)
        except (InputError, OSError):
            raise
        except Exception as failure:
            # A failure of the program over one file must not stop the others.
            problems = (*arrival.problems, program_error(arrival.path, failure))
            failed = replace(arrival, problems=problems, trace=traceback.format_exc())
        with writing(connection):
            return _refuse(connection, run, failed)
    except InputError as failure:
        # The store could not be written: no file is at fault, none is noted, the others wait too.
        run.stopped_by = tuple(failure.problems)
        return Taken(arrival.path, "refused", problems=run.stopped_by)


def _judge(connection: sqlite3.Connection, run: _Run, arrival: Arrival) -> Taken:
    delivery, problems = arrival.delivery, list(arrival.problems)
    if delivery is None:
        return _refuse(connection, run, arrival)
    path, units = arrival.path, find_units(delivery)
    was_known = is_known(connection, delivery.digest)
    if was_known:
        withdrawn = _only_withdrawn(connection, delivery)
        if withdrawn.records:
            # Whatever else is in it may have been corrected since.
            delivery = withdrawn
            if not run.occasion.reason:
                return _refuse(connection, run, arrival, [_told_withdrawn(path, delivery)])
        elif not (run.occasion.reason and run.is_single):
            problems += _told_older(connection, run, delivery) if run.occasion.reason else []
            return Taken(path, "unchanged", units, problems=tuple(problems))
    # Nothing can be said of a row without its key; that is told already.
    return _weigh(connection, run, replace(arrival, delivery=with_keys(delivery)), was_known)


def _weigh(connection: sqlite3.Connection, run: _Run, arrival: Arrival, was_known: bool) -> Taken:
    """Take a file in, and out again where something speaks against it."""
    path, delivery, problems = arrival.path, arrival.delivery, list(arrival.problems)
    assert delivery is not None
    units = find_units(delivery)
    before = last_entry(connection)
    if before != run.last:
        # Another command has written meanwhile, which may change the judgement.
        run.sound.clear()
    sound = run.sound.get(path)
    strange = find_strangers(delivery, path, run.registers)
    changes, found = sound or _compare(connection, run, delivery)
    # A table beside the store that says the same in other bytes is noted, so that it is known.
    is_noted = bool(changes) or path.resolve().parent == run.folder.resolve()
    with taking_out(connection) as take_out:
        if is_noted:
            is_correction = was_known or any(set(one.keys) - one.new for one in changes)
            handed = _handed(run, path, delivery, run.occasion.reason if is_correction else "")
            entry = add_entry(connection, handed, [change.records for change in changes])
        if changes and sound is None:
            found = [*_broken_rules(connection, run, changes, before), *found]
        found += strange
        errors = [problem for problem in found if problem.severity == "error"]
        is_refused = errors or has_errors(problems)
        if is_refused:
            take_out()
    if has_register(delivery):
        run.registers.forget()  # what was taken out again too
    if is_refused:
        # What cannot be read counts as empty here: it is told once, as what it is.
        told = {_place_of(problem) for problem in problems if problem.severity == "error"}
        return _refuse(connection, run, arrival, [p for p in errors if _place_of(p) not in told])
    problems += found
    if not is_noted:
        return Taken(path, "unchanged", units, problems=tuple(problems))
    run.last = entry
    run.brought |= {(one.table.name, key) for one in changes for key in one.keys.values()}
    rows = sum(len(change.keys) for change in changes)
    return Taken(path, "accepted" if rows else "unchanged", units, rows, tuple(problems))


def _broken_rules(
    connection: sqlite3.Connection, run: _Run, changes: Sequence[SheetChange], before: int
) -> Iterator[Problem]:
    for problem in find_errors(connection, changes, run.plan, before)[0]:
        if problem.code == "unknown_unit" and not run.registers.of(str(problem.year)).names:
            # Of a year without any register that is what is missing, not its units.
            yield replace(problem, message=NO_REGISTER.format(year=problem.year))
        elif not (run.occasion.reason and problem.code == "lone_one"):  # with a reason, 1 is meant
            yield problem


def _only_withdrawn(connection: sqlite3.Connection, delivery: Delivery) -> Delivery:
    """Return the rows of a delivery that were withdrawn."""
    last, records = last_entry(connection), []
    for part in with_keys(delivery).records:
        key = list(dictionary().tables[part.table].key)
        gone = withdrawn_keys(connection, dictionary().tables[part.table], last)
        rows = [row in gone for row in part.text[key].itertuples(index=False, name=None)]
        if any(rows):
            records.append(replace(part, text=part.text[rows]))
    return replace(delivery, records=tuple(records))


def _told_withdrawn(path: Path, delivery: Delivery) -> Problem:
    named = "; ".join(
        f"{table.vi}: {', '.join(' '.join(reversed(key)) for key in keys)}"
        for part in delivery.records
        for table in (dictionary().tables[part.table],)
        for keys in (part.text[list(table.key)].itertuples(index=False, name=None),)
    )
    message = f"số liệu trong tệp này đã được rút lại ({named})"
    found = error(message, code="withdrawn", file=path.name)
    return replace(found, advice='muốn nhận lại thì chạy với --supersede "lý do"')


def _told_older(connection: sqlite3.Connection, run: _Run, delivery: Delivery) -> list[Problem]:
    """Tell that a file's figures were corrected since: among other files it does not restore them."""
    found = [
        problem
        for change in _compare(connection, run, delivery)[0]
        for problem in need_reason(change, change.replaced, delivery.file)
    ]
    message = (
        "tệp này đã nhận trước đây, sau đó số liệu đã được thay; muốn lấy lại số của tệp thì nhập"
        ' riêng tệp này với --supersede "lý do"'
    )
    return [
        replace(one, severity="warning", code="older", message=message, advice="")
        for one in found[:1]
    ]


def _place_of(problem: Problem) -> tuple[str, int | None, str, str]:
    return problem.sheet, problem.row, problem.cell, problem.column


def _compare(
    connection: sqlite3.Connection,
    run: _Run,
    delivery: Delivery,
    known: dict[str, Known] | None = None,
) -> tuple[list[SheetChange], list[Problem]]:
    """Return what a file would change, and its problems: errors against it, and what else to tell."""
    repeated = repeated_keys(delivery.file, delivery.records)
    if repeated:
        return [], repeated
    known = known or _read_known(connection, [delivery])
    changes, told = [], []
    for part in delivery.records:
        rows = known[part.table]
        if is_beside_returns(part, delivery):
            part = only_news(part, rows, run.plan.issuer.id)
        change = compare_rows(part, rows)
        if not run.occasion.reason:
            part, left = leave_to_forms(connection, change, part, delivery.file)
            told += left
            change = compare_rows(part, rows) if left else change
        if change.keys:
            changes.append(change)
            given_way = find_given_way(connection, change)
            told += tell_given_way(change, given_way, delivery.file)
            if not run.occasion.reason:
                told += need_reason(change, change.replaced - given_way, delivery.file)
    return changes, told


def _read_known(connection: sqlite3.Connection, deliveries: Iterable[Delivery]) -> dict[str, Known]:
    """Return what the store has of the rows that files bring, by table."""
    keys: dict[str, list[pd.DataFrame]] = {}
    for part in (part for delivery in deliveries for part in delivery.records):
        keys.setdefault(part.table, []).append(part.text[list(dictionary().tables[part.table].key)])
    last = last_entry(connection)
    rows = {
        name: read_rows(connection, dictionary().tables[name], last, pd.concat(frames))
        for name, frames in keys.items()
    }
    return {
        name: {tuple(row[part] for part in dictionary().tables[name].key): row for row in found}
        for name, frame in rows.items()
        for found in (frame.to_dict("records"),)
    }


def _refuse(
    connection: sqlite3.Connection, run: _Run, arrival: Arrival, more: Sequence[Problem] = ()
) -> Taken:
    path, problems = arrival.path, (*arrival.problems, *more)
    errors = sum(problem.severity == "error" for problem in problems)
    units = find_units(arrival.delivery) if arrival.delivery is not None else ()
    named = units or (_named_by(path, run.occasion.year),)
    handed = _handed(run, path, arrival.delivery)
    run.last = add_entry(connection, handed, errors=max(errors, 1), refused=named)
    return Taken(path, "refused", units, problems=problems, trace=arrival.trace)


def _named_by(path: Path, year: int | None) -> tuple[str, str]:
    """Tell whose a file is that cannot be read: a form's name begins with the unit, ends with the year."""
    unit, _, rest = path.stem.partition("_")
    end = rest.rpartition("_")[2]
    return str(year or (end if end.isdigit() else "")), unit


def _handed(run: _Run, path: Path, delivery: Delivery | None, reason: str = "") -> Handed:
    if delivery is None:
        return Handed(run.occasion.command, path.name, _digest(path), reason, run.occasion.by)
    return Handed(run.occasion.command, delivery.file, delivery.digest, reason, run.occasion.by)


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file that could not be read as a delivery; empty if not at all."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _find_warnings(connection: sqlite3.Connection, run: _Run) -> tuple[list[Problem], str]:
    """Return what is odd in the rows that this import brought, and where the program failed over it."""
    if not run.brought:
        return [], ""
    try:
        with explained():
            return _odd_rows(connection, run), ""
    except (InputError, OSError):
        raise
    except Exception:
        message = "lỗi của chương trình khi tìm số liệu bất thường; hãy gửi nhật ký lỗi cho người phụ trách"
        return [error(message, code="program_error")], traceback.format_exc()


def _odd_rows(connection: sqlite3.Connection, run: _Run) -> list[Problem]:
    """Return what is odd in the rows that this import brought, beside all of those years."""
    # The first part of a key is a year or a day, but for what became of communes.
    touched = {int(key[0][:4]) for name, key in run.brought if name != "communes"}
    years = sorted(touched | {year - 1 for year in touched})
    wanted, last = pd.DataFrame({"year": map(str, years)}), last_entry(connection)
    tables: dict[str, pd.DataFrame] = {}
    ours: set[tuple[str, int | None]] = set()
    for name, table in dictionary().tables.items():
        text = read_rows(connection, table, last, wanted if "year" in table.key else None)
        tables[name] = type_table(text, table, name, [])
        ours |= {
            (name, row) for row, key in row_keys(table, text).items() if (name, key) in run.brought
        }
    odd = check_oddities(Dataset(tables, {name: name for name in tables}))
    return Origin(run.folder, last).locate([p for p in odd if (p.file, p.row) in ours], tables)


def format_recap(recap: Recap) -> str:
    """Tell what was accepted, what was there already, and what was refused with its errors."""
    lines = []
    if recap.created_from is not None:
        begin = ", ".join(recap.created_from) or "chưa có bảng nào"
        lines.append(f"Đã lập kho số liệu {STORE} (từ: {begin}).")
    warnings = _format_warnings(recap)
    lines += warnings[:_MOST_WARNINGS]
    if len(warnings) > _MOST_WARNINGS:
        more = len(warnings) - _MOST_WARNINGS
        lines.append(f"và {more} cảnh báo khác; xem đủ bằng congdoan check")
    for outcome, title in _TITLES.items():
        files = [taken for taken in recap.files if taken.outcome == outcome]
        if files:
            lines.append(f"{title}: {len(files)} tệp")
            lines += [f"  {_format_taken(taken)}" for taken in files]
    if recap.not_reached:
        title = "Đã dừng theo yêu cầu, chưa đến lượt; hãy chạy lại lệnh để nhận tiếp"
        lines.append(f"{title}: {len(recap.not_reached)} tệp")
        lines += [f"  {path.name}" for path in recap.not_reached]
    for taken in recap.files:
        if taken.outcome == "refused":
            errors = [problem for problem in taken.problems if problem.severity == "error"]
            lines.append(f"\n{taken.path.name}: {len(errors)} lỗi")
            told, others = tell_first(errors)
            lines += [f"  {with_heading(problem)}" for problem in told]
            lines += [f"  {others}"] if others else []
    return "\n".join(lines)


def format_traces(traces: Mapping[str, str]) -> str:
    """Tell the maintainers where the program failed; a trace shows only the cell that broke it."""
    about = f"congdoan {version('congdoan')}, Python {python_version()}, {platform()}"
    return "\n\n".join([about, *(f"{name or '-'}\n{trace}" for name, trace in traces.items())])


def _format_warnings(recap: Recap) -> list[str]:
    given = [problem for taken in recap.files for problem in taken.problems]
    both = [problem for problem in given if problem.severity == "warning"] + [*recap.warnings]
    return [str(with_heading(problem)) for problem in both if problem.code != GAVE_WAY]


def _format_taken(taken: Taken) -> str:
    units = [f"{unit} ({year})" for year, unit in taken.units]
    named = ", ".join(units[:_MOST_NAMED])
    if len(units) > _MOST_NAMED:
        named += f" và {len(units) - _MOST_NAMED} CĐCS khác"
    rows = f", {taken.rows} dòng" if taken.rows else ""
    told = "".join(f"\n    {one.message}" for one in taken.problems if one.code == GAVE_WAY)
    return f"{taken.path.name}{rows}" + (f": {named}" if named else "") + told
