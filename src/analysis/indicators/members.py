"""Who is asked: units, employers and the district, one row per member and year."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.plan import Plan
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Figures:
    """One column: whole numbers, and where they are known (0 where they are not)."""

    values: IntArray
    known: BoolArray


@dataclass(frozen=True)
class Scope:
    """The groups of one roll-up: a code per member row, and the groups' names in code order."""

    codes: IntArray
    names: pd.Index


@dataclass
class Members:
    """The register of one source, sorted by year and id, with what each member reported.

    Attributes
    ----------
    frame : DataFrame
        One row per member and year; every column that an indicator may name.
    years : Index of int
        All years of the computation; ``year_codes`` points into it.
    expected : bool array
        Who has to report: alive on the year's cut-off day.
    types : Series of str
        The unit type or employer type; empty for the district.
    scopes : dict of str to Scope
        The roll-ups below the district.
    """

    frame: pd.DataFrame
    years: pd.Index
    year_codes: IntArray
    expected: BoolArray
    types: pd.Series
    id_codes: IntArray
    scopes: dict[str, Scope] = field(default_factory=dict)
    _carried: dict[str, Figures] = field(default_factory=dict)

    def figures(self, column: str) -> Figures:
        """Return a count, an amount of money or a grade's rank, row by row."""
        cells = self.frame[column]
        if pd.api.types.is_string_dtype(cells.dtype):
            ranks = {word: rank for rank, word in enumerate(dictionary().ranked["grade"])}
            cells = cells.map(ranks).astype("Int64")
        return Figures(cells.fillna(0).to_numpy(np.int64), cells.notna().to_numpy(bool))

    def largest_before(self, column: str) -> Figures:
        """Return the largest value of a column in the member's earlier years.

        A largest value of 0 is no cap, so it counts as not known.
        """
        if column not in self._carried:
            self._carried[column] = self._find_largest_before(column)
        return self._carried[column]

    def _find_largest_before(self, column: str) -> Figures:
        figures = self.figures(column)
        order = np.lexsort((self.year_codes, self.id_codes))
        ids = self.id_codes[order]
        so_far = pd.Series(np.where(figures.known, figures.values, 0)[order]).groupby(ids).cummax()
        before = np.zeros(len(ids), np.int64)
        before[1:] = so_far.to_numpy()[:-1]
        before[1:][ids[1:] != ids[:-1]] = 0
        largest = np.empty_like(before)
        largest[order] = before
        return Figures(largest, largest > 0)


def unit_members(dataset: Dataset, plan: Plan, years: pd.Index) -> Members:
    """Return the roster with each unit's return beside it."""
    returns = dataset.returns
    frame = dataset.roster.merge(returns, how="left", on=["year", "unit_id"], validate="one_to_one")
    frame = frame.sort_values(["year", "unit_id"], ignore_index=True)
    frame["parent"] = frame["parent"].fillna(plan.issuer.id)
    return Members(
        frame=frame,
        years=years,
        year_codes=years.get_indexer(frame["year"]),
        expected=is_expected(frame, plan),
        types=frame["unit_type"],
        id_codes=pd.factorize(frame["unit_id"])[0],
        scopes={
            "commune": _scope(frame["commune"]),
            "unit_type": _scope(frame["unit_type"]),
            "parent": _scope(frame["parent"]),
            "unit": _scope(frame["unit_id"]),
        },
    )


def employer_members(dataset: Dataset, plan: Plan, years: pd.Index) -> Members:
    """Return the employer register; every row of a year counts."""
    frame = dataset.employers.sort_values(["year", "employer_id"], ignore_index=True)
    return Members(
        frame=frame,
        years=years,
        year_codes=years.get_indexer(frame["year"]),
        expected=np.ones(len(frame), bool),
        types=frame["employer_type"],
        id_codes=pd.factorize(frame["employer_id"])[0],
        scopes={"commune": _scope(frame["commune"]), "unit_type": _scope(frame["employer_type"])},
    )


def district_members(dataset: Dataset, plan: Plan, years: pd.Index) -> Members:
    """Return the district itself, one row for every year, reported or not."""
    frame = dataset.district.set_index("year").reindex(years).reset_index(names="year")
    ended_on = dataset.district["dissolved_on"].min()
    cut_offs = pd.to_datetime([plan.cut_off_in(int(year)) for year in years])
    alive = np.ones(len(years), bool) if pd.isna(ended_on) else ~(ended_on < cut_offs)
    return Members(
        frame=frame,
        years=years,
        year_codes=np.arange(len(years)),
        expected=np.asarray(alive, bool),
        types=pd.Series([""] * len(years), dtype="str"),
        id_codes=np.zeros(len(years), np.int64),
    )


def is_expected(roster: pd.DataFrame, plan: Plan) -> BoolArray:
    """Tell which roster rows have to report: founded by the cut-off and not dissolved by it."""
    days = {year: pd.Timestamp(plan.cut_off_in(int(year))) for year in roster["year"].unique()}
    cut_off = roster["year"].map(days).astype("datetime64[s]")
    founded = roster["founded_on"].isna() | (roster["founded_on"] <= cut_off)
    alive = roster["dissolved_on"].isna() | (roster["dissolved_on"] > cut_off)
    return np.asarray(founded & alive, bool)


def _scope(keys: pd.Series) -> Scope:
    # Python sorts text by code point, which is the order the table asks for.
    names = pd.Index(sorted(keys.unique()), dtype="object")
    return Scope(pd.Categorical(keys, categories=names).codes.astype(np.int64), names)
