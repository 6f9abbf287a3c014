"""One sheet: its raw cells, how they look and in what they are measured, and what is found in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from xlsxwriter.utility import xl_col_to_name

from analysis.intake.writings import (
    Raw,
    find,
    fold,
    form_texts,
    lists,
    money_units,
    shown,
    tidy,
    units,
)
from analysis.problems import Problem, Severity
from analysis.tables.dictionary import Column, Table

#: The register's column that people print beside the codes of any table.
NAME = "name"
#: From 0: row, column.
At = tuple[int, int]


@dataclass
class Marks:
    """What values do not tell of the cells of one sheet."""

    #: Formulas that were never computed.
    no_value: set[At] = field(default_factory=set)
    #: What cells show that show an error, such as "#REF!".
    errors: dict[At, str] = field(default_factory=dict)
    #: Excel's format codes that may show another number than the cell holds.
    formats: dict[At, str] = field(default_factory=dict)
    #: Cells whose figure is crossed out; texts of which some letters are.
    struck: set[At] = field(default_factory=set)
    part_struck: set[At] = field(default_factory=set)
    #: Comments hung on cells.
    notes: dict[At, str] = field(default_factory=dict)
    #: First and last cell of every merge.
    merged: list[tuple[At, At]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    #: "no", or "never" where Excel does not offer to show the sheet.
    visible: str = "yes"

    def is_said(self, at: At) -> bool:
        """Whether somebody wrote something there that has no usable value."""
        return at in self.no_value or at in self.errors


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, empty for a CSV file; raw cells from A1 on, in rows of one length; its marks."""

    name: str
    rows: list[list[Raw]]
    marks: Marks = field(default_factory=Marks)

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in it."""
        return all(cell == "" for row in self.rows for cell in row)

    def __getitem__(self, at: tuple[int, int]) -> Raw:
        """Return the cell of a row and a column; empty outside of what was read."""
        row, column = at
        inside = row < len(self.rows) and column < len(self.rows[row])
        return self.rows[row][column] if inside else ""

    def text(self, row: int, column: int) -> str:
        """Return what stands in a cell as a person would have typed it."""
        return tidy(shown(self[row, column]))

    def is_said(self, at: tuple[int, int]) -> bool:
        """Tell whether something stands in a cell, be it without a usable value."""
        return self[at] != "" or self.marks.is_said(at)


def address(row: int, column: int) -> str:
    """Return a cell's name."""
    return f"{xl_col_to_name(column)}{row + 1}"


@dataclass(frozen=True)
class Block:
    """Raw cells of one canonical table, and where they stand."""

    table: Table
    sheet: str
    #: Their numbers, counted from 1.
    rows: list[int]
    #: Raw cells by column; the printed `NAME` also where the table has none.
    columns: dict[str, list[Raw]]
    #: As in `analysis.tables.delivery.Records`.
    addresses: dict[str, str]
    #: By what its money is to be multiplied, to be in đồng.
    scale: int = 1


@dataclass
class SheetReading:
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
        advice: str = "",
    ) -> None:
        """Add a problem of one cell, or of the sheet."""
        row, cell = (None, "") if at is None else (at[0] + 1, address(*at))
        if value is None and at is not None:
            value = shown(self.sheet[at])
        self.problems.append(
            Problem(
                *(severity, code, self.file, row, column),
                "" if value is None else str(value),
                message,
                sheet=self.sheet.name,
                cell=cell,
                advice=advice,
            )
        )


def ask_part_of_year(reading: SheetReading, above: int) -> None:
    """Refuse a sheet whose title speaks of a part of the year: figures are of the whole of it."""
    asked = re.compile(form_texts()["part_of_year"])
    for row, cells in enumerate(reading.sheet.rows[:above]):
        for place, cell in enumerate(cells):
            said = asked.search(fold(cell)) if isinstance(cell, str) else None
            if said:
                message = (
                    f"ghi là số liệu «{said[0]}», ở đây cần số liệu cả năm: hãy gửi số liệu cả năm,"
                    " hoặc sửa dòng này nếu số liệu đúng là của cả năm"
                )
                reading.add("part_of_year", message, (row, place))


def check_cells(reading: SheetReading, used: Mapping[At, Column]) -> None:
    """Add a problem for every cell in use that shows less, or more, than it is taken for."""
    marks, sheet = reading.sheet.marks, reading.sheet
    for at in sorted(used.keys() & marks.errors):
        message = "ô báo lỗi của Excel; hãy sửa công thức hoặc gõ thẳng giá trị"
        reading.add("error_cell", message, at, value=marks.errors[at])
    for at in sorted(used.keys() & marks.no_value):
        message = "công thức chưa được tính; hãy mở tệp bằng Excel, lưu lại, hoặc gõ thẳng giá trị"
        reading.add("formula_without_value", message, at)
    for at in sorted(used.keys() & marks.formats):
        _check_look(reading, at, used[at], marks.formats[at])
    for at in sorted(used.keys() & marks.part_struck):
        message = "một phần chữ trong ô bị gạch ngang, không rõ lấy phần nào; hãy gõ lại phần đúng"
        reading.add("struck", message, at)
    for first, last in marks.merged:
        rows = range(first[0], min(last[0] + 1, len(sheet.rows)))
        if any((row, place) in used for row in rows for place in range(first[1], last[1] + 1)):
            message = f"ô gộp ({address(*first)}:{address(*last)}) trên vùng số liệu; hãy bỏ gộp và ghi đủ từng ô"
            reading.add("merged", message, first)
    _check_hidden(reading, used)
    for at in sorted(used.keys() & marks.struck):
        if sheet[at] != "":
            message = "số liệu bị gạch ngang mà vẫn được lấy; nếu đã bỏ thì hãy xóa khỏi ô"
            reading.add("struck", message, at, severity="warning")


def _check_hidden(reading: SheetReading, used: Mapping[At, Column]) -> None:
    marks, sheet = reading.sheet.marks, reading.sheet
    axes = ((0, marks.hidden_rows, "dòng"), (1, marks.hidden_columns, "cột"))
    for axis, hidden, what in axes:
        filled = [at for at in used if at[axis] in hidden and sheet[at] != ""] if hidden else []
        for number in sorted({at[axis] for at in filled}):
            message = f"{what} này đang bị ẩn mà có số liệu; hãy bỏ ẩn rồi xem lại, hoặc xóa đi"
            reading.add("hidden", message, min(at for at in filled if at[axis] == number))


def own_notes(marks: Marks) -> dict[At, str]:
    """Return the comments that people hung on cells, each on one line; not those of a marked copy."""
    author = form_texts()["errors"]["comment_author"]
    lines = {at: " ".join(note.split()) for at, note in marks.notes.items()}
    return {
        at: note for at, note in sorted(lines.items()) if note and not note.startswith(f"{author}:")
    }


def tell_note(reading: SheetReading, at: At, note: str) -> None:
    """Tell of a comment that is not taken in."""
    message = f"ghi chú gắn vào ô không được lấy vào: «{note}»"
    reading.add("cell_note", message, at, severity="warning")


def _check_look(reading: SheetReading, at: At, column: Column, code: str) -> None:
    """Refuse a number that a person sees as another one, or as one of another unit."""
    raw = reading.sheet[at]
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return
    look = look_of(raw, code.replace("%", "") if column.type.name == "share" else code)
    if look.is_same and (look.words == "" or find(look.words, units()) == column.unit):
        return
    shown = f"ô hiện «{look.text}» nhưng" if look.text else "định dạng của ô giấu số đi nhưng"
    if any(section.is_conditional for section in _sections(code)):
        shown = "định dạng của ô thay đổi theo số, không rõ ô hiện gì, còn"
    wanted = f"số {column.unit}" if column.type.is_number else "bằng chữ"
    message = f"{shown} bên trong là số này; hãy xóa định dạng của ô rồi gõ lại {wanted}"
    reading.add("other_look", message, at, column=column.name)


# What a person sees of a number: Excel's format codes

#: Quoted, escaped, currency, condition, colour, room, digits, percent, next section, other signs.
_SIGN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|\[\$(?P<money>[^\]-]*)[^\]]*\]'
    r"|(?P<compare>\[[<>=]+[^\]]*\])|\[[^\]]*\]|[_*].?"
    r"|(?P<digits>General|@|[0#?.,]*[0#?][0#?.,]*(?:E[+-][0#?]+)?)|(?P<percent>%)|(?P<end>;)|(?P<other>.)",
    re.DOTALL | re.IGNORECASE,
)
#: Signs beside a number that change nothing.
_PLAIN = " \u00a0()-+."


@dataclass
class _Section:
    """One of a code's parts, which one depends on the number."""

    before: str = ""
    after: str = ""
    digits: str = ""
    pieces: int = 0
    hundreds: int = 0
    is_conditional: bool = False

    def add(self, text: str) -> None:
        if self.pieces:
            self.after += text
        else:
            self.before += text

    @property
    def thousands(self) -> int:
        """How often the number is divided by a thousand: commas that no digit follows."""
        parts = self.digits.split(".")
        return sum(len(part) - len(part.rstrip(",")) for part in parts)

    def text_of(self, value: Decimal) -> str:
        """Return about what stands in the cell, the words beside the number included."""
        if not self.pieces:
            return self.before.strip()
        number = value * 100**self.hundreds / 1000**self.thousands
        decimals = self.digits.upper().partition("E")[0].partition(".")[2]
        has_places = self.digits.lower() not in ("general", "@")
        places = sum(sign in "0?" for sign in decimals) if has_places else None
        if number == 0 and has_places and "0" not in self.digits:
            return (self.before + self.after).strip()
        text = format(number.normalize() if places is None else round(number, places), "f")
        return f"{self.before}{text.replace('.', ',')}{'%' * self.hundreds}{self.after}".strip()


@cache
def _sections(code: str) -> tuple[_Section, ...]:
    sections = [_Section()]
    for sign in _SIGN.finditer(code):
        now = sections[-1]
        if sign["end"]:
            sections.append(_Section())
        elif sign["digits"]:
            # Spaces among the digits only part them, as in "# ##0".
            now.pieces += not now.pieces or now.after.strip() != ""
            now.digits, now.after = now.digits + sign["digits"], now.after.strip()
        elif sign["percent"]:
            now.hundreds += 1
        elif sign["compare"]:
            now.is_conditional = True
        else:
            now.add(next((x for x in sign.group("quoted", "escaped", "money", "other") if x), ""))
    return tuple(sections[:3])


def is_plain(code: str) -> bool:
    """Tell whether a code shows every number as it is, with nothing beside it."""
    return all(
        section.pieces == 1
        and not (section.hundreds or section.thousands or section.is_conditional)
        and not (section.before + section.after).strip(_PLAIN)
        for section in _sections(code)
    ) and ("0" in code or code.lower() in ("general", "@", ""))


class Look(NamedTuple):
    """What a person sees: the text, the words in it, and whether its number is the cell's."""

    text: str
    words: str
    is_same: bool


def look_of(value: float, code: str) -> Look:
    """Return what a number looks like under a code; whether a condition of it holds is not looked up."""
    number, sections = Decimal(repr(value)), _sections(code)
    section = sections[1] if number < 0 and len(sections) > 1 else sections[0]
    if number == 0 and len(sections) == 3:
        section = sections[2]
    text, words = section.text_of(number), f"{section.before}{section.after}".strip(_PLAIN)
    is_same = section.pieces == 1 and not section.hundreds and not section.thousands and text != ""
    is_same = is_same and not any(one.is_conditional for one in sections)
    # Accountants' formats write a dash for a zero.
    return Look(text, words, is_same or (number == 0 and text in ("-", "–")))


# Units of measure: above a table, in a heading, in a row below the headings

_IN_HEADING = re.compile(
    r"(.+?)\s*[(\[,;:–-]\s*(?:(?:đvt|đơn vị(?: tính)?)\s*:?\s*)?([^()\[\]]+?)[)\]]?"
)
_STATED = re.compile(
    r"(?:(?:đvt|dvt|(?:đơn vị|don vi) (?:tính|tinh)|tính bằng)\s*[:：-]?|(?:đơn vị|don vi)\s*[:：-])\s*([^()]+)"
)
_BETWEEN = re.compile(r"[,;/+&]| và ")


class _Stated(NamedTuple):
    """A unit of money that a table states: how it is written, what it is worth, and where."""

    text: str
    worth: int
    at: At


def split_unit(heading: str) -> tuple[str, str]:
    """Return a heading, as `fold` has it, and the unit of measure behind it."""
    parts = _IN_HEADING.fullmatch(heading)
    if parts and (find(parts[2], money_units()) or find(parts[2], units())):
        return parts[1], parts[2]
    return heading, ""


def names_units(texts: list[str]) -> bool:
    """Tell whether a row holds nothing but units of measure, as some tables have below their headings."""
    said = [text.strip("()") for text in texts if text]
    known = [find(text, money_units()) or find(text, units()) for text in said]
    return len(said) > 1 and all(known)


def find_scale(
    reading: SheetReading,
    header: int,
    columns: dict[int, Column],
    beside: dict[int, str],
    asked: int,
) -> int:
    """Return by what the money of a table is to be multiplied, to be in đồng; problems are added.

    ``columns`` are those of each place, ``beside`` the units in their headings, empty where there is
    none. ``asked`` is what the user says that tables stating another unit may be multiplied by.
    """
    above = stated_above(reading, header) or [_Stated("đồng", 1, (header, 0))]
    stated: list[_Stated] = []
    for place, column in columns.items():
        unit, is_money = beside[place], column.type.name == "money"
        meant = find(unit, money_units() if is_money else units())
        if unit and (meant is None or (not is_money and meant != column.unit)):
            message = f"tiêu đề ghi đơn vị tính «{unit}», cột này tính bằng «{column.unit}»"
            reading.add("other_unit", message, (header, place))
        elif is_money:
            stated += [_Stated(unit, int(meant), (header, place))] if meant else above
    others = [one for one in stated if one.worth != 1]
    if not others:
        return 1
    first = others[0]
    if len({one.worth for one in stated}) > 1:
        message = "các cột tiền của bảng ghi bằng nhiều đơn vị tính khác nhau; hãy đổi hết ra đồng"
        reading.add("other_unit", message, first.at)
        return 1
    if first.worth == asked:
        factor = f"{asked:,}".replace(",", ".")
        message = f"tiền của bảng ghi bằng {first.text}: đã nhân với {factor} để ra đồng"
        reading.add("multiplied", message, first.at, severity="warning")
    else:
        options = [name for name, worth in lists()["money_options"].items() if worth == first.worth]
        offer = f"hoặc chạy lại với --don-vi {options[0]}" if options else ""
        message = f"tiền của bảng ghi bằng {first.text}, ở đây cần đồng: hãy đổi ra đồng"
        reading.add("other_unit", message, first.at, advice=offer)
    # What is refused is judged in its own unit, so that half a million is not half a đồng.
    return first.worth


def stated_above(reading: SheetReading, header: int) -> list[_Stated]:
    """Return the units of money that stand above the headings, each worth once."""
    found: dict[str, _Stated] = {}
    for row in range(header):
        for place in range(len(reading.sheet.rows[row])):
            text = fold(reading.sheet.text(row, place))
            named = _STATED.search(text)
            parts = _BETWEEN.split(named[1]) if named else [text.strip("()")]
            for part in parts:
                worth = find(part, money_units())
                if worth:
                    found.setdefault(worth, _Stated(part.strip(" ."), int(worth), (row, place)))
    return list(found.values())
