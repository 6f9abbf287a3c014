"""Rows of headings: which table a sheet holds, and the dictionary's headings where an office's list has its own."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product

from analysis.intake.formtexts import Raw, fold, form_texts, plain, shown, tidy
from analysis.intake.legacy import recognise
from analysis.intake.measure import split_unit
from analysis.intake.sheets import Sheet, SheetReading, address
from analysis.intake.wordlists import Listed, find, listed
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
#: What an answer says of a column that is not wanted.
IGNORE = "bỏ qua"

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


def is_list(header: Header) -> bool:
    """Tell whether a table says all that a list of units says, codes or none."""
    return {"name", "unit_type", "commune"} <= {*header.places()}


def _heading(cell: Raw) -> str:
    """Return a heading as it is looked up; one in an old encoding by its probable reading."""
    text = tidy(shown(cell))
    old = recognise(text)
    return fold(old[1] if old else text)


def check_headings(finding: SheetReading, header: Header) -> None:
    """Add a problem for every heading that is repeated, unknown, missing or in an old encoding."""
    sheet, seen = finding.sheet, dict[str, int]()
    for place, name in enumerate(header.names):
        at, targets = (header.row, place), header.targets(place)
        old = recognise(sheet.text(*at))
        if old is not None:
            message = f"tiêu đề viết bằng bảng mã cũ {old[0]}, có lẽ là «{old[1]}»; hãy gõ lại bằng Unicode"
            finding.add("legacy_encoding", message, at)
        if targets and targets[0][1].name in seen:
            first = address(header.row, seen[targets[0][1].name])
            finding.add("duplicate_column", f"tiêu đề lặp lại, đã có ở ô {first}", at)
        elif targets:
            seen[targets[0][1].name] = place
        elif old is None and name not in form_texts()["counters"]:
            _check_unknown(finding, header, place)


def _check_unknown(finding: SheetReading, header: Header, place: int) -> None:
    sheet, name = finding.sheet, header.names[place]
    filled = (r for r in range(header.row + 1, len(sheet.rows)) if sheet.rows[r][place] != "")
    first = next(filled, None)
    if first is None:
        return
    if name == "":
        message = "cột có số liệu mà không có tiêu đề; hãy ghi tiêu đề hoặc xóa cột"
        finding.add("no_heading", message, (first, place))
        return
    known = {plain(key): targets for key, targets in _families()[header.key].items()}
    near = difflib.get_close_matches(plain(name), known, 1, _NEAR)
    guess = f"; có phải là «{known[near[0]][0][1].vi}»?" if near else ";"
    message = f"cột lạ, không có trong bảng{guess} Sửa tiêu đề, hoặc xóa cột nếu không cần"
    finding.add("unknown_column", message, (header.row, place))


def add_missing(finding: SheetReading, header: Header, column: Column) -> None:
    """Add that a column without which no row can be told is not there, and what may be meant by it."""
    sheet, wanted = finding.sheet, (fold(column.vi), fold(column.name))
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
    finding.problems = [p for p in finding.problems if not told or p.cell != told]
    finding.add("no_column", message, at, column=column.name)


@dataclass(frozen=True)
class Answers:
    """What the office has answered about its own lists.

    Parameters
    ----------
    columns : mapping of str to str
        From a heading as it stands (storeys joined by " / ") to the dictionary's, or `IGNORE`.
    types : mapping of str to str
        From a word to a label of the dictionary's.
    codes : mapping of str to str
        From a unit's name and commune (joined likewise) to its code, or that it is a new one.
    communes : mapping of str to str
        From a commune as it stands to its name.
    unions : mapping of str to str
        From an employer's name and commune to the code of its union, or that it has none.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    communes: Mapping[str, str] = field(default_factory=dict)
    unions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Heading:
    """One column's heading: its texts from above, its unit, the column that it is known for."""

    texts: tuple[str, ...]
    unit: str = ""
    meant: str | None = None

    @property
    def asked(self) -> str:
        return _UNDER.join(self.texts)


def name_headings(finding: SheetReading, answers: Answers) -> SheetReading:
    """Put the dictionary's headings where a list has its own, as far as that is certain.

    Parameters
    ----------
    finding : SheetReading
        The sheet; what is asked, and what is left out, is added to its problems.
    answers : Answers
        What was asked before.

    Returns
    -------
    SheetReading
        With the list's own headings replaced; the same if the sheet holds no such list.
    """
    best: tuple[int, int, list[_Heading], Table] | None = None
    for name, first in product(_TABLES, range(min(_FIRST_ROWS, len(finding.sheet.rows)))):
        table = dictionary().tables[name]
        last, headings = _storeys(finding.sheet, first, answers, table)
        known = {one.meant for one in headings if one.meant not in (None, IGNORE)}
        if best is None or len(known) > best[0]:
            best = len(known), last, headings, table
    if best is None or not _is_list(best[2], best[3]):
        return finding
    return _renamed(finding, *best[1:])


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
    merged = {
        (place, box[0][1])
        for box in sheet.marks.merged
        if box[0][0] >= first and box[1][1] > box[0][1]
        for place in range(box[0][1] + 1, box[1][1] + 1)
    }
    spread = list(paths)
    for place, text in enumerate(below):
        left = place - 1
        is_covered = any(place == inside for inside, _ in merged)
        if not spread[place] and text and left >= 0 and (is_covered or not sheet.marks.merged):
            spread[place] = spread[left][:1]
    return spread


def _resolve(paths: list[tuple[str, ...]], answers: Answers, table: Table) -> list[_Heading]:
    asked = listed(dict(answers.columns))
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
    finding: SheetReading, row: int, headings: list[_Heading], table: Table
) -> SheetReading:
    columns = table.columns
    line = list(finding.sheet.rows[row])
    for place, heading in enumerate(headings):
        if heading.meant not in (None, IGNORE):
            unit = f" ({heading.unit})" if heading.unit else ""
            line[place] = columns[str(heading.meant)].vi + unit
        is_counter = heading.texts and fold(heading.texts[-1]) in form_texts()["counters"]
        if is_counter or (heading.meant == "unit_id" and _is_empty(finding.sheet, row, place)):
            # Room for codes that nobody has given yet says as little as a number.
            line[place] = form_texts()["counters"][0]
    rows = list(finding.sheet.rows)
    rows[row] = line
    taken = {one.meant for one in headings}
    for place, heading in _unknown(finding.sheet, row, headings):
        likely = _may_mean(heading, table)
        if heading.meant != IGNORE and likely is not None and likely not in taken:
            message = (
                f"«{heading.asked}» có phải là cột «{columns[likely].vi}»? Hãy trả lời một lần trong"
                f" anh-xa.yaml: ghi tiêu đề ấy, hoặc «{IGNORE}»"
            )
            finding.add("ask_heading", message, (row, place), value=heading.asked, column=likely)
            # What else there is to ask of the list is asked at once: it is read as if confirmed.
            taken.add(likely)
            line[place] = columns[likely].vi
        else:
            message = f"cột không có trong bảng «{table.vi}», không lấy vào"
            at = (row, place)
            finding.add("left_out", message, at, value=heading.asked, severity="warning")
            line[place] = form_texts()["counters"][0]
    return SheetReading(finding.file, replace(finding.sheet, rows=rows), problems=finding.problems)


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
