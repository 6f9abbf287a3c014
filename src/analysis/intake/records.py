"""From the blocks of a file to records in the dataset's own spelling, every problem named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath

import pandas as pd

from analysis.intake.found import NAME, Block
from analysis.intake.raw import Raw, shown, tidy
from analysis.intake.spelling import Unclear, spell
from analysis.problems import Problem, error
from analysis.tables.cells import parse_column
from analysis.tables.delivery import Records
from analysis.tables.dictionary import Column, Table

_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")


def make_records(block: Block, file: str) -> tuple[Records, list[Problem]]:
    """Spell a block's cells as the dataset does and let the rules of the cells judge them.

    Parameters
    ----------
    block : Block
        Raw cells.
    file : str
        The file's name, for problems.
    """
    problems: list[Problem] = []
    texts: dict[str, list[str]] = {}
    for name, column in block.table.columns.items():
        if name in block.columns:
            texts[name], found = _spell_column(block, column, file)
            problems += found
    index = pd.Index(block.rows, dtype="int64")
    data = {name: pd.array(cells, dtype="str") for name, cells in texts.items()}
    text = pd.DataFrame(data, index=index)
    names = _names_beside(block, index)
    records = Records(block.table.name, text, block.sheet, block.addresses, names)
    judged = _judge(records.text, block.table, file)
    named = {(problem.row, problem.column) for problem in problems}
    # What was refused already stands as an empty cell here.
    judged = [one for one in judged if (one.row, one.column) not in named]
    lines = {row: line for line, row in enumerate(block.rows)} if judged else {}
    return records, problems + [_placed(one, block, records, lines) for one in judged]


def _names_beside(block: Block, index: pd.Index) -> pd.Series | None:
    """Return the names that stand beside the codes of a table that does not take them."""
    if NAME in block.table.columns or NAME not in block.columns:
        return None
    return pd.Series([tidy(shown(raw)) for raw in block.columns[NAME]], index=index, dtype="str")


def _spell_column(block: Block, column: Column, file: str) -> tuple[list[str], list[Problem]]:
    """Spell each different value once: a column of 120,000 cells has few of them."""
    raws = block.columns[column.name]
    spelled: dict[tuple[type, Raw], str] = {}
    refused: dict[tuple[type, Raw], Unclear] = {}
    for key in {(raw.__class__, raw) for raw in raws}:
        try:
            spelled[key] = spell(key[1], column)
        except Unclear as question:
            spelled[key], refused[key] = "", question
    texts = [spelled[raw.__class__, raw] for raw in raws]
    if not refused:
        return texts, []
    place = block.addresses.get(column.name, "")
    return texts, [
        error(
            refused[key].message,
            code=refused[key].code,
            file=file,
            row=row,
            column=column.name,
            value=shown(raw),
            sheet=block.sheet,
            cell=place.format(row=row),
        )
        for row, raw in zip(block.rows, raws, strict=True)
        if (key := (raw.__class__, raw)) in refused
    ]


def _judge(text: pd.DataFrame, table: Table, file: str) -> list[Problem]:
    """Let the rules of the cells judge all columns of one kind at once: a form has many short ones."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name in text.columns:
        column = table.columns[name]
        groups.setdefault((column.type, column.words, column.required), []).append(name)
    problems = []
    for names in groups.values():
        stacked = pd.concat([text[name] for name in names], ignore_index=True)
        column = table.columns[names[0]]
        if not column.required:
            stacked = stacked[stacked != ""]
        _, found = parse_column(stacked, column, file) if len(stacked) else (None, [])
        for problem in found:
            assert problem.row is not None
            place, line = divmod(problem.row, len(text))
            row = int(text.index[line])
            problems.append(replace(problem, row=row, column=names[place]))
    return problems


def _placed(problem: Problem, block: Block, records: Records, lines: dict[int, int]) -> Problem:
    """Name the cell of a problem, and the value as it was typed."""
    assert problem.row is not None
    raws = block.columns.get(problem.column)
    value = shown(raws[lines[problem.row]]) if raws else problem.value
    cell = records.address(problem.column, problem.row)
    return replace(problem, value=value, sheet=block.sheet, cell=cell)


def check_years(records: Iterable[Records], file: str, year: int | None) -> list[Problem]:
    """Compare the years in a file with its name and with what the user said.

    Parameters
    ----------
    records : iterable of Records
        All of the file.
    file : str
        The file's name; a year in it binds.
    year : int or None
        The year that the user says the files are for.
    """
    named = sorted({int(text) for text in _YEAR.findall(PurePath(file).stem)})
    problems = []
    for text, one, row in _first_years(records):
        told = []
        if year is not None and int(text) != year:
            told.append(("other_year", f"nhưng lệnh nhập cho năm {year}"))
        if named and not named[0] <= int(text) <= named[-1]:
            told.append(("year_in_name", f"nhưng tên tệp ghi năm {named[0]}"))
        problems += [
            one.problem(file, "year", row, code=code, message=f"số liệu ghi năm {text} {what}")
            for code, what in told
        ]
    return problems


def _first_years(records: Iterable[Records]) -> Iterator[tuple[str, Records, int]]:
    """Yield each different year of a table with the first row that has it."""
    for one in records:
        if "year" not in one.text:
            continue
        for row, text in one.text["year"].drop_duplicates().items():
            if text.isdigit():
                yield text, one, int(row)
