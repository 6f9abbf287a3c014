"""The protection interval: which values of a hidden amount fit everything that is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from typing import NamedTuple

import numpy as np

from analysis.redaction.published import Constraint, Matrix, PublishedSum
from analysis.redaction.sensitive import MOST_PERSONS, Amount
from analysis.results.members import BoolArray, IntArray

#: A hidden amount must have at least this many values that fit everything published.
FEWEST_CANDIDATES = 3
_UNLIMITED = 10**6


class Exchange(NamedTuple):
    """Persons who come or go, each counted by all of some columns of the matrix."""

    columns: frozenset[int]
    #: How many could come to each row, (n,), and how many could leave it: up to `MOST_PERSONS`.
    upper: IntArray
    lower: IntArray


class Sensitive(NamedTuple):
    """An amount that must not come out, of each of some groups of rows (-1: in no group)."""

    amount: Amount
    labels: IntArray


def find_sets(matrix: Matrix, asked: Iterable[Sequence[int]]) -> list[frozenset[int]]:
    """Return the sets of columns that may count one person together, as far as worth trying.

    One column alone, the columns of one indicator, a part with its whole; and for each row the
    hidden columns between which so few are left out that none could go far without the others.
    """
    found = {*map(frozenset, asked), *(frozenset({c}) for c in range(len(matrix.columns)))}
    found |= {frozenset({part, whole}) for part, whole, _ in matrix.limits}
    for row, x in enumerate(matrix.x):
        moving = np.flatnonzero(matrix.hidden[row] & (x > 0)).tolist()
        for slack in range(1, MOST_PERSONS + 1):
            tied = {column: frozenset({column}) for column in moving}
            for part, whole, _ in matrix.limits:
                if {part, whole} <= tied.keys() and 0 <= x[whole] - x[part] < slack:
                    merged = tied[part] | tied[whole]
                    tied |= dict.fromkeys(merged, merged)
            found |= {*tied.values()}
    return [s for s in sorted(found, key=sorted) if matrix.hidden[:, sorted(s)].all(axis=1).any()]


def find_protection(
    matrix: Matrix, sets: Sequence[frozenset[int]], verdicts: Sequence[Constraint] = ()
) -> list[Exchange]:
    """Return how many persons could come or go with nothing published of their row changing.

    Only hidden cells change. Counts stay counts and parts within their wholes; who had nobody
    still has nobody and who had somebody has somebody; published facts and verdicts stay; and
    the same cells would be hidden.
    """
    steps = np.zeros((len(sets), len(matrix.columns)), np.int64)
    for step, columns in zip(steps, sets, strict=True):
        step[sorted(columns)] = 1
    # All sets are tried of all rows together, with one person more each time.
    usable = ~(steps[:, None] > matrix.hidden).any(axis=2)
    reach = np.zeros((2, *usable.shape), np.int64)
    for side, sign in enumerate((1, -1)):
        step, rows = np.nonzero(usable)
        for count in range(1, MOST_PERSONS + 1):
            x = matrix.x[rows] + sign * count * steps[step]
            fits = (matrix.find_hidden(x, rows) == matrix.hidden[rows]).all(axis=1)
            fits &= ((x > 0) == (matrix.x[rows] > 0)).all(axis=1) & (x >= 0).all(axis=1)
            for part, whole, demanded in matrix.limits:
                fits &= ~demanded[rows] | (x[:, part] <= x[:, whole])
            for stays in (matrix.facts, *verdicts):
                fits &= stays(x, rows)
            step, rows = step[fits], rows[fits]
            reach[side, step, rows] = count
    return [Exchange(*found) for found in zip(sets, *reach, strict=True)]


class Release:
    """The sums published so far, and the proof that no sensitive amount comes out of them.

    Rows that are in exactly the same published sums of the columns that an exchange changes form one
    *pool*. A person who leaves one row of a pool and comes to another changes no published sum. So
    the values that exchanges give a hidden amount all fit whatever is published. Rows in no
    published sum need no partner.
    """

    def __init__(
        self, matrix: Matrix, sensitive: Iterable[Sensitive], exchanges: Iterable[Exchange]
    ) -> None:
        self.matrix = matrix
        # The most protection first: often one exchange is enough.
        able = [way for way in exchanges if way.upper.any() or way.lower.any()]
        self.exchanges = sorted(able, key=lambda way: -np.minimum(way.upper, way.lower).sum())
        self._sensitive = []
        for item in sensitive:
            # Who is counted above and below the line, or on both sides of a "less", changes nothing.
            plus, minus = map(frozenset, item.amount)
            ways = [w for w in self.exchanges if len(w.columns & plus) != len(w.columns & minus)]
            if (item.labels >= 0).any():
                self._sensitive.append((item, ways))
        # A number for each cell: the same where the same sums of a column are published, 0 for none.
        self._sums = np.zeros(matrix.x.shape, np.int64)
        self._pools: dict[frozenset[int], tuple[IntArray, BoolArray]] = {}

    def publish(self, item: PublishedSum) -> tuple[Release, frozenset[int]]:
        """Return this release with one more sum, and the columns of whose hidden cells it tells."""
        hidden, after = self.matrix.hidden, copy(self)
        told = frozenset(c for c in item.columns if (hidden[:, c] & item.members).any())
        after._sums = self._sums.copy()
        for column in told:
            codes = np.append(0, 2 * self._sums[:, column] + item.members)
            after._sums[:, column] = np.unique(codes, return_inverse=True)[1][1:]
        after._pools = {columns: p for columns, p in self._pools.items() if not told & columns}
        return after, told

    def find_pools(self, columns: frozenset[int]) -> tuple[IntArray, BoolArray]:
        """Return the pool of every row for exchanges of some columns, and who is in no sum."""
        if columns not in self._pools:
            sums = self._sums[:, sorted(columns)]
            pool = np.unique(sums, axis=0, return_inverse=True)[1].reshape(-1)
            self._pools[columns] = pool, np.all(sums == 0, axis=1)
        return self._pools[columns]

    def find_exposed(
        self, columns: frozenset[int] | None = None
    ) -> Iterator[tuple[Amount, IntArray]]:
        """Yield amounts with too few values that fit, and the rows of all their exposed groups.

        With ``columns`` only what sums of these columns could have exposed.
        """
        for item, ways in self._sensitive:
            if columns is None or any(columns & way.columns for way in ways):
                exposed = self._count_others(item.labels, ways) < FEWEST_CANDIDATES - 1
                if exposed.any():
                    yield item.amount, np.flatnonzero((item.labels >= 0) & exposed[item.labels])

    def _count_others(self, labels: IntArray, ways: Sequence[Exchange]) -> IntArray:
        """Return how many other values each group's amount can take, as far as that matters."""
        inside = np.flatnonzero(labels >= 0)
        best = np.full(labels.max() + 1, _UNLIMITED)
        best[labels[inside]] = 0
        for way in ways:
            pool, is_free = self.find_pools(way.columns)
            # What a group has in one pool: its rows can only exchange with others of the pool.
            width = pool.max() + 1
            pairs, pair = np.unique(labels[inside] * width + pool[inside], return_inverse=True)
            others = np.zeros(len(pairs))
            for here, there in ((way.upper, way.lower), (way.lower, way.upper)):
                ours = np.bincount(pair, here[inside])
                theirs = np.bincount(pool, np.where(is_free, _UNLIMITED, there))[pairs % width]
                others += np.minimum(ours, theirs - np.bincount(pair, there[inside]))
            best = np.maximum(best, np.bincount(pairs // width, others, len(best)))
            if best.min() >= FEWEST_CANDIDATES - 1:
                break
        return best
