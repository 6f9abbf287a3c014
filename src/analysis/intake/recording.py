"""From the blocks of a file to records in the dataset's own spelling, every problem named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath

import pandas as pd

from analysis.intake.formtexts import Raw, form_texts, shown, tidy
from analysis.intake.sheets import NAME, Block
from analysis.intake.spelling import Unclear, in_dong, remark_in, settles_days, spell
from analysis.problems import Problem, error
from analysis.tables.delivery import Records
from analysis.tables.dictionary import Column, Table
from analysis.tables.load import are_sound, parse_column

#: A row, its column, what stands there, what it is understood as, and what is said behind that.
_Remark = tuple[int, Column, Raw, str, str]

#: A table of more different texts is judged whole at little cost.
_FEW = 100

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
    remarks: list[_Remark] = []
    for name, column in block.table.columns.items():
        if name in block.columns:
            texts[name], found = _spell_column(block, column, file)
            problems += found + _swapped_days(block, column, texts[name], file)
            remarks += _remarks(block, column, texts[name])
    index = pd.Index(block.rows, dtype="int64")
    text = _as_frame(texts, index)
    names = _names_beside(block, index)
    records = Records(block.table.name, text, block.sheet, block.addresses, names)
    judged = _judge(texts, block.rows, _asked(block), file)
    named = {(problem.row, problem.column) for problem in problems}
    # What was refused stands as an empty cell here, and whatever comes later finds only what is sound.
    judged = [one for one in judged if (one.row, one.column) not in named]
    lines = {row: line for line, row in enumerate(block.rows)} if judged else {}
    problems += [_placed(one, block, records, lines) for one in judged]
    for one in judged:
        if one.column not in block.table.key:
            records.text.at[one.row, one.column] = ""
    return records, problems + _keep_remarks(block, records, remarks, file)


def _as_frame(texts: Mapping[str, list[str]], index: pd.Index) -> pd.DataFrame:
    """Return columns of texts: one array cut up, for making an array costs more than a form's cells."""
    cells = pd.array([cell for column in texts.values() for cell in column], dtype="str")
    length = len(index)
    columns = {name: cells[at * length :][:length] for at, name in enumerate(texts)}
    return pd.DataFrame(columns, index=index)


def _names_beside(block: Block, index: pd.Index) -> pd.Series | None:
    """Return the names that stand beside the codes of a table that does not take them."""
    if NAME in block.table.columns or NAME not in block.columns:
        return None
    return pd.Series([tidy(shown(raw)) for raw in block.columns[NAME]], index=index, dtype="str")


def _remarks(block: Block, column: Column, texts: list[str]) -> list[_Remark]:
    """Return what is said behind answers, each different one looked at once."""
    if column.type.name != "boolean":
        return []
    raws = block.columns[column.name]
    beside = {
        raw: remark_in(raw, column) for raw, text in set(zip(raws, texts, strict=True)) if text
    }
    if not any(beside.values()):
        return []
    return [
        (row, column, raw, text, rest)
        for row, raw, text in zip(block.rows, raws, texts, strict=True)
        if text and (rest := beside[raw])
    ]


def _keep_remarks(
    block: Block, records: Records, remarks: list[_Remark], file: str
) -> list[Problem]:
    """Put what is said behind answers into the rows' notes, and tell so."""
    template: str = form_texts()["remark_in_note"]
    for row, column, raw, _, _ in remarks:
        if "note" not in records.text:
            # A row without a remark says nothing of its note: the one that it has stays.
            records.text["note"] = pd.array([pd.NA] * len(records.text), dtype="str")
        own = records.text.at[row, "note"]
        remark = template.format(heading=column.vi, remark=shown(raw))
        records.text.at[row, "note"] = remark if pd.isna(own) or own == "" else f"{own}\n{remark}"
    answers = form_texts()["answers"]
    told = "hiểu là «{}»; phần ghi thêm «{}» được giữ trong ghi chú"
    found = [
        _problem(block, *(column, file, row, raw), "rest_in_note", told.format(answers[text], rest))
        for row, column, raw, text, rest in remarks
    ]
    return [replace(problem, severity="warning") for problem in found]


def _swapped_days(block: Block, column: Column, texts: list[str], file: str) -> list[Problem]:
    """Warn where an American Excel may have taken days for months: it makes dates of those it can."""
    if column.type.name != "date":
        return []
    days = [
        (row, raw, text.split("-"))
        for row, raw, text in zip(block.rows, block.columns[column.name], texts, strict=True)
        if text
    ]
    real = [cell for cell in days if not isinstance(cell[1], str)]
    first = next((cell for cell in real if cell[2][1] != cell[2][2]), None)
    if first is None or any(int(day[2]) > 12 for _, _, day in real):
        return []
    if not settles_days([raw for _, raw, _ in days]):
        return []
    row, raw, (year, month, day) = first
    message = (
        "trong cột này mọi ô ngày thật đều có ngày từ 1 đến 12, còn ngày trên 12 là chữ: có thể Excel"
        f" kiểu Mỹ đã đổi chỗ ngày và tháng. Ô này hiểu là {day}/{month}/{year}; nếu đúng ra là"
        f" {month}/{day}/{year} thì gõ lại cả cột"
    )
    problem = _problem(block, column, file, row, raw, "swapped_days", message)
    return [replace(problem, severity="warning")]


def _spell_column(block: Block, column: Column, file: str) -> tuple[list[str], list[Problem]]:
    """Spell each different value once: a column of 120,000 cells has few of them."""
    raws = block.columns[column.name]
    day_first = column.type.name == "date" and settles_days(raws)
    spelled: dict[tuple[type, Raw], str] = {}
    refused: dict[tuple[type, Raw], Unclear] = {}
    for key in {(raw.__class__, raw) for raw in raws}:
        try:
            spelled[key] = spell(key[1], column, day_first=day_first)
            if column.type.name == "money" and block.scale != 1:
                spelled[key] = in_dong(key[1], spelled[key], block.scale)
        except Unclear as question:
            spelled[key], refused[key] = "", question
    texts = [spelled[raw.__class__, raw] for raw in raws]
    if not refused:
        return texts, []
    return texts, [
        _problem(block, column, file, row, raw, refused[key].code, refused[key].message)
        for row, raw in zip(block.rows, raws, strict=True)
        if (key := (raw.__class__, raw)) in refused
    ]


def _problem(
    block: Block, column: Column, file: str, row: int, raw: Raw, code: str, message: str
) -> Problem:
    cell = block.addresses.get(column.name, "").format(row=row)
    return error(
        message,
        code=code,
        file=file,
        row=row,
        column=column.name,
        value=shown(raw),
        sheet=block.sheet,
        cell=cell,
    )


def _asked(block: Block) -> Table:
    """Return the table; the units of a list need no code, the others are given one."""
    columns = block.table.columns
    if block.table.name != "roster" or not {"name", "unit_type", "commune"} <= {*block.columns}:
        return block.table
    free = replace(columns["unit_id"], required=False)
    return replace(block.table, columns=columns | {"unit_id": free})


def _judge(
    text: Mapping[str, list[str]], rows: list[int], table: Table, file: str
) -> list[Problem]:
    """Let the rules of the cells judge all columns of one kind at once: a form has many short ones."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name in text:
        column = table.columns[name]
        groups.setdefault((column.type, column.words, column.required), []).append(name)
    problems = []
    for names in groups.values():
        column = table.columns[names[0]]
        texts = {cell for name in names for cell in text[name]}
        if len(texts) < _FEW and are_sound(texts, column):
            continue
        stacked = pd.Series([cell for name in names for cell in text[name]], dtype="str")
        if not column.required:
            stacked = stacked[stacked != ""]
        _, found = parse_column(stacked, column, file) if len(stacked) else (None, [])
        for problem in found:
            assert problem.row is not None
            place, line = divmod(problem.row, len(rows))
            problems.append(replace(problem, row=rows[line], column=names[place]))
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
