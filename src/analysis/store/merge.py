"""What a file would change: its rows beside those that are there.

Counts of a list give way to a unit's own form: the form was asked for them, the list is from before.
A form against a form, and a list against a list, need a reason.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd
from babel.numbers import format_decimal

from analysis.problems import Problem
from analysis.tables.delivery import Delivery, Records
from analysis.tables.dictionary import LISTED, Column, Table, dictionary
from analysis.tables.stored import find_place, key_index
from analysis.tables.storefile import last_entry

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


def show_figure(column: Column, text: object) -> str:
    """Return a cell's text as a reader sees it; an empty one is told in words.

    Parameters
    ----------
    column : Column
        The dictionary's entry.
    text : str or missing
        The cell as the tables spell it.

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

    Attributes
    ----------
    table : Table
        Their table.
    records : Records
        What the file has, without the rows that change nothing. Cells of columns that the file
        does not have are not there.
    before, after : DataFrame of str
        All columns, index as in ``records.text``: the rows as they are (NA where there is none) and
        as they would be.
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
    """Put the rows of a sheet beside the state.

    Parameters
    ----------
    records : Records
        Rows with unique keys; a cell that is NA says nothing.
    state : DataFrame of str
        The table's state, at least for these keys.

    Returns
    -------
    SheetChange
        Only rows that are new or have another figure.
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

    Parameters
    ----------
    part : Records
        Rows of the register.
    state : DataFrame of str
        The register, at least for these keys.
    issuer : str
        The id of the plan's issuer.
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
    """Return an error for each figure that the file replaces: that needs a reason.

    Parameters
    ----------
    change : SheetChange
        What the file brings.
    cells : collection of (int, str)
        The figures that it replaces, by row and column.
    file : str
        Its name.
    """
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

    The register and a unit's own form may each bring a part of the unit's row.

    Parameters
    ----------
    change : SheetChange
        What the file brings.
    cells : collection of (int, str)
        The figures that it replaces.
    file : str
        Its name.
    run : mapping of (str, tuple) to str
        Which file of the import brought each row before, by table and key.
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

    Parameters
    ----------
    connection : Connection
        The store.
    change : SheetChange
        What the form would change.
    cells : collection of Cell
        From `find_replaced`.
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
    """Leave out of a list the counts for which a unit's own form says something else.

    Parameters
    ----------
    connection : Connection
        The store.
    change : SheetChange
        What the list would change.
    part : Records
        All rows of the list.
    file : str
        Its name.

    Returns
    -------
    Records, list of Problem
        The list without these counts; what to tell of them.
    """
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
