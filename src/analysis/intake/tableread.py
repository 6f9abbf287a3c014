"""Reading a plain table: a row of headings and the rows below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cache

from analysis.intake.blocks import NAME, Block, SheetReading, cell_at, check_cells
from analysis.intake.formtexts import Raw, fold, form_texts, shown, tidy
from analysis.intake.grid import Sheet, address, letters
from analysis.intake.headings import Answers, Header, add_missing, check_headings, is_list
from analysis.intake.measure import find_scale, names_units
from analysis.intake.rows import find_data, texts_of
from analysis.intake.wordlists import find, listed
from analysis.problems import Severity
from analysis.tables.dictionary import Column, Table, dictionary

_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_YEAR_IN_TITLE = re.compile(r"năm[: ]*((?:19|20)[0-9]{2})(?![0-9])")
#: Columns that only say who is meant; in a table of figures they may stand for the reader's sake.
_NAMING = ("text", "word", "id", "date", "year")


def read_table(
    finding: SheetReading,
    header: Header,
    year: int | None,
    asked: int = 1,
    answers: Answers = Answers(),  # noqa: B008 - frozen
) -> None:
    """Add the blocks of a sheet that holds a table.

    Parameters
    ----------
    finding : SheetReading
        The sheet; blocks and problems are added.
    header : Header
        From `find_header`.
    year : int or None
        The year to take where the sheet names none.
    asked : int
        By what the money of a table that states another unit may be multiplied.
    answers : Answers
        What the office's own words mean.
    """
    sheet = finding.sheet
    check_headings(finding, header)
    places = header.places()
    broken = sheet.marks.no_value | sheet.marks.errors.keys()
    rows = [
        row
        for row in range(header.row + 1, len(sheet.rows))
        if any(sheet.rows[row][place] != "" for place in places.values())
        or any((row, place) in broken for place in places.values())
    ]
    if not rows:
        # A register of the district's form may well stay empty: a year without any event.
        if sheet.name not in form_texts()["sheets"].values():
            message = "bảng có dòng tiêu đề nhưng không có dòng số liệu nào"
            finding.add("no_rows", message, severity="warning")
        return
    rows = find_data(finding, header, rows)
    known = {place: header.targets(place)[0][1] for place in places.values()}
    check_cells(finding, {(row, place): known[place] for place in known for row in rows})
    fixed = _year_above(finding, header, places, year)
    scale = find_scale(finding, header.row, *_measured(finding, header, places), asked)
    for table in _tables_taken(finding, header, places):
        said = _rows_said(finding, table, places, rows, broken)
        columns = _columns(finding, table, places, said)
        _use_types(columns, answers)
        if "commune" in columns:
            place = places["commune"]
            columns["commune"] = _use_addresses(finding, place, said, columns["commune"])
        addresses = {name: f"{letters(places[name])}{{row}}" for name in columns}
        if fixed is not None and "year" in table.columns:
            columns["year"] = [fixed[0]] * len(said)
            addresses["year"] = fixed[1]
        if said:
            numbers = [row + 1 for row in said]
            finding.blocks.append(Block(table, sheet.name, numbers, columns, addresses, scale))


def _measured(
    finding: SheetReading, header: Header, places: dict[str, int]
) -> tuple[dict[int, Column], dict[int, str]]:
    """Return what stands where, and in which unit: of the heading, or of the row below it."""
    columns = {place: header.targets(place)[0][1] for place in places.values()}
    below = texts_of(finding, header.row + 1)
    own = below if names_units(below) else [""] * len(header.names)
    return columns, {place: header.units[place] or own[place].strip("()") for place in columns}


def _rows_said(
    finding: SheetReading,
    table: Table,
    places: dict[str, int],
    rows: list[int],
    broken: Set[tuple[int, int]],
) -> list[int]:
    """Return the rows that say something of a table; an id alone is no return."""
    cells = finding.sheet.rows
    figures = [p for n, p in places.items() if n in table.columns and n not in table.key]
    said = [
        row
        for row in rows
        if any(cells[row][place] != "" or (row, place) in broken for place in figures)
    ]
    if len(said) < len(rows):
        silent = min(set(rows) - set(said))
        message = f"{len(rows) - len(said)} dòng không có số liệu nào của bảng «{table.vi}», coi như chưa báo cáo"
        at = (silent, min(places.values()))
        finding.add("nothing_said", message, at, severity="warning")
    return said


def _columns(
    finding: SheetReading, table: Table, places: dict[str, int], rows: list[int]
) -> dict[str, list[Raw]]:
    """Return a table's raw cells by column; a column that nobody filled in says nothing."""
    columns: dict[str, list[Raw]] = {}
    for name, place in places.items():
        if name not in table.columns and name != NAME:
            continue
        cells = [finding.sheet.rows[row][place] for row in rows]
        is_needed = name in table.key or (name in table.columns and table.columns[name].required)
        if is_needed or any(cell != "" for cell in cells):
            columns[name] = cells
    return columns


def _use_types(columns: dict[str, list[Raw]], answers: Answers) -> None:
    known = listed({word: label for word, label in answers.types.items() if label})
    for name in ("unit_type", "employer_type"):
        if known and name in columns:
            cells = columns[name]
            columns[name] = [find(tidy(shown(cell)), known) or cell for cell in cells]


def _use_addresses(
    finding: SheetReading, place: int, rows: list[int], cells: list[Raw]
) -> list[Raw]:
    """Return the communes of a list: of an address the part that says which."""
    communes: list[Raw] = []
    for row, cell in zip(rows, cells, strict=True):
        parts = [part.strip() for part in str(cell).split(",")]
        named = {part for part in parts if part.casefold().startswith(_area_titles())}
        if len(parts) > 1 and len(named) != 1:
            message = "địa chỉ không cho biết rõ xã nào; hãy ghi xã, ví dụ «xã Tân Hợp»"
            finding.add("unclear_address", message, (row, place), column="commune")
        communes.append(named.pop() if len(parts) > 1 and len(named) == 1 else cell)
    return communes


@cache
def _area_titles() -> tuple[str, ...]:
    return tuple(f"{title} " for title in dictionary().area_titles)


def _tables_taken(finding: SheetReading, header: Header, places: dict[str, int]) -> Iterator[Table]:
    """Yield the tables whose rows are complete enough to be taken in."""
    tables = [table for table in dictionary().tables.values() if table.key == header.key]
    for name in header.key:
        if name not in places and name != "year" and not is_list(header):
            add_missing(finding, header, tables[0].columns[name])
    figures = {t.name: [n for n in places if n in t.columns and n not in t.key] for t in tables}
    lacking = {
        table.name: [
            c for n, c in table.columns.items() if c.required and n not in (*places, *table.key)
        ]
        for table in tables
    }
    taken = [t for t in tables if figures[t.name] and not lacking[t.name]]
    for table in tables:
        names = figures[table.name]
        if not names or not lacking[table.name]:
            continue
        only_names = all(table.columns[name].type.name in _NAMING for name in names)
        severity: Severity = "warning" if taken and only_names else "error"
        headings = ", ".join(f"«{column.vi}»" for column in lacking[table.name])
        told = "chỉ để đối chiếu, không lấy vào" if severity == "warning" else "chưa lấy vào được"
        message = f"cột của bảng «{table.vi}» {told} vì thiếu cột {headings}"
        at = (header.row, places[names[0]])
        finding.add("no_column", message, at, column=names[0], severity=severity)
    if not any(figures.values()):
        finding.add("no_column", "bảng chỉ có cột khóa, không có cột số liệu nào")
    yield from taken


def _year_above(
    finding: SheetReading, header: Header, places: dict[str, int], year: int | None
) -> tuple[Raw, str] | None:
    """Return the year of a table without a column for it, and the cell that says so."""
    if "year" in places or "year" not in header.key:
        return None
    named = years_named(finding.sheet, header.row)
    if len({text for text, _ in named}) > 1:
        cells = ", ".join(f"{text} (ô {cell})" for text, cell in named)
        finding.add("ambiguous_year", f"phía trên bảng ghi nhiều năm: {cells}; chỉ để lại một năm")
    elif named:
        return named[0]
    elif year is not None:
        return str(year), ""
    else:
        message = "không thấy năm của số liệu; hãy thêm cột «Năm»"
        finding.add("no_year", message, advice="hoặc chạy lệnh với --year")
    return None


def years_named(sheet: Sheet, above: int) -> list[tuple[str, str]]:
    """Return the years in the rows above, each with its cell; a cell made for it comes first."""
    label = fold(dictionary().tables["returns"].columns["year"].vi)
    cells, titles = [], []
    for row, line in enumerate(sheet.rows[:above]):
        for place, cell in enumerate(line):
            text = fold(tidy(shown(cell)))
            beside = tidy(shown(cell_at(sheet, (row, place + 1))))
            if text.rstrip(":") == label and _YEAR.fullmatch(beside):
                cells.append((beside, address(row, place + 1)))
            titles += [(year, address(row, place)) for year in _YEAR_IN_TITLE.findall(text)]
    return cells + titles
