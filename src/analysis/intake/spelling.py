"""From raw cells to records in the dataset's own spelling, or to what has to be asked.

Each speller takes one raw value and its column and returns the canonical text. What it cannot read
and has no better advice on it hands on as it stands: `analysis.tables.load.parse_column`, the home
of each type's rule, refuses it then. A value that could mean two things raises `Unclear`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import PurePath
from typing import Any

import pandas as pd

from analysis.intake.officelists import is_list
from analysis.intake.sheets import NAME, Block
from analysis.intake.writings import (
    YEAR,
    Raw,
    answers,
    find,
    find_damage,
    fold,
    form_texts,
    labels,
    lists,
    recognise,
    shown,
    tidy,
    units,
)
from analysis.problems import Problem, Severity
from analysis.tables.delivery import Records
from analysis.tables.dictionary import Column, dictionary
from analysis.tables.load import are_sound, parse_column
from analysis.tables.writing import clean, lacks_only_marks, loosely

_PLAIN = re.compile("[1-9][0-9]*|0")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
_SPACED = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})+")
_DECIMAL = re.compile(r"([0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+),([0-9]+)")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_POINTS = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_COMMAS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_WITH_WORDS = re.compile(r"([0-9](?:[0-9.,\s]*[0-9])?)\s*([^\W\d_₫].*|₫)")
_YEAR = re.compile(r"(?:năm )?([0-9]{4})")
_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_DAY_IN_WORDS = re.compile(r"(?:ngày )?([0-9]{1,2}) tháng ([0-9]{1,2}) năm ([0-9]{4})")
_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
#: The days that Excel counts from, and the numbers that are plainly days and not years or counts.
_FIRST_DAY, _SERIALS = date(1899, 12, 30), range(10_000, 80_000)
_EMPTY = "để trống nếu chưa có số liệu"
_EMPTY_ADVICE = f"ghi 0 nếu thật sự không có, {_EMPTY}"
#: What may stand around any answer without meaning: Excel's apostrophe, a stop or separator behind.
_AROUND = re.compile(r"^['’‘`](?=.)|(?<=[^\W_])[.;,]$")
_ANSWER = re.compile(r"([^\d(,;:–-]+)[(,;:–-]\s*(.+?)\)?")
_FULL_WIDTH = {0xFF01 + place: 0x21 + place for place in range(94)}


class Unclear(Exception):  # noqa: N818 - it is a question, not a failure
    """Why a value has to be asked about: a code for machines and a Vietnamese sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def spell(raw: Raw, column: Column, *, day_first: bool = False) -> str:
    """Return the canonical text of a cell, or raise `Unclear` if it has to be asked about.

    With ``day_first`` the other days of the column settle that 05/9/2003 is in September.

    Examples
    --------
    >>> returns = dictionary().tables["returns"].columns
    >>> spell("1.234", returns["informed"]), spell("Có", returns["plan_made"])
    ('1234', 'true')
    >>> spell("1.23", returns["informed"])
    Traceback (most recent call last):
    ...
    analysis.intake.spelling.Unclear: dấu chấm chỉ chia nhóm ba chữ số (1.234); số lẻ viết dấu phẩy
    """
    if isinstance(raw, str):
        if column.type.is_number and _PLAIN.fullmatch(raw):
            return raw
        raw = _tidied(raw, column)
        if raw == "":
            return ""
    elif isinstance(raw, float) and not math.isfinite(raw):
        raise Unclear("unclear", f"không phải là số; {_EMPTY_ADVICE}")
    if column.type.name == "date":
        return _spell_date(raw, day_first)
    return _SPELLERS[column.type.name](raw, column)


def _tidied(raw: str, column: Column) -> str:
    """Return a text without what says nothing; refuse one whose letters were lost or stand for none."""
    text = tidy(raw)
    old = recognise(text)
    if old is not None:
        message = f"chữ viết bằng bảng mã cũ {old[0]}, có lẽ là «{old[1]}»; hãy gõ lại bằng Unicode"
        raise Unclear("legacy_encoding", message)
    lost = find_damage(text, is_name=column.type.name == "text" and column.required)
    if lost is not None:
        raise Unclear("lost_letters", lost)
    text = clean(text)
    if column.type.name == "text":
        return text
    text = text.translate(_FULL_WIDTH)
    if column.type.name != "id" and find(text, answers()) == "unclear":
        raise Unclear("unclear", _EMPTY_ADVICE if column.type.is_number else _EMPTY)
    return _AROUND.sub("", text).strip()


# Numbers


def _spell_number(raw: Raw, column: Column) -> str:
    if isinstance(raw, bool | date | time | timedelta):
        message = (
            "ô là ngày hoặc giờ, hoặc là đúng/sai (TRUE/FALSE), ở đây cần một con số; hãy gõ lại số"
        )
        raise Unclear("not_number", message)
    if isinstance(raw, int | float):
        # Whole numbers come as floats; anything else shows as it is and is refused.
        return str(int(raw)) if float(raw).is_integer() else format(Decimal(repr(raw)), "f")
    return _spell_number_text(_without_unit(raw, column))


def _without_unit(text: str, column: Column) -> str:
    """Return a figure without the unit of measure that its line has anyway."""
    parts = _WITH_WORDS.fullmatch(text)
    if parts and find(parts[2], units()) == column.unit:
        return parts[1]
    if parts and not _SCIENTIFIC.fullmatch(text):
        message = (
            f"chỉ ghi con số tính bằng «{column.unit}», không ghi kèm chữ hay đơn vị tính khác"
        )
        raise Unclear("not_number", message)
    if not text[0].isdigit() and find(text, answers()) == "false":
        raise Unclear("unclear", f"có thể là 0, cũng có thể là chưa biết: {_EMPTY_ADVICE}")
    return text


def _spell_number_text(text: str) -> str:
    sign, digits = ("-", text[1:].lstrip()) if text[:1] in ("-", "−") else ("", text)
    if _SCIENTIFIC.fullmatch(digits):
        raise Unclear("scientific", "số viết dạng khoa học; hãy gõ đủ các chữ số, ví dụ 1000")
    if digits.endswith("%"):
        raise Unclear("percent", "ở đây cần số lượng, không phải tỷ lệ phần trăm")
    if _GROUPED.fullmatch(digits) or _SPACED.fullmatch(digits):
        return sign + re.sub(r"\D", "", digits)
    decimal = _DECIMAL.fullmatch(digits)
    if decimal and not _COMMAS.fullmatch(digits):
        return sign + _written(f"{decimal[1].replace('.', '')}.{decimal[2]}")
    if _COMMAS.fullmatch(digits):
        whole = digits.replace(",", "")
        message = f"dấu phẩy là dấu của số lẻ; nếu là {whole} thì gõ {whole}, không có dấu"
        raise Unclear("ambiguous_number", message)
    if _POINTS.fullmatch(digits):
        message = "dấu chấm chỉ chia nhóm ba chữ số (1.234); số lẻ viết dấu phẩy"
        raise Unclear("ambiguous_number", message)
    return sign + (digits.lstrip("0") or "0" if digits.isdigit() else digits)


def _in_dong(raw: Raw, text: str, scale: int) -> str:
    """Return an amount, spelled from a cell in a larger unit of money, in đồng; exact."""
    if isinstance(raw, str) and any(sign.isalpha() or sign == "₫" for sign in raw):
        raise Unclear("not_number", "bảng đã ghi đơn vị tính tiền; ô này chỉ ghi con số")
    if not re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", text):
        return text
    return _written(format(Decimal(text) * scale, "f"))


def _written(number: str) -> str:
    """Return a number without zeros at the end of its decimals."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _spell_year(raw: Raw, column: Column) -> str:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and float(raw).is_integer():
        return str(int(raw))
    named = _YEAR.fullmatch(fold(shown(raw)))
    return named[1] if named else shown(raw)


def _spell_share(raw: Raw, column: Column) -> str:
    if not isinstance(raw, str):
        return _spell_number(raw, column)
    text = raw.removesuffix("%").rstrip()
    if _SCIENTIFIC.fullmatch(text):
        raise Unclear("scientific", "số viết dạng khoa học; hãy gõ đủ, ví dụ 0,5 hoặc 50%")
    if not re.fullmatch(r"[0-9]{1,9}(?:[.,][0-9]{1,12})?", text):
        return raw
    number = Decimal(text.replace(",", ".")) / (100 if raw.endswith("%") else 1)
    return _written(format(number, "f"))


# Yes and no, words


def _spell_boolean(raw: Raw, column: Column) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    answer, _ = _read_answer(shown(raw))
    if answer is None:
        raise Unclear("not_boolean", "phải là Có hoặc Không; chưa rõ thì để trống")
    return answer


def _read_answer(text: str) -> tuple[str | None, str]:
    """Return a yes or no, and what is said behind it; a rest that may turn it round makes it none."""
    answer = find(text, answers())
    if answer is not None:
        return answer, ""
    parts = _ANSWER.fullmatch(text)
    answer = find(parts[1], answers()) if parts else None
    if parts is None or answer not in ("true", "false"):
        return None, ""
    if "?" in parts[2] or any(_says(parts[2], doubt) for doubt in lists()["doubts"][answer]):
        return None, ""
    return answer, parts[2]


def _says(text: str, what: str) -> bool:
    """Tell whether some words stand in a text, perhaps without their marks."""
    words, size = re.findall(r"\w+", clean(text)), len(what.split())
    parts = (loosely(" ".join(words[at : at + size])) for at in range(len(words)))
    return any(lacks_only_marks(part, loosely(what)) for part in parts)


def _spell_word(raw: Raw, column: Column) -> str:
    word = find(shown(raw), labels(column.word_list))
    if word is not None:
        return word
    known = {fold(label): label for label in dictionary().words[column.word_list].values()}
    near = difflib.get_close_matches(fold(shown(raw)), known, 1, 0.75)
    guess = f"; có phải là «{known[near[0]]}»?" if near else ";"
    listed = "; ".join(known.values())
    raise Unclear("unknown_word", f"không có trong danh mục{guess} dùng một trong: {listed}")


# Days


_NO_DAY = "phải là ngày, ghi đủ ngày, tháng, năm, ví dụ 30/11/2024"


def _settles_days(raws: Iterable[Raw]) -> bool:
    """Tell whether the days that a column holds as text can only be read with the day first."""
    days = [found for raw in raws if isinstance(raw, str) and (found := _DAY.fullmatch(tidy(raw)))]
    return any(int(day[1]) > 12 for day in days) and all(int(day[2]) <= 12 for day in days)


def _spell_date(raw: Raw, day_first: bool) -> str:
    if isinstance(raw, datetime):
        if raw.time() != time():
            raise Unclear("not_date", "ô có cả giờ; chỉ ghi ngày, ví dụ 30/11/2024")
        return raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, int | float) and float(raw).is_integer() and int(raw) in _SERIALS:
        return (_FIRST_DAY + timedelta(days=int(raw))).isoformat()
    return _spell_date_text(shown(raw), day_first)


def _spell_date_text(text: str, day_first: bool) -> str:
    iso = _ISO.fullmatch(text)
    if iso:
        return _day(*reversed(iso.groups()))
    words = _DAY_IN_WORDS.fullmatch(fold(text))
    if words:
        return _day(*words.groups())
    numbers = _DAY.fullmatch(text)
    if not numbers:
        raise Unclear("not_date", _NO_DAY)
    first, second, year = numbers.groups()
    if not day_first and int(first) <= 12 and int(second) <= 12 and int(first) != int(second):
        one, other = f"{int(first)} tháng {int(second)}", f"{int(second)} tháng {int(first)}"
        message = (
            f"không rõ là ngày {one} hay ngày {other}; hãy ghi năm trước, "
            f"ví dụ {_day(first, second, year)} là ngày {one}"
        )
        raise Unclear("ambiguous_date", message)
    return _day(first, second, year)


def _day(day: str, month: str, year: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise Unclear("not_date", _NO_DAY) from None


# Ids and texts


def _spell_id(raw: Raw, column: Column) -> str:
    if isinstance(raw, str):
        return raw.upper() if raw.isascii() else raw
    message = (
        "mã phải là chữ; ô đang là số hoặc ngày nên có thể đã mất số 0 ở đầu: "
        "đặt ô dạng Văn bản (Text) rồi gõ lại mã"
    )
    raise Unclear("id_number", message)


_SPELLERS: dict[str, Callable[[Any, Column], str]] = {
    "year": _spell_year,
    "count": _spell_number,
    "money": _spell_number,
    "boolean": _spell_boolean,
    "share": _spell_share,
    "word": _spell_word,
    "id": _spell_id,
    "task": lambda raw, _: shown(raw),
    "text": lambda raw, _: shown(raw),
}


# Whole blocks

#: A table of more different texts is judged whole at little cost.
_FEW = 100


def make_records(block: Block, file: str) -> tuple[Records, list[Problem]]:
    """Spell a block's cells as the dataset does and let the rules of the cells judge them."""
    spelling = _Spelling(block, file)
    for column in block.table.columns.values():
        if column.name in block.columns:
            spelling.take(column)
    return spelling.finish(), spelling.problems


class _Spelling:
    """One block being spelled: its texts by column, what is said behind answers, what is wrong."""

    def __init__(self, block: Block, file: str) -> None:
        self.block, self.file = block, file
        self.texts: dict[str, list[Any]] = {}
        self.remarks: list[tuple[int, str]] = []
        self.problems: list[Problem] = []

    def tell(
        self, column: Column, line: int, code: str, message: str, severity: Severity = "error"
    ) -> None:
        """Add a problem of a cell, with the value as it was typed."""
        row, block = self.block.rows[line], self.block
        cell = block.addresses.get(column.name, "").format(row=row)
        value = shown(block.columns[column.name][line]) if column.name in block.columns else ""
        place = (severity, code, self.file, row, column.name, value, message)
        self.problems.append(Problem(*place, sheet=block.sheet, cell=cell))

    def take(self, column: Column) -> None:
        """Spell each different value of a column once: 120,000 cells have few of them."""
        raws = self.block.columns[column.name]
        day_first = column.type.name == "date" and _settles_days(raws)
        spelled: dict[tuple[type, Raw], str] = {}
        refused: dict[tuple[type, Raw], Unclear] = {}
        for key in {(raw.__class__, raw) for raw in raws}:
            try:
                spelled[key] = spell(key[1], column, day_first=day_first)
                if column.type.name == "money" and self.block.scale != 1:
                    spelled[key] = _in_dong(key[1], spelled[key], self.block.scale)
            except Unclear as question:
                spelled[key], refused[key] = "", question
        self.texts[column.name] = texts = [spelled[raw.__class__, raw] for raw in raws]
        for line, raw in enumerate(raws) if refused else ():
            if unclear := refused.get((raw.__class__, raw)):
                self.tell(column, line, unclear.code, unclear.message)
        if column.type.name == "date" and day_first:
            self._look_for_swapped_days(column, texts)
        if column.type.name == "boolean":
            self._note_remarks(column, texts)

    def _note_remarks(self, column: Column, texts: list[str]) -> None:
        """Keep what is said behind answers for the notes, and tell so."""
        raws = self.block.columns[column.name]
        told = {raw for raw, text in zip(raws, texts, strict=True) if text and isinstance(raw, str)}
        beside: dict[Raw, str] = {raw: _read_answer(_tidied(raw, column))[1] for raw in told}
        template: str = form_texts()["remark_in_note"]
        for line, (raw, text) in enumerate(
            zip(raws, texts, strict=True) if any(beside.values()) else ()
        ):
            if text and (rest := beside.get(raw)):
                self.remarks.append((line, template.format(heading=column.vi, remark=shown(raw))))
                answer = form_texts()["answers"][text]
                message = f"hiểu là «{answer}»; phần ghi thêm «{rest}» được giữ trong ghi chú"
                self.tell(column, line, "rest_in_note", message, "warning")

    def _look_for_swapped_days(self, column: Column, texts: list[str]) -> None:
        """Warn where an American Excel may have taken days for months: it makes dates of those it can."""
        raws = self.block.columns[column.name]
        lines = [n for n, raw in enumerate(raws) if texts[n] and not isinstance(raw, str)]
        real = {line: texts[line].split("-") for line in lines}
        if any(int(day) > 12 for _, _, day in real.values()):
            return
        for line, (year, month, day) in real.items():
            if month != day:
                message = (
                    "trong cột này mọi ô ngày thật đều có ngày từ 1 đến 12, còn ngày trên 12 là chữ: có"
                    f" thể Excel kiểu Mỹ đã đổi chỗ ngày và tháng. Ô này hiểu là {day}/{month}/{year};"
                    f" nếu đúng ra là {month}/{day}/{year} thì gõ lại cả cột"
                )
                self.tell(column, line, "swapped_days", message, "warning")
                return

    def finish(self) -> Records:
        """Return the records; what was refused stands as an empty cell."""
        block = self.block
        self._judge()
        if self.remarks:
            # A row without a remark says nothing of its note: the one that it has stays.
            notes = self.texts.setdefault("note", [None] * len(block.rows))
            for line, remark in self.remarks:
                notes[line] = f"{notes[line]}\n{remark}" if notes[line] else remark
        # One array cut up: making an array costs more than a form's cells.
        cells, length = pd.array([*chain(*self.texts.values())], dtype="str"), len(block.rows)
        sliced = {name: cells[at * length :][:length] for at, name in enumerate(self.texts)}
        index = pd.Index(block.rows, dtype="int64")
        names = None
        if NAME in block.columns and NAME not in block.table.columns:
            beside = [tidy(shown(raw)) for raw in block.columns[NAME]]
            names = pd.Series(beside, index=index, dtype="str")
        text = pd.DataFrame(sliced, index=index)
        return Records(block.table.name, text, block.sheet, block.addresses, names)

    def _judge(self) -> None:
        """Let the rules of the cells judge all columns of one kind at once: a form has many short ones."""
        columns, length = self._asked(), len(self.block.rows)
        groups: dict[tuple[object, ...], list[str]] = {}
        for name in self.texts:
            column = columns[name]
            groups.setdefault((column.type, column.words, column.required), []).append(name)
        named = {(problem.row, problem.column) for problem in self.problems}
        for names in groups.values():
            column = columns[names[0]]
            texts = [cell for name in names for cell in self.texts[name]]
            if len(different := {*texts}) < _FEW and are_sound(different, column):
                continue
            stacked = pd.Series(texts, dtype="str")
            if not column.required:
                stacked = stacked[stacked != ""]
            for problem in parse_column(stacked, column, self.file)[1] if len(stacked) else ():
                place, line = divmod(int(problem.row or 0), length)
                name = names[place]
                # Whatever comes later finds only what is sound.
                if (self.block.rows[line], name) not in named:
                    self.tell(columns[name], line, problem.code, problem.message)
                    if name not in self.block.table.key:
                        self.texts[name][line] = ""

    def _asked(self) -> Mapping[str, Column]:
        """Return the columns; the units of a list need no code, the others are given one."""
        columns = self.block.table.columns
        if self.block.table.name != "roster" or not is_list(self.block.columns):
            return columns
        return columns | {"unit_id": replace(columns["unit_id"], required=False)}


def check_years(records: Iterable[Records], file: str, year: int | None) -> list[Problem]:
    """Compare the years in a file with one in its name, which binds, and with what the user said."""
    named = sorted({int(text) for text in YEAR.findall(PurePath(file).stem)})
    problems = []
    firsts = (
        (text, one, int(row))
        for one in records
        if "year" in one.text
        for row, text in one.text["year"].drop_duplicates().items()
        if text.isdigit()
    )
    for text, one, row in firsts:
        told = []
        if year is not None and int(text) != year:
            told.append(("other_year", f"nhưng lệnh nhập cho năm {year}"))
        if named and not named[0] <= int(text) <= named[-1]:
            told.append(("year_in_name", f"nhưng tên tệp ghi năm {named[0]}"))
        problems += [
            one.problem(file, "year", row, code=code, message=f"số liệu ghi năm {text} {what}")
            for code, what in told
        ]
    return problems
