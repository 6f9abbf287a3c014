"""From a raw cell to the dataset's own spelling, or to what has to be asked.

Each speller takes one raw value and its column and returns the canonical text. What it cannot read
and has no better advice on it hands on as it stands: `analysis.tables.load.parse_column`, the home
of each type's rule, refuses it then. A value that could mean two things raises `Unclear`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from analysis.intake.formtexts import Raw, fold, shown, tidy
from analysis.intake.legacy import find_damage, recognise
from analysis.intake.wordlists import answers, find, labels, lists, units
from analysis.tables.dictionary import Column, dictionary
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
    """Return the canonical text of a cell.

    Parameters
    ----------
    raw : str, number, bool or date
        As it was read.
    column : Column
        The dictionary's entry.
    day_first : bool
        Whether the other days of the column settle that 05/9/2003 is in September.

    Raises
    ------
    Unclear
        If it has to be asked about.

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
    if isinstance(raw, bool):
        raise Unclear("not_number", "ô là đúng/sai (TRUE/FALSE), ở đây cần một con số")
    if isinstance(raw, date | time | timedelta):
        raise Unclear("not_number", "ô là ngày hoặc giờ, ở đây cần một con số; hãy gõ lại số")
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
        whole, part = decimal[1].replace(".", ""), decimal[2].rstrip("0")
        return sign + (f"{whole}.{part}" if part else whole)
    _refuse_other_styles(digits)
    return sign + (digits.lstrip("0") or "0" if digits.isdigit() else digits)


def _refuse_other_styles(digits: str) -> None:
    if _COMMAS.fullmatch(digits):
        whole = digits.replace(",", "")
        message = f"dấu phẩy là dấu của số lẻ; nếu là {whole} thì gõ {whole}, không có dấu"
        raise Unclear("ambiguous_number", message)
    if _POINTS.fullmatch(digits):
        message = "dấu chấm chỉ chia nhóm ba chữ số (1.234); số lẻ viết dấu phẩy"
        raise Unclear("ambiguous_number", message)


def in_dong(raw: Raw, text: str, scale: int) -> str:
    """Return an amount, spelled from a cell in a larger unit of money, in đồng; exact.

    Raises
    ------
    Unclear
        If the cell names a unit of its own.

    Examples
    --------
    >>> in_dong("48,5", "48.5", 1_000_000)
    '48500000'
    """
    if isinstance(raw, str) and any(sign.isalpha() or sign == "₫" for sign in raw):
        raise Unclear("not_number", "bảng đã ghi đơn vị tính tiền; ô này chỉ ghi con số")
    if not re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", text):
        return text
    amount = format(Decimal(text) * scale, "f")
    return amount.rstrip("0").rstrip(".") if "." in amount else amount


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
    written = format(number, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


# Yes and no, words


def _spell_boolean(raw: Raw, column: Column) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, date | time | timedelta):
        raise Unclear("not_boolean", "ô là ngày hoặc giờ, ở đây cần Có hoặc Không")
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


def remark_in(raw: Raw, column: Column) -> str:
    """Return what a yes or no says beside its answer.

    Examples
    --------
    >>> remark_in("Có (tháng 3)", dictionary().tables["returns"].columns["plan_made"])
    'tháng 3'
    """
    if column.type.name != "boolean" or not isinstance(raw, str):
        return ""
    return _read_answer(_tidied(raw, column))[1]


def _spell_word(raw: Raw, column: Column) -> str:
    text = shown(raw)
    known = dictionary().words[column.word_list]
    word = find(text, labels(column.word_list))
    if word is not None:
        return word
    near = difflib.get_close_matches(fold(text), [fold(label) for label in known.values()], 1, 0.75)
    guess = next(
        (f"; có phải là «{x}»?" for x in known.values() if near and fold(x) == near[0]), ";"
    )
    listed = "; ".join(known.values())
    raise Unclear("unknown_word", f"không có trong danh mục{guess} dùng một trong: {listed}")


# Days


def settles_days(raws: Iterable[Raw]) -> bool:
    """Tell whether the days that a column holds as text can only be read with the day first.

    Examples
    --------
    >>> settles_days(["05/9/2003", "25/12/2013"]), settles_days(["05/9/2003"])
    (True, False)
    """
    days = [found for raw in raws if isinstance(raw, str) and (found := _DAY.fullmatch(tidy(raw)))]
    return any(int(day[1]) > 12 for day in days) and all(int(day[2]) <= 12 for day in days)


def _spell_date(raw: Raw, day_first: bool) -> str:
    if isinstance(raw, datetime):
        if raw.time() != time():
            raise Unclear("not_date", "ô có cả giờ; chỉ ghi ngày, ví dụ 30/11/2024")
        return raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        if float(raw).is_integer() and int(raw) in _SERIALS:
            return (_FIRST_DAY + timedelta(days=int(raw))).isoformat()
        raise Unclear("not_date", "cần đủ ngày, tháng, năm, ví dụ 30/11/2024")
    if not isinstance(raw, str):
        raise Unclear("not_date", "phải là ngày, ví dụ 30/11/2024")
    return _spell_date_text(raw, day_first)


def _spell_date_text(text: str, day_first: bool) -> str:
    iso = _ISO.fullmatch(text)
    if iso:
        return _day(*reversed(iso.groups()))
    words = _DAY_IN_WORDS.fullmatch(fold(text))
    if words:
        return _day(*words.groups())
    numbers = _DAY.fullmatch(text)
    if not numbers:
        raise Unclear("not_date", "phải là ngày đủ ngày/tháng/năm, ví dụ 30/11/2024")
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
    return f"{int(year):04d}-{int(month):02d}-{int(day):02d}"


# Ids and texts


def _spell_id(raw: Raw, column: Column) -> str:
    if isinstance(raw, str):
        return raw.upper() if raw.isascii() else raw
    message = (
        "mã phải là chữ; ô đang là số hoặc ngày nên có thể đã mất số 0 ở đầu: "
        "đặt ô dạng Văn bản (Text) rồi gõ lại mã"
    )
    raise Unclear("id_number", message)


def _spell_text(raw: Raw, column: Column) -> str:
    return shown(raw)


_SPELLERS: dict[str, Callable[[Any, Column], str]] = {
    "year": _spell_year,
    "count": _spell_number,
    "money": _spell_number,
    "boolean": _spell_boolean,
    "share": _spell_share,
    "word": _spell_word,
    "id": _spell_id,
    "task": _spell_text,
    "text": _spell_text,
}
