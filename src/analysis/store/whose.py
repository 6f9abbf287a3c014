"""Whose figures a file holds: its name, the names printed beside its codes, and the register agree."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from analysis.problems import Problem
from analysis.tables.delivery import Delivery, Records, find_units
from analysis.tables.dictionary import dictionary
from analysis.tables.stored import read_rows
from analysis.tables.storefile import last_entry
from analysis.tables.writing import bare, loosely

#: A table of more units is not named after one of them.
_FEW_UNITS = 20
#: A shorter name may stand in a file's name by chance.
_LEAST_WORDS = 3
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class UnitNames:
    """The units of a year, to be found by what people write of them.

    Attributes
    ----------
    names : dict of str to str
        What each unit is called, by id.
    parents : dict of str to str
        Who manages it.
    written : dict of str to set of str
        The ids of a name, with all its marks or with none of them.
    """

    names: Mapping[str, str]
    parents: Mapping[str, str]
    written: Mapping[str, set[str]]

    def find(self, name: str) -> set[str]:
        """Return the units of this name, however it is written."""
        loose = _loose(name)
        return self.written.get(loose) or self.written.get(bare(loose)) or set()


@dataclass
class Registers:
    """The registers of the years, each read once."""

    connection: sqlite3.Connection
    _known: dict[str, UnitNames] = field(default_factory=dict)

    def of(self, year: str) -> UnitNames:
        """Return the register of a year."""
        if year not in self._known:
            self._known[year] = self._read(year)
        return self._known[year]

    def forget(self) -> None:
        """Read again what has changed since."""
        self._known.clear()

    def _read(self, year: str) -> UnitNames:
        table, last = dictionary().tables["roster"], last_entry(self.connection)
        rows = read_rows(self.connection, table, last, pd.DataFrame({"year": [year]}))
        written: dict[str, set[str]] = {}
        for unit, name in zip(rows["unit_id"], rows["name"], strict=True):
            loose = _loose(name)
            for key in {loose, bare(loose)}:
                written.setdefault(key, set()).add(unit)
        names, parents = (
            dict(zip(rows["unit_id"], rows[column], strict=True)) for column in ("name", "parent")
        )
        return UnitNames(names, parents, written)


def _loose(name: str) -> str:
    """Return a unit's name without the words that every union's name begins with."""
    loose = loosely(name)
    starts = (loosely(start) for start in dictionary().unit_titles)
    start = next((one for one in starts if loose.startswith(one)), "")
    return loose.removeprefix(start) or loose


def find_strangers(delivery: Delivery, path: Path, registers: Registers) -> list[Problem]:
    """Return an error where a file names one unit and holds the figures of another.

    Parameters
    ----------
    delivery : Delivery
        Parts with complete keys.
    path : Path
        The file.
    registers : Registers
        What the units are called.
    """
    problems = [p for part in delivery.records for p in _crossed(part, delivery.file, registers)]
    units = dict.fromkeys(find_units(delivery))
    if not 0 < len(units) <= _FEW_UNITS:
        return problems
    return problems + _named_otherwise(delivery, path, [*units], registers)


def _crossed(part: Records, file: str, registers: Registers) -> Iterator[Problem]:
    """Yield an error for every name that is another unit's than the one of the code beside it."""
    if part.names is None or not {"year", "unit_id"} <= {*part.text.columns}:
        return
    printed = part.names.reindex(part.text.index)
    for year, rows in part.text.groupby("year"):
        register = registers.of(str(year))
        found = {name: register.find(name) for name in printed[rows.index].dropna().unique()}
        for row, unit in rows["unit_id"].items():
            name = printed[row]
            others = found.get(name, set())
            if others and unit not in others:
                own = register.names.get(unit)
                message = (
                    f"tên này là của {_both(others, register)}, còn mã {unit}"
                    + (f" là của «{own}»" if own else " không có trong danh sách")
                    + "; mã và tên đã lệch dòng, hãy xem lại cả bảng"
                )
                at = int(str(row))
                problem = part.problem(file, "name", at, code="crossed_name", message=message)
                yield replace(problem, value=name)


def _both(units: set[str], register: UnitNames) -> str:
    return ", ".join(f"{unit} («{register.names[unit]}»)" for unit in sorted(units))


def _named_otherwise(
    delivery: Delivery, path: Path, units: list[tuple[str, str]], registers: Registers
) -> list[Problem]:
    """Return an error if the file is named after a unit that is not in it."""
    inside = {unit for _, unit in units}
    register = registers.of(units[0][0])
    # Whoever manages units may well send their returns.
    inside |= {register.parents.get(unit, "") for unit in inside}
    named = _named_by(path.stem, register)
    if not named or named & inside:
        return []
    part = next(part for part in delivery.records if part.table == "returns")
    message = (
        f"tên tệp ghi {_both(named, register)}, còn trong tệp là mã này; hãy xem lại số liệu là của"
        " ai: nếu đúng của đơn vị trong tệp thì đổi tên tệp, nếu không thì sửa mã trong tệp"
    )
    row = int(str(part.text.index[0]))
    return [part.problem(delivery.file, "unit_id", row, code="other_unit", message=message)]


def _named_by(stem: str, register: UnitNames) -> set[str]:
    """Return the units that a file's name speaks of, by code or by full name."""
    words = [*_WORD.finditer(stem)]
    first = stem.partition("_")[0].upper()
    found: dict[tuple[int, int], set[str]] = {}
    for i, start in enumerate(words):
        name = ""
        for j, end in enumerate(words[i:], i):
            name += bare(loosely(end.group()))
            code = stem[start.start() : end.end()].upper()
            if code in register.names and (code == first or not (code.isalpha() or code.isdigit())):
                found[i, j] = {code}
            elif j - i + 1 >= _LEAST_WORDS:
                units = register.written.get(_loose(name), set())
                found |= {(i, j): units} if units else {}
    # "DN-A" is not meant where "DN-A-B" is written.
    longest = [
        one
        for one in found
        if not any(a <= one[0] and one[1] <= b and (a, b) != one for a, b in found)
    ]
    return {unit for one in longest for unit in found[one]}
