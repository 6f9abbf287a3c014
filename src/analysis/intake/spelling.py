"""From a raw cell to the dataset's own spelling, or to what has to be asked.

Each speller takes one raw value and its column and returns the canonical text. What it cannot read
and has no better advice on it hands on as it stands: `analysis.tables.cells.parse_column`, the home
of each type's rule, refuses it then. A value that could mean two things raises `Unclear`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from analysis.intake.legacy import recognise
from analysis.intake.raw import Raw, shown, tidy
from analysis.intake.words import fold
from analysis.tables.dictionary import Column, dictionary

_GROUPED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
_SPACED = re.compile(r"[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+")
_DECIMAL = re.compile(r"([0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+),([0-9]+)")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_POINTS = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_COMMAS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_WITH_WORDS = re.compile(r"[0-9][0-9.,\s]*[^\W\d_].*")
_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_DAY_IN_WORDS = re.compile(r"(?:ngày )?([0-9]{1,2}) tháng ([0-9]{1,2}) năm ([0-9]{4})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
#: The days that Excel counts from, and the numbers that are plainly days and not years or counts.
_FIRST_DAY, _SERIALS = date(1899, 12, 30), range(10_000, 80_000)
_EMPTY_ADVICE = "để trống nếu chưa có số liệu; ghi 0 nếu thật sự không có"


class Unclear(Exception):  # noqa: N818 - it is a question, not a failure
    """Why a value has to be asked about: a code for machines and a Vietnamese sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


@cache
def _spellings() -> tuple[dict[str, str], frozenset[str]]:
    raw = yaml.safe_load(files(__package__).joinpath("spellings.yaml").read_text("utf-8"))
    answers = {fold(str(text)): word for word in ("true", "false") for text in raw[word]}
    return answers, frozenset(fold(text) for line in raw["unclear"] for text in line)


def spell(raw: Raw, column: Column) -> str:
    """Return the canonical text of a cell.

    Parameters
    ----------
    raw : str, number, bool or date
        As it was read.
    column : Column
        The dictionary's entry.

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
        raw = tidy(raw)
        if raw == "":
            return ""
        _refuse_old_encodings(raw)
        if column.type.name not in ("text", "id") and fold(raw) in _spellings()[1]:
            raise Unclear("unclear", _EMPTY_ADVICE)
    elif isinstance(raw, float) and not math.isfinite(raw):
        raise Unclear("unclear", f"không phải là số; {_EMPTY_ADVICE}")
    return _SPELLERS[column.type.name](raw, column)


def _refuse_old_encodings(text: str) -> None:
    old = recognise(text)
    if old is not None:
        message = f"chữ viết bằng bảng mã cũ {old[0]}, có lẽ là «{old[1]}»; hãy gõ lại bằng Unicode"
        raise Unclear("legacy_encoding", message)


# Numbers


def _spell_number(raw: Raw, column: Column) -> str:
    if isinstance(raw, bool):
        raise Unclear("not_number", "ô là đúng/sai (TRUE/FALSE), ở đây cần một con số")
    if isinstance(raw, date | time | timedelta):
        raise Unclear("not_number", "ô là ngày hoặc giờ, ở đây cần một con số; hãy gõ lại số")
    if isinstance(raw, int | float):
        # Whole numbers come as floats; anything else shows as it is and is refused.
        return str(int(raw)) if float(raw).is_integer() else format(Decimal(repr(raw)), "f")
    return _spell_number_text(raw)


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
    return sign + digits


def _refuse_other_styles(digits: str) -> None:
    if _COMMAS.fullmatch(digits):
        whole = digits.replace(",", "")
        message = f"dấu phẩy là dấu của số lẻ; nếu là {whole} thì gõ {whole}, không có dấu"
        raise Unclear("ambiguous_number", message)
    if _POINTS.fullmatch(digits):
        message = "dấu chấm chỉ chia nhóm ba chữ số (1.234); số lẻ viết dấu phẩy"
        raise Unclear("ambiguous_number", message)
    if _WITH_WORDS.fullmatch(digits):
        raise Unclear("not_number", "chỉ ghi con số, không ghi kèm chữ hay đơn vị tính")


def _spell_year(raw: Raw, column: Column) -> str:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and float(raw).is_integer():
        return str(int(raw))
    return shown(raw)


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
    answer = _spellings()[0].get(fold(shown(raw)))
    if answer is None:
        raise Unclear("not_boolean", "phải là Có hoặc Không; chưa rõ thì để trống")
    return answer


def _spell_word(raw: Raw, column: Column) -> str:
    text = shown(raw)
    words = _words(column.word_list)
    if fold(text) in words:
        return words[fold(text)]
    labels = dictionary().words[column.word_list].values()
    near = difflib.get_close_matches(fold(text), [fold(label) for label in labels], 1, 0.75)
    guess = next((f"; có phải là «{x}»?" for x in labels if near and fold(x) == near[0]), "")
    listed = "; ".join(labels)
    raise Unclear(
        "unknown_word", f"không có trong danh mục{guess or chr(59)} dùng một trong: {listed}"
    )


@cache
def _words(word_list: str) -> dict[str, str]:
    words = dictionary().words[word_list]
    return {fold(label): word for word, label in words.items()} | {fold(w): w for w in words}


# Days


def _spell_date(raw: Raw, column: Column) -> str:
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
    return _spell_date_text(raw)


def _spell_date_text(text: str) -> str:
    iso = _ISO.fullmatch(text)
    if iso:
        return "-".join(iso.groups())
    words = _DAY_IN_WORDS.fullmatch(fold(text))
    if words:
        return _day(*words.groups())
    numbers = _DAY.fullmatch(text)
    if not numbers:
        raise Unclear("not_date", "phải là ngày đủ ngày/tháng/năm, ví dụ 30/11/2024")
    first, second, year = numbers.groups()
    if int(first) <= 12 and int(second) <= 12 and int(first) != int(second):
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
        return raw
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
    "date": _spell_date,
    "share": _spell_share,
    "word": _spell_word,
    "id": _spell_id,
    "text": _spell_text,
}
