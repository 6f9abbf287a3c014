"""Text tables: encodings, separators, broken lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from analysis.intake.cellvalues import Raw
from analysis.intake.files import UnreadableError
from analysis.intake.legacy import decode
from analysis.problems import Problem, error

#: Where two stand equally often, the comma is in the figures.
_SEPARATORS = "\t;,"
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


def read_csv(file: str, content: bytes) -> tuple[list[list[Raw]], list[Problem]]:
    """Read the rows of a text table.

    Parameters
    ----------
    file : str
        Its name, for problems.
    content : bytes
        The file.

    Returns
    -------
    rows : list of list of str
        Rows of one length.
    problems : list of Problem
        Broken lines, an old encoding.

    Raises
    ------
    UnreadableError
        If the encoding cannot be told, or nothing stands in the file.
    """
    try:
        text, old = decode(content)
    except UnicodeDecodeError:
        message = "không nhận ra bảng mã của tệp; hãy lưu lại dạng CSV UTF-8"
        raise UnreadableError("not_utf8", message) from None
    problems = []
    if old is not None:
        message = f"tệp viết bằng bảng mã cũ {old}; hãy chuyển sang Unicode rồi lưu dạng CSV UTF-8"
        problems.append(error(message, code="legacy_encoding", file=file))
    skipped = 0
    named = _SEPARATOR_LINE.match(text)
    if named:
        text, skipped = text[named.end() :], 1
    if not text.strip():
        raise UnreadableError("empty_file", "tệp trống, không có dòng tiêu đề")
    separator = named[1] if named else _separator(text)
    rows, broken = _read_rows(file, text, separator, skipped)
    return rows, problems + broken


def _separator(text: str) -> str:
    """Return the sign that most often stands between the headings."""
    start = re.sub(r'"[^"]*"', "", text[:20_000])
    lines = [line for line in start.splitlines() if line.strip()][:20]
    return max(_SEPARATORS, key=lambda sign: max((line.count(sign) for line in lines), default=0))


def _read_rows(
    file: str, text: str, separator: str, skipped: int
) -> tuple[list[list[Raw]], list[Problem]]:
    rows: list[list[Raw]] = [[] for _ in range(skipped)]
    problems: list[Problem] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows.extend(list(row) for row in reader)
    except csv.Error:
        message = "sai cú pháp CSV: dấu nháy kép mở mà không đóng, hoặc đóng sai chỗ"
        problems.append(error(message, code="bad_csv", file=file, row=len(rows) + 1))
    problems += _ragged(file, rows)
    too_long = {problem.row for problem in problems if problem.code == "ragged"}
    width = max((len(row) for n, row in enumerate(rows, 1) if n not in too_long), default=0)
    for row in rows:
        row[:] = [*row[:width], *[""] * (width - len(row))]
    return rows, problems


def _ragged(file: str, rows: list[list[Raw]]) -> list[Problem]:
    """Find lines that are not as long as the others; only titles above them may be shorter."""
    lengths = Counter(len(row) for row in rows if any(cell != "" for cell in row))
    if not lengths:
        return []
    usual = lengths.most_common(1)[0][0]
    first = next(number for number, row in enumerate(rows) if len(row) == usual)
    return [
        error(
            f"dòng có {len(row)} ô, các dòng khác có {usual} ô",
            code="ragged",
            file=file,
            row=number + 1,
        )
        for number, row in enumerate(rows)
        if len(row) > usual or (len(row) < usual and number > first and any(row))
    ]
