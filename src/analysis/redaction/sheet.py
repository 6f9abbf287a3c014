"""The persons of one year: what every member counted, what is hidden, and how far it could move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.indicators.members import BoolArray, IntArray

#: A count from 1 to this is hidden.
LARGEST_HIDDEN = 7
#: A hidden figure must have at least this many values that fit everything shown.
FEWEST_CANDIDATES = 3
#: How far one figure is moved at most to find others that fit.
LONGEST_STEP = 3
# Trying more ways to move figures finds more, at a cost; fewer is as safe.
_MOST_MOVES = 200

Move = frozenset[int]
Room = tuple[IntArray, IntArray]
#: Takes counts and the members that they are of; tells whether what is shown of each beside figures
#: (a fact, a verdict) stays what it is.
Rule = Callable[[IntArray, IntArray], BoolArray]


@dataclass(frozen=True)
class Amount:
    """Some columns less some others: a count, or the persons left out of it."""

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()

    @property
    def columns(self) -> frozenset[int]:
        """All columns of it."""
        return frozenset(self.plus + self.minus)

    def of(self, x: IntArray) -> IntArray:
        """Return the amount of every member."""
        plus = x[:, list(self.plus)].sum(axis=1)
        return np.asarray(plus - x[:, list(self.minus)].sum(axis=1), np.int64)

    def changes_by(self, move: Move) -> int:
        """Return by how much the amount grows when all columns of a move grow by one."""
        return len(move.intersection(self.plus)) - len(move.intersection(self.minus))


def is_small(values: IntArray) -> BoolArray:
    """Tell which counts are of so few persons that they are hidden."""
    return np.asarray((values >= 1) & (values <= LARGEST_HIDDEN), bool)


@dataclass
class Sheet:
    """Person counts of one source and year, one row per member.

    Attributes
    ----------
    columns : sequence of str
        Names of the person counts.
    x : int array
        Members by columns; 0 where not known.
    known : bool array
        Where ``x`` was reported.
    alone : bool array
        Cells that could be shown by themselves.
    rows : list of (columns, bool array)
        Rows of figures that could be shown, whole or not at all, and for whom. Any other cell is on
        no page and in no file.
    limits : list of (int, int, bool array)
        A part, its whole, and the members of whom the tables' rules demand part <= whole.
    pairs : list of (tuple, tuple)
        Columns of a part and of its whole, where the difference is persons left out.
    rules : list of Rule
        What is shown of every member beside figures: facts that rest on counts.
    """

    columns: Sequence[str]
    x: IntArray
    known: BoolArray
    alone: BoolArray
    rows: list[tuple[list[int], BoolArray]]
    limits: list[tuple[int, int, BoolArray]]
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]
    rules: list[Rule] = field(default_factory=list)
    hidden: BoolArray = field(init=False)
    chosen: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        self._everybody = np.arange(len(self.x))
        self.chosen = np.zeros(self.x.shape, bool)
        self.hidden = self._find_hidden(self.x, self._everybody)

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
        """Tell which known cells are shown neither alone nor in a row that is shown whole."""
        closed = self.find_primary(x, rows) | self.chosen[rows]
        shown = self.alone[rows] & ~closed
        for columns, members in self.rows:
            whole = members[rows] & ~closed[:, columns].any(axis=1)
            shown[:, columns] |= whole[:, None]
        return np.asarray(self.known[rows] & ~shown, bool)

    def choose(self, cells: BoolArray) -> None:
        """Hide further cells, whatever they hold."""
        self.chosen = self.chosen | cells
        self.hidden = self._find_hidden(self.x, self._everybody)

    def try_room(self, rows: BoolArray, column: int) -> Room:
        """Return the room in a column if it were hidden for further members."""
        before = self.chosen, self.hidden
        cells = np.zeros(self.x.shape, bool)
        cells[rows, column] = True
        self.choose(cells)
        room = self.find_room([frozenset({column})], [])
        self.chosen, self.hidden = before
        nothing = np.zeros(len(self.x), np.int64)
        return next(iter(room.values()), (nothing, nothing))

    def amounts(self) -> list[Amount]:
        """Return everything that is a count of persons for a member, once each."""
        found = [Amount((column,)) for column in range(len(self.columns))]
        found += [Amount(whole, part) for part, whole in self.pairs]
        found += [Amount(side) for pair in self.pairs for side in pair]
        return list(dict.fromkeys(found))

    def is_known(self, amount: Amount) -> BoolArray:
        """Tell for whom an amount is known."""
        return np.asarray(self.known[:, sorted(amount.columns)].all(axis=1), bool)

    def find_moves(self, sums: Iterable[Sequence[int]]) -> list[Move]:
        """Return the sets of columns that are worth moving together.

        Each column alone, a part together with its whole, and for each member the hidden columns
        between which so few are left out that one could not go far without the other.
        """
        moves = {frozenset({column}) for column in range(len(self.columns))}
        moves |= {frozenset(group) for group in sums}
        moves |= {frozenset({part, whole}) for part, whole, _ in self.limits}
        patterns: Counter[Move] = Counter()
        for row in np.flatnonzero(self.hidden.any(axis=1)).tolist():
            for slack in range(1, LONGEST_STEP + 1):
                patterns.update(self._tied(row, slack))
        rest = sorted(patterns, key=lambda move: (-patterns[move], sorted(move)))
        ordered = sorted(moves, key=sorted) + [move for move in rest if move not in moves]
        return [m for m in ordered if self.hidden[:, sorted(m)].all(axis=1).any()][:_MOST_MOVES]

    def _tied(self, row: int, slack: int) -> set[Move]:
        moving = np.flatnonzero(self.hidden[row] & (self.x[row] > 0)).tolist()
        groups = {column: {column} for column in moving}
        for part, whole, _ in self.limits:
            both = part in groups and whole in groups
            if both and 0 <= self.x[row, whole] - self.x[row, part] < slack:
                merged = groups[part] | groups[whole]
                groups.update(dict.fromkeys(merged, merged))
        return {frozenset(group) for group in groups.values() if len(group) > 1}

    def find_room(self, moves: Sequence[Move], kept: Sequence[Rule]) -> dict[Move, Room]:
        """Return how far each member could move up and down with nothing shown changing for it.

        Only hidden cells move. Counts stay counts and parts within their wholes; who had nobody
        still has nobody and who had somebody has somebody; facts and verdicts that are shown stay;
        and just the same cells would be hidden.

        Parameters
        ----------
        moves : sequence of Move
            Columns that move together.
        kept : sequence of Rule
            Verdicts that are shown.

        Returns
        -------
        dict of Move to (up, down)
            Steps per member, from 0 to 3; moves that nobody can make are left out.
        """
        steps = np.zeros((len(moves), len(self.columns)), np.int64)
        for index, move in enumerate(moves):
            steps[index, sorted(move)] = 1
        possible = np.asarray(~(steps[:, None, :] > self.hidden[None, :, :]).any(axis=2), bool)
        ups = self._reach(steps, possible, kept)
        downs = self._reach(-steps, possible, kept)
        return {
            move: (up, down)
            for move, up, down in zip(moves, ups, downs, strict=True)
            if up.any() or down.any()
        }

    def _reach(self, steps: IntArray, possible: BoolArray, kept: Sequence[Rule]) -> IntArray:
        """Return how many steps of each kind each member can take, kinds by members."""
        reach = np.zeros(possible.shape, np.int64)
        kind, rows = np.nonzero(possible)
        for count in range(1, LONGEST_STEP + 1):
            fits = self._fits(self.x[rows] + count * steps[kind], rows, kept)
            kind, rows = kind[fits], rows[fits]
            reach[kind, rows] = count
        return reach

    def _fits(self, x: IntArray, rows: IntArray, kept: Sequence[Rule]) -> BoolArray:
        fits = ((x > 0) == (self.x[rows] > 0)).all(axis=1) & (x >= 0).all(axis=1)
        for part, whole, demanded in self.limits:
            fits &= ~demanded[rows] | (x[:, part] <= x[:, whole])
        for rule in (*self.rules, *kept):
            fits &= rule(x, rows)
        return np.asarray(
            fits & (self._find_hidden(x, rows) == self.hidden[rows]).all(axis=1), bool
        )


def number(*labels: npt.NDArray[np.int64]) -> IntArray:
    """Return a number from 0 for each distinct combination of labels."""
    codes = np.zeros(len(labels[0]), np.int64)
    for label in labels:
        codes = np.unique(codes * (int(label.max(initial=0)) + 1) + label, return_inverse=True)[1]
    return np.asarray(codes, np.int64)
