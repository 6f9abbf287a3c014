"""CSV and Parquet files as text cells, in exactly the dictionary's columns."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from analysis.problems import InputError, Problem, Severity, error, has_errors
from analysis.tables.dictionary import Table, dictionary
from analysis.tables.files import find_files

#: Rows that become columns at a time, so that few Python objects exist at once.
_BATCH = 10_000
_SEPARATORS = {";": "dấu chấm phẩy", "\t": "dấu Tab", "|": "dấu gạch đứng"}


@dataclass(frozen=True, eq=False)
class TableFile:
    """A table as its file has it: text cells, indexed by the file's rows, in the dictionary's columns.

    Without a path where there is no file; ``is_whole`` if all of it could be read.
    """

    path: Path | None
    content: bytes
    text: pd.DataFrame
    is_whole: bool = True

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes."""
        return hashlib.sha256(self.content).hexdigest()


def read_files(folder: Path, problems: list[Problem]) -> dict[str, TableFile]:
    """Read the table files of a folder as text: one per table of the dictionary, also without a file.

    Every unusable file, column and row is added to the problems.
    """
    found = {}
    for table in dictionary().tables.values():
        before = len(problems)
        path = _find_table(folder, table, problems)
        text, content = pd.DataFrame(columns=list(table.columns), dtype=str), b""
        if path is not None:
            content = path.read_bytes()
            text = _read_text(path, content, table, problems)
        is_whole = not has_errors(problems[before:])
        found[table.name] = TableFile(path, content, text, is_whole)
    return found


def _find_table(folder: Path, table: Table, problems: list[Problem]) -> Path | None:
    found = find_files(folder, table.name)
    if len(found) > 1:
        message = f"có cả {found[0].name} và {found[1].name}; hãy giữ lại một tệp"
        problems.append(error(message, code="two_files", file=table.name))
        return None
    if not found:
        if table.name in ("roster", "returns"):
            message = f"thiếu bảng «{table.vi}» ({table.name}.csv hoặc {table.name}.parquet)"
            if not any(find_files(folder, name) for name in dictionary().tables):
                message += "; văn phòng mới thì nhận danh sách và phiếu bằng lệnh congdoan import"
            problems.append(error(message, code="no_table", file=table.name))
        return None
    return found[0]


def _read_text(path: Path, content: bytes, table: Table, problems: list[Problem]) -> pd.DataFrame:
    """Return the table's text cells with exactly the dictionary's columns; none of a broken file."""
    reader = _read_csv if path.suffix == ".csv" else _read_parquet
    try:
        return _fit_columns(reader(path.name, content, problems), table, path.name, problems)
    except UnicodeDecodeError as failure:
        kind = "UTF-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "ANSI"
        message = (
            f"tệp không phải là văn bản UTF-8 (byte thứ {failure.start + 1}; có lẽ lưu dạng {kind});"
            " trong Excel hãy lưu dạng «CSV UTF-8»"
        )
        problems.append(error(message, code="not_utf8", file=path.name))
    except InputError as failure:
        problems += failure.problems
    return pd.DataFrame(columns=list(table.columns), dtype=str)


def _read_csv(file: str, content: bytes, problems: list[Problem]) -> pd.DataFrame:
    broken: list[Problem] = []
    rows: list[list[str]] = []
    batches: list[list[pa.Array]] = []
    numbers: list[int] = []
    header: list[str] | None = None
    for number, row in enumerate(split_csv(file, content.decode("utf-8-sig"), broken), start=1):
        if header is None:
            header = row
            _check_header(row, file)
        elif row and len(row) != len(header):
            message = f"dòng có {len(row)} ô, dòng tiêu đề có {len(header)} ô"
            problems.append(error(message, code="ragged", file=file, row=number))
        elif row:
            rows.append(row)
            numbers.append(number)
            if len(rows) == _BATCH:
                batches.append(_transposed(rows))
                rows.clear()
    if broken:
        raise InputError(broken)
    if header is None:
        raise InputError([error("tệp trống, không có dòng tiêu đề", code="empty_file", file=file)])
    batches.append(_transposed(rows) or [pa.array([], pa.large_string())] * len(header))
    data = {
        name: pd.array(pa.chunked_array(cells), dtype="str")
        for name, cells in zip(header, zip(*batches, strict=True), strict=True)
    }
    return pd.DataFrame(data, index=pd.Index(numbers, dtype="int64"))


def split_csv(
    file: str, text: str, problems: list[Problem], separator: str = ","
) -> Iterator[list[str]]:
    """Yield the rows of a CSV file; what breaks its syntax ends it and is added to the problems."""
    number = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            number += 1
            yield row
    except csv.Error:
        message = "sai cú pháp CSV: dấu nháy kép mở mà không đóng, hoặc đóng sai chỗ"
        problems.append(error(message, code="bad_csv", file=file, row=number + 1))


def _check_header(header: list[str], file: str) -> None:
    """Refuse a repeated heading, and a first line that is one cell with many headings in it."""
    for name, times in Counter(header).items():
        if times > 1:
            message = f"tiêu đề lặp lại {times} lần"
            found = error(message, code="duplicate_column", file=file, row=1, column=name)
            raise InputError([found])
    for sign, name in _SEPARATORS.items():
        if len(header) == 1 and sign in header[0]:
            message = (
                f"các ô ngăn nhau bằng {name}; bảng của bộ số liệu phải ngăn bằng dấu phẩy"
                " (hoặc nhận tệp này vào kho bằng congdoan import)"
            )
            raise InputError([error(message, code="separator", file=file, row=1)])


def _transposed(rows: list[list[str]]) -> list[pa.Array]:
    """Return the columns of some rows."""
    return [pa.array(cells, pa.large_string()) for cells in zip(*rows, strict=True)]


def _read_parquet(file: str, content: bytes, problems: list[Problem]) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(content), dtype_backend="numpy_nullable")
    except (OSError, ValueError):
        found = error("không đọc được tệp Parquet", code="bad_parquet", file=file)
        raise InputError([found]) from None
    cells = pd.DataFrame({str(name): spell_column(frame[name]) for name in frame.columns})
    return cells.set_axis(pd.RangeIndex(2, len(cells) + 2))


def spell_column(column: pd.Series) -> pd.Series:
    """Return typed cells as the tables' CSV files spell them; missing is ``""``.

    Examples
    --------
    >>> spell_column(pd.Series([True, None], dtype="boolean")).to_list()
    ['true', '']
    """
    if pd.api.types.is_bool_dtype(column.dtype):
        text = column.astype("str").str.lower()
    elif pd.api.types.is_datetime64_any_dtype(column.dtype):
        text = column.dt.strftime("%Y-%m-%d")
    elif pd.api.types.is_float_dtype(column.dtype):
        # Whole numbers often arrive as floats; anything else shows as it is and is refused.
        text = column.map(
            lambda x: str(int(x)) if float(x).is_integer() else str(x), na_action="ignore"
        )
    else:
        text = column.astype("str")
    return text.astype("str").where(column.notna(), "")


def _fit_columns(
    cells: pd.DataFrame, table: Table, file: str, problems: list[Problem]
) -> pd.DataFrame:
    for name in cells.columns:
        if name not in table.columns:
            message = f"cột lạ, không có trong bảng «{table.vi}»; các cột đúng: {', '.join(table.columns)}"
            problems.append(error(message, code="unknown_column", file=file, row=1, column=name))
    for name, column in table.columns.items():
        if name in cells.columns:
            continue
        blocking = name in table.key or column.required
        if blocking:
            cells = cells.iloc[:0]  # else each row would be refused for this one reason
        message = f"thiếu cột «{column.vi}»" + ("" if blocking else "; coi như chưa báo cáo")
        severity: Severity = "error" if blocking else "warning"
        problems.append(Problem(severity, "no_column", file, 1, name, "", message))
    return cells.reindex(columns=list(table.columns), fill_value="")
