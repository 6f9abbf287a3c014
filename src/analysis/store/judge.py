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
from analysis.tables.storefile import Key, at_place, find_place, find_places, last_entry, read_rows
from analysis.tables.writing import bare, loosely
from analysis.tasks import check_tasks

NOT_REPORTED = "(chưa báo cáo)"
_SUPERSEDE = 'muốn thay thì chạy lại với --supersede "lý do"'
_YES_NO = {"true": "có", "false": "không"}
#: Of what a list says otherwise than forms so many figures are named, the others counted.
_MOST_NAMED = 10
#: The code of what is told of a file that was taken in: nobody has to look again.
GAVE_WAY = "gave_way"
#: Row and column of a figure.
Cell = tuple[int, str]
#: The rows that the store has, by their keys.
Known = dict[Key, dict[str, str]]
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
    """What one sheet says that the store does not: ``records`` has the rows that are new or differ.

    ``keys`` are those of its rows; ``new`` the rows with a key that the store does not know; ``other``
    the figures of known rows that differ, before and after. A first return may fill gaps of the
    register; what else is other is ``replaced``.
    """

    table: Table
    records: Records
    keys: dict[int, Key]
    new: frozenset[int]
    other: dict[Cell, tuple[str, str]]

    @property
    def replaced(self) -> set[Cell]:
        """The figures that the sheet replaces. A second return is a correction, whatever it changes."""
        fills = self.table.name == "roster"
        return {cell for cell, (before, _) in self.other.items() if before or not fills}

    def show_both(self, cell: Cell) -> str:
        """Show a figure before and after."""
        column = self.table.columns[cell[1]]
        return " → ".join(show_figure(column, figure) for figure in self.other[cell])


def compare_rows(records: Records, known: Known) -> SheetChange:
    """Put the rows of a sheet beside the store's. A cell that is NA says nothing."""
    table = dictionary().tables[records.table]
    names = [name for name in table.columns if name in records.text.columns]
    key_at = [names.index(name) for name in table.key]
    keys: dict[int, Key] = {}
    new, other = set(), {}
    # Plain Python: pandas' comparison of a form's one row costs as much as that of a thousand.
    for row, *cells in zip(
        records.text.index, *(records.text[name].to_list() for name in names), strict=True
    ):
        key = tuple(cells[place] for place in key_at)
        before = known.get(key)
        if before is None:
            keys[row] = key
            new.add(row)
            continue
        for name, cell in zip(names, cells, strict=True):
            if isinstance(cell, str) and cell != before[name]:
                other[row, name] = before[name], cell
                keys[row] = key
    kept = Records(table.name, records.text.loc[[*keys], names], records.sheet, records.addresses)
    return SheetChange(table, kept, keys, frozenset(new), other)


def is_beside_returns(part: Records, delivery: Delivery) -> bool:
    """Tell whether register rows stand on a sheet of returns, like the head of a unit's form."""
    on_sheet = {other.table for other in delivery.records if other.sheet == part.sheet}
    return part.table == "roster" and "returns" in on_sheet


def only_news(part: Records, known: Known, issuer: str) -> Records:
    """Keep, of register rows on a form, what is new to the office's register.

    An empty line of a form removes nothing from the register, no unit adds itself to it, and naming
    the issuer as parent means naming none.
    """
    key = list(dictionary().tables[part.table].key)
    before = [known.get(row) for row in part.text[key].itertuples(index=False, name=None)]
    text = part.text[[row is not None for row in before]]
    text = text.mask(text == "")
    if "parent" in text:
        had_none = [row["parent"] == "" for row in before if row is not None]
        text["parent"] = text["parent"].mask((text["parent"] == issuer) & pd.array(had_none, bool))
    return replace(part, text=text)


def need_reason(change: SheetChange, cells: Collection[Cell], file: str) -> list[Problem]:
    """Return an error for each figure that the file replaces: that needs a reason."""
    problems = []
    for row, name in sorted(cells):
        column = change.table.columns[name]
        message = f"«{column.vi}» đã có số liệu khác: {change.show_both((row, name))}"
        problem = change.records.problem(file, name, row, code="superseded", message=message)
        problems.append(replace(problem, advice=_SUPERSEDE))
    return problems


def find_given_way(connection: sqlite3.Connection, change: SheetChange) -> set[Cell]:
    """Return the counts of a list that a form replaces, where no form of the unit stands yet.

    What else of a return is empty then was not asked yet, and the form fills it in.
    """
    last, returns = last_entry(connection), dictionary().tables["returns"]
    found: set[Cell] = set()
    if change.table.name not in LISTED:
        return found
    unasked = {cell for cell in change.replaced if change.other[cell][0] == ""}
    for row, name in {*_counts(change), *unasked}:
        if not change.records.is_form(name):
            continue
        key = change.keys[row]
        places = (
            find_place(connection, change.table, key, name, last),
            find_place(connection, returns, key, "unit_id", last),
        )
        if not any(place is not None and place.is_form for place in places):
            found.add((row, name))
    return found


def _counts(change: SheetChange) -> list[Cell]:
    """Return the replaced counts that lists give, row by row as the form asks them."""
    given = LISTED.get(change.table.name, ())
    order = [name for name in change.table.columns if name in given]
    counts = (cell for cell in change.replaced if cell[1] in order)
    return sorted(counts, key=lambda cell: (cell[0], order.index(cell[1])))


def tell_given_way(change: SheetChange, given_way: Collection[Cell], file: str) -> list[Problem]:
    """Tell which counts of the list a form has replaced."""
    told = [
        f"{change.table.columns[cell[1]].vi} {change.show_both(cell)}"
        for cell in _counts(change)
        if cell in given_way
    ]
    message = f"lấy số của phiếu thay số của danh sách: {', '.join(told)}"
    return [Problem("warning", GAVE_WAY, file, None, "", "", message)] if told else []


def leave_to_forms(
    connection: sqlite3.Connection, change: SheetChange, part: Records, file: str
) -> tuple[Records, list[Problem]]:
    """Leave out of a list the counts for which a unit's own form says something else, and tell it."""
    last, table = last_entry(connection), change.table
    text, told = part.text.copy(), []
    for row, name in _counts(change):
        place = find_place(connection, table, change.keys[row], name, last)
        if place is None or not place.is_form or change.records.is_form(name):
            continue
        text.loc[row, name] = None
        unit = change.keys[row][table.key.index("unit_id")]
        there, here = (show_figure(table.columns[name], one) for one in change.other[row, name])
        told.append(f"{unit}, {table.columns[name].vi}: phiếu {there}, danh sách {here}")
    if not told:
        return part, []
    more = f"; và {len(told) - _MOST_NAMED} số khác" if len(told) > _MOST_NAMED else ""
    message = (
        f"{len(told)} số trong danh sách khác số trong phiếu của chính đơn vị, giữ số của phiếu:"
        f" {'; '.join(told[:_MOST_NAMED])}{more}. Muốn lấy số của danh sách thì nhập riêng tệp này"
        ' với --supersede "lý do"'
    )
    return replace(part, text=text), [Problem("warning", GAVE_WAY, file, None, "", "", message)]


def find_errors(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], plan: Plan, before: int
) -> tuple[list[Problem], set[Key]]:
    """Return every rule that the dataset breaks now that these changes are in it, at its cell.

    Only the rows that a change can touch are looked at: its own, and those of its units. All others
    are as sound as before. The cell may be that of an earlier file, from before the entry ``before``.
    The set holds year and unit of each problem.
    """
    problems: list[Problem] = []
    last = last_entry(connection)
    text = _read_touched(connection, changes, last)
    tables = {
        name: type_table(rows, dictionary().tables[name], name, problems)
        for name, rows in text.items()
    }
    dataset = Dataset(tables, {name: name for name in tables})
    problems += [*check_rules(dataset), *check_tasks(dataset, plan)]
    problems += [*_not_asked(dataset, changes, plan), *_empty_returns(text["returns"], changes)]
    lone = find_lone_ones(dataset)
    advice = 'nếu đúng là 1 người thì nhập lại với --supersede "lý do"'
    broken = [
        *zip(problems, find_places(connection, problems, text, last), strict=True),
        # In a workbook nothing tells 100% from one person.
        *(
            (replace(problem, severity="error", advice=advice), place)
            for problem, place in zip(lone, find_places(connection, lone, text, last), strict=True)
            if place is not None and place.entry > before and place.sheet
        ),
    ]
    errors = [(problem, place) for problem, place in broken if problem.severity == "error"]
    rows = [text[problem.file].loc[problem.row] for problem, _ in errors]
    suspects: set[Key] = {(r.get("year"), r.get("unit_id", r.get("holder_id"))) for r in rows}
    return [at_place(problem, place) for problem, place in errors], suspects


def _read_touched(
    connection: sqlite3.Connection, changes: Sequence[SheetChange], last: int
) -> dict[str, pd.DataFrame]:
    """Return the rows of all tables that the changes touch, as the store has them now."""
    tables = dictionary().tables
    keys: dict[str, set[Key]] = {name: set() for name in tables}
    for change in changes:
        keys[change.table.name].update(change.keys.values())
    holders = {
        name: [table.key.index("year"), table.key.index(who)]
        for name, table in tables.items()
        for who in ("unit_id", "holder_id")
        if who in table.key
    }
    units = {
        tuple(key[at] for at in places) for name, places in holders.items() for key in keys[name]
    }
    text = {}
    # Employers first: a row names a union whose row in the register has to be there.
    for name, table in sorted(tables.items(), key=lambda item: item[0] in holders):
        columns = [table.key[at] for at in holders.get(name, range(len(table.key)))]
        wanted = sorted(units if name in holders else keys[name])
        wanted_rows = pd.DataFrame(wanted, columns=columns, dtype="str")
        text[name] = read_rows(connection, table, last, wanted_rows)
        if name == "employers":
            units |= {*text[name][["year", "unit_id"]].itertuples(index=False, name=None)}
    return text


def _not_asked(dataset: Dataset, changes: Sequence[SheetChange], plan: Plan) -> list[Problem]:
    """Return an error for a first return of a unit that did not exist on the cut-off day."""
    first = {c.keys[row] for c in changes if c.table.name == "returns" for row in c.new}
    roster = dataset.roster
    absent = {
        (str(row["year"]), row["unit_id"]): row
        for _, row in roster[~is_expected(roster, plan)].iterrows()
    }
    problems = []
    returns = dataset.returns
    for row, year, unit in zip(returns.index, returns["year"], returns["unit_id"], strict=True):
        key = str(year), unit
        if key in first and key in absent:
            reason = why_not_expected(absent[key], plan, int(year))
            message = f"CĐCS này {reason} nên không phải báo cáo năm {year}; hãy xem lại mã và năm"
            problems.append(Problem("error", "not_asked", "returns", row, "unit_id", unit, message))
    return problems


def _empty_returns(returns: pd.DataFrame, changes: Sequence[SheetChange]) -> list[Problem]:
    """Return an error for a return without any figure, which would only seem to have come."""
    brought = {key for c in changes if c.table.name == "returns" for key in c.keys.values()}
    table = dictionary().tables["returns"]
    figures = [c.name for c in table.columns.values() if c.type.name != "text"]
    empty = (returns[figures].drop(columns=list(table.key)) == "").all(axis=1)
    message = "báo cáo chưa điền số liệu nào"
    return [
        Problem("error", "empty_return", "returns", row, "unit_id", unit, message)
        for row, year, unit in returns.loc[empty, ["year", "unit_id"]].itertuples(name=None)
        if (year, unit) in brought
    ]


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
