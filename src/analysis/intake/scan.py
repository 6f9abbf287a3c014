"""What values alone do not tell about a sheet: broken formulas, errors, looks, merges, hidden parts."""

from __future__ import annotations

from dataclasses import dataclass, field

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
