"""The dictionary of the canonical tables, read from ``dictionary.yaml`` beside this file.

An office may count more than the tables of this package ask for: a ``dictionary.yaml`` beside its data
adds columns, and forms, import, store, checks, plans and exports know them like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from analysis.problems import InputError, Problem, error
from analysis.yamlfile import Document, read_document, read_own, validate

P = ParamSpec("P")
R = TypeVar("R")

#: The file beside the tables in which an office names its own columns.
OWN_COLUMNS = "dictionary.yaml"
# The store writes names into SQL; no keyword has two words, but for ``current_…``.
_OWN_NAME = re.compile(r"(?!current_)(?=.{3,40}$)[a-z][a-z0-9]*(_[a-z0-9]+)+")
_OWN_GROUP = "Số liệu riêng của đơn vị chủ trì"

#: The counts that lists of units and of members give, by table.
LISTED = {
    "roster": ("workers_total", "workers_female", "members_total", "members_female"),
    "returns": ("new_members", "cadres_total"),
}
#: The tables whose rows stand in a commune.
PLACED = ("roster", "employers")


@dataclass(frozen=True)
class CellType:
    """What a cell of this type may hold."""

    name: str
    vi: str
    smallest: int | None = None
    largest: int | None = None
    pattern: str | None = None
    unit: str = ""

    @property
    def is_number(self) -> bool:
        """Whether cells are whole numbers."""
        return self.name in ("year", "count", "money")


@dataclass(frozen=True)
class Column:
    """One column of one table, with its only heading and its rule.

    ``word_list`` names the list of ``words`` that it takes its words from; ``unit`` is what a line
    of a form is counted in; ``en`` is the English heading that an office gave its own column.
    """

    name: str
    type: CellType
    vi: str
    meaning: str
    words: tuple[str, ...] = ()
    required: bool = False
    at_most: str | None = None
    exempt: tuple[str, ...] = ()
    word_list: str = ""
    unit: str = ""
    mostly: bool = False
    per: str = ""
    usual_per_head: int = 0
    en: str = ""


@dataclass(frozen=True)
class Table:
    """One canonical table; ``groups`` are its form's headings, by the first column below each."""

    name: str
    vi: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    optional: bool = False
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dictionary:
    """All tables, and the words that their cells may hold.

    ``unit_titles`` are the words that the names of unions begin with, and that are often left out;
    ``area_titles`` those of communes. ``headings``, ``parts`` and ``also`` are how lists of other
    offices head and say things; ``code_prefixes`` and ``code_words`` make the
    codes that unions without one are given.
    """

    tables: dict[str, Table]
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    ranked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unit_titles: tuple[str, ...] = ()
    area_titles: tuple[str, ...] = ()
    headings: dict[str, dict[str, dict[str, list[str]]]] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)
    also: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    code_prefixes: dict[str, str] = field(default_factory=dict)
    code_words: dict[str, str] = field(default_factory=dict)

    def rank(self, list_name: str, word: str) -> int:
        """Return the rank of a word in a ranked list, from 0 upwards.

        Raises
        ------
        ValueError
            If the word has no rank (``not_graded``) or the list is not ranked.
        """
        return self.ranked[list_name].index(word)


def per_dictionary(function: Callable[P, R]) -> Callable[P, R]:
    """Remember what a function makes of the dictionary as long as that has the same own columns."""
    compute: Any = function
    remembered = lru_cache(maxsize=64)(lambda own, *given: compute(*given))

    @wraps(function)
    def call(*given: P.args, **_: P.kwargs) -> R:
        found: R = remembered(_own, *given)
        return found

    return call


def dictionary() -> Dictionary:
    """Return the dictionary, with the own columns that were taken last.

    Examples
    --------
    >>> dictionary().tables["returns"].columns["informed"].at_most
    'workers_total'
    >>> dictionary().rank("grade", "excellent")
    3
    """
    return _with_own(_own)


@cache
def _common() -> Dictionary:
    raw = read_own(__package__, "dictionary.yaml")
    types = {name: CellType(name, **spec) for name, spec in raw["types"].items()}
    words: dict[str, dict[str, str]] = raw["words"]

    def columns(table: dict[str, Any]) -> Iterator[Column]:
        for name, spec in table["columns"].items():
            kind = types[spec["type"]]
            is_key = name in table["key"] and not table.get("optional")
            given = {"unit": kind.unit, "required": is_key, **spec, "type": kind}
            given["words"] = tuple(words.get(spec.get("word_list", ""), ()))
            yield Column(name, **given | {"exempt": tuple(spec.get("exempt", ()))})

    tables = {
        name: Table(
            name,
            **spec
            | {"key": tuple(spec["key"]), "columns": {one.name: one for one in columns(spec)}},
        )
        for name, spec in raw["tables"].items()
    }
    given = {n: raw[n] for n in ("headings", "parts", "also", "code_prefixes", "code_words")}
    given |= {name: tuple(raw[name]) for name in ("unit_titles", "area_titles")}
    ranked = {name: tuple(listed) for name, listed in raw["ranked"].items()}
    return Dictionary(tables, words, ranked, **given)


# An office's own columns -------------------------------------------------------------------------

Own = tuple[tuple[str, Column], ...]
#: Those of the dataset that this process works on, each with its table.
_own: Own = ()


class _OwnColumn(BaseModel):
    """What an office says of one of its columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vi: str = Field(min_length=1, max_length=120)
    en: str = Field(default="", max_length=120)
    type: Literal["count", "money", "boolean", "date"]
    meaning: str = ""
    unit: str = Field(default="", max_length=20)
    at_most: str | None = None


class _OwnFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    roster: dict[str, _OwnColumn] = {}
    returns: dict[str, _OwnColumn] = {}
    employers: dict[str, _OwnColumn] = {}
    district: dict[str, _OwnColumn] = {}


def take_own_columns(folder: Path) -> None:
    """Make a dataset's own columns part of the dictionary, instead of another dataset's.

    Without the file `OWN_COLUMNS` in its folder, the dictionary is the package's own.

    Raises
    ------
    InputError
        With file, line, column and what is wrong, for every mistake of the file at once.
    """
    path = folder / OWN_COLUMNS
    set_own_columns(_read_own(read_document(path)) if path.exists() else ())


def own_columns() -> Own:
    """Return the own columns of now, for another process to `set_own_columns`."""
    return _own


def set_own_columns(own: Own) -> None:
    """Make these the own columns."""
    global _own
    _own = own


def _read_own(document: Document) -> Own:
    given = validate(document, _OwnFile)
    common = _common()
    types = {c.type.name: c.type for t in common.tables.values() for c in t.columns.values()}
    found: list[tuple[str, Column]] = []
    problems: list[Problem] = []
    heads = {c.vi.casefold() for t in common.tables.values() for c in t.columns.values()}
    names = {name for table in common.tables.values() for name in table.columns}
    for table in _OwnFile.model_fields:
        own: dict[str, _OwnColumn] = getattr(given, table)
        # Beside a return stands its unit's row of the register.
        beside = {table, "roster"} if table == "returns" else {table}
        columns = [pair for one in beside for pair in common.tables[one].columns.items()]
        counts = {name for name, column in columns if column.type.name == "count"}
        counts |= {name for name, spec in own.items() if spec.type == "count"}
        for name, spec in own.items():
            wrong = {
                "tên cột chỉ gồm chữ thường không dấu, chữ số, ít nhất hai từ nối bằng _": (
                    not _OWN_NAME.fullmatch(name)
                ),
                "cột này đã có trong các bảng; hãy đặt tên khác": name in names,
                f"tiêu đề «{spec.vi}» đã có ở một cột khác": spec.vi.casefold() in heads,
                f"at_most: không có cột số đếm «{spec.at_most}» để so ở bảng này": (
                    spec.at_most is not None
                    and (spec.type != "count" or spec.at_most not in counts - {name})
                ),
            }
            row = document.places.get((table, name), (document.file, 1))[1]
            problems += [
                error(message, code="bad_column", file=document.file, row=row, column=name)
                for message, is_so in wrong.items()
                if is_so
            ]
            names.add(name)
            heads.add(spec.vi.casefold())
            kind = types[spec.type]
            given_as = spec.model_dump(exclude={"type"}) | {"unit": spec.unit or kind.unit}
            found.append((table, Column(name, kind, **given_as)))
    if problems:
        raise InputError(problems)
    return tuple(found)


@lru_cache(maxsize=8)
def _with_own(own: Own) -> Dictionary:
    common = _common()
    tables = dict(common.tables)
    for name, column in own:
        table = tables[name]
        is_first = table is common.tables[name]
        groups = {**table.groups, column.name: _OWN_GROUP} if is_first else table.groups
        columns = {**table.columns, column.name: column}
        tables[name] = replace(table, columns=columns, groups=groups)
    return replace(common, tables=tables)


def heading_of(column: str) -> str:
    """Return a column's Vietnamese heading; it means about the same in every table that has it.

    Examples
    --------
    >>> heading_of("members_total"), heading_of("--data")
    ('Tổng số đoàn viên', '--data')
    """
    found = (table.columns.get(column) for table in dictionary().tables.values())
    return next((one.vi for one in found if one is not None), column)


def with_heading(problem: Problem) -> Problem:
    """Name a problem's column as its sheet or form does.

    A row of the dataset's own tables has no cell, and there the column's name is the heading.
    """
    heading = heading_of(problem.column)
    is_named = problem.cell != "" and heading != problem.column
    return replace(problem, column=f"«{heading}»") if is_named else problem
