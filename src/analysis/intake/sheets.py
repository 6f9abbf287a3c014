"""One sheet: its raw cells, what values do not tell about them, and what is found in it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from xlsxwriter.utility import xl_col_to_name

from analysis.intake.writings import Raw, find, fold, form_texts, shown, tidy, units
from analysis.problems import Problem, Severity
from analysis.tables.dictionary import Column, Table

#: The register's column that people print beside the codes of any table.
NAME = "name"
#: From 0: row, column.
At = tuple[int, int]


@dataclass
class Marks:
    """What a scanner of a workbook finds in one sheet.

    Parameters
    ----------
    no_value : set of (int, int)
        Formulas that were never computed.
    errors : dict of (int, int) to str
        Cells that show an error, such as ``"#REF!"``.
    formats : dict of (int, int) to str
        Excel's format codes of the cells whose code may show another number than the cell holds.
    struck, part_struck : set of (int, int)
        Cells whose figure is crossed out; texts of which some letters are.
    notes : dict of (int, int) to str
        Comments hung on cells.
    merged : list of ((int, int), (int, int))
        First and last cell of every merge.
    hidden_rows, hidden_columns : set of int
        What the person who fills in the sheet does not see.
    visible : {"yes", "no", "never"}
        Whether the sheet is seen; Excel does not offer to show one that is never seen.
    """

    no_value: set[At] = field(default_factory=set)
    errors: dict[At, str] = field(default_factory=dict)
    formats: dict[At, str] = field(default_factory=dict)
    struck: set[At] = field(default_factory=set)
    part_struck: set[At] = field(default_factory=set)
    notes: dict[At, str] = field(default_factory=dict)
    merged: list[tuple[At, At]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
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
    """Return a cell's name.

    Examples
    --------
    >>> address(11, 3)
    'D12'
    """
    return f"{xl_col_to_name(column)}{row + 1}"


def letters(column: int) -> str:
    """Return a column's letters, from its number counted from 0: of 27 it is AB."""
    return address(0, column)[:-1]


@dataclass(frozen=True)
class Block:
    """Raw cells of one canonical table, and where they stand.

    Parameters
    ----------
    rows : list of int
        Row numbers, counted from 1.
    columns : dict of str to list
        Raw cells by column, as long as ``rows``; the printed `NAME` also where the table has none.
    addresses : dict of str to str
        As in `analysis.tables.delivery.Records`.
    scale : int
        By what its money is to be multiplied, to be in đồng.
    """

    table: Table
    sheet: str
    rows: list[int]
    columns: dict[str, list[Raw]]
    addresses: dict[str, str]
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
        if _touches(first, last, used.keys()):
            message = f"ô gộp ({address(*first)}:{address(*last)}) trên vùng số liệu; hãy bỏ gộp và ghi đủ từng ô"
            reading.add("merged", message, first)
    is_hiding = marks.hidden_rows or marks.hidden_columns
    filled = {at for at in used if sheet[at] != ""} if is_hiding else set()
    _add_hidden(reading, filled, 0, marks.hidden_rows, "dòng")
    _add_hidden(reading, filled, 1, marks.hidden_columns, "cột")
    for at in sorted(used.keys() & marks.struck):
        if sheet[at] != "":
            message = "số liệu bị gạch ngang mà vẫn được lấy; nếu đã bỏ thì hãy xóa khỏi ô"
            reading.add("struck", message, at, severity="warning")


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
    shown = f"ô hiện «{look.text}»" if look.text else "định dạng của ô giấu số đi"
    wanted = f"số {column.unit}" if column.type.is_number else "bằng chữ"
    message = f"{shown} nhưng bên trong là số này; hãy xóa định dạng của ô rồi gõ lại {wanted}"
    reading.add("other_look", message, at, column=column.name)


def _touches(first: At, last: At, used: Set[At]) -> bool:
    size = (last[0] - first[0] + 1) * (last[1] - first[1] + 1)
    if size > len(used):
        return any(first[0] <= r <= last[0] and first[1] <= c <= last[1] for r, c in used)
    cells = ((r, c) for r in range(first[0], last[0] + 1) for c in range(first[1], last[1] + 1))
    return any(at in used for at in cells)


def _add_hidden(
    reading: SheetReading, filled: set[At], axis: int, hidden: set[int], what: str
) -> None:
    for number in sorted({at[axis] for at in filled} & hidden):
        first = min(at for at in filled if at[axis] == number)
        message = f"{what} này đang bị ẩn mà có số liệu; hãy bỏ ẩn rồi xem lại, hoặc xóa đi"
        reading.add("hidden", message, first)


# What a person sees of a number: Excel's format codes

#: Quoted, escaped, currency, condition, colour, room, digits, percent, next section, other signs.
_SIGN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|\[\$(?P<money>[^\]-]*)[^\]]*\]'
    r"|\[(?P<compare>[<>=]+)(?P<bound>-?[0-9.]+)\]|\[[^\]]*\]|[_*].?"
    r"|(?P<digits>General|@|[0#?.,]*[0#?][0#?.,]*(?:E[+-][0#?]+)?)|(?P<percent>%)|(?P<end>;)|(?P<other>.)",
    re.DOTALL | re.IGNORECASE,
)
#: Signs beside a number that change nothing.
_PLAIN = " \u00a0()-+."
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    **{"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
    **{"=": operator.eq, "<>": operator.ne},
}


@dataclass
class _Section:
    """One of a code's parts, which one depends on the number."""

    before: str = ""
    after: str = ""
    digits: str = ""
    pieces: int = 0
    hundreds: int = 0
    compare: str = ""
    bound: Decimal = Decimal(0)

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
        elif sign["compare"] in _COMPARE:
            now.compare, now.bound = sign["compare"], Decimal(sign["bound"])
        else:
            now.add(next((x for x in sign.group("quoted", "escaped", "money", "other") if x), ""))
    return tuple(sections[:3])


def is_plain(code: str) -> bool:
    """Tell whether a code shows every number as it is, with nothing beside it.

    Examples
    --------
    >>> is_plain("#,##0"), is_plain("0%"), is_plain("#,##0,"), is_plain(";;;")
    (True, False, False, False)
    """
    return all(
        section.pieces == 1
        and not (section.hundreds or section.thousands or section.compare)
        and not (section.before + section.after).strip(_PLAIN)
        for section in _sections(code)
    ) and ("0" in code or code.lower() in ("general", "@", ""))


@dataclass(frozen=True)
class Look:
    """What a person sees: the text, the words in it, and whether its number is the cell's."""

    text: str
    words: str
    is_same: bool


def look_of(value: float, code: str) -> Look:
    """Return what a number looks like under a code.

    Examples
    --------
    >>> look_of(1, "0%"), look_of(48, '0.0" triệu đồng"')
    (Look(text='100%', words='', is_same=False), Look(text='48,0 triệu đồng', words='triệu đồng', is_same=True))
    """
    number, sections = Decimal(repr(value)), _sections(code)
    section = _section_for(number, sections)
    text, words = section.text_of(number), f"{section.before}{section.after}".strip(_PLAIN)
    is_same = section.pieces == 1 and not section.hundreds and not section.thousands and text != ""
    # Accountants' formats write a dash for a zero.
    return Look(text, words, is_same or (number == 0 and text in ("-", "–")))


def _section_for(number: Decimal, sections: tuple[_Section, ...]) -> _Section:
    if any(section.compare for section in sections):
        fits = (s for s in sections if s.compare and _COMPARE[s.compare](number, s.bound))
        return next(fits, sections[-1])
    if number == 0 and len(sections) == 3:
        return sections[2]
    return sections[1] if number < 0 and len(sections) > 1 else sections[0]
