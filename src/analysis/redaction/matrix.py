"""One year's counts of persons as a matrix: which are hidden, and how far each could differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analysis.indicators.members import BoolArray, IntArray
from analysis.redaction.sensitive import LARGEST_HIDDEN

#: A hidden amount must have at least this many values that fit everything published.
FEWEST_CANDIDATES = 3
#: By how many persons a hidden count is changed at most to find values that fit.
MOST_PERSONS = 3
# More kinds of exchange protect more amounts and take longer; fewer are as safe.
_MOST_EXCHANGES = 200

#: Takes changed counts and the rows that they stand in; tells in which of them whatever is published
#: beside the figures (a fact, a verdict) stays what it is.
Constraint = Callable[[IntArray, IntArray], BoolArray]


@dataclass(frozen=True)
class Exchange:
    """One person who comes or goes, by the columns that count this person."""

    columns: frozenset[int]


class Protection(NamedTuple):
    """By how many persons each row could grow (``upper``) and shrink (``lower``), at most 3."""

    upper: IntArray
    lower: IntArray


@dataclass(frozen=True)
class Amount:
    """Some columns less some others: a count, or the persons left out of a whole."""

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()

    @property
    def columns(self) -> frozenset[int]:
        """All columns that it is made of."""
        return frozenset(self.plus + self.minus)

    def of(self, x: IntArray) -> IntArray:
        """Return the amount in every row."""
        plus = x[:, list(self.plus)].sum(axis=1)
        return np.asarray(plus - x[:, list(self.minus)].sum(axis=1), np.int64)

    def changes_by(self, exchange: Exchange) -> int:
        """Return by how much the amount grows when one person comes."""
        columns = exchange.columns
        return len(columns.intersection(self.plus)) - len(columns.intersection(self.minus))


def is_small(values: IntArray) -> BoolArray:
    """Tell which counts are of so few persons that they are sensitive."""
    return np.asarray((values >= 1) & (values <= LARGEST_HIDDEN), bool)


@dataclass
class Matrix:
    """Counts of persons of one year: a row per respondent, a column per count.

    Attributes
    ----------
    columns : sequence of str
        Names of the counts.
    x : int array
        The counts; 0 where not known.
    known : bool array
        Where ``x`` was reported.
    alone : bool array
        Cells that could be published by themselves.
    figures : list of (columns, bool array)
        Cells that are published together or not at all, and of which rows. A cell that is neither
        here nor ``alone`` is on no page and in no file.
    limits : list of (int, int, bool array)
        A part, its whole, and the rows in which the tables' rules demand part <= whole.
    pairs : list of (tuple, tuple)
        Columns of a part and of its whole, where the difference is persons left out.
    constraints : list of Constraint
        Facts that rest on counts and are published of every row.
    """

    columns: Sequence[str]
    x: IntArray
    known: BoolArray
    alone: BoolArray
    figures: list[tuple[list[int], BoolArray]]
    limits: list[tuple[int, int, BoolArray]]
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]
    constraints: list[Constraint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._everybody = np.arange(len(self.x))
        self._secondary = np.zeros(self.x.shape, bool)
        self.hidden = self._find_hidden(self.x, self._everybody)

    # Suppression

    def find_primary(self, x: IntArray, rows: IntArray) -> BoolArray:
        """Tell which cells are hidden for their own sake.

        A count of 1 to 7; and a part beside which 1 to 7 persons were left out, unless its whole is
        such a count itself and hidden already.
        """
        known = self.known[rows]
        small = known & is_small(x)
        primary = small.copy()
        for part, whole in self.pairs:
            few = is_small(Amount(whole, part).of(x)) & known[:, [*part, *whole]].all(axis=1)
            few &= ~small[:, list(whole)].any(axis=1)
            primary[:, list(part)] |= few[:, None]
        return primary

    def _find_hidden(self, x: IntArray, rows: IntArray) -> BoolArray:
        """Tell which known cells are published neither alone nor among whole rows of figures."""
        closed = self.find_primary(x, rows) | self._secondary[rows]
        shown = self.alone[rows] & ~closed
        for columns, members in self.figures:
            whole = members[rows] & ~closed[:, columns].any(axis=1)
            shown[:, columns] |= whole[:, None]
        return np.asarray(self.known[rows] & ~shown, bool)

    def suppress(self, cells: BoolArray) -> None:
        """Hide further cells, whatever they hold."""
        self._secondary = self._secondary | cells
        self.hidden = self._find_hidden(self.x, self._everybody)

    def try_suppressing(self, rows: BoolArray, column: int) -> Protection:
        """Return the protection that a column's cells would have if they were hidden in some rows."""
        before = self._secondary, self.hidden
        cells = np.zeros(self.x.shape, bool)
        cells[rows, column] = True
        self.suppress(cells)
        protection = self.find_protection([Exchange(frozenset({column}))], [])
        self._secondary, self.hidden = before
        nothing = np.zeros(len(self.x), np.int64)
        return next(iter(protection.values()), Protection(nothing, nothing))

    # Protection of one row by itself

    def amounts(self) -> list[Amount]:
        """Return everything that is a count of persons in a row, once each."""
        found = [Amount((column,)) for column in range(len(self.columns))]
        found += [Amount(whole, part) for part, whole in self.pairs]
        found += [Amount(side) for pair in self.pairs for side in pair]
        return list(dict.fromkeys(found))

    def is_known(self, amount: Amount) -> BoolArray:
        """Tell in which rows an amount is known."""
        return np.asarray(self.known[:, sorted(amount.columns)].all(axis=1), bool)

    def find_exchanges(self, asked: Iterable[Sequence[int]]) -> list[Exchange]:
        """Return the exchanges worth trying.

        One column alone, the columns of one indicator, a part with its whole; and for each row the
        hidden columns between which so few are left out that none could go far without the others.
        """
        groups = {frozenset({column}) for column in range(len(self.columns))}
        groups |= {frozenset(columns) for columns in asked}
        groups |= {frozenset({part, whole}) for part, whole, _ in self.limits}
        tied: Counter[frozenset[int]] = Counter()
        for row in np.flatnonzero(self.hidden.any(axis=1)).tolist():
            for slack in range(1, MOST_PERSONS + 1):
                tied.update(self._find_tied(row, slack))
        rest = sorted(tied, key=lambda group: (-tied[group], sorted(group)))
        ordered = sorted(groups, key=sorted) + [group for group in rest if group not in groups]
        usable = [g for g in ordered if self.hidden[:, sorted(g)].all(axis=1).any()]
        return [Exchange(group) for group in usable[:_MOST_EXCHANGES]]

    def _find_tied(self, row: int, slack: int) -> set[frozenset[int]]:
        moving = np.flatnonzero(self.hidden[row] & (self.x[row] > 0)).tolist()
        groups = {column: {column} for column in moving}
        for part, whole, _ in self.limits:
            both = part in groups and whole in groups
            if both and 0 <= self.x[row, whole] - self.x[row, part] < slack:
                merged = groups[part] | groups[whole]
                groups.update(dict.fromkeys(merged, merged))
        return {frozenset(group) for group in groups.values() if len(group) > 1}

    def find_protection(
        self, exchanges: Sequence[Exchange], verdicts: Sequence[Constraint]
    ) -> dict[Exchange, Protection]:
        """Return how many persons could come or go with nothing published of their row changing.

        Only hidden cells change. Counts stay counts and parts within their wholes; who had nobody
        still has nobody and who had somebody has somebody; published facts and verdicts stay; and
        the same cells would be hidden. Exchanges that no row allows are left out.
        """
        steps = np.zeros((len(exchanges), len(self.columns)), np.int64)
        for index, exchange in enumerate(exchanges):
            steps[index, sorted(exchange.columns)] = 1
        possible = np.asarray(~(steps[:, None, :] > self.hidden[None, :, :]).any(axis=2), bool)
        upper = self._count_steps(steps, possible, verdicts)
        lower = self._count_steps(-steps, possible, verdicts)
        levels = zip(exchanges, upper, lower, strict=True)
        return {e: Protection(up, down) for e, up, down in levels if up.any() or down.any()}

    def _count_steps(
        self, steps: IntArray, possible: BoolArray, verdicts: Sequence[Constraint]
    ) -> IntArray:
        """Return how often each row could take each step, steps by rows."""
        reach = np.zeros(possible.shape, np.int64)
        step, rows = np.nonzero(possible)
        for count in range(1, MOST_PERSONS + 1):
            fits = self._fits(self.x[rows] + count * steps[step], rows, verdicts)
            step, rows = step[fits], rows[fits]
            reach[step, rows] = count
        return reach

    def _fits(self, x: IntArray, rows: IntArray, verdicts: Sequence[Constraint]) -> BoolArray:
        fits = ((x > 0) == (self.x[rows] > 0)).all(axis=1) & (x >= 0).all(axis=1)
        for part, whole, demanded in self.limits:
            fits &= ~demanded[rows] | (x[:, part] <= x[:, whole])
        for stays in (*self.constraints, *verdicts):
            fits &= stays(x, rows)
        same = (self._find_hidden(x, rows) == self.hidden[rows]).all(axis=1)
        return np.asarray(fits & same, bool)
