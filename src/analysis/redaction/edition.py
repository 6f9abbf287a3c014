"""The edition to share: a study that holds no few persons and no amounts, made before any page."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from analysis.exact import round_half_up
from analysis.plan import Target
from analysis.plan.schema import columns_over
from analysis.redaction.published import LARGEST_HIDDEN, Respondents, is_persons, kind_of
from analysis.redaction.suppression import decide
from analysis.results import OPEN_COLUMNS, SCOPES
from analysis.results.rollups import open_sources
from analysis.study import Study
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset, Given, is_sent
from analysis.tasks import Duty, Evidence

#: Where bands begin, in millions of đồng.
BANDS = (0, 1, 5, 20, 100, 500, 2_000, 10_000, 50_000, 200_000)


def find_band(amount: int) -> str:
    """Return the band of an amount in millions of đồng: from the first number, below the second.

    Examples
    --------
    >>> find_band(4_999_999), find_band(5_000_000), find_band(10**12)
    ('1-5', '5-20', '200000-')
    """
    place = bisect_right(BANDS, Fraction(amount, 1_000_000))
    return f"{BANDS[place - 1]}-{BANDS[place] if place < len(BANDS) else ''}"


def round_rate(rate: Fraction, target: Target | None = None) -> Fraction:
    """Round a rate to whole percents, never across a target.

    An exact rate gives its amounts away (the reduced fraction of 37.866.000/39.798.000 is found
    again from its decimals), a rounded one does not.

    Examples
    --------
    >>> round_rate(Fraction(8996, 10000)), round_rate(Fraction(8996, 10000), Target(at_least="90%"))
    (Fraction(9, 10), Fraction(89, 100))
    """
    rounded = round_half_up(rate, 2)
    if target is None:
        return rounded
    bar = target.minimum
    was_met, is_met = (r > bar if target.is_strict else r >= bar for r in (rate, rounded))
    return rounded + Fraction(was_met - is_met, 100)


#: The flag of a row whose figures are withheld (``numerator``, ``denominator``, ``value``, ``slack``
#: and the bounds are empty although it has been reported), and the verdict where that is withheld too.
HIDDEN: Final = "hidden"
#: The flag of a row that shows its figures and withholds its bounds and its break-even rate.
BOUNDS_HIDDEN: Final = "bounds_hidden"
#: The flag of a row of money: bands instead of amounts, rates in whole percents.
BANDED: Final = "banded"

_JUDGED = ("met", "not_met", "undetermined")
_BOUNDS = ("lower", "upper", "breakeven", *OPEN_COLUMNS)
_FIGURES = ("numerator", "denominator", "value", "slack", *_BOUNDS)
_WORDS = ("verdict", "trajectory", "flags", "target")
_ROW = ["year", "indicator", "scope", "scope_id"]
#: The district among the ids of units.
_DISTRICT: Final = ""


class HiddenCell:
    """What `RedactedStudy.cells` has where a figure was reported and is not shown.

    It is not missing (``pandas.isna`` says no), and neither a number nor a text.
    """

    def __repr__(self) -> str:
        return "HIDDEN_CELL"


HIDDEN_CELL: Final = HiddenCell()


@dataclass(frozen=True, eq=False, repr=False)
class RedactedStudy(Study):
    """A study for sharing; made by `redact`."""

    #: The redacted indicator table. It is not computed from the redacted tables: sums are of
    #: everybody, hidden or not.
    shown: pd.DataFrame
    #: By year and unit_id, which columns of roster and returns were reported, shown or not.
    reported: pd.DataFrame
    #: What the roster's counts add up to, by year and column, where that exposes nobody.
    totals: Mapping[tuple[int, str], int | None]
    #: The duties of each year by holder: states alone, nothing that was written.
    held: Mapping[int, Mapping[str, tuple[Duty, ...]]]

    def duties(self, year: int) -> Mapping[str, tuple[Duty, ...]]:
        """Return what every holder has to do in a year, as far as it may be shown."""
        return self.held.get(year, {})

    @cached_property
    def table(self) -> pd.DataFrame:
        """The redacted indicator table of all years and scopes."""
        return Given(self.shown)

    @cached_property
    def register(self) -> pd.DataFrame:
        """The roster; a return that this edition withholds was sent all the same."""
        # A unit's counts that are not shown stand empty in the tables here.
        return super().register.assign(has_return=is_sent(self.reported.where(self.reported)))

    @cached_property
    def hidden_cells(self) -> pd.DataFrame:
        """Which figures were reported and are not shown; any other empty cell was not reported."""
        return self.reported & self._cells.isna()

    def hidden_columns(self, unit_id: str, year: int) -> tuple[str, ...]:
        """Return the columns that a unit reported and this edition withholds."""
        hidden = self.hidden_cells.reindex([(year, unit_id)], fill_value=False).iloc[0]
        return tuple(hidden.index[hidden])

    def compute(self, years: Iterable[int], scopes: Iterable[str] = SCOPES) -> pd.DataFrame:
        """Return the redacted table of some years and scopes alone."""
        _ = self.table  # never computed from the redacted tables
        return super().compute(years, scopes)

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
        cells, hidden = super().cells(unit_id, year), self.hidden_cells.loc[(year, unit_id)]
        return cells.astype(object).mask(hidden, HIDDEN_CELL)


def redact(study: Study) -> Study:
    """Return the study as it may be shared: no count of 1 to 7 persons, no amounts of money.

    What is hidden, what is published and why nothing comes out: ``docs/disclosure.md``. Every page,
    table and file of this edition is made from what is returned and from it alone; an edition that is
    redacted already is returned as it is.

    Raises
    ------
    InputError
        If a yes/no condition of the plan pins a hidden count, so that nothing could be shared.
    """
    if isinstance(study, RedactedStudy):
        return study
    rows: dict[tuple[int, str, str, str], str] = {}
    cells: set[tuple[int, str | None, str]] = set()
    sources = open_sources(study.dataset, study.plan)
    for year in study.dataset.years:
        for respondents in (Respondents(sources, over, year) for over in ("units", "employers")):
            decided, release = decide(respondents)
            rows |= {(year, *key): shown for key, shown in decided.items()}
            shown = release.matrix.known & ~release.matrix.hidden
            for row, column in zip(*np.nonzero(shown), strict=True):
                cells.add((year, respondents.scopes["unit"][row], respondents.columns[column]))
    for item in study.plan.catalogue():
        counts = {n for n in item.numerator if is_persons(columns_over(item.over)[n])}
        for year in study.dataset.years if item.over == "district" else ():
            if all((year, _DISTRICT, name) in cells for name in counts):
                rows[year, item.id, "district", study.plan.issuer.id] = "figures"
    tables = {name: _edit(name, frame, cells) for name, frame in study.dataset.tables.items()}
    dataset = Dataset(tables, study.dataset.files, study.dataset.description, _digest(tables))
    table = _edit_rows(study, rows)
    totals = {(y, name): study.roster_total(y, name) for y, name, _, place in rows if not place}
    return RedactedStudy(
        study.params.model_copy(update={"edition": "share"}), study.plan, dataset, study.root,
        shown=table, reported=study._cells.notna(), totals=totals,
        held={year: _share_duties(study, year, table) for year in study.dataset.years},
    )  # fmt: skip


def _share_duties(study: Study, year: int, table: pd.DataFrame) -> dict[str, tuple[Duty, ...]]:
    rows = table[(table["year"] == year) & table["scope"].isin(["unit", "district"])]
    is_hidden = rows["flags"].astype(str).str.split(";").map(lambda flags: HIDDEN in flags)
    withheld = rows[is_hidden & ~rows["verdict"].isin(_JUDGED)]
    hidden = set(zip(withheld["indicator"], withheld["scope_id"], strict=True))
    nothing = Evidence("", None, "", "")

    def share(duty: Duty, holder: str) -> Duty:
        state = HIDDEN if (duty.task.indicator, holder) in hidden else duty.state
        bare = (nothing,) * len(duty.documents)
        return replace(duty, state=state, count=None, note="", documents=bare)

    return {
        holder: tuple(share(duty, holder) for duty in held)
        for holder, held in study.duties(year).items()
    }


def _digest(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return a hash of the tables as they are shared: that of the exact ones could be guessed at."""
    text = "".join(f"{name}:{frame.to_csv(index=False)}" for name, frame in tables.items())
    return hashlib.sha256(text.encode()).hexdigest()


def _edit(
    name: str, frame: pd.DataFrame, cells: Container[tuple[int, str | None, str]]
) -> pd.DataFrame:
    """Empty counts of persons, amounts, free texts, and all that evidence says, but some cells."""
    table, edited = dictionary().tables[name], {}
    whose = frame["unit_id"] if name in ("roster", "returns") else [None] * len(frame)
    whose = [_DISTRICT] * len(frame) if name == "district" else whose
    places = list(zip(frame.get("year", frame.index), whose, strict=True))
    for key, column in table.columns.items():
        is_free = column.type.name == "text" and not column.required
        is_sensitive = is_persons(column) or column.type.name in ("money", "share")
        if key not in table.key and (is_sensitive or is_free or name == "evidence"):
            shown = np.array([(*place, key) in cells for place in places], bool)
            edited[key] = frame[key].where(shown)
    return frame.assign(**edited)


def _edit_rows(study: Study, rows: Mapping[tuple[int, str, str, str], str]) -> pd.DataFrame:
    """Return the indicator table without what may not be shown."""
    table = study.table.astype(dict.fromkeys(_WORDS, object))
    ids, catalogue = table["indicator"].astype(object), study.plan.catalogue()
    items, kinds = (ids.map({i.id: f(i) for i in catalogue}) for f in (lambda item: item, kind_of))
    counts_persons, is_ratio = kinds == "persons", items.map(lambda item: item.measure == "ratio")
    places = zip(*(table[name] for name in _ROW), strict=True)
    shown = pd.Series([rows.get(place, "") for place in places], table.index, object)
    reported, is_partial = table["reported"] > 0, counts_persons & is_ratio & (table["missing"] > 0)
    few = table["numerator"].between(1, LARGEST_HIDDEN).fillna(False).astype(bool)
    hidden = counts_persons & reported & ((shown != "figures") | few)
    # Where nobody reported all, the ends tell the few figures that are known. Which figures those
    # are decides, not what they say: else an open row would tell which of two counts is smaller.
    hidden |= is_partial & ~reported & (shown == "known")
    blurred = is_partial & reported & ~hidden
    table.loc[hidden, list(_FIGURES)] = None
    table.loc[hidden, ["trajectory", "flags"]] = ""
    table.loc[hidden & (shown != "verdict") & table["verdict"].isin(_JUDGED), "verdict"] = HIDDEN
    table.loc[blurred, list(_BOUNDS)] = None
    # Of whom nothing is known, how much is unknown is a figure of another year or another column.
    table.loc[is_partial, list(OPEN_COLUMNS)] = None
    # An earlier year's figure stands in for a missing one where it is the smaller of the two.
    _mark(table, is_partial, without="carried")
    # The path of persons of whom a year is hidden compares the years.
    paths = [table[name].astype(object) for name in _ROW[1:]]
    is_pale = (hidden | blurred).groupby(paths).transform("any")
    is_pale &= counts_persons & items.map(lambda item: item.is_stage)
    table.loc[is_pale, "trajectory"] = ""
    _mark(table, is_pale, without="overdue")
    _band(table, kinds == "money", is_ratio, items)
    _mark(table, hidden, HIDDEN)
    _mark(table, blurred, BOUNDS_HIDDEN)
    return table.astype(dict.fromkeys(_WORDS, "category"))


def _band(table: pd.DataFrame, rows: pd.Series, is_ratio: pd.Series, items: pd.Series) -> None:
    """Put bands in the place of amounts of money, and round rates."""
    amounts = table[["numerator", "denominator"]].copy()
    reported = rows & amounts["numerator"].notna()
    # The denominator of a mean counts units.
    for name, banded in (("numerator", reported), ("denominator", reported & is_ratio)):
        table[f"{name}_band"] = ""
        table.loc[banded, f"{name}_band"] = [find_band(int(v)) for v in amounts.loc[banded, name]]
        table[name] = amounts[name].mask(banded)
    for name in ("slack", *OPEN_COLUMNS):
        table[name] = table[name].mask(rows)
    for name in ("value", "lower", "upper", "breakeven"):
        table[name] = table[name].mask(rows & ~is_ratio)
        here = rows & table[name].notna()
        own = zip(items[here], table.loc[here, "year"], strict=True)
        bars = [None if name == "breakeven" else item.target_in(int(year)) for item, year in own]
        if name == "value":
            pairs = zip(*(amounts.loc[here, each] for each in amounts), strict=True)
            rates = [Fraction(int(part), int(whole)) for part, whole in pairs]
        else:
            rates = [Fraction(float(r)).limit_denominator(10**9) for r in table.loc[here, name]]
        rounded = [float(round_rate(*each)) for each in zip(rates, bars, strict=True)]
        table.loc[here, name] = rounded
    _mark(table, reported, BANDED)


def _mark(table: pd.DataFrame, rows: pd.Series, flag: str = "", *, without: str = "") -> None:
    """Put a flag to the others of some rows, or take one away."""
    table.loc[rows, "flags"] = [
        ";".join(sorted({*text.split(";"), flag} - {"", without}))
        for text in table.loc[rows, "flags"]
    ]
