"""Which of one year's figures about persons are hidden and which published: the order of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from analysis.plan import Indicator, Target
from analysis.problems import InputError, error
from analysis.redaction.matrix import MOST_PERSONS, Amount, Constraint, Matrix, is_small
from analysis.redaction.protection import PublishedSum, Release, Sensitive
from analysis.redaction.sensitive import LARGEST_HIDDEN
from analysis.results.members import BoolArray, IntArray, Scope
from analysis.results.states import States, pool
from analysis.results.verdicts import Terms, judge

#: In this order sums are published, as long as nothing comes out.
_SCOPES = ("district", "unit_type", "parent", "commune")
# How often protection is looked for; each time some more is hidden.
_MOST_ROUNDS = 6
#: Whether a verdict gets better (or worse) where the missing bring more of this.
_BETTER = {"low_above": 1, "low_below": -1, "high_above": 1, "high_below": -1, "free": 1}

#: A row of the indicator table in one year: indicator, scope and scope_id.
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Asked:
    """An indicator that counts persons."""

    indicator: Indicator
    #: What each row is for it.
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

    def counts_few(self, amount: Amount, x: IntArray) -> bool:
        """Tell whether rows together count few persons; a "part" above its whole leaves nobody out."""
        values = amount.of(x)
        return bool(is_small(values.sum(keepdims=True)).any() and not (values < 0).any())

    def hold_verdict(self, x: IntArray, shown: BoolArray) -> Constraint | None:
        """Return the constraint that the verdicts published of some rows stay what they are."""
        target, held = self.target, shown & self.states.reported
        if target is None or not held.any():
            return None

        def meets(x: IntArray) -> BoolArray:
            below = Amount(self.whole).of(x) if self.whole else np.ones(len(x), np.int64)
            return reaches(Amount(self.part).of(x), below, target.minimum, target.is_strict)

        now = meets(x)
        return lambda x, rows: np.asarray(~held[rows] | (meets(x) == now[rows]), bool)

    def is_firm(self, members: BoolArray) -> bool:
        """Tell whether a sum's verdict and flags stay if the figures of the missing are a bit off."""
        if self.target is None or not self.whole:
            return True
        own = States(**{name: array[members] for name, array in vars(self.states).items()})
        sums, ends = pool(own), {}
        for name, sign in _BETTER.items():
            step = MOST_PERSONS * len(self.whole) * np.count_nonzero(getattr(own, name))
            ends[name] = np.maximum(getattr(sums, name) + sign * step * np.array([-1, 0, 1]), 0)
        ends["low_above"] = np.minimum(ends["low_above"], ends["low_below"])
        shifted = replace(sums.take(np.zeros(3, np.int64)), **ends)
        judged = judge(shifted, self.indicator, Terms(self.target), is_unit=False)
        return all(len(np.unique(judged[name])) == 1 for name in ("verdict", "flags"))


class Decision(NamedTuple):
    """What is published of one year's persons."""

    #: Cells of the matrix that are not.
    hidden: BoolArray
    #: Rows of the indicator table: with their ``figures``, a unit's with its ``verdict`` alone, or with
    #: nothing, where the numerator of somebody is ``known`` who did not report all.
    rows: dict[Key, str]
    #: What the register's counts add up to.
    totals: dict[str, int]
    #: How persons can be exchanged without anything published changing.
    proof: Release


@dataclass
class Respondents:
    """All persons of one source in one year."""

    matrix: Matrix
    asked: Sequence[Asked]
    #: The group of every row in each roll-up, -1 for none.
    scopes: dict[str, Scope]
    #: Columns whose total the register shows, and over which rows.
    totals: dict[str, BoolArray]

    def decide(self) -> Decision:
        """Hide what is sensitive, look for protection, then publish one sum after the other.

        Raises
        ------
        InputError
            If a fact that the plan asks about pins a hidden count: no figure could be published.
        """
        found = {(s.amount, s.labels.tobytes()): s for s in self._find_sensitive()}
        sensitive = list(found.values())
        verdicts, release = self._protect(sensitive)
        if any(release.find_exposed()):
            message = (
                "không lập được bản chia sẻ: một điều kiện có/không của kế hoạch để lộ số người từ 1 "
                f"đến {LARGEST_HIDDEN} ở một đơn vị"
            )
            raise InputError([error(message, code="pinned")])
        rows: dict[Key, str] = {}
        for asked in self.asked:
            reported, missing = asked.states.reported, asked.states.missing
            for scope in self.scopes:
                known = self._keys(asked, scope, missing & asked.part_known)
                rows |= dict.fromkeys(known, "known")
            hidden = self.matrix.hidden[:, list(asked.columns)].any(axis=1)
            held = self._keys(asked, "unit", reported & hidden & verdicts[asked.indicator.id])
            rows |= dict.fromkeys(held, "verdict")
            rows |= dict.fromkeys(self._keys(asked, "unit", reported & ~hidden), "figures")
        published = {item.key: item for item in self._find_sums() if release.add(item)}
        rows |= {key: "figures" for key in published if isinstance(key, tuple)}
        totals = {
            name: int(self.matrix.x[rows, self.matrix.columns.index(name)].sum())
            for name, rows in self.totals.items()
            if name in published
        }
        return Decision(self.matrix.hidden, rows, totals, release)

    def _keys(self, asked: Asked, scope: str, rows: BoolArray) -> dict[Key, int]:
        """Return the indicator's rows of a scope in which any of some respondents is."""
        if scope not in self.scopes:
            return {}
        codes, names = self.scopes[scope].codes, self.scopes[scope].names
        present = np.unique(codes[rows & (codes >= 0)]).tolist()
        return {(asked.indicator.id, scope, names[code]): code for code in present}

    def _begin(self, sensitive: Sequence[Sensitive], verdicts: dict[str, BoolArray]) -> Release:
        matrix = self.matrix
        exchanges = matrix.find_exchanges([a.columns for a in self.asked])
        shown = [a.hold_verdict(matrix.x, verdicts[a.indicator.id]) for a in self.asked]
        return Release(matrix, sensitive, exchanges, [one for one in shown if one is not None])

    def _find_sensitive(self) -> Iterator[Sensitive]:
        """Yield every amount of few persons: of single rows, and of groups that reported."""
        matrix = self.matrix
        for amount in matrix.amounts():
            few = amount.is_few(matrix.x, matrix.known)
            yield Sensitive(amount, np.where(few, np.arange(len(few)), -1))
        for asked in self.asked:
            reported = asked.states.reported
            for scope in _SCOPES:
                groups = self._keys(asked, scope, reported).values()
                for amount in asked.amounts():
                    labels = np.full(len(reported), -1, np.int64)
                    for code in groups:
                        rows = reported & (self.scopes[scope].codes == code)
                        if asked.counts_few(amount, matrix.x[rows]):
                            labels[rows] = code
                    yield Sensitive(amount, labels)

    # Protection: verdicts give way, then figures

    def _protect(self, sensitive: Sequence[Sensitive]) -> tuple[dict[str, BoolArray], Release]:
        """Return whose verdicts may stay, and hide more cells, so that the district's sums can stay.

        Where an amount would be exposed, first the verdicts of its row give way. Where it would be
        exposed all by itself (by facts and by the tables' rules), then all figures of the row; where
        a sum over everybody would expose it, figures of others in the same sums.
        """
        verdicts = {a.indicator.id: np.ones(len(self.matrix.x), bool) for a in self.asked}
        for attempt in range(_MOST_ROUNDS):
            release = self._begin(sensitive, verdicts)
            with_sums = copy(release)
            for item in self._find_sums(("district",)):
                with_sums.force(item)
            exposed = list(with_sums.find_exposed())
            if not exposed:
                return verdicts, release
            for amount, rows in exposed:
                for asked in self.asked:
                    if attempt or {*amount.plus, *amount.minus}.intersection(asked.columns):
                        verdicts[asked.indicator.id][rows] = False
            alone = [rows for _, rows in release.find_exposed()] if attempt > 1 else []
            if alone:
                cells = np.zeros(self.matrix.x.shape, bool)
                cells[np.concatenate(alone)] = True
                self.matrix.suppress(cells)
            elif attempt > 1:
                self._suppress_companions(with_sums, exposed)
        return verdicts, self._begin(sensitive, verdicts)

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

    # Sums, one after the other

    def _find_sums(self, scopes: Sequence[str] = _SCOPES) -> Iterator[PublishedSum]:
        """Yield the sums that count no few persons and whose verdicts hang on no few missing."""
        x = self.matrix.x
        for scope in scopes:
            for asked in self.asked:
                for key, code in self._keys(asked, scope, asked.states.reported).items():
                    members = np.asarray(self.scopes[scope].codes == code, bool)
                    rows = members & asked.states.reported
                    few = any(asked.counts_few(amount, x[rows]) for amount in asked.amounts())
                    if not few and asked.is_firm(members):
                        yield PublishedSum(key, frozenset(asked.columns), rows)
            for name, members in self.totals.items() if scope == "district" else ():
                column = self.matrix.columns.index(name)
                if not is_small(x[members, [column]].sum(keepdims=True)).any():
                    yield PublishedSum(name, frozenset({column}), members)


def reaches(above: IntArray, below: IntArray, bar: Fraction, is_strict: bool) -> BoolArray:
    """Compare N/D with p/q as N·q with p·D."""
    reach, needed = above * bar.denominator, below * bar.numerator
    return np.asarray(reach > needed if is_strict else reach >= needed, bool)
