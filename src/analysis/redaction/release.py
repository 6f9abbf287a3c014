"""Which sums may be shown: those that leave every hidden count several values that fit."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.indicators.members import BoolArray, IntArray
from analysis.redaction.sheet import FEWEST_CANDIDATES, Amount, Move, Rule, Sheet, number

_NEEDED = FEWEST_CANDIDATES - 1
_UNLIMITED = 10**6


@dataclass(frozen=True)
class Sum:
    """Sums over the same members that are shown together or not at all: one row of a table."""

    key: Hashable
    columns: frozenset[int]
    members: BoolArray


@dataclass(frozen=True)
class Groups:
    """Disjoint groups of members whose amount must not come out; -1 is in none."""

    amount: Amount
    labels: IntArray


class Release:
    """Sums shown so far, and the proof that nothing hidden comes out of them.

    Two members that are in exactly the same shown sums (of the columns that move) form one *pool*
    with all others like them. Taking persons from one member of a pool and giving them to another
    changes no shown sum; `Sheet.find_room` says how far each may go without changing anything else
    that is shown. So the values that such an exchange gives a hidden count all fit everything that
    is shown, and nobody can tell them apart. Members in no shown sum move freely.

    Parameters
    ----------
    sheet : Sheet
        What is hidden.
    groups : sequence of Groups
        What must not come out.
    moves : sequence of Move
        Ways to exchange.
    kept : sequence of Rule
        Verdicts that are shown.
    """

    def __init__(
        self,
        sheet: Sheet,
        groups: Sequence[Groups],
        moves: Sequence[Move],
        kept: Sequence[Rule] = (),
    ) -> None:
        self.sheet = sheet
        self.room = sheet.find_room(moves, kept)
        size = len(sheet.x)
        self._labels = [np.zeros(size, np.int64) for _ in sheet.columns]
        self._touched = [np.zeros(size, bool) for _ in sheet.columns]
        self._pools: dict[Move, tuple[IntArray, BoolArray]] = {}
        self._groups = [(g, self._ways(g.amount)) for g in groups if (g.labels >= 0).any()]

    def _ways(self, amount: Amount) -> list[Move]:
        """Return the moves that change an amount, those with the most room first."""
        ways = [move for move in self.room if amount.changes_by(move)]
        return sorted(ways, key=lambda way: -int(np.minimum(*self.room[way]).sum()))

    def find_exposed(self, columns: Iterable[int] | None = None) -> list[tuple[Amount, IntArray]]:
        """Return the groups whose amount has too few values that fit.

        Parameters
        ----------
        columns : iterable of int, optional
            Only what the sums of these columns could have changed.

        Returns
        -------
        list of (Amount, int array)
            The amount and the members of all its exposed groups.
        """
        return list(self._exposed(None if columns is None else set(columns)))

    def is_safe(self, columns: Iterable[int]) -> bool:
        """Tell whether nothing is exposed that the sums of these columns could have changed."""
        return next(self._exposed(set(columns)), None) is None

    def _exposed(self, columns: set[int] | None) -> Iterator[tuple[Amount, IntArray]]:
        for groups, ways in self._groups:
            if columns is None or any(columns & way for way in ways):
                bad = self._count_steps(groups.labels, ways) < _NEEDED
                if bad.any():
                    inside = groups.labels >= 0
                    yield groups.amount, np.flatnonzero(inside & bad[groups.labels])

    def _count_steps(self, labels: IntArray, ways: Sequence[Move]) -> IntArray:
        """Return for each group how many other values its amount can take, as far as that matters."""
        inside = np.flatnonzero(labels >= 0)
        size = int(labels.max()) + 1
        best = np.full(size, _UNLIMITED)
        best[labels[inside]] = 0
        for way in ways:
            pool, free = self.pools(way)
            pools = int(pool.max()) + 1
            pairs, place = np.unique(labels[inside] * pools + pool[inside], return_inverse=True)
            of_group, of_pool = pairs // pools, pairs % pools
            steps = np.zeros(len(pairs))
            for here, there in (self.room[way], self.room[way][::-1]):
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

    def companions(self, column: int, row: int) -> BoolArray:
        """Return everybody who is in the same shown sums of a column as a member."""
        labels = self._labels[column]
        return np.asarray((labels == labels[row]) & self.sheet.known[:, column], bool)

    def pools(self, way: Move) -> tuple[IntArray, BoolArray]:
        """Return the pool of every member for a move, and who is in no shown sum of it."""
        if way not in self._pools:
            columns = sorted(way)
            free = ~np.any([self._touched[c] for c in columns], axis=0)
            self._pools[way] = number(*(self._labels[c] for c in columns)), free
        return self._pools[way]

    def add(self, shown: Sum) -> bool:
        """Show a sum unless that would expose something; tell whether it is shown."""
        before = list(self._labels), list(self._touched), dict(self._pools)
        affected = self.force(shown)
        if self.is_safe(affected):
            return True
        self._labels, self._touched, self._pools = before
        return False

    def force(self, shown: Sum) -> set[int]:
        """Show a sum whatever it exposes; return the columns of whose hidden cells it tells."""
        affected = {c for c in shown.columns if (self.sheet.hidden[:, c] & shown.members).any()}
        for column in affected:
            self._labels[column] = number(self._labels[column], shown.members.astype(np.int64))
            self._touched[column] = self._touched[column] | shown.members
        self._pools = {way: pool for way, pool in self._pools.items() if not affected & way}
        return affected
