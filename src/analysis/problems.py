"""What is wrong with an input: one record per problem, all of them at once, in Vietnamese."""

from __future__ import annotations

import errno
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning"]

_SEVERITY_VI = {"error": "LỖI", "warning": "CẢNH BÁO"}


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with one place of an input.

    Parameters
    ----------
    severity : {"error", "warning"}
        A warning is shown and blocks nothing.
    code : str
        A stable English word for machines, for example ``"too_large"``.
    file : str
        The file's name as the user knows it (no folder of this machine).
    row : int or None
        The line as a spreadsheet counts it: the header is row 1.
    column : str
        The column's name, or the key of a YAML file; empty when the whole file is meant.
    value : str
        The offending value as it stands in the file.
    message : str
        A Vietnamese sentence: what is wrong and what would be right.
    year : int or None
        The year of the row, where it has one.
    sheet, cell : str
        The sheet of a workbook and the cell in it (``"D12"``), where the input is one.
    advice : str
        What only those can do who run the commands; whoever sent the file is not told.
    choices : tuple of str
        Answers to choose from, where it is a question to the office.
    """

    severity: Severity
    code: str
    file: str
    row: int | None
    column: str
    value: str
    message: str
    year: int | None = None
    sheet: str = ""
    cell: str = ""
    advice: str = ""
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return one Vietnamese line for a person."""
        place = name_place(self.file, self.sheet, self.cell, self.row)
        if self.column:
            key = f"{_place_word(self.file)} {self.column}"
            place = f"{place}, {key}" if place else key
        shown = f" (giá trị «{self.value}»)" if self.value != "" else ""
        line = f"{_SEVERITY_VI[self.severity]} {place}{shown}".rstrip() + f": {self._in_full}"
        return printable(line)

    def as_record(self) -> dict[str, object]:
        """Return a JSON-ready record."""
        record = asdict(self) | {"message": self._in_full}
        del record["advice"], record["choices"]
        return record

    @property
    def _in_full(self) -> str:
        return "; ".join(filter(None, [self.message, self.advice]))


def name_place(file: str = "", sheet: str = "", cell: str = "", row: int | None = None) -> str:
    """Return where something stands, as far as that is known; the cell says more than the row.

    Examples
    --------
    >>> name_place("a.xlsx", "Báo cáo", "D12", 12), name_place("returns.csv", row=3)
    ('a.xlsx, trang tính «Báo cáo», ô D12', 'returns.csv, dòng 3')
    """
    parts = [file] if file else []
    if sheet:
        parts.append(f"trang tính «{sheet}»")
    if cell:
        parts.append(f"ô {cell}")
    elif row is not None:
        parts.append(f"dòng {row}")
    return ", ".join(parts)


def printable(text: str) -> str:
    r"""Replace what could act on a terminal, since file names may hold any byte.

    Examples
    --------
    >>> printable("a\x1b[2J.xlsx"), printable("b\udcff.xlsx")
    ('a�[2J.xlsx', 'b�.xlsx')
    """
    return "".join("\ufffd" if is_unprintable(sign) else sign for sign in text)


def is_unprintable(sign: str) -> bool:
    """Tell whether a sign is a control character or an undecodable byte."""
    return sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cs")


def _place_word(file: str) -> str:
    """Return what a column is called: tables have columns, settings files have keys."""
    if not file:
        return "tham số"
    return "khóa" if file.endswith((".yaml", ".yml")) else "cột"


class InputError(Exception):
    """Inputs that cannot be used, with every problem found; at least one is an error."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def _render_traceback_(self) -> list[str]:
        """Show in a notebook what is wrong, without the way through the program to it."""
        return str(self).splitlines()


def error(  # noqa: PLR0913  # the fields of a problem
    message: str,
    *,
    code: str,
    file: str = "",
    row: int | None = None,
    column: str = "",
    value: object = "",
    sheet: str = "",
    cell: str = "",
) -> Problem:
    """Return a blocking problem."""
    return Problem("error", code, file, row, column, str(value), message, sheet=sheet, cell=cell)


def has_errors(problems: Iterable[Problem]) -> bool:
    """Tell whether any problem blocks."""
    return any(problem.severity == "error" for problem in problems)


#: More problems than this tell nothing new, and no browser opens a list of a million.
MOST_TOLD = 5_000


def tell_first(problems: Sequence[Problem]) -> tuple[Sequence[Problem], str]:
    """Return the problems that a person is told, and what to say of the others; nothing if none.

    Examples
    --------
    >>> told, others = tell_first([error("sai", code="x")] * 5_003)
    >>> len(told), others
    (5000, 'và 3 lỗi, cảnh báo khác; sửa những chỗ trên rồi chạy lại để xem tiếp')
    """
    left = len(problems) - MOST_TOLD
    if left <= 0:
        return problems, ""
    number = f"{left:,}".replace(",", ".")
    more = f"và {number} lỗi, cảnh báo khác; sửa những chỗ trên rồi chạy lại để xem tiếp"
    return problems[:MOST_TOLD], more


_SYSTEM_VI = {
    "ENOSPC": "ổ đĩa đã đầy",
    "EDQUOT": "đã hết hạn mức ổ đĩa",
    "EFBIG": "tệp lớn quá mức cho phép",
    "EACCES": "không có quyền",
    "EPERM": "không có quyền",
    "EROFS": "ổ đĩa chỉ cho đọc",
    "ENOENT": "không có tệp hoặc thư mục này",
    "ENOTDIR": "chỗ lẽ ra là thư mục lại là một tệp",
    "EEXIST": "chỗ lẽ ra là thư mục lại là một tệp",
    "EISDIR": "chỗ lẽ ra là tệp lại là một thư mục",
    "EIO": "ổ đĩa bị lỗi",
}


def explain_os(failure: OSError) -> str:
    """Return what the system refused, in Vietnamese where it is a common case.

    Examples
    --------
    >>> explain_os(OSError(28, "No space left on device"))
    'ổ đĩa đã đầy'
    """
    name = errno.errorcode.get(failure.errno or 0, "")
    return _SYSTEM_VI.get(name, str(failure.strerror or failure))
