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
from analysis.problems import Problem, error
from analysis.tables.delivery import Records
from analysis.tables.dictionary import Column, Table, dictionary
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


def _remark_in(raw: Raw, column: Column) -> str:
    """Return what a yes or no says beside its answer: in "Có (tháng 3)" it is "tháng 3"."""
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

#: A row, its column, what stands there, what it is understood as, and what is said behind that.
_Remark = tuple[int, Column, Raw, str, str]

#: A table of more different texts is judged whole at little cost.
_FEW = 100


def make_records(block: Block, file: str) -> tuple[Records, list[Problem]]:
    """Spell a block's cells as the dataset does and let the rules of the cells judge them."""
    problems: list[Problem] = []
    texts: dict[str, list[str]] = {}
    remarks: list[_Remark] = []
    for name, column in block.table.columns.items():
        if name in block.columns:
            texts[name], found = _spell_column(block, column, file)
            problems += found + _swapped_days(block, column, texts[name], file)
            remarks += _remarks(block, column, texts[name])
    index = pd.Index(block.rows, dtype="int64")
    # One array cut up: making an array costs more than a form's cells.
    cells, length = pd.array([*chain(*texts.values())], dtype="str"), len(index)
    sliced = {name: cells[at * length :][:length] for at, name in enumerate(texts)}
    text = pd.DataFrame(sliced, index=index)
    names = _names_beside(block, index)
    records = Records(block.table.name, text, block.sheet, block.addresses, names)
    judged = _judge(texts, block.rows, _asked(block), file)
    named = {(problem.row, problem.column) for problem in problems}
    # What was refused stands as an empty cell here, and whatever comes later finds only what is sound.
    judged = [one for one in judged if (one.row, one.column) not in named]
    lines = {row: line for line, row in enumerate(block.rows)} if judged else {}
    problems += [_placed(one, block, records, lines) for one in judged]
    for one in judged:
        if one.column not in block.table.key:
            records.text.at[one.row, one.column] = ""
    return records, problems + _keep_remarks(block, records, remarks, file)


def _names_beside(block: Block, index: pd.Index) -> pd.Series | None:
    """Return the names that stand beside the codes of a table that does not take them."""
    if NAME in block.table.columns or NAME not in block.columns:
        return None
    return pd.Series([tidy(shown(raw)) for raw in block.columns[NAME]], index=index, dtype="str")


def _remarks(block: Block, column: Column, texts: list[str]) -> list[_Remark]:
    """Return what is said behind answers, each different one looked at once."""
    if column.type.name != "boolean":
        return []
    raws = block.columns[column.name]
    beside = {
        raw: _remark_in(raw, column) for raw, text in set(zip(raws, texts, strict=True)) if text
    }
    if not any(beside.values()):
        return []
    return [
        (row, column, raw, text, rest)
        for row, raw, text in zip(block.rows, raws, texts, strict=True)
        if text and (rest := beside[raw])
    ]


def _keep_remarks(
    block: Block, records: Records, remarks: list[_Remark], file: str
) -> list[Problem]:
    """Put what is said behind answers into the rows' notes, and tell so."""
    template: str = form_texts()["remark_in_note"]
    for row, column, raw, _, _ in remarks:
        if "note" not in records.text:
            # A row without a remark says nothing of its note: the one that it has stays.
            records.text["note"] = pd.array([pd.NA] * len(records.text), dtype="str")
        own = records.text.at[row, "note"]
        remark = template.format(heading=column.vi, remark=shown(raw))
        records.text.at[row, "note"] = remark if pd.isna(own) or own == "" else f"{own}\n{remark}"
    answers = form_texts()["answers"]
    told = "hiểu là «{}»; phần ghi thêm «{}» được giữ trong ghi chú"
    found = [
        _problem(block, *(column, file, row, raw), "rest_in_note", told.format(answers[text], rest))
        for row, column, raw, text, rest in remarks
    ]
    return [replace(problem, severity="warning") for problem in found]


def _swapped_days(block: Block, column: Column, texts: list[str], file: str) -> list[Problem]:
    """Warn where an American Excel may have taken days for months: it makes dates of those it can."""
    if column.type.name != "date":
        return []
    days = [
        (row, raw, text.split("-"))
        for row, raw, text in zip(block.rows, block.columns[column.name], texts, strict=True)
        if text
    ]
    real = [cell for cell in days if not isinstance(cell[1], str)]
    first = next((cell for cell in real if cell[2][1] != cell[2][2]), None)
    if first is None or any(int(day[2]) > 12 for _, _, day in real):
        return []
    if not _settles_days([raw for _, raw, _ in days]):
        return []
    row, raw, (year, month, day) = first
    message = (
        "trong cột này mọi ô ngày thật đều có ngày từ 1 đến 12, còn ngày trên 12 là chữ: có thể Excel"
        f" kiểu Mỹ đã đổi chỗ ngày và tháng. Ô này hiểu là {day}/{month}/{year}; nếu đúng ra là"
        f" {month}/{day}/{year} thì gõ lại cả cột"
    )
    problem = _problem(block, column, file, row, raw, "swapped_days", message)
    return [replace(problem, severity="warning")]


def _spell_column(block: Block, column: Column, file: str) -> tuple[list[str], list[Problem]]:
    """Spell each different value once: a column of 120,000 cells has few of them."""
    raws = block.columns[column.name]
    day_first = column.type.name == "date" and _settles_days(raws)
    spelled: dict[tuple[type, Raw], str] = {}
    refused: dict[tuple[type, Raw], Unclear] = {}
    for key in {(raw.__class__, raw) for raw in raws}:
        try:
            spelled[key] = spell(key[1], column, day_first=day_first)
            if column.type.name == "money" and block.scale != 1:
                spelled[key] = _in_dong(key[1], spelled[key], block.scale)
        except Unclear as question:
            spelled[key], refused[key] = "", question
    texts = [spelled[raw.__class__, raw] for raw in raws]
    if not refused:
        return texts, []
    return texts, [
        _problem(block, column, file, row, raw, refused[key].code, refused[key].message)
        for row, raw in zip(block.rows, raws, strict=True)
        if (key := (raw.__class__, raw)) in refused
    ]


def _problem(
    block: Block, column: Column, file: str, row: int, raw: Raw, code: str, message: str
) -> Problem:
    cell = block.addresses.get(column.name, "").format(row=row)
    return error(
        message,
        code=code,
        file=file,
        row=row,
        column=column.name,
        value=shown(raw),
        sheet=block.sheet,
        cell=cell,
    )


def _asked(block: Block) -> Table:
    """Return the table; the units of a list need no code, the others are given one."""
    columns = block.table.columns
    if block.table.name != "roster" or not is_list(block.columns):
        return block.table
    free = replace(columns["unit_id"], required=False)
    return replace(block.table, columns=columns | {"unit_id": free})


def _judge(
    text: Mapping[str, list[str]], rows: list[int], table: Table, file: str
) -> list[Problem]:
    """Let the rules of the cells judge all columns of one kind at once: a form has many short ones."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name in text:
        column = table.columns[name]
        groups.setdefault((column.type, column.words, column.required), []).append(name)
    problems = []
    for names in groups.values():
        column = table.columns[names[0]]
        texts = {cell for name in names for cell in text[name]}
        if len(texts) < _FEW and are_sound(texts, column):
            continue
        stacked = pd.Series([cell for name in names for cell in text[name]], dtype="str")
        if not column.required:
            stacked = stacked[stacked != ""]
        _, found = parse_column(stacked, column, file) if len(stacked) else (None, [])
        for problem in found:
            assert problem.row is not None
            place, line = divmod(problem.row, len(rows))
            problems.append(replace(problem, row=rows[line], column=names[place]))
    return problems


def _placed(problem: Problem, block: Block, records: Records, lines: dict[int, int]) -> Problem:
    """Name the cell of a problem, and the value as it was typed."""
    assert problem.row is not None
    raws = block.columns.get(problem.column)
    value = shown(raws[lines[problem.row]]) if raws else problem.value
    cell = records.address(problem.column, problem.row)
    return replace(problem, value=value, sheet=block.sheet, cell=cell)


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
