"""From text cells to typed columns, with a problem for every cell that is not what it should be."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pandas as pd

from analysis.problems import Problem, error
from analysis.tables.dictionary import CellType, Column

#: Names that Windows keeps for devices: a report cannot be saved under them.
_RESERVED = {"CON", "PRN", "AUX", "NUL"} | {f"{d}{i}" for d in ("COM", "LPT") for i in range(1, 10)}

Reason = tuple[str, str]  # code, Vietnamese message


def parse_column(text: pd.Series, column: Column, file: str) -> tuple[pd.Series, list[Problem]]:
    """Convert one column of text cells.

    Parameters
    ----------
    text : Series of str
        The cells; ``""`` means not reported. The index holds the row numbers of the file.
    column : Column
        The dictionary's entry.
    file : str
        The name to put into problems.

    Returns
    -------
    values : Series
        ``Int64`` for years, counts and money, ``boolean``, ``datetime64``, ``float64`` for shares,
        else ``str``. Unusable and empty cells are missing.
    problems : list of Problem
        One per unusable cell.
    """
    filled = text != ""
    # What a cell means depends on its text alone: each distinct text is read once.
    codes, distinct = pd.factorize(text)
    meanings, sound = _PARSERS[column.type.name](pd.Series(distinct, dtype="str"), column)
    values = pd.Series(meanings.array.take(codes), index=text.index, name=text.name)
    good = sound.fillna(False).to_numpy(bool)[codes]
    bad = text[filled & ~good]
    problems = []
    for row, value in bad.items():
        code, message = _reason(str(value), column)
        problems.append(
            error(message, code=code, file=file, row=int(str(row)), column=column.name, value=value)
        )
    if column.required:
        problems += [
            error(
                "ô này không được để trống",
                code="empty",
                file=file,
                row=int(str(row)),
                column=column.name,
            )
            for row in text.index[~filled]
        ]
    return values, problems


def _parse_number(text: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    kind = column.type
    # 18 digits always fit int64; longer ones are out of every range anyway.
    good = text.str.fullmatch(r"0|[1-9][0-9]{0,17}")
    values = pd.to_numeric(text.where(good)).astype("Int64")
    inside = values.between(kind.smallest or 0, kind.largest or 10**18).fillna(False)
    return values.where(inside), good & inside


def _parse_boolean(text: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    good = text.isin(["true", "false"])
    return (text == "true").astype("boolean").where(good), good


def _parse_date(text: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    shaped = text.where(text.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"))
    values = pd.to_datetime(shaped, format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")
    return values, values.notna()


def _parse_share(text: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    good = text.str.fullmatch(r"0|1|[01]\.[0-9]{1,15}")
    values = pd.to_numeric(text.where(good)).astype("float64")
    inside = values.between(0, 1)
    return values.where(inside), good & inside


def _parse_word(text: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    good = text.isin(column.words)
    return text.where(good), good


def _parse_id(text: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    good = text.str.fullmatch(column.type.pattern or "") & ~text.str.endswith(".")
    good &= ~text.str.replace(r"\..*", "", regex=True).isin(_RESERVED)
    return text.where(good), good


def _parse_text(text: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    good = text.map(lambda cell: unicodedata.is_normalized("NFC", cell)).astype(bool)
    good &= ~text.str.contains(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]", regex=True)
    return text.where(text != ""), good


_PARSERS: dict[str, Callable[[pd.Series, Column], tuple[pd.Series, pd.Series]]] = {
    "year": _parse_number,
    "count": _parse_number,
    "money": _parse_number,
    "boolean": _parse_boolean,
    "date": _parse_date,
    "share": _parse_share,
    "word": _parse_word,
    "id": _parse_id,
    "task": _parse_id,
    "text": _parse_text,
}


def _reason(value: str, column: Column) -> Reason:
    """Say why a filled cell cannot be used, and what would be right."""
    kind = column.type
    if kind.is_number:
        return _number_reason(value, kind)
    if kind.name == "text":
        if not unicodedata.is_normalized("NFC", value):
            return (
                "not_nfc",
                "chữ chưa ở dạng Unicode dựng sẵn (NFC), hãy gõ lại bằng bộ gõ Unicode",
            )
        return (
            "control",
            "có ký tự không in được, hoặc chữ bị mất (\ufffd) khi đổi bảng mã; hãy gõ lại",
        )
    if kind.name == "word":
        return "unknown_word", "không có trong danh mục; dùng một trong: " + ", ".join(column.words)
    if kind.name == "id" and value.partition(".")[0] in _RESERVED:
        return (
            "reserved_id",
            "mã trùng tên thiết bị của Windows, không lưu thành tệp được; hãy đổi mã",
        )
    return f"not_{kind.name}", f"phải là {kind.vi}"


def _number_reason(value: str, kind: CellType) -> Reason:
    digits = value.removeprefix("-")
    if value.startswith("-") and digits.replace(".", "", 1).isdigit():
        return "negative", "số không được âm"
    if digits.isdigit() and digits.isascii() and (digits == "0" or digits[0] != "0"):
        return "out_of_range", f"ngoài khoảng cho phép ({kind.smallest}–{kind.largest})"
    if digits.replace(".", "", 1).isdigit() and "." in digits:
        return "fraction", "phải là số nguyên, viết liền không có dấu chấm, dấu phẩy"
    return "not_number", f"phải là {kind.vi}, viết liền không có dấu chấm, dấu phẩy"
