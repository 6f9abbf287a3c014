"""A plain table: its headings, and the rows that are about a unit; people also add up and sign.

An office's own list may head its columns in its own words: what is certain is put into the
dictionary's, the rest is asked.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import accumulate, product

from xlsxwriter.utility import xl_col_to_name

from analysis.intake.officelists import IGNORE, Answers, is_list
from analysis.intake.sheets import (
    NAME,
    Block,
    Sheet,
    SheetReading,
    address,
    check_cells,
    find_scale,
    names_units,
    split_unit,
)
from analysis.intake.spelling import Unclear, spell
from analysis.intake.writings import (
    YEAR,
    Listed,
    Raw,
    find,
    fold,
    form_texts,
    listed,
    plain,
    recognise,
    shown,
    tidy,
)
from analysis.problems import Severity
from analysis.tables.dictionary import Column, Table, dictionary, per_dictionary

#: Headings stand below a title, not below this many rows of it.
_FIRST_ROWS = 40
#: One known heading may be chance.
_FEWEST_HEADINGS = 2
#: How alike two headings are, without their marks, when one may be meant by the other.
_NEAR = 0.8
_CODE = "ma"
#: Headings of a list stand in at most so many storeys.
_MOST_STOREYS = 3
#: Between the storeys of a heading in what is asked and answered.
_UNDER = " / "

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

    def column(self, place: int) -> Column:
        """Return what a known heading means first."""
        return self.targets(place)[0][1]

    @cached_property
    def places(self) -> dict[str, int]:
        """The first place of each known column, by its name."""
        found: dict[str, int] = {}
        for place in range(len(self.names)):
            for _, column in self.targets(place):
                found.setdefault(column.name, place)
        return found

    @cached_property
    def is_list(self) -> bool:
        """Whether it is of a list of units, with codes or without."""
        return is_list(self.places)

    @cached_property
    def key_places(self) -> list[int]:
        """Where stands whose a row is; of a list, also the name."""
        names = (*self.key, NAME) if self.is_list else self.key
        keys = [self.places[name] for name in names if name in self.places and name != "year"]
        return keys or [self.places[name] for name in self.key if name in self.places]


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
            said = {column.name for name in places for _, column in known[name]}
            keyed = sum(fold(column) in said for column in key)
            rank = (len(places), keyed, -row)
            if len(places) >= _FEWEST_HEADINGS and rank > best:
                best, header = rank, Header(row, key, names, tuple(unit for _, unit in split))
    return header


def _heading(cell: Raw) -> str:
    """Return a heading as it is looked up; one in an old encoding by its probable reading."""
    text = tidy(shown(cell))
    old = recognise(text)
    return fold(old[1] if old else text)


def _check_headings(reading: SheetReading, header: Header) -> None:
    """Add a problem for every heading that is repeated, unknown, missing or in an old encoding."""
    for place, name in enumerate(header.names):
        at, targets = (header.row, place), header.targets(place)
        old = recognise(reading.sheet.text(*at))
        if old is not None:
            message = f"tiêu đề viết bằng bảng mã cũ {old[0]}, có lẽ là «{old[1]}»; hãy gõ lại bằng Unicode"
            reading.add("legacy_encoding", message, at)
        first = header.places[targets[0][1].name] if targets else place
        if first != place:
            message = f"tiêu đề lặp lại, đã có ở ô {address(header.row, first)}"
            reading.add("duplicate_column", message, at)
        elif not targets and old is None and name not in form_texts()["counters"]:
            _check_unknown(reading, header, place)


def _check_unknown(reading: SheetReading, header: Header, place: int) -> None:
    sheet, name = reading.sheet, header.names[place]
    filled = (r for r in range(header.row + 1, len(sheet.rows)) if sheet.rows[r][place] != "")
    first = next(filled, None)
    if first is None:
        return
    if name == "":
        message = "cột có số liệu mà không có tiêu đề; hãy ghi tiêu đề hoặc xóa cột"
        reading.add("no_heading", message, (first, place))
        return
    known = {plain(key): targets for key, targets in _families()[header.key].items()}
    near = difflib.get_close_matches(plain(name), known, 1, _NEAR)
    guess = f"; có phải là «{known[near[0]][0][1].vi}»?" if near else ";"
    message = f"cột lạ, không có trong bảng{guess} Sửa tiêu đề, hoặc xóa cột nếu không cần"
    reading.add("unknown_column", message, (header.row, place))


def _add_missing(reading: SheetReading, header: Header, column: Column) -> None:
    """Add that a column without which no row can be told is not there, and what may be meant by it."""
    sheet, wanted = reading.sheet, (fold(column.vi), fold(column.name))
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
    reading.problems = [p for p in reading.problems if not told or p.cell != told]
    reading.add("no_column", message, at, column=column.name)


@dataclass(frozen=True)
class _Heading:
    """One column's heading: its texts from above, its unit, the column that it is known for."""

    texts: tuple[str, ...]
    unit: str = ""
    meant: str | None = None


def name_headings(reading: SheetReading, answers: Answers) -> SheetReading:
    """Put the dictionary's headings where a list has its own, as far as that is certain.

    What is asked, and what is left out, is added to the problems. Returns the same if the sheet holds
    no such list.
    """
    sheet, most = reading.sheet, 1
    best: list[tuple[int, list[_Heading], Table]] = []
    for name, first in product(_TABLES, range(min(_FIRST_ROWS, len(sheet.rows)))):
        table = dictionary().tables[name]
        for last in range(first, min(first + _MOST_STOREYS, len(sheet.rows))):
            headings = _resolve(_paths(sheet, range(first, last + 1)), answers, table)
            known = len({one.meant for one in headings} - {None, IGNORE})
            if known == 0:
                break
            if known > most:
                most, best = known, []
            if known == most > 1:
                best.append((last, headings, table))
    if not best:
        return reading
    # Of storeys that say as much, those whose headings may say more; else the upper ones.
    likely = [sum(_may_mean(one, table) is not None for one in found) for _, found, table in best]
    row, headings, table = best[likely.index(max(likely))]
    return _renamed(reading, row, headings, table) if _is_list(headings, table) else reading


def _is_list(headings: list[_Heading], table: Table) -> bool:
    """Tell whether these are of units or employers, and of nothing that is reported each year."""
    known = {one.meant for one in headings}
    returns = dictionary().tables["returns"]
    own = {
        fold(text)
        for column in returns.columns.values()
        for text in (column.vi, column.name)
        if column.name not in returns.key and column.type.name != "text"
    }
    reported = any(fold(text) in own for one in headings for text in one.texts)
    needed = {name for name, column in table.columns.items() if column.required}
    needed -= {"year", "unit_id"}
    likely = {_may_mean(one, table) for one in headings if one.meant is None}
    is_named = "name" in known or needed <= known | likely
    return not reported and is_named and (len(needed & known) > 1 or len(known) > 2)


#: The tables that offices have lists of.
_TABLES = ("roster", "employers")


def _paths(sheet: Sheet, rows: range) -> list[tuple[str, ...]]:
    """Return what stands in each column of some rows of headings; nothing if they are no storeys.

    A merged heading stands above all its columns.
    """
    covered = {
        place
        for (top, left), (_, right) in sheet.marks.merged
        if top >= rows[0]
        for place in range(left + 1, right + 1)
    }
    counters = form_texts()["counters"]
    paths: list[tuple[str, ...]] = [()] * len(sheet.rows[rows[0]])
    for row in rows:
        above = paths.copy()
        for place, text in enumerate(sheet.text(row, n) for n in range(len(paths))):
            is_covered = place > 0 and (place in covered or not sheet.marks.merged)
            if text and row > rows[0] and fold("".join(paths[place][:1])) in counters:
                return []  # the row numbers stand under no storey: this is a row of the list
            if text and not paths[place] and row > rows[0]:
                paths[place] = above[place] = above[place - 1][:1] if is_covered else ()
                if not paths[place]:
                    return []
            if text and text not in paths[place][-1:]:
                paths[place] = (*paths[place], text)
    return paths


def _resolve(paths: list[tuple[str, ...]], answers: Answers, table: Table) -> list[_Heading]:
    asked = listed(answers.columns)
    found: list[_Heading] = []
    for path in paths:
        if not path:
            found.append(_Heading(()))
            continue
        # A part of a count that names no count speaks of the column at its left.
        name, unit = split_unit(fold(path[-1]))
        left = found[-1] if found else _Heading(())
        is_part = len(path) == 1 and find(name, _parts("female")) and _women_of(left.meant, table)
        texts = (left.texts[0], path[0]) if is_part else path
        heading = _Heading(texts, unit)
        answer = find(_UNDER.join(texts), asked) or find(path[-1] if len(path) == 1 else "", asked)
        if answer is not None:
            meant: str | None = (
                IGNORE if fold(answer) == IGNORE else find(answer, _known(table.name))
            )
        else:
            meant = _certain(texts, name, left if is_part else None, table)
        found.append(replace(heading, meant=meant))
    return found


def _certain(texts: tuple[str, ...], name: str, left: _Heading | None, table: Table) -> str | None:
    """Return the column that a heading means beyond doubt."""
    known = _known(table.name)
    if left is not None:
        return _women_of(left.meant, table) if find(name, _parts("in")) else None
    if len(texts) == 1:
        return find(name, known) or find(texts[0], known)
    whole = find(" ".join(texts), known)
    above = find(split_unit(fold(texts[-2]))[0], known)
    if whole or not _women_of(above, table):
        return whole or (None if above else find(name, known))
    if find(name, _parts("female")):
        return _women_of(above, table)
    return above if find(name, _parts("total")) else None


def _women_of(name: str | None, table: Table) -> str | None:
    """Return the column of the women of a count, if the table has one."""
    columns = table.columns
    women = (name or "").removesuffix("_total") + "_female"
    return women if name in columns and women in columns else None


@per_dictionary
def _known(table: str, way: str = "sure") -> Listed:
    """Return the headings of a list: those that are read, or those that are asked."""
    ways = dictionary().headings[table]
    texts = {text: name for name, ways in ways.items() for text in ways.get(way, ())}
    if way == "sure":
        columns = dictionary().tables[table].columns.values()
        texts |= {text: one.name for one in columns for text in (one.name, one.vi)}
    return listed(texts)


@cache
def _parts(which: str) -> Listed:
    return listed(dict.fromkeys(dictionary().parts[which], which))


def _may_mean(heading: _Heading, table: Table) -> str | None:
    """Return the column that a heading might mean."""
    if not heading.texts:
        return None
    name = split_unit(fold(heading.texts[-1]))[0]
    if len(heading.texts) > 1 and find(name, _parts("female")):
        return _women_of(find(heading.texts[-2], _known(table.name)), table)
    asked = find(name, _known(table.name, "ask"))
    if asked or len(name) <= len("mã số"):
        return asked
    near = {
        plain(text).lower(): one.name
        for one in table.columns.values()
        for text in (one.vi, *dictionary().headings[table.name].get(one.name, {}).get("sure", ()))
    }
    like = difflib.get_close_matches(plain(name).lower(), near, 1, _NEAR)
    return near[like[0]] if like else None


def _renamed(
    reading: SheetReading, row: int, headings: list[_Heading], table: Table
) -> SheetReading:
    columns, counters = table.columns, form_texts()["counters"]
    line = list(reading.sheet.rows[row])
    taken = {one.meant for one in headings}
    for place, heading in enumerate(headings):
        is_empty = all(cells[place] == "" for cells in reading.sheet.rows[row + 1 :])
        name = fold(heading.texts[-1]) if heading.texts else ""
        if name in counters or (heading.meant == "unit_id" and is_empty):
            # Room for codes that nobody has given yet says as little as a number.
            line[place] = counters[0]
        elif heading.meant not in (None, IGNORE):
            unit = f" ({heading.unit})" if heading.unit else ""
            line[place] = columns[str(heading.meant)].vi + unit
        elif name and not is_empty:
            likely = None if heading.meant == IGNORE else _may_mean(heading, table)
            is_asked = likely is not None and likely not in taken
            at, asked = (row, place), _UNDER.join(heading.texts)
            if likely is None or not is_asked:
                message = f"cột không có trong bảng «{table.vi}», không lấy vào"
                reading.add("left_out", message, at, value=asked, severity="warning")
                line[place] = counters[0]
                continue
            message = (
                f"«{asked}» có phải là cột «{columns[likely].vi}»? Hãy trả lời một lần trong"
                f" anh-xa.yaml: ghi tiêu đề ấy, hoặc «{IGNORE}»"
            )
            reading.add("ask_heading", message, at, value=asked, column=likely)
            # What else there is to ask of the list is asked at once: it is read as if confirmed.
            taken.add(likely)
            line[place] = columns[likely].vi
    rows = [*reading.sheet.rows[:row], line, *reading.sheet.rows[row + 1 :]]
    return SheetReading(reading.file, replace(reading.sheet, rows=rows), problems=reading.problems)


# Rows

_YEAR_IN_TITLE = re.compile(r"năm[: ]*((?:19|20)[0-9]{2})(?![0-9])")
#: Columns that only say who is meant; in a table of figures they may stand for the reader's sake.
_NAMING = ("text", "word", "id", "date", "year")
_NUMBER = re.compile(r"\(?([0-9]{1,2})\)?(?:\s*=.*)?")
_LETTER = re.compile(r"\(?[a-zđ]\)?")
_DIGITS = re.compile(r"-?[0-9][0-9., ]*")
#: A row that numbers the columns has at least this many numbers, one after the other.
_FEWEST_NUMBERS = 2
#: "II. Khối doanh nghiệp", "B/ …", or such a number alone in its cell.
_MARK = re.compile(r"(?:[ivx]+|[a-h])(?:[.)/:-]|$)")
#: What rows are that may say a sum.
_TOTAL, _GROUP = "cộng", "nhóm"
#: Above the signatures stands a place and a day.
_SIGNED_ON = re.compile(r"ngày\b.*\btháng\b.*\bnăm\b")


def read_table(
    reading: SheetReading, header: Header, year: int | None, asked: int, answers: Answers
) -> None:
    """Add the blocks of a sheet that holds a table, and what is wrong with it.

    ``year`` is taken where the sheet names none; ``asked`` is by what the money of a table may be
    multiplied that states another unit.
    """
    _TableReading(reading, header).read(year, asked, answers)


class _TableReading:
    """One table being read."""

    def __init__(self, reading: SheetReading, header: Header) -> None:
        self.reading, self.header = reading, header
        self.sheet, self.places = reading.sheet, header.places
        self.columns = {place: header.column(place) for place in self.places.values()}

    def read(self, year: int | None, asked: int, answers: Answers) -> None:
        reading, header, sheet = self.reading, self.header, self.sheet
        _check_headings(reading, header)
        rows = [
            row
            for row in range(header.row + 1, len(sheet.rows))
            if any(sheet.is_said((row, place)) for place in self.columns)
        ]
        if not rows:
            # A register of the district's form may well stay empty: a year without any event.
            if sheet.name not in form_texts()["sheets"].values():
                message = "bảng có dòng tiêu đề nhưng không có dòng số liệu nào"
                reading.add("no_rows", message, severity="warning")
            return
        rows = self._find_data(rows)
        used = {(row, place): column for place, column in self.columns.items() for row in rows}
        check_cells(reading, used)
        fixed = self._year_above(year)
        below = self._texts(header.row + 1)
        own = below if names_units(below) else [""] * len(header.names)
        units = {place: header.units[place] or own[place].strip("()") for place in self.columns}
        scale = find_scale(reading, header.row, self.columns, units, asked)
        for table in self._tables_taken():
            said = self._rows_said(table, rows)
            columns = self._cells_of(table, said, answers)
            addresses = {name: f"{xl_col_to_name(self.places[name])}{{row}}" for name in columns}
            if fixed is not None and "year" in table.columns:
                columns["year"] = [fixed[0]] * len(said)
                addresses["year"] = fixed[1]
            if said:
                numbers = [row + 1 for row in said]
                block = Block(table, sheet.name, numbers, columns, addresses, scale)
                reading.blocks.append(block)

    def _texts(self, row: int) -> list[str]:
        """Return what stands in a row, as it is compared."""
        return [fold(self.sheet.text(row, place)) for place in range(len(self.header.names))]

    def _rows_said(self, table: Table, rows: list[int]) -> list[int]:
        """Return the rows that say something of a table; an id alone is no return."""
        figures = [p for n, p in self.places.items() if n in table.columns and n not in table.key]
        said = [row for row in rows if any(self.sheet.is_said((row, p)) for p in figures)]
        if silent := set(rows) - set(said):
            message = f"{len(silent)} dòng không có số liệu nào của bảng «{table.vi}», coi như chưa báo cáo"
            at = (min(silent), min(self.places.values()))
            self.reading.add("nothing_said", message, at, severity="warning")
        return said

    def _cells_of(self, table: Table, rows: list[int], answers: Answers) -> dict[str, list[Raw]]:
        """Return a table's raw cells by column; a column that nobody filled in says nothing."""
        columns: dict[str, list[Raw]] = {}
        for name, place in self.places.items():
            if name not in table.columns and name != NAME:
                continue
            cells = [self.sheet.rows[row][place] for row in rows]
            is_needed = name in table.columns and (
                name in table.key or table.columns[name].required
            )
            if is_needed or any(cell != "" for cell in cells):
                columns[name] = cells
        known = listed(answers.types)
        for name in ("unit_type", "employer_type"):
            if known and name in columns:
                columns[name] = [find(tidy(shown(cell)), known) or cell for cell in columns[name]]
        if "commune" in columns:
            columns["commune"] = [*map(self._commune_of, rows, columns["commune"])]
        return columns

    def _commune_of(self, row: int, cell: Raw) -> Raw:
        """Return the commune of a list: of an address the part that says which."""
        titles = tuple(f"{title} " for title in dictionary().area_titles)
        parts = [part.strip() for part in str(cell).split(",")]
        if len(parts) == 1:
            return cell
        named = {part for part in parts if part.casefold().startswith(titles)}
        if len(named) == 1:
            return named.pop()
        message = "địa chỉ không cho biết rõ xã nào; hãy ghi xã, ví dụ «xã Tân Hợp»"
        at = (row, self.places["commune"])
        self.reading.add("unclear_address", message, at, column="commune")
        return cell

    def _tables_taken(self) -> Iterator[Table]:
        """Yield the tables whose rows are complete enough to be taken in."""
        reading, header = self.reading, self.header
        tables = [table for table in dictionary().tables.values() if table.key == header.key]
        for name in header.key:
            if name not in self.places and name != "year" and not header.is_list:
                _add_missing(reading, header, tables[0].columns[name])
        figures = {
            t.name: [n for n in self.places if n in t.columns and n not in t.key] for t in tables
        }
        lacking = {
            table.name: [
                f"«{column.vi}»"
                for name, column in table.columns.items()
                if column.required and name not in (*self.places, *table.key)
            ]
            for table in tables
        }
        taken = [t for t in tables if figures[t.name] and not lacking[t.name]]
        for table in tables:
            names = figures[table.name]
            if not names or not lacking[table.name]:
                continue
            only_names = all(table.columns[name].type.name in _NAMING for name in names)
            is_beside = only_names and bool(taken)
            severity: Severity = "warning" if is_beside else "error"
            told = "chỉ để đối chiếu, không lấy vào" if is_beside else "chưa lấy vào được"
            headings = ", ".join(lacking[table.name])
            message = f"cột của bảng «{table.vi}» {told} vì thiếu cột {headings}"
            at = (header.row, self.places[names[0]])
            reading.add("no_column", message, at, column=names[0], severity=severity)
        if not any(figures.values()):
            reading.add("no_column", "bảng chỉ có cột khóa, không có cột số liệu nào")
        yield from taken

    def _year_above(self, year: int | None) -> tuple[Raw, str] | None:
        """Return the year of a table without a column for it, and the cell that says so."""
        if "year" in self.places or "year" not in self.header.key:
            return None
        named = years_named(self.sheet, self.header.row)
        if len({text for text, _ in named}) > 1:
            cells = ", ".join(f"{text} (ô {cell})" for text, cell in named)
            message = f"phía trên bảng ghi nhiều năm: {cells}; chỉ để lại một năm"
            self.reading.add("ambiguous_year", message)
        elif named:
            return named[0]
        elif year is not None:
            return str(year), ""
        else:
            message = "không thấy năm của số liệu; hãy thêm cột «Năm»"
            self.reading.add("no_year", message, advice="hoặc chạy lệnh với --year")
        return None

    def _find_data(self, rows: list[int]) -> list[int]:
        """Return those of the rows in which something stands that are about a unit, an employer, an event.

        Rows of column numbers, totals and signatures are told and left out; any other row without its
        key is refused, once.
        """
        signed = self._first_signature(rows)
        data = [row for row in rows[1:] if self._is_coded(row)]
        if self.header.is_list:
            data = [row for row in data if not self._is_group(self._texts(row))]
        known = set(data)
        sums: dict[int, str] = {}
        for row in rows:
            if row in known:
                continue
            what = "ký tên" if row == signed else self._what_else(row, rows[0])
            if row <= signed and what:
                message = f"dòng {what}, không phải số liệu, không lấy vào"
                place = next(p for p, text in enumerate(self._texts(row)) if text)
                self.reading.add("not_data", message, (row, place), severity="warning")
                sums |= {row: what} if what in (_TOTAL, _GROUP) else {}
            elif row < signed and self._is_keyed(row):
                data.append(row)
        data.sort()
        for place, column in self.columns.items() if sums else ():
            if column.type.name in ("count", "money"):
                self._check_sums(place, column, sums, data)
        return data

    def _check_sums(
        self, place: int, column: Column, sums: dict[int, str], data: list[int]
    ) -> None:
        """Warn where a total, or the heading of a group, says otherwise than its rows add up to."""
        try:
            said = {row: spell(self.sheet.rows[row][place], column) for row in (*sums, *data)}
            counts = {row: int(text or 0) for row, text in said.items()}
        except (Unclear, ValueError):
            return  # told of the cell itself
        until = [0, *accumulate(counts[row] for row in data)]
        for row, what in sums.items():
            # Of what it may add up, what comes nearest is most likely meant.
            runs = _runs(row, what, sums, data)
            off = [until[end] - until[start] - counts[row] for start, end in runs]
            if said[row] != "" and off and 0 not in off:
                near = counts[row] + min(off, key=abs)
                message = (
                    f"dòng {what} ghi {said[row]}, cộng các dòng của «{column.vi}» được {near}"
                )
                self.reading.add("other_total", message, (row, place), severity="warning")

    def _what_else(self, row: int, first: int) -> str:
        """Return what a row is that is about no unit; nothing if it may be about one."""
        texts, keys = self._texts(row), self.header.key_places
        totals = [place for place, text in enumerate(texts) if is_total(text)]
        codes = keys[:1] if self.header.is_list else keys
        if totals and all(texts[place] == "" or place in totals for place in codes):
            return _TOTAL
        if any(texts[place].startswith(tuple(form_texts()["examples"])) for place in keys):
            return "ví dụ"
        if self._is_group(texts):
            return _TOTAL if any(map(_subtotal().match, texts)) else _GROUP
        if row == self.header.row + 1 and names_units(texts):
            return "đơn vị tính"
        return "đánh số cột" if row == first and _numbers_columns(texts) else ""

    def _is_group(self, texts: list[str]) -> bool:
        """Tell whether a row of a list is of those below or above: it is marked as such, or only counts."""
        places = self.places
        if not self.header.is_list or any(texts[places[name]] for name in ("unit_type", "commune")):
            return False
        counters = form_texts()["counters"]
        counted = [place for place, name in enumerate(self.header.names) if name in counters]
        figures = {place for place, column in self.columns.items() if column.type.is_number}
        others = [place for place, text in enumerate(texts) if text and place not in figures]
        before = [*counted, *(places[one] for one in ("unit_id", "name") if one in places)]
        is_apart = len(others) == 1 and any(not texts[place] for place in counted[:1])
        is_marked = any(_MARK.match(texts[place]) for place in before)
        return is_apart or is_marked or bool(_subtotal().match(texts[places["name"]]))

    def _first_signature(self, rows: list[int]) -> int:
        """Return the row from which on the table is signed: below it stands no code and no figure."""
        first = len(self.sheet.rows)
        figures = [place for place, column in self.columns.items() if column.type.is_number]
        for row in reversed(rows):
            texts = self._texts(row)
            if self._is_coded(row) or any(_DIGITS.fullmatch(texts[p]) for p in figures):
                break
            if any(map(is_signature, texts)):
                first = row
        return first

    def _is_coded(self, row: int) -> bool:
        """Tell at a glance whether a row names its unit by a code, as nearly all do."""
        place = self.places.get(self.header.key[-1])
        key = None if place is None else self.sheet.rows[row][place]
        return isinstance(key, str) and is_code(key.strip().upper())

    def _is_keyed(self, row: int) -> bool:
        """Tell whether a row says whose it is; else refuse it with one message."""
        keys = self.header.key_places
        if not keys or any(self.sheet[row, place] != "" for place in keys):
            return True
        names = " hoặc ".join(f"«{self.columns[place].vi}»" for place in keys)
        message = f"dòng này không ghi {names} nên không biết là của ai: hãy ghi, hoặc xóa dòng nếu không phải số liệu"
        column = self.columns[keys[0]].name
        self.reading.add("empty", message, (row, keys[0]), column=column)
        return False


def _runs(row: int, what: str, sums: dict[int, str], data: list[int]) -> list[tuple[int, int]]:
    """Return the runs of rows, by their places, that a row may add up.

    A total adds up what stands above it, from the last heading of a group or from an earlier one; if
    nothing does, what stands below. A heading adds up what stands below it, until a later heading.
    """
    own = bisect(data, row)
    if what == _GROUP or own == 0:
        ends = [bisect(data, other) for other in sums if other > row] if what == _GROUP else []
        runs = [(own, end) for end in (*ends, len(data))]
    else:
        starts = [bisect(data, other) for other in sums if other < row]
        runs = [(start, own) for start in (*starts, 0)]
    return [(start, end) for start, end in runs if start < end]


def _numbers_columns(texts: list[str]) -> bool:
    """Tell whether folded texts number columns: "(1)", "A", "3=1+2", one after the other."""
    filled = [text for text in texts if text]
    numbers = [int(found[1]) for text in filled if (found := _NUMBER.fullmatch(text))]
    letters = sum(_LETTER.fullmatch(text) is not None for text in filled)
    counted = [*range(numbers[0], numbers[0] + len(numbers))] if numbers else []
    are_in_order = len(numbers) >= _FEWEST_NUMBERS and numbers == counted and numbers[0] <= 2
    return are_in_order and len(numbers) + letters == len(filled) > _FEWEST_NUMBERS


def years_named(sheet: Sheet, above: int) -> list[tuple[str, str]]:
    """Return the years in the rows above, each with its cell; a cell made for it comes first."""
    label = fold(dictionary().tables["returns"].columns["year"].vi)
    cells, titles = [], []
    for row, line in enumerate(sheet.rows[:above]):
        for place, cell in enumerate(line):
            text = fold(shown(cell))
            beside = sheet.text(row, place + 1)
            if text.rstrip(":") == label and YEAR.fullmatch(beside):
                cells.append((beside, address(row, place + 1)))
            titles += [(year, address(row, place)) for year in _YEAR_IN_TITLE.findall(text)]
    return cells + titles


def is_total(text: str) -> bool:
    """Tell whether a folded text begins a row that adds up."""
    return _total().fullmatch(text) is not None


def is_signature(text: str) -> bool:
    """Tell whether a folded text stands where a table is signed."""
    return bool(_signature().match(text) or _SIGNED_ON.search(text))


@cache
def _total() -> re.Pattern[str]:
    words = "|".join(re.escape(fold(word)) for word in form_texts()["totals"])
    return re.compile(rf"(?:{words})[\s:.]*(?:\(?[0-9].*)?")


@cache
def _subtotal() -> re.Pattern[str]:
    words, of = ("|".join(map(re.escape, form_texts()[name])) for name in ("totals", "groups"))
    return re.compile(rf"(?:{words})[\s:.]*\(?(?:{of}|[ivx]+|[a-h])\b")


@cache
def _signature() -> re.Pattern[str]:
    words = "|".join(re.escape(fold(word)) for line in form_texts()["signatures"] for word in line)
    return re.compile(rf"\(?(?:{words})(?![^\W_])")


def is_code(text: str) -> bool:
    """Tell whether a text could be a unit's code."""
    return _code_pattern().fullmatch(text) is not None


@cache
def _code_pattern() -> re.Pattern[str]:
    return re.compile(dictionary().tables["roster"].columns["unit_id"].type.pattern or "")
