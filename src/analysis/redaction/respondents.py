"""From a dataset and a plan to the matrix of each source and year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

import numpy as np

from analysis.plan import Condition, Indicator
from analysis.plan.schema import Source, columns_over
from analysis.redaction.matrix import Amount, Constraint, Matrix
from analysis.redaction.sensitive import SIZES, is_persons, kind_of
from analysis.redaction.suppression import Asked, Respondents, reaches
from analysis.results.members import BoolArray, Figures, IntArray, Members, Scope
from analysis.results.rollups import Sources, Year
from analysis.results.states import States, find_states, join
from analysis.tables.dictionary import Column


class Survey:
    """All units, with the district behind them, or all employers: what is asked of them each year."""

    def __init__(self, sources: Sources, over: Literal["units", "employers"]) -> None:
        self.sources = sources
        self.overs: Sequence[Source] = ("units", "district") if over == "units" else (over,)
        self.described = {n: c for o in reversed(self.overs) for n, c in columns_over(o).items()}
        about = [i for i in sources.plan.catalogue() if i.over in self.overs]
        self.asked = [i for i in about if i.over == over and kind_of(i) == "persons"]
        self.conditions = [c for i in about for c in (*i.holds, *i.applies_if)]
        self.of_district = _figures_of(i for i in about if i.over == "district")
        # Employers have no pages of their own: nothing of a single one is shown.
        self.alone = set(SIZES) if over == "units" else set()
        # What no indicator asks for is in no file, and free to be anything.
        tested = {name for condition in self.conditions for name in condition.columns}
        tested |= {name for tried in tested for pair in self._bounds(tried) for name in pair}
        used = tested | _figures_of(about) | self.alone
        self.columns = [n for n, c in self.described.items() if is_persons(c) and n in used]

    def read(self, year: int) -> Respondents:
        """Return the respondents of one year: everybody expected, and at last the district."""
        now = Year(self.sources, year)
        places = _Rows([now.everyone(over) for over in self.overs])
        counts = [places.find(name) for name in self.columns]
        x, known = (np.stack(arrays, axis=1) for arrays in zip(*counts, strict=True))
        asked = [self._ask(indicator, now, places) for indicator in self.asked]
        figures = [(list(a.columns), a.states.reported & places.is_member) for a in asked]
        own = [(self.alone, places.is_member), (self.of_district, ~places.is_member)]
        figures += [([self.columns.index(n)], rows) for names, rows in own
                    for n in sorted(names.intersection(self.columns))]  # fmt: skip
        facts = [self._hold_fact(condition, places, x) for condition in self.conditions]
        matrix = Matrix(
            self.columns, x, known,
            figures if self.alone else [],
            self._find_limits(places, x, known),
            self._find_left_out(asked),
            [fact for fact in facts if fact is not None],
        )  # fmt: skip
        totals = {n: known[:, self.columns.index(n)] & places.is_member for n in sorted(self.alone)}
        return Respondents(matrix, asked, places.scopes(self.sources.plan.issuer.id), totals)

    def _ask(self, indicator: Indicator, now: Year, places: _Rows) -> Asked:
        terms = now.terms(indicator, "district")
        parts = {n for n, c in self.described.items() if c.at_most in indicator.numerator}
        part_known = [places.find(name)[1] for name in {*indicator.numerator, *parts}]
        return Asked(
            indicator,
            places.find_states(indicator, now),
            terms.target if terms.is_due else None,
            np.asarray(np.any(part_known, axis=0), bool),
            tuple(self.columns.index(name) for name in indicator.numerator),
            tuple(self.columns.index(name) for name in indicator.denominator),
        )

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

    def _find_left_out(self, asked: Sequence[Asked]) -> list[Amount]:
        """Return what wholes are more than their parts, where both are shown."""
        found = [Amount(one.whole, one.part) for one in asked if one.whole]
        shown = self.alone | self.of_district | _figures_of(self.asked)
        for place, name in enumerate(self.columns):
            whole = self.described[name].at_most
            if name in shown and whole in shown:
                found.append(Amount((self.columns.index(str(whole)),), (place,)))
        return list(dict.fromkeys(found))

    def _hold_fact(self, condition: Condition, places: _Rows, x: IntArray) -> Constraint | None:
        """Return the constraint that a fact resting on counts of persons stays what it is.

        Of one count that is not known, its known parts may settle the fact, or its known whole: then
        these must not move across the bar either.
        """
        bar = condition.at_least if condition.more_than is None else condition.more_than
        if not isinstance(bar, Fraction) or not set(condition.columns) & set(self.columns):
            return None
        bounds = [] if condition.over else self._bounds(condition.column)
        named = {*condition.columns, *(name for pair in bounds for name in pair)}
        figures = {name: places.find(name) for name in named}

        def read(name: str, x: IntArray, rows: IntArray) -> tuple[IntArray, BoolArray]:
            values, known = figures[name]
            own = x[:, self.columns.index(name)] if name in self.columns else values[rows]
            return own, known[rows]

        def fact(x: IntArray, rows: IntArray) -> IntArray:
            """Return 1 where the fact holds, 0 where it does not, -1 where neither is settled."""
            base, there = np.ones(len(x), np.int64), np.ones(len(x), bool)
            if condition.over is not None:
                base, there = read(condition.over, x, rows)
            own, known = read(condition.column, x, rows)
            is_strict = condition.more_than is not None
            answer = np.where(known & there, reaches(own, base, bar, is_strict), -1)
            for part, whole in bounds:
                is_part = whole == condition.column
                figure, there = read(part if is_part else whole, x, rows)
                settles = there & ~known & ~places.is_exempt(self.described[part])[rows]
                settles &= reaches(figure, base, bar, is_strict) == is_part
                answer = np.where(settles, np.maximum(answer, int(is_part)), answer)
            return np.asarray(answer, np.int64)

        now = fact(x, np.arange(len(x)))
        return lambda x, rows: fact(x, rows) == now[rows]

    def _bounds(self, column: str) -> list[tuple[str, str]]:
        """Return the pairs of part and whole of which a column is one, by the tables' rules."""
        pairs = [(n, c.at_most) for n, c in self.described.items() if c.at_most is not None]
        return [pair for pair in pairs if column in pair]


class _Rows:
    """A year's members who are expected, and behind them the district, if it is beside them."""

    def __init__(self, everyone: Sequence[Members]) -> None:
        members, *beside = everyone
        self.members = members.only(members.register.expected[members.rows])
        self.parts = [self.members, *beside]
        self.is_member = np.repeat([True, False], [len(self.members), sum(map(len, beside))])
        self.kinds = members.register.scopes["unit_type"]

    def is_exempt(self, part: Column) -> BoolArray:
        """Tell of whom the tables' rules do not demand that a part is within its whole."""
        exempt = np.zeros(len(self.is_member), bool)
        of_kind = np.isin(self.kinds.names, list(part.exempt))
        exempt[self.is_member] = of_kind[self.kinds.codes[self.members.rows]]
        return exempt

    def find(self, name: str) -> tuple[IntArray, BoolArray]:
        """Return a column's whole numbers and where they are known."""
        found = [
            part.figures(name)
            if any(name in table for table, _ in part.register.tables)
            else Figures(np.zeros(len(part), np.int64), np.zeros(len(part), bool))
            for part in self.parts
        ]
        values = np.concatenate([figures.values for figures in found]).astype(np.int64)
        return values, np.concatenate([figures.known for figures in found])

    def find_states(self, indicator: Indicator, now: Year) -> States:
        """Return what everybody is for an indicator; who is not asked is not applicable."""
        asked = now.asked(indicator)
        at, states = np.searchsorted(self.members.rows, asked.rows), find_states(indicator, asked)
        if indicator.with_district:
            district = self.parts[1].only(self.parts[1].register.expected[self.parts[1].rows])
            at = np.concatenate([at, np.full(len(district), len(self.members))])
            states = join(states, find_states(indicator, district))
        spread = {}
        for name, array in vars(states).items():
            spread[name] = np.full(len(self.is_member), name == "not_applicable", array.dtype)
            spread[name][at] = array
        return States(**spread)

    def scopes(self, issuer: str) -> dict[str, Scope]:
        """Return the groups of every roll-up; the district is in none but its own."""
        scopes = {"district": Scope(np.zeros(len(self.is_member), np.int64), [issuer])}
        for name, scope in self.members.register.scopes.items():
            codes = np.full(len(self.is_member), -1, np.int64)
            codes[self.is_member] = scope.codes[self.members.rows]
            scopes[name] = Scope(codes, [str(group) for group in scope.names])
        return scopes


def _figures_of(indicators: Iterable[Indicator]) -> set[str]:
    return {name for i in indicators for name in (*i.numerator, *i.denominator)}
