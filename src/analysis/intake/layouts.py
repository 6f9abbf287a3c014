"""Where in a sheet the figures stand: a table's headings and its rows."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import cache

from analysis.intake.grid import Sheet, address
from analysis.intake.legacy import recognise
from analysis.intake.raw import Raw, shown, tidy
from analysis.intake.words import fold, form_texts
from analysis.problems import Problem, Severity
from analysis.tables.dictionary import Column, Table, dictionary

#: Headings stand below a title, not below this many rows of it.
_FIRST_ROWS = 40
#: One known heading may be chance.
_FEWEST_HEADINGS = 2
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_YEAR_IN_TITLE = re.compile(r"năm[: ]*((?:19|20)[0-9]{2})(?![0-9])")
#: Columns that only say who is meant; in a table of figures they may stand for the reader's sake.
_NAMING = ("text", "word", "id", "date", "year")


@dataclass(frozen=True)
class Block:
    """Raw cells of one canonical table, and where they stand.

    Parameters
    ----------
    table : Table
        Of the dictionary.
    sheet : str
        The sheet's name.
    rows : list of int
        Row numbers, counted from 1.
    columns : dict of str to list
        Raw cells by column, as long as ``rows``.
    addresses : dict of str to str
        As in `analysis.tables.delivery.Records`.
    """

    table: Table
    sheet: str
    rows: list[int]
    columns: dict[str, list[Raw]]
    addresses: dict[str, str]


@dataclass
class Finding:
    """What was found in one sheet."""

    file: str
    sheet: Sheet
    blocks: list[Block] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        code: str,
        message: str,
        at: tuple[int, int] | None = None,
        *,
        column: str = "",
        value: object = None,
        severity: Severity = "error",
    ) -> None:
        """Add a problem of one cell, or of the sheet."""
        row, cell = (None, "") if at is None else (at[0] + 1, address(*at))
        if value is None and at is not None:
            value = shown(cell_at(self.sheet, at))
        self.problems.append(
            Problem(
                *(severity, code, self.file, row, column),
                "" if value is None else str(value),
                message,
                sheet=self.sheet.name,
                cell=cell,
            )
        )


def cell_at(sheet: Sheet, at: tuple[int, int]) -> Raw:
    """Return a raw cell; empty outside of what was read."""
    row, column = at
    inside = row < len(sheet.rows) and column < len(sheet.rows[row])
    return sheet.rows[row][column] if inside else ""


# Which table it is

_Key = tuple[str, ...]


@cache
def _families() -> dict[_Key, dict[str, list[tuple[Table, Column]]]]:
    """Return, for tables that share a key, the columns by heading and by English name."""
    families: dict[_Key, dict[str, list[tuple[Table, Column]]]] = {}
    for table in dictionary().tables.values():
        names = families.setdefault(table.key, defaultdict(list))
        for column in table.columns.values():
            for name in (fold(column.vi), fold(column.name)):
                names[name].append((table, column))
    return families


@dataclass(frozen=True)
class Header:
    """A row of headings: which columns of which tables stand where."""

    row: int
    key: _Key
    names: tuple[str, ...]

    def targets(self, place: int) -> list[tuple[Table, Column]]:
        """Return the columns that a heading means."""
        return _families()[self.key].get(self.names[place], [])

    def places(self) -> dict[str, int]:
        """Return the first place of each known column, by its name."""
        found: dict[str, int] = {}
        for place in range(len(self.names)):
            for _, column in self.targets(place):
                found.setdefault(column.name, place)
        return found


def find_header(sheet: Sheet) -> Header | None:
    """Return the row that has the most headings of one family of tables; None if there is none."""
    best: tuple[int, int, int] = (0, 0, 0)
    header = None
    for row, cells in enumerate(sheet.rows[:_FIRST_ROWS]):
        names = tuple(_heading(cell) for cell in cells)
        if sum(name != "" for name in names) < _FEWEST_HEADINGS:
            continue
        for key, known in _families().items():
            places = {name for name in names if name in known}
            keyed = sum(fold(column) in _column_names(known, places) for column in key)
            rank = (len(places), keyed, -row)
            if len(places) >= _FEWEST_HEADINGS and rank > best:
                best, header = rank, Header(row, key, names)
    return header


def _column_names(known: dict[str, list[tuple[Table, Column]]], names: set[str]) -> set[str]:
    return {column.name for name in names for _, column in known[name]}


def _heading(cell: Raw) -> str:
    """Return a heading as it is looked up; one in an old encoding by its probable reading."""
    text = tidy(shown(cell))
    old = recognise(text)
    return fold(old[1] if old else text)


# What stands in it


def read_table(finding: Finding, header: Header, year: int | None) -> None:
    """Add the blocks of a sheet that holds a table.

    Parameters
    ----------
    finding : Finding
        The sheet; blocks and problems are added.
    header : Header
        From `find_header`.
    year : int or None
        The year to take where the sheet names none.
    """
    sheet = finding.sheet
    _check_headings(finding, header)
    places = header.places()
    broken = sheet.marks.no_value | set(sheet.marks.errors)
    rows = [
        row
        for row in range(header.row + 1, len(sheet.rows))
        if any(sheet.rows[row][place] != "" for place in places.values())
        or any((row, place) in broken for place in places.values())
    ]
    if not rows:
        finding.add(
            "no_rows", "bảng có dòng tiêu đề nhưng không có dòng số liệu nào", severity="warning"
        )
        return
    check_cells(finding, {(row, place) for place in places.values() for row in rows})
    fixed = _year_above(finding, header, places, year)
    for table in _tables_taken(finding, header, places):
        said = _rows_said(finding, table, places, rows, broken)
        columns = _columns(finding, table, places, said)
        addresses = {name: f"{_letters(places[name])}{{row}}" for name in columns}
        if fixed is not None and "year" in table.columns:
            columns["year"] = [fixed[0]] * len(said)
            addresses["year"] = fixed[1]
        if said:
            numbers = [row + 1 for row in said]
            finding.blocks.append(Block(table, sheet.name, numbers, columns, addresses))


def _rows_said(
    finding: Finding,
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
    finding: Finding, table: Table, places: dict[str, int], rows: list[int]
) -> dict[str, list[Raw]]:
    """Return a table's raw cells by column; a column that nobody filled in says nothing."""
    columns: dict[str, list[Raw]] = {}
    for name, place in places.items():
        if name not in table.columns:
            continue
        cells = [finding.sheet.rows[row][place] for row in rows]
        is_needed = name in table.key or table.columns[name].required
        if is_needed or any(cell != "" for cell in cells):
            columns[name] = cells
    return columns


def _letters(place: int) -> str:
    return address(0, place)[:-1]


def _check_headings(finding: Finding, header: Header) -> None:
    sheet, seen = finding.sheet, dict[str, int]()
    for place, name in enumerate(header.names):
        at, targets = (header.row, place), header.targets(place)
        old = recognise(tidy(shown(cell_at(sheet, at))))
        if old is not None:
            message = f"tiêu đề viết bằng bảng mã cũ {old[0]}, có lẽ là «{old[1]}»; hãy gõ lại bằng Unicode"
            finding.add("legacy_encoding", message, at)
        if targets and targets[0][1].name in seen:
            first = address(header.row, seen[targets[0][1].name])
            finding.add("duplicate_column", f"tiêu đề lặp lại, đã có ở ô {first}", at)
        elif targets:
            seen[targets[0][1].name] = place
        elif old is None and name not in form_texts()["counters"]:
            _check_unknown(finding, header, place)


def _check_unknown(finding: Finding, header: Header, place: int) -> None:
    sheet, name = finding.sheet, header.names[place]
    filled = (r for r in range(header.row + 1, len(sheet.rows)) if sheet.rows[r][place] != "")
    first = next(filled, None)
    if first is None:
        return
    if name == "":
        message = "cột có số liệu mà không có tiêu đề; hãy ghi tiêu đề hoặc xóa cột"
        finding.add("no_heading", message, (first, place))
        return
    known = _families()[header.key]
    near = difflib.get_close_matches(name, known, 1, 0.8)
    guess = f"; có phải là «{known[near[0]][0][1].vi}»?" if near else ";"
    message = f"cột lạ, không có trong bảng{guess} Sửa tiêu đề, hoặc xóa cột nếu không cần"
    finding.add("unknown_column", message, (header.row, place))


def _tables_taken(finding: Finding, header: Header, places: dict[str, int]) -> Iterator[Table]:
    """Yield the tables whose rows are complete enough to be taken in."""
    tables = [table for table in dictionary().tables.values() if table.key == header.key]
    for name in header.key:
        if name not in places and name != "year" and not tables[0].optional:
            heading = tables[0].columns[name].vi
            finding.add("no_column", f"thiếu cột «{heading}»", column=name)
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
    finding: Finding, header: Header, places: dict[str, int], year: int | None
) -> tuple[Raw, str] | None:
    """Return the year of a table without a column for it, and the cell that says so."""
    if "year" in places or "year" not in header.key:
        return None
    named = _years_named(finding.sheet, header.row)
    if len({text for text, _ in named}) > 1:
        cells = ", ".join(f"{text} (ô {cell})" for text, cell in named)
        finding.add("ambiguous_year", f"phía trên bảng ghi nhiều năm: {cells}; chỉ để lại một năm")
    elif named:
        return named[0]
    elif year is not None:
        return str(year), ""
    else:
        message = "không thấy năm của số liệu; hãy thêm cột «Năm», hoặc chạy lệnh với --year"
        finding.add("no_year", message)
    return None


def _years_named(sheet: Sheet, above: int) -> list[tuple[str, str]]:
    label = fold(dictionary().tables["returns"].columns["year"].vi)
    found = []
    for row, cells in enumerate(sheet.rows[:above]):
        for place, cell in enumerate(cells):
            text = fold(tidy(shown(cell)))
            beside = tidy(shown(cell_at(sheet, (row, place + 1))))
            if text.rstrip(":") == label and _YEAR.fullmatch(beside):
                found.append((beside, address(row, place + 1)))
            found += [(year, address(row, place)) for year in _YEAR_IN_TITLE.findall(text)]
    # A cell made for the year is what a person would correct, not the title.
    return sorted(found, key=lambda item: item[1] != found[-1][1])


# What no figure may be


def check_cells(finding: Finding, used: set[tuple[int, int]]) -> None:
    """Add a problem for every cell in use that shows less, or more, than it holds."""
    marks, sheet = finding.sheet.marks, finding.sheet
    for at in sorted(used & set(marks.errors)):
        message = "ô báo lỗi của Excel; hãy sửa công thức hoặc gõ thẳng giá trị"
        finding.add("error_cell", message, at, value=marks.errors[at])
    for at in sorted(used & marks.no_value):
        message = "công thức chưa được tính; hãy mở tệp bằng Excel, lưu lại, hoặc gõ thẳng giá trị"
        finding.add("formula_without_value", message, at)
    for first, last in marks.merged:
        if _touches(first, last, used):
            message = f"ô gộp ({address(*first)}:{address(*last)}) trên vùng số liệu; hãy bỏ gộp và ghi đủ từng ô"
            finding.add("merged", message, first)
    filled = {at for at in used if cell_at(sheet, at) != ""} if _has_hidden(sheet) else set()
    _add_hidden(finding, filled, 0, marks.hidden_rows, "dòng")
    _add_hidden(finding, filled, 1, marks.hidden_columns, "cột")


def _has_hidden(sheet: Sheet) -> bool:
    return bool(sheet.marks.hidden_rows or sheet.marks.hidden_columns)


def _touches(first: tuple[int, int], last: tuple[int, int], used: set[tuple[int, int]]) -> bool:
    size = (last[0] - first[0] + 1) * (last[1] - first[1] + 1)
    if size > len(used):
        return any(first[0] <= r <= last[0] and first[1] <= c <= last[1] for r, c in used)
    cells = ((r, c) for r in range(first[0], last[0] + 1) for c in range(first[1], last[1] + 1))
    return any(at in used for at in cells)


def _add_hidden(
    finding: Finding, filled: set[tuple[int, int]], axis: int, hidden: frozenset[int], what: str
) -> None:
    for number in sorted({at[axis] for at in filled} & hidden):
        first = min(at for at in filled if at[axis] == number)
        message = f"{what} này đang bị ẩn mà có số liệu; hãy bỏ ẩn rồi xem lại, hoặc xóa đi"
        finding.add("hidden", message, first)
