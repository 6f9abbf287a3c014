"""The dictionary of the canonical tables, read from ``dictionary.yaml`` beside this file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

import yaml

from analysis.problems import Problem


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
    of a form is counted in.
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


@cache
def dictionary() -> Dictionary:
    """Return the dictionary (read once).

    Examples
    --------
    >>> dictionary().tables["returns"].columns["informed"].at_most
    'workers_total'
    >>> dictionary().rank("grade", "excellent")
    3
    """
    raw = yaml.safe_load(files(__package__).joinpath("dictionary.yaml").read_text("utf-8"))
    types = {name: CellType(name, **spec) for name, spec in raw["types"].items()}
    words: dict[str, dict[str, str]] = raw["words"]

    def column(name: str, spec: dict[str, object], is_key: bool) -> Column:
        rest = {"required": is_key, **spec}
        list_name = str(rest.pop("of", ""))
        kind = types[str(rest.pop("type"))]
        return Column(
            name=name,
            type=kind,
            words=tuple(words[list_name]) if list_name else (),
            word_list=list_name,
            unit=str(rest.pop("unit", kind.unit)),
            exempt=tuple(rest.pop("except", ())),  # type: ignore[arg-type]
            **rest,  # type: ignore[arg-type]
        )

    tables = {
        name: Table(
            name=name,
            vi=spec["vi"],
            key=tuple(spec["key"]),
            columns={
                key: column(key, value, key in spec["key"] and not spec.get("optional"))
                for key, value in spec["columns"].items()
            },
            optional=spec.get("optional", False),
            groups=spec.get("groups", {}),
        )
        for name, spec in raw["tables"].items()
    }
    ranked = {name: tuple(listed) for name, listed in raw["ranked"].items()}
    unit_titles, area_titles = (tuple(raw[name]) for name in ("unit_titles", "area_titles"))
    names = ("headings", "parts", "also", "code_prefixes", "code_words")
    return Dictionary(
        tables, words, ranked, unit_titles, area_titles, **{name: raw[name] for name in names}
    )


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
