"""What is sensitive, and what is published: the counts of a year as a matrix, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from analysis.plan import Indicator, Target
from analysis.plan.schema import Source, columns_over
from analysis.results.members import BoolArray, Figures, IntArray, Members, Register, Scope
from analysis.results.rollups import Sources, Year
from analysis.results.states import States, evaluate, find_states, join
from analysis.tables.dictionary import Column

#: A unit's count from 1 to this is hidden.
LARGEST_HIDDEN = 7
#: By how many persons a hidden count is changed at most to find values that fit.
MOST_PERSONS = 3
#: Counts that are not of persons. Every other column of type ``count`` is taken to be.
NOT_PERSONS = frozenset({"inspections", "law_classes", "rewards_collectives"})
#: What the register says of a unit's size; shown on its page whatever the plan asks.
SIZES = ("workers_total", "members_total")
#: A row of the indicator table in one year: indicator, scope and scope_id.
Key = tuple[str, str, str]
#: Takes changed counts and the numbers of the rows that they stand in; tells in which of them whatever
#: is published beside the figures (facts, a verdict) stays what it is.
Constraint = Callable[[IntArray, IntArray], BoolArray]


def is_persons(column: Column) -> bool:
    """Tell whether a column counts persons."""
    return column.type.name == "count" and column.name not in NOT_PERSONS


def kind_of(indicator: Indicator) -> Literal["open", "persons", "money"]:
    """Return what an indicator's numerator and denominator count.

    ``open`` figures (units, employers, facts, grades, meetings) are of nobody in particular.
    A plan that mixes money with anything else is refused before.

    Examples
    --------
    >>> from analysis import load
    >>> plan = load(2024).plan
    >>> [kind_of(plan.indicator(i)) for i in ("culture_units", "culture_members", "dues_collected")]
    ['open', 'persons', 'money']
    """
    columns = columns_over(indicator.over)
    named = [columns[name] for name in (*indicator.numerator, *indicator.denominator)]
    if any(column.type.name == "money" for column in named):
        return "money"
    return "persons" if any(map(is_persons, named)) else "open"


def is_few(counts: IntArray) -> BoolArray:
    """Tell which counts are of so few persons that they are sensitive."""
    return np.asarray((counts >= 1) & (counts <= LARGEST_HIDDEN), bool)


class Amount(NamedTuple):
    """A count of persons: some columns of a matrix, less some others (the persons left out)."""

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()

    def of(self, x: IntArray) -> IntArray:
        """Return the amount in every row of counts."""
        plus, minus = x[:, list(self.plus)], x[:, list(self.minus)]
        return np.asarray(plus.sum(axis=1) - minus.sum(axis=1), np.int64)

    def is_few(self, x: IntArray, known: BoolArray) -> BoolArray:
        """Tell in which rows the amount is known, and of few persons."""
        is_known = known[:, [*self.plus, *self.minus]].all(axis=1)
        return np.asarray(is_known & is_few(self.of(x)), bool)

    def is_of_few(self, x: IntArray) -> bool:
        """Tell whether rows together count few; a "part" above its whole leaves nobody out."""
        values = self.of(x)
        return bool(is_few(values.sum()) and (values >= 0).all())


class PublishedSum(NamedTuple):
    """Sums over the same rows that are published together or not at all: one row of a table."""

    key: Key
    columns: frozenset[int]
    members: BoolArray


@dataclass(frozen=True)
class Matrix:
    """Counts of persons of one year: n rows, one for each respondent, and m columns."""

    columns: Sequence[str]
    #: Persons, (n, m); 0 where not ``known``, (n, m), that is not reported.
    x: IntArray
    known: BoolArray
    #: Columns that are published together or not at all, and of which rows, (n,). A cell that is in
    #: none is on no page and in no file.
    figures: Sequence[tuple[Sequence[int], BoolArray]]
    #: A part, its whole, and the rows, (n,), in which the tables' rules demand part <= whole.
    limits: Sequence[tuple[int, int, BoolArray]]
    #: Wholes less their parts.
    left_out: Sequence[Amount]
    #: Facts that rest on counts and are published of every row.
    facts: Constraint
    #: Cells that are hidden to protect others, (n, m).
    secondary: BoolArray

    def find_hidden(self, x: IntArray, rows: IntArray) -> BoolArray:
        """Tell which known cells of some rows are not published where the rows hold ``x``.

        Hidden for its own sake is a count of 1 to 7; and a part beside which 1 to 7 persons were left
        out, unless its whole is such a count itself. A row of figures is published whole or not.
        """
        few = self.known[rows] & is_few(x)
        closed, shown = few | self.secondary[rows], np.zeros(x.shape, bool)
        for amount in self.left_out:
            alone = amount.is_few(x, self.known[rows]) & ~few[:, list(amount.plus)].any(axis=1)
            closed[:, list(amount.minus)] |= alone[:, None]
        for columns, members in self.figures:
            shown[:, columns] |= (members[rows] & ~closed[:, columns].any(axis=1))[:, None]
        return np.asarray(self.known[rows] & ~shown, bool)

    @cached_property
    def hidden(self) -> BoolArray:
        """Which known cells are not published."""
        return self.find_hidden(self.x, np.arange(len(self.x)))

    def hide(self, cells: BoolArray) -> Matrix:
        """Return the matrix with further cells hidden, whatever they hold."""
        return replace(self, secondary=self.secondary | cells)


@dataclass(frozen=True)
class Asked:
    """An indicator that counts persons."""

    indicator: Indicator
    #: What each row of the matrix is for it.
    states: States
    #: Its bar, if the year is judged.
    target: Target | None
    #: Of whom something above the line is known, whether or not the rest is.
    part_known: BoolArray
    #: The matrix's columns of its numerator and of its denominator.
    part: tuple[int, ...]
    whole: tuple[int, ...]

    @property
    def columns(self) -> tuple[int, ...]:
        """The matrix's columns of both."""
        return self.part + self.whole

    def amounts(self) -> list[Amount]:
        """Return what a sum of it counts: a part, its whole, and who is left out."""
        beside = [Amount(self.whole), Amount(self.whole, self.part)] if self.whole else []
        return [Amount(self.part), *beside]

    def hold_verdict(self, x: IntArray, shown: BoolArray) -> Constraint:
        """Return the constraint that the verdicts published of some rows stay what they are."""
        target, held = self.target, shown & self.states.reported
        if target is None:
            return lambda x, rows: rows >= 0
        bar, is_strict = target.minimum, target.is_strict

        def meets(x: IntArray) -> BoolArray:
            """Compare N/D with p/q as N·q with p·D."""
            whole = Amount(self.whole).of(x) if self.whole else np.ones(len(x), np.int64)
            slack = Amount(self.part).of(x) * bar.denominator - whole * bar.numerator
            return slack > 0 if is_strict else slack >= 0

        now = meets(x)
        return lambda x, rows: ~held[rows] | (meets(x) == now[rows])


class Respondents:
    """All units expected in one year, with the district as the last row, or all employers.

    Their counts are the ``matrix``, what the plan ``asked`` of them; ``scopes`` has the group of each
    row, (n,), in every roll-up, empty for none.
    """

    def __init__(self, sources: Sources, over: Literal["units", "employers"], year: int) -> None:
        overs: list[Source] = ["units", "district"] if over == "units" else ["employers"]
        described = {n: c for name in overs[::-1] for n, c in columns_over(name).items()}
        self._described = {n: c for n, c in described.items() if c.type.name in ("count", "money")}
        about = [i for i in sources.plan.catalogue() if i.over in overs]
        self._conditions = [c for i in about for c in (*i.holds, *i.applies_if)]
        tested = {name for condition in self._conditions for name in condition.columns}
        # A part or a whole settles a threshold whose own count is not known.
        pairs = [{n, c.at_most} for n, c in self._described.items() if c.at_most]
        self._tested = tested.union(*(pair for pair in pairs if pair & tested))
        # Employers have no pages of their own: nothing of a single one is shown.
        sizes = set(SIZES) if over == "units" else set()
        # What no indicator asks for is in no file, and free to be anything.
        used = self._tested | _figures_of(about) | sizes
        self.columns = [n for n, c in self._described.items() if is_persons(c) and n in used]

        self._now = Year(sources, year)
        members, *beside = map(self._now.everyone, overs)
        self._parts = [members.only(members.register.expected[members.rows]), *beside]
        self._counts = pd.concat(map(self._read, self._parts), ignore_index=True)
        self._is_member = self._counts.index < len(self._parts[0])
        self.scopes = {"district": np.full(len(self._counts), sources.plan.issuer.id, object)}
        for name, scope in members.register.scopes.items():
            self.scopes[name] = np.full(len(self._counts), "", object)
            own = np.array(scope.names, object)[scope.codes[self._parts[0].rows]]
            self.scopes[name][self._is_member] = own

        persons = [i for i in about if i.over == over and kind_of(i) == "persons"]
        self.asked = [self._ask(indicator) for indicator in persons]
        of_district = _figures_of(i for i in about if i.over == "district")
        figures = _figures_of(persons) | sizes | of_district
        shown = [(one.columns, one.states.reported & self._is_member) for one in self.asked]
        for names, rows in ((sizes, self._is_member), (of_district, ~self._is_member)):
            shown += [((self.columns.index(n),), rows) for n in names & {*self.columns}]
        counts = self._counts[self.columns]
        x, known = counts.fillna(0).to_numpy(np.int64), counts.notna().to_numpy(bool)
        left_out = [Amount(one.whole, one.part) for one in self.asked if one.whole]
        places = {n: i for i, n in enumerate(self.columns) if n in figures}
        parts = [(i, places.get(str(self._described[n].at_most))) for n, i in places.items()]
        left_out += [Amount((whole,), (part,)) for part, whole in parts if whole is not None]
        self.matrix = Matrix(
            self.columns, x, known, shown if sizes else [], self._find_limits(x, known),
            list(dict.fromkeys(left_out)), self._hold_facts(x), np.zeros(x.shape, bool),
        )  # fmt: skip

    def _read(self, part: Members) -> pd.DataFrame:
        """Return the counts of units, of the district or of employers; empty where there are none."""
        names = [name for name in self._described if name in part.register.columns]
        cells = pd.DataFrame({name: part.cells(name) for name in names}, range(len(part)))
        return cells.reindex(columns=list(self._described)).astype("Int64")

    def _ask(self, indicator: Indicator) -> Asked:
        asked, above = self._now.asked(indicator), [*indicator.numerator]
        at, states = np.searchsorted(self._parts[0].rows, asked.rows), find_states(indicator, asked)
        if indicator.with_district:
            district = self._parts[1].only(self._parts[1].register.expected[self._parts[1].rows])
            at = np.append(at, np.flatnonzero(~self._is_member)[: len(district)])
            states = join(states, find_states(indicator, district))
        spread = {}
        for name, array in vars(states).items():  # who is not asked is not applicable
            spread[name] = np.full(len(self._counts), name == "not_applicable", array.dtype)
            spread[name][at] = array
        terms = self._now.terms(indicator)
        above += [n for n, c in self._described.items() if c.at_most in above]
        return Asked(
            indicator, States(**spread), terms.target if terms.is_due else None,
            self._counts[above].notna().any(axis=1).to_numpy(bool),
            tuple(map(self.columns.index, indicator.numerator)),
            tuple(map(self.columns.index, indicator.denominator)),
        )  # fmt: skip

    def _find_limits(self, x: IntArray, known: BoolArray) -> list[tuple[int, int, BoolArray]]:
        """Return parts with their wholes, and the wholes of these."""
        found = []
        for part, name in enumerate(self.columns):
            exempt, above = np.zeros(len(x), bool), self._described[name]
            while above.at_most is not None:
                exempt = exempt | np.isin(self.scopes["unit_type"], above.exempt)
                if above.at_most in self.columns:
                    whole = self.columns.index(above.at_most)
                    holds = known[:, part] & known[:, whole] & (x[:, part] <= x[:, whole])
                    found.append((part, whole, holds & ~exempt))
                above = self._described[above.at_most]
        return found

    def _hold_facts(self, x: IntArray) -> Constraint:
        """Return the constraint that facts resting on counts of persons stay what they are."""
        names, codes = np.unique(self.scopes["unit_type"].astype(str), return_inverse=True)
        tested = {n: c for n, c in self._described.items() if n in self._tested}
        columns = {n: self._counts[n] for n in tested}
        figures = {
            n: Figures(c.to_numpy(np.int64, na_value=0), c.notna().to_numpy(bool))
            for n, c in columns.items()
        }
        bars = [(c, c.at_least if c.more_than is None else c.more_than) for c in self._conditions]
        thresholds = [
            c for c, bar in bars if isinstance(bar, Fraction) and {*c.columns} & {*self.columns}
        ]

        def find(x: IntArray, rows: IntArray) -> IntArray:
            """Ask the engine: 1 where a fact holds, -1 where it does not, 0 where nobody knows."""
            told = {name: figures[name].take(rows) for name in tested}
            for name in told.keys() & {*self.columns}:
                told[name] = Figures(x[:, self.columns.index(name)], told[name].known)
            kinds, everyone = {"unit_type": Scope(codes[rows], list(names))}, np.arange(len(rows))
            register = Register([], rows, rows, everyone >= 0, tested, kinds, told)
            facts = [evaluate(one, Members(register, everyone)) for one in thresholds]
            signs = [one.is_true.astype(np.int64) - one.is_false for one in facts]
            return np.array(signs, np.int64).reshape(len(signs), len(rows)).T

        now = find(x, np.arange(len(x)))
        return lambda x, rows: (find(x, rows) == now[rows]).all(axis=1)

    def keys(self, asked: Asked, scope: str, rows: BoolArray) -> list[Key]:
        """Return the indicator's rows of a scope in which any of some respondents is."""
        names = set(self.scopes[scope][rows]) - {""} if scope in self.scopes else ()
        return [(asked.indicator.id, scope, name) for name in sorted(names)]


def _figures_of(indicators: Iterable[Indicator]) -> set[str]:
    return {name for i in indicators for name in (*i.numerator, *i.denominator)}
