"""Which of one year's figures about persons are hidden and which published: the order of steps."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from analysis.indicators.members import BoolArray, IntArray
from analysis.indicators.states import States, pool
from analysis.indicators.verdicts import Terms, judge
from analysis.plan import Indicator, Target
from analysis.problems import InputError, error
from analysis.redaction.matrix import MOST_PERSONS, Amount, Constraint, Matrix, is_small
from analysis.redaction.protection import PublishedSum, Release, Sensitive
from analysis.redaction.sensitive import LARGEST_HIDDEN

#: In this order sums are published, as long as nothing comes out.
_SCOPES = ("district", "unit_type", "parent", "commune")
# How often protection is looked for; each time some more is hidden.
_MOST_ROUNDS = 6
#: Whether a verdict gets better (or worse) where the missing bring more of this.
_BETTER = {"low_above": 1, "low_below": -1, "high_above": 1, "high_below": -1, "free": 1}


@dataclass(frozen=True)
class Asked:
    """An indicator that counts persons, what each row is for it, and its bar if it is judged.

    Attributes
    ----------
    part_known : bool array
        Of whom something above the line is known, whether or not the rest is.
    """

    indicator: Indicator
    states: States
    target: Target | None
    part_known: BoolArray


@dataclass(frozen=True)
class Decision:
    """What is published of one year's persons.

    Attributes
    ----------
    hidden : bool array
        Cells of the matrix.
    sums : set
        Keys ``(indicator, scope, name)`` and ``("", column)`` (the register's total).
    verdicts : dict of str to bool array
        By indicator, in which rows the verdict may be published though the figures are hidden.
    proof : Release
        How persons can be exchanged without anything published changing.
    """

    hidden: BoolArray
    sums: frozenset[Hashable]
    verdicts: dict[str, BoolArray]
    proof: Release


@dataclass
class Respondents:
    """All persons of one source in one year.

    Attributes
    ----------
    matrix : Matrix
        The counts.
    asked : sequence of Asked
        The indicators over them.
    scopes : dict of str to int array
        The group of every row in each roll-up, -1 for none.
    names : dict of str to sequence
        The names of the groups.
    ids : sequence of str
        Whose the rows are.
    totals : dict of str to bool array
        Columns whose total the register shows, and over which rows.
    """

    matrix: Matrix
    asked: Sequence[Asked]
    scopes: dict[str, IntArray]
    names: dict[str, Sequence[str]]
    ids: Sequence[str]
    totals: dict[str, BoolArray] = field(default_factory=dict)

    def decide(self) -> Decision:
        """Hide what is sensitive, look for protection, then publish one sum after the other.

        Raises
        ------
        InputError
            If a fact that the plan asks about pins a hidden count: no figure could be published.
        """
        found = {(s.amount, s.labels.tobytes()): s for s in self._find_sensitive()}
        sensitive = list(found.values())
        verdicts = self._protect(sensitive)
        release = self._begin(sensitive, verdicts)
        if any(release.find_exposed()):
            message = (
                "không lập được bản chia sẻ: một điều kiện có/không của kế hoạch để lộ số người từ 1 "
                f"đến {LARGEST_HIDDEN} ở một đơn vị"
            )
            raise InputError([error(message, code="pinned")])
        sums = frozenset(item.key for item in self._find_sums() if release.add(item))
        return Decision(self.matrix.hidden, sums, verdicts, release)

    def _begin(self, sensitive: Sequence[Sensitive], verdicts: dict[str, BoolArray]) -> Release:
        exchanges = self.matrix.find_exchanges([self.places_of(a.indicator) for a in self.asked])
        shown = [self._hold_verdict(a, verdicts[a.indicator.id]) for a in self.asked]
        return Release(self.matrix, sensitive, exchanges, [one for one in shown if one is not None])

    def places_of(self, indicator: Indicator) -> list[int]:
        """Return the matrix's columns of an indicator, numerator first."""
        names = (*indicator.numerator, *indicator.denominator)
        return [self.matrix.columns.index(name) for name in names]

    def _sides(self, indicator: Indicator) -> tuple[tuple[int, ...], tuple[int, ...]]:
        places, size = self.places_of(indicator), len(indicator.numerator)
        return tuple(places[:size]), tuple(places[size:])

    # What is sensitive

    def _amounts(self, indicator: Indicator) -> list[Amount]:
        part, whole = self._sides(indicator)
        is_ratio = indicator.measure == "ratio"
        return [Amount(part), *([Amount(whole), Amount(whole, part)] if is_ratio else [])]

    def _find_sensitive(self) -> Iterator[Sensitive]:
        matrix = self.matrix
        for amount in matrix.amounts():
            small = matrix.is_known(amount) & is_small(amount.of(matrix.x))
            yield Sensitive(amount, np.where(small, np.arange(len(small)), -1))
        for asked in self.asked:
            for codes in self.scopes.values():
                for amount in self._amounts(asked.indicator):
                    yield Sensitive(amount, self._find_small_groups(asked, codes, amount))

    def _find_small_groups(self, asked: Asked, codes: IntArray, amount: Amount) -> IntArray:
        rows = np.flatnonzero(asked.states.reported & (codes >= 0))
        values, size = amount.of(self.matrix.x)[rows], int(codes.max(initial=0)) + 1
        totals = np.bincount(codes[rows], weights=values, minlength=size).astype(np.int64)
        # A "part" above its whole leaves nobody out.
        odd = np.bincount(codes[rows], weights=values < 0, minlength=size) > 0
        labels = np.full(len(codes), -1, np.int64)
        labels[rows] = np.where((is_small(totals) & ~odd)[codes[rows]], codes[rows], -1)
        return labels

    # Protection: verdicts give way, then figures

    def _protect(self, sensitive: Sequence[Sensitive]) -> dict[str, BoolArray]:
        """Return whose verdicts may stay, and hide more cells, so that the district's sums can stay.

        Where an amount would be exposed, first the verdicts of its row give way. Where it would be
        exposed all by itself (by facts and by the tables' rules), then all figures of the row; where
        a sum over everybody would expose it, figures of others in the same sums.
        """
        verdicts = {a.indicator.id: np.ones(len(self.matrix.x), bool) for a in self.asked}
        for attempt in range(_MOST_ROUNDS):
            release = self._begin(sensitive, verdicts)
            alone = list(release.find_exposed())
            for item in self._find_sums(("district",)):
                release.force(item)
            exposed = list(release.find_exposed())
            if not exposed:
                break
            for amount, rows in exposed:
                for asked in self.asked:
                    if attempt or amount.columns.intersection(self.places_of(asked.indicator)):
                        verdicts[asked.indicator.id][rows] = False
            if attempt > 1 and alone:
                cells = np.zeros(self.matrix.x.shape, bool)
                cells[np.concatenate([rows for _, rows in alone])] = True
                self.matrix.suppress(cells)
            elif attempt > 1:
                self._suppress_companions(release, exposed)
        return verdicts

    def _suppress_companions(
        self, release: Release, exposed: list[tuple[Amount, IntArray]]
    ) -> None:
        """Hide one more count for each exposed one: in the same sums, with the most protection."""
        matrix = self.matrix
        rows_of: dict[int, set[int]] = {}
        for amount, rows in exposed:
            column = (amount.minus or amount.plus)[0]
            rows_of.setdefault(column, set()).update(rows[matrix.hidden[rows, column]].tolist())
        cells = np.zeros(matrix.x.shape, bool)
        for column, lonely in rows_of.items():
            could = ~matrix.hidden[:, column] & (matrix.x[:, column] > 0)
            protection = matrix.try_suppressing(could, column)
            ordered = np.lexsort((matrix.x[:, column], -np.minimum(*protection)))
            for row in sorted(lonely):
                around = release.find_companions(column, row) & could & ~cells[:, column]
                best = ordered[around[ordered]][:1]
                cells[[row, *best], column] = True
        matrix.suppress(cells)

    def _hold_verdict(self, asked: Asked, shown: BoolArray) -> Constraint | None:
        """Return the constraint that an indicator's published verdicts stay what they are."""
        target, indicator = asked.target, asked.indicator
        held = shown & asked.states.reported
        if target is None or not held.any():
            return None
        part, whole = map(Amount, self._sides(indicator))

        def meets(x: IntArray) -> BoolArray:
            below = whole.of(x) if indicator.measure == "ratio" else np.ones(len(x), np.int64)
            return reaches(part.of(x), below, target.minimum, target.is_strict)

        now = meets(self.matrix.x)
        return lambda x, rows: np.asarray(~held[rows] | (meets(x) == now[rows]), bool)

    # Sums, one after the other

    def _find_sums(self, scopes: Sequence[str] = _SCOPES) -> Iterator[PublishedSum]:
        for scope in scopes:
            for asked in self.asked if scope in self.scopes else ():
                yield from self._sums_of(asked, scope)
            for name, members in self.totals.items() if scope == "district" else ():
                column = self.matrix.columns.index(name)
                if not is_small(self.matrix.x[members, [column]].sum(keepdims=True)).any():
                    yield PublishedSum(("", name), frozenset({column}), members)

    def _sums_of(self, asked: Asked, scope: str) -> Iterator[PublishedSum]:
        codes = self.scopes[scope]
        columns = frozenset(self.places_of(asked.indicator))
        for code in np.unique(codes[asked.states.reported & (codes >= 0)]).tolist():
            members = np.asarray(codes == code, bool)
            if self._is_presentable(asked, members):
                key = (asked.indicator.id, scope, self.names[scope][code])
                yield PublishedSum(key, columns, members & asked.states.reported)

    def _is_presentable(self, asked: Asked, members: BoolArray) -> bool:
        """Tell whether a sum counts no few persons itself and its verdict hangs on no few."""
        rows = members & asked.states.reported
        for amount in self._amounts(asked.indicator):
            values = amount.of(self.matrix.x)[rows]
            if is_small(values.sum(keepdims=True)).any() and not (values < 0).any():
                return False
        return _is_firm(asked, members)


def reaches(above: IntArray, below: IntArray, bar: Fraction, is_strict: bool) -> BoolArray:
    """Compare N/D with p/q as N·q with p·D."""
    reach, needed = above * bar.denominator, below * bar.numerator
    return np.asarray(reach > needed if is_strict else reach >= needed, bool)


def _is_firm(asked: Asked, members: BoolArray) -> bool:
    """Tell whether verdict and flags of a sum stay if the figures of the missing are a bit off."""
    states, indicator = asked.states, asked.indicator
    if asked.target is None or indicator.measure != "ratio":
        return True
    own = States(**{name: array[members] for name, array in vars(states).items()})
    sums, ends = pool(own), {}
    for name, sign in _BETTER.items():
        step = MOST_PERSONS * len(indicator.denominator) * np.count_nonzero(getattr(own, name))
        ends[name] = np.maximum(getattr(sums, name) + sign * step * np.array([-1, 0, 1]), 0)
    ends["low_above"] = np.minimum(ends["low_above"], ends["low_below"])
    shifted = replace(sums.take(np.zeros(3, np.int64)), **ends)
    judged = judge(shifted, indicator, Terms(asked.target), is_unit=False)
    return all(len(np.unique(judged[name])) == 1 for name in ("verdict", "flags"))
