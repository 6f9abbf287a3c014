"""A list of members, a row a person: it is counted here, and nothing but counts leaves this process.

No name, number or day of a person stands in a record or a problem: those name rows and columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
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


def find_persons(rows: Sequence[Sequence[Raw]]) -> Persons | None:
    """Return where a list of persons begins; None if the sheet is none."""
    columns: dict[str, list[str]] = form_texts()["persons"]["columns"]
    known = {fold(heading): name for name, headings in columns.items() for heading in headings}
    for row, cells in enumerate(rows[:_FIRST_ROWS]):
        below = rows[row + 1] if row + 1 < len(rows) else []
        places: dict[str, int] = {}
        for line in (cells, below):
            for place, cell in enumerate(line):
                name = known.get(fold(shown(cell))) if isinstance(cell, str) else None
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
        _Counting(reading, persons).run(year)
    except Exception:  # its message might hold what it failed over
        reading.add("program_error", "lỗi của chương trình khi đếm danh sách này; chưa nhận gì")


@dataclass
class _UnitCounts:
    """What is counted of one unit; None is unknown, as soon as one row does not say it."""

    first: int
    counts: dict[str, int | None] = field(default_factory=dict)
    #: Who was met already: rows by number, number and row by name and day of birth, names.
    numbers: dict[str, int] = field(default_factory=dict)
    births: dict[tuple[object, ...], tuple[str, int]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Counting:
    """One list being counted."""

    def __init__(self, reading: SheetReading, persons: Persons) -> None:
        self.reading, self.sheet = reading, reading.sheet
        self.header, self.places = persons.row, persons.places

    def run(self, year: int | None) -> None:
        told = self._year(year)
        if told is None:
            return
        units: dict[str, _UnitCounts] = {}
        for row in self._rows():
            if code := self._unit_of(row):
                self._count(row, units.setdefault(code, _UnitCounts(row)), int(told))
        if any(problem.severity == "error" for problem in self.reading.problems):
            return
        rows = [unit.first + 1 for unit in units.values()]
        for name, counted in form_texts()["persons"]["gives"].items():
            columns: dict[str, list[Raw]] = {"year": [told] * len(units), "unit_id": [*units]}
            for column in counted:
                counts = [unit.counts.get(column) for unit in units.values()]
                if any(count is not None for count in counts):
                    columns[column] = ["" if count is None else count for count in counts]
            if columns.keys() & {*counted}:
                table = dictionary().tables[name]
                self.reading.blocks.append(Block(table, self.sheet.name, rows, columns, {}))

    def _tell(
        self, code: str, message: str, row: int | None = None, severity: Severity = "error"
    ) -> None:
        number = None if row is None else row + 1
        problem = Problem(severity, code, self.reading.file, number, "", "", message)
        self.reading.problems.append(replace(problem, sheet=self.sheet.name))

    def _text(self, row: int, name: str) -> str:
        return fold(self.sheet.text(row, self.places[name])) if name in self.places else ""

    def _year(self, year: int | None) -> str | None:
        named = {text for text, _ in years_named(self.sheet, self.header)}
        if len(named) > 1:
            self._tell("ambiguous_year", "phía trên danh sách ghi nhiều năm")
            return None
        if not named and year is None:
            message = (
                "không thấy năm của danh sách; hãy ghi «Năm …» phía trên, hoặc chạy với --year"
            )
            self._tell("no_year", message)
            return None
        return named.pop() if named else str(year)

    def _rows(self) -> Iterator[int]:
        """Yield the rows that are a person each; others that say something are told, or refused."""
        marks = self.sheet.marks
        own = [place for name, place in self.places.items() if name != "number"]
        skipped: list[str] = []
        is_signed = False
        for row in range(self.header + 1, len(self.sheet.rows)):
            said = [place for place in own if self.sheet[row, place] != ""]
            if any(marks.is_said((row, place)) for place in own):
                self._tell("no_value", "có ô công thức chưa tính hoặc báo lỗi", row)
            elif row in marks.hidden_rows and said:
                message = "dòng đang bị ẩn (lọc?) mà có người; hãy bỏ ẩn rồi xem lại, hoặc xóa đi"
                self._tell("hidden", message, row)
            elif self._is_person(row, said):
                yield row
            elif self.places["name"] not in said and len(said) > 1:
                self._tell("no_name", "dòng có thông tin mà không có họ tên", row)
            elif said:
                texts = [fold(shown(cell)) for cell in self.sheet.rows[row] if cell != ""]
                is_signed = is_signed or any(map(is_signature, texts))
                if "number" in self.places or is_signed or any(map(is_total, texts)):
                    skipped.append(str(row + 1))
                    continue
                message = "không rõ dòng này có phải là một người: hãy ghi giới tính, hoặc xóa dòng"
                self._tell("bare_name", message, row)
        if skipped:
            message = f"không tính là người: dòng {', '.join(skipped)}"
            self._tell("not_data", message, severity="warning")

    def _is_person(self, row: int, said: list[int]) -> bool:
        """Tell a person from a total, a signature, a group's title and the numbers of the columns."""
        name, text = self.sheet[row, self.places["name"]], self._text(row, "name")
        if not isinstance(name, str) or not any(map(str.isalpha, text)):
            return False
        if is_total(text) or is_signature(text):
            return False
        return len(said) > 1 or bool(_NUMBER.fullmatch(self._text(row, "number").strip(" .")))

    def _unit_of(self, row: int) -> str:
        """Return whose member a row is: by its column, by what stands above the list, by the file's name."""
        if "unit" in self.places:
            code = self.sheet.text(row, self.places["unit"]).upper()
            if not code:
                self._tell("no_unit", "dòng không ghi «Mã CĐCS»", row)
            return code
        for line in self.sheet.rows[: self.header]:
            text = " ".join(fold(shown(cell)) for cell in line if cell != "")
            if found := _CODE.search(text):
                return found[1].strip(".,;()").upper()
        code, mark, _ = PurePath(self.reading.file).stem.partition("_")
        if mark and is_code(code):
            return code
        message = (
            "không biết danh sách của CĐCS nào: hãy thêm cột «Mã CĐCS», ghi «Mã CĐCS: …» phía trên danh"
            " sách, hoặc đặt tên tệp bắt đầu bằng mã và dấu gạch dưới"
        )
        if all(problem.code != "no_unit" for problem in self.reading.problems):
            self._tell("no_unit", message)
        return ""

    def _count(self, row: int, unit: _UnitCounts, year: int) -> None:
        if self._is_known(row, unit):
            return
        joined = self._year_joined(row)
        none = form_texts()["persons"]["words"]["none"]
        found = {
            "members_total": True,
            "members_female": self._is_female(row),
            "new_members": None if joined is None else joined == year,
            "cadres_total": self._text(row, "office") not in none
            if "office" in self.places
            else None,
        }
        for name, holds in found.items():
            before = unit.counts.get(name, 0)
            unit.counts[name] = None if holds is None or before is None else before + holds
        if joined is not None and joined > year:
            message = f"ngày vào công đoàn sau năm {year}: danh sách có đúng là của năm ấy không?"
            self._tell("joined_later", message, row, "warning")

    def _is_known(self, row: int, unit: _UnitCounts) -> bool:
        """Tell whether a person stands in the list already; who cannot be told apart is told of."""
        name = f"{self._text(row, 'name')} {self._text(row, 'given')}".strip()
        number = self._text(row, "identity").replace(" ", "")
        day = sorted(map(int, _NUMBER.findall(self._text(row, "born"))[:3]))
        birth = (name, *day) if day else None
        first = unit.numbers.get(number)
        if first is None and birth in unit.births:
            other, first_row = unit.births[birth]
            first = first_row if not (number and other) else None
        if first is not None:
            message = f"trùng với người ở dòng {first + 1}: chỉ tính một lần"
            self._tell("duplicate_person", message, row, "warning")
            return True
        if name in unit.names and not number and birth is None:
            message = (
                "trùng họ tên với dòng trước mà không có ngày sinh để phân biệt: tính là hai người"
            )
            self._tell("same_name", message, row, "warning")
        unit.names.add(name)
        if number:
            unit.numbers[number] = row
        if birth is not None:
            unit.births.setdefault(birth, (number, row))
        return False

    def _is_female(self, row: int) -> bool | None:
        if "sex" not in self.places:
            if "female" not in self.places:
                return None
            is_male, is_female = (self._text(row, name) != "" for name in ("male", "female"))
            if is_male and is_female:
                self._tell("bad_sex", "đánh dấu cả nam và nữ", row)
            return is_female if is_male or is_female or "male" not in self.places else None
        words, text = form_texts()["persons"]["words"], self._text(row, "sex")
        if text in (*words["female"], *words["male"]):
            return text in words["female"]
        if text:
            self._tell("bad_sex", "giới tính phải ghi Nam hoặc Nữ", row)
        else:
            message = "chưa ghi giới tính, nên chưa tính được số nữ"
            self._tell("no_sex", message, row, "warning")
        return None

    def _year_joined(self, row: int) -> int | None:
        if "joined" not in self.places:
            return None
        text = self.sheet.text(row, self.places["joined"])
        years = YEAR.findall(text)
        if len(years) == 1:
            return int(years[0])
        if text:
            self._tell("bad_date", "ngày vào công đoàn phải có năm, ví dụ 15/03/2025", row)
        else:
            message = "chưa ghi ngày vào công đoàn, nên chưa tính được số kết nạp mới"
            self._tell("no_date", message, row, "warning")
        return None
