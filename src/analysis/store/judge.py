"""Whether what a file brings fits the dataset as it would be then, and whose figures they are."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from analysis.plan import Plan
from analysis.problems import Problem
from analysis.results.members import is_expected, why_not_expected
from analysis.store.merge import Key, SheetChange
from analysis.tables.check import check_rules
from analysis.tables.delivery import Delivery, Records, find_units
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset, type_table
from analysis.tables.oddities import find_lone_ones
from analysis.tables.stored import at_place, find_place, read_rows, row_keys
from analysis.tables.storefile import last_entry
from analysis.tables.writing import bare, loosely
from analysis.tasks import check_tasks

#: A file of more units than this is not named after one of them.
_FEW_UNITS = 20
#: A shorter name may stand in a file's name by chance.
_LEAST_WORDS = 3
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, eq=False)
class _Merged:
    """The rows that a file touches, as they would be with it.

    Attributes
    ----------
    text : dict of str to DataFrame
        By table; the index counts on from 2.
    brought : dict of str to list of (Records, row)
        Where the first rows of each table stand in the file; the others are the store's.
    """

    text: dict[str, pd.DataFrame]
    brought: dict[str, list[tuple[Records, int]]]


def find_errors(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], file: str, plan: Plan
) -> list[Problem]:
    """Return every rule that the dataset would break with these changes.

    Only the rows that a change can touch are looked at: its own, and the register and return rows
    of its units. All others are as sound as before.

    Parameters
    ----------
    connection : Connection
        The store as it is.
    changes : sequence of SheetChange
        What the file brings.
    file : str
        Its name.
    plan : Plan
        Its cut-off tells who has to report.

    Returns
    -------
    list of Problem
        With the sheet and cell of the file, or of the earlier file that a figure came from.
    """
    merged, problems = _broken_rules(connection, changes, plan)
    last = last_entry(connection)
    return [_locate(connection, problem, merged, file, last) for problem in problems]


def find_suspects(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], plan: Plan
) -> set[Key]:
    """Return year and unit of every row that would break a rule.

    Parameters
    ----------
    connection, changes, plan
        As for `find_errors`; each of the tables has a unit and a year.
    """
    merged, problems = _broken_rules(connection, changes, plan)
    rows = [merged.text[one.file].loc[one.row] for one in problems]
    return {(str(row["year"]), str(row.get("unit_id", row.get("holder_id")))) for row in rows}


def _broken_rules(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], plan: Plan
) -> tuple[_Merged, list[Problem]]:
    merged = _merge(connection, changes)
    problems: list[Problem] = []
    tables = {
        name: type_table(text, dictionary().tables[name], name, problems)
        for name, text in merged.text.items()
    }
    dataset = Dataset(tables, {name: name for name in tables})
    problems += [*check_rules(dataset), *check_tasks(dataset, plan)]
    problems += _not_asked(dataset, changes, plan)
    problems += _empty_returns(changes)
    problems += _lone_ones(dataset, merged)
    return merged, [problem for problem in problems if problem.severity == "error"]


def _merge(connection: sqlite3.Connection, changes: Sequence[SheetChange]) -> _Merged:
    tables = dictionary().tables
    units = _units(changes)
    last = last_entry(connection)
    text, brought = {}, {}
    for name, table in tables.items():
        parts = [change for change in changes if change.table.name == name]
        rows = [change.after for change in parts]
        brought[name] = [(c.records, int(str(row))) for c in parts for row in c.after.index]
        if name in ("roster", "returns", "tasks", "evidence"):
            key = list(table.key)
            who = units.set_axis(["year", "unit_id" if "unit_id" in key else "holder_id"], axis=1)
            state = read_rows(connection, table, last, who)
            if rows:
                ours = pd.MultiIndex.from_frame(pd.concat(rows)[key])
                state = state[~pd.MultiIndex.from_frame(state[key]).isin(ours)]
            rows = [*rows, state]
        empty = pd.DataFrame(columns=list(table.columns), dtype="str")
        text[name] = pd.concat(rows, ignore_index=True) if rows else empty
        text[name].index += 2
    return _Merged(text, brought)


def _units(changes: Sequence[SheetChange]) -> pd.DataFrame:
    """Return the units, by year, that the rows of the changes name."""
    key = ["year", "unit_id"]
    rows = [c.after.rename(columns={"holder_id": "unit_id"}) for c in changes]
    named = [frame[key] for frame in rows if {*key} <= {*frame}]
    return pd.concat([pd.DataFrame(columns=key), *named]).drop_duplicates()


def _not_asked(dataset: Dataset, changes: Sequence[SheetChange], plan: Plan) -> list[Problem]:
    """Return an error for a first return of a unit that did not exist on the cut-off day."""
    absent = dataset.roster[~is_expected(dataset.roster, plan)]
    years, units = absent["year"].astype(str), absent["unit_id"]
    absent = absent.set_index(pd.MultiIndex.from_arrays([years, units]))
    problems = []
    for row, key, is_new in _rows_of("returns", changes):
        if is_new and key in absent.index:
            reason = why_not_expected(absent.loc[[key]].iloc[0], plan, int(key[0]))
            message = (
                f"CĐCS này {reason} nên không phải báo cáo năm {key[0]}; hãy xem lại mã và năm"
            )
            problems.append(
                Problem("error", "not_asked", "returns", row, "unit_id", key[1], message)
            )
    return problems


def _empty_returns(changes: Sequence[SheetChange]) -> list[Problem]:
    """Return an error for a return without any figure, which would only seem to have come."""
    columns = dictionary().tables["returns"].columns.values()
    keys = dictionary().tables["returns"].key
    figures = [c.name for c in columns if c.type.name != "text" and c.name not in keys]
    parts = [change.after for change in changes if change.table.name == "returns"]
    empty = [is_empty for part in parts for is_empty in (part[figures] == "").all(axis=1)]
    message = "báo cáo chưa điền số liệu nào"
    return [
        Problem("error", "empty_return", "returns", row, "unit_id", key[1], message)
        for (row, key, _), is_empty in zip(_rows_of("returns", changes), empty, strict=True)
        if is_empty
    ]


def _lone_ones(dataset: Dataset, merged: _Merged) -> list[Problem]:
    """Return an error for each lone 1 from a workbook, where nothing tells 100% from one person."""
    found = []
    for problem in find_lone_ones(dataset):
        brought = dict(enumerate(merged.brought[problem.file], start=2)).get(problem.row or 0)
        if brought and brought[0].sheet:
            advice = 'nếu đúng là 1 người thì nhập lại với --supersede "lý do"'
            found.append(replace(problem, severity="error", advice=advice))
    return found


def _rows_of(name: str, changes: Sequence[SheetChange]) -> Iterator[tuple[int, Key, bool]]:
    """Yield the rows of a table as `_merge` numbers them: row, key, whether the key is new."""
    parts = [change for change in changes if change.table.name == name]
    keys = [key for part in parts for key in part.keys]
    new = [bool(is_new) for part in parts for is_new in part.is_new]
    yield from zip(range(2, len(keys) + 2), keys, new, strict=True)


def _locate(
    connection: sqlite3.Connection, problem: Problem, merged: _Merged, file: str, last: int
) -> Problem:
    """Name the cell: in this file, or in the earlier file that the figure came from."""
    name, position = problem.file, (problem.row or 2) - 2
    brought = merged.brought[name]
    if position < len(brought):
        records, row = brought[position]
        found = records.problem(
            file, problem.column, row, code=problem.code, message=problem.message
        )
        return replace(found, year=problem.year, advice=problem.advice)
    table = dictionary().tables[name]
    (key,) = row_keys(table, merged.text[name].iloc[[position]]).values()
    place = find_place(connection, table, key, problem.column, last)
    return problem if place is None else at_place(problem, place)


@dataclass(frozen=True)
class UnitNames:
    """The units of a year, to be found by what people write of them.

    Attributes
    ----------
    names : dict of str to str
        What each unit is called, by id.
    parents : dict of str to str
        Who manages it.
    written : dict of str to set of str
        The ids of a name, with all its marks or with none of them.
    """

    names: Mapping[str, str]
    parents: Mapping[str, str]
    written: Mapping[str, set[str]]

    def find(self, name: str) -> set[str]:
        """Return the units of this name, however it is written."""
        loose = _loose(name)
        return self.written.get(loose) or self.written.get(bare(loose)) or set()


@dataclass
class Registers:
    """The registers of the years, each read once."""

    connection: sqlite3.Connection
    _known: dict[str, UnitNames] = field(default_factory=dict)

    def of(self, year: str) -> UnitNames:
        """Return the register of a year."""
        if year not in self._known:
            self._known[year] = self._read(year)
        return self._known[year]

    def forget(self) -> None:
        """Forget the registers, so that changed ones are read again."""
        self._known.clear()

    def _read(self, year: str) -> UnitNames:
        table, last = dictionary().tables["roster"], last_entry(self.connection)
        rows = read_rows(self.connection, table, last, pd.DataFrame({"year": [year]}))
        written: dict[str, set[str]] = {}
        for unit, name in zip(rows["unit_id"], rows["name"], strict=True):
            loose = _loose(name)
            for key in {loose, bare(loose)}:
                written.setdefault(key, set()).add(unit)
        names, parents = (
            dict(zip(rows["unit_id"], rows[column], strict=True)) for column in ("name", "parent")
        )
        return UnitNames(names, parents, written)


def _loose(name: str) -> str:
    """Return a unit's name without the words that every union's name begins with."""
    loose = loosely(name)
    starts = (loosely(start) for start in dictionary().unit_titles)
    start = next((one for one in starts if loose.startswith(one)), "")
    return loose.removeprefix(start) or loose


def find_strangers(delivery: Delivery, path: Path, registers: Registers) -> list[Problem]:
    """Return an error where a file names one unit and holds the figures of another.

    Parameters
    ----------
    delivery : Delivery
        Parts with complete keys.
    path : Path
        The file.
    registers : Registers
        What the units are called.
    """
    problems = [p for part in delivery.records for p in _crossed(part, delivery.file, registers)]
    units = dict.fromkeys(find_units(delivery))
    if not 0 < len(units) <= _FEW_UNITS:
        return problems
    return problems + _named_otherwise(delivery, path, [*units], registers)


def _crossed(part: Records, file: str, registers: Registers) -> Iterator[Problem]:
    """Yield an error for each name that belongs to another unit than the code beside it."""
    if part.names is None or not {"year", "unit_id"} <= {*part.text.columns}:
        return
    printed = part.names.reindex(part.text.index)
    for year, rows in part.text.groupby("year"):
        register = registers.of(str(year))
        found = {name: register.find(name) for name in printed[rows.index].dropna().unique()}
        for row, unit in rows["unit_id"].items():
            name = printed[row]
            others = found.get(name, set())
            if others and unit not in others:
                own = register.names.get(unit)
                message = (
                    f"tên này là của {_both(others, register)}, còn mã {unit}"
                    + (f" là của «{own}»" if own else " không có trong danh sách")
                    + "; mã và tên đã lệch dòng, hãy xem lại cả bảng"
                )
                at = int(str(row))
                problem = part.problem(file, "name", at, code="crossed_name", message=message)
                yield replace(problem, value=name)


def _both(units: set[str], register: UnitNames) -> str:
    return ", ".join(f"{unit} («{register.names[unit]}»)" for unit in sorted(units))


def _named_otherwise(
    delivery: Delivery, path: Path, units: list[tuple[str, str]], registers: Registers
) -> list[Problem]:
    """Return an error if the file is named after a unit that is not in it."""
    inside = {unit for _, unit in units}
    register = registers.of(units[0][0])
    # Whoever manages units may well send their returns.
    inside |= {register.parents.get(unit, "") for unit in inside}
    named = _named_by(path.stem, register)
    if not named or named & inside:
        return []
    part = next(part for part in delivery.records if part.table == "returns")
    message = (
        f"tên tệp ghi {_both(named, register)}, còn trong tệp là mã này; hãy xem lại số liệu là của"
        " ai: nếu đúng của đơn vị trong tệp thì đổi tên tệp, nếu không thì sửa mã trong tệp"
    )
    row = int(str(part.text.index[0]))
    return [part.problem(delivery.file, "unit_id", row, code="other_unit", message=message)]


def _named_by(stem: str, register: UnitNames) -> set[str]:
    """Return the units that a file's name mentions, by code or by full name."""
    words = [*_WORD.finditer(stem)]
    first = stem.partition("_")[0].upper()
    found: dict[tuple[int, int], set[str]] = {}
    for i, start in enumerate(words):
        name = ""
        for j, end in enumerate(words[i:], i):
            name += bare(loosely(end.group()))
            code = stem[start.start() : end.end()].upper()
            if code in register.names and (code == first or not (code.isalpha() or code.isdigit())):
                found[i, j] = {code}
            elif j - i + 1 >= _LEAST_WORDS:
                units = register.written.get(_loose(name), set())
                found |= {(i, j): units} if units else {}
    # "DN-A" is not meant where "DN-A-B" is written.
    longest = [
        one
        for one in found
        if not any(a <= one[0] and one[1] <= b and (a, b) != one for a, b in found)
    ]
    return {unit for one in longest for unit in found[one]}
