"""Which sums may be published: those that leave every hidden amount several values that fit."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from analysis.redaction.matrix import FEWEST_CANDIDATES, Amount, Constraint, Exchange, Matrix
from analysis.results.members import BoolArray, IntArray

_NEEDED = FEWEST_CANDIDATES - 1
_UNLIMITED = 10**6


class PublishedSum(NamedTuple):
    """Sums over the same rows that are published together or not at all: one row of a table."""

    key: Hashable
    columns: frozenset[int]
    members: BoolArray


class Sensitive(NamedTuple):
    """An amount that must not come out, of each of some groups of rows (-1: in no group)."""

    amount: Amount
    labels: IntArray


class Release:
    """The sums published so far, and the proof that no sensitive amount comes out of them.

    Rows that are in exactly the same published sums of the columns that an exchange changes form one
    *pool*. A person who leaves one row of a pool and comes to another changes no published sum;
    `Matrix.find_protection` says how many each row can give or take. So the values that exchanges
    give a hidden amount all fit whatever is published. Rows in no published sum need no partner.
    """

    def __init__(
        self,
        matrix: Matrix,
        sensitive: Sequence[Sensitive],
        exchanges: Sequence[Exchange],
        verdicts: Sequence[Constraint] = (),
    ) -> None:
        self.matrix = matrix
        self.protection = matrix.find_protection(exchanges, verdicts)
        size = len(matrix.x)
        self._labels = [np.zeros(size, np.int64) for _ in matrix.columns]
        self._summed = [np.zeros(size, bool) for _ in matrix.columns]
        self._pools: dict[Exchange, tuple[IntArray, BoolArray]] = {}
        # With the ways in which an amount changes, those with the most protection first.
        self._sensitive = []
        for item in sensitive:
            ways = [way for way in self.protection if item.amount.changes_by(way)]
            ways.sort(key=lambda way: -int(np.minimum(*self.protection[way]).sum()))
            if (item.labels >= 0).any():
                self._sensitive.append((item, ways))

    def find_exposed(
        self, columns: frozenset[int] | None = None
    ) -> Iterator[tuple[Amount, IntArray]]:
        """Yield amounts with too few values that fit, and the rows of all their exposed groups.

        With ``columns`` only what sums of these columns could have exposed.
        """
        for item, ways in self._sensitive:
            if columns is None or any(columns & way.columns for way in ways):
                exposed = self._count_others(item.labels, ways) < _NEEDED
                if exposed.any():
                    inside = item.labels >= 0
                    yield item.amount, np.flatnonzero(inside & exposed[item.labels])

    def _count_others(self, labels: IntArray, ways: Sequence[Exchange]) -> IntArray:
        """Return how many other values each group's amount can take, as far as that matters."""
        inside = np.flatnonzero(labels >= 0)
        size, groups = int(labels.max()) + 1, labels[inside]
        best = np.full(size, _UNLIMITED)
        best[groups] = 0
        of_group, place = groups, np.arange(len(inside))
        is_row_by_row = len(np.unique(groups)) == len(groups)
        for way in ways:
            pool, free = self.find_pools(way)
            of_pool = pool[inside]
            if not is_row_by_row:
                pools = int(pool.max()) + 1
                pairs, place = np.unique(groups * pools + of_pool, return_inverse=True)
                of_group, of_pool = pairs // pools, pairs % pools
            steps = np.zeros(len(of_group))
            for here, there in (self.protection[way], self.protection[way][::-1]):
                ours = np.bincount(place, weights=here[inside])
                theirs = np.bincount(place, weights=there[inside])
                everybody = np.bincount(pool, weights=there)
                everybody[pool[free]] = _UNLIMITED
                steps += np.minimum(ours, everybody[of_pool] - theirs)
            total = np.bincount(of_group, weights=steps, minlength=size).astype(np.int64)
            best = np.maximum(best, total)
            if best.min() >= _NEEDED:
                break
        return best

    def find_companions(self, column: int, row: int) -> BoolArray:
        """Tell which rows are in the same published sums of a column as a row."""
        labels = self._labels[column]
        return np.asarray((labels == labels[row]) & self.matrix.known[:, column], bool)

    def find_pools(self, way: Exchange) -> tuple[IntArray, BoolArray]:
        """Return the pool of every row for an exchange, and which rows are in no published sum."""
        if way not in self._pools:
            columns, codes = sorted(way.columns), np.zeros(len(self.matrix.x), np.int64)
            for labels in (self._labels[c] for c in columns):
                codes = np.unique(
                    codes * (int(labels.max(initial=0)) + 1) + labels, return_inverse=True
                )[1]
            self._pools[way] = codes, ~np.any([self._summed[c] for c in columns], axis=0)
        return self._pools[way]

    def add(self, item: PublishedSum) -> bool:
        """Publish a sum unless that would expose something; tell whether it is published."""
        before = self._labels, self._summed, self._pools
        if next(self.find_exposed(self.force(item)), None) is None:
            return True
        self._labels, self._summed, self._pools = before
        return False

    def force(self, item: PublishedSum) -> frozenset[int]:
        """Publish a sum whatever it exposes; return the columns of whose hidden cells it tells."""
        hidden = self.matrix.hidden
        told = frozenset(c for c in item.columns if (hidden[:, c] & item.members).any())
        self._labels, self._summed = list(self._labels), list(self._summed)
        for column in told:
            codes = self._labels[column] * 2 + item.members
            self._labels[column] = np.unique(codes, return_inverse=True)[1].astype(np.int64)
            self._summed[column] = self._summed[column] | item.members
        self._pools = {way: pool for way, pool in self._pools.items() if not told & way.columns}
        return told
