"""What a file would change of the store, whether it fits the dataset then, and whose figures it has."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pandas as pd
from babel.numbers import format_decimal

from analysis.plan import Plan
from analysis.problems import Problem
from analysis.results.members import is_expected, why_not_expected
from analysis.tables.check import check_rules, find_lone_ones
from analysis.tables.delivery import Delivery, Records, find_units
from analysis.tables.dictionary import LISTED, Column, Table, dictionary
from analysis.tables.load import Dataset, type_table
from analysis.tables.storefile import (
    at_place,
    find_place,
    key_index,
    last_entry,
    read_rows,
    row_keys,
)
from analysis.tables.writing import bare, loosely
from analysis.tasks import check_tasks

NOT_REPORTED = "(chưa báo cáo)"
_SUPERSEDE = 'muốn thay thì chạy lại với --supersede "lý do"'
_YES_NO = {"true": "có", "false": "không"}
#: Of what a list says otherwise than forms so many figures are named, the others counted.
_MOST_NAMED = 10
#: The code of what is told of a file that was taken in: nobody has to look again.
GAVE_WAY = "gave_way"
Key = tuple[str, ...]
#: Row and column of a changed figure.
Cell = tuple[int, str]
#: A file of more units than this is not named after one of them.
_FEW_UNITS = 20
#: A shorter name may stand in a file's name by chance.
_LEAST_WORDS = 3
_WORD = re.compile(r"[^\W_]+")


def show_figure(column: Column, text: object) -> str:
    """Return a cell's text as a reader sees it; an empty one is told in words.

    Examples
    --------
    >>> columns = dictionary().tables["returns"].columns
    >>> show_figure(columns["fund_due"], "1500000"), show_figure(columns["plan_made"], "false")
    ('1.500.000', 'không')
    >>> show_figure(columns["grade"], "good"), show_figure(columns["informed"], "")
    ('Hoàn thành tốt nhiệm vụ', '(chưa báo cáo)')
    >>> show_figure(columns["informed"], "ba mươi")
    'ba mươi'
    """
    if pd.isna(text) or text == "":
        return NOT_REPORTED
    cell = str(text)
    kind = column.type
    try:
        if kind.is_number and kind.name != "year":
            return str(format_decimal(int(cell), locale="vi"))
        if kind.name == "date":
            return f"{date.fromisoformat(cell):%d/%m/%Y}"
    except ValueError:
        # What is no valid value is shown as it stands.
        return cell
    return _YES_NO.get(cell, cell) if kind.name == "boolean" else _word(column, cell)


def _word(column: Column, cell: str) -> str:
    for words in dictionary().words.values():
        if tuple(words) == column.words:
            return words.get(cell, cell)
    return cell


@dataclass(frozen=True, eq=False)
class SheetChange:
    """Rows of one sheet that are new to the store, or other than it has them.

    ``records`` has no rows that change nothing, and no columns that the file lacks. ``before`` (NA
    where there is none) and ``after`` have all columns, and the index of ``records.text``.
    """

    table: Table
    records: Records
    before: pd.DataFrame
    after: pd.DataFrame

    @property
    def is_new(self) -> pd.Series:
        """Which rows have a key that the store does not know."""
        return self.before[self.table.key[0]].isna()

    @property
    def keys(self) -> list[Key]:
        """The rows' keys."""
        return list(self.after[list(self.table.key)].itertuples(index=False, name=None))


def compare_rows(records: Records, state: pd.DataFrame) -> SheetChange:
    """Put the rows of a sheet beside the state; kept are those that are new or have another figure.

    Their keys are unique; a cell that is NA says nothing.
    """
    table = dictionary().tables[records.table]
    key = list(table.key)
    names = [name for name in table.columns if name in records.text.columns]
    text = records.text[names].astype("str")
    before = state.set_index(key_index(table, state))
    before = before.reindex(key_index(table, text)).set_axis(text.index)
    after = before.fillna("")
    after[names] = text.where(text.notna(), after[names])
    changed = (after != before.fillna("")).any(axis=1) | before[key[0]].isna()
    kept = Records(table.name, text[changed], records.sheet, records.addresses)
    return SheetChange(table, kept, before[changed], after[changed])


def is_beside_returns(part: Records, delivery: Delivery) -> bool:
    """Tell whether register rows stand on a sheet of returns, like the head of a unit's form."""
    on_sheet = {other.table for other in delivery.records if other.sheet == part.sheet}
    return part.table == "roster" and "returns" in on_sheet


def only_news(part: Records, state: pd.DataFrame, issuer: str) -> Records:
    """Keep, of register rows on a form, what is new to the office's register.

    An empty line of a form removes nothing from the register, no unit adds itself to it, and naming
    the issuer as parent means naming none.
    """
    table = dictionary().tables[part.table]
    known = state.set_index(key_index(table, state))
    rows = part.text[key_index(table, part.text).isin(known.index)]
    text = rows.mask(rows == "")
    if "parent" in text:
        parents = known["parent"].reindex(key_index(table, rows)).to_numpy()
        text["parent"] = text["parent"].mask((text["parent"] == issuer) & (parents == ""))
    return replace(part, text=text)


def find_replaced(change: SheetChange) -> set[Cell]:
    """Return the figures that a file replaces.

    A first return may fill gaps of the register. A second return is a correction, whatever it
    changes.
    """
    known = ~change.is_new
    if not known.any():
        return set()
    found: set[Cell] = set()
    for name in change.records.text.columns:
        before = change.before[name]
        other = known & (change.after[name] != before)
        if change.table.name == "roster":
            other &= before != ""
        found |= {(int(str(row)), name) for row in change.after.index[other]}
    return found


def need_reason(change: SheetChange, cells: Collection[Cell], file: str) -> list[Problem]:
    """Return an error for each figure that the file replaces: that needs a reason."""
    problems = []
    for row, name in sorted(cells):
        column = change.table.columns[name]
        message = f"«{column.vi}» đã có số liệu khác: {show_both(change, (row, name))}"
        problem = change.records.problem(file, name, row, code="superseded", message=message)
        problems.append(replace(problem, advice=_SUPERSEDE))
    return problems


def show_both(change: SheetChange, cell: Cell) -> str:
    """Show a figure before and after."""
    row, name = cell
    column = change.table.columns[name]
    return " → ".join(show_figure(column, f.at[row, name]) for f in (change.before, change.after))


def brought_twice(
    change: SheetChange, cells: Collection[Cell], file: str, run: Mapping[tuple[str, Key], str]
) -> list[Problem]:
    """Return an error for every row that another file of the same import says otherwise.

    The register and a unit's own form may each bring a part of the unit's row. ``run`` tells which
    file of the import brought each row before.
    """
    problems = []
    column = change.table.key[-1]
    replaced = {row for row, _ in cells}
    for row, key in zip(change.after.index, change.keys, strict=True):
        other = run.get((change.table.name, key))
        if other is not None and row in replaced:
            message = f"tệp {other} trong cùng lần nhập này có số liệu khác; hãy giữ lại một tệp"
            problems.append(
                change.records.problem(
                    file, column, int(row), code="two_deliveries", message=message
                )
            )
    return problems


def find_given_way(
    connection: sqlite3.Connection, change: SheetChange, cells: Collection[Cell]
) -> set[Cell]:
    """Return the counts of a list that a form replaces, where no form of the unit stands yet.

    What else of a return is empty then was not asked yet, and the form fills it in.
    """
    last, returns = last_entry(connection), dictionary().tables["returns"]
    found: set[Cell] = set()
    if change.table.name not in LISTED:
        return found
    unasked = {cell for cell in cells if change.before.at[cell] == ""}
    for row, name in {*_counts(change, cells), *unasked}:
        if not change.records.is_form(name):
            continue
        key = change.after.loc[row, list(change.table.key)].to_list()
        places = (
            find_place(connection, change.table, key, name, last),
            find_place(connection, returns, key, "unit_id", last),
        )
        if not any(place is not None and place.is_form for place in places):
            found.add((row, name))
    return found


def _counts(change: SheetChange, cells: Collection[Cell]) -> list[Cell]:
    """Return the counts among these figures that lists give, row by row as the form asks them."""
    given = LISTED.get(change.table.name, ())
    order = [name for name in change.table.columns if name in given]
    counts = (cell for cell in cells if cell[1] in order)
    return sorted(counts, key=lambda cell: (cell[0], order.index(cell[1])))


def tell_given_way(change: SheetChange, cells: Collection[Cell], file: str) -> list[Problem]:
    """Tell which counts of the list a form has replaced."""
    if not _counts(change, cells):
        return []
    told = (
        f"{change.table.columns[cell[1]].vi} {show_both(change, cell)}"
        for cell in _counts(change, cells)
    )
    message = f"lấy số của phiếu thay số của danh sách: {', '.join(told)}"
    return [Problem("warning", GAVE_WAY, file, None, "", "", message)]


def leave_to_forms(
    connection: sqlite3.Connection, change: SheetChange, part: Records, file: str
) -> tuple[Records, list[Problem]]:
    """Leave out of a list the counts for which a unit's own form says something else, and tell it."""
    last, table = last_entry(connection), change.table
    left = []
    for row, name in _counts(change, find_replaced(change)):
        key = change.after.loc[row, list(table.key)].to_list()
        place = find_place(connection, table, key, name, last)
        if place is not None and place.is_form and not change.records.is_form(name):
            left.append((row, name))
    if not left:
        return part, []
    text, told = part.text.copy(), []
    for row, name in left:
        text.loc[row, name] = None
        unit = change.after.at[row, "unit_id"]
        there, here = (
            show_figure(table.columns[name], f.at[row, name]) for f in (change.before, change.after)
        )
        told.append(f"{unit}, {table.columns[name].vi}: phiếu {there}, danh sách {here}")
    more = f"; và {len(told) - _MOST_NAMED} số khác" if len(told) > _MOST_NAMED else ""
    message = (
        f"{len(told)} số trong danh sách khác số trong phiếu của chính đơn vị, giữ số của phiếu:"
        f" {'; '.join(told[:_MOST_NAMED])}{more}. Muốn lấy số của danh sách thì nhập riêng tệp này"
        ' với --supersede "lý do"'
    )
    return replace(part, text=text), [Problem("warning", GAVE_WAY, file, None, "", "", message)]


@dataclass(frozen=True, eq=False)
class _Merged:
    """The rows that a file touches, as they would be with it, by table; their index counts from 2.

    ``brought`` tells where the first rows of each table stand in the file; the others are the store's.
    """

    text: dict[str, pd.DataFrame]
    brought: dict[str, list[tuple[Records, int]]]


def find_errors(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], file: str, plan: Plan
) -> list[Problem]:
    """Return every rule that the dataset would break with these changes, with its cell.

    Only the rows that a change can touch are looked at: its own, and the register and return rows
    of its units. All others are as sound as before. The cell may be that of an earlier file.
    """
    merged, problems = _broken_rules(connection, changes, plan)
    last = last_entry(connection)
    return [_locate(connection, problem, merged, file, last) for problem in problems]


def find_suspects(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], plan: Plan
) -> set[Key]:
    """Return year and unit of every row that would break a rule; each table has both."""
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

    What each is called and who manages it, by id; and the ids of a name that is ``written`` with all
    its marks or with none.
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
    """Return an error where a file names one unit and holds the figures of another."""
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
