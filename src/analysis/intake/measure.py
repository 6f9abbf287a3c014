"""Units of measure that a table states: above it, in a heading, in a row below the headings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.intake.formtexts import fold
from analysis.intake.sheets import SheetReading
from analysis.intake.wordlists import find, lists, money_units, units
from analysis.problems import InputError, error
from analysis.tables.dictionary import Column

_IN_HEADING = re.compile(
    r"(.+?)\s*[(\[,;:–-]\s*(?:(?:đvt|đơn vị(?: tính)?)\s*:?\s*)?([^()\[\]]+?)[)\]]?"
)
_STATED = re.compile(
    r"(?:(?:đvt|dvt|(?:đơn vị|don vi) (?:tính|tinh)|tính bằng)\s*[:：-]?|(?:đơn vị|don vi)\s*[:：-])\s*([^()]+)"
)
_BETWEEN = re.compile(r"[,;/+&]| và ")


@dataclass(frozen=True)
class Stated:
    """A unit of money that a table states: how it is written, what it is worth, and where."""

    text: str
    worth: int
    at: tuple[int, int]


def money_scale(option: str) -> int:
    """Return how many đồng the unit is that a user names.

    Raises
    ------
    InputError
        If there is no such unit.

    Examples
    --------
    >>> money_scale("trieu"), money_scale("")
    (1000000, 1)
    """
    known: dict[str, int] = lists()["money_options"]
    if option and option not in known:
        message = f"đơn vị tiền phải là một trong: {', '.join(known)}"
        raise InputError([error(message, code="money_unit", column="--don-vi")])
    return known.get(option, 1)


def split_unit(heading: str) -> tuple[str, str]:
    """Return a heading, as `fold` has it, and the unit of measure behind it.

    Examples
    --------
    >>> split_unit("đoàn phí đã thu (triệu đồng)"), split_unit("xã, thị trấn")
    (('đoàn phí đã thu', 'triệu đồng'), ('xã, thị trấn', ''))
    """
    parts = _IN_HEADING.fullmatch(heading)
    if parts and (find(parts[2], money_units()) or find(parts[2], units())):
        return parts[1], parts[2]
    return heading, ""


def names_units(texts: list[str]) -> bool:
    """Tell whether a row holds nothing but units of measure, as some tables have below their headings."""
    said = [text.strip("()") for text in texts if text]
    known = [find(text, money_units()) or find(text, units()) for text in said]
    return len(said) > 1 and all(known)


def find_scale(
    finding: SheetReading,
    header: int,
    columns: dict[int, Column],
    beside: dict[int, str],
    asked: int,
) -> int:
    """Return by what the money of a table is to be multiplied, to be in đồng.

    Parameters
    ----------
    finding : SheetReading
        The sheet; problems are added.
    header : int
        The row of headings.
    columns : dict of int to Column
        What stands where.
    beside : dict of int to str
        The unit in each heading; empty where there is none.
    asked : int
        What the user says that tables stating another unit may be multiplied by; 1 for nothing.
    """
    _refuse_other_units(finding, header, columns, beside)
    above = stated_above(finding, header)
    stated: list[Stated | None] = []
    for place, column in columns.items():
        if column.type.name == "money":
            worth = find(beside[place], money_units()) if beside[place] else None
            own = [Stated(beside[place], int(worth), (header, place))] if worth else above
            stated += own or [None]
    others = [one for one in stated if one is not None and one.worth != 1]
    if not others:
        return 1
    first = others[0]
    if len({one.worth if one else 1 for one in stated}) > 1:
        message = "các cột tiền của bảng ghi bằng nhiều đơn vị tính khác nhau; hãy đổi hết ra đồng"
        finding.add("other_unit", message, first.at)
        return 1
    if first.worth == asked:
        factor = f"{asked:,}".replace(",", ".")
        message = f"tiền của bảng ghi bằng {first.text}: đã nhân với {factor} để ra đồng"
        finding.add("multiplied", message, first.at, severity="warning")
    else:
        options = [name for name, worth in lists()["money_options"].items() if worth == first.worth]
        offer = f"hoặc chạy lại với --don-vi {options[0]}" if options else ""
        message = f"tiền của bảng ghi bằng {first.text}, ở đây cần đồng: hãy đổi ra đồng"
        finding.add("other_unit", message, first.at, advice=offer)
    # What is refused is judged in its own unit, so that half a million is not half a đồng.
    return first.worth


def _refuse_other_units(
    finding: SheetReading, header: int, columns: dict[int, Column], beside: dict[int, str]
) -> None:
    for place, column in columns.items():
        unit = beside[place]
        known = money_units() if column.type.name == "money" else units()
        meant = find(unit, known)
        if unit and (meant is None or (column.type.name != "money" and meant != column.unit)):
            message = f"tiêu đề ghi đơn vị tính «{unit}», cột này tính bằng «{column.unit}»"
            finding.add("other_unit", message, (header, place))


def stated_above(finding: SheetReading, header: int) -> list[Stated]:
    """Return the units of money that stand above the headings, each worth once."""
    found: dict[str, Stated] = {}
    for row in range(header):
        for place in range(len(finding.sheet.rows[row])):
            text = fold(finding.sheet.text(row, place))
            named = _STATED.search(text)
            parts = _BETWEEN.split(named[1]) if named else [text.strip("()")]
            for part in parts:
                worth = find(part, money_units())
                if worth:
                    found.setdefault(worth, Stated(part.strip(" ."), int(worth), (row, place)))
    return list(found.values())
