"""What values alone do not tell about a sheet: broken formulas, errors, merges, hidden parts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

#: Rows times columns of the smallest box around all filled cells; a reader makes room for all of it.
MOST_CELLS = 12_000_000

Box = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Marks:
    """Places are rows and columns counted from 0.

    Parameters
    ----------
    no_value : set of (int, int)
        Formulas that were never computed.
    errors : dict of (int, int) to str
        Cells that show an error, such as ``"#REF!"``.
    merged : list of ((int, int), (int, int))
        First and last cell of every merge.
    hidden_rows, hidden_columns : set of int
        What the person who fills in the sheet does not see.
    is_hidden : bool
        Whether the whole sheet is hidden.
    """

    no_value: frozenset[tuple[int, int]] = frozenset()
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: tuple[Box, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    is_hidden: bool = False

    def with_(self, merged: list[Box] | None, is_hidden: bool) -> Marks:
        """Add what the reader of values knows."""
        return replace(
            self, merged=self.merged or tuple(merged or ()), is_hidden=self.is_hidden or is_hidden
        )

    @staticmethod
    def too_wide(sheet: str, last: str) -> str:
        """Say that a sheet reaches too far."""
        return f"trang tính «{sheet}» trải tới tận ô {last}; hãy xóa các dòng, cột thừa ở cuối rồi lưu lại"
