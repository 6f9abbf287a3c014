"""Which table a sheet holds, by its row of headings."""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass

from analysis.intake.blocks import SheetReading, cell_at
from analysis.intake.formtexts import Raw, fold, form_texts, plain, shown, tidy
from analysis.intake.grid import Sheet, address
from analysis.intake.legacy import recognise
from analysis.intake.measure import split_unit
from analysis.tables.dictionary import Column, Table, dictionary, per_dictionary

#: Headings stand below a title, not below this many rows of it.
_FIRST_ROWS = 40
#: One known heading may be chance.
_FEWEST_HEADINGS = 2
#: How alike two headings are, without their marks, when one may be meant by the other.
_NEAR = 0.8
_CODE = "ma"

_Key = tuple[str, ...]


@per_dictionary
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
    """A row of headings: which columns of which tables stand where, and in what they are measured."""

    row: int
    key: _Key
    names: tuple[str, ...]
    units: tuple[str, ...]

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
        split = [split_unit(_heading(cell)) for cell in cells]
        names = tuple(name for name, _ in split)
        if sum(name != "" for name in names) < _FEWEST_HEADINGS:
            continue
        for key, known in _families().items():
            places = {name for name in names if name in known}
            keyed = sum(fold(column) in _column_names(known, places) for column in key)
            rank = (len(places), keyed, -row)
            if len(places) >= _FEWEST_HEADINGS and rank > best:
                best, header = rank, Header(row, key, names, tuple(unit for _, unit in split))
    return header


def is_list(header: Header) -> bool:
    """Tell whether a table says all that a list of units says, codes or none."""
    return {"name", "unit_type", "commune"} <= {*header.places()}


def _column_names(known: dict[str, list[tuple[Table, Column]]], names: set[str]) -> set[str]:
    return {column.name for name in names for _, column in known[name]}


def _heading(cell: Raw) -> str:
    """Return a heading as it is looked up; one in an old encoding by its probable reading."""
    text = tidy(shown(cell))
    old = recognise(text)
    return fold(old[1] if old else text)


def check_headings(finding: SheetReading, header: Header) -> None:
    """Add a problem for every heading that is repeated, unknown, missing or in an old encoding."""
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


def _check_unknown(finding: SheetReading, header: Header, place: int) -> None:
    sheet, name = finding.sheet, header.names[place]
    filled = (r for r in range(header.row + 1, len(sheet.rows)) if sheet.rows[r][place] != "")
    first = next(filled, None)
    if first is None:
        return
    if name == "":
        message = "cột có số liệu mà không có tiêu đề; hãy ghi tiêu đề hoặc xóa cột"
        finding.add("no_heading", message, (first, place))
        return
    known = {plain(key): targets for key, targets in _families()[header.key].items()}
    near = difflib.get_close_matches(plain(name), known, 1, _NEAR)
    guess = f"; có phải là «{known[near[0]][0][1].vi}»?" if near else ";"
    message = f"cột lạ, không có trong bảng{guess} Sửa tiêu đề, hoặc xóa cột nếu không cần"
    finding.add("unknown_column", message, (header.row, place))


def add_missing(finding: SheetReading, header: Header, column: Column) -> None:
    """Add that a column without which no row can be told is not there, and what may be meant by it."""
    sheet, wanted = finding.sheet, (fold(column.vi), fold(column.name))
    message, at = f"thiếu cột «{column.vi}», không biết mỗi dòng là của ai", None
    elsewhere = [
        (row, place)
        for row, cells in enumerate(sheet.rows[: header.row + 2])
        for place, cell in enumerate(cells)
        if row != header.row and _heading(cell) in wanted
    ]
    names = {
        plain(name): place
        for place, name in enumerate(header.names)
        if name and not header.targets(place)
    }
    near = difflib.get_close_matches(plain(wanted[0]), names, 1, _NEAR)
    if column.type.name == "id":  # "Mã số", "Mã đơn vị"
        near += [name for name in names if name.partition("-")[0] == _CODE]
    if elsewhere:
        at = elsewhere[0]
        message += "; tiêu đề này đứng ở dòng khác: hãy ghi mọi tiêu đề trên cùng một dòng"
    elif near:
        at = (header.row, names[near[0]])
        message += f"; tiêu đề ở đây có phải là «{column.vi}»? Hãy sửa tiêu đề"
    else:
        message += f"; hãy thêm cột «{column.vi}»"
    # One heading, one message: that it is unknown is said by this one too.
    told = "" if at is None else address(*at)
    finding.problems = [p for p in finding.problems if not told or p.cell != told]
    finding.add("no_column", message, at, column=column.name)
