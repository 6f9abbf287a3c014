"""The edition to share: a study that holds no few persons and no amounts, made before any page."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.redaction.bands import find_band, round_rate
from analysis.redaction.respondents import Survey
from analysis.redaction.sensitive import LARGEST_HIDDEN, is_persons, kind_of
from analysis.redaction.suppression import Respondents
from analysis.results import OPEN_COLUMNS, SCOPES
from analysis.results.rollups import open_sources
from analysis.study import Study
from analysis.tables.dictionary import Column, dictionary
from analysis.tables.load import Dataset, is_sent
from analysis.tasks import Duty, Evidence

#: The flag of a row whose figures are withheld (``numerator``, ``denominator``, ``value``, ``slack``
#: and the bounds are empty although it has been reported), and the verdict where that is withheld too.
HIDDEN: Final = "hidden"
#: The flag of a row that shows its figures and withholds its bounds and its break-even rate.
BOUNDS_HIDDEN: Final = "bounds_hidden"
#: The flag of a row of money: bands instead of amounts, rates in whole percents.
BANDED: Final = "banded"
#: Further columns of the shared table, filled where a row is ``banded``.
BAND_COLUMNS = ("numerator_band", "denominator_band")

_JUDGED = ("met", "not_met", "undetermined")
_BOUNDS = ("lower", "upper", "breakeven", *OPEN_COLUMNS)
_FIGURES = ("numerator", "denominator", "value", "slack", *_BOUNDS)
_WORDS = ("verdict", "trajectory", "flags", "target")
_KEY = ["year", "unit_id"]
_ROW = ["year", "indicator", "scope", "scope_id"]
#: The district among the ids of units.
_DISTRICT: Final = ""


class HiddenCell:
    """What `RedactedStudy.cells` has where a figure was reported and is not shown.

    It is not missing (``pandas.isna`` says no), and nothing can be computed with it.
    """

    def __repr__(self) -> str:
        return "HIDDEN_CELL"


HIDDEN_CELL: Final = HiddenCell()


@dataclass(frozen=True, eq=False)
class RedactedStudy(Study):
    """A study for sharing; made by `redact`.

    Attributes
    ----------
    shown : DataFrame
        The redacted indicator table, `table` of this study. It is not computed from the redacted
        tables: sums are of everybody, hidden or not.
    hidden_cells : DataFrame of bool
        By year and unit_id, for every column of the roster and the returns: a figure was reported
        and is not shown. An empty cell that is not hidden was not reported.
    totals : mapping of (int, str) to int
        What the roster's counts add up to, by year and column, over everybody expected; left out
        where that would expose somebody.
    """

    shown: pd.DataFrame
    hidden_cells: pd.DataFrame
    totals: Mapping[tuple[int, str], int]
    held: Mapping[int, Mapping[str, tuple[Duty, ...]]]

    def duties(self, year: int) -> Mapping[str, tuple[Duty, ...]]:
        """Return what every holder has to do in a year: states alone, nothing that was written."""
        return self.held.get(year, {})

    @cached_property
    def table(self) -> pd.DataFrame:
        """The redacted indicator table of all years and scopes."""
        return self.shown

    @cached_property
    def register(self) -> pd.DataFrame:
        """The roster; a return that this edition withholds was sent all the same."""
        register = super().register
        # A unit's counts that are not shown stand empty in the tables here.
        withheld = is_sent(self.hidden_cells.where(self.hidden_cells))
        return register.assign(
            has_return=register["has_return"] | withheld.reindex(register.index, fill_value=False)
        )

    def hidden_columns(self, unit_id: str, year: int) -> tuple[str, ...]:
        """Return the columns that a unit reported and this edition withholds."""
        if (year, unit_id) not in self.hidden_cells.index:
            return ()
        hidden = self.hidden_cells.loc[(year, unit_id)]
        return tuple(hidden.index[hidden])

    def compute(self, years: Iterable[int], scopes: Iterable[str] = SCOPES) -> pd.DataFrame:
        """Return the redacted table of some years and scopes alone."""
        keep = self.table["scope"].isin(list(scopes)) & self.table["year"].isin(list(years))
        return self.table[keep].drop(columns=list(OPEN_COLUMNS)).reset_index(drop=True)

    def digest_of(self, year: int) -> str:
        """Return a hash of all that this edition tells of a year."""
        totals = pd.DataFrame([(*key, total) for key, total in sorted(self.totals.items())])
        told = {
            "indicators": self.shown,
            "hidden": self.hidden_cells.reset_index(),
            "totals": totals.rename(columns={0: "year"}),
            **self.dataset.tables,
        }
        return _digest({n: f[f["year"] == year] for n, f in told.items() if "year" in f})

    def roster_total(self, year: int, column: str) -> int | None:
        """Return what a count of the roster adds up to; None where it is not shown."""
        return self.totals.get((year, column))

    def cells(self, unit_id: str, year: int) -> pd.Series:
        """Return what may be shown of a unit in a year: `HIDDEN_CELL` is not shown, empty is missing."""
        cells = super().cells(unit_id, year).astype(object)
        hidden = self.hidden_cells.loc[(year, unit_id)]
        return cells.mask(hidden.reindex(cells.index, fill_value=False), HIDDEN_CELL)


def redact(study: Study) -> Study:
    """Return the study as it may be shared: no count of 1 to 7 persons, no amounts of money.

    What is hidden, what is published and why nothing comes out: ``docs/disclosure.md``.

    Parameters
    ----------
    study : Study
        With the exact tables; an edition that is redacted already is returned as it is.

    Returns
    -------
    RedactedStudy
        Every page, table and file can be made from it and it alone.

    Raises
    ------
    InputError
        If a yes/no condition of the plan pins a hidden count, so that nothing could be shared.
    """
    if isinstance(study, RedactedStudy):
        return study
    editor = _Editor(study)
    tables = editor.tables()
    dataset = Dataset(tables, study.dataset.files, study.dataset.description, _digest(tables))
    params = study.params.model_copy(update={"edition": "share"})
    table = editor.table()
    return RedactedStudy(
        params, study.plan, dataset, study.root,
        shown=table, hidden_cells=editor.hidden_cells(tables), totals=editor.totals,
        held={year: _share_duties(study, year, table) for year in study.dataset.years},
    )  # fmt: skip


def _share_duties(study: Study, year: int, table: pd.DataFrame) -> dict[str, tuple[Duty, ...]]:
    rows = table[(table["year"] == year) & table["scope"].isin(["unit", "district"])]
    withheld = rows["verdict"] == HIDDEN
    unjudged = ~rows["verdict"].isin(_JUDGED)
    withheld |= unjudged & rows["flags"].astype(str).str.split(";").map(lambda f: HIDDEN in f)
    hidden = set(zip(rows["indicator"][withheld], rows["scope_id"][withheld], strict=True))
    return {
        holder: tuple(
            replace(
                duty,
                state=HIDDEN if (duty.task.indicator, holder) in hidden else duty.state,
                count=None,
                note="",
                documents=tuple(Evidence("", None, "", "") for _ in duty.documents),
            )
            for duty in held
        )
        for holder, held in study.duties(year).items()
    }


def _digest(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return a hash of the tables as they are shared: that of the exact ones could be guessed at."""
    digest = hashlib.sha256()
    for name, frame in tables.items():
        digest.update(f"{name}:".encode() + frame.to_csv(index=False).encode())
    return digest.hexdigest()


class _Editor:
    """Decides year by year, then edits the tables and the indicator table."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.catalogue = {item.id: item for item in study.plan.catalogue()}
        self.kinds = {key: kind_of(item) for key, item in self.catalogue.items()}
        #: Cells that are shown: year, unit (or the district) and column.
        self.cells: set[tuple[int, str, str]] = set()
        #: What is shown of rows of the indicator table, by year and `Key`; see `Decision`.
        self.rows: dict[tuple[int | str, ...], str] = {}
        self.totals: dict[tuple[int, str], int] = {}
        sources = open_sources(study.dataset, study.plan)
        for survey in (Survey(sources, "units"), Survey(sources, "employers")):
            for year in study.dataset.years if survey.columns else ():
                self._take(year, survey.read(year))

    def _take(self, year: int, respondents: Respondents) -> None:
        """Remember what is published of a year."""
        decision, matrix = respondents.decide(), respondents.matrix
        self.rows |= {(year, *key): shown for key, shown in decision.rows.items()}
        if "unit" not in respondents.scopes:
            return
        self.totals |= {(year, name): total for name, total in decision.totals.items()}
        units = respondents.scopes["unit"]
        ids = [units.names[code] if code >= 0 else _DISTRICT for code in units.codes.tolist()]
        for row, column in zip(*np.nonzero(matrix.known & ~decision.hidden), strict=True):
            self.cells.add((year, ids[row], matrix.columns[column]))
        for key, item in self.catalogue.items():
            if item.over == "district" and self.kinds[key] == "persons":
                counts = [matrix.columns.index(n) for n in item.numerator if n in matrix.columns]
                if (matrix.known & ~decision.hidden)[-1, counts].all():
                    self.rows[year, key, "district", self.study.plan.issuer.id] = "figures"

    # The tables

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the canonical tables without what may not be shown."""
        return {name: self._edit(name, frame) for name, frame in self.study.dataset.tables.items()}

    def _edit(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Empty counts of persons, amounts, free texts, and all that evidence says."""
        table = dictionary().tables[name]
        return frame.assign(
            **{
                key: frame[key].where(self._may_show(name, frame, column))
                for key, column in table.columns.items()
                if key not in table.key
                and (
                    is_persons(column)
                    or column.type.name in ("money", "share")
                    or (column.type.name == "text" and not column.required)
                    or name == "evidence"
                )
            }
        )

    def _may_show(self, table: str, frame: pd.DataFrame, column: Column) -> np.ndarray:
        if not is_persons(column) or table not in ("roster", "returns", "district"):
            return np.zeros(len(frame), bool)
        ids = [_DISTRICT] * len(frame) if table == "district" else frame["unit_id"]
        keys = zip(frame["year"], ids, strict=True)
        return np.array([(int(y), key, column.name) in self.cells for y, key in keys], bool)

    def hidden_cells(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return which cells of units were reported and are not shown."""
        masks = []
        for name in ("roster", "returns"):
            exact, edited = self.study.dataset.tables[name], tables[name]
            mask = (exact.notna() & edited.isna()).drop(columns=_KEY)
            masks.append(mask.set_index(pd.MultiIndex.from_frame(exact[_KEY])))
        return masks[0].join(masks[1]).fillna(False).astype(bool).sort_index()

    # The indicator table

    def table(self) -> pd.DataFrame:
        """Return the indicator table without what may not be shown."""
        table = self.study.table.astype(dict.fromkeys(_WORDS, object))
        kinds = table["indicator"].astype(object).map(self.kinds).to_numpy()
        ratios = [key for key, item in self.catalogue.items() if item.measure == "ratio"]
        keys = zip(*(table[name] for name in _ROW), strict=True)
        shown = np.array([self.rows.get(key, "") for key in keys], object)
        counts_persons, reported = kinds == "persons", (table["reported"] > 0).to_numpy()
        is_partial = counts_persons & table["indicator"].isin(ratios).to_numpy()
        is_partial &= (table["missing"] > 0).to_numpy()
        few = table["numerator"].between(1, LARGEST_HIDDEN).fillna(False).to_numpy(bool)
        hidden = counts_persons & reported & ((shown != "figures") | few)
        # Where nobody reported all, the ends tell the few figures that are known. Which figures those
        # are decides, not what they say: else an open row would tell which of two counts is smaller.
        hidden |= is_partial & ~reported & (shown == "known")
        blurred = is_partial & reported & ~hidden
        table.loc[hidden, list(_FIGURES)] = None
        table.loc[hidden, ["trajectory", "flags"]] = ""
        withheld = hidden & (shown != "verdict") & table["verdict"].isin(_JUDGED).to_numpy()
        table.loc[withheld, "verdict"] = HIDDEN
        table.loc[blurred, list(_BOUNDS)] = None
        # Of whom nothing is known, how much is unknown is a figure of another year or another column.
        table.loc[is_partial, list(OPEN_COLUMNS)] = None
        # An earlier year's figure stands in for a missing one where it is the smaller of the two.
        _mark(table, is_partial, without="carried")
        # The path of persons of whom a year is hidden compares the years.
        stages = [k for k, i in self.catalogue.items() if i.is_stage and self.kinds[k] == "persons"]
        paths = [table[name].astype(object) for name in _ROW[1:]]
        is_pale = pd.Series(hidden | blurred, table.index).groupby(paths).transform("any")
        is_pale &= table["indicator"].isin(stages)
        table.loc[is_pale, "trajectory"] = ""
        _mark(table, is_pale, without="overdue")
        self._band(table, kinds == "money")
        _mark(table, hidden, HIDDEN)
        _mark(table, blurred, BOUNDS_HIDDEN)
        return table.astype(dict.fromkeys(_WORDS, "category"))

    def _band(self, table: pd.DataFrame, rows: np.ndarray) -> None:
        """Put bands in the place of amounts, and round rates."""
        indicators = table["indicator"].astype(object).map(self.catalogue)
        is_ratio = np.array([item.measure == "ratio" for item in indicators], bool)
        amounts = table[["numerator", "denominator"]].copy()
        reported = rows & amounts["numerator"].notna().to_numpy()
        # The denominator of a mean counts units.
        for name, band, banded in zip(
            amounts, BAND_COLUMNS, (reported, reported & is_ratio), strict=True
        ):
            table[band] = ""
            table.loc[banded, band] = [find_band(int(v)) for v in amounts.loc[banded, name]]
            table[name] = amounts[name].mask(banded)
        for name in ("slack", *OPEN_COLUMNS):
            table[name] = table[name].mask(rows)
        for name in ("value", "lower", "upper", "breakeven"):
            table[name] = table[name].mask(rows & ~is_ratio)
            for place in table.index[rows & is_ratio & table[name].notna().to_numpy()]:
                rate = Fraction(float(table.at[place, name])).limit_denominator(10**9)
                if name == "value":
                    rate = Fraction(*map(int, amounts.loc[place]))
                target = indicators[place].target_in(int(table.at[place, "year"]))
                bar = None if name == "breakeven" else target
                table.at[place, name] = float(round_rate(rate, bar))
        _mark(table, reported, BANDED)


def _mark(table: pd.DataFrame, rows: Any, flag: str = "", *, without: str = "") -> None:
    """Put a flag to the others of some rows, or take one away."""
    table.loc[rows, "flags"] = [
        ";".join(sorted({*text.split(";"), flag} - {"", without}))
        for text in table.loc[rows, "flags"]
    ]
