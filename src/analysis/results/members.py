"""Who is asked: units, employers and the district, and what each of them reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.plan import Plan
from analysis.plan.schema import columns_over
from analysis.tables.dictionary import Column, dictionary
from analysis.tables.load import Dataset

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
#: Numbers of groups, units or words.
Codes = npt.NDArray[np.int32] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class Figures:
    """One column of n rows: persons, units, đồng or yes/no; 0 where not ``known`` (not reported)."""

    values: IntArray
    known: BoolArray

    def take(self, rows: IntArray) -> Figures:
        """Return some of the entries."""
        return Figures(self.values[rows], self.known[rows])


@dataclass(frozen=True)
class Span:
    """The range of one column's cells: the value where it is known, else what related cells allow.

    ``high`` counts only where the cell ``is_capped``.
    """

    low: IntArray
    high: IntArray
    is_capped: BoolArray


@dataclass(frozen=True)
class Scope:
    """The groups of one roll-up: a code per row, and the groups' names by code point."""

    codes: Codes
    names: Sequence[str]


@dataclass(frozen=True)
class Register:
    """One source over all years, a row per member and year, sorted by year and id."""

    #: Where the columns stand: a table, and the position in it of each row (-1: not there).
    tables: Sequence[tuple[pd.DataFrame, IntArray]]
    year_codes: IntArray
    #: Who it is, whatever the year.
    id_codes: Codes
    #: Who has to report: alive on the year's cut-off day.
    expected: BoolArray
    #: What the tables hold, and which column is a part of which.
    columns: dict[str, Column]
    #: The roll-ups below the district.
    scopes: dict[str, Scope] = field(default_factory=dict)
    _figures: dict[str, Figures] = field(default_factory=dict, repr=False)
    _largest: dict[str, Figures] = field(default_factory=dict, repr=False)
    _ever: dict[str, Figures] = field(default_factory=dict, repr=False)

    def cells(self, column: str, rows: IntArray | slice = slice(None)) -> pd.Series:
        """Return a column as it was reported, missing where it was not."""
        table, positions = next(pair for pair in self.tables if column in pair[0])
        return pd.Series(table[column].array.take(positions[rows], allow_fill=True))

    def figures(self, column: str) -> Figures:
        """Return a count, an amount of money, a yes/no or a grade's rank, for every row."""
        if column not in self._figures:
            cells = self.cells(column)
            if pd.api.types.is_string_dtype(cells.dtype):
                ranks = {word: rank for rank, word in enumerate(dictionary().ranked["grade"])}
                cells = cells.map(ranks).astype("Int64")
            kind = bool if pd.api.types.is_bool_dtype(cells.dtype) else np.int64
            values = cells.array.to_numpy(kind, na_value=0)
            self._figures[column] = Figures(values, cells.notna().to_numpy(bool))
        return self._figures[column]

    def ever(self, column: str) -> Figures:
        """Return a yes/no that, once reported as yes, stays yes in later years."""
        if column not in self._ever:
            own = self.figures(column)
            order, _, so_far = self._largest_so_far(own.values)
            yes = np.empty(len(order), bool)
            yes[order] = so_far
            self._ever[column] = Figures(yes, own.known | yes)
        return self._ever[column]

    def largest_before(self, column: str) -> Figures:
        """Return the largest value of a column in the member's earlier years.

        A largest value of 0 is no cap, so it counts as not known.
        """
        if column not in self._largest:
            order, ids, so_far = self._largest_so_far(self.figures(column).values)
            before = np.zeros(len(order), np.int64)
            before[1:] = np.where(ids[1:] == ids[:-1], so_far[:-1], 0)
            largest = np.empty_like(before)
            largest[order] = before
            self._largest[column] = Figures(largest, largest > 0)
        return self._largest[column]

    def _largest_so_far(self, values: IntArray) -> tuple[IntArray, Codes, IntArray]:
        """Return the rows by member and year, whose they are, and the largest value so far.

        Unknown figures are 0, so they never are the largest.
        """
        order = np.argsort(self.id_codes, kind="stable")
        ids = self.id_codes[order]
        largest = pd.Series(values[order].astype(np.int64)).groupby(ids).cummax()
        return order, ids, largest.to_numpy()

    def span(self, column: str, rows: IntArray) -> Span:
        """Return what a count or an amount of some rows can be.

        An unknown cell is at least its largest known part, and at most its known whole. The
        dictionary says which columns are parts of which.
        """
        own = self.figures(column).take(rows)
        low, high, is_capped = own.values.copy(), own.values.copy(), own.known.copy()
        gaps = np.flatnonzero(~own.known)
        at = rows[gaps]
        whole = self.columns[column].at_most
        if whole is not None:
            figures = self.figures(whole).take(at)
            high[gaps] = figures.values
            is_capped[gaps] = figures.known & self._is_bound(column, at)
        for part in [name for name, one in self.columns.items() if one.at_most == column]:
            values = self.figures(part).take(at).values
            low[gaps] = np.maximum(low[gaps], np.where(self._is_bound(part, at), values, 0))
        return Span(low, high, is_capped)

    def _is_bound(self, part: str, rows: IntArray) -> BoolArray:
        """Tell for which rows a part's rule holds: unit types can be exempt."""
        exempt = self.columns[part].exempt
        if not exempt:
            return np.ones(len(rows), bool)
        types = self.scopes["unit_type"]
        return ~np.isin(types.names, exempt)[types.codes[rows]]


@dataclass(frozen=True)
class Members:
    """Some of a register's rows, all of one year: who is asked, and what each one reported."""

    register: Register
    rows: IntArray
    _present: dict[str, Codes] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, chosen: BoolArray) -> Members:
        """Return some of the members."""
        return Members(self.register, self.rows[chosen])

    def cells(self, column: str) -> pd.Series:
        """As `Register.cells`, one entry per member."""
        return self.register.cells(column, self.rows)

    def figures(self, column: str) -> Figures:
        """As `Register.figures`, one entry per member."""
        return self.register.figures(column).take(self.rows)

    def ever(self, column: str) -> Figures:
        """As `Register.ever`, one entry per member."""
        return self.register.ever(column).take(self.rows)

    def span(self, column: str) -> Span:
        """As `Register.span`, one entry per member."""
        return self.register.span(column, self.rows)

    def largest_before(self, column: str) -> Figures:
        """As `Register.largest_before`, one entry per member."""
        return self.register.largest_before(column).take(self.rows)

    def groups(self, scope: str) -> Codes:
        """Return the code of each member's group."""
        return self.register.scopes[scope].codes[self.rows]

    def present(self, scope: str) -> Codes:
        """Return the codes of the groups that have members, in order."""
        if scope not in self._present:
            groups = self.groups(scope)
            # A unit is a group of its own, and has one row a year.
            present = groups if scope == "unit" else np.flatnonzero(np.bincount(groups))
            self._present[scope] = present
        return self._present[scope]


def unit_register(dataset: Dataset, plan: Plan, years: pd.Index) -> Register:
    """Return the roster with each unit's return beside it."""
    roster, returns = dataset.roster, dataset.returns
    units = _scope(roster["unit_id"])
    keys = years.get_indexer(roster["year"]) * len(units.names) + units.codes
    order = np.argsort(keys, kind="stable")
    return Register(
        tables=[(roster, order), (returns, _places(returns, years, units.names)[keys[order]])],
        year_codes=years.get_indexer(roster["year"])[order],
        id_codes=units.codes[order],
        expected=is_expected(roster, plan)[order],
        columns=columns_over("units"),
        scopes={
            "commune": _scope(roster["commune"], order),
            "unit_type": _scope(roster["unit_type"], order),
            "parent": _scope(roster["parent"].fillna(plan.issuer.id), order),
            "unit": Scope(units.codes[order], units.names),
        },
    )


def employer_register(dataset: Dataset, years: pd.Index) -> Register:
    """Return the employer register; every row of a year counts."""
    employers = dataset.employers
    ids = _scope(employers["employer_id"])
    year_codes = years.get_indexer(employers["year"])
    order = np.lexsort((ids.codes, year_codes))
    return Register(
        tables=[(employers, order)],
        year_codes=year_codes[order],
        id_codes=ids.codes[order],
        expected=np.ones(len(order), bool),
        columns=columns_over("employers"),
        scopes={
            "commune": _scope(employers["commune"], order),
            "unit_type": _scope(employers["employer_type"], order),
        },
    )


def district_register(dataset: Dataset, plan: Plan, years: pd.Index) -> Register:
    """Return the district itself, one row for every year, reported or not."""
    district = dataset.district
    ended_on = district["dissolved_on"].min()
    cut_offs = pd.to_datetime([plan.cut_off_in(int(year)) for year in years])
    alive = np.ones(len(years), bool) if pd.isna(ended_on) else ~(ended_on < cut_offs)
    return Register(
        tables=[(district, pd.Index(district["year"]).get_indexer(years))],
        year_codes=np.arange(len(years)),
        id_codes=np.zeros(len(years), np.int32),
        expected=np.asarray(alive, bool),
        columns=columns_over("district"),
    )


def is_expected(roster: pd.DataFrame, plan: Plan) -> BoolArray:
    """Tell which rows of a roster have to report: founded by the cut-off and not dissolved by it."""
    days = {year: pd.Timestamp(plan.cut_off_in(int(year))) for year in roster["year"].unique()}
    cut_off = roster["year"].map(days).astype("datetime64[s]")
    founded = roster["founded_on"].isna() | (roster["founded_on"] <= cut_off)
    alive = roster["dissolved_on"].isna() | (roster["dissolved_on"] > cut_off)
    return np.asarray(founded & alive, bool)


def why_not_expected(unit: pd.Series, plan: Plan, year: int) -> str:
    """Say in Vietnamese why a unit that `is_expected` leaves out does not have to report.

    ``unit`` is its row of the year's register.
    """
    cut_off, ended = pd.Timestamp(plan.cut_off_in(year)), unit["dissolved_on"]
    if pd.notna(ended) and ended <= cut_off:
        return f"kết thúc hoạt động ngày {ended:%d/%m/%Y}, không sau ngày chốt {cut_off:%d/%m/%Y}"
    return f"thành lập ngày {unit['founded_on']:%d/%m/%Y}, sau ngày chốt {cut_off:%d/%m/%Y}"


def _scope(keys: pd.Series, order: IntArray | slice = slice(None)) -> Scope:
    """Return the groups of the rows in the order wanted, numbered by name."""
    codes, found = pd.factorize(keys)
    names = list(found)
    # Python sorts text by code point, which is the order the table asks for.
    by_name = sorted(range(len(names)), key=names.__getitem__)
    ranks = np.empty(len(names), np.int32)
    ranks[by_name] = np.arange(len(names))
    return Scope(ranks[codes[order]], [names[position] for position in by_name])


def _places(returns: pd.DataFrame, years: pd.Index, unit_ids: Sequence[str]) -> IntArray:
    """Return where each unit's return of each year stands, -1 where there is none."""
    units = pd.Index(unit_ids, dtype="str").get_indexer(returns["unit_id"])
    in_years = years.get_indexer(returns["year"])
    known = np.flatnonzero((units >= 0) & (in_years >= 0))
    places = np.full(len(years) * len(unit_ids), -1)
    places[in_years[known] * len(unit_ids) + units[known]] = known
    return places
