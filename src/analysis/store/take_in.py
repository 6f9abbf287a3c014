"""Taking files in: all or nothing per file, every error at once, nothing lost, nothing twice."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version
from tempfile import TemporaryDirectory
from typing import Literal

import pandas as pd

from analysis.plan import Plan
from analysis.problems import InputError, Problem, error, has_errors, tell_first
from analysis.store.arrivals import (
    Arrival,
    Reader,
    find_conflicts,
    group_files,
    has_register,
    judge_together,
    program_error,
    read_all,
)
from analysis.store.judge import (
    GAVE_WAY,
    Key,
    Registers,
    SheetChange,
    brought_twice,
    compare_rows,
    find_errors,
    find_given_way,
    find_replaced,
    find_strangers,
    is_beside_returns,
    leave_to_forms,
    need_reason,
    only_news,
    tell_given_way,
)
from analysis.store.log import (
    Handed,
    add_entry,
    add_new_columns,
    check_clock,
    create_store,
    open_for_writing,
    writing,
)
from analysis.tables.check import NO_REGISTER, check_oddities
from analysis.tables.delivery import Delivery, find_units, repeated_keys, with_keys
from analysis.tables.dictionary import dictionary, with_heading
from analysis.tables.files import DESCRIPTION, STORE
from analysis.tables.load import Dataset, type_table
from analysis.tables.storefile import (
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
    trace : str
        Where the program itself failed over the file; empty if it did not.
    """

    path: Path
    outcome: Outcome
    units: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    problems: tuple[Problem, ...] = ()
    trace: str = ""


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
    trace : str
        Where the program itself failed when it looked for that; empty if it did not.
    not_reached : tuple of Path
        If the user stopped the import: the files that it had not come to.
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

    Attributes
    ----------
    command, reason, by : str
        The command, why figures are replaced (without a reason nothing is), and who says so.
    year : int, optional
        The year that the files are about, to note whose file could not be read.
    """

    command: str = "congdoan import"
    reason: str = ""
    by: str = ""
    year: int | None = None


@dataclass
class _Run:
    """One import: its occasion, and which file brought which row so far."""

    folder: Path
    plan: Plan
    occasion: Occasion
    is_single: bool
    registers: Registers
    brought: dict[tuple[str, Key], str] = field(default_factory=dict)
    last: int = 0  # the store's last entry, as long as no other command adds one
    sound: dict[Path, list[SheetChange]] = field(default_factory=dict)
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
        with explained(folder / STORE), writing(connection):
            add_new_columns(connection)
            clock = check_clock(connection)
        taken: dict[Path, Taken] = {}
        warnings: list[Problem] = []
        trace = ""
        try:
            arrivals = _compared(connection, run, [one for one in arrive() if one.path in paths])
            for group in group_files(arrivals):
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


def _compared(
    connection: sqlite3.Connection, run: _Run, arrivals: Sequence[Arrival]
) -> list[Arrival]:
    """Add to each file where other files of this import contradict it."""
    digests = [one.delivery.digest for one in arrivals if one.delivery is not None]
    with explained(run.folder / STORE):
        known = {digest for digest in digests if is_known(connection, digest)}
    conflicts = find_conflicts(arrivals, known)
    return [
        replace(one, problems=(*one.problems, *conflicts.get(one.path, ()))) for one in arrivals
    ]


def _look_ahead(connection: sqlite3.Connection, run: _Run, group: Sequence[Arrival]) -> None:
    """Note which files of a group are sound; what fails here is told later, when each is judged."""
    run.sound = {}
    with suppress(Exception):
        run.last = last_entry(connection)
        run.sound = judge_together(connection, group, run.plan)


def _seen_ahead(connection: sqlite3.Connection, run: _Run, path: Path) -> list[SheetChange] | None:
    if last_entry(connection) != run.last:
        # Another command has written meanwhile, which may change the judgement.
        run.sound.clear()
    return run.sound.get(path)


def _take_one(connection: sqlite3.Connection, run: _Run, arrival: Arrival) -> Taken:
    if run.stopped_by:
        return Taken(arrival.path, "refused", problems=run.stopped_by)
    try:
        try:
            with explained(run.folder / STORE), writing(connection):
                return _judge(connection, run, arrival)
        except (InputError, OSError):
            raise
        except Exception as failure:
            # A failure of the program over one file must not stop the others.
            problems = (*arrival.problems, program_error(arrival.path, failure))
            failed = replace(arrival, problems=problems, trace=traceback.format_exc())
        with explained(run.folder / STORE), writing(connection):
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
    delivery = with_keys(delivery)
    sound = None if was_known else _seen_ahead(connection, run, path)
    changes, found = _compare(connection, run, delivery, sound)
    found += find_strangers(delivery, path, run.registers)
    errors = [problem for problem in found if problem.severity == "error"]
    if errors or has_errors(problems):
        # What cannot be read counts as empty here: it is told once, as what it is.
        told = {_place_of(problem) for problem in problems if problem.severity == "error"}
        more = [problem for problem in errors if _place_of(problem) not in told]
        return _refuse(connection, run, arrival, more)
    problems += found
    if not changes and path.resolve().parent != run.folder.resolve():
        return Taken(path, "unchanged", units, problems=tuple(problems))
    # A table beside the store that says the same in other bytes is noted, so that it is known.
    is_correction = was_known or any((~change.is_new).any() for change in changes)
    handed = _handed(run, path, delivery, run.occasion.reason if is_correction else "")
    run.last = add_entry(connection, handed, [change.records for change in changes])
    if has_register(delivery):
        run.registers.forget()
    for change in changes:
        run.brought |= {(change.table.name, key): delivery.file for key in change.keys}
    rows = sum(len(change.after) for change in changes)
    return Taken(path, "accepted" if rows else "unchanged", units, rows, tuple(problems))


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
        for change in _changes(connection, run, delivery)[0]
        for problem in need_reason(change, find_replaced(change), delivery.file)
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
    sound: list[SheetChange] | None = None,
) -> tuple[list[SheetChange], list[Problem]]:
    """Return what a file would change, and its problems: errors against it, and what else to tell.

    ``sound`` is what it would change, where that is known to break no rule.
    """
    errors = repeated_keys(delivery.file, delivery.records)
    if errors:
        return [], errors
    changes, told = _changes(connection, run, delivery) if sound is None else (sound, [])
    for change in changes:
        replaced = find_replaced(change)
        given_way = find_given_way(connection, change, replaced)
        told += tell_given_way(change, given_way, delivery.file)
        errors += brought_twice(change, replaced - given_way, delivery.file, run.brought)
        errors += (
            [] if run.occasion.reason else need_reason(change, replaced - given_way, delivery.file)
        )
    if sound is None:
        found = find_errors(connection, changes, delivery.file, run.plan)
        # With a reason given, a lone 1 is meant.
        asked = [one for one in found if not (run.occasion.reason and one.code == "lone_one")]
        errors += [_tell_first_year(run.registers, one) for one in asked]
    return changes, errors + told


def _tell_first_year(registers: Registers, problem: Problem) -> Problem:
    """Tell of a unit unknown in a year without any register that the register is missing."""
    if problem.code != "unknown_unit" or registers.of(str(problem.year)).names:
        return problem
    return replace(problem, message=NO_REGISTER.format(year=problem.year))


def _changes(
    connection: sqlite3.Connection, run: _Run, delivery: Delivery
) -> tuple[list[SheetChange], list[Problem]]:
    """Return what a file would change, and what of it was left out."""
    last = last_entry(connection)
    changes, told = [], []
    for part in delivery.records:
        table = dictionary().tables[part.table]
        state = read_rows(connection, table, last, part.text[list(table.key)])
        if is_beside_returns(part, delivery):
            part = only_news(part, state, run.plan.issuer.id)
        change = compare_rows(part, state)
        if not run.occasion.reason:
            part, left = leave_to_forms(connection, change, part, delivery.file)
            told += left
            change = compare_rows(part, state) if left else change
        if len(change.after):
            changes.append(change)
    return changes, told


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
        return _odd_rows(connection, run), ""
    except (InputError, OSError):
        raise
    except Exception:
        message = "lỗi của chương trình khi tìm số liệu bất thường; hãy gửi nhật ký lỗi cho người phụ trách"
        return [error(message, code="program_error")], traceback.format_exc()


def _odd_rows(connection: sqlite3.Connection, run: _Run) -> list[Problem]:
    """Return what is odd in the rows that this import brought, beside all that is there."""
    with explained(run.folder / STORE):
        last = last_entry(connection)
        tables = _surroundings(connection, run, last)
    dataset = Dataset(tables, {name: name for name in tables})
    rows = _find_ours(run, tables)
    ours = [p for p in check_oddities(dataset) if (p.file, p.row) in rows]
    return Origin(run.folder, last).locate(ours, tables)


def _surroundings(connection: sqlite3.Connection, run: _Run, last: int) -> dict[str, pd.DataFrame]:
    """Return the tables of the years that were touched, and of the years before them."""
    # The first part of a key is a year or a day, but for what became of communes.
    touched = {int(key[0][:4]) for name, key in run.brought if name != "communes"}
    years = [str(year) for year in sorted(touched | {year - 1 for year in touched})]
    wanted = pd.DataFrame({"year": years})
    return {
        name: type_table(
            read_rows(connection, table, last, wanted if "year" in table.key else None),
            *(table, name, []),
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


def format_recap(recap: Recap) -> str:
    """Tell what was accepted, what was there already, and what was refused with its errors.

    Parameters
    ----------
    recap : Recap
        From `take_in`.
    """
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
    """Tell the maintainers where the program failed; a trace shows only the cell that broke it.

    Parameters
    ----------
    traces : mapping of str to str
        From `Recap.traces`.
    """
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
