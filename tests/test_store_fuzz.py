"""Every column of every table and of the forms, filled with what no cell should hold.

Nothing unexpected is raised, and nothing is stored that a person would not see in the cell. What a
person sees is written down here by hand, for each kind of cell.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from datasets import HEADERS, filled, write_tables
from test_tables import DISTRICT, EMPLOYER, EVENT, UNIT

from analysis.intake.forms import write_forms
from analysis.intake.reader import read_content
from analysis.loading import open_study
from analysis.params import find_root, load_params
from analysis.plan import Plan
from analysis.store.log import create_store
from analysis.store.take_in import Occasion, Recap, take_in
from analysis.tables.dictionary import Column, dictionary
from analysis.tables.storefile import last_entry, read_rows, reading, row_keys

#: What is typed, and what a person sees in it where the cell is of this kind; else it is no value.
SEEN: dict[str, dict[str, str]] = {
    "ba mươi": {},
    "12 (ước)": {},
    "1.234": {"count": "1234", "money": "1234", "id": "1.234"},
    "12,5": {},
    "-3": {},
    "100%": {"share": "1"},
    "30/02/2024": {},
    "05/09/2003": {"date": "2003-09-05"},
    "có": {"boolean": "true"},
    "#REF!": {},
    "99999999999999999999": {"id": "99999999999999999999"},
    "12 người": {"count": "12"},
    "=1+1": {},
    "Ｔốt\u200b": {},
}
BASE = {
    "roster": UNIT,
    "returns": UNIT,
    "employers": EMPLOYER,
    "district": DISTRICT,
    "lineage": EVENT,
}
WHO = {
    "roster": "unit_id",
    "returns": "unit_id",
    "employers": "employer_id",
    "lineage": "successor_id",
}
Key = tuple[str, ...]
FORMS = ("district", "returns")
#: More than a table has columns, and a form has lines: each is tried with a row of its own.
ROWS = 50


def row_of(table: str, number: int, *, is_known: bool) -> dict[str, str]:
    """A sound row of its own for each column or line: one that the store has, or has not."""
    row = filled(table, BASE[table])
    if table == "district":
        return row | {"year": str((1990 if is_known else 2045) + number)}
    return row | {WHO[table]: f"{'SECOND' if is_known else 'FIRST'}{number:02}"}


def value_for(place: int) -> str:
    """One of the values, another for the next column."""
    return list(SEEN)[place % len(SEEN)]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with rows of each table; the first returns of as many units are still to come."""
    tables = {
        name: [row_of(name, number, is_known=True) for number in range(ROWS)] for name in HEADERS
    }
    tables["roster"] += [row_of("roster", number, is_known=False) for number in range(ROWS)]
    folder = write_tables(tables, tmp_path_factory.mktemp("fuzz") / "data")
    create_store(folder, "congdoan import")
    return folder


def state_of(folder: Path, table: str) -> dict[Key, dict[str, str]]:
    with reading(folder) as connection:
        rows = read_rows(connection, dictionary().tables[table], last_entry(connection))
    keys = row_keys(dictionary().tables[table], rows)
    return {
        keys[row]: cells for row, cells in zip(rows.index, rows.to_dict("records"), strict=True)
    }


def typed(column: Column, cell: str) -> str:
    """A figure of the tables as a person types it."""
    for words in dictionary().words.values():
        if tuple(words) == column.words:
            return words.get(cell, cell)
    return {"true": "có", "false": "không"}.get(cell, cell)


def give(folder: Path, files: list[Path], plan: Plan) -> Recap:
    return take_in(
        folder, files, lambda p: read_content(p.name, p.read_bytes(), None), plan, Occasion()
    )


def as_table(table: str, row: dict[str, str], without: str = "") -> bytes:
    columns = [c for name, c in dictionary().tables[table].columns.items() if name != without]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([column.vi for column in columns])
    writer.writerow([typed(column, row[column.name]) for column in columns])
    return buffer.getvalue().encode()


def check(
    recap: Recap, files: dict[Path, tuple[str, Key, str, str]], before: Path, after: Path
) -> None:
    """Nothing unexpected; of what is stored anew every figure is one that is seen."""
    assert not recap.traces
    assert {problem.code for t in recap.files for problem in t.problems}.isdisjoint(
        {"program_error"}
    )
    states = {
        table: (state_of(before, table), state_of(after, table))
        for table in {table for table, *_ in files.values()}
    }
    for taken in recap.files:
        table, key, name, value = files[taken.path]
        old, new = (state.get(key) for state in states[table])
        if taken.outcome != "accepted":
            assert new == old, (table, name, value)
            assert taken.outcome == "unchanged" or any(
                p.severity == "error" for p in taken.problems
            )
        elif name in dictionary().tables[table].key:
            stored = {
                cells[name]
                for row, cells in states[table][1].items()
                if row not in states[table][0]
            }
            assert SEEN[value].get(dictionary().tables[table].columns[name].type.name) in stored
        else:
            assert new is not None
            column = dictionary().tables[table].columns[name]
            allowed = {SEEN[value].get(column.type.name)}
            if column.type.name == "text":
                # A wide letter is seen as the letter that it is; what has no width is not seen.
                allowed = {"Ｔốt", "Tốt"} if value.startswith("Ｔ") else {value}
            assert new[name] in allowed, (table, name, value, new[name])


@pytest.mark.parametrize("table", HEADERS)
def test_whatever_stands_in_a_column_of_a_table(
    table: str, begun: Path, plan: Plan, tmp_path: Path
) -> None:
    folder = shutil.copytree(begun, tmp_path / "data")
    files: dict[Path, tuple[str, Key, str, str]] = {}
    for place, name in enumerate(dictionary().tables[table].columns):
        # Of every second column a row that the store has.
        row, value = row_of(table, place, is_known=place % 2 == 0), value_for(place)
        key = tuple(row[column] for column in dictionary().tables[table].key)
        path = tmp_path / f"{name}.csv"
        path.write_bytes(as_table(table, row | {name: value}))
        files[path] = (table, key, name, value)
    check(give(folder, list(files), plan), files, begun, folder)


@pytest.mark.parametrize("table", HEADERS)
def test_a_table_without_a_column_of_its_key_is_refused(
    table: str, begun: Path, plan: Plan, tmp_path: Path
) -> None:
    folder = shutil.copytree(begun, tmp_path / "data")
    paths = []
    for is_known in (False, True):
        for name in dictionary().tables[table].key:
            paths.append(tmp_path / f"{name}-{is_known}.csv")
            paths[-1].write_bytes(
                as_table(table, row_of(table, 0, is_known=is_known), without=name)
            )
    recap = give(folder, paths, plan)
    assert not recap.traces
    assert {taken.outcome for taken in recap.files} == {"refused"}
    assert state_of(folder, table) == state_of(begun, table)


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """The sheet of a unit's form and the district's, cell by cell."""
    base = tmp_path_factory.mktemp("forms")
    data = write_tables({"roster": [filled("roster", UNIT)]}, base / "data")
    params = load_params(2024, None, find_root()).model_copy(update={"data": str(data)})
    paths = write_forms(open_study(params, find_root()), base / "out", 2024)
    sheets = {}
    for kind, path in (("district", paths[0]), ("returns", paths[1])):
        sheet = openpyxl.load_workbook(path).worksheets[0]
        sheets[kind] = [
            ["" if cell is None else str(cell) for cell in row]
            for row in sheet.iter_rows(values_only=True)
        ]
    return sheets


@pytest.mark.parametrize("kind", FORMS)
def test_whatever_stands_in_a_line_of_a_form(
    kind: str, forms: dict[str, list[list[str]]], begun: Path, plan: Plan, tmp_path: Path
) -> None:
    sheet = forms[kind]
    marked = next(row for row in sheet if any(c.startswith("congdoan") for c in row))
    codes = next(i for i, cell in enumerate(marked) if cell.startswith("congdoan"))
    figure = marked.index("Số lượng")
    lines = [i for i, row in enumerate(sheet) if row[codes].partition(".")[0] in HEADERS]
    assert 20 <= len(lines) <= ROWS
    # Which column it is matters to a table; how a line is read, only what kind of cell it is.
    seen: Counter[str] = Counter()
    for line in [*lines]:
        table, _, name = sheet[line][codes].partition(".")
        kind_of_cell = dictionary().tables[table].columns[name].type.name
        seen[kind_of_cell] += 1
        if seen[kind_of_cell] > 3:
            lines.remove(line)
    folder = shutil.copytree(begun, tmp_path / "data")
    files: dict[Path, tuple[str, Key, str, str]] = {}
    for number, line in enumerate(lines):
        table, _, name = sheet[line][codes].partition(".")
        is_known = list(dictionary().tables[table].columns).index(name) % 2 == 1
        own = row_of(kind, number, is_known=is_known) | (
            row_of("roster", number, is_known=is_known) if kind == "returns" else {}
        )
        path = tmp_path / f"{line}.csv"
        path.write_bytes(_filled(sheet, codes, figure, own, line, value_for(number)))
        key = tuple(own[column] for column in dictionary().tables[table].key)
        files[path] = (table, key, name, value_for(number))
    check(give(folder, list(files), plan), files, begun, folder)


def _filled(
    sheet: list[list[str]], codes: int, figure: int, own: dict[str, str], bad: int, value: str
) -> bytes:
    rows = [list(row) for row in sheet]
    for number, row in enumerate(rows):
        table, _, name = row[codes].partition(".")
        if table in HEADERS:
            column = dictionary().tables[table].columns[name]
            row[figure] = value if number == bad else typed(column, own[name])
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()
