"""Rows of headings: which table a sheet holds, in what it is measured, and what an office's own headings mean."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from analysis.intake.officelists import IGNORE, Answers, is_list
from analysis.intake.sheets import Sheet, SheetReading, address
from analysis.intake.writings import (
    Listed,
    Raw,
    find,
    fold,
    form_texts,
    listed,
    lists,
    money_units,
    plain,
    recognise,
    shown,
    tidy,
    units,
)
from analysis.problems import InputError, error
from analysis.tables.dictionary import Column, Table, dictionary, per_dictionary

#: Headings stand below a title, not below this many rows of it.
_FIRST_ROWS = 40
#: One known heading may be chance.
_FEWEST_HEADINGS = 2
#: How alike two headings are, without their marks, when one may be meant by the other.
_NEAR = 0.8
_CODE = "ma"
#: Headings of a list stand in at most so many storeys.
_MOST_STOREYS = 3
#: Between the storeys of a heading in what is asked and answered.
_UNDER = " / "

_Key = tuple[str, ...]


@per_dictionary
def _families() -> dict[_Key, dict[str, list[tuple[Table, Column]]]]:
    """Return, for tables that share a key, the columns by heading and by English name."""
    families: dict[_Key, dict[str, list[tuple[Table, Column]]]] = {}
    for table in dictionary().tables.values():
        names = families.setdefault(table.key, defaultdict(list))
        for column in table.columns.values():
            for name in (fold(column.vi), fold(column.name)):
                names[name].append((table, column))
    return families


@dataclass(frozen=True)
class Header:
    """A row of headings: which columns of which tables stand where, and in what they are measured."""

    row: int
    key: _Key
    names: tuple[str, ...]
    units: tuple[str, ...]

    def targets(self, place: int) -> list[tuple[Table, Column]]:
        """Return the columns that a heading means."""
        return _families()[self.key].get(self.names[place], [])

    def column(self, place: int) -> Column:
        """Return what a known heading means first."""
        return self.targets(place)[0][1]

    @property
    def is_list(self) -> bool:
        """Whether it is of a list of units, with codes or without."""
        return is_list(self.places())

    def places(self) -> dict[str, int]:
        """Return the first place of each known column, by its name."""
        found: dict[str, int] = {}
        for place in range(len(self.names)):
            for _, column in self.targets(place):
                found.setdefault(column.name, place)
        return found


def find_header(sheet: Sheet) -> Header | None:
    """Return the row that has the most headings of one family of tables; None if there is none."""
    best: tuple[int, int, int] = (0, 0, 0)
    header = None
    for row, cells in enumerate(sheet.rows[:_FIRST_ROWS]):
        split = [split_unit(_heading(cell)) for cell in cells]
        names = tuple(name for name, _ in split)
        if sum(name != "" for name in names) < _FEWEST_HEADINGS:
            continue
        for key, known in _families().items():
            places = {name for name in names if name in known}
            said = {column.name for name in places for _, column in known[name]}
            keyed = sum(fold(column) in said for column in key)
            rank = (len(places), keyed, -row)
            if len(places) >= _FEWEST_HEADINGS and rank > best:
                best, header = rank, Header(row, key, names, tuple(unit for _, unit in split))
    return header


def _heading(cell: Raw) -> str:
    """Return a heading as it is looked up; one in an old encoding by its probable reading."""
    text = tidy(shown(cell))
    old = recognise(text)
    return fold(old[1] if old else text)


def check_headings(reading: SheetReading, header: Header) -> None:
    """Add a problem for every heading that is repeated, unknown, missing or in an old encoding."""
    sheet, seen = reading.sheet, dict[str, int]()
    for place, name in enumerate(header.names):
        at, targets = (header.row, place), header.targets(place)
        old = recognise(sheet.text(*at))
        if old is not None:
            message = f"tiêu đề viết bằng bảng mã cũ {old[0]}, có lẽ là «{old[1]}»; hãy gõ lại bằng Unicode"
            reading.add("legacy_encoding", message, at)
        if targets and targets[0][1].name in seen:
            first = address(header.row, seen[targets[0][1].name])
            reading.add("duplicate_column", f"tiêu đề lặp lại, đã có ở ô {first}", at)
        elif targets:
            seen[targets[0][1].name] = place
        elif old is None and name not in form_texts()["counters"]:
            _check_unknown(reading, header, place)


def _check_unknown(reading: SheetReading, header: Header, place: int) -> None:
    sheet, name = reading.sheet, header.names[place]
    filled = (r for r in range(header.row + 1, len(sheet.rows)) if sheet.rows[r][place] != "")
    first = next(filled, None)
    if first is None:
        return
    if name == "":
        message = "cột có số liệu mà không có tiêu đề; hãy ghi tiêu đề hoặc xóa cột"
        reading.add("no_heading", message, (first, place))
        return
    known = {plain(key): targets for key, targets in _families()[header.key].items()}
    near = difflib.get_close_matches(plain(name), known, 1, _NEAR)
    guess = f"; có phải là «{known[near[0]][0][1].vi}»?" if near else ";"
    message = f"cột lạ, không có trong bảng{guess} Sửa tiêu đề, hoặc xóa cột nếu không cần"
    reading.add("unknown_column", message, (header.row, place))


def add_missing(reading: SheetReading, header: Header, column: Column) -> None:
    """Add that a column without which no row can be told is not there, and what may be meant by it."""
    sheet, wanted = reading.sheet, (fold(column.vi), fold(column.name))
    message, at = f"thiếu cột «{column.vi}», không biết mỗi dòng là của ai", None
    elsewhere = [
        (row, place)
        for row, cells in enumerate(sheet.rows[: header.row + 2])
        for place, cell in enumerate(cells)
        if row != header.row and _heading(cell) in wanted
    ]
    names = {
        plain(name): place
        for place, name in enumerate(header.names)
        if name and not header.targets(place)
    }
    near = difflib.get_close_matches(plain(wanted[0]), names, 1, _NEAR)
    if column.type.name == "id":  # "Mã số", "Mã đơn vị"
        near += [name for name in names if name.partition("-")[0] == _CODE]
    if elsewhere:
        at = elsewhere[0]
        message += "; tiêu đề này đứng ở dòng khác: hãy ghi mọi tiêu đề trên cùng một dòng"
    elif near:
        at = (header.row, names[near[0]])
        message += f"; tiêu đề ở đây có phải là «{column.vi}»? Hãy sửa tiêu đề"
    else:
        message += f"; hãy thêm cột «{column.vi}»"
    # One heading, one message: that it is unknown is said by this one too.
    told = "" if at is None else address(*at)
    reading.problems = [p for p in reading.problems if not told or p.cell != told]
    reading.add("no_column", message, at, column=column.name)


@dataclass(frozen=True)
class _Heading:
    """One column's heading: its texts from above, its unit, the column that it is known for."""

    texts: tuple[str, ...]
    unit: str = ""
    meant: str | None = None

    @property
    def asked(self) -> str:
        return _UNDER.join(self.texts)


def name_headings(reading: SheetReading, answers: Answers) -> SheetReading:
    """Put the dictionary's headings where a list has its own, as far as that is certain.

    What is asked, and what is left out, is added to the problems. Returns the same if the sheet holds
    no such list.
    """
    best: tuple[int, int, list[_Heading], Table] | None = None
    for name, first in product(_TABLES, range(min(_FIRST_ROWS, len(reading.sheet.rows)))):
        table = dictionary().tables[name]
        last, headings = _storeys(reading.sheet, first, answers, table)
        known = {one.meant for one in headings if one.meant not in (None, IGNORE)}
        if best is None or len(known) > best[0]:
            best = len(known), last, headings, table
    if best is None or not _is_list(best[2], best[3]):
        return reading
    return _renamed(reading, *best[1:])


def _is_list(headings: list[_Heading], table: Table) -> bool:
    """Tell whether these are of units or employers, and of nothing that is reported each year."""
    known = {one.meant for one in headings}
    columns = dictionary().tables["returns"].columns
    own = {
        fold(text)
        for column in columns.values()
        for text in (column.vi, column.name)
        if column.name not in _KEY and column.type.name != "text"
    }
    reported = any(fold(text) in own for one in headings for text in one.texts)
    needed = {name for name, column in table.columns.items() if column.required} - {"year"}
    needed -= {"unit_id"}
    likely = needed & {_may_mean(one, table) for one in headings if one.meant is None}
    is_named = "name" in known or needed <= known | likely
    return not reported and is_named and (len(needed & known) > 1 or len(known) > 2)


_KEY = dictionary().tables["roster"].key
#: The tables that offices have lists of.
_TABLES = ("roster", "employers")


def _storeys(
    sheet: Sheet, first: int, answers: Answers, table: Table
) -> tuple[int, list[_Heading]]:
    """Return the last row of the headings that begin in a row, and what they say."""
    texts = [[tidy(shown(cell)) for cell in line] for line in sheet.rows[first:][:_MOST_STOREYS]]
    paths: list[tuple[str, ...]] = [(text,) if text else () for text in texts[0]]
    last, headings = first, _resolve(paths, answers, table)
    for below, line in enumerate(texts[1:], first + 1):
        spread = _spread(sheet, first, paths, line)
        longer = [
            (*above, text) if text and text not in above[-1:] else above
            for above, text in zip(spread, line, strict=True)
        ]
        more = _resolve(longer, answers, table)
        is_storey = any(line) and all(
            above or not text for above, text in zip(spread, line, strict=True)
        )
        named = [place for place, one in enumerate(headings) if one.meant == "name"]
        under = [one for one, text in zip(more, line, strict=True) if text]
        if (
            not (is_storey and named)
            or any(line[place] for place in named)
            or not any(len(one.texts) > 1 and (one.meant or _may_mean(one, table)) for one in under)
        ):
            break
        last, headings, paths = below, more, longer
    return last, headings


def _spread(
    sheet: Sheet, first: int, paths: list[tuple[str, ...]], below: list[str]
) -> list[tuple[str, ...]]:
    """Return what stands above each column: a merged heading stands above all its columns."""
    covered = {
        place
        for (top, left), (_, right) in sheet.marks.merged
        if top >= first
        for place in range(left + 1, right + 1)
    }
    spread = list(paths)
    for place, text in enumerate(below):
        is_covered = place in covered or not sheet.marks.merged
        if not spread[place] and text and place > 0 and is_covered:
            spread[place] = spread[place - 1][:1]
    return spread


def _resolve(paths: list[tuple[str, ...]], answers: Answers, table: Table) -> list[_Heading]:
    asked = listed(answers.columns)
    found: list[_Heading] = []
    for path in paths:
        if not path:
            found.append(_Heading(()))
            continue
        # A part of a count that names no count speaks of the column at its left.
        name, unit = split_unit(fold(path[-1]))
        left = found[-1] if found else _Heading(())
        is_part = len(path) == 1 and find(name, _parts("female")) and _women_of(left.meant, table)
        texts = (left.texts[0], path[0]) if is_part else path
        heading = _Heading(texts, unit)
        answer = find(heading.asked, asked) or find(path[-1] if len(path) == 1 else "", asked)
        if answer is not None:
            meant: str | None = (
                IGNORE if fold(answer) == IGNORE else find(answer, _known(table.name))
            )
        else:
            meant = _certain(texts, name, left if is_part else None, table)
        found.append(replace(heading, meant=meant))
    return found


def _certain(texts: tuple[str, ...], name: str, left: _Heading | None, table: Table) -> str | None:
    """Return the column that a heading means beyond doubt."""
    known = _known(table.name)
    if left is not None:
        return _women_of(left.meant, table) if find(name, _parts("in")) else None
    if len(texts) == 1:
        return find(name, known) or find(texts[0], known)
    whole = find(" ".join(texts), known)
    above = find(split_unit(fold(texts[-2]))[0], known)
    if whole or not _women_of(above, table):
        return whole or (None if above else find(name, known))
    if find(name, _parts("female")):
        return _women_of(above, table)
    return above if find(name, _parts("total")) else None


def _women_of(name: str | None, table: Table) -> str | None:
    """Return the column of the women of a count, if the table has one."""
    columns = table.columns
    women = (name or "").removesuffix("_total") + "_female"
    return women if name in columns and women in columns else None


@per_dictionary
def _known(table: str, way: str = "sure") -> Listed:
    """Return the headings of a list: those that are read, or those that are asked."""
    ways = dictionary().headings[table]
    texts = {text: name for name, ways in ways.items() for text in ways.get(way, ())}
    if way == "sure":
        columns = dictionary().tables[table].columns.values()
        texts |= {text: one.name for one in columns for text in (one.name, one.vi)}
    return listed(texts)


@cache
def _parts(which: str) -> Listed:
    return listed(dict.fromkeys(dictionary().parts[which], which))


def _may_mean(heading: _Heading, table: Table) -> str | None:
    """Return the column that a heading might mean."""
    if not heading.texts:
        return None
    name = split_unit(fold(heading.texts[-1]))[0]
    if len(heading.texts) > 1 and find(name, _parts("female")):
        return _women_of(find(heading.texts[-2], _known(table.name)), table)
    asked = find(name, _known(table.name, "ask"))
    if asked or len(name) <= len("mã số"):
        return asked
    near = {
        plain(text).lower(): one.name
        for one in table.columns.values()
        for text in (one.vi, *dictionary().headings[table.name].get(one.name, {}).get("sure", ()))
    }
    like = difflib.get_close_matches(plain(name).lower(), near, 1, _NEAR)
    return near[like[0]] if like else None


def _renamed(
    reading: SheetReading, row: int, headings: list[_Heading], table: Table
) -> SheetReading:
    columns = table.columns
    line = list(reading.sheet.rows[row])
    for place, heading in enumerate(headings):
        if heading.meant not in (None, IGNORE):
            unit = f" ({heading.unit})" if heading.unit else ""
            line[place] = columns[str(heading.meant)].vi + unit
        is_counter = heading.texts and fold(heading.texts[-1]) in form_texts()["counters"]
        if is_counter or (heading.meant == "unit_id" and _is_empty(reading.sheet, row, place)):
            # Room for codes that nobody has given yet says as little as a number.
            line[place] = form_texts()["counters"][0]
    rows = list(reading.sheet.rows)
    rows[row] = line
    taken = {one.meant for one in headings}
    for place, heading in _unknown(reading.sheet, row, headings):
        likely = _may_mean(heading, table)
        if heading.meant != IGNORE and likely is not None and likely not in taken:
            message = (
                f"«{heading.asked}» có phải là cột «{columns[likely].vi}»? Hãy trả lời một lần trong"
                f" anh-xa.yaml: ghi tiêu đề ấy, hoặc «{IGNORE}»"
            )
            reading.add("ask_heading", message, (row, place), value=heading.asked, column=likely)
            # What else there is to ask of the list is asked at once: it is read as if confirmed.
            taken.add(likely)
            line[place] = columns[likely].vi
        else:
            message = f"cột không có trong bảng «{table.vi}», không lấy vào"
            at = (row, place)
            reading.add("left_out", message, at, value=heading.asked, severity="warning")
            line[place] = form_texts()["counters"][0]
    return SheetReading(reading.file, replace(reading.sheet, rows=rows), problems=reading.problems)


def _unknown(sheet: Sheet, row: int, headings: list[_Heading]) -> Iterator[tuple[int, _Heading]]:
    """Yield the headings that no column is known for, though something stands below."""
    for place, heading in enumerate(headings):
        name = fold(heading.texts[-1]) if heading.texts else ""
        is_known = heading.meant not in (None, IGNORE) or name in form_texts()["counters"]
        if is_known or not name:
            continue
        if not _is_empty(sheet, row, place):
            yield place, heading


def _is_empty(sheet: Sheet, row: int, place: int) -> bool:
    return all(sheet[below, place] == "" for below in range(row + 1, len(sheet.rows)))


# Units of measure: above a table, in a heading, in a row below the headings

_IN_HEADING = re.compile(
    r"(.+?)\s*[(\[,;:–-]\s*(?:(?:đvt|đơn vị(?: tính)?)\s*:?\s*)?([^()\[\]]+?)[)\]]?"
)
_STATED = re.compile(
    r"(?:(?:đvt|dvt|(?:đơn vị|don vi) (?:tính|tinh)|tính bằng)\s*[:：-]?|(?:đơn vị|don vi)\s*[:：-])\s*([^()]+)"
)
_BETWEEN = re.compile(r"[,;/+&]| và ")


@dataclass(frozen=True)
class _Stated:
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
    reading: SheetReading,
    header: int,
    columns: dict[int, Column],
    beside: dict[int, str],
    asked: int,
) -> int:
    """Return by what the money of a table is to be multiplied, to be in đồng; problems are added.

    Parameters
    ----------
    header : int
        The row of headings.
    columns, beside : dict by int
        What stands where; the unit in each heading, empty where there is none.
    asked : int
        What the user says that tables stating another unit may be multiplied by; 1 for nothing.
    """
    _refuse_other_units(reading, header, columns, beside)
    above = stated_above(reading, header)
    stated: list[_Stated | None] = []
    for place, column in columns.items():
        if column.type.name == "money":
            worth = find(beside[place], money_units()) if beside[place] else None
            own = [_Stated(beside[place], int(worth), (header, place))] if worth else above
            stated += own or [None]
    others = [one for one in stated if one is not None and one.worth != 1]
    if not others:
        return 1
    first = others[0]
    if len({one.worth if one else 1 for one in stated}) > 1:
        message = "các cột tiền của bảng ghi bằng nhiều đơn vị tính khác nhau; hãy đổi hết ra đồng"
        reading.add("other_unit", message, first.at)
        return 1
    if first.worth == asked:
        factor = f"{asked:,}".replace(",", ".")
        message = f"tiền của bảng ghi bằng {first.text}: đã nhân với {factor} để ra đồng"
        reading.add("multiplied", message, first.at, severity="warning")
    else:
        options = [name for name, worth in lists()["money_options"].items() if worth == first.worth]
        offer = f"hoặc chạy lại với --don-vi {options[0]}" if options else ""
        message = f"tiền của bảng ghi bằng {first.text}, ở đây cần đồng: hãy đổi ra đồng"
        reading.add("other_unit", message, first.at, advice=offer)
    # What is refused is judged in its own unit, so that half a million is not half a đồng.
    return first.worth


def _refuse_other_units(
    reading: SheetReading, header: int, columns: dict[int, Column], beside: dict[int, str]
) -> None:
    for place, column in columns.items():
        unit = beside[place]
        known = money_units() if column.type.name == "money" else units()
        meant = find(unit, known)
        if unit and (meant is None or (column.type.name != "money" and meant != column.unit)):
            message = f"tiêu đề ghi đơn vị tính «{unit}», cột này tính bằng «{column.unit}»"
            reading.add("other_unit", message, (header, place))


def stated_above(reading: SheetReading, header: int) -> list[_Stated]:
    """Return the units of money that stand above the headings, each worth once."""
    found: dict[str, _Stated] = {}
    for row in range(header):
        for place in range(len(reading.sheet.rows[row])):
            text = fold(reading.sheet.text(row, place))
            named = _STATED.search(text)
            parts = _BETWEEN.split(named[1]) if named else [text.strip("()")]
            for part in parts:
                worth = find(part, money_units())
                if worth:
                    found.setdefault(worth, _Stated(part.strip(" ."), int(worth), (row, place)))
    return list(found.values())
