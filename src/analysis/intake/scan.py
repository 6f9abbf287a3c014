"""What values alone do not tell about a sheet: broken formulas, errors, merges, hidden parts, how numbers look."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from analysis.intake.files import UnreadableError

#: Rows times columns of the smallest box around all filled cells; a reader makes room for all of it.
MOST_CELLS = 12_000_000

#: From 0: row, column.
Place = tuple[int, int]
Box = tuple[Place, Place]


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

    no_value: set[Place] = field(default_factory=set)
    errors: dict[Place, str] = field(default_factory=dict)
    formats: dict[Place, str] = field(default_factory=dict)
    struck: set[Place] = field(default_factory=set)
    part_struck: set[Place] = field(default_factory=set)
    notes: dict[Place, str] = field(default_factory=dict)
    merged: list[Box] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    visible: str = "yes"

    def is_said(self, at: Place) -> bool:
        """Whether somebody wrote something there that has no usable value."""
        return at in self.no_value or at in self.errors


def too_wide(sheet: str, last: str) -> UnreadableError:
    """Return why a sheet that reaches too far is not read."""
    message = (
        f"trang tính «{sheet}» trải tới tận ô {last}; hãy xóa các dòng, cột thừa ở cuối rồi lưu lại"
    )
    return UnreadableError("too_wide", message)


def counts_from_1904() -> UnreadableError:
    """Return why a workbook of another calendar is not read."""
    message = (
        "tệp đếm ngày từ năm 1904 (máy Mac cũ) nên ngày dễ sai; hãy chép số liệu sang một tệp mới"
    )
    return UnreadableError("date_1904", message)


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
