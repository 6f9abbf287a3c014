"""Which figures count persons, and which of one year's figures about persons may be shown."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from analysis.indicators.members import BoolArray, IntArray
from analysis.indicators.pooling import pool
from analysis.indicators.states import States
from analysis.indicators.verdicts import Terms, judge
from analysis.plan import Indicator, Target
from analysis.problems import InputError, error
from analysis.redaction.release import Groups, Release, Sum
from analysis.redaction.sheet import LARGEST_HIDDEN, LONGEST_STEP, Amount, Rule, Sheet, is_small

#: In this order sums are shown, as long as nothing comes out.
_SCOPES = ("district", "unit_type", "parent", "commune")
# How often room is looked for; each time some more is hidden.
_MOST_ATTEMPTS = 6
#: Whether a verdict gets better (or worse) where the missing bring more of this.
_BETTER = {"low_above": 1, "low_below": -1, "high_above": 1, "high_below": -1, "free": 1}


@dataclass(frozen=True)
class Asked:
    """One indicator over one year's members.

    Attributes
    ----------
    indicator : Indicator
        That counts persons.
    states : States
        One entry per row of the sheet.
    target : Target or None
        The bar of the year if it is judged.
    """

    indicator: Indicator
    states: States
    target: Target | None


@dataclass(frozen=True)
class Verdict:
    """What may be shown of one year's persons.

    Attributes
    ----------
    hidden : bool array
        Cells, one row per member of the sheet.
    sums : set
        Keys ``(indicator, scope, name)`` and ``("", column)`` (the register's total) that may be
        shown.
    kept : dict of str to bool array
        Whose verdict may be shown though its figures are hidden, by indicator.
    proof : Release
        How persons can be exchanged without anything shown changing.
    """

    hidden: BoolArray
    sums: frozenset[Hashable]
    kept: dict[str, BoolArray]
    proof: Release


@dataclass
class Year:
    """Everything about the persons of one source in one year.

    Attributes
    ----------
    sheet : Sheet
        The counts.
    asked : sequence of Asked
        The indicators over them.
    scopes : dict of str to int array
        The group of every row in each roll-up, -1 for none.
    names : dict of str to sequence
        The names of the groups.
    """

    sheet: Sheet
    asked: Sequence[Asked]
    scopes: dict[str, IntArray]
    names: dict[str, Sequence[str]]
    ids: Sequence[str]
    totals: dict[str, BoolArray] = field(default_factory=dict)

    def decide(self) -> Verdict:
        """Decide what may be shown.

        Raises
        ------
        InputError
            If a fact that the plan asks about pins a hidden count: no figure could be shown.
        """
        groups = list({(g.amount, g.labels.tobytes()): g for g in self._groups()}.values())
        kept = self._make_room(groups)
        release = self._release(groups, kept)
        if release.find_exposed():
            message = (
                "không lập được bản chia sẻ: một điều kiện có/không của kế hoạch để lộ số người từ 1 "
                f"đến {LARGEST_HIDDEN} ở một đơn vị"
            )
            raise InputError([error(message, code="pinned")])
        shown = {item.key for item in self._sums() if release.add(item)}
        if release.find_exposed():  # pragma: no cover - `add` never lets it come to this
            raise AssertionError("a hidden count is exposed")
        return Verdict(self.sheet.hidden, frozenset(shown), kept, release)

    def _release(self, groups: Sequence[Groups], kept: dict[str, BoolArray]) -> Release:
        moves = self.sheet.find_moves([self.places_of(a.indicator) for a in self.asked])
        return Release(self.sheet, groups, moves, self._rules(kept))

    def places_of(self, indicator: Indicator) -> list[int]:
        """Return the sheet's columns of an indicator, numerator first."""
        return self._indices((*indicator.numerator, *indicator.denominator))

    def _indices(self, names: Sequence[str]) -> list[int]:
        return [self.sheet.columns.index(name) for name in names]

    def _amounts(self, indicator: Indicator) -> Iterator[Amount]:
        part = tuple(self._indices(indicator.numerator))
        yield Amount(part)
        if indicator.measure == "ratio":
            whole = tuple(self._indices(indicator.denominator))
            yield Amount(whole)
            yield Amount(whole, part)

    # What must not come out

    def _groups(self) -> Iterator[Groups]:
        sheet = self.sheet
        for amount in sheet.amounts():
            small = sheet.is_known(amount) & is_small(amount.of(sheet.x))
            yield Groups(amount, np.where(small, np.arange(len(small)), -1))
        for asked in self.asked:
            for codes in self.scopes.values():
                for amount in self._amounts(asked.indicator):
                    yield Groups(amount, self._small_groups(asked, codes, amount))

    def _small_groups(self, asked: Asked, codes: IntArray, amount: Amount) -> IntArray:
        rows = np.flatnonzero(asked.states.reported & (codes >= 0))
        values, size = amount.of(self.sheet.x)[rows], int(codes.max(initial=0)) + 1
        totals = np.bincount(codes[rows], weights=values, minlength=size)
        # A "part" above its whole leaves nobody out.
        odd = np.bincount(codes[rows], weights=values < 0, minlength=size) > 0
        labels = np.full(len(codes), -1, np.int64)
        labels[rows] = np.where(
            (is_small(totals.astype(np.int64)) & ~odd)[codes[rows]], codes[rows], -1
        )
        return labels

    # What may be shown

    def _sums(self, scopes: Sequence[str] = _SCOPES) -> Iterator[Sum]:
        for scope in scopes:
            for asked in self.asked if scope in self.scopes else ():
                yield from self._sums_of(asked, scope)
            if scope == "district":
                yield from self._totals()

    def _totals(self) -> Iterator[Sum]:
        for name, members in self.totals.items():
            column = self.sheet.columns.index(name)
            if not is_small(self.sheet.x[members, [column]].sum(keepdims=True)).any():
                yield Sum(("", name), frozenset({column}), members)

    def _sums_of(self, asked: Asked, scope: str) -> Iterator[Sum]:
        codes = self.scopes[scope]
        columns = frozenset(self.places_of(asked.indicator))
        for code in np.unique(codes[asked.states.reported & (codes >= 0)]).tolist():
            members = np.asarray(codes == code, bool)
            if self._is_presentable(asked, members):
                key = (asked.indicator.id, scope, self.names[scope][code])
                yield Sum(key, columns, members & asked.states.reported)

    def _is_presentable(self, asked: Asked, members: BoolArray) -> bool:
        """Tell whether a row counts no few persons itself and its verdict hangs on no few."""
        rows = members & asked.states.reported
        for amount in self._amounts(asked.indicator):
            values = amount.of(self.sheet.x)[rows]
            if is_small(values.sum(keepdims=True)).any() and not (values < 0).any():
                return False
        return _is_firm(asked, members)

    # Verdicts beside hidden figures

    def _make_room(self, groups: Sequence[Groups]) -> dict[str, BoolArray]:
        """Return whose verdicts may stay, and hide more cells, so that the district's sums can stay.

        Where a count would be exposed, first the verdicts of its member give way. Where it would be
        exposed all by itself (by facts and by the rules of the tables), then all figures of the
        member; where a sum over everybody would expose it, figures of others in the same sums.
        """
        kept = {a.indicator.id: np.ones(len(self.sheet.x), bool) for a in self.asked}
        for attempt in range(_MOST_ATTEMPTS):
            release = self._release(groups, kept)
            alone = release.find_exposed()
            for item in self._sums(("district",)):
                release.force(item)
            exposed = release.find_exposed()
            if not exposed:
                break
            for amount, rows in exposed:
                for asked in self.asked:
                    if attempt or amount.columns.intersection(self.places_of(asked.indicator)):
                        kept[asked.indicator.id][rows] = False
            if attempt > 1 and alone:
                cells = np.zeros(self.sheet.x.shape, bool)
                cells[np.concatenate([rows for _, rows in alone])] = True
                self.sheet.choose(cells)
            elif attempt > 1:
                self._add_company(release, exposed)
        return kept

    def _add_company(self, release: Release, exposed: list[tuple[Amount, IntArray]]) -> None:
        """Hide, beside each exposed count, one more that is summed with it and has the most room."""
        sheet = self.sheet
        rows_of: dict[int, set[int]] = {}
        for amount, rows in exposed:
            column = (amount.minus or amount.plus)[0]
            rows_of.setdefault(column, set()).update(rows[sheet.hidden[rows, column]].tolist())
        chosen = np.zeros(sheet.x.shape, bool)
        for column, lonely in rows_of.items():
            could = ~sheet.hidden[:, column] & (sheet.x[:, column] > 0)
            up, down = sheet.try_room(could, column)
            ordered = np.lexsort((sheet.x[:, column], -np.minimum(up, down)))
            for row in sorted(lonely):
                around = release.companions(column, row) & could & ~chosen[:, column]
                best = ordered[around[ordered]][:1]
                chosen[[row, *best], column] = True
        sheet.choose(chosen)

    def _rules(self, kept: dict[str, BoolArray]) -> list[Rule]:
        found = [self._rule(a, kept[a.indicator.id]) for a in self.asked]
        return [rule for rule in found if rule is not None]

    def _rule(self, asked: Asked, kept: BoolArray) -> Rule | None:
        target, indicator = asked.target, asked.indicator
        held = kept & asked.states.reported
        if target is None or not held.any():
            return None
        part = Amount(tuple(self._indices(indicator.numerator)))
        whole = Amount(tuple(self._indices(indicator.denominator)))

        def meets(x: IntArray) -> BoolArray:
            below = whole.of(x) if indicator.measure == "ratio" else np.ones(len(x), np.int64)
            return reaches(part.of(x), below, target.minimum, target.is_strict)

        now = meets(self.sheet.x)
        return lambda x, rows: np.asarray(~held[rows] | (meets(x) == now[rows]), bool)


def reaches(above: IntArray, below: IntArray, bar: Fraction, is_strict: bool) -> BoolArray:
    """Compare N/D with p/q as N·q with p·D."""
    reach, needed = above * bar.denominator, below * bar.numerator
    return np.asarray(reach > needed if is_strict else reach >= needed, bool)


def _is_firm(asked: Asked, members: BoolArray) -> bool:
    """Tell whether a row's verdict stays what it is if the figures of the missing are a bit off."""
    states, indicator = asked.states, asked.indicator
    if asked.target is None or indicator.measure != "ratio":
        return True
    own = States(**{name: array[members] for name, array in vars(states).items()})
    sums, ends = pool(own), {}
    for name, sign in _BETTER.items():
        step = LONGEST_STEP * len(indicator.denominator) * np.count_nonzero(getattr(own, name))
        ends[name] = np.maximum(getattr(sums, name) + sign * step * np.array([-1, 0, 1]), 0)
    ends["low_above"] = np.minimum(ends["low_above"], ends["low_below"])
    shifted = replace(sums.take(np.zeros(3, np.int64)), **ends)
    verdicts = judge(shifted, indicator, Terms(asked.target), is_unit=False)["verdict"]
    return len(np.unique(verdicts)) == 1
