"""From a dataset and a plan to the matrix of each source and year."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from analysis.indicators.members import (
    BoolArray,
    IntArray,
    Members,
    Register,
    district_register,
    employer_register,
    unit_register,
)
from analysis.indicators.states import States, find_members, find_states
from analysis.plan import Condition, Indicator, Plan, Target
from analysis.plan.schema import Source, columns_over
from analysis.redaction.matrix import Constraint, Matrix
from analysis.redaction.sensitive import SIZES, is_persons, kind_of
from analysis.redaction.suppression import Asked, Respondents, reaches
from analysis.tables.dictionary import Column
from analysis.tables.load import Dataset

Pair = tuple[tuple[int, ...], tuple[int, ...]]


class Survey:
    """All units, with the district behind them, or all employers: what is asked of them each year."""

    def __init__(self, dataset: Dataset, plan: Plan, source: Source) -> None:
        known = {*dataset.years, *dataset.employers["year"], *dataset.district["year"]}
        self.years = pd.Index(sorted(int(year) for year in known), dtype="int64")
        self.plan = plan
        if source == "units":
            self.register = unit_register(dataset, plan, self.years)
            self.beside: Register | None = district_register(dataset, plan, self.years)
            sources: tuple[Source, ...] = ("units", "district")
        else:
            self.register = employer_register(dataset, self.years)
            self.beside = None
            sources = ("employers",)
        self.described = {n: c for s in reversed(sources) for n, c in columns_over(s).items()}
        catalogue = plan.catalogue()
        self.about = [i for i in catalogue if i.over in sources]
        self.asked = [i for i in catalogue if i.over == source and kind_of(i) == "persons"]
        # Employers have no pages of their own: nothing of a single one is shown.
        self.alone = set(SIZES) if source == "units" else set()
        # What no indicator asks for is in no file, and free to be anything.
        tested = {n for i in self.about for c in (*i.holds, *i.applies_if) for n in c.columns}
        tested |= {name for tried in tested for pair in self._bounds(tried) for name in pair}
        asked = {n for i in self.about for n in (*i.numerator, *i.denominator)}
        used = tested | asked | self.alone
        self.columns = [n for n, c in self.described.items() if is_persons(c) and n in used]
        own = [i for i in self.about if i.over == "district"]
        self.shown_beside = {n for i in own for n in (*i.numerator, *i.denominator)}

    def _find_states(self, indicator: Indicator, places: _Rows) -> States:
        """Return the states of a year's members, and of the district where it is one of them."""
        everyone = Members(self.register, places.rows)
        members = find_members(indicator, self.plan, everyone)
        parts = [(np.searchsorted(places.rows, members.rows), find_states(indicator, members))]
        if self.beside is not None and indicator.with_district:
            itself = Members(self.beside, np.array([places.code]))
            itself = itself.only(self.beside.expected[itself.rows])
            last = np.full(len(itself), len(places.rows))
            parts.append((last, find_states(indicator, itself)))
        return places.spread(parts)

    def read(self, year: int) -> Respondents:
        """Return the respondents of one year: everybody expected, and at last the district."""
        code = int(self.years.get_loc(year))
        rows = np.flatnonzero((self.register.year_codes == code) & self.register.expected)
        places = _Rows(self.register, rows, self.beside, code)
        counts = [places.find(name) for name in self.columns]
        x = np.stack([values for values, _ in counts], axis=1)
        known = np.stack([there for _, there in counts], axis=1)
        asked = [
            Asked(i, self._find_states(i, places), _bar(i, year), self._find_part_known(i, places))
            for i in self.asked
        ]
        alone = np.tile([name in self.alone for name in self.columns], (len(x), 1))
        if self.beside is not None:
            alone[-1] = [name in self.shown_beside for name in self.columns]
        figures = [
            (self._places_of(a.indicator), a.states.reported & places.is_member)
            for a in (asked if self.beside is not None else ())
        ]
        limits = self._find_limits(places, x, known)
        matrix = Matrix(self.columns, x, known, alone, figures, limits, self._find_pairs())
        matrix.constraints = [
            fact
            for indicator in self.about
            for condition in (*indicator.holds, *indicator.applies_if)
            if (fact := self._hold_fact(condition, places, matrix)) is not None
        ]
        totals = {}
        for name in SIZES if self.beside is not None else ():
            totals[name] = known[:, self.columns.index(name)] & places.is_member
        key = "unit_id" if self.beside is not None else "employer_id"
        ids = self.register.cells(key, rows).tolist()
        return Respondents(matrix, asked, *self._find_scopes(rows, places), ids, totals)

    def _find_part_known(self, indicator: Indicator, places: _Rows) -> BoolArray:
        """Tell of whom something is known by which the ends of a missing rate leave 0% and 100%.

        That is a numerator or a part of one: no other figure moves an end by itself.
        """
        parts = {n for n, c in self.described.items() if c.at_most in indicator.numerator}
        known = [places.find(name)[1] for name in {*indicator.numerator, *parts}]
        return np.asarray(np.any(known, axis=0), bool)

    def _places_of(self, indicator: Indicator) -> list[int]:
        return [self.columns.index(n) for n in (*indicator.numerator, *indicator.denominator)]

    def _find_limits(
        self, places: _Rows, x: IntArray, known: BoolArray
    ) -> list[tuple[int, int, BoolArray]]:
        """Return parts with their wholes, and the wholes of these."""
        found = []
        for part, name in enumerate(self.columns):
            exempt, above = np.zeros(len(x), bool), self.described[name]
            while above.at_most is not None:
                exempt = exempt | places.is_exempt(above)
                if above.at_most in self.columns:
                    whole = self.columns.index(above.at_most)
                    holds = known[:, part] & known[:, whole] & (x[:, part] <= x[:, whole])
                    found.append((part, whole, np.asarray(holds & ~exempt, bool)))
                above = self.described[above.at_most]
        return found

    def _find_pairs(self) -> list[Pair]:
        """Return parts and wholes whose difference is persons left out, where both are shown."""
        place = {name: i for i, name in enumerate(self.columns)}
        pairs: list[Pair] = [
            (tuple(place[n] for n in i.numerator), tuple(place[n] for n in i.denominator))
            for i in self.asked
            if i.measure == "ratio"
        ]
        shown = self.alone | self.shown_beside
        shown |= {n for i in self.asked for n in (*i.numerator, *i.denominator)}
        for name in self.columns:
            whole = self.described[name].at_most
            if name in shown and whole in shown:
                pairs.append(((place[name],), (place[str(whole)],)))
        return list(dict.fromkeys(pairs))

    def _hold_fact(self, condition: Condition, places: _Rows, matrix: Matrix) -> Constraint | None:
        """Return the constraint that a fact resting on counts of persons stays what it is.

        Of one count that is not known, its known parts may settle the fact, or its known whole: then
        these must not move across the bar either.
        """
        bar = condition.at_least if condition.more_than is None else condition.more_than
        if not isinstance(bar, Fraction) or not set(condition.columns) & set(self.columns):
            return None
        is_strict, everyone = condition.more_than is not None, np.arange(len(matrix.x))
        bounds = [] if condition.over else self._bounds(condition.column)
        named = {*condition.columns, *(name for pair in bounds for name in pair)}
        figures = {name: places.find(name) for name in named}

        def amount(name: str, x: IntArray, rows: IntArray) -> tuple[IntArray, BoolArray]:
            values, known = figures[name]
            own = x[:, self.columns.index(name)] if name in self.columns else values[rows]
            return own, known[rows]

        def fact(x: IntArray, rows: IntArray) -> IntArray:
            own, known = amount(condition.column, x, rows)
            base, is_settled = np.ones(len(x), np.int64), known
            if condition.over is not None:
                base, there = amount(condition.over, x, rows)
                is_settled = known & there
            holds = reaches(own, base, bar, is_strict) & is_settled
            for part, whole in bounds:
                is_part = whole == condition.column
                figure, there = amount(part if is_part else whole, x, rows)
                there = there & ~known & ~places.is_exempt(self.described[part])[rows]
                crosses = reaches(figure, base, bar, is_strict)
                is_settled = is_settled | (there & (crosses == is_part))
                holds = holds | (there & crosses & is_part)
            return np.where(is_settled, holds, -1).astype(np.int64)

        now = fact(matrix.x, everyone)
        return lambda x, rows: fact(x, rows) == now[rows]

    def _bounds(self, column: str) -> list[tuple[str, str]]:
        """Return the pairs of part and whole of which a column is one, by the tables' rules."""
        pairs = [(n, c.at_most) for n, c in self.described.items() if c.at_most is not None]
        return [pair for pair in pairs if column in pair]

    def _find_scopes(
        self, rows: IntArray, places: _Rows
    ) -> tuple[dict[str, IntArray], dict[str, Sequence[str]]]:
        scopes: dict[str, IntArray] = {"district": np.zeros(len(rows) + places.more, np.int64)}
        names: dict[str, Sequence[str]] = {"district": [self.plan.issuer.id]}
        nowhere = np.full(places.more, -1, np.int64)
        for scope, keys in self.register.scopes.items():
            if scope != "unit":
                scopes[scope] = np.concatenate([keys.codes[rows], nowhere])
                names[scope] = [str(name) for name in keys.names]
        return scopes, names


class _Rows:
    """Where a year's members stand in their tables, the district's year behind them."""

    def __init__(
        self, register: Register, rows: IntArray, beside: Register | None, code: int
    ) -> None:
        self.register, self.rows, self.beside, self.code = register, rows, beside, code
        self.more = 0 if beside is None else 1
        self.is_member = np.arange(len(rows) + self.more) < len(rows)
        kinds = register.scopes["unit_type"]
        self.types = np.array(
            [kinds.names[c] for c in kinds.codes[rows]] + [""] * self.more, object
        )

    def is_exempt(self, part: Column) -> BoolArray:
        """Tell of whom the tables' rules do not demand that a part is within its whole."""
        return np.isin(self.types, list(part.exempt))

    def find(self, name: str) -> tuple[IntArray, BoolArray]:
        """Return a column's whole numbers and where they are known."""
        size = len(self.rows) + self.more
        values, known = np.zeros(size, np.int64), np.zeros(size, bool)
        sources = [(self.register, self.rows, slice(0, len(self.rows)))]
        if self.beside is not None:
            last = np.array([self.code], np.int64)
            sources.append((self.beside, last, slice(len(self.rows), None)))
        for register, rows, part in sources:
            if any(name in table for table, _ in register.tables):
                figures = register.figures(name).take(rows)
                values[part], known[part] = figures.values, figures.known
        return values, known

    def spread(self, parts: Sequence[tuple[IntArray, States]]) -> States:
        """Return states of members at their places; who is none of them is not applicable."""
        size = len(self.rows) + self.more
        whole = {}
        for name, array in vars(parts[0][1]).items():
            whole[name] = np.full(size, name == "not_applicable", array.dtype)
            for places, states in parts:
                whole[name][places] = getattr(states, name)
        return States(**whole)


def _bar(indicator: Indicator, year: int) -> Target | None:
    """Return the target that a year is judged by."""
    target = indicator.target_in(year)
    ahead = target is not None and target.by_end_of is not None and year < target.by_end_of
    return None if ahead else target
