"""One year's counts of persons as a matrix: which are hidden, and how far each could differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analysis.redaction.sensitive import LARGEST_HIDDEN
from analysis.results.members import BoolArray, IntArray

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

    def of(self, x: IntArray) -> IntArray:
        """Return the amount in every row."""
        plus = x[:, list(self.plus)].sum(axis=1)
        return np.asarray(plus - x[:, list(self.minus)].sum(axis=1), np.int64)

    def is_few(self, x: IntArray, known: BoolArray) -> BoolArray:
        """Tell in which rows the amount is known, and one of few persons."""
        here = known[:, [*self.plus, *self.minus]].all(axis=1)
        return np.asarray(here & is_small(self.of(x)), bool)

    def changes_by(self, exchange: Exchange) -> int:
        """Return by how much the amount grows when one person comes."""
        columns = exchange.columns
        return len(columns.intersection(self.plus)) - len(columns.intersection(self.minus))


def is_small(values: IntArray) -> BoolArray:
    """Tell which counts are of so few persons that they are sensitive."""
    return np.asarray((values >= 1) & (values <= LARGEST_HIDDEN), bool)


@dataclass
class Matrix:
    """Counts of persons of one year: a row per respondent, a column per count."""

    columns: Sequence[str]
    #: The counts, and where they were reported (0 where they were not).
    x: IntArray
    known: BoolArray
    #: Columns that are published together or not at all, and of which rows. A cell that is not here
    #: is on no page and in no file.
    figures: Sequence[tuple[Sequence[int], BoolArray]]
    #: A part, its whole, and the rows in which the tables' rules demand part <= whole.
    limits: Sequence[tuple[int, int, BoolArray]]
    #: Wholes less their parts: persons left out.
    left_out: Sequence[Amount]
    #: Facts that rest on counts and are published of every row.
    constraints: Sequence[Constraint]

    def __post_init__(self) -> None:
        self._secondary = np.zeros(self.x.shape, bool)
        self.suppress(self._secondary)

    # Suppression

    def find_primary(self, x: IntArray, rows: IntArray) -> BoolArray:
        """Tell which cells are hidden for their own sake.

        A count of 1 to 7; and a part beside which 1 to 7 persons were left out, unless its whole is
        such a count itself and hidden already.
        """
        known = self.known[rows]
        small = known & is_small(x)
        primary = small.copy()
        for amount in self.left_out:
            few = amount.is_few(x, known) & ~small[:, list(amount.plus)].any(axis=1)
            primary[:, list(amount.minus)] |= few[:, None]
        return primary

    def _find_hidden(self, x: IntArray, rows: IntArray) -> BoolArray:
        """Tell which known cells are in no row of figures that is published whole."""
        closed = self.find_primary(x, rows) | self._secondary[rows]
        shown = np.zeros(x.shape, bool)
        for columns, members in self.figures:
            whole = members[rows] & ~closed[:, columns].any(axis=1)
            shown[:, columns] |= whole[:, None]
        return np.asarray(self.known[rows] & ~shown, bool)

    def suppress(self, cells: BoolArray) -> None:
        """Hide further cells, whatever they hold."""
        self._secondary = self._secondary | cells
        self.hidden = self._find_hidden(self.x, np.arange(len(self.x)))

    def try_suppressing(self, rows: BoolArray, column: int) -> Protection:
        """Return the protection that a column's cells would have if they were hidden in some rows."""
        trial, cells = copy(self), np.zeros(self.x.shape, bool)
        cells[rows, column] = True
        trial.suppress(cells)
        protection = trial.find_protection([Exchange(frozenset({column}))], [])
        nothing = np.zeros(len(self.x), np.int64)
        return next(iter(protection.values()), Protection(nothing, nothing))

    # Protection of one row by itself

    def amounts(self) -> list[Amount]:
        """Return everything that is a count of persons in a row, once each."""
        found = [Amount((column,)) for column in range(len(self.columns))]
        found += self.left_out
        found += [Amount(side) for amount in self.left_out for side in (amount.minus, amount.plus)]
        return list(dict.fromkeys(found))

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
        possible = ~(steps[:, None, :] > self.hidden[None, :, :]).any(axis=2)
        reach = np.zeros((2, *possible.shape), np.int64)
        for side, sign in enumerate((1, -1)):
            step, rows = np.nonzero(possible)
            for count in range(1, MOST_PERSONS + 1):
                fits = self._fits(self.x[rows] + sign * count * steps[step], rows, verdicts)
                step, rows = step[fits], rows[fits]
                reach[side, step, rows] = count
        found = zip(exchanges, *reach, strict=True)
        return {way: Protection(up, down) for way, up, down in found if up.any() or down.any()}

    def _fits(self, x: IntArray, rows: IntArray, verdicts: Sequence[Constraint]) -> BoolArray:
        fits = ((x > 0) == (self.x[rows] > 0)).all(axis=1) & (x >= 0).all(axis=1)
        for part, whole, demanded in self.limits:
            fits &= ~demanded[rows] | (x[:, part] <= x[:, whole])
        for stays in (*self.constraints, *verdicts):
            fits &= stays(x, rows)
        same = (self._find_hidden(x, rows) == self.hidden[rows]).all(axis=1)
        return np.asarray(fits & same, bool)
