"""The protection of what is hidden, and the order of steps: hide, look for protection, publish sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analysis.problems import InputError, error
from analysis.redaction.published import (
    LARGEST_HIDDEN,
    MOST_PERSONS,
    SIZES,
    Amount,
    Asked,
    Constraint,
    Key,
    Matrix,
    PublishedSum,
    Respondents,
)
from analysis.results.members import BoolArray, IntArray
from analysis.results.rollups import Terms, judge
from analysis.results.states import States, pool

#: A hidden amount must have at least this many values that fit everything published.
FEWEST_CANDIDATES = 3
_UNLIMITED = 10**6
#: In this order sums are published, as long as nothing comes out.
_SCOPES = ("district", "unit_type", "parent", "commune")
# How often protection is looked for; each time some more is hidden.
_MOST_ROUNDS = 6
#: Whether a verdict gets better (or worse) where the missing bring more of this.
_BETTER = {"low_above": 1, "low_below": -1, "high_above": 1, "high_below": -1, "free": 1}


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
            self._sensitive += [(item, ways)] if (item.labels >= 0).any() else []
        # A number for each cell: the same where the same sums of a column are published, 0 for none.
        self._sums = np.zeros(matrix.x.shape, np.int64)
        self._pools: dict[frozenset[int], IntArray] = {}
        self._rooms: dict[frozenset[int], tuple[IntArray, IntArray]] = {}

    @property
    def told(self) -> BoolArray:
        """Which cells are in a published sum."""
        return self._sums > 0

    def publish(self, item: PublishedSum) -> tuple[Release, frozenset[int]]:
        """Return this release with one more sum, and the columns of whose hidden cells it tells."""
        hidden, after = self.matrix.hidden, copy(self)
        told = frozenset(c for c in item.columns if (hidden[:, c] & item.members).any())
        after._sums = self._sums.copy()
        for column in told:
            codes = np.append(0, 2 * self._sums[:, column] + item.members)
            after._sums[:, column] = np.unique(codes, return_inverse=True)[1][1:]
        after._pools = {columns: p for columns, p in self._pools.items() if not told & columns}
        after._rooms = {columns: r for columns, r in self._rooms.items() if not told & columns}
        return after, told

    def find_pools(self, columns: frozenset[int]) -> IntArray:
        """Return the pool of every row for exchanges of some columns."""
        if columns not in self._pools:
            first, *others = sorted(columns)
            pool = self._sums[:, first]
            for column in others:
                codes = pool * (self._sums[:, column].max() + 1) + self._sums[:, column]
                pool = np.unique(codes, return_inverse=True)[1]
            self._pools[columns] = pool
        return self._pools[columns]

    def _find_rooms(self, way: Exchange) -> tuple[IntArray, IntArray]:
        """Return how many could come to each pool, and how many could leave it."""
        if way.columns not in self._rooms:
            pool = self.find_pools(way.columns)
            is_free = ~self.told[:, sorted(way.columns)].any(axis=1)
            upper, lower = (
                np.bincount(pool, np.where(is_free, _UNLIMITED, side))
                for side in (way.upper, way.lower)
            )
            self._rooms[way.columns] = upper, lower
        return self._rooms[way.columns]

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
        group = labels[inside]
        best = np.full(labels.max() + 1, _UNLIMITED)
        best[group] = 0
        are_single = np.count_nonzero(best == 0) == len(group)
        for way in ways:
            pool, (upper, lower) = self.find_pools(way.columns)[inside], self._find_rooms(way)
            # What a group has in one pool: its rows can only exchange with others of the pool.
            pair, whose, place = np.arange(len(group)), group, pool
            if not are_single:
                pairs, pair = np.unique(group * len(upper) + pool, return_inverse=True)
                whose, place = np.divmod(pairs, len(upper))
            others = np.zeros(len(place))
            for here, there, room in ((way.upper, way.lower, lower), (way.lower, way.upper, upper)):
                theirs = room[place] - np.bincount(pair, there[inside])
                others += np.minimum(np.bincount(pair, here[inside]), theirs)
            best = np.maximum(best, np.bincount(whose, others, len(best)))
            if best.min() >= FEWEST_CANDIDATES - 1:
                break
        return best


def decide(respondents: Respondents) -> tuple[dict[Key, str], Release]:
    """Decide what is published of all persons of one source in one year.

    The first result has rows of the indicator table: with their ``figures``, a unit's with its
    ``verdict`` alone, or with nothing, where the numerator of somebody is ``known`` who did not report
    all. The register's totals are here too: a column, ``district`` and no name. The release's matrix
    tells what is hidden; itself how persons can be exchanged unnoticed. A fact that the plan asks
    about may pin a hidden count: then no figure can be published (`InputError`).
    """
    sensitive, sums = _find_groups(respondents)
    of_district = [item for item in sums if item.key[1] == "district"]
    verdicts, release = _protect(respondents, sensitive, of_district)
    if any(release.find_exposed()):
        message = (
            "không lập được bản chia sẻ: một điều kiện có/không của kế hoạch để lộ số người từ 1 "
            f"đến {LARGEST_HIDDEN} ở một đơn vị"
        )
        raise InputError([error(message, code="pinned")])
    rows: dict[Key, str] = {}
    for asked in respondents.asked:
        reported, partly = asked.states.reported, asked.states.missing & asked.part_known
        hidden = release.matrix.hidden[:, asked.columns].any(axis=1)
        held = reported & hidden & verdicts[asked.indicator.id]
        for scope in respondents.scopes:
            rows |= dict.fromkeys(respondents.keys(asked, scope, partly), "known")
        rows |= dict.fromkeys(respondents.keys(asked, "unit", held), "verdict")
        rows |= dict.fromkeys(respondents.keys(asked, "unit", reported & ~hidden), "figures")
    for item in sums:
        after, told = release.publish(item)
        if not any(after.find_exposed(told)):
            release, rows[item.key] = after, "figures"
    return rows, release


def _find_groups(respondents: Respondents) -> tuple[list[Sensitive], list[PublishedSum]]:
    """Return amounts of few persons, and sums that count no few and hang on no few missing."""
    matrix, scopes = respondents.matrix, respondents.scopes
    sides = [Amount(side) for amount in matrix.left_out for side in (amount.minus, amount.plus)]
    columns = [Amount((column,)) for column in range(len(matrix.columns))]
    sensitive, sums = [], []
    for amount in dict.fromkeys([*columns, *matrix.left_out, *sides]):
        few = amount.is_few(matrix.x, matrix.known)
        sensitive.append(Sensitive(amount, np.where(few, np.arange(len(few)), -1)))
    for scope in _SCOPES:
        for asked in respondents.asked:
            labels = {amount: np.full(len(matrix.x), -1) for amount in asked.amounts()}
            for code, key in enumerate(respondents.keys(asked, scope, asked.states.reported)):
                members = scopes[scope] == key[2]
                rows = members & asked.states.reported
                of_few = [amount for amount in labels if amount.is_of_few(matrix.x[rows])]
                for amount in of_few:
                    labels[amount][rows] = code
                if not of_few and _is_firm(asked, members):
                    sums.append(PublishedSum(key, frozenset(asked.columns), rows))
            sensitive += [Sensitive(*item) for item in labels.items()]
        for name in sorted(SIZES) if scope == "district" and "unit" in scopes else ():
            column = matrix.columns.index(name)
            rows = matrix.known[:, column] & (scopes["unit"] != "")
            if not Amount((column,)).is_of_few(matrix.x[rows]):
                sums.append(PublishedSum((name, "district", ""), frozenset({column}), rows))
    return sensitive, sums


def _is_firm(asked: Asked, members: BoolArray) -> bool:
    """Tell whether a sum's verdict and flags stay if the figures of the missing are a bit off."""
    if asked.target is None or not asked.whole:
        return True
    own = States(**{name: array[members] for name, array in vars(asked.states).items()})
    sums, ends = pool(own), {}
    for name, sign in _BETTER.items():
        step = MOST_PERSONS * len(asked.whole) * np.count_nonzero(getattr(own, name))
        ends[name] = np.maximum(getattr(sums, name) + sign * step * np.array([-1, 0, 1]), 0)
    ends["low_above"] = np.minimum(ends["low_above"], ends["low_below"])
    shifted = replace(sums.take(np.zeros(3, np.int64)), **ends)
    judged = judge(shifted, asked.indicator, Terms(asked.target), is_unit=False)
    return all(len(np.unique(judged[name])) == 1 for name in ("verdict", "flags"))


def _protect(
    respondents: Respondents, sensitive: Sequence[Sensitive], of_district: Sequence[PublishedSum]
) -> tuple[dict[str, BoolArray], Release]:
    """Return whose verdicts may stay, and with more cells hidden what lets the district's sums stay.

    Where an amount would be exposed, first the verdicts of its row give way. Where it would be
    exposed all by itself (by facts and by the tables' rules), then all figures of the row; where
    a sum over everybody would expose it, figures of others in the same sums.
    """
    matrix, every = respondents.matrix, respondents.asked
    verdicts = {asked.indicator.id: np.ones(len(matrix.x), bool) for asked in every}

    def begin() -> Release:
        held = [asked.hold_verdict(matrix.x, verdicts[asked.indicator.id]) for asked in every]
        sets = find_sets(matrix, [asked.columns for asked in every])
        return Release(matrix, sensitive, find_protection(matrix, sets, held))

    for attempt in range(_MOST_ROUNDS):
        release = with_sums = begin()
        for item in of_district:
            with_sums, _ = with_sums.publish(item)
        exposed = list(with_sums.find_exposed())
        if not exposed:
            return verdicts, release
        for amount, rows in exposed:
            for asked in every:
                if attempt or {*amount.plus, *amount.minus}.intersection(asked.columns):
                    verdicts[asked.indicator.id][rows] = False
        alone = [rows for _, rows in release.find_exposed()] if attempt > 1 else []
        if alone:
            cells = np.zeros(matrix.x.shape, bool)
            cells[np.concatenate(alone)] = True
            matrix = matrix.hide(cells)
        elif attempt > 1:
            matrix = matrix.hide(_find_companions(with_sums, exposed))
    return verdicts, begin()


def _find_companions(release: Release, exposed: list[tuple[Amount, IntArray]]) -> BoolArray:
    """Return one more count to hide for each exposed one: in the same sums, most protected."""
    matrix = release.matrix
    exposures, cells = (np.zeros(matrix.x.shape, bool) for _ in range(2))
    for amount, rows in exposed:
        exposures[rows, (amount.minus or amount.plus)[0]] = True
    exposures &= matrix.hidden
    for column in np.flatnonzero(exposures.any(axis=0)).tolist():
        could, trial = ~matrix.hidden & (matrix.x > 0), np.zeros(matrix.x.shape, bool)
        trial[:, column] = could[:, column]
        (way,) = find_protection(matrix.hide(trial), [frozenset({column})])
        pool = release.find_pools(way.columns)
        for row in np.flatnonzero(exposures[:, column]).tolist():
            around = np.flatnonzero((pool == pool[row]) & could[:, column] & ~cells[:, column])
            room = np.minimum(way.upper, way.lower)[around]
            best = around[np.lexsort((matrix.x[around, column], -room))][:1]
            cells[[row, *best], column] = True
    return cells
