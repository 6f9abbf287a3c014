"""Reading a plain table: its headings, and the rows that are about a unit; people also add up and sign."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Set
from functools import cache
from itertools import accumulate

from analysis.intake.headings import (
    Header,
    add_missing,
    check_headings,
    find_scale,
    names_units,
)
from analysis.intake.officelists import Answers
from analysis.intake.sheets import NAME, Block, Sheet, SheetReading, address, check_cells, letters
from analysis.intake.spelling import Unclear, spell
from analysis.intake.writings import YEAR, Raw, find, fold, form_texts, listed, shown, tidy
from analysis.problems import Severity
from analysis.tables.dictionary import Column, Table, dictionary

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
    reading: SheetReading,
    header: Header,
    year: int | None,
    asked: int = 1,
    answers: Answers = Answers(),  # noqa: B008 - frozen
) -> None:
    """Add the blocks of a sheet that holds a table, and what is wrong with it.

    ``year`` is taken where the sheet names none; ``asked`` is by what the money of a table may be
    multiplied that states another unit.
    """
    sheet = reading.sheet
    check_headings(reading, header)
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
            reading.add("no_rows", message, severity="warning")
        return
    rows = _find_data(reading, header, rows)
    known = {place: header.column(place) for place in places.values()}
    check_cells(reading, {(row, place): known[place] for place in known for row in rows})
    fixed = _year_above(reading, header, places, year)
    scale = find_scale(reading, header.row, *_measured(reading, header, places), asked)
    for table in _tables_taken(reading, header, places):
        said = _rows_said(reading, table, places, rows, broken)
        columns = _columns(reading, table, places, said)
        _use_types(columns, answers)
        if "commune" in columns:
            place = places["commune"]
            columns["commune"] = _use_addresses(reading, place, said, columns["commune"])
        addresses = {name: f"{letters(places[name])}{{row}}" for name in columns}
        if fixed is not None and "year" in table.columns:
            columns["year"] = [fixed[0]] * len(said)
            addresses["year"] = fixed[1]
        if said:
            numbers = [row + 1 for row in said]
            reading.blocks.append(Block(table, sheet.name, numbers, columns, addresses, scale))


def _measured(
    reading: SheetReading, header: Header, places: dict[str, int]
) -> tuple[dict[int, Column], dict[int, str]]:
    """Return what stands where, and in which unit: of the heading, or of the row below it."""
    columns = {place: header.column(place) for place in places.values()}
    below = _texts_of(reading, header.row + 1)
    own = below if names_units(below) else [""] * len(header.names)
    return columns, {place: header.units[place] or own[place].strip("()") for place in columns}


def _rows_said(
    reading: SheetReading,
    table: Table,
    places: dict[str, int],
    rows: list[int],
    broken: Set[tuple[int, int]],
) -> list[int]:
    """Return the rows that say something of a table; an id alone is no return."""
    cells = reading.sheet.rows
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
        reading.add("nothing_said", message, at, severity="warning")
    return said


def _columns(
    reading: SheetReading, table: Table, places: dict[str, int], rows: list[int]
) -> dict[str, list[Raw]]:
    """Return a table's raw cells by column; a column that nobody filled in says nothing."""
    columns: dict[str, list[Raw]] = {}
    for name, place in places.items():
        if name not in table.columns and name != NAME:
            continue
        cells = [reading.sheet.rows[row][place] for row in rows]
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
    reading: SheetReading, place: int, rows: list[int], cells: list[Raw]
) -> list[Raw]:
    """Return the communes of a list: of an address the part that says which."""
    titles = tuple(f"{title} " for title in dictionary().area_titles)
    communes: list[Raw] = []
    for row, cell in zip(rows, cells, strict=True):
        parts = [part.strip() for part in str(cell).split(",")]
        named = {part for part in parts if part.casefold().startswith(titles)}
        if len(parts) > 1 and len(named) != 1:
            message = "địa chỉ không cho biết rõ xã nào; hãy ghi xã, ví dụ «xã Tân Hợp»"
            reading.add("unclear_address", message, (row, place), column="commune")
        communes.append(named.pop() if len(parts) > 1 and len(named) == 1 else cell)
    return communes


def _tables_taken(reading: SheetReading, header: Header, places: dict[str, int]) -> Iterator[Table]:
    """Yield the tables whose rows are complete enough to be taken in."""
    tables = [table for table in dictionary().tables.values() if table.key == header.key]
    for name in header.key:
        if name not in places and name != "year" and not header.is_list:
            add_missing(reading, header, tables[0].columns[name])
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
        reading.add("no_column", message, at, column=names[0], severity=severity)
    if not any(figures.values()):
        reading.add("no_column", "bảng chỉ có cột khóa, không có cột số liệu nào")
    yield from taken


def _year_above(
    reading: SheetReading, header: Header, places: dict[str, int], year: int | None
) -> tuple[Raw, str] | None:
    """Return the year of a table without a column for it, and the cell that says so."""
    if "year" in places or "year" not in header.key:
        return None
    named = years_named(reading.sheet, header.row)
    if len({text for text, _ in named}) > 1:
        cells = ", ".join(f"{text} (ô {cell})" for text, cell in named)
        reading.add("ambiguous_year", f"phía trên bảng ghi nhiều năm: {cells}; chỉ để lại một năm")
    elif named:
        return named[0]
    elif year is not None:
        return str(year), ""
    else:
        message = "không thấy năm của số liệu; hãy thêm cột «Năm»"
        reading.add("no_year", message, advice="hoặc chạy lệnh với --year")
    return None


def years_named(sheet: Sheet, above: int) -> list[tuple[str, str]]:
    """Return the years in the rows above, each with its cell; a cell made for it comes first."""
    label = fold(dictionary().tables["returns"].columns["year"].vi)
    cells, titles = [], []
    for row, line in enumerate(sheet.rows[:above]):
        for place, cell in enumerate(line):
            text = fold(tidy(shown(cell)))
            beside = sheet.text(row, place + 1)
            if text.rstrip(":") == label and YEAR.fullmatch(beside):
                cells.append((beside, address(row, place + 1)))
            titles += [(year, address(row, place)) for year in _YEAR_IN_TITLE.findall(text)]
    return cells + titles


def _find_data(reading: SheetReading, header: Header, rows: list[int]) -> list[int]:
    """Return those of the rows in which something stands that are about a unit, an employer, an event.

    Rows of column numbers, totals and signatures are told and left out; any other row without its
    key is refused, once.
    """
    signed = _first_signature(reading, header, rows)
    data = [row for row in rows[1:] if _is_coded(reading, header, row)]
    if header.is_list:
        data = [row for row in data if not _is_group(header, _texts_of(reading, row))]
    known = set(data)
    sums: dict[int, str] = {}
    for row in rows:
        if row in known:
            continue
        what = "ký tên" if row == signed else _what_else(reading, header, row, rows[0])
        if row <= signed and what:
            message = f"dòng {what}, không phải số liệu, không lấy vào"
            place = next(p for p, text in enumerate(_texts_of(reading, row)) if text)
            reading.add("not_data", message, (row, place), severity="warning")
            sums |= {row: what} if what in (_TOTAL, _GROUP) else {}
        elif row < signed and _is_keyed(reading, header, row):
            data.append(row)
    data.sort()
    _check_sums(reading, header, sums, data)
    return data


def _check_sums(
    reading: SheetReading, header: Header, sums: dict[int, str], data: list[int]
) -> None:
    """Warn where a total, or the heading of a group, says otherwise than its rows add up to."""
    for place in header.places().values() if sums else ():
        column = header.column(place)
        if column.type.name not in ("count", "money"):
            continue
        try:
            said = {row: spell(reading.sheet.rows[row][place], column) for row in (*sums, *data)}
            counts = {row: int(text or 0) for row, text in said.items()}
        except (Unclear, ValueError):
            continue  # told of the cell itself
        until = [0, *accumulate(counts[row] for row in data)]
        for row, what in sums.items():
            runs = _runs(row, what, sums, data)
            # Of what it may add up, what comes nearest is most likely meant.
            off = [until[end] - until[start] - counts[row] for start, end in runs]
            if said[row] != "" and off and 0 not in off:
                near = counts[row] + min(off, key=abs)
                message = (
                    f"dòng {what} ghi {said[row]}, cộng các dòng của «{column.vi}» được {near}"
                )
                reading.add("other_total", message, (row, place), severity="warning")


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


def _texts_of(reading: SheetReading, row: int) -> list[str]:
    """Return what stands in a row, as it is compared."""
    return [fold(tidy(shown(cell))) for cell in reading.sheet.rows[row]]


@cache
def _key_places(header: Header) -> list[int]:
    places = header.places()
    names = (*header.key, NAME) if header.is_list else header.key
    keys = [places[name] for name in names if name in places and name != "year"]
    return keys or [places[name] for name in header.key if name in places]


def _what_else(reading: SheetReading, header: Header, row: int, first: int) -> str:
    texts = _texts_of(reading, row)
    keys = _key_places(header)
    totals = [place for place, text in enumerate(texts) if is_total(text)]
    codes = keys[:1] if header.is_list else keys
    if totals and all(texts[place] == "" or place in totals for place in codes):
        return _TOTAL
    if any(texts[place].startswith(tuple(form_texts()["examples"])) for place in keys):
        return "ví dụ"
    if _is_group(header, texts):
        return _TOTAL if any(map(_subtotal().match, texts)) else _GROUP
    if row == header.row + 1 and names_units(texts):
        return "đơn vị tính"
    filled = [text for text in texts if text]
    numbers = [int(found[1]) for text in filled if (found := _NUMBER.fullmatch(text))]
    counted = list(range(numbers[0], numbers[0] + len(numbers))) if numbers else []
    letters = sum(_LETTER.fullmatch(text) is not None for text in filled)
    are_in_order = len(numbers) >= _FEWEST_NUMBERS and numbers == counted and numbers[0] <= 2
    if row == first and are_in_order and len(numbers) + letters == len(filled) > _FEWEST_NUMBERS:
        return "đánh số cột"
    return ""


def is_total(text: str) -> bool:
    """Tell whether a folded text begins a row that adds up."""
    return _total().fullmatch(text) is not None


def is_signature(text: str) -> bool:
    """Tell whether a folded text stands where a table is signed."""
    return bool(_signature().match(text) or _SIGNED_ON.search(text))


def _is_group(header: Header, texts: list[str]) -> bool:
    """Tell whether a row of a list is of those below or above: it is marked as such, or only counts."""
    places = header.places()
    if not header.is_list or any(texts[places[name]] for name in ("unit_type", "commune")):
        return False
    name = texts[places["name"]]
    counters = form_texts()["counters"]
    counted = [place for place, heading in enumerate(header.names) if heading in counters]
    figures = {p for n, p in places.items() if header.column(p).type.is_number}
    others = [place for place, text in enumerate(texts) if text and place not in figures]
    before = [*counted, *(places[one] for one in ("unit_id", "name") if one in places)]
    is_apart = len(others) == 1 and any(not texts[place] for place in counted[:1])
    return is_apart or any(_MARK.match(texts[p]) for p in before) or bool(_subtotal().match(name))


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


def _first_signature(reading: SheetReading, header: Header, rows: list[int]) -> int:
    """Return the row from which on the table is signed: below it stands no code and no figure."""
    first = len(reading.sheet.rows)
    figures = [p for p in header.places().values() if header.column(p).type.is_number]
    for row in reversed(rows):
        texts = _texts_of(reading, row)
        if _is_coded(reading, header, row) or any(_DIGITS.fullmatch(texts[p]) for p in figures):
            break
        if any(map(is_signature, texts)):
            first = row
    return first


def _is_coded(reading: SheetReading, header: Header, row: int) -> bool:
    """Tell at a glance whether a row names its unit by a code, as nearly all do."""
    place = header.places().get(header.key[-1])
    key = None if place is None else reading.sheet.rows[row][place]
    return isinstance(key, str) and is_code(key.strip().upper())


def is_code(text: str) -> bool:
    """Tell whether a text could be a unit's code."""
    return _code_pattern().fullmatch(text) is not None


@cache
def _code_pattern() -> re.Pattern[str]:
    return re.compile(dictionary().tables["roster"].columns["unit_id"].type.pattern or "")


def _is_keyed(reading: SheetReading, header: Header, row: int) -> bool:
    """Tell whether a row says whose it is; else refuse it with one message."""
    keys = _key_places(header)
    if not keys or any(reading.sheet[row, place] != "" for place in keys):
        return True
    names = " hoặc ".join(f"«{header.column(place).vi}»" for place in keys)
    message = f"dòng này không ghi {names} nên không biết là của ai: hãy ghi, hoặc xóa dòng nếu không phải số liệu"
    reading.add("empty", message, (row, keys[0]), column=header.column(keys[0]).name)
    return False
