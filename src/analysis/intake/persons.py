"""A list of members, a row a person: it is counted here, and nothing but counts leaves this process.

No name, number or day of a person stands in a record or a problem: those name rows and columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath

from analysis.intake.sheets import Block, SheetReading
from analysis.intake.tableread import is_code, is_signature, is_total, years_named
from analysis.intake.writings import YEAR, Raw, fold, form_texts, shown, tidy
from analysis.problems import Problem, Severity
from analysis.tables.dictionary import dictionary

#: Headings stand below a title, not below this many rows of it.
_FIRST_ROWS = 40
#: A list of unions may name each one's chair: only a list of persons says one of these of each.
_OF_PERSONS = {"sex", "male", "female", "born", "joined", "office", "identity"}

_NUMBER = re.compile(r"[0-9]+")
_CODE = re.compile(r"mã cđcs\s*:?\s*(\S+)")


@dataclass(frozen=True)
class Persons:
    """Where a list of persons begins, and what stands in which column."""

    row: int
    places: dict[str, int]


@dataclass
class _UnitCounts:
    """What is counted of one unit; None is unknown, as soon as one row does not say it."""

    first: int
    counts: dict[str, int | None] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    births: dict[tuple[object, ...], tuple[str, int]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


def find_persons(rows: Sequence[Sequence[Raw]]) -> Persons | None:
    """Return where a list of persons begins; None if the sheet is none.

    Examples
    --------
    >>> find_persons([["STT", "Họ và tên", "Giới tính"]])
    Persons(row=0, places={'number': 0, 'name': 1, 'sex': 2})
    >>> find_persons([["STT", "Tên CĐCS", "Họ và tên"]])
    """
    columns: dict[str, list[str]] = form_texts()["persons"]["columns"]
    known = {fold(heading): name for name, headings in columns.items() for heading in headings}
    for row, cells in enumerate(rows[:_FIRST_ROWS]):
        below = rows[row + 1] if row + 1 < len(rows) else []
        places: dict[str, int] = {}
        for line in (cells, below):
            for place, cell in enumerate(line):
                name = known.get(fold(tidy(shown(cell)))) if isinstance(cell, str) else None
                # The lower storey only parts men from women.
                if name and (line is cells or name in ("male", "female")):
                    places.setdefault(name, place)
        if "name" in places and places.keys() & _OF_PERSONS and not _counts(rows, row, places):
            return Persons(row, places)
    return None


def _counts(rows: Sequence[Sequence[Raw]], row: int, places: dict[str, int]) -> bool:
    """Tell whether numbers stand where men are parted from women: then a row is more than a person."""
    sides = {place for name, place in places.items() if name in ("male", "female")}
    if places.keys() & (_OF_PERSONS - {"male", "female"}):
        return False
    named = [
        line
        for line in rows[row + 1 :]
        if isinstance(line[places["name"]], str)
        and any(map(str.isalpha, text := fold(tidy(str(line[places["name"]])))))
        and not is_total(text)
    ]
    marks = [shown(line[place]).strip() for line in named for place in sides]
    numbers = [int(mark) for mark in marks if _NUMBER.fullmatch(mark)]
    return max(numbers, default=0) > 1 and len(numbers) == sum(mark != "" for mark in marks)


def read_persons(reading: SheetReading, persons: Persons, year: int | None) -> None:
    """Add the counts of a list, by unit; whatever goes wrong is told without what stands in a cell."""
    try:
        _read(reading, persons, year)
    except Exception:  # its message might hold what it failed over
        reading.add("program_error", "lỗi của chương trình khi đếm danh sách này; chưa nhận gì")


def _read(reading: SheetReading, persons: Persons, year: int | None) -> None:
    told = _told_year(reading, persons, year)
    if told is None:
        return
    units: dict[str, _UnitCounts] = {}
    for row in _rows(reading, persons):
        code = _unit_of(reading, persons, row)
        if code:
            _count(reading, persons, row, units.setdefault(code, _UnitCounts(row)), int(told))
    if any(problem.severity == "error" for problem in reading.problems):
        return
    given: dict[str, list[str]] = form_texts()["persons"]["gives"]
    for table, names in given.items():
        columns: dict[str, list[Raw]] = {"year": [told] * len(units), "unit_id": [*units]}
        for name in names:
            counts = [unit.counts.get(name) for unit in units.values()]
            if any(count is not None for count in counts):
                columns[name] = ["" if count is None else count for count in counts]
        if len(columns) > len(("year", "unit_id")):
            rows = [unit.first + 1 for unit in units.values()]
            sheet = reading.sheet.name
            reading.blocks.append(Block(dictionary().tables[table], sheet, rows, columns, {}))


def _tell(
    reading: SheetReading, code: str, message: str, row: int | None, severity: Severity = "error"
) -> None:
    number = None if row is None else row + 1
    reading.problems.append(
        Problem(severity, code, reading.file, number, "", "", message, sheet=reading.sheet.name)
    )


def _told_year(reading: SheetReading, persons: Persons, year: int | None) -> str | None:
    named = {text for text, _ in years_named(reading.sheet, persons.row)}
    if len(named) > 1:
        _tell(reading, "ambiguous_year", "phía trên danh sách ghi nhiều năm", None)
        return None
    if not named and year is None:
        message = "không thấy năm của danh sách; hãy ghi «Năm …» phía trên, hoặc chạy với --year"
        _tell(reading, "no_year", message, None)
        return None
    return named.pop() if named else str(year)


def _rows(reading: SheetReading, persons: Persons) -> Iterator[int]:
    """Yield the rows that are a person each; others that say something are told, or refused."""
    marks, places = reading.sheet.marks, persons.places
    own = [place for name, place in places.items() if name != "number"]
    skipped: list[str] = []
    is_signed = False
    for row in range(persons.row + 1, len(reading.sheet.rows)):
        said = [place for place in own if reading.sheet[row, place] != ""]
        if any(marks.is_said((row, place)) for place in own):
            _tell(reading, "no_value", "có ô công thức chưa tính hoặc báo lỗi", row)
        elif row in marks.hidden_rows and said:
            message = "dòng đang bị ẩn (lọc?) mà có người; hãy bỏ ẩn rồi xem lại, hoặc xóa đi"
            _tell(reading, "hidden", message, row)
        elif _is_person(reading, persons, row, said):
            yield row
        elif places["name"] not in said and len(said) > 1:
            _tell(reading, "no_name", "dòng có thông tin mà không có họ tên", row)
        elif said:
            texts = [fold(tidy(shown(cell))) for cell in reading.sheet.rows[row] if cell != ""]
            is_signed = is_signed or any(map(is_signature, texts))
            if "number" in places or is_signed or any(map(is_total, texts)):
                skipped.append(str(row + 1))
            else:
                message = "không rõ dòng này có phải là một người: hãy ghi giới tính, hoặc xóa dòng"
                _tell(reading, "bare_name", message, row)
    if skipped:
        message = f"không tính là người: dòng {', '.join(skipped)}"
        _tell(reading, "not_data", message, None, "warning")


def _is_person(reading: SheetReading, persons: Persons, row: int, said: list[int]) -> bool:
    """Tell a person from a total, a signature, a group's title and the numbers of the columns."""
    name = reading.sheet[row, persons.places["name"]]
    text = fold(tidy(shown(name)))
    if not isinstance(name, str) or not any(map(str.isalpha, text)):
        return False
    if is_total(text) or is_signature(text):
        return False
    number = persons.places.get("number")
    is_numbered = number is not None and bool(
        _NUMBER.fullmatch(shown(reading.sheet[row, number]).strip(" ."))
    )
    return len(said) > 1 or is_numbered


def _unit_of(reading: SheetReading, persons: Persons, row: int) -> str:
    """Return whose member a row is: by its column, by what stands above the list, by the file's name."""
    if "unit" in persons.places:
        code = reading.sheet.text(row, persons.places["unit"]).upper()
        if not code:
            _tell(reading, "no_unit", "dòng không ghi «Mã CĐCS»", row)
        return code
    for line in reading.sheet.rows[: persons.row]:
        text = " ".join(fold(tidy(shown(cell))) for cell in line if cell != "")
        if found := _CODE.search(text):
            return found[1].strip(".,;()").upper()
    code, mark, _ = PurePath(reading.file).stem.partition("_")
    if mark and is_code(code):
        return code
    message = (
        "không biết danh sách của CĐCS nào: hãy thêm cột «Mã CĐCS», ghi «Mã CĐCS: …» phía trên danh"
        " sách, hoặc đặt tên tệp bắt đầu bằng mã và dấu gạch dưới"
    )
    if all(problem.code != "no_unit" for problem in reading.problems):
        _tell(reading, "no_unit", message, None)
    return ""


def _count(reading: SheetReading, persons: Persons, row: int, unit: _UnitCounts, year: int) -> None:
    if _is_known(reading, persons, row, unit):
        return
    joined = _year_joined(reading, persons, row)
    found = {
        "members_total": True,
        "members_female": _is_female(reading, persons, row),
        "new_members": None if joined is None else joined == year,
        "cadres_total": _holds_office(reading, persons, row),
    }
    for name, holds in found.items():
        before = unit.counts.get(name, 0)
        unit.counts[name] = None if holds is None or before is None else before + holds
    if joined is not None and joined > year:
        message = f"ngày vào công đoàn sau năm {year}: danh sách có đúng là của năm ấy không?"
        _tell(reading, "joined_later", message, row, "warning")


def _text(reading: SheetReading, persons: Persons, row: int, name: str) -> str:
    place = persons.places.get(name)
    return "" if place is None else fold(reading.sheet.text(row, place))


def _is_known(reading: SheetReading, persons: Persons, row: int, unit: _UnitCounts) -> bool:
    """Tell whether a person stands in the list already; who cannot be told apart is told of."""
    name = " ".join(_text(reading, persons, row, part) for part in ("name", "given")).strip()
    number = _text(reading, persons, row, "identity").replace(" ", "")
    day = sorted(map(int, _NUMBER.findall(_text(reading, persons, row, "born"))[:3]))
    birth = (name, *day) if day else None
    first = unit.numbers.get(number) if number else None
    if first is None and birth in unit.births:
        other, first_row = unit.births[birth]
        first = first_row if not (number and other) else None
    if first is not None:
        message = f"trùng với người ở dòng {first + 1}: chỉ tính một lần"
        _tell(reading, "duplicate_person", message, row, "warning")
        return True
    if name in unit.names and not number and birth is None:
        message = (
            "trùng họ tên với dòng trước mà không có ngày sinh để phân biệt: tính là hai người"
        )
        _tell(reading, "same_name", message, row, "warning")
    unit.names.add(name)
    if number:
        unit.numbers[number] = row
    if birth is not None:
        unit.births.setdefault(birth, (number, row))
    return False


def _is_female(reading: SheetReading, persons: Persons, row: int) -> bool | None:
    words = form_texts()["persons"]["words"]
    sides = [_text(reading, persons, row, name) != "" for name in ("male", "female")]
    if "sex" not in persons.places:
        if "female" not in persons.places:
            return None
        if all(sides):
            _tell(reading, "bad_sex", "đánh dấu cả nam và nữ", row)
        is_said = sides[1] or sides[0] or "male" not in persons.places
        return sides[1] if is_said else None
    text = _text(reading, persons, row, "sex")
    for answer, is_female in (("female", True), ("male", False)):
        if text in words[answer]:
            return is_female
    if text:
        _tell(reading, "bad_sex", "giới tính phải ghi Nam hoặc Nữ", row)
    else:
        message = "chưa ghi giới tính, nên chưa tính được số nữ"
        _tell(reading, "no_sex", message, row, "warning")
    return None


def _year_joined(reading: SheetReading, persons: Persons, row: int) -> int | None:
    if "joined" not in persons.places:
        return None
    raw = reading.sheet[row, persons.places["joined"]]
    if isinstance(raw, date):
        return raw.year
    text = tidy(shown(raw))
    years = YEAR.findall(text)
    if len(years) == 1:
        return int(years[0])
    if text:
        _tell(reading, "bad_date", "ngày vào công đoàn phải có năm, ví dụ 15/03/2025", row)
    else:
        message = "chưa ghi ngày vào công đoàn, nên chưa tính được số kết nạp mới"
        _tell(reading, "no_date", message, row, "warning")
    return None


def _holds_office(reading: SheetReading, persons: Persons, row: int) -> bool | None:
    if "office" not in persons.places:
        return None
    return _text(reading, persons, row, "office") not in form_texts()["persons"]["words"]["none"]
