"""Counts of a list give way to a unit's own form: the form was asked for them, the list is from before.

A form against a form, and a list against a list, need a reason.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import replace

from analysis.problems import Problem
from analysis.store.merge import Cell, SheetChange, find_replaced, show_both, show_figure
from analysis.tables.delivery import Records
from analysis.tables.dictionary import LISTED, dictionary
from analysis.tables.stored import find_place
from analysis.tables.storefile import last_entry

#: Of what a list says otherwise than forms so many figures are named, the others counted.
_MOST_NAMED = 10


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


#: The code of what is told of a file that was taken in: nobody has to look again.
GAVE_WAY = "gave_way"


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
